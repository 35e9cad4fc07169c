//! `base64`: bytes as text.

use super::{Codec, Options, Place, Size, Stage};
use ::base64::{DecodeSliceError, Engine, engine::general_purpose::STANDARD};
use craton_core::{BufferMut, Error, Pool, Result};
use std::sync::Arc;

/// Standard base64 with padding.
#[derive(Debug, Clone, Copy)]
pub struct Base64;

impl Codec for Base64 {
    fn label(&self) -> String {
        "base64".to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain.map(|size| size.div_ceil(3).saturating_mul(4))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        match STANDARD.decode_slice(encoded, out) {
            Ok(length) => Ok(Some(length)),
            Err(DecodeSliceError::OutputSliceTooSmall) => Ok(None),
            Err(DecodeSliceError::DecodeError(cause)) => {
                Err(Error::corrupt("cannot decode base64").caused_by(cause))
            }
        }
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let length = plain.len().div_ceil(3) * 4;
        let mut out = pool.take(length)?;
        let written = STANDARD.encode_slice(plain, &mut out);
        written.map_err(|cause| Error::internal("cannot encode base64").caused_by(cause))?;
        Ok(out)
    }
}

/// Reads the metadata of `base64`.
pub(super) fn build(_options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    Ok(Stage::Bytes(Arc::new(Base64)))
}
