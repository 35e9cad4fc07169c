//! The same work on several threads at once.

use craton_core::{Error, ErrorKind, Result};

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
