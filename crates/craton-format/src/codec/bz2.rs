//! `bz2`: one or more bzip2 streams.

use super::{Codec, Options, Place, Size, Stage};
use bzip2::{Action, Compress, Compression, Decompress, Status};
use craton_core::{BufferMut, Error, Pool, Result};
use std::sync::Arc;

/// bzip2.
#[derive(Debug, Clone, Copy)]
pub struct Bz2 {
    level: i64,
}

impl Codec for Bz2 {
    fn label(&self) -> String {
        format!("bz2:{}", self.level)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        let most = plain.most();
        Size::AtMost(most.saturating_add(most / 64).saturating_add(1024))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let (mut rest, mut done) = (encoded, 0);
        loop {
            let Some((used, written)) = decode_stream(rest, &mut out[done..])? else {
                return Ok(None);
            };
            done += written;
            rest = &rest[used..];
            if rest.is_empty() {
                return Ok(Some(done));
            }
        }
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let failed = |cause| Error::internal("cannot encode bz2").caused_by(cause);
        // The library promises one hundredth and 600 bytes.
        let mut out = pool.take(plain.len() + plain.len() / 100 + 1024)?;
        let level = u32::try_from(self.level).unwrap_or(1);
        let mut stream = Compress::new(Compression::new(level), 0);
        let position = |total: u64| usize::try_from(total).unwrap_or(usize::MAX);
        loop {
            let (used, written) = (position(stream.total_in()), position(stream.total_out()));
            let status = stream.compress(&plain[used..], &mut out[written..], Action::Finish);
            if status.map_err(failed)? == Status::StreamEnd {
                out.truncate(position(stream.total_out()));
                return Ok(out);
            }
            if (used, written) == (position(stream.total_in()), position(stream.total_out())) {
                return Err(Error::internal("cannot encode bz2: there is no room"));
            }
        }
    }
}

/// Bytes used and written by the first stream; `None` if `out` is too small.
fn decode_stream(encoded: &[u8], out: &mut [u8]) -> Result<Option<(usize, usize)>> {
    let mut stream = Decompress::new(false);
    let position = |total: u64| usize::try_from(total).unwrap_or(usize::MAX);
    loop {
        let (used, written) = (position(stream.total_in()), position(stream.total_out()));
        let status = stream
            .decompress(&encoded[used..], &mut out[written..])
            .map_err(|cause| Error::corrupt("cannot decode bz2").caused_by(cause))?;
        let (used_now, written_now) = (position(stream.total_in()), position(stream.total_out()));
        if status == Status::StreamEnd {
            return Ok(Some((used_now, written_now)));
        }
        if (used_now, written_now) == (used, written) {
            if written == out.len() && used < encoded.len() {
                return Ok(None);
            }
            return Err(Error::corrupt("cannot decode bz2: the stream is cut"));
        }
    }
}

/// Reads the metadata of `bz2`.
pub(super) fn build(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    let level = options.integer("level", 1..=9, Some(1))?;
    Ok(Stage::Bytes(Arc::new(Bz2 { level })))
}
