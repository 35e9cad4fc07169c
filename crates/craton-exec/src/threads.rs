//! The same work on several threads at once.

use craton_core::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Runs `work` for every number below `count`, on at most `threads` threads. Numbers are begun in order, and none after one has
/// failed.
///
/// # Errors
/// Those of `work`.
pub fn side_by_side(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<()> + Sync,
) -> Result<()> {
    let (next, has_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    on_threads(threads.min(count), || {
        while !has_failed.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            if let Err(error) = work(number) {
                has_failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    })
}

/// Runs `work` on `threads` threads, this one among them, and gives the cause if it fails on any.
pub(crate) fn on_threads(threads: usize, work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    if threads <= 1 {
        return work();
    }
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(&work)).collect();
        let mine = work();
        let joined = others.into_iter().map(|other| {
            other
                .join()
                .unwrap_or_else(|_| Err(Error::internal("a worker panicked")))
        });
        let mut failures: Vec<Error> = joined.chain([mine]).filter_map(Result::err).collect();
        // The cause, not the cancellations that it set off elsewhere.
        failures.sort_by_key(|error| error.kind() == ErrorKind::Cancelled);
        failures.into_iter().next().map_or(Ok(()), Err)
    })
}
