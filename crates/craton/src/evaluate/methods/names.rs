//! Coordinates, attributes and names: further ones, other ones, fewer.

use super::{not_on, on_dataset};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method, property};
use crate::evaluate::value::is_plain;
use crate::labels::{DataArray, Dataset, Variable, rename_levels};
use craton_core::{AttributeValue, Attributes, Error, Result};

const DATASET: &[Receiver] = &[Receiver::Dataset];

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "assign_coords",
        LABELLED,
        "coords=None, **coords_kwargs",
        "With further coordinates, or others in their place.",
        &[
            "ds.assign_coords(lon=(ds.lon + 180) % 360 - 180)",
            "ds.t2m.assign_coords(day=(\"time\", ds.time.dt.day.values))",
        ],
        assign_coords,
    ),
    method(
        "assign_attrs",
        LABELLED,
        "*args, **kwargs",
        "With further attributes, or others in their place.",
        &["ds.t2m.assign_attrs(units=\"K\")"],
        assign_attrs,
    ),
    method(
        "drop_attrs",
        LABELLED,
        "*, deep=True",
        "Without attributes.",
        &["ds.drop_attrs()"],
        |call| {
            let deep = call.bool("deep")?.unwrap_or(true);
            let is_array = matches!(call.object, Value::Array(_));
            on_dataset(call, |dataset| {
                let mut out = dataset.clone();
                out.attributes.clear();
                if deep || is_array {
                    out.variables
                        .values_mut()
                        .for_each(|one| one.attributes.clear());
                }
                if deep {
                    out.coords
                        .values_mut()
                        .for_each(|one| one.attributes.clear());
                }
                Ok(out)
            })
        },
    ),
    method(
        "set_coords",
        DATASET,
        "names",
        "With some variables as coordinates.",
        &["ds.set_coords(\"tp\")"],
        |call| {
            let names = call.texts("names")?.unwrap_or_default();
            on_dataset(call, |dataset| {
                let mut out = dataset.clone();
                for name in &names {
                    match out.variables.shift_remove(name) {
                        Some(variable) => {
                            out.coords.insert(name.clone(), variable);
                        }
                        None => {
                            dataset.array(name)?;
                        }
                    }
                }
                Ok(out)
            })
        },
    ),
    method(
        "reset_coords",
        LABELLED,
        "names=None, *, drop=False",
        "With some coordinates as variables, or without them.",
        &[
            "ds.t2m.assign_coords(x=(\"time\", ds.time.dt.day.values)).reset_coords(\"x\", drop=True)",
        ],
        reset_coords,
    ),
    method(
        "swap_dims",
        LABELLED,
        "dims_dict=None, **dims_kwargs",
        "With another coordinate of a dimension as its name and labels.",
        &["ds.assign_coords(day=(\"time\", ds.time.dt.dayofyear.values)).swap_dims(time=\"day\")"],
        swap_dims,
    ),
    method(
        "rename_vars",
        DATASET,
        "name_dict=None, **names",
        "Other names for variables and coordinates, not for dimensions.",
        &["ds.rename_vars(t2m=\"temperature\")"],
        |call| {
            let names = new_names(call, "name_dict")?;
            on_dataset(call, |dataset| renamed(dataset, &names, &[]))
        },
    ),
    method(
        "rename_dims",
        DATASET,
        "dims_dict=None, **dims",
        "Other names for dimensions, not for variables and coordinates.",
        &["ds.rename_dims(lat=\"y\")"],
        |call| {
            let names = new_names(call, "dims_dict")?;
            on_dataset(call, |dataset| {
                for (old, new) in &names {
                    dataset.length(old)?;
                    if dataset.get(new).is_some() {
                        let message = format!("`{new}` is a variable already");
                        return Err(Error::invalid(message).hint("`.swap_dims` takes it for one"));
                    }
                }
                renamed(dataset, &[], &names)
            })
        },
    ),
    method(
        "drop_dims",
        DATASET,
        "drop_dims, *, errors='raise'",
        "Without the variables that have some dimensions.",
        &["ds.assign(mean=ds.t2m.mean(\"time\")).drop_dims(\"time\")"],
        |call| {
            let dims = call.texts("drop_dims")?.unwrap_or_default();
            let ignores = call.text("errors")? == Some("ignore");
            on_dataset(call, |dataset| {
                let mut out = dataset.clone();
                for dim in &dims {
                    if !ignores {
                        dataset.length(dim)?;
                    }
                    out.variables.retain(|_, one| one.axis(dim).is_none());
                    out.coords.retain(|_, one| one.axis(dim).is_none());
                }
                Ok(out)
            })
        },
    ),
    property(
        "coords",
        LABELLED,
        "The coordinates, by name.",
        &["ds.t2m.coords[\"lat\"]"],
        |call| {
            let dataset = match call.object {
                Value::Array(array) => array.as_dataset(),
                Value::Dataset(dataset) => dataset.clone(),
                _ => return Err(not_on(call)),
            };
            let pair = |name: &String| {
                Ok((
                    Value::Text(name.clone()),
                    Value::Array(dataset.array(name)?),
                ))
            };
            dataset
                .coords
                .keys()
                .map(pair)
                .collect::<Result<_>>()
                .map(Value::Dict)
        },
    ),
    property(
        "attrs",
        LABELLED,
        "The attributes, by name.",
        &["ds.t2m.assign_attrs(scale=2).attrs[\"scale\"] * ds.t2m"],
        |call| {
            let attributes = match call.object {
                Value::Array(array) => &array.variable.attributes,
                Value::Dataset(dataset) => &dataset.attributes,
                _ => return Err(not_on(call)),
            };
            let pair = |(name, value): (&String, &AttributeValue)| {
                Some((Value::Text(name.clone()), Value::of_attribute(value)?))
            };
            Ok(Value::Dict(attributes.iter().filter_map(pair).collect()))
        },
    ),
    property(
        "name",
        &[Receiver::DataArray],
        "The name of the array.",
        &["ds.t2m.rename(ds.tp.name)"],
        |call| match call.object {
            Value::Array(array) => Ok(array.name.clone().map_or(Value::None, Value::Text)),
            _ => Err(not_on(call)),
        },
    ),
];

/// A coordinate or variable from what was given: an array, a number, a list, or dimensions with values.
pub(in crate::evaluate) fn variable_of(
    call: &Call<'_>,
    name: &str,
    value: &Value,
) -> Result<(Variable, Option<DataArray>)> {
    match value {
        Value::Array(array) if is_plain(&array.variable) && array.dims().len() == 1 => {
            let mut variable = array.variable.clone();
            variable.dims = vec![name.to_owned()];
            Ok((variable, None))
        }
        Value::Array(array) => Ok((array.variable.clone(), Some(array.clone()))),
        Value::Tuple(items) => {
            let (Some(dims), Some(values)) =
                (items.first().and_then(Value::as_texts), items.get(1))
            else {
                return Err(Error::usage(format!(
                    "`{name}` is given as (dimensions, values)"
                )));
            };
            let mut variable = match values {
                Value::Array(array) => array.variable.clone(),
                other => other.to_variable()?,
            };
            if variable.dims.len() != dims.len() {
                let message = format!("{} dimensions for the values of `{name}`", dims.len());
                return Err(Error::invalid(message));
            }
            variable.dims = dims;
            variable.attributes = match items.get(2) {
                Some(Value::Dict(pairs)) => attributes_of(pairs)?,
                Some(other) => {
                    return Err(Error::usage(format!("attributes of {}", other.kind())));
                }
                None => Attributes::new(),
            };
            Ok((variable, None))
        }
        Value::List(_) => {
            let array = value.to_array(vec![name.to_owned()])?;
            Ok((array.variable, None))
        }
        Value::Number(..) | Value::Text(_) => Ok((value.to_array(Vec::new())?.variable, None)),
        other => {
            let message = format!("`{}` of {}", call.name(), other.kind());
            Err(Error::usage(message))
        }
    }
}

/// Attributes as written in a dict.
pub(in crate::evaluate) fn attributes_of(pairs: &[(Value, Value)]) -> Result<Attributes> {
    let mut out = Attributes::new();
    for (name, value) in pairs {
        let name = name
            .as_text()
            .ok_or_else(|| Error::usage("the name of an attribute is a text"))?;
        out.insert(name.to_owned(), value.to_attribute()?);
    }
    Ok(out)
}

fn assign_coords(call: &Call<'_>) -> Result<Value> {
    let pairs = call.pairs("coords")?;
    let is_array = matches!(call.object, Value::Array(_));
    on_dataset(call, |dataset| {
        let mut out = dataset.clone();
        let sizes = dataset.sizes();
        for (name, value) in &pairs {
            let (variable, array) = variable_of(call, name, value)?;
            for (dim, length) in variable.sizes() {
                match sizes.get(dim) {
                    Some(known) if *known != length => {
                        let message = format!(
                            "`{name}` has {length} values along `{dim}`, which has {known}"
                        );
                        return Err(Error::invalid(message));
                    }
                    None if is_array => {
                        let message =
                            format!("`{name}` has the dimension `{dim}`, which the array lacks");
                        return Err(Error::invalid(message));
                    }
                    _ => {}
                }
            }
            if variable.dims.len() > 1 && variable.dims.contains(name) {
                let message = format!("`{name}` has the name of one of its dimensions");
                return Err(Error::invalid(message));
            }
            for (other, coord) in array.into_iter().flat_map(|array| array.coords) {
                let keeps = coord.dims.iter().all(|dim| sizes.contains_key(dim));
                if keeps && out.get(&other).is_none() && other != *name {
                    out.coords.insert(other, coord);
                }
            }
            let variable = match variable.dims.len() {
                0 | 1 => variable.at_hand(call.session)?,
                _ => variable,
            };
            out.variables.shift_remove(name);
            out.coords.insert(name.clone(), variable);
        }
        Ok(out)
    })
}

fn assign_attrs(call: &Call<'_>) -> Result<Value> {
    let mut further = Attributes::new();
    for value in &call.positional {
        let Value::Dict(pairs) = value else {
            return Err(Error::usage("attributes are given in a dict or by name"));
        };
        further.extend(attributes_of(pairs)?);
    }
    for (name, value) in &call.others {
        further.insert(name.clone(), value.to_attribute()?);
    }
    let mut out = call.object.clone();
    match &mut out {
        Value::Array(array) => array.variable.attributes.extend(further),
        Value::Dataset(dataset) => dataset.attributes.extend(further),
        _ => return Err(not_on(call)),
    }
    Ok(out)
}

fn reset_coords(call: &Call<'_>) -> Result<Value> {
    let drops = call.is_true("drop")?;
    let names = call.texts("names")?;
    let reset = |dataset: &Dataset| -> Result<Dataset> {
        let is_index = |name: &String| dataset.index(name).is_some();
        let names = match &names {
            Some(names) => names.clone(),
            None => {
                let all = dataset.coords.keys();
                all.filter(|name| !is_index(name)).cloned().collect()
            }
        };
        let mut out = dataset.clone();
        for name in names {
            if is_index(&name) {
                let message = format!("`{name}` holds the labels of its dimension");
                return Err(Error::invalid(message)
                    .hint(format!("`.drop_vars(\"{name}\")` takes them away")));
            }
            let Some(coord) = out.coords.shift_remove(&name) else {
                return Err(Error::not_found(format!("no coordinate `{name}`")));
            };
            if !drops {
                out.variables.insert(name, coord);
            }
        }
        Ok(out)
    };
    match call.object {
        Value::Array(array) if !drops => {
            let own = array
                .name
                .clone()
                .ok_or_else(|| Error::invalid("an array without a name cannot become a dataset"))?;
            // As in xarray the coordinates become variables beside the array.
            let mut dataset = Dataset {
                coords: array.coords.clone(),
                ..Dataset::default()
            };
            dataset.variables.insert(own, array.variable.clone());
            reset(&dataset).map(Value::Dataset)
        }
        _ => on_dataset(call, reset),
    }
}

pub(super) fn new_names(call: &Call<'_>, name: &str) -> Result<Vec<(String, String)>> {
    let text = |(old, new): (String, Value)| match new.as_text() {
        Some(new) => Ok((old, new.to_owned())),
        None => Err(Error::usage("a new name must be a text")),
    };
    call.pairs(name)?.into_iter().map(text).collect()
}

fn new_name(names: &[(String, String)], old: &str) -> String {
    let found = names.iter().find(|(known, _)| known == old);
    found.map_or_else(|| old.to_owned(), |(_, new)| new.clone())
}

/// Variables and coordinates with other names, along dimensions with other names.
pub(super) fn renamed(
    dataset: &Dataset,
    names: &[(String, String)],
    dims: &[(String, String)],
) -> Result<Dataset> {
    if let Some((old, _)) = names.iter().find(|(old, _)| dataset.get(old).is_none()) {
        dataset.array(old)?;
    }
    let change = |(name, variable): (&String, &Variable)| {
        let mut variable = variable.clone();
        rename_levels(&mut variable, |level| new_name(names, level));
        for dim in &mut variable.dims {
            *dim = new_name(dims, dim);
        }
        (new_name(names, name), variable)
    };
    let mut out = dataset.clone();
    out.variables = dataset.variables.iter().map(change).collect();
    out.coords = dataset.coords.iter().map(change).collect();
    Ok(out)
}

fn swap_dims(call: &Call<'_>) -> Result<Value> {
    let swaps = new_names(call, "dims_dict")?;
    on_dataset(call, |dataset| {
        for (old, new) in &swaps {
            dataset.length(old)?;
            if let Some(found) = dataset.get(new)
                && found.dims != [old.clone()]
            {
                let message = format!("`{new}` does not run along `{old}` alone");
                return Err(Error::invalid(message));
            }
        }
        let mut out = renamed(dataset, &[], &swaps)?;
        for (_, new) in &swaps {
            if let Some(variable) = out.variables.shift_remove(new) {
                out.coords.insert(new.clone(), variable);
            }
            if let Some(coord) = out.coords.get_mut(new) {
                *coord = coord.at_hand(call.session)?;
            }
        }
        Ok(out)
    })
}
