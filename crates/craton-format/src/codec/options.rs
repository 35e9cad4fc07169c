//! Reads the options of one codec from its JSON, with errors that name codec and option.

use super::NumberType;
use craton_core::{Error, Result};
use serde_json::{Map, Value};

/// The options of one codec, from either version of Zarr.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    codec: &'a str,
    values: Option<&'a Map<String, Value>>,
}

impl<'a> Options<'a> {
    /// The options `values` of `codec`.
    #[must_use]
    pub fn new(codec: &'a str, values: Option<&'a Map<String, Value>>) -> Self {
        Self { codec, values }
    }

    /// A Zarr v2 filter or compressor: `{"id": ..., options}`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if it has no `id`.
    pub fn from_v2(value: &'a Value) -> Result<Self> {
        let values = value.as_object();
        match values
            .and_then(|values| values.get("id"))
            .and_then(Value::as_str)
        {
            Some(codec) => Ok(Self { codec, values }),
            None => Err(Error::corrupt(format!(
                "codec without an `id`: {}",
                brief(value)
            ))),
        }
    }

    /// A Zarr v3 codec: a name, or `{"name": ..., "configuration": {options}}`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if it has no `name`.
    pub fn from_v3(value: &'a Value) -> Result<Self> {
        if let Some(codec) = value.as_str() {
            return Ok(Self {
                codec,
                values: None,
            });
        }
        match value.get("name").and_then(Value::as_str) {
            Some(codec) => Ok(Self {
                codec,
                values: value.get("configuration").and_then(Value::as_object),
            }),
            None => Err(Error::corrupt(format!(
                "codec without a `name`: {}",
                brief(value)
            ))),
        }
    }

    /// The codec's name as stored.
    #[must_use]
    pub fn codec(&self) -> &'a str {
        self.codec
    }

    /// All options, as stored.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.values.cloned().unwrap_or_default())
    }

    /// The option `name`; `null` counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.values?.get(name).filter(|value| !value.is_null())
    }

    /// An integer option within `accepted`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if it is something else.
    pub fn integer(
        &self,
        name: &str,
        accepted: std::ops::RangeInclusive<i64>,
        default: Option<i64>,
    ) -> Result<i64> {
        let Some(value) = self.get(name) else {
            return default.ok_or_else(|| self.missing(name));
        };
        let number = value.as_i64().or_else(|| whole(value.as_f64()?));
        number
            .filter(|number| accepted.contains(number))
            .ok_or_else(|| {
                let wanted = format!("an integer from {} to {}", accepted.start(), accepted.end());
                self.wrong(name, value, &wanted)
            })
    }

    /// A number option.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if it is absent or something else.
    pub fn number(&self, name: &str) -> Result<f64> {
        let value = self.get(name).ok_or_else(|| self.missing(name))?;
        value
            .as_f64()
            .ok_or_else(|| self.wrong(name, value, "a number"))
    }

    /// A text option.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if it is there but no text.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>> {
        self.get(name)
            .map(|value| {
                value
                    .as_str()
                    .ok_or_else(|| self.wrong(name, value, "a text"))
            })
            .transpose()
    }

    /// A number type in NumPy's code, such as `<i4`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] or [`craton_core::ErrorKind::Unsupported`] if it is none.
    pub fn number_type(&self, name: &str, is_native: bool) -> Result<NumberType> {
        let code = self.text(name)?.ok_or_else(|| self.missing(name))?;
        let Some(parsed) = NumberType::from_code(code) else {
            let message = format!("option `{name}` of codec `{}` is `{code}`", self.codec);
            return Err(
                Error::unsupported(message).hint("number types such as `<i4` and `>f8` are read")
            );
        };
        Ok(if is_native {
            parsed.to_native()
        } else {
            parsed
        })
    }

    /// A number type in NumPy's code, or `default` where there is none.
    ///
    /// # Errors
    /// As [`Options::number_type`].
    pub fn number_type_or(
        &self,
        name: &str,
        is_native: bool,
        default: NumberType,
    ) -> Result<NumberType> {
        match self.get(name) {
            Some(_) => self.number_type(name, is_native),
            None => Ok(default),
        }
    }

    /// The error of an option with an unusable value.
    #[must_use]
    pub fn wrong(&self, name: &str, value: &Value, wanted: &str) -> Error {
        let message = format!(
            "option `{name}` of codec `{}` is `{}` instead of {wanted}",
            self.codec,
            brief(value)
        );
        Error::corrupt(message)
    }

    fn missing(&self, name: &str) -> Error {
        Error::corrupt(format!("codec `{}` lacks its option `{name}`", self.codec))
    }
}

/// JSON cut to what fits in an error message.
pub(crate) fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and small"
)]
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64)
}
