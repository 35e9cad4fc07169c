//! Sliding windows and weights.

use super::not_on;
use super::reduce::reduce_arguments;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::labels::{DataArray, Rolling, Weighted};
use craton_core::{Error, Result};
use craton_kernels::scan::RollingKind;

const ROLLING: &[Receiver] = &[Receiver::Rolling];
const WEIGHTED: &[Receiver] = &[Receiver::Weighted];
const REDUCED: &str = "dim=None, *, skipna=None, keep_attrs=None";

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "rolling",
        LABELLED,
        "dim=None, min_periods=None, center=False, **window_kwargs",
        "Windows of a fixed number of labels that slide along a dimension; then reduce them.",
        &[
            "ds.t2m.rolling(time=5).mean()",
            "ds.t2m.rolling(time=5, center=True, min_periods=1).max()",
        ],
        rolling,
    ),
    of_windows(
        "mean",
        "The mean of each window.",
        &["ds.t2m.rolling(time=5).mean()"],
    ),
    of_windows(
        "sum",
        "The sum of each window.",
        &["ds.tp.rolling(time=5).sum()"],
    ),
    of_windows(
        "min",
        "The least value of each window.",
        &["ds.t2m.rolling(time=5).min()"],
    ),
    of_windows(
        "max",
        "The greatest value of each window.",
        &["ds.t2m.rolling(time=5).max()"],
    ),
    of_windows(
        "prod",
        "The product of each window.",
        &["ds.t2m.rolling(time=5).prod()"],
    ),
    of_windows(
        "std",
        "The standard deviation of each window, its sum of squares divided by the number of values.",
        &["ds.t2m.rolling(time=5).std()"],
    ),
    of_windows(
        "var",
        "The variance of each window, its sum of squares divided by the number of values.",
        &["ds.t2m.rolling(time=5, center=True).var()"],
    ),
    of_windows(
        "median",
        "The median of each window.",
        &["ds.t2m.rolling(time=5).median()"],
    ),
    of_windows(
        "count",
        "How many values of each window are not missing.",
        &["ds.t2m.rolling(time=5).count()"],
    ),
    method(
        "construct",
        ROLLING,
        "window_dim=None, *, stride=1, fill_value=None, keep_attrs=None, **window_dim_kwargs",
        "The windows themselves, along new last dimensions.",
        &[
            "ds.t2m.rolling(time=3).construct(\"window\").max(\"window\")",
            "ds.t2m.rolling(lat=3, lon=3).construct(lat=\"a\", lon=\"b\", stride=2)",
        ],
        construct,
    ),
    method(
        "weighted",
        LABELLED,
        "weights",
        "Reductions in which each value counts as much as its weight.",
        &["ds.t2m.weighted(np.cos(np.deg2rad(ds.lat))).mean((\"lat\", \"lon\"))"],
        weighted,
    ),
    with_weights(
        "mean",
        "The weighted mean over dimensions.",
        &["ds.t2m.weighted(np.cos(np.deg2rad(ds.lat))).mean(\"lat\")"],
    ),
    with_weights(
        "sum",
        "The weighted sum over dimensions.",
        &["ds.tp.weighted(np.cos(np.deg2rad(ds.lat))).sum(\"lat\")"],
    ),
    with_weights(
        "std",
        "The weighted standard deviation over dimensions.",
        &["ds.t2m.weighted(ds.lat + 100).std(\"lat\")"],
    ),
    with_weights(
        "var",
        "The weighted variance over dimensions.",
        &["ds.t2m.weighted(ds.lat + 100).var(\"lat\")"],
    ),
    with_weights(
        "sum_of_squares",
        "The weighted sum of squared differences from the weighted mean.",
        &["ds.t2m.weighted(ds.lat + 100).sum_of_squares(\"lat\")"],
    ),
    method(
        "sum_of_weights",
        WEIGHTED,
        "dim=None, *, keep_attrs=None",
        "The sum of the weights of all values that are not missing.",
        &["ds.t2m.weighted(ds.lat).sum_of_weights(\"lat\")"],
        reduce_weighted,
    ),
];

const fn of_windows(
    name: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
) -> Entry {
    method(
        name,
        ROLLING,
        "*, keep_attrs=None",
        doc,
        examples,
        reduce_windows,
    )
}

const fn with_weights(
    name: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
) -> Entry {
    method(name, WEIGHTED, REDUCED, doc, examples, reduce_weighted)
}

fn reduce_windows(call: &Call<'_>) -> Result<Value> {
    let Value::Rolling(rolling) = call.object else {
        return Err(not_on(call));
    };
    let kind = RollingKind::from_name(call.name())
        .ok_or_else(|| Error::internal(format!("no windows of `{}`", call.name())))?;
    rolling.reduce(kind).map(Value::Array)
}

fn construct(call: &Call<'_>) -> Result<Value> {
    let Value::Rolling(rolling) = call.object else {
        return Err(not_on(call));
    };
    let dims: Vec<&str> = rolling.windows().map(|(dim, _)| dim).collect();
    let names: Vec<String> = match (call.get("window_dim"), dims.as_slice()) {
        (Some(Value::Text(name)), [_]) => vec![name.clone()],
        (Some(Value::Text(name)), several) => {
            let message = format!("one new dimension `{name}` for windows along {several:?}");
            let pairs: Vec<String> = several.iter().map(|dim| format!("{dim}=\"…\"")).collect();
            return Err(Error::usage(message).hint(format!(
                "each has its own: `construct({})`",
                pairs.join(", ")
            )));
        }
        _ => {
            let pairs = call.pairs("window_dim")?;
            let of = |dim: &&str| {
                let found = pairs.iter().find(|(known, _)| known == dim);
                let name = found.and_then(|(_, name)| name.as_text());
                name.map(str::to_owned).ok_or_else(|| {
                    Error::usage(format!("the windows along `{dim}` need a name"))
                        .hint(format!("`construct({dim}=\"window\")`"))
                })
            };
            dims.iter().map(of).collect::<Result<_>>()?
        }
    };
    let stride = |value: &Value| {
        let stride = value
            .as_i64()
            .and_then(|stride| usize::try_from(stride).ok());
        stride
            .filter(|stride| *stride > 0)
            .ok_or_else(|| Error::usage("a stride must be a whole number above 0"))
    };
    let strides: Vec<usize> = match call.get("stride") {
        None => vec![1; dims.len()],
        Some(Value::Dict(pairs)) => {
            let of = |dim: &&str| {
                let mut pairs = pairs.iter();
                let found = pairs.find(|(known, _)| known.as_text() == Some(dim));
                found.map_or(Ok(1), |(_, value)| stride(value))
            };
            dims.iter().map(of).collect::<Result<_>>()?
        }
        Some(value) => vec![stride(value)?; dims.len()],
    };
    let fill = super::arrange::fill_value(call)?;
    let mut out = rolling.construct(&names, &strides, &fill)?;
    if call.bool("keep_attrs")? == Some(false) {
        out.variable.attributes.clear();
    }
    Ok(Value::Array(out))
}

fn weighted(call: &Call<'_>) -> Result<Value> {
    let Value::Array(weights) = call.need("weights")? else {
        return Err(Error::usage("weights must be an array"));
    };
    each(call.object, |array| {
        Ok(Value::Weighted(Weighted {
            array: array.clone(),
            weights: weights.clone(),
        }))
    })
}

fn reduce_weighted(call: &Call<'_>) -> Result<Value> {
    let Value::Weighted(weighted) = call.object else {
        return Err(not_on(call));
    };
    let arguments = reduce_arguments(call)?;
    let reduced = weighted.reduce(call.name(), &arguments)?;
    Ok(Value::Array(with_attributes(reduced, arguments.keep_attrs)))
}

/// What is weighted loses the attributes of its coordinates with its own, unless `keep_attrs` says otherwise.
pub(super) fn with_attributes(mut array: DataArray, keep_attrs: Option<bool>) -> DataArray {
    if keep_attrs == Some(false) {
        let coords = array.coords.values_mut();
        coords.for_each(|coord| coord.attributes.clear());
    }
    array
}

fn each(object: &Value, make: impl Fn(&DataArray) -> Result<Value>) -> Result<Value> {
    match object {
        Value::Array(array) => make(array),
        Value::Dataset(dataset) => {
            let parts = dataset.arrays()?.into_iter().map(|array| {
                let name = array.name.clone().unwrap_or_default();
                Ok((name, make(&array)?))
            });
            Ok(Value::Several(
                dataset.clone(),
                parts.collect::<Result<_>>()?,
            ))
        }
        other => Err(Error::usage(format!(
            "this does not work on {}",
            other.kind()
        ))),
    }
}

fn rolling(call: &Call<'_>) -> Result<Value> {
    let object = call.object;
    let mut windows = Vec::new();
    for (dim, window) in call.pairs("dim")? {
        let window = window
            .as_i64()
            .and_then(|window| usize::try_from(window).ok());
        let window = window
            .filter(|window| *window > 0)
            .ok_or_else(|| Error::usage("a window must be a whole number above 0"))?;
        windows.push((dim, window));
    }
    if windows.is_empty() {
        return Err(Error::usage(
            "`rolling` takes dimensions with their windows: `rolling(time=30)`",
        ));
    }
    let (min_periods, center) = (
        call.count("min_periods")?,
        call.bool("center")?.unwrap_or(false),
    );
    let make = |array: &DataArray, windows: &[(String, usize)]| {
        let ((dim, window), further) = windows.split_first()?;
        Some(Value::Rolling(Rolling {
            array: array.clone(),
            dim: dim.clone(),
            window: *window,
            further: further.to_vec(),
            min_periods,
            center,
        }))
    };
    let Value::Dataset(dataset) = object else {
        return each(object, |array| {
            for (dim, _) in &windows {
                array.axis(dim)?;
            }
            make(array, &windows).ok_or_else(|| Error::internal("windows along no dimension"))
        });
    };
    for (dim, _) in &windows {
        dataset.length(dim)?;
    }
    // Each variable slides along those of the dimensions that it has.
    let parts = dataset.arrays()?.into_iter().filter_map(|array| {
        let own = windows
            .iter()
            .filter(|(dim, _)| array.variable.axis(dim).is_some());
        let part = make(&array, &own.cloned().collect::<Vec<_>>())?;
        Some((array.name.clone().unwrap_or_default(), part))
    });
    Ok(Value::Several(dataset.clone(), parts.collect()))
}
