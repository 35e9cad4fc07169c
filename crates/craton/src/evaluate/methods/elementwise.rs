//! What is done to each value, or to each and its neighbour.

use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::functions::dtype;
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::labels::{
    self, DataArray, Operand, PositionSelection, Variable, WeakKind, binary, binary_of_texts,
    is_text, is_textual,
};
use crate::session::Session;
use craton_core::{DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::unary::Unary;
use craton_plan::ops;

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "clip",
        LABELLED,
        "min=None, max=None, *, keep_attrs=None",
        "The values, none lower than `min` or higher than `max`.",
        &["ds.t2m.clip(250, 300)", "ds.tp.clip(min=0)"],
        |call| {
            let bound = |name: &str| call.get(name).map(Value::as_operand).transpose();
            let (low, high) = (bound("min")?, bound("max")?);
            call.object.map_arrays(call.name(), |array| {
                clip(array, low.as_ref(), high.as_ref())
            })
        },
    ),
    method(
        "astype",
        LABELLED,
        "dtype, *, keep_attrs=True",
        "The values as another type.",
        &["ds.t2m.astype(\"float64\")", "ds.t2m.astype(np.float64)"],
        astype,
    ),
    method(
        "round",
        LABELLED,
        "decimals=0, *, keep_attrs=True",
        "The values rounded to whole numbers, or to so many decimals.",
        &["ds.t2m.round()", "ds.t2m.round(-1)"],
        round,
    ),
    method(
        "isin",
        LABELLED,
        "test_elements",
        "Whether each value is one of a list.",
        &["ds.time.dt.month.isin([6, 7, 8])"],
        |call| {
            let items = match call.need("test_elements")? {
                Value::Array(array) => {
                    let values = array.variable.values(call.session)?;
                    let kind = WeakKind::Strong;
                    values
                        .scalars()
                        .map(|one| match one.dtype() {
                            dtype if is_text(dtype) => {
                                Value::Text(one.to_text().unwrap_or_default())
                            }
                            _ => Value::Number(one, kind),
                        })
                        .collect()
                }
                other => match other.items() {
                    Some(items) => items.to_vec(),
                    None => vec![other.clone()],
                },
            };
            call.object
                .map_arrays(call.name(), |array| isin(array, &items, call.session))
        },
    ),
    method(
        "diff",
        LABELLED,
        "dim, n=1, *, label='upper'",
        "Each value less the one before it along a dimension, `n` times over.",
        &[
            "ds.t2m.diff(\"time\")",
            "ds.t2m.diff(\"lat\", label=\"lower\")",
        ],
        |call| {
            let dim = call.need_text("dim")?;
            let times = call.count("n")?.unwrap_or(1);
            let takes_lower = call.text("label")? == Some("lower");
            call.object.map_arrays(call.name(), |array| {
                // As in xarray only the first step takes the lower labels.
                (0..times).try_fold(array.clone(), |array, step| {
                    diff(&array, dim, takes_lower && step == 0)
                })
            })
        },
    ),
];

fn astype(call: &Call<'_>) -> Result<Value> {
    let dtype = dtype(call.need_text("dtype")?)?;
    call.object.map_arrays(call.name(), |array| {
        let node = ops::cast(&array.variable.node, dtype)?;
        Ok(array.with_variable(array.variable.with_node(node)?))
    })
}

fn round(call: &Call<'_>) -> Result<Value> {
    let decimals = decimals(call)?;
    call.object
        .map_arrays(call.name(), |array| rounded(array, decimals))
}

/// The argument `decimals`.
pub(in crate::evaluate) fn decimals(call: &Call<'_>) -> Result<i32> {
    match call.get("decimals").map(Value::as_i64) {
        None => Ok(0),
        Some(Some(decimals)) if decimals.unsigned_abs() < 300 => Ok(decimals as i32),
        Some(_) => Err(Error::usage("`decimals` is a whole number")),
    }
}

/// Rounded as NumPy rounds: scaled, rounded with halves to even, scaled back. Integers stay as they are, unless they are
/// rounded to tens and such, which is done in doubles.
pub(in crate::evaluate) fn rounded(array: &DataArray, decimals: i32) -> Result<DataArray> {
    let dtype = array.variable.dtype();
    if decimals == 0 && dtype.is_integer() {
        return Ok(array.clone());
    }
    if decimals == 0 {
        return labels::unary(Unary::Rint, array, true);
    }
    if !dtype.is_float() && decimals > 0 {
        return Ok(array.clone());
    }
    let kind = match dtype {
        dtype if dtype.is_float() => dtype,
        dtype if dtype.is_integer() => DType::Float64,
        dtype => return Err(Error::invalid(format!("{dtype} cannot be rounded to tens"))),
    };
    let scale = ops::scalar(Scalar::from_f64(kind, 10f64.powi(decimals.abs())))?;
    let (there, back) = match decimals > 0 {
        true => (Binary::Multiply, Binary::Divide),
        false => (Binary::Divide, Binary::Multiply),
    };
    let scaled = ops::binary(there, &ops::cast(&array.variable.node, kind)?, &scale)?;
    let whole = ops::unary(Unary::Rint, &scaled)?;
    let node = ops::cast(&ops::binary(back, &whole, &scale)?, dtype)?;
    Ok(array.with_variable(array.variable.with_node(node)?))
}

/// No lower than `low`, no higher than `high`; attributes stay.
pub(in crate::evaluate) fn clip(
    array: &DataArray,
    low: Option<&Operand>,
    high: Option<&Operand>,
) -> Result<DataArray> {
    let mut out = array.clone();
    for (function, bound) in [(Binary::Maximum, low), (Binary::Minimum, high)] {
        if let Some(bound) = bound {
            out = binary(function, &Operand::Array(out), bound)?;
        }
    }
    out.variable.attributes = array.variable.attributes.clone();
    out.name.clone_from(&array.name);
    Ok(out)
}

/// Each value less the one before, along `dim`.
fn diff(array: &DataArray, dim: &str, takes_lower: bool) -> Result<DataArray> {
    let later = array.select_positions(dim, &PositionSelection::Slice(Some(1), None, None))?;
    let earlier = array.select_positions(dim, &PositionSelection::Slice(None, Some(-1), None))?;
    let node = ops::binary(
        Binary::Subtract,
        &later.variable.node,
        &earlier.variable.node,
    )?;
    let base = if takes_lower { earlier } else { later };
    Ok(base.with_variable(Variable::new(
        array.dims().to_vec(),
        node,
        array.variable.attributes.clone(),
    )?))
}

/// Whether each value is one of `items`.
fn isin(array: &DataArray, items: &[Value], session: &Session) -> Result<DataArray> {
    let mut found: Option<DataArray> = None;
    for item in items {
        let (one, other) = (Operand::Array(array.clone()), operand_among(array, item)?);
        let equal = match one.is_textual() {
            true => binary_of_texts(Binary::Equal, &one, &other, session)?,
            false => binary(Binary::Equal, &one, &other)?,
        };
        found = Some(match found {
            Some(others) => binary(
                Binary::LogicalOr,
                &Operand::Array(others),
                &Operand::Array(equal),
            )?,
            None => equal,
        });
    }
    match found {
        Some(found) => Ok(found.renamed(array.name.clone())),
        None => {
            let node = ops::full(Scalar::zero(DType::Bool), array.variable.shape())?;
            Ok(array.with_variable(array.variable.with_node(node)?))
        }
    }
}

/// One of the values among which those of `array` are looked for.
fn operand_among(array: &DataArray, item: &Value) -> Result<Operand> {
    if !is_textual(array.variable.dtype()) {
        return item.as_operand();
    }
    // NumPy would make texts of numbers and bytes here, and only here.
    match item {
        Value::Text(_) if is_text(array.variable.dtype()) => {
            item.as_operand_beside(&Value::Array(array.clone()))
        }
        Value::Text(_) => Err(Error::invalid("bytes are looked for among texts")
            .hint("`.str.decode(\"utf-8\")` makes texts of them")),
        other => Err(Error::invalid(format!(
            "texts are looked for among texts, not {}",
            other.kind()
        ))),
    }
}
