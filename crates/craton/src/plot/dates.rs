//! Marks of an axis of time, in any calendar.

use crate::calendar::{Date, check_date, count_from_date, date_from_count, days_in_month};
use craton_core::{TimeType, TimeUnit};
use craton_plot::axis::Tick;

/// Distances between marks that people count in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Years(i64),
    Months(u8),
    Days(u8),
    Seconds(u32),
}

const STEPS: [(Step, f64); 27] = [
    (Step::Seconds(1), 1.0),
    (Step::Seconds(5), 5.0),
    (Step::Seconds(15), 15.0),
    (Step::Seconds(30), 30.0),
    (Step::Seconds(60), 60.0),
    (Step::Seconds(300), 300.0),
    (Step::Seconds(900), 900.0),
    (Step::Seconds(1800), 1800.0),
    (Step::Seconds(3600), 3600.0),
    (Step::Seconds(10_800), 10_800.0),
    (Step::Seconds(21_600), 21_600.0),
    (Step::Seconds(43_200), 43_200.0),
    (Step::Days(1), DAY),
    (Step::Days(2), 2.0 * DAY),
    (Step::Days(5), 5.0 * DAY),
    (Step::Days(10), 10.0 * DAY),
    (Step::Months(1), 30.0 * DAY),
    (Step::Months(3), 91.0 * DAY),
    (Step::Months(6), 182.0 * DAY),
    (Step::Years(1), YEAR),
    (Step::Years(2), 2.0 * YEAR),
    (Step::Years(5), 5.0 * YEAR),
    (Step::Years(10), 10.0 * YEAR),
    (Step::Years(20), 20.0 * YEAR),
    (Step::Years(50), 50.0 * YEAR),
    (Step::Years(100), 100.0 * YEAR),
    (Step::Years(500), 500.0 * YEAR),
];
const DAY: f64 = 86_400.0;
const YEAR: f64 = 365.0 * DAY;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Seconds of one count, of months and years about.
fn seconds(time: TimeType) -> f64 {
    let unit = match time.unit {
        TimeUnit::Year => YEAR,
        TimeUnit::Month => YEAR / 12.0,
        TimeUnit::Week => 7.0 * DAY,
        TimeUnit::Day => DAY,
        TimeUnit::Hour => 3600.0,
        TimeUnit::Minute => 60.0,
        TimeUnit::Second | TimeUnit::Generic => 1.0,
        TimeUnit::Millisecond => 1e-3,
        TimeUnit::Microsecond => 1e-6,
        TimeUnit::Nanosecond => 1e-9,
        TimeUnit::Picosecond => 1e-12,
        TimeUnit::Femtosecond => 1e-15,
        TimeUnit::Attosecond => 1e-18,
    };
    unit * f64::from(time.step)
}

/// Marks between two counts of `time`, at most about `most`.
pub(super) fn ticks(start: f64, end: f64, time: TimeType, most: usize) -> Vec<Tick> {
    let (low, high) = (start.min(end), start.max(end));
    let span = (high - low) * seconds(time);
    let wanted = span / most.max(1) as f64;
    let step = STEPS
        .into_iter()
        .find(|(_, length)| *length >= wanted * 0.95)
        .map_or(
            Step::Years((wanted / YEAR / 1000.0).ceil() as i64 * 1000),
            |(step, _)| step,
        );
    let (Some(first), Some(last)) = (
        date_from_count(low as i64, time),
        date_from_count(high as i64, time),
    ) else {
        return Vec::new();
    };
    let places = dates(first, last, step, time)
        .into_iter()
        .filter_map(|date| {
            let at = place(date, time)?;
            let slack = (high - low) * 1e-9;
            (at >= low - slack && at <= high + slack).then_some((date, at))
        });
    let mut ticks: Vec<Tick> = Vec::new();
    let mut before: Option<Date> = None;
    for (date, at) in places {
        let (label, context) = labels(date, step, before);
        ticks.push(Tick { at, label, context });
        before = Some(date);
    }
    ticks
}

/// Every date of a step from just before `first` to `last`.
fn dates(first: Date, last: Date, step: Step, time: TimeType) -> Vec<Date> {
    let exists = |date: &Date| check_date(time.calendar, *date).is_ok();
    let months = (first.year..=last.year)
        .flat_map(|year| (1..=12).map(move |month| (year, month)))
        .filter(|at| *at >= (first.year, first.month) && *at <= (last.year, last.month));
    match step {
        Step::Years(step) => {
            let start = first.year.div_euclid(step) * step;
            let count = (last.year - start) / step;
            let years = (0..=count).map(|number| Date::midnight(start + number * step, 1, 1));
            years.filter(exists).collect()
        }
        Step::Months(step) => months
            .filter(|(_, month)| (month - 1) % step == 0)
            .map(|(year, month)| Date::midnight(year, month, 1))
            .filter(exists)
            .collect(),
        Step::Days(step) => months
            .flat_map(|(year, month)| {
                let days = days_in_month(time.calendar, year, month);
                // None so near the end of the month that it meets the first of the next.
                (1..=days)
                    .filter(move |day| (day - 1) % step == 0 && day + step / 2 <= days.max(30))
                    .map(move |day| Date::midnight(year, month, day))
            })
            .filter(exists)
            .collect(),
        Step::Seconds(step) => {
            let unit = TimeType {
                unit: TimeUnit::Second,
                step: 1,
                ..time
            };
            let count = |date| count_from_date(date, time.calendar, TimeUnit::Second).ok();
            let (Some(start), Some(end)) = (count(first), count(last)) else {
                return Vec::new();
            };
            let step = i64::from(step);
            let start = start.div_euclid(step) * step;
            (0..=(end - start) / step)
                .take(1000)
                .filter_map(|number| date_from_count(start + number * step, unit))
                .collect()
        }
    }
}

/// What a mark says, and what it says below where that is new.
fn labels(date: Date, step: Step, before: Option<Date>) -> (String, Option<String>) {
    let Date {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = date;
    let year = format!("{year}").replace('-', "−");
    let name = MONTHS[usize::from(month.clamp(1, 12)) - 1];
    match step {
        Step::Years(_) => (year, None),
        Step::Months(_) => {
            let is_new = before.is_none_or(|before| before.year != date.year);
            (name.to_owned(), is_new.then_some(year))
        }
        Step::Days(_) => {
            let is_new =
                before.is_none_or(|before| (before.year, before.month) != (date.year, date.month));
            (day.to_string(), is_new.then(|| format!("{name} {year}")))
        }
        Step::Seconds(step) => {
            let is_new = before.is_none_or(|before| {
                (before.year, before.month, before.day) != (date.year, date.month, date.day)
            });
            let label = if step < 60 {
                format!("{hour:02}:{minute:02}:{second:02}")
            } else {
                format!("{hour:02}:{minute:02}")
            };
            (label, is_new.then(|| format!("{day} {name} {year}")))
        }
    }
}

/// The count of a date, with its fraction where counts are coarse.
fn place(date: Date, time: TimeType) -> Option<f64> {
    let of = |unit| count_from_date(date, time.calendar, unit).ok();
    let count = match time.unit {
        TimeUnit::Year => of(TimeUnit::Month)? as f64 / 12.0,
        TimeUnit::Month => of(TimeUnit::Month)? as f64 + (f64::from(date.day) - 1.0) / 30.0,
        TimeUnit::Week | TimeUnit::Day | TimeUnit::Hour | TimeUnit::Minute => {
            let unit = TimeType { step: 1, ..time };
            return Some(of(TimeUnit::Second)? as f64 / seconds(unit) / f64::from(time.step));
        }
        unit => of(unit)? as f64,
    };
    Some(count / f64::from(time.step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::{Calendar, TimeKind};

    fn shown(
        from: (i64, u8, u8),
        to: (i64, u8, u8),
        calendar: Calendar,
        unit: TimeUnit,
    ) -> Vec<String> {
        let time = TimeType {
            unit,
            step: 1,
            calendar,
            kind: TimeKind::Instant,
        };
        let count = |(year, month, day)| {
            count_from_date(Date::midnight(year, month, day), calendar, unit).unwrap() as f64
        };
        ticks(count(from), count(to), time, 8)
            .into_iter()
            .map(|tick| match tick.context {
                Some(context) => format!("{}/{context}", tick.label),
                None => tick.label,
            })
            .collect()
    }

    #[test]
    fn marks_stand_at_round_dates() {
        use Calendar::{Day360, NoLeap, ProlepticGregorian, Standard};
        use TimeUnit::{Day, Nanosecond, Second};
        assert_eq!(
            shown((2001, 1, 1), (2005, 12, 31), ProlepticGregorian, Nanosecond),
            ["2001", "2002", "2003", "2004", "2005"]
        );
        assert_eq!(
            shown((2003, 11, 15), (2004, 5, 1), Standard, Second),
            ["Dec/2003", "Jan/2004", "Feb", "Mar", "Apr", "May"]
        );
        assert_eq!(
            shown((2004, 1, 28), (2004, 2, 5), NoLeap, Day),
            [
                "28/Jan 2004",
                "29",
                "30",
                "31",
                "1/Feb 2004",
                "2",
                "3",
                "4",
                "5"
            ]
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
            .as_slice()
        );
        assert_eq!(
            shown((2004, 2, 28), (2004, 3, 2), Day360, Day)[0],
            "00:00/28 Feb 2004"
        );
        assert_eq!(shown((1, 1, 1), (9000, 1, 1), NoLeap, Day)[0], "2000");
    }
}
