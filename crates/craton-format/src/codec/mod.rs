//! What a codec is, and the open table of them.
//!
//! A chunk is stored as the result of a chain of codecs. There are three kinds: array to array
//! (transpose, and number filters such as delta), array to bytes (`bytes`, strings, shards) and bytes
//! to bytes (compressors, checksums). After its metadata are read, every chain is flat: an order of axes
//! and a list of [`Codec`]s that turn bytes into bytes, with a string codec in front where elements vary
//! in length. See [`Chain`].
//!
//! Each codec is one file: its names in [`CODECS`], its reading and its writing. A program adds its own with
//! [`register`].

mod aligned;
pub mod astype;
pub mod base64;
pub mod bitround;
pub mod blosc;
pub mod byteswap;
pub mod bz2;
pub mod cast_value;
pub mod categorize;
pub mod chain;
pub mod checksum;
pub mod delta;
pub mod exact;
pub mod fixedscaleoffset;
pub mod fletcher32;
pub mod gzip;
pub mod lookup3;
pub mod lz4;
pub mod lzma;
pub mod narrow;
pub mod numbers;
pub mod objects;
pub mod options;
pub mod packbits;
pub mod pcodec;
pub mod permute;
mod registry;
mod reshape;
pub mod scale_offset;
pub mod shuffle;
pub mod vlen;
pub mod zfp;
pub mod zlib;
pub mod zstd;

pub use chain::Chain;
pub use narrow::Narrow;
pub use numbers::NumberType;
pub use options::Options;
pub use registry::{Build, CODECS, build, look_elsewhere, names, register};

use craton_core::{BufferMut, DType, Error, Pool, Result, Strings};
use std::fmt::Debug;
use std::sync::Arc;

/// How many bytes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// So many.
    Exact(usize),
    /// So many or fewer.
    AtMost(usize),
}

impl Size {
    /// The most bytes there can be.
    #[must_use]
    pub fn most(self) -> usize {
        match self {
            Self::Exact(size) | Self::AtMost(size) => size,
        }
    }

    /// The size after `change`, exact where this one is.
    #[must_use]
    pub fn map(self, change: impl FnOnce(usize) -> usize) -> Self {
        match self {
            Self::Exact(size) => Self::Exact(change(size)),
            Self::AtMost(size) => Self::AtMost(change(size)),
        }
    }
}

/// A change of byte order that may be left to a later, fused pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reordering {
    /// The bytes of each number of this size are reversed.
    Swap(usize),
    /// Bytes of elements of this size are grouped by significance.
    Shuffle(usize),
}

/// One step of a chain: bytes to bytes.
pub trait Codec: Send + Sync + Debug {
    /// The codec in words, such as `zstd:3`.
    fn label(&self) -> String;

    /// How many bytes the encoded form of `plain` bytes has.
    fn encoded_size(&self, plain: Size) -> Size;

    /// Decodes into `out` and says how many bytes that gave; `None` if they do not fit.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if `encoded` is damaged.
    fn decode(&self, encoded: &[u8], out: &mut [u8], pool: &Pool) -> Result<Option<usize>>;

    /// How many bytes `encoded` claims to decode to, if it says so. A claim, not a promise.
    fn claimed_size(&self, encoded: &[u8]) -> Option<usize> {
        let _ = encoded;
        None
    }

    /// Encodes `plain`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] for codecs that are only read.
    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let _ = (plain, pool);
        let message = format!("codec `{}` is read but not written", self.label());
        Err(Error::unsupported(message))
    }

    /// Whether each element is changed by itself, wherever it stands.
    fn is_elementwise(&self) -> bool {
        false
    }

    /// The change of byte order that decoding undoes, if it is nothing more than that.
    fn reordering(&self) -> Option<Reordering> {
        None
    }

    /// Whether decoding gives the very bytes that were encoded.
    fn is_nothing_to_decode(&self) -> bool {
        false
    }
}

/// A codec between strings of any length and bytes.
pub trait StringCodec: Send + Sync + Debug {
    /// The codec in words.
    fn label(&self) -> String;

    /// The strings in `encoded`: `count` of them, or as many as it says where chunks differ in shape.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if `encoded` is damaged or holds another count.
    fn decode(&self, encoded: &[u8], count: Option<usize>) -> Result<Strings>;

    /// The bytes of `strings`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] for codecs that are only read.
    fn encode(&self, strings: &Strings) -> Result<Vec<u8>>;
}

/// What a codec does to a chain when its metadata are read. Its kind follows from it.
#[derive(Debug)]
pub enum Stage {
    /// Array to array: stores the axes in this order.
    Transpose(Vec<usize>),
    /// Array to array: the same elements in the same order, with these lengths of axes.
    Reshape(Vec<usize>),
    /// Array to array: changes numbers, which are of this type afterwards.
    Numbers(Arc<dyn Codec>, NumberType),
    /// Array to bytes: numbers, big-endian or little-endian; `None` where the metadata do not say.
    Endian(Option<bool>),
    /// Array to bytes: elements that vary in length.
    Strings(Arc<dyn StringCodec>),
    /// Array to bytes: elements of fixed size in native order.
    Elements(Arc<dyn Codec>),
    /// Array to bytes: cuts the chunk into inner chunks; read by [`crate::zarr`].
    Sharding,
    /// Bytes to bytes.
    Bytes(Arc<dyn Codec>),
}

/// The three kinds of codecs, in the order in which they stand in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Such as `transpose` and `delta`.
    ArrayToArray,
    /// Such as `bytes` and `vlen-utf8`; one in each chain.
    ArrayToBytes,
    /// Such as `zstd` and `crc32c`.
    BytesToBytes,
}

impl Stage {
    /// The kind of the codec.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Transpose(_) | Self::Reshape(_) | Self::Numbers(..) => Kind::ArrayToArray,
            Self::Endian(_) | Self::Strings(_) | Self::Elements(_) | Self::Sharding => {
                Kind::ArrayToBytes
            }
            Self::Bytes(_) => Kind::BytesToBytes,
        }
    }
}

/// What a codec may need to know of the array it works on.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The type of each element where this codec stands, as filters before it left them.
    pub element: NumberType,
    /// How many axes the array has here.
    pub rank: usize,
    /// Elements of a chunk along each axis here, where all chunks are alike.
    pub shape: Option<&'a [usize]>,
    /// Whether numbers are in native order here, with the byte order left to a later codec (Zarr v3).
    pub is_native: bool,
}

impl Place<'_> {
    /// The place of a codec that is given bytes.
    #[must_use]
    pub fn of_bytes() -> Self {
        Self {
            element: NumberType::native(DType::UInt8),
            rank: 1,
            shape: None,
            is_native: true,
        }
    }
}

/// The error of a codec whose output has another length than the chunk.
pub(crate) fn wrong_length(label: &str, actual: Option<usize>, expected: usize) -> Error {
    Error::corrupt(match actual {
        Some(actual) => format!("`{label}` gave {actual} bytes instead of {expected}"),
        None => format!("`{label}` holds more than the {expected} bytes of the chunk"),
    })
}

/// `bytes` in a buffer of the pool.
fn copied(bytes: &[u8], pool: &Pool) -> Result<BufferMut> {
    let mut copy = pool.take(bytes.len())?;
    copy.copy_from_slice(bytes);
    Ok(copy)
}
