//! Types of elements as they are stored, numbers of them, and casts between them.

use super::exact::{Exact, Rounding, Unfit};
use super::narrow::Narrow;
use craton_core::{BufferMut, DType, Error, Pool, Result};
use half::f16;
use serde_json::Value;
use std::fmt;

/// A type of elements with how it is stored. [`NumberType::read`] and [`NumberType::write`] are for bools, integers,
/// real floats and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberType {
    /// What an element is. Of a narrow type, the type that holds every value of it.
    pub dtype: DType,
    /// The narrow type that numbers (or the parts of complex ones) are stored as.
    pub narrow: Option<Narrow>,
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
            narrow: None,
            is_swapped: false,
        }
    }

    /// A narrow type.
    #[must_use]
    pub fn narrow(narrow: Narrow) -> Self {
        Self {
            narrow: Some(narrow),
            ..Self::native(narrow.dtype())
        }
    }

    /// The number type that version 3 of Zarr calls `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if !matches!(name, "int" | "float" | "complex" | "str")
            && let Some(dtype) = DType::from_name(name).filter(|dtype| dtype.is_numeric())
        {
            return Some(Self::native(dtype));
        }
        if let Some(part) = name.strip_prefix("complex_") {
            return match part {
                "float32" => Some(Self::native(DType::Complex64)),
                "float64" => Some(Self::native(DType::Complex128)),
                part => Some(Self {
                    narrow: Some(
                        Narrow::from_name(part).filter(|narrow| narrow.format().is_some())?,
                    ),
                    ..Self::native(DType::Complex64)
                }),
            };
        }
        Narrow::from_name(name).map(Self::narrow)
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
            is_swapped: is_swapped && has_order,
            ..Self::native(dtype)
        })
    }

    /// The same type in native order.
    #[must_use]
    pub fn to_native(self) -> Self {
        Self {
            is_swapped: false,
            ..self
        }
    }

    /// The type of the parts of complex numbers; others are their only part.
    #[must_use]
    pub fn part(self) -> Self {
        let dtype = match self.dtype {
            DType::Complex64 => DType::Float32,
            DType::Complex128 => DType::Float64,
            other => other,
        };
        Self { dtype, ..self }
    }

    /// Bytes of one element.
    #[must_use]
    pub fn size(self) -> usize {
        match self.narrow {
            Some(narrow) if self.dtype.is_complex() => 2 * narrow.size(),
            Some(narrow) => narrow.size(),
            None => self.dtype.item_size().unwrap_or(1),
        }
    }

    /// Bytes of what a change of byte order reverses.
    #[must_use]
    pub fn swap_size(self) -> usize {
        self.narrow
            .map_or_else(|| self.dtype.swap_size(), Narrow::size)
    }

    /// A float as this type holds it, which is how NumPy calculates in this type.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "that is the rounding")]
    pub fn round(self, value: f64) -> f64 {
        match (self.narrow, self.dtype) {
            (Some(_), _) => {
                let mut bytes = [0; 2];
                let bytes = &mut bytes[..self.size()];
                self.write(Number::Float(value), bytes);
                self.read(bytes).to_f64(self)
            }
            (None, DType::Float16) => f16::from_f64(value).to_f64(),
            (None, DType::Float32) => f64::from(value as f32),
            _ => value,
        }
    }

    /// Whether elements are bools, integers or real floats, of machines or narrow.
    #[must_use]
    pub fn is_real(self) -> bool {
        self.dtype.is_numeric() && !self.dtype.is_complex()
    }

    /// The smallest and largest number, of integers.
    #[must_use]
    pub fn range(self) -> Option<(i128, i128)> {
        if let Some(narrow) = self.narrow {
            return narrow
                .range()
                .map(|(low, high)| (i128::from(low), i128::from(high)));
        }
        let bits = u32::try_from(self.size() * 8).ok()?;
        if self.dtype.is_unsigned_integer() {
            return Some((0, (1 << bits) - 1));
        }
        let is_signed = self.dtype.is_signed_integer() || matches!(self.dtype, DType::Time(_));
        is_signed.then(|| (-(1 << (bits - 1)), (1 << (bits - 1)) - 1))
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
        if let Some(narrow) = self.narrow {
            let bits = u64::from_ne_bytes(wide);
            let bits = if cfg!(target_endian = "big") {
                bits >> (64 - 8 * size)
            } else {
                bits
            };
            // OK: no narrow type has more than two bytes.
            return narrow.read(u16::try_from(bits & 0xffff).unwrap_or(0));
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
        if let Some(narrow) = self.narrow {
            let exact = Exact::of(number, Self::native(self.dtype));
            let bits = narrow.write(exact, Rounding::NearestEven, true);
            return self.write_narrow(bits.unwrap_or(0), out);
        }
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

impl NumberType {
    fn write_narrow(self, bits: u16, out: &mut [u8]) {
        match out {
            [only] => *only = bits.to_le_bytes()[0],
            _ => out.copy_from_slice(&bits.to_ne_bytes()),
        }
        if self.is_swapped {
            out.reverse();
        }
    }

    /// Writes `number` rounded.
    ///
    /// # Errors
    /// What kept it from having a place; `may_clamp` puts what is beyond the numbers there are at the last of them.
    pub fn write_exact(
        self,
        number: Exact,
        rounding: Rounding,
        may_clamp: bool,
        out: &mut [u8],
    ) -> Result<(), Unfit> {
        if let Some(narrow) = self.narrow {
            self.write_narrow(narrow.write(number, rounding, may_clamp)?, out);
            return Ok(());
        }
        if let Some(format) = super::exact::Format::of(self.dtype) {
            let bits = format.write(number, rounding, may_clamp)?;
            self.write_bits(u128::from(bits), out);
            return Ok(());
        }
        let (low, high) = self.range().ok_or(Unfit::OutOfRange)?;
        let whole = number.to_integer(rounding);
        let whole = match whole {
            Ok(whole) if (low..=high).contains(&whole) => whole,
            Ok(whole) if may_clamp => whole.clamp(low, high),
            Err(Unfit::OutOfRange) if may_clamp => match number {
                Exact::Finite {
                    is_negative: true, ..
                } => low,
                _ => high,
            },
            Ok(_) => return Err(Unfit::OutOfRange),
            Err(unfit) => return Err(unfit),
        };
        self.write_bits(whole.cast_unsigned(), out);
        Ok(())
    }

    /// The lowest bits as a number's bytes.
    fn write_bits(self, bits: u128, out: &mut [u8]) {
        let size = out.len().min(16);
        out.copy_from_slice(&bits.to_le_bytes()[..size]);
        if self.is_swapped != cfg!(target_endian = "big") {
            out.reverse();
        }
    }

    /// The bytes of the number that a Zarr fill value spells: a JSON number, a name such as `NaN`, or bits in hexadecimal.
    #[must_use]
    pub fn from_json(self, value: &Value) -> Option<Vec<u8>> {
        let mut bytes = vec![0; self.size()];
        let text = value.as_str().map(|text| text.trim_start_matches('\u{1}'));
        if let Some(digits) = text.and_then(|text| text.strip_prefix("0x")) {
            let is_float = self.range().is_none();
            if !is_float || digits.len() != bytes.len() * 2 {
                return None;
            }
            self.write_bits(
                u128::from(u64::from_str_radix(digits, 16).ok()?),
                &mut bytes,
            );
            return Some(bytes);
        }
        if self.range().is_some() {
            let whole = integer(value)?;
            let exact = Exact::Finite {
                is_negative: whole < 0,
                significand: u64::try_from(whole.unsigned_abs()).ok()?,
                exponent: 0,
            };
            let written = self.write_exact(exact, Rounding::NearestEven, false, &mut bytes);
            return written.ok().map(|()| bytes);
        }
        let number = match text {
            Some("NaN") => f64::NAN,
            Some("Infinity" | "+Infinity") => f64::INFINITY,
            Some("-Infinity") => f64::NEG_INFINITY,
            Some(other) => other.parse().ok()?,
            None => value.as_f64()?,
        };
        let exact = Exact::of(Number::Float(number), Self::native(DType::Float64));
        let written = self.write_exact(
            exact,
            Rounding::NearestEven,
            self.narrow.is_none(),
            &mut bytes,
        );
        written.ok().map(|()| bytes)
    }
}

/// An integer, also where it is written as `5.0` or as a bool.
#[allow(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and to fit"
)]
fn integer(value: &Value) -> Option<i128> {
    let whole = || {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0 && number.abs() < 2e19)
    };
    value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from))
        .or_else(|| value.as_bool().map(i128::from))
        .or_else(|| whole().map(|number| number as i128))
}

impl Number {
    /// As a float; unsigned integers of 64 bits need `element` to be told from negative ones.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a float is asked for")]
    pub fn to_f64(self, element: NumberType) -> f64 {
        match self {
            Self::Integer(value) if element.dtype == DType::UInt64 => value.cast_unsigned() as f64,
            Self::Integer(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl fmt::Display for NumberType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.narrow {
            Some(narrow) if self.dtype.is_complex() => write!(f, "complex_{}", narrow.name),
            Some(narrow) => f.write_str(narrow.name),
            None => self.dtype.fmt(f),
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

/// Writes every number in `plain`, after `change`, as one of type `to` into a buffer of its own. Floats are rounded to
/// the nearest, and `rounding` says which integer a float becomes.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] for a number that is no value of `to`: unlike a cast in C, nothing wraps.
pub fn pack(
    plain: &[u8],
    from: NumberType,
    to: NumberType,
    rounding: Rounding,
    pool: &Pool,
    mut change: impl FnMut(Number) -> Number,
) -> Result<BufferMut> {
    let (from_size, to_size) = (from.size(), to.size());
    let mut out = pool.take(plain.len() / from_size * to_size)?;
    let numbers = plain.chunks_exact(from_size);
    for (source, target) in numbers.zip(out.chunks_exact_mut(to_size)) {
        let number = change(from.read(source));
        let exact = Exact::of(number, from);
        let rounding = if to.range().is_some() {
            rounding
        } else {
            Rounding::NearestEven
        };
        let written = if to.dtype == DType::Bool {
            to.write(number, target);
            Ok(())
        } else {
            to.write_exact(exact, rounding, to.range().is_none(), target)
        };
        written.map_err(|unfit| unfit_error(number, from, to, unfit))?;
    }
    Ok(out)
}

/// The error of a number without a place in `to`.
pub(super) fn unfit_error(number: Number, from: NumberType, to: NumberType, unfit: Unfit) -> Error {
    let shown = match number {
        Number::Integer(value) if from.dtype == DType::UInt64 => value.cast_unsigned().to_string(),
        Number::Integer(value) => value.to_string(),
        Number::Float(value) => value.to_string(),
    };
    let why = match unfit {
        Unfit::OutOfRange => "is out of range for",
        Unfit::NotFinite => "is no value of",
    };
    Error::invalid(format!("{shown} {why} {to}"))
}

/// The size of numbers of type `to` made from those that `size` bytes of type `from` hold.
#[must_use]
pub fn converted_size(size: super::Size, from: NumberType, to: NumberType) -> super::Size {
    size.map(|bytes| (bytes / from.size()).saturating_mul(to.size()))
}
