//! Decoded chunks that more than one task needs: each is decoded once and kept until its last use.

use craton_core::{Buffer, Result, Scalar};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A chunk in memory, as its decoder left it.
#[derive(Clone, Debug)]
pub(crate) enum Chunk {
    /// Every element is this value.
    Fill(Scalar),
    /// Elements in a buffer.
    Elements {
        /// The stored elements, padding included.
        buffer: Buffer,
        /// Element strides of the source's axes.
        strides: Vec<isize>,
        /// Whether each number's bytes are reversed.
        is_swapped: bool,
        /// Whether bytes are grouped by significance.
        is_shuffled: bool,
    },
}

impl Chunk {
    /// Whether a task reads it now.
    fn is_used(&self) -> bool {
        match self {
            Self::Fill(_) => false,
            Self::Elements { buffer, .. } => buffer.is_shared(),
        }
    }
}

/// Which chunk: a number for the source within its stage, and the chunk's index.
pub(crate) type Key = (usize, Vec<u64>);

/// The chunks that are shared among the tasks of one stage.
#[derive(Default)]
pub(crate) struct Cache {
    entries: Mutex<HashMap<Key, Arc<Entry>>>,
}

struct Entry {
    chunk: Mutex<Option<Chunk>>,
    uses_left: Mutex<u64>,
}

impl Cache {
    /// The chunk, decoded by `decode` unless another task did so already. `uses` is how many tasks will ask.
    ///
    /// While one worker decodes a chunk, others that want the same one wait for it; decoding waits for nothing,
    /// so there is no cycle.
    pub(crate) fn get(
        &self,
        key: Key,
        uses: u64,
        decode: impl FnOnce() -> Result<Chunk>,
    ) -> Result<Chunk> {
        if uses <= 1 {
            return decode();
        }
        let entry = {
            let mut entries = lock(&self.entries);
            entries
                .entry(key.clone())
                .or_insert_with(|| {
                    Arc::new(Entry {
                        chunk: Mutex::new(None),
                        uses_left: Mutex::new(uses),
                    })
                })
                .clone()
        };
        let mut slot = lock(&entry.chunk);
        let chunk = match slot.as_ref() {
            Some(chunk) => chunk.clone(),
            None => slot.insert(decode()?).clone(),
        };
        let mut uses_left = lock(&entry.uses_left);
        *uses_left = uses_left.saturating_sub(1);
        if *uses_left == 0 {
            *slot = None;
            lock(&self.entries).remove(&key);
        }
        Ok(chunk)
    }

    /// Drops every chunk that nobody is using now; it will be decoded again when it is wanted.
    pub(crate) fn evict(&self) {
        let entries: Vec<Arc<Entry>> = lock(&self.entries).values().cloned().collect();
        for entry in entries {
            // What a task is using stays in memory anyway, and other leaves of that task may want it next.
            if let Ok(mut slot) = entry.chunk.try_lock()
                && !slot.as_ref().is_some_and(Chunk::is_used)
            {
                *slot = None;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // OK to go on after a panic elsewhere: each lock guards one value that is replaced whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
