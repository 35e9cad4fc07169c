//! Reads what a damaged file still lets itself be read as, within bounds.

use crate::allocations::most_held;
use craton_core::{ChunkRef, ErrorKind, Pool, ReadRanges, Result, Source};
use craton_format::detect::{Format, detect_in};
use craton_format::{hdf5, netcdf3, tree, zarr};
use craton_store::MemoryStore;
use futures_util::FutureExt;
use std::sync::Arc;

/// What one file may make a reader hold, beside the pool of buffers.
const MOST_HELD: usize = 64 << 20;
/// Chunks of one array that are read.
const MOST_CHUNKS: usize = 64;
/// Larger chunks are not decoded.
const LARGEST_CHUNK: u64 = 1 << 20;

/// The value of a future that never waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("memory is ready at once")
}

/// Opens the file or store at `root` and reads all of it that is small; how many chunks were decoded.
///
/// # Panics
/// If a reader believes a size that is only claimed, or reports an error that names a bug.
pub fn exercise(store: &Arc<dyn ReadRanges>, root: &str) -> usize {
    let (chunks, held) = most_held(|| match sources(store, root) {
        Ok(sources) => sources.iter().map(|source| read_some(&**source)).sum(),
        Err(error) => {
            check(&error);
            0
        }
    });
    assert!(held < MOST_HELD, "{held} bytes were held for a small file");
    chunks
}

fn check(error: &craton_core::Error) {
    assert_ne!(error.kind(), ErrorKind::Internal, "{error:?}");
    assert!(
        error.report().len() < 20_000,
        "a report of {} bytes",
        error.report().len()
    );
}

fn sources(store: &Arc<dyn ReadRanges>, root: &str) -> Result<Vec<Arc<dyn Source>>> {
    let nodes = match now(detect_in(&**store, root))? {
        Format::Zarr2 | Format::Zarr3 => {
            let root = now(zarr::open_hierarchy(store.clone(), root))?;
            let arrays = root.walk().into_iter().filter_map(|node| match &node.kind {
                zarr::NodeKind::Array(array) => Some(array.clone() as Arc<dyn Source>),
                zarr::NodeKind::Broken(error) => {
                    check(error);
                    None
                }
                zarr::NodeKind::Group { .. } => None,
            });
            return Ok(arrays.collect());
        }
        Format::Hdf5 => now(hdf5::open(store.clone(), root))?.nodes,
        Format::NetCdf3 => now(netcdf3::open(store.clone(), root))?.nodes,
    };
    let arrays = nodes.into_iter().filter_map(|node| match node.kind {
        tree::NodeKind::Array(source) => Some(source),
        tree::NodeKind::Broken(error) => {
            check(&error);
            None
        }
        tree::NodeKind::Group(_) => None,
    });
    Ok(arrays.collect())
}

/// Reads the first chunks of `source`, and its last; how many were decoded.
fn read_some(source: &dyn Source) -> usize {
    let meta = source.meta();
    let counts = meta.grid.shape();
    let total: u64 = counts
        .iter()
        .fold(1, |total, count| total.saturating_mul(*count));
    let last = counts.iter().map(|count| count.saturating_sub(1)).collect();
    let firsts = (0..total.min(MOST_CHUNKS as u64)).map(|number| index_of(number, &counts));
    let pool = Pool::with_limit(64 << 20);
    let read = |index: &Vec<u64>| match read_chunk(source, index, &pool) {
        Ok(is_read) => is_read,
        Err(error) => {
            check(&error);
            false
        }
    };
    firsts
        .chain((total > 0).then_some(last))
        .filter(|index| read(index))
        .count()
}

fn index_of(mut number: u64, counts: &[u64]) -> Vec<u64> {
    let mut index = vec![0; counts.len()];
    for (axis, count) in counts.iter().enumerate().rev() {
        index[axis] = number % count.max(&1);
        number /= count.max(&1);
    }
    index
}

fn read_chunk(source: &dyn Source, index: &[u64], pool: &Pool) -> Result<bool> {
    let meta = source.meta();
    let chunk = meta.grid.chunk(index);
    let size = meta.dtype.item_size().unwrap_or(0) as u64;
    let bytes = chunk
        .iter()
        .try_fold(1_u64, |count, axis| count.checked_mul(axis.encoded));
    let located = now(source.locate(index))?;
    let fits = |bytes: &u64| *bytes <= LARGEST_CHUNK;
    let Some(length) = bytes
        .filter(fits)
        .and_then(|count| count.checked_mul(size))
        .filter(fits)
    else {
        return Ok(false);
    };
    let mut out = pool.take(length as usize)?;
    match located {
        ChunkRef::Missing => return Ok(false),
        ChunkRef::Inline { bytes, decode } => decode.decode(&bytes, &mut out, pool)?,
        ChunkRef::Stored(place) => {
            let Some(bytes) = now(place.store.read(&place.location, place.range, pool))? else {
                return Ok(false);
            };
            let decoded = place.decode.decode(&bytes, &mut out, pool)?;
            if let Some(identity) = place.decode.is_identity() {
                assert_eq!((identity, &bytes[..]), (decoded.clone(), &out[..]));
            }
            decoded
        }
    };
    Ok(true)
}

/// Whether a file of these bytes gives any chunk, and the laws of [`exercise`].
pub fn exercise_file(name: &str, bytes: Vec<u8>) -> usize {
    let store = MemoryStore::default();
    store.insert(name, bytes);
    exercise(&(Arc::new(store) as Arc<dyn ReadRanges>), name)
}
