//! Quantiles and medians of whole columns, by selection rather than sorting.
//!
//! Results are NumPy's: by default `linear` interpolation between neighbours, and for medians the mean of the middle
//! two in the values' own precision.

use crate::column::ColumnKernel;
use crate::element::{Element, dispatch, elements_mut};
use crate::unary::named_operations;
use bytemuck::Pod;
use craton_core::DType;
use half::f16;

named_operations! {
    /// Where a quantile lies among the values in order. Names are NumPy's; the first nine are those of Hyndman and Fan
    /// (1996), "Sample quantiles in statistical packages", in their order.
    QuantileMethod {
        InvertedCdf => "inverted_cdf",
        AveragedInvertedCdf => "averaged_inverted_cdf",
        ClosestObservation => "closest_observation",
        InterpolatedInvertedCdf => "interpolated_inverted_cdf",
        Hazen => "hazen",
        Weibull => "weibull",
        Linear => "linear",
        MedianUnbiased => "median_unbiased",
        NormalUnbiased => "normal_unbiased",
        Lower => "lower",
        Higher => "higher",
        Midpoint => "midpoint",
        Nearest => "nearest",
    }
}

impl QuantileMethod {
    /// Whether results are values as they are, in their own type, and never lie between two of them.
    #[must_use]
    pub fn takes_values(self) -> bool {
        use QuantileMethod::{ClosestObservation, Higher, InvertedCdf, Lower, Nearest};
        matches!(
            self,
            InvertedCdf | ClosestObservation | Lower | Higher | Nearest
        )
    }

    /// The place of a fraction among `count` values, counted from 0: beyond both ends for some methods. The order of
    /// arithmetic is NumPy's, because where a place is nearly whole the last bit decides.
    fn place(self, count: usize, fraction: f64) -> f64 {
        let count = count as f64;
        let last = count - 1.0;
        let between = |alpha: f64, beta: f64| {
            count * fraction + (alpha + fraction * (1.0 - alpha - beta)) - 1.0
        };
        match self {
            Self::InvertedCdf => (count * fraction - 1.0).ceil(),
            Self::AveragedInvertedCdf => {
                let place = count * fraction - 1.0;
                // Half-way where a value ends exactly at the fraction, else the next value.
                match place == place.floor() {
                    true => place + 0.5,
                    false => place.ceil(),
                }
            }
            Self::ClosestObservation => {
                let place = count * fraction - 1.0 - 0.5;
                let floor = place.floor();
                // Half-way between two values it is the one whose number, counted from 1, is even.
                match place == floor && floor.rem_euclid(2.0) == 1.0 {
                    true => floor,
                    false => floor + 1.0,
                }
            }
            Self::InterpolatedInvertedCdf => between(0.0, 1.0),
            Self::Hazen => between(0.5, 0.5),
            Self::Weibull => between(0.0, 0.0),
            Self::Linear => last * fraction,
            Self::MedianUnbiased => between(1.0 / 3.0, 1.0 / 3.0),
            Self::NormalUnbiased => between(3.0 / 8.0, 3.0 / 8.0),
            Self::Lower => (last * fraction).floor(),
            Self::Higher => (last * fraction).ceil(),
            Self::Midpoint => 0.5 * ((last * fraction).floor() + (last * fraction).ceil()),
            Self::Nearest => (last * fraction).round_ties_even(),
        }
    }
}

/// Which values of a sorted column are wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// The middle.
    Median,
    /// At these fractions of the way from the least to the greatest, each between 0 and 1.
    Quantiles(Vec<f64>, QuantileMethod),
}

impl Quantity {
    /// Results of one column.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Median => 1,
            Self::Quantiles(fractions, _) => fractions.len(),
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
        let takes_values = match &quantity {
            Quantity::Median => false,
            Quantity::Quantiles(_, method) => method.takes_values(),
        };
        let output = if takes_values || (is_median && dtype.is_float()) {
            dtype
        } else {
            DType::Float64
        };
        let run = match dtype {
            DType::Bool if takes_values => take::<u8>,
            dtype if takes_values => {
                dispatch!(dtype, T => take::<T>, return None; integers, floats)
            }
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

/// Medians, and quantiles that may lie between values.
fn run<T: Sortable, R: Element>(quantile: &Quantile, column: &mut [u8], out: &mut [u8]) {
    let out = elements_mut::<R>(out);
    let Some(mut column) = valid::<T>(column, quantile.skips) else {
        out.fill(R::from_f64(f64::NAN));
        return;
    };
    match &quantile.quantity {
        Quantity::Median => out[0] = median(&mut column),
        Quantity::Quantiles(fractions, method) => {
            for at in ascending(fractions) {
                let place = method.place(column.orders.len(), fractions[at]);
                out[at] = R::from_f64(interpolate(&mut column, place));
            }
        }
    }
}

/// Quantiles that are values as they are.
fn take<T: Sortable>(quantile: &Quantile, column: &mut [u8], out: &mut [u8]) {
    let out = elements_mut::<T>(out);
    let (Quantity::Quantiles(fractions, method), Some(mut column)) =
        (&quantile.quantity, valid::<T>(column, quantile.skips))
    else {
        out.fill(T::missing());
        return;
    };
    for at in ascending(fractions) {
        let place = method.place(column.orders.len(), fractions[at]).max(0.0);
        out[at] = column.at((place as usize).min(column.orders.len() - 1));
    }
}

/// The places of fractions, the least first.
fn ascending(fractions: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..fractions.len()).collect();
    order.sort_by(|one, other| fractions[*one].total_cmp(&fractions[*other]));
    order
}

/// The values that are not missing; `None` if there are none, or if one that is missing is not to be skipped.
fn valid<T: Sortable>(column: &mut [u8], skips: bool) -> Option<Column<'_, T>> {
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
    if count == 0 || (count < values.len() && !skips) {
        return None;
    }
    let values = &mut values[..count];
    for value in values.iter_mut() {
        let order = value.to_order();
        *value = bytemuck::cast(order);
    }
    Some(Column {
        orders: bytemuck::cast_slice_mut(values),
        settled: 0,
    })
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

/// NumPy's way, step by step, because the last bit shows: differences in the values' own precision. Places before the
/// first value and after the last one are theirs.
fn interpolate<T: Sortable>(column: &mut Column<'_, T>, place: f64) -> f64 {
    let last = column.orders.len() - 1;
    let place = place.clamp(0.0, last as f64);
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
        let fractions = Quantity::Quantiles(vec![1.0, 0.0, 0.5, 0.1, 0.5], QuantileMethod::Linear);
        assert_eq!(
            of(fractions, DType::Float32, true, &values),
            [4.0, -1.0, 1.25, -1.0 + 1.5 * (3.0 * 0.1), 1.25]
        );
    }

    #[test]
    fn methods_differ_between_values_as_in_numpy() {
        // What `numpy.quantile([1, 2, 4, 8, 16, 32], [0.25, 0.5], method=…)` gives.
        let expected: [(QuantileMethod, [f64; 2]); 13] = [
            (QuantileMethod::InvertedCdf, [2.0, 4.0]),
            (QuantileMethod::AveragedInvertedCdf, [2.0, 6.0]),
            (QuantileMethod::ClosestObservation, [2.0, 4.0]),
            (QuantileMethod::InterpolatedInvertedCdf, [1.5, 4.0]),
            (QuantileMethod::Hazen, [2.0, 6.0]),
            (QuantileMethod::Weibull, [1.75, 6.0]),
            (QuantileMethod::Linear, [2.5, 6.0]),
            (QuantileMethod::MedianUnbiased, [23.0 / 12.0, 6.0]),
            (QuantileMethod::NormalUnbiased, [31.0 / 16.0, 6.0]),
            (QuantileMethod::Lower, [2.0, 4.0]),
            (QuantileMethod::Higher, [4.0, 8.0]),
            (QuantileMethod::Midpoint, [3.0, 6.0]),
            (QuantileMethod::Nearest, [2.0, 4.0]),
        ];
        assert_eq!(expected.len(), QuantileMethod::ALL.len());
        for (method, expected) in expected {
            let quantity = Quantity::Quantiles(vec![0.25, 0.5], method);
            let values = [8.0, 1.0, 32.0, 2.0, 16.0, 4.0];
            let found = of(quantity, DType::Float32, true, &values);
            let is_close = |(one, other): (&f64, &f64)| (one - other).abs() < 1e-12;
            assert!(
                found.iter().zip(&expected).all(is_close),
                "{}: {found:?}",
                method.name()
            );
        }
    }

    #[test]
    fn values_that_are_taken_keep_every_bit() {
        let quantity = Quantity::Quantiles(vec![0.9], QuantileMethod::Higher);
        let quantile = Quantile::new(quantity, DType::Int64, false).unwrap();
        let mut column = [i64::MAX, i64::MAX - 1, -3];
        let mut out = [0i64];
        quantile.run(
            bytemuck::cast_slice_mut(&mut column),
            &mut [],
            bytemuck::cast_slice_mut(&mut out),
        );
        assert_eq!((quantile.output(), out), (DType::Int64, [i64::MAX]));
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
