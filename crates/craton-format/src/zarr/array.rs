//! A Zarr array as a table of chunk references.

use super::description::Description;
use super::fields::{Take, plain_fields};
use super::shard::{Bytes, Shard, ShardCache};
use crate::codec::Codec;
use crate::codec::byteswap::ByteSwap;
use crate::counted::Counted;
use craton_core::{
    ArrayMeta, BoxFuture, Buffer, ByteRange, ChunkRef, Error, MissingMeans, Placement, Pool,
    ReadRanges, Reads, Result, Scalar, Source, StoredRange,
};
use std::fmt;
use std::sync::Arc;

/// A stored Zarr array of either version. Shards are seen as the grid of their innermost chunks.
pub struct ZarrArray {
    store: Arc<dyn ReadRanges>,
    /// The same store, for the indexes of shards.
    indexes: Counted,
    /// The array's own name in the store, without a trailing `/`.
    prefix: String,
    url: String,
    description: Description,
    meta: ArrayMeta,
    shards: ShardCache,
    pool: Pool,
}

impl ZarrArray {
    /// The array that `description` describes, stored under `prefix`.
    #[must_use]
    pub fn new(store: Arc<dyn ReadRanges>, prefix: &str, description: Description) -> Self {
        let shard_shape = description.layout.levels.first().map(|level| {
            level
                .shape
                .iter()
                .zip(&description.layout.chunk)
                .map(|(shard, chunk)| shard / chunk)
                .collect()
        });
        let meta = ArrayMeta {
            dtype: description.dtype,
            shape: description.shape.clone(),
            grid: description.grid.clone(),
            fill_value: description.fill_value.clone(),
            dimension_names: description.dimension_names.clone(),
            attributes: description.attributes.clone(),
            codecs: description.layout.label.clone(),
            shard_shape,
        };
        Self {
            url: store.url_of(prefix),
            prefix: prefix.to_owned(),
            indexes: Counted::new(store.clone()),
            store,
            description,
            meta,
            shards: ShardCache::default(),
            pool: Pool::unlimited(),
        }
    }

    /// The version of Zarr, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.description.version
    }

    /// Whether the metadata give a fill value; version 2 may have `null`.
    #[must_use]
    pub fn has_fill_value(&self) -> bool {
        self.description.has_fill_value
    }

    /// The grid of stored objects: shards, or chunks where there are none.
    #[must_use]
    pub fn objects(&self) -> &craton_core::Grid {
        &self.description.objects
    }

    /// The name in the store of the object at `index` of [`ZarrArray::objects`].
    #[must_use]
    pub fn object_location(&self, index: &[u64]) -> String {
        let key = self.description.keys.key(index);
        if self.prefix.is_empty() {
            key
        } else {
            format!("{}/{key}", self.prefix)
        }
    }

    /// One array for each plain field of structured elements, with the field's name. They are only read.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, Self)> {
        let whole = self.meta.dtype.item_size().unwrap_or(0);
        let fields = plain_fields(&self.description.fields).into_iter();
        fields
            .map(|field| {
                let mut description = self.description.clone();
                let take = Take {
                    name: field.name.clone(),
                    whole,
                    offset: field.offset,
                    size: field.size,
                };
                let mut first: Vec<Arc<dyn Codec>> = vec![Arc::new(take)];
                if field.is_swapped {
                    first.insert(0, Arc::new(ByteSwap::new(field.dtype.swap_size())));
                }
                let layout = &mut description.layout;
                layout.chain = Arc::new(layout.chain.with_first(field.dtype, first));
                layout.label = format!("field:{}, {}", field.name, layout.label);
                let mut fill =
                    description.fill_value.bytes()[field.offset..][..field.size].to_vec();
                if field.is_swapped {
                    fill.chunks_exact_mut(field.dtype.swap_size())
                        .for_each(<[u8]>::reverse);
                }
                description.fill_value = Scalar::from_bytes(field.dtype, &fill);
                description.dtype = field.dtype;
                description.fields.clear();
                let mut array = Self::new(self.store.clone(), &self.prefix, description);
                // A source of its own: whoever knows sources by their names must not take one field for another.
                array.url = format!("{}#{}", self.url, field.name);
                (field.name, array)
            })
            .collect()
    }

    async fn locate_inner(&self, index: &[u64]) -> Result<ChunkRef> {
        if index.len() != self.meta.grid.axes.len() {
            return Err(Error::internal(
                "chunk index has another rank than the array",
            ));
        }
        if self.description.layout.levels.is_empty() {
            let location = self.object_location(index).into();
            return Ok(self.stored(location, ByteRange::Whole, MissingMeans::FillValue));
        }
        match self.find_in_shards(index).await? {
            None => Ok(ChunkRef::Missing),
            Some(Bytes::Stored { location, range }) => {
                Ok(self.stored(location, range, MissingMeans::Error))
            }
            Some(Bytes::Held { buffer, range }) => Ok(ChunkRef::Inline {
                bytes: Buffer::copy_of(&buffer[range])?,
                decode: self.description.layout.chain.clone(),
            }),
        }
    }

    fn stored(&self, location: Arc<str>, range: ByteRange, if_missing: MissingMeans) -> ChunkRef {
        ChunkRef::Stored(StoredRange {
            store: self.store.clone(),
            location,
            range,
            if_missing,
            decode: self.description.layout.chain.clone(),
        })
    }

    /// Goes from the object through every level of shards to the innermost chunk.
    async fn find_in_shards(&self, index: &[u64]) -> Result<Option<Bytes>> {
        let levels = &self.description.layout.levels;
        let origin: Vec<u64> = self
            .meta
            .grid
            .chunk(index)
            .iter()
            .map(|chunk| chunk.start)
            .collect();
        let objects = &self.description.objects.axes;
        let object: Vec<u64> = objects
            .iter()
            .zip(&origin)
            .map(|(axis, start)| axis.chunk_of(*start))
            .collect();
        let within = self.description.objects.chunk(&object);
        let mut bytes = Bytes::Stored {
            location: self.object_location(&object).into(),
            range: ByteRange::Whole,
        };
        let item_size = self.meta.dtype.item_size().unwrap_or(1 << 10);
        for (depth, level) in levels.iter().enumerate() {
            // Shards of the outermost level may differ; those inside are all alike.
            let shape: Vec<u64> = match depth {
                0 => within.iter().map(|chunk| chunk.encoded).collect(),
                _ => level.shape.clone(),
            };
            let place = match depth {
                0 => object.clone(),
                _ => origin
                    .iter()
                    .zip(&shape)
                    .map(|(start, length)| start / length)
                    .collect(),
            };
            let key = std::iter::once(depth as u64).chain(place).collect();
            let read = Shard::read(
                &self.indexes,
                level,
                level.count_in(&shape),
                &bytes,
                self.description.layout.largest_shard(depth, item_size),
                &self.pool,
            );
            let Some(shard) = self.shards.get(key, read).await? else {
                return Ok(None);
            };
            // OK to count in `usize`: the level's whole count fits it.
            let position = level.axes.iter().fold(0u64, |position, &axis| {
                let (inner, length) = (level.inner[axis], shape[axis]);
                let start = origin[axis] - within[axis].start;
                position * (length / inner) + start % length / inner
            });
            let position = usize::try_from(position).unwrap_or(usize::MAX);
            match shard.entry(position, &bytes)? {
                Some(inner) => bytes = inner,
                None => return Ok(None),
            }
        }
        Ok(Some(bytes))
    }
}

impl Source for ZarrArray {
    fn meta(&self) -> &ArrayMeta {
        &self.meta
    }

    fn locate<'a>(&'a self, index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>> {
        Box::pin(async move {
            let located = self.locate_inner(index).await;
            located.map_err(|error| error.in_chunk(index).at(&self.url))
        })
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn version(&self) -> Option<String> {
        // Chunks may still be others: no store says of a folder whether anything in it changed.
        let names = ["zarr.json", ".zarray"];
        let versions = names.map(|name| match self.prefix.as_str() {
            "" => self.store.version(name),
            prefix => self.store.version(&format!("{prefix}/{name}")),
        });
        versions.into_iter().flatten().next()
    }

    fn placement(&self) -> Placement {
        Placement {
            is_remote: self.store.is_remote(),
            shares_objects: !self.description.layout.levels.is_empty(),
        }
    }

    fn read_to_locate(&self) -> Reads {
        self.indexes.reads()
    }
}

impl fmt::Debug for ZarrArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ZarrArray({}, {:?} {})",
            self.url, self.meta.shape, self.meta.dtype
        )
    }
}
