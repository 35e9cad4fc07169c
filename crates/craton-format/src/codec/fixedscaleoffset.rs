//! `fixedscaleoffset`: `(x - offset) * scale`, rounded to integers.

use super::exact::Rounding;
use super::numbers::{Number, NumberType, convert, converted_size, pack};
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Pool, Result};
use std::sync::Arc;

/// A linear packing.
#[derive(Debug, Clone, Copy)]
pub struct FixedScaleOffset {
    scale: f64,
    offset: f64,
    plain: NumberType,
    stored: NumberType,
}

impl Codec for FixedScaleOffset {
    fn label(&self) -> String {
        format!("fixedscaleoffset:{}", self.stored.dtype)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        converted_size(plain, self.plain, self.stored)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        // NumPy divides integers in double precision.
        let round = |value| self.stored.round(value);
        let (scale, offset) = (round(self.scale), round(self.offset));
        convert(encoded, self.stored, out, self.plain, |number| {
            let value = round(number.to_f64(self.stored) / scale);
            Number::Float(round(value + offset))
        })
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let round = |value| self.plain.round(value);
        let (scale, offset) = (round(self.scale), round(self.offset));
        let rounding = Rounding::NearestEven;
        pack(plain, self.plain, self.stored, rounding, pool, |number| {
            let value = round(number.to_f64(self.plain) - offset);
            Number::Float(round(value * scale).round_ties_even())
        })
    }

    fn is_elementwise(&self) -> bool {
        true
    }
}

/// Reads the metadata of `fixedscaleoffset`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let plain = options.number_type_or("dtype", place.is_native, place.element)?;
    let stored = options.number_type_or("astype", place.is_native, plain)?;
    let codec = FixedScaleOffset {
        scale: options.number("scale")?,
        offset: options.number("offset")?,
        plain,
        stored,
    };
    Ok(Stage::Numbers(Arc::new(codec), stored))
}
