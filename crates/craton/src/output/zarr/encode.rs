//! Variables as Zarr stores them: times as numbers by the CF conventions, texts as `string`.

use crate::calendar::{EncodedTimes, TimeUnits, date_from_count, encode_times, iso_string};
use crate::labels::Variable;
use crate::session::Session;
use base64::{Engine, engine::general_purpose::STANDARD};
use craton_core::{
    AttributeValue, Attributes, Block, DType, Error, Pool, Result, Scalar, Sink, Strings, TimeKind,
    TimeType, TimeUnit,
};
use craton_plan::NodeRef;
use craton_plan::ops::{cast, literal};

/// Times of at most so many values are looked at, to find the coarsest units that keep them whole.
const MOST_LOOKED_AT: u64 = 1 << 20;
const FILL: &str = "_FillValue";

/// What is stored of a variable.
pub(super) struct Encoded {
    pub node: NodeRef,
    pub attributes: Attributes,
    /// The value of missing chunks, where zero is not right.
    pub fill_value: Option<Scalar>,
}

/// `variable` in a dtype that Zarr has.
///
/// # Errors
/// What computing small times and fixed texts reports.
pub(super) fn encode(variable: &Variable, session: &Session) -> Result<Encoded> {
    match variable.dtype() {
        DType::Time(time) => encode_time(variable, time, session),
        DType::FixedUtf8(_) => {
            let block = variable.values(session)?;
            let node = literal(to_strings(&block)?)?;
            Ok(Encoded {
                node,
                attributes: without_fill(variable),
                fill_value: None,
            })
        }
        dtype => Ok(encode_plain(variable, dtype)),
    }
}

fn without_fill(variable: &Variable) -> Attributes {
    let mut attributes = variable.attributes.clone();
    attributes.shift_remove(FILL);
    attributes
}

/// A `_FillValue` that is still an attribute stays one, and becomes the value of missing chunks.
fn encode_plain(variable: &Variable, dtype: DType) -> Encoded {
    let mut attributes = variable.attributes.clone();
    let stated = attributes.get(FILL).and_then(AttributeValue::as_scalar);
    let stated = stated.filter(|_| dtype.is_integer() || dtype.is_float());
    let fill_value = match stated {
        Some(value) if dtype.is_integer() => {
            value.to_i64().map(|value| Scalar::from_i64(dtype, value))
        }
        Some(value) => value.to_f64().map(|value| Scalar::from_f64(dtype, value)),
        None if dtype.is_float() => Some(Scalar::from_f64(dtype, f64::NAN)),
        None => None,
    };
    if let Some(fill) = fill_value
        .as_ref()
        .filter(|_| attributes.contains_key(FILL))
    {
        let stored = match fill.to_f64() {
            // The form in which xarray keeps float fill values in Zarr 3: JSON has no exact bits.
            Some(value) if dtype.is_float() => {
                AttributeValue::Text(STANDARD.encode(value.to_le_bytes()))
            }
            _ => AttributeValue::number(dtype, fill.bytes()),
        };
        attributes.insert(FILL.to_owned(), stored);
    }
    Encoded {
        node: variable.node.clone(),
        attributes,
        fill_value,
    }
}

fn encode_time(variable: &Variable, time: TimeType, session: &Session) -> Result<Encoded> {
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

/// Texts of fixed length as texts of any length.
fn to_strings(block: &Block) -> Result<Block> {
    let mut strings = Strings::from_items([]);
    for value in block.scalars() {
        strings.push(value.to_text().unwrap_or_default().as_bytes());
    }
    Block::strings(DType::Utf8, block.shape().to_vec(), strings)
}

/// Hands every chunk of a block of texts to `sink`.
pub(super) fn put_texts(block: &Block, sink: &dyn Sink, pool: &Pool) -> Result<()> {
    let grid = &sink.chunks().grid;
    let shape = grid.shape();
    for number in 0..grid.len() {
        let mut index = vec![0; shape.len()];
        let mut rest = number;
        for axis in (0..shape.len()).rev() {
            index[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        let chunk = grid.chunk(&index);
        let lengths: Vec<usize> = chunk.iter().map(|chunk| chunk.length as usize).collect();
        let mut strings = Strings::from_items([]);
        for inner in 0..lengths.iter().product::<usize>() {
            let (mut rest, mut place, mut stride) = (inner, 0, 1);
            for axis in (0..lengths.len()).rev() {
                place += (rest % lengths[axis] + chunk[axis].start as usize) * stride;
                rest /= lengths[axis];
                stride *= block.shape()[axis];
            }
            match (block.as_strings(), block.as_constant()) {
                (Some(strings_of), _) => strings.push(strings_of.get(place)),
                (None, Some(value)) => strings.push(value.bytes()),
                (None, None) => return Err(Error::internal("numbers where texts were computed")),
            }
        }
        let piece = Block::strings(block.dtype(), lengths, strings)?;
        pollster::block_on(sink.put(&index, &piece, pool))?;
    }
    Ok(())
}
