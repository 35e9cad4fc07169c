//! Whether any or all values are true, and how many are not missing.

use super::engine::{Accumulate, Table};
use super::{FoldSpec, Reduction};
use crate::element::{Complex64, Complex128, Element, TimeCount, dispatch};
use crate::wide::Width;
use craton_core::DType;
use std::marker::PhantomData;

pub(super) fn table(spec: &FoldSpec) -> Option<Table> {
    let dtype = if spec.dtype == DType::Bool {
        DType::UInt8
    } else {
        spec.dtype
    };
    match spec.reduction {
        Reduction::Any => {
            dispatch!(dtype, T => Some(Table::of::<Truth<T, false>, 1>()), None; integers, floats)
        }
        Reduction::All => {
            dispatch!(dtype, T => Some(Table::of::<Truth<T, true>, 1>()), None; integers, floats)
        }
        _ => Some(match dtype {
            DType::Float16 => Table::of::<Count<half::f16>, 1>(),
            DType::Float32 => Table::of::<Count<f32>, 1>(),
            DType::Float64 => Table::of::<Count<f64>, 1>(),
            DType::Complex64 => Table::of::<Count<Complex64>, 1>(),
            DType::Complex128 => Table::of::<Count<Complex128>, 1>(),
            DType::Time(_) => Table::of::<Count<TimeCount>, 1>(),
            _ => Table {
                columns: count_columns,
                row: count_row,
                repeated: count_columns,
                ..Table::of::<Count<u8>, 1>()
            },
        }),
    }
}

/// Whether any value, or every value, is not zero. NaN is not zero.
struct Truth<T, const ALL: bool>(PhantomData<T>);

impl<T: Element, const ALL: bool> Accumulate<1> for Truth<T, ALL> {
    type Value = T;
    type Output = u8;
    const IS_WIDE: bool = false;
    const START: [u64; 1] = [ALL as u64];

    #[inline(always)]
    fn push(state: [u64; 1], value: T, _: u64) -> [u64; 1] {
        Self::merge(state, [u64::from(value.key() != T::zeroed().key())])
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

/// What can be counted.
trait Countable: Width {
    fn counts(self) -> bool;
}
impl<T: Element> Countable for T {
    #[inline(always)]
    fn counts(self) -> bool {
        !self.is_missing()
    }
}
impl Countable for Complex64 {
    #[inline(always)]
    fn counts(self) -> bool {
        !(self.re.is_nan() || self.im.is_nan())
    }
}
impl Countable for Complex128 {
    #[inline(always)]
    fn counts(self) -> bool {
        !(self.re.is_nan() || self.im.is_nan())
    }
}

/// How many values are not missing.
struct Count<T>(PhantomData<T>);

impl<T: Countable> Accumulate<1> for Count<T> {
    type Value = T;
    type Output = u64;
    const START: [u64; 1] = [0];

    #[inline(always)]
    fn push([count]: [u64; 1], value: T, _: u64) -> [u64; 1] {
        [count.wrapping_add(u64::from(value.counts()))]
    }
    #[inline(always)]
    fn merge([earlier]: [u64; 1], [later]: [u64; 1]) -> [u64; 1] {
        [earlier.wrapping_add(later)]
    }
    fn finish(_: &FoldSpec, [count]: [u64; 1]) -> u64 {
        count
    }
    fn repeat([count]: [u64; 1], value: T, times: u64, _: u64) -> Option<[u64; 1]> {
        let more = if value.counts() { times } else { 0 };
        Some([count.wrapping_add(more)])
    }
}

/// Counts values of a type that has no missing ones, without looking.
fn count_columns(_: &[u8], shape: super::engine::Rows, state: &mut [u64], _: usize, offset: usize) {
    for count in &mut state[offset..][..shape.count] {
        *count = count.wrapping_add(shape.rows as u64);
    }
}

fn count_row(_: &[u8], shape: super::engine::Rows, state: &mut [u64], _: usize, offset: usize) {
    state[offset] = state[offset].wrapping_add(shape.count as u64);
}
