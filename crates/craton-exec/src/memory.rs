//! How much memory there is, how much is used, and how much a stage needs.

use crate::coalesce::most_together;
use crate::stage::{ScanUse, Uses};
use crate::tile::tile_lengths;
use crate::{columns, pending};
use craton_core::{AxisGrid, DType, Pool};
use craton_kernels::scan::rolling_scratch_len;
use craton_plan::AxisMap;
use craton_plan::node::Meta;
use craton_plan::operator::{Groups, ReduceWork};
use craton_plan::physical::stage::StoreTo;
use craton_plan::physical::{Input, Local, LocalKind, SinkKind, Space, Stage};

/// Memory that the process may still use: what its control group and the machine leave.
#[must_use]
pub fn available_memory() -> u64 {
    let machine = status_line("/proc/meminfo", "MemAvailable:");
    let group = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
    .iter()
    .filter_map(|path| {
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    })
    .min();
    // Two GiB where the system does not tell: small enough for any machine that runs this.
    machine.into_iter().chain(group).min().unwrap_or(2 << 30)
}

/// The most memory that was ever resident, in bytes; 0 where the system does not tell.
#[must_use]
pub fn peak_resident() -> u64 {
    status_line("/proc/self/status", "VmHWM:").unwrap_or(0)
}

/// Memory that is resident now.
pub(crate) fn resident() -> u64 {
    status_line("/proc/self/status", "VmRSS:").unwrap_or(32 << 20)
}

fn status_line(path: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// What a stage needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// For each task that runs.
    pub per_task: u64,
    /// Once.
    pub shared: u64,
    /// Chunks that are kept for other tasks: without room for them they are decoded again.
    pub kept: u64,
}

impl Held {
    /// With so many tasks at once.
    pub(crate) fn total(self, tasks: usize) -> u64 {
        let tasks = self.per_task.saturating_mul(tasks as u64);
        self.shared.saturating_add(self.kept).saturating_add(tasks)
    }

    /// With one task, and no chunk kept.
    pub(crate) fn least(self) -> u64 {
        self.shared.saturating_add(self.per_task)
    }
}

/// Memory by when it is held, summed up part by part.
#[derive(Default)]
struct Tally {
    /// By a task from beginning to end.
    held: u64,
    /// By a task while it loads.
    encoded: u64,
    /// By a task that has loaded.
    used: u64,
    /// By the stage.
    shared: u64,
    /// By the stage, if there is room.
    kept: u64,
}

/// Estimates a stage that runs with `threads`, from grids and cuts alone.
pub(crate) fn estimate(stage: &Stage, uses: &Uses, slots: &[Meta], threads: usize) -> Held {
    let mut tally = Tally {
        held: 512 << 10,
        ..Tally::default()
    };
    for scan in uses.scans() {
        tally.scan(scan);
    }
    let lengths: Vec<u64> = stage.cuts.iter().map(|cuts| widest(cuts)).collect();
    let elements = times(1, lengths.iter().copied());
    let tile = tile_lengths(&stage.space, &lengths);
    add(&mut tally.held, locals(&stage.space, &tile));
    for sink in &stage.sinks {
        let size = sink.dtype.item_size().unwrap_or(16) as u64;
        match &sink.kind {
            SinkKind::Reduce { work, slot } => tally.fold(work, &slots[*slot], stage, &lengths),
            SinkKind::Columns { work, dtype, to } => {
                let whole = columns::bytes(&stage.cuts, size);
                add(&mut tally.shared, lent(whole));
                add(&mut tally.used, columns::scratch(work, &stage.cuts, size));
                match to {
                    StoreTo::Slot(slot) => add(&mut tally.shared, lent(slots[*slot].bytes())),
                    StoreTo::Sink(sink) => {
                        let size = dtype.item_size().unwrap_or(16) as u64;
                        let results = columns::result_lengths(work, &stage.cuts);
                        add(&mut tally.shared, lent(times(size, results)));
                        let axes = &sink.chunks().grid.axes;
                        let chunk = times(size, axes.iter().map(AxisGrid::largest_encoded));
                        add(&mut tally.used, lent(chunk).saturating_mul(3));
                    }
                }
            }
            SinkKind::Store(to) => tally.store(to, stage, None, elements, size, slots, threads),
            SinkKind::Cumulate {
                axis,
                is_reversed,
                to,
                dtype,
                ..
            } => {
                let result = dtype.item_size().unwrap_or(16) as u64;
                add(&mut tally.used, lent(elements.saturating_mul(size)));
                add(&mut tally.used, lent(elements.saturating_mul(result)));
                let reversed = is_reversed.then_some(*axis);
                tally.store(to, stage, reversed, elements, result, slots, threads);
            }
        }
    }
    Held {
        // Encoded bytes are gone before a task's sinks take memory of their own.
        per_task: tally.held.saturating_add(tally.encoded.max(tally.used)),
        shared: tally.shared,
        kept: tally.kept,
    }
}

impl Tally {
    fn scan(&mut self, scan: &ScanUse) {
        let size = scan.source.meta().dtype.item_size().unwrap_or(16) as u64;
        let axes = &scan.source.meta().grid.axes;
        let chunk = lent(times(size, axes.iter().map(AxisGrid::largest_encoded)));
        let stored = times(size, scan.axes.iter().map(|axis| axis.stored));
        let needed = times(size, scan.axes.iter().map(|axis| axis.needed));
        // Well-compressed data need less, and the pool still holds the line.
        self.encoded = self.encoded.max(chunk / 10 * 7);
        add(&mut self.held, chunk.saturating_mul(scan.held));
        if scan.axes.iter().any(|axis| axis.chunks > 1) {
            add(&mut self.held, lent(needed));
            // Small chunks that lie side by side are read together.
            let chunks = times(1, scan.axes.iter().map(|axis| axis.chunks));
            self.encoded = self.encoded.max(lent(most_together(chunks, stored)));
        }
        if scan.is_shared() {
            add(&mut self.kept, stored);
        }
    }

    fn fold(&mut self, work: &ReduceWork, result: &Meta, stage: &Stage, lengths: &[u64]) {
        let words = work.fold.words() as u64 * 8;
        let kept = (0..lengths.len())
            .filter(|axis| !work.is_reduced[*axis])
            .map(|axis| match &work.groups {
                Some(groups) if groups.axis == axis => most_groups(groups, &stage.cuts[axis]),
                _ => lengths[axis],
            });
        // The partial being folded, and one that waits for its turn.
        let partial = lent(times(words, kept));
        add(&mut self.used, partial);
        add(&mut self.held, partial);
        let states = times(words, result.shape.iter().copied());
        add(&mut self.shared, lent(states));
        add(&mut self.shared, lent(result.bytes()));
    }

    /// Values that are kept or written as they are; along the axis `reversed` the last comes first.
    #[allow(clippy::too_many_arguments, reason = "all that the estimate rests on")]
    fn store(
        &mut self,
        to: &StoreTo,
        stage: &Stage,
        reversed: Option<usize>,
        elements: u64,
        size: u64,
        slots: &[Meta],
        threads: usize,
    ) {
        let sink = match to {
            StoreTo::Slot(slot) => return add(&mut self.shared, lent(slots[*slot].bytes())),
            StoreTo::Sink(sink) => sink,
        };
        let axes = &sink.chunks().grid.axes;
        let stored = times(size, axes.iter().map(AxisGrid::largest_encoded));
        let waiting = pending::most(&stage.cuts, axes, reversed, threads);
        // A chunk that is a whole task is encoded where it lies; any other is copied together first.
        let is_task = waiting == 0 && stored == elements.saturating_mul(size);
        add(&mut self.used, lent(elements.saturating_mul(size)));
        add(
            &mut self.used,
            lent(stored).saturating_mul(if is_task { 2 } else { 3 }),
        );
        let whole = times(size, axes.iter().map(AxisGrid::largest));
        add(&mut self.shared, lent(whole).saturating_mul(waiting));
    }
}

/// The longest interval between cuts.
fn widest(cuts: &[u64]) -> u64 {
    cuts.windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap_or(0)
}

/// The most groups that one task meets.
fn most_groups(groups: &Groups, cuts: &[u64]) -> u64 {
    let count = |pair: &[u64]| groups.present(pair[0], pair[1] - pair[0]).len() as u64;
    cuts.windows(2).map(count).max().unwrap_or(0)
}

/// What windows and concatenations over a tile of `lengths` hold.
fn locals(space: &Space, lengths: &[u64]) -> u64 {
    let leaves = space.leaves.iter().map(|leaf| match &leaf.input {
        Input::Local(local) => local_bytes(local, &leaf.maps, lengths),
        _ => 0,
    });
    leaves.fold(0, u64::saturating_add)
}

fn local_bytes(local: &Local, maps: &[AxisMap], lengths: &[u64]) -> u64 {
    let extents = &local.meta.shape;
    let region: Vec<u64> = maps
        .iter()
        .zip(extents)
        .map(|(map, extent)| span(map, lengths).min(*extent))
        .collect();
    let bytes = |dtype: DType, lengths: &[u64]| {
        let size = dtype.item_size().unwrap_or(16) as u64;
        lent(times(size, lengths.iter().copied()))
    };
    let inner = match &local.kind {
        LocalKind::Rolling {
            body, axis, window, ..
        } => {
            let mut inner = region.clone();
            let before = *window as u64 - 1;
            inner[*axis] = inner[*axis].saturating_add(before).min(extents[*axis]);
            let columns = times(1, inner[axis + 1..].iter().copied());
            let [rows, columns] =
                [inner[*axis], columns].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
            let scratch = rolling_scratch_len(*window, rows, columns) as u64;
            bytes(body.dtype, &inner)
                .saturating_add(lent(scratch.saturating_mul(8)))
                .saturating_add(locals(&body.space, &inner))
        }
        LocalKind::Concat { pieces, .. } => {
            let each = pieces.iter().map(|(_, body)| locals(&body.space, &region));
            each.max().unwrap_or(0)
        }
    };
    bytes(local.meta.dtype, &region).saturating_add(inner)
}

/// From the first index to the last that an interval needs along one axis.
#[allow(
    clippy::cast_possible_truncation,
    reason = "compared with the length of a list we hold"
)]
fn span(map: &AxisMap, lengths: &[u64]) -> u64 {
    let length = map.axis().map_or(1, |axis| lengths[axis]);
    match map {
        _ if length == 0 => 0,
        AxisMap::Affine { step, .. } => (length - 1)
            .saturating_mul(step.unsigned_abs())
            .saturating_add(1),
        AxisMap::Gather { list, .. } if list.is_sorted() => {
            let ends = list.windows((length as usize).clamp(1, list.len().max(1)));
            let spans = ends.map(|part| part[part.len() - 1] - part[0] + 1);
            spans.max().unwrap_or(0)
        }
        AxisMap::Gather { .. } => u64::MAX,
        _ => length,
    }
}

/// Plans may speak of more bytes than there are; such work is refused, not wrapped round.
fn add(total: &mut u64, more: u64) {
    *total = total.saturating_add(more);
}

/// What the pool lends for so many bytes.
fn lent(bytes: u64) -> u64 {
    usize::try_from(bytes).map_or(bytes, |bytes| Pool::rounded(bytes) as u64)
}

fn times(size: u64, lengths: impl IntoIterator<Item = u64>) -> u64 {
    lengths.into_iter().fold(size, u64::saturating_mul)
}
