//! Texts as bytes, and bytes as texts.

use super::{TEXTS, Texts, not_on};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, method};
use crate::labels::{Rows, is_text};
use craton_core::{DType, Error, Result, Scalar};

pub(in crate::evaluate::methods) const ENTRIES: &[Entry] = &[
    method(
        "encode",
        TEXTS,
        "encoding, errors='strict'",
        "Each text as bytes.",
        &["ds.time.dt.season.str.encode(\"utf-8\")"],
        |call| {
            let encoding = Encoding::of(call)?;
            let texts = Texts::of(call, &[])?;
            let all = texts.each.iter().map(|(text, _)| encoding.encode(text));
            let all = all.collect::<Result<Vec<_>>>()?;
            let longest = all.iter().map(Vec::len).max().unwrap_or(0).max(1);
            let longest =
                u32::try_from(longest).map_err(|_| Error::invalid("a text of more than 4 GiB"))?;
            let dtype = DType::FixedBytes(longest);
            let all: Vec<Scalar> = all
                .iter()
                .map(|bytes| Scalar::from_bytes(dtype, bytes))
                .collect();
            texts.rows.array(dtype, &all, &[]).map(Value::Array)
        },
    ),
    method(
        "decode",
        TEXTS,
        "encoding, errors='strict'",
        "Bytes as texts.",
        &["ds.time.dt.season.str.encode(\"ascii\").str.decode(\"ascii\")"],
        |call| {
            let encoding = Encoding::of(call)?;
            let Value::Texts(array) = call.object else {
                return Err(not_on(call));
            };
            if is_text(array.variable.dtype()) {
                return Err(Error::invalid("texts are decoded, which bytes are"));
            }
            let rows = Rows::of(&[array], call.session)?;
            let texts = rows.iter().map(|row| {
                let bytes = row.first().map(Scalar::bytes).unwrap_or_default();
                let end = bytes
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |last| last + 1);
                encoding
                    .decode(&bytes[..end])
                    .map(|text| Scalar::from_text(&text))
            });
            let texts = texts.collect::<Result<Vec<_>>>()?;
            rows.array(DType::Utf8, &texts, &[]).map(Value::Array)
        },
    ),
];

/// How texts are bytes.
#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Ascii,
    Latin1,
}

impl Encoding {
    fn of(call: &Call<'_>) -> Result<Self> {
        call.only("errors", "strict")?;
        let name = call.need_text("encoding")?;
        match name.to_ascii_lowercase().replace(['_', '-'], "").as_str() {
            "utf8" | "u8" => Ok(Self::Utf8),
            "ascii" | "usascii" => Ok(Self::Ascii),
            "latin1" | "iso88591" | "l1" => Ok(Self::Latin1),
            _ => Err(Error::unsupported(format!("the encoding `{name}`"))
                .hint("there are utf-8, ascii and latin-1")),
        }
    }

    fn encode(self, text: &str) -> Result<Vec<u8>> {
        let most = match self {
            Self::Utf8 => return Ok(text.as_bytes().to_vec()),
            Self::Ascii => 0x7f,
            Self::Latin1 => 0xff,
        };
        let bytes = text.chars().map(|one| {
            let byte = u8::try_from(u32::from(one)).ok();
            byte.filter(|byte| *byte <= most).ok_or_else(|| {
                let message = format!("`{one}` of `{text}` is not in {}", self.name());
                Error::invalid(message).hint("`.str.encode(\"utf-8\")` takes all texts")
            })
        });
        bytes.collect()
    }

    fn decode(self, bytes: &[u8]) -> Result<String> {
        let bad = || {
            let message = format!("`{}` is not {}", bytes.escape_ascii(), self.name());
            Error::invalid(message).hint("`.str.decode(\"latin-1\")` takes all bytes")
        };
        match self {
            Self::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Self::Ascii if !bytes.is_ascii() => Err(bad()),
            _ => String::from_utf8(bytes.to_vec()).map_err(|_| bad()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Ascii => "ASCII",
            Self::Latin1 => "Latin-1",
        }
    }
}
