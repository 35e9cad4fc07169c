//! The dates that a frequency steps through, and the frequency that dates have.

use super::date::{Date, time_nanoseconds};
use super::days::days_in_month;
use super::frequency::{Frequency, Steps, counts_of, day_length};
use craton_core::{Error, Result, TimeType};

/// More dates than this are data, not something to make.
const MOST: i64 = 100_000_000;

/// Two of these say where a range of dates lies.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bounds {
    /// The first date, if it is one of the frequency, else the next.
    pub start: Option<i64>,
    /// The last date, if it is one of the frequency, else the one before.
    pub end: Option<i64>,
    /// How many there are.
    pub periods: Option<i64>,
}

/// The dates of a frequency between two, or so many from or up to one.
///
/// # Errors
/// [`craton_core::ErrorKind::Usage`] unless two bounds are given, [`craton_core::ErrorKind::InvalidInput`] for too many dates.
pub(crate) fn dates_between(
    bounds: Bounds,
    frequency: Frequency,
    time: TimeType,
) -> Result<Vec<i64>> {
    let Bounds {
        start,
        end,
        periods,
    } = bounds;
    let wrong = || {
        Error::usage("`date_range` takes two of `start`, `end` and `periods`")
            .hint("such as `xr.date_range(\"2000-01-01\", periods=12, freq=\"MS\")`")
    };
    if periods.is_some_and(|periods| periods > MOST) {
        return Err(Error::invalid("too many dates"));
    }
    if let Frequency::Fixed { nanoseconds } = frequency {
        let step = counts_of(nanoseconds, time)?;
        let (first, count) = match (start, end, periods) {
            (Some(start), Some(end), None) => (start, (end - start).div_euclid(step) + 1),
            (Some(start), None, Some(periods)) => (start, periods),
            (None, Some(end), Some(periods)) => (end - step * (periods - 1), periods),
            _ => return Err(wrong()),
        };
        if count > MOST {
            return Err(Error::invalid("too many dates"));
        }
        return Ok((0..count.max(0)).map(|at| first + at * step).collect());
    }
    let steps =
        Steps::new(frequency, time)?.ok_or_else(|| Error::internal("a frequency without steps"))?;
    let stride = steps.stride();
    let day = day_length(time)?;
    // The time of day of the first date stays.
    let from = |count: i64| -> Result<(i64, i64)> {
        let rest = count.rem_euclid(day);
        let (number, is_there) = steps.before(count - rest)?;
        Ok((if is_there { number } else { number + 1 }, rest))
    };
    let (first, count, rest) = match (start, end, periods) {
        (Some(start), Some(end), None) => {
            let (first, rest) = from(start)?;
            let (last, _) = steps.before(end - end.rem_euclid(day))?;
            let fits = steps.count(last)? + rest <= end;
            let last = if fits { last } else { last - 1 };
            (first, (last - first).div_euclid(stride) + 1, rest)
        }
        (Some(start), None, Some(periods)) => {
            let (first, rest) = from(start)?;
            (first, periods, rest)
        }
        (None, Some(end), Some(periods)) => {
            let (last, _) = steps.before(end - end.rem_euclid(day))?;
            (last - stride * (periods - 1), periods, end.rem_euclid(day))
        }
        _ => return Err(wrong()),
    };
    (0..count.max(0))
        .map(|at| Ok(steps.count(first + at * stride)? + rest))
        .collect()
}

/// The frequency of dates, of which `counts` says the same in the unit of `time`; `None` where there is none to see.
///
/// Years, quarters and months come before days: twelve months of a calendar of 360 days are months.
pub(crate) fn frequency_of(dates: &[Date], counts: &[i64], time: TimeType) -> Option<Frequency> {
    if dates.len() < 3 || dates.len() != counts.len() {
        return None;
    }
    months_of(dates, time).or_else(|| {
        let gap = counts[1].checked_sub(counts[0]).filter(|gap| *gap > 0)?;
        let is_even = |pair: &[i64]| pair[1].checked_sub(pair[0]) == Some(gap);
        if !counts.windows(2).all(is_even) {
            return None;
        }
        let length = i64::try_from(time_nanoseconds(gap, time)?).ok()?;
        Some(Frequency::Fixed {
            nanoseconds: length,
        })
    })
}

fn months_of(dates: &[Date], time: TimeType) -> Option<Frequency> {
    let month = |date: &Date| date.year * 12 + i64::from(date.month) - 1;
    let gap = month(&dates[1]) - month(&dates[0]);
    let is_even = |pair: &[Date]| month(&pair[1]) - month(&pair[0]) == gap;
    let at_time = |date: &Date| Date {
        year: 0,
        month: 1,
        day: 1,
        ..*date
    };
    let is_start = |date: &Date| date.day == 1;
    let is_end = |date: &Date| date.day == days_in_month(time.calendar, date.year, date.month);
    let has_one_time = dates.iter().all(|date| at_time(date) == at_time(&dates[0]));
    if gap <= 0 || !dates.windows(2).all(is_even) || !has_one_time {
        return None;
    }
    let is_end = match (dates.iter().all(is_start), dates.iter().all(is_end)) {
        (true, _) => false,
        (false, true) => true,
        _ => return None,
    };
    let (period, anchor) = match gap {
        gap if gap % 12 == 0 => (12, i64::from(dates[0].month)),
        gap if gap % 3 == 0 => (3, i64::from(dates[0].month)),
        _ => (1, 1),
    };
    Some(Frequency::Months {
        count: gap / period,
        period,
        anchor,
        is_end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{count_from_date, date_from_count};
    use craton_core::{Calendar, TimeKind, TimeUnit};

    #[test]
    fn the_frequency_of_a_range_is_seen_again() {
        for calendar in [
            Calendar::NoLeap,
            Calendar::Day360,
            Calendar::ProlepticGregorian,
        ] {
            let time = TimeType {
                unit: TimeUnit::Second,
                step: 1,
                calendar,
                kind: TimeKind::Instant,
            };
            for text in [
                "MS", "ME", "2MS", "QS-DEC", "QE", "YS", "YE", "5YS-JUL", "D", "5D", "6h", "90min",
            ] {
                let frequency = Frequency::parse(text).unwrap();
                let start = Date::midnight(1999, 1, 1);
                let bounds = Bounds {
                    start: Some(count_from_date(start, calendar, time.unit).unwrap()),
                    periods: Some(40),
                    ..Bounds::default()
                };
                let counts = dates_between(bounds, frequency, time).unwrap();
                let dates: Vec<Date> = counts
                    .iter()
                    .map(|count| date_from_count(*count, time).unwrap())
                    .collect();
                let seen = frequency_of(&dates, &counts, time).unwrap();
                let again = Bounds {
                    start: counts.first().copied(),
                    end: counts.last().copied(),
                    ..Bounds::default()
                };
                assert_eq!(
                    dates_between(again, seen, time).unwrap(),
                    counts,
                    "{text} {calendar:?}"
                );
            }
        }
    }

    #[test]
    fn dates_without_an_even_step_have_no_frequency() {
        let time = TimeType {
            unit: TimeUnit::Day,
            step: 1,
            calendar: Calendar::NoLeap,
            kind: TimeKind::Instant,
        };
        for counts in [vec![0, 1, 3], vec![0, 1], vec![0, 0, 0], vec![3, 2, 1]] {
            let dates: Vec<Date> = counts
                .iter()
                .map(|count| date_from_count(*count, time).unwrap())
                .collect();
            assert_eq!(frequency_of(&dates, &counts, time), None, "{counts:?}");
        }
    }
}
