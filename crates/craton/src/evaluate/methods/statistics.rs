//! Where extremes lie, and how values vary together.

use super::reduce::reduce_arguments;
use super::{each_array, not_on};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::labels::{Covariance, DataArray, Dataset, PolynomialFit, Variable};
use craton_core::{Error, Result};
use craton_kernels::fold::Reduction;
use indexmap::IndexMap;

const XARRAY: &[Receiver] = &[Receiver::Xarray];

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "idxmax",
        LABELLED,
        "dim=None, *, skipna=None, fill_value=None, keep_attrs=None",
        "The label at which the greatest value along a dimension lies.",
        &["ds.t2m.idxmax(\"time\")"],
        |call| label_of(call, Reduction::ArgMax),
    ),
    method(
        "idxmin",
        LABELLED,
        "dim=None, *, skipna=None, fill_value=None, keep_attrs=None",
        "The label at which the least value along a dimension lies.",
        &["ds.t2m.idxmin(\"lat\")"],
        |call| label_of(call, Reduction::ArgMin),
    ),
    method(
        "polyfit",
        LABELLED,
        "dim, deg, skipna=None, rcond=None, w=None, full=False, cov=False",
        "The polynomial along a dimension that is nearest to the values, as a dataset of its coefficients and what is asked for beside them.",
        &[
            "ds.t2m.polyfit(\"time\", 1)",
            "ds.t2m.polyfit(\"time\", 1, full=True)",
            "ds.t2m.polyfit(\"lat\", 1, w=np.cos(np.deg2rad(ds.lat)), cov=True)",
        ],
        polyfit,
    ),
    method(
        "polyval",
        XARRAY,
        "coord, coeffs, degree_dim='degree'",
        "The values of a polynomial at a coordinate.",
        &["xr.polyval(ds.time, ds.t2m.polyfit(\"time\", 1).polyfit_coefficients)"],
        polyval,
    ),
    method(
        "cov",
        XARRAY,
        "da_a, da_b, dim=None, ddof=1, weights=None",
        "The covariance of two arrays over dimensions.",
        &["xr.cov(ds.t2m, ds.tp, \"time\")"],
        |call| covariance(call, false),
    ),
    method(
        "corr",
        XARRAY,
        "da_a, da_b, dim=None, weights=None",
        "The correlation of two arrays over dimensions.",
        &["xr.corr(ds.t2m, ds.tp, \"time\")"],
        |call| covariance(call, true),
    ),
    method(
        "dot",
        XARRAY,
        "*arrays, dim=None",
        "The product of arrays, summed over the dimensions that several have.",
        &["xr.dot(ds.t2m, ds.lat, dim=\"lat\")"],
        |call| {
            let array = |value: &Value| match value {
                Value::Array(array) => Ok(array.clone()),
                other => Err(Error::usage(format!("`dot` of {}", other.kind()))),
            };
            let arrays: Vec<DataArray> =
                call.positional.iter().map(array).collect::<Result<_>>()?;
            let arrays: Vec<&DataArray> = arrays.iter().collect();
            let dims = call.texts("dim")?;
            let is_all = matches!(call.given("dim"), Some(Value::Ellipsis));
            DataArray::dot(&arrays, dims.as_deref(), is_all).map(Value::Array)
        },
    ),
];

fn label_of(call: &Call<'_>, reduction: Reduction) -> Result<Value> {
    call.only("fill_value", "")?;
    let arguments = reduce_arguments(call)?;
    let dim = match (call.text("dim")?, call.object) {
        (Some(dim), _) => dim.to_owned(),
        (None, Value::Array(array)) if array.dims().len() == 1 => array.dims()[0].clone(),
        _ => return Err(Error::usage(format!("`{}` needs a dimension", call.name()))),
    };
    each_array(call, &dim, |array| {
        array.label_of(reduction, &dim, &arguments, call.session)
    })
}

fn polyfit(call: &Call<'_>) -> Result<Value> {
    let dim = call.need_text("dim")?;
    let degree = call
        .count("deg")?
        .ok_or_else(|| Error::usage("`polyfit` needs a degree"))?;
    let covariance = match call.get("cov") {
        Some(Value::Text(text)) if text == "unscaled" => Covariance::Unscaled,
        Some(Value::Text(text)) => {
            let message = format!("`cov` is `{text}`");
            return Err(Error::usage(message).hint("True, False or \"unscaled\""));
        }
        _ if call.is_true("cov")? => Covariance::Scaled,
        _ => Covariance::None,
    };
    let fit = PolynomialFit {
        degree,
        weights: weights_of_fit(call)?,
        rcond: call.number("rcond")?,
        passes_missing: call.bool("skipna")? == Some(false),
        is_full: call.is_true("full")?,
        covariance,
    };
    match call.object {
        Value::Array(array) => array.polyfit(dim, &fit, call.session).map(Value::Dataset),
        Value::Dataset(dataset) => {
            dataset.length(dim)?;
            let mut out = Dataset {
                attributes: dataset.attributes.clone(),
                ..Dataset::default()
            };
            for array in dataset.arrays()? {
                if array.variable.axis(dim).is_none() {
                    continue;
                }
                let fitted = array.polyfit(dim, &fit, call.session)?;
                out.coords.extend(fitted.coords);
                for (told, variable) in fitted.variables {
                    // Rank and singular values are the dimension's, whatever was fitted.
                    let told = match &array.name {
                        Some(name) if told.starts_with("polyfit_") => format!("{name}_{told}"),
                        _ => told,
                    };
                    out.variables.insert(told, variable);
                }
            }
            Ok(Value::Dataset(out))
        }
        _ => Err(not_on(call)),
    }
}

/// The weights of a fit: a list, an array along one dimension, or the name of a coordinate.
fn weights_of_fit(call: &Call<'_>) -> Result<Option<Vec<f64>>> {
    let Some(given) = call.get("w") else {
        return Ok(None);
    };
    let coord = |coords: &IndexMap<String, Variable>, name: &str| {
        let found = coords.get(name).cloned();
        found
            .ok_or_else(|| Error::not_found(format!("no coordinate `{name}` to take weights from")))
    };
    let weights = match (given, call.object) {
        (Value::Text(name), Value::Array(array)) => coord(&array.coords, name)?,
        (Value::Text(name), Value::Dataset(dataset)) => coord(&dataset.coords, name)?,
        (Value::Array(array), _) => array.variable.clone(),
        (given, _) => given.to_variable()?,
    };
    let block = weights.values(call.session)?;
    let numbers: Option<Vec<f64>> = block.scalars().map(|one| one.to_f64()).collect();
    match numbers {
        Some(numbers) if weights.dims.len() == 1 => Ok(Some(numbers)),
        _ => Err(Error::usage(
            "the weights `w` are numbers along one dimension",
        )),
    }
}

fn polyval(call: &Call<'_>) -> Result<Value> {
    let Value::Array(coord) = call.need("coord")? else {
        return Err(Error::usage("`polyval` takes an array first"));
    };
    let dim = call.text("degree_dim")?.unwrap_or("degree");
    let of = |array: &DataArray| coord.polyval(array, dim, call.session);
    let mut out = call.need("coeffs")?.map_arrays(call.name(), of)?;
    match &mut out {
        Value::Array(array) => {
            if let Value::Array(coeffs) = call.need("coeffs")? {
                let same = array.name.is_some() && coeffs.name == coord.name;
                array.name = coord.name.clone().filter(|_| same);
            }
        }
        Value::Dataset(dataset) => {
            dataset.coords.shift_remove(dim);
        }
        _ => {}
    }
    Ok(out)
}

fn covariance(call: &Call<'_>, is_corr: bool) -> Result<Value> {
    call.only("weights", "")?;
    let (Value::Array(one), Value::Array(other)) = (call.need("da_a")?, call.need("da_b")?) else {
        return Err(not_on(call));
    };
    let dims = call.texts("dim")?;
    let ddof = match is_corr {
        true => 0,
        false => call.count("ddof")?.unwrap_or(1) as u32,
    };
    DataArray::covariance(one, other, dims.as_deref(), ddof, is_corr).map(Value::Array)
}
