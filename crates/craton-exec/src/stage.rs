//! What a worker has at hand, and how often each chunk of a stage is needed.

use crate::ahead::Ahead;
use crate::cache::Cache;
use crate::control::Control;
use crate::need::AxisNeed;
use crate::store::{Scratch, SpareScratch};
use crate::view::View;
use craton_core::{AxisGrid, Block, BufferMut, Error, ErrorKind, Pool, Result, Source};
use craton_kernels::program::Program;
use craton_plan::AxisMap;
use craton_plan::physical::{Input, Leaf, Local, LocalKind, Space, Stage};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// Everything that a task may use.
pub(crate) struct Worker<'a> {
    pub pool: &'a Pool,
    pub control: &'a Control,
    pub cache: &'a Cache,
    /// What is read before it is asked for.
    pub ahead: Option<&'a Ahead<'a>>,
    pub uses: &'a Uses,
    pub slots: &'a [OnceLock<Block>],
    pub scratch: &'a SpareScratch,
    /// Set when a task of the stage failed, so that the others stop.
    pub has_failed: &'a AtomicBool,
}

impl Worker<'_> {
    /// Fails if the work was stopped from outside or by another task's failure.
    pub(crate) fn check(&self) -> Result<()> {
        if self.has_failed.load(Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "another task failed"));
        }
        self.control.check()
    }

    /// Scratch for the strips of an expression; best given back.
    pub(crate) fn scratch(&self, program: &Program, views: &[&View], rows: usize) -> Scratch {
        self.scratch.take(program, views, rows)
    }

    /// Keeps scratch for the next task.
    pub(crate) fn give_back(&self, scratch: Scratch) {
        self.scratch.give_back(scratch);
    }

    /// A buffer within the budget.
    pub(crate) fn take(&self, length: usize) -> Result<BufferMut> {
        self.pool.take(length).or_else(|_| {
            self.cache.evict();
            self.pool.take(length)
        })
    }

    /// The result of an earlier stage.
    pub(crate) fn slot(&self, slot: usize) -> Result<Block> {
        let filled = self.slots.get(slot).and_then(OnceLock::get);
        filled
            .cloned()
            .ok_or_else(|| Error::internal(format!("slot {slot} is used before it is filled")))
    }
}

/// How often each chunk of each source is needed by the tasks of a stage.
pub(crate) struct Uses {
    /// By leaf address: the number of its source, which leaves with the same source share.
    numbers: HashMap<usize, usize>,
    scans: Vec<ScanUse>,
}

/// One source leaf of a stage, and how its axes follow the stage's.
pub(crate) struct ScanUse {
    pub source: Arc<dyn Source>,
    number: usize,
    /// Per axis of the source.
    pub axes: Vec<AxisUse>,
    /// Tasks along the stage's axes that this source does not follow.
    repeats: u64,
    /// How many chunks a task holds for this leaf that it does not hold for an earlier one of the same source.
    pub held: u64,
}

/// One axis of a source.
pub(crate) struct AxisUse {
    /// Tasks that need each chunk; only chunks that some task needs, because an axis may claim to have any number.
    counts: BTreeMap<u64, u32>,
    /// The most elements that one task needs, and the most stored elements of the chunks they lie in.
    pub needed: u64,
    pub stored: u64,
    /// The most chunks that one task needs.
    pub chunks: u64,
}

impl Uses {
    /// Counts for all tasks of `stage`.
    pub(crate) fn of_stage(stage: &Stage) -> Self {
        let paths = paths(&stage.space);
        let mut uses = Self {
            numbers: HashMap::new(),
            scans: Vec::new(),
        };
        for path in &paths {
            let known = uses
                .scans
                .iter()
                .find(|scan| Arc::ptr_eq(&scan.source, path.source));
            let number = known.map_or(uses.scans.len(), |scan| scan.number);
            uses.numbers
                .insert(std::ptr::from_ref(path.leaf) as usize, number);
            uses.scans.push(path.count(number, &stage.cuts));
        }
        for number in 0..uses.scans.len() {
            uses.hold_together(number, &paths, &stage.cuts);
        }
        uses
    }

    /// Leaves of one source that each need one chunk at a time, such as both sides of an interpolation, mostly need the
    /// same one: together a task holds no more chunks than all of them need along each axis.
    fn hold_together(&mut self, number: usize, paths: &[Path<'_>], cuts: &[Vec<u64>]) {
        let same = |at: &usize| self.scans[*at].number == number;
        let same: Vec<usize> = (0..self.scans.len()).filter(same).collect();
        let is_single = |at: &usize| self.scans[*at].axes.iter().all(|axis| axis.chunks <= 1);
        let [first, _, ..] = same.as_slice() else {
            return;
        };
        if !same.iter().all(is_single) {
            return;
        }
        let paths: Vec<&Path<'_>> = same.iter().map(|at| &paths[*at]).collect();
        let axes = 0..self.scans[*first].axes.len();
        let together = axes.map(|axis| most_together(axis, &paths, cuts));
        let mut left = together.fold(1, u64::saturating_mul);
        for at in same {
            self.scans[at].held = left.min(1);
            left -= self.scans[at].held;
        }
    }

    /// The number of the leaf's source, and how many times tasks will ask for this chunk.
    pub(crate) fn of(&self, leaf: &Leaf, index: &[u64]) -> (usize, u64) {
        let number = self
            .numbers
            .get(&(std::ptr::from_ref(leaf) as usize))
            .copied()
            .unwrap_or(usize::MAX);
        let scans = self.scans.iter().filter(|scan| scan.number == number);
        (number, scans.map(|scan| scan.count(index)).sum())
    }

    /// How many chunks are needed at all, and the bytes stored in them. A chunk that several leaves read counts once.
    pub(crate) fn wanted(&self) -> (u64, u64) {
        let mut all = (0, 0u64);
        for (at, scan) in self.scans.iter().enumerate() {
            if self.scans[..at]
                .iter()
                .any(|earlier| earlier.number == scan.number)
            {
                continue;
            }
            let same: Vec<&ScanUse> = self
                .scans
                .iter()
                .filter(|other| other.number == scan.number)
                .collect();
            let (chunks, elements) = wanted_from(0, &same, &mut HashMap::new());
            let size = scan.source.meta().dtype.item_size().unwrap_or(16) as u64;
            all.0 += chunks;
            all.1 = all.1.saturating_add(elements.saturating_mul(size));
        }
        all
    }

    /// Every source, once.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        let scans = self.scans.iter().enumerate();
        let is_new = |(at, scan): &(usize, &ScanUse)| {
            let mut earlier = self.scans[..*at].iter();
            !earlier.any(|other| other.number == scan.number)
        };
        scans.filter(is_new).map(|(_, scan)| &scan.source)
    }

    /// The scans, for estimates of memory.
    pub(crate) fn scans(&self) -> &[ScanUse] {
        &self.scans
    }
}

impl ScanUse {
    fn count(&self, index: &[u64]) -> u64 {
        let along =
            |(axis, at): (&AxisUse, &u64)| u64::from(axis.counts.get(at).copied().unwrap_or(0));
        self.repeats * self.axes.iter().zip(index).map(along).product::<u64>()
    }

    /// Whether some chunk is needed by more than one task.
    pub(crate) fn is_shared(&self) -> bool {
        self.repeats > 1
            || self
                .axes
                .iter()
                .any(|axis| axis.counts.values().any(|count| *count > 1))
    }
}

/// Chunks along `axis` and the axes after it that any of some leaves of one source needs, and the elements in them.
///
/// Chunks that the same leaves need count alike, so each set of leaves is looked at once per axis.
fn wanted_from(
    axis: usize,
    scans: &[&ScanUse],
    known: &mut HashMap<(usize, Vec<usize>), (u64, u64)>,
) -> (u64, u64) {
    let Some(grid) = scans
        .first()
        .and_then(|scan| scan.source.meta().grid.axes.get(axis))
    else {
        return (u64::from(!scans.is_empty()), u64::from(!scans.is_empty()));
    };
    let mut all = (0u64, 0u64);
    let needed = scans.iter().flat_map(|scan| scan.axes[axis].counts.keys());
    for position in needed.copied().collect::<BTreeSet<u64>>() {
        let needs = |scan: &&&ScanUse| scan.axes[axis].counts.contains_key(&position);
        let needing: Vec<&ScanUse> = scans.iter().filter(needs).copied().collect();
        let addresses = needing
            .iter()
            .map(|scan| std::ptr::from_ref(*scan) as usize);
        let key = (axis, addresses.collect());
        let inner = match known.get(&key) {
            Some(inner) => *inner,
            None => {
                let inner = wanted_from(axis + 1, &needing, known);
                known.insert(key, inner);
                inner
            }
        };
        all.0 = all.0.saturating_add(inner.0);
        let length = grid.chunk(position).encoded;
        all.1 = all.1.saturating_add(inner.1.saturating_mul(length));
    }
    all
}

/// The most chunks along `axis` of their source that several leaves need in one task.
fn most_together(axis: usize, paths: &[&Path<'_>], cuts: &[Vec<u64>]) -> u64 {
    let stage_axis = paths[0].stage_axis(axis);
    if paths.iter().any(|path| path.stage_axis(axis) != stage_axis) {
        return paths.len() as u64;
    }
    let grid = &paths[0].source.meta().grid.axes[axis];
    let whole = [0, 1];
    let cuts = stage_axis.map_or(whole.as_slice(), |stage_axis| cuts[stage_axis].as_slice());
    let parts = cuts.windows(2).map(|pair| (pair[0], pair[1] - pair[0]));
    let together = parts.map(|part| {
        let needs = paths.iter().filter_map(|path| {
            let (start, length) = path.interval(axis, part)?;
            Some(AxisNeed::of(&path.leaf.maps[axis], grid, start, length))
        });
        let positions: BTreeSet<u64> = needs
            .flat_map(|need| need.segments.into_iter().map(|segment| segment.position))
            .collect();
        positions.len() as u64
    });
    together.max().unwrap_or(1)
}

/// The way from a stage's space down to a source leaf.
pub(crate) struct Path<'a> {
    hops: Vec<Hop<'a>>,
    pub leaf: &'a Leaf,
    pub source: &'a Arc<dyn Source>,
}

/// One local on that way.
#[derive(Clone)]
pub(crate) struct Hop<'a> {
    maps: &'a [AxisMap],
    shape: &'a [u64],
    kind: HopKind,
}

#[derive(Clone, Copy)]
pub(crate) enum HopKind {
    Window {
        axis: usize,
        window: u64,
    },
    Piece {
        axis: usize,
        start: u64,
        length: u64,
    },
}

/// The ways to all source leaves of a space.
pub(crate) fn paths(space: &Space) -> Vec<Path<'_>> {
    let mut paths = Vec::new();
    collect_paths(space, &mut Vec::new(), &mut paths);
    paths
}

fn collect_paths<'a>(space: &'a Space, hops: &mut Vec<Hop<'a>>, paths: &mut Vec<Path<'a>>) {
    for leaf in &space.leaves {
        match &leaf.input {
            Input::Source(source) => paths.push(Path {
                hops: hops.clone(),
                leaf,
                source,
            }),
            Input::Local(local) => collect_local(local, &leaf.maps, hops, paths),
            Input::Slot(_) | Input::Literal(_) => {}
        }
    }
}

fn collect_local<'a>(
    local: &'a Local,
    maps: &'a [AxisMap],
    hops: &mut Vec<Hop<'a>>,
    paths: &mut Vec<Path<'a>>,
) {
    let shape = local.meta.shape.as_slice();
    match &local.kind {
        LocalKind::Rolling {
            body, axis, window, ..
        } => {
            hops.push(Hop {
                maps,
                shape,
                kind: HopKind::Window {
                    axis: *axis,
                    window: *window as u64,
                },
            });
            collect_paths(&body.space, hops, paths);
            hops.pop();
        }
        LocalKind::Concat { axis, pieces } => {
            for (start, body) in pieces {
                let kind = HopKind::Piece {
                    axis: *axis,
                    start: *start,
                    length: body.space.extents[*axis],
                };
                hops.push(Hop { maps, shape, kind });
                collect_paths(&body.space, hops, paths);
                hops.pop();
            }
        }
    }
}

impl Path<'_> {
    fn count(&self, number: usize, cuts: &[Vec<u64>]) -> ScanUse {
        let mut follows = vec![false; cuts.len()];
        let grids = &self.source.meta().grid.axes;
        let axes = (0..self.leaf.maps.len())
            .map(|axis| {
                let parts: Vec<(u64, u64)> = match self.stage_axis(axis) {
                    Some(stage_axis) => {
                        follows[stage_axis] = true;
                        cuts[stage_axis]
                            .windows(2)
                            .map(|pair| (pair[0], pair[1] - pair[0]))
                            .collect()
                    }
                    None => vec![(0, 1)],
                };
                self.count_axis(axis, &grids[axis], &parts)
            })
            .collect();
        let free = cuts.iter().zip(&follows).filter(|(_, follows)| !**follows);
        let repeats = free.map(|(cut, _)| cut.len() as u64 - 1).product();
        ScanUse {
            source: self.source.clone(),
            number,
            axes,
            repeats,
            held: 1,
        }
    }

    fn count_axis(&self, axis: usize, grid: &AxisGrid, parts: &[(u64, u64)]) -> AxisUse {
        let mut counted = AxisUse {
            counts: BTreeMap::new(),
            needed: 0,
            stored: 0,
            chunks: 0,
        };
        for part in parts {
            let Some(need) = self.need(axis, grid, *part) else {
                continue;
            };
            for segment in &need.segments {
                let count = counted.counts.entry(segment.position).or_insert(0_u32);
                *count = count.saturating_add(1);
            }
            let stored = need
                .segments
                .iter()
                .map(|segment| segment.chunk.encoded)
                .sum();
            counted.needed = counted.needed.max(need.length());
            counted.stored = counted.stored.max(stored);
            counted.chunks = counted.chunks.max(need.segments.len() as u64);
        }
        counted
    }

    /// What an interval of the stage's axis needs along one axis of the source; `None` if nothing.
    fn need(&self, axis: usize, grid: &AxisGrid, part: (u64, u64)) -> Option<AxisNeed> {
        let (start, length) = self.interval(axis, part)?;
        Some(AxisNeed::of(&self.leaf.maps[axis], grid, start, length))
    }

    /// The positions of the chunks that a task needs, per axis of the source; `None` if it needs none.
    pub(crate) fn positions(&self, ranges: &[(u64, u64)]) -> Option<Vec<Vec<u64>>> {
        let grids = &self.source.meta().grid.axes;
        let along = |(axis, grid): (usize, &AxisGrid)| {
            let part = self.stage_axis(axis).map_or((0, 1), |axis| ranges[axis]);
            let need = self.need(axis, grid, part)?;
            let positions = need.segments.iter().map(|segment| segment.position);
            Some(positions.collect::<Vec<u64>>()).filter(|positions| !positions.is_empty())
        };
        grids.iter().enumerate().map(along).collect()
    }

    /// The stage axis that axis `axis` of the leaf follows.
    fn stage_axis(&self, axis: usize) -> Option<usize> {
        let last = self.leaf.maps[axis].axis()?;
        self.hops
            .iter()
            .rev()
            .try_fold(last, |axis, hop| hop.maps[axis].axis())
    }

    /// The interval of the leaf's own space that an interval of the stage's axis needs.
    fn interval(&self, axis: usize, part: (u64, u64)) -> Option<(u64, u64)> {
        // The axis that leads to the leaf's, hop by hop from the innermost outwards.
        let Some(mut at) = self.leaf.maps[axis].axis() else {
            return Some(part);
        };
        let mut axes = vec![at];
        for hop in self.hops.iter().rev() {
            match hop.maps[at].axis() {
                Some(outer) => at = outer,
                None => break,
            }
            axes.push(at);
        }
        let mut interval = part;
        for (depth, hop) in self.hops.iter().enumerate() {
            // Hops outside of one that fixes the index have no say in it.
            let Some(inner_axis) = axes.get(self.hops.len() - 1 - depth).copied() else {
                continue;
            };
            let grid = AxisGrid::single(hop.shape[inner_axis]);
            let need = AxisNeed::of(&hop.maps[inner_axis], &grid, interval.0, interval.1);
            let segment = need.segments.first()?;
            interval = hop
                .kind
                .inner(inner_axis, (segment.first, segment.length()))?;
        }
        Some(interval)
    }
}

impl HopKind {
    fn inner(self, axis: usize, (start, length): (u64, u64)) -> Option<(u64, u64)> {
        match self {
            Self::Window {
                axis: windowed,
                window,
            } if windowed == axis => {
                let first = start.saturating_sub(window - 1);
                Some((first, start + length - first))
            }
            Self::Piece {
                axis: joined,
                start: piece,
                length: extent,
            } if joined == axis => {
                let low = start.max(piece);
                let high = (start + length).min(piece + extent);
                (low < high).then(|| (low - piece, high - low))
            }
            _ => Some((start, length)),
        }
    }
}
