//! Running totals and moving windows along the rows of a block.

mod median;
mod moments;

use crate::element::{Element, Key, NOT_A_TIME, dispatch, elements, elements_mut};
use crate::unary::named_operations;
use crate::wide::wide_if;
use bytemuck::Pod;
use craton_core::DType;

named_operations! {
    /// A running total, or the last valid value. Names are NumPy's and xarray's.
    Cumulation {
        Sum => "cumsum",
        Prod => "cumprod",
        Last => "ffill",
    }
}

named_operations! {
    /// A function of a moving window. Names are xarray's.
    RollingKind {
        Sum => "sum",
        Prod => "prod",
        Mean => "mean",
        Min => "min",
        Max => "max",
        Count => "count",
        Var => "var",
        Std => "std",
        Median => "median",
        Last => "last",
    }
}

/// The type of a running total, by NumPy's rules; `None` for complex numbers, times and text. The last valid value is
/// defined for what can be missing: floats and times.
#[must_use]
pub fn cumulation_output(kind: Cumulation, dtype: DType) -> Option<DType> {
    match dtype {
        _ if dtype.is_float() => Some(dtype),
        DType::Time(_) if kind == Cumulation::Last => Some(dtype),
        _ if kind == Cumulation::Last => None,
        _ if dtype.is_unsigned_integer() => Some(DType::UInt64),
        _ if dtype.is_integer() || dtype == DType::Bool => Some(DType::Int64),
        _ => None,
    }
}

/// The carry before any value: the bits of a double for floats, of a 64-bit integer otherwise.
#[must_use]
pub fn cumulation_start(kind: Cumulation, dtype: DType) -> u64 {
    match (kind, dtype.is_float()) {
        (Cumulation::Last, true) => f64::NAN.to_bits(),
        (Cumulation::Last, false) => NOT_A_TIME.cast_unsigned(),
        (Cumulation::Sum, _) => 0,
        (Cumulation::Prod, true) => 1f64.to_bits(),
        (Cumulation::Prod, false) => 1,
    }
}

/// Evaluates `$body` with `$step` as the function that takes a float into a total: chosen once, not per value.
macro_rules! each_step {
    ($kind:expr, $skips:expr, $type:ty, $step:ident => $body:expr) => {
        match ($kind, $skips) {
            (Cumulation::Sum, false) => each_step!(@ $type, false, false, $step => $body),
            (Cumulation::Sum, true) => each_step!(@ $type, false, true, $step => $body),
            (Cumulation::Prod, false) => each_step!(@ $type, true, false, $step => $body),
            (Cumulation::Prod, true) => each_step!(@ $type, true, true, $step => $body),
            (Cumulation::Last, _) => {
                let $step = last_float::<$type>;
                $body
            }
        }
    };
    (@ $type:ty, $product:literal, $skips:literal, $step:ident => $body:expr) => {{
        let $step = advance_float::<$type, $product, $skips>;
        $body
    }};
}

/// Running totals down `rows` rows of `count` values, continued from `carry` (one word per column), which is left
/// as the totals at the end. A skipped missing value leaves the total as it is.
#[allow(
    clippy::too_many_arguments,
    reason = "plain loops over slices, no doer objects"
)]
pub fn cumulate(
    kind: Cumulation,
    dtype: DType,
    skip_missing: bool,
    values: &[u8],
    rows: usize,
    count: usize,
    carry: &mut [u64],
    out: &mut [u8],
) {
    let shape = (rows, count);
    let dtype = if dtype == DType::Bool {
        DType::UInt8
    } else {
        dtype
    };
    if dtype.is_float() {
        dispatch!(dtype, T => {
            let out = elements_mut::<T>(out);
            let give = |total| T::from_f64(f64::from_bits(total));
            each_step!(kind, skip_missing, T, step => run(values, shape, carry, out, step, give));
        }, (); floats);
    } else {
        dispatch!(dtype, T => {
            let out = elements_mut::<u64>(out);
            let give = |total| total;
            match kind {
                Cumulation::Sum => run(values, shape, carry, out, add_whole::<T>, give),
                Cumulation::Prod => run(values, shape, carry, out, multiply_whole::<T>, give),
                Cumulation::Last => run(values, shape, carry, out, last_whole::<T>, give),
            }
        }, (); integers, times);
    }
}

/// As [`cumulate`], but only the carry is wanted.
pub fn cumulation_total(
    kind: Cumulation,
    dtype: DType,
    skip_missing: bool,
    values: &[u8],
    rows: usize,
    count: usize,
    carry: &mut [u64],
) {
    let shape = (rows, count);
    let dtype = if dtype == DType::Bool {
        DType::UInt8
    } else {
        dtype
    };
    if dtype.is_float() {
        dispatch!(dtype, T => {
            each_step!(kind, skip_missing, T, step => run_total(values, shape, carry, step));
        }, (); floats);
    } else {
        dispatch!(dtype, T => match kind {
            Cumulation::Sum => run_total(values, shape, carry, add_whole::<T>),
            Cumulation::Prod => run_total(values, shape, carry, multiply_whole::<T>),
            Cumulation::Last => run_total(values, shape, carry, last_whole::<T>),
        }, (); integers, times);
    }
}

#[inline(always)]
fn advance_float<T: Element, const PRODUCT: bool, const SKIP: bool>(total: u64, value: T) -> u64 {
    let (before, value) = (f64::from_bits(total), value.to_f64());
    let after = if PRODUCT {
        before * value
    } else {
        before + value
    };
    let stays = SKIP && value.is_nan();
    (if stays { before } else { after }).to_bits()
}

#[inline(always)]
fn last_float<T: Element>(last: u64, value: T) -> u64 {
    let value = value.to_f64();
    if value.is_nan() {
        last
    } else {
        value.to_bits()
    }
}

#[inline(always)]
fn last_whole<T: Element>(last: u64, value: T) -> u64 {
    let is_missing = value.is_missing();
    if is_missing {
        last
    } else {
        value.key().to_word()
    }
}

#[inline(always)]
fn add_whole<T: Element>(total: u64, value: T) -> u64 {
    total.wrapping_add(value.key().to_word())
}

#[inline(always)]
fn multiply_whole<T: Element>(total: u64, value: T) -> u64 {
    total.wrapping_mul(value.key().to_word())
}

#[inline(always)]
fn run<T: Element, R: Pod>(
    values: &[u8],
    (rows, count): (usize, usize),
    carry: &mut [u64],
    out: &mut [R],
    step: impl Fn(u64, T) -> u64,
    give: impl Fn(u64) -> R,
) {
    wide_if(
        T::IS_WIDE,
        #[inline(always)]
        || {
            let values = elements::<T>(values);
            let carry = &mut carry[..count];
            for row in 0..rows {
                let values = &values[row * count..][..count];
                let out = &mut out[row * count..][..count];
                for ((total, value), out) in carry.iter_mut().zip(values).zip(out) {
                    *total = step(*total, *value);
                    *out = give(*total);
                }
            }
        },
    );
}

#[inline(always)]
fn run_total<T: Element>(
    values: &[u8],
    (rows, count): (usize, usize),
    carry: &mut [u64],
    step: impl Fn(u64, T) -> u64,
) {
    wide_if(
        T::IS_WIDE,
        #[inline(always)]
        || {
            let values = elements::<T>(values);
            let carry = &mut carry[..count];
            for row in 0..rows {
                for (total, value) in carry.iter_mut().zip(&values[row * count..][..count]) {
                    *total = step(*total, *value);
                }
            }
        },
    );
}

/// The type to cast the values to and the type of the results, as xarray has them: floats stay, integers and
/// bools become doubles, counts are doubles.
#[must_use]
pub fn rolling_output(kind: RollingKind, dtype: DType) -> Option<(DType, DType)> {
    match dtype {
        DType::Time(_) if kind == RollingKind::Count => Some((dtype, DType::Float64)),
        _ if dtype.is_float() && kind == RollingKind::Count => Some((dtype, DType::Float64)),
        _ if dtype.is_float() => Some((dtype, dtype)),
        _ if dtype.is_integer() || dtype == DType::Bool => Some((DType::Float64, DType::Float64)),
        _ => None,
    }
}

/// Columns that are worked on together, so that scratch stays small.
const STRIP: usize = 64;

/// How many doubles [`rolling`] needs as scratch.
#[must_use]
pub fn rolling_scratch_len(window: usize, rows: usize, count: usize) -> usize {
    (window.min(rows) + 1) * 3 * count.min(STRIP)
}

/// Moving windows over `rows` rows of `count` values of the operand type.
///
/// Row `r` of `values` is row `first_row + r` of the axis. Results are written for rows `first_output..first_output
/// + outputs` of the axis; the window of row `i` is `i - window + 1..=i`, cut off at 0, and all of its rows must be
/// in `values`. A result is NaN where fewer than `min_periods` values are valid.
///
/// Windows are put together from blocks at multiples of `window` along the axis: the end of one and the beginning
/// of the next. So nothing is ever subtracted, nothing drifts, and it does not matter where chunks begin.
#[allow(
    clippy::too_many_arguments,
    reason = "plain loops over slices, no doer objects"
)]
pub fn rolling(
    kind: RollingKind,
    dtype: DType,
    window: usize,
    min_periods: usize,
    values: &[u8],
    rows: usize,
    count: usize,
    first_row: u64,
    first_output: u64,
    outputs: usize,
    scratch: &mut [f64],
    out: &mut [u8],
) {
    let shape = Window {
        kind,
        window: window.max(1) as u64,
        min_periods: min_periods as f64,
        rows,
        count,
        first_row,
        first_output,
        end: first_output + outputs as u64,
    };
    match kind {
        RollingKind::Count => {
            dispatch!(dtype, T => roll::<T, f64>(shape, values, scratch, out), (); floats, times);
        }
        RollingKind::Var | RollingKind::Std => {
            dispatch!(dtype, T => moments::roll::<T>(shape, values, scratch, out), (); floats);
        }
        RollingKind::Median => {
            dispatch!(dtype, T => median::roll::<T>(shape, values, scratch, out), (); floats);
        }
        _ => dispatch!(dtype, T => roll::<T, T>(shape, values, scratch, out), (); floats),
    }
}

#[derive(Clone, Copy)]
struct Window {
    kind: RollingKind,
    window: u64,
    min_periods: f64,
    rows: usize,
    count: usize,
    first_row: u64,
    first_output: u64,
    end: u64,
}

/// What some rows of a strip amount to: a value and the number of valid values, per column.
struct Part<'a> {
    values: &'a mut [f64],
    counts: &'a mut [f64],
}

impl Window {
    fn neutral(self) -> f64 {
        match self.kind {
            RollingKind::Last => f64::NAN,
            RollingKind::Prod => 1.0,
            RollingKind::Min => f64::INFINITY,
            RollingKind::Max => f64::NEG_INFINITY,
            _ => 0.0,
        }
    }

    #[inline(always)]
    fn combine(self, left: f64, right: f64) -> f64 {
        match self.kind {
            RollingKind::Min => {
                if right < left {
                    right
                } else {
                    left
                }
            }
            RollingKind::Max => {
                if right > left {
                    right
                } else {
                    left
                }
            }
            RollingKind::Prod => left * right,
            RollingKind::Last => {
                if right.is_nan() {
                    left
                } else {
                    right
                }
            }
            _ => left + right,
        }
    }

    #[inline(always)]
    fn result(self, value: f64, count: f64) -> f64 {
        let result = match self.kind {
            RollingKind::Sum | RollingKind::Prod => value,
            RollingKind::Mean => value / count,
            RollingKind::Count => count,
            RollingKind::Min | RollingKind::Max if count == 0.0 => f64::NAN,
            RollingKind::Min | RollingKind::Max | RollingKind::Last => value,
            // Of other kinds, which have loops of their own.
            RollingKind::Var | RollingKind::Std | RollingKind::Median => f64::NAN,
        };
        if count < self.min_periods {
            f64::NAN
        } else {
            result
        }
    }
}

fn roll<T: Element, R: Element>(shape: Window, values: &[u8], scratch: &mut [f64], out: &mut [u8]) {
    let values = &elements::<T>(values)[..shape.rows * shape.count];
    let out = elements_mut::<R>(out);
    let width = shape.count.min(STRIP);
    let (current, tails) = scratch.split_at_mut(2 * width);
    wide_if(
        T::IS_WIDE,
        #[inline(always)]
        || {
            for start in (0..shape.count).step_by(STRIP) {
                let width = (shape.count - start).min(STRIP);
                let mut block = shape.first_output / shape.window * shape.window;
                while block < shape.end {
                    let strip = start..start + width;
                    roll_block::<T, R>(shape, block, strip, values, current, tails, out);
                    block += shape.window;
                }
            }
        },
    );
}

/// The results inside the block that begins at row `block` of the axis.
#[inline(always)]
fn roll_block<T: Element, R: Element>(
    shape: Window,
    block: u64,
    strip: std::ops::Range<usize>,
    values: &[T],
    current: &mut [f64],
    tails: &mut [f64],
    out: &mut [R],
) {
    let width = strip.len();
    let row = |at: u64| {
        let row = (at - shape.first_row) as usize;
        &values[row * shape.count + strip.start..][..width]
    };
    let first = shape.first_output.max(block);
    let end = shape.end.min(block + shape.window);
    // Tails of the block before: tail `t` is of the rows `first_tail + t..block`.
    let first_tail = (first + 1).saturating_sub(shape.window).min(block);
    let (running, counts) = current.split_at_mut(width);
    let mut head = Part {
        values: running,
        counts: &mut counts[..width],
    };
    head.clear(shape);
    for at in (first_tail..block).rev() {
        head.take_before(shape, row(at));
        let tail = &mut tails[(at - first_tail) as usize * 2 * width..][..2 * width];
        tail[..width].copy_from_slice(head.values);
        tail[width..].copy_from_slice(head.counts);
    }
    head.clear(shape);
    for at in block..first {
        head.take(shape, row(at));
    }
    for at in first..end {
        head.take(shape, row(at));
        let begin = (at + 1).saturating_sub(shape.window);
        let to = (at - shape.first_output) as usize * shape.count + strip.start;
        let out = &mut out[to..][..width];
        if begin < block {
            let tail = &tails[(begin - first_tail) as usize * 2 * width..][..2 * width];
            let (tail, tail_counts) = tail.split_at(width);
            let heads = head.values.iter().zip(head.counts.iter());
            let tails = tail.iter().zip(tail_counts);
            for (out, (head, tail)) in out.iter_mut().zip(heads.zip(tails)) {
                let value = shape.combine(*tail.0, *head.0);
                *out = R::from_f64(shape.result(value, tail.1 + head.1));
            }
        } else {
            let states = head.values.iter().zip(head.counts.iter());
            for (out, (value, count)) in out.iter_mut().zip(states) {
                *out = R::from_f64(shape.result(*value, *count));
            }
        }
    }
}

impl Part<'_> {
    #[inline(always)]
    fn clear(&mut self, shape: Window) {
        self.values.fill(shape.neutral());
        self.counts.fill(0.0);
    }

    #[inline(always)]
    fn take<T: Element>(&mut self, shape: Window, row: &[T]) {
        let states = self.values.iter_mut().zip(self.counts.iter_mut());
        for ((state, count), value) in states.zip(row) {
            let value = value.to_f64();
            let valid = !value.is_nan();
            let next = shape.combine(*state, value);
            *state = if valid { next } else { *state };
            *count += if valid { 1.0 } else { 0.0 };
        }
    }

    /// As [`Part::take`], of a row before those that were taken, which matters for the last value.
    #[inline(always)]
    fn take_before<T: Element>(&mut self, shape: Window, row: &[T]) {
        let states = self.values.iter_mut().zip(self.counts.iter_mut());
        for ((state, count), value) in states.zip(row) {
            let value = value.to_f64();
            let valid = !value.is_nan();
            let before = shape.combine(value, *state);
            *state = if valid { before } else { *state };
            *count += if valid { 1.0 } else { 0.0 };
        }
    }
}
