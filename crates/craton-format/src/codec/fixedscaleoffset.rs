//! `fixedscaleoffset`: `(x - offset) * scale`, rounded to integers.

use super::numbers::{Number, NumberType, convert, converted_size};
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{DType, Pool, Result};
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

    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the arithmetic of the type that was stored"
    )]
    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let is_single = self.stored.dtype == DType::Float32;
        convert(encoded, self.stored, out, self.plain, |number| {
            let value = match number {
                Number::Integer(value) if self.stored.dtype == DType::UInt64 => {
                    value.cast_unsigned() as f64
                }
                Number::Integer(value) => value as f64,
                Number::Float(value) => value,
            };
            if is_single {
                let value = value as f32 / self.scale as f32 + self.offset as f32;
                return Number::Float(f64::from(value));
            }
            Number::Float(value / self.scale + self.offset)
        })
    }
}

/// Reads the metadata of `fixedscaleoffset`.
pub(super) fn build(options: &Options<'_>, place: &Place) -> Result<Stage> {
    let plain = options.number_type("dtype", place.is_native)?;
    let stored = match options.get("astype") {
        Some(_) => options.number_type("astype", place.is_native)?,
        None => plain,
    };
    let (scale, offset) = (options.number("scale")?, options.number("offset")?);
    let codec = FixedScaleOffset {
        scale,
        offset,
        plain,
        stored,
    };
    Ok(Stage::Bytes(Arc::new(codec), Some(stored)))
}
