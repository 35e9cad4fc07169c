//! `days since 2000-01-01 06:00:00 +02:00`.

use super::date::{Date, nanoseconds_from_date};
use super::parse::read_date;
use craton_core::{Calendar, Error, Result};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CfUnit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    /// Thirty days; only in the calendar `360_day`.
    Month,
    /// 365 days; only in the calendar `noleap`.
    CommonYear,
    /// A year of no defined length: UDUNITS means the tropical year by it, writers mostly do not.
    Year,
}

/// Spellings, and whether xarray reads each by its NumPy path (else by cftime's, to the microsecond).
const SPELLINGS: [(&str, CfUnit, bool); 41] = [
    ("nanosecond", CfUnit::Nanosecond, true),
    ("nanoseconds", CfUnit::Nanosecond, true),
    ("microsecond", CfUnit::Microsecond, true),
    ("microseconds", CfUnit::Microsecond, true),
    ("microsec", CfUnit::Microsecond, false),
    ("microsecs", CfUnit::Microsecond, false),
    ("us", CfUnit::Microsecond, false),
    ("usec", CfUnit::Microsecond, false),
    ("usecs", CfUnit::Microsecond, false),
    ("millisecond", CfUnit::Millisecond, true),
    ("milliseconds", CfUnit::Millisecond, true),
    ("millisec", CfUnit::Millisecond, false),
    ("millisecs", CfUnit::Millisecond, false),
    ("msec", CfUnit::Millisecond, false),
    ("msecs", CfUnit::Millisecond, false),
    ("ms", CfUnit::Millisecond, false),
    ("second", CfUnit::Second, true),
    ("seconds", CfUnit::Second, true),
    ("sec", CfUnit::Second, false),
    ("secs", CfUnit::Second, false),
    ("s", CfUnit::Second, false),
    ("minute", CfUnit::Minute, true),
    ("minutes", CfUnit::Minute, true),
    ("min", CfUnit::Minute, false),
    ("mins", CfUnit::Minute, false),
    ("hour", CfUnit::Hour, true),
    ("hours", CfUnit::Hour, true),
    ("hr", CfUnit::Hour, false),
    ("hrs", CfUnit::Hour, false),
    ("h", CfUnit::Hour, false),
    ("day", CfUnit::Day, true),
    ("days", CfUnit::Day, true),
    ("d", CfUnit::Day, false),
    ("month", CfUnit::Month, false),
    ("months", CfUnit::Month, false),
    ("common_year", CfUnit::CommonYear, false),
    ("common_years", CfUnit::CommonYear, false),
    ("year", CfUnit::Year, false),
    ("years", CfUnit::Year, false),
    ("yr", CfUnit::Year, false),
    ("yrs", CfUnit::Year, false),
];

impl CfUnit {
    /// The unit spelled `name` in any case, and whether the spelling is one of xarray's own.
    #[must_use]
    pub fn from_name(name: &str) -> Option<(Self, bool)> {
        let name = name.to_ascii_lowercase();
        SPELLINGS
            .iter()
            .find(|(spelling, ..)| *spelling == name)
            .map(|(_, unit, is_plain)| (*unit, *is_plain))
    }

    /// How long it is; a [`CfUnit::Year`] nominally 365 days, but no times are decoded by it.
    #[must_use]
    pub fn nanoseconds(self) -> i64 {
        const DAY: i64 = 86_400_000_000_000;
        match self {
            Self::Nanosecond => 1,
            Self::Microsecond => 1000,
            Self::Millisecond => 1_000_000,
            Self::Second => 1_000_000_000,
            Self::Minute => 60_000_000_000,
            Self::Hour => 3_600_000_000_000,
            Self::Day => DAY,
            Self::Month => 30 * DAY,
            Self::CommonYear | Self::Year => 365 * DAY,
        }
    }
}

/// `UNIT since DATE`, read but not yet checked against a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeUnits {
    /// What is counted.
    pub unit: CfUnit,
    /// Whether xarray's NumPy path knows the unit's spelling.
    pub is_plain: bool,
    /// The date counted from, in local time.
    pub reference: Date,
    /// Minutes by which that local time is ahead of UTC.
    pub offset_minutes: i32,
}

impl TimeUnits {
    /// Reads `days since 2000-01-01 06:00:00 +02:00` and its kin.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] that says which part is not understood.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |problem: String| {
            let shown: String = text.chars().take(80).collect();
            Error::invalid(format!("cannot read the time units `{shown}`: {problem}"))
                .hint("units read like `days since 2000-01-01 00:00:00`")
        };
        let Some((name, date)) = split_since(text) else {
            return Err(refuse("`since` and a date are missing".into()));
        };
        let Some((unit, is_plain)) = CfUnit::from_name(name) else {
            let known = "microseconds, milliseconds, seconds, minutes, hours, days";
            return Err(refuse(format!("`{name}` is none of {known}")));
        };
        let Some(parsed) = read_date(date) else {
            return Err(refuse(format!("`{date}` is no date")));
        };
        let offset_minutes = parsed.offset_minutes;
        Ok(Self {
            unit,
            is_plain,
            reference: parsed.date,
            offset_minutes,
        })
    }

    /// Nanoseconds from 1970-01-01 of the calendar to the reference, in UTC.
    pub(super) fn reference_nanoseconds(&self, calendar: Calendar) -> Result<i128> {
        let local = nanoseconds_from_date(calendar, self.reference)?;
        Ok(local - i128::from(self.offset_minutes) * 60_000_000_000)
    }

    /// Fails where the length of the unit is not defined in `calendar`.
    pub(super) fn check_unit(&self, calendar: Calendar) -> Result<()> {
        let (name, way) = match self.unit {
            CfUnit::Month if calendar != Calendar::Day360 => ("months", "only in `360_day`"),
            CfUnit::CommonYear if calendar != Calendar::NoLeap => {
                ("common_years", "only in `noleap`")
            }
            CfUnit::Year => ("years", "`common_years` has one in `noleap`"),
            _ => return Ok(()),
        };
        let calendar = calendar.name();
        let problem =
            format!("`{name} since` has no defined length in calendar `{calendar}`: {way}");
        Err(Error::invalid(problem)
            .hint("read the numbers as they are with `decode_times=False`, then assign the dates"))
    }
}

fn split_since(text: &str) -> Option<(&str, &str)> {
    let lower = text.to_ascii_lowercase();
    let at = lower.rfind(" since ")?;
    let (name, date) = (text[..at].trim(), text[at + " since ".len()..].trim());
    (!name.is_empty() && !date.is_empty()).then_some((name, date))
}
