//! JSON as Python writes it: `NaN` and `Infinity` stand bare in attributes.

use craton_core::{AttributeValue, Attributes, DType, Error, Numbers, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Marks a bare token that JSON does not know; no text that people write begins so.
const MARK: char = '\u{1}';
const TOKENS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];
/// The name under which an object keeps the name that it gives twice.
const TWICE: &str = "\u{1}twice";

/// Any value. Of a name that is given twice the last value counts, as in Python, and the object remembers the name.
struct Document(Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Builder).map(Self)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Document(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Document(value))) = entries.next_entry::<String, Document>()? {
            if map.insert(name.clone(), value).is_some() {
                map.insert(TWICE.to_owned(), Value::String(name));
            }
        }
        Ok(Value::Object(map))
    }
}

/// Refuses metadata that give a name twice anywhere but in attributes: which of the values is meant cannot be known.
///
/// # Errors
/// [`craton_core::ErrorKind::Corrupt`] with the name.
pub(crate) fn check_names(value: &Value) -> Result<()> {
    match value {
        Value::Array(items) => items.iter().try_for_each(check_names),
        Value::Object(map) => {
            if let Some(name) = map.get(TWICE).and_then(Value::as_str) {
                return Err(Error::corrupt(format!("the metadata give `{name}` twice")));
            }
            map.iter()
                .filter(|(name, _)| *name != "attributes")
                .try_for_each(|(_, value)| check_names(value))
        }
        _ => Ok(()),
    }
}

/// Parses a metadata document.
///
/// # Errors
/// [`craton_core::ErrorKind::Corrupt`] if it is no JSON, even of Python's kind.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value> {
    let first = match serde_json::from_slice(bytes) {
        Ok(Document(value)) => return Ok(value),
        Err(cause) => cause,
    };
    if let Some(marked) = mark_tokens(bytes)
        && let Ok(Document(value)) = serde_json::from_slice(&marked)
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

/// The document as Python would write it, with bare tokens.
pub(crate) fn to_python_text(document: &Value) -> Result<Vec<u8>> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|cause| Error::internal("metadata are no JSON").caused_by(cause))?;
    for token in TOKENS {
        text = text.replace(&format!("\"\\u0001{token}\""), token);
    }
    Ok(text.into_bytes())
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
pub(crate) fn text(value: &Value) -> Option<&str> {
    value.as_str().map(|text| text.trim_start_matches(MARK))
}

/// Attributes from a JSON object, without those that `skip` names.
pub(crate) fn attributes(
    values: Option<&Map<String, Value>>,
    skip: impl Fn(&str) -> bool,
) -> Attributes {
    values
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != TWICE && !skip(name))
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
pub(crate) fn unmarked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.trim_start_matches(MARK)),
        Value::Array(items) => items.iter().map(unmarked).collect(),
        Value::Object(map) => map
            .iter()
            .filter(|(name, _)| *name != TWICE)
            .map(|(name, item)| (name.clone(), unmarked(item)))
            .collect(),
        other => other.clone(),
    }
}

/// The value of a field that must be there.
pub(crate) fn field<'a>(values: &'a Map<String, Value>, name: &str) -> Result<&'a Value> {
    values
        .get(name)
        .ok_or_else(|| Error::corrupt(format!("the metadata lack `{name}`")))
}

/// A list of lengths.
pub(crate) fn lengths(value: &Value, name: &str) -> Result<Vec<u64>> {
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

    #[test]
    fn a_name_given_twice_is_an_error_outside_attributes() {
        let parsed = |text: &str| parse(text.as_bytes()).unwrap();
        let error = check_names(&parsed(r#"{"a": [{"shape": 1, "b": 2, "shape": 3}]}"#));
        assert!(error.unwrap_err().to_string().contains("`shape`"));
        let document =
            parsed(r#"{"attributes": {"units": "K", "units": "m", "x": {"y": 1, "y": 2}}}"#);
        check_names(&document).unwrap();
        let attributes = attributes(document["attributes"].as_object(), |_| false);
        assert_eq!(attributes["units"].as_text(), Some("m"));
        assert_eq!(attributes.len(), 2);
        assert_eq!(attributes["x"].to_json().to_string(), r#"{"y":2}"#);
    }
}
