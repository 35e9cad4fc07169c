//! Selection by position and by label.

use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::index::{mask_positions, position};
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::evaluate::value::is_plain;
use crate::labels::{DataArray, Label, LabelSelection, Variable};
use crate::session::Session;
use craton_core::{DType, Error, Result};

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "sel",
        LABELLED,
        "indexers=None, method=None, tolerance=None, drop=False, **indexers_kwargs",
        "What lies at labels: one, a list, a slice that includes both ends, a part of a date, or a condition.",
        &[
            "ds.sel(time=\"2001-01\")",
            "ds.t2m.sel(lat=slice(60, 0))",
            "ds.t2m.sel(lat=51.3, lon=7.2, method=\"nearest\")",
        ],
        sel,
    ),
    method(
        "isel",
        LABELLED,
        "indexers=None, drop=False, missing_dims='raise', **indexers_kwargs",
        "What lies at positions, counted from 0, or from the end if negative.",
        &["ds.isel(time=0)", "ds.t2m.isel(lat=slice(None, None, 2))"],
        isel,
    ),
];

fn isel(call: &Call<'_>) -> Result<Value> {
    let drops = call.is_true("drop")?;
    let mut pairs = call.pairs("indexers")?;
    if matches!(call.text("missing_dims")?, Some("ignore" | "warn")) {
        let dims: Vec<String> = match call.object {
            Value::Dataset(dataset) => dataset.sizes().into_keys().collect(),
            Value::Array(array) => array.dims().to_vec(),
            _ => Vec::new(),
        };
        pairs.retain(|(dim, _)| dims.contains(dim));
    }
    select(call.object, &pairs, |array, dim, value| {
        let mut out = array.select_positions_or_none(
            dim,
            &position(value, call.session)?,
            call.session.allows_empty(),
        )?;
        if drops {
            let is_lost = |name: &String, coord: &Variable| {
                coord.dims.is_empty() && !array.coords[name].dims.is_empty()
            };
            out.coords.retain(|name, coord| !is_lost(name, coord));
        }
        Ok(out)
    })
}

fn select(
    object: &Value,
    selections: &[(String, Value)],
    take: impl Fn(&DataArray, &str, &Value) -> Result<DataArray>,
) -> Result<Value> {
    let mut out = object.clone();
    for (dim, value) in selections {
        let take = |array: &DataArray| match new_dim(dim, value) {
            None => take(array, dim, value),
            Some((new, labels)) => along_new_dim(&take(array, dim, value)?, dim, new, labels),
        };
        out = match &out {
            Value::Dataset(dataset) => Value::Dataset(dataset.select(dim, take)?),
            other => other.map_arrays("a selection", take)?,
        };
    }
    Ok(out)
}

/// The dimension of an array that selects along another one, which takes that one's place.
fn new_dim<'a>(dim: &str, value: &'a Value) -> Option<(&'a str, &'a DataArray)> {
    let Value::Array(array) = value else {
        return None;
    };
    let is_named = array.variable.dtype() != DType::Bool && !is_plain(&array.variable);
    match array.dims() {
        [new] if *new != dim && is_named => Some((new, array)),
        _ => None,
    }
}

fn along_new_dim(array: &DataArray, dim: &str, new: &str, labels: &DataArray) -> Result<DataArray> {
    if array.variable.axis(new).is_some() {
        let message = format!("points along `{new}`, given for several dimensions at once");
        return Err(Error::unsupported(message).hint("select point by point, and `xr.concat` them"));
    }
    let mut out = array.clone();
    let rename = |variable: &mut Variable| {
        for name in &mut variable.dims {
            if name == dim {
                new.clone_into(name);
            }
        }
    };
    rename(&mut out.variable);
    out.coords.values_mut().for_each(rename);
    for (name, coord) in &labels.coords {
        if !out.coords.contains_key(name) {
            out.coords.insert(name.clone(), coord.clone());
        }
    }
    Ok(out)
}

fn sel(call: &Call<'_>) -> Result<Value> {
    let method = super::arrange::reindex_method(call)?;
    let tolerance = call.number("tolerance")?;
    let drops = call.is_true("drop")?;
    select(
        call.object,
        &call.pairs("indexers")?,
        |array, dim, value| {
            if let Some(positions) = mask_positions(value, call.session)? {
                return array.select_positions(dim, &positions);
            }
            let selection = label_selection(value, call.session)?;
            let mut out = array.select_labels(dim, &selection, method, tolerance, call.session)?;
            if drops && out.variable.axis(dim).is_none() {
                out.coords.shift_remove(dim);
            }
            Ok(out)
        },
    )
}

pub(super) fn label_selection(value: &Value, session: &Session) -> Result<LabelSelection> {
    Ok(match value {
        Value::Slice(parts) => {
            let part = |part: &Value| match part {
                Value::None => Ok(None),
                other => label(other, session).map(Some),
            };
            LabelSelection::Slice(part(&parts[0])?, part(&parts[1])?, parts[2].as_i64())
        }
        Value::List(items) => LabelSelection::List(
            items
                .iter()
                .map(|item| label(item, session))
                .collect::<Result<_>>()?,
        ),
        Value::Array(array) if !array.dims().is_empty() => {
            let labels = array.variable.values(session)?;
            LabelSelection::List(labels.scalars().map(scalar_label).collect())
        }
        other => LabelSelection::At(label(other, session)?),
    })
}

fn scalar_label(scalar: craton_core::Scalar) -> Label {
    match scalar.to_text() {
        Some(text) => Label::Text(text),
        None => Label::Number(scalar),
    }
}

fn label(value: &Value, session: &Session) -> Result<Label> {
    match value {
        Value::Number(number, _) => Ok(Label::Number(number.clone())),
        Value::Text(text) => Ok(Label::Text(text.clone())),
        Value::Array(array) if array.dims().is_empty() => {
            let value = array.variable.values(session)?.get(0);
            value
                .map(scalar_label)
                .ok_or_else(|| Error::internal("a scalar without a value"))
        }
        other => Err(Error::usage(format!(
            "a label must be a number or a text, not {}",
            other.kind()
        ))),
    }
}
