//! One value of any dtype, bit for bit.

use crate::DType;
use half::f16;
use serde_json::Value;
use std::fmt;

/// One element of an array: its dtype and its native-endian bytes (UTF-8 for [`DType::Utf8`]).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scalar {
    dtype: DType,
    bytes: Box<[u8]>,
}

impl Scalar {
    /// The value with these native-endian bytes. Short input is padded with zeros, long input cut,
    /// so that the length always fits the dtype.
    #[must_use]
    pub fn from_bytes(dtype: DType, bytes: &[u8]) -> Self {
        let Some(size) = dtype.item_size() else {
            return Self {
                dtype,
                bytes: bytes.into(),
            };
        };
        let mut fitted = bytes.to_vec();
        fitted.resize(size, 0);
        Self {
            dtype,
            bytes: fitted.into(),
        }
    }

    /// All bytes zero: 0, `false`, the empty string, the epoch.
    #[must_use]
    pub fn zero(dtype: DType) -> Self {
        Self::from_bytes(dtype, &[])
    }

    /// `value` as `dtype`, by C's conversions, saturating; text and opaque types give zero.
    #[must_use]
    pub fn from_f64(dtype: DType, value: f64) -> Self {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturating by intent"
        )]
        let bytes: Vec<u8> = match dtype {
            DType::Bool => vec![u8::from(value != 0.0)],
            DType::Int8 => (value as i8).to_ne_bytes().into(),
            DType::Int16 => (value as i16).to_ne_bytes().into(),
            DType::Int32 => (value as i32).to_ne_bytes().into(),
            DType::Int64 | DType::Time(_) => (value as i64).to_ne_bytes().into(),
            DType::UInt8 => (value as u8).to_ne_bytes().into(),
            DType::UInt16 => (value as u16).to_ne_bytes().into(),
            DType::UInt32 => (value as u32).to_ne_bytes().into(),
            DType::UInt64 => (value as u64).to_ne_bytes().into(),
            DType::Float16 => f16::from_f64(value).to_ne_bytes().into(),
            DType::Float32 | DType::Complex64 => (value as f32).to_ne_bytes().into(),
            DType::Float64 | DType::Complex128 => value.to_ne_bytes().into(),
            _ => Vec::new(),
        };
        Self::from_bytes(dtype, &bytes)
    }

    /// `value` as `dtype`, wrapping like C for integers.
    #[must_use]
    pub fn from_i64(dtype: DType, value: i64) -> Self {
        match dtype {
            _ if dtype.is_integer() || matches!(dtype, DType::Time(_)) => {
                // Little-endian prefix: the low bytes are the wrapped value on every host order.
                let mut low = value.to_le_bytes()[..dtype.item_size().unwrap_or(8)].to_vec();
                if cfg!(target_endian = "big") {
                    low.reverse();
                }
                Self::from_bytes(dtype, &low)
            }
            #[allow(clippy::cast_precision_loss, reason = "the caller asked for a float")]
            _ => Self::from_f64(dtype, value as f64),
        }
    }

    /// A variable-length string.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self {
            dtype: DType::Utf8,
            bytes: text.as_bytes().into(),
        }
    }

    /// The dtype.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }
    /// The native-endian bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn array<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        for (to, from) in out.iter_mut().zip(self.bytes.iter()) {
            *to = *from;
        }
        out
    }

    /// The value as a double; complex gives the real part, text `None`.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "documented as a double")]
    pub fn to_f64(&self) -> Option<f64> {
        Some(match self.dtype {
            DType::Float16 => f16::from_ne_bytes(self.array()).to_f64(),
            DType::Float32 | DType::Complex64 => f64::from(f32::from_ne_bytes(self.array())),
            DType::Float64 | DType::Complex128 => f64::from_ne_bytes(self.array()),
            DType::UInt64 => u64::from_ne_bytes(self.array()) as f64,
            _ => self.to_i64()? as f64,
        })
    }

    /// The value as a signed integer if it is a bool, an integer that fits, or a time.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        Some(match self.dtype {
            DType::Bool => i64::from(self.bytes[0] != 0),
            DType::Int8 => i64::from(i8::from_ne_bytes(self.array())),
            DType::Int16 => i64::from(i16::from_ne_bytes(self.array())),
            DType::Int32 => i64::from(i32::from_ne_bytes(self.array())),
            DType::Int64 | DType::Time(_) => i64::from_ne_bytes(self.array()),
            DType::UInt8 => i64::from(u8::from_ne_bytes(self.array())),
            DType::UInt16 => i64::from(u16::from_ne_bytes(self.array())),
            DType::UInt32 => i64::from(u32::from_ne_bytes(self.array())),
            DType::UInt64 => i64::try_from(u64::from_ne_bytes(self.array())).ok()?,
            _ => return None,
        })
    }

    /// The text of a string type, without padding; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        match self.dtype {
            DType::Utf8 => Some(String::from_utf8_lossy(&self.bytes).into_owned()),
            DType::FixedBytes(_) | DType::Bytes => {
                let end = self
                    .bytes
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |last| last + 1);
                Some(String::from_utf8_lossy(&self.bytes[..end]).into_owned())
            }
            DType::FixedUtf8(_) => Some(
                self.bytes
                    .chunks_exact(4)
                    .map(|four| u32::from_ne_bytes([four[0], four[1], four[2], four[3]]))
                    .take_while(|code| *code != 0)
                    .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect(),
            ),
            _ => None,
        }
    }

    /// Whether this is NaN (either part, for complex) or NaT.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self.dtype {
            DType::Time(_) => self.to_i64() == Some(i64::MIN),
            DType::Complex64 => {
                let [a, b, c, d, e, f, g, h] = self.array();
                f32::from_ne_bytes([a, b, c, d]).is_nan()
                    || f32::from_ne_bytes([e, f, g, h]).is_nan()
            }
            DType::Complex128 => self.bytes.chunks_exact(8).any(|half| {
                f64::from_ne_bytes([
                    half[0], half[1], half[2], half[3], half[4], half[5], half[6], half[7],
                ])
                .is_nan()
            }),
            _ if self.dtype.is_float() => self.to_f64().is_some_and(f64::is_nan),
            _ => false,
        }
    }

    /// JSON: shortest floats, exact integers, `null` for NaN and NaT, `"Infinity"` for infinities.
    #[must_use]
    pub fn to_json(&self) -> Value {
        if self.is_missing() && !self.dtype.is_complex() {
            return Value::Null;
        }
        match self.dtype {
            DType::Bool => Value::Bool(self.bytes[0] != 0),
            DType::UInt64 => Value::from(u64::from_ne_bytes(self.array())),
            DType::Float16 | DType::Float32 => {
                // Through the shortest decimal text of the narrow type, so that 0.1f32 prints as 0.1.
                json_float(self.to_f64(), |value| {
                    #[allow(
                        clippy::cast_possible_truncation,
                        reason = "the value came from that type"
                    )]
                    if self.dtype == DType::Float16 {
                        f16::from_f64(value).to_string().parse().unwrap_or(value)
                    } else {
                        (value as f32).to_string().parse().unwrap_or(value)
                    }
                })
            }
            DType::Float64 => json_float(self.to_f64(), |value| value),
            DType::Complex64 => self
                .bytes
                .chunks_exact(4)
                .map(|part| Scalar::from_bytes(DType::Float32, part).to_json())
                .collect(),
            DType::Complex128 => self
                .bytes
                .chunks_exact(8)
                .map(|part| Scalar::from_bytes(DType::Float64, part).to_json())
                .collect(),
            DType::Opaque(_) => {
                Value::Array(self.bytes.iter().map(|byte| Value::from(*byte)).collect())
            }
            _ => match (self.to_i64(), self.to_text()) {
                (Some(value), _) => Value::from(value),
                (None, Some(text)) => Value::String(text),
                (None, None) => Value::Null,
            },
        }
    }
}

fn json_float(value: Option<f64>, shorten: impl Fn(f64) -> f64) -> Value {
    match value {
        Some(value) if value == f64::INFINITY => Value::from("Infinity"),
        Some(value) if value == f64::NEG_INFINITY => Value::from("-Infinity"),
        Some(value) => {
            serde_json::Number::from_f64(shorten(value)).map_or(Value::Null, Value::Number)
        }
        None => Value::Null,
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_missing() && !self.dtype.is_complex() {
            return f.write_str(if matches!(self.dtype, DType::Time(_)) {
                "NaT"
            } else {
                "NaN"
            });
        }
        match self.to_json() {
            Value::String(text) if self.dtype.is_float() => f.write_str(&text),
            other => other.fmt(f),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", self.dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_floats_print_shortest() {
        assert_eq!(
            Scalar::from_f64(DType::Float32, 0.1).to_json().to_string(),
            "0.1"
        );
        assert_eq!(
            Scalar::from_f64(DType::Float64, f64::NEG_INFINITY).to_json(),
            "-Infinity"
        );
        assert_eq!(
            Scalar::from_f64(DType::Float64, f64::NAN).to_json(),
            Value::Null
        );
    }

    #[test]
    fn integers_are_exact_and_wrap() {
        assert_eq!(Scalar::from_i64(DType::UInt8, -1).to_i64(), Some(255));
        assert_eq!(
            Scalar::from_i64(DType::Int64, i64::MAX).to_json(),
            Value::from(i64::MAX)
        );
    }
}
