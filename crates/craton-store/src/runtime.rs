//! The one runtime that network reads and repositories run on: made when the first is asked for, and again after a fork.

use craton_core::{Error, Result};
use futures_util::FutureExt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Enough for many connections: they mostly wait.
const THREADS: usize = 2;

static RUNTIME: Mutex<Option<(u32, Arc<Runtime>)>> = Mutex::new(None);

/// The runtime of this process.
fn runtime() -> Result<Arc<Runtime>> {
    let mut held = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((process, runtime)) = &*held
        && *process == std::process::id()
    {
        return Ok(runtime.clone());
    }
    // Its threads did not come along into a forked process; to drop it there would wait for them.
    if let Some((_, other)) = held.take() {
        std::mem::forget(other);
    }
    let made = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("craton-network")
        .enable_io()
        .enable_time()
        .build();
    let made = made.map_err(|cause| Error::io("cannot start threads for the network", cause))?;
    let made = Arc::new(made);
    *held = Some((std::process::id(), made.clone()));
    Ok(made)
}

/// Runs `work` on the runtime; whoever waits for the result may do so on any thread. Dropped, the work stops.
pub(crate) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    Running(runtime()?.spawn(work)).await
}

/// What `work` gives without waiting; `None` if it would have to, and then it is stopped.
pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> Result<Option<T>> {
    let runtime = runtime()?;
    // What begins to wait looks for the runtime.
    let _entered = runtime.enter();
    Ok(work.now_or_never())
}

/// Waits for `work` on this thread, which is none of the runtime's; what it waits for is there. Saves a change of threads.
pub(crate) fn wait<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime()?;
    let _entered = runtime.enter();
    pollster::block_on(work)
}

/// Runs `work` on the runtime, which nobody waits for here.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    drop(runtime()?.spawn(work));
    Ok(())
}

struct Running<T>(JoinHandle<Result<T>>);

impl<T> Future for Running<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|joined| {
            joined.unwrap_or_else(|cause| {
                Err(Error::internal("a network read ended without a result").caused_by(cause))
            })
        })
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
