//! One variable being written: chunks go to the file as they come, in any order, from any thread.

use super::btree::Record;
use super::bytes::little_endian;
use super::heap::Heap;
use super::{Shared, datatype};
use crate::codec::fletcher32::Fletcher32;
use crate::codec::shuffle::Shuffle;
use crate::codec::zlib::Zlib;
use crate::codec::zstd::Zstd;
use crate::codec::{Codec, Reordering};
use crate::gather;
use crate::netcdf::{Filter, VariableSpec};
use craton_core::{
    Block, BoxFuture, BufferMut, Error, Pool, Result, Scalar, Sink, SinkChunks, Strings,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A variable's values.
#[derive(Debug)]
pub struct Hdf5Sink {
    shared: Arc<Shared>,
    name: String,
    chunks: SinkChunks,
    chunk_shape: Vec<usize>,
    dtype: craton_core::DType,
    fill_value: Option<Scalar>,
    codecs: Vec<Arc<dyn Codec>>,
    /// Whether values lie in one piece instead of chunks.
    is_contiguous: bool,
    records: Mutex<Vec<Record>>,
}

impl Hdf5Sink {
    /// The sink of `variable`, which is called `name` in messages.
    pub fn new(
        shared: Arc<Shared>,
        name: String,
        variable: &VariableSpec,
        chunks: SinkChunks,
        is_contiguous: bool,
    ) -> Self {
        let size = datatype::size_of(variable.dtype) as usize;
        let codec = |filter: &Filter| -> Arc<dyn Codec> {
            match filter {
                Filter::Shuffle => Arc::new(Shuffle::new(size)),
                Filter::Deflate(level) => Arc::new(Zlib::new(i32::from(*level))),
                Filter::Zstd(level) => Arc::new(Zstd::new(*level, false)),
                Filter::Fletcher32 => Arc::new(Fletcher32),
            }
        };
        Self {
            shared,
            name,
            chunks,
            chunk_shape: variable
                .chunks
                .iter()
                .map(|length| usize::try_from(*length).unwrap_or(usize::MAX))
                .collect(),
            dtype: variable.dtype,
            fill_value: variable.fill_value.clone(),
            codecs: variable.filters.iter().map(codec).collect(),
            is_contiguous,
            records: Mutex::default(),
        }
    }

    /// The chunks that were written, in C order.
    pub fn records(&self) -> Vec<Record> {
        let mut records = std::mem::take(&mut *self.lock());
        records.sort_unstable();
        records
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        // OK to go on after a panic elsewhere: records are added whole.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
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
        if self.fill_value.is_some() && block.as_constant() == self.fill_value.as_ref() {
            return Ok(0);
        }
        let (mut bytes, of_texts) = if self.dtype.is_variable() {
            self.texts(block, pool)?
        } else {
            (self.elements(block, pool)?, 0)
        };
        if let Some(fill) = &self.fill_value
            && !self.dtype.is_variable()
            && gather::is_all(&bytes, fill.bytes())
        {
            return Ok(0);
        }
        if !self.dtype.is_variable() {
            little_endian(&mut bytes, self.dtype.swap_size());
        }
        for codec in &self.codecs {
            let is_nothing = matches!(codec.reordering(), Some(Reordering::Shuffle(1)));
            if !is_nothing {
                bytes = codec.encode(&bytes, pool)?;
            }
        }
        let size = u32::try_from(bytes.len()).map_err(|_| {
            Error::unsupported("a chunk of 4 GiB and more").hint("`--chunks` makes them smaller")
        })?;
        let address = self.shared.append(&bytes)?;
        let counts = self.chunks.grid.shape();
        let number = index
            .iter()
            .zip(&counts)
            .fold(0, |number, (at, count)| number * count + at);
        self.lock().push(Record {
            number,
            address,
            size,
        });
        Ok(bytes.len() as u64 + of_texts)
    }

    /// The shape of what is stored: whole chunks, also at the edge.
    fn stored_shape(&self, block: &Block) -> Vec<usize> {
        if self.is_contiguous {
            block.shape().to_vec()
        } else {
            self.chunk_shape.clone()
        }
    }

    fn elements(&self, block: &Block, pool: &Pool) -> Result<BufferMut> {
        let shape = self.stored_shape(block);
        let fill = self
            .fill_value
            .clone()
            .unwrap_or_else(|| Scalar::zero(self.dtype));
        let axes: Vec<usize> = (0..shape.len()).collect();
        gather::elements(
            block,
            &vec![0; shape.len()],
            &shape,
            &axes,
            fill.bytes(),
            pool,
        )
    }

    /// Writes texts to a heap of their own; gives the references to them, and bytes written.
    fn texts(&self, block: &Block, pool: &Pool) -> Result<(BufferMut, u64)> {
        let repeated;
        let strings = match (block.as_strings(), block.as_constant()) {
            (Some(strings), _) => strings,
            (None, constant) => {
                let text = constant.map(Scalar::bytes).unwrap_or_default();
                repeated = Strings::from_items(std::iter::repeat_n(text, block.len()));
                &repeated
            }
        };
        let shape = self.stored_shape(block);
        let stored = gather::strings(strings, block.shape(), &vec![0; shape.len()], &shape, b"");
        let lengths: Vec<u32> = (0..stored.len())
            .map(|at| u32::try_from(stored.get(at).len()))
            .collect::<Result<_, _>>()
            .map_err(|_| Error::unsupported("a text of 4 GiB and more"))?;
        // A heap's size is known only when it is full, and its place must be known before: it is filled twice.
        let fill = |address: u64, out: &mut [u8]| {
            let mut heap = Heap::at(address);
            for (at, length) in lengths.iter().enumerate() {
                out[at * 16..][..16].copy_from_slice(&heap.add(stored.get(at), *length));
            }
            heap.finish()
        };
        let mut out = pool.take(stored.len() * 16)?;
        let size = fill(0, &mut out).len() as u64;
        let address = self.shared.take(size);
        let bytes = fill(address, &mut out);
        if !bytes.is_empty() {
            self.shared.write(&bytes, address)?;
        }
        Ok((out, bytes.len() as u64))
    }
}

impl Sink for Hdf5Sink {
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
