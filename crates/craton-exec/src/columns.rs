//! The shuffle shape: values are put together until columns are whole, then each column gives a few results.

use crate::stage::Worker;
use crate::store::Target;
use crate::threads::on_threads;
use craton_core::Result;
use craton_core::block::c_strides;
use craton_kernels::load::gather_columns;
use craton_plan::operator::ColumnWork;
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
    if is_contiguous(work, &lengths) {
        return 0;
    }
    let width = (0..lengths.len()).rfind(|axis| !work.folds(*axis));
    let width = width.map_or(1, |axis| lengths[axis]);
    let rows = (0..lengths.len()).filter(|axis| work.folds(*axis));
    let rows = rows.fold(1u64, |rows, axis| rows.saturating_mul(lengths[axis]));
    let column = rows.saturating_mul(size);
    let places = rows.saturating_mul(8);
    let columns = column.saturating_mul(together(column).min(width));
    columns.saturating_add(places).saturating_add(2 * PAGE)
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
    /// Bytes of one value.
    pub size: usize,
    /// The first index of the pass along each axis.
    pub origin: Vec<u64>,
    /// Indices of the pass along each axis.
    pub lengths: Vec<u64>,
    /// Indices of the whole space along each axis.
    pub extents: &'a [u64],
}

impl Columns<'_> {
    /// Works out every column of `values`, which are in C order and lose it, into the results of all passes.
    pub(crate) fn run(
        &self,
        values: &mut [u8],
        results: &Target<'_>,
        threads: usize,
        worker: &Worker<'_>,
    ) -> Result<()> {
        let layout = self.layout();
        if layout.count == 0 {
            return Ok(());
        }
        let column_bytes = layout.depth * self.size;
        let is_in_place = is_contiguous(self.work, &self.lengths);
        let together = (together(column_bytes as u64) as usize).min(layout.width);
        // Columns of one block lie side by side in each row.
        let per_row = layout.width.div_ceil(together);
        let blocks = layout.count / layout.width * per_row;
        let mut rows = worker.take(if is_in_place { 0 } else { layout.depth * 8 })?;
        let rows: &mut [usize] = bytemuck::cast_slice_mut(&mut rows);
        self.rows(&layout, rows);
        let whole = Target::new(values);
        let next = AtomicUsize::new(0);
        on_threads(threads, || {
            let room = if is_in_place {
                0
            } else {
                together * column_bytes
            };
            let mut scratch = worker.take(room)?;
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
                    gather_columns(values, from, rows, layout.stride, self.size, columns);
                    columns
                };
                self.finish(&layout, first, count, columns, results);
            }
        })
    }

    /// Puts the results of some columns in their places.
    fn finish(
        &self,
        layout: &Layout,
        first: usize,
        count: usize,
        columns: &mut [u8],
        results: &Target<'_>,
    ) {
        let quantile = &self.work.quantile;
        let size = quantile.output().item_size().unwrap_or(8);
        let mut out = vec![0u64; quantile.count()];
        let out: &mut [u8] = &mut bytemuck::cast_slice_mut(&mut out)[..quantile.count() * size];
        let bytes = columns.len() / count;
        for at in 0..count {
            let column = &mut columns[at * bytes..(at + 1) * bytes];
            let place = layout.target(first + at);
            for (group, members) in &layout.parts {
                quantile.run(
                    &mut column[members.start * self.size..members.end * self.size],
                    out,
                );
                for (number, value) in out.chunks_exact(size).enumerate() {
                    let to = place + group * layout.group_stride + number * layout.plane;
                    // SAFETY: each result has one column, and one worker took that.
                    unsafe { results.bytes(to * size, size) }.copy_from_slice(value);
                }
            }
        }
    }

    /// Lengths and strides of the values.
    fn shape(&self) -> (Vec<usize>, Vec<usize>) {
        let lengths: Vec<usize> = self.lengths.iter().map(|length| *length as usize).collect();
        let strides = c_strides(&lengths);
        let strides = strides.iter().map(|stride| *stride as usize).collect();
        (lengths, strides)
    }

    fn layout(&self) -> Layout {
        let (lengths, strides) = self.shape();
        let (mut result_strides, mut plane) = (vec![0; lengths.len()], 1usize);
        for axis in (0..lengths.len()).rev() {
            if self.work.is_reduced[axis] {
                continue;
            }
            result_strides[axis] = plane;
            plane *= match &self.work.groups {
                Some(groups) if groups.axis == axis => groups.count,
                _ => self.extents[axis] as usize,
            };
        }
        let kept: Vec<KeptAxis> = (0..lengths.len())
            .filter(|axis| !self.work.folds(*axis))
            .map(|axis| KeptAxis {
                length: lengths[axis],
                stride: strides[axis],
                result_stride: result_strides[axis],
                result_start: self.origin[axis] as usize,
            })
            .collect();
        let depth = match &self.work.groups {
            Some(groups) => groups.codes.iter().filter(|code| **code >= 0).count(),
            None => (0..lengths.len())
                .filter(|axis| self.work.is_reduced[*axis])
                .map(|axis| lengths[axis])
                .product(),
        };
        Layout {
            depth,
            parts: self.parts(depth),
            count: kept.iter().map(|axis| axis.length).product(),
            width: kept.last().map_or(1, |axis| axis.length),
            stride: kept.last().map_or(1, |axis| axis.stride),
            kept,
            group_stride: self
                .work
                .groups
                .as_ref()
                .map_or(0, |groups| result_strides[groups.axis]),
            plane,
        }
    }

    /// Which values of a column belong to each group, where columns are copied out group by group.
    fn parts(&self, depth: usize) -> Vec<(usize, Range<usize>)> {
        let Some(groups) = &self.work.groups else {
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

    /// Where each value of a column lies, counted from its first, group by group.
    fn rows(&self, layout: &Layout, rows: &mut [usize]) {
        let (lengths, strides) = self.shape();
        if let Some(groups) = &self.work.groups {
            let mut next: Vec<usize> = layout.parts.iter().map(|(_, part)| part.start).collect();
            for (at, code) in groups.codes.iter().enumerate() {
                if let Ok(code) = usize::try_from(*code) {
                    rows[next[code]] = at * strides[groups.axis];
                    next[code] += 1;
                }
            }
            return;
        }
        let folded: Vec<usize> = (0..lengths.len())
            .filter(|axis| self.work.is_reduced[*axis])
            .collect();
        for (number, row) in rows.iter_mut().enumerate() {
            let mut rest = number;
            *row = 0;
            for axis in folded.iter().rev() {
                *row += rest % lengths[*axis] * strides[*axis];
                rest /= lengths[*axis];
            }
        }
    }
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
    /// Results of one fraction.
    plane: usize,
}

struct KeptAxis {
    length: usize,
    stride: usize,
    result_stride: usize,
    result_start: usize,
}

impl Layout {
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
