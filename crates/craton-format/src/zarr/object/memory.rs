//! Memory that somebody else owns, such as a NumPy array's, and the loops between it and decoded chunks.

use super::pick::{Along, Pick};
use craton_core::{Error, Result};
use std::marker::PhantomData;

/// Bytes that somebody else owns, reached by offsets from a start.
#[derive(Debug)]
pub struct Memory<'a> {
    start: *mut u8,
    /// Offsets that belong to it: from `low` up to, and without, `high`.
    low: isize,
    high: isize,
    /// Whether the bytes of numbers are in the other order.
    is_swapped: bool,
    owner: PhantomData<&'a mut [u8]>,
}

// SAFETY: whoever makes one vouches that the bytes may be reached from any thread.
unsafe impl Send for Memory<'_> {}
// SAFETY: as above; that no two picks in use overlap is promised to `new`.
unsafe impl Sync for Memory<'_> {}

/// Which way elements go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToMemory,
    FromMemory,
}

/// One loop of a nest: bytes from step to step in the chunk and in memory.
#[derive(Debug, Clone, Copy)]
enum Dim<'a> {
    Run {
        count: usize,
        chunk: isize,
        memory: isize,
    },
    List {
        list: &'a [(usize, isize)],
        stride: usize,
    },
}

impl<'a> Memory<'a> {
    /// Memory of `low..high` bytes around `start`; `is_swapped` if its numbers are in the other byte order.
    ///
    /// # Safety
    /// The bytes are valid for `'a`, for writing too if anything is read into them. During calls with this memory nobody
    /// else writes them, and picks that are in use at the same time do not overlap.
    #[must_use]
    pub unsafe fn new(start: *mut u8, low: isize, high: isize, is_swapped: bool) -> Self {
        Self {
            start,
            low,
            high,
            is_swapped,
            owner: PhantomData,
        }
    }

    /// Whether the bytes of numbers are in the other order.
    pub(super) fn is_swapped(&self) -> bool {
        self.is_swapped
    }

    /// Copies elements of a decoded chunk to their places.
    pub(super) fn put(&self, pick: &Pick, chunk: &[u8], form: &Elements<'_>) -> Result<()> {
        // OK to cast: nothing is written through it, because elements go to memory.
        self.copy(
            pick,
            chunk.as_ptr().cast_mut(),
            chunk.len(),
            form,
            Way::ToMemory,
        )
    }

    /// Copies elements from their places into a chunk that is to be encoded.
    pub(super) fn take(&self, pick: &Pick, chunk: &mut [u8], form: &Elements<'_>) -> Result<()> {
        self.copy(pick, chunk.as_mut_ptr(), chunk.len(), form, Way::FromMemory)
    }

    /// Puts one value, which is in memory's byte order, to all places.
    pub(super) fn fill(&self, pick: &Pick, shape: &[usize], value: &[u8]) -> Result<()> {
        let strides = vec![0; shape.len()];
        let form = Elements {
            shape,
            strides: &strides,
            size: value.len(),
        };
        self.put(pick, value, &form)
    }

    /// The bytes of a whole chunk, if they lie in memory as they do in the chunk.
    pub(super) fn whole(&self, pick: &Pick, form: &Elements<'_>) -> Option<&'a [u8]> {
        let (at, length) = self.lies_whole(pick, form)?;
        // SAFETY: the bytes lie within the memory, which is valid for `'a` and not written meanwhile.
        Some(unsafe { std::slice::from_raw_parts(self.start.offset(at), length) })
    }

    /// The same, to be written.
    #[allow(
        clippy::mut_from_ref,
        reason = "picks in use do not overlap, as `new` is promised"
    )]
    pub(super) fn whole_mut(&self, pick: &Pick, form: &Elements<'_>) -> Option<&'a mut [u8]> {
        let (at, length) = self.lies_whole(pick, form)?;
        // SAFETY: as in `whole`; nobody else has these bytes, as `new` is promised.
        Some(unsafe { std::slice::from_raw_parts_mut(self.start.offset(at), length) })
    }

    fn lies_whole(&self, pick: &Pick, form: &Elements<'_>) -> Option<(isize, usize)> {
        let Pick::Box(axes) = pick else {
            return None;
        };
        if !pick.covers(form.shape) {
            return None;
        }
        let mut start = 0isize;
        let mut length = form.size;
        for ((along, stored), count) in axes.iter().zip(form.strides).zip(form.shape) {
            let Along::Run { at, stride, .. } = along else {
                return None;
            };
            if *count > 1 && usize::try_from(*stride) != Ok(*stored) {
                return None;
            }
            start = start.checked_add(*at)?;
            length = length.checked_mul(*count)?;
        }
        let end = start.checked_add(isize::try_from(length).ok()?)?;
        (self.low <= start && end <= self.high).then_some((start, length))
    }

    fn copy(
        &self,
        pick: &Pick,
        chunk: *mut u8,
        chunk_length: usize,
        form: &Elements<'_>,
        way: Way,
    ) -> Result<()> {
        if pick.is_empty() || form.size == 0 {
            return Ok(());
        }
        let size = form.size;
        let (low, high) = pick
            .places(form.shape)
            .ok_or_else(|| Error::internal("a selection leads out of its chunk"))?;
        let most: usize = form
            .shape
            .iter()
            .zip(form.strides)
            .map(|(length, stride)| length.saturating_sub(1) * stride)
            .sum();
        let fits = self.low <= low
            && high
                .checked_add(size.cast_signed())
                .is_some_and(|end| end <= self.high)
            && most + size <= chunk_length;
        if !fits {
            return Err(Error::internal("a selection leads out of its memory"));
        }
        let job = Job {
            chunk,
            memory: self.start,
            size,
            way,
        };
        match pick {
            Pick::Box(axes) => {
                let (nest, chunk_at, memory_at) = loops(axes, form.strides);
                // SAFETY: every index and place was checked above to lie within the chunk and the memory, and strides
                // lead to the elements of those indices only.
                unsafe { job.run(&nest, chunk_at, memory_at) };
            }
            Pick::Points(points) => {
                for (index, at) in points.iter(form.shape.len()) {
                    let offset: usize = index
                        .iter()
                        .zip(form.strides)
                        .map(|(at, stride)| at * stride)
                        .sum();
                    // SAFETY: as above.
                    unsafe { job.row(offset.cast_signed(), at, 1, 0, 0) };
                }
            }
        }
        Ok(())
    }
}

/// How elements lie in a decoded chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elements<'a> {
    /// Elements along each axis.
    pub shape: &'a [usize],
    /// Bytes from one element to the next along each axis.
    pub strides: &'a [usize],
    /// Bytes of one element.
    pub size: usize,
}

/// The loops over a box, outermost first, and where they begin in chunk and memory. Places that follow each other fastest are
/// in the innermost loop; loops that go evenly on are one.
fn loops<'a>(axes: &'a [Along], strides: &[usize]) -> (Vec<Dim<'a>>, isize, isize) {
    let (mut chunk_at, mut memory_at) = (0, 0);
    let mut nest = Vec::with_capacity(axes.len());
    for (along, stride) in axes.iter().zip(strides) {
        match along {
            Along::Run {
                first,
                step,
                count,
                at,
                stride: memory,
            } => {
                chunk_at += (first * stride).cast_signed();
                memory_at += at;
                if *count > 1 {
                    nest.push(Dim::Run {
                        count: *count,
                        chunk: (step * stride).cast_signed(),
                        memory: *memory,
                    });
                }
            }
            Along::List(list) => nest.push(Dim::List {
                list,
                stride: *stride,
            }),
        }
    }
    nest.sort_by_key(|dim| match dim {
        Dim::List { .. } => (0, 0),
        Dim::Run { memory, .. } => (1, -memory.saturating_abs()),
    });
    let mut merged: Vec<Dim<'a>> = Vec::with_capacity(nest.len());
    for dim in nest {
        if let (
            Some(Dim::Run {
                count: outer,
                chunk: outer_chunk,
                memory: outer_memory,
            }),
            Dim::Run {
                count,
                chunk,
                memory,
            },
        ) = (merged.last_mut(), dim)
            && *outer_chunk == chunk * count.cast_signed()
            && *outer_memory == memory * count.cast_signed()
        {
            (*outer, *outer_chunk, *outer_memory) = (*outer * count, chunk, memory);
        } else {
            merged.push(dim);
        }
    }
    (merged, chunk_at, memory_at)
}

/// A copy between a chunk and memory.
struct Job {
    chunk: *mut u8,
    memory: *mut u8,
    size: usize,
    way: Way,
}

impl Job {
    /// # Safety
    /// All elements that the loops lead to lie within the chunk and the memory.
    unsafe fn run(&self, nest: &[Dim<'_>], chunk: isize, memory: isize) {
        // SAFETY: the caller's promise holds for each step of each loop.
        unsafe {
            match nest {
                [] => self.row(chunk, memory, 1, 0, 0),
                [
                    Dim::Run {
                        count,
                        chunk: by,
                        memory: to,
                    },
                ] => self.row(chunk, memory, *count, *by, *to),
                [
                    Dim::Run {
                        count,
                        chunk: by,
                        memory: to,
                    },
                    inner @ ..,
                ] => {
                    for step in 0..count.cast_signed() {
                        self.run(inner, chunk + step * by, memory + step * to);
                    }
                }
                [Dim::List { list, stride }, inner @ ..] => {
                    for (index, at) in *list {
                        self.run(inner, chunk + (index * stride).cast_signed(), memory + at);
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`Job::run`].
    unsafe fn row(
        &self,
        chunk: isize,
        memory: isize,
        count: usize,
        chunk_step: isize,
        memory_step: isize,
    ) {
        // SAFETY: both lie within their allocations, as the caller promises.
        let (chunk, memory) = unsafe { (self.chunk.offset(chunk), self.memory.offset(memory)) };
        let (from, from_step, to, to_step) = match self.way {
            Way::ToMemory => (chunk.cast_const(), chunk_step, memory, memory_step),
            Way::FromMemory => (memory.cast_const(), memory_step, chunk, chunk_step),
        };
        let size = self.size;
        // SAFETY: as above, for every element of the row; chunk and memory are different allocations.
        unsafe {
            if from_step == size.cast_signed() && to_step == size.cast_signed() {
                std::ptr::copy_nonoverlapping(from, to, size * count);
                return;
            }
            match size {
                1 => row_of::<1>(from, from_step, to, to_step, count),
                2 => row_of::<2>(from, from_step, to, to_step, count),
                4 => row_of::<4>(from, from_step, to, to_step, count),
                8 => row_of::<8>(from, from_step, to, to_step, count),
                16 => row_of::<16>(from, from_step, to, to_step, count),
                _ => {
                    for step in 0..count.cast_signed() {
                        std::ptr::copy_nonoverlapping(
                            from.offset(step * from_step),
                            to.offset(step * to_step),
                            size,
                        );
                    }
                }
            }
        }
    }
}

/// # Safety
/// `count` items of `N` bytes at these steps lie within both allocations, which do not overlap.
unsafe fn row_of<const N: usize>(
    from: *const u8,
    from_step: isize,
    to: *mut u8,
    to_step: isize,
    count: usize,
) {
    for step in 0..count.cast_signed() {
        // SAFETY: the caller's promise.
        unsafe {
            let item = from.offset(step * from_step).cast::<[u8; N]>().read();
            to.offset(step * to_step).cast::<[u8; N]>().write(item);
        }
    }
}
