//! Missing values: where they are, and values in their place.

use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::labels::{self, DataArray};
use craton_core::{Error, Result};
use craton_kernels::unary::Unary;

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "where",
        LABELLED,
        "cond, other=None, drop=False",
        "The values where a condition holds, elsewhere missing or `other`.",
        &["ds.t2m.where(ds.t2m > 280)", "ds.t2m.where(ds.lat > 0, 0)"],
        where_,
    ),
    method(
        "fillna",
        LABELLED,
        "value",
        "The values, with `value` in place of those that are missing.",
        &["ds.t2m.where(ds.t2m > 280).fillna(280)"],
        |call| {
            let value = call.need("value")?.as_operand()?;
            call.object
                .map_arrays(call.name(), |array| fillna(array, &value))
        },
    ),
    method(
        "isnull",
        LABELLED,
        "keep_attrs=None",
        "Whether each value is missing.",
        &["ds.t2m.isnull()"],
        |call| {
            call.object.map_arrays(call.name(), |array| {
                let valid = labels::unary(Unary::NotNan, array, true)?;
                labels::unary(Unary::LogicalNot, &valid, true)
            })
        },
    ),
    method(
        "notnull",
        LABELLED,
        "keep_attrs=None",
        "Whether each value is there.",
        &["ds.t2m.notnull()"],
        |call| {
            call.object.map_arrays(call.name(), |array| {
                labels::unary(Unary::NotNan, array, true)
            })
        },
    ),
];

fn where_(call: &Call<'_>) -> Result<Value> {
    if call.is_true("drop")? {
        return Err(Error::unsupported("`where(…, drop=True)`")
            .hint("leave `drop` out; `.sel` narrows the axes"));
    }
    let Value::Array(condition) = call.need("cond")? else {
        return Err(Error::usage("a condition must be an array"));
    };
    let other = call.get("other").map(Value::as_operand).transpose()?;
    call.object.map_arrays(call.name(), |array| {
        labels::where_(array, condition, other.as_ref())
    })
}

fn fillna(array: &DataArray, value: &labels::Operand) -> Result<DataArray> {
    let valid = labels::unary(Unary::NotNan, array, false)?;
    let filled = labels::where_(array, &valid, Some(value))?;
    // Labels that only one side has would be lost, where xarray keeps the array's.
    if array.variable.sizes().any(|(dim, length)| {
        filled
            .variable
            .axis(dim)
            .is_none_or(|axis| filled.variable.shape()[axis] != length)
    }) {
        return Err(
            Error::unsupported("filling with an array that lacks some of the labels")
                .hint("select the labels that both have first"),
        );
    }
    Ok(filled)
}
