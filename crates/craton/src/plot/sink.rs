//! A sink that keeps of an array no more than a picture shows.

use crate::output::zarr::natural_chunks;
use crate::session::Session;
use craton_core::{Block, BoxFuture, Error, Grid, Pool, Result, Sink, SinkChunks};
use craton_plan::{NodeRef, Work};
use craton_plot::reduce::{Bins, Counts, Reduction, numbers};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Values of a chunk at most, where the grid of the source does not say.
const MOST_VALUES: u64 = 1 << 22;

/// What is kept of blocks as they come.
trait Keep: Send {
    /// A block in C order without gaps, whose first element stands at `origin`.
    fn take(&mut self, block: &Block, origin: &[u64]) -> Result<()>;
}

struct PictureSink<K> {
    chunks: SinkChunks,
    kept: Mutex<K>,
}

impl<K> fmt::Debug for PictureSink<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PictureSink")
            .field("chunks", &self.chunks)
            .finish_non_exhaustive()
    }
}

impl<K: Keep> Sink for PictureSink<K> {
    fn chunks(&self) -> &SinkChunks {
        &self.chunks
    }
    fn begin(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn put<'a>(
        &'a self,
        index: &'a [u64],
        block: &'a Block,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<u64>> {
        let put = || {
            let origin: Vec<u64> = self
                .chunks
                .grid
                .chunk(index)
                .iter()
                .map(|chunk| chunk.start)
                .collect();
            let block = if block.as_constant().is_some() {
                block.clone()
            } else {
                block.to_contiguous(pool)?
            };
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.take(&block, &origin)?;
            Ok(0)
        };
        Box::pin(std::future::ready(put()))
    }
    fn commit(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Keep for Reduction {
    fn take(&mut self, block: &Block, origin: &[u64]) -> Result<()> {
        let at = |axis: usize| origin.get(axis).map_or(0, |start| *start as usize);
        match origin.len() {
            0 | 1 => self.add(block, 0, at(0)),
            _ => self.add(block, at(0), at(1)),
        }
    }
}

impl Keep for Counts {
    fn take(&mut self, block: &Block, _: &[u64]) -> Result<()> {
        self.add(block)
    }
}

fn run<K: Keep + 'static>(node: &NodeRef, kept: K, session: &Session) -> Result<K> {
    let grid = Grid::regular(node.shape(), &chunks(node))?;
    let sink = Arc::new(PictureSink {
        chunks: SinkChunks { grid },
        kept: Mutex::new(kept),
    });
    session.write(&[(node.clone(), sink.clone() as Arc<dyn Sink>)])?;
    let sink =
        Arc::into_inner(sink).ok_or_else(|| Error::internal("a picture is still being read"))?;
    Ok(sink
        .kept
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

/// An array of one or two axes, reduced to bins along each.
pub(super) fn reduce(
    node: &NodeRef,
    rows: Bins,
    columns: Bins,
    session: &Session,
) -> Result<Reduction> {
    run(node, Reduction::new(rows, columns), session)
}

/// How many values of an array lie between `low` and `high`.
pub(super) fn count(node: &NodeRef, counts: Counts, session: &Session) -> Result<Counts> {
    run(node, counts, session)
}

/// A small array.
pub(super) fn block(node: &NodeRef, session: &Session) -> Result<Block> {
    if let Work::Literal(block) = node.work() {
        return Ok((*block).clone());
    }
    let blocks = session.compute(std::slice::from_ref(node))?;
    let block = blocks.into_iter().next();
    block.ok_or_else(|| Error::internal("a node was not computed"))
}

/// The values of a small array.
pub(super) fn values(node: &NodeRef, session: &Session) -> Result<Vec<f64>> {
    let block = block(node, session)?;
    let block = if block.as_constant().is_some() {
        block
    } else {
        block.to_contiguous(session.engine().pool())?
    };
    numbers(&block)
}

/// The texts of a small array.
pub(super) fn texts(node: &NodeRef, session: &Session) -> Result<Vec<String>> {
    let block = block(node, session)?;
    Ok(block
        .scalars()
        .map(|value| value.to_text().unwrap_or_default())
        .collect())
}

/// Chunks like those stored, so that none is decoded twice; whole rows where none are known.
fn chunks(node: &NodeRef) -> Vec<u64> {
    let shape = node.shape();
    let mut chunks = stored_chunks(node)
        .unwrap_or_else(|| shape.to_vec())
        .into_iter()
        .zip(shape)
        .map(|(chunk, length)| chunk.clamp(1, (*length).max(1)))
        .collect::<Vec<u64>>();
    for axis in 0..chunks.len() {
        let others = chunks
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != axis)
            .fold(1u64, |size, (_, length)| size.saturating_mul(*length));
        chunks[axis] = chunks[axis].min((MOST_VALUES / others.max(1)).max(1));
    }
    chunks
}

/// The stored chunks along the axes of `node`: those it follows index for index, or those of a slice's last axes.
fn stored_chunks(node: &NodeRef) -> Option<Vec<u64>> {
    if let Some(chunks) = natural_chunks(node) {
        return Some(chunks);
    }
    let mut below = node;
    while let [input] = below.inputs() {
        below = input;
        let shape = below.shape();
        let extra = shape.len().checked_sub(node.shape().len())?;
        if shape[extra..] == *node.shape()
            && let Some(chunks) = natural_chunks(below)
        {
            return Some(chunks[extra..].to_vec());
        }
    }
    None
}
