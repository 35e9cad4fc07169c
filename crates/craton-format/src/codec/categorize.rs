//! `categorize`: texts stored as their position in a list of labels.

use super::{NumberType, Options, Place, Stage, StringCodec, numbers::Number};
use craton_core::{DType, Error, Result, Strings};
use serde_json::Value;
use std::sync::Arc;

/// Labels counted from 1; 0 and unknown positions are the empty text.
#[derive(Debug, Clone)]
pub struct Categorize {
    labels: Vec<String>,
    stored: NumberType,
}

impl StringCodec for Categorize {
    fn label(&self) -> String {
        format!("categorize:{}", self.labels.len())
    }

    fn decode(&self, encoded: &[u8], count: usize) -> Result<Strings> {
        let size = self.stored.size();
        if encoded.len() != count.saturating_mul(size) {
            let message = format!(
                "`categorize` holds {} bytes instead of {count} positions",
                encoded.len()
            );
            return Err(Error::corrupt(message));
        }
        let label_at = |bytes| match self.stored.read(bytes) {
            Number::Integer(position) => position
                .checked_sub(1)
                .and_then(|at| usize::try_from(at).ok())
                .and_then(|at| self.labels.get(at))
                .map_or(&b""[..], |label| label.as_bytes()),
            Number::Float(_) => b"",
        };
        Ok(Strings::from_items(
            encoded.chunks_exact(size).map(label_at),
        ))
    }

    fn encode(&self, _strings: &Strings) -> Result<Vec<u8>> {
        Err(Error::unsupported(
            "codec `categorize` is read but not written",
        ))
    }
}

/// Reads the metadata of `categorize`.
pub(super) fn build(options: &Options<'_>, place: &Place) -> Result<Stage> {
    if place.dtype != DType::Utf8 {
        let message = format!(
            "codec `categorize` is not read for elements of type {}",
            place.dtype
        );
        return Err(Error::unsupported(message).hint("it is read for texts of varying length"));
    }
    let stored = options.number_type("astype", place.is_native)?;
    let Some(labels) = options.get("labels").and_then(Value::as_array) else {
        return Err(options.wrong("labels", &Value::Null, "a list of texts"));
    };
    let labels = labels.iter().map(|label| label.as_str().map(str::to_owned));
    let Some(labels) = labels.collect() else {
        return Err(Error::corrupt(
            "option `labels` of codec `categorize` holds something else than texts",
        ));
    };
    Ok(Stage::Strings(Arc::new(Categorize { labels, stored })))
}
