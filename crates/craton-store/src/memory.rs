//! Objects in memory, for tests and for what need not last; counts requests and bytes.

use crate::keys::names_under;
use crate::local::checked_range;
use craton_core::{BoxFuture, BufferMut, ByteRange, Error, Pool, ReadRanges, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Stores that go by a name in this process.
static NAMED: Mutex<BTreeMap<String, Arc<MemoryStore>>> = Mutex::new(BTreeMap::new());

/// Named byte strings.
#[derive(Debug, Default)]
pub struct MemoryStore {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    requests: AtomicU64,
    bytes_read: AtomicU64,
}

impl MemoryStore {
    /// A store with these objects.
    #[must_use]
    pub fn new(objects: BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            objects: Mutex::new(objects),
            ..Self::default()
        }
    }

    /// The store that goes by `name` in this process, empty at first.
    #[must_use]
    pub fn named(name: &str) -> Arc<Self> {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        named.entry(name.to_owned()).or_default().clone()
    }

    /// Adds or replaces an object.
    pub fn insert(&self, location: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.lock().insert(location.into(), bytes.into());
    }

    /// Adds an object, or replaces it if it `may_replace`; says whether it did.
    pub(crate) fn insert_if(&self, location: &str, bytes: &[u8], may_replace: bool) -> bool {
        let mut objects = self.lock();
        let does = may_replace || !objects.contains_key(location);
        if does {
            objects.insert(location.to_owned(), bytes.to_vec());
        }
        does
    }

    /// Removes an object and gives its bytes.
    pub fn remove(&self, location: &str) -> Option<Vec<u8>> {
        self.lock().remove(location)
    }

    /// Reads, sizes and listings asked for so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_now(&self, location: &str, range: ByteRange, pool: &Pool) -> Result<Option<BufferMut>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let objects = self.lock();
        let Some(object) = objects.get(location) else {
            return Ok(None);
        };
        let bytes = checked_range(range, object.len() as u64)
            .map_err(|error| error.at(self.url_of(location)))?;
        let part = usize::try_from(bytes.start)
            .ok()
            .zip(usize::try_from(bytes.end).ok())
            .and_then(|(start, end)| object.get(start..end))
            .ok_or_else(|| Error::internal("range was checked against the object"))?;
        let mut buffer = pool.take(part.len())?;
        buffer.copy_from_slice(part);
        self.bytes_read
            .fetch_add(part.len() as u64, Ordering::Relaxed);
        Ok(Some(buffer))
    }
}

impl ReadRanges for MemoryStore {
    fn read<'a>(
        &'a self,
        location: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>> {
        Box::pin(async move { self.read_now(location, range, pool) })
    }

    fn size<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Option<u64>>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(self.lock().get(location).map(|bytes| bytes.len() as u64)) })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(names_under(&self.lock(), prefix)) })
    }

    fn url_of(&self, location: &str) -> String {
        format!("memory://{location}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn reads_agree_with_the_model() {
        let model = crate::contract::model(3);
        let store = MemoryStore::new(model.clone());
        crate::contract::check(&store, &model, 1)
            .now_or_never()
            .unwrap();
    }
}
