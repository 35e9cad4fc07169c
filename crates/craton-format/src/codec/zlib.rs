//! `zlib`: deflate with a zlib header (also HDF5's `deflate`), by libdeflate.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use libdeflater::{CompressionLvl, Compressor, DecompressionError, Decompressor};
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    static DECOMPRESS: RefCell<Decompressor> = RefCell::default();
    static COMPRESS: RefCell<Option<(i32, Compressor)>> = const { RefCell::new(None) };
}

/// Deflate with a zlib header and an Adler-32.
#[derive(Debug, Clone, Copy)]
pub struct Zlib {
    level: i32,
}

impl Zlib {
    /// Writes with `level` 0 to 12.
    #[must_use]
    pub fn new(level: i32) -> Self {
        Self { level }
    }
}

impl Codec for Zlib {
    fn label(&self) -> String {
        format!("zlib:{}", self.level)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        Size::AtMost(deflate_bound(plain.most()))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let decoded = DECOMPRESS.with_borrow_mut(|context| context.zlib_decompress(encoded, out));
        match decoded {
            Ok(length) => Ok(Some(length)),
            Err(DecompressionError::InsufficientSpace) => Ok(None),
            Err(cause) => Err(Error::corrupt("cannot decode zlib").caused_by(cause)),
        }
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(deflate_bound(plain.len()))?;
        let length = with_compressor(self.level, |context| context.zlib_compress(plain, &mut out))?
            .map_err(|cause| Error::internal("cannot encode zlib").caused_by(cause))?;
        out.truncate(length);
        Ok(out)
    }
}

/// The most bytes that any deflate writer makes of `plain` bytes, with header and checksum.
pub(super) fn deflate_bound(plain: usize) -> usize {
    // Stored blocks of no more than 256 bytes each are the worst that real writers do.
    plain.saturating_add(plain / 32).saturating_add(1024)
}

/// Runs `work` with this thread's compressor of `level`.
pub(super) fn with_compressor<T>(level: i32, work: impl FnOnce(&mut Compressor) -> T) -> Result<T> {
    // Python's default level is -1, which is 6.
    let level = if level < 0 { 6 } else { level };
    let checked = CompressionLvl::new(level).map_err(|_| {
        Error::invalid(format!("deflate level is {level}")).hint("accepted: 0 to 12")
    })?;
    COMPRESS.with_borrow_mut(|kept| match kept {
        Some((kept_level, context)) if *kept_level == level => Ok(work(context)),
        _ => {
            let (_, context) = kept.insert((level, Compressor::new(checked)));
            Ok(work(context))
        }
    })
}

/// Reads the metadata of `zlib`.
pub(super) fn build(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    let level = options.integer("level", -1..=12, Some(1))?;
    Ok(Stage::Bytes(Arc::new(Zlib::new(
        i32::try_from(level).unwrap_or(1),
    ))))
}
