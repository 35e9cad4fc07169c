//! `blosc`: c-blosc 1 frames, decoded on the calling thread without global state.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use serde_json::Value;
use std::ffi::CString;
use std::sync::Arc;

const HEADER: usize = 16;
/// The library cannot take more in one call.
const MOST: usize = i32::MAX as usize - HEADER;
const COMPRESSORS: [&str; 6] = ["lz4", "lz4hc", "blosclz", "zstd", "zlib", "snappy"];

/// Blosc with a compressor inside.
#[derive(Debug, Clone)]
pub struct Blosc {
    compressor: CString,
    level: i32,
    shuffle: i32,
    type_size: usize,
    block_size: usize,
}

impl Blosc {
    /// Writes with `compressor` (`lz4`, `lz4hc`, `blosclz`, `zstd`, `zlib` or `snappy`) at `level` 0 to 9.
    /// `shuffle` is 0 for none, 1 for bytes, 2 for bits.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] for other compressors.
    pub fn new(compressor: &str, level: i32, shuffle: i32, type_size: usize) -> Result<Self> {
        let known = COMPRESSORS.contains(&compressor);
        let name = CString::new(compressor)
            .ok()
            .filter(|_| known)
            .ok_or_else(|| {
                let message = format!("blosc has no compressor `{compressor}`");
                Error::invalid(message).hint(format!("accepted: {}", COMPRESSORS.join(", ")))
            })?;
        Ok(Self {
            compressor: name,
            level,
            shuffle,
            type_size,
            block_size: 0,
        })
    }
}

impl Codec for Blosc {
    fn label(&self) -> String {
        let shuffle = ["", ":shuffle", ":bitshuffle"];
        let shuffle = usize::try_from(self.shuffle)
            .ok()
            .and_then(|at| shuffle.get(at));
        let name = self.compressor.to_string_lossy();
        format!("blosc:{name}:{}{}", self.level, shuffle.unwrap_or(&""))
    }

    fn encoded_size(&self, plain: Size) -> Size {
        Size::AtMost(plain.most().saturating_add(HEADER))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let header = Header::read(encoded)?;
        if header.plain > out.len() {
            return Ok(None);
        }
        if header.plain == 0 {
            return Ok(Some(0));
        }
        let out = &mut out[..header.plain];
        // SAFETY: the frame's own length was checked to lie within `encoded`, the library never reads
        // past it, nor writes past the `out.len()` bytes it is given.
        let written = unsafe {
            blosc_src::blosc_decompress_ctx(
                encoded.as_ptr().cast(),
                out.as_mut_ptr().cast(),
                out.len(),
                1,
            )
        };
        match usize::try_from(written) {
            Ok(written) if written == header.plain => Ok(Some(written)),
            _ => Err(Error::corrupt(format!(
                "cannot decode blosc: the library says {written}"
            ))),
        }
    }

    fn claimed_size(&self, encoded: &[u8]) -> Option<usize> {
        Header::read(encoded).ok().map(|header| header.plain)
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        if plain.len() > MOST {
            let message = format!("blosc cannot encode {} bytes at once", plain.len());
            return Err(Error::unsupported(message).hint("use smaller chunks"));
        }
        let mut out = pool.take(plain.len() + HEADER)?;
        // SAFETY: both buffers are given with their lengths, and the name ends in NUL.
        let written = unsafe {
            blosc_src::blosc_compress_ctx(
                self.level,
                self.shuffle,
                self.type_size,
                plain.len(),
                plain.as_ptr().cast(),
                out.as_mut_ptr().cast(),
                out.len(),
                self.compressor.as_ptr(),
                self.block_size,
                1,
            )
        };
        let length = usize::try_from(written).ok().filter(|length| *length > 0);
        let length =
            length.ok_or_else(|| Error::internal(format!("blosc cannot encode: {written}")))?;
        out.truncate(length);
        Ok(out)
    }
}

/// The sizes that a frame claims, checked against the bytes that are there.
struct Header {
    plain: usize,
}

impl Header {
    fn read(encoded: &[u8]) -> Result<Self> {
        let Some(header) = encoded.get(..HEADER) else {
            let message = format!(
                "a blosc frame has {} bytes, less than its header",
                encoded.len()
            );
            return Err(Error::corrupt(message));
        };
        let field = |at: usize| {
            let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
            usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX)
        };
        let (plain, block, stored) = (field(4), field(8), field(12));
        if stored > encoded.len() || stored < HEADER || plain > MOST || block > MOST {
            let message = format!(
                "a blosc frame of {} bytes claims {stored} bytes that decode to {plain}",
                encoded.len()
            );
            return Err(Error::corrupt(message));
        }
        if header[3] == 0 || header[0] != 2 || header[2] & 0x08 != 0 {
            return Err(Error::corrupt(
                "the blosc header is damaged or from a later version",
            ));
        }
        Ok(Self { plain })
    }
}

/// Reads the metadata of `blosc`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let item_size = place.element.dtype.item_size().unwrap_or(1).clamp(1, 255);
    let type_size = options.integer("typesize", 0..=i64::from(i32::MAX), None);
    let type_size = type_size
        .ok()
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(item_size);
    let shuffle = match options.get("shuffle") {
        Some(Value::String(name)) => match name.as_str() {
            "noshuffle" => 0,
            "shuffle" => 1,
            "bitshuffle" => 2,
            _ => {
                return Err(options.wrong(
                    "shuffle",
                    &Value::from(name.as_str()),
                    "a known shuffle",
                ));
            }
        },
        _ => match options.integer("shuffle", -1..=2, Some(1))? {
            // Automatic: bits for bytes, bytes for wider types.
            -1 => {
                if item_size == 1 {
                    2
                } else {
                    1
                }
            }
            number => i32::try_from(number).unwrap_or(1),
        },
    };
    let level = i32::try_from(options.integer("clevel", 0..=9, Some(5))?).unwrap_or(5);
    let name = options.text("cname")?.unwrap_or("lz4");
    let mut codec = Blosc::new(name, level, shuffle, type_size)?;
    let block_size = options.integer("blocksize", 0..=i64::from(i32::MAX), Some(0))?;
    codec.block_size = usize::try_from(block_size).unwrap_or(0);
    Ok(Stage::Bytes(Arc::new(codec)))
}
