//! Fill values of both versions.

use super::dtype::{DataType, from_v3};
use crate::codec::NumberType;
use crate::codec::options::brief;
use crate::json::text;
use base64::{Engine, engine::general_purpose::STANDARD};
use craton_core::{AttributeValue, DType, Error, Pool, Result, Scalar};
use serde_json::Value;

/// The fill value `value` of an array of `data_type`.
pub(super) fn parse(data_type: &DataType, value: &Value) -> Result<Scalar> {
    let dtype = data_type.dtype;
    if value.is_null() {
        return Ok(Scalar::zero(dtype));
    }
    let scalar = |bytes: Vec<u8>| Scalar::from_bytes(dtype, &bytes);
    let parsed = match dtype {
        DType::Bool => boolean(value).map(|is_true| scalar(vec![u8::from(is_true)])),
        DType::Time(_) if text(value) == Some("NaT") => Some(Scalar::from_i64(dtype, i64::MIN)),
        // Writers of version 2 put numbers here; their own readers show them as text.
        DType::Utf8 if value.is_number() => Some(Scalar::from_text(&value.to_string())),
        DType::Utf8 => string(value).map(|text| Scalar::from_text(&text)),
        DType::FixedUtf8(_) => string(value).map(|text| utf32(dtype, &text)),
        DType::FixedBytes(_) | DType::Bytes => bytes(value).map(scalar),
        DType::Opaque(_) => opaque(data_type, value)?,
        _ if dtype.is_complex() => complex(data_type, value).map(scalar),
        _ => number(data_type, value).map(scalar),
    };
    parsed.ok_or_else(|| {
        Error::corrupt(format!(
            "fill value `{}` is no value of type {}",
            brief(value),
            data_type.element
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

/// Native bytes of a real number, as elements of the type are read.
fn number(data_type: &DataType, value: &Value) -> Option<Vec<u8>> {
    let (plain, stored) = (
        NumberType::native(data_type.dtype),
        data_type.element.to_native(),
    );
    // A type that a program added spells its values as those of the type they are read as.
    if stored.narrow.is_none() {
        return plain.from_json(value);
    }
    widened(data_type, &stored.from_json(value)?)
}

/// A complex number: two parts, or a real one.
fn complex(data_type: &DataType, value: &Value) -> Option<Vec<u8>> {
    let stored = data_type.element.to_native();
    let part = stored.part();
    let (real, imaginary) = match value {
        Value::Array(parts) if parts.len() == 2 => (&parts[0], &parts[1]),
        real => (real, &Value::from(0.0)),
    };
    let both = [part.from_json(real)?, part.from_json(imaginary)?].concat();
    if stored.narrow.is_none() {
        return Some(both);
    }
    widened(data_type, &both)
}

/// Elements as they are read from elements as they are stored.
fn widened(data_type: &DataType, stored: &[u8]) -> Option<Vec<u8>> {
    let Some(codec) = &data_type.codec else {
        return Some(stored.to_vec());
    };
    let mut bytes = vec![0; data_type.dtype.item_size()?];
    let done = codec.decode(stored, &mut bytes, &Pool::unlimited());
    (done.ok()? == Some(bytes.len())).then_some(bytes)
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
fn opaque(data_type: &DataType, value: &Value) -> Result<Option<Scalar>> {
    let dtype = data_type.dtype;
    let Value::Object(values) = value else {
        return Ok(bytes(value).map(|bytes| Scalar::from_bytes(dtype, &bytes)));
    };
    if data_type.fields.is_empty() {
        return Ok(None);
    }
    let mut all = Vec::new();
    for field in &data_type.fields {
        let value = values.get(&field.name).unwrap_or(&Value::Null);
        let Some(data_type) = &field.data_type else {
            return Ok(None);
        };
        all.extend_from_slice(parse(&from_v3(data_type)?, value)?.bytes());
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
    let plain = NumberType::native(dtype).from_json(&Value::from("NaN"));
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
        let value = parse(&DataType::from(DType::Float32), &json!("0x7fc00001")).unwrap();
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
            assert!(
                parse(&DataType::from(dtype), &value).is_err(),
                "{dtype} {value}"
            );
        }
        let largest = parse(&DataType::from(DType::UInt64), &json!(u64::MAX)).unwrap();
        assert_eq!(largest.bytes(), u64::MAX.to_ne_bytes());
    }

    #[test]
    fn fill_values_of_narrow_types_are_spelled_in_their_bits() {
        let parsed = |name: &str, value: Value| {
            let value = parse(&from_v3(&json!(name)).unwrap(), &value);
            value.map(|value| value.to_f64())
        };
        assert_eq!(parsed("bfloat16", json!("0x3fc0")).unwrap(), Some(1.5));
        assert_eq!(parsed("float8_e4m3fn", json!("0x7e")).unwrap(), Some(448.0));
        assert_eq!(
            parsed("float8_e5m2", json!("-Infinity")).unwrap(),
            Some(f64::NEG_INFINITY)
        );
        assert!(
            parsed("float8_e4m3fn", json!("NaN"))
                .unwrap()
                .unwrap()
                .is_nan()
        );
        assert_eq!(parsed("int4", json!(-8)).unwrap(), Some(-8.0));
        for (name, value) in [
            ("int4", json!(8)),
            ("uint2", json!(-1)),
            ("float8_e4m3fn", json!("Infinity")),
            ("bfloat16", json!("0x3fc00")),
        ] {
            assert!(parsed(name, value.clone()).is_err(), "{name} {value}");
        }
        let pair = parse(
            &from_v3(&json!("complex_bfloat16")).unwrap(),
            &json!(["0x3fc0", "NaN"]),
        )
        .unwrap();
        assert_eq!(pair.bytes()[..4], 1.5f32.to_ne_bytes());
    }
}
