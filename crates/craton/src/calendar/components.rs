//! The parts of a date that `.dt` gives.

use super::date::{Date, date_from_count};
use super::days::{days_from_parts, days_in_month, days_in_year, is_leap_year};
use craton_core::{Calendar, TimeType};

/// A numeric part of a date, by xarray's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "`name` tells each")]
pub enum Component {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    /// The microseconds of the second, 0 to 999,999.
    Microsecond,
    /// The nanoseconds of the microsecond, 0 to 999, as pandas counts them.
    Nanosecond,
    /// 1 on 1 January.
    DayOfYear,
    /// 0 on Monday.
    DayOfWeek,
    /// The ISO week, 1 to 53.
    WeekOfYear,
    Quarter,
    DaysInMonth,
    DaysInYear,
    /// 1 or 0.
    IsLeapYear,
}

const NAMES: [(&str, Component); 20] = [
    ("year", Component::Year),
    ("month", Component::Month),
    ("day", Component::Day),
    ("hour", Component::Hour),
    ("minute", Component::Minute),
    ("second", Component::Second),
    ("millisecond", Component::Millisecond),
    ("microsecond", Component::Microsecond),
    ("nanosecond", Component::Nanosecond),
    ("dayofyear", Component::DayOfYear),
    ("day_of_year", Component::DayOfYear),
    ("dayofweek", Component::DayOfWeek),
    ("day_of_week", Component::DayOfWeek),
    ("weekday", Component::DayOfWeek),
    ("weekofyear", Component::WeekOfYear),
    ("week", Component::WeekOfYear),
    ("quarter", Component::Quarter),
    ("days_in_month", Component::DaysInMonth),
    ("daysinmonth", Component::DaysInMonth),
    ("is_leap_year", Component::IsLeapYear),
];

impl Component {
    /// The part that xarray calls `name`. `season`, `date` and `time` are texts: see [`season`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, component)| *component)
    }

    /// All names that [`Component::from_name`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

/// `DJF`, `MAM`, `JJA` or `SON`.
#[must_use]
pub fn season(month: u8) -> &'static str {
    match month {
        3..=5 => "MAM",
        6..=8 => "JJA",
        9..=11 => "SON",
        _ => "DJF",
    }
}

/// `2000-01-31`.
#[must_use]
pub fn date_string(date: Date) -> String {
    let sign = if date.year < 0 { "-" } else { "" };
    format!(
        "{sign}{:04}-{:02}-{:02}",
        date.year.unsigned_abs(),
        date.month,
        date.day
    )
}

/// One part of the date that `count` stands for; `None` for NaT.
#[must_use]
pub fn component(count: i64, time: TimeType, which: Component) -> Option<i64> {
    let date = date_from_count(count, time)?;
    let calendar = time.calendar;
    Some(match which {
        Component::Year => date.year,
        Component::Month => date.month.into(),
        Component::Day => date.day.into(),
        Component::Hour => date.hour.into(),
        Component::Minute => date.minute.into(),
        Component::Second => date.second.into(),
        Component::Millisecond => i64::from(date.nanosecond / 1_000_000),
        Component::Microsecond => i64::from(date.nanosecond / 1000),
        Component::Nanosecond => i64::from(date.nanosecond % 1000),
        Component::DayOfYear => day_of_year(calendar, date),
        Component::DayOfWeek => day_of_week(calendar, day_number(calendar, date)),
        Component::WeekOfYear => week_of_year(calendar, date),
        Component::Quarter => i64::from((date.month - 1) / 3 + 1),
        Component::DaysInMonth => days_in_month(calendar, date.year, date.month).into(),
        Component::DaysInYear => days_in_year(calendar, date.year).into(),
        Component::IsLeapYear => is_leap_year(calendar, date.year).into(),
    })
}

fn day_number(calendar: Calendar, date: Date) -> i64 {
    days_from_parts(calendar, date.year, date.month, date.day)
}

/// By the months' usual lengths: in `standard` the ten days that 1582 lacks are counted, as cftime does.
fn day_of_year(calendar: Calendar, date: Date) -> i64 {
    let before = |month: u8| i64::from(days_in_month(calendar, date.year, month));
    (1..date.month).map(before).sum::<i64>() + i64::from(date.day)
}

/// 0 on Monday. Model calendars have no weeks of their own: cftime lets theirs run on from the day
/// that it numbers 0, and so does this.
fn day_of_week(calendar: Calendar, days: i64) -> i64 {
    let weekday_of_1970 = match calendar {
        Calendar::Standard | Calendar::ProlepticGregorian | Calendar::NoLeap => 3,
        Calendar::Julian | Calendar::Day360 => 2,
        Calendar::AllLeap => 6,
    };
    (days + weekday_of_1970).rem_euclid(7)
}

/// The week that holds this week's Thursday, counted within that Thursday's year (ISO 8601).
fn week_of_year(calendar: Calendar, date: Date) -> i64 {
    let days = day_number(calendar, date);
    let thursday = days - day_of_week(calendar, days) + 3;
    let of_thursday = Date::from_days(calendar, thursday, 0);
    (day_of_year(calendar, of_thursday) - 1) / 7 + 1
}
