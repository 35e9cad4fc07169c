//! Waiting for reads without becoming deaf.

use craton_core::Result;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{Thread, current, park_timeout};
use std::time::Duration;

/// How long anybody waits before looking whether the work was stopped.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for `future`, which is dropped when `check` fails.
pub(crate) fn wait_for<T>(
    future: impl Future<Output = T>,
    check: impl Fn() -> Result<()>,
) -> Result<T> {
    let mut future = pin!(future);
    let waker = Arc::new(Unpark(current())).into();
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Ok(value);
        }
        check()?;
        park_timeout(PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::{Error, ErrorKind};
    use std::cell::Cell;

    #[test]
    fn who_waits_hears_that_the_work_was_stopped() {
        let looks = Cell::new(0);
        let stopped = wait_for(std::future::pending::<()>(), || {
            looks.set(looks.get() + 1);
            match looks.get() {
                3 => Err(Error::new(ErrorKind::Cancelled, "stopped")),
                _ => Ok(()),
            }
        });
        assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(wait_for(async { 7 }, || Ok(())).unwrap(), 7);
    }
}
