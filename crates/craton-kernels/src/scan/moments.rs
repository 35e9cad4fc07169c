//! Variances and standard deviations of moving windows, put together from blocks as [`super::rolling`] does it.

use super::{RollingKind, STRIP, Window};
use crate::element::{Element, elements, elements_mut};
use crate::wide::wide_if;

/// Count, mean, and sum of squared distances from it, of one column each.
struct Part<'a> {
    counts: &'a mut [f64],
    means: &'a mut [f64],
    squares: &'a mut [f64],
}

impl<'a> Part<'a> {
    fn of(words: &'a mut [f64], width: usize) -> Self {
        let (counts, rest) = words[..3 * width].split_at_mut(width);
        let (means, squares) = rest.split_at_mut(width);
        Self {
            counts,
            means,
            squares,
        }
    }

    #[inline(always)]
    fn take<T: Element>(&mut self, row: &[T]) {
        let states = self.counts.iter_mut().zip(self.means.iter_mut());
        let states = states.zip(self.squares.iter_mut());
        for (((count, mean), squares), value) in states.zip(row) {
            let value = value.to_f64();
            let valid = !value.is_nan();
            let next = *count + 1.0;
            let distance = value - *mean;
            let moved = *mean + distance / next;
            let grown = *squares + distance * (value - moved);
            *count = if valid { next } else { *count };
            *mean = if valid { moved } else { *mean };
            *squares = if valid { grown } else { *squares };
        }
    }
}

pub(super) fn roll<T: Element>(shape: Window, values: &[u8], scratch: &mut [f64], out: &mut [u8]) {
    let values = &elements::<T>(values)[..shape.rows * shape.count];
    let out = elements_mut::<T>(out);
    let (current, tails) = scratch.split_at_mut(3 * shape.count.min(STRIP));
    wide_if(
        T::IS_WIDE,
        #[inline(always)]
        || {
            for start in (0..shape.count).step_by(STRIP) {
                let width = (shape.count - start).min(STRIP);
                let mut block = shape.first_output / shape.window * shape.window;
                while block < shape.end {
                    roll_block::<T>(shape, block, start, width, values, current, tails, out);
                    block += shape.window;
                }
            }
        },
    );
}

/// The results inside the block that begins at row `block` of the axis.
#[inline(always)]
#[allow(
    clippy::too_many_arguments,
    reason = "plain loops over slices, no doer objects"
)]
fn roll_block<T: Element>(
    shape: Window,
    block: u64,
    start: usize,
    width: usize,
    values: &[T],
    current: &mut [f64],
    tails: &mut [f64],
    out: &mut [T],
) {
    let row = |at: u64| {
        let row = (at - shape.first_row) as usize;
        &values[row * shape.count + start..][..width]
    };
    let first = shape.first_output.max(block);
    let end = shape.end.min(block + shape.window);
    // Tails of the block before: tail `t` is of the rows `first_tail + t..block`.
    let first_tail = (first + 1).saturating_sub(shape.window).min(block);
    let current = &mut current[..3 * width];
    current.fill(0.0);
    for at in (first_tail..block).rev() {
        Part::of(current, width).take(row(at));
        tails[(at - first_tail) as usize * 3 * width..][..3 * width].copy_from_slice(current);
    }
    current.fill(0.0);
    for at in block..first {
        Part::of(current, width).take(row(at));
    }
    for at in first..end {
        let mut head = Part::of(current, width);
        head.take(row(at));
        let begin = (at + 1).saturating_sub(shape.window);
        let to = (at - shape.first_output) as usize * shape.count + start;
        let out = &mut out[to..][..width];
        let tail = (begin < block).then(|| {
            let tail = &mut tails[(begin - first_tail) as usize * 3 * width..][..3 * width];
            Part::of(tail, width)
        });
        for (column, out) in out.iter_mut().enumerate() {
            let mut count = head.counts[column];
            let mut squares = head.squares[column];
            if let Some(tail) = &tail {
                let apart = tail.means[column] - head.means[column];
                let both = count + tail.counts[column];
                let between = apart * apart * (count * tail.counts[column] / both);
                squares += tail.squares[column] + if both > 0.0 { between } else { 0.0 };
                count = both;
            }
            *out = T::from_f64(result(shape, squares, count));
        }
    }
}

#[inline(always)]
fn result(shape: Window, squares: f64, count: f64) -> f64 {
    if count < shape.min_periods {
        return f64::NAN;
    }
    let variance = squares / count;
    if shape.kind == RollingKind::Std {
        variance.sqrt()
    } else {
        variance
    }
}
