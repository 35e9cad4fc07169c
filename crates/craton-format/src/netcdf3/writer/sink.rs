//! One variable being written: pieces go to their places as rows of big-endian numbers.

use super::header::Place;
use super::types::to_big_endian;
use crate::gather;
use crate::netcdf::VariableSpec;
use craton_core::{Block, BoxFuture, DType, Error, Grid, Pool, Result, Scalar, Sink, SinkChunks};
use craton_store::placed::PlacedFile;
use std::sync::Arc;

/// A variable's values.
#[derive(Debug)]
pub struct ClassicSink {
    file: Arc<PlacedFile>,
    name: String,
    dtype: DType,
    chunks: SinkChunks,
    place: Place,
}

impl ClassicSink {
    /// The sink of `variable`, whose values will be at `place`.
    ///
    /// # Errors
    /// None in practice: chunk lengths are not 0.
    pub fn new(file: Arc<PlacedFile>, variable: &VariableSpec, place: &Place) -> Result<Self> {
        let chunks: Vec<u64> = variable
            .chunks
            .iter()
            .map(|length| (*length).max(1))
            .collect();
        Ok(Self {
            file,
            name: variable.name.clone(),
            dtype: variable.dtype,
            chunks: SinkChunks {
                grid: Grid::regular(&place.shape, &chunks)?,
            },
            place: place.clone(),
        })
    }

    fn put_now(&self, index: &[u64], block: &Block, pool: &Pool) -> Result<u64> {
        if block.dtype() != self.dtype {
            let message = format!(
                "block of {} for a variable of {}",
                block.dtype(),
                self.dtype
            );
            return Err(Error::internal(message));
        }
        let lengths = block.shape();
        let axes: Vec<usize> = (0..lengths.len()).collect();
        let fill = Scalar::zero(self.dtype);
        let plain = gather::elements(
            block,
            &vec![0; lengths.len()],
            lengths,
            &axes,
            fill.bytes(),
            pool,
        )?;
        let size = self.place.stored.item_size().unwrap_or(1);
        let mut bytes = pool.take(block.len() * size)?;
        to_big_endian(&plain, self.dtype, self.place.stored, &mut bytes)?;
        drop(plain);
        let start: Vec<u64> = self
            .chunks
            .grid
            .chunk(index)
            .iter()
            .map(|chunk| chunk.start)
            .collect();
        let row = self.axes_in_a_row(lengths);
        let elements: usize = lengths[row..].iter().product();
        let rows: usize = lengths[..row].iter().product();
        let mut at = vec![0u64; row];
        for number in 0..rows {
            let piece = &bytes[number * elements * size..][..elements * size];
            let first: Vec<u64> = (0..lengths.len())
                .map(|axis| start[axis] + at.get(axis).copied().unwrap_or(0))
                .collect();
            self.file.write_at(piece, self.offset(&first))?;
            for axis in (0..row).rev() {
                at[axis] += 1;
                if at[axis] < lengths[axis] as u64 {
                    break;
                }
                at[axis] = 0;
            }
        }
        Ok(bytes.len() as u64)
    }

    /// The first axis from which on the elements of a piece lie one after the other in the file.
    fn axes_in_a_row(&self, lengths: &[usize]) -> usize {
        let outermost = usize::from(self.place.record.is_some());
        let is_whole = |axis: usize| lengths[axis] as u64 == self.place.shape[axis];
        let mut first = lengths.len();
        while first > outermost && (first == lengths.len() || is_whole(first)) {
            first -= 1;
        }
        first
    }

    /// The place of an element.
    fn offset(&self, index: &[u64]) -> u64 {
        let size = self.place.stored.item_size().unwrap_or(1) as u64;
        let inner = usize::from(self.place.record.is_some());
        let within = index[inner..]
            .iter()
            .zip(&self.place.shape[inner..])
            .fold(0, |at, (index, length)| at * length + index);
        let record = self
            .place
            .record
            .map_or(0, |bytes| bytes * index.first().copied().unwrap_or(0));
        self.place.begin + record + within * size
    }
}

impl Sink for ClassicSink {
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
        Box::pin(async move {
            let put = self.put_now(index, block, pool);
            put.map_err(|error| error.in_chunk(index).in_variable(&self.name))
        })
    }

    fn commit(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
