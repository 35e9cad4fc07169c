//! Numbers and strings as Python writes them.

use super::lexer::{Token, is_name_part};
use super::span::Span;
use craton_core::Result;

/// The number at byte `start`, which must be a digit or a point before one, and its length.
pub(super) fn read_number(source: &str, start: usize) -> Result<(Token, usize)> {
    let rest = &source[start..];
    let bytes = rest.as_bytes();
    let radix = match bytes {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 10,
    };
    let (length, is_float) = if radix == 10 {
        decimal_length(bytes)
    } else {
        (
            2 + run(&bytes[2..], |byte| byte.is_ascii_alphanumeric()),
            false,
        )
    };
    let is_imaginary = radix == 10 && matches!(bytes.get(length), Some(b'j' | b'J'));
    let whole = length + usize::from(is_imaginary);
    let span = Span::new(start, start + whole);
    let bad = |problem: &str| span.error(source, format!("{problem} `{}`", span.text(source)));

    let text = &rest[..length];
    if rest[whole..].starts_with(is_name_part) || has_stray_underscore(text, radix != 10) {
        return Err(bad("malformed number").hint("a name cannot begin with a digit"));
    }
    let digits: String = text.chars().filter(|letter| *letter != '_').collect();
    if is_float || is_imaginary {
        let value: f64 = digits.parse().map_err(|_| bad("malformed number"))?;
        let token = if is_imaginary {
            Token::Imaginary(value)
        } else {
            Token::Float(value)
        };
        return Ok((token, whole));
    }
    let digits = if radix == 10 {
        digits.as_str()
    } else {
        &digits[2..]
    };
    if radix == 10 && digits.starts_with('0') && digits.bytes().any(|byte| byte != b'0') {
        return Err(bad("number with leading zeros").hint("leave the zeros away; `0o17` is octal"));
    }
    match u64::from_str_radix(digits, radix) {
        Ok(value) => Ok((Token::Integer(value), whole)),
        Err(cause) if *cause.kind() == std::num::IntErrorKind::PosOverflow => {
            Err(bad("too large an integer")
                .hint("the largest is 18446744073709551615; `1e20` is a float"))
        }
        Err(_) => Err(bad("malformed number")),
    }
}

fn run(bytes: &[u8], accept: impl Fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .take_while(|byte| accept(**byte) || **byte == b'_')
        .count()
}

/// The length of a decimal number without its `j`, and whether it has a point or an exponent.
fn decimal_length(bytes: &[u8]) -> (usize, bool) {
    let digit = |byte: u8| byte.is_ascii_digit();
    let mut length = run(bytes, digit);
    let mut is_float = false;
    if bytes.get(length) == Some(&b'.') {
        is_float = true;
        length += 1;
        // OK to look for digits only: `1._5` is malformed and is caught as a stray underscore.
        length += run(&bytes[length..], digit);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        if bytes.get(length + 1 + sign).is_some_and(u8::is_ascii_digit) {
            is_float = true;
            length += 1 + sign;
            length += run(&bytes[length..], digit);
        }
    }
    (length, is_float)
}

/// Underscores may stand only between two digits, or after a radix prefix.
fn has_stray_underscore(text: &str, has_prefix: bool) -> bool {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_alphanumeric)
    };
    let is_stray = |at: usize| {
        let before = if has_prefix {
            is_digit(at.checked_sub(1))
        } else {
            at.checked_sub(1)
                .is_some_and(|at| bytes[at].is_ascii_digit())
        };
        let after = if has_prefix {
            is_digit(Some(at + 1))
        } else {
            bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
        };
        !(before && after)
    };
    bytes
        .iter()
        .enumerate()
        .any(|(at, byte)| *byte == b'_' && is_stray(at))
}

/// What the letters before a quote ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    Plain,
    Raw,
    Formatted,
    Bytes,
}

/// The meaning of `letters` right before a quote, if Python gives them one.
pub(super) fn string_prefix(letters: &str) -> Option<Prefix> {
    Some(match letters.to_ascii_lowercase().as_str() {
        "" | "u" => Prefix::Plain,
        "r" => Prefix::Raw,
        "f" | "rf" | "fr" | "t" | "rt" | "tr" => Prefix::Formatted,
        "b" | "rb" | "br" => Prefix::Bytes,
        _ => return None,
    })
}

/// The string at byte `start`, whose quote comes after `prefix_length` letters, and its whole length.
pub(super) fn read_string(
    source: &str,
    start: usize,
    prefix_length: usize,
) -> Result<(String, usize)> {
    let rest = &source[start..];
    let prefix = string_prefix(&rest[..prefix_length]).unwrap_or(Prefix::Plain);
    let opening = Span::new(start, start + prefix_length + 1);
    match prefix {
        Prefix::Formatted => {
            return Err(opening
                .error(source, "formatted string")
                .hint("write the text out, or join texts with `+`"));
        }
        Prefix::Bytes => {
            return Err(opening
                .error(source, "bytes string")
                .hint("leave the `b` away: text compares with bytes here"));
        }
        Prefix::Plain | Prefix::Raw => {}
    }
    let quoted = &rest[prefix_length..];
    let quote = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find(|quote| quoted.starts_with(quote))
        .unwrap_or("\"");
    let content_start = start + prefix_length + quote.len();
    let mut reader = StringReader {
        source,
        position: content_start,
        quote,
        text: String::new(),
    };
    reader.read(opening, prefix == Prefix::Raw)?;
    Ok((reader.text, reader.position - start))
}

struct StringReader<'a> {
    source: &'a str,
    position: usize,
    quote: &'a str,
    text: String,
}

impl StringReader<'_> {
    fn read(&mut self, opening: Span, is_raw: bool) -> Result<()> {
        loop {
            let rest = &self.source[self.position..];
            if rest.starts_with(self.quote) {
                self.position += self.quote.len();
                return Ok(());
            }
            let Some(letter) = rest.chars().next() else {
                return Err(opening.error(self.source, "a string is never closed"));
            };
            match letter {
                '\n' if self.quote.len() == 1 => {
                    return Err(opening
                        .error(self.source, "a string is not closed on its line")
                        .hint("three quotes around a text let it run over lines"));
                }
                // Python reads every line end as `\n`.
                '\r' if rest.starts_with("\r\n") => self.position += 1,
                '\\' if is_raw => self.raw_backslash(),
                '\\' => self.escape()?,
                _ => {
                    self.text.push(letter);
                    self.position += letter.len_utf8();
                }
            }
        }
    }

    /// In a raw string a backslash keeps the next quote from ending it, and both stay.
    fn raw_backslash(&mut self) {
        let mut letters = self.source[self.position..].chars();
        for letter in letters.by_ref().take(2) {
            self.text.push(letter);
            self.position += letter.len_utf8();
        }
    }

    fn escape(&mut self) -> Result<()> {
        let rest = &self.source[self.position + 1..];
        let Some(letter) = rest.chars().next() else {
            self.position += 1;
            return Ok(());
        };
        let simple = match letter {
            '\n' => return self.skip(2),
            '\r' if rest.starts_with("\r\n") => return self.skip(3),
            '\\' | '\'' | '"' => letter,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'x' => return self.code(1, 2, 2, 16),
            'u' => return self.code(1, 4, 4, 16),
            'U' => return self.code(1, 8, 8, 16),
            '0'..='7' => return self.code(0, 1, 3, 8),
            _ => {
                let end = self.position + 1 + letter.len_utf8();
                let span = Span::new(self.position, end);
                let problem = format!("unknown escape `\\{}`", letter.escape_debug());
                return Err(span
                    .error(self.source, problem)
                    .hint("write `\\\\` for a backslash, or put `r` before the string"));
            }
        };
        self.text.push(simple);
        self.skip(1 + letter.len_utf8())
    }

    fn skip(&mut self, bytes: usize) -> Result<()> {
        self.position += bytes;
        Ok(())
    }

    /// `\x41` and its kin: `letters` before the digits, then `least..=most` digits of `radix`.
    fn code(&mut self, letters: usize, least: usize, most: usize, radix: u32) -> Result<()> {
        let start = self.position + 1 + letters;
        let digits = self.source[start..]
            .chars()
            .take(most)
            .take_while(|letter| letter.is_digit(radix))
            .count();
        let text = &self.source[start..start + digits];
        let code = u32::from_str_radix(text, radix)
            .ok()
            .and_then(char::from_u32);
        match code {
            Some(letter) if digits >= least => {
                self.text.push(letter);
                self.position = start + digits;
                Ok(())
            }
            _ => Err(Span::new(self.position, start + digits)
                .error(self.source, "an escape that is no character")
                .hint("`\\x41`, `\\u00e9` and `\\U0001f30d` take 2, 4 and 8 hexadecimal digits")),
        }
    }
}
