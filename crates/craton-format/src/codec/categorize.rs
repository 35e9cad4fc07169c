//! `categorize`: texts stored as their position in a list of labels.

use super::numbers::{Number, converted_size};
use super::{Codec, NumberType, Options, Place, Size, Stage, StringCodec};
use craton_core::{BufferMut, DType, Error, Pool, Result, Scalar, Strings};
use serde_json::Value;
use std::sync::Arc;

/// Labels counted from 1; 0 and unknown positions are the empty text.
#[derive(Debug, Clone)]
pub struct Categorize {
    labels: Vec<Vec<u8>>,
    stored: NumberType,
    /// The type of texts of fixed size.
    plain: NumberType,
}

impl Categorize {
    fn label_at(&self, position: &[u8]) -> &[u8] {
        let Number::Integer(position) = self.stored.read(position) else {
            return b"";
        };
        let at = position
            .checked_sub(1)
            .and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.labels.get(at))
            .map_or(b"", Vec::as_slice)
    }

    /// The position of a text. Only the empty one may have no label: it comes back as it was.
    fn write_position(&self, text: &[u8], out: &mut [u8]) -> Result<()> {
        let known = self.labels.iter().rposition(|label| label == text);
        let position = match known {
            Some(at) => at + 1,
            None if text.iter().all(|byte| *byte == 0) => 0,
            None => {
                let shown = String::from_utf8_lossy(text).into_owned();
                let message = format!("`{shown}` is none of the labels of `categorize`");
                return Err(Error::invalid(message));
            }
        };
        let number = Number::Integer(i64::try_from(position).unwrap_or(i64::MAX));
        self.stored.write(number, out);
        if self.stored.read(out) == number {
            return Ok(());
        }
        let message = format!("{position} labels are too many for {}", self.stored);
        Err(Error::invalid(message))
    }
}

impl StringCodec for Categorize {
    fn label(&self) -> String {
        format!("categorize:{}", self.labels.len())
    }

    fn decode(&self, encoded: &[u8], count: Option<usize>) -> Result<Strings> {
        let size = self.stored.size();
        let count = count.unwrap_or(encoded.len() / size);
        if encoded.len() != count.saturating_mul(size) {
            let message = format!(
                "`categorize` holds {} bytes instead of {count} positions",
                encoded.len()
            );
            return Err(Error::corrupt(message));
        }
        let labels = encoded.chunks_exact(size).map(|at| self.label_at(at));
        Ok(Strings::from_items(labels))
    }

    fn encode(&self, strings: &Strings) -> Result<Vec<u8>> {
        let size = self.stored.size();
        let mut out = vec![0; strings.len() * size];
        for (at, out) in out.chunks_exact_mut(size).enumerate() {
            self.write_position(strings.get(at), out)?;
        }
        Ok(out)
    }
}

/// Texts of fixed size: labels are elements as they lie in memory.
impl Codec for Categorize {
    fn label(&self) -> String {
        StringCodec::label(self)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        converted_size(plain, self.plain, self.stored)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let (size, from) = (self.plain.size(), self.stored.size());
        let Some(out) = out.get_mut(..(encoded.len() / from).saturating_mul(size)) else {
            return Ok(None);
        };
        for (position, out) in encoded.chunks_exact(from).zip(out.chunks_exact_mut(size)) {
            let label = self.label_at(position);
            out[..label.len()].copy_from_slice(label);
            out[label.len()..].fill(0);
        }
        Ok(Some(out.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let (size, to) = (self.plain.size(), self.stored.size());
        let mut out = pool.take(plain.len() / size * to)?;
        for (text, out) in plain.chunks_exact(size).zip(out.chunks_exact_mut(to)) {
            self.write_position(text, out)?;
        }
        Ok(out)
    }
}

/// Reads the metadata of `categorize`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let default = NumberType::native(DType::UInt8);
    let stored = options.number_type_or("astype", place.is_native, default)?;
    let Some(labels) = options.get("labels").and_then(Value::as_array) else {
        return Err(options.wrong("labels", &Value::Null, "a list of texts"));
    };
    let labels = labels.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
    let Some(labels) = labels else {
        return Err(Error::corrupt(
            "option `labels` of codec `categorize` holds something else than texts",
        ));
    };
    let plain = place.element;
    if plain.dtype == DType::Utf8 {
        let labels = labels.iter().map(|label| label.as_bytes().to_vec());
        let labels = labels.collect();
        return Ok(Stage::Strings(Arc::new(Categorize {
            labels,
            stored,
            plain,
        })));
    }
    if !matches!(plain.dtype, DType::FixedUtf8(1..) | DType::FixedBytes(1..)) {
        let message = format!("codec `categorize` of {plain}");
        return Err(Error::unsupported(message).hint("texts are categorized"));
    }
    let element = |label: &str| {
        // A label that is too long is cut, as NumPy cuts it.
        let bytes: Vec<u8> = match plain.dtype {
            DType::FixedUtf8(_) => label
                .chars()
                .flat_map(|letter| u32::from(letter).to_ne_bytes())
                .collect(),
            _ => label.as_bytes().to_vec(),
        };
        let bytes = &bytes[..bytes.len().min(plain.size())];
        let mut element = Scalar::from_bytes(plain.dtype, bytes).bytes().to_vec();
        if plain.is_swapped {
            element
                .chunks_exact_mut(plain.swap_size())
                .for_each(<[u8]>::reverse);
        }
        element
    };
    let labels = labels.into_iter().map(element).collect();
    let codec = Categorize {
        labels,
        stored,
        plain,
    };
    Ok(Stage::Numbers(Arc::new(codec), stored))
}
