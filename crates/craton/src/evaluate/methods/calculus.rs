//! Slopes, areas and products along dimensions.

use super::{each_array, not_on};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::labels::DataArray;
use craton_core::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "differentiate",
        LABELLED,
        "coord, edge_order=1, datetime_unit=None",
        "The slope along a coordinate, from the neighbours on both sides.",
        &[
            "ds.t2m.differentiate(\"lat\")",
            "ds.t2m.differentiate(\"time\", datetime_unit=\"D\")",
        ],
        |call| {
            let coord = call.need_text("coord")?;
            let edge = call.count("edge_order")?.unwrap_or(1);
            let unit = call.text("datetime_unit")?;
            each_array(call, coord, |array| {
                array.differentiate(coord, edge, unit, call.session)
            })
        },
    ),
    method(
        "integrate",
        LABELLED,
        "coord, datetime_unit=None",
        "The area under the values along a coordinate, by the trapezoidal rule.",
        &["ds.t2m.integrate(\"lat\")"],
        |call| integrate(call, false),
    ),
    method(
        "cumulative_integrate",
        LABELLED,
        "coord, datetime_unit=None",
        "The area under the values up to each label of a coordinate.",
        &["ds.tp.cumulative_integrate(\"time\", datetime_unit=\"D\")"],
        |call| integrate(call, true),
    ),
    method(
        "dot",
        &[Receiver::DataArray],
        "other, dim=None",
        "The product with another array, summed over the dimensions that both have.",
        &["ds.t2m.dot(ds.lat)", "ds.t2m.dot(ds.tp, dim=\"time\")"],
        dot,
    ),
];

fn integrate(call: &Call<'_>, is_cumulative: bool) -> Result<Value> {
    let wanted = call.need("coord")?;
    let coords = wanted
        .as_texts()
        .ok_or_else(|| Error::usage("`coord` is a name or a list of names"))?;
    let unit = call.text("datetime_unit")?;
    let mut out = call.object.clone();
    for coord in &coords {
        let step = |array: &DataArray| array.integrate(coord, unit, is_cumulative, call.session);
        out = super::each_array_of(&out, call.name(), coord, step)?;
    }
    Ok(out)
}

fn dot(call: &Call<'_>) -> Result<Value> {
    let (Value::Array(one), Value::Array(other)) = (call.object, call.need("other")?) else {
        return Err(not_on(call));
    };
    let dims = call.texts("dim")?;
    let is_all = matches!(call.given("dim"), Some(Value::Ellipsis));
    DataArray::dot(&[one, other], dims.as_deref(), is_all).map(Value::Array)
}
