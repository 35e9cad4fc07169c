//! `astype` and `quantize`: numbers stored as another type; what was rounded stays rounded.

use super::exact::Rounding;
use super::numbers::{Number, NumberType, convert, converted_size, pack};
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, DType, Pool, Result};
use std::sync::Arc;

/// A cast between number types.
#[derive(Debug, Clone, Copy)]
pub struct AsType {
    name: &'static str,
    plain: NumberType,
    stored: NumberType,
    /// What numbers are multiplied by where they are rounded to integers.
    scale: Option<f64>,
}

impl Codec for AsType {
    fn label(&self) -> String {
        format!("{}:{}", self.name, self.stored.dtype)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        converted_size(plain, self.plain, self.stored)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        if self.plain != self.stored {
            let is_unsigned = self.stored.dtype == DType::UInt64 && self.plain.dtype.is_float();
            return convert(encoded, self.stored, out, self.plain, |number| {
                if is_unsigned {
                    Number::Float(number.to_f64(self.stored))
                } else {
                    number
                }
            });
        }
        let Some(out) = out.get_mut(..encoded.len()) else {
            return Ok(None);
        };
        out.copy_from_slice(encoded);
        Ok(Some(encoded.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let truncate = Rounding::TowardsZero;
        let Some(scale) = self.scale else {
            return pack(plain, self.plain, self.stored, truncate, pool, |number| {
                number
            });
        };
        let round = |value| self.plain.round(value);
        pack(plain, self.plain, self.stored, truncate, pool, |number| {
            let scaled = round(scale * number.to_f64(self.plain));
            Number::Float(round(scaled.round_ties_even() / scale))
        })
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn is_nothing_to_decode(&self) -> bool {
        self.plain == self.stored
    }
}

/// Reads the metadata of `astype`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let stored = options.number_type("encode_dtype", place.is_native)?;
    let codec = AsType {
        name: "astype",
        plain: options.number_type_or("decode_dtype", place.is_native, place.element)?,
        stored,
        scale: None,
    };
    Ok(Stage::Numbers(Arc::new(codec), stored))
}

/// Reads the metadata of `quantize`.
pub(super) fn quantize(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let plain = options.number_type_or("dtype", place.is_native, place.element)?;
    let stored = options.number_type_or("astype", place.is_native, plain)?;
    let digits = options.integer("digits", -300..=300, None)?;
    let codec = AsType {
        name: "quantize",
        plain,
        stored,
        scale: Some(quantum(digits)),
    };
    Ok(Stage::Numbers(Arc::new(codec), stored))
}

/// The power of two that keeps so many decimal digits.
#[allow(
    clippy::cast_possible_truncation,
    reason = "digits are between -300 and 300"
)]
fn quantum(digits: i64) -> f64 {
    // The decimal exponent of the step, made whole away from zero.
    let exponent = 10f64.powi(-(digits as i32)).log10();
    let exponent = if exponent < 0.0 {
        exponent.floor()
    } else {
        exponent.ceil()
    };
    let bits = 10f64.powf(-exponent).log2().ceil();
    2f64.powf(bits)
}
