//! What is stored of a variable, and times as numbers by the CF conventions.

use crate::calendar::{EncodedTimes, TimeUnits, date_from_count, encode_times, iso_string};
use crate::labels::Variable;
use crate::session::Session;
use craton_core::{
    AttributeValue, Attributes, Block, Calendar, DType, Error, Result, Scalar, TimeKind, TimeType,
    TimeUnit,
};
use craton_plan::NodeRef;
use craton_plan::ops::{cast, literal};

/// Times of at most so many values are looked at, to find the coarsest units that keep them whole.
const MOST_LOOKED_AT: u64 = 1 << 20;
pub(super) const FILL: &str = "_FillValue";

/// What is stored of a variable.
pub(super) struct Encoded {
    pub node: NodeRef,
    pub attributes: Attributes,
    /// The value of missing chunks, where zero is not right.
    pub fill_value: Option<Scalar>,
}

/// How an input stores its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeEncoding {
    /// The units, such as `hours since 1900-01-01`.
    pub units: String,
    /// The calendar.
    pub calendar: Calendar,
    /// The stored type.
    pub dtype: DType,
}

pub(super) fn without_fill(variable: &Variable) -> Attributes {
    let mut attributes = variable.attributes.clone();
    attributes.shift_remove(FILL);
    attributes
}

/// Times as numbers: in the units and type of `stored` if that keeps every one, else in the coarsest units that do.
///
/// # Errors
/// What computing small times reports; unsupported for times without CF units.
pub(super) fn encode_time(
    variable: &Variable,
    time: TimeType,
    stored: Option<&TimeEncoding>,
    session: &Session,
) -> Result<Encoded> {
    let mut attributes = without_fill(variable);
    let missing = || Scalar::from_i64(DType::Int64, i64::MIN);
    let plain_units = plain_units(time)?;
    let mut text = |name: &str, value: &str| {
        attributes.insert(name.to_owned(), AttributeValue::Text(value.to_owned()));
    };
    let count = variable
        .shape()
        .iter()
        .fold(1u64, |count, length| count.saturating_mul(*length));
    let (node, units, has_missing) = if count <= MOST_LOOKED_AT {
        let block = variable.values(session)?;
        let counts: Vec<i64> = block.scalars().filter_map(|value| value.to_i64()).collect();
        if let Some(stored) = stored
            && let Some(encoded) = as_stored(variable, time, &counts, stored)?
        {
            return Ok(encoded);
        }
        let has_missing = counts.contains(&i64::MIN);
        let (values, units) = coarsest(&counts, time, plain_units)?;
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_ne_bytes())
            .collect();
        let block = Block::from_bytes(DType::Int64, block.shape().to_vec(), &bytes)?;
        (literal(block)?, units, has_missing)
    } else {
        if time.step != 1 {
            let message = format!("many times of `{time}` cannot be written");
            return Err(Error::unsupported(message).hint("convert them to `datetime64[ns]` first"));
        }
        let units = match time.kind {
            TimeKind::Instant => format!("{plain_units} since 1970-01-01"),
            TimeKind::Duration => plain_units.to_owned(),
        };
        (cast(&variable.node, DType::Int64)?, units, true)
    };
    text("units", &units);
    match time.kind {
        TimeKind::Instant => text("calendar", time.calendar.name()),
        TimeKind::Duration => text("dtype", &format!("timedelta64[{}]", time.unit.code())),
    }
    if has_missing {
        let fill = AttributeValue::number(DType::Int64, missing().bytes());
        attributes.insert(FILL.to_owned(), fill);
    }
    Ok(Encoded {
        node,
        attributes,
        fill_value: has_missing.then(missing),
    })
}

/// CF's word for the unit of a time type.
fn plain_units(time: TimeType) -> Result<&'static str> {
    Ok(match time.unit {
        TimeUnit::Week | TimeUnit::Day => "days",
        TimeUnit::Hour => "hours",
        TimeUnit::Minute => "minutes",
        TimeUnit::Second => "seconds",
        TimeUnit::Millisecond => "milliseconds",
        TimeUnit::Microsecond => "microseconds",
        TimeUnit::Nanosecond => "nanoseconds",
        // Months and years differ in length, and CF has nothing below nanoseconds.
        _ => {
            let message = format!("times of `{time}` have no CF units");
            return Err(Error::unsupported(message).hint("convert them to `datetime64[ns]` first"));
        }
    })
}

/// The numbers in the coarsest of days, hours, minutes and seconds since the first that keeps all whole.
fn coarsest(counts: &[i64], time: TimeType, plain: &str) -> Result<(Vec<i64>, String)> {
    if time.kind == TimeKind::Duration {
        let factor = if time.unit == TimeUnit::Week { 7 } else { 1 } * i64::from(time.step);
        let scaled = counts.iter().map(|count| match *count {
            i64::MIN => Ok(i64::MIN),
            count => count.checked_mul(factor).ok_or_else(too_far),
        });
        return Ok((scaled.collect::<Result<_>>()?, plain.to_owned()));
    }
    let calendar = time.calendar;
    let first = counts
        .iter()
        .copied()
        .find(|count| *count != i64::MIN)
        .unwrap_or(0);
    let date = date_from_count(first, time).ok_or_else(too_far)?;
    let since = iso_string(date).replace('T', " ");
    let since = since.strip_suffix(" 00:00:00").unwrap_or(&since);
    for unit in ["days", "hours", "minutes", "seconds", plain] {
        let units = format!("{unit} since {since}");
        if TimeUnits::parse(&units).is_err() {
            break;
        }
        if let Ok(EncodedTimes::Integers(values)) = encode_times(counts, time, &units, calendar) {
            return Ok((values, units));
        }
    }
    // Counts since 1970 always are whole.
    let units = format!("{plain} since 1970-01-01");
    match encode_times(counts, time, &units, calendar)? {
        EncodedTimes::Integers(values) => Ok((values, units)),
        EncodedTimes::Floats(_) => Err(Error::internal("times between two of their own units")),
    }
}

fn too_far() -> Error {
    Error::invalid("a time is too far away to be written")
}

/// Times in the units, calendar and type of an input; `None` if those do not keep every one.
fn as_stored(
    variable: &Variable,
    time: TimeType,
    counts: &[i64],
    stored: &TimeEncoding,
) -> Result<Option<Encoded>> {
    if time.kind != TimeKind::Instant || counts.contains(&i64::MIN) {
        return Ok(None);
    }
    let Ok(values) = encode_times(counts, time, &stored.units, stored.calendar) else {
        return Ok(None);
    };
    let scalars: Option<Vec<Scalar>> = match values {
        EncodedTimes::Integers(values) => {
            let exactly = |value: &i64| {
                let scalar = if stored.dtype.is_float() {
                    Scalar::from_i64(stored.dtype, *value)
                } else {
                    Scalar::from_i64(integer(stored.dtype), *value)
                };
                let back = match scalar.to_i64() {
                    Some(back) => Some(back),
                    #[allow(clippy::cast_possible_truncation, reason = "compared with the integer")]
                    None => scalar.to_f64().map(|float| float as i64),
                };
                (back == Some(*value)).then_some(scalar)
            };
            values.iter().map(exactly).collect()
        }
        EncodedTimes::Floats(values) if stored.dtype == DType::Float64 => Some(
            values
                .iter()
                .map(|value| Scalar::from_f64(DType::Float64, *value))
                .collect(),
        ),
        EncodedTimes::Floats(_) => None,
    };
    let Some(scalars) = scalars else {
        return Ok(None);
    };
    let dtype = scalars.first().map_or(integer(stored.dtype), Scalar::dtype);
    let bytes: Vec<u8> = scalars
        .iter()
        .flat_map(|value| value.bytes())
        .copied()
        .collect();
    let shape: Vec<usize> = variable
        .shape()
        .iter()
        .map(|length| usize::try_from(*length).unwrap_or(usize::MAX))
        .collect();
    let mut attributes = without_fill(variable);
    for (name, value) in [
        ("units", stored.units.as_str()),
        ("calendar", stored.calendar.name()),
    ] {
        attributes.insert(name.to_owned(), AttributeValue::Text(value.to_owned()));
    }
    Ok(Some(Encoded {
        node: literal(Block::from_bytes(dtype, shape, &bytes)?)?,
        attributes,
        fill_value: None,
    }))
}

/// A stored type, unless it holds no whole numbers.
fn integer(dtype: DType) -> DType {
    if dtype.is_integer() || dtype.is_float() {
        dtype
    } else {
        DType::Int64
    }
}
