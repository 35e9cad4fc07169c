//! The traits by which stored arrays are found, read and decoded.

use crate::{Attributes, Buffer, BufferMut, DType, Grid, Pool, Result, Scalar, Strings};
use std::fmt::Debug;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

/// A future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is known of a stored array before any chunk is read.
#[derive(Debug, Clone)]
pub struct ArrayMeta {
    /// The type of each element, after the array's own codecs and before CF decoding.
    pub dtype: DType,
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// How the array is cut into chunks; for shards, the inner chunks.
    pub grid: Grid,
    /// The value of elements whose chunk is missing.
    pub fill_value: Scalar,
    /// The name of each axis, where the format knows it.
    pub dimension_names: Vec<Option<String>>,
    /// The array's attributes.
    pub attributes: Attributes,
    /// The codecs in words, such as `bytes, zstd:3`, for people.
    pub codecs: String,
    /// Chunks that are stored in one object, along each axis, where that is more than one (shards).
    pub shard_shape: Option<Vec<u64>>,
}

/// A table of chunk references: a stored array of any format.
pub trait Source: Send + Sync + Debug {
    /// Shape, dtype, grid, fill value, attributes.
    fn meta(&self) -> &ArrayMeta;

    /// Where the bytes of the chunk at `index` are. `index` lies within the grid.
    fn locate<'a>(&'a self, index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>>;

    /// The URL of the array as the user would write it, without secrets.
    fn url(&self) -> &str;

    /// How its chunks lie in their store, as far as that says how to read them.
    fn placement(&self) -> Placement {
        Placement::default()
    }

    /// What tells this state of the stored bytes from others, where the store says, such as an etag.
    fn version(&self) -> Option<String> {
        None
    }

    /// What [`Source::locate`] has read so far.
    fn read_to_locate(&self) -> Reads {
        Reads::default()
    }
}

/// How chunks lie in their store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Placement {
    /// Whether each read waits for a network.
    pub is_remote: bool,
    /// Whether several chunks lie in one object, so that neighbours can be read together.
    pub shares_objects: bool,
}

impl Placement {
    /// What holds of some of several arrays.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            is_remote: self.is_remote || other.is_remote,
            shares_objects: self.shares_objects || other.shares_objects,
        }
    }
}

/// Reads made, and the bytes that they gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Reads.
    pub requests: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Where a chunk's bytes are and how to read them.
#[derive(Debug, Clone)]
pub enum ChunkRef {
    /// Nothing is stored: every element is the fill value.
    Missing,
    /// The encoded bytes themselves.
    Inline {
        /// The encoded bytes.
        bytes: Buffer,
        /// How to decode them.
        decode: Arc<dyn Decode>,
    },
    /// Bytes of a file or object.
    Stored(StoredRange),
}

/// Bytes of a file or object, and how to decode them.
#[derive(Debug, Clone)]
pub struct StoredRange {
    /// Reads the bytes.
    pub store: Arc<dyn ReadRanges>,
    /// The object, in the store's own words.
    pub location: Arc<str>,
    /// Which bytes of it.
    pub range: ByteRange,
    /// What it means if the object does not exist.
    pub if_missing: MissingMeans,
    /// How to decode them.
    pub decode: Arc<dyn Decode>,
}

/// What a missing object means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingMeans {
    /// Every element is the fill value (a Zarr chunk that was never written).
    FillValue,
    /// The data are damaged or gone.
    Error,
}

/// Bytes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteRange {
    /// All of it.
    Whole,
    /// `length` bytes from `offset` on.
    Bounded {
        /// The first byte.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// The last bytes.
    Suffix(u64),
}

impl ByteRange {
    /// The bytes as `start..end`, for objects of `size` bytes.
    #[must_use]
    pub fn resolve(self, size: u64) -> Range<u64> {
        match self {
            Self::Whole => 0..size,
            Self::Bounded { offset, length } => offset..offset.saturating_add(length),
            Self::Suffix(length) => size.saturating_sub(length)..size,
        }
    }
}

/// Reads byte ranges of named objects.
pub trait ReadRanges: Send + Sync + Debug {
    /// The bytes of `range`, in a buffer lent by `pool`; `None` if the object does not exist.
    ///
    /// A range past the end of the object is an error, never a short buffer.
    fn read<'a>(
        &'a self,
        location: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>>;

    /// Bytes of the object; `None` if it does not exist.
    fn size<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Option<u64>>>;

    /// The names directly under `prefix`, sorted: first folders (with a trailing `/`), then objects.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>>;

    /// The URL of `location` for people, without secrets.
    fn url_of(&self, location: &str) -> String;

    /// Whether each read waits for a network.
    fn is_remote(&self) -> bool {
        false
    }

    /// What keeps the objects, in words, where it is more than files: `Icechunk, branch main`.
    fn keeper(&self) -> Option<String> {
        None
    }

    /// What tells this state of an object from others, if it was told with an earlier read.
    fn version(&self, _location: &str) -> Option<String> {
        None
    }
}

/// The order in which decoded elements lie in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Last axis fastest.
    C,
    /// The array's axes in the order in which they are stored, slowest first.
    Permuted(Vec<usize>),
}

/// What a decoder left in the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Fixed-size elements that fill the buffer.
    ///
    /// A final byte swap or byte shuffle is left to the first step of the compute loop, tile by tile.
    Elements {
        /// The order of elements.
        order: Order,
        /// Whether the bytes of each number are in the other endianness.
        is_swapped: bool,
        /// Whether bytes are grouped by significance: all first bytes, then all second bytes, and so on.
        is_shuffled: bool,
    },
    /// Elements of varying length in C order; the buffer is untouched.
    Strings(Strings),
}

impl Decoded {
    /// Plain native C-order elements.
    #[must_use]
    pub fn native() -> Self {
        Self::Elements {
            order: Order::C,
            is_swapped: false,
            is_shuffled: false,
        }
    }
}

/// Turns the encoded bytes of one chunk into elements.
pub trait Decode: Send + Sync + Debug {
    /// Decodes `encoded` into `out`, which has room for exactly the chunk's stored elements.
    /// `pool` lends scratch.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] if the bytes are damaged, or do not fill `out` exactly.
    fn decode(&self, encoded: &[u8], out: &mut [u8], pool: &Pool) -> Result<Decoded>;

    /// Whether `encoded` already is the decoded form, so that it can be used without a copy.
    fn is_identity(&self) -> Option<Decoded> {
        None
    }
}
