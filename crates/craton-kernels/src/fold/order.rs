//! Where the extreme value lies, and which value comes first or last.

use super::engine::{Accumulate, Table};
use super::{FoldSpec, Reduction};
use crate::element::{Element, Key, dispatch};
use craton_core::DType;
use std::marker::PhantomData;

/// The position of nothing; as a signed result, -1.
const NOWHERE: u64 = u64::MAX;

pub(super) fn table(spec: &FoldSpec) -> Option<Table> {
    let dtype = if spec.dtype == DType::Bool {
        DType::UInt8
    } else {
        spec.dtype
    };
    if spec.skip_missing && (spec.dtype.is_float() || matches!(spec.dtype, DType::Time(_))) {
        dispatch!(dtype, T => Some(of::<T, true>(spec.reduction)), None; floats, times)
    } else {
        dispatch!(dtype, T => Some(of::<T, false>(spec.reduction)), None; integers, floats, times)
    }
}

fn of<T: Element, const SKIP: bool>(reduction: Reduction) -> Table {
    match reduction {
        Reduction::ArgMin => Table::of::<Position<T, false, SKIP>, 2>(),
        Reduction::ArgMax => Table::of::<Position<T, true, SKIP>, 2>(),
        Reduction::First => Table::of::<End<T, false, SKIP>, 2>(),
        _ => Table::of::<End<T, true, SKIP>, 2>(),
    }
}

/// The best value so far and where it first occurred. Unless skipped, the first missing value is best of all.
struct Position<T, const MAX: bool, const SKIP: bool>(PhantomData<T>);

impl<T: Element, const MAX: bool, const SKIP: bool> Position<T, MAX, SKIP> {
    #[inline(always)]
    fn beats(value: T::Key, best: T::Key) -> bool {
        let (misses, best_misses) = if T::CAN_MISS {
            (T::key_is_missing(value), T::key_is_missing(best))
        } else {
            (false, false)
        };
        let better = if MAX { value > best } else { value < best };
        if SKIP {
            // A missing value never is a best one.
            better & !misses
        } else {
            (better | misses) & !best_misses
        }
    }
}

impl<T: Element, const MAX: bool, const SKIP: bool> Accumulate<2> for Position<T, MAX, SKIP> {
    type Value = T;
    type Output = u64;
    const START: [u64; 2] = [0, NOWHERE];

    #[inline(always)]
    fn push([best, at]: [u64; 2], value: T, index: u64) -> [u64; 2] {
        let counts = !SKIP | !value.is_missing();
        let first = (at == NOWHERE) & counts;
        let takes = first | Self::beats(value.key(), T::Key::from_word(best)) & (at != NOWHERE);
        [
            if takes { value.key().to_word() } else { best },
            if takes { index } else { at },
        ]
    }
    #[inline(always)]
    fn merge(earlier: [u64; 2], later: [u64; 2]) -> [u64; 2] {
        if later[1] == NOWHERE {
            return earlier;
        }
        if earlier[1] == NOWHERE {
            return later;
        }
        let (left, right) = (T::Key::from_word(earlier[0]), T::Key::from_word(later[0]));
        if Self::beats(right, left) {
            return later;
        }
        // Lanes are merged out of order, so of equals the lower position is the first.
        let is_tie = !Self::beats(left, right);
        if is_tie && later[1] < earlier[1] {
            later
        } else {
            earlier
        }
    }
    fn finish(_: &FoldSpec, [_, at]: [u64; 2]) -> u64 {
        at
    }
    fn repeat(state: [u64; 2], value: T, _: u64, index: u64) -> Option<[u64; 2]> {
        Some(Self::push(state, value, index))
    }
}

/// The first or last value and its position. Tasks of several folded axes do not come in the order of positions,
/// so that the position decides, not the turn.
struct End<T, const LAST: bool, const SKIP: bool>(PhantomData<T>);

impl<T: Element, const LAST: bool, const SKIP: bool> End<T, LAST, SKIP> {
    #[inline(always)]
    fn goes_before(index: u64, other: u64) -> bool {
        if LAST { index >= other } else { index < other }
    }
}

impl<T: Element, const LAST: bool, const SKIP: bool> Accumulate<2> for End<T, LAST, SKIP> {
    type Value = T;
    type Output = T;
    const IS_WIDE: bool = false;
    const START: [u64; 2] = [0, NOWHERE];

    #[inline(always)]
    fn push([best, at]: [u64; 2], value: T, index: u64) -> [u64; 2] {
        let counts = !SKIP | !value.is_missing();
        let takes = counts & ((at == NOWHERE) | Self::goes_before(index, at));
        [
            if takes { value.key().to_word() } else { best },
            if takes { index } else { at },
        ]
    }
    #[inline(always)]
    fn merge(earlier: [u64; 2], later: [u64; 2]) -> [u64; 2] {
        let takes_later = (later[1] != NOWHERE)
            & ((earlier[1] == NOWHERE) | Self::goes_before(later[1], earlier[1]));
        if takes_later { later } else { earlier }
    }
    fn finish(_: &FoldSpec, [value, at]: [u64; 2]) -> T {
        if at == NOWHERE {
            return T::missing();
        }
        T::from_key(T::Key::from_word(value))
    }
    fn repeat(_: [u64; 2], _: T, _: u64, _: u64) -> Option<[u64; 2]> {
        // The position of the last repetition is not known here.
        None
    }
}
