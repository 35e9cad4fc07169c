//! `.median(…)` and `.quantile(…)` of arrays, datasets and groups.

use super::not_on;
use super::reduce::reduce_arguments;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, Receiver, method};
use crate::labels::Quantiles;
use craton_core::{Error, Result};

const RECEIVERS: &[Receiver] = &[
    Receiver::DataArray,
    Receiver::Dataset,
    Receiver::GroupBy,
    Receiver::Resample,
];

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "median",
        RECEIVERS,
        "dim=None, *, skipna=None, keep_attrs=None",
        "The median over dimensions, or of each group.",
        &[
            "ds.t2m.median(\"time\")",
            "ds.t2m.groupby(\"time.month\").median()",
        ],
        |call| quantile(call, &Quantiles::Median),
    ),
    method(
        "quantile",
        RECEIVERS,
        "q, dim=None, *, method='linear', keep_attrs=None, skipna=None",
        "Exact quantiles over dimensions, or of each group, interpolated between values.",
        &[
            "ds.t2m.quantile(0.9, \"time\")",
            "ds.t2m.quantile([0.1, 0.9], \"time\")",
        ],
        |call| {
            check_method(call)?;
            quantile(call, &quantiles(call)?)
        },
    ),
];

fn quantile(call: &Call<'_>, quantiles: &Quantiles) -> Result<Value> {
    let arguments = reduce_arguments(call)?;
    match call.object {
        Value::Array(array) => array.quantile(quantiles, &arguments).map(Value::Array),
        Value::Dataset(dataset) => dataset.quantile(quantiles, &arguments).map(Value::Dataset),
        Value::ArrayGroup(groups) => groups.quantile(quantiles, &arguments).map(Value::Array),
        Value::DatasetGroup(groups) => groups.quantile(quantiles, &arguments).map(Value::Dataset),
        _ => Err(not_on(call)),
    }
}

fn quantiles(call: &Call<'_>) -> Result<Quantiles> {
    let value = call.need("q")?;
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

fn check_method(call: &Call<'_>) -> Result<()> {
    match call.text("method")? {
        None | Some("linear") => Ok(()),
        Some(other) => Err(
            Error::unsupported(format!("quantiles by the method `{other}`"))
                .hint("leave `method` out: there is `linear`"),
        ),
    }
}
