//! `lz4`: one LZ4 block after its decoded size, as numcodecs frames it.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use std::sync::Arc;

/// An LZ4 block behind four little-endian bytes of size.
#[derive(Debug, Clone, Copy)]
pub struct Lz4 {
    acceleration: i32,
}

impl Codec for Lz4 {
    fn label(&self) -> String {
        "lz4".to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        let most = plain.most();
        Size::AtMost(most.saturating_add(most / 255).saturating_add(64))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some((size, block)) = encoded.split_first_chunk::<4>() else {
            let message = format!("{} bytes are too few for `lz4`", encoded.len());
            return Err(Error::corrupt(message));
        };
        let size = usize::try_from(u32::from_le_bytes(*size)).unwrap_or(usize::MAX);
        let Some(out) = out.get_mut(..size) else {
            return Ok(None);
        };
        if decode_block(block, out) == Some(size) {
            return Ok(Some(size));
        }
        Err(Error::corrupt(format!(
            "cannot decode lz4 to the {size} bytes it claims"
        )))
    }

    fn claimed_size(&self, encoded: &[u8]) -> Option<usize> {
        let size = encoded.first_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*size)).ok()
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let too_large = || {
            let message = format!("`lz4` cannot encode {} bytes at once", plain.len());
            Error::unsupported(message).hint("use smaller chunks")
        };
        let length = i32::try_from(plain.len()).map_err(|_| too_large())?;
        // SAFETY: the function only calculates.
        let most = unsafe { lz4_sys::LZ4_compressBound(length) };
        let room = usize::try_from(most).ok().filter(|most| *most > 0);
        let mut out = pool.take(4 + room.ok_or_else(too_large)?)?;
        out[..4].copy_from_slice(&length.to_le_bytes());
        // SAFETY: both buffers come with their lengths, and the library checks every access against them.
        let written = unsafe {
            lz4_sys::LZ4_compress_fast(
                plain.as_ptr().cast(),
                out[4..].as_mut_ptr().cast(),
                length,
                most,
                self.acceleration,
            )
        };
        match usize::try_from(written) {
            Ok(written) if written > 0 => {
                out.truncate(4 + written);
                Ok(out)
            }
            _ => Err(Error::internal(format!("cannot encode lz4: {written}"))),
        }
    }
}

/// Decodes one LZ4 block; how many bytes it gave, or `None` if it is damaged or does not fit.
pub fn decode_block(block: &[u8], out: &mut [u8]) -> Option<usize> {
    let (input, room) = (
        i32::try_from(block.len()).ok()?,
        i32::try_from(out.len()).ok()?,
    );
    // SAFETY: both buffers come with their lengths, and the library checks every access against them.
    let written = unsafe {
        lz4_sys::LZ4_decompress_safe(block.as_ptr().cast(), out.as_mut_ptr().cast(), input, room)
    };
    usize::try_from(written).ok()
}

/// Reads the metadata of `lz4`.
pub(super) fn build(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    let any = i64::from(i32::MIN)..=i64::from(i32::MAX);
    let acceleration = options.integer("acceleration", any, Some(1))?;
    let acceleration = i32::try_from(acceleration).unwrap_or(1);
    Ok(Stage::Bytes(Arc::new(Lz4 { acceleration })))
}
