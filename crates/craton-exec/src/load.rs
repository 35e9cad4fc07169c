//! `locate → read → decode` for the leaves of a task.

use crate::cache::Chunk;
use crate::control::count;
use crate::local::{Loaded, load_local};
use crate::need::AxisNeed;
use crate::stage::Worker;
use crate::view::{Step, Values, View};
use craton_core::block::c_strides;
use craton_core::{
    Buffer, BufferMut, ChunkRef, Decode, Decoded, Error, ErrorKind, MissingMeans, Order, Result,
    Source, StoredRange,
};
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
                steps[axis] = Step::Stride(place(input_axis, index(start + 1)) - first);
            }
        } else {
            let table = (start..start + length).map(|position| place(input_axis, index(position)));
            steps[axis] = Step::Table(table.collect());
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

fn item_size(source: &Arc<dyn Source>) -> Result<usize> {
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
    let mut which = vec![0usize; needs.len()];
    loop {
        let segments: Vec<_> = needs
            .iter()
            .zip(&which)
            .map(|(need, at)| need.segments[*at])
            .collect();
        let index: Vec<u64> = segments.iter().map(|segment| segment.position).collect();
        let corner: isize = segments
            .iter()
            .zip(&strides)
            .map(|(segment, stride)| segment.offset as isize * stride)
            .sum();
        let shape: Vec<usize> = segments
            .iter()
            .map(|segment| segment.length() as usize)
            .collect();
        let first: Vec<u64> = segments
            .iter()
            .map(|segment| segment.first - segment.chunk.start + segment.chunk.skip)
            .collect();
        let chunk = fetch(leaf, source, &index, worker)?;
        let target = Part {
            corner: corner as usize,
            shape: &shape,
            strides: &strides,
            size,
        };
        copy_part(source, &chunk, &first, &target, &mut out);
        let Some(axis) = (0..which.len())
            .rev()
            .find(|axis| which[*axis] + 1 < needs[*axis].segments.len())
        else {
            return Ok(out.freeze());
        };
        which[axis] += 1;
        which[axis + 1..].fill(0);
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

/// The chunk, from the cache where other tasks need it too.
fn fetch(
    leaf: &Leaf,
    source: &Arc<dyn Source>,
    index: &[u64],
    worker: &Worker<'_>,
) -> Result<Chunk> {
    worker.check()?;
    let (number, uses) = worker.uses.of(leaf, index);
    let chunk = worker.cache.get((number, index.to_vec()), uses, || {
        match read_chunk(source, index, worker) {
            Err(error) if error.kind() == ErrorKind::Budget => {
                // What other tasks may want again is worth less than going on.
                worker.cache.evict();
                read_chunk(source, index, worker)
            }
            other => other,
        }
    });
    chunk.map_err(|error| error.in_chunk(index).at(source.url()))
}

/// Locates, reads and decodes one chunk.
pub(crate) fn read_chunk(
    source: &Arc<dyn Source>,
    index: &[u64],
    worker: &Worker<'_>,
) -> Result<Chunk> {
    let meta = source.meta();
    let shape: Vec<usize> = meta
        .grid
        .chunk(index)
        .iter()
        .map(|chunk| chunk.encoded as usize)
        .collect();
    let fill = || Ok(Chunk::Fill(meta.fill_value.clone()));
    match read_encoded(source, index, worker)? {
        Encoded::Missing => fill(),
        Encoded::Bytes(encoded, decode, place) => {
            let decoded = decode_elements(source, encoded, decode.as_ref(), &shape, worker);
            decoded.map_err(|error| match place {
                Some(stored) => error.at(stored.store.url_of(&stored.location)),
                None => error.at(source.url()),
            })
        }
    }
}

/// A chunk's encoded bytes.
pub(crate) enum Encoded {
    Missing,
    Bytes(Buffer, Arc<dyn Decode>, Option<Box<StoredRange>>),
}

/// Locates and reads one chunk.
pub(crate) fn read_encoded(
    source: &Arc<dyn Source>,
    index: &[u64],
    worker: &Worker<'_>,
) -> Result<Encoded> {
    let located = {
        let _span = tracing::trace_span!("locate", url = %source.url(), chunk = ?index).entered();
        pollster::block_on(source.locate(index))?
    };
    match located {
        ChunkRef::Missing => Ok(Encoded::Missing),
        ChunkRef::Inline { bytes, decode } => Ok(Encoded::Bytes(bytes, decode, None)),
        ChunkRef::Stored(stored) => {
            count(&worker.control.requests, 1);
            let encoded = {
                let _span = tracing::trace_span!("read", location = %stored.location).entered();
                let read = stored
                    .store
                    .read(&stored.location, stored.range, worker.pool);
                pollster::block_on(read)?
            };
            match encoded {
                Some(encoded) => {
                    count(&worker.control.bytes_read, encoded.len() as u64);
                    let decode = stored.decode.clone();
                    Ok(Encoded::Bytes(
                        encoded.freeze(),
                        decode,
                        Some(Box::new(stored)),
                    ))
                }
                None if stored.if_missing == MissingMeans::FillValue => Ok(Encoded::Missing),
                None => {
                    let url = stored.store.url_of(&stored.location);
                    Err(Error::not_found("the file that holds this chunk does not exist").at(url))
                }
            }
        }
    }
}

fn decode_elements(
    source: &Arc<dyn Source>,
    encoded: Buffer,
    decode: &dyn Decode,
    shape: &[usize],
    worker: &Worker<'_>,
) -> Result<Chunk> {
    let size = item_size(source)?;
    let length = shape
        .iter()
        .try_fold(size, |bytes, length| bytes.checked_mul(*length));
    let length = length.ok_or_else(|| Error::corrupt("a chunk is larger than memory can be"))?;
    let _span = tracing::trace_span!("decode", url = %source.url(), bytes = length).entered();
    count(&worker.control.chunks_decoded, 1);
    count(&worker.control.bytes_decoded, length as u64);
    let (buffer, decoded) = match decode.is_identity() {
        Some(decoded) if encoded.len() == length => (encoded, decoded),
        Some(_) => {
            let message = format!(
                "the chunk has {} bytes where its shape needs {length}",
                encoded.len()
            );
            return Err(Error::corrupt(message));
        }
        None => {
            let mut out: BufferMut = worker.take(length)?;
            let decoded = decode.decode(&encoded, &mut out, worker.pool)?;
            (out.freeze(), decoded)
        }
    };
    let Decoded::Elements {
        order,
        is_swapped,
        is_shuffled,
    } = decoded
    else {
        return Err(Error::corrupt("strings where numbers were promised"));
    };
    Ok(Chunk::Elements {
        buffer,
        strides: strides_of(&order, shape),
        is_swapped,
        is_shuffled,
    })
}

/// Element strides of the array's axes for chunk elements stored in `order`.
fn strides_of(order: &Order, shape: &[usize]) -> Vec<isize> {
    let Order::Permuted(axes) = order else {
        return c_strides(shape);
    };
    let stored: Vec<usize> = axes.iter().map(|axis| shape[*axis]).collect();
    let mut strides = vec![0; shape.len()];
    for (axis, stride) in axes.iter().zip(c_strides(&stored)) {
        strides[*axis] = stride;
    }
    strides
}
