//! Variables as Zarr stores them: times as numbers by the CF conventions, texts as `string`.

use super::super::encode::{Encoded, FILL, TimeEncoding, encode_time, without_fill};
use super::super::texts::to_strings;
use crate::labels::Variable;
use crate::session::Session;
use base64::{Engine, engine::general_purpose::STANDARD};
use craton_core::{AttributeValue, DType, Result, Scalar};
use craton_plan::ops::literal;

/// `variable` in a dtype that Zarr has.
///
/// # Errors
/// What computing small times and fixed texts reports.
pub(super) fn encode(
    variable: &Variable,
    times: Option<&TimeEncoding>,
    session: &Session,
) -> Result<Encoded> {
    match variable.dtype() {
        DType::Time(time) => encode_time(variable, time, times, session),
        DType::FixedUtf8(_) => {
            let block = variable.values(session)?;
            let node = literal(to_strings(&block)?)?;
            Ok(Encoded {
                node,
                attributes: without_fill(variable),
                fill_value: None,
            })
        }
        dtype => Ok(encode_plain(variable, dtype)),
    }
}

/// A `_FillValue` that is still an attribute stays one, and becomes the value of missing chunks.
fn encode_plain(variable: &Variable, dtype: DType) -> Encoded {
    let mut attributes = variable.attributes.clone();
    let stated = attributes.get(FILL).and_then(AttributeValue::as_scalar);
    let stated = stated.filter(|_| dtype.is_integer() || dtype.is_float());
    let fill_value = match stated {
        Some(value) if dtype.is_integer() => {
            value.to_i64().map(|value| Scalar::from_i64(dtype, value))
        }
        Some(value) => value.to_f64().map(|value| Scalar::from_f64(dtype, value)),
        None if dtype.is_float() => Some(Scalar::from_f64(dtype, f64::NAN)),
        None => None,
    };
    if let Some(fill) = fill_value
        .as_ref()
        .filter(|_| attributes.contains_key(FILL))
    {
        let stored = match fill.to_f64() {
            // The form in which xarray keeps float fill values in Zarr 3: JSON has no exact bits.
            Some(value) if dtype.is_float() => {
                AttributeValue::Text(STANDARD.encode(value.to_le_bytes()))
            }
            _ => AttributeValue::number(dtype, fill.bytes()),
        };
        attributes.insert(FILL.to_owned(), stored);
    }
    Encoded {
        node: variable.node.clone(),
        attributes,
        fill_value,
    }
}
