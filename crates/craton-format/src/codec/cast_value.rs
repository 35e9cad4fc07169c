//! `cast_value`: numbers stored as another type, with rounding and range as the metadata say, and narrow types.

use super::exact::{Exact, Format, Rounding, Unfit};
use super::numbers::{Number, NumberType, convert, converted_size, unfit_error};
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, DType, Error, ErrorKind, Pool, Result};
use serde_json::Value;
use std::sync::Arc;

/// A cast by value, never by bits.
#[derive(Debug, Clone)]
pub struct CastValue {
    name: Option<&'static str>,
    plain: NumberType,
    stored: NumberType,
    rounding: Rounding,
    out_of_range: OutOfRange,
    encode_map: Vec<Pair>,
    decode_map: Vec<Pair>,
}

/// A number and what stands for it instead of its cast.
#[derive(Debug, Clone)]
struct Pair(Number, Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutOfRange {
    Refuse,
    Clamp,
    Wrap,
}

impl CastValue {
    /// Numbers of `plain`'s type stored as those of a narrow one; those that have no place there are refused.
    #[must_use]
    pub fn narrowed(plain: NumberType, stored: NumberType) -> Self {
        Self {
            name: stored.narrow.map(|narrow| narrow.name),
            plain,
            stored,
            rounding: Rounding::NearestEven,
            out_of_range: OutOfRange::Refuse,
            encode_map: Vec::new(),
            decode_map: Vec::new(),
        }
    }

    fn cast(
        &self,
        from_bytes: &[u8],
        from: NumberType,
        to_bytes: &mut [u8],
        to: NumberType,
        map: &[Pair],
    ) -> Result<Option<usize>> {
        if map.is_empty() && holds_all(to, from) {
            return convert(from_bytes, from, to_bytes, to, |number| number);
        }
        let (from_size, to_size) = (from.size(), to.size());
        if !from_bytes.len().is_multiple_of(from_size) {
            let message = format!("{} bytes are no whole count of {from}", from_bytes.len());
            return Err(Error::corrupt(message));
        }
        let length = (from_bytes.len() / from_size).saturating_mul(to_size);
        let Some(out) = to_bytes.get_mut(..length) else {
            return Ok(None);
        };
        let numbers = from_bytes.chunks_exact(from_size);
        for (source, target) in numbers.zip(out.chunks_exact_mut(to_size)) {
            let number = from.read(source);
            match map.iter().find(|pair| is_same(pair.0, number)) {
                Some(pair) => target.copy_from_slice(&pair.1),
                None => self
                    .write(Exact::of(number, from), to, target)
                    .map_err(|unfit| unfit_error(number, from, to, unfit))?,
            }
        }
        Ok(Some(length))
    }

    fn write(&self, exact: Exact, to: NumberType, target: &mut [u8]) -> Result<(), Unfit> {
        let is_wrapped = self.out_of_range == OutOfRange::Wrap;
        let (true, Some((low, high))) = (is_wrapped, to.range()) else {
            let may_clamp = self.out_of_range == OutOfRange::Clamp;
            return to.write_exact(exact, self.rounding, may_clamp, target);
        };
        let modulus = high - low + 1;
        let whole = match exact.to_integer(self.rounding) {
            Ok(whole) => whole,
            // Beyond 2^100 all digits that would remain are zeros.
            Err(Unfit::OutOfRange) => 0,
            Err(unfit) => return Err(unfit),
        };
        let wrapped = (whole - low).rem_euclid(modulus) + low;
        let exact = Exact::Finite {
            is_negative: wrapped < 0,
            significand: u64::try_from(wrapped.unsigned_abs()).unwrap_or(0),
            exponent: 0,
        };
        to.write_exact(exact, self.rounding, false, target)
    }
}

/// Whether every value of `from` is one of `to`.
fn holds_all(to: NumberType, from: NumberType) -> bool {
    let format = |element: NumberType| match element.narrow {
        Some(narrow) => narrow.format(),
        None => Format::of(element.dtype),
    };
    match (format(to), format(from), to.range(), from.range()) {
        (Some(to), Some(from), ..) => {
            to == from
                || to.specials == super::exact::Specials::Ieee
                    && to.mantissa >= from.mantissa
                    && to.exponent > from.exponent
        }
        (Some(to), None, _, Some((low, high))) => {
            let most = 1i128 << (to.mantissa + 1);
            to.exponent >= 8 && low >= -most && high <= most
        }
        (None, None, Some((low, high)), Some(from)) => low <= from.0 && from.1 <= high,
        _ => false,
    }
}

/// Whether two numbers of one type are the same value; NaN is.
fn is_same(one: Number, other: Number) -> bool {
    match (one, other) {
        (Number::Float(one), Number::Float(other)) => {
            one == other || one.is_nan() && other.is_nan()
        }
        (one, other) => one == other,
    }
}

impl Codec for CastValue {
    fn label(&self) -> String {
        match self.name {
            Some(name) => name.to_owned(),
            None => format!("cast_value:{}", self.stored),
        }
    }

    fn encoded_size(&self, plain: Size) -> Size {
        converted_size(plain, self.plain, self.stored)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let done = self.cast(encoded, self.stored, out, self.plain, &self.decode_map);
        done.map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => Error::corrupt("cannot undo `cast_value`").caused_by(error),
            _ => error,
        })
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(plain.len() / self.plain.size() * self.stored.size())?;
        self.cast(plain, self.plain, &mut out, self.stored, &self.encode_map)?;
        Ok(out)
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn is_nothing_to_decode(&self) -> bool {
        self.plain == self.stored && self.decode_map.is_empty()
    }
}

/// Reads the metadata of `cast_value`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let plain = place.element;
    let name = options.text("data_type")?;
    let is_castable = |element: &NumberType| element.is_real() && element.dtype != DType::Bool;
    let stored = name.and_then(NumberType::from_name).filter(is_castable);
    let Some(stored) = stored.filter(|_| is_castable(&plain)) else {
        let message = format!(
            "codec `cast_value` from {plain} to `{}`",
            name.unwrap_or_default()
        );
        return Err(Error::unsupported(message).hint("integers and real floats are cast"));
    };
    let rounding = match options.text("rounding")? {
        None => Rounding::NearestEven,
        Some(name) => Rounding::from_name(name)
            .ok_or_else(|| options.wrong("rounding", &Value::from(name), "a way to round"))?,
    };
    let out_of_range = match options.text("out_of_range")? {
        None => OutOfRange::Refuse,
        Some("clamp") => OutOfRange::Clamp,
        Some("wrap") if stored.range().is_some() => OutOfRange::Wrap,
        Some(other) => {
            let wanted = "`clamp`, or `wrap` for integers";
            return Err(options.wrong("out_of_range", &Value::from(other), wanted));
        }
    };
    let codec = CastValue {
        name: None,
        plain,
        stored,
        rounding,
        out_of_range,
        encode_map: map(options, "encode", plain, stored)?,
        decode_map: map(options, "decode", stored, plain)?,
    };
    Ok(Stage::Numbers(Arc::new(codec), stored))
}

fn map(options: &Options<'_>, name: &str, from: NumberType, to: NumberType) -> Result<Vec<Pair>> {
    let Some(pairs) = options.get("scalar_map").and_then(|maps| maps.get(name)) else {
        return Ok(Vec::new());
    };
    let wrong = || {
        let wanted = format!("pairs of {from} and {to} under `{name}`");
        options.wrong("scalar_map", pairs, &wanted)
    };
    let pair = |pair: &Value| {
        let [key, value] = pair.as_array()?.as_slice() else {
            return None;
        };
        Some(Pair(from.read(&from.from_json(key)?), to.from_json(value)?))
    };
    let pairs = match pairs {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list.iter().map(pair).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    pairs.ok_or_else(wrong)
}
