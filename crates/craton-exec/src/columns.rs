//! The shuffle shape: values are put together until columns are whole, then each column gives a few results.

use crate::stage::Worker;
use crate::store::{Target, write_chunks};
use crate::threads::on_threads;
use craton_core::block::c_strides;
use craton_core::{BufferMut, DType, Error, Result};
use craton_kernels::load::gather_columns;
use craton_plan::operator::{ColumnWork, Results};
use craton_plan::physical::Stage;
use craton_plan::physical::stage::StoreTo;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Columns that are taken out of their rows together: what a line of the cache holds of each row serves them all.
const TOGETHER: usize = 32;
/// Their values at most.
const TOGETHER_BYTES: u64 = 256 << 10;
/// What a small buffer may be rounded up by.
const PAGE: u64 = 4096;

/// Bytes of all values between the cuts.
pub(crate) fn bytes(cuts: &[Vec<u64>], size: u64) -> u64 {
    lengths(cuts)
        .iter()
        .fold(size, |bytes, length| bytes.saturating_mul(*length))
}

/// Bytes that a worker needs to take columns out of their rows.
pub(crate) fn scratch(work: &ColumnWork, cuts: &[Vec<u64>], size: u64) -> u64 {
    let lengths = lengths(cuts);
    let kernel = kernel_scratch(work, &lengths);
    if is_contiguous(work, &lengths) {
        return kernel.saturating_add(2 * PAGE);
    }
    let width = (0..lengths.len()).rfind(|axis| !work.folds(*axis));
    let width = width.map_or(1, |axis| lengths[axis]);
    let rows = (0..lengths.len()).filter(|axis| work.folds(*axis));
    let rows = rows.fold(1u64, |rows, axis| rows.saturating_mul(lengths[axis]));
    let column = rows.saturating_mul(size);
    let places = rows.saturating_mul(8);
    let columns = column.saturating_mul(together(column).min(width));
    columns
        .saturating_add(places)
        .saturating_add(kernel)
        .saturating_add(4 * PAGE)
}

/// Bytes that a worker needs for the arithmetic of a column: scratch and results.
fn kernel_scratch(work: &ColumnWork, lengths: &[u64]) -> u64 {
    let rows = (0..lengths.len()).filter(|axis| work.folds(*axis));
    let rows = rows.fold(1u64, |rows, axis| rows.saturating_mul(lengths[axis]));
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    let size = work.kernel.output().item_size().unwrap_or(8) as u64;
    let results = (work.kernel.count(rows) as u64).saturating_mul(size);
    let words = work.kernel.scratch(rows) as u64;
    words.saturating_mul(8).saturating_add(results)
}

/// Results along each axis, of columns that give theirs along their own.
pub(crate) fn result_lengths(work: &ColumnWork, cuts: &[Vec<u64>]) -> Vec<u64> {
    let mut lengths = lengths(cuts);
    if let Results::Along(axis) = work.results {
        let column = usize::try_from(lengths[axis]).unwrap_or(usize::MAX);
        lengths[axis] = work.kernel.count(column) as u64;
    }
    lengths
}

fn together(column: u64) -> u64 {
    (TOGETHER_BYTES / column.max(1)).clamp(1, TOGETHER as u64)
}

/// Indices along each axis, between the first cut and the last.
pub(crate) fn lengths(cuts: &[Vec<u64>]) -> Vec<u64> {
    let length = |cuts: &Vec<u64>| cuts[cuts.len() - 1] - cuts[0];
    cuts.iter().map(length).collect()
}

/// Whether each column lies in one piece, so that it can be worked on where it is.
fn is_contiguous(work: &ColumnWork, lengths: &[u64]) -> bool {
    let long = || (0..lengths.len()).filter(|axis| lengths[*axis] != 1);
    let first = long().find(|axis| work.folds(*axis));
    work.groups.is_none()
        && first.is_none_or(|first| long().all(|axis| axis < first || work.folds(axis)))
}

/// The columns of one pass, whole.
pub(crate) struct Columns<'a> {
    pub work: &'a ColumnWork,
    /// The type of the values, and that of the results.
    pub operand: DType,
    pub result: DType,
    /// The part of the stage that is this pass.
    pub stage: &'a Stage,
}

impl Columns<'_> {
    /// Works out every column of `values`, which are in C order, into the results of all passes, or those of this one
    /// and from there into a stored array.
    pub(crate) fn finish(
        &self,
        mut values: BufferMut,
        kept: Option<&mut BufferMut>,
        to: &StoreTo,
        threads: usize,
        worker: &Worker<'_>,
    ) -> Result<()> {
        let sink = match (to, kept) {
            (StoreTo::Slot(_), Some(results)) => {
                let extents = &self.stage.space.extents;
                let origin: Vec<u64> = self.stage.cuts.iter().map(|cuts| cuts[0]).collect();
                let layout = Layout::new(self.work, self.stage, extents, &origin);
                return self.run(&layout, &mut values, results, threads, worker);
            }
            (StoreTo::Slot(_), None) => return Err(Error::internal("a slot without memory")),
            (StoreTo::Sink(sink), _) => sink,
        };
        let lengths = result_lengths(self.work, &self.stage.cuts);
        let size = self.result.item_size().unwrap_or(1);
        let bytes = lengths.iter().product::<u64>() as usize * size;
        let mut results = worker.take(bytes.max(1))?;
        results.truncate(bytes);
        let origin = vec![0; lengths.len()];
        let layout = Layout::new(self.work, self.stage, &pass_lengths(self.stage), &origin);
        self.run(&layout, &mut values, &mut results, threads, worker)?;
        drop(values);
        let ranges = self.stage.cuts.iter().zip(lengths);
        let ranges: Vec<(u64, u64)> = ranges.map(|(cuts, length)| (cuts[0], length)).collect();
        write_chunks(sink, self.result, &ranges, results, threads, worker)
    }

    fn run(
        &self,
        layout: &Layout,
        values: &mut [u8],
        results: &mut [u8],
        threads: usize,
        worker: &Worker<'_>,
    ) -> Result<()> {
        if layout.count == 0 {
            return Ok(());
        }
        let size = self.operand.item_size().unwrap_or(1);
        let column_bytes = layout.depth * size;
        let is_in_place = is_contiguous(self.work, &pass_lengths(self.stage));
        let together = (together(column_bytes as u64) as usize).min(layout.width);
        // Columns of one block lie side by side in each row.
        let per_row = layout.width.div_ceil(together);
        let blocks = layout.count / layout.width * per_row;
        let mut rows = worker.take(if is_in_place { 0 } else { layout.depth * 8 })?;
        let rows: &mut [usize] = bytemuck::cast_slice_mut(&mut rows);
        layout.rows(self.work, rows);
        let (whole, results) = (Target::new(values), Target::new(results));
        let next = AtomicUsize::new(0);
        on_threads(threads, || {
            let room = if is_in_place {
                0
            } else {
                together * column_bytes
            };
            let mut scratch = worker.take(room)?;
            let mut kernel = Scratch::new(self.work, layout.depth, worker)?;
            loop {
                let block = next.fetch_add(1, Relaxed);
                if block >= blocks {
                    return Ok(());
                }
                worker.check()?;
                let inside = block % per_row * together;
                let count = together.min(layout.width - inside);
                let first = block / per_row * layout.width + inside;
                let columns = if is_in_place {
                    // SAFETY: columns lie one after the other, and this worker alone took these.
                    unsafe { whole.bytes(first * column_bytes, count * column_bytes) }
                } else {
                    let columns = &mut scratch[..count * column_bytes];
                    // SAFETY: where columns are copied out nobody writes to the values.
                    let values = unsafe { whole.all() };
                    let from = layout.source(first);
                    gather_columns(values, from, rows, layout.stride, size, columns);
                    columns
                };
                for at in 0..count {
                    let column = &mut columns[at * column_bytes..(at + 1) * column_bytes];
                    self.column(layout, first + at, column, &mut kernel, &results);
                }
            }
        })
    }

    /// Puts the results of one column in their places.
    fn column(
        &self,
        layout: &Layout,
        number: usize,
        column: &mut [u8],
        scratch: &mut Scratch,
        results: &Target<'_>,
    ) {
        let (size, result_size) = (
            self.operand.item_size().unwrap_or(1),
            self.result.item_size().unwrap_or(1),
        );
        let place = layout.target(number);
        for (group, members) in &layout.parts {
            let column = &mut column[members.start * size..members.end * size];
            let count = self.work.kernel.count(members.len());
            let out = &mut scratch.results[..count * result_size];
            let words = bytemuck::cast_slice_mut(&mut scratch.words);
            let words = &mut words[..self.work.kernel.scratch(members.len())];
            self.work.kernel.run(column, words, out);
            for (number, value) in out.chunks_exact(result_size).enumerate() {
                let to = place + group * layout.group_stride + number * layout.result_stride;
                // SAFETY: each result has one column, and one worker took that.
                unsafe { results.bytes(to * result_size, result_size) }.copy_from_slice(value);
            }
        }
    }
}

/// What a worker needs beside a column.
struct Scratch {
    words: BufferMut,
    results: BufferMut,
}

impl Scratch {
    fn new(work: &ColumnWork, depth: usize, worker: &Worker<'_>) -> Result<Self> {
        let size = work.kernel.output().item_size().unwrap_or(8);
        Ok(Self {
            words: worker.take(work.kernel.scratch(depth) * 8)?,
            results: worker.take(work.kernel.count(depth) * size)?,
        })
    }
}

fn pass_lengths(stage: &Stage) -> Vec<u64> {
    lengths(&stage.cuts)
}

/// Where the columns of a pass lie, and where their results go. Columns are numbered in C order of the kept axes.
struct Layout {
    /// Values of one column.
    depth: usize,
    /// Which of them belong to each group.
    parts: Vec<(usize, Range<usize>)>,
    kept: Vec<KeptAxis>,
    count: usize,
    /// Columns side by side, and how far apart.
    width: usize,
    stride: usize,
    group_stride: usize,
    /// How far apart the results of one column lie.
    result_stride: usize,
    lengths: Vec<usize>,
    strides: Vec<usize>,
}

struct KeptAxis {
    length: usize,
    stride: usize,
    result_stride: usize,
    result_start: usize,
}

impl Layout {
    /// The layout of a pass whose results begin at `origin` among those of `extents`.
    fn new(work: &ColumnWork, stage: &Stage, extents: &[u64], origin: &[u64]) -> Self {
        let lengths: Vec<usize> = lengths(&stage.cuts)
            .into_iter()
            .map(|length| length as usize)
            .collect();
        let strides: Vec<usize> = c_strides(&lengths)
            .into_iter()
            .map(|stride| stride as usize)
            .collect();
        let depth = match &work.groups {
            Some(groups) => groups.codes.iter().filter(|code| **code >= 0).count(),
            None => (0..lengths.len())
                .filter(|axis| work.is_reduced[*axis])
                .map(|axis| lengths[axis])
                .product(),
        };
        let (mut result_strides, mut plane) = (vec![0; lengths.len()], 1usize);
        for axis in (0..lengths.len()).rev() {
            let along = work.results == Results::Along(axis);
            if work.is_reduced[axis] && !along {
                continue;
            }
            result_strides[axis] = plane;
            plane *= match &work.groups {
                Some(groups) if groups.axis == axis => groups.count,
                _ if along => work.kernel.count(depth),
                _ => extents[axis] as usize,
            };
        }
        let kept: Vec<KeptAxis> = (0..lengths.len())
            .filter(|axis| !work.folds(*axis))
            .map(|axis| KeptAxis {
                length: lengths[axis],
                stride: strides[axis],
                result_stride: result_strides[axis],
                result_start: origin[axis] as usize,
            })
            .collect();
        let groups = work.groups.as_ref();
        Self {
            depth,
            parts: parts(work, depth),
            count: kept.iter().map(|axis| axis.length).product(),
            width: kept.last().map_or(1, |axis| axis.length),
            stride: kept.last().map_or(1, |axis| axis.stride),
            kept,
            group_stride: groups.map_or(0, |groups| result_strides[groups.axis]),
            result_stride: match work.results {
                Results::First => plane,
                Results::Along(axis) => result_strides[axis],
            },
            lengths,
            strides,
        }
    }

    /// Where each value of a column lies, counted from its first, group by group.
    fn rows(&self, work: &ColumnWork, rows: &mut [usize]) {
        if let Some(groups) = &work.groups {
            if rows.is_empty() {
                return;
            }
            let mut next: Vec<usize> = self.parts.iter().map(|(_, part)| part.start).collect();
            for (at, code) in groups.codes.iter().enumerate() {
                if let Ok(code) = usize::try_from(*code) {
                    rows[next[code]] = at * self.strides[groups.axis];
                    next[code] += 1;
                }
            }
            return;
        }
        let folded: Vec<usize> = (0..self.lengths.len())
            .filter(|axis| work.is_reduced[*axis])
            .collect();
        for (number, row) in rows.iter_mut().enumerate() {
            let mut rest = number;
            *row = 0;
            for axis in folded.iter().rev() {
                *row += rest % self.lengths[*axis] * self.strides[*axis];
                rest /= self.lengths[*axis];
            }
        }
    }

    fn source(&self, column: usize) -> usize {
        self.place(column, |axis, at| at * axis.stride)
    }

    fn target(&self, column: usize) -> usize {
        self.place(column, |axis, at| {
            (axis.result_start + at) * axis.result_stride
        })
    }

    fn place(&self, column: usize, along: impl Fn(&KeptAxis, usize) -> usize) -> usize {
        let mut rest = column;
        let mut place = 0;
        for axis in self.kept.iter().rev() {
            place += along(axis, rest % axis.length);
            rest /= axis.length;
        }
        place
    }
}

/// Which values of a column belong to each group, where columns are copied out group by group.
fn parts(work: &ColumnWork, depth: usize) -> Vec<(usize, Range<usize>)> {
    let Some(groups) = &work.groups else {
        return vec![(0, 0..depth)];
    };
    let mut counts = vec![0; groups.count];
    for code in groups.codes.iter() {
        if let Ok(code) = usize::try_from(*code) {
            counts[code] += 1;
        }
    }
    let mut end = 0;
    let range = |count: usize| {
        end += count;
        end - count..end
    };
    counts.into_iter().map(range).enumerate().collect()
}
