//! `shuffle`: bytes of elements grouped by significance.

use super::{Codec, Options, Place, Reordering, Size, Stage};
use craton_core::{BufferMut, Pool, Result};
use std::sync::Arc;

/// All first bytes of the elements, then all second bytes, and so on; a rest that is no whole element
/// stays at the end as it is.
#[derive(Debug, Clone, Copy)]
pub struct Shuffle {
    size: usize,
}

impl Shuffle {
    /// Shuffles elements of `size` bytes; 0 and 1 change nothing.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { size: size.max(1) }
    }
}

impl Codec for Shuffle {
    fn label(&self) -> String {
        format!("shuffle:{}", self.size)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some(out) = out.get_mut(..encoded.len()) else {
            return Ok(None);
        };
        match self.size {
            2 => unshuffle::<2>(encoded, out),
            4 => unshuffle::<4>(encoded, out),
            8 => unshuffle::<8>(encoded, out),
            size => unshuffle_any(encoded, out, size),
        }
        Ok(Some(encoded.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(plain.len())?;
        let count = plain.len() / self.size;
        for (byte, group) in out
            .chunks_exact_mut(count.max(1))
            .take(self.size)
            .enumerate()
        {
            for (to, element) in group.iter_mut().zip(plain.chunks_exact(self.size)) {
                *to = element[byte];
            }
        }
        out[count * self.size..].copy_from_slice(&plain[count * self.size..]);
        Ok(out)
    }

    fn reordering(&self) -> Option<Reordering> {
        Some(Reordering::Shuffle(self.size))
    }
}

fn unshuffle<const N: usize>(encoded: &[u8], out: &mut [u8]) {
    let count = encoded.len() / N;
    let groups: [&[u8]; N] = std::array::from_fn(|byte| &encoded[byte * count..][..count]);
    let (elements, rest) = out.as_chunks_mut::<N>();
    for (at, element) in elements.iter_mut().enumerate() {
        *element = std::array::from_fn(|byte| groups[byte][at]);
    }
    rest.copy_from_slice(&encoded[count * N..]);
}

fn unshuffle_any(encoded: &[u8], out: &mut [u8], size: usize) {
    let count = encoded.len() / size;
    for byte in 0..size.min(encoded.len()) {
        let group = &encoded[byte * count..][..count];
        for (element, from) in out.chunks_exact_mut(size).zip(group) {
            element[byte] = *from;
        }
    }
    out[count * size..].copy_from_slice(&encoded[count * size..]);
}

/// Reads the metadata of `shuffle`.
pub(super) fn build(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    let size = options.integer("elementsize", 1..=1 << 20, Some(4))?;
    Ok(Stage::Bytes(Arc::new(Shuffle::new(
        usize::try_from(size).unwrap_or(4),
    ))))
}
