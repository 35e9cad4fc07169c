//! Reductions over dimensions, and running totals.

use super::not_on;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::labels::ReduceArguments;
use craton_core::{Error, Result};
use craton_kernels::fold::Reduction;
use craton_kernels::scan::Cumulation;

const GROUPS: &[Receiver] = &[Receiver::GroupBy, Receiver::Resample];
const PLAIN: &str = "dim=None, *, skipna=None, keep_attrs=None";
const COUNTED: &str = "dim=None, *, skipna=None, min_count=None, keep_attrs=None";
const SPREAD: &str = "dim=None, *, skipna=None, ddof=0, keep_attrs=None";
const WHOLE: &str = "dim=None, *, keep_attrs=None";
const ARG: &str = "dim=None, axis=None, keep_attrs=None, skipna=None";

pub(super) const ENTRIES: &[Entry] = &[
    of_all(
        "mean",
        PLAIN,
        "The mean over dimensions, of the values that are not missing.",
        &["ds.t2m.mean(\"time\")", "ds.mean((\"lat\", \"lon\"))"],
    ),
    of_all(
        "sum",
        COUNTED,
        "The sum over dimensions; 0 where all values are missing.",
        &["ds.tp.sum(\"time\")", "ds.tp.sum(\"time\", min_count=1)"],
    ),
    of_all(
        "min",
        PLAIN,
        "The least value over dimensions.",
        &["ds.t2m.min(\"time\")"],
    ),
    of_all(
        "max",
        PLAIN,
        "The greatest value over dimensions.",
        &["ds.t2m.max(\"time\") - ds.t2m.min(\"time\")"],
    ),
    of_all(
        "std",
        SPREAD,
        "The standard deviation over dimensions.",
        &["ds.t2m.std(\"time\")", "ds.t2m.std(\"time\", ddof=1)"],
    ),
    of_all(
        "var",
        SPREAD,
        "The variance over dimensions.",
        &["ds.t2m.var(\"time\")"],
    ),
    of_all(
        "count",
        WHOLE,
        "How many values are not missing, over dimensions.",
        &["ds.t2m.count(\"time\")"],
    ),
    of_all(
        "prod",
        COUNTED,
        "The product over dimensions.",
        &["(ds.tp + 1).prod(\"time\")"],
    ),
    of_all(
        "any",
        WHOLE,
        "Whether some value over dimensions is true.",
        &["(ds.t2m > 300).any(\"time\")"],
    ),
    of_all(
        "all",
        WHOLE,
        "Whether every value over dimensions is true.",
        &["(ds.t2m > 200).all(\"time\")"],
    ),
    of_all(
        "argmin",
        ARG,
        "The position of the least value along a dimension.",
        &["ds.t2m.argmin(\"time\")"],
    ),
    of_all(
        "argmax",
        ARG,
        "The position of the greatest value along a dimension.",
        &["ds.t2m.argmax(\"time\")"],
    ),
    in_groups(
        "mean",
        PLAIN,
        "The mean of each group.",
        &["ds.t2m.groupby(\"time.month\").mean()"],
    ),
    in_groups(
        "sum",
        COUNTED,
        "The sum of each group.",
        &["ds.tp.groupby(\"time.year\").sum()"],
    ),
    in_groups(
        "min",
        PLAIN,
        "The least value of each group.",
        &["ds.t2m.groupby(\"time.month\").min()"],
    ),
    in_groups(
        "max",
        PLAIN,
        "The greatest value of each group.",
        &["ds.t2m.groupby(\"time.year\").max()"],
    ),
    in_groups(
        "std",
        SPREAD,
        "The standard deviation of each group.",
        &["ds.t2m.groupby(\"time.season\").std()"],
    ),
    in_groups(
        "var",
        SPREAD,
        "The variance of each group.",
        &["ds.t2m.groupby(\"time.season\").var()"],
    ),
    in_groups(
        "count",
        WHOLE,
        "How many values of each group are not missing.",
        &["ds.t2m.groupby(\"time.season\").count()"],
    ),
    in_groups(
        "prod",
        COUNTED,
        "The product of each group.",
        &["(ds.tp + 1).groupby(\"time.year\").prod()"],
    ),
    in_groups(
        "any",
        WHOLE,
        "Whether some value of each group is true.",
        &["(ds.t2m > 300).groupby(\"time.year\").any()"],
    ),
    in_groups(
        "all",
        WHOLE,
        "Whether every value of each group is true.",
        &["(ds.t2m > 200).groupby(\"time.year\").all()"],
    ),
    in_groups(
        "first",
        "skipna=None, keep_attrs=None",
        "The first value of each group.",
        &["ds.t2m.groupby(\"time.year\").first()"],
    ),
    in_groups(
        "last",
        "skipna=None, keep_attrs=None",
        "The last value of each group.",
        &["ds.t2m.groupby(\"time.year\").last()"],
    ),
    method(
        "cumsum",
        LABELLED,
        "dim=None, *, skipna=None, keep_attrs=None",
        "Running sums along a dimension; a missing value adds nothing.",
        &["ds.tp.cumsum(\"time\")"],
        cumulate,
    ),
    method(
        "cumprod",
        LABELLED,
        "dim=None, *, skipna=None, keep_attrs=None",
        "Running products along a dimension.",
        &["(ds.tp + 1).cumprod(\"time\")"],
        cumulate,
    ),
];

const fn of_all(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
) -> Entry {
    method(name, LABELLED, signature, doc, examples, reduce)
}

const fn in_groups(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
) -> Entry {
    method(name, GROUPS, signature, doc, examples, reduce_groups)
}

fn reduction(call: &Call<'_>) -> Result<Reduction> {
    Reduction::from_name(call.name())
        .ok_or_else(|| Error::internal(format!("no reduction is called `{}`", call.name())))
}

/// What the arguments of a reduction ask for.
pub(super) fn reduce_arguments(call: &Call<'_>) -> Result<ReduceArguments> {
    let small = |name: &str| {
        u32::try_from(call.count(name)?.unwrap_or(0))
            .map_err(|_| Error::usage(format!("`{name}` is too large")))
    };
    Ok(ReduceArguments {
        dims: call.texts("dim")?,
        skipna: call.bool("skipna")?,
        ddof: small("ddof")?,
        min_count: small("min_count")?,
        keep_attrs: call.bool("keep_attrs")?,
    })
}

fn reduce(call: &Call<'_>) -> Result<Value> {
    let (reduction, arguments) = (reduction(call)?, reduce_arguments(call)?);
    match call.object {
        Value::Dataset(dataset) => dataset.reduce(reduction, &arguments).map(Value::Dataset),
        other => other.map_arrays(call.name(), |array| array.reduce(reduction, &arguments)),
    }
}

fn reduce_groups(call: &Call<'_>) -> Result<Value> {
    let (reduction, mut arguments) = (reduction(call)?, reduce_arguments(call)?);
    if matches!(call.given("dim"), Some(Value::Ellipsis)) {
        arguments.dims = match call.object {
            Value::ArrayGroup(groups) => Some(groups.object.dims().to_vec()),
            Value::DatasetGroup(groups) => Some(groups.object.sizes().into_keys().collect()),
            _ => None,
        };
    }
    match call.object {
        Value::ArrayGroup(groups) => groups.reduce(reduction, &arguments).map(Value::Array),
        Value::DatasetGroup(groups) => groups.reduce(reduction, &arguments).map(Value::Dataset),
        _ => Err(not_on(call)),
    }
}

fn cumulate(call: &Call<'_>) -> Result<Value> {
    let kind = Cumulation::from_name(call.name())
        .ok_or_else(|| Error::internal("an unnamed cumulation"))?;
    let dims = call.texts("dim")?;
    let skipna = call.bool("skipna")?;
    call.object.map_arrays(call.name(), |array| {
        let dims = dims.clone().unwrap_or_else(|| array.dims().to_vec());
        dims.iter().try_fold(array.clone(), |array, dim| {
            array.cumulate(kind, dim, skipna)
        })
    })
}
