//! Reading chunks for no other reason than to see that they can be read.

use crate::control::{Control, count};
use crate::engine::Engine;
use crate::threads::on_threads;
use crate::wait::wait_for;
use craton_core::{ChunkRef, Decode, Error, ErrorKind, MissingMeans, Pool, Result, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What became of a chunk that was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing is stored: its elements are fill values.
    Absent,
    /// It was read and decoded, and its checksums hold.
    Whole {
        /// Bytes as stored.
        stored: u64,
    },
}

impl Engine {
    /// Looks for `chunks` chunks of a source, `chunk(n)` each, on all threads, and tells what became of each, in any order.
    /// What fails is told and does not end the work.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] on request, [`ErrorKind::Budget`] if a chunk does not fit.
    /// # Cost
    /// Reads and decodes each chunk once; holds one a thread.
    pub fn verify(
        &self,
        source: &Arc<dyn Source>,
        chunks: u64,
        chunk: impl Fn(u64) -> Vec<u64> + Sync,
        control: &Control,
        tell: impl Fn(Vec<u64>, Result<Seen>) + Sync,
    ) -> Result<()> {
        count(&control.tasks_total, chunks);
        let next = AtomicU64::new(0);
        let done = on_threads(self.threads(), || {
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= chunks {
                    return Ok(());
                }
                control.check()?;
                let index = chunk(number);
                let seen = look(source, &index, control, self.pool());
                let seen = seen.map_err(|error| error.in_chunk(&index).at(source.url()));
                match seen {
                    Err(error)
                        if matches!(error.kind(), ErrorKind::Budget | ErrorKind::Cancelled) =>
                    {
                        return Err(error);
                    }
                    seen => tell(index, seen),
                }
                count(&control.tasks_done, 1);
            }
        });
        self.pool().trim();
        done
    }
}

fn look(source: &Arc<dyn Source>, index: &[u64], control: &Control, pool: &Pool) -> Result<Seen> {
    match wait_for(source.locate(index), || control.check())?? {
        ChunkRef::Missing => Ok(Seen::Absent),
        ChunkRef::Inline { bytes, decode } => {
            check(source, index, &bytes, decode.as_ref(), control, pool)
        }
        ChunkRef::Stored(stored) => {
            let url = || stored.store.url_of(&stored.location);
            count(&control.requests, 1);
            let read = stored.store.read(&stored.location, stored.range, pool);
            match wait_for(read, || control.check())?? {
                Some(encoded) => {
                    count(&control.bytes_read, encoded.len() as u64);
                    let decode = stored.decode.as_ref();
                    check(source, index, &encoded, decode, control, pool)
                        .map_err(|error| error.at(url()))
                }
                None if stored.if_missing == MissingMeans::FillValue => Ok(Seen::Absent),
                None => {
                    Err(Error::not_found("the file that holds this chunk does not exist").at(url()))
                }
            }
        }
    }
}

/// Decodes a chunk, and forgets it.
fn check(
    source: &Arc<dyn Source>,
    index: &[u64],
    encoded: &[u8],
    decode: &dyn Decode,
    control: &Control,
    pool: &Pool,
) -> Result<Seen> {
    let whole = Seen::Whole {
        stored: encoded.len() as u64,
    };
    let meta = source.meta();
    let Some(size) = meta.dtype.item_size() else {
        decode.decode(encoded, &mut [], pool)?;
        count(&control.chunks_decoded, 1);
        return Ok(whole);
    };
    let axes = meta.grid.chunk(index).into_iter();
    let length = axes
        .map(|axis| usize::try_from(axis.encoded).ok())
        .try_fold(size, |bytes, length| bytes.checked_mul(length?))
        .ok_or_else(|| Error::corrupt("a chunk is larger than memory can be"))?;
    if decode.is_identity().is_some() {
        if encoded.len() != length {
            let found = encoded.len();
            let message = format!("the chunk has {found} bytes where its shape needs {length}");
            return Err(Error::corrupt(message));
        }
    } else {
        let mut out = pool.take(length)?;
        decode.decode(encoded, &mut out, pool)?;
    }
    count(&control.chunks_decoded, 1);
    count(&control.bytes_decoded, length as u64);
    Ok(whole)
}
