//! What the outside sees of a run and may tell it: progress, figures, stop.

use craton_core::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Shared between a run and whoever watches it.
#[derive(Debug, Default)]
pub struct Control {
    is_cancelled: AtomicBool,
    /// Bytes read from stores.
    pub(crate) bytes_read: AtomicU64,
    /// Reads made.
    pub(crate) requests: AtomicU64,
    /// Chunks decoded.
    pub(crate) chunks_decoded: AtomicU64,
    /// Bytes after decoding.
    pub(crate) bytes_decoded: AtomicU64,
    /// Bytes given to sinks' stores.
    pub(crate) bytes_written: AtomicU64,
    /// Tasks finished.
    pub(crate) tasks_done: AtomicU64,
    /// Tasks known of.
    pub(crate) tasks_total: AtomicU64,
}

/// The figures of a run so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Bytes read from stores.
    pub bytes_read: u64,
    /// Reads made.
    pub requests: u64,
    /// Chunks decoded.
    pub chunks_decoded: u64,
    /// Bytes after decoding.
    pub bytes_decoded: u64,
    /// Bytes given to sinks' stores.
    pub bytes_written: u64,
    /// Tasks finished.
    pub tasks_done: u64,
    /// Tasks known of.
    pub tasks_total: u64,
}

impl Control {
    /// Asks the run to stop; it does so within one strip of work or one read per worker.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Relaxed);
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Relaxed)
    }

    /// The figures so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics {
            bytes_read: self.bytes_read.load(Relaxed),
            requests: self.requests.load(Relaxed),
            chunks_decoded: self.chunks_decoded.load(Relaxed),
            bytes_decoded: self.bytes_decoded.load(Relaxed),
            bytes_written: self.bytes_written.load(Relaxed),
            tasks_done: self.tasks_done.load(Relaxed),
            tasks_total: self.tasks_total.load(Relaxed),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "the work was stopped"));
        }
        Ok(())
    }
}

pub(crate) fn count(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Relaxed);
}
