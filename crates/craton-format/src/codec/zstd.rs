//! `zstd`: Zstandard frames, by the reference library with one context per thread.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use std::cell::RefCell;
use std::sync::Arc;
use zstd_safe::{CCtx, CParameter, DCtx};

thread_local! {
    // Made on first use and kept: a context costs more than a small chunk.
    static DECOMPRESS: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
    static COMPRESS: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
}

/// Zstandard with a level.
#[derive(Debug, Clone, Copy)]
pub struct Zstd {
    level: i32,
    has_checksum: bool,
}

impl Zstd {
    /// Writes with `level`, and a checksum of the content if asked.
    #[must_use]
    pub fn new(level: i32, has_checksum: bool) -> Self {
        Self {
            level,
            has_checksum,
        }
    }
}

impl Codec for Zstd {
    fn label(&self) -> String {
        format!("zstd:{}", self.level)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        // A little more than the library's bound, because other writers flush more often.
        Size::AtMost(zstd_safe::compress_bound(plain.most()).saturating_add(1024))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        DECOMPRESS.with_borrow_mut(|context| match context.decompress(out, encoded) {
            Ok(length) => Ok(Some(length)),
            Err(code) => match zstd_safe::get_error_name(code) {
                "Destination buffer is too small" => Ok(None),
                reason => Err(Error::corrupt(format!(
                    "cannot decode zstd: {}",
                    reason.to_lowercase()
                ))),
            },
        })
    }

    fn claimed_size(&self, encoded: &[u8]) -> Option<usize> {
        let size = zstd_safe::get_frame_content_size(encoded).ok()??;
        usize::try_from(size).ok()
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(zstd_safe::compress_bound(plain.len()))?;
        let length = COMPRESS
            .with_borrow_mut(|context| {
                context.set_parameter(CParameter::CompressionLevel(self.level))?;
                context.set_parameter(CParameter::ChecksumFlag(self.has_checksum))?;
                context.compress2(&mut out[..], plain)
            })
            .map_err(|code| {
                Error::internal(format!("zstd: {}", zstd_safe::get_error_name(code)))
            })?;
        out.truncate(length);
        Ok(out)
    }
}

/// Reads the metadata of `zstd`.
pub(super) fn build(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    // Levels are only a wish of the writer, so any number is fine for reading.
    let level = options.integer("level", -200_000..=200_000, Some(0))?;
    let has_checksum = options.get("checksum").is_some_and(|value| value == true);
    let codec = Zstd::new(i32::try_from(level).unwrap_or(0), has_checksum);
    Ok(Stage::Bytes(Arc::new(codec)))
}
