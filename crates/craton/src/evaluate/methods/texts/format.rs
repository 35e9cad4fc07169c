//! Values put into texts as Python does it.

use craton_core::{DType, Error, Result, Scalar};

/// A value as `str` writes it.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] for dates, which have more than one way to be written, and bytes.
pub(super) fn python_text(value: &Scalar) -> Result<String> {
    let dtype = value.dtype();
    if crate::labels::is_text(dtype) {
        return Ok(value.to_text().unwrap_or_default());
    }
    match (dtype, value.to_i64(), value.to_f64()) {
        (DType::Time(_), ..) => Err(Error::invalid("dates as texts")
            .hint("`.dt.strftime(\"%Y-%m-%d\")` writes them in a format")),
        (DType::Bool, Some(truth), _) => Ok(if truth == 0 { "False" } else { "True" }.to_owned()),
        (_, Some(_), _) if dtype.is_integer() => Ok(value.to_string()),
        (DType::UInt64, ..) => Ok(value.to_string()),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the value came from that type"
        )]
        (DType::Float32, _, Some(number)) => Ok(float(
            number,
            format!("{:?}", number as f32),
            &format!("{:e}", number as f32),
        )),
        (DType::Float64, _, Some(number)) => {
            Ok(float(number, format!("{number:?}"), &format!("{number:e}")))
        }
        _ => Err(Error::invalid(format!("{dtype} values as texts"))),
    }
}

/// A number in its shortest digits, with an exponent where Python writes one.
fn float(number: f64, plain: String, scientific: &str) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        return exponent_of_two(scientific);
    }
    match plain.contains('e') {
        // Rust turns to exponents at other sizes.
        true => {
            let digits = format!("{number}");
            if digits.contains('.') {
                digits
            } else {
                format!("{digits}.0")
            }
        }
        false => plain,
    }
}

/// `1e5` as `1e+05`.
fn exponent_of_two(scientific: &str) -> String {
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific.to_owned();
    };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

/// `text` in a field: to its left, right or middle.
fn in_field(text: &str, width: usize, fill: char, align: char) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let left = match align {
        '>' => missing,
        '^' => missing / 2,
        _ => 0,
    };
    let fill = |count| std::iter::repeat_n(fill, count);
    fill(left)
        .chain(text.chars())
        .chain(fill(missing - left))
        .collect()
}

/// Takes a number from the front of `text`.
fn number(text: &mut &str) -> Result<Option<usize>> {
    let end = text
        .find(|one: char| !one.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    if digits.is_empty() {
        return Ok(None);
    }
    let number = digits
        .parse()
        .ok()
        .filter(|number| *number <= super::LONGEST);
    let bad = || Error::invalid(format!("a width of {digits} characters"));
    number.ok_or_else(bad).map(Some)
}

/// `template.format(*given, **named)`, where all that is given are texts.
pub(super) fn formatted(
    template: &str,
    given: &[String],
    named: &[(&str, String)],
) -> Result<String> {
    let bad = |what: String| Error::invalid(format!("the template `{template}`: {what}"));
    let (mut out, mut rest, mut next) = (String::new(), template, Some(0));
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let field = match brace {
            "{" => rest.split_once('}'),
            _ => return Err(bad("a single `}`".to_owned())),
        };
        let Some((field, after)) = field else {
            return Err(bad("a single `{`".to_owned()));
        };
        rest = after;
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let value = if name.is_empty() {
            let at = next.ok_or_else(|| bad("`{}` beside places with numbers".to_owned()))?;
            next = Some(at + 1);
            given.get(at)
        } else if let Ok(at) = name.parse::<usize>() {
            if next.is_some_and(|next| next > 0) {
                return Err(bad("`{}` beside places with numbers".to_owned()));
            }
            next = None;
            given.get(at)
        } else {
            let mut named = named.iter();
            named
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
        };
        let Some(value) = value else {
            return Err(bad(format!("nothing is given for `{{{name}}}`")));
        };
        out.push_str(&specified(value, spec).map_err(|error| bad(error.to_string()))?);
    }
    out.push_str(rest);
    Ok(out)
}

/// A text by `[[fill]align][width][.precision]`.
fn specified(text: &str, spec: &str) -> Result<String> {
    let (mut fill, mut align, mut rest) = (' ', '<', spec);
    let is_align = |one: char| matches!(one, '<' | '>' | '^');
    let mut characters = spec.chars();
    match (characters.next(), characters.next()) {
        (Some(filler), Some(one)) if is_align(one) => {
            (fill, align) = (filler, one);
            rest = characters.as_str();
        }
        (Some(one), _) if is_align(one) => {
            align = one;
            rest = &spec[1..];
        }
        _ => {}
    }
    if let Some(padded) = rest.strip_prefix('0') {
        // Zeros before the width of a text are what fills it.
        fill = if fill == ' ' { '0' } else { fill };
        rest = padded;
    }
    let width = number(&mut rest)?.unwrap_or(0);
    let mut text = text.to_owned();
    if let Some(precision) = rest.strip_prefix('.') {
        rest = precision;
        let most = number(&mut rest)?.unwrap_or(0);
        text = text.chars().take(most).collect();
    }
    match rest {
        "" | "s" => Ok(in_field(&text, width, fill, align)),
        _ => {
            let error = Error::unsupported(format!("`{spec}` for a text"));
            Err(error.hint("what is put in are texts: `{:>8}` or `{:.3}`"))
        }
    }
}

/// `template % given`.
pub(super) fn percent(template: &str, given: &[Scalar]) -> Result<String> {
    let bad = |what: String| Error::invalid(format!("the template `{template}`: {what}"));
    let (mut out, mut rest) = (String::new(), template);
    let mut given = given.iter();
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let end = rest
            .find(|one: char| !matches!(one, '-' | '+' | ' ' | '0' | '#'))
            .unwrap_or(rest.len());
        let (flags, after) = rest.split_at(end);
        rest = after;
        let width = number(&mut rest)?.unwrap_or(0);
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            let digits = number(&mut rest)?.unwrap_or(0);
            // No number has more digits, and Rust writes no more than 65535.
            if digits > 2000 {
                return Err(bad(format!("a precision of {digits}")));
            }
            precision = Some(digits);
        }
        let mut characters = rest.chars();
        let Some(conversion) = characters.next() else {
            return Err(bad("it ends within a conversion".to_owned()));
        };
        rest = characters.as_str();
        let Some(value) = given.next() else {
            return Err(bad("there are more conversions than values".to_owned()));
        };
        let Some(text) = converted(value, conversion, precision)? else {
            let value = python_text(value)?;
            return Err(bad(format!("`%{conversion}` of `{value}`"))
                .hint("there are %s, %d, %i, %f, %F, %e and %E; numbers in a tuple are texts"));
        };
        out.push_str(&placed(text, conversion, flags, width));
    }
    out.push_str(rest);
    match given.next() {
        None => Ok(out),
        Some(_) => Err(bad("there are more values than conversions".to_owned())),
    }
}

fn converted(value: &Scalar, conversion: char, precision: Option<usize>) -> Result<Option<String>> {
    let number = || value.to_f64().filter(|number| number.is_finite());
    Ok(match conversion {
        's' => {
            let text = python_text(value)?;
            Some(match precision {
                Some(most) => text.chars().take(most).collect(),
                None => text,
            })
        }
        'd' | 'i' => {
            let digits = match value.to_i64() {
                Some(_) => Some(value.to_string()).filter(|_| value.dtype() != DType::Bool),
                None => None,
            };
            let digits = digits.or_else(|| number().map(|number| format!("{:.0}", number.trunc())));
            digits.map(|digits| {
                let (sign, digits) = match digits.strip_prefix('-') {
                    Some(digits) => ("-", digits),
                    None => ("", digits.as_str()),
                };
                let digits = if digits == "0" && sign == "-" {
                    "0"
                } else {
                    digits
                };
                format!("{sign}{digits:0>0$}", precision.unwrap_or(0))
            })
        }
        'f' | 'F' => number().map(|number| format!("{number:.*}", precision.unwrap_or(6))),
        'e' | 'E' => number().map(|number| {
            let text = exponent_of_two(&format!("{number:.*e}", precision.unwrap_or(6)));
            match conversion {
                'E' => text.to_uppercase(),
                _ => text,
            }
        }),
        _ => None,
    })
}

/// A converted value in its field.
fn placed(text: String, conversion: char, flags: &str, width: usize) -> String {
    let is_number = conversion != 's';
    let sign = match (is_number && !text.starts_with('-'), flags) {
        (true, flags) if flags.contains('+') => "+",
        (true, flags) if flags.contains(' ') => " ",
        _ => "",
    };
    let text = format!("{sign}{text}");
    if flags.contains('-') {
        return in_field(&text, width, ' ', '<');
    }
    if flags.contains('0') && is_number {
        let digits = text.trim_start_matches(['-', '+', ' ']);
        let sign = &text[..text.len() - digits.len()];
        return format!(
            "{sign}{}",
            in_field(digits, width.saturating_sub(sign.len()), '0', '>')
        );
    }
    in_field(&text, width, ' ', '>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_python() {
        let text = |number| python_text(&Scalar::from_f64(DType::Float64, number)).unwrap();
        for (number, expected) in [
            (0.1, "0.1"),
            (1.0, "1.0"),
            (1e16, "1e+16"),
            (123456789012345.0, "123456789012345.0"),
            (0.0001, "0.0001"),
            (0.00001234, "1.234e-05"),
            (-0.0, "-0.0"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(text(number), expected);
        }
        let narrow = Scalar::from_f64(DType::Float32, 0.1);
        assert_eq!(python_text(&narrow).unwrap(), "0.1");
    }

    #[test]
    fn templates_are_filled_as_in_python() {
        let given = ["a".to_owned(), "bc".to_owned()];
        let fill = |template| formatted(template, &given, &[("n", "z".to_owned())]);
        assert_eq!(fill("{}-{{{}}}").unwrap(), "a-{bc}");
        assert_eq!(fill("{1}{0}{n:>3}|{1:*^5.1}|").unwrap(), "bca  z|**b**|");
        for bad in ["{", "}", "{2}", "{m}", "{}{0}", "{0}{}", "{:d}"] {
            fill(bad).unwrap_err();
        }
        let number = [Scalar::from_f64(DType::Float64, -1.5)];
        let fill = |template| percent(template, &number);
        assert_eq!(fill("%5.2f|").unwrap(), "-1.50|");
        assert_eq!(fill("%07.2f%%").unwrap(), "-001.50%");
        assert_eq!(fill("%d").unwrap(), "-1");
        assert_eq!(fill("%.2e").unwrap(), "-1.50e+00");
        assert_eq!(fill("%-6s|").unwrap(), "-1.5  |");
        for bad in ["", "%s%s", "%q", "%", "%.70000f", "%.70000d", "%.2001s"] {
            fill(bad).unwrap_err();
        }
    }
}
