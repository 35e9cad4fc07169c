//! `bz2`: one or more bzip2 streams.

use super::{Codec, Options, Place, Size, Stage};
use bzip2::{Decompress, Status};
use craton_core::{Error, Pool, Result};
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
pub(super) fn build(options: &Options<'_>, _place: &Place) -> Result<Stage> {
    let level = options.integer("level", 1..=9, Some(1))?;
    Ok(Stage::Bytes(Arc::new(Bz2 { level }), None))
}
