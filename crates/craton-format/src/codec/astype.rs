//! `astype` and `quantize`: numbers stored as another type; what was rounded stays rounded.

use super::numbers::{NumberType, convert, converted_size};
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{Pool, Result};
use std::sync::Arc;

/// A cast between number types.
#[derive(Debug, Clone, Copy)]
pub struct AsType {
    name: &'static str,
    plain: NumberType,
    stored: NumberType,
}

impl Codec for AsType {
    fn label(&self) -> String {
        format!("{}:{}", self.name, self.stored.dtype)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        converted_size(plain, self.plain, self.stored)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        if self.plain != self.stored {
            return convert(encoded, self.stored, out, self.plain, |number| number);
        }
        let Some(out) = out.get_mut(..encoded.len()) else {
            return Ok(None);
        };
        out.copy_from_slice(encoded);
        Ok(Some(encoded.len()))
    }

    fn is_nothing_to_decode(&self) -> bool {
        self.plain == self.stored
    }
}

/// Reads the metadata of `astype`.
pub(super) fn build(options: &Options<'_>, place: &Place) -> Result<Stage> {
    let plain = options.number_type("decode_dtype", place.is_native)?;
    let stored = options.number_type("encode_dtype", place.is_native)?;
    Ok(Stage::Bytes(
        Arc::new(AsType {
            name: "astype",
            plain,
            stored,
        }),
        Some(stored),
    ))
}

/// Reads the metadata of `quantize`.
pub(super) fn quantize(options: &Options<'_>, place: &Place) -> Result<Stage> {
    let plain = options.number_type("dtype", place.is_native)?;
    let stored = match options.get("astype") {
        Some(_) => options.number_type("astype", place.is_native)?,
        None => plain,
    };
    Ok(Stage::Bytes(
        Arc::new(AsType {
            name: "quantize",
            plain,
            stored,
        }),
        Some(stored),
    ))
}
