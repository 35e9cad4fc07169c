//! `fletcher32`: HDF5's checksum after the data.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use std::sync::Arc;

/// A Fletcher-32 over big-endian pairs of bytes, four little-endian bytes after the data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fletcher32;

impl Codec for Fletcher32 {
    fn label(&self) -> String {
        "fletcher32".to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain.map(|size| size.saturating_add(4))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some((data, sum)) = encoded.split_last_chunk::<4>() else {
            let message = format!("{} bytes are too few for `fletcher32`", encoded.len());
            return Err(Error::corrupt(message));
        };
        let Some(out) = out.get_mut(..data.len()) else {
            return Ok(None);
        };
        let (stored, actual) = (u32::from_le_bytes(*sum), fletcher32(data));
        // Early HDF5 on little-endian machines summed swapped pairs; its sums have both halves swapped.
        let old = ((actual & 0x00ff_00ff) << 8) | ((actual >> 8) & 0x00ff_00ff);
        if stored != actual && stored != old {
            let message =
                format!("`fletcher32` does not match: {actual:08x} instead of {stored:08x}");
            return Err(Error::corrupt(message));
        }
        out.copy_from_slice(data);
        Ok(Some(data.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(plain.len() + 4)?;
        out[..plain.len()].copy_from_slice(plain);
        out[plain.len()..].copy_from_slice(&fletcher32(plain).to_le_bytes());
        Ok(out)
    }
}

/// The checksum of `data`.
#[must_use]
pub fn fletcher32(data: &[u8]) -> u32 {
    let (mut low, mut high) = (0u32, 0u32);
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    // 360 pairs are the most that cannot overflow 32 bits before folding.
    for part in data.chunks(720) {
        let pairs = part.chunks_exact(2);
        let last = pairs.remainder();
        for pair in pairs {
            low += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
            high += low;
        }
        if let [odd] = last {
            low += u32::from(*odd) << 8;
            high += low;
        }
        (low, high) = (fold(low), fold(high));
    }
    fold(high) << 16 | fold(low)
}

/// Reads the metadata of `fletcher32`.
pub(super) fn build(_options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    Ok(Stage::Bytes(Arc::new(Fletcher32)))
}
