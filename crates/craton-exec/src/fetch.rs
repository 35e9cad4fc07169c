//! `locate → read → decode` of the chunks that tasks need.

use crate::ahead::Ready;
use crate::cache::{Chunk, Claim, Key, Promise};
use crate::coalesce::{MOST_BETWEEN, Together, coalesce, most_together};
use crate::control::count;
use crate::load::item_size;
use crate::stage::Worker;
use crate::wait::wait_for;
use craton_core::block::c_strides;
use craton_core::{
    Buffer, BufferMut, ByteRange, ChunkRef, Decode, Decoded, Error, ErrorKind, MissingMeans, Order,
    Result, Source, StoredRange,
};
use craton_plan::physical::Leaf;
use futures_util::future::join_all;
use std::ops::Range;
use std::sync::Arc;

/// Chunks that a task locates at a time, so that what it knows of them stays small however many it needs.
pub(crate) const MOST_LOCATED: usize = 256;

/// The chunk, from the cache where other tasks need it too.
pub(crate) fn fetch(
    leaf: &Leaf,
    source: &Arc<dyn Source>,
    index: &[u64],
    worker: &Worker<'_>,
) -> Result<Chunk> {
    worker.check()?;
    let (number, uses) = worker.uses.of(leaf, index);
    let key = (number, index.to_vec());
    let chunk = worker
        .cache
        .get(key.clone(), uses, || match read_ahead(&key, worker)? {
            Some(Ready::Read(slice, stored)) => {
                decode_slice(source, index, slice.bytes(), &stored, worker)
            }
            Some(Ready::Located(found)) => finish(source, index, found, worker),
            None => finish(source, index, locate(source, index, worker)?, worker),
        });
    chunk.map_err(|error| error.in_chunk(index).at(source.url()))
}

/// Gives the chunks at `indices` to `give`, in any order; what lies side by side in one object is read together.
pub(crate) fn fetch_all(
    leaf: &Leaf,
    source: &Arc<dyn Source>,
    indices: &[&[u64]],
    worker: &Worker<'_>,
    mut give: impl FnMut(usize, &Chunk),
) -> Result<()> {
    let placed = |at: usize| move |error: Error| error.in_chunk(indices[at]).at(source.url());
    let (mut mine, mut elsewhere) = (Vec::new(), Vec::new());
    for (at, index) in indices.iter().enumerate() {
        let (number, uses) = worker.uses.of(leaf, index);
        match worker.cache.claim((number, index.to_vec()), uses) {
            Claim::Here(chunk) => give(at, &chunk),
            Claim::Elsewhere => elsewhere.push(at),
            Claim::Mine(promise) => mine.push((at, (number, index.to_vec()), promise)),
        }
    }
    let mut give_and_keep = |at: usize, promise: Promise<'_>, chunk: &Chunk| {
        promise.keep(chunk);
        give(at, chunk);
    };
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for (at, key, promise) in mine {
        match read_ahead(&key, worker).map_err(placed(at))? {
            Some(Ready::Read(slice, stored)) => {
                worker.check()?;
                let chunk = decode_slice(source, indices[at], slice.bytes(), &stored, worker);
                give_and_keep(at, promise, &chunk.map_err(placed(at))?);
            }
            Some(Ready::Located(place)) => found.push((at, promise, Ok(place))),
            None => unknown.push((at, promise)),
        }
    }
    let located = locate_all(source, unknown.iter().map(|(at, _)| indices[*at]), worker)?;
    let unknown = unknown.into_iter().zip(located);
    found.extend(unknown.map(|((at, promise), place)| (at, promise, place)));
    let (mut wanted, mut near) = (Vec::new(), Vec::new());
    for (at, promise, found) in found {
        match found.map_err(placed(at))? {
            ChunkRef::Stored(stored) if let Some(range) = bounds(&stored) => {
                let object = (Arc::as_ptr(&stored.store).addr(), stored.location.clone());
                wanted.push((object, range));
                near.push(Some((at, promise, stored)));
            }
            found => {
                worker.check()?;
                let chunk = finish(source, indices[at], found, worker).map_err(placed(at))?;
                give_and_keep(at, promise, &chunk);
            }
        }
    }
    let decoded = indices.iter().map(|index| decoded_bytes(source, index));
    let most = most_together(indices.len() as u64, decoded.fold(0, u64::saturating_add));
    for together in coalesce(&wanted, MOST_BETWEEN, most) {
        worker.check()?;
        let members = together.members.iter().map(|at| near[*at].take());
        let members: Vec<_> = members.flatten().collect();
        let stored = members.iter().map(|(_, _, stored)| stored);
        let joined = read_together(&together, stored, worker)?;
        for (at, promise, stored) in members {
            let chunk = match &joined {
                Some(joined) => {
                    let bytes = part_of(joined, &together.span, &stored);
                    decode_slice(source, indices[at], bytes, &stored, worker)
                }
                None => finish(source, indices[at], ChunkRef::Stored(stored), worker),
            };
            give_and_keep(at, promise, &chunk.map_err(placed(at))?);
        }
    }
    // Last, because nobody may wait who has promised a chunk.
    for at in elsewhere {
        give(at, &fetch(leaf, source, indices[at], worker)?);
    }
    Ok(())
}

/// What a chunk is stored as, locating several at once.
fn locate_all<'a>(
    source: &'a Arc<dyn Source>,
    indices: impl Iterator<Item = &'a [u64]>,
    worker: &Worker<'_>,
) -> Result<Vec<Result<ChunkRef>>> {
    let _span = tracing::trace_span!("locate", url = %source.url()).entered();
    let all = join_all(indices.map(|index| source.locate(index)));
    wait_for(all, || worker.check())
}

fn locate(source: &Arc<dyn Source>, index: &[u64], worker: &Worker<'_>) -> Result<ChunkRef> {
    let _span = tracing::trace_span!("locate", url = %source.url(), chunk = ?index).entered();
    wait_for(source.locate(index), || worker.check())?
}

/// What was found out about a chunk before anybody asked for it.
fn read_ahead(key: &Key, worker: &Worker<'_>) -> Result<Option<Ready>> {
    match worker.ahead {
        Some(ahead) => ahead.take(key, || worker.check()),
        None => Ok(None),
    }
}

/// The bytes of a chunk of which both ends are known before it is read.
pub(crate) fn bounds(stored: &StoredRange) -> Option<Range<u64>> {
    match stored.range {
        ByteRange::Bounded { offset, length } => Some(offset..offset.checked_add(length)?),
        ByteRange::Whole | ByteRange::Suffix(_) => None,
    }
}

/// The bytes that several chunks lie in; `None` where each is better read alone.
fn read_together<'a>(
    together: &Together,
    mut members: impl Iterator<Item = &'a StoredRange>,
    worker: &Worker<'_>,
) -> Result<Option<Buffer>> {
    let first = members.next().filter(|_| together.members.len() > 1);
    let Some(first) = first else {
        return Ok(None);
    };
    let span = &together.span;
    let range = ByteRange::Bounded {
        offset: span.start,
        length: span.end - span.start,
    };
    match with_room(worker, || read_range(first, range, worker)) {
        // A shorter object may still hold some of the chunks; the others are named when they are read alone.
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(None),
        other => other,
    }
}

/// A chunk's part of what was read together.
fn part_of<'a>(joined: &'a Buffer, span: &Range<u64>, stored: &StoredRange) -> &'a [u8] {
    // OK to count in `usize`: the span lies in memory, and the chunk within the span.
    let range = stored.range.resolve(0);
    &joined[(range.start - span.start) as usize..(range.end - span.start) as usize]
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
    read(locate(source, index, worker)?, worker)
}

fn read(located: ChunkRef, worker: &Worker<'_>) -> Result<Encoded> {
    match located {
        ChunkRef::Missing => Ok(Encoded::Missing),
        ChunkRef::Inline { bytes, decode } => Ok(Encoded::Bytes(bytes, decode, None)),
        ChunkRef::Stored(stored) => {
            let encoded = with_room(worker, || read_range(&stored, stored.range, worker))?;
            match encoded {
                Some(encoded) => {
                    let decode = stored.decode.clone();
                    Ok(Encoded::Bytes(encoded, decode, Some(Box::new(stored))))
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

/// Reads a range of the object that holds a chunk; `None` if there is no such object.
fn read_range(
    stored: &StoredRange,
    range: ByteRange,
    worker: &Worker<'_>,
) -> Result<Option<Buffer>> {
    let _span = tracing::trace_span!("read", location = %stored.location).entered();
    count(&worker.control.requests, 1);
    let read = stored.store.read(&stored.location, range, worker.pool);
    let encoded = wait_for(read, || worker.check())??;
    if let Some(encoded) = &encoded {
        count(&worker.control.bytes_read, encoded.len() as u64);
    }
    Ok(encoded.map(BufferMut::freeze))
}

/// Tries again without the chunks that other tasks may want: they are worth less than going on.
fn with_room<T>(worker: &Worker<'_>, work: impl Fn() -> Result<T>) -> Result<T> {
    match work() {
        Err(error) if error.kind() == ErrorKind::Budget => {
            worker.cache.evict();
            work()
        }
        other => other,
    }
}

/// Reads and decodes a chunk that was located.
fn finish(
    source: &Arc<dyn Source>,
    index: &[u64],
    located: ChunkRef,
    worker: &Worker<'_>,
) -> Result<Chunk> {
    let (encoded, decode, stored) = match read(located, worker)? {
        Encoded::Missing => return Ok(Chunk::Fill(source.meta().fill_value.clone())),
        Encoded::Bytes(encoded, decode, stored) => (encoded, decode, stored),
    };
    let decoded = match decode.is_identity() {
        Some(decoded) => as_it_is(source, index, encoded, decoded, worker),
        None => decode_bytes(source, index, &encoded, decode.as_ref(), worker),
    };
    decoded.map_err(|error| match stored {
        Some(stored) => error.at(stored.store.url_of(&stored.location)),
        None => error.at(source.url()),
    })
}

fn decode_slice(
    source: &Arc<dyn Source>,
    index: &[u64],
    encoded: &[u8],
    stored: &StoredRange,
    worker: &Worker<'_>,
) -> Result<Chunk> {
    decode_bytes(source, index, encoded, stored.decode.as_ref(), worker)
        .map_err(|error| error.at(stored.store.url_of(&stored.location)))
}

/// A chunk that is stored as its elements are.
fn as_it_is(
    source: &Arc<dyn Source>,
    index: &[u64],
    encoded: Buffer,
    decoded: Decoded,
    worker: &Worker<'_>,
) -> Result<Chunk> {
    let shape = shape_of(source, index);
    let length = length_of(source, &shape)?;
    if encoded.len() != length {
        let message = format!(
            "the chunk has {} bytes where its shape needs {length}",
            encoded.len()
        );
        return Err(Error::corrupt(message));
    }
    count_decoded(length, worker);
    elements(encoded, decoded, &shape)
}

fn decode_bytes(
    source: &Arc<dyn Source>,
    index: &[u64],
    encoded: &[u8],
    decode: &dyn Decode,
    worker: &Worker<'_>,
) -> Result<Chunk> {
    let shape = shape_of(source, index);
    let length = length_of(source, &shape)?;
    let _span = tracing::trace_span!("decode", url = %source.url(), bytes = length).entered();
    count_decoded(length, worker);
    let (buffer, decoded) = with_room(worker, || {
        let mut out = worker.take(length)?;
        let decoded = decode.decode(encoded, &mut out, worker.pool)?;
        Ok((out, decoded))
    })?;
    elements(buffer.freeze(), decoded, &shape)
}

fn elements(buffer: Buffer, decoded: Decoded, shape: &[usize]) -> Result<Chunk> {
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

fn count_decoded(length: usize, worker: &Worker<'_>) {
    count(&worker.control.chunks_decoded, 1);
    count(&worker.control.bytes_decoded, length as u64);
}

/// The stored elements of a chunk along each axis, padding included.
fn shape_of(source: &Arc<dyn Source>, index: &[u64]) -> Vec<usize> {
    let chunk = source.meta().grid.chunk(index);
    chunk.iter().map(|axis| axis.encoded as usize).collect()
}

fn length_of(source: &Arc<dyn Source>, shape: &[usize]) -> Result<usize> {
    let length = shape.iter().try_fold(item_size(source)?, |bytes, length| {
        bytes.checked_mul(*length)
    });
    length.ok_or_else(|| Error::corrupt("a chunk is larger than memory can be"))
}

pub(crate) fn decoded_bytes(source: &Arc<dyn Source>, index: &[u64]) -> u64 {
    let meta = source.meta();
    let size = meta.dtype.item_size().unwrap_or(1) as u64;
    let axes = meta.grid.axes.iter().zip(index);
    axes.fold(size, |bytes, (axis, at)| {
        bytes.saturating_mul(axis.chunk(*at).encoded)
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
