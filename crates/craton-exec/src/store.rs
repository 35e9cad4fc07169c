//! The blockwise shape: values written as they are, into memory or into a sink's chunks.

use crate::assemble::Assembly;
use crate::control::count;
use crate::stage::Worker;
use crate::threads::on_threads;
use crate::view::{Step, View};
use crate::walk::{Place, STRIP, Walk};
use craton_core::block::c_strides;
use craton_core::{Block, BufferMut, DType, Error, Result, Sink};
use craton_kernels::program::{Program, Registers, Strip};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Memory that several tasks write at once, each its own elements.
pub(crate) struct Target<'a> {
    start: *mut u8,
    length: usize,
    lifetime: PhantomData<&'a mut [u8]>,
}

// SAFETY: every task writes only the elements of its own box, and boxes of one stage are disjoint.
unsafe impl Sync for Target<'_> {}
// SAFETY: as above; the pointer is valid for the borrowed lifetime.
unsafe impl Send for Target<'_> {}

impl<'a> Target<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self {
            start: bytes.as_mut_ptr(),
            length: bytes.len(),
            lifetime: PhantomData,
        }
    }

    /// All bytes.
    ///
    /// # Safety
    /// No task may write while the slice lives.
    pub(crate) unsafe fn all(&self) -> &[u8] {
        // SAFETY: in bounds by construction, unchanged by the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    /// The bytes from `first` on.
    ///
    /// # Safety
    /// No other task may touch these bytes while the slice lives.
    #[allow(
        clippy::mut_from_ref,
        reason = "that is the purpose; see the safety rule"
    )]
    pub(crate) unsafe fn bytes(&self, first: usize, length: usize) -> &mut [u8] {
        assert!(
            first
                .checked_add(length)
                .is_some_and(|end| end <= self.length),
            "a store within its target"
        );
        // SAFETY: in bounds by the check above, exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), length) }
    }
}

/// Scratch that one expression needs for its strips.
pub(crate) struct Scratch {
    pub registers: Registers,
    pub strips: Vec<Vec<u64>>,
    pub tile: Vec<u64>,
    /// Where a row stands.
    pub place: Place,
    key: ScratchKey,
}

/// What scratch was made for: the program, by its address while a stage runs, and the sizes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ScratchKey {
    program: usize,
    views: usize,
    strip: usize,
    tile: usize,
}

/// Scratch of earlier tasks of a stage. Fresh memory would cost each task more than its use.
#[derive(Default)]
pub(crate) struct SpareScratch {
    spare: Mutex<HashMap<ScratchKey, Vec<Scratch>>>,
}

impl SpareScratch {
    /// Scratch for `program` and strips of `views`; `rows` strips of results are held at once.
    pub(crate) fn take(&self, program: &Program, views: &[&View], rows: usize) -> Scratch {
        let widest = views.iter().map(|view| view.size).max().unwrap_or(0);
        // OK for a program that lives shorter than the stage: it only copies, and has no registers of its own.
        let key = ScratchKey {
            program: std::ptr::from_ref(program) as usize,
            views: views.len(),
            strip: (STRIP * widest).div_ceil(8),
            tile: (rows * STRIP * program.output_size()).div_ceil(8),
        };
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let found = spare.get_mut(&key).and_then(Vec::pop);
        drop(spare);
        found.unwrap_or_else(|| Scratch {
            registers: program.registers(STRIP),
            strips: (0..key.views).map(|_| vec![0u64; key.strip]).collect(),
            tile: vec![0u64; key.tile],
            place: Place::default(),
            key,
        })
    }

    /// Keeps scratch for the next task.
    pub(crate) fn give_back(&self, scratch: Scratch) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.entry(scratch.key).or_default().push(scratch);
    }
}

/// Runs `program` on elements `from..from + count` of the loop whose steps are `steps`, at `place`.
pub(crate) fn run_strip(
    program: &Program,
    views: &[&View],
    place: &Place,
    steps: &[Step],
    (from, count): (usize, usize),
    (registers, buffers): (&mut Registers, &mut [Vec<u64>]),
    out: &mut [u8],
) {
    if let Some(input) = program.as_input()
        && views[input].strip_into(place.views[input], &steps[input], from, count, out)
    {
        return;
    }
    let strips = views
        .iter()
        .zip(steps)
        .zip(&place.views)
        .zip(buffers.iter_mut());
    let strips = strips
        .map(|(((view, step), origin), buffer)| view.strip(*origin, step, from, count, buffer));
    let mut few = [Strip::Uniform(&[]); 8];
    if views.len() <= few.len() {
        few.iter_mut()
            .zip(strips)
            .for_each(|(slot, strip)| *slot = strip);
        program.run(&few[..views.len()], count, registers, out);
    } else {
        let inputs: Vec<Strip<'_>> = strips.collect();
        program.run(&inputs, count, registers, out);
    }
}

/// Evaluates `program` over a box into `target`, whose element strides per axis are `strides`, from element `first` on.
pub(crate) fn evaluate(
    program: &Program,
    views: &[&View],
    lengths: &[usize],
    target: &Target<'_>,
    first: usize,
    strides: &[isize],
    worker: &Worker<'_>,
) -> Result<()> {
    let size = program.output_size();
    let out: Vec<Step> = strides.iter().map(|stride| Step::Stride(*stride)).collect();
    let mut walk = Walk::new(lengths, views, &out, &vec![0; lengths.len()]);
    let inner = walk.take(walk.axes.len() - 1);
    let mut scratch = worker.scratch(program, views, 1);
    let mut start = Place::first(views);
    start.out = first as isize;
    let mut since_check = 0usize;
    let done = walk.for_each(&start, |place| {
        since_check += inner.length;
        if since_check > 1 << 20 {
            worker.check()?;
            since_check = 0;
        }
        for from in (0..inner.length).step_by(STRIP) {
            let count = STRIP.min(inner.length - from);
            let at = (place.out + inner.out.offset(from)) as usize;
            let Scratch {
                registers,
                strips,
                tile,
                ..
            } = &mut scratch;
            if inner.out == Step::Stride(1) || count == 1 {
                // SAFETY: the box is this task's own.
                let bytes = unsafe { target.bytes(at * size, count * size) };
                run_strip(
                    program,
                    views,
                    place,
                    &inner.views,
                    (from, count),
                    (registers, strips),
                    bytes,
                );
            } else {
                let bytes = &mut bytemuck::cast_slice_mut(tile)[..count * size];
                run_strip(
                    program,
                    views,
                    place,
                    &inner.views,
                    (from, count),
                    (registers, strips),
                    bytes,
                );
                for (step, item) in bytes.chunks_exact(size).enumerate() {
                    let at = (place.out + inner.out.offset(from + step)) as usize;
                    // SAFETY: the box is this task's own.
                    unsafe { target.bytes(at * size, size) }.copy_from_slice(item);
                }
            }
        }
        Ok(())
    });
    worker.give_back(scratch);
    done
}

/// Gives the values of a box, C order in `values`, to `sink`; chunks that the box fills only in part wait in `assembly`.
pub(crate) fn write_box(
    sink: &Arc<dyn Sink>,
    dtype: DType,
    ranges: &[(u64, u64)],
    values: BufferMut,
    assembly: &Assembly,
    worker: &Worker<'_>,
) -> Result<()> {
    let grid = &sink.chunks().grid;
    let size = dtype
        .item_size()
        .ok_or_else(|| Error::unsupported("writing strings block by block"))?;
    if ranges.iter().any(|(_, length)| *length == 0) {
        return Ok(());
    }
    let lengths: Vec<usize> = ranges.iter().map(|(_, length)| *length as usize).collect();
    let box_strides = c_strides(&lengths);
    let buffer = values.freeze();
    let low: Vec<u64> = grid
        .axes
        .iter()
        .zip(ranges)
        .map(|(axis, (start, _))| axis.chunk_of(*start))
        .collect();
    let high: Vec<u64> = grid
        .axes
        .iter()
        .zip(ranges)
        .map(|(axis, (start, length))| axis.chunk_of(start + length - 1))
        .collect();
    let mut index = low.clone();
    loop {
        let chunks = grid.chunk(&index);
        let part: Vec<(u64, u64)> = chunks
            .iter()
            .zip(ranges)
            .map(|(chunk, (start, length))| {
                let first = chunk.start.max(*start);
                (first, chunk.end().min(start + length) - first)
            })
            .collect();
        let shape: Vec<usize> = part.iter().map(|(_, length)| *length as usize).collect();
        let offset: isize = (0..part.len())
            .map(|axis| (part[axis].0 - ranges[axis].0) as isize * box_strides[axis])
            .sum();
        let piece = Block::strided(
            dtype,
            shape,
            buffer.clone(),
            offset as usize,
            box_strides.clone(),
        )?;
        let is_whole = part
            .iter()
            .zip(&chunks)
            .all(|((_, length), chunk)| *length == chunk.length);
        if is_whole {
            put(sink, &index, &piece, worker)?;
        } else {
            let origin: Vec<u64> = part
                .iter()
                .zip(&chunks)
                .map(|((first, _), chunk)| first - chunk.start)
                .collect();
            let chunk_shape: Vec<usize> =
                chunks.iter().map(|chunk| chunk.length as usize).collect();
            assembly.add(&index, &piece, &origin, &chunk_shape, size, worker)?;
        }
        let Some(axis) = (0..index.len())
            .rev()
            .find(|axis| index[*axis] < high[*axis])
        else {
            break;
        };
        index[axis] += 1;
        index[axis + 1..].copy_from_slice(&low[axis + 1..]);
    }
    drop(buffer);
    assembly.write_ready(sink, worker)
}

/// Gives the values of a box, C order in `values`, that is made of whole chunks to `sink`, on several threads.
pub(crate) fn write_chunks(
    sink: &Arc<dyn Sink>,
    dtype: DType,
    ranges: &[(u64, u64)],
    values: BufferMut,
    threads: usize,
    worker: &Worker<'_>,
) -> Result<()> {
    if ranges.iter().any(|(_, length)| *length == 0) {
        return Ok(());
    }
    let grid = &sink.chunks().grid;
    let lengths: Vec<usize> = ranges.iter().map(|(_, length)| *length as usize).collect();
    let strides = c_strides(&lengths);
    let buffer = values.freeze();
    let axes = grid.axes.iter().zip(ranges);
    let spans: Vec<(u64, u64)> = axes
        .map(|(axis, (start, length))| {
            let first = axis.chunk_of(*start);
            (first, axis.chunk_of(start + length - 1) + 1 - first)
        })
        .collect();
    let chunks: u64 = spans.iter().map(|(_, count)| count).product();
    let next = AtomicU64::new(0);
    on_threads(threads, || {
        loop {
            let mut rest = next.fetch_add(1, Relaxed);
            if rest >= chunks {
                return Ok(());
            }
            worker.check()?;
            let mut index = vec![0; spans.len()];
            for (at, (first, count)) in index.iter_mut().zip(&spans).rev() {
                *at = first + rest % count;
                rest /= count;
            }
            let chunk = grid.chunk(&index);
            let first: isize = (0..chunk.len())
                .map(|axis| (chunk[axis].start - ranges[axis].0) as isize * strides[axis])
                .sum();
            let shape = chunk.iter().map(|chunk| chunk.length as usize).collect();
            let (buffer, strides) = (buffer.clone(), strides.clone());
            let block = Block::strided(dtype, shape, buffer, first as usize, strides)?;
            put(sink, &index, &block, worker)?;
        }
    })
}

pub(crate) fn put(
    sink: &Arc<dyn Sink>,
    index: &[u64],
    block: &Block,
    worker: &Worker<'_>,
) -> Result<()> {
    let written = pollster::block_on(sink.put(index, block, worker.pool))
        .map_err(|error| error.in_chunk(index))?;
    count(&worker.control.bytes_written, written);
    Ok(())
}

/// Copies a dense block to `origin` of a C-order buffer of `shape`.
pub(crate) fn copy_into(
    piece: &Block,
    origin: &[u64],
    shape: &[usize],
    size: usize,
    out: &mut [u8],
) {
    let Some((buffer, offset, strides)) = piece.as_dense() else {
        return;
    };
    let to_strides = c_strides(shape);
    let rank = shape.len();
    let row = piece.shape().last().copied().unwrap_or(1);
    let mut index = vec![0usize; rank.saturating_sub(1)];
    loop {
        let mut from = offset as isize;
        let mut to = 0isize;
        for axis in 0..rank {
            let at = index.get(axis).copied().unwrap_or(0) as isize;
            from += at * strides[axis];
            to += (at + origin[axis] as isize) * to_strides[axis];
        }
        let (from, to) = (from as usize * size, to as usize * size);
        out[to..to + row * size].copy_from_slice(&buffer[from..from + row * size]);
        let Some(axis) = (0..index.len())
            .rev()
            .find(|axis| index[*axis] + 1 < piece.shape()[*axis])
        else {
            return;
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}
