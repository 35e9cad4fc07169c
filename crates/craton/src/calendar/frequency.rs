//! Frequencies as pandas writes them: `7D`, `MS`, `QS-DEC`, `YE`, `W-MON`, `3h`; and the dates they step through.

use super::date::{Date, count_from_date, date_from_count, unit_length};
use super::days::{days_from_parts, days_in_month};
use craton_core::{Calendar, Error, Result, TimeType};

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// How far it is from one date to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// A fixed length.
    Fixed {
        /// In nanoseconds.
        nanoseconds: i64,
    },
    /// Every so many months, quarters or years, at their start or end.
    Months {
        /// How many periods to a step.
        count: i64,
        /// Months in a period: 1, 3 or 12.
        period: i64,
        /// A month, 1 to 12, in which a period starts (or ends).
        anchor: i64,
        /// Whether the dates are last days rather than first ones.
        is_end: bool,
    },
    /// Every so many weeks, on a day of the week.
    Weeks {
        /// How many weeks to a step.
        count: i64,
        /// 0 is Monday.
        weekday: i64,
    },
}

impl Frequency {
    /// Reads a frequency.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] that lists what there is.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!("`{text}` is no frequency"))
                .hint("such as `D`, `7D`, `3h`, `W-MON`, `MS`, `ME`, `QS-DEC`, `QE`, `YS`, `YE`")
        };
        let digits = text.len()
            - text
                .trim_start_matches(|one: char| one.is_ascii_digit())
                .len();
        let count = match &text[..digits] {
            "" => 1,
            digits => digits.parse::<i64>().map_err(|_| wrong())?,
        };
        if count < 1 {
            return Err(wrong());
        }
        let (base, anchor) = match text[digits..].split_once('-') {
            Some((base, anchor)) => (base, Some(anchor)),
            None => (&text[digits..], None),
        };
        let place = |names: &[&str], default: i64| match anchor {
            None => Ok(default),
            Some(anchor) => {
                let found = names.iter().position(|name| *name == anchor);
                found.map(|at| at as i64).ok_or_else(wrong)
            }
        };
        let months = |period, default, is_end| {
            let anchor = place(&MONTHS, default)? + 1;
            Ok(Self::Months {
                count,
                period,
                anchor,
                is_end,
            })
        };
        match base {
            "MS" | "ME" if anchor.is_none() => months(1, 0, base == "ME"),
            "QS" => months(3, 0, false),
            "QE" => months(3, 11, true),
            "YS" => months(12, 0, false),
            "YE" => months(12, 11, true),
            "W" => {
                let weekday = place(&WEEKDAYS, 6)?;
                Ok(Self::Weeks { count, weekday })
            }
            _ if anchor.is_some() => Err(wrong()),
            base => {
                let length = match base {
                    "D" => 86_400_000_000_000,
                    "h" => 3_600_000_000_000,
                    "min" => 60_000_000_000,
                    "s" => 1_000_000_000,
                    "ms" => 1_000_000,
                    "us" => 1000,
                    "ns" => 1,
                    _ => return Err(wrong()),
                };
                let nanoseconds = count.checked_mul(length).ok_or_else(wrong)?;
                Ok(Self::Fixed { nanoseconds })
            }
        }
    }

    /// Whether its dates are the last days of something, whose label comes after it.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Weeks { .. } | Self::Months { is_end: true, .. })
    }
}

/// The dates of a frequency of weeks or months in a calendar, numbered along time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    frequency: Frequency,
    time: TimeType,
}

impl Steps {
    /// The steps; `None` for a fixed length, whose steps have no place of their own.
    pub(crate) fn new(frequency: Frequency, time: TimeType) -> Result<Option<Self>> {
        match frequency {
            Frequency::Fixed { .. } => Ok(None),
            Frequency::Weeks { .. } if time.calendar != Calendar::ProlepticGregorian => {
                let name = time.calendar.name();
                Err(
                    Error::unsupported(format!("weeks in the calendar `{name}`"))
                        .hint("`7D` counts days from the first"),
                )
            }
            _ => Ok(Some(Self { frequency, time })),
        }
    }

    /// How many numbers a step of the frequency is.
    pub(crate) fn stride(self) -> i64 {
        match self.frequency {
            Frequency::Months { count, .. } | Frequency::Weeks { count, .. } => count,
            Frequency::Fixed { .. } => 1,
        }
    }

    /// The number of the last date that is not after `count`'s day, and whether it is that day.
    pub(crate) fn before(self, count: i64) -> Result<(i64, bool)> {
        let date = date_from_count(count, self.time)
            .ok_or_else(|| Error::invalid("a date that is missing or out of range"))?;
        match self.frequency {
            Frequency::Months {
                period,
                anchor,
                is_end,
                ..
            } => {
                let month = date.year * 12 + i64::from(date.month) - 1;
                let number = (month - (anchor - 1)).div_euclid(period);
                let at = if is_end {
                    // The end of the period that this month is in is not over yet, unless this is its last day.
                    let last = days_in_month(self.time.calendar, date.year, date.month);
                    let ends = (month - (anchor - 1)).rem_euclid(period) == 0;
                    if ends && date.day < last {
                        number - 1
                    } else {
                        number
                    }
                } else {
                    number
                };
                let (year, month, day) = self.parts(at);
                let is_there = (year, month, day) == (date.year, date.month, date.day);
                Ok((at, is_there))
            }
            Frequency::Weeks { weekday, .. } => {
                let day = days_from_parts(self.time.calendar, date.year, date.month, date.day);
                // 1970-01-01 was a Thursday.
                let shifted = day - (weekday - 3);
                Ok((shifted.div_euclid(7), shifted.rem_euclid(7) == 0))
            }
            Frequency::Fixed { .. } => Err(Error::internal("a fixed length has no numbers")),
        }
    }

    fn parts(self, number: i64) -> (i64, u8, u8) {
        let Frequency::Months {
            period,
            anchor,
            is_end,
            ..
        } = self.frequency
        else {
            return (0, 0, 0);
        };
        let month = number * period + anchor - 1;
        let (year, month) = (month.div_euclid(12), (month.rem_euclid(12) + 1) as u8);
        let day = if is_end {
            days_in_month(self.time.calendar, year, month)
        } else {
            1
        };
        (year, month, day)
    }

    /// The count of the date with a number, at midnight.
    pub(crate) fn count(self, number: i64) -> Result<i64> {
        if let Frequency::Weeks { weekday, .. } = self.frequency {
            let day = day_length(self.time)?;
            return (number * 7 + weekday - 3)
                .checked_mul(day)
                .ok_or_else(|| Error::invalid("a date out of range"));
        }
        let (year, month, day) = self.parts(number);
        let date = Date::midnight(year, month, day);
        count_from_date(date, self.time.calendar, self.time.unit)
    }
}

/// The counts of one day.
pub(crate) fn day_length(time: TimeType) -> Result<i64> {
    counts_of(86_400_000_000_000, time)
}

/// The counts of a length in nanoseconds.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the unit is too coarse for it.
pub(crate) fn counts_of(nanoseconds: i64, time: TimeType) -> Result<i64> {
    let unit = time.unit;
    let coarse = || {
        Error::invalid(format!(
            "times counted in `{}` are too coarse for steps of {nanoseconds} nanoseconds",
            unit.code()
        ))
    };
    let (length, per_nanosecond) = unit_length(unit).ok_or_else(coarse)?;
    let scaled = i128::from(nanoseconds) * i128::from(per_nanosecond);
    let length = i128::from(length) * i128::from(time.step.max(1));
    if scaled % length != 0 {
        return Err(coarse());
    }
    i64::try_from(scaled / length).map_err(|_| coarse())
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::{TimeKind, TimeUnit};

    fn steps(text: &str, calendar: Calendar) -> Steps {
        let time = TimeType {
            unit: TimeUnit::Day,
            step: 1,
            calendar,
            kind: TimeKind::Instant,
        };
        Steps::new(Frequency::parse(text).unwrap(), time)
            .unwrap()
            .unwrap()
    }

    fn round(text: &str, date: (i64, u8, u8)) -> ((i64, u8, u8), bool) {
        let steps = steps(text, Calendar::ProlepticGregorian);
        let date = Date::midnight(date.0, date.1, date.2);
        let count = count_from_date(date, steps.time.calendar, steps.time.unit).unwrap();
        let (number, is_there) = steps.before(count).unwrap();
        let back = date_from_count(steps.count(number).unwrap(), steps.time).unwrap();
        ((back.year, back.month, back.day), is_there)
    }

    #[test]
    fn dates_roll_back_to_the_last_of_their_frequency() {
        assert_eq!(round("MS", (2001, 2, 15)), ((2001, 2, 1), false));
        assert_eq!(round("ME", (2001, 2, 15)), ((2001, 1, 31), false));
        assert_eq!(round("ME", (2004, 2, 29)), ((2004, 2, 29), true));
        assert_eq!(round("QS-DEC", (2001, 2, 15)), ((2000, 12, 1), false));
        assert_eq!(round("QE", (2001, 5, 1)), ((2001, 3, 31), false));
        assert_eq!(round("YE", (2001, 12, 31)), ((2001, 12, 31), true));
        assert_eq!(round("YS-JUL", (2001, 5, 1)), ((2000, 7, 1), false));
        // 2001-01-03 was a Wednesday.
        assert_eq!(round("W", (2001, 1, 3)), ((2000, 12, 31), false));
        assert_eq!(round("W-WED", (2001, 1, 3)), ((2001, 1, 3), true));
    }

    #[test]
    fn what_is_no_frequency_is_refused() {
        for text in ["", "M", "7", "QS-DECEMBER", "0D", "D-MON", "fortnight"] {
            assert!(Frequency::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn months_end_on_day_30_where_they_have_no_other() {
        let steps = steps("ME", Calendar::Day360);
        let date = Date::midnight(2000, 2, 30);
        let count = count_from_date(date, Calendar::Day360, TimeUnit::Day).unwrap();
        assert!(steps.before(count).unwrap().1);
    }
}
