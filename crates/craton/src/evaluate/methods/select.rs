//! Selection by position and by label.

use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::index::{mask_positions, position};
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::evaluate::value::is_plain;
use crate::labels::{
    self, DataArray, Dataset, Label, LabelSelection, Pointwise, Variable, levels_of,
};
use crate::session::Session;
use craton_core::{Block, DType, Error, Result};

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
            "ds.t2m.sel(lat=xr.DataArray([50, 60], dims=\"town\"), lon=xr.DataArray([10, 30], dims=\"town\"), method=\"nearest\")",
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
    let taken = select(call.object, &pairs, |array, dim, value| {
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
    })?;
    at_points(call, taken, &pairs, |dataset, dim, values| {
        let length = dataset.length(dim)?;
        let place = |value: craton_core::Scalar| {
            let at = value.to_i64().filter(|_| values.dtype().is_integer());
            let at =
                at.ok_or_else(|| Error::usage(format!("positions of `{dim}` are integers")))?;
            labels::position(at, length, dim)
        };
        values.scalars().map(place).collect()
    })
}

/// Selects along one dimension after the other, but for what [`at_points`] does.
fn select(
    object: &Value,
    selections: &[(String, Value)],
    take: impl Fn(&DataArray, &str, &Value) -> Result<DataArray>,
) -> Result<Value> {
    let mut out = object.clone();
    let one_by_one = selections
        .iter()
        .filter(|(dim, value)| points(dim, value).is_none());
    for (dim, value) in one_by_one {
        let take = |array: &DataArray| take(array, dim, value);
        out = match &out {
            Value::Dataset(dataset) => Value::Dataset(dataset.select(dim, take)?),
            other => other.map_arrays("a selection", take)?,
        };
    }
    Ok(out)
}

/// An array whose own dimensions take the place of the dimension that it selects along.
fn points<'a>(dim: &str, value: &'a Value) -> Option<&'a DataArray> {
    let Value::Array(array) = value else {
        return None;
    };
    let is_named = array.variable.dtype() != DType::Bool && !is_plain(&array.variable);
    let is_along = matches!(array.dims(), [own] if own == dim);
    (is_named && !is_along && !array.dims().is_empty()).then_some(array)
}

/// Selects the points that arrays with dimensions of their own name together. `places` gives the positions of values.
fn at_points(
    call: &Call<'_>,
    object: Value,
    selections: &[(String, Value)],
    places: impl Fn(&Dataset, &str, &Block) -> Result<Vec<u64>>,
) -> Result<Value> {
    let wanted = selections.iter();
    let wanted: Vec<(&String, &DataArray)> = wanted
        .filter_map(|(dim, value)| Some((dim, points(dim, value)?)))
        .collect();
    if wanted.is_empty() {
        return Ok(object);
    }
    let change = |dataset: &Dataset| {
        let point = |(dim, array): &(&String, &DataArray)| {
            let values = array.variable.values(call.session)?;
            let sizes = array.variable.sizes();
            Ok(Pointwise {
                dim: (*dim).clone(),
                positions: places(dataset, dim, &values)?,
                dims: sizes
                    .map(|(dim, length)| (dim.to_owned(), length))
                    .collect(),
                coords: array.coords.clone(),
            })
        };
        dataset.select_points(&wanted.iter().map(point).collect::<Result<Vec<_>>>()?)
    };
    match &object {
        Value::Array(array) => array.through_dataset(change).map(Value::Array),
        Value::Dataset(dataset) => change(dataset).map(Value::Dataset),
        _ => Err(super::not_on(call)),
    }
}

fn sel(call: &Call<'_>) -> Result<Value> {
    let method = super::arrange::reindex_method(call)?;
    let tolerance = call.distance("tolerance")?;
    let drops = call.is_true("drop")?;
    let (object, pairs) = at_levels(call, call.pairs("indexers")?)?;
    let taken = select(&object, &pairs, |array, dim, value| {
        if let Some(positions) = mask_positions(value, call.session)? {
            return array.select_positions(dim, &positions);
        }
        let selection = label_selection(value, call.session)?;
        let mut out = array.select_labels(dim, &selection, method, tolerance, call.session)?;
        if drops && out.variable.axis(dim).is_none() {
            out.coords.shift_remove(dim);
        }
        Ok(out)
    })?;
    at_points(call, taken, &pairs, |dataset, dim, values| {
        let labels: Vec<Label> = values.scalars().map(scalar_label).collect();
        dataset.label_places(dim, &labels, method, tolerance, call.session)
    })
}

/// The selections of levels of stacked dimensions, done: `sel(z=(60, 10))` and `sel(lat=60)`. The others are given back.
fn at_levels(
    call: &Call<'_>,
    selections: Vec<(String, Value)>,
) -> Result<(Value, Vec<(String, Value)>)> {
    let coords = match call.object {
        Value::Array(array) => &array.coords,
        Value::Dataset(dataset) => &dataset.coords,
        _ => return Err(super::not_on(call)),
    };
    let stacked = coords.keys();
    let stacked: Vec<(&String, Vec<String>)> = stacked
        .filter_map(|dim| Some((dim, levels_of(coords, dim)?)))
        .collect();
    let (mut wanted, mut others) = (Vec::new(), Vec::new());
    for (name, value) in selections {
        let own = stacked.iter().find(|(dim, _)| **dim == name);
        let parent = stacked.iter().find(|(_, levels)| levels.contains(&name));
        match (own, parent, &value) {
            (Some((dim, levels)), _, Value::Tuple(labels)) if labels.len() <= levels.len() => {
                for (level, label) in levels.iter().zip(labels) {
                    wanted.push((*dim, level.clone(), self::label(label, call.session)?));
                }
            }
            (_, Some((dim, _)), value) => {
                wanted.push((*dim, name, self::label(value, call.session)?));
            }
            _ => others.push((name, value)),
        }
    }
    let mut object = call.object.clone();
    for (dim, _) in stacked {
        let own = wanted.iter().filter(|(other, ..)| *other == dim);
        let own: Vec<(String, Label)> = own
            .map(|(_, level, label)| (level.clone(), label.clone()))
            .collect();
        if own.is_empty() {
            continue;
        }
        let change = |dataset: &Dataset| dataset.select_levels(dim, &own, call.session);
        object = match &object {
            Value::Array(array) => Value::Array(array.through_dataset(change)?),
            Value::Dataset(dataset) => Value::Dataset(change(dataset)?),
            _ => return Err(super::not_on(call)),
        };
    }
    Ok((object, others))
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
