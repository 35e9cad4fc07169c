//! Texts of units, by the grammar of UDUNITS as CF uses it.

use super::{Unit, table};

/// Longer texts are no units.
const LONGEST: usize = 200;
/// Brackets within brackets, at most.
const DEEPEST: usize = 16;

impl Unit {
    /// The unit that `text` names; `None` if it is none that is known. Nothing at all is the unit 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let text = plain(text.trim());
        if text.is_empty() {
            return Some(Self::ONE);
        }
        let mut parser = Parser {
            rest: &text,
            depth: 0,
        };
        let unit = parser.shifted()?;
        parser.rest.trim().is_empty().then_some(unit)
    }
}

/// Superscripts and signs of other alphabets in ASCII.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '⁰' => out.push('0'),
            '¹' => out.push('1'),
            '²' => out.push('2'),
            '³' => out.push('3'),
            '⁴'..='⁹' => out.extend(char::from_digit(letter as u32 - '⁰' as u32, 10)),
            '⁻' | '−' => out.push('-'),
            '·' | '⋅' | '×' => out.push('.'),
            'μ' => out.push('µ'),
            '\u{a0}' | '\t' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn skip_spaces(&mut self) -> bool {
        let trimmed = self.rest.trim_start_matches(' ');
        let skipped = trimmed.len() < self.rest.len();
        self.rest = trimmed;
        skipped
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A product, perhaps with a zero of its own: `K @ 273.15`.
    fn shifted(&mut self) -> Option<Unit> {
        let unit = self.product()?;
        self.skip_spaces();
        let has_origin = self.take("@") || self.take("from ") || self.take("ref ");
        if !has_origin {
            return Some(unit);
        }
        self.skip_spaces();
        let origin = self.number()?;
        Some(Unit {
            origin: unit.origin + origin * unit.scale,
            ..unit
        })
    }

    fn product(&mut self) -> Option<Unit> {
        self.skip_spaces();
        let mut unit = self.power()?;
        loop {
            let has_space = self.skip_spaces();
            let divides = self.take("/") || self.take("per ") || self.take("PER ");
            let multiplies = !divides && (self.take("*") || self.take("."));
            self.skip_spaces();
            let ends = self.rest.is_empty() || self.rest.starts_with([')', '@']);
            let ends = ends || self.rest.starts_with("from ") || self.rest.starts_with("ref ");
            match (divides || multiplies, ends) {
                (true, true) => return None,
                (false, true) => return Some(unit),
                (false, false) if !has_space && !self.rest.starts_with('(') => return None,
                _ => {}
            }
            let further = self.power()?;
            unit = if divides {
                unit.times(further.power(-1)?)?
            } else {
                unit.times(further)?
            };
        }
    }

    /// `m-2`, `m^-2`, `m**-2`, `m2`, or without an exponent.
    fn power(&mut self) -> Option<Unit> {
        let is_number = self
            .rest
            .starts_with(|letter: char| letter.is_ascii_digit() || "+-.".contains(letter));
        let unit = match is_number {
            true => Unit::number(self.number()?),
            false => self.basic()?,
        };
        let is_marked = self.take("^") || self.take("**");
        let exponent = self.exponent();
        match exponent {
            Some(exponent) if is_marked || !is_number => unit.power(exponent),
            Some(_) => None,
            None if is_marked => None,
            None => Some(unit),
        }
    }

    fn exponent(&mut self) -> Option<i32> {
        let sign = usize::from(self.rest.starts_with(['-', '+']));
        let digits = self.rest[sign..]
            .find(|letter: char| !letter.is_ascii_digit())
            .map_or(self.rest.len(), |length| length + sign);
        if digits == sign {
            return None;
        }
        let (number, rest) = self.rest.split_at(digits);
        let exponent: i32 = number.parse().ok()?;
        self.rest = rest;
        (exponent.abs() <= 100).then_some(exponent)
    }

    fn number(&mut self) -> Option<f64> {
        let bytes = self.rest.as_bytes();
        let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
        while end < bytes.len() && (bytes[end].is_ascii_digit() || bytes[end] == b'.') {
            end += 1;
        }
        if end < bytes.len() && matches!(bytes[end], b'e' | b'E') {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let mut last = end + 1 + sign;
            while last < bytes.len() && bytes[last].is_ascii_digit() {
                last += 1;
            }
            if last > end + 1 + sign {
                end = last;
            }
        }
        let (number, rest) = self.rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        self.rest = rest;
        number.is_finite().then_some(number)
    }

    fn basic(&mut self) -> Option<Unit> {
        if self.take("(") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return None;
            }
            let unit = self.product()?;
            self.skip_spaces();
            self.depth -= 1;
            return self.take(")").then_some(unit);
        }
        let is_letter = |letter: char| letter.is_alphabetic() || "_%°'\"".contains(letter);
        let end = self
            .rest
            .find(|letter: char| !is_letter(letter))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let unit = table::named(name)?;
        self.rest = rest;
        Some(unit)
    }
}
