//! Decoded chunks that more than one task needs: each is decoded once and kept until its last use.

use craton_core::{Buffer, Result, Scalar};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

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
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    chunk: Held,
    uses_left: u64,
}

enum Held {
    /// Nobody has it: not decoded yet, or dropped for want of memory.
    Nothing,
    /// A worker is decoding it.
    Promised,
    Chunk(Chunk),
}

/// What a worker finds that asks for a chunk and does not want to wait.
pub(crate) enum Claim<'a> {
    /// It is here.
    Here(Chunk),
    /// Another worker is decoding it.
    Elsewhere,
    /// Nobody has it; whoever holds the promise decodes it.
    Mine(Promise<'a>),
}

/// The right and duty to decode a chunk. Dropped unkept, the next who asks gets it.
pub(crate) struct Promise<'a> {
    cache: &'a Cache,
    /// None where no other task will ask.
    entry: Option<(Key, Arc<Entry>)>,
}

impl Promise<'_> {
    /// Gives the chunk to those who wait for it.
    pub(crate) fn keep(mut self, chunk: &Chunk) {
        let Some((key, entry)) = self.entry.take() else {
            return;
        };
        let mut state = lock(&entry.state);
        state.chunk = Held::Chunk(chunk.clone());
        self.cache.count_use(&key, &mut state);
        entry.changed.notify_all();
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        if let Some((_, entry)) = &self.entry {
            lock(&entry.state).chunk = Held::Nothing;
            entry.changed.notify_all();
        }
    }
}

impl Cache {
    /// The chunk, decoded by `decode` unless another task did so already. `uses` is how many tasks will ask.
    ///
    /// While one worker decodes a chunk, others that want the same one wait for it. Nobody waits who has promised
    /// a chunk, so there is no cycle.
    pub(crate) fn get(
        &self,
        key: Key,
        uses: u64,
        decode: impl FnOnce() -> Result<Chunk>,
    ) -> Result<Chunk> {
        let promise = loop {
            match self.claim(key.clone(), uses) {
                Claim::Here(chunk) => return Ok(chunk),
                Claim::Mine(promise) => break promise,
                Claim::Elsewhere => self.wait(&key),
            }
        };
        let chunk = decode()?;
        promise.keep(&chunk);
        Ok(chunk)
    }

    /// The chunk if it is here, or the right to decode it if nobody else does so now.
    pub(crate) fn claim(&self, key: Key, uses: u64) -> Claim<'_> {
        if uses <= 1 {
            return Claim::Mine(Promise {
                cache: self,
                entry: None,
            });
        }
        let entry = {
            let mut entries = lock(&self.entries);
            let fresh = || {
                Arc::new(Entry {
                    state: Mutex::new(State {
                        chunk: Held::Nothing,
                        uses_left: uses,
                    }),
                    changed: Condvar::new(),
                })
            };
            entries.entry(key.clone()).or_insert_with(fresh).clone()
        };
        let mut state = lock(&entry.state);
        match &state.chunk {
            Held::Chunk(chunk) => {
                let chunk = chunk.clone();
                self.count_use(&key, &mut state);
                Claim::Here(chunk)
            }
            Held::Promised => Claim::Elsewhere,
            Held::Nothing => {
                state.chunk = Held::Promised;
                drop(state);
                Claim::Mine(Promise {
                    cache: self,
                    entry: Some((key, entry)),
                })
            }
        }
    }

    /// Waits while another worker decodes the chunk.
    fn wait(&self, key: &Key) {
        let Some(entry) = lock(&self.entries).get(key).cloned() else {
            return;
        };
        let mut state = lock(&entry.state);
        while matches!(state.chunk, Held::Promised) {
            state = entry
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One task less will ask for the chunk; after the last it is dropped.
    fn count_use(&self, key: &Key, state: &mut State) {
        state.uses_left = state.uses_left.saturating_sub(1);
        if state.uses_left == 0 {
            state.chunk = Held::Nothing;
            lock(&self.entries).remove(key);
        }
    }

    /// Drops every chunk that nobody is using now; it will be decoded again when it is wanted.
    pub(crate) fn evict(&self) {
        let entries: Vec<Arc<Entry>> = lock(&self.entries).values().cloned().collect();
        for entry in entries {
            // What a task is using stays in memory anyway, and other leaves of that task may want it next.
            let mut state = lock(&entry.state);
            if let Held::Chunk(chunk) = &state.chunk
                && !chunk.is_used()
            {
                state.chunk = Held::Nothing;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // OK to go on after a panic elsewhere: each lock guards one value that is replaced whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
