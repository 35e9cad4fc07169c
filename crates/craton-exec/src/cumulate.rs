//! The scan shape: tasks along the axis hand a carry on, in order; everything else of a task runs beside others.

use crate::stage::Worker;
use craton_core::{BufferMut, DType, Result};
use craton_kernels::scan::{Cumulation, cumulate, cumulation_start, cumulation_total};
use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};

/// The arithmetic of one scan.
pub(crate) struct Scan {
    pub kind: Cumulation,
    pub axis: usize,
    pub skip_missing: bool,
    pub is_reversed: bool,
    pub operand: DType,
    pub output: DType,
}

impl Scan {
    /// Where the results of a box lie.
    pub(crate) fn place(&self, ranges: &[(u64, u64)], extents: &[u64]) -> Vec<(u64, u64)> {
        let mut ranges = ranges.to_vec();
        if self.is_reversed {
            let (start, length) = ranges[self.axis];
            ranges[self.axis].0 = extents[self.axis] - start - length;
        }
        ranges
    }
}

/// The carries of all lines of tasks along the axis.
#[derive(Default)]
pub(crate) struct Carries {
    lines: Mutex<HashMap<Vec<u64>, Line>>,
    advanced: Condvar,
}

struct Line {
    next_start: u64,
    carry: Vec<u64>,
}

impl Carries {
    /// Accumulates one box, whose values are in C order, after those before it on its line. Results of a reversed axis are
    /// turned round, into the order in which they are kept.
    ///
    /// A worker waits here for the task before it on the line. Tasks are taken in order, so that one is
    /// running or done, and the first of a line waits for none: the wait always ends.
    pub(crate) fn run(
        &self,
        scan: &Scan,
        ranges: &[(u64, u64)],
        values: &[u8],
        worker: &Worker<'_>,
    ) -> Result<BufferMut> {
        let lengths: Vec<usize> = ranges.iter().map(|(_, length)| *length as usize).collect();
        let planes: usize = lengths[..scan.axis].iter().product();
        let rows = lengths[scan.axis];
        let columns: usize = lengths[scan.axis + 1..].iter().product();
        let in_plane = rows * columns * scan.operand.item_size().unwrap_or(1);
        let out_plane = rows * columns * scan.output.item_size().unwrap_or(1);
        let mut out = worker.take((planes * out_plane).max(1))?;
        out.truncate(planes * out_plane);
        if planes * rows * columns == 0 {
            return Ok(out);
        }
        let mut carry = self.take_turn(scan, ranges, planes * columns, worker, |carry| {
            for (plane, carry) in values
                .chunks_exact(in_plane)
                .zip(carry.chunks_exact_mut(columns))
            {
                cumulation_total(
                    scan.kind,
                    scan.operand,
                    scan.skip_missing,
                    plane,
                    rows,
                    columns,
                    carry,
                );
            }
        })?;
        let planes = values
            .chunks_exact(in_plane)
            .zip(out.chunks_exact_mut(out_plane));
        for ((plane, to), carry) in planes.zip(carry.chunks_exact_mut(columns)) {
            worker.check()?;
            cumulate(
                scan.kind,
                scan.operand,
                scan.skip_missing,
                plane,
                rows,
                columns,
                carry,
                to,
            );
            if scan.is_reversed {
                turn(to, rows);
            }
        }
        Ok(out)
    }

    /// The carry into this box; `advance` makes it the carry into the next.
    fn take_turn(
        &self,
        scan: &Scan,
        ranges: &[(u64, u64)],
        count: usize,
        worker: &Worker<'_>,
        advance: impl FnOnce(&mut [u64]),
    ) -> Result<Vec<u64>> {
        let mut key: Vec<u64> = ranges.iter().map(|(start, _)| *start).collect();
        key[scan.axis] = 0;
        let (start, length) = ranges[scan.axis];
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            worker.check()?;
            let line = lines.entry(key.clone()).or_insert_with(|| Line {
                next_start: 0,
                carry: vec![cumulation_start(scan.kind, scan.operand); count],
            });
            if line.next_start == start {
                break;
            }
            let pause = std::time::Duration::from_millis(50);
            lines = self
                .advanced
                .wait_timeout(lines, pause)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let Some(line) = lines.get_mut(&key) else {
            return Ok(Vec::new());
        };
        let before = line.carry.clone();
        advance(&mut line.carry);
        line.next_start = start + length;
        self.advanced.notify_all();
        Ok(before)
    }
}

/// Puts the last of `rows` first.
fn turn(plane: &mut [u8], rows: usize) {
    let row = plane.len() / rows.max(1);
    let (first, second) = plane.split_at_mut(rows / 2 * row);
    let second = &mut second[rows % 2 * row..];
    let back = second.chunks_exact_mut(row.max(1)).rev();
    for (one, other) in first.chunks_exact_mut(row.max(1)).zip(back) {
        one.swap_with_slice(other);
    }
}
