//! Dtypes under NumPy's names.

use craton::{Error, Result};
use craton_core::{Calendar, DType, TimeKind, TimeType, TimeUnit};

/// NumPy's name of a dtype; texts of any length are objects, and instants of other calendars counts.
pub(crate) fn to_name(dtype: DType) -> String {
    match dtype {
        DType::FixedBytes(length) => format!("S{length}"),
        DType::FixedUtf8(count) => format!("U{count}"),
        DType::Opaque(length) => format!("V{length}"),
        DType::Utf8 | DType::Bytes => "object".to_owned(),
        DType::Time(_) if has_other_calendar(dtype) => "int64".to_owned(),
        DType::Time(time) => {
            let kind = match time.kind {
                TimeKind::Instant => "datetime64",
                TimeKind::Duration => "timedelta64",
            };
            let step = match time.step {
                1 => String::new(),
                step => step.to_string(),
            };
            format!("{kind}[{step}{}]", time.unit.code())
        }
        other => other.to_string(),
    }
}

/// The dtype of a native-endian array that NumPy calls `name`, as in `array.dtype.name` or `S3`.
///
/// # Errors
/// [`craton::ErrorKind::Unsupported`] for objects, structures and whatever else the engine does not hold.
pub(crate) fn from_name(name: &str) -> Result<DType> {
    let refused = || {
        Error::unsupported(format!("arrays of dtype `{name}`")).hint(
            "numbers, dates, durations and texts of fixed length are computed on; convert with `.astype(…)`",
        )
    };
    if let Some(dtype) = DType::from_name(name).filter(|dtype| dtype.is_numeric()) {
        return Ok(dtype);
    }
    for (prefix, kind) in [
        ("datetime64[", TimeKind::Instant),
        ("timedelta64[", TimeKind::Duration),
    ] {
        if let Some(unit) = name
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let digits = unit.len() - unit.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (step, code) = unit.split_at(digits);
            let step = if step.is_empty() {
                1
            } else {
                step.parse().map_err(|_| refused())?
            };
            let unit = TimeUnit::from_code(code).ok_or_else(refused)?;
            return Ok(DType::Time(TimeType {
                unit,
                step,
                calendar: Calendar::ProlepticGregorian,
                kind,
            }));
        }
    }
    let length = |rest: &str| rest.parse::<u32>().map_err(|_| refused());
    match name.split_at_checked(1) {
        Some(("S", rest)) => Ok(DType::FixedBytes(length(rest)?)),
        Some(("U", rest)) => Ok(DType::FixedUtf8(length(rest)?)),
        Some(("V", rest)) => Ok(DType::Opaque(length(rest)?)),
        _ => Err(refused()),
    }
}

/// Instants of a calendar under CF's name.
///
/// # Errors
/// [`craton::ErrorKind::Unsupported`] if there is no such calendar or unit.
pub(crate) fn instants(unit: &str, calendar: &str) -> Result<DType> {
    let known = Calendar::from_name(calendar).zip(TimeUnit::from_code(unit));
    let (calendar, unit) =
        known.ok_or_else(|| Error::unsupported(format!("dates in the calendar `{calendar}`")))?;
    Ok(DType::Time(TimeType {
        unit,
        step: 1,
        calendar,
        kind: TimeKind::Instant,
    }))
}

/// Whether the values are instants that NumPy cannot name; their array holds counts.
pub(crate) fn has_other_calendar(dtype: DType) -> bool {
    matches!(dtype, DType::Time(time) if time.kind == TimeKind::Instant && time.calendar != Calendar::ProlepticGregorian)
}
