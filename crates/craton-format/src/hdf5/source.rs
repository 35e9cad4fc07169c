//! One dataset as a [`Source`]: its chunk index is read once, when the first chunk is looked for.

use super::cursor::UNDEFINED;
use super::filters::{Pipeline, describe};
use super::index::{ChunkTable, Geometry};
use super::messages::{Chunked, Layout};
use super::object::Dataset;
use super::strings::{self, PlainStrings};
use super::superblock::Widths;
use crate::counted::Counted;
use crate::pieces;
use crate::ranges::RangeCache;
use craton_core::{
    ArrayMeta, AxisGrid, BoxFuture, Buffer, ByteRange, ChunkRef, Decode, Error, ErrorKind, Grid,
    MissingMeans, Placement, Pool, ReadRanges, Reads, Result, Source, StoredRange,
};
use futures_util::lock::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError};

/// The bytes that one dataset's values lie in.
#[derive(Debug)]
pub struct File {
    /// Reads them.
    pub store: Arc<dyn ReadRanges>,
    /// The file.
    pub location: Arc<str>,
    /// Its length.
    pub size: u64,
    /// How its addresses are written.
    pub widths: Widths,
}

/// A dataset.
#[derive(Debug)]
pub struct Hdf5Array {
    file: Arc<File>,
    /// The file's store, for what tells where chunks are.
    indexes: Arc<Counted>,
    url: String,
    meta: ArrayMeta,
    dataset: Dataset,
    /// Stored chunks along each axis; further ones hold only the fill value.
    stored: Vec<u64>,
    /// Bytes of a chunk before filters; 0 where pieces vary.
    chunk_bytes: u64,
    table: OnceLock<Result<ChunkTable, (ErrorKind, String)>>,
    /// Held while the index is read, so that it is read once.
    reading: Mutex<()>,
    decoders: StdMutex<HashMap<(u32, usize), Arc<dyn Decode>>>,
}

impl Hdf5Array {
    /// The source of `dataset`, shown with `shape` and axis `names`.
    ///
    /// # Errors
    /// Corrupt if sizes overflow.
    pub fn new(
        file: Arc<File>,
        url: String,
        dataset: &Dataset,
        names: Vec<String>,
        shape: Vec<u64>,
    ) -> Result<Self> {
        let item = u64::from(dataset.element.stored_size);
        let count = shape
            .iter()
            .try_fold(item, |count, length| count.checked_mul(*length));
        count.ok_or_else(|| Error::unsupported(format!("a dataset of shape {shape:?}")))?;
        let (grid, chunk_bytes) = match &dataset.layout {
            Layout::Chunked(chunked) => chunked_grid(chunked, dataset, &shape)?,
            _ => (pieces::grid(&shape, item), 0),
        };
        let stored = match &dataset.layout {
            Layout::Chunked(chunked) => dataset
                .shape
                .iter()
                .zip(&chunked.chunk)
                .map(|(extent, chunk)| extent.div_ceil(*chunk))
                .collect(),
            _ => grid.shape(),
        };
        let meta = ArrayMeta {
            dtype: dataset.element.dtype,
            shape,
            grid,
            fill_value: dataset.fill_value.clone(),
            dimension_names: names.into_iter().map(Some).collect(),
            attributes: dataset.attributes.clone(),
            codecs: describe(&dataset.filters),
            shard_shape: None,
        };
        Ok(Self {
            indexes: Arc::new(Counted::new(file.store.clone())),
            file,
            url,
            meta,
            dataset: dataset.clone(),
            stored,
            chunk_bytes,
            table: OnceLock::new(),
            reading: Mutex::new(()),
            decoders: StdMutex::default(),
        })
    }

    fn cache(&self) -> RangeCache {
        RangeCache::with_size(
            self.indexes.clone(),
            self.file.location.clone(),
            self.file.size,
        )
    }

    /// The chunk table, read now if it was not read before.
    async fn table(&self, chunked: &Chunked) -> Result<&ChunkTable> {
        if self.table.get().is_none() {
            let _reading = self.reading.lock().await;
            if self.table.get().is_none() {
                let read = self.read_table(chunked).await;
                let kept = match read {
                    Ok(table) => Ok(table),
                    // Damage stays; a store that failed may work the next time.
                    Err(error)
                        if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported) =>
                    {
                        Err((error.kind(), error.message().to_owned()))
                    }
                    Err(error) => return Err(error),
                };
                // OK to ignore: nobody else writes while `reading` is held.
                let _ = self.table.set(kept);
            }
        }
        match self.table.get() {
            Some(Ok(table)) => Ok(table),
            Some(Err((kind, message))) => Err(Error::new(
                *kind,
                format!("cannot read the chunk index: {message}"),
            )
            .at(&self.url)),
            None => Err(Error::internal("a chunk table vanished")),
        }
    }

    async fn read_table(&self, chunked: &Chunked) -> Result<ChunkTable> {
        let geometry = Geometry {
            shape: self.dataset.shape.clone(),
            most: self.dataset.most.clone(),
            chunk: chunked.chunk.clone(),
            chunk_bytes: self.chunk_bytes,
            is_filtered: !self.dataset.filters.is_empty(),
        };
        ChunkTable::read(&mut self.cache(), self.file.widths, chunked, &geometry).await
    }

    async fn locate_chunk(&self, chunked: &Chunked, index: &[u64]) -> Result<ChunkRef> {
        if index
            .iter()
            .zip(&self.stored)
            .any(|(position, stored)| position >= stored)
        {
            return Ok(ChunkRef::Missing);
        }
        let Some(place) = self.table(chunked).await?.find(index) else {
            return Ok(ChunkRef::Missing);
        };
        let is_edge = || {
            index
                .iter()
                .zip(&chunked.chunk)
                .zip(&self.dataset.shape)
                .any(|((position, chunk), extent)| (position + 1).saturating_mul(*chunk) > *extent)
        };
        let mask = if chunked.is_edge_unfiltered && is_edge() {
            u32::MAX
        } else {
            place.mask
        };
        let length = if mask == u32::MAX {
            self.chunk_bytes
        } else {
            place.length
        };
        self.stored_or_strings(place.offset, length, mask, self.chunk_bytes)
            .await
    }

    async fn locate_piece(&self, address: u64, total: u64, index: &[u64]) -> Result<ChunkRef> {
        if address == UNDEFINED {
            return Ok(ChunkRef::Missing);
        }
        let item = u64::from(self.dataset.element.stored_size);
        let (first, count) = pieces::elements(&self.meta.grid, &self.dataset.shape, index)?;
        // OK because the bytes of the whole array were checked to fit 64 bits in `new`.
        let (start, length) = (first * item, count * item);
        if start + length > total {
            let message = format!(
                "values end at byte {} of the {total} bytes stored",
                start + length
            );
            return Err(Error::corrupt(message));
        }
        let offset = address
            .checked_add(self.file.widths.base)
            .and_then(|base| base.checked_add(start));
        let offset =
            offset.ok_or_else(|| Error::corrupt(format!("values at address {address}")))?;
        self.stored_or_strings(offset, length, u32::MAX, length)
            .await
    }

    async fn stored_or_strings(
        &self,
        offset: u64,
        length: u64,
        mask: u32,
        plain: u64,
    ) -> Result<ChunkRef> {
        let range = offset..offset.saturating_add(length);
        if range.end > self.file.size {
            let message = format!(
                "values lie past the end of the file at byte {}",
                self.file.size
            );
            return Err(Error::corrupt(message).in_bytes(range));
        }
        let decode = self.decoder(mask, plain)?;
        let range = ByteRange::Bounded { offset, length };
        if self.meta.dtype.is_variable() {
            return self.read_strings(range, decode.as_ref(), plain).await;
        }
        Ok(ChunkRef::Stored(StoredRange {
            store: self.file.store.clone(),
            location: self.file.location.clone(),
            range,
            if_missing: MissingMeans::Error,
            decode,
        }))
    }

    async fn read_strings(
        &self,
        range: ByteRange,
        decode: &dyn Decode,
        plain: u64,
    ) -> Result<ChunkRef> {
        let pool = Pool::unlimited();
        let encoded = self.indexes.read(&self.file.location, range, &pool).await?;
        let encoded =
            encoded.ok_or_else(|| Error::not_found("the file does not exist any more"))?;
        let plain =
            usize::try_from(plain).map_err(|_| Error::corrupt("a chunk of impossible size"))?;
        let mut elements = pool.take(plain)?;
        decode.decode(&encoded, &mut elements, &pool)?;
        self.inline_strings(&elements).await
    }

    async fn inline_strings(&self, elements: &[u8]) -> Result<ChunkRef> {
        let size = self.dataset.element.stored_size as usize;
        let bytes = strings::gather(&mut self.cache(), self.file.widths, elements, size).await?;
        Ok(ChunkRef::Inline {
            bytes: Buffer::copy_of(&bytes)?,
            decode: Arc::new(PlainStrings),
        })
    }

    async fn locate_compact(&self, bytes: &[u8], index: &[u64]) -> Result<ChunkRef> {
        let item = u64::from(self.dataset.element.stored_size);
        let (first, count) = pieces::elements(&self.meta.grid, &self.dataset.shape, index)?;
        let range = usize::try_from(first * item)
            .ok()
            .zip(usize::try_from((first + count) * item).ok());
        let piece = range
            .and_then(|(start, end)| bytes.get(start..end))
            .ok_or_else(|| {
                Error::corrupt(format!(
                    "{} bytes of values where {} are needed",
                    bytes.len(),
                    (first + count) * item
                ))
            })?;
        if self.meta.dtype.is_variable() {
            return self.inline_strings(piece).await;
        }
        let decode = self.decoder(u32::MAX, count * item)?;
        Ok(ChunkRef::Inline {
            bytes: Buffer::copy_of(piece)?,
            decode,
        })
    }

    /// The decoder for chunks of `plain` bytes under a filter mask.
    fn decoder(&self, mask: u32, plain: u64) -> Result<Arc<dyn Decode>> {
        let length =
            usize::try_from(plain).map_err(|_| Error::corrupt("a chunk of impossible size"))?;
        // OK to go on after a panic elsewhere: entries are added whole.
        let mut decoders = self.decoders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(decode) = decoders.get(&(mask, length)) {
            return Ok(decode.clone());
        }
        let dataset = &self.dataset;
        let pipeline = Pipeline::new(
            &dataset.filters,
            mask,
            dataset.element,
            dataset.padding,
            length,
        )?;
        let decode: Arc<dyn Decode> = Arc::new(pipeline);
        // Hostile files could name very many masks.
        if decoders.len() < 256 {
            decoders.insert((mask, length), decode.clone());
        }
        Ok(decode)
    }
}

/// The grid of a chunked dataset, with bytes per chunk. Axes that the netCDF dimension makes longer than
/// what is stored get further chunks, which are missing.
fn chunked_grid(chunked: &Chunked, dataset: &Dataset, shape: &[u64]) -> Result<(Grid, u64)> {
    let item = u64::from(dataset.element.stored_size);
    let bytes = chunked
        .chunk
        .iter()
        .try_fold(item, |bytes, length| bytes.checked_mul(*length));
    let bytes = bytes.filter(|bytes| usize::try_from(*bytes).is_ok());
    let bytes =
        bytes.ok_or_else(|| Error::corrupt(format!("chunks of shape {:?}", chunked.chunk)))?;
    let mut axes = Vec::new();
    for ((stored, chunk), extent) in dataset.shape.iter().zip(&chunked.chunk).zip(shape) {
        let mut axis = AxisGrid::regular(*stored, *chunk)?;
        axis.append(&AxisGrid::regular(extent.saturating_sub(*stored), *chunk)?);
        axes.push(axis);
    }
    Ok((Grid { axes }, bytes))
}

impl Source for Hdf5Array {
    fn meta(&self) -> &ArrayMeta {
        &self.meta
    }

    fn locate<'a>(&'a self, index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>> {
        Box::pin(async move {
            let located = match &self.dataset.layout {
                Layout::Chunked(chunked) => self.locate_chunk(chunked, index).await,
                Layout::Contiguous { address, length } => {
                    self.locate_piece(*address, *length, index).await
                }
                Layout::Compact(bytes) => self.locate_compact(bytes, index).await,
                Layout::Virtual => Err(Error::unsupported("a virtual dataset")),
            };
            located.map_err(|error| error.in_chunk(index).at(&self.url))
        })
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn version(&self) -> Option<String> {
        self.file.store.version(&self.file.location)
    }

    fn placement(&self) -> Placement {
        Placement {
            is_remote: self.file.store.is_remote(),
            shares_objects: true,
        }
    }

    fn read_to_locate(&self) -> Reads {
        self.indexes.reads()
    }
}
