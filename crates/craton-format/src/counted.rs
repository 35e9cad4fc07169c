//! A store that counts what is read from it.

use craton_core::{BoxFuture, BufferMut, ByteRange, Pool, ReadRanges, Reads, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts what one array reads to find its chunks.
#[derive(Debug)]
pub(crate) struct Counted {
    store: Arc<dyn ReadRanges>,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Counted {
    pub(crate) fn new(store: Arc<dyn ReadRanges>) -> Self {
        Self {
            store,
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// What was read so far.
    pub(crate) fn reads(&self) -> Reads {
        Reads {
            requests: self.requests.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }
}

impl ReadRanges for Counted {
    fn read<'a>(
        &'a self,
        location: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>> {
        self.requests.fetch_add(1, Relaxed);
        Box::pin(async move {
            let read = self.store.read(location, range, pool).await?;
            let length = read.as_ref().map_or(0, |read| read.len() as u64);
            self.bytes.fetch_add(length, Relaxed);
            Ok(read)
        })
    }

    fn size<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Option<u64>>> {
        self.requests.fetch_add(1, Relaxed);
        self.store.size(location)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        self.requests.fetch_add(1, Relaxed);
        self.store.list(prefix)
    }

    fn url_of(&self, location: &str) -> String {
        self.store.url_of(location)
    }

    fn is_remote(&self) -> bool {
        self.store.is_remote()
    }

    fn keeper(&self) -> Option<String> {
        self.store.keeper()
    }

    fn version(&self, location: &str) -> Option<String> {
        self.store.version(location)
    }
}
