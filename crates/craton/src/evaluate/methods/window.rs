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
        "window_dim=None, stride=1, fill_value=None, keep_attrs=None",
        "The windows themselves, along a new last dimension.",
        &["ds.t2m.rolling(time=3).construct(\"window\").max(\"window\")"],
        |call| {
            let Value::Rolling(rolling) = call.object else {
                return Err(not_on(call));
            };
            let fill = super::arrange::fill_value(call)?;
            let stride = call.count("stride")?.unwrap_or(1).max(1);
            let name = call.need_text("window_dim")?;
            rolling.construct(name, stride, &fill).map(Value::Array)
        },
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
    let Some(((dim, window), further)) = windows.split_first() else {
        return Err(Error::usage(
            "`rolling` takes dimensions with their windows: `rolling(time=30)`",
        ));
    };
    let window = *window;
    let (min_periods, center) = (
        call.count("min_periods")?,
        call.bool("center")?.unwrap_or(false),
    );
    let make = |array: &DataArray| {
        Value::Rolling(Rolling {
            array: array.clone(),
            dim: dim.clone(),
            window,
            further: further.to_vec(),
            min_periods,
            center,
        })
    };
    match object {
        Value::Dataset(dataset) => {
            let with_dim = dataset
                .arrays()?
                .into_iter()
                .filter(|array| array.variable.axis(dim).is_some());
            let parts = with_dim
                .map(|array| (array.name.clone().unwrap_or_default(), make(&array)))
                .collect();
            Ok(Value::Several(dataset.clone(), parts))
        }
        other => each(other, |array| {
            array.axis(dim)?;
            Ok(make(array))
        }),
    }
}
