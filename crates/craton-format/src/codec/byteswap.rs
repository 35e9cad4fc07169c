//! `bytes`: numbers in little-endian or big-endian order.

use super::{Codec, Options, Place, Reordering, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};

/// Reverses the bytes of each number.
#[derive(Debug, Clone, Copy)]
pub struct ByteSwap {
    size: usize,
}

impl ByteSwap {
    /// Swaps numbers of `size` bytes.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { size: size.max(1) }
    }

    /// Swaps numbers where they lie.
    pub fn swap_in_place(self, bytes: &mut [u8]) {
        match self.size {
            1 => {}
            2 => swap_each::<2>(bytes),
            4 => swap_each::<4>(bytes),
            8 => swap_each::<8>(bytes),
            size => bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse),
        }
    }

    fn swap(self, from: &[u8], to: &mut [u8]) {
        to.copy_from_slice(from);
        self.swap_in_place(to);
    }
}

fn swap_each<const N: usize>(bytes: &mut [u8]) {
    let (whole, _) = bytes.as_chunks_mut::<N>();
    whole.iter_mut().for_each(|number| number.reverse());
}

impl Codec for ByteSwap {
    fn label(&self) -> String {
        "bytes:big".to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some(out) = out.get_mut(..encoded.len()) else {
            return Ok(None);
        };
        self.swap(encoded, out);
        Ok(Some(encoded.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(plain.len())?;
        self.swap(plain, &mut out);
        Ok(out)
    }

    fn reordering(&self) -> Option<Reordering> {
        Some(Reordering::Swap(self.size))
    }
}

/// Reads the metadata of `bytes`.
pub(super) fn build(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    match options.text("endian")? {
        Some("little") => Ok(Stage::Endian(Some(false))),
        Some("big") => Ok(Stage::Endian(Some(true))),
        None => Ok(Stage::Endian(None)),
        Some(other) => {
            let message = format!("option `endian` of codec `bytes` is `{other}`");
            Err(Error::corrupt(message).hint("accepted: `little`, `big`"))
        }
    }
}
