//! Work that runs detached from the interpreter, while signals are still heard.

use crate::failure::to_exception;
use craton::size::parse_size;
use craton::{Error, Result, Session, StoreOptions, StoreSettings, peak_resident};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often Python is asked whether a signal has come; a person does not notice it.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long work goes on before anything is shown of it, and how often it is shown anew.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
const SHOWN_EVERY: Duration = Duration::from_millis(250);

/// What Python shows of work that goes on.
struct Progress {
    started: Instant,
    next: Duration,
    shown: Option<Py<PyAny>>,
}

impl Progress {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            next: SHOWN_AFTER,
            shown: None,
        }
    }

    fn show(&mut self, py: Python<'_>, session: &Session) {
        let elapsed = self.started.elapsed();
        if elapsed < self.next {
            return;
        }
        self.next = elapsed + SHOWN_EVERY;
        let metrics = session.metrics();
        let arguments = (
            metrics.tasks_done,
            metrics.tasks_total,
            metrics.bytes_read,
            metrics.bytes_written,
            peak_resident(),
            elapsed.as_secs_f64(),
        );
        let made = match &self.shown {
            Some(shown) => Ok(shown.clone_ref(py)),
            None => py
                .import("craton.progress")
                .and_then(|module| module.call_method0("Progress"))
                .map(Bound::unbind),
        };
        // A line that cannot be drawn is no reason to stop the work.
        let drawn = made.and_then(|shown| {
            shown.call_method1(py, "show", arguments)?;
            Ok(shown)
        });
        self.shown = drawn.ok().or(self.shown.take());
    }

    fn close(&self, py: Python<'_>) {
        if let Some(shown) = &self.shown {
            // As above.
            let _ = shown.call_method0(py, "close");
        }
    }
}

/// A budget of memory as people write it.
#[derive(FromPyObject)]
pub(crate) enum Budget {
    Bytes(u64),
    Text(String),
}

impl Budget {
    fn bytes(self) -> PyResult<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Text(text) => parse_size(&text).map_err(PyValueError::new_err),
        }
    }
}

/// Settings for stores with options given by the caller.
pub(crate) fn settings(given: &[(String, String)]) -> Result<StoreSettings> {
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
    memory: Option<Budget>,
    stores: &[(String, String)],
    work: impl FnOnce(&Session) -> Result<T> + Send,
) -> PyResult<T> {
    let session = Session::new(threads, memory.map(Budget::bytes).transpose()?);
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
        let mut progress = Progress::new();
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
            progress.show(py, session);
        }
        progress.close(py);
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
