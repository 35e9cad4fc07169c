//! Missing values: where they are, and values in their place.

use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::labels::{self, DataArray, Dataset, Fill, Join, Operand};
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
                    let filled = filled(&dataset.array(&name)?, &value, Join::Left, call.session)?;
                    out.variables.insert(name, filled.variable);
                }
                return Ok(Value::Dataset(out));
            }
            let value = call.need("value")?;
            if let (Value::Dataset(one), Value::Dataset(other)) = (call.object, value) {
                return filled_by_name(one, other, Join::Left, call.session).map(Value::Dataset);
            }
            call.object.map_arrays(call.name(), |array| {
                filled(array, value, Join::Left, call.session)
            })
        },
    ),
    method(
        "combine_first",
        LABELLED,
        "other",
        "The values, with those of another in place of missing ones, at the labels of both.",
        &["ds.t2m.combine_first(ds.t2m * 0)"],
        |call| match (call.object, call.need("other")?) {
            (Value::Dataset(one), Value::Dataset(other)) => {
                let mut out = filled_by_name(one, other, Join::Outer, call.session)?;
                let (one, other) = aligned(one, other, Join::Outer, call.session)?;
                for (name, variable) in other.variables {
                    if !one.variables.contains_key(&name) {
                        out.variables.insert(name, variable);
                    }
                }
                Ok(Value::Dataset(out))
            }
            (Value::Array(array), other @ Value::Array(_)) => {
                filled(array, other, Join::Outer, call.session).map(Value::Array)
            }
            (_, other) => Err(Error::usage(format!(
                "`combine_first` of {} and {}",
                call.object.kind(),
                other.kind()
            ))),
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
        condition @ (Value::Array(_) | Value::Number(..)) => condition.to_array(Vec::new())?,
        _ => return Err(Error::usage("a condition must be an array or one truth")),
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

/// Both at the same labels.
fn aligned(
    one: &Dataset,
    other: &Dataset,
    join: Join,
    session: &Session,
) -> Result<(Dataset, Dataset)> {
    let both = [one.clone(), other.clone()];
    let both = labels::align_datasets(&both, join, &[], &Fill::Missing, session)?;
    <[Dataset; 2]>::try_from(both)
        .map(|[one, other]| (one, other))
        .map_err(|_| Error::internal("two datasets aligned are two"))
}

/// `array` with `value` where it is missing, of an array the values at its labels.
fn filled(array: &DataArray, value: &Value, join: Join, session: &Session) -> Result<DataArray> {
    let Value::Array(other) = value else {
        let valid = labels::unary(Unary::NotNan, array, false)?;
        return labels::where_(array, &valid, Some(&value.as_operand()?));
    };
    let (one, other) = aligned(&array.as_dataset(), &other.as_dataset(), join, session)?;
    let one = DataArray::from_dataset(array.name.clone(), one)?;
    let other = DataArray::from_dataset(None, other)?;
    let valid = labels::unary(Unary::NotNan, &one, false)?;
    labels::where_(&one, &valid, Some(&Operand::Array(other)))
}

/// Each variable with that of the same name where it is missing.
fn filled_by_name(
    one: &Dataset,
    other: &Dataset,
    join: Join,
    session: &Session,
) -> Result<Dataset> {
    let (aligned, other) = aligned(one, other, join, session)?;
    let mut out = aligned.clone();
    for name in aligned.variables.keys() {
        if other.variables.contains_key(name) {
            let (array, value) = (aligned.array(name)?, Value::Array(other.array(name)?));
            let filled = filled(&array, &value, join, session)?;
            // Coordinates that contradict each other are lost, as in arithmetic.
            for lost in array.coords.keys() {
                if !filled.coords.contains_key(lost) {
                    out.coords.shift_remove(lost);
                }
            }
            out.variables.insert(name.clone(), filled.variable);
        }
    }
    Ok(out)
}
