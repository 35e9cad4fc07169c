//! Sums, products, means and truth of complex numbers.

use super::engine::{Accumulate, Table};
use super::{FoldSpec, Reduction};
use crate::element::{Complex64, Complex128};
use crate::wide::Width;
use craton_core::DType;
use std::marker::PhantomData;

pub(super) fn table(spec: &FoldSpec) -> Option<Table> {
    match spec.dtype {
        DType::Complex64 => of::<Complex64>(spec),
        _ => of::<Complex128>(spec),
    }
}

fn of<T: Parts>(spec: &FoldSpec) -> Option<Table> {
    Some(match (spec.reduction, spec.skip_missing) {
        (Reduction::Sum | Reduction::Mean, true) => Table::of::<Total<T, false, true>, 3>(),
        (Reduction::Sum | Reduction::Mean, false) => Table::of::<Total<T, false, false>, 3>(),
        (Reduction::Prod, true) => Table::of::<Total<T, true, true>, 3>(),
        (Reduction::Prod, false) => Table::of::<Total<T, true, false>, 3>(),
        (Reduction::Any, _) => Table::of::<Truth<T, false>, 1>(),
        (Reduction::All, _) => Table::of::<Truth<T, true>, 1>(),
        _ => return None,
    })
}

trait Parts: Width {
    fn wide(self) -> Complex128;
    fn narrow(wide: Complex128) -> Self;
}
impl Parts for Complex64 {
    #[inline(always)]
    fn wide(self) -> Complex128 {
        Complex128::new(self.re.into(), self.im.into())
    }
    fn narrow(wide: Complex128) -> Self {
        Self::new(wide.re as f32, wide.im as f32)
    }
}
impl Parts for Complex128 {
    #[inline(always)]
    fn wide(self) -> Complex128 {
        self
    }
    fn narrow(wide: Complex128) -> Self {
        wide
    }
}

/// A sum or product in double precision, and how many values are in it.
struct Total<T, const PRODUCT: bool, const SKIP: bool>(PhantomData<T>);

impl<T: Parts, const PRODUCT: bool, const SKIP: bool> Total<T, PRODUCT, SKIP> {
    #[inline(always)]
    fn combine(left: [u64; 3], right: Complex128, count: u64) -> [u64; 3] {
        let left_value = Complex128::new(f64::from_bits(left[0]), f64::from_bits(left[1]));
        let total = if PRODUCT {
            left_value * right
        } else {
            left_value + right
        };
        [
            total.re.to_bits(),
            total.im.to_bits(),
            left[2].wrapping_add(count),
        ]
    }
}

impl<T: Parts, const PRODUCT: bool, const SKIP: bool> Accumulate<3> for Total<T, PRODUCT, SKIP> {
    type Value = T;
    type Output = T;
    const START: [u64; 3] = [if PRODUCT { 1f64.to_bits() } else { 0 }, 0, 0];

    #[inline(always)]
    fn push(state: [u64; 3], value: T, _: u64) -> [u64; 3] {
        let value = value.wide();
        let counts = !SKIP || !(value.re.is_nan() || value.im.is_nan());
        let next = Self::combine(state, value, 1);
        std::array::from_fn(|word| if counts { next[word] } else { state[word] })
    }
    #[inline(always)]
    fn merge(earlier: [u64; 3], later: [u64; 3]) -> [u64; 3] {
        let value = Complex128::new(f64::from_bits(later[0]), f64::from_bits(later[1]));
        Self::combine(earlier, value, later[2])
    }
    fn finish(spec: &FoldSpec, state: [u64; 3]) -> T {
        let total = Complex128::new(f64::from_bits(state[0]), f64::from_bits(state[1]));
        if spec.reduction == Reduction::Mean {
            let count = state[2] as f64;
            return T::narrow(Complex128::new(total.re / count, total.im / count));
        }
        if state[2] < u64::from(spec.min_count) {
            return T::narrow(Complex128::new(f64::NAN, f64::NAN));
        }
        T::narrow(total)
    }
    fn repeat(state: [u64; 3], value: T, _: u64, _: u64) -> Option<[u64; 3]> {
        let value = value.wide();
        (SKIP && (value.re.is_nan() || value.im.is_nan())).then_some(state)
    }
}

/// Whether any value, or every value, is not zero.
struct Truth<T, const ALL: bool>(PhantomData<T>);

impl<T: Parts, const ALL: bool> Accumulate<1> for Truth<T, ALL> {
    type Value = T;
    type Output = u8;
    const START: [u64; 1] = [ALL as u64];

    #[inline(always)]
    fn push(state: [u64; 1], value: T, _: u64) -> [u64; 1] {
        let value = value.wide();
        let truth = u64::from(value.re != 0.0 || value.im != 0.0);
        Self::merge(state, [truth])
    }
    #[inline(always)]
    fn merge([earlier]: [u64; 1], [later]: [u64; 1]) -> [u64; 1] {
        [if ALL {
            earlier & later
        } else {
            earlier | later
        }]
    }
    fn finish(_: &FoldSpec, [state]: [u64; 1]) -> u8 {
        state as u8
    }
    fn repeat(state: [u64; 1], value: T, _: u64, index: u64) -> Option<[u64; 1]> {
        Some(Self::push(state, value, index))
    }
}
