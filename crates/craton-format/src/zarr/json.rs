//! JSON as Python writes it: `NaN` and `Infinity` stand bare in attributes.

use craton_core::{AttributeValue, Attributes, DType, Error, Numbers, Result};
use serde_json::{Map, Value};

/// Marks a bare token that JSON does not know; no text that people write begins so.
const MARK: char = '\u{1}';
const TOKENS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Parses a metadata document.
///
/// # Errors
/// [`craton_core::ErrorKind::Corrupt`] if it is no JSON, even of Python's kind.
pub(super) fn parse(bytes: &[u8]) -> Result<Value> {
    let first = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(cause) => cause,
    };
    if let Some(marked) = mark_tokens(bytes)
        && let Ok(value) = serde_json::from_slice(&marked)
    {
        return Ok(value);
    }
    Err(Error::corrupt("the metadata are no JSON").caused_by(first))
}

/// Puts bare tokens into marked texts; `None` if there are none.
fn mark_tokens(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let (mut at, mut is_text, mut found) = (0, false, false);
    while let Some(&byte) = bytes.get(at) {
        let token = TOKENS
            .iter()
            .find(|token| !is_text && bytes[at..].starts_with(token.as_bytes()));
        if let Some(token) = token {
            out.extend(format!("\"\\u0001{token}\"").bytes());
            at += token.len();
            found = true;
            continue;
        }
        out.push(byte);
        at += 1;
        match byte {
            b'"' => is_text = !is_text,
            b'\\' if is_text => {
                out.extend(bytes.get(at));
                at += 1;
            }
            _ => {}
        }
    }
    found.then_some(out)
}

fn marked(value: &Value) -> Option<f64> {
    match value.as_str()?.strip_prefix(MARK)? {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The text of a marked token or of a text.
pub(super) fn text(value: &Value) -> Option<&str> {
    value.as_str().map(|text| text.trim_start_matches(MARK))
}

/// Attributes from a JSON object, without those that `skip` names.
pub(super) fn attributes(
    values: Option<&Map<String, Value>>,
    skip: impl Fn(&str) -> bool,
) -> Attributes {
    values
        .into_iter()
        .flatten()
        .filter(|(name, _)| !skip(name))
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

fn attribute(value: &Value) -> AttributeValue {
    if let Some(number) = marked(value) {
        return AttributeValue::number(DType::Float64, &number.to_ne_bytes());
    }
    let Value::Array(items) = value else {
        return AttributeValue::from_json(&unmarked(value));
    };
    let numbers = items
        .iter()
        .map(|item| item.as_f64().or_else(|| marked(item)));
    match numbers.collect::<Option<Vec<f64>>>() {
        Some(numbers) if items.iter().any(Value::is_string) => AttributeValue::Numbers(Numbers {
            dtype: DType::Float64,
            is_scalar: false,
            bytes: numbers.into_iter().flat_map(f64::to_ne_bytes).collect(),
        }),
        _ => AttributeValue::from_json(&unmarked(value)),
    }
}

/// The value with tokens deep inside as plain texts.
fn unmarked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.trim_start_matches(MARK)),
        Value::Array(items) => items.iter().map(unmarked).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, item)| (name.clone(), unmarked(item)))
            .collect(),
        other => other.clone(),
    }
}

/// The value of a field that must be there.
pub(super) fn field<'a>(values: &'a Map<String, Value>, name: &str) -> Result<&'a Value> {
    values
        .get(name)
        .ok_or_else(|| Error::corrupt(format!("the metadata lack `{name}`")))
}

/// A list of lengths.
pub(super) fn lengths(value: &Value, name: &str) -> Result<Vec<u64>> {
    let items = value
        .as_array()
        .map(|items| items.iter().map(length).collect::<Option<Vec<u64>>>());
    items.flatten().ok_or_else(|| {
        let shown = crate::codec::options::brief(value);
        Error::corrupt(format!(
            "`{name}` is `{shown}` instead of a list of lengths"
        ))
    })
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole and small"
)]
fn length(value: &Value) -> Option<u64> {
    let whole = |number: f64| number.fract() == 0.0 && (0.0..1e15).contains(&number);
    value
        .as_u64()
        .or_else(|| {
            value
                .as_f64()
                .filter(|number| whole(*number))
                .map(|number| number as u64)
        })
        // Sums of lengths must not overflow.
        .filter(|length| *length <= i64::MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_python_tokens_become_numbers_in_attributes() {
        let value =
            parse(br#"{"a": NaN, "b": [1, -Infinity], "c": "NaN \" Infinity", "d": {"e": NaN}}"#);
        let attributes = attributes(value.unwrap().as_object(), |_| false);
        assert!(attributes["a"].as_f64().unwrap().is_nan());
        let AttributeValue::Numbers(numbers) = &attributes["b"] else {
            panic!()
        };
        assert_eq!(
            numbers.scalars().nth(1).unwrap().to_f64(),
            Some(f64::NEG_INFINITY)
        );
        assert_eq!(attributes["c"].as_text(), Some("NaN \" Infinity"));
        assert_eq!(attributes["d"].to_json().to_string(), r#"{"e":"NaN"}"#);
        assert!(parse(b"{NaN").is_err());
    }
}
