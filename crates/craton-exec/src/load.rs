//! The leaves of a task as views over blocks.

use crate::cache::Chunk;
use crate::fetch::{MOST_LOCATED, fetch, fetch_all};
use crate::local::{Loaded, load_local};
use crate::need::{AxisNeed, Segment};
use crate::stage::Worker;
use crate::view::{Step, Values, View};
use craton_core::block::c_strides;
use craton_core::{Buffer, Error, ErrorKind, Result, Source};
use craton_kernels::load::{gather_strided, swap_bytes, unshuffle};
use craton_plan::AxisMap;
use craton_plan::physical::{Input, Leaf};
use std::sync::Arc;

/// What the leaf needs for the box `ranges` (`(start, length)` per axis of its space).
pub(crate) fn load<'a>(
    leaf: &'a Leaf,
    ranges: &[(u64, u64)],
    worker: &Worker<'_>,
) -> Result<Loaded<'a>> {
    let whole = |block| Ok(reindex(&View::of_block(block)?, &leaf.maps, ranges));
    let view = match &leaf.input {
        Input::Source(source) => load_source(leaf, source, ranges, worker),
        Input::Literal(block) => whole(block),
        Input::Slot(slot) => whole(&worker.slot(*slot)?),
        Input::Local(local) => {
            return load_local(local, &leaf.maps, ranges, worker).map(Loaded::Local);
        }
    };
    Ok(Loaded::View(view?, ranges.to_vec()))
}

/// A view over a whole array, seen through `maps` from a box.
fn reindex(whole: &View, maps: &[AxisMap], ranges: &[(u64, u64)]) -> View {
    let at = |axis: usize, index: u64| whole.steps[axis].offset(index as usize);
    through(whole, maps, ranges, at, |_| true)
}

/// Builds the view of a box from the place of each index along each axis of the input.
/// `is_even` says on which axes of the input places are evenly spaced.
pub(crate) fn through(
    values: &View,
    maps: &[AxisMap],
    ranges: &[(u64, u64)],
    place: impl Fn(usize, u64) -> isize,
    is_even: impl Fn(usize) -> bool,
) -> View {
    let mut base = values.base;
    let mut steps = vec![Step::Stride(0); ranges.len()];
    for (input_axis, map) in maps.iter().enumerate() {
        let index = |position: u64| map.index(position).unwrap_or_default();
        let Some(axis) = map.axis() else {
            base += place(input_axis, index(0));
            continue;
        };
        let (start, length) = ranges[axis];
        if length == 0 {
            continue;
        }
        if matches!(map, AxisMap::Affine { .. }) && is_even(input_axis) {
            let first = place(input_axis, index(start));
            base += first;
            if length > 1 {
                let stride = place(input_axis, index(start + 1)) - first;
                steps[axis] = steps[axis].plus(&Step::Stride(stride), length as usize);
            }
        } else {
            let table = (start..start + length).map(|position| place(input_axis, index(position)));
            steps[axis] = steps[axis].plus(&Step::Table(table.collect()), length as usize);
        }
    }
    View {
        base,
        steps,
        ..values.clone()
    }
}

fn load_source(
    leaf: &Leaf,
    source: &Arc<dyn Source>,
    ranges: &[(u64, u64)],
    worker: &Worker<'_>,
) -> Result<View> {
    let meta = source.meta();
    let needs = source_needs(leaf, source, ranges);
    if needs.iter().any(|need| need.segments.is_empty()) {
        return Ok(View::constant(meta.fill_value.clone(), ranges.len()));
    }
    let size = item_size(source)?;
    if needs.iter().all(|need| need.segments.len() == 1) {
        let index: Vec<u64> = needs.iter().map(|need| need.segments[0].position).collect();
        let chunk = fetch(leaf, source, &index, worker)?;
        let Chunk::Elements {
            buffer,
            strides,
            is_swapped,
            is_shuffled,
        } = chunk
        else {
            return Ok(View::constant(meta.fill_value.clone(), ranges.len()));
        };
        let values = View {
            dtype: meta.dtype,
            size,
            values: Values::Elements {
                buffer,
                is_swapped,
                is_shuffled,
            },
            base: 0,
            steps: Vec::new(),
        };
        let place = |axis: usize, index: u64| {
            let chunk = needs[axis].segments[0].chunk;
            (index - chunk.start + chunk.skip) as isize * strides[axis]
        };
        return Ok(through(&values, &leaf.maps, ranges, place, |_| true));
    }
    let buffer = assemble(leaf, source, &needs, size, worker)?;
    let lengths: Vec<usize> = needs.iter().map(|need| need.length() as usize).collect();
    let strides = c_strides(&lengths);
    let values = View {
        dtype: meta.dtype,
        size,
        values: Values::Elements {
            buffer,
            is_swapped: false,
            is_shuffled: false,
        },
        base: 0,
        steps: Vec::new(),
    };
    let place = |axis: usize, index: u64| needs[axis].position(index) as isize * strides[axis];
    Ok(through(&values, &leaf.maps, ranges, place, |axis| {
        needs[axis].is_consecutive()
    }))
}

/// What the box needs along each axis of the source.
pub(crate) fn source_needs(
    leaf: &Leaf,
    source: &Arc<dyn Source>,
    ranges: &[(u64, u64)],
) -> Vec<AxisNeed> {
    let need = |(map, grid): (&AxisMap, _)| {
        let (start, length) = map.axis().map_or((0, 1), |axis| ranges[axis]);
        AxisNeed::of(map, grid, start, length)
    };
    leaf.maps
        .iter()
        .zip(&source.meta().grid.axes)
        .map(need)
        .collect()
}

pub(crate) fn item_size(source: &Arc<dyn Source>) -> Result<usize> {
    let dtype = source.meta().dtype;
    dtype
        .item_size()
        .ok_or_else(|| Error::unsupported(format!("arithmetic on {dtype} values")).at(source.url()))
}

/// The needed parts of several chunks, put together in C order.
fn assemble(
    leaf: &Leaf,
    source: &Arc<dyn Source>,
    needs: &[AxisNeed],
    size: usize,
    worker: &Worker<'_>,
) -> Result<Buffer> {
    let lengths: Vec<usize> = needs.iter().map(|need| need.length() as usize).collect();
    let strides = c_strides(&lengths);
    let total = lengths
        .iter()
        .try_fold(size, |bytes, length| bytes.checked_mul(*length));
    let total =
        total.ok_or_else(|| Error::new(ErrorKind::Budget, "a task's input is too large"))?;
    let mut out = worker.take(total)?;
    let mut pieces = Pieces::of(needs, &strides);
    loop {
        let batch: Vec<Piece> = pieces.by_ref().take(MOST_LOCATED).collect();
        if batch.is_empty() {
            return Ok(out.freeze());
        }
        let indices: Vec<&[u64]> = batch.iter().map(|piece| &piece.index[..]).collect();
        fetch_all(leaf, source, &indices, worker, |at, chunk| {
            let piece = &batch[at];
            let target = Part {
                corner: piece.corner,
                shape: &piece.shape,
                strides: &strides,
                size,
            };
            copy_part(source, chunk, &piece.first, &target, &mut out);
        })?;
    }
}

/// The part of one chunk that a box needs.
struct Piece {
    /// The chunk.
    index: Vec<u64>,
    /// The first element of the chunk that is needed, along each axis.
    first: Vec<u64>,
    /// How many.
    shape: Vec<usize>,
    /// Where they begin in the box.
    corner: usize,
}

/// The pieces of a box in C order.
struct Pieces<'a> {
    needs: &'a [AxisNeed],
    strides: &'a [isize],
    /// The next one, by the segment of each axis.
    next: Option<Vec<usize>>,
}

impl<'a> Pieces<'a> {
    fn of(needs: &'a [AxisNeed], strides: &'a [isize]) -> Self {
        Self {
            needs,
            strides,
            next: Some(vec![0; needs.len()]),
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let mut which = self.next.take()?;
        let segments: Vec<_> = self
            .needs
            .iter()
            .zip(&which)
            .map(|(need, at)| need.segments[*at])
            .collect();
        let corner: isize = segments
            .iter()
            .zip(self.strides)
            .map(|(segment, stride)| segment.offset as isize * stride)
            .sum();
        let skipped = |segment: &Segment| segment.first - segment.chunk.start + segment.chunk.skip;
        let piece = Piece {
            index: segments.iter().map(|segment| segment.position).collect(),
            first: segments.iter().map(skipped).collect(),
            shape: segments
                .iter()
                .map(|segment| segment.length() as usize)
                .collect(),
            corner: corner as usize,
        };
        let axis = (0..which.len())
            .rev()
            .find(|axis| which[*axis] + 1 < self.needs[*axis].segments.len());
        if let Some(axis) = axis {
            which[axis] += 1;
            which[axis + 1..].fill(0);
            self.next = Some(which);
        }
        Some(piece)
    }
}

/// A box inside a larger C-order buffer.
struct Part<'a> {
    corner: usize,
    shape: &'a [usize],
    strides: &'a [isize],
    size: usize,
}

/// Copies the box of `chunk` that begins at `first` into `part` of `out`, in native form.
fn copy_part(
    source: &Arc<dyn Source>,
    chunk: &Chunk,
    first: &[u64],
    part: &Part<'_>,
    out: &mut [u8],
) {
    let size = part.size;
    let rank = part.shape.len();
    let row = part.shape.last().copied().unwrap_or(1);
    let outer = &part.shape[..rank.saturating_sub(1)];
    let mut index = vec![0usize; outer.len()];
    loop {
        let mut to = part.corner;
        let mut from = 0isize;
        for axis in 0..rank {
            let at = index.get(axis).copied().unwrap_or(0);
            to += at * part.strides[axis] as usize;
            if let Chunk::Elements { strides, .. } = chunk {
                from += (first[axis] as isize + at as isize) * strides[axis];
            }
        }
        let target = &mut out[to * size..(to + row) * size];
        match chunk {
            Chunk::Fill(value) => craton_core::block::fill_with(target, value.bytes()),
            Chunk::Elements {
                buffer,
                strides,
                is_swapped,
                is_shuffled,
            } => {
                let stride = strides.last().copied().unwrap_or(1);
                let start = from as usize;
                if *is_shuffled {
                    let total = buffer.len() / size;
                    if stride == 1 {
                        unshuffle(buffer, total, size, start, row, target);
                    } else {
                        for (at, item) in target.chunks_exact_mut(size).enumerate() {
                            unshuffle(
                                buffer,
                                total,
                                size,
                                (from + at as isize * stride) as usize,
                                1,
                                item,
                            );
                        }
                    }
                } else if stride == 1 {
                    target.copy_from_slice(&buffer[start * size..(start + row) * size]);
                } else {
                    gather_strided(buffer, start, stride, row, size, target);
                }
                if *is_swapped {
                    swap_bytes(target, source.meta().dtype.swap_size());
                }
            }
        }
        let Some(axis) = (0..index.len())
            .rev()
            .find(|axis| index[*axis] + 1 < outer[*axis])
        else {
            return;
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}
