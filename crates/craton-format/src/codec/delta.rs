//! `delta`: differences of neighbours.

use super::exact::Rounding;
use super::numbers::{Number, NumberType, convert, converted_size, pack};
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, DType, Error, Pool, Result};
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
                (a, b) => Number::Float(a.to_f64(plain) + b.to_f64(self.stored)),
            };
            // The running sum has the type of the result, as a cumulative sum there has.
            plain.write(next, rounded);
            sum = plain.read(rounded);
            sum
        })
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let native = self.plain.to_native();
        if native.dtype == DType::Bool {
            return Err(Error::unsupported(
                "codec `delta` of bools cannot be undone",
            ));
        }
        let mut last: Option<Number> = None;
        let mut rounded = [0u8; 8];
        let rounded = &mut rounded[..native.size()];
        let rounding = Rounding::TowardsZero;
        pack(plain, self.plain, self.stored, rounding, pool, |number| {
            let difference = match (last.replace(number), number) {
                (None, first) => return first,
                (Some(Number::Integer(a)), Number::Integer(b)) => {
                    Number::Integer(b.wrapping_sub(a))
                }
                (Some(a), b) => Number::Float(b.to_f64(native) - a.to_f64(native)),
            };
            // Differences wrap in the type of the numbers, as their sums will.
            native.write(difference, rounded);
            native.read(rounded)
        })
    }
}

/// Reads the metadata of `delta`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let plain = options.number_type_or("dtype", place.is_native, place.element)?;
    let stored = options.number_type_or("astype", place.is_native, plain)?;
    Ok(Stage::Numbers(Arc::new(Delta { plain, stored }), stored))
}
