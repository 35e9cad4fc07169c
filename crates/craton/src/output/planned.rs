//! An array that is only planned: it has chunks, and takes none.

use craton_core::{Block, BoxFuture, Error, Grid, Pool, Result, Sink, SinkChunks};

/// The chunks of an array that is not written.
#[derive(Debug)]
pub(super) struct Planned {
    chunks: SinkChunks,
}

impl Planned {
    /// Regular chunks over `shape`.
    pub(super) fn new(shape: &[u64], chunks: &[u64]) -> Result<Self> {
        let grid = Grid::regular(shape, chunks)?;
        Ok(Self {
            chunks: SinkChunks { grid },
        })
    }
}

fn refuse<T: Send + 'static>() -> BoxFuture<'static, Result<T>> {
    let refused = Err(Error::internal("an array that is only planned was written"));
    Box::pin(std::future::ready(refused))
}

impl Sink for Planned {
    fn chunks(&self) -> &SinkChunks {
        &self.chunks
    }
    fn begin(&self) -> BoxFuture<'_, Result<()>> {
        refuse()
    }
    fn put<'a>(&'a self, _: &'a [u64], _: &'a Block, _: &'a Pool) -> BoxFuture<'a, Result<u64>> {
        refuse()
    }
    fn commit(&self) -> BoxFuture<'_, Result<()>> {
        refuse()
    }
}
