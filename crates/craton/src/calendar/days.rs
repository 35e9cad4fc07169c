//! Years, months and days to day numbers, in each CF calendar, and back.
//!
//! Day 0 is 1970-01-01 of the calendar itself. Years are labels: `standard` and `julian` have no year
//! zero (year -1 comes before year 1), the other calendars have one, as CF and cftime agree.

use craton_core::Calendar;

/// Dates beyond this many days from 1970 are refused: far past any use, and sums below cannot wrap.
pub(super) const MOST_DAYS: i64 = 1_000_000_000_000_000;
/// The largest year, in either direction, that [`MOST_DAYS`] can hold in every calendar.
pub(super) const MOST_YEARS: i64 = 2_700_000_000_000;

/// 1582-10-15, the first Gregorian day of the standard calendar, as days since 1970-01-01.
pub(super) const REFORM_DAY: i64 = -141_427;
/// How far the Julian calendar's 1970-01-01 lies after the Gregorian one.
const JULIAN_SHIFT: i64 = 13;

const STARTS_COMMON: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const STARTS_LEAP: [i64; 12] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];

fn has_year_zero(calendar: Calendar) -> bool {
    !matches!(calendar, Calendar::Standard | Calendar::Julian)
}

/// The year counted with a year zero, or `None` for a year that the calendar lacks.
pub(super) fn to_astronomical(calendar: Calendar, year: i64) -> Option<i64> {
    match year {
        _ if has_year_zero(calendar) => Some(year),
        0 => None,
        _ if year < 0 => Some(year + 1),
        _ => Some(year),
    }
}

fn from_astronomical(calendar: Calendar, year: i64) -> i64 {
    if has_year_zero(calendar) || year > 0 {
        year
    } else {
        year - 1
    }
}

fn is_leap_astronomical(calendar: Calendar, year: i64) -> bool {
    let julian = year.rem_euclid(4) == 0;
    let gregorian = julian && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match calendar {
        Calendar::ProlepticGregorian => gregorian,
        Calendar::Julian => julian,
        Calendar::Standard if year > 1582 => gregorian,
        Calendar::Standard => julian,
        Calendar::AllLeap => true,
        Calendar::NoLeap | Calendar::Day360 => false,
    }
}

/// Whether `year` has a 29 February that other years lack; always true in `all_leap`.
#[must_use]
pub fn is_leap_year(calendar: Calendar, year: i64) -> bool {
    to_astronomical(calendar, year).is_some_and(|year| is_leap_astronomical(calendar, year))
}

/// The number of the last day of `month` (1 to 12); 0 for a month that does not exist.
#[must_use]
pub fn days_in_month(calendar: Calendar, year: i64, month: u8) -> u8 {
    match month {
        1..=12 if calendar == Calendar::Day360 => 30,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(calendar, year) => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

/// How many days `year` has; 365 in 1582 of `standard`, though ten of them were left out.
#[must_use]
pub fn days_in_year(calendar: Calendar, year: i64) -> u16 {
    match calendar {
        Calendar::Day360 => 360,
        _ if is_leap_year(calendar, year) => 366,
        _ => 365,
    }
}

/// Days since 1970-01-01 of the calendar. The parts must have passed [`super::check_date`].
pub(super) fn days_from_parts(calendar: Calendar, year: i64, month: u8, day: u8) -> i64 {
    let year = to_astronomical(calendar, year).unwrap_or(0);
    match calendar {
        Calendar::ProlepticGregorian => gregorian_days(year, month, day),
        Calendar::Julian => julian_days(year, month, day),
        Calendar::Standard if (year, month, day) >= (1582, 10, 15) => {
            gregorian_days(year, month, day)
        }
        Calendar::Standard => julian_days(year, month, day) + JULIAN_SHIFT,
        Calendar::NoLeap => uniform_days(year, 365, month, day, &STARTS_COMMON),
        Calendar::AllLeap => uniform_days(year, 366, month, day, &STARTS_LEAP),
        Calendar::Day360 => (year - 1970) * 360 + (i64::from(month) - 1) * 30 + i64::from(day) - 1,
    }
}

/// Year, month and day of a day number within [`MOST_DAYS`].
pub(super) fn parts_from_days(calendar: Calendar, days: i64) -> (i64, u8, u8) {
    let (year, month, day) = match calendar {
        Calendar::ProlepticGregorian => gregorian_parts(days),
        Calendar::Julian => julian_parts(days),
        Calendar::Standard if days >= REFORM_DAY => gregorian_parts(days),
        Calendar::Standard => julian_parts(days - JULIAN_SHIFT),
        Calendar::NoLeap => uniform_parts(days, 365, &STARTS_COMMON),
        Calendar::AllLeap => uniform_parts(days, 366, &STARTS_LEAP),
        Calendar::Day360 => {
            let day_of_year = days.rem_euclid(360);
            let (month, day) = (day_of_year / 30 + 1, day_of_year % 30 + 1);
            (1970 + days.div_euclid(360), small(month), small(day))
        }
    };
    (from_astronomical(calendar, year), month, day)
}

fn small(value: i64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn uniform_days(year: i64, length: i64, month: u8, day: u8, starts: &[i64; 12]) -> i64 {
    let start = starts[usize::from(month.clamp(1, 12)) - 1];
    (year - 1970) * length + start + i64::from(day) - 1
}

fn uniform_parts(days: i64, length: i64, starts: &[i64; 12]) -> (i64, u8, u8) {
    let day_of_year = days.rem_euclid(length);
    let month = starts.partition_point(|start| *start <= day_of_year).max(1);
    let day = day_of_year - starts[month - 1] + 1;
    (
        1970 + days.div_euclid(length),
        u8::try_from(month).unwrap_or(12),
        small(day),
    )
}

/// Years that begin in March put the leap day last, so months have a closed form.
fn march_year(year: i64, month: u8, day: u8) -> (i64, i64) {
    let shifted = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    (year - i64::from(month <= 2), day_of_year)
}

fn from_march_year(year: i64, day_of_year: i64) -> (i64, u8, u8) {
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = (shifted + 2) % 12 + 1;
    (year + i64::from(month <= 2), small(month), small(day))
}

fn gregorian_days(year: i64, month: u8, day: u8) -> i64 {
    let (year, day_of_year) = march_year(year, month, day);
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

fn gregorian_parts(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    from_march_year(era * 400 + year, day - (365 * year + year / 4 - year / 100))
}

fn julian_days(year: i64, month: u8, day: u8) -> i64 {
    let (year, day_of_year) = march_year(year, month, day);
    let (era, year) = (year.div_euclid(4), year.rem_euclid(4));
    era * 1461 + year * 365 + day_of_year - 719_483
}

fn julian_parts(days: i64) -> (i64, u8, u8) {
    let days = days + 719_483;
    let (era, day) = (days.div_euclid(1461), days.rem_euclid(1461));
    let year = (day - day / 1460) / 365;
    from_march_year(era * 4 + year, day - 365 * year)
}
