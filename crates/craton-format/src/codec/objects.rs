//! `json2` and `msgpack2`: the elements of an array as one document, with NumPy's type and the shape at its end.

use super::numbers::NumberType;
use super::{Codec, Options, Place, Size, Stage, StringCodec};
use craton_core::{BufferMut, Error, Pool, Result, Strings};
use serde_json::{Value, json};
use std::sync::Arc;

/// A language of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Json,
    MsgPack,
}

/// Objects of any kind. A text is itself, nothing (`null`) is the empty text, anything else is its JSON.
#[derive(Debug, Clone, Copy)]
pub struct Objects {
    language: Language,
}

/// Numbers written out in a document.
#[derive(Debug, Clone)]
pub struct WrittenNumbers {
    language: Language,
    element: NumberType,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "json2",
            Self::MsgPack => "msgpack2",
        }
    }

    fn read(self, encoded: &[u8]) -> Result<Value> {
        let damaged = || Error::corrupt(format!("cannot decode {}", self.name()));
        match self {
            Self::Json => crate::json::parse(encoded).map_err(|cause| damaged().caused_by(cause)),
            Self::MsgPack => {
                rmp_serde::from_slice(encoded).map_err(|cause| damaged().caused_by(cause))
            }
        }
    }

    fn write(self, document: &Value) -> Result<Vec<u8>> {
        let failed = || Error::internal(format!("cannot encode {}", self.name()));
        match self {
            Self::Json => serde_json::to_vec(document).map_err(|cause| failed().caused_by(cause)),
            Self::MsgPack => rmp_serde::to_vec(document).map_err(|cause| failed().caused_by(cause)),
        }
    }

    /// The elements of a document in C order: its list is as deep as there are axes.
    fn elements(self, encoded: &[u8], count: usize) -> Result<Vec<Value>> {
        let wrong = |what: String| Error::corrupt(format!("`{}` holds {what}", self.name()));
        let Value::Array(mut items) = self.read(encoded)? else {
            return Err(wrong("no list".to_owned()));
        };
        let (shape, dtype) = (items.pop(), items.pop());
        let rank = match (shape.as_ref().and_then(Value::as_array), &dtype) {
            (Some(shape), Some(Value::String(_))) => shape.len(),
            _ => return Err(wrong("no type and shape at its end".to_owned())),
        };
        // Without axes there is still a list around the only element.
        for _ in 1..rank {
            let mut flat = Vec::new();
            for item in items {
                match item {
                    Value::Array(inner) => flat.extend(inner),
                    other => {
                        return Err(wrong(format!(
                            "`{}` in place of a list",
                            super::options::brief(&other)
                        )));
                    }
                }
            }
            items = flat;
        }
        if items.len() == count {
            Ok(items)
        } else {
            Err(wrong(format!(
                "{} elements instead of {count}",
                items.len()
            )))
        }
    }
}

impl StringCodec for Objects {
    fn label(&self) -> String {
        self.language.name().to_owned()
    }

    fn decode(&self, encoded: &[u8], count: Option<usize>) -> Result<Strings> {
        let count = count.ok_or_else(|| Error::internal("objects of unknown count"))?;
        let elements = self.language.elements(encoded, count)?;
        let texts: Vec<String> = elements
            .into_iter()
            .map(|element| match element {
                Value::String(text) => text.trim_start_matches('\u{1}').to_owned(),
                Value::Null => String::new(),
                other => crate::json::unmarked(&other).to_string(),
            })
            .collect();
        Ok(Strings::from_items(texts.iter().map(String::as_bytes)))
    }

    fn encode(&self, strings: &Strings) -> Result<Vec<u8>> {
        let texts = (0..strings.len()).map(|at| match std::str::from_utf8(strings.get(at)) {
            Ok(text) => Ok(Value::from(text)),
            Err(_) => Err(Error::invalid(format!("element {at} is no UTF-8"))),
        });
        let mut document = texts.collect::<Result<Vec<Value>>>()?;
        // A chunk of one axis; whoever reads it knows the shape anyway.
        document.extend([json!("|O"), json!([strings.len()])]);
        self.language.write(&Value::Array(document))
    }
}

impl Codec for WrittenNumbers {
    fn label(&self) -> String {
        self.language.name().to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        // Numbers take up to 26 letters in JSON with what is between them.
        let count = plain.most() / self.element.size() + 1;
        Size::AtMost(count.saturating_mul(64).saturating_add(4096))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let size = self.element.size();
        let elements = self.language.elements(encoded, out.len() / size)?;
        for (value, out) in elements.iter().zip(out.chunks_exact_mut(size)) {
            let bytes = match value.as_bool() {
                Some(is_true) if size == 1 => Some(vec![u8::from(is_true)]),
                _ => self.element.from_json(value),
            };
            let wrong = || {
                let shown = super::options::brief(value);
                Error::corrupt(format!("`{}` is no value of {}", shown, self.element))
            };
            out.copy_from_slice(&bytes.ok_or_else(wrong)?);
        }
        Ok(Some(elements.len() * size))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let element = self.element;
        let numbers = plain.chunks_exact(element.size()).map(|bytes| {
            let scalar = craton_core::Scalar::from_bytes(element.dtype, bytes);
            scalar.to_json()
        });
        let mut document: Vec<Value> = numbers.collect();
        let shape = vec![document.len()];
        document.extend([json!(code(element)), json!(shape)]);
        super::copied(&self.language.write(&Value::Array(document))?, pool)
    }
}

/// NumPy's code of a type of numbers in this machine's order.
fn code(element: NumberType) -> String {
    let dtype = element.dtype;
    let kind = match dtype {
        craton_core::DType::Bool => 'b',
        _ if dtype.is_float() => 'f',
        _ if dtype.is_unsigned_integer() => 'u',
        _ => 'i',
    };
    let order = match element.size() {
        1 => '|',
        _ if cfg!(target_endian = "big") => '>',
        _ => '<',
    };
    format!("{order}{kind}{}", element.size())
}

/// Reads the metadata of `json2`.
pub(super) fn json2(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    match options.text("encoding")?.unwrap_or("utf-8") {
        "utf-8" | "utf8" | "ascii" => build(Language::Json, place),
        other => Err(
            Error::unsupported(format!("codec `json2` with encoding `{other}`"))
                .hint("only `utf-8` is read"),
        ),
    }
}

/// Reads the metadata of `msgpack2`.
pub(super) fn msgpack2(_options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    build(Language::MsgPack, place)
}

fn build(language: Language, place: &Place<'_>) -> Result<Stage> {
    let element = place.element;
    if element.dtype.is_variable() {
        return Ok(Stage::Strings(Arc::new(Objects { language })));
    }
    if !element.is_real() || element.narrow.is_some() || element.is_swapped {
        let message = format!("codec `{}` of {element}", language.name());
        return Err(Error::unsupported(message).hint("texts, objects and real numbers are read"));
    }
    Ok(Stage::Elements(Arc::new(WrittenNumbers {
        language,
        element,
    })))
}
