//! Dates as people and files write them.

use super::date::{Date, NANOSECONDS_PER_DAY, check_date, nanoseconds_from_date};
use craton_core::{Calendar, Error, Result};

/// How much of a date was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// This many digits of a fraction of a second.
    Fraction(u32),
}

/// A date as it was written, not yet checked against a calendar.
pub(super) struct Parsed {
    pub(super) date: Date,
    /// Minutes by which the local time is ahead of UTC.
    pub(super) offset_minutes: i32,
    written: Written,
}

/// Reads `2000-01-31T06:00:00.5+02:00` or a beginning of it; `None` if the text is no such date.
///
/// Accepts one digit for months, days and hours, `20000131T0600`, slashes, a blank or comma in place of
/// `T`, one to seven digits of year with a sign, and `Z`, `UTC`, `GMT`, `+2`, `+0200`, `+02:00`.
pub(super) fn read_date(text: &str) -> Option<Parsed> {
    let mut reader = Reader { rest: text.trim() };
    let negative = reader.take('-');
    if !negative {
        reader.take('+');
    }
    let digits = reader.digits(1, 8)?;
    let (year, month, day, written): (i64, u8, u8, Written) = match digits.len() {
        8 => {
            let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u8>().ok();
            (
                digits.get(..4)?.parse().ok()?,
                part(4..6)?,
                part(6..8)?,
                Written::Day,
            )
        }
        _ => {
            let (month, day, written) = reader.month_and_day()?;
            (digits.parse().ok()?, month, day, written)
        }
    };
    let year = if negative { -year } else { year };
    let mut parsed = Parsed {
        date: Date::midnight(year, month, day),
        offset_minutes: 0,
        written,
    };
    if written == Written::Day {
        reader.time_of_day(&mut parsed)?;
        parsed.offset_minutes = reader.offset()?;
    }
    reader.rest.trim().is_empty().then_some(parsed)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, letter: char) -> bool {
        let stripped = self.rest.strip_prefix(letter);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<&'a str> {
        let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if count < least || count > most {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some(digits)
    }

    fn number(&mut self) -> Option<u8> {
        self.digits(1, 2)?.parse().ok()
    }

    fn month_and_day(&mut self) -> Option<(u8, u8, Written)> {
        let separator = match self.rest.chars().next() {
            Some(letter @ ('-' | '/')) => letter,
            _ => return Some((1, 1, Written::Year)),
        };
        self.take(separator);
        let month = self.number()?;
        if !self.take(separator) {
            return Some((month, 1, Written::Month));
        }
        Some((month, self.number()?, Written::Day))
    }

    fn time_of_day(&mut self, parsed: &mut Parsed) -> Option<()> {
        let is_separated = self.take('T') || self.take('t') || self.take(',');
        if !is_separated && !self.rest.starts_with(' ') {
            return Some(());
        }
        self.blanks();
        if !self
            .rest
            .starts_with(|letter: char| letter.is_ascii_digit())
        {
            return Some(());
        }
        let digits = self.digits(1, 6)?;
        let date = &mut parsed.date;
        if digits.len() > 2 {
            // Packed: 0600 or 060000.
            let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u8>().ok();
            (date.hour, date.minute) = (part(0..2)?, part(2..4)?);
            parsed.written = Written::Minute;
            if digits.len() > 4 {
                date.second = part(4..6)?;
                parsed.written = Written::Second;
            }
        } else {
            date.hour = digits.parse().ok()?;
            parsed.written = Written::Hour;
            if self.take(':') {
                date.minute = self.number()?;
                parsed.written = Written::Minute;
                if self.take(':') {
                    date.second = self.number()?;
                    parsed.written = Written::Second;
                }
            }
        }
        if parsed.written == Written::Second && self.take('.') {
            let digits = self.digits(0, 30)?;
            let kept: String = digits.chars().chain("000000000".chars()).take(9).collect();
            date.nanosecond = kept.parse().ok()?;
            parsed.written = Written::Fraction(u32::try_from(digits.len().min(9)).ok()?);
        }
        Some(())
    }

    fn offset(&mut self) -> Option<i32> {
        self.blanks();
        for name in ["UTC", "GMT", "utc", "gmt", "Z", "z"] {
            if let Some(rest) = self.rest.strip_prefix(name) {
                self.rest = rest;
                return Some(0);
            }
        }
        let sign = if self.take('-') { -1 } else { 1 };
        self.take('+');
        if self.rest.is_empty() {
            return (sign == 1).then_some(0);
        }
        let digits = self.digits(1, 4)?;
        let (hours, minutes): (i32, i32) = match digits.len() {
            1 | 2 if self.take(':') => (digits.parse().ok()?, self.digits(2, 2)?.parse().ok()?),
            1 | 2 => (digits.parse().ok()?, 0),
            4 => (
                digits.get(..2)?.parse().ok()?,
                digits.get(2..)?.parse().ok()?,
            ),
            _ => return None,
        };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

fn refuse(text: &str) -> Error {
    let shown: String = text.chars().take(60).collect();
    Error::invalid(format!("cannot read `{shown}` as a date"))
        .hint("dates read like `2000`, `2000-06`, `2000-06-15` or `2000-06-15T12:30:00`")
}

/// The date at which `text` begins; missing parts are the earliest. An offset is turned to UTC.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the text is no date, or names a date that `calendar` lacks.
pub fn parse_date(text: &str, calendar: Calendar) -> Result<Date> {
    parse_range(text, calendar).map(|(start, _)| start)
}

/// The half-open range that a whole or partial date stands for: `2000-06` is June, `[start, end)`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the text is no date, or names a date that `calendar` lacks.
pub fn parse_range(text: &str, calendar: Calendar) -> Result<(Date, Date)> {
    let parsed = read_date(text).ok_or_else(|| refuse(text))?;
    let start = nanoseconds_from_date(calendar, parsed.date)?;
    let offset = i128::from(parsed.offset_minutes) * 60_000_000_000;
    let length: i128 = match parsed.written {
        Written::Year | Written::Month => {
            return Ok((parsed.date, next_month_or_year(calendar, &parsed)?));
        }
        Written::Day => i128::from(NANOSECONDS_PER_DAY),
        Written::Hour => 3_600_000_000_000,
        Written::Minute => 60_000_000_000,
        Written::Second => 1_000_000_000,
        Written::Fraction(digits) => 10_i128.pow(9 - digits.min(9)),
    };
    let start = start - offset;
    Ok((
        date_from_nanoseconds(calendar, start),
        date_from_nanoseconds(calendar, start + length),
    ))
}

fn next_month_or_year(calendar: Calendar, parsed: &Parsed) -> Result<Date> {
    let mut date = parsed.date;
    if parsed.written == Written::Month && date.month < 12 {
        date.month += 1;
    } else {
        date.month = 1;
        date.year += 1;
        if date.year == 0 && check_date(calendar, date).is_err() {
            date.year = 1;
        }
    }
    check_date(calendar, date)?;
    Ok(date)
}

/// The date of a nanosecond count that came from a checked date, give or take a day.
pub(super) fn date_from_nanoseconds(calendar: Calendar, nanoseconds: i128) -> Date {
    let day = i128::from(NANOSECONDS_PER_DAY);
    let days = i64::try_from(nanoseconds.div_euclid(day)).unwrap_or_default();
    let within = i64::try_from(nanoseconds.rem_euclid(day)).unwrap_or_default();
    Date::from_days(calendar, days, within)
}
