//! Damaged units, calendars and dates give times or an error that says which part was wrong.

use super::*;
use crate::fuzzing::{Random, damage, fuzz};
use craton_core::{Calendar, TimeUnit};

const UNITS: [&str; 9] = [
    "days since 2000-01-01 06:00:00 +02:00",
    "hours since 1582-10-15T00:00:00.000000000Z",
    "seconds since 1970-1-1",
    "months since 0001-02-30",
    "common_years since -4712-01-01 12:00",
    "milliseconds since 1900-01-01 00:00:00.5 -0530",
    "d since 1-1-1",
    "minutes",
    "microseconds since 2262-04-11 23:47:16.854775807",
];
const CALENDARS: [&str; 8] = [
    "standard",
    "gregorian",
    "proleptic_gregorian",
    "julian",
    "noleap",
    "366_day",
    "360_day",
    "none",
];
const PIECES: [&str; 28] = [
    " since ",
    "days",
    "weeks",
    "fortnights",
    "years",
    "ns",
    "0",
    "-0",
    "1e9",
    "0000",
    "12",
    "13",
    "31",
    "32",
    "29",
    "2000",
    "-2000",
    "99999",
    "9223372036854775807",
    "-9223372036854775808",
    "T",
    "Z",
    "UTC",
    "+14:00",
    "-99:99",
    ".",
    ":",
    "é",
];

fn text(parts: &[&str], random: &mut Random) -> String {
    let whole = random.of(parts);
    match random.below(4) {
        0 => whole.to_owned(),
        _ => String::from_utf8_lossy(&damage(whole.as_bytes(), &PIECES, random)).into_owned(),
    }
}

fn number(random: &mut Random) -> f64 {
    match random.below(6) {
        0 => f64::from_bits(random.next()),
        1 => [f64::NAN, f64::INFINITY, f64::MAX, 5e-324, -0.0, 9.3e18][random.below(6)],
        2 => (random.below(1 << 40) as f64 - 5e11) / 3.0,
        _ => random.below(1 << 20) as f64 / 4.0 - 1e5,
    }
}

fn integer(random: &mut Random) -> i64 {
    match random.below(4) {
        0 => random.next() as i64,
        1 => [i64::MIN, i64::MAX, i64::MIN + 1, 0, -1][random.below(5)],
        _ => random.below(1 << 24) as i64 - (1 << 23),
    }
}

/// Every count that was given must be a date of its calendar, or be refused.
fn check(decoded: craton_core::Result<DecodedTimes>, count: usize) {
    match decoded {
        Ok(decoded) => {
            assert_eq!(decoded.counts.len(), count);
            for count in decoded.counts {
                if let Some(date) = date_from_count(count, decoded.time_type) {
                    assert!(
                        check_date(decoded.time_type.calendar, date).is_ok(),
                        "{date:?}"
                    );
                    assert!(!iso_string(date).is_empty());
                }
            }
        }
        Err(error) => {
            assert_ne!(error.kind(), craton_core::ErrorKind::Internal, "{error:?}");
            assert!(error.report().len() < 4000, "{}", error.report());
        }
    }
}

#[test]
fn time_units() {
    fuzz("time_units", 20_000, |random| {
        let units = text(&UNITS, random);
        let calendar = text(&CALENDARS, random);
        let count = random.below(4);
        let floats: Vec<f64> = (0..count).map(|_| number(random)).collect();
        let integers: Vec<i64> = (0..count).map(|_| integer(random)).collect();
        let resolution = [
            TimeUnit::Second,
            TimeUnit::Millisecond,
            TimeUnit::Nanosecond,
        ][random.below(3)];
        for values in [TimeValues::Floats(&floats), TimeValues::Integers(&integers)] {
            check(
                TimeDecoder::new(&units, Some(&calendar), resolution)
                    .and_then(|decoder| decoder.decode(values)),
                count,
            );
            if decode_durations(values, &units, resolution).is_ok() {
                assert!(!units.contains("since"), "{units}");
            }
        }
    });
}

#[test]
fn dates_as_typed() {
    let dates = [
        "2000-01-01T06:30:15.25",
        "1999",
        "2000-W05",
        "2000-02-30",
        "-0044-03-15",
        "20000101",
        "2000-01-01 00:00Z",
    ];
    fuzz("dates_as_typed", 20_000, |random| {
        let date = text(&dates, random);
        for calendar in [Calendar::Standard, Calendar::Day360, Calendar::NoLeap] {
            if let Ok(date) = parse_date(&date, calendar) {
                assert!(check_date(calendar, date).is_ok(), "{date:?}");
            }
            let _ = parse_range(&date, calendar);
        }
    });
}
