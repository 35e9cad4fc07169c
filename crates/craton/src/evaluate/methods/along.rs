//! What is worked out along a dimension: values between labels, gaps filled, ranks.

use super::not_on;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::evaluate::value::is_plain;
use crate::labels::{
    DataArray, GapArguments, Interpolation, InterpolationMethod, NewLabels, Outside, Variable,
};
use craton_core::{Attributes, Block, DType, Error, Result, Scalar};
use craton_kernels::gaps::GapLimits;
use craton_kernels::order::Ordering;
use craton_plan::ops::Direction;

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "interp",
        LABELLED,
        "coords=None, method='linear', assume_sorted=False, kwargs=None, **coords_kwargs",
        "The values between labels, on lines (`linear`), as the closer label (`nearest`) or on splines (`cubic`).",
        &[
            "ds.t2m.interp(lat=45, lon=[10, 20, 130])",
            "ds.t2m.interp(lat=[10, 20], method=\"nearest\")",
            "ds.t2m.interp(time=\"2001-01-01T12:00\")",
            "ds.t2m.interp(lat=xr.DataArray([10, 20], dims=\"p\"), lon=xr.DataArray([5, 8], dims=\"p\"))",
        ],
        interp,
    ),
    method(
        "interp_like",
        LABELLED,
        "other, method='linear', assume_sorted=False, kwargs=None",
        "The values at the labels of another array or dataset, as `interp` gives them.",
        &["ds.t2m.interp_like(ds.t2m.isel(lat=slice(0, 2)))"],
        interp_like,
    ),
    method(
        "ffill",
        LABELLED,
        "dim, limit=None",
        "Missing values filled with the last valid one before along a dimension.",
        &["ds.t2m.where(ds.t2m > 280).ffill(\"time\")"],
        |call| fill(call, Direction::Forward),
    ),
    method(
        "bfill",
        LABELLED,
        "dim, limit=None",
        "Missing values filled with the first valid one after along a dimension.",
        &["ds.t2m.where(ds.t2m > 280).bfill(\"time\", limit=2)"],
        |call| fill(call, Direction::Backward),
    ),
    method(
        "interpolate_na",
        LABELLED,
        "dim=None, method='linear', limit=None, use_coordinate=True, max_gap=None, keep_attrs=None",
        "Missing values filled on lines between the valid ones around them along a dimension.",
        &["ds.t2m.where(ds.t2m > 280).interpolate_na(\"time\", limit=3)"],
        interpolate_na,
    ),
    method(
        "rank",
        LABELLED,
        "dim, *, pct=False, keep_attrs=None",
        "The rank of each value along a dimension, from 1 on; equal values share the mean of theirs.",
        &["ds.t2m.rank(\"time\")", "ds.t2m.rank(\"time\", pct=True)"],
        |call| {
            let ordering = match call.is_true("pct")? {
                true => Ordering::RankShare,
                false => Ordering::Rank,
            };
            let dim = call.need_text("dim")?;
            match call.object {
                Value::Array(array) => array.ordered(ordering, dim).map(Value::Array),
                Value::Dataset(dataset) => dataset.ordered(ordering, dim).map(Value::Dataset),
                _ => Err(not_on(call)),
            }
        },
    ),
    method(
        "argsort",
        &[Receiver::DataArray],
        "axis=-1",
        "The positions that would sort the values along an axis; missing values come last.",
        &["ds.t2m.isel(time=0).argsort(axis=0)"],
        |call| {
            let Value::Array(array) = call.object else {
                return Err(not_on(call));
            };
            let axis = call.get("axis").map_or(Some(-1), Value::as_i64);
            let rank = array.dims().len() as i64;
            let axis = axis.map(|axis| if axis < 0 { axis + rank } else { axis });
            let dim = axis
                .and_then(|axis| array.dims().get(usize::try_from(axis).ok()?))
                .ok_or_else(|| Error::usage(format!("`axis` must be one of the {rank} axes")))?;
            array.ordered(Ordering::ArgSort, dim).map(Value::Array)
        },
    ),
];

fn fill(call: &Call<'_>, direction: Direction) -> Result<Value> {
    let (dim, limit) = (call.need_text("dim")?, call.count("limit")?);
    if limit == Some(0) {
        return Err(Error::usage("`limit` must be above 0"));
    }
    along(call, dim, |array| array.fill(direction, dim, limit))
}

/// Changes an array, or the variables of a dataset that have `dim`.
fn along(
    call: &Call<'_>,
    dim: &str,
    change: impl Fn(&DataArray) -> Result<DataArray>,
) -> Result<Value> {
    match call.object {
        Value::Array(array) => change(array).map(Value::Array),
        Value::Dataset(dataset) => {
            let change = |array: &DataArray| match array.variable.axis(dim) {
                Some(_) => change(array),
                None => Ok(array.clone()),
            };
            let mut out = dataset.map_arrays(&[dim.to_owned()], change)?;
            for (name, coord) in &dataset.coords {
                out.coords
                    .entry(name.clone())
                    .or_insert_with(|| coord.clone());
            }
            Ok(Value::Dataset(out))
        }
        _ => Err(not_on(call)),
    }
}

fn interpolate_na(call: &Call<'_>) -> Result<Value> {
    call.only("method", "linear")?;
    let dim = call.need_text("dim")?;
    let coordinate = match call.get("use_coordinate") {
        Some(Value::Text(name)) => Some(name.clone()),
        Some(value) if value.as_bool() == Some(false) => None,
        _ => Some(dim.to_owned()),
    };
    let distance = call.distance("max_gap")?;
    let count = call.count("limit")?;
    if count == Some(0) {
        return Err(Error::usage("`limit` must be above 0"));
    }
    let loses_attributes = call.bool("keep_attrs")? == Some(false);
    along(call, dim, |array| {
        let coord = coordinate.as_ref().and_then(|name| array.coords.get(name));
        let dtype = coord.map_or(DType::Float64, |coord| coord.dtype());
        let distance = distance.map(|most| most.among(dim, dtype)).transpose()?;
        let arguments = GapArguments {
            coordinate: coordinate.clone(),
            limits: GapLimits { count, distance },
        };
        let mut out = array.interpolate_missing(dim, &arguments, call.session)?;
        if loses_attributes {
            out.variable.attributes = Attributes::new();
        }
        Ok(out)
    })
}

fn interp(call: &Call<'_>) -> Result<Value> {
    let coords = match call.object {
        Value::Array(array) => &array.coords,
        Value::Dataset(dataset) => &dataset.coords,
        _ => return Err(not_on(call)),
    };
    let targets = call.pairs("coords")?.into_iter().map(|(dim, value)| {
        let labels = new_labels(&dim, &value, coords.get(&dim))?;
        Ok((dim, labels))
    });
    interpolated(call, &targets.collect::<Result<Vec<_>>>()?)
}

fn interp_like(call: &Call<'_>) -> Result<Value> {
    let (coords, sizes) = match call.object {
        Value::Array(array) => (&array.coords, array.dims().to_vec()),
        Value::Dataset(dataset) => (&dataset.coords, dataset.sizes().into_keys().collect()),
        _ => return Err(not_on(call)),
    };
    let others = match call.need("other")? {
        Value::Array(array) => &array.coords,
        Value::Dataset(dataset) => &dataset.coords,
        other => return Err(Error::usage(format!("the labels of {}", other.kind()))),
    };
    let mut targets = Vec::new();
    for dim in sizes {
        let Some(target) = others.get(&dim).filter(|coord| coord.dims == [dim.clone()]) else {
            continue;
        };
        let is_same = |own: &Variable| own.node.hash() == target.node.hash();
        let is_text = !target.dtype().is_numeric() && !matches!(target.dtype(), DType::Time(_));
        if is_text && coords.get(&dim).is_some_and(is_same) {
            continue;
        }
        targets.push((dim, DataArray::new(target.clone())));
    }
    interpolated(call, &targets)
}

fn interpolated(call: &Call<'_>, targets: &[NewLabels]) -> Result<Value> {
    let method = InterpolationMethod::from_name(call.text("method")?.unwrap_or("linear"))?;
    let how = Interpolation {
        method,
        outside: outside(call)?,
    };
    match call.object {
        Value::Array(array) => array
            .interpolate(targets, how, call.session)
            .map(Value::Array),
        Value::Dataset(dataset) => dataset
            .interpolate(targets, how, call.session)
            .map(Value::Dataset),
        _ => Err(not_on(call)),
    }
}

/// What `kwargs` says of labels outside.
fn outside(call: &Call<'_>) -> Result<Outside> {
    let pairs = match call.get("kwargs") {
        None => return Ok(Outside::Missing),
        Some(Value::Dict(pairs)) => pairs,
        Some(other) => {
            let message = format!("`kwargs` must be a dict, not {}", other.kind());
            return Err(Error::usage(message));
        }
    };
    let mut outside = Outside::Missing;
    for (name, value) in pairs {
        outside = match (name.as_text(), value, value.items()) {
            (Some("fill_value"), Value::Text(text), _) if text == "extrapolate" => {
                Outside::Extrapolated
            }
            (Some("fill_value"), Value::None, _) => Outside::Unstated,
            (Some("fill_value"), _, Some([below, above])) => match (below.as_f64(), above.as_f64())
            {
                (Some(below), Some(above)) => Outside::Filled(below, above),
                _ => {
                    return Err(Error::usage(
                        "`fill_value` takes two numbers, below and above",
                    ));
                }
            },
            (Some("fill_value"), Value::Number(number, _), _) => {
                let fill = number.to_f64().unwrap_or(f64::NAN);
                Outside::Filled(fill, fill)
            }
            (Some("bounds_error"), value, _) if value.as_bool() == Some(false) => outside,
            (name, ..) => {
                let name = name.unwrap_or("…");
                return Err(Error::unsupported(format!("`{name}` of `interp`"))
                    .hint("`kwargs` takes `fill_value`: \"extrapolate\", a number, or two"));
            }
        };
    }
    Ok(outside)
}

/// New labels as written: a number, a date, a list of them along the dimension, or an array with dimensions of its own.
fn new_labels(dim: &str, value: &Value, index: Option<&Variable>) -> Result<DataArray> {
    let attributes = index.map_or_else(Attributes::new, |index| index.attributes.clone());
    if let Value::Array(array) = value {
        let mut labels = array.clone();
        // What `np` makes has no dimension of its own.
        if is_plain(&labels.variable) && labels.dims().len() == 1 {
            labels.variable.dims = vec![dim.to_owned()];
            labels.variable.attributes = attributes;
        }
        return Ok(labels);
    }
    let block = match (index.map(Variable::dtype), value.as_texts()) {
        (Some(dtype @ DType::Time(time)), Some(texts)) => {
            let mut bytes = Vec::new();
            for text in &texts {
                let (date, _) = crate::calendar::parse_range(text, time.calendar)?;
                let count = crate::calendar::count_from_date(date, time.calendar, time.unit)?;
                bytes.extend_from_slice(Scalar::from_i64(dtype, count).bytes());
            }
            Block::from_bytes(dtype, vec![texts.len()], &bytes)?
        }
        _ => value.to_block()?,
    };
    let is_one = value.items().is_none();
    let (dims, block) = match is_one {
        true => (Vec::new(), block.reshape(Vec::new())?),
        false => (vec![dim.to_owned()], block),
    };
    Variable::of_block(dims, block, attributes).map(DataArray::new)
}
