//! What is only planned to be written: arrays that have chunks, and take none.

use crate::info::ArrayInfo;
use craton_core::{Block, BoxFuture, Error, Grid, Pool, Result, Sink, SinkChunks};
use craton_format::zarr::ArraySpec;
use craton_plan::NodeRef;
use craton_plan::physical::Target;

/// What writing would do.
#[derive(Debug, Default)]
pub struct Writing {
    /// What is computed, and the chunks that it goes into.
    pub outputs: Vec<(NodeRef, Target)>,
    /// What is written where, and how it is stored: a line for the whole, then some for each array.
    pub text: String,
}

impl Writing {
    /// Tells of an array that will be there as `info` tells of those that are.
    pub(super) fn tell(&mut self, array: &ArrayInfo) -> Result<()> {
        array
            .write(&mut self.text)
            .map_err(|_| Error::internal("a text that takes no more letters"))
    }

    /// As [`Writing::tell`], of an array of a Zarr store.
    pub(super) fn tell_spec(&mut self, name: &str, spec: &ArraySpec) -> Result<()> {
        let mut array = ArrayInfo::planned(name, spec.dtype, &spec.shape, &spec.chunks)?;
        array.dims = spec.dimension_names.iter().flatten().cloned().collect();
        array.shards = spec.shards.as_ref().map(|shards| {
            let pairs = shards.iter().zip(&spec.chunks);
            pairs
                .map(|(shard, chunk)| shard / (*chunk).max(1))
                .collect()
        });
        array.codecs = spec.codecs_in_words()?;
        self.tell(&array)
    }
}

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
