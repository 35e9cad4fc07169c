//! Values made from nothing: ranges, grids of one value, dates.

use super::dtype;
use crate::calendar::{Date, Frequency, Steps, count_from_date, counts_of, parse_range};
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
    let counts = dates(count("start")?, count("end")?, periods, frequency, time)?;
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

/// The dates of a frequency between two, or so many from or up to one.
fn dates(
    start: Option<i64>,
    end: Option<i64>,
    periods: Option<i64>,
    frequency: Frequency,
    time: TimeType,
) -> Result<Vec<i64>> {
    let wrong = || {
        Error::usage("`date_range` takes two of `start`, `end` and `periods`")
            .hint("such as `xr.date_range(\"2000-01-01\", periods=12, freq=\"MS\")`")
    };
    if periods.is_some_and(|periods| periods as f64 > MOST) {
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
        if count as f64 > MOST {
            return Err(Error::invalid("too many dates"));
        }
        return Ok((0..count.max(0)).map(|at| first + at * step).collect());
    }
    let steps =
        Steps::new(frequency, time)?.ok_or_else(|| Error::internal("a frequency without steps"))?;
    let stride = steps.stride();
    let day = crate::calendar::day_length(time)?;
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
