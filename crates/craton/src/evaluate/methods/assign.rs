//! Names: other ones, new variables, fewer variables.

use super::not_on;
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
    let names = if matches!(object, Value::Array(_)) {
        "new_name_or_name_dict"
    } else {
        "name_dict"
    };
    let pairs = call.pairs(names)?;
    let names: Vec<(String, String)> = pairs
        .into_iter()
        .map(|(old, new)| match new.as_text() {
            Some(new) => Ok((old, new.to_owned())),
            None => Err(Error::usage("a new name must be a text")),
        })
        .collect::<Result<_>>()?;
    match object {
        Value::Array(array) => array.rename(&names).map(Value::Array),
        Value::Dataset(dataset) => {
            let new = |name: &str| {
                names
                    .iter()
                    .find(|(old, _)| old == name)
                    .map_or_else(|| name.to_owned(), |(_, new)| new.clone())
            };
            let mut arrays = Vec::new();
            for array in dataset.arrays()? {
                let name = new(array.name.as_deref().unwrap_or_default());
                arrays.push((name, array.rename(&names)?));
            }
            let mut out = Dataset::from_arrays(arrays)?;
            out.attributes = dataset.attributes.clone();
            Ok(Value::Dataset(out))
        }
        _ => Err(not_on(call)),
    }
}

fn drop_vars(call: &Call<'_>) -> Result<Value> {
    let names = &call.texts("names")?.unwrap_or_default();
    match call.object {
        Value::Array(array) => {
            let mut out = array.clone();
            for name in names {
                if out.coords.shift_remove(name).is_none() {
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
