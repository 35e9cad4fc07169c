//! `scale_offset`: `(x - offset) * scale` in the arithmetic of the numbers' own type.

use super::numbers::{Number, NumberType, convert};
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, DType, Error, Pool, Result};
use serde_json::Value;
use std::cell::Cell;
use std::sync::Arc;

/// A linear change. Integers are exact or an error.
#[derive(Debug, Clone, Copy)]
pub struct ScaleOffset {
    element: NumberType,
    scale: Number,
    offset: Number,
}

impl ScaleOffset {
    fn run(
        &self,
        from: &[u8],
        to: &mut [u8],
        integers: impl Fn(i128, i128, i128) -> Option<i128>,
        floats: impl Fn(f64, f64, f64) -> f64,
    ) -> Result<Option<usize>> {
        let element = self.element;
        let Some((low, high)) = element.range() else {
            let (scale, offset) = (self.scale.to_f64(element), self.offset.to_f64(element));
            return convert(from, element, to, element, |number| {
                Number::Float(floats(number.to_f64(element), scale, offset))
            });
        };
        let wide = |number| match number {
            Number::Integer(value) if element.dtype == DType::UInt64 => {
                i128::from(value.cast_unsigned())
            }
            Number::Integer(value) => i128::from(value),
            Number::Float(_) => 0,
        };
        let (scale, offset) = (wide(self.scale), wide(self.offset));
        let unfit = Cell::new(None);
        let done = convert(from, element, to, element, |number| {
            let value = integers(wide(number), scale, offset);
            match value.filter(|value| (low..=high).contains(value)) {
                // Back to 64 bits, which unsigned integers fill.
                Some(value) => Number::Integer(value.cast_unsigned() as u64 as i64),
                None => {
                    unfit.set(Some(wide(number)));
                    number
                }
            }
        })?;
        match unfit.get() {
            None => Ok(done),
            Some(value) => Err(Error::corrupt(format!(
                "`scale_offset` of {value} is no value of {element}"
            ))),
        }
    }
}

impl Codec for ScaleOffset {
    fn label(&self) -> String {
        let show = |number| match number {
            Number::Integer(value) => value.to_string(),
            Number::Float(value) => value.to_string(),
        };
        format!("scale_offset:{}:{}", show(self.scale), show(self.offset))
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let round = |value| self.element.round(value);
        let exact = |value: i128, scale: i128, offset: i128| {
            (value % scale == 0).then(|| value / scale + offset)
        };
        self.run(encoded, out, exact, |value, scale, offset| {
            round(round(value / scale) + offset)
        })
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(plain.len())?;
        let round = |value| self.element.round(value);
        let exact = |value: i128, scale: i128, offset: i128| (value - offset).checked_mul(scale);
        let done = self.run(plain, &mut out, exact, |value, scale, offset| {
            round(round(value - offset) * scale)
        });
        done.map_err(|error| Error::invalid(error.to_string()))?;
        Ok(out)
    }

    fn is_elementwise(&self) -> bool {
        true
    }
}

/// Reads the metadata of `scale_offset`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let element = place.element;
    if !element.is_real() || element.dtype == DType::Bool {
        let message = format!("codec `scale_offset` of {element}");
        return Err(Error::unsupported(message).hint("integers and real floats are scaled"));
    }
    let number = |name: &str, default: i64| {
        let value = options.get(name).cloned().unwrap_or(Value::from(default));
        let bytes = element.from_json(&value);
        let bytes =
            bytes.ok_or_else(|| options.wrong(name, &value, &format!("a value of {element}")));
        bytes.map(|bytes| element.read(&bytes))
    };
    let (scale, offset) = (number("scale", 1)?, number("offset", 0)?);
    if matches!(scale, Number::Integer(0)) || scale == Number::Float(0.0) {
        return Err(options.wrong("scale", &Value::from(0), "a number other than 0"));
    }
    let codec = ScaleOffset {
        element,
        scale,
        offset,
    };
    Ok(Stage::Numbers(Arc::new(codec), element))
}
