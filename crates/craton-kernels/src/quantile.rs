//! Quantiles and medians of whole columns, by selection rather than sorting.
//!
//! Results are NumPy's: `linear` interpolation between neighbours, and for medians the mean of the middle two in
//! the values' own precision.

use crate::column::ColumnKernel;
use crate::element::{Element, dispatch, elements_mut};
use bytemuck::Pod;
use craton_core::DType;
use half::f16;

/// Which values of a sorted column are wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// The middle.
    Median,
    /// At these fractions of the way from the least to the greatest, each between 0 and 1.
    Quantiles(Vec<f64>),
}

impl Quantity {
    /// Results of one column.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Median => 1,
            Self::Quantiles(fractions) => fractions.len(),
        }
    }
}

/// A quantity bound to a type.
#[derive(Debug, Clone)]
pub struct Quantile {
    quantity: Quantity,
    output: DType,
    run: fn(&Self, &mut [u8], &mut [u8]),
    skips: bool,
}

impl Quantile {
    /// The quantity of columns of `dtype`; `None` where it is not defined. With `skip_missing`, NaN are left out
    /// rather than passed on.
    #[must_use]
    pub fn new(quantity: Quantity, dtype: DType, skip_missing: bool) -> Option<Self> {
        let is_median = quantity == Quantity::Median;
        let output = if is_median && dtype.is_float() {
            dtype
        } else {
            DType::Float64
        };
        let run = match dtype {
            DType::Bool if is_median => run::<u8, f64>,
            DType::Float16 if is_median => run::<f16, f16>,
            DType::Float32 if is_median => run::<f32, f32>,
            dtype => dispatch!(dtype, T => run::<T, f64>, return None; integers, floats),
        };
        Some(Self {
            quantity,
            output,
            run,
            skips: skip_missing,
        })
    }
}

impl ColumnKernel for Quantile {
    fn output(&self) -> DType {
        self.output
    }
    fn count(&self, _: usize) -> usize {
        self.quantity.count()
    }
    fn verb(&self) -> &'static str {
        "take quantiles"
    }
    /// Nothing gives NaN.
    fn run(&self, column: &mut [u8], _: &mut [u64], out: &mut [u8]) {
        (self.run)(self, column, out);
    }
}

/// An element whose order is that of whole numbers, which are faster to compare.
trait Sortable: Element {
    type Order: Pod + Ord;
    fn to_order(self) -> Self::Order;
    fn from_order(order: Self::Order) -> Self;
}

macro_rules! sortable_integers {
    ($($type:ty),*) => {$(
        impl Sortable for $type {
            type Order = Self;
            #[inline(always)]
            fn to_order(self) -> Self { self }
            #[inline(always)]
            fn from_order(order: Self) -> Self { order }
        }
    )*};
}
sortable_integers!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! sortable_floats {
    ($($type:ty: $order:ty),*) => {$(
        impl Sortable for $type {
            type Order = $order;
            // A negative number's other bits count downwards. Doing it twice changes nothing.
            #[inline(always)]
            fn to_order(self) -> $order {
                let bits = self.to_bits().cast_signed();
                bits ^ ((bits >> (<$order>::BITS - 1)) & <$order>::MAX)
            }
            #[inline(always)]
            fn from_order(order: $order) -> Self {
                let bits = order ^ ((order >> (<$order>::BITS - 1)) & <$order>::MAX);
                Self::from_bits(bits.cast_unsigned())
            }
        }
    )*};
}
sortable_floats!(f16: i16, f32: i32, f64: i64);

fn run<T: Sortable, R: Element>(quantile: &Quantile, column: &mut [u8], out: &mut [u8]) {
    let out = elements_mut::<R>(out);
    let values = elements_mut::<T>(column);
    let mut count = values.len();
    if T::CAN_MISS {
        count = 0;
        for at in 0..values.len() {
            let value = values[at];
            values[count] = value;
            count += usize::from(!value.is_missing());
        }
    }
    if count == 0 || (count < values.len() && !quantile.skips) {
        out.fill(R::from_f64(f64::NAN));
        return;
    }
    let values = &mut values[..count];
    for value in values.iter_mut() {
        let order = value.to_order();
        *value = bytemuck::cast(order);
    }
    let mut column = Column::<T> {
        orders: bytemuck::cast_slice_mut(values),
        settled: 0,
    };
    match &quantile.quantity {
        Quantity::Median => out[0] = median(&mut column),
        Quantity::Quantiles(fractions) => {
            let mut order: Vec<usize> = (0..fractions.len()).collect();
            order.sort_by(|one, other| fractions[*one].total_cmp(&fractions[*other]));
            for at in order {
                out[at] = R::from_f64(interpolate(&mut column, fractions[at]));
            }
        }
    }
}

/// Values of which the first `settled` are where sorting would put them.
struct Column<'a, T: Sortable> {
    orders: &'a mut [T::Order],
    settled: usize,
}

impl<T: Sortable> Column<'_, T> {
    /// The value at `rank`; ranks must not decrease from call to call.
    fn at(&mut self, rank: usize) -> T {
        if rank >= self.settled {
            let rest = &mut self.orders[self.settled..];
            if rank == self.settled {
                // The least of the rest: one pass, where selection takes several.
                let least = (0..rest.len()).min_by_key(|at| rest[*at]).unwrap_or(0);
                rest.swap(0, least);
            } else {
                rest.select_nth_unstable(rank - self.settled);
            }
            self.settled = rank + 1;
        }
        T::from_order(self.orders[rank])
    }
}

fn median<T: Sortable, R: Element>(column: &mut Column<'_, T>) -> R {
    let count = column.orders.len();
    let high = count / 2;
    if count % 2 == 1 {
        return R::from_f64(column.at(high).to_f64());
    }
    let low = column.at(high - 1).to_f64();
    R::from_f64((low + column.at(high).to_f64()) / 2.0)
}

/// NumPy's way, step by step, because the last bit shows: differences in the values' own precision.
fn interpolate<T: Sortable>(column: &mut Column<'_, T>, fraction: f64) -> f64 {
    let last = column.orders.len() - 1;
    let place = last as f64 * fraction;
    let rank = (place.floor() as usize).min(last);
    let low = column.at(rank);
    let high = if rank < last {
        column.at(rank + 1)
    } else {
        low
    };
    let weight = place - place.floor();
    let difference = difference(low, high);
    if weight >= 0.5 {
        high.to_f64() - difference * (1.0 - weight)
    } else {
        low.to_f64() + difference * weight
    }
}

fn difference<T: Sortable>(low: T, high: T) -> f64 {
    let difference = high.to_f64() - low.to_f64();
    if T::CAN_MISS {
        return T::from_f64(difference).to_f64();
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(quantity: Quantity, dtype: DType, skips: bool, values: &[f32]) -> Vec<f64> {
        let quantile = Quantile::new(quantity, dtype, skips).unwrap();
        let mut column: Vec<f32> = values.to_vec();
        let mut out = vec![0f64; quantile.count(0)];
        if quantile.output() == DType::Float32 {
            let mut narrow = vec![0f32; quantile.count(0)];
            quantile.run(
                bytemuck::cast_slice_mut(&mut column),
                &mut [],
                bytemuck::cast_slice_mut(&mut narrow),
            );
            return narrow.into_iter().map(f64::from).collect();
        }
        quantile.run(
            bytemuck::cast_slice_mut(&mut column),
            &mut [],
            bytemuck::cast_slice_mut(&mut out),
        );
        out
    }

    #[test]
    fn quantiles_lie_between_their_neighbours_in_any_order_of_fractions() {
        let values = [4.0, -1.0, f32::NAN, 2.0, 0.5];
        let fractions = Quantity::Quantiles(vec![1.0, 0.0, 0.5, 0.1, 0.5]);
        assert_eq!(
            of(fractions, DType::Float32, true, &values),
            [4.0, -1.0, 1.25, -1.0 + 1.5 * (3.0 * 0.1), 1.25]
        );
    }

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_middle_two() {
        assert_eq!(
            of(
                Quantity::Median,
                DType::Float32,
                true,
                &[3.0, -2.0, 7.0, 4.0]
            ),
            [3.5]
        );
        assert_eq!(
            of(
                Quantity::Median,
                DType::Float32,
                true,
                &[3.0, f32::NAN, 7.0, 4.0]
            ),
            [4.0]
        );
    }

    #[test]
    fn missing_values_pass_unless_skipped_and_nothing_has_no_median() {
        let passes = of(Quantity::Median, DType::Float32, false, &[1.0, f32::NAN]);
        assert!(passes[0].is_nan());
        assert!(of(Quantity::Median, DType::Float32, true, &[f32::NAN])[0].is_nan());
        assert!(of(Quantity::Median, DType::Float32, true, &[])[0].is_nan());
    }

    #[test]
    fn orders_go_there_and_back() {
        for value in [-0.0f32, 0.0, 1.5, -1.5, f32::INFINITY, f32::MIN, -1e-40] {
            assert_eq!(f32::from_order(value.to_order()).to_bits(), value.to_bits());
        }
        assert!((-2.0f64).to_order() < (-1.0f64).to_order());
        assert!((-0.0f64).to_order() < 0.0f64.to_order());
    }
}
