//! `.median(…)` and `.quantile(…)` of arrays, datasets and groups.

use super::Value;
use super::arguments::{Arguments, Matched};
use crate::labels::{Quantiles, ReduceArguments};
use craton_core::{Error, Result};

/// The methods of this file.
pub(super) const NAMES: [&str; 2] = ["median", "quantile"];

/// `object.median(…)` or `object.quantile(…)`.
pub(super) fn call(object: &Value, name: &str, arguments: Arguments) -> Result<Value> {
    let (quantiles, arguments) = match name {
        "median" => {
            let matched = arguments.bind(name, &["dim", "skipna", "keep_attrs"], false)?;
            (Quantiles::Median, reduce_arguments(&matched)?)
        }
        _ => {
            let names = ["q", "dim", "method", "keep_attrs", "skipna"];
            let matched = arguments.bind(name, &names, false)?;
            check_method(&matched)?;
            (quantiles(&matched)?, reduce_arguments(&matched)?)
        }
    };
    match object {
        Value::Array(array) => array.quantile(&quantiles, &arguments).map(Value::Array),
        Value::Dataset(dataset) => dataset.quantile(&quantiles, &arguments).map(Value::Dataset),
        Value::ArrayGroup(groups) => groups.quantile(&quantiles, &arguments).map(Value::Array),
        Value::DatasetGroup(groups) => groups.quantile(&quantiles, &arguments).map(Value::Dataset),
        other => Err(Error::usage(format!(
            "{} has no method `{name}`",
            other.kind()
        ))),
    }
}

fn quantiles(matched: &Matched) -> Result<Quantiles> {
    let value = matched.need("q")?;
    let wrong = || {
        let message = format!(
            "the argument `q` must be a number or a list of numbers, not {}",
            value.kind()
        );
        Error::usage(message)
    };
    match value.items() {
        None => value.as_f64().map(Quantiles::One).ok_or_else(wrong),
        Some(items) => {
            let fractions: Option<Vec<f64>> = items.iter().map(Value::as_f64).collect();
            fractions.map(Quantiles::Several).ok_or_else(wrong)
        }
    }
}

fn check_method(matched: &Matched) -> Result<()> {
    match matched.text("method")? {
        None | Some("linear") => Ok(()),
        Some(other) => Err(
            Error::unsupported(format!("quantiles by the method `{other}`"))
                .hint("leave `method` out: there is `linear`"),
        ),
    }
}

fn reduce_arguments(matched: &Matched) -> Result<ReduceArguments> {
    Ok(ReduceArguments {
        dims: matched.texts("dim")?,
        skipna: matched.bool("skipna")?,
        keep_attrs: matched.bool("keep_attrs")?,
        ..ReduceArguments::default()
    })
}
