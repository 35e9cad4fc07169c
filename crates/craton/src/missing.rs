//! Results of which every value is missing: found while they pass, told when they are done.

use craton_core::{Block, BoxFuture, DType, Pool, Result, Sink, SinkChunks};
use craton_plan::PlanHash;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Which results had values, and none that is valid.
#[derive(Debug, Default)]
pub(crate) struct AllMissing {
    kept: Mutex<HashMap<PlanHash, u64>>,
    watched: Mutex<Vec<(PlanHash, Arc<Seen>)>>,
}

/// What passed through one sink.
#[derive(Debug, Default)]
struct Seen {
    values: AtomicU64,
    has_valid: AtomicBool,
}

impl AllMissing {
    /// Looks at a result in memory.
    pub(crate) fn note(&self, hash: PlanHash, block: &Block) {
        if may_miss(block.dtype()) && !block.is_empty() && !has_valid(block) {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(hash, block.len() as u64);
        }
    }

    /// `sink`, looked at while it is written.
    pub(crate) fn watch(&self, hash: PlanHash, dtype: DType, sink: Arc<dyn Sink>) -> Arc<dyn Sink> {
        if !may_miss(dtype) {
            return sink;
        }
        let seen = Arc::new(Seen::default());
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.push((hash, seen.clone()));
        Arc::new(WatchedSink { sink, seen })
    }

    /// How many values the result has, if every one of them is missing.
    pub(crate) fn count(&self, hash: PlanHash) -> Option<u64> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let written = || {
            let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            let (_, seen) = watched.iter().find(|(known, _)| *known == hash)?;
            let count = seen.values.load(Ordering::Relaxed);
            (count > 0 && !seen.has_valid.load(Ordering::Relaxed)).then_some(count)
        };
        kept.get(&hash).copied().or_else(written)
    }
}

fn may_miss(dtype: DType) -> bool {
    dtype.is_float() || dtype.is_complex() || matches!(dtype, DType::Time(_))
}

/// Mostly the first value tells.
fn has_valid(block: &Block) -> bool {
    match block.as_constant() {
        Some(value) => !value.is_missing(),
        None => block.scalars().any(|value| !value.is_missing()),
    }
}

#[derive(Debug)]
struct WatchedSink {
    sink: Arc<dyn Sink>,
    seen: Arc<Seen>,
}

impl Sink for WatchedSink {
    fn chunks(&self) -> &SinkChunks {
        self.sink.chunks()
    }

    fn begin(&self) -> BoxFuture<'_, Result<()>> {
        self.sink.begin()
    }

    fn put<'a>(
        &'a self,
        index: &'a [u64],
        block: &'a Block,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<u64>> {
        let count = block.len() as u64;
        self.seen.values.fetch_add(count, Ordering::Relaxed);
        if !self.seen.has_valid.load(Ordering::Relaxed) && has_valid(block) {
            self.seen.has_valid.store(true, Ordering::Relaxed);
        }
        self.sink.put(index, block, pool)
    }

    fn commit(&self) -> BoxFuture<'_, Result<()>> {
        self.sink.commit()
    }
}
