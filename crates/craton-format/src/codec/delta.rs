//! `delta`: differences of neighbours.

use super::numbers::{Number, NumberType, convert, converted_size};
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{Pool, Result};
use std::sync::Arc;

/// Differences in storage order, after the first number itself.
#[derive(Debug, Clone, Copy)]
pub struct Delta {
    plain: NumberType,
    stored: NumberType,
}

impl Codec for Delta {
    fn label(&self) -> String {
        format!("delta:{}", self.stored.dtype)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        converted_size(plain, self.plain, self.stored)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let plain = self.plain.to_native();
        let mut sum = Number::Integer(0);
        let mut rounded = [0u8; 8];
        let rounded = &mut rounded[..plain.size()];
        convert(encoded, self.stored, out, self.plain, |difference| {
            let next = match (sum, difference) {
                (Number::Integer(a), Number::Integer(b)) => Number::Integer(a.wrapping_add(b)),
                (a, b) => Number::Float(as_float(a) + as_float(b)),
            };
            // The running sum has the type of the result, as a cumulative sum there has.
            plain.write(next, rounded);
            sum = plain.read(rounded);
            sum
        })
    }
}

#[allow(clippy::cast_precision_loss, reason = "only where a float is added")]
fn as_float(number: Number) -> f64 {
    match number {
        Number::Integer(value) => value as f64,
        Number::Float(value) => value,
    }
}

/// Reads the metadata of `delta`.
pub(super) fn build(options: &Options<'_>, place: &Place) -> Result<Stage> {
    let plain = options.number_type("dtype", place.is_native)?;
    let stored = match options.get("astype") {
        Some(_) => options.number_type("astype", place.is_native)?,
        None => plain,
    };
    Ok(Stage::Bytes(
        Arc::new(Delta { plain, stored }),
        Some(stored),
    ))
}
