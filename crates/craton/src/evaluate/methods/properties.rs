//! What arrays and datasets tell about themselves.

use super::{integer, not_on};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method, property};
use crate::evaluate::value::{WeakKind, plain_dims};
use crate::labels::{self, DataArray, Variable, is_text};
use craton_core::{Attributes, DType, Error, Result};

const ARRAY: &[Receiver] = &[Receiver::DataArray];

pub(super) const ENTRIES: &[Entry] = &[
    property(
        "T",
        ARRAY,
        "The array with its dimensions in reverse order.",
        &["ds.t2m.T"],
        |call| call.object.map_arrays("T", |array| array.transpose(&[])),
    ),
    property(
        "values",
        ARRAY,
        "The bare values, without labels: beside an array they stand by their place.",
        &["ds.t2m.values", "ds.t2m[1:] - ds.t2m[:-1].values"],
        values,
    )
    .also(&["data"]),
    property(
        "size",
        ARRAY,
        "How many elements there are.",
        &["ds.t2m.size"],
        size,
    ),
    property(
        "ndim",
        ARRAY,
        "How many dimensions there are.",
        &["ds.t2m.ndim"],
        ndim,
    ),
    property(
        "shape",
        ARRAY,
        "The length of each dimension, as a tuple.",
        &["ds.t2m.shape[0]"],
        shape,
    ),
    property(
        "dims",
        ARRAY,
        "The names of the dimensions, as a tuple.",
        &["ds.t2m.mean(ds.t2m.dims[0])"],
        dims,
    ),
    property(
        "sizes",
        LABELLED,
        "The length of each dimension, by name.",
        &["ds.sizes[\"time\"]"],
        sizes,
    ),
    method(
        "chunk",
        LABELLED,
        "chunks={}, **chunks_kwargs",
        "The same: how work is divided follows from what is stored, and writers ask for chunks themselves.",
        &["ds.t2m.chunk(time=24)"],
        |call| {
            // Looked at, because leaving it out is what is meant to happen here.
            call.get("chunks");
            Ok(call.object.clone())
        },
    ),
    method(
        "compute",
        LABELLED,
        "**kwargs",
        "The same: everything is computed when the answer is.",
        &["ds.t2m.mean(\"time\").compute()"],
        |call| Ok(call.object.clone()),
    )
    .also(&["load", "persist"]),
    method(
        "item",
        ARRAY,
        "",
        "The only value as a plain number or text, computed at once.",
        &["ds.t2m - ds.t2m.mean().item()"],
        item,
    ),
    method(
        "copy",
        LABELLED,
        "deep=True",
        "The same: values never change in place.",
        &["ds.copy()"],
        |call| Ok(call.object.clone()),
    ),
];

fn values(call: &Call<'_>) -> Result<Value> {
    let Value::Array(array) = call.object else {
        return Err(not_on(call));
    };
    let dims = plain_dims(array.dims().len());
    let bare = Variable::new(dims, array.variable.node.clone(), Attributes::new())?;
    Ok(Value::Array(DataArray::new(bare)))
}

fn item(call: &Call<'_>) -> Result<Value> {
    let Value::Array(array) = call.object else {
        return Err(not_on(call));
    };
    let count: u64 = array.variable.shape().iter().product();
    if count != 1 {
        return Err(Error::invalid(format!("one value of {count}"))
            .hint("`.isel(…)` or a reduction leaves one"));
    }
    let values = array.variable.values(call.session)?;
    let Some(value) = values.get(0) else {
        return Err(Error::internal("one value is none"));
    };
    let dtype = value.dtype();
    if is_text(dtype) {
        return Ok(Value::Text(value.to_text().unwrap_or_default()));
    }
    let (wide, kind) = match dtype {
        DType::Bool => (DType::Bool, WeakKind::Bool),
        DType::UInt64 => (dtype, WeakKind::Int),
        _ if dtype.is_integer() => (DType::Int64, WeakKind::Int),
        _ if dtype.is_float() => (DType::Float64, WeakKind::Float),
        _ => {
            return Err(Error::unsupported(format!("`item` of {dtype} values"))
                .hint("leave `.item()` out: an array of one value stands beside others"));
        }
    };
    Ok(Value::Number(labels::convert(&value, wide), kind))
}

fn size(call: &Call<'_>) -> Result<Value> {
    let Value::Array(array) = call.object else {
        return Err(not_on(call));
    };
    Ok(integer(array.variable.shape().iter().product::<u64>()))
}

fn ndim(call: &Call<'_>) -> Result<Value> {
    let Value::Array(array) = call.object else {
        return Err(not_on(call));
    };
    Ok(integer(array.dims().len() as u64))
}

fn shape(call: &Call<'_>) -> Result<Value> {
    let Value::Array(array) = call.object else {
        return Err(not_on(call));
    };
    let lengths = array.variable.shape().iter();
    Ok(Value::Tuple(
        lengths.map(|length| integer(*length)).collect(),
    ))
}

fn dims(call: &Call<'_>) -> Result<Value> {
    let Value::Array(array) = call.object else {
        return Err(not_on(call));
    };
    let names = array.dims().iter().cloned();
    Ok(Value::Tuple(names.map(Value::Text).collect()))
}

fn sizes(call: &Call<'_>) -> Result<Value> {
    let pair = |(dim, length): (&str, u64)| (Value::Text(dim.to_owned()), integer(length));
    Ok(Value::Dict(match call.object {
        Value::Array(array) => array.variable.sizes().map(pair).collect(),
        Value::Dataset(dataset) => {
            let all = dataset.sizes();
            all.iter()
                .map(|(dim, length)| pair((dim, *length)))
                .collect()
        }
        _ => return Err(not_on(call)),
    }))
}
