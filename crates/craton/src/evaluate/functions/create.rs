//! Values made from nothing: ranges, grids of one value, dates.

use super::dtype;
use crate::calendar::{Bounds, Date, Frequency, count_from_date, dates_between, parse_range};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, Receiver, method};
use crate::evaluate::value::plain_dims;
use crate::labels::{DataArray, Variable, block_of};
use craton_core::{
    Attributes, Calendar, DType, Error, Result, Scalar, TimeKind, TimeType, TimeUnit,
};
use craton_plan::ops;

const NUMPY: &[Receiver] = &[Receiver::Numpy];
/// More values than this are data, not something to write in an expression.
const MOST: f64 = 1e8;

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "timedelta64",
        NUMPY,
        "value, unit='ns'",
        "A length of time: so many weeks, days, hours, minutes, seconds or parts of them.",
        &[
            "ds.time + np.timedelta64(12, \"h\")",
            "ds.t2m.sel(time=\"2001-01-02T05\", method=\"nearest\", tolerance=np.timedelta64(1, \"D\"))",
        ],
        timedelta64,
    ),
    method(
        "datetime64",
        NUMPY,
        "value, unit='ns'",
        "A date as a value, in nanoseconds of the proleptic Gregorian calendar.",
        &["ds.time - np.datetime64(\"2000-01-01\")"],
        datetime64,
    ),
    method(
        "arange",
        NUMPY,
        "*bounds, dtype=None",
        "Numbers from a start up to a stop by a step.",
        &["xr.DataArray(np.arange(0, 10, 2), dims=\"x\")"],
        arange,
    ),
    method(
        "linspace",
        NUMPY,
        "start, stop, num=50, endpoint=True, dtype=None",
        "Numbers at equal distances from a start to a stop.",
        &["xr.DataArray(np.linspace(0, 1, 5), dims=\"x\")"],
        linspace,
    ),
    method(
        "array",
        NUMPY,
        "object, dtype=None",
        "A list, or a list of lists, as values.",
        &["xr.DataArray(np.array([1.5, 2.5]), dims=\"x\")"],
        |call| {
            let values = match call.need("object")? {
                Value::Array(array) => array.variable.clone(),
                other => other.to_variable()?,
            };
            let dims = plain_dims(values.dims.len());
            made(call, Variable::new(dims, values.node, Attributes::new())?)
        },
    ),
    method(
        "zeros",
        NUMPY,
        "shape, dtype=float",
        "Values of a shape that are 0.",
        &["xr.DataArray(np.zeros((2, 3)), dims=(\"x\", \"y\"))"],
        |call| full(call, Scalar::zero(DType::Float64)),
    ),
    method(
        "ones",
        NUMPY,
        "shape, dtype=float",
        "Values of a shape that are 1.",
        &["xr.DataArray(np.ones(3), dims=\"x\")"],
        |call| full(call, Scalar::from_f64(DType::Float64, 1.0)),
    ),
    method(
        "full",
        NUMPY,
        "shape, fill_value, dtype=None",
        "Values of a shape that are all one number.",
        &["xr.DataArray(np.full(3, 7), dims=\"x\")"],
        |call| match call.need("fill_value")? {
            Value::Number(number, _) => full(call, number.clone()),
            other => Err(Error::usage(format!("a grid of {}", other.kind()))),
        },
    ),
    method(
        "date_range",
        &[Receiver::Xarray],
        "start=None, end=None, periods=None, freq='D', tz=None, normalize=False, name=None, inclusive='both', unit='ns', calendar='standard', use_cftime=None",
        "Dates from a start to an end, or so many of them, by a frequency.",
        &["xr.DataArray(xr.date_range(\"2000-01-01\", periods=12, freq=\"MS\"), dims=\"time\")"],
        date_range,
    ),
];

/// Values without labels, in the type that was asked for.
fn made(call: &Call<'_>, values: Variable) -> Result<Value> {
    let values = match call.text("dtype")? {
        Some(name) => values.with_node(ops::cast(&values.node, dtype(name)?)?)?,
        None => values,
    };
    Ok(Value::Array(DataArray::new(values)))
}

fn numbers(call: &Call<'_>, dtype: DType, values: &[Scalar]) -> Result<Value> {
    let dims = plain_dims(1);
    let block = block_of(dtype, values)?;
    made(call, Variable::of_block(dims, block, Attributes::new())?)
}

fn arange(call: &Call<'_>) -> Result<Value> {
    let bounds = &call.positional;
    let is_whole = bounds.iter().all(|bound| bound.as_i64().is_some());
    let bounds: Option<Vec<f64>> = bounds.iter().map(Value::as_f64).collect();
    let (start, stop, step) = match bounds.as_deref() {
        Some([stop]) => (0.0, *stop, 1.0),
        Some([start, stop]) => (*start, *stop, 1.0),
        Some([start, stop, step]) => (*start, *stop, *step),
        _ => {
            return Err(Error::usage(
                "`arange` takes a stop, or a start and a stop, and perhaps a step",
            ));
        }
    };
    let count = ((stop - start) / step).ceil().max(0.0);
    if !count.is_finite() || count > MOST {
        return Err(Error::invalid(format!("`arange` of {count} values")));
    }
    let dtype = if is_whole {
        DType::Int64
    } else {
        DType::Float64
    };
    let value = |at: u64| {
        let value = start + step * at as f64;
        match is_whole {
            true => Scalar::from_i64(dtype, value as i64),
            false => Scalar::from_f64(dtype, value),
        }
    };
    let values: Vec<Scalar> = (0..count as u64).map(value).collect();
    numbers(call, dtype, &values)
}

fn linspace(call: &Call<'_>) -> Result<Value> {
    let need = |name: &str| {
        call.number(name)?
            .ok_or_else(|| Error::usage(format!("`linspace` needs `{name}`")))
    };
    let (start, stop) = (need("start")?, need("stop")?);
    let count = call.count("num")?.unwrap_or(50);
    if count as f64 > MOST {
        return Err(Error::invalid(format!("`linspace` of {count} values")));
    }
    let has_end = call.bool("endpoint")?.unwrap_or(true);
    let steps = if has_end {
        count.saturating_sub(1)
    } else {
        count
    };
    let step = (stop - start) / steps.max(1) as f64;
    let value = |at: usize| match has_end && at == steps && at > 0 {
        true => stop,
        false => start + step * at as f64,
    };
    let values: Vec<Scalar> = (0..count)
        .map(|at| Scalar::from_f64(DType::Float64, value(at)))
        .collect();
    numbers(call, DType::Float64, &values)
}

fn full(call: &Call<'_>, value: Scalar) -> Result<Value> {
    let shape = call.need("shape")?;
    let items = shape
        .items()
        .map_or_else(|| vec![shape.clone()], <[Value]>::to_vec);
    let length = |item: &Value| item.as_i64().and_then(|length| u64::try_from(length).ok());
    let shape: Option<Vec<u64>> = items.iter().map(length).collect();
    let shape = shape.ok_or_else(|| Error::usage("a shape is a length or a tuple of lengths"))?;
    let dims = plain_dims(shape.len());
    made(
        call,
        Variable::new(dims, ops::full(value, &shape)?, Attributes::new())?,
    )
}

fn date_range(call: &Call<'_>) -> Result<Value> {
    for (name, default) in [("tz", ""), ("inclusive", "both")] {
        call.only(name, default)?;
    }
    let name = call.text("calendar")?.unwrap_or("standard");
    let uses_cftime = call.is_true("use_cftime")?;
    let calendar = Calendar::from_name(name)
        .ok_or_else(|| Error::usage(format!("no calendar is called `{name}`")))?;
    let is_common = matches!(calendar, Calendar::Standard | Calendar::ProlepticGregorian);
    let unit = call.text("unit")?.unwrap_or("ns");
    let unit = TimeUnit::from_code(unit)
        .ok_or_else(|| Error::usage(format!("`{unit}` is no unit of time")))?;
    let time = TimeType {
        unit: if is_common && !uses_cftime {
            unit
        } else {
            TimeUnit::Microsecond
        },
        step: 1,
        calendar: if is_common && !uses_cftime {
            Calendar::ProlepticGregorian
        } else {
            calendar
        },
        kind: TimeKind::Instant,
    };
    let frequency = Frequency::parse(call.text("freq")?.unwrap_or("D"))?;
    let count = |name: &str| -> Result<Option<i64>> {
        let Some(text) = call.text(name)? else {
            return Ok(None);
        };
        let (date, _): (Date, Date) = parse_range(text, time.calendar)?;
        count_from_date(date, time.calendar, time.unit).map(Some)
    };
    let periods = call.count("periods")?.map(|periods| periods as i64);
    let bounds = Bounds {
        start: count("start")?,
        end: count("end")?,
        periods,
    };
    let counts = dates_between(bounds, frequency, time)?;
    let dtype = DType::Time(time);
    let scalars: Vec<Scalar> = counts
        .into_iter()
        .map(|count| Scalar::from_i64(dtype, count))
        .collect();
    let dims = plain_dims(1);
    let block = block_of(dtype, &scalars)?;
    let variable = Variable::of_block(dims, block, Attributes::new())?;
    Ok(Value::Array(DataArray::new(variable)))
}

fn timedelta64(call: &Call<'_>) -> Result<Value> {
    let unit = call.text("unit")?.unwrap_or("ns");
    let unit = match unit {
        "m" => "min",
        unit => unit,
    };
    let frequency = match unit {
        "W" => Frequency::parse("7D"),
        unit => Frequency::parse(unit),
    };
    let Ok(Frequency::Fixed { nanoseconds }) = frequency else {
        return Err(Error::usage(format!("`{unit}` is no length of time"))
            .hint("there are W, D, h, m, s, ms, us and ns"));
    };
    let value = call.need("value")?;
    let count = value.as_i64().ok_or_else(|| {
        Error::usage(format!(
            "the argument `value` must be a whole number, not {}",
            value.kind()
        ))
    })?;
    let count = count.checked_mul(nanoseconds).ok_or_else(|| {
        Error::invalid(format!(
            "{count} {unit} are more nanoseconds than can be counted"
        ))
    })?;
    one_time(count, TimeKind::Duration)
}

fn datetime64(call: &Call<'_>) -> Result<Value> {
    call.only("unit", "ns")?;
    let calendar = Calendar::ProlepticGregorian;
    let (date, _): (Date, Date) = parse_range(call.need_text("value")?, calendar)?;
    let count = count_from_date(date, calendar, TimeUnit::Nanosecond)?;
    one_time(count, TimeKind::Instant)
}

/// One time in nanoseconds.
fn one_time(count: i64, kind: TimeKind) -> Result<Value> {
    let dtype = DType::Time(TimeType {
        unit: TimeUnit::Nanosecond,
        step: 1,
        calendar: Calendar::ProlepticGregorian,
        kind,
    });
    let node = ops::scalar(Scalar::from_i64(dtype, count))?;
    let variable = Variable::new(Vec::new(), node, Attributes::new())?;
    Ok(Value::Array(DataArray::new(variable)))
}
