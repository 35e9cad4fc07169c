//! Number types of filters, and casts between them.

use craton_core::{DType, Error, Result};
use half::f16;

/// A number type with its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberType {
    /// What the number is: bool, an integer, a real float, or a time.
    pub dtype: DType,
    /// Whether its bytes are in the other order than this machine's.
    pub is_swapped: bool,
}

/// A number on its way through a filter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Integers, bools and times, wrapped to 64 bits.
    Integer(i64),
    /// Floats.
    Float(f64),
}

impl NumberType {
    /// A type in native order.
    #[must_use]
    pub fn native(dtype: DType) -> Self {
        Self {
            dtype,
            is_swapped: false,
        }
    }

    /// The type with NumPy's code `code`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let is_big = code.starts_with('>');
        let plain = code.trim_start_matches(['<', '>', '|', '=']);
        let dtype = match plain {
            "b1" | "bool" => DType::Bool,
            "i1" => DType::Int8,
            "i2" => DType::Int16,
            "i4" => DType::Int32,
            "i8" => DType::Int64,
            "u1" => DType::UInt8,
            "u2" => DType::UInt16,
            "u4" => DType::UInt32,
            "u8" => DType::UInt64,
            "f2" => DType::Float16,
            "f4" => DType::Float32,
            "f8" => DType::Float64,
            name => DType::from_name(name)
                .filter(|dtype| dtype.is_integer() || dtype.is_float() || *dtype == DType::Bool)?,
        };
        let is_swapped = dtype.swap_size() > 1 && is_big != cfg!(target_endian = "big");
        let has_order = code.starts_with(['<', '>']);
        Some(Self {
            dtype,
            is_swapped: is_swapped && has_order,
        })
    }

    /// The same type in native order.
    #[must_use]
    pub fn to_native(self) -> Self {
        Self::native(self.dtype)
    }

    /// Bytes of one number.
    #[must_use]
    pub fn size(self) -> usize {
        self.dtype.item_size().unwrap_or(1)
    }

    /// The number in `bytes`, which are as many as [`NumberType::size`].
    #[must_use]
    pub fn read(self, bytes: &[u8]) -> Number {
        let mut wide = [0u8; 8];
        let size = bytes.len().min(8);
        wide[..size].copy_from_slice(&bytes[..size]);
        if self.is_swapped {
            wide[..size].reverse();
        }
        match (self.dtype, wide) {
            (DType::Float16, [a, b, ..]) => Number::Float(f16::from_ne_bytes([a, b]).to_f64()),
            (DType::Float32, [a, b, c, d, ..]) => {
                Number::Float(f64::from(f32::from_ne_bytes([a, b, c, d])))
            }
            (DType::Float64, all) => Number::Float(f64::from_ne_bytes(all)),
            (dtype, [a, b, c, d, ..]) => Number::Integer(match dtype {
                DType::Bool => i64::from(a != 0),
                DType::Int8 => i64::from(i8::from_ne_bytes([a])),
                DType::UInt8 => i64::from(a),
                DType::Int16 => i64::from(i16::from_ne_bytes([a, b])),
                DType::UInt16 => i64::from(u16::from_ne_bytes([a, b])),
                DType::Int32 => i64::from(i32::from_ne_bytes([a, b, c, d])),
                DType::UInt32 => i64::from(u32::from_ne_bytes([a, b, c, d])),
                _ => i64::from_ne_bytes(wide),
            }),
        }
    }

    /// Writes `number` by C's conversions; integers wrap.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a cast is what was asked for"
    )]
    pub fn write(self, number: Number, out: &mut [u8]) {
        let float = match number {
            Number::Integer(value) if self.dtype == DType::UInt64 => value as u64 as f64,
            Number::Integer(value) => value as f64,
            Number::Float(value) => value,
        };
        let integer = match number {
            Number::Integer(value) => value,
            Number::Float(value) if self.dtype == DType::UInt64 => value as u64 as i64,
            Number::Float(value) => value as i64,
        };
        match self.dtype {
            DType::Float16 => out.copy_from_slice(&f16::from_f64(float).to_ne_bytes()),
            DType::Float32 => out.copy_from_slice(&(float as f32).to_ne_bytes()),
            DType::Float64 => out.copy_from_slice(&float.to_ne_bytes()),
            DType::Bool => out[0] = u8::from(float != 0.0),
            _ => match out.len() {
                1 => out[0] = integer as u8,
                2 => out.copy_from_slice(&(integer as u16).to_ne_bytes()),
                4 => out.copy_from_slice(&(integer as u32).to_ne_bytes()),
                _ => out.copy_from_slice(&integer.to_ne_bytes()),
            },
        }
        if self.is_swapped {
            out.reverse();
        }
    }
}

/// Maps every number in `encoded` to one in `out`, if it fits.
///
/// # Errors
/// [`craton_core::ErrorKind::Corrupt`] if `encoded` is no whole count of numbers.
pub fn convert(
    encoded: &[u8],
    from: NumberType,
    out: &mut [u8],
    to: NumberType,
    mut change: impl FnMut(Number) -> Number,
) -> Result<Option<usize>> {
    let (from_size, to_size) = (from.size(), to.size());
    if !encoded.len().is_multiple_of(from_size) {
        let message = format!(
            "{} bytes are no whole count of {}",
            encoded.len(),
            from.dtype
        );
        return Err(Error::corrupt(message));
    }
    let length = encoded.len() / from_size * to_size;
    let Some(out) = out.get_mut(..length) else {
        return Ok(None);
    };
    for (source, target) in encoded
        .chunks_exact(from_size)
        .zip(out.chunks_exact_mut(to_size))
    {
        to.write(change(from.read(source)), target);
    }
    Ok(Some(length))
}

/// The size of numbers of type `to` made from those that `size` bytes of type `from` hold.
#[must_use]
pub fn converted_size(size: super::Size, from: NumberType, to: NumberType) -> super::Size {
    size.map(|bytes| (bytes / from.size()).saturating_mul(to.size()))
}
