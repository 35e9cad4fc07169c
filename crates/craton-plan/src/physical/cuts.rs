//! Where tasks begin and end: at the chunk boundaries of the source that is most work to read.

use super::stage::{Input, LocalKind, SinkKind, Space, Stage, StageSink, StoreTo};
use crate::axis_map::AxisMap;
use craton_core::{AxisGrid, Error, ErrorKind, Result, Source};
use std::sync::Arc;

/// A fold over an outer axis makes and merges a state per task; from this many indices on that is amortised.
const FOLDED_TOGETHER: u64 = 24;
/// Thin chunks are taken together only up to this many bytes.
const TOGETHER_BYTES: u64 = 32 << 20;
/// Tasks without a source to drive them hold about this many elements.
const FREE_TASK_ELEMENTS: u64 = 1 << 20;

/// Such tasks along one axis at most, so that the list of cuts stays small.
const FREE_PARTS: u64 = 1 << 16;

/// Cuts along one axis at most. A file may claim any number of chunks; the longest axes in use have a million.
const MOST_CUTS: usize = 1 << 22;

/// Tasks of one stage at most: years of work, and far from where counting them would wrap round.
const MOST_TASKS: u64 = 1 << 40;

/// A source as seen from a stage's space: per axis of the source, the index that each index of the space needs.
struct Scan {
    source: Arc<dyn Source>,
    maps: Vec<AxisMap>,
}

impl Scan {
    fn bytes(&self) -> u64 {
        let meta = self.source.meta();
        let size = meta.dtype.item_size().unwrap_or(16) as u64;
        meta.shape
            .iter()
            .fold(size, |bytes, length| bytes.saturating_mul(*length))
    }

    /// Bytes that a task reads for each index along `axis` of the space, at most.
    fn bytes_along(&self, axis: usize, cuts: &[Vec<u64>]) -> u64 {
        let meta = self.source.meta();
        let size = meta.dtype.item_size().unwrap_or(16) as u64;
        let axes = self.maps.iter().zip(&meta.shape);
        axes.fold(size, |bytes, (map, extent)| {
            let needed = match map {
                AxisMap::Fixed(_) => 1,
                _ if map.axis() == Some(axis) => 1,
                AxisMap::Affine { axis, step, .. } => {
                    widest(&cuts[*axis]).saturating_mul(step.unsigned_abs().max(1))
                }
                _ => *extent,
            };
            bytes.saturating_mul(needed.min(*extent))
        })
    }
}

/// The cuts of a stage, per axis.
pub(super) fn cut_stage(stage: &Stage) -> Result<Vec<Vec<u64>>> {
    let extents = &stage.space.extents;
    let mut scans = Vec::new();
    collect_scans(
        &stage.space,
        &AxisMap::identity(extents.len()),
        extents,
        &mut scans,
    );
    scans.sort_by_key(|scan| std::cmp::Reverse(scan.bytes()));
    let mut read: Vec<Option<AxisCuts>> = vec![None; extents.len()];
    for scan in &scans {
        for (axis, more) in scan_cuts(scan, extents)? {
            match &mut read[axis] {
                None => read[axis] = Some(more),
                Some(cuts) if cuts.is_read.contains(&false) => cuts.refine(&more),
                Some(_) => {}
            }
        }
    }
    let mut cuts: Vec<Option<Vec<u64>>> = read
        .into_iter()
        .map(|read| read.map(|read| read.cuts))
        .collect();
    for (axis, cut) in cuts.iter_mut().enumerate() {
        if cut.is_none() {
            *cut = sink_cuts(&stage.sinks, axis);
        }
    }
    let mut cuts: Vec<Vec<u64>> = cuts
        .into_iter()
        .zip(extents)
        .map(|(cut, extent)| cut.unwrap_or_else(|| vec![0, *extent]))
        .collect();
    if scans.is_empty() {
        cut_freely(&mut cuts, extents);
    } else {
        take_thin_chunks_together(stage, &scans, &mut cuts);
    }
    let tasks = cuts
        .iter()
        .try_fold(1u64, |count, cut| count.checked_mul(cut.len() as u64 - 1));
    if tasks.is_none_or(|count| count > MOST_TASKS) {
        return Err(scans.first().map_or_else(
            || {
                Error::new(
                    ErrorKind::Budget,
                    "the result has too many chunks for one plan",
                )
            },
            too_many,
        ));
    }
    Ok(cuts)
}

/// Every source under `space`, through locals too. `maps` says how the axes of `space` follow from the stage's.
fn collect_scans(space: &Space, maps: &[AxisMap], extents: &[u64], scans: &mut Vec<Scan>) {
    for leaf in &space.leaves {
        let Some(through) = leaf
            .maps
            .iter()
            .map(|map| map.after(maps, extents))
            .collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        match &leaf.input {
            // Another piece of a concatenation is read where a fixed index lies outside of this one.
            Input::Source(source) if is_outside(&through, &source.meta().shape) => {}
            Input::Source(source) => scans.push(Scan {
                source: source.clone(),
                maps: through,
            }),
            Input::Local(local) => match &local.kind {
                LocalKind::Rolling { body, .. } => {
                    collect_scans(&body.space, &through, extents, scans)
                }
                LocalKind::Concat { axis, pieces } => {
                    for (start, body) in pieces {
                        let mut shifted = through.clone();
                        shifted[*axis] = shift(&shifted[*axis], *start);
                        collect_scans(&body.space, &shifted, extents, scans);
                    }
                }
            },
            Input::Slot(_) | Input::Literal(_) => {}
        }
    }
}

fn is_outside(maps: &[AxisMap], shape: &[u64]) -> bool {
    let mut axes = maps.iter().zip(shape);
    axes.any(|(map, extent)| matches!(map, AxisMap::Fixed(at) if at >= extent))
}

/// The map to indices counted from `start`; what lies before wraps round and so lies outside every extent.
fn shift(map: &AxisMap, start: u64) -> AxisMap {
    match map {
        AxisMap::Affine {
            axis,
            start: first,
            step,
        } => AxisMap::Affine {
            axis: *axis,
            start: first.wrapping_sub(start),
            step: *step,
        },
        AxisMap::Gather { axis, list } => AxisMap::Gather {
            axis: *axis,
            list: list.iter().map(|index| index.wrapping_sub(start)).collect(),
        },
        AxisMap::Fixed(at) => AxisMap::Fixed(at.wrapping_sub(start)),
        other => other.clone(),
    }
}

/// Cuts along one axis, and which of the intervals between them lie on a source.
#[derive(Clone)]
struct AxisCuts {
    cuts: Vec<u64>,
    is_read: Vec<bool>,
}

impl AxisCuts {
    /// Cuts what lies on no source yet at the cuts of `other`: the next piece of a concatenation, say.
    fn refine(&mut self, other: &Self) {
        let mut refined = Self {
            cuts: vec![0],
            is_read: Vec::new(),
        };
        for (pair, is_read) in self.cuts.windows(2).zip(&self.is_read) {
            if *is_read || pair[0] == pair[1] {
                refined.cuts.push(pair[1]);
                refined.is_read.push(*is_read);
                continue;
            }
            let first = other.cuts.partition_point(|cut| *cut <= pair[0]).max(1);
            for (end, is_read) in other
                .cuts
                .iter()
                .zip(std::iter::once(&false).chain(&other.is_read))
                .skip(first)
            {
                refined.cuts.push((*end).min(pair[1]));
                refined.is_read.push(*is_read);
                if *end >= pair[1] {
                    break;
                }
            }
        }
        *self = refined;
    }
}

/// Per axis of the space that the source follows, the indices at which another chunk begins.
fn scan_cuts(scan: &Scan, extents: &[u64]) -> Result<Vec<(usize, AxisCuts)>> {
    let mut cuts = Vec::new();
    for (map, grid) in scan.maps.iter().zip(&scan.source.meta().grid.axes) {
        if let Some(axis) = map.axis() {
            let found = axis_cuts(map, grid, extents[axis]).ok_or_else(|| too_many(scan))?;
            cuts.push((axis, found));
        }
    }
    Ok(cuts)
}

fn too_many(scan: &Scan) -> Error {
    let meta = scan.source.meta();
    let chunks: Vec<u64> = meta.grid.axes.iter().map(AxisGrid::len).collect();
    let message = format!(
        "an array of {:?} in {chunks:?} chunks is too much for one plan",
        meta.shape
    );
    let hint = format!(
        "select a part: at most {MOST_CUTS} chunks along a dimension, and {MOST_TASKS} in all"
    );
    Error::new(ErrorKind::Budget, message)
        .at(scan.source.url())
        .hint(hint)
}

/// Nothing if there are too many.
fn axis_cuts(map: &AxisMap, grid: &AxisGrid, extent: u64) -> Option<AxisCuts> {
    let mut found = AxisCuts {
        cuts: vec![0],
        is_read: Vec::new(),
    };
    let mut at = 0;
    let mut last = None;
    while at < extent {
        let index = map.index(at).unwrap_or(u64::MAX);
        let chunk = (index < grid.extent()).then(|| grid.chunk_of(index));
        if chunk != last && at > 0 {
            if found.cuts.len() == MOST_CUTS {
                return None;
            }
            found.cuts.push(at);
            found.is_read.push(last.is_some());
        }
        last = chunk;
        at = at.saturating_add(stride_to_next_chunk(map, grid, index, chunk));
    }
    found.cuts.push(extent);
    found.is_read.push(last.is_some());
    Some(found)
}

/// How many indices of the space are certain to stay in the same chunk (or outside), at least 1.
fn stride_to_next_chunk(map: &AxisMap, grid: &AxisGrid, index: u64, chunk: Option<u64>) -> u64 {
    let AxisMap::Affine { step, .. } = map else {
        return 1;
    };
    let distance = step.unsigned_abs().max(1);
    let Some(chunk) = chunk.map(|position| grid.chunk(position)) else {
        // Outside: a wrapped negative number lies before the first index, any other one past the last.
        let is_before = index.cast_signed() < 0;
        return match (is_before, *step > 0) {
            (true, true) => index.cast_signed().unsigned_abs().div_ceil(distance),
            (false, false) => (index - grid.extent()) / distance + 1,
            // It only gets further away.
            _ => u64::MAX,
        };
    };
    if *step > 0 {
        (chunk.end() - index).div_ceil(distance)
    } else {
        (index - chunk.start) / distance + 1
    }
}

fn sink_cuts(sinks: &[StageSink], axis: usize) -> Option<Vec<u64>> {
    let sink = sinks.iter().find_map(|sink| match &sink.kind {
        // The other way round; nothing says where to begin then.
        SinkKind::Cumulate {
            axis: along,
            is_reversed: true,
            ..
        } if *along == axis => None,
        SinkKind::Store(StoreTo::Sink(sink))
        | SinkKind::Cumulate {
            to: StoreTo::Sink(sink),
            ..
        } => Some(sink),
        _ => None,
    })?;
    let grid = &sink.chunks().grid.axes[axis];
    let starts = grid.iter().map(|chunk| chunk.start);
    Some(if grid.is_empty() {
        vec![0, 0]
    } else {
        starts.chain([grid.extent()]).collect()
    })
}

/// Cuts the outer axes of a space that no source drives into tasks of a few MiB.
fn cut_freely(cuts: &mut [Vec<u64>], extents: &[u64]) {
    let mut inner = extents
        .iter()
        .fold(1u64, |count, extent| count.saturating_mul(*extent));
    for (cut, extent) in cuts.iter_mut().zip(extents) {
        if inner <= FREE_TASK_ELEMENTS || *extent == 0 {
            return;
        }
        inner /= extent;
        if cut.len() == 2 {
            let fewest = extent.div_ceil(FREE_PARTS);
            let length = (FREE_TASK_ELEMENTS / inner.max(1)).clamp(fewest, *extent);
            *cut = (0..extent.div_ceil(length))
                .map(|part| part * length)
                .chain([*extent])
                .collect();
        }
    }
}

/// Makes one task of thin chunks where each would cost a task much: a state to make and merge, the rows that a window
/// needs before it, or a chunk of the result that waits while others compute its parts.
fn take_thin_chunks_together(stage: &Stage, scans: &[Scan], cuts: &mut [Vec<u64>]) {
    let Some((axis, least)) = fold_axis(stage)
        .map(|axis| (axis, FOLDED_TOGETHER))
        .or_else(|| window_axis(&stage.space, cuts))
        .or_else(|| stored_axis(stage, cuts))
    else {
        return;
    };
    if cuts[axis].len() <= 2 {
        return;
    }
    let size = stage
        .sinks
        .iter()
        .filter_map(|sink| sink.dtype.item_size())
        .max()
        .unwrap_or(8) as u64;
    let mut result = size;
    for (_, cut) in cuts.iter().enumerate().filter(|(other, _)| *other != axis) {
        result = result.saturating_mul(widest(cut));
    }
    let read = scans.iter().map(|scan| scan.bytes_along(axis, cuts));
    let room = TOGETHER_BYTES / read.fold(0, u64::saturating_add).max(result).max(1);
    let least = least.min(room);
    let stored = sink_cuts(&stage.sinks, axis).filter(|stored| {
        widest(stored) <= room
            && stored
                .iter()
                .all(|cut| cuts[axis].binary_search(cut).is_ok())
    });
    let places = stored.unwrap_or_else(|| cuts[axis].clone());
    let mut merged = vec![0];
    for pair in places.windows(2) {
        let start = *merged.last().unwrap_or(&0);
        let is_full = pair[0] - start >= least || pair[1] - start > room;
        if is_full && pair[0] > start {
            merged.push(pair[0]);
        }
    }
    merged.push(*places.last().unwrap_or(&0));
    cuts[axis] = merged;
}

fn widest(cut: &[u64]) -> u64 {
    let lengths = cut.windows(2).map(|pair| pair[1] - pair[0]);
    lengths.max().unwrap_or(1)
}

/// The innermost axis that is folded.
fn fold_axis(stage: &Stage) -> Option<usize> {
    let folded = stage.sinks.iter().filter_map(|sink| match &sink.kind {
        SinkKind::Reduce { work, .. } => (0..stage.space.extents.len()).rfind(|axis| {
            let groups = work.groups.as_ref();
            work.is_reduced[*axis] || groups.is_some_and(|groups| groups.axis == *axis)
        }),
        _ => None,
    });
    folded.max()
}

/// The axis along which the longest windows slide, if tasks are much shorter than those, and as many indices as the
/// windows need before a box.
fn window_axis(space: &Space, cuts: &[Vec<u64>]) -> Option<(usize, u64)> {
    let reach = space.reach()?.into_iter().enumerate();
    reach
        .max_by_key(|(_, before)| *before)
        .filter(|(axis, before)| *before > 2 * widest(&cuts[*axis]))
}

/// The outermost axis along which a chunk of the result is longer than a task, and how long.
fn stored_axis(stage: &Stage, cuts: &[Vec<u64>]) -> Option<(usize, u64)> {
    (0..cuts.len()).find_map(|axis| {
        let length = widest(&sink_cuts(&stage.sinks, axis)?);
        (length > widest(&cuts[axis])).then_some((axis, length))
    })
}
