//! Labels and values in other places: sorted, found again, shifted, rolled, padded.

use super::on_dataset;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::labels::{Dataset, Fill, Method, Variable};
use craton_core::{Attributes, Error, Result};

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "sortby",
        LABELLED,
        "variables, ascending=True",
        "Labels in the order of a coordinate or of other values.",
        &[
            "ds.sortby(\"lat\")",
            "ds.t2m.sortby(\"time\", ascending=False)",
        ],
        sortby,
    ),
    method(
        "reindex",
        LABELLED,
        "indexers=None, *, method=None, tolerance=None, copy=True, fill_value=None, **indexers_kwargs",
        "The values at other labels; missing where there are none.",
        &[
            "ds.t2m.reindex(lat=[60, 45, 30])",
            "ds.t2m.reindex(lat=[61, 29], method=\"nearest\", tolerance=5)",
        ],
        reindex,
    ),
    method(
        "reindex_like",
        LABELLED,
        "other, *, method=None, tolerance=None, copy=True, fill_value=None",
        "The values at the labels of another array or dataset.",
        &["ds.t2m.isel(time=slice(0, 5)).reindex_like(ds.t2m)"],
        reindex_like,
    ),
    method(
        "shift",
        LABELLED,
        "shifts=None, fill_value=None, **shifts_kwargs",
        "The values moved along a dimension whose labels stay; what comes in is missing.",
        &["ds.t2m - ds.t2m.shift(time=1)"],
        |call| {
            let fill = fill_value(call)?;
            let moves = moves(call, "shifts")?;
            on_dataset(call, |dataset| {
                let mut out = dataset.clone();
                for (dim, by) in &moves {
                    let length = dataset.length(dim)? as i64;
                    let place = |at: i64| u64::try_from(at).ok().filter(|at| *at < length as u64);
                    let places: Vec<Option<u64>> = (0..length)
                        .map(|at| place(at.saturating_sub(*by)))
                        .collect();
                    for variable in out.variables.values_mut() {
                        *variable = variable.at_places(dim, &places, &fill)?;
                    }
                }
                Ok(out)
            })
        },
    ),
    method(
        "roll",
        LABELLED,
        "shifts=None, roll_coords=False, **shifts_kwargs",
        "The values moved round along a dimension, perhaps with the labels.",
        &["ds.t2m.roll(lon=1)", "ds.t2m.roll(lon=1, roll_coords=True)"],
        |call| {
            let moves = moves(call, "shifts")?;
            let with_coords = call.is_true("roll_coords")?;
            on_dataset(call, |dataset| {
                let mut out = dataset.clone();
                for (dim, by) in &moves {
                    let length = dataset.length(dim)? as i64;
                    let from =
                        |at: i64| (at - by.rem_euclid(length.max(1))).rem_euclid(length.max(1));
                    let places: Vec<Option<u64>> =
                        (0..length).map(|at| Some(from(at) as u64)).collect();
                    if with_coords {
                        out = out.at_places(dim, &places, &Fill::Missing)?;
                    } else {
                        for variable in out.variables.values_mut() {
                            *variable = variable.at_places(dim, &places, &Fill::Missing)?;
                        }
                    }
                }
                Ok(out)
            })
        },
    ),
    method(
        "pad",
        LABELLED,
        "pad_width=None, mode='constant', stat_length=None, constant_values=None, end_values=None, reflect_type=None, keep_attrs=None, **pad_width_kwargs",
        "More labels at the ends of a dimension, with missing or repeated values.",
        &["ds.t2m.pad(lat=1)", "ds.t2m.pad(lon=(1, 2), mode=\"wrap\")"],
        pad,
    ),
];

/// The dimension of each keyword with how far it moves.
fn moves(call: &Call<'_>, name: &str) -> Result<Vec<(String, i64)>> {
    let whole = |(dim, by): (String, Value)| match by.as_i64() {
        Some(by) => Ok((dim, by)),
        None => Err(Error::usage(format!("`{dim}` moves by a whole number"))),
    };
    call.pairs(name)?.into_iter().map(whole).collect()
}

pub(super) fn fill_value(call: &Call<'_>) -> Result<Fill> {
    Ok(match call.get("fill_value") {
        None => Fill::Missing,
        Some(value) => Fill::Number(value.as_operand()?),
    })
}

fn sortby(call: &Call<'_>) -> Result<Value> {
    let wanted = call.need("variables")?;
    let wanted: Vec<&Value> = match wanted.items() {
        Some(items) => items.iter().collect(),
        None => vec![wanted],
    };
    let ascends = call.bool("ascending")?.unwrap_or(true);
    on_dataset(call, |dataset| {
        let key = |value: &&Value| match value {
            Value::Text(name) => match dataset.get(name) {
                Some(found) => Ok(found.clone()),
                None => {
                    // A dimension without labels is in order already.
                    let length = dataset.length(name)?;
                    let places: Vec<f64> = (0..length).map(|at| at as f64).collect();
                    crate::labels::doubles(name, &places)
                }
            },
            Value::Array(array) => {
                let mut array = array.as_dataset();
                for dim in array.sizes().into_keys() {
                    if let (Some(own), Some(_)) = (dataset.index(&dim), array.index(&dim)) {
                        let how = (Method::Exact, None, &Fill::Missing);
                        array = array.reindex(&dim, own, how.0, how.1, how.2, call.session)?;
                    }
                }
                Ok(crate::labels::DataArray::from_dataset(None, array)?.variable)
            }
            other => Err(Error::usage(format!("sorting by {}", other.kind()))),
        };
        let keys: Vec<Variable> = wanted.iter().map(key).collect::<Result<_>>()?;
        dataset.sort_by(&keys, ascends, call.session)
    })
}

/// The method of finding labels that are not there.
pub(super) fn reindex_method(call: &Call<'_>) -> Result<Method> {
    Ok(match call.text("method")? {
        None => Method::Exact,
        Some("nearest") => Method::Nearest,
        Some("pad" | "ffill") => Method::Pad,
        Some("backfill" | "bfill") => Method::Backfill,
        Some(other) => {
            return Err(Error::usage(format!("no method `{other}`"))
                .hint("there are nearest, pad, ffill, backfill and bfill"));
        }
    })
}

fn reindex(call: &Call<'_>) -> Result<Value> {
    let (method, tolerance) = (reindex_method(call)?, call.distance("tolerance")?);
    let fill = fill_value(call)?;
    let targets = call.pairs("indexers")?;
    on_dataset(call, |dataset| {
        let mut out = dataset.clone();
        for (dim, target) in &targets {
            let target = target_labels(dim, target, dataset)?;
            out = out.reindex(dim, &target, method, tolerance, &fill, call.session)?;
        }
        Ok(out)
    })
}

/// Labels as written, as an index of `dim`; texts are dates where the labels are.
fn target_labels(dim: &str, target: &Value, dataset: &Dataset) -> Result<Variable> {
    if let Value::Array(array) = target {
        let mut variable = array.variable.clone();
        if variable.dims.len() != 1 {
            return Err(Error::invalid("labels have one dimension"));
        }
        variable.dims = vec![dim.to_owned()];
        variable.attributes = Attributes::new();
        return Ok(variable);
    }
    let own = dataset.index(dim).map(Variable::dtype);
    let block = target.to_block_beside(own)?;
    Variable::of_block(vec![dim.to_owned()], block, Attributes::new())
}

fn reindex_like(call: &Call<'_>) -> Result<Value> {
    let (method, tolerance) = (reindex_method(call)?, call.distance("tolerance")?);
    let fill = fill_value(call)?;
    let other = match call.need("other")? {
        Value::Array(array) => array.as_dataset(),
        Value::Dataset(dataset) => dataset.clone(),
        other => return Err(Error::usage(format!("the labels of {}", other.kind()))),
    };
    on_dataset(call, |dataset| {
        let mut out = dataset.clone();
        for (dim, length) in other.sizes() {
            let Some(own) = out.sizes().get(&dim).copied() else {
                continue;
            };
            match other.index(&dim) {
                Some(target) => {
                    out = out.reindex(&dim, target, method, tolerance, &fill, call.session)?;
                }
                None if own == length => {}
                None => {
                    let message = format!("`{dim}` has length {own} here and {length} there");
                    return Err(Error::invalid(message));
                }
            }
        }
        Ok(out)
    })
}

fn pad(call: &Call<'_>) -> Result<Value> {
    for name in ["stat_length", "end_values", "reflect_type"] {
        call.only(name, "")?;
    }
    let mode = call.text("mode")?.unwrap_or("constant");
    let fill = match call.get("constant_values") {
        None => Fill::Missing,
        Some(value) => Fill::Number(value.as_operand()?),
    };
    let mut widths = Vec::new();
    for (dim, width) in call.pairs("pad_width")? {
        let count = |value: &Value| value.as_i64().and_then(|count| u64::try_from(count).ok());
        let pair = match width.items() {
            Some([before, after]) => count(before).zip(count(after)),
            Some(_) => None,
            None => count(&width).map(|count| (count, count)),
        };
        let pair = pair.ok_or_else(|| {
            Error::usage(format!(
                "`{dim}` is padded by a number, or by two for both ends"
            ))
        })?;
        widths.push((dim, pair));
    }
    on_dataset(call, |dataset| {
        let mut out = dataset.clone();
        for (dim, (before, after)) in &widths {
            let length = dataset.length(dim)? as i64;
            let all = -(*before as i64)..length + *after as i64;
            let places: Vec<Option<u64>> = all
                .map(|at| place_of(mode, at, length))
                .collect::<Result<_>>()?;
            let is_constant = mode == "constant";
            let coords = std::mem::take(&mut out.coords);
            for variable in out.variables.values_mut() {
                *variable = variable.at_places(dim, &places, &fill)?;
            }
            for (name, coord) in coords {
                let is_own = coord.axis(dim).is_some();
                // Labels are repeated only where values are, and by modes that repeat labels in order.
                let fill = if is_own && is_constant {
                    &Fill::Missing
                } else {
                    &fill
                };
                out.coords.insert(
                    name,
                    coord.at_places(dim, &places, fill)?.at_hand(call.session)?,
                );
            }
        }
        Ok(out)
    })
}

/// Where the value at `at`, which may lie outside, comes from.
fn place_of(mode: &str, at: i64, length: i64) -> Result<Option<u64>> {
    let last = (length - 1).max(0);
    let place = match mode {
        "constant" if (0..length).contains(&at) => at,
        "constant" => return Ok(None),
        "edge" => at.clamp(0, last),
        "wrap" => at.rem_euclid(length.max(1)),
        "reflect" => {
            let folded = at.rem_euclid((2 * last).max(1));
            if folded > last {
                2 * last - folded
            } else {
                folded
            }
        }
        "symmetric" => {
            let folded = at.rem_euclid((2 * length).max(1));
            if folded > last {
                2 * length - 1 - folded
            } else {
                folded
            }
        }
        other => {
            return Err(Error::unsupported(format!("padding by `{other}`"))
                .hint("there are constant, edge, reflect, symmetric and wrap"));
        }
    };
    Ok(Some(place as u64))
}
