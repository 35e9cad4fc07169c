//! Names: other ones, new variables, fewer variables.

use super::names::{new_names, renamed};
use super::{not_on, on_dataset};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::labels::{DataArray, Dataset};
use craton_core::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "rename",
        &[Receiver::DataArray],
        "new_name_or_name_dict=None, **names",
        "Another name for the array, or other names for its dimensions and coordinates.",
        &[
            "ds.t2m.rename(\"temperature\")",
            "ds.t2m.rename({\"lat\": \"latitude\"})",
        ],
        rename,
    ),
    method(
        "rename",
        &[Receiver::Dataset],
        "name_dict=None, **names",
        "Other names for variables, dimensions and coordinates.",
        &["ds.rename(t2m=\"temperature\", lat=\"latitude\")"],
        rename,
    ),
    method(
        "drop_vars",
        LABELLED,
        "names, *, errors='raise'",
        "Without some variables or coordinates.",
        &["ds.drop_vars(\"tp\")", "ds.t2m.drop_vars(\"time\")"],
        drop_vars,
    ),
    method(
        "assign",
        &[Receiver::Dataset],
        "variables=None, **variables_kwargs",
        "With further variables, or others in their place.",
        &["ds.assign(celsius=ds.t2m - 273.15)"],
        assign,
    ),
];

fn rename(call: &Call<'_>) -> Result<Value> {
    let object = call.object;
    if let (Value::Array(array), Some(Value::Text(name))) =
        (object, call.get("new_name_or_name_dict"))
    {
        return Ok(Value::Array(array.renamed(Some(name.clone()))));
    }
    let names = match object {
        Value::Array(_) => "new_name_or_name_dict",
        _ => "name_dict",
    };
    let names = new_names(call, names)?;
    on_dataset(call, |dataset| {
        for (old, new) in &names {
            let is_dim = dataset.length(old).is_ok();
            if !is_dim {
                dataset.array(old)?;
            }
            let is_known = dataset.get(new).is_some() || dataset.length(new).is_ok();
            let is_kept = is_known && !names.iter().any(|(other, _)| other == new);
            let is_twice = names.iter().filter(|(_, other)| other == new).count() > 1;
            if is_kept || is_twice {
                return Err(Error::invalid(format!("there would be two of `{new}`")));
            }
        }
        let is_variable = |(old, _): &&(String, String)| dataset.get(old).is_some();
        let variables: Vec<_> = names.iter().filter(is_variable).cloned().collect();
        renamed(dataset, &variables, &names)
    })
}

fn drop_vars(call: &Call<'_>) -> Result<Value> {
    let names = &call.texts("names")?.unwrap_or_default();
    let passes = match call.text("errors")? {
        None | Some("raise") => false,
        Some("ignore") => true,
        Some(_) => return Err(Error::usage("`errors` is \"raise\" or \"ignore\"")),
    };
    match call.object {
        Value::Array(array) => {
            let mut out = array.clone();
            for name in names {
                if out.coords.shift_remove(name).is_none() && !passes {
                    return Err(Error::not_found(format!("no coordinate `{name}`")));
                }
            }
            Ok(Value::Array(out))
        }
        Value::Dataset(dataset) => {
            let mut out = dataset.clone();
            for name in names {
                if out.variables.shift_remove(name).is_none()
                    && out.coords.shift_remove(name).is_none()
                    && !passes
                {
                    dataset.array(name)?;
                }
            }
            Ok(Value::Dataset(out))
        }
        _ => Err(not_on(call)),
    }
}

fn assign(call: &Call<'_>) -> Result<Value> {
    let Value::Dataset(dataset) = call.object else {
        return Err(not_on(call));
    };
    let mut arrays: Vec<(String, DataArray)> = dataset
        .arrays()?
        .into_iter()
        .map(|array| (array.name.clone().unwrap_or_default(), array))
        .collect();
    for (name, value) in call.pairs("variables")? {
        let array = value.to_array(vec![name.clone()])?;
        arrays.retain(|(known, _)| *known != name);
        arrays.push((name, array));
    }
    let mut out = Dataset::from_arrays(arrays)?;
    out.attributes = dataset.attributes.clone();
    Ok(Value::Dataset(out))
}
