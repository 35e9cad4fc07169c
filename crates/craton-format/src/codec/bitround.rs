//! `bitround`: floats whose last bits were rounded away; there is nothing to undo.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{Pool, Result};
use std::sync::Arc;

/// Floats with fewer bits.
#[derive(Debug, Clone, Copy)]
pub struct BitRound {
    keep: i64,
}

impl Codec for BitRound {
    fn label(&self) -> String {
        format!("bitround:{}", self.keep)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some(out) = out.get_mut(..encoded.len()) else {
            return Ok(None);
        };
        out.copy_from_slice(encoded);
        Ok(Some(encoded.len()))
    }

    fn is_nothing_to_decode(&self) -> bool {
        true
    }
}

/// Reads the metadata of `bitround`.
pub(super) fn build(options: &Options<'_>, _place: &Place) -> Result<Stage> {
    let keep = options.integer("keepbits", 0..=64, None)?;
    Ok(Stage::Bytes(Arc::new(BitRound { keep }), None))
}
