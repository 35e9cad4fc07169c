//! Least and greatest values.

use super::engine::{Accumulate, Table};
use super::{FoldSpec, Reduction};
use crate::element::{Element, Key, TimeCount, dispatch};
use craton_core::DType;
use std::marker::PhantomData;

pub(super) fn table(spec: &FoldSpec) -> Option<Table> {
    let is_max = spec.reduction == Reduction::Max;
    let skips = spec.skip_missing;
    if matches!(spec.dtype, DType::Time(_)) {
        return Some(match (is_max, skips) {
            (false, false) => Table::of::<ExtremeTime<false, false>, 1>(),
            (false, true) => Table::of::<ExtremeTime<false, true>, 1>(),
            (true, false) => Table::of::<ExtremeTime<true, false>, 1>(),
            (true, true) => Table::of::<ExtremeTime<true, true>, 1>(),
        });
    }
    if spec.dtype.is_float() {
        return dispatch!(spec.dtype, T => Some(match (is_max, skips) {
            (false, false) => Table::of::<Extreme<T, false, false>, 1>(),
            (false, true) => Table::of::<Extreme<T, false, true>, 1>(),
            (true, false) => Table::of::<Extreme<T, true, false>, 1>(),
            (true, true) => Table::of::<Extreme<T, true, true>, 1>(),
        }), None; floats);
    }
    let dtype = if spec.dtype == DType::Bool {
        DType::UInt8
    } else {
        spec.dtype
    };
    dispatch!(dtype, T => Some(if is_max {
        Table::of::<ExtremeWhole<T, true>, 1>()
    } else {
        Table::of::<ExtremeWhole<T, false>, 1>()
    }), None; integers)
}

#[inline(always)]
fn beats<K: PartialOrd, const MAX: bool>(value: K, best: K) -> bool {
    if MAX { value > best } else { value < best }
}

/// Of floats. A state that skips is NaN until a value comes; one that does not is NaN once NaN came.
struct Extreme<T, const MAX: bool, const SKIP: bool>(PhantomData<T>);

impl<T: Element<Key = f64>, const MAX: bool, const SKIP: bool> Extreme<T, MAX, SKIP> {
    #[inline(always)]
    fn choose(best: f64, value: f64) -> f64 {
        let replaces = if SKIP { best.is_nan() } else { value.is_nan() };
        if beats::<f64, MAX>(value, best) | replaces {
            value
        } else {
            best
        }
    }
}

impl<T: Element<Key = f64>, const MAX: bool, const SKIP: bool> Accumulate<1>
    for Extreme<T, MAX, SKIP>
{
    type Value = T;
    type Output = T;
    const START: [u64; 1] = [match (SKIP, MAX) {
        (true, _) => f64::NAN.to_bits(),
        (false, true) => f64::NEG_INFINITY.to_bits(),
        (false, false) => f64::INFINITY.to_bits(),
    }];

    #[inline(always)]
    fn push([best]: [u64; 1], value: T, _: u64) -> [u64; 1] {
        [Self::choose(f64::from_bits(best), value.key()).to_bits()]
    }
    #[inline(always)]
    fn merge([earlier]: [u64; 1], [later]: [u64; 1]) -> [u64; 1] {
        [Self::choose(f64::from_bits(earlier), f64::from_bits(later)).to_bits()]
    }
    fn finish(_: &FoldSpec, [best]: [u64; 1]) -> T {
        T::from_key(f64::from_bits(best))
    }
    fn repeat(state: [u64; 1], value: T, _: u64, index: u64) -> Option<[u64; 1]> {
        Some(Self::push(state, value, index))
    }
}

/// Of integers.
struct ExtremeWhole<T, const MAX: bool>(PhantomData<T>);

impl<T: Element, const MAX: bool> ExtremeWhole<T, MAX> {
    #[inline(always)]
    fn choose(best: u64, value: T::Key) -> [u64; 1] {
        let best = T::Key::from_word(best);
        let chosen = if beats::<T::Key, MAX>(value, best) {
            value
        } else {
            best
        };
        [chosen.to_word()]
    }
}

impl<T: Element, const MAX: bool> Accumulate<1> for ExtremeWhole<T, MAX> {
    type Value = T;
    type Output = T;
    const START: [u64; 1] = [if MAX {
        T::Key::LOWEST_WORD
    } else {
        T::Key::HIGHEST_WORD
    }];

    #[inline(always)]
    fn push([best]: [u64; 1], value: T, _: u64) -> [u64; 1] {
        Self::choose(best, value.key())
    }
    #[inline(always)]
    fn merge([earlier]: [u64; 1], [later]: [u64; 1]) -> [u64; 1] {
        Self::choose(earlier, T::Key::from_word(later))
    }
    fn finish(_: &FoldSpec, [best]: [u64; 1]) -> T {
        T::from_key(T::Key::from_word(best))
    }
    fn repeat(state: [u64; 1], value: T, _: u64, index: u64) -> Option<[u64; 1]> {
        Some(Self::push(state, value, index))
    }
}

/// Of times. NaT is the lowest count: the least value passes it on by itself, and the greatest skips it.
struct ExtremeTime<const MAX: bool, const SKIP: bool>;

impl<const MAX: bool, const SKIP: bool> ExtremeTime<MAX, SKIP> {
    #[inline(always)]
    fn choose(best: u64, value: i64) -> [u64; 1] {
        let best = best as i64;
        let nothing = i64::MIN;
        let better = if beats::<i64, MAX>(value, best) {
            value
        } else {
            best
        };
        let chosen = match (MAX, SKIP) {
            (true, true) | (false, false) => better,
            (true, false) => {
                if (value == nothing) | (best == nothing) {
                    nothing
                } else {
                    better
                }
            }
            (false, true) => {
                let valid = if best == nothing { value } else { better };
                if value == nothing { best } else { valid }
            }
        };
        [chosen as u64]
    }
}

impl<const MAX: bool, const SKIP: bool> Accumulate<1> for ExtremeTime<MAX, SKIP> {
    type Value = TimeCount;
    type Output = TimeCount;
    const START: [u64; 1] = [match (MAX, SKIP) {
        (_, true) => i64::MIN as u64,
        (false, false) => i64::MAX as u64,
        (true, false) => i64::MIN as u64 + 1,
    }];

    #[inline(always)]
    fn push([best]: [u64; 1], value: TimeCount, _: u64) -> [u64; 1] {
        Self::choose(best, value.0)
    }
    #[inline(always)]
    fn merge([earlier]: [u64; 1], [later]: [u64; 1]) -> [u64; 1] {
        Self::choose(earlier, later as i64)
    }
    fn finish(_: &FoldSpec, [best]: [u64; 1]) -> TimeCount {
        TimeCount(best as i64)
    }
    fn repeat(state: [u64; 1], value: TimeCount, _: u64, index: u64) -> Option<[u64; 1]> {
        Some(Self::push(state, value, index))
    }
}
