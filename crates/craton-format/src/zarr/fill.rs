//! Fill values of both versions.

use super::dtype::{fields, from_v3};
use super::json::text;
use crate::codec::options::brief;
use base64::{Engine, engine::general_purpose::STANDARD};
use craton_core::{AttributeValue, DType, Error, Result, Scalar};
use half::f16;
use serde_json::Value;

/// The fill value `value` of an array of `dtype`; `data_type` is the version 3 type in JSON.
pub(super) fn parse(dtype: DType, value: &Value, data_type: Option<&Value>) -> Result<Scalar> {
    if value.is_null() {
        return Ok(Scalar::zero(dtype));
    }
    let parsed = match dtype {
        DType::Bool => {
            boolean(value).map(|is_true| Scalar::from_bytes(dtype, &[u8::from(is_true)]))
        }
        DType::Time(_) if text(value) == Some("NaT") => Some(Scalar::from_i64(dtype, i64::MIN)),
        DType::Time(_) => {
            integer(DType::Int64, value).map(|bytes| Scalar::from_bytes(dtype, &bytes))
        }
        DType::Complex64 => {
            complex(DType::Float32, value).map(|bytes| Scalar::from_bytes(dtype, &bytes))
        }
        DType::Complex128 => {
            complex(DType::Float64, value).map(|bytes| Scalar::from_bytes(dtype, &bytes))
        }
        // Writers of version 2 put numbers here; their own readers show them as text.
        DType::Utf8 if value.is_number() => Some(Scalar::from_text(&value.to_string())),
        DType::Utf8 => string(value).map(|text| Scalar::from_text(&text)),
        DType::FixedUtf8(_) => string(value).map(|text| utf32(dtype, &text)),
        DType::FixedBytes(_) | DType::Bytes => {
            bytes(value).map(|bytes| Scalar::from_bytes(dtype, &bytes))
        }
        DType::Opaque(_) => opaque(dtype, value, data_type)?,
        _ if dtype.is_float() => float(dtype, value).map(|bytes| Scalar::from_bytes(dtype, &bytes)),
        _ => integer(dtype, value).map(|bytes| Scalar::from_bytes(dtype, &bytes)),
    };
    parsed.ok_or_else(|| {
        Error::corrupt(format!(
            "fill value `{}` is no value of type {dtype}",
            brief(value)
        ))
    })
}

fn boolean(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| match value.as_f64()? {
        0.0 => Some(false),
        1.0 => Some(true),
        _ => None,
    })
}

/// Native bytes of an integer that fits.
#[allow(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and to fit"
)]
fn integer(dtype: DType, value: &Value) -> Option<Vec<u8>> {
    let whole = || {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0 && number.abs() < 2e19)
    };
    let wide = value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from))
        .or_else(|| value.as_bool().map(i128::from))
        .or_else(|| whole().map(|number| number as i128))?;
    let size = dtype.item_size()?;
    let bits = u32::try_from(size * 8).ok()?;
    let (low, high) = if dtype.is_unsigned_integer() {
        (0, (1i128 << bits) - 1)
    } else {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    };
    if !(low..=high).contains(&wide) {
        return None;
    }
    let mut native = wide.to_le_bytes()[..size].to_vec();
    if cfg!(target_endian = "big") {
        native.reverse();
    }
    Some(native)
}

/// Native bytes of a float: a number, a name, or its bits in hexadecimal.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the stored type is narrower"
)]
fn float(dtype: DType, value: &Value) -> Option<Vec<u8>> {
    let number = match text(value) {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(other) => match other.strip_prefix("0x") {
            Some(bits) => return hexadecimal(dtype, bits),
            None => other.parse().ok()?,
        },
        None => value.as_f64()?,
    };
    Some(match dtype {
        DType::Float16 => f16::from_f64(number).to_ne_bytes().to_vec(),
        DType::Float32 => (number as f32).to_ne_bytes().to_vec(),
        _ => number.to_ne_bytes().to_vec(),
    })
}

fn hexadecimal(dtype: DType, digits: &str) -> Option<Vec<u8>> {
    let size = dtype.item_size()?;
    if digits.len() != size * 2 {
        return None;
    }
    let bits = u64::from_str_radix(digits, 16).ok()?;
    let mut native = bits.to_le_bytes()[..size].to_vec();
    if cfg!(target_endian = "big") {
        native.reverse();
    }
    Some(native)
}

fn complex(part: DType, value: &Value) -> Option<Vec<u8>> {
    let (real, imaginary) = match value {
        Value::Array(parts) if parts.len() == 2 => {
            (float(part, &parts[0])?, float(part, &parts[1])?)
        }
        real => (float(part, real)?, float(part, &Value::from(0.0))?),
    };
    Some([real, imaginary].concat())
}

fn string(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        // Writers of version 2 put 0 here to mean "nothing".
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(String::new()),
        _ => None,
    }
}

fn utf32(dtype: DType, text: &str) -> Scalar {
    let bytes: Vec<u8> = text
        .chars()
        .flat_map(|letter| u32::from(letter).to_ne_bytes())
        .collect();
    Scalar::from_bytes(dtype, &bytes)
}

/// Bytes as base64 or as a list of numbers.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => STANDARD.decode(text).ok(),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok()))
            .collect(),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(Vec::new()),
        _ => None,
    }
}

/// Structured elements: their bytes, or one value per field.
fn opaque(dtype: DType, value: &Value, data_type: Option<&Value>) -> Result<Option<Scalar>> {
    let Value::Object(values) = value else {
        return Ok(bytes(value).map(|bytes| Scalar::from_bytes(dtype, &bytes)));
    };
    let Some(fields) = data_type.and_then(fields) else {
        return Ok(None);
    };
    let mut all = Vec::new();
    for (name, data_type) in fields {
        let value = values.get(name).unwrap_or(&Value::Null);
        all.extend_from_slice(parse(from_v3(data_type)?, value, Some(data_type))?.bytes());
    }
    Ok(Some(Scalar::from_bytes(dtype, &all)))
}

/// Turns the attribute `_FillValue` of floats as xarray writes it into numbers: JSON has no NaN, so it is the bytes of
/// a double in base64, and of two for complex numbers.
pub(super) fn decode_attribute(dtype: DType, value: &mut AttributeValue) {
    let texts: Vec<&str> = match &*value {
        AttributeValue::Text(text) if dtype.is_float() => vec![text],
        AttributeValue::Texts(texts) if dtype.is_complex() && texts.len() == 2 => {
            texts.iter().map(AsRef::as_ref).collect()
        }
        _ => return,
    };
    let parts = texts.into_iter().map(|text| {
        let bytes = <[u8; 8]>::try_from(STANDARD.decode(text).ok()?).ok()?;
        Some(f64::from_le_bytes(bytes).to_ne_bytes())
    });
    let dtype = match dtype.is_complex() {
        true => DType::Complex128,
        false => DType::Float64,
    };
    if let Some(parts) = parts.collect::<Option<Vec<_>>>() {
        *value = AttributeValue::number(dtype, &parts.concat());
    }
}

/// The fill value as version 3 writes it.
pub(super) fn to_json(value: &Scalar) -> Value {
    let dtype = value.dtype();
    match dtype {
        DType::Float16 | DType::Float32 | DType::Float64 => float_to_json(dtype, value.bytes()),
        DType::Complex64 => value
            .bytes()
            .chunks_exact(4)
            .map(|part| float_to_json(DType::Float32, part))
            .collect(),
        DType::Complex128 => value
            .bytes()
            .chunks_exact(8)
            .map(|part| float_to_json(DType::Float64, part))
            .collect(),
        DType::Time(_) => value.to_i64().map_or(Value::Null, Value::from),
        DType::FixedBytes(_) => {
            let length = value
                .bytes()
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            Value::from(STANDARD.encode(&value.bytes()[..length]))
        }
        DType::Bytes | DType::Opaque(_) => Value::from(STANDARD.encode(value.bytes())),
        _ => value.to_json(),
    }
}

fn float_to_json(dtype: DType, bytes: &[u8]) -> Value {
    let value = Scalar::from_bytes(dtype, bytes);
    let number = value.to_f64().unwrap_or(f64::NAN);
    let plain = float(dtype, &Value::from("NaN"));
    if number.is_nan() && plain.as_deref() != Some(bytes) {
        // A NaN with a payload must keep its bits.
        let mut big_endian = bytes.to_vec();
        if cfg!(target_endian = "little") {
            big_endian.reverse();
        }
        let digits: String = big_endian
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        return Value::from(format!("0x{digits}"));
    }
    if number.is_nan() {
        Value::from("NaN")
    } else {
        value.to_json()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_nan_payload_survives_both_ways() {
        let value = parse(DType::Float32, &json!("0x7fc00001"), None).unwrap();
        assert_eq!(value.bytes(), 0x7fc0_0001_u32.to_ne_bytes());
        assert_eq!(to_json(&value), json!("0x7fc00001"));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (dtype, value) in [
            (DType::UInt8, json!(300)),
            (DType::Int8, json!(-129)),
            (DType::UInt64, json!(-1)),
            (DType::Int32, json!(1.5)),
            (DType::Bool, json!(2)),
            (DType::Float32, json!("0x7fc0")),
            (DType::Complex64, json!([1, 2, 3])),
            (DType::Int16, json!({})),
        ] {
            assert!(parse(dtype, &value, None).is_err(), "{dtype} {value}");
        }
        let largest = parse(DType::UInt64, &json!(u64::MAX), None).unwrap();
        assert_eq!(largest.bytes(), u64::MAX.to_ne_bytes());
    }
}
