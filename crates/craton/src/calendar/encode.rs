//! Times back to numbers, for writing.

use super::date::unit_length;
use super::units::TimeUnits;
use craton_core::{Calendar, Error, Result, TimeKind, TimeType};

/// Numbers to store.
#[derive(Debug, Clone, PartialEq)]
pub enum EncodedTimes {
    /// Every time is a whole number of units; `i64::MIN` is missing.
    Integers(Vec<i64>),
    /// Some time lies between two units; NaN is missing.
    Floats(Vec<f64>),
}

/// Counts of `time_type` as numbers of `units` in `calendar`: integers if all are whole, else doubles.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the units are not understood, the calendar is another than the
/// times' own, or a number does not fit.
pub fn encode_times(
    counts: &[i64],
    time_type: TimeType,
    units: &str,
    calendar: Calendar,
) -> Result<EncodedTimes> {
    let refuse = |problem: String| {
        Err(Error::invalid(format!(
            "cannot write times as `{units}`: {problem}"
        )))
    };
    let parsed = TimeUnits::parse(units)?;
    parsed.check_unit(calendar)?;
    let reform = i128::from(super::days::REFORM_DAY) * 86_400_000_000_000;
    let Some((length, per_nanosecond)) = unit_length(time_type.unit) else {
        return refuse(format!("`{time_type}` has no fixed length"));
    };
    if time_type.kind != TimeKind::Instant || per_nanosecond != 1 {
        return refuse(format!(
            "`{time_type}` is no instant of nanoseconds or coarser"
        ));
    }
    let length = i128::from(length) * i128::from(time_type.step);
    let is_gregorian =
        |calendar: Calendar| matches!(calendar, Calendar::Standard | Calendar::ProlepticGregorian);
    let crosses = time_type.calendar != calendar;
    if crosses && !(is_gregorian(calendar) && is_gregorian(time_type.calendar)) {
        let (own, other) = (time_type.calendar.name(), calendar.name());
        return refuse(format!("the times are of calendar `{own}`, not `{other}`"));
    }
    let reference = parsed.reference_nanoseconds(calendar)?;
    let unit = i128::from(parsed.unit.nanoseconds());
    let mut deltas = Vec::with_capacity(counts.len());
    for count in counts {
        if *count == i64::MIN {
            deltas.push(None);
            continue;
        }
        let instant = i128::from(*count) * length;
        if crosses && instant < reform {
            return refuse(
                "days before 1582-10-15 differ between `standard` and `proleptic_gregorian`".into(),
            );
        }
        deltas.push(Some(instant - reference));
    }
    if deltas.iter().flatten().all(|delta| delta % unit == 0) {
        let whole = |delta: &Option<i128>| match delta {
            None => Some(i64::MIN),
            Some(delta) => i64::try_from(delta / unit)
                .ok()
                .filter(|value| *value != i64::MIN),
        };
        return match deltas.iter().map(whole).collect() {
            Some(values) => Ok(EncodedTimes::Integers(values)),
            None => refuse("a number does not fit 64 bits".into()),
        };
    }
    // Both as counts of the finer of time and unit, as NumPy divides durations: one rounding each.
    let common = greatest_common_step(length, unit, reference);
    #[allow(
        clippy::cast_precision_loss,
        reason = "doubles were asked for by the units"
    )]
    let divide = |delta: &Option<i128>| match delta {
        None => f64::NAN,
        Some(delta) => (delta / common) as f64 / (unit / common) as f64,
    };
    Ok(EncodedTimes::Floats(deltas.iter().map(divide).collect()))
}

/// The coarsest of second, milli-, micro- and nanosecond that divides all three.
fn greatest_common_step(length: i128, unit: i128, reference: i128) -> i128 {
    [1_000_000_000, 1_000_000, 1000]
        .into_iter()
        .find(|step| {
            [length, unit, reference]
                .iter()
                .all(|value| value % step == 0)
        })
        .unwrap_or(1)
}
