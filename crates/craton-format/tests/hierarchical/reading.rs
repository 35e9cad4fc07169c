//! Reads whole arrays through `Source`, as the executor would, but one chunk after the other.

use craton_core::{ChunkRef, Decoded, Error, Order, Pool, Result, Source};
use craton_format::tree::{Node, NodeKind};
use futures_util::FutureExt;
use std::future::Future;
use std::sync::Arc;

/// A test array larger than this is not read.
pub const LARGEST: u64 = 1 << 28;

/// The value of a future that never waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("local reads do not wait")
}

/// All values of an array.
#[derive(Debug, PartialEq)]
pub enum Values {
    /// Native bytes in C order.
    Bytes(Vec<u8>),
    /// Texts in C order.
    Texts(Vec<Vec<u8>>),
}

/// Every index of a grid of `counts`, in C order.
pub fn indices(counts: &[u64]) -> Vec<Vec<u64>> {
    let total: u64 = counts.iter().product();
    (0..total)
        .map(|number| {
            let (mut rest, mut index) = (number, vec![0; counts.len()]);
            for axis in (0..counts.len()).rev() {
                index[axis] = rest % counts[axis];
                rest /= counts[axis];
            }
            index
        })
        .collect()
}

/// One chunk's stored elements, native and in C order, or its texts; `None` if it is missing.
pub fn read_chunk(source: &dyn Source, index: &[u64]) -> Result<Option<Values>> {
    let pool = Pool::unlimited();
    let meta = source.meta();
    let size = meta.dtype.item_size().unwrap_or(0);
    let encoded: u64 = meta
        .grid
        .chunk(index)
        .iter()
        .map(|axis| axis.encoded)
        .product();
    if encoded.saturating_mul(size as u64) > LARGEST {
        return Err(Error::new(
            craton_core::ErrorKind::Budget,
            "too large for a test",
        ));
    }
    let mut out = vec![0u8; encoded as usize * size];
    let decoded = match now(source.locate(index))? {
        ChunkRef::Missing => return Ok(None),
        ChunkRef::Inline { bytes, decode } => decode.decode(&bytes, &mut out, &pool)?,
        ChunkRef::Stored(stored) => {
            let read = now(stored.store.read(&stored.location, stored.range, &pool))?;
            let bytes = read.ok_or_else(|| Error::not_found("no object"))?;
            let decoded = stored.decode.decode(&bytes, &mut out, &pool)?;
            if let Some(identity) = stored.decode.is_identity() {
                assert_eq!(
                    (identity, &bytes[..]),
                    (decoded.clone(), &out[..]),
                    "identity tells the truth"
                );
            }
            decoded
        }
    };
    Ok(Some(match decoded {
        Decoded::Strings(strings) => Values::Texts(
            (0..strings.len())
                .map(|at| strings.get(at).to_vec())
                .collect(),
        ),
        Decoded::Elements {
            order,
            is_swapped,
            is_shuffled,
        } => {
            assert_eq!(order, Order::C);
            if is_shuffled {
                let count = out.len() / size;
                let shuffled = out.clone();
                for (at, byte) in out.iter_mut().enumerate() {
                    *byte = shuffled[(at % size) * count + at / size];
                }
            }
            if is_swapped {
                out.chunks_exact_mut(meta.dtype.swap_size())
                    .for_each(<[u8]>::reverse);
            }
            Values::Bytes(out)
        }
    }))
}

/// The whole array.
pub fn read_all(source: &dyn Source) -> Result<Values> {
    let meta = source.meta();
    let total: u64 = meta.shape.iter().product();
    let size = meta.dtype.item_size();
    if total.saturating_mul(size.unwrap_or(16) as u64) > LARGEST || meta.grid.len() > 1 << 20 {
        return Err(Error::new(
            craton_core::ErrorKind::Budget,
            "too large for a test",
        ));
    }
    let fill = meta.fill_value.bytes();
    let mut bytes = vec![0u8; total as usize * size.unwrap_or(0)];
    let mut texts = vec![Vec::new(); if size.is_none() { total as usize } else { 0 }];
    for index in indices(&meta.grid.shape()) {
        let chunk = meta.grid.chunk(&index);
        let values = read_chunk(source, &index)?;
        let lengths: Vec<u64> = chunk.iter().map(|axis| axis.length).collect();
        for within in indices(&lengths) {
            let (mut to, mut from) = (0, 0);
            for axis in 0..chunk.len() {
                to = to * meta.shape[axis] + chunk[axis].start + within[axis];
                from = from * chunk[axis].encoded + chunk[axis].skip + within[axis];
            }
            let (to, from) = (to as usize, from as usize);
            match (&values, size) {
                (Some(Values::Bytes(stored)), Some(size)) => bytes[to * size..(to + 1) * size]
                    .copy_from_slice(&stored[from * size..(from + 1) * size]),
                (None, Some(size)) => bytes[to * size..(to + 1) * size].copy_from_slice(fill),
                (Some(Values::Texts(stored)), None) => texts[to] = stored[from].clone(),
                (None, None) => texts[to] = fill.to_vec(),
                _ => panic!("values do not fit the dtype {}", meta.dtype),
            }
        }
    }
    Ok(if size.is_some() {
        Values::Bytes(bytes)
    } else {
        Values::Texts(texts)
    })
}

/// The array among `nodes` at `path`.
pub fn array<'a>(nodes: &'a [Node], path: &str) -> Option<&'a Arc<dyn Source>> {
    nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Array(source) if node.path == path => Some(source),
        _ => None,
    })
}
