//! One value of any dtype as text: for JSON, for CSV, for people.

use crate::calendar::{date_from_count, iso_string};
use base64::{Engine, engine::general_purpose::STANDARD};
use craton_core::{Block, DType, Scalar, TimeKind, TimeType, TimeUnit};
use std::io::{self, Write};

/// The elements of a block, for quick access one by one.
pub(super) struct Values<'a> {
    block: &'a Block,
    bytes: Option<&'a [u8]>,
    dtype: DType,
}

/// Where the spellings of missing values and the like differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `null`, `"Infinity"`, quoted texts.
    Json,
    /// Nothing for missing, bare texts (quoted later where needed).
    Csv,
}

impl<'a> Values<'a> {
    pub(super) fn new(block: &'a Block) -> Self {
        Self {
            block,
            bytes: block.as_contiguous(),
            dtype: block.dtype(),
        }
    }

    /// The element at C-order position `index`.
    pub(super) fn scalar(&self, index: usize) -> Scalar {
        self.block
            .get(index)
            .unwrap_or_else(|| Scalar::zero(self.dtype))
    }

    /// Writes the element at `index`.
    pub(super) fn write(&self, index: usize, style: Style, out: &mut impl Write) -> io::Result<()> {
        macro_rules! number {
            ($type:ty, $bytes:expr, $write:expr) => {{
                const SIZE: usize = size_of::<$type>();
                let mut item = [0u8; SIZE];
                item.copy_from_slice(&$bytes[index * SIZE..(index + 1) * SIZE]);
                return $write(out, <$type>::from_ne_bytes(item));
            }};
        }
        let integer = |out: &mut _, value: i64| Write::write_fmt(out, format_args!("{value}"));
        if let Some(bytes) = self.bytes {
            match self.dtype {
                DType::Float32 => number!(f32, bytes, |out, value: f32| {
                    write_float(out, value.into(), Some(value), style)
                }),
                DType::Float64 => {
                    number!(f64, bytes, |out, value: f64| write_float(
                        out, value, None, style
                    ))
                }
                DType::Int16 => number!(i16, bytes, |out, value: i16| integer(out, value.into())),
                DType::Int32 => number!(i32, bytes, |out, value: i32| integer(out, value.into())),
                DType::Int64 => number!(i64, bytes, integer),
                DType::UInt8 => number!(u8, bytes, |out, value: u8| integer(out, value.into())),
                _ => {}
            }
        }
        write_scalar(&self.scalar(index), style, out)
    }
}

/// Writes any value.
pub(super) fn write_scalar(value: &Scalar, style: Style, out: &mut impl Write) -> io::Result<()> {
    let quoted = |out: &mut _, text: &str| match style {
        Style::Json => serde_json::to_writer(out, text).map_err(io::Error::from),
        Style::Csv => Write::write_all(out, text.as_bytes()),
    };
    match value.dtype() {
        DType::Time(time) => match time_text(value.to_i64().unwrap_or(i64::MIN), time) {
            Some(text) => quoted(out, &text),
            None => missing(out, style),
        },
        DType::Bytes | DType::FixedBytes(_) | DType::Opaque(_) if style == Style::Json => {
            write!(
                out,
                "{{\"base64\": \"{}\"}}",
                STANDARD.encode(value.bytes())
            )
        }
        DType::Opaque(_) => quoted(out, &STANDARD.encode(value.bytes())),
        DType::Complex64 | DType::Complex128 => {
            let parts = complex_parts(value);
            match style {
                Style::Json => {
                    out.write_all(b"[")?;
                    write_scalar(&parts[0], style, out)?;
                    out.write_all(b", ")?;
                    write_scalar(&parts[1], style, out)?;
                    out.write_all(b"]")
                }
                Style::Csv if value.is_missing() => Ok(()),
                Style::Csv => write!(out, "{}", complex_text(value)),
            }
        }
        dtype if dtype.is_float() && value.is_missing() => missing(out, style),
        _ => match value.to_text() {
            Some(text) => quoted(out, &text),
            None => match (value.to_json(), style) {
                (serde_json::Value::String(text), Style::Csv) => {
                    out.write_all(if text.starts_with('-') {
                        b"-inf"
                    } else {
                        b"inf"
                    })
                }
                (json, _) => write!(out, "{json}"),
            },
        },
    }
}

fn missing(out: &mut impl Write, style: Style) -> io::Result<()> {
    match style {
        Style::Json => out.write_all(b"null"),
        Style::Csv => Ok(()),
    }
}

/// Shortest text of a float; `narrow` is the same number in 32 bits if that is its type.
fn write_float(
    out: &mut impl Write,
    value: f64,
    narrow: Option<f32>,
    style: Style,
) -> io::Result<()> {
    let sign = if value < 0.0 { "-" } else { "" };
    match (value.is_nan(), value.is_infinite(), style) {
        (true, ..) => missing(out, style),
        (_, true, Style::Json) => write!(out, "\"{sign}Infinity\""),
        (_, true, Style::Csv) => write!(out, "{sign}inf"),
        _ => match narrow {
            Some(narrow) => serde_json::to_writer(out, &narrow),
            None => serde_json::to_writer(out, &value),
        }
        .map_err(io::Error::from),
    }
}

/// Real and imaginary part.
pub(super) fn complex_parts(value: &Scalar) -> [Scalar; 2] {
    let (dtype, size) = match value.dtype() {
        DType::Complex64 => (DType::Float32, 4),
        _ => (DType::Float64, 8),
    };
    let (real, imaginary) = value.bytes().split_at(size.min(value.bytes().len()));
    [
        Scalar::from_bytes(dtype, real),
        Scalar::from_bytes(dtype, imaginary),
    ]
}

/// `1.5-2j`
pub(super) fn complex_text(value: &Scalar) -> String {
    let [real, imaginary] = complex_parts(value).map(|part| part.to_string());
    let sign = if imaginary.starts_with('-') { "" } else { "+" };
    format!("{real}{sign}{imaginary}j")
}

/// ISO 8601 for an instant or a duration; `None` for NaT.
pub(super) fn time_text(count: i64, time: TimeType) -> Option<String> {
    if count == i64::MIN {
        return None;
    }
    Some(match time.kind {
        TimeKind::Instant => {
            // A date too far away to name still is a count.
            date_from_count(count, time).map_or_else(|| count.to_string(), iso_string)
        }
        TimeKind::Duration => duration_text(count, time),
    })
}

/// `P1DT6H`, `-PT0.5S`.
fn duration_text(count: i64, time: TimeType) -> String {
    let total = i128::from(count) * i128::from(time.step);
    let sign = if total < 0 { "-" } else { "" };
    let amount = total.unsigned_abs();
    // Attoseconds hold every unit exactly: 64 bits of weeks times 32 bits of step need 2^96 * 6e23 at most.
    let (per_second, seconds) = match time.unit {
        TimeUnit::Year => return format!("{sign}P{amount}Y"),
        TimeUnit::Month => return format!("{sign}P{amount}M"),
        TimeUnit::Generic => return total.to_string(),
        TimeUnit::Week => (1, 604_800),
        TimeUnit::Day => (1, 86_400),
        TimeUnit::Hour => (1, 3600),
        TimeUnit::Minute => (1, 60),
        TimeUnit::Second => (1, 1),
        TimeUnit::Millisecond => (1000, 1),
        TimeUnit::Microsecond => (1_000_000, 1),
        TimeUnit::Nanosecond => (1_000_000_000, 1),
        TimeUnit::Picosecond => (1_000_000_000_000, 1),
        TimeUnit::Femtosecond => (1_000_000_000_000_000, 1),
        TimeUnit::Attosecond => (1_000_000_000_000_000_000u128, 1u128),
    };
    let fraction = amount % per_second;
    let whole = amount / per_second * seconds;
    let mut text = format!("{sign}P");
    if whole >= 86_400 {
        text += &format!("{}D", whole / 86_400);
    }
    let rest = whole % 86_400;
    if rest == 0 && fraction == 0 && whole > 0 {
        return text;
    }
    text.push('T');
    for (length, letter) in [(3600, 'H'), (60, 'M')] {
        let part = rest % (length * 60) / length;
        let part = if letter == 'H' { rest / 3600 } else { part };
        if part > 0 {
            text += &format!("{part}{letter}");
        }
    }
    let second = rest % 60;
    if fraction > 0 {
        let width = per_second.ilog10() as usize;
        let digits = format!("{fraction:0width$}");
        text += &format!("{second}.{}S", digits.trim_end_matches('0'));
    } else if second > 0 || rest == 0 {
        text += &format!("{second}S");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::Calendar;

    fn time(unit: TimeUnit, kind: TimeKind) -> TimeType {
        TimeType {
            unit,
            step: 1,
            calendar: Calendar::ProlepticGregorian,
            kind,
        }
    }

    fn text(value: &Scalar, style: Style) -> String {
        let mut out = Vec::new();
        write_scalar(value, style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn durations_are_iso() {
        let duration = |count, unit| time_text(count, time(unit, TimeKind::Duration)).unwrap();
        assert_eq!(duration(90, TimeUnit::Minute), "PT1H30M");
        assert_eq!(duration(-1_500_000_000, TimeUnit::Nanosecond), "-PT1.5S");
        assert_eq!(duration(2, TimeUnit::Day), "P2D");
        assert_eq!(duration(0, TimeUnit::Second), "PT0S");
        assert_eq!(duration(90_061, TimeUnit::Second), "P1DT1H1M1S");
        assert_eq!(
            time_text(i64::MIN, time(TimeUnit::Day, TimeKind::Duration)),
            None
        );
    }

    #[test]
    fn every_dtype_has_its_json() {
        let float = |value| Scalar::from_f64(DType::Float64, value);
        assert_eq!(text(&float(f64::NAN), Style::Json), "null");
        assert_eq!(
            text(&float(f64::NEG_INFINITY), Style::Json),
            "\"-Infinity\""
        );
        assert_eq!(text(&float(1e300), Style::Json), "1e+300");
        assert_eq!(text(&Scalar::from_text("a\"b"), Style::Json), r#""a\"b""#);
        assert_eq!(
            text(
                &Scalar::from_bytes(DType::FixedBytes(2), b"hi"),
                Style::Json
            ),
            r#"{"base64": "aGk="}"#
        );
        let complex = Scalar::from_bytes(
            DType::Complex64,
            &[1.5f32.to_ne_bytes(), (-2f32).to_ne_bytes()].concat(),
        );
        assert_eq!(text(&complex, Style::Json), "[1.5, -2.0]");
        assert_eq!(text(&complex, Style::Csv), "1.5-2.0j");
        let day = Scalar::from_i64(DType::Time(time(TimeUnit::Day, TimeKind::Instant)), 1);
        assert_eq!(text(&day, Style::Json), "\"1970-01-02T00:00:00\"");
        assert_eq!(
            text(&Scalar::from_bytes(DType::Bool, &[1]), Style::Csv),
            "true"
        );
    }
}
