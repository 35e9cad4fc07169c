//! Arrays as NumPy prints them: aligned numbers, brackets, `...` where the middle is left out.

use super::values::{complex_text, time_text};
use craton_core::{Block, DType, Scalar};

/// Digits after the point at most.
const PRECISION: usize = 6;

/// The values at the edges of an array, and where its middle is left out.
pub(super) struct Corners<'a> {
    /// The values shown.
    pub block: &'a Block,
    /// For each axis, after how many indices of `block` something is left out.
    pub gaps: Vec<Option<usize>>,
}

impl Corners<'_> {
    /// `array([[...]], dtype=float32)` in lines of at most `width` characters.
    pub(super) fn to_text(&self, width: usize) -> String {
        let dtype = self.block.dtype();
        let words = words(self.block);
        let prefix = "array(";
        let printer = Printer {
            words: &words,
            shape: self.block.shape(),
            gaps: &self.gaps,
        };
        let indent = " ".repeat(prefix.len());
        let body = printer.list(0, 0, &indent, width.saturating_sub(1));
        let body = if self.block.is_empty() {
            "[]".to_owned()
        } else {
            body
        };
        let suffix = match dtype {
            DType::Float64 | DType::Int64 | DType::Bool | DType::Complex128
                if !self.block.is_empty() =>
            {
                return format!("{prefix}{body})");
            }
            DType::Time(_) | DType::FixedBytes(_) | DType::FixedUtf8(_) | DType::Opaque(_) => {
                format!("dtype='{dtype}')")
            }
            _ => format!("dtype={dtype})"),
        };
        let last = body.lines().last().map_or(0, str::len)
            + if body.contains('\n') { 0 } else { prefix.len() };
        let gap = if last + suffix.len() + 2 > width {
            format!("\n{indent}")
        } else {
            " ".to_owned()
        };
        format!("{prefix}{body},{gap}{suffix}")
    }
}

struct Printer<'a> {
    words: &'a [String],
    shape: &'a [usize],
    gaps: &'a [Option<usize>],
}

impl Printer<'_> {
    /// The list along `axis` of the elements from `first` on.
    fn list(&self, axis: usize, first: usize, indent: &str, width: usize) -> String {
        let Some(length) = self.shape.get(axis).copied() else {
            return self
                .words
                .get(first)
                .map(|word| word.trim().to_owned())
                .unwrap_or_default();
        };
        let inner_indent = format!("{indent} ");
        let step: usize = self.shape[axis + 1..].iter().product();
        let mut parts: Vec<String> = Vec::with_capacity(length + 1);
        let is_row = axis + 1 == self.shape.len();
        for at in 0..length {
            if self.gaps[axis] == Some(at) {
                parts.push("...".to_owned());
            }
            parts.push(match is_row {
                true => self.words[first + at].clone(),
                false => self.list(
                    axis + 1,
                    first + at * step,
                    &inner_indent,
                    width.saturating_sub(1),
                ),
            });
        }
        if is_row {
            return format!(
                "[{}]",
                wrapped(&parts, &inner_indent, width.saturating_sub(1))
            );
        }
        let newlines = "\n".repeat(self.shape.len() - axis - 1);
        format!("[{}]", parts.join(&format!(",{newlines}{inner_indent}")))
    }
}

/// Words with commas in lines of at most `width` characters, of which `indent` is part.
fn wrapped(words: &[String], indent: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = indent.len();
    for (at, word) in words.iter().enumerate() {
        let length = word.chars().count() + 1;
        if at > 0 {
            if column + 1 + length > width {
                out += ",\n";
                out += indent;
                column = indent.len();
            } else {
                out += ", ";
                column += 1;
            }
        }
        out += word;
        column += length;
    }
    out
}

/// Every element as text, of one width where people compare them.
fn words(block: &Block) -> Vec<String> {
    let dtype = block.dtype();
    let scalars: Vec<Scalar> = block.scalars().collect();
    if dtype.is_float() {
        return float_words(&scalars);
    }
    let words: Vec<String> = scalars
        .iter()
        .map(|value| word(value, block.shape().is_empty()))
        .collect();
    if dtype.is_variable() || matches!(dtype, DType::FixedBytes(_) | DType::FixedUtf8(_)) {
        return words;
    }
    let width = words.iter().map(String::len).max().unwrap_or(0);
    words.iter().map(|word| format!("{word:>width$}")).collect()
}

fn word(value: &Scalar, is_alone: bool) -> String {
    match value.dtype() {
        DType::Bool => if value.to_i64() == Some(0) {
            "False"
        } else {
            "True"
        }
        .to_owned(),
        DType::Time(time) => match (
            time_text(value.to_i64().unwrap_or(i64::MIN), time),
            is_alone,
        ) {
            (Some(text), _) => format!("'{text}'"),
            (None, _) => "'NaT'".to_owned(),
        },
        DType::Complex64 | DType::Complex128 => complex_text(value),
        _ => quoted_text(value),
    }
}

/// Texts in quotes as Python writes them; other values as they are.
pub(super) fn quoted_text(value: &Scalar) -> String {
    let Some(text) = value.to_text() else {
        return value.to_string();
    };
    let mark = if matches!(value.dtype(), DType::Bytes | DType::FixedBytes(_)) {
        "b"
    } else {
        ""
    };
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = format!("{mark}{quote}");
    for letter in text.chars() {
        match letter {
            '\n' => out += "\\n",
            '\t' => out += "\\t",
            '\r' => out += "\\r",
            '\\' => out += "\\\\",
            letter if letter == quote => {
                out.push('\\');
                out.push(letter);
            }
            letter if letter.is_control() => out += &letter.escape_unicode().to_string(),
            letter => out.push(letter),
        }
    }
    out.push(quote);
    out
}

/// Floats with their points below each other; with exponents where the range is wide.
fn float_words(values: &[Scalar]) -> Vec<String> {
    let finite: Vec<f64> = values
        .iter()
        .filter_map(Scalar::to_f64)
        .filter(|value| value.is_finite() && *value != 0.0)
        .map(f64::abs)
        .collect();
    let largest = finite.iter().copied().fold(0.0, f64::max);
    let smallest = finite.iter().copied().fold(f64::INFINITY, f64::min);
    let has_exponent = largest >= 1e8
        || smallest < 1e-4
        || (largest > 0.0 && largest / smallest > 1000.0 && !finite.is_empty());
    let texts: Vec<String> = values
        .iter()
        .map(|value| float_word(value, has_exponent))
        .collect();
    // The point and the digits after it, without an exponent.
    let fraction_of = |text: &str| {
        let end = text.find('e').unwrap_or(text.len());
        text.find('.').map(|at| end - at)
    };
    let fraction = texts
        .iter()
        .filter_map(|text| fraction_of(text))
        .max()
        .unwrap_or(0);
    let pad = |text: &String| match (fraction_of(text), text.split_once('e')) {
        (Some(own), Some((mantissa, exponent))) => {
            format!("{mantissa}{}e{exponent}", "0".repeat(fraction - own))
        }
        (Some(own), None) => format!("{text}{}", " ".repeat(fraction - own)),
        (None, _) => text.clone(),
    };
    let padded: Vec<String> = texts.iter().map(pad).collect();
    let width = padded.iter().map(String::len).max().unwrap_or(0);
    padded
        .iter()
        .map(|text| format!("{text:>width$}"))
        .collect()
}

fn float_word(value: &Scalar, has_exponent: bool) -> String {
    let number = value.to_f64().unwrap_or(f64::NAN);
    if !number.is_finite() {
        return if number.is_nan() {
            "nan"
        } else if number > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    if has_exponent {
        let text = format!("{number:.PRECISION$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { '-' } else { '+' };
        let mantissa = shortened(mantissa, number, value.dtype());
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    // The shortest text of the narrow type first, so that 0.1 of 32 bits is 0.1.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the value came from that type"
    )]
    let shortest = match value.dtype() {
        DType::Float32 => (number as f32).to_string(),
        DType::Float16 => half_text(value, number),
        _ => number.to_string(),
    };
    match shortest.split_once('.') {
        None => format!("{shortest}."),
        Some((_, digits)) if digits.len() <= PRECISION => shortest,
        Some(_) => format!("{number:.PRECISION$}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

fn half_text(value: &Scalar, number: f64) -> String {
    value.to_json().as_f64().unwrap_or(number).to_string()
}

/// A mantissa without zeros at its end, but with its point.
fn shortened(mantissa: &str, number: f64, dtype: DType) -> String {
    // Digits that the narrow type does not have are not shown either.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the value came from that type"
    )]
    let shortest = if dtype == DType::Float32 {
        format!("{:e}", number as f32)
    } else {
        format!("{number:e}")
    };
    let shortest = shortest.split('e').next().unwrap_or_default();
    let text = if shortest.len() < mantissa.len() {
        shortest
    } else {
        mantissa
    };
    let text = if text.contains('.') {
        text.trim_end_matches('0')
    } else {
        text
    };
    if text.contains('.') {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{floats, texts};
    use super::*;

    fn shown(block: &Block) -> String {
        Corners {
            block,
            gaps: vec![None; block.shape().len()],
        }
        .to_text(80)
    }

    #[test]
    fn points_stand_below_each_other() {
        let block = floats(&[1.0, 2.25, f64::NAN, -10.5], &[2, 2]);
        assert_eq!(
            shown(&block),
            "array([[  1.  ,   2.25],\n       [   nan, -10.5 ]])"
        );
    }

    #[test]
    fn a_wide_range_takes_exponents() {
        assert_eq!(
            shown(&floats(&[1e-5, 1.0], &[2])),
            "array([1.e-05, 1.e+00])"
        );
        assert_eq!(
            shown(&floats(&[1234.5, 1.0], &[2])),
            "array([1.2345e+03, 1.0000e+00])"
        );
    }

    #[test]
    fn gaps_show_as_dots() {
        let block = floats(&[0.0, 1.0, 8.0, 9.0], &[4]);
        let corners = Corners {
            block: &block,
            gaps: vec![Some(2)],
        };
        assert_eq!(corners.to_text(80), "array([0., 1., ..., 8., 9.])");
    }

    #[test]
    fn texts_are_quoted_and_types_named() {
        assert_eq!(
            shown(&texts(&["a", "it's"])),
            "array(['a', \"it's\"], dtype=str)"
        );
        let block = Block::constant(Scalar::from_i64(DType::Int16, 3), vec![2]);
        assert_eq!(shown(&block), "array([3, 3], dtype=int16)");
    }
}
