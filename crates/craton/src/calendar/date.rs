//! A date with its time of day, the counts it stands for, and its ISO text.

use super::days::{
    MOST_DAYS, MOST_YEARS, days_from_parts, days_in_month, parts_from_days, to_astronomical,
};
use craton_core::{Calendar, Error, Result, TimeType, TimeUnit};

/// A date and time of day in some calendar. [`check_date`] says whether it exists there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// The year's label; may be negative.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59: CF time has no leap seconds.
    pub second: u8,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
}

pub(super) const NANOSECONDS_PER_DAY: i64 = 86_400_000_000_000;

impl Date {
    /// Midnight of a day.
    #[must_use]
    pub fn midnight(year: i64, month: u8, day: u8) -> Self {
        Self {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
        }
    }

    pub(super) fn nanosecond_of_day(self) -> i64 {
        let seconds =
            i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        seconds * 1_000_000_000 + i64::from(self.nanosecond)
    }

    pub(super) fn from_days(calendar: Calendar, days: i64, nanosecond_of_day: i64) -> Self {
        let (year, month, day) = parts_from_days(calendar, days);
        let seconds = nanosecond_of_day / 1_000_000_000;
        let part = |value: i64| u8::try_from(value).unwrap_or(u8::MAX);
        Self {
            year,
            month,
            day,
            hour: part(seconds / 3600),
            minute: part(seconds / 60 % 60),
            second: part(seconds % 60),
            nanosecond: u32::try_from(nanosecond_of_day % 1_000_000_000).unwrap_or(0),
        }
    }
}

/// Whether `date` exists in `calendar`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] that names the part that does not: `day 30 of month 2`.
pub fn check_date(calendar: Calendar, date: Date) -> Result<()> {
    let refuse = |problem: String| {
        let name = calendar.name();
        Err(Error::invalid(format!(
            "{problem} in calendar `{name}`: `{}`",
            iso_string(date)
        )))
    };
    let Date {
        year, month, day, ..
    } = date;
    if to_astronomical(calendar, year).is_none() {
        return refuse("year 0 does not exist".into());
    }
    if year.unsigned_abs() > MOST_YEARS.unsigned_abs() {
        return refuse(format!("year {year} is out of range"));
    }
    if !(1..=12).contains(&month) {
        return refuse(format!("month {month} does not exist"));
    }
    let last = days_in_month(calendar, year, month);
    if day == 0 || day > last {
        return refuse(format!(
            "day {day} of month {month} does not exist (last is {last})"
        ));
    }
    if calendar == Calendar::Standard && (year, month) == (1582, 10) && (5..15).contains(&day) {
        return refuse("1582-10-05 to 1582-10-14 do not exist".into());
    }
    for (part, value, limit) in [
        ("hour", date.hour, 24),
        ("minute", date.minute, 60),
        ("second", date.second, 60),
    ] {
        if value >= limit {
            return refuse(format!(
                "{part} {value} does not exist (0 to {})",
                limit - 1
            ));
        }
    }
    if date.nanosecond >= 1_000_000_000 {
        return refuse(format!("nanosecond {} does not exist", date.nanosecond));
    }
    Ok(())
}

/// Nanoseconds since 1970-01-01 of the calendar.
pub(super) fn nanoseconds_from_date(calendar: Calendar, date: Date) -> Result<i128> {
    check_date(calendar, date)?;
    let days = days_from_parts(calendar, date.year, date.month, date.day);
    let day = i128::from(NANOSECONDS_PER_DAY);
    Ok(i128::from(days) * day + i128::from(date.nanosecond_of_day()))
}

/// Nanoseconds since 1970-01-01 of the calendar; `None` for NaT and units without a fixed length.
pub(crate) fn time_nanoseconds(count: i64, time: TimeType) -> Option<i128> {
    let length: i128 = match time.unit {
        TimeUnit::Week => 604_800_000_000_000,
        TimeUnit::Day => 86_400_000_000_000,
        TimeUnit::Hour => 3_600_000_000_000,
        TimeUnit::Minute => 60_000_000_000,
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1000,
        TimeUnit::Nanosecond => 1,
        _ => return None,
    };
    (count != i64::MIN).then(|| i128::from(count) * length * i128::from(time.step))
}

/// How long a unit is, if that does not depend on the date: (nanoseconds, units per nanosecond).
pub(super) fn unit_length(unit: TimeUnit) -> Option<(i64, i64)> {
    Some(match unit {
        TimeUnit::Week => (7 * NANOSECONDS_PER_DAY, 1),
        TimeUnit::Day => (NANOSECONDS_PER_DAY, 1),
        TimeUnit::Hour => (3_600_000_000_000, 1),
        TimeUnit::Minute => (60_000_000_000, 1),
        TimeUnit::Second => (1_000_000_000, 1),
        TimeUnit::Millisecond => (1_000_000, 1),
        TimeUnit::Microsecond => (1000, 1),
        TimeUnit::Nanosecond => (1, 1),
        TimeUnit::Picosecond => (1, 1000),
        TimeUnit::Femtosecond => (1, 1_000_000),
        TimeUnit::Attosecond => (1, 1_000_000_000),
        TimeUnit::Year | TimeUnit::Month | TimeUnit::Generic => return None,
    })
}

/// The count of whole `unit`s from 1970-01-01 to `date`, rounded down.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the date does not exist in the calendar, or the count
/// does not fit 64 bits.
pub fn count_from_date(date: Date, calendar: Calendar, unit: TimeUnit) -> Result<i64> {
    let nanoseconds = nanoseconds_from_date(calendar, date)?;
    let year = || to_astronomical(calendar, date.year).unwrap_or(date.year) - 1970;
    let count = match (unit, unit_length(unit)) {
        (_, Some((length, per_nanosecond))) => {
            nanoseconds.div_euclid(i128::from(length)) * i128::from(per_nanosecond)
        }
        (TimeUnit::Year, None) => i128::from(year()),
        (TimeUnit::Month, None) => i128::from(year()) * 12 + i128::from(date.month) - 1,
        (_, None) => return Err(Error::invalid("a time without a unit has no dates")),
    };
    // OK to exclude the minimum: it is NaT.
    match i64::try_from(count) {
        Ok(count) if count != i64::MIN => Ok(count),
        _ => Err(Error::invalid(format!(
            "`{}` is out of the range of 64-bit times in unit `{}`",
            iso_string(date),
            unit.code()
        ))),
    }
}

/// The date that `count` stands for; `None` for NaT and for dates too far away to name.
///
/// Parts below a nanosecond are cut off.
#[must_use]
pub fn date_from_count(count: i64, time: TimeType) -> Option<Date> {
    if count == i64::MIN {
        return None;
    }
    if time.unit == TimeUnit::Nanosecond && time.step == 1 {
        let days = count.div_euclid(NANOSECONDS_PER_DAY);
        return Some(Date::from_days(
            time.calendar,
            days,
            count.rem_euclid(NANOSECONDS_PER_DAY),
        ));
    }
    // OK: 64 bits times 32.
    let count = i128::from(count) * i128::from(time.step);
    let Some((length, per_nanosecond)) = unit_length(time.unit) else {
        return date_from_months(count, time);
    };
    let whole = count.div_euclid(i128::from(per_nanosecond));
    let nanoseconds = whole.checked_mul(i128::from(length))?;
    let day = i128::from(NANOSECONDS_PER_DAY);
    let days = i64::try_from(nanoseconds.div_euclid(day)).ok()?;
    let within = i64::try_from(nanoseconds.rem_euclid(day)).ok()?;
    (days.unsigned_abs() <= MOST_DAYS.unsigned_abs())
        .then(|| Date::from_days(time.calendar, days, within))
        // The most days are more than the most years in calendars of short years.
        .filter(|date| date.year.unsigned_abs() <= MOST_YEARS.unsigned_abs())
}

fn date_from_months(count: i128, time: TimeType) -> Option<Date> {
    let (years, month) = match time.unit {
        TimeUnit::Year => (count, 1),
        TimeUnit::Month => (count.div_euclid(12), count.rem_euclid(12) + 1),
        _ => return None,
    };
    let year = i64::try_from(years + 1970).ok()?;
    let lacks_zero = to_astronomical(time.calendar, 0).is_none();
    let year = if lacks_zero && year <= 0 {
        year - 1
    } else {
        year
    };
    let date = Date::midnight(year, u8::try_from(month).ok()?, 1);
    check_date(time.calendar, date).is_ok().then_some(date)
}

/// `2000-01-01T06:00:00.5`: four digits of year at least, the fraction as short as it goes.
#[must_use]
pub fn iso_string(date: Date) -> String {
    let Date {
        year,
        month,
        day,
        hour,
        minute,
        second,
        nanosecond,
    } = date;
    let sign = if year < 0 { "-" } else { "" };
    let year = year.unsigned_abs();
    let mut text = format!("{sign}{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if nanosecond != 0 {
        let fraction = format!(".{nanosecond:09}");
        text.push_str(fraction.trim_end_matches('0'));
    }
    text
}
