//! Sums, products and means of numbers and times.

use super::engine::{Accumulate, Table};
use super::{FoldSpec, Reduction};
use crate::element::{Element, NOT_A_TIME, TimeCount, dispatch};
use craton_core::DType;
use std::marker::PhantomData;

/// Beyond this, doubles do not hold every whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn table(spec: &FoldSpec) -> Option<Table> {
    let is_mean = spec.reduction == Reduction::Mean;
    if matches!(spec.dtype, DType::Time(_)) {
        return Some(match (is_mean, spec.skip_missing) {
            (true, true) => Table::of::<MeanTime<true>, 3>(),
            (true, false) => Table::of::<MeanTime<false>, 3>(),
            (false, true) => Table::of::<SumDuration<true>, 2>(),
            (false, false) => Table::of::<SumDuration<false>, 2>(),
        });
    }
    if spec.dtype.is_float() {
        return dispatch!(spec.dtype, T => Some(of_floats::<T>(spec)), None; floats);
    }
    // NumPy's bools are bytes of 0 and 1.
    let dtype = if spec.dtype == DType::Bool {
        DType::UInt8
    } else {
        spec.dtype
    };
    dispatch!(dtype, T => Some(match spec.reduction {
        Reduction::Sum => Table::of::<Whole<T, Add>, 1>(),
        Reduction::Prod => Table::of::<Whole<T, Multiply>, 1>(),
        _ => Table::of::<Counted<T, f64, Add, false>, 2>(),
    }), None; integers)
}

fn of_floats<T: Element>(spec: &FoldSpec) -> Table {
    let is_counted = spec.reduction == Reduction::Mean || spec.min_count > 0;
    match (
        spec.reduction == Reduction::Prod,
        is_counted,
        spec.skip_missing,
    ) {
        (false, false, true) => Table::of::<Total<T, Add, true>, 1>(),
        (false, false, false) => Table::of::<Total<T, Add, false>, 1>(),
        (false, true, true) => Table::of::<Counted<T, T, Add, true>, 2>(),
        (false, true, false) => Table::of::<Counted<T, T, Add, false>, 2>(),
        (true, false, true) => Table::of::<Total<T, Multiply, true>, 1>(),
        (true, false, false) => Table::of::<Total<T, Multiply, false>, 1>(),
        (true, true, true) => Table::of::<Counted<T, T, Multiply, true>, 2>(),
        (true, true, false) => Table::of::<Counted<T, T, Multiply, false>, 2>(),
    }
}

/// How two numbers become one.
pub(super) trait Combine {
    /// Whether it is common enough to be compiled for wide vectors.
    const IS_WIDE: bool;
    const NEUTRAL: f64;
    const NEUTRAL_WHOLE: u64;
    fn floats(left: f64, right: f64) -> f64;
    fn whole(left: u64, right: u64) -> u64;
    /// `value` taken `times` times, where rounding cannot matter.
    fn repeat(state: f64, value: f64, times: u64) -> Option<f64>;
    fn repeat_whole(value: u64, times: u64) -> u64;
}

pub(super) struct Add;
pub(super) struct Multiply;

impl Combine for Add {
    const IS_WIDE: bool = true;
    const NEUTRAL: f64 = 0.0;
    const NEUTRAL_WHOLE: u64 = 0;
    #[inline(always)]
    fn floats(left: f64, right: f64) -> f64 {
        left + right
    }
    #[inline(always)]
    fn whole(left: u64, right: u64) -> u64 {
        left.wrapping_add(right)
    }
    fn repeat(state: f64, value: f64, times: u64) -> Option<f64> {
        if value == 0.0 || value.is_infinite() {
            return Some(state + value);
        }
        // Whole numbers below 2^53 add without rounding, so in any order.
        let sum = state + value * times as f64;
        let is_exact = state.trunc() == state
            && value.trunc() == value
            && state.abs() + value.abs() * (times as f64) < EXACT;
        is_exact.then_some(sum)
    }
    fn repeat_whole(value: u64, times: u64) -> u64 {
        value.wrapping_mul(times)
    }
}

impl Combine for Multiply {
    const IS_WIDE: bool = false;
    const NEUTRAL: f64 = 1.0;
    const NEUTRAL_WHOLE: u64 = 1;
    #[inline(always)]
    fn floats(left: f64, right: f64) -> f64 {
        left * right
    }
    #[inline(always)]
    fn whole(left: u64, right: u64) -> u64 {
        left.wrapping_mul(right)
    }
    fn repeat(state: f64, value: f64, _: u64) -> Option<f64> {
        (value == 1.0).then_some(state)
    }
    fn repeat_whole(value: u64, times: u64) -> u64 {
        let (mut result, mut square, mut left) = (1u64, value, times);
        while left > 0 {
            if left & 1 == 1 {
                result = result.wrapping_mul(square);
            }
            square = square.wrapping_mul(square);
            left >>= 1;
        }
        result
    }
}

/// `value` if it counts; a missing value that is skipped leaves the state as it was.
#[inline(always)]
fn combine<T: Element, O: Combine, const SKIP: bool>(state: f64, value: T) -> (f64, bool) {
    let value = value.to_f64();
    let counts = !SKIP || !value.is_nan();
    let combined = O::floats(state, value);
    (if counts { combined } else { state }, counts)
}

/// A sum or product of floats, in double precision.
struct Total<T, O, const SKIP: bool>(PhantomData<(T, O)>);

impl<T: Element, O: Combine, const SKIP: bool> Accumulate<1> for Total<T, O, SKIP> {
    type Value = T;
    type Output = T;
    const IS_WIDE: bool = T::IS_WIDE && O::IS_WIDE;
    const START: [u64; 1] = [O::NEUTRAL.to_bits()];

    #[inline(always)]
    fn push([state]: [u64; 1], value: T, _: u64) -> [u64; 1] {
        [combine::<T, O, SKIP>(f64::from_bits(state), value)
            .0
            .to_bits()]
    }
    #[inline(always)]
    fn merge([earlier]: [u64; 1], [later]: [u64; 1]) -> [u64; 1] {
        [O::floats(f64::from_bits(earlier), f64::from_bits(later)).to_bits()]
    }
    fn finish(_: &FoldSpec, [state]: [u64; 1]) -> T {
        T::from_f64(f64::from_bits(state))
    }
    fn repeat([state]: [u64; 1], value: T, times: u64, _: u64) -> Option<[u64; 1]> {
        if SKIP && value.is_missing() {
            return Some([state]);
        }
        O::repeat(f64::from_bits(state), value.to_f64(), times).map(|total| [total.to_bits()])
    }
}

/// A sum or product and the number of values in it; a mean, or missing where too few values are valid.
struct Counted<T, R, O, const SKIP: bool>(PhantomData<(T, R, O)>);

impl<T: Element, R: Element, O: Combine, const SKIP: bool> Accumulate<2>
    for Counted<T, R, O, SKIP>
{
    type Value = T;
    type Output = R;
    const IS_WIDE: bool = T::IS_WIDE && O::IS_WIDE;
    const START: [u64; 2] = [O::NEUTRAL.to_bits(), 0];

    #[inline(always)]
    fn push([state, count]: [u64; 2], value: T, _: u64) -> [u64; 2] {
        let (total, counts) = combine::<T, O, SKIP>(f64::from_bits(state), value);
        [total.to_bits(), count.wrapping_add(u64::from(counts))]
    }
    #[inline(always)]
    fn merge(earlier: [u64; 2], later: [u64; 2]) -> [u64; 2] {
        let total = O::floats(f64::from_bits(earlier[0]), f64::from_bits(later[0]));
        [total.to_bits(), earlier[1].wrapping_add(later[1])]
    }
    fn finish(spec: &FoldSpec, [state, count]: [u64; 2]) -> R {
        let total = f64::from_bits(state);
        if spec.reduction == Reduction::Mean {
            return R::from_f64(total / count as f64);
        }
        if count < u64::from(spec.min_count) {
            return R::missing();
        }
        R::from_f64(total)
    }
    fn repeat([state, count]: [u64; 2], value: T, times: u64, _: u64) -> Option<[u64; 2]> {
        if SKIP && value.is_missing() {
            return Some([state, count]);
        }
        let total = O::repeat(f64::from_bits(state), value.to_f64(), times)?;
        Some([total.to_bits(), count.wrapping_add(times)])
    }
}

/// A sum or product of integers in 64 bits, wrapping. Signed and unsigned are the same bits.
struct Whole<T, O>(PhantomData<(T, O)>);

impl<T: Element, O: Combine> Accumulate<1> for Whole<T, O> {
    type Value = T;
    type Output = u64;
    const IS_WIDE: bool = T::IS_WIDE && O::IS_WIDE;
    const START: [u64; 1] = [O::NEUTRAL_WHOLE];

    #[inline(always)]
    fn push([state]: [u64; 1], value: T, _: u64) -> [u64; 1] {
        [O::whole(state, crate::element::Key::to_word(value.key()))]
    }
    #[inline(always)]
    fn merge([earlier]: [u64; 1], [later]: [u64; 1]) -> [u64; 1] {
        [O::whole(earlier, later)]
    }
    fn finish(_: &FoldSpec, [state]: [u64; 1]) -> u64 {
        state
    }
    fn repeat([state]: [u64; 1], value: T, times: u64, _: u64) -> Option<[u64; 1]> {
        let word = crate::element::Key::to_word(value.key());
        Some([O::whole(state, O::repeat_whole(word, times))])
    }
}

/// A sum of durations, wrapping, and whether NaT was passed on.
struct SumDuration<const SKIP: bool>;

impl<const SKIP: bool> Accumulate<2> for SumDuration<SKIP> {
    type Value = TimeCount;
    type Output = TimeCount;
    const START: [u64; 2] = [0, 0];

    #[inline(always)]
    fn push([sum, missing]: [u64; 2], value: TimeCount, _: u64) -> [u64; 2] {
        let misses = value.is_missing();
        let sum = sum.wrapping_add(if misses { 0 } else { value.0 as u64 });
        [sum, missing | u64::from(misses && !SKIP)]
    }
    #[inline(always)]
    fn merge(earlier: [u64; 2], later: [u64; 2]) -> [u64; 2] {
        [earlier[0].wrapping_add(later[0]), earlier[1] | later[1]]
    }
    fn finish(_: &FoldSpec, [sum, missing]: [u64; 2]) -> TimeCount {
        TimeCount(if missing == 0 { sum as i64 } else { NOT_A_TIME })
    }
    fn repeat(state: [u64; 2], value: TimeCount, times: u64, index: u64) -> Option<[u64; 2]> {
        if value.is_missing() {
            return Some(Self::push(state, value, index));
        }
        let more = (value.0 as u64).wrapping_mul(times);
        Some([state[0].wrapping_add(more), state[1]])
    }
}

/// The mean of times: an exact 128-bit sum in two words, and a count, which is `u64::MAX` once NaT was passed on.
struct MeanTime<const SKIP: bool>;

fn wide_sum(state: [u64; 3]) -> i128 {
    (i128::from(state[1] as i64) << 64) | i128::from(state[0])
}

fn mean_state(sum: i128, count: u64) -> [u64; 3] {
    [sum as u64, (sum >> 64) as u64, count]
}

impl<const SKIP: bool> Accumulate<3> for MeanTime<SKIP> {
    type Value = TimeCount;
    type Output = TimeCount;
    const START: [u64; 3] = [0; 3];

    #[inline(always)]
    fn push(state: [u64; 3], value: TimeCount, _: u64) -> [u64; 3] {
        if value.is_missing() {
            return if SKIP { state } else { [0, 0, u64::MAX] };
        }
        let sum = wide_sum(state).wrapping_add(i128::from(value.0));
        mean_state(sum, state[2].saturating_add(1))
    }
    fn merge(earlier: [u64; 3], later: [u64; 3]) -> [u64; 3] {
        let sum = wide_sum(earlier).wrapping_add(wide_sum(later));
        mean_state(sum, earlier[2].saturating_add(later[2]))
    }
    fn finish(_: &FoldSpec, state: [u64; 3]) -> TimeCount {
        if state[2] == 0 || state[2] == u64::MAX {
            return TimeCount::missing();
        }
        // Rounded down, as xarray does it with the offsets from the earliest time.
        TimeCount(wide_sum(state).div_euclid(i128::from(state[2])) as i64)
    }
    fn repeat(state: [u64; 3], value: TimeCount, times: u64, index: u64) -> Option<[u64; 3]> {
        if value.is_missing() {
            return Some(Self::push(state, value, index));
        }
        let sum = wide_sum(state).wrapping_add(i128::from(value.0) * i128::from(times));
        Some(mean_state(sum, state[2].saturating_add(times)))
    }
}
