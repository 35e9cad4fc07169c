//! Target chunks of which tasks bring parts: they wait until nothing is missing, then any worker writes them.

use crate::stage::Worker;
use crate::store::{copy_into, put};
use craton_core::{Block, BufferMut, Error, Result, Sink};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Chunks of a sink that are under way.
#[derive(Default)]
pub(crate) struct Assembly {
    pending: Mutex<HashMap<Vec<u64>, Arc<Mutex<Pending>>>>,
    ready: Mutex<VecDeque<(Vec<u64>, Block)>>,
}

struct Pending {
    /// Gone once the chunk is whole.
    buffer: Option<BufferMut>,
    missing: u64,
}

impl Assembly {
    /// Adds a piece to a chunk of `shape`; the piece begins at `origin` of the chunk.
    pub(crate) fn add(
        &self,
        index: &[u64],
        piece: &Block,
        origin: &[u64],
        shape: &[usize],
        size: usize,
        worker: &Worker<'_>,
    ) -> Result<()> {
        let entry = self.entry(index, shape, size, worker)?;
        let mut pending = lock(&entry);
        let Some(buffer) = &mut pending.buffer else {
            return Err(Error::internal("a part of a chunk that is whole already"));
        };
        copy_into(piece, origin, shape, size, buffer);
        pending.missing = pending.missing.saturating_sub(piece.len() as u64);
        if pending.missing > 0 {
            return Ok(());
        }
        let Some(buffer) = pending.buffer.take() else {
            return Ok(());
        };
        lock(&self.pending).remove(index);
        let whole = Block::dense(piece.dtype(), shape.to_vec(), buffer.freeze())?;
        lock(&self.ready).push_back((index.to_vec(), whole));
        Ok(())
    }

    fn entry(
        &self,
        index: &[u64],
        shape: &[usize],
        size: usize,
        worker: &Worker<'_>,
    ) -> Result<Arc<Mutex<Pending>>> {
        let mut pending = lock(&self.pending);
        if let Some(entry) = pending.get(index) {
            return Ok(entry.clone());
        }
        let total: usize = shape.iter().product();
        let entry = Arc::new(Mutex::new(Pending {
            buffer: Some(worker.take(total * size)?),
            missing: total as u64,
        }));
        pending.insert(index.to_vec(), entry.clone());
        Ok(entry)
    }

    /// Writes whole chunks until there are none; those that other workers are writing are theirs.
    pub(crate) fn write_ready(&self, sink: &Arc<dyn Sink>, worker: &Worker<'_>) -> Result<()> {
        loop {
            // Taken in a statement of its own, so that nobody waits for the lock while this one is written.
            let next = lock(&self.ready).pop_front();
            let Some((index, block)) = next else {
                return Ok(());
            };
            worker.check()?;
            put(sink, &index, &block, worker)?;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // OK to go on after a panic elsewhere: the run ends in an error then, and nothing is committed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
