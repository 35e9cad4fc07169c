//! The open table of codecs, and what one codec can do.
//!
//! A chunk is stored as the result of a chain of codecs. There are three kinds: array to array
//! (transpose, and number filters such as delta), array to bytes (`bytes`, strings, shards) and bytes
//! to bytes (compressors, checksums). After its metadata are read, every chain is flat: an order of axes
//! and a list of [`Codec`]s that turn bytes into bytes, with a string codec in front where elements vary
//! in length. See [`Chain`].

pub mod astype;
pub mod base64;
pub mod bitround;
pub mod blosc;
pub mod byteswap;
pub mod bz2;
pub mod categorize;
pub mod chain;
pub mod checksum;
pub mod delta;
pub mod fixedscaleoffset;
pub mod fletcher32;
pub mod gzip;
pub mod lookup3;
pub mod lz4;
pub mod lzma;
pub mod numbers;
pub mod options;
pub mod packbits;
pub mod permute;
pub mod shuffle;
pub mod vlen;
pub mod zlib;
pub mod zstd;

pub use chain::Chain;
pub use numbers::NumberType;
pub use options::Options;

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
        Err(Error::unsupported(message).hint(WRITTEN))
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

const WRITTEN: &str =
    "codecs that are written: bytes, transpose, zstd, blosc, gzip, zlib, shuffle, crc32c";

/// A codec between strings of any length and bytes.
pub trait StringCodec: Send + Sync + Debug {
    /// The codec in words.
    fn label(&self) -> String;

    /// The `count` strings in `encoded`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if `encoded` is damaged or holds another count.
    fn decode(&self, encoded: &[u8], count: usize) -> Result<Strings>;

    /// The bytes of `strings`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] for codecs that are only read.
    fn encode(&self, strings: &Strings) -> Result<Vec<u8>>;
}

/// What a codec does to a chain when its metadata are read.
#[derive(Debug)]
pub enum Stage {
    /// Stores the axes in this order.
    Transpose(Vec<usize>),
    /// Turns numbers into bytes, big-endian or little-endian; `None` where the metadata do not say.
    Endian(Option<bool>),
    /// Turns strings into bytes.
    Strings(Arc<dyn StringCodec>),
    /// Changes bytes; if it changes the type of numbers, to this one.
    Bytes(Arc<dyn Codec>, Option<NumberType>),
    /// Cuts the chunk into inner chunks; read by [`crate::zarr`].
    Sharding,
}

/// What a codec may need to know of the array it works on.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The type of each element where this codec stands.
    pub dtype: DType,
    /// How many axes the array has.
    pub rank: usize,
    /// Whether numbers are in native order here, with the byte order left to a later codec (Zarr v3).
    pub is_native: bool,
}

/// Reads one codec's metadata.
pub type Build = fn(&Options<'_>, &Place) -> Result<Stage>;

/// Every codec by its names; `numcodecs.x` and `x` are the same.
pub const CODECS: &[(&str, Build)] = &[
    ("adler32", checksum::adler32),
    ("astype", astype::build),
    ("base64", base64::build),
    ("bitround", bitround::build),
    ("blosc", blosc::build),
    ("bytes", byteswap::build),
    ("bz2", bz2::build),
    ("categorize", categorize::build),
    ("crc32", checksum::crc32),
    ("crc32c", checksum::crc32c),
    ("delta", delta::build),
    ("endian", byteswap::build),
    ("fixedscaleoffset", fixedscaleoffset::build),
    ("fletcher32", fletcher32::build),
    ("gzip", gzip::build),
    ("jenkins_lookup3", lookup3::build),
    ("lz4", lz4::build),
    ("lzma", lzma::build),
    ("packbits", packbits::build),
    ("quantize", astype::quantize),
    ("sharding_indexed", |_, _| Ok(Stage::Sharding)),
    ("shuffle", shuffle::build),
    ("transpose", permute::build),
    ("vlen-bytes", vlen::bytes),
    ("vlen-utf8", vlen::utf8),
    ("xz", lzma::build),
    ("zlib", zlib::build),
    ("zstd", zstd::build),
];

/// Reads the metadata of one codec.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] for codecs that are not in the table,
/// [`craton_core::ErrorKind::Corrupt`] for options out of range.
pub fn build(options: &Options<'_>, place: &Place) -> Result<Stage> {
    let name = options.codec();
    let short = name.strip_prefix("numcodecs.").unwrap_or(name);
    if short == "pickle" {
        let message = "codec `pickle` is refused: reading it would run code that the file brings";
        return Err(
            Error::unsupported(message).hint("rewrite the array with `vlen-utf8` or `json2`")
        );
    }
    match CODECS.iter().find(|(known, _)| *known == short) {
        Some((_, build)) => build(options, place),
        None => {
            let known: Vec<&str> = CODECS.iter().map(|(known, _)| *known).collect();
            let message = format!("codec `{name}` is not read by this version");
            Err(Error::unsupported(message)
                .hint(format!("codecs that are read: {}", known.join(", "))))
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
