//! Texts of any length: gathered from the global heap, then handed on in a plain form.

use super::attributes::Heaps;
use super::cursor::Cursor;
use super::heap::Collection;
use super::superblock::{View, Widths};
use crate::ranges::{RangeCache, Stop};
use craton_core::{Decode, Decoded, Error, Pool, Result, Strings};
use std::collections::BTreeMap;

/// The texts of one chunk may not become larger than this.
const LARGEST: usize = 1 << 32;

/// The texts that the stored `elements` name, in the plain form that [`PlainStrings`] decodes.
///
/// # Errors
/// Corrupt where an element leads nowhere.
pub async fn gather(
    cache: &mut RangeCache,
    widths: Widths,
    elements: &[u8],
    size: usize,
) -> Result<Vec<u8>> {
    let mut wanted: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (position, element) in elements.chunks_exact(size.max(1)).enumerate() {
        let mut cursor = Cursor::new(element);
        let count = cursor.u32()?;
        let address = cursor.address(widths.address)?;
        if count > 0 && address != 0 && address != super::cursor::UNDEFINED {
            wanted.entry(address).or_default().push(position);
        }
    }
    let mut texts: Vec<Vec<u8>> = vec![Vec::new(); elements.len() / size.max(1)];
    let mut total = 0usize;
    let wanted: Vec<(u64, Vec<usize>)> = wanted.into_iter().collect();
    // A few collections at a time, so that not all of them are held at once.
    for batch in wanted.chunks(64) {
        let read = cache
            .run_all(batch, |cache, (address, _)| {
                Collection::parse(View { cache, widths }, *address)
            })
            .await?;
        for ((address, positions), collection) in batch.iter().zip(read) {
            let mut heaps = Heaps::with(*address, collection?);
            for position in positions {
                let element = &elements[position * size..(position + 1) * size];
                let view = View { cache, widths };
                let text = heaps.value(view, element, 1).map_err(|stop| match stop {
                    Stop::Failed(error) => error,
                    Stop::Need(_) => Error::internal("a heap collection went away"),
                })?;
                total = total.saturating_add(text.len());
                if total > LARGEST {
                    return Err(Error::unsupported(format!(
                        "texts of more than {LARGEST} bytes in one chunk"
                    )));
                }
                texts[*position] = text;
            }
        }
    }
    Ok(encode(&texts))
}

/// A count, the end of each text, then all their bytes; numbers of eight bytes, least significant first.
pub fn encode(texts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = (texts.len() as u64).to_le_bytes().to_vec();
    let mut end = 0u64;
    for text in texts {
        end += text.len() as u64;
        out.extend(end.to_le_bytes());
    }
    for text in texts {
        out.extend_from_slice(text);
    }
    out
}

/// Decodes the plain form of texts.
#[derive(Debug, Clone, Copy)]
pub struct PlainStrings;

impl Decode for PlainStrings {
    fn decode(&self, encoded: &[u8], _out: &mut [u8], _pool: &Pool) -> Result<Decoded> {
        let mut cursor = Cursor::new(encoded);
        let count = usize::try_from(cursor.u64()?).unwrap_or(usize::MAX);
        let ends = cursor.take(count.saturating_mul(8))?;
        let bytes = cursor.rest().to_vec();
        let mut offsets = vec![0u64];
        offsets.extend(
            ends.chunks_exact(8)
                .map(|eight| Cursor::new(eight).u64().unwrap_or(u64::MAX)),
        );
        if !offsets.is_sorted() || offsets.last() != Some(&(bytes.len() as u64)) {
            return Err(Error::corrupt("the ends of texts do not fit their bytes"));
        }
        Ok(Decoded::Strings(Strings { offsets, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_undoes_encode() {
        let texts = vec![b"abc".to_vec(), Vec::new(), b"d".to_vec()];
        let decoded = PlainStrings
            .decode(&encode(&texts), &mut [], &Pool::unlimited())
            .unwrap();
        let expected = Strings::from_items(texts.iter().map(Vec::as_slice));
        assert_eq!(decoded, Decoded::Strings(expected));
    }
}
