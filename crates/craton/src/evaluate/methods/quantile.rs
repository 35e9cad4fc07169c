//! `.median(…)` and `.quantile(…)` of arrays, datasets, groups and weighted arrays.

use super::not_on;
use super::reduce::reduce_arguments;
use super::window::with_attributes;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, Receiver, method};
use crate::labels::Quantiles;
use crate::language::did_you_mean;
use craton_core::{Error, Result};
use craton_kernels::quantile::QuantileMethod;

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
        "Exact quantiles over dimensions, or of each group, by any of NumPy's methods.",
        &[
            "ds.t2m.quantile(0.9, \"time\")",
            "ds.t2m.quantile([0.1, 0.9], \"time\")",
            "ds.t2m.quantile(0.9, \"time\", method=\"median_unbiased\")",
        ],
        |call| {
            let quantiles = match fractions(call)? {
                (false, fractions) => Quantiles::One(fractions[0], quantile_method(call)?),
                (true, fractions) => Quantiles::Several(fractions, quantile_method(call)?),
            };
            quantile(call, &quantiles)
        },
    ),
    method(
        "quantile",
        &[Receiver::Weighted],
        "q, *, dim=None, keep_attrs=None, skipna=True",
        "Quantiles over dimensions of values that count as much as their weights.",
        &[
            "ds.t2m.weighted(np.cos(np.deg2rad(ds.lat))).quantile(0.9, dim=(\"lat\", \"lon\"))",
            "ds.t2m.weighted(ds.lat + 100).quantile([0.1, 0.9], dim=\"lat\")",
        ],
        |call| {
            let Value::Weighted(weighted) = call.object else {
                return Err(not_on(call));
            };
            let (_, fractions) = fractions(call)?;
            let arguments = reduce_arguments(call)?;
            let reduced = weighted.quantile(&fractions, &arguments)?;
            Ok(Value::Array(with_attributes(reduced, arguments.keep_attrs)))
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

/// The fractions, and whether they are a list.
fn fractions(call: &Call<'_>) -> Result<(bool, Vec<f64>)> {
    let value = call.need("q")?;
    let wrong = || {
        let message = format!(
            "the argument `q` must be a number or a list of numbers, not {}",
            value.kind()
        );
        Error::usage(message)
    };
    let (is_list, items) = match value.items() {
        None => (false, std::slice::from_ref(value)),
        Some(items) => (true, items),
    };
    let fractions: Option<Vec<f64>> = items.iter().map(Value::as_f64).collect();
    Ok((is_list, fractions.ok_or_else(wrong)?))
}

fn quantile_method(call: &Call<'_>) -> Result<QuantileMethod> {
    let Some(name) = call.text("method")? else {
        return Ok(QuantileMethod::Linear);
    };
    QuantileMethod::from_name(name).ok_or_else(|| {
        let names = || QuantileMethod::ALL.iter().map(|method| method.name());
        let hint = did_you_mean(name, names()).unwrap_or_else(|| {
            let names: Vec<&str> = names().collect();
            format!("there are {}", names.join(", "))
        });
        Error::usage(format!("there are no quantiles by the method `{name}`")).hint(hint)
    })
}
