//! `object[…]`: names in datasets, positions in arrays.

use super::{Value, methods};
use crate::labels::{DataArray, DataTree, Dataset, PositionSelection};
use crate::open::Member;
use crate::session::Session;
use craton_core::{DType, Error, Result};

/// `object[items]`.
pub(super) fn index(object: &Value, items: Vec<Value>, session: &Session) -> Result<Value> {
    match (object, items.as_slice()) {
        (Value::Dataset(dataset), [Value::Text(path)]) if path.starts_with('/') => {
            member(dataset, path, session)
        }
        (Value::Tree(tree), [Value::Text(path)]) => member_of_tree(tree, path),
        (Value::Dataset(dataset), [Value::Text(name)]) => dataset.array(name).map(Value::Array),
        (Value::Dataset(dataset), [Value::List(names)]) => {
            subset(dataset, names).map(Value::Dataset)
        }
        (Value::Array(array), [Value::Text(name)]) => {
            let coord = array
                .coords
                .get(name)
                .ok_or_else(|| Error::not_found(format!("no coordinate `{name}`")))?;
            let mut out = array.with_variable(coord.clone());
            out.name = Some(name.clone());
            Ok(Value::Array(out))
        }
        (Value::Array(array), [Value::Array(condition)])
            if condition.variable.dtype() == DType::Bool =>
        {
            if condition.dims().len() != 1 {
                let message = format!(
                    "an index of {} dimensions, which leaves no rows and columns",
                    condition.dims().len()
                );
                return Err(Error::unsupported(message).hint("`.where(condition)` keeps the shape"));
            }
            positions(array, &items, session).map(Value::Array)
        }
        (Value::Array(array), items) => positions(array, items, session).map(Value::Array),
        (Value::Texts(_), [at]) => methods::sliced(object, at, session),
        (Value::Dict(pairs), [key]) => {
            let found = pairs
                .iter()
                .find(|(known, _)| known.as_text().is_some() && known.as_text() == key.as_text());
            found
                .map(|(_, value)| value.clone())
                .ok_or_else(|| Error::not_found("no such key"))
        }
        (list, [at]) if list.items().is_some() => {
            let items = list.items().unwrap_or_default();
            let at = at
                .as_i64()
                .ok_or_else(|| Error::usage("a list index must be a whole number"))?;
            let at = if at < 0 { at + items.len() as i64 } else { at };
            let item = usize::try_from(at).ok().and_then(|at| items.get(at));
            item.cloned()
                .ok_or_else(|| Error::invalid(format!("index {at} of a list of {}", items.len())))
        }
        (other, _) => Err(Error::usage(format!(
            "{} cannot be indexed this way",
            other.kind()
        ))),
    }
}

/// What stands at a path of the files or stores that `dataset` was opened from.
fn member(dataset: &Dataset, path: &str, session: &Session) -> Result<Value> {
    let groups = dataset.groups.as_ref().ok_or_else(|| {
        let message = format!("`{path}` is a path, and only a dataset as it was opened has groups");
        Error::usage(message).hint("take the group first: `ds[\"/group\"].sel(…)`")
    })?;
    Ok(match groups.member(path, session)? {
        Member::Group(group) => Value::Dataset(group),
        Member::Array(array) => Value::Array(array),
    })
}

/// The group or variable at a path below the root of `tree`.
pub(super) fn member_of_tree(tree: &DataTree, path: &str) -> Result<Value> {
    let path = format!("/{}", path.trim_matches('/'));
    if tree.dataset(&path).is_some() {
        return tree.subtree(&path).map(Value::Tree);
    }
    let (group, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let group = if group.is_empty() { "/" } else { group };
    match tree.dataset(group) {
        Some(dataset) => dataset.array(name).map(Value::Array),
        None => tree.subtree(group).map(Value::Tree),
    }
}

fn subset(dataset: &Dataset, names: &[Value]) -> Result<Dataset> {
    let mut arrays = Vec::new();
    for name in names {
        let name = name
            .as_text()
            .ok_or_else(|| Error::usage("a list of variables must hold names"))?;
        arrays.push((name.to_owned(), dataset.array(name)?));
    }
    let mut out = Dataset::from_arrays(arrays)?;
    out.attributes = dataset.attributes.clone();
    Ok(out)
}

fn positions(array: &DataArray, items: &[Value], session: &Session) -> Result<DataArray> {
    let dims = array.dims().to_vec();
    let ellipsis = items
        .iter()
        .position(|item| matches!(item, Value::Ellipsis));
    let given = items.len() - usize::from(ellipsis.is_some());
    if given > dims.len() {
        return Err(Error::invalid(format!(
            "{given} indices for the {} dimensions {dims:?}",
            dims.len()
        )));
    }
    let mut out = array.clone();
    for (at, item) in items.iter().enumerate() {
        let dim = match ellipsis {
            Some(place) if at == place => continue,
            Some(place) if at > place => &dims[dims.len() - (items.len() - at)],
            _ => &dims[at],
        };
        out =
            out.select_positions_or_none(dim, &position(item, session)?, session.allows_empty())?;
    }
    Ok(out)
}

/// The positions at which an array of one dimension holds `True`, if the value is such an array.
pub(super) fn mask_positions(
    value: &Value,
    session: &Session,
) -> Result<Option<PositionSelection>> {
    let Value::Array(mask) = value else {
        return Ok(None);
    };
    if mask.variable.dtype() != DType::Bool || mask.dims().len() != 1 {
        return Ok(None);
    }
    let truths = mask.variable.values(session)?;
    let places = truths
        .scalars()
        .enumerate()
        .filter(|(_, truth)| truth.to_i64() == Some(1));
    Ok(Some(PositionSelection::List(
        places.map(|(at, _)| at as i64).collect(),
    )))
}

/// A position, slice, mask or list of positions.
pub(super) fn position(value: &Value, session: &Session) -> Result<PositionSelection> {
    if let Some(positions) = mask_positions(value, session)? {
        return Ok(positions);
    }
    let integer = |value: &Value| {
        value.as_i64().ok_or_else(|| {
            Error::usage(format!(
                "a position must be a whole number, not {}",
                value.kind()
            ))
        })
    };
    match value {
        Value::Slice(parts) => {
            let part = |part: &Value| match part {
                Value::None => Ok(None),
                other => integer(other).map(Some),
            };
            Ok(PositionSelection::Slice(
                part(&parts[0])?,
                part(&parts[1])?,
                part(&parts[2])?,
            ))
        }
        Value::List(items) => Ok(PositionSelection::List(
            items.iter().map(integer).collect::<Result<_>>()?,
        )),
        Value::Array(array) if array.variable.dtype().is_integer() && array.dims().len() < 2 => {
            let values = array.variable.values(session)?;
            let list: Option<Vec<i64>> = values.scalars().map(|one| one.to_i64()).collect();
            let list = list.ok_or_else(|| Error::invalid("positions beyond 64 bits"))?;
            Ok(match (array.dims(), list.as_slice()) {
                ([], [only]) => PositionSelection::At(*only),
                _ => PositionSelection::List(list),
            })
        }
        other => Ok(PositionSelection::At(integer(other)?)),
    }
}
