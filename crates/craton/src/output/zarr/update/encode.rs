//! Values as the arrays of a store that is there hold them.

use super::super::super::texts::to_strings;
use crate::calendar::{EncodedTimes, encode_times};
use crate::cf::{CfDecoding, decoded_dtype};
use crate::labels::Variable;
use crate::session::Session;
use craton_core::{Block, Calendar, DType, Error, Result, Scalar, Source};
use craton_kernels::binary::Binary;
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops;
use std::sync::Arc;

/// The values of `variable` as the array at `source` stores its own.
pub(super) fn encode_like(
    variable: &Variable,
    source: &Arc<dyn Source>,
    session: &Session,
) -> Result<NodeRef> {
    let meta = source.meta();
    let decoding = decoded_dtype(meta.dtype, &meta.attributes)?;
    let misfit = |stored: &str| {
        Error::invalid(format!(
            "values of `{}`, and `{stored}` in the store",
            variable.dtype()
        ))
        .hint(format!("`.astype(\"{stored}\")` converts them"))
    };
    match (variable.dtype(), meta.dtype) {
        (DType::Time(new), DType::Time(old)) if new == old => Ok(variable.node.clone()),
        (DType::Time(_), _) => encode_times_like(variable, &decoding, meta.dtype, session),
        (DType::FixedUtf8(_), DType::Utf8) => ops::literal(to_strings(&variable.values(session)?)?),
        (new, old) if decoding.time.is_none() && decoding.duration.is_none() => {
            if new == old && decoding.target == old {
                return fill_missing(&variable.node, &decoding);
            }
            if new != decoding.target {
                return Err(misfit(&decoding.target.to_string()));
            }
            pack(&variable.node, &decoding, old)
        }
        (_, _) => Err(misfit("datetime64[ns]")),
    }
}

/// NaN becomes the fill value, where there is one that is a number.
fn fill_missing(node: &NodeRef, decoding: &CfDecoding) -> Result<NodeRef> {
    match decoding.fill_values.first() {
        Some(fill) if node.dtype().is_float() && !fill.is_missing() => {
            let fill = ops::cast(&ops::scalar(fill.clone())?, node.dtype())?;
            ops::fill_missing(node, &fill)
        }
        _ => Ok(node.clone()),
    }
}

/// Unpacking undone: less the offset, by the factor, rounded, missing values filled.
fn pack(node: &NodeRef, decoding: &CfDecoding, stored: DType) -> Result<NodeRef> {
    if decoding.reinterpreted.is_some() {
        return Err(Error::unsupported(
            "integers of the other signedness (`_Unsigned`)",
        ));
    }
    let mut values = node.clone();
    let number = |value: &Scalar| ops::cast(&ops::scalar(value.clone())?, node.dtype());
    if let Some(offset) = &decoding.add_offset {
        values = ops::binary(Binary::Subtract, &values, &number(offset)?)?;
    }
    if let Some(factor) = &decoding.scale_factor {
        values = ops::binary(Binary::Divide, &values, &number(factor)?)?;
    }
    values = fill_missing(&values, decoding)?;
    if stored.is_integer() && values.dtype().is_float() {
        values = ops::unary(Unary::Rint, &values)?;
    }
    ops::cast(&values, stored)
}

fn encode_times_like(
    variable: &Variable,
    decoding: &CfDecoding,
    stored: DType,
    session: &Session,
) -> Result<NodeRef> {
    let DType::Time(time) = variable.dtype() else {
        return Err(Error::internal("times are no times"));
    };
    let Some(known) = &decoding.time else {
        let message = format!("times of `{time}`, and `{stored}` in the store");
        return Err(Error::invalid(message));
    };
    let calendar = match &known.calendar {
        Some(name) => Calendar::from_name(name)
            .ok_or_else(|| Error::unsupported(format!("the calendar `{name}`")))?,
        None => Calendar::Standard,
    };
    let block = variable.values(session)?;
    let counts: Vec<i64> = block.scalars().filter_map(|value| value.to_i64()).collect();
    let units = &known.units;
    let values = encode_times(&counts, time, units, calendar).map_err(|error| {
        Error::invalid(format!(
            "times of calendar `{}` do not fit the store",
            time.calendar.name()
        ))
        .caused_by(error)
        .hint("`.convert_calendar(…)` changes calendars")
    })?;
    let scalars: Option<Vec<Scalar>> = match values {
        EncodedTimes::Floats(values) if stored == DType::Float64 => {
            let scalar = |value: &f64| Scalar::from_f64(stored, *value);
            Some(values.iter().map(scalar).collect())
        }
        EncodedTimes::Floats(_) => None,
        EncodedTimes::Integers(values) => {
            let scalar = |value: &i64| {
                if *value == i64::MIN {
                    return decoding.fill_values.first().and_then(|fill| {
                        let fill = fill.to_i64()?;
                        Some(Scalar::from_i64(stored, fill))
                    });
                }
                let scalar = Scalar::from_i64(stored, *value);
                let back = scalar
                    .to_i64()
                    .map_or_else(|| scalar.to_f64(), |back| Some(back as f64));
                (back == Some(*value as f64)).then_some(scalar)
            };
            values.iter().map(scalar).collect()
        }
    };
    let scalars = scalars.ok_or_else(|| {
        Error::invalid(format!(
            "a time is no `{stored}` of `{units}`, as the store has them"
        ))
        .hint("write a new store, which takes units that keep every time")
    })?;
    let bytes: Vec<u8> = scalars
        .iter()
        .flat_map(|value| value.bytes())
        .copied()
        .collect();
    ops::literal(Block::from_bytes(stored, block.shape().to_vec(), &bytes)?)
}
