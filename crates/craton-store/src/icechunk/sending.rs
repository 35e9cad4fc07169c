//! Objects on their way to a store behind a URL or into a folder: many at once, and never more than a bound.

use crate::runtime;
use craton_core::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Bytes under way at most, in units of [`UNIT`]; one larger object goes alone.
const MOST_UNITS: u32 = 32 << 10;
const UNIT: usize = 1 << 10;
/// Objects under way at most.
const MOST_OBJECTS: u32 = 64;

/// What is under way, and the first error that was met.
#[derive(Debug)]
pub(super) struct Sending {
    bytes: Arc<Semaphore>,
    failed: Arc<Mutex<Option<Error>>>,
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(MOST_UNITS as usize)),
            failed: Arc::default(),
        }
    }
}

impl Sending {
    /// Begins to send an object of `size` bytes, as soon as there is room for it.
    ///
    /// # Errors
    /// That of an object that was sent before.
    pub(super) fn send(
        &self,
        size: usize,
        put: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<()> {
        self.check()?;
        let units = u32::try_from(size.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let room = self.room(units.clamp(MOST_UNITS / MOST_OBJECTS, MOST_UNITS));
        let room = pollster::block_on(room)?;
        let mut arriving = Arriving {
            failed: self.failed.clone(),
            outcome: Err(Error::internal("an object was not sent to its end")),
        };
        runtime::spawn(async move {
            arriving.outcome = put.await;
            // Told before there is room again, which is what others wait for.
            drop(arriving);
            drop(room);
        })
    }

    /// Waits until everything has arrived.
    ///
    /// # Errors
    /// The first that was met.
    pub(super) fn wait(&self) -> Result<()> {
        drop(pollster::block_on(self.room(MOST_UNITS))?);
        self.check()
    }

    async fn room(&self, units: u32) -> Result<tokio::sync::OwnedSemaphorePermit> {
        let room = self.bytes.clone().acquire_many_owned(units).await;
        room.map_err(|cause| Error::internal("nothing can be sent any more").caused_by(cause))
    }

    fn check(&self) -> Result<()> {
        locked(&self.failed).take().map_or(Ok(()), Err)
    }
}

/// One object under way; what became of it is told however it ends.
struct Arriving {
    failed: Arc<Mutex<Option<Error>>>,
    outcome: Result<()>,
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if let Err(error) = std::mem::replace(&mut self.outcome, Ok(())) {
            locked(&self.failed).get_or_insert(error);
        }
    }
}

fn locked(failed: &Mutex<Option<Error>>) -> MutexGuard<'_, Option<Error>> {
    failed.lock().unwrap_or_else(PoisonError::into_inner)
}
