//! Methods and properties of arrays, datasets, groups and windows, one file per family.

mod along;
mod arrange;
mod assign;
mod calculus;
mod coarsen;
mod conventions;
mod dates;
mod drop;
mod elementwise;
mod group;
mod missing;
mod names;
mod properties;
mod quantile;
mod reduce;
mod resample;
mod select;
mod shape;
mod stack;
mod statistics;
mod texts;
mod tree;
mod window;

pub(super) use elementwise::{clip, decimals, rounded};
pub(super) use missing::chosen;
pub(super) use names::{attributes_of, variable_of};
pub(super) use texts::{operator_of_texts, sliced};
pub(super) use tree::over_datasets;

use super::arguments::{Arguments, Call};
use super::registry::{self, Entry, Receiver};
use super::{Value, functions};
use crate::labels::{DataArray, Dataset};
use crate::session::Session;
use craton_core::{DType, Error, Result};

/// The families; a method is one entry in one of them.
pub(super) const FAMILIES: &[&[Entry]] = &[
    select::ENTRIES,
    reduce::ENTRIES,
    quantile::ENTRIES,
    group::ENTRIES,
    resample::ENTRIES,
    coarsen::ENTRIES,
    window::ENTRIES,
    missing::ENTRIES,
    along::ENTRIES,
    elementwise::ENTRIES,
    arrange::ENTRIES,
    drop::ENTRIES,
    shape::ENTRIES,
    stack::ENTRIES,
    assign::ENTRIES,
    conventions::ENTRIES,
    names::ENTRIES,
    calculus::ENTRIES,
    statistics::ENTRIES,
    properties::ENTRIES,
    dates::ENTRIES,
    texts::ENTRIES,
    texts::bytes::ENTRIES,
    texts::pieces::ENTRIES,
    texts::wrap::ENTRIES,
    tree::ENTRIES,
];

/// `object.name`.
pub(super) fn attribute(object: &Value, name: &str, session: &Session) -> Result<Value> {
    let receiver = Receiver::of(object);
    let entry = receiver.and_then(|receiver| registry::find(receiver, name));
    if let Some(entry) = entry.filter(|entry| entry.signature.is_none()) {
        return Call::run(entry, name, object, Arguments::default(), session);
    }
    let found = match object {
        Value::Array(array) if array.coords.contains_key(name) => {
            return Ok(Value::Array(coordinate(array, name)));
        }
        Value::Dataset(dataset) => dataset.array(name).map(Value::Array),
        Value::Tree(tree) => super::index::member_of_tree(tree, name),
        Value::Namespace(namespace) if entry.is_some() => {
            return Ok(Value::Function(*namespace, name.to_owned()));
        }
        Value::Namespace(namespace) => functions::constant(*namespace, name),
        other => Err(match receiver {
            Some(receiver @ (Receiver::Dates | Receiver::Texts)) => {
                registry::unknown(receiver, name)
            }
            _ => Error::usage(format!("{} has no attribute `{name}`", other.kind())),
        }),
    };
    match (found, entry) {
        (Err(_), Some(_)) => {
            let message = format!("`{name}` is a method");
            Err(Error::usage(message).hint(format!("call it: `.{name}(…)`")))
        }
        (found, _) => found,
    }
}

/// A coordinate as an array with the coordinates along its dimensions.
fn coordinate(array: &DataArray, name: &str) -> DataArray {
    let coord = array.with_variable(array.coords[name].clone());
    coord.renamed(Some(name.to_owned()))
}

/// `object.name(arguments)`.
pub(super) fn call(
    object: &Value,
    name: &str,
    arguments: Arguments,
    session: &Session,
) -> Result<Value> {
    let Some(receiver) = Receiver::of(object) else {
        let message = format!("{} has no method `{name}`", object.kind());
        return Err(Error::usage(message));
    };
    if let Value::Several(dataset, parts) = object {
        return several(dataset, parts, name, &arguments, session);
    }
    let entry = registry::find(receiver, name).ok_or_else(|| registry::unknown(receiver, name))?;
    if entry.signature.is_none() {
        let message = format!("`{name}` is no method");
        return Err(Error::usage(message).hint(format!("leave the brackets out: `.{name}`")));
    }
    Call::run(entry, name, object, arguments, session)
}

fn several(
    dataset: &Dataset,
    parts: &[(String, Value)],
    name: &str,
    arguments: &Arguments,
    session: &Session,
) -> Result<Value> {
    let mut arrays = Vec::new();
    for variable in dataset.variables.keys() {
        let Some((_, part)) = parts.iter().find(|(part, _)| part == variable) else {
            // Windows that slide along none of its dimensions leave a variable as it is.
            arrays.push((variable.clone(), dataset.array(variable)?));
            continue;
        };
        let part = call(part, name, arguments.clone(), session);
        match part.map_err(|error| error.in_variable(variable))? {
            Value::Array(array) => arrays.push((variable.clone(), array)),
            other => {
                let message = format!("{} where an array was expected", other.kind());
                return Err(Error::internal(message));
            }
        }
    }
    let mut out = Dataset::from_arrays(arrays)?;
    let keeps = arguments.keywords.iter();
    let mut keeps = keeps.filter(|(name, _)| name == "keep_attrs");
    if keeps.all(|(_, keeps)| keeps.as_bool() != Some(false) || matches!(keeps, Value::None)) {
        out.attributes = dataset.attributes.clone();
    }
    Ok(Value::Dataset(out))
}

/// What a method answers that its object does not have.
fn not_on(call: &Call<'_>) -> Error {
    let message = format!("`{}` does not work on {}", call.name(), call.object.kind());
    Error::usage(message)
}

/// Does to a dataset, or to an array as the only variable of one, what `change` does.
fn on_dataset(call: &Call<'_>, change: impl FnOnce(&Dataset) -> Result<Dataset>) -> Result<Value> {
    match call.object {
        Value::Array(array) => array.through_dataset(change).map(Value::Array),
        Value::Dataset(dataset) => change(dataset).map(Value::Dataset),
        _ => Err(not_on(call)),
    }
}

/// Changes an array, or the variables of a dataset that run along the coordinate or dimension `along`.
fn each_array(
    call: &Call<'_>,
    along: &str,
    change: impl Fn(&DataArray) -> Result<DataArray>,
) -> Result<Value> {
    each_array_of(call.object, call.name(), along, change)
}

fn each_array_of(
    object: &Value,
    name: &str,
    along: &str,
    change: impl Fn(&DataArray) -> Result<DataArray>,
) -> Result<Value> {
    let Value::Dataset(dataset) = object else {
        return object.map_arrays(name, change);
    };
    let dims = match dataset.get(along) {
        Some(coord) => coord.dims.clone(),
        None => vec![along.to_owned()],
    };
    let changed = dataset.map_arrays(&dims, |array| {
        if dims.iter().all(|dim| array.variable.axis(dim).is_some()) {
            change(array)
        } else {
            Ok(array.clone())
        }
    });
    changed.map(Value::Dataset)
}

/// A whole number as a value.
fn integer(value: u64) -> Value {
    Value::Number(
        craton_core::Scalar::from_i64(DType::Int64, i64::try_from(value).unwrap_or(i64::MAX)),
        super::value::WeakKind::Int,
    )
}
