//! Blocks of neighbouring labels as one.

use super::not_on;
use super::reduce::reduce_arguments;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::labels::{BlockFold, Boundary, Coarsening, Dataset};
use craton_core::{Error, Result};
use craton_kernels::fold::Reduction;

const COARSEN: &[Receiver] = &[Receiver::Coarsen];

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "coarsen",
        LABELLED,
        "dim=None, boundary='exact', side='left', coord_func='mean', **window_kwargs",
        "Blocks of a fixed number of neighbouring labels; then reduce each to one.",
        &[
            "ds.t2m.coarsen(lat=2).mean()",
            "ds.tp.coarsen(time=7, boundary=\"trim\").sum()",
        ],
        coarsen,
    ),
    of_blocks(
        "mean",
        "The mean of each block.",
        &["ds.t2m.coarsen(lat=2).mean()"],
    ),
    of_blocks(
        "sum",
        "The sum of each block.",
        &["ds.tp.coarsen(time=5).sum()"],
    ),
    of_blocks(
        "median",
        "The median of each block.",
        &["ds.t2m.coarsen(time=5).median()"],
    ),
    method(
        "construct",
        COARSEN,
        "window_dim=None, keep_attrs=None, **window_dim_kwargs",
        "Each dimension as two: the blocks, and the places in them.",
        &["ds.t2m.coarsen(lat=2).construct(lat=(\"pair\", \"place\"))"],
        construct,
    ),
    of_blocks(
        "min",
        "The least value of each block.",
        &["ds.t2m.coarsen(time=5).min()"],
    ),
    of_blocks(
        "max",
        "The greatest value of each block.",
        &["ds.t2m.coarsen(time=5).max()"],
    ),
    of_blocks(
        "std",
        "The standard deviation of each block.",
        &["ds.t2m.coarsen(time=5).std()"],
    ),
    of_blocks(
        "var",
        "The variance of each block.",
        &["ds.t2m.coarsen(time=5).var()"],
    ),
    of_blocks(
        "prod",
        "The product of each block.",
        &["(ds.tp + 1).coarsen(time=5).prod()"],
    ),
    of_blocks(
        "count",
        "How many values of each block are not missing.",
        &["ds.t2m.coarsen(time=5).count()"],
    ),
    of_blocks(
        "any",
        "Whether some value of each block is true.",
        &["(ds.t2m > 280).coarsen(time=5).any()"],
    ),
    of_blocks(
        "all",
        "Whether every value of each block is true.",
        &["(ds.t2m > 280).coarsen(time=5).all()"],
    ),
];

const fn of_blocks(
    name: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
) -> Entry {
    method(name, COARSEN, "keep_attrs=None", doc, examples, reduce)
}

fn coarsen(call: &Call<'_>) -> Result<Value> {
    let mut windows = Vec::new();
    for (dim, window) in call.pairs("dim")? {
        let length = window
            .as_i64()
            .and_then(|window| usize::try_from(window).ok());
        let length = length
            .filter(|length| *length > 0)
            .ok_or_else(|| Error::usage(format!("the block of `{dim}` must be 1 or more")))?;
        windows.push((dim, length));
    }
    let boundary = match call.text("boundary")? {
        None | Some("exact") => Boundary::Exact,
        Some("trim") => Boundary::Trim,
        Some("pad") => Boundary::Pad,
        Some(_) => return Err(Error::usage("`boundary` is \"exact\", \"trim\" or \"pad\"")),
    };
    let is_right = match call.text("side")? {
        None | Some("left") => false,
        Some("right") => true,
        Some(_) => return Err(Error::usage("`side` is \"left\" or \"right\"")),
    };
    let function = |value: &Value| {
        value
            .as_text()
            .and_then(Reduction::from_name)
            .ok_or_else(|| Error::usage("`coord_func` names reductions, such as `\"min\"`"))
    };
    let coord_func = match call.get("coord_func") {
        None => Vec::new(),
        Some(Value::Dict(pairs)) => pairs
            .iter()
            .map(|(name, value)| Ok((name.as_text().map(str::to_owned), function(value)?)))
            .collect::<Result<_>>()?,
        Some(one) => vec![(None, function(one)?)],
    };
    let sizes = match call.object {
        Value::Array(array) => array.dims().to_vec(),
        Value::Dataset(dataset) => dataset.sizes().into_keys().collect(),
        _ => return Err(not_on(call)),
    };
    if let Some((dim, _)) = windows.iter().find(|(dim, _)| !sizes.contains(dim)) {
        return Err(Error::not_found(format!(
            "no dimension `{dim}`; there are {sizes:?}"
        )));
    }
    let coarsening = Coarsening {
        windows,
        boundary,
        is_right,
        coord_func,
    };
    Ok(Value::Coarsen(Box::new(call.object.clone()), coarsening))
}

fn reduce(call: &Call<'_>) -> Result<Value> {
    let Value::Coarsen(object, coarsening) = call.object else {
        return Err(not_on(call));
    };
    let arguments = reduce_arguments(call)?;
    let fold = match call.name() {
        "median" => BlockFold::Median,
        name => BlockFold::Reduction(
            Reduction::from_name(name)
                .ok_or_else(|| Error::internal("blocks of an unknown reduction"))?,
        ),
    };
    match object.as_ref() {
        Value::Array(array) => coarsening.reduce(array, fold, &arguments).map(Value::Array),
        Value::Dataset(dataset) => {
            let mut out = dataset.clone();
            out.groups = None;
            for (name, coord) in &dataset.coords {
                out.coords
                    .insert(name.clone(), coarsening.coord(name, coord)?);
            }
            for array in dataset.arrays()? {
                let name = array.name.clone().unwrap_or_default();
                let touches = |(dim, _): &(String, usize)| array.variable.axis(dim).is_some();
                if coarsening.windows.iter().any(touches) {
                    let reduced = coarsening
                        .reduce(&array, fold, &arguments)
                        .map_err(|error| error.in_variable(&name))?;
                    out.variables.insert(name, reduced.variable);
                }
            }
            if arguments.keep_attrs == Some(false) {
                out.attributes.clear();
            }
            Ok(Value::Dataset(out))
        }
        _ => Err(not_on(call)),
    }
}

fn construct(call: &Call<'_>) -> Result<Value> {
    let Value::Coarsen(object, coarsening) = call.object else {
        return Err(not_on(call));
    };
    let mut names = Vec::new();
    for (dim, value) in call.pairs("window_dim")? {
        let pair = value
            .as_texts()
            .and_then(|texts| <[String; 2]>::try_from(texts).ok());
        let pair = pair.ok_or_else(|| {
            Error::usage(format!(
                "the dimension `{dim}` becomes two, so it needs two names"
            ))
        })?;
        names.push((dim, pair));
    }
    let is_of_blocks = |dim: &String| coarsening.windows.iter().any(|(of, _)| of == dim);
    if let Some((dim, _)) = names.iter().find(|(dim, _)| !is_of_blocks(dim)) {
        return Err(Error::invalid(format!("`{dim}` is not in blocks")));
    }
    let keeps = call.bool("keep_attrs")? != Some(false);
    let constructed = |dataset: &Dataset| {
        let mut out = dataset.clone();
        out.groups = None;
        let all = out.coords.values_mut().chain(out.variables.values_mut());
        for variable in all {
            let is_split = names.iter().any(|(dim, _)| variable.axis(dim).is_some());
            if is_split {
                *variable = coarsening.construct(variable, &names)?;
            }
            if is_split && !keeps {
                variable.attributes.clear();
            }
        }
        if !keeps {
            out.attributes.clear();
        }
        Ok(out)
    };
    match object.as_ref() {
        Value::Array(array) => array.through_dataset(constructed).map(Value::Array),
        Value::Dataset(dataset) => constructed(dataset).map(Value::Dataset),
        _ => Err(not_on(call)),
    }
}
