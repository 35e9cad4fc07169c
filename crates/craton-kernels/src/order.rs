//! Columns in order: sorted, the places that would sort them, and ranks.

use crate::column::ColumnKernel;
use crate::element::{Element, Key, dispatch, elements, elements_mut};
use crate::unary::named_operations;
use craton_core::DType;

named_operations! {
    /// What is wanted of a column in order. Names are NumPy's and xarray's.
    Ordering {
        Sort => "sort",
        ArgSort => "argsort",
        Rank => "rank",
        RankShare => "rank of 1",
    }
}

/// Puts a column in order: its values, scratch, the result.
type Run = fn(&[u8], &mut [[u64; 2]], &mut [u8]);

/// An ordering bound to a type.
///
/// # Missing values
/// They come last, as NumPy sorts them; their rank is missing.
#[derive(Debug, Clone)]
pub struct Order {
    output: DType,
    run: Run,
}

impl Order {
    /// The ordering of columns of `dtype`; `None` for complex numbers and text, and for ranks of times.
    #[must_use]
    pub fn new(ordering: Ordering, dtype: DType) -> Option<Self> {
        let values = if dtype == DType::Bool {
            DType::UInt8
        } else {
            dtype
        };
        let (output, run): (DType, Run) = match ordering {
            Ordering::Sort => (
                dtype,
                dispatch!(values, T => sort::<T>, return None; integers, floats, times),
            ),
            Ordering::ArgSort => (
                DType::Int64,
                dispatch!(values, T => arg_sort::<T>, return None; integers, floats, times),
            ),
            Ordering::Rank => (
                DType::Float64,
                dispatch!(values, T => rank::<T, false>, return None; integers, floats),
            ),
            Ordering::RankShare => (
                DType::Float64,
                dispatch!(values, T => rank::<T, true>, return None; integers, floats),
            ),
        };
        Some(Self { output, run })
    }
}

impl ColumnKernel for Order {
    fn output(&self) -> DType {
        self.output
    }
    fn count(&self, length: usize) -> usize {
        length
    }
    fn scratch(&self, length: usize) -> usize {
        2 * length
    }
    fn verb(&self) -> &'static str {
        "put them in order"
    }
    fn run(&self, column: &mut [u8], scratch: &mut [u64], out: &mut [u8]) {
        (self.run)(column, bytemuck::cast_slice_mut(scratch), out);
    }
}

/// A key as a word of the same order.
trait Ordered: Key {
    fn order(self) -> u64;
}

impl Ordered for u64 {
    #[inline(always)]
    fn order(self) -> u64 {
        self
    }
}
impl Ordered for i64 {
    #[inline(always)]
    fn order(self) -> u64 {
        self.cast_unsigned() ^ (1 << 63)
    }
}
impl Ordered for f64 {
    #[inline(always)]
    fn order(self) -> u64 {
        // Adding 0 makes both zeros equal. A negative number's other bits count downwards.
        let bits = (self + 0.0).to_bits();
        bits ^ ((bits.cast_signed() >> 63).cast_unsigned() | (1 << 63))
    }
}

/// Fills `pairs` with order and place of every value, in order; equal values stay in the order of their places.
/// Gives how many are valid; the others come last.
fn in_order<T: Element>(values: &[T], pairs: &mut [[u64; 2]]) -> usize
where
    T::Key: Ordered,
{
    let mut valid = 0;
    for (at, (value, pair)) in values.iter().zip(pairs.iter_mut()).enumerate() {
        let is_missing = value.is_missing();
        valid += usize::from(!is_missing);
        let order = value.key().order();
        *pair = [if is_missing { u64::MAX } else { order }, at as u64];
    }
    // A number may share the greatest order with what is missing: the greatest of unsigned ones, which cannot miss.
    pairs.sort_unstable();
    valid
}

fn sort<T: Element>(column: &[u8], pairs: &mut [[u64; 2]], out: &mut [u8])
where
    T::Key: Ordered,
{
    let values = elements::<T>(column);
    in_order(values, pairs);
    for (out, [_, at]) in elements_mut::<T>(out).iter_mut().zip(pairs) {
        *out = values[*at as usize];
    }
}

fn arg_sort<T: Element>(column: &[u8], pairs: &mut [[u64; 2]], out: &mut [u8])
where
    T::Key: Ordered,
{
    in_order(elements::<T>(column), pairs);
    for (out, [_, at]) in elements_mut::<u64>(out).iter_mut().zip(pairs) {
        *out = *at;
    }
}

/// Ranks from 1 on; equal values share the mean of theirs. `SHARE` divides by the number of valid values.
fn rank<T: Element, const SHARE: bool>(column: &[u8], pairs: &mut [[u64; 2]], out: &mut [u8])
where
    T::Key: Ordered,
{
    let valid = in_order(elements::<T>(column), pairs);
    let out = elements_mut::<f64>(out);
    let whole = if SHARE { valid as f64 } else { 1.0 };
    let mut first = 0;
    while first < valid {
        let equal = pairs[first..valid].iter();
        let count = equal.take_while(|pair| pair[0] == pairs[first][0]).count();
        let mean = (2 * first + count + 1) as f64 / 2.0;
        for [_, at] in &pairs[first..first + count] {
            out[*at as usize] = mean / whole;
        }
        first += count;
    }
    for [_, at] in &pairs[valid..] {
        out[*at as usize] = f64::NAN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T: bytemuck::Pod, R: bytemuck::Pod + Default>(
        ordering: Ordering,
        dtype: DType,
        values: &[T],
    ) -> Vec<R> {
        let mut values = values.to_vec();
        let mut out = vec![R::default(); values.len()];
        let mut scratch = vec![0; 2 * values.len()];
        Order::new(ordering, dtype).unwrap().run(
            bytemuck::cast_slice_mut(&mut values),
            &mut scratch,
            bytemuck::cast_slice_mut(&mut out),
        );
        out
    }

    #[test]
    fn missing_values_come_last_and_have_no_rank() {
        let values = [2f32, f32::NAN, -1.0, f32::INFINITY, 2.0, -0.0, 0.0];
        let order: Vec<i64> = run(Ordering::ArgSort, DType::Float32, &values);
        assert_eq!(order, [2, 5, 6, 0, 4, 3, 1]);
        let ranks: Vec<f64> = run(Ordering::Rank, DType::Float32, &values);
        assert_eq!(ranks[0], 4.5);
        assert_eq!(ranks[2..], [1.0, 6.0, 4.5, 2.5, 2.5]);
        assert!(ranks[1].is_nan());
        let sorted: Vec<f32> = run(Ordering::Sort, DType::Float32, &values);
        assert_eq!(sorted[..6], [-1.0, -0.0, 0.0, 2.0, 2.0, f32::INFINITY]);
        assert!(sorted[6].is_nan());
    }

    #[test]
    fn shares_count_what_is_valid() {
        let ranks: Vec<f64> = run(Ordering::RankShare, DType::Float64, &[3.0, f64::NAN, 1.0]);
        assert_eq!([ranks[0], ranks[2]], [1.0, 0.5]);
    }

    #[test]
    fn whole_numbers_of_either_sign_keep_every_bit() {
        let values = [i64::MAX, i64::MIN, i64::MAX - 1, -1, 0];
        assert_eq!(
            run::<_, i64>(Ordering::Sort, DType::Int64, &values),
            [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX]
        );
        let values = [u64::MAX, 0, u64::MAX - 1];
        assert_eq!(
            run::<_, i64>(Ordering::ArgSort, DType::UInt64, &values),
            [1, 2, 0]
        );
    }
}
