//! `vlen-utf8`, `vlen-bytes` and `vlen-array`: a count, then each element after its length.

use super::{NumberType, Options, Place, Stage, StringCodec};
use craton_core::{Error, Result, Strings};
use std::sync::Arc;

/// Elements of varying length, each after four little-endian bytes of length.
#[derive(Debug, Clone, Copy)]
pub struct Vlen {
    content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    Bytes,
    /// Arrays of numbers, which are carried as their bytes.
    Arrays(NumberType),
}

impl Vlen {
    /// Text (`vlen-utf8`) or bytes (`vlen-bytes`).
    #[must_use]
    pub fn new(is_text: bool) -> Self {
        let content = if is_text {
            Content::Text
        } else {
            Content::Bytes
        };
        Self { content }
    }
}

impl StringCodec for Vlen {
    fn label(&self) -> String {
        match self.content {
            Content::Text => "vlen-utf8".to_owned(),
            Content::Bytes => "vlen-bytes".to_owned(),
            Content::Arrays(element) => format!("vlen-array:{element}"),
        }
    }

    fn decode(&self, encoded: &[u8], count: Option<usize>) -> Result<Strings> {
        let (stored, mut rest) = split_u32(encoded)?;
        let count = count.unwrap_or(stored);
        if stored != count {
            let message = format!(
                "`{}` holds {stored} elements instead of {count}",
                self.label()
            );
            return Err(Error::corrupt(message));
        }
        // Each element takes four bytes at least, so the count is bounded by what is there.
        if rest.len() / 4 < count {
            let message = format!("{} bytes are too few for {count} elements", rest.len());
            return Err(Error::corrupt(message));
        }
        let mut strings = Strings {
            offsets: Vec::with_capacity(count + 1),
            bytes: Vec::with_capacity(rest.len() - 4 * count),
        };
        strings.offsets.push(0);
        for element in 0..count {
            let (length, after) = split_u32(rest)?;
            let Some((item, after)) = after.split_at_checked(length) else {
                let message = format!("element {element} of {length} bytes ends too early");
                return Err(Error::corrupt(message));
            };
            match self.content {
                Content::Text if std::str::from_utf8(item).is_err() => {
                    return Err(Error::corrupt(format!("element {element} is no UTF-8")));
                }
                Content::Arrays(number) if !length.is_multiple_of(number.size()) => {
                    let message =
                        format!("element {element} of {length} bytes is no array of {number}");
                    return Err(Error::corrupt(message));
                }
                _ => strings.push(item),
            }
            rest = after;
        }
        Ok(strings)
    }

    fn encode(&self, strings: &Strings) -> Result<Vec<u8>> {
        let too_long = |_| Error::unsupported("a chunk of strings is too large");
        let mut out = Vec::with_capacity(4 + strings.bytes.len() + 4 * strings.len());
        out.extend(
            u32::try_from(strings.len())
                .map_err(too_long)?
                .to_le_bytes(),
        );
        for element in 0..strings.len() {
            let item = strings.get(element);
            out.extend(u32::try_from(item.len()).map_err(too_long)?.to_le_bytes());
            out.extend(item);
        }
        Ok(out)
    }
}

fn split_u32(bytes: &[u8]) -> Result<(usize, &[u8])> {
    let Some((four, rest)) = bytes.split_first_chunk::<4>() else {
        return Err(Error::corrupt("a chunk of strings ends too early"));
    };
    Ok((
        usize::try_from(u32::from_le_bytes(*four)).unwrap_or(usize::MAX),
        rest,
    ))
}

/// Reads the metadata of `vlen-utf8`.
pub(super) fn utf8(_options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    Ok(Stage::Strings(Arc::new(Vlen::new(true))))
}

/// Reads the metadata of `vlen-bytes`.
pub(super) fn bytes(_options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    Ok(Stage::Strings(Arc::new(Vlen::new(false))))
}

/// Reads the metadata of `vlen-array`.
pub(super) fn arrays(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let element = options.number_type("dtype", place.is_native)?;
    let content = Content::Arrays(element);
    Ok(Stage::Strings(Arc::new(Vlen { content })))
}
