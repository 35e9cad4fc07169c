//! Dimensions in another order, new ones, fewer ones.

use super::{not_on, on_dataset};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::labels::{DataArray, Dataset, PositionSelection, Variable};
use craton_core::{Error, Result};
use craton_kernels::promote::promote;
use craton_plan::ops::{self, AxisIndex, broadcast_axes};

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
        "dim=None, axis=None, create_index_for_new_dim=True, **dim_kwargs",
        "With new dimensions, first or at some place, of length 1 or with labels.",
        &[
            "ds.t2m.expand_dims(\"member\")",
            "ds.t2m.expand_dims(member=[1, 2])",
        ],
        expand_dims,
    ),
    method(
        "to_dataset",
        &[Receiver::DataArray],
        "dim=None, *, name=None, promote_attrs=False",
        "A dataset with the array as its only variable, or with one for each label of a dimension.",
        &["ds.t2m.to_dataset(name=\"temperature\")"],
        to_dataset,
    ),
    method(
        "to_dataarray",
        &[Receiver::Dataset],
        "dim='variable', name=None",
        "All variables as one array, along a new first dimension.",
        &["ds.to_dataarray().mean(\"variable\")"],
        to_dataarray,
    )
    .also(&["to_array"]),
];

fn transpose(call: &Call<'_>) -> Result<Value> {
    let wanted = &call.positional;
    let is_name_or_dots = |dim: &&Value| dim.as_text().is_some() || matches!(dim, Value::Ellipsis);
    if let Some(other) = wanted.iter().find(|dim| !is_name_or_dots(dim)) {
        let message = format!(
            "`transpose` takes names of dimensions, not {}",
            other.kind()
        );
        return Err(Error::usage(message));
    }
    let names: Vec<&str> = wanted.iter().filter_map(Value::as_text).collect();
    if let Value::Dataset(dataset) = call.object {
        for name in &names {
            dataset.length(name)?;
        }
        let has_dots = wanted.iter().any(|dim| matches!(dim, Value::Ellipsis));
        if !names.is_empty() && !has_dots && names.len() != dataset.sizes().len() {
            let message = "`transpose` needs all of the dimensions, or `...` for the others";
            return Err(Error::invalid(message));
        }
        let changed = dataset.map_all(|_, variable| transposed(variable, wanted, &names));
        return changed.map(Value::Dataset);
    }
    call.object.map_arrays(call.name(), |array| {
        let rest = || {
            let others = array.dims().iter();
            others.filter(|dim| !names.contains(&dim.as_str())).cloned()
        };
        let dims = wanted.iter().flat_map(|dim| match dim.as_text() {
            Some(dim) => vec![dim.to_owned()],
            None => rest().collect(),
        });
        let mut out = array.transpose(&dims.collect::<Vec<_>>())?;
        // Coordinates of several dimensions turn with the array.
        let order = out.dims().to_vec();
        for coord in out.coords.values_mut() {
            let own = order.iter().filter(|dim| coord.dims.contains(dim)).cloned();
            *coord = coord.transposed(&own.collect::<Vec<_>>())?.settled()?;
        }
        Ok(out)
    })
}

/// A variable of a dataset, with those of the wanted dimensions that it has.
fn transposed(variable: &Variable, wanted: &[Value], names: &[&str]) -> Result<Variable> {
    let own = || variable.dims.iter();
    let dims: Vec<String> = if wanted.is_empty() {
        own().rev().cloned().collect()
    } else {
        let part = |dim: &Value| match dim.as_text() {
            Some(dim) => own().filter(|own| *own == dim).cloned().collect::<Vec<_>>(),
            None => own()
                .filter(|own| !names.contains(&own.as_str()))
                .cloned()
                .collect(),
        };
        wanted.iter().flat_map(part).collect()
    };
    variable.transposed(&dims)
}

fn squeeze(call: &Call<'_>) -> Result<Value> {
    call.only("axis", "")?;
    let dims = call.texts("dim")?;
    let drops = call.is_true("drop")?;
    on_dataset(call, |dataset| {
        let sizes = dataset.sizes();
        let all = || {
            let single = sizes.iter().filter(|(_, length)| **length == 1);
            single.map(|(dim, _)| dim.clone()).collect()
        };
        let dims: Vec<String> = dims.clone().unwrap_or_else(all);
        for dim in &dims {
            let length = dataset.length(dim)?;
            if length != 1 {
                let message = format!("cannot squeeze dimension `{dim}` of length {length}");
                return Err(Error::invalid(message));
            }
        }
        let mut out = dataset.map_all(|_, variable| {
            let taken: Vec<AxisIndex> = variable
                .sizes()
                .map(
                    |(dim, length)| match dims.iter().any(|other| other == dim) {
                        true => AxisIndex::At(0),
                        false => AxisIndex::all(length),
                    },
                )
                .collect();
            let kept = variable.dims.iter().filter(|dim| !dims.contains(dim));
            let kept = kept.cloned().collect();
            let node = ops::index(&variable.node, &taken)?;
            Variable::new(kept, node, variable.attributes.clone())
        })?;
        if drops {
            let was_scalar = |name: &String| dataset.coords[name].dims.is_empty();
            out.coords
                .retain(|name, coord| !coord.dims.is_empty() || was_scalar(name));
        }
        Ok(out)
    })
}

/// A new dimension: its name, its length, and its labels if there are some.
struct NewDim {
    name: String,
    length: u64,
    labels: Option<Variable>,
}

fn new_dims(call: &Call<'_>) -> Result<Vec<NewDim>> {
    let plain = |name: &str| NewDim {
        name: name.to_owned(),
        length: 1,
        labels: None,
    };
    let mut dims = Vec::new();
    let mut pairs = call.others.clone();
    match call.get("dim") {
        None => {}
        Some(Value::Dict(own)) => {
            for (name, value) in own {
                let name = name
                    .as_text()
                    .ok_or_else(|| Error::usage("a dimension is named by a text"))?;
                pairs.push((name.to_owned(), value.clone()));
            }
        }
        Some(names) => {
            let names = names
                .as_texts()
                .ok_or_else(|| Error::usage("`dim` is a name, a list of names, or a dict"))?;
            dims.extend(names.iter().map(|name| plain(name)));
        }
    }
    for (name, value) in pairs {
        if let Some(length) = value.as_i64() {
            let length = u64::try_from(length)
                .map_err(|_| Error::usage(format!("`{name}` needs a length of 0 or more")))?;
            dims.push(NewDim {
                name,
                length,
                labels: None,
            });
            continue;
        }
        let labels = match &value {
            Value::Array(array) => array.variable.at_hand(call.session)?,
            other => other.to_array(vec![name.clone()])?.variable,
        };
        if labels.dims.len() != 1 {
            return Err(Error::invalid("labels have one dimension"));
        }
        let labels = Variable::new(vec![name.clone()], labels.node, labels.attributes)?;
        dims.push(NewDim {
            length: labels.shape()[0],
            name,
            labels: Some(labels),
        });
    }
    Ok(dims)
}

fn expand_dims(call: &Call<'_>) -> Result<Value> {
    let new = new_dims(call)?;
    let axes: Option<Vec<i64>> = match call.get("axis") {
        None => None,
        Some(axis) => {
            let items = axis
                .items()
                .map_or_else(|| vec![axis.clone()], <[Value]>::to_vec);
            let axes: Option<Vec<i64>> = items.iter().map(Value::as_i64).collect();
            let axes = axes.filter(|axes| axes.len() == new.len());
            Some(axes.ok_or_else(|| Error::usage("`axis` is a place for each new dimension"))?)
        }
    };
    on_dataset(call, |dataset| {
        let sizes = dataset.sizes();
        let mut out = dataset.clone();
        for dim in &new {
            let name = &dim.name;
            if sizes.contains_key(name) {
                return Err(Error::invalid(format!(
                    "there is a dimension `{name}` already"
                )));
            }
            if dataset.variables.contains_key(name) {
                return Err(Error::invalid(format!(
                    "there is a variable `{name}` already"
                )));
            }
            if let Some(coord) = dataset.coords.get(name) {
                if !coord.dims.is_empty() {
                    return Err(Error::invalid(format!(
                        "`{name}` runs along {:?}",
                        coord.dims
                    )));
                }
                let node = broadcast_axes(&coord.node, &[1], &[])?;
                let index = Variable::new(vec![name.clone()], node, coord.attributes.clone())?;
                out.coords
                    .insert(name.clone(), index.at_hand(call.session)?);
            }
            if let Some(labels) = &dim.labels {
                out.coords.insert(name.clone(), labels.clone());
            }
        }
        for variable in out.variables.values_mut() {
            *variable = expanded(variable, &new, axes.as_deref())?;
        }
        Ok(out)
    })
}

fn expanded(variable: &Variable, new: &[NewDim], axes: Option<&[i64]>) -> Result<Variable> {
    let rank = variable.dims.len() + new.len();
    let mut places: Vec<Option<&NewDim>> = vec![None; rank];
    for (at, dim) in new.iter().enumerate() {
        let axis = axes.map_or(at as i64, |axes| axes[at]);
        let axis = if axis < 0 { axis + rank as i64 } else { axis };
        let place = usize::try_from(axis)
            .ok()
            .and_then(|axis| places.get_mut(axis));
        match place {
            Some(place) if place.is_none() => *place = Some(dim),
            _ => {
                return Err(Error::invalid(format!(
                    "no free place {axis} of {rank} dimensions"
                )));
            }
        }
    }
    let mut own = variable.sizes();
    let (mut dims, mut shape, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (at, place) in places.iter().enumerate() {
        match place {
            Some(dim) => {
                dims.push(dim.name.clone());
                shape.push(dim.length);
            }
            None => {
                let (name, length) = own
                    .next()
                    .ok_or_else(|| Error::internal("fewer dimensions than places"))?;
                dims.push(name.to_owned());
                shape.push(length);
                kept.push(at);
            }
        }
    }
    let node = broadcast_axes(&variable.node, &shape, &kept)?;
    Variable::new(dims, node, variable.attributes.clone())
}

fn to_dataset(call: &Call<'_>) -> Result<Value> {
    let Value::Array(array) = call.object else {
        return Err(not_on(call));
    };
    let Some(dim) = call.text("dim")? else {
        return array.to_dataset(call.text("name")?).map(Value::Dataset);
    };
    array.axis(dim)?;
    let index = array.index(dim).ok_or_else(|| {
        Error::invalid(format!(
            "the variables need names, and `{dim}` has no labels"
        ))
    })?;
    let names: Vec<String> = index
        .values(call.session)?
        .scalars()
        .map(|label| label.to_text().unwrap_or_else(|| label.to_string()))
        .collect();
    if index.dtype().is_numeric() {
        return Err(Error::unsupported("variables named by numbers")
            .hint("`.assign_coords` gives labels that are texts"));
    }
    let mut out = Dataset::default();
    let mut base = array.clone();
    base.coords.retain(|_, coord| coord.axis(dim).is_none());
    out.coords = base.coords;
    for (at, name) in names.into_iter().enumerate() {
        let picked = array.select_positions(dim, &PositionSelection::At(at as i64))?;
        out.variables.insert(name, picked.variable);
    }
    Ok(Value::Dataset(out))
}

fn to_dataarray(call: &Call<'_>) -> Result<Value> {
    let Value::Dataset(dataset) = call.object else {
        return Err(not_on(call));
    };
    let dim = call.text("dim")?.unwrap_or("variable").to_owned();
    let variables: Vec<&Variable> = dataset.variables.values().collect();
    if variables.is_empty() {
        return Err(Error::invalid("a dataset without variables makes no array"));
    }
    let mut sizes: indexmap::IndexMap<String, u64> = indexmap::IndexMap::new();
    for variable in &variables {
        for (name, length) in variable.sizes() {
            sizes.entry(name.to_owned()).or_insert(length);
        }
    }
    let (dims, shape): (Vec<String>, Vec<u64>) = sizes.into_iter().unzip();
    let dtype = variables
        .iter()
        .map(|one| Some(one.dtype()))
        .reduce(|one, other| promote(one?, other?))
        .flatten()
        .ok_or_else(|| Error::invalid("the variables have no type in common"))?;
    let parts = variables
        .iter()
        .map(|one| ops::cast(&one.expanded_to(&dims, &shape)?, dtype));
    let node = ops::stack(&parts.collect::<Result<Vec<_>>>()?, 0)?;
    let names: Vec<Value> = dataset.variables.keys().cloned().map(Value::Text).collect();
    let labels = Value::List(names).to_array(vec![dim.clone()])?.variable;
    let attributes = dataset.attributes.clone();
    let variable = Variable::new([vec![dim.clone()], dims].concat(), node, attributes)?;
    let mut coords = dataset.coords.clone();
    coords.insert(dim, labels);
    Ok(Value::Array(DataArray {
        name: call.text("name")?.map(str::to_owned),
        variable,
        coords,
    }))
}
