//! `gzip`: one or more gzip members, by libdeflate.

use super::zlib::{deflate_bound, with_compressor};
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use libdeflate_sys as sys;
use std::ptr::NonNull;
use std::sync::Arc;

/// Deflate with a gzip header and a CRC-32.
#[derive(Debug, Clone, Copy)]
pub struct Gzip {
    level: i32,
}

impl Gzip {
    /// Writes with `level` 0 to 12.
    #[must_use]
    pub fn new(level: i32) -> Self {
        Self { level }
    }
}

impl Codec for Gzip {
    fn label(&self) -> String {
        format!("gzip:{}", self.level)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        Size::AtMost(deflate_bound(plain.most()))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        CONTEXT.with(|context| {
            let (mut rest, mut done) = (encoded, 0);
            loop {
                let Some((used, written)) = context.decode_member(rest, &mut out[done..])? else {
                    return Ok(None);
                };
                done += written;
                rest = rest.get(used.max(1)..).unwrap_or(&[]);
                // Zero padding after the last member is legal.
                if rest.iter().all(|byte| *byte == 0) {
                    return Ok(Some(done));
                }
            }
        })
    }

    fn claimed_size(&self, encoded: &[u8]) -> Option<usize> {
        let tail = encoded.last_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*tail)).ok()
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(deflate_bound(plain.len()))?;
        let length = with_compressor(self.level, |context| context.gzip_compress(plain, &mut out))?
            .map_err(|cause| Error::internal("cannot encode gzip").caused_by(cause))?;
        out.truncate(length);
        Ok(out)
    }
}

thread_local! {
    static CONTEXT: Context = Context::new();
}

/// One thread's decompressor. The safe wrapper does not tell how much input a member used.
struct Context(Option<NonNull<sys::libdeflate_decompressor>>);

impl Context {
    fn new() -> Self {
        // SAFETY: allocates; null on failure, which is kept as `None`.
        Self(NonNull::new(unsafe {
            sys::libdeflate_alloc_decompressor()
        }))
    }

    /// Bytes used and written by the first member; `None` if `out` is too small.
    fn decode_member(&self, encoded: &[u8], out: &mut [u8]) -> Result<Option<(usize, usize)>> {
        let context = self
            .0
            .ok_or_else(|| Error::internal("no memory for a gzip context"))?;
        let (mut used, mut written) = (0, 0);
        // SAFETY: the context is alive and used by this thread only; both buffers come with their lengths.
        let status = unsafe {
            sys::libdeflate_gzip_decompress_ex(
                context.as_ptr(),
                encoded.as_ptr().cast(),
                encoded.len(),
                out.as_mut_ptr().cast(),
                out.len(),
                &raw mut used,
                &raw mut written,
            )
        };
        match status {
            sys::libdeflate_result_LIBDEFLATE_SUCCESS => Ok(Some((used, written))),
            sys::libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE => Ok(None),
            _ => Err(Error::corrupt(
                "cannot decode gzip: the bytes are damaged or cut",
            )),
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(context) = self.0 {
            // SAFETY: allocated in `new` and freed only here.
            unsafe { sys::libdeflate_free_decompressor(context.as_ptr()) };
        }
    }
}

/// Reads the metadata of `gzip`.
pub(super) fn build(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    let level = options.integer("level", -1..=12, Some(1))?;
    Ok(Stage::Bytes(Arc::new(Gzip::new(
        i32::try_from(level).unwrap_or(1),
    ))))
}
