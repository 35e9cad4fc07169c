//! Moments as people write them.

use crate::calendar::{count_from_date, parse_date};
use craton_core::{Calendar, TimeUnit};
use std::time::{Duration, SystemTime};

/// The moment `30d`, `12h` or `45min` ago, or at which a date such as `2026-01-31` or `2026-01-31T12:00` begins in UTC.
///
/// # Errors
/// What is no moment, in words.
pub fn parse_moment(text: &str) -> Result<SystemTime, String> {
    let refuse = || format!("`{text}` is no moment; write `30d`, `12h` or `2026-01-31`");
    if let Some(age) = age(text) {
        return SystemTime::now().checked_sub(age).ok_or_else(refuse);
    }
    let date = parse_date(text, Calendar::Standard).map_err(|_| refuse())?;
    let seconds = count_from_date(date, Calendar::Standard, TimeUnit::Second);
    let seconds = seconds.ok().and_then(|count| u64::try_from(count).ok());
    let moment = seconds.map(Duration::from_secs);
    moment
        .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
        .ok_or_else(refuse)
}

fn age(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let seconds: u64 = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    count
        .parse::<u64>()
        .ok()?
        .checked_mul(seconds)
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_written() {
        let since = |text| {
            parse_moment(text)
                .unwrap()
                .duration_since(SystemTime::UNIX_EPOCH)
        };
        assert_eq!(since("1970-01-02").unwrap(), Duration::from_secs(86_400));
        assert_eq!(
            since("1970-01-01T01:00").unwrap(),
            Duration::from_secs(3600)
        );
        let ago = parse_moment("2h").unwrap().elapsed().unwrap().as_secs();
        assert!((7200..7260).contains(&ago));
        for wrong in [
            "",
            "d",
            "-3d",
            "3 parsecs",
            "yesterday",
            "1969-01-01",
            "99999999999999999w",
        ] {
            assert!(parse_moment(wrong).is_err(), "{wrong}");
        }
    }
}
