//! Pooled, 64-byte-aligned memory. Buffers return to their pool on drop, because touching fresh pages
//! costs more than decoding into warm ones.

use crate::{Error, ErrorKind, Result};
use memmap2::MmapMut;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Every buffer starts at a multiple of this.
pub const ALIGNMENT: usize = 64;
const PAGE: usize = 4096;

/// A source of buffers that share one limit.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    limit: usize,
    state: Mutex<State>,
    /// Where the whole limit was taken from, if this pool is a part of another.
    whole: Option<Arc<Shared>>,
}

#[derive(Default)]
struct State {
    free: Vec<Memory>,
    cached: usize,
    lent: usize,
    peak: usize,
}

/// How much memory a [`Pool`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Bytes in buffers that somebody holds.
    pub lent: usize,
    /// Bytes kept for the next taker.
    pub cached: usize,
    /// The most that both together ever were.
    pub peak: usize,
}

impl Pool {
    /// A pool that never holds more than `limit` bytes, lent and cached together.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                limit,
                state: Mutex::default(),
                whole: None,
            }),
        }
    }

    /// A pool without a limit.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::with_limit(usize::MAX)
    }

    /// A buffer of exactly `length` bytes. Its contents are arbitrary (what the last holder left, or zeros).
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] if the pool's limit does not allow it.
    pub fn take(&self, length: usize) -> Result<BufferMut> {
        let mut state = self.shared.lock();
        let memory = match state.take_free(length) {
            Some(memory) => memory,
            None => state.allocate(length, self.shared.limit)?,
        };
        state.lent += memory.capacity;
        state.peak = state.peak.max(state.lent + state.cached);
        Ok(BufferMut {
            memory,
            length,
            home: Arc::downgrade(&self.shared),
        })
    }

    /// A pool of `limit` bytes, which count as lent here until it is gone. Its buffers should be gone by then too.
    ///
    /// # Errors
    /// As [`Pool::take`].
    pub fn set_aside(&self, limit: usize) -> Result<Self> {
        let mut state = self.shared.lock();
        state.make_room(limit, self.shared.limit)?;
        state.lent += limit;
        state.peak = state.peak.max(state.lent + state.cached);
        Ok(Self {
            shared: Arc::new(Shared {
                limit,
                state: Mutex::default(),
                whole: Some(self.shared.clone()),
            }),
        })
    }

    /// What a buffer of `length` bytes takes from the limit.
    #[must_use]
    pub fn rounded(length: usize) -> usize {
        size_class(length)
    }

    /// A buffer of `length` zero bytes.
    ///
    /// # Errors
    /// As [`Pool::take`].
    pub fn take_zeroed(&self, length: usize) -> Result<BufferMut> {
        let mut buffer = self.take(length)?;
        buffer.fill(0);
        Ok(buffer)
    }

    /// The most bytes that the pool may hold.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.shared.limit
    }

    /// How much the pool holds now.
    #[must_use]
    pub fn usage(&self) -> PoolUse {
        let state = self.shared.lock();
        PoolUse {
            lent: state.lent,
            cached: state.cached,
            peak: state.peak,
        }
    }

    /// Gives memory that nobody holds back to the system.
    pub fn trim(&self) {
        let mut state = self.shared.lock();
        state.cached = 0;
        state.free.clear();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.usage().fmt(f)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // OK to go on after a panic elsewhere: the state is plain counts, updated in one place each.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Free memory of the size that would be allocated: what a buffer takes from the limit is known beforehand.
    fn take_free(&mut self, length: usize) -> Option<Memory> {
        let capacity = size_class(length);
        let fits = |memory: &Memory| memory.capacity == capacity;
        let best = self.free.iter().rposition(fits)?;
        let memory = self.free.swap_remove(best);
        self.cached -= memory.capacity;
        Some(memory)
    }

    fn allocate(&mut self, length: usize, limit: usize) -> Result<Memory> {
        let capacity = size_class(length);
        self.make_room(capacity, limit)?;
        Memory::allocate(capacity)
    }

    /// Drops memory that nobody holds until `capacity` bytes more keep within `limit`.
    fn make_room(&mut self, capacity: usize, limit: usize) -> Result<()> {
        while self
            .lent
            .saturating_add(self.cached)
            .saturating_add(capacity)
            > limit
        {
            let Some(memory) = self.free.pop() else {
                let message = format!(
                    "{capacity} bytes do not fit beside the {} in use within {limit} bytes of memory",
                    self.lent
                );
                return Err(Error::new(ErrorKind::Budget, message));
            };
            self.cached -= memory.capacity;
        }
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(whole) = &self.whole {
            whole.lock().lent -= self.limit;
        }
    }
}

/// Lengths rounded up to an eighth of their power of two, so that chunks of about one size share their buffers.
/// Pages beyond the length are never touched, so they cost nothing but address space.
fn size_class(length: usize) -> usize {
    let step = (length
        .max(1)
        .checked_next_power_of_two()
        .unwrap_or(usize::MAX)
        / 16)
        .max(PAGE);
    length
        .max(1)
        .checked_next_multiple_of(step)
        .unwrap_or(usize::MAX)
}

/// An aligned allocation.
///
/// Large ones are mapped by themselves: the system's allocator would keep what is freed in its heap, where it
/// stays resident although nobody uses it, and the budget could not be kept.
struct Memory {
    start: NonNull<u8>,
    capacity: usize,
    mapping: Option<MmapMut>,
}

/// From this size on memory is mapped.
const MAPPED_FROM: usize = 64 << 10;

// SAFETY: `Memory` owns its allocation exclusively, like a `Box<[u8]>`.
unsafe impl Send for Memory {}
// SAFETY: shared access only ever reads.
unsafe impl Sync for Memory {}

impl Memory {
    fn allocate(capacity: usize) -> Result<Self> {
        let too_much = || {
            let message = format!("the system cannot provide {capacity} bytes of memory");
            Error::new(ErrorKind::Budget, message)
        };
        if capacity >= MAPPED_FROM {
            let mut mapping =
                MmapMut::map_anon(capacity).map_err(|error| too_much().caused_by(error))?;
            let start = NonNull::new(mapping.as_mut_ptr()).ok_or_else(too_much)?;
            return Ok(Self {
                start,
                capacity,
                mapping: Some(mapping),
            });
        }
        let layout = Layout::from_size_align(capacity, ALIGNMENT).map_err(|_| too_much())?;
        // SAFETY: the layout is not empty, because capacity is at least one page.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(too_much)?;
        Ok(Self {
            start,
            capacity,
            mapping: None,
        })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.capacity == 0 || self.mapping.is_some() {
            return;
        }
        // SAFETY: allocated in `allocate` with this very layout, which was valid there.
        unsafe {
            let layout = Layout::from_size_align_unchecked(self.capacity, ALIGNMENT);
            dealloc(self.start.as_ptr(), layout);
        }
    }
}

/// A buffer with one holder, who may write.
pub struct BufferMut {
    memory: Memory,
    length: usize,
    home: Weak<Shared>,
}

impl BufferMut {
    /// Shortens the visible part; the memory stays as it is.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Bytes that could be visible.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.memory.capacity
    }

    /// Makes the buffer shareable and read-only.
    #[must_use]
    pub fn freeze(self) -> Buffer {
        Buffer {
            inner: Arc::new(self),
        }
    }
}

impl Deref for BufferMut {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: `length` is at most the capacity, and all of it was initialised to zero on allocation.
        unsafe { std::slice::from_raw_parts(self.memory.start.as_ptr(), self.length) }
    }
}

impl DerefMut for BufferMut {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start.as_ptr(), self.length) }
    }
}

impl Drop for BufferMut {
    fn drop(&mut self) {
        let Some(home) = self.home.upgrade() else {
            return;
        };
        let dangling = Memory {
            start: NonNull::dangling(),
            capacity: 0,
            mapping: None,
        };
        let memory = std::mem::replace(&mut self.memory, dangling);
        let mut state = home.lock();
        state.lent -= memory.capacity;
        state.cached += memory.capacity;
        state.free.push(memory);
    }
}

impl fmt::Debug for BufferMut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BufferMut({} bytes)", self.length)
    }
}

/// A shared, read-only buffer.
#[derive(Clone, Debug)]
pub struct Buffer {
    inner: Arc<BufferMut>,
}

impl Buffer {
    /// Whether others hold these bytes too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
    }

    /// The buffer for writing, if nobody else holds it.
    ///
    /// # Errors
    /// Gives the buffer back unchanged if it is shared.
    pub fn try_into_mut(self) -> std::result::Result<BufferMut, Buffer> {
        Arc::try_unwrap(self.inner).map_err(|inner| Buffer { inner })
    }

    /// A copy of `bytes` outside any pool.
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] if the system has no memory left.
    pub fn copy_of(bytes: &[u8]) -> Result<Self> {
        let mut buffer = Pool::unlimited().take(bytes.len())?;
        buffer.copy_from_slice(bytes);
        Ok(buffer.freeze())
    }
}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_lent_again() {
        let pool = Pool::with_limit(10 * PAGE);
        let first = pool.take(PAGE * 3).unwrap();
        let address = first.as_ptr();
        drop(first);
        assert_eq!(pool.take(PAGE * 3 - 5).unwrap().as_ptr(), address);
        assert_eq!(pool.usage().peak, PAGE * 3);
    }

    #[test]
    fn the_limit_holds_and_cached_memory_makes_room() {
        let pool = Pool::with_limit(4 * PAGE);
        let held = pool.take(2 * PAGE).unwrap();
        drop(pool.take(2 * PAGE).unwrap());
        let other = pool.take(PAGE).unwrap();
        assert_eq!(pool.take(2 * PAGE).unwrap_err().kind(), ErrorKind::Budget);
        drop((held, other));
        assert!(pool.take(4 * PAGE).is_ok());
    }

    #[test]
    fn what_is_set_aside_counts_as_lent_until_it_is_gone() {
        let pool = Pool::with_limit(10 * PAGE);
        drop(pool.take(6 * PAGE).unwrap());
        let part = pool.set_aside(8 * PAGE).unwrap();
        assert_eq!((pool.usage().lent, pool.usage().cached), (8 * PAGE, 0));
        assert!(pool.take(3 * PAGE).is_err() && part.take(9 * PAGE).is_err());
        let buffer = part.take(8 * PAGE).unwrap();
        drop((buffer, part));
        assert!(pool.take(10 * PAGE).is_ok());
    }

    #[test]
    fn buffers_are_aligned() {
        let buffer = Pool::unlimited().take(7).unwrap();
        assert_eq!((buffer.as_ptr() as usize % ALIGNMENT, buffer.len()), (0, 7));
    }
}
