//! Missing values: where they are, and values in their place.

use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::labels::{self, DataArray, Dataset, Fill};
use crate::session::Session;
use craton_core::{DType, Error, Result};
use craton_kernels::fold::Reduction;
use craton_kernels::unary::Unary;
use craton_plan::ops::{self, ReduceOptions};

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
            if let (Value::Dataset(dataset), Value::Dict(_)) = (call.object, call.need("value")?) {
                let mut out = dataset.clone();
                for (name, value) in call.pairs("value")? {
                    let filled = fillna(&dataset.array(&name)?, &value.as_operand()?)?;
                    out.variables.insert(name, filled.variable);
                }
                return Ok(Value::Dataset(out));
            }
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
    let condition = match call.need("cond")? {
        Value::Array(condition) => condition.clone(),
        _ => return Err(Error::usage("a condition must be an array")),
    };
    let other = call.get("other");
    if !call.is_true("drop")? {
        return call.object.map_arrays(call.name(), |array| {
            chosen(array, &condition, other, call.session)
        });
    }
    // What is dropped is known before anything is computed: the condition is read now.
    let mut narrowed = call.object.clone();
    let mut kept = condition.as_dataset();
    for (axis, dim) in condition.dims().iter().enumerate() {
        let others: Vec<usize> = (0..condition.dims().len())
            .filter(|at| *at != axis)
            .collect();
        let truths = ops::cast(&condition.variable.node, DType::Bool)?;
        let any = ops::reduce(Reduction::Any, &truths, &others, ReduceOptions::default())?;
        let any = call.session.compute(&[any])?.remove(0);
        let places: Vec<Option<u64>> = any
            .scalars()
            .enumerate()
            .filter(|(_, truth)| truth.to_i64() == Some(1))
            .map(|(at, _)| Some(at as u64))
            .collect();
        if places.is_empty() {
            let message = format!("the condition holds nowhere, so nothing of `{dim}` is left");
            return Err(Error::invalid(message));
        }
        let take = |dataset: &Dataset| match dataset.sizes().get(dim) {
            Some(length) if *length == any.len() as u64 => {
                dataset.at_places(dim, &places, &Fill::Missing)
            }
            Some(_) => Err(Error::unsupported(format!(
                "dropping by a condition with other labels along `{dim}`"
            ))),
            None => Ok(dataset.clone()),
        };
        narrowed = match &narrowed {
            Value::Array(array) => Value::Array(array.through_dataset(take)?),
            Value::Dataset(dataset) => Value::Dataset(take(dataset)?),
            other => other.clone(),
        };
        kept = kept.at_places(dim, &places, &Fill::Missing)?;
    }
    let condition = DataArray::from_dataset(None, kept)?;
    narrowed.map_arrays(call.name(), |array| {
        chosen(array, &condition, other, call.session)
    })
}

/// `array` where `condition` holds, else `other`; texts are chosen at once.
pub(in crate::evaluate) fn chosen(
    array: &DataArray,
    condition: &DataArray,
    other: Option<&Value>,
    session: &Session,
) -> Result<DataArray> {
    if labels::is_text(array.variable.dtype()) {
        let beside = Value::Array(array.clone());
        let other = other.map(|other| other.as_operand_beside(&beside));
        let other = other.transpose()?;
        return labels::where_of_texts(array, condition, other.as_ref(), session);
    }
    let other = other.map(Value::as_operand).transpose()?;
    labels::where_(array, condition, other.as_ref())
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
