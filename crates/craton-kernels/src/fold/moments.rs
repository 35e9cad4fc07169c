//! Variance and standard deviation.
//!
//! Sums of differences from the state's first value and of their squares. That value is one of the sample, so
//! what cancels in `squares - sum^2 / n` is at most `n` times the result, mostly far less; constant values give
//! exactly 0; and the sums go on in order, however rows are split.

use super::engine::{Accumulate, Table};
use super::{FoldSpec, Reduction};
use crate::element::{Element, dispatch};
use craton_core::DType;
use std::marker::PhantomData;

pub(super) fn table(spec: &FoldSpec) -> Option<Table> {
    let dtype = if spec.dtype == DType::Bool {
        DType::UInt8
    } else {
        spec.dtype
    };
    if dtype.is_float() {
        return dispatch!(dtype, T => Some(if spec.skip_missing {
            Table::of::<Moments<T, T, true>, 4>()
        } else {
            Table::of::<Moments<T, T, false>, 4>()
        }), None; floats);
    }
    dispatch!(dtype, T => Some(Table::of::<Moments<T, f64, false>, 4>()), None; integers)
}

/// Count, first value, sum of differences from it, sum of their squares.
struct Moments<T, R, const SKIP: bool>(PhantomData<(T, R)>);

impl<T: Element, R: Element, const SKIP: bool> Accumulate<4> for Moments<T, R, SKIP> {
    type Value = T;
    type Output = R;
    const START: [u64; 4] = [0; 4];

    #[inline(always)]
    fn push([count, shift, sum, squares]: [u64; 4], value: T, _: u64) -> [u64; 4] {
        let value = value.to_f64();
        let counts = !SKIP || !value.is_nan();
        let (old_shift, sum, squares) = (
            f64::from_bits(shift),
            f64::from_bits(sum),
            f64::from_bits(squares),
        );
        let first = if counts { value } else { old_shift };
        let shift = if count == 0 { first } else { old_shift };
        let difference = value - shift;
        let (next_sum, next_squares) = (sum + difference, squares + difference * difference);
        [
            count.wrapping_add(u64::from(counts)),
            shift.to_bits(),
            (if counts { next_sum } else { sum }).to_bits(),
            (if counts { next_squares } else { squares }).to_bits(),
        ]
    }
    fn merge(earlier: [u64; 4], later: [u64; 4]) -> [u64; 4] {
        if later[0] == 0 {
            return earlier;
        }
        if earlier[0] == 0 {
            return later;
        }
        let word = |state: [u64; 4], at: usize| f64::from_bits(state[at]);
        let count = later[0] as f64;
        // The later sums, seen from the earlier first value.
        let apart = word(later, 1) - word(earlier, 1);
        let sum = word(later, 2) + count * apart;
        let squares = word(later, 3) + apart * (2.0 * word(later, 2) + count * apart);
        [
            earlier[0].wrapping_add(later[0]),
            earlier[1],
            (word(earlier, 2) + sum).to_bits(),
            (word(earlier, 3) + squares).to_bits(),
        ]
    }
    fn finish(spec: &FoldSpec, [count, _, sum, squares]: [u64; 4]) -> R {
        if count <= u64::from(spec.ddof) {
            return R::missing();
        }
        let (sum, squares) = (f64::from_bits(sum), f64::from_bits(squares));
        let scatter = squares - sum * (sum / count as f64);
        // Rounding can leave a hair below zero; NaN stays NaN.
        let scatter = if scatter < 0.0 { 0.0 } else { scatter };
        let variance = scatter / (count - u64::from(spec.ddof)) as f64;
        R::from_f64(if spec.reduction == Reduction::Std {
            variance.sqrt()
        } else {
            variance
        })
    }
    fn repeat(state: [u64; 4], value: T, times: u64, index: u64) -> Option<[u64; 4]> {
        if SKIP && value.is_missing() {
            return Some(state);
        }
        let is_first_again = state[0] == 0 || value.to_f64() == f64::from_bits(state[1]);
        if !is_first_again || value.to_f64().is_infinite() {
            return None;
        }
        let mut next = Self::push(state, value, index);
        next[0] = state[0].wrapping_add(times);
        Some(next)
    }
}
