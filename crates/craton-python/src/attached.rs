//! Work that runs detached from the interpreter, while signals are still heard.

use crate::failure::to_exception;
use craton::{Error, Result, Session, StoreOptions, StoreSettings};
use pyo3::prelude::*;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often Python is asked whether a signal has come; a person does not notice it.
const PATIENCE: Duration = Duration::from_millis(50);

/// Settings for stores with options given by the caller.
fn settings(given: &[(String, String)]) -> Result<StoreSettings> {
    let mut options = StoreOptions::default();
    for (name, value) in given {
        options.set(name, value)?;
    }
    Ok(StoreSettings::current()?.with(&options))
}

/// Runs `work` on a thread of its own and waits for it detached. Python handles signals only on its main thread, so it
/// is the work that moves away; an exception from a handler, as Ctrl-C raises, cancels it.
pub(crate) fn run_detached<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    memory: Option<u64>,
    stores: &[(String, String)],
    work: impl FnOnce(&Session) -> Result<T> + Send,
) -> PyResult<T> {
    let session = Session::new(threads, memory);
    let session = match stores {
        [] => session,
        given => session.with_stores(settings(given).map_err(|error| to_exception(&error))?),
    };
    let (sender, mut receiver) = channel::<()>();
    thread::scope(|scope| {
        let session = &session;
        let worker = scope.spawn(move || {
            // Dropped at the end whatever happens, a panic included, which wakes the waiting side.
            let _done = sender;
            work(session)
        });
        let mut exception = None;
        let mut wait = || {
            // A receiver may change threads but not be shared, so the closure takes it for itself.
            let receiver = &mut receiver;
            py.detach(move || receiver.recv_timeout(PATIENCE))
        };
        while let Err(RecvTimeoutError::Timeout) = wait() {
            if exception.is_none()
                && let Err(raised) = py.check_signals()
            {
                session.control().cancel();
                exception = Some(raised);
            }
        }
        let outcome = py.detach(|| worker.join());
        match (exception, outcome) {
            (Some(exception), _) => Err(exception),
            (None, Ok(outcome)) => outcome.map_err(|error| to_exception(&error)),
            (None, Err(_)) => Err(to_exception(&Error::internal(
                "the engine stopped at a broken invariant",
            ))),
        }
    })
}
