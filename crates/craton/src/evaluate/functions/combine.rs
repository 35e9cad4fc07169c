//! The functions of `xr` that put arrays and datasets together, or bring them to the same labels.

use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, Receiver, method};
use crate::labels::{
    CombineAttributes, Compat, Concat, DataArray, Dataset, Fill, Join, Variable, Which,
    align_datasets, combine_by_coords, concat, merge,
};
use craton_core::{Error, Result};

const XARRAY: &[Receiver] = &[Receiver::Xarray];

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "concat",
        XARRAY,
        "objs, dim, data_vars=None, coords='different', compat='equals', positions=None, fill_value=None, join='outer', combine_attrs='override', create_index_for_new_dim=True",
        "Arrays or datasets one after the other along a dimension, which may be new.",
        &[
            "xr.concat([ds.t2m.isel(time=0), ds.t2m.isel(time=-1)], \"time\")",
            "xr.concat([ds.t2m, ds.tp], \"variable\", join=\"exact\")",
        ],
        concatenate,
    ),
    method(
        "merge",
        XARRAY,
        "objects, compat='no_conflicts', join='outer', fill_value=None, combine_attrs='override'",
        "Datasets and named arrays as one dataset.",
        &["xr.merge([ds.t2m, ds.tp.rename(\"rain\")])"],
        merged,
    ),
    method(
        "combine_by_coords",
        XARRAY,
        "data_objects, compat='no_conflicts', data_vars='all', coords='different', fill_value=None, join='outer', combine_attrs='no_conflicts'",
        "Datasets combined as their coordinates say.",
        &["xr.combine_by_coords([ds.isel(time=slice(5, 9)), ds.isel(time=slice(0, 5))])"],
        combined,
    ),
    method(
        "align",
        XARRAY,
        "*objects, join='inner', copy=True, indexes=None, exclude=None, fill_value=None",
        "Arrays or datasets with the same labels, as a tuple.",
        &["xr.align(ds.t2m, ds.tp.isel(time=slice(3, 9)), join=\"inner\")[0]"],
        aligned,
    ),
    method(
        "broadcast",
        XARRAY,
        "*args, exclude=None",
        "Arrays with the same dimensions, as a tuple.",
        &["xr.broadcast(ds.lat, ds.lon)[0]"],
        broadcast,
    ),
];

/// Arrays and datasets as datasets, and how to come back.
fn datasets_of(call: &Call<'_>, objects: &[Value]) -> Result<Vec<Dataset>> {
    let dataset = |object: &Value| match object {
        Value::Dataset(dataset) => Ok(dataset.clone()),
        Value::Array(array) => Ok(array.as_dataset()),
        other => {
            let message = format!("`{}` of {}", call.name(), other.kind());
            Err(Error::usage(message).hint("it takes arrays and datasets"))
        }
    };
    objects.iter().map(dataset).collect()
}

/// A dataset as what `like` was.
fn back(like: &Value, dataset: Dataset) -> Result<Value> {
    match like {
        Value::Array(array) => {
            DataArray::from_dataset(array.name.clone(), dataset).map(Value::Array)
        }
        _ => Ok(Value::Dataset(dataset)),
    }
}

fn list<'a>(call: &'a Call<'_>, name: &str) -> Result<&'a [Value]> {
    let items = call.need(name)?.items();
    items.filter(|items| !items.is_empty()).ok_or_else(|| {
        Error::usage(format!(
            "`{}` takes a list of arrays or datasets",
            call.name()
        ))
    })
}

fn fill(call: &Call<'_>) -> Result<Fill> {
    Ok(match call.get("fill_value") {
        None => Fill::Missing,
        Some(value) => Fill::Number(value.as_operand()?),
    })
}

fn join(call: &Call<'_>, default: Join) -> Result<Join> {
    call.text("join")?.map_or(Ok(default), Join::from_name)
}

fn compat(call: &Call<'_>, default: Compat) -> Result<Compat> {
    Ok(match call.text("compat")? {
        None => default,
        Some("override") => Compat::Override,
        Some("equals" | "broadcast_equals") => Compat::Equals,
        Some("no_conflicts") => Compat::NoConflicts,
        Some("identical") => Compat::Identical,
        Some(other) => {
            return Err(Error::usage(format!("no `compat` is called `{other}`"))
                .hint("there are override, equals, no_conflicts and identical"));
        }
    })
}

fn attributes(call: &Call<'_>, default: CombineAttributes) -> Result<CombineAttributes> {
    Ok(match call.text("combine_attrs")? {
        None => default,
        Some("override") => CombineAttributes::Override,
        Some("drop") => CombineAttributes::Drop,
        Some("drop_conflicts") => CombineAttributes::DropConflicts,
        Some("no_conflicts") => CombineAttributes::NoConflicts,
        Some("identical") => CombineAttributes::Identical,
        Some(other) => {
            return Err(
                Error::usage(format!("no `combine_attrs` is called `{other}`"))
                    .hint("there are override, drop, drop_conflicts, no_conflicts and identical"),
            );
        }
    })
}

fn which(call: &Call<'_>, name: &str, default: Which) -> Result<Which> {
    Ok(match call.get(name) {
        None => default,
        Some(Value::Text(text)) => match text.as_str() {
            "minimal" => Which::Minimal,
            "different" => Which::Different,
            "all" => Which::All,
            other => {
                return Err(Error::usage(format!("`{name}` is not `{other}`"))
                    .hint("there are minimal, different, all, or a list of names"));
            }
        },
        Some(other) => Which::Named(
            other
                .as_texts()
                .ok_or_else(|| Error::usage(format!("`{name}` is a text or a list of names")))?,
        ),
    })
}

fn concatenate(call: &Call<'_>) -> Result<Value> {
    call.only("positions", "")?;
    let objects = list(call, "objs")?;
    let (dim, labels) = match call.need("dim")? {
        Value::Text(dim) => (dim.clone(), None),
        Value::Array(array) => {
            let [dim] = array.dims() else {
                return Err(Error::invalid(
                    "the labels of a new dimension have one dimension",
                ));
            };
            (dim.clone(), Some(array.variable.clone()))
        }
        other => {
            return Err(Error::usage(format!(
                "a dimension is a name, not {}",
                other.kind()
            )));
        }
    };
    let is_arrays = objects
        .iter()
        .all(|object| matches!(object, Value::Array(_)));
    if !is_arrays
        && objects
            .iter()
            .any(|object| matches!(object, Value::Array(_)))
    {
        return Err(Error::usage("`concat` takes arrays or datasets, not both"));
    }
    let parts = datasets_of(call, objects)?;
    let exists = parts.iter().any(|part| part.sizes().contains_key(&dim));
    let by_default = if is_arrays || !exists {
        Which::All
    } else {
        Which::Minimal
    };
    let labels = match labels {
        Some(labels) => Some(labels.at_hand(call.session)?),
        None => None,
    };
    let how = Concat {
        data_vars: if is_arrays {
            Which::All
        } else {
            which(call, "data_vars", by_default)?
        },
        dim,
        labels,
        coords: which(call, "coords", Which::Different)?,
        compat: compat(call, Compat::Equals)?,
        join: join(call, Join::Outer)?,
        fill: fill(call)?,
        attributes: attributes(call, CombineAttributes::Override)?,
    };
    let joined = concat(&parts, &how, call.session)?;
    back(&objects[0], joined)
}

fn named(call: &Call<'_>, objects: &[Value]) -> Result<Vec<Dataset>> {
    let dataset = |object: &Value| match object {
        Value::Array(array) => {
            let mut dataset = array.to_dataset(None)?;
            dataset.attributes = array.variable.attributes.clone();
            Ok(dataset)
        }
        Value::Dataset(dataset) => Ok(dataset.clone()),
        Value::Dict(pairs) => {
            let arrays = pairs.iter().map(|(name, value)| {
                let name = name
                    .as_text()
                    .ok_or_else(|| Error::usage("a variable's name must be a text"))?;
                Ok((name.to_owned(), value.to_array(vec![name.to_owned()])?))
            });
            Dataset::from_arrays(arrays.collect::<Result<Vec<_>>>()?)
        }
        other => Err(Error::usage(format!(
            "`{}` of {}",
            call.name(),
            other.kind()
        ))),
    };
    objects.iter().map(dataset).collect()
}

fn merged(call: &Call<'_>) -> Result<Value> {
    let parts = named(call, list(call, "objects")?)?;
    merge(
        &parts,
        compat(call, Compat::NoConflicts)?,
        join(call, Join::Outer)?,
        &fill(call)?,
        attributes(call, CombineAttributes::Override)?,
        call.session,
    )
    .map(Value::Dataset)
}

fn combined(call: &Call<'_>) -> Result<Value> {
    let parts = named(call, list(call, "data_objects")?)?;
    let how = Concat {
        dim: String::new(),
        labels: None,
        data_vars: which(call, "data_vars", Which::All)?,
        coords: which(call, "coords", Which::Different)?,
        compat: compat(call, Compat::NoConflicts)?,
        join: join(call, Join::Outer)?,
        fill: fill(call)?,
        attributes: attributes(call, CombineAttributes::NoConflicts)?,
    };
    combine_by_coords(&parts, how.compat, &how, call.session).map(Value::Dataset)
}

fn aligned(call: &Call<'_>) -> Result<Value> {
    call.only("indexes", "")?;
    let parts = datasets_of(call, &call.positional)?;
    let excluded = call.texts("exclude")?.unwrap_or_default();
    let join = join(call, Join::Inner)?;
    let aligned = align_datasets(&parts, join, &excluded, &fill(call)?, call.session)?;
    let pairs = call.positional.iter().zip(aligned);
    let values = pairs.map(|(like, dataset)| back(like, dataset));
    Ok(Value::Tuple(values.collect::<Result<_>>()?))
}

fn broadcast(call: &Call<'_>) -> Result<Value> {
    let parts = datasets_of(call, &call.positional)?;
    let excluded = call.texts("exclude")?.unwrap_or_default();
    let parts = align_datasets(&parts, Join::Outer, &excluded, &Fill::Missing, call.session)?;
    let mut sizes: indexmap::IndexMap<String, u64> = indexmap::IndexMap::new();
    let mut indexes: Vec<(String, Variable)> = Vec::new();
    for part in &parts {
        let own = part.variables.values().flat_map(Variable::sizes);
        for (dim, length) in own {
            let dim = dim.to_owned();
            if !excluded.contains(&dim) {
                sizes.entry(dim.clone()).or_insert(length);
                if let Some(index) = part.index(&dim) {
                    indexes.push((dim, index.clone()));
                }
            }
        }
    }
    let spread = |part: &Dataset| -> Result<Dataset> {
        let mut out = part.clone();
        for variable in out.variables.values_mut() {
            let own = variable
                .sizes()
                .filter(|(dim, _)| excluded.iter().any(|one| one == dim));
            let own: Vec<(String, u64)> = own.map(|(dim, n)| (dim.to_owned(), n)).collect();
            let all = sizes
                .iter()
                .map(|(dim, length)| (dim.clone(), *length))
                .chain(own);
            let (dims, shape): (Vec<String>, Vec<u64>) = all.unzip();
            let node = variable.expanded_to(&dims, &shape)?;
            *variable = Variable::new(dims, node, variable.attributes.clone())?;
        }
        for (dim, index) in &indexes {
            out.coords
                .entry(dim.clone())
                .or_insert_with(|| index.clone());
        }
        Ok(out)
    };
    let pairs = call.positional.iter().zip(&parts);
    let values = pairs.map(|(like, part)| back(like, spread(part)?));
    Ok(Value::Tuple(values.collect::<Result<_>>()?))
}
