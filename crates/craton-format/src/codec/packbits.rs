//! `packbits`: eight booleans in a byte, first in the highest bit.

use super::{Codec, NumberType, Options, Place, Size, Stage};
use craton_core::{DType, Error, Pool, Result};
use std::sync::Arc;

/// Booleans as bits, after one byte that tells how many bits at the end are unused.
#[derive(Debug, Clone, Copy)]
pub struct PackBits;

impl Codec for PackBits {
    fn label(&self) -> String {
        "packbits".to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain.map(|count| count.div_ceil(8).saturating_add(1))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some((&unused, bits)) = encoded.split_first() else {
            return Err(Error::corrupt("`packbits` needs at least one byte"));
        };
        let count = bits
            .len()
            .saturating_mul(8)
            .checked_sub(usize::from(unused));
        let Some(count) = count.filter(|_| unused < 8) else {
            return Err(Error::corrupt(format!(
                "`packbits` says that {unused} bits are unused"
            )));
        };
        let Some(out) = out.get_mut(..count) else {
            return Ok(None);
        };
        for (eight, byte) in out.chunks_mut(8).zip(bits) {
            for (at, value) in eight.iter_mut().enumerate() {
                *value = byte >> (7 - at) & 1;
            }
        }
        Ok(Some(count))
    }
}

/// Reads the metadata of `packbits`.
pub(super) fn build(_options: &Options<'_>, _place: &Place) -> Result<Stage> {
    Ok(Stage::Bytes(
        Arc::new(PackBits),
        Some(NumberType::native(DType::UInt8)),
    ))
}
