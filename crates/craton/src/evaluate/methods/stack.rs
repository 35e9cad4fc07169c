//! Several dimensions as one, and one as several again; coordinates as labels.

use super::on_dataset;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::labels::{Dataset, Fill, levels_of};
use craton_core::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "stack",
        LABELLED,
        "dim=None, create_index=True, **dim_kwargs",
        "Several dimensions as one new one, the last; their labels become its levels.",
        &["ds.t2m.stack(cell=(\"lat\", \"lon\")).quantile(0.9, \"cell\")"],
        stack,
    ),
    method(
        "unstack",
        LABELLED,
        "dim=None, fill_value=None",
        "The levels of stacked dimensions as dimensions again.",
        &["ds.t2m.stack(cell=(\"lat\", \"lon\")).isel(cell=slice(0, 4)).unstack(\"cell\")"],
        unstack,
    ),
    method(
        "set_index",
        LABELLED,
        "indexes=None, **indexes_kwargs",
        "With other coordinates as the labels of dimensions; of several, each is a level.",
        &["ds.assign_coords(north=-ds.lat).set_index(lat=\"north\")"],
        set_index,
    ),
    method(
        "reset_index",
        LABELLED,
        "dims_or_levels, drop=False",
        "Without the labels of a dimension; the levels of a stacked one stay as coordinates, unless `drop` leaves them out.",
        &[
            "ds.t2m.stack(cell=(\"lat\", \"lon\")).reset_index(\"cell\")",
            "ds.t2m.reset_index(\"lat\", drop=True)",
        ],
        reset_index,
    ),
];

fn stack(call: &Call<'_>) -> Result<Value> {
    let has_index = call.bool("create_index")?.unwrap_or(true);
    let pairs = call.pairs("dim")?;
    on_dataset(call, |dataset| {
        let mut out = dataset.clone();
        for (new, dims) in &pairs {
            let sizes = out.sizes();
            let items = dims
                .items()
                .map_or_else(|| vec![dims.clone()], <[Value]>::to_vec);
            let named: Vec<&str> = items.iter().filter_map(Value::as_text).collect();
            let mut all = Vec::new();
            for item in &items {
                match item {
                    Value::Text(dim) => all.push(dim.clone()),
                    Value::Ellipsis => {
                        let rest = sizes.keys().filter(|dim| !named.contains(&dim.as_str()));
                        all.extend(rest.cloned());
                    }
                    other => {
                        let message =
                            format!("`{new}` stacks names of dimensions, not {}", other.kind());
                        return Err(Error::usage(message));
                    }
                }
            }
            if all.is_empty() {
                return Err(Error::usage(format!("`{new}` stacks no dimension")));
            }
            out = out.stack(&all, new, has_index, call.session)?;
        }
        Ok(out)
    })
}

fn unstack(call: &Call<'_>) -> Result<Value> {
    let fill = match call.get("fill_value") {
        None => Fill::Missing,
        Some(value) => Fill::Number(value.as_operand()?),
    };
    let dims = call.texts("dim")?;
    on_dataset(call, |dataset| {
        let coords = &dataset.coords;
        let stacked = || coords.keys().filter(|dim| levels_of(coords, dim).is_some());
        let dims = dims.clone().unwrap_or_else(|| stacked().cloned().collect());
        let mut out = dataset.clone();
        for dim in &dims {
            out = out.unstack(dim, &fill, call.session)?;
        }
        Ok(out)
    })
}

fn set_index(call: &Call<'_>) -> Result<Value> {
    let pairs = call.pairs("indexes")?;
    on_dataset(call, |dataset| {
        let mut out = dataset.clone();
        for (dim, names) in &pairs {
            out.length(dim)?;
            let levels = names.as_texts().ok_or_else(|| {
                Error::usage(format!("`{dim}` gets the names of coordinates, or one"))
            })?;
            out = match (names, levels.as_slice()) {
                (Value::Text(name), _) => with_labels(&out, dim, name)?,
                (_, levels) => out.with_levels(dim, levels, call.session)?,
            };
        }
        Ok(out)
    })
}

/// The coordinate `name` in place of the labels of `dim`.
fn with_labels(dataset: &Dataset, dim: &str, name: &str) -> Result<Dataset> {
    let mut out = dataset.clone();
    let mut labels = dataset.array(name)?.variable;
    if labels.dims != [dim] {
        let message = format!("`{name}` has the dimensions {:?}", labels.dims);
        return Err(Error::invalid(message).hint(format!("labels of `{dim}` run along it alone")));
    }
    out.coords.shift_remove(name);
    out.variables.shift_remove(name);
    labels.dims = vec![dim.to_owned()];
    out.coords.insert(dim.to_owned(), labels);
    Ok(out)
}

fn reset_index(call: &Call<'_>) -> Result<Value> {
    let dims = call
        .texts("dims_or_levels")?
        .ok_or_else(|| Error::usage("`reset_index` needs the name of a dimension"))?;
    let drops = call.is_true("drop")?;
    on_dataset(call, |dataset| {
        let mut out = dataset.clone();
        for dim in &dims {
            let levels = levels_of(&out.coords, dim);
            // A coordinate along itself is an index here: there is no other kind of it.
            if levels.is_none() && !drops {
                out.length(dim)?;
                let message = format!("labels `{dim}` that are no index of `{dim}`");
                return Err(Error::unsupported(message).hint(format!(
                    "`drop=True` leaves them out; `.rename_vars({dim}=\"{dim}_labels\")` keeps them under another name, where they are none"
                )));
            }
            if out.coords.shift_remove(dim).is_none() {
                let message = format!("`{dim}` has no labels");
                return Err(Error::not_found(message));
            }
            if drops {
                let levels = levels.unwrap_or_default();
                out.coords.retain(|name, _| !levels.contains(name));
            }
        }
        Ok(out)
    })
}
