//! The trait by which computed blocks become a stored array.

use crate::{Block, BoxFuture, Grid, Pool, Result};
use std::fmt::Debug;

/// The chunks that a sink wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkChunks {
    /// The grid of the stored array. Shards are the chunks of this grid.
    pub grid: Grid,
}

/// A stored array being written. Nothing is visible under the final name before `commit`.
pub trait Sink: Send + Sync + Debug {
    /// The chunks that [`Sink::put`] takes.
    fn chunks(&self) -> &SinkChunks;

    /// Prepares the place. Called once, before the first `put`.
    fn begin(&self) -> BoxFuture<'_, Result<()>>;

    /// Stores one whole chunk (cut at the array's edge), from any thread, each index once.
    fn put<'a>(
        &'a self,
        index: &'a [u64],
        block: &'a Block,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<u64>>;

    /// Makes the array visible. Called once, after every `put`.
    fn commit(&self) -> BoxFuture<'_, Result<()>>;
}
