//! `crc32c`, `crc32` and `adler32`: four bytes before or after the data.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use std::sync::Arc;

/// A checksum of four little-endian bytes.
#[derive(Debug, Clone, Copy)]
pub struct Checksum {
    name: &'static str,
    of: fn(&[u8]) -> u32,
    is_at_start: bool,
}

impl Checksum {
    /// CRC-32C after the data, as Zarr v3 has it.
    #[must_use]
    pub fn crc32c() -> Self {
        Self {
            name: "crc32c",
            of: ::crc32c::crc32c,
            is_at_start: false,
        }
    }
}

impl Codec for Checksum {
    fn label(&self) -> String {
        self.name.to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain.map(|size| size.saturating_add(4))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let split = if self.is_at_start {
            encoded
                .split_first_chunk::<4>()
                .map(|(sum, data)| (data, sum))
        } else {
            encoded.split_last_chunk::<4>()
        };
        let Some((data, sum)) = split else {
            let message = format!("{} bytes are too few for `{}`", encoded.len(), self.name);
            return Err(Error::corrupt(message));
        };
        let Some(out) = out.get_mut(..data.len()) else {
            return Ok(None);
        };
        let (stored, actual) = (u32::from_le_bytes(*sum), (self.of)(data));
        if stored != actual {
            let message = format!(
                "`{}` does not match: {actual:08x} instead of {stored:08x}",
                self.name
            );
            return Err(Error::corrupt(message));
        }
        out.copy_from_slice(data);
        Ok(Some(data.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(plain.len() + 4)?;
        let (data_at, sum_at) = if self.is_at_start {
            (4, 0)
        } else {
            (0, plain.len())
        };
        out[data_at..data_at + plain.len()].copy_from_slice(plain);
        out[sum_at..sum_at + 4].copy_from_slice(&(self.of)(plain).to_le_bytes());
        Ok(out)
    }
}

fn located(
    options: &Options<'_>,
    name: &'static str,
    of: fn(&[u8]) -> u32,
    default: &str,
) -> Result<Stage> {
    let is_at_start = match options.text("location")?.unwrap_or(default) {
        "start" => true,
        "end" => false,
        other => {
            let message = format!("option `location` of codec `{name}` is `{other}`");
            return Err(Error::corrupt(message).hint("accepted: `start`, `end`"));
        }
    };
    Ok(Stage::Bytes(Arc::new(Checksum {
        name,
        of,
        is_at_start,
    })))
}

/// Reads the metadata of `crc32c`.
pub(super) fn crc32c(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    located(options, "crc32c", ::crc32c::crc32c, "end")
}

/// Reads the metadata of `crc32`.
pub(super) fn crc32(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    located(options, "crc32", libdeflater::crc32, "start")
}

/// Reads the metadata of `adler32`.
pub(super) fn adler32(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    located(options, "adler32", libdeflater::adler32, "start")
}
