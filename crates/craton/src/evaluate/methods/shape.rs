//! Dimensions in another order, new ones, fewer ones.

use super::not_on;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use craton_core::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "transpose",
        LABELLED,
        "*dim, transpose_coords=True, missing_dims='raise'",
        "The dimensions in another order; `...` stands for those that are not named.",
        &[
            "ds.t2m.transpose(\"lon\", \"lat\", \"time\")",
            "ds.t2m.transpose(..., \"time\")",
        ],
        transpose,
    ),
    method(
        "squeeze",
        LABELLED,
        "dim=None, drop=False, axis=None",
        "Without dimensions of length 1.",
        &["ds.t2m.isel(time=[0]).squeeze(\"time\")"],
        squeeze,
    ),
    method(
        "expand_dims",
        LABELLED,
        "dim=None",
        "With a new first dimension of length 1.",
        &["ds.t2m.expand_dims(\"member\")"],
        expand_dims,
    ),
    method(
        "to_dataset",
        &[Receiver::DataArray],
        "dim=None, *, name=None, promote_attrs=False",
        "A dataset with the array as its only variable.",
        &["ds.t2m.to_dataset(name=\"temperature\")"],
        to_dataset,
    ),
];

fn transpose(call: &Call<'_>) -> Result<Value> {
    let wanted = &call.positional;
    let is_name_or_dots = |dim: &&Value| dim.as_text().is_some() || matches!(dim, Value::None);
    if let Some(other) = wanted.iter().find(|dim| !is_name_or_dots(dim)) {
        let message = format!(
            "`transpose` takes names of dimensions, not {}",
            other.kind()
        );
        return Err(Error::usage(message));
    }
    let names: Vec<&str> = wanted.iter().filter_map(Value::as_text).collect();
    call.object.map_arrays(call.name(), |array| {
        let rest = || {
            let others = array.dims().iter();
            others.filter(|dim| !names.contains(&dim.as_str())).cloned()
        };
        let dims = wanted.iter().flat_map(|dim| match dim.as_text() {
            Some(dim) => vec![dim.to_owned()],
            None => rest().collect(),
        });
        array.transpose(&dims.collect::<Vec<_>>())
    })
}

fn squeeze(call: &Call<'_>) -> Result<Value> {
    let dims = call.texts("dim")?;
    let drops = call.is_true("drop")?;
    call.object.map_arrays(call.name(), |array| {
        let mut out = array.squeeze(dims.as_deref())?;
        if drops {
            out.coords.retain(|_, coord| !coord.dims.is_empty());
        }
        Ok(out)
    })
}

fn expand_dims(call: &Call<'_>) -> Result<Value> {
    let dims = call.texts("dim")?.unwrap_or_default();
    call.object.map_arrays(call.name(), |array| {
        dims.iter()
            .rev()
            .try_fold(array.clone(), |array, dim| array.expand_dims(dim))
    })
}

fn to_dataset(call: &Call<'_>) -> Result<Value> {
    call.only("dim", "")?;
    match call.object {
        Value::Array(array) => array.to_dataset(call.text("name")?).map(Value::Dataset),
        _ => Err(not_on(call)),
    }
}
