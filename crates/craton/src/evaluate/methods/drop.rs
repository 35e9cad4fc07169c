//! Fewer labels: those dropped by name, by position, or for what is missing.

use super::{not_on, on_dataset};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::labels::{Dataset, Fill, LabelSelection, Method, Variable, find_places};
use craton_core::{Error, Result};
use craton_kernels::fold::Reduction;
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops::{self, ReduceOptions};

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "drop_isel",
        LABELLED,
        "indexers=None, **indexers_kwargs",
        "Without the labels at some positions.",
        &["ds.drop_isel(lat=[0])"],
        |call| {
            let pairs = call.pairs("indexers")?;
            on_dataset(call, |dataset| {
                let mut out = dataset.clone();
                for (dim, value) in &pairs {
                    let length = dataset.length(dim)? as i64;
                    let items = value
                        .items()
                        .map_or_else(|| vec![value.clone()], <[Value]>::to_vec);
                    let mut gone = Vec::new();
                    for item in items {
                        let at = item.as_i64().filter(|at| (-length..length).contains(at));
                        let at = at.ok_or_else(|| {
                            let message =
                                format!("no such position of `{dim}`, which has {length}");
                            Error::invalid(message)
                        })?;
                        gone.push(at.rem_euclid(length));
                    }
                    out = without(&out, dim, length, &gone)?;
                }
                Ok(out)
            })
        },
    ),
    method(
        "drop_sel",
        LABELLED,
        "labels=None, *, errors='raise', **labels_kwargs",
        "Without some labels.",
        &["ds.drop_sel(lat=[60, 30])"],
        drop_sel,
    ),
    method(
        "drop_duplicates",
        LABELLED,
        "dim, *, keep='first'",
        "Without labels that stand there already.",
        &["ds.isel(time=[0, 1, 1]).drop_duplicates(\"time\")"],
        drop_duplicates,
    ),
    method(
        "dropna",
        LABELLED,
        "dim, *, how='any', thresh=None, subset=None",
        "Without the labels at which values are missing.",
        &["ds.t2m.where(ds.lat > 0).dropna(\"lat\")"],
        dropna,
    ),
];

fn without(dataset: &Dataset, dim: &str, length: i64, gone: &[i64]) -> Result<Dataset> {
    let kept = (0..length).filter(|at| !gone.contains(at));
    kept_only(
        dataset,
        dim,
        &kept.map(|at| Some(at as u64)).collect::<Vec<_>>(),
    )
}

/// Only the listed positions, of which there must be one.
fn kept_only(dataset: &Dataset, dim: &str, places: &[Option<u64>]) -> Result<Dataset> {
    if places.is_empty() && dataset.length(dim)? > 0 {
        return Err(Error::invalid(format!("nothing would be left of `{dim}`")));
    }
    dataset.at_places(dim, places, &Fill::Missing)
}

fn drop_sel(call: &Call<'_>) -> Result<Value> {
    let pairs = call.pairs("labels")?;
    let ignores = call.text("errors")? == Some("ignore");
    on_dataset(call, |dataset| {
        let mut out = dataset.clone();
        for (dim, value) in &pairs {
            let length = out.length(dim)? as i64;
            let index = out
                .index(dim)
                .cloned()
                .ok_or_else(|| Error::invalid(format!("dimension `{dim}` has no labels")))?;
            let labels = match super::select::label_selection(value, call.session)? {
                LabelSelection::At(label) => vec![label],
                LabelSelection::List(labels) => labels,
                LabelSelection::Slice(..) => {
                    return Err(Error::usage("labels to drop are listed, not sliced"));
                }
            };
            let places = find_places(dim, &index, &labels, Method::Exact, None, call.session)?;
            if !ignores && places.contains(&None) {
                return Err(Error::not_found(format!(
                    "not all of these are labels of `{dim}`"
                )));
            }
            let gone: Vec<i64> = places.into_iter().flatten().map(|at| at as i64).collect();
            out = without(&out, dim, length, &gone)?;
        }
        Ok(out)
    })
}

fn drop_duplicates(call: &Call<'_>) -> Result<Value> {
    let keep = match call.get("keep") {
        None => "first".to_owned(),
        Some(Value::Text(text)) if text == "first" || text == "last" => text.clone(),
        Some(value) if value.as_bool() == Some(false) => "none".to_owned(),
        Some(_) => return Err(Error::usage("`keep` is \"first\", \"last\" or False")),
    };
    let dims = call.texts("dim")?;
    on_dataset(call, |dataset| {
        let mut out = dataset.clone();
        let all = || dataset.sizes().into_keys().collect();
        for dim in dims.clone().unwrap_or_else(all) {
            let Some(index) = out.index(&dim).cloned() else {
                out.length(&dim)?;
                continue;
            };
            let labels: Vec<_> = index.values(call.session)?.scalars().collect();
            let same = |at: usize, other: &usize| labels[*other] == labels[at];
            let keeps = |at: &usize| match keep.as_str() {
                "first" => !(0..*at).any(|other| same(*at, &other)),
                "last" => !(at + 1..labels.len()).any(|other| same(*at, &other)),
                _ => (0..labels.len()).filter(|other| same(*at, other)).count() == 1,
            };
            let places: Vec<Option<u64>> = (0..labels.len())
                .filter(keeps)
                .map(|at| Some(at as u64))
                .collect();
            out = kept_only(&out, &dim, &places)?;
        }
        Ok(out)
    })
}

/// How many values of `variable` are valid at each index of `dim`, and how many there are.
fn valid_along(variable: &Variable, dim: &str) -> Result<Option<(NodeRef, u64)>> {
    let Some(axis) = variable.axis(dim) else {
        return Ok(None);
    };
    let others: Vec<usize> = (0..variable.dims.len()).filter(|at| *at != axis).collect();
    let size = others.iter().map(|at| variable.shape()[*at]).product();
    let counted = if others.is_empty() {
        ops::cast(
            &ops::unary(Unary::NotNan, &variable.node)?,
            craton_core::DType::Int64,
        )?
    } else {
        ops::reduce(
            Reduction::Count,
            &variable.node,
            &others,
            ReduceOptions::default(),
        )?
    };
    Ok(Some((counted, size)))
}

fn dropna(call: &Call<'_>) -> Result<Value> {
    let dim = call.need_text("dim")?.to_owned();
    let threshold = call.count("thresh")?;
    let all = match call.text("how")? {
        None | Some("any") => false,
        Some("all") => true,
        Some(_) => return Err(Error::usage("`how` is \"any\" or \"all\"")),
    };
    let subset = call.texts("subset")?;
    if subset.is_some() && matches!(call.object, Value::Array(_)) {
        return Err(not_on(call));
    }
    on_dataset(call, |dataset| {
        let length = dataset.length(&dim)?;
        let mut valid = vec![0u64; length as usize];
        let mut size = 0;
        for (name, variable) in &dataset.variables {
            if subset.as_ref().is_some_and(|names| !names.contains(name)) {
                continue;
            }
            if let Some((node, count)) = valid_along(variable, &dim)? {
                size += count;
                let counts = call.session.compute(&[node])?.remove(0);
                for (sum, count) in valid.iter_mut().zip(counts.scalars()) {
                    *sum += count.to_i64().unwrap_or(0) as u64;
                }
            }
        }
        let keeps = |valid: &u64| match threshold {
            Some(least) => *valid >= least as u64,
            None if all => *valid > 0 || size == 0,
            None => *valid == size,
        };
        let places = valid.iter().enumerate().filter(|(_, valid)| keeps(valid));
        let places: Vec<Option<u64>> = places.map(|(at, _)| Some(at as u64)).collect();
        kept_only(dataset, &dim, &places)
    })
}
