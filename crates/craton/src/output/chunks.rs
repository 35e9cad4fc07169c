//! How a result is cut into chunks: as asked, else as its source is, else into about 16 MiB each.

use crate::labels::Dataset;
use craton_core::{DType, Error, Result, Source};
use craton_plan::{AxisMap, NodeRef, Work};
use indexmap::IndexMap;
use std::sync::Arc;

/// Bytes of a chunk where nothing else decides.
const TARGET: u64 = 16 << 20;
/// Chunks of the source smaller than this are joined: each becomes a file of its own.
const SMALLEST: u64 = 1 << 20;
/// Natural chunks larger than this would need more memory than people expect.
const LARGEST: u64 = 256 << 20;

/// A length along a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many indices.
    Indices(u64),
    /// The whole dimension (`-1`).
    Whole,
}

/// Refuses lengths of what is no dimension of `dataset`.
pub(super) fn check_dims<'a>(
    groups: &[(String, Dataset)],
    named: impl Iterator<Item = (&'a String, &'a Length)>,
) -> Result<()> {
    let sizes = groups.iter().flat_map(|(_, dataset)| dataset.sizes());
    let mut names: Vec<String> = Vec::new();
    for (name, _) in sizes {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    check_names(&names, named)
}

/// Refuses lengths of what is none of `dims`.
pub(crate) fn check_names<'a>(
    dims: &[String],
    named: impl Iterator<Item = (&'a String, &'a Length)>,
) -> Result<()> {
    for (dim, length) in named {
        if !dims.contains(dim) {
            let message = format!("chunks are given for `{dim}`, which is no dimension");
            return Err(Error::usage(message).hint(format!("dimensions are {}", dims.join(", "))));
        }
        if *length == Length::Indices(0) {
            return Err(Error::usage(format!("the chunk length of `{dim}` is 0")));
        }
    }
    Ok(())
}

/// Chunks and shards, in indices along each axis.
pub(crate) struct Layout {
    pub chunks: Vec<u64>,
    pub shards: Option<Vec<u64>>,
}

/// The layout of an array of `dims` that holds the values of `node`, stored as `dtype`.
pub(crate) fn layout(
    dims: &[String],
    node: &NodeRef,
    dtype: DType,
    (chunk_lengths, shard_lengths): (&IndexMap<String, Length>, &IndexMap<String, Length>),
) -> Layout {
    let shape = node.shape();
    let size = dtype.item_size().unwrap_or(32).max(1) as u64;
    let is_usable = |chunks: &Vec<u64>| bytes_of(chunks, size) <= LARGEST;
    let natural = natural_chunks(node).filter(is_usable);
    let mut chunks = match natural {
        Some(chunks) => joined(chunks, shape, size),
        None => about(TARGET, shape, size),
    };
    let asked = |lengths: &IndexMap<String, Length>, axis: usize| match lengths.get(&dims[axis])? {
        Length::Indices(length) => Some((*length).clamp(1, shape[axis].max(1))),
        Length::Whole => Some(shape[axis].max(1)),
    };
    for (axis, chunk) in chunks.iter_mut().enumerate() {
        *chunk = asked(chunk_lengths, axis).unwrap_or(*chunk);
    }
    let is_sharded = (0..shape.len()).any(|axis| asked(shard_lengths, axis).is_some());
    let shard = |axis: usize| {
        let length = asked(shard_lengths, axis).unwrap_or(chunks[axis]);
        length.div_ceil(chunks[axis]).saturating_mul(chunks[axis])
    };
    let shards = is_sharded.then(|| (0..shape.len()).map(shard).collect());
    Layout { chunks, shards }
}

/// The chunks of the stored array that `node` follows index for index, if it follows one.
///
/// Element-wise work, windows, running sums and slices that begin at a chunk's edge keep the grid, so that
/// each stored chunk is decoded once and makes one chunk of the result.
#[must_use]
pub fn natural_chunks(node: &NodeRef) -> Option<Vec<u64>> {
    let mut node = node;
    loop {
        if let Work::Source(source) = node.work() {
            return source_chunks(&source);
        }
        let metas: Vec<_> = node.inputs().iter().map(|input| input.meta()).collect();
        let demand = node.operator().demand(&metas, node.meta());
        let follows = |(input, maps): &(&NodeRef, &Vec<AxisMap>)| {
            input.shape() == node.shape()
                && maps
                    .iter()
                    .enumerate()
                    .all(|(axis, map)| keeps_grid(map, axis))
                && has_source(input)
        };
        if let Some((input, _)) = node.inputs().iter().zip(&demand).find(follows) {
            node = input;
            continue;
        }
        let (input, maps) = (node.inputs().first()?, demand.first()?);
        return matches!(node.work(), Work::View).then(|| sliced(input, maps, node.shape()))?;
    }
}

fn keeps_grid(map: &AxisMap, own: usize) -> bool {
    match map {
        AxisMap::Affine {
            axis,
            start: 0,
            step: 1,
        }
        | AxisMap::Window { axis, .. }
        | AxisMap::Cumulative { axis } => *axis == own,
        _ => false,
    }
}

/// Whether a node's leaves are more than numbers and masks at hand.
fn has_source(node: &NodeRef) -> bool {
    let mut pending = vec![node];
    let mut steps = 0;
    while let Some(node) = pending.pop() {
        steps += 1;
        // Shared inputs are met again and again; a plan so large is given the benefit of the doubt.
        if matches!(node.work(), Work::Source(_)) || steps > 1000 {
            return true;
        }
        pending.extend(node.inputs());
    }
    false
}

/// The input's chunks under a slice, transpose or single index.
fn sliced(input: &NodeRef, maps: &[AxisMap], shape: &[u64]) -> Option<Vec<u64>> {
    let of_input = natural_chunks(input)?;
    let mut chunks = vec![0; shape.len()];
    for (chunk, map) in of_input.iter().zip(maps) {
        match map {
            AxisMap::Fixed(_) => {}
            AxisMap::Affine {
                axis,
                start,
                step: 1,
            } if start % chunk == 0 => {
                chunks[*axis] = (*chunk).min(shape[*axis].max(1));
            }
            _ => return None,
        }
    }
    (!chunks.contains(&0)).then_some(chunks)
}

fn source_chunks(source: &Arc<dyn Source>) -> Option<Vec<u64>> {
    let meta = source.meta();
    let lengths = meta.grid.axes.iter().zip(&meta.shape);
    let chunks: Vec<u64> = lengths
        .map(|(axis, length)| axis.largest().min(*length).max(1))
        .collect();
    (chunks.len() == meta.shape.len()).then_some(chunks)
}

fn bytes_of(chunks: &[u64], size: u64) -> u64 {
    chunks
        .iter()
        .fold(size, |bytes, length| bytes.saturating_mul(*length))
}

/// Whole multiples of `chunks`, from the last axis on, until they are worth a file.
fn joined(mut chunks: Vec<u64>, shape: &[u64], size: u64) -> Vec<u64> {
    for axis in (0..shape.len()).rev() {
        let bytes = bytes_of(&chunks, size);
        if bytes >= SMALLEST {
            break;
        }
        let wanted = SMALLEST.div_ceil(bytes.max(1));
        let most = shape[axis].div_ceil(chunks[axis].max(1)).max(1);
        let joined = chunks[axis].saturating_mul(wanted.min(most));
        chunks[axis] = joined.min(shape[axis].max(1));
    }
    chunks
}

/// Chunks of at most `target` bytes that keep the last axes whole, as even as they can be.
fn about(target: u64, shape: &[u64], size: u64) -> Vec<u64> {
    let mut chunks: Vec<u64> = shape.iter().map(|length| (*length).max(1)).collect();
    for axis in 0..chunks.len() {
        let bytes = bytes_of(&chunks, size);
        if bytes <= target {
            break;
        }
        let one = (bytes / chunks[axis]).max(1);
        let most = (target / one).clamp(1, chunks[axis]);
        let pieces = chunks[axis].div_ceil(most);
        chunks[axis] = chunks[axis].div_ceil(pieces);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_chunks_keep_the_last_axes_and_are_even() {
        assert_eq!(about(16 << 20, &[100, 721, 1440], 4), [4, 721, 1440]);
        assert_eq!(about(16 << 20, &[9, 721, 1440], 4), [3, 721, 1440]);
        assert_eq!(
            about(16 << 20, &[2, 1 << 13, 1 << 13], 8),
            [1, 256, 1 << 13]
        );
        assert_eq!(about(16, &[], 8), [0u64; 0]);
        assert_eq!(about(16, &[0, 3], 8), [1, 2]);
    }

    #[test]
    fn small_chunks_of_a_source_are_joined() {
        assert_eq!(
            joined(vec![1, 10, 10], &[1000, 100, 100], 4),
            [27, 100, 100]
        );
        assert_eq!(
            joined(vec![1, 721, 1440], &[1000, 721, 1440], 4),
            [1, 721, 1440]
        );
    }
}
