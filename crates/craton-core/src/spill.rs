//! The trait by which values that do not fit into memory are put aside for the time of a run.

use crate::{BufferMut, DType, Decode, Pool, ReadRanges, Result};
use std::fmt::Debug;
use std::sync::Arc;

/// Where values are put aside, and how they are packed.
pub trait Spill: Send + Sync + Debug {
    /// A place for up to `bytes` bytes; `None` where there is no room for them. It is gone with its last holder.
    fn open(&self, bytes: u64) -> Option<Arc<dyn SpillFile>>;

    /// Elements of `dtype`, packed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Budget`] if `pool` has no room for the packed bytes.
    fn pack(&self, elements: &[u8], dtype: DType, pool: &Pool) -> Result<BufferMut>;

    /// What undoes [`Spill::pack`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for elements that cannot be packed.
    fn unpack(&self, dtype: DType) -> Result<Arc<dyn Decode>>;
}

/// Bytes that were put aside. It has one object, whatever name is given for it.
pub trait SpillFile: ReadRanges {
    /// Adds `bytes`, from any thread; where they begin.
    ///
    /// # Errors
    /// As the operating system says, with the folder named.
    fn append(&self, bytes: &[u8]) -> Result<u64>;
}
