//! Medians and quantiles equal a model that sorts.

use crate::support::*;
use craton_core::{DType, Scalar};
use craton_kernels::quantile::{QuantileMethod, Quantity};
use craton_plan::ops;
use proptest::prelude::*;

/// The median (`None`) or a quantile of `values`, by sorting.
fn quantile(fraction: Option<f64>, values: &[f64], skips: bool) -> f64 {
    let mut valid: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    if valid.is_empty() || (!skips && valid.len() < values.len()) {
        return f64::NAN;
    }
    valid.sort_by(f64::total_cmp);
    let place = (valid.len() - 1) as f64 * fraction.unwrap_or(0.5);
    let low = valid[place as usize];
    let high = valid[(place as usize + 1).min(valid.len() - 1)];
    low + (high - low) * place.fract()
}

impl Array {
    /// The median (`None`) or a quantile over `axes`.
    fn quantile(&self, fraction: Option<f64>, axes: &[usize], skips: bool, dtype: DType) -> Array {
        self.reduce_with(axes, dtype, |values| quantile(fraction, values, skips))
    }

    /// As [`Array::quantile`], of the indices of `axis` with equal codes.
    fn group_quantile(
        &self,
        fraction: Option<f64>,
        axis: usize,
        codes: &[i64],
        count: usize,
        skips: bool,
        dtype: DType,
    ) -> Array {
        let groups = (0..count as i64).map(|group| {
            let members: Vec<u64> = (0..codes.len() as u64)
                .filter(|at| codes[*at as usize] == group)
                .collect();
            let mut one = self
                .gather(axis, &members)
                .quantile(fraction, &[axis], skips, dtype);
            one.shape.insert(axis, 1);
            one
        });
        groups
            .reduce(|all, group| all.concat(&group, axis))
            .unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quantiles_equal_the_model(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(4);
        let shape = random.shape(rank);
        let dtype = *random.pick(&[DType::Float32, DType::Float64, DType::Int16, DType::UInt8]);
        let array = Array::random(random, dtype, &shape);
        let (_, node) = stored(random, &array);
        let mut axes = random.order(rank);
        axes.truncate(random.below(rank + 1));
        let (skips, threads) = (random.flag(), 1 + random.below(4));
        let fractions: Vec<f64> = (0..random.below(4))
            .map(|_| *random.pick(&[0.0, 0.1, 0.25, 0.5, 0.77, 1.0]))
            .collect();
        let quantity = Quantity::Quantiles(fractions.clone(), QuantileMethod::Linear);
        let median = ops::quantile(&Quantity::Median, &node, &axes, skips).unwrap();
        let expected = array.quantile(None, &axes, skips, median.dtype());
        let what = format!("median {axes:?} {skips} {array:?}");
        Array::from_block(&run(&median, threads)).check(&expected, 0.0, &what);
        let quantiles = run(&ops::quantile(&quantity, &node, &axes, skips).unwrap(), threads);
        let quantiles = Array::from_block(&quantiles);
        for (number, fraction) in fractions.iter().enumerate() {
            let expected = array.quantile(Some(*fraction), &axes, skips, DType::Float64);
            let plane = expected.values.len();
            let one = Array {
                dtype: DType::Float64,
                shape: quantiles.shape[1..].to_vec(),
                values: quantiles.values[number * plane..(number + 1) * plane].to_vec(),
            };
            one.check(&expected, 1e-12, &format!("quantile {fraction} {axes:?} {skips} {array:?}"));
        }
        let (axis, count) = (random.below(rank), 1 + random.below(4));
        let codes: Vec<i64> = (0..shape[axis]).map(|_| random.below(count + 1) as i64 - 1).collect();
        let groups = ops::group_quantile(&Quantity::Median, &node, axis, codes.clone(), count, skips).unwrap();
        let expected = array.group_quantile(None, axis, &codes, count, skips, groups.dtype());
        let what = format!("median of groups {codes:?} {axis} {skips} {array:?}");
        Array::from_block(&run(&groups, threads)).check(&expected, 0.0, &what);
    }

    #[test]
    fn weighted_quantiles_of_equal_weights_are_those_without(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape = random.shape(rank);
        let dtype = *random.pick(&[DType::Float32, DType::Float64, DType::Int16]);
        let array = Array::random(random, dtype, &shape);
        let (_, node) = stored(random, &array);
        let mut axes = random.order(rank);
        axes.truncate(random.below(rank + 1));
        let (skips, fraction) = (random.flag(), *random.pick(&[0.0, 0.1, 0.5, 0.77, 1.0]));
        let weights = ops::full(Scalar::from_f64(DType::Float32, 2.5), node.shape()).unwrap();
        let found = ops::weighted_quantile(&[fraction], &node, &weights, &axes, skips).unwrap();
        let mut found = Array::from_block(&run(&found, 1 + random.below(3)));
        found.shape.remove(0);
        let expected = array.quantile(Some(fraction), &axes, skips, DType::Float64);
        found.check(&expected, 1e-9, &format!("{fraction} {axes:?} {skips} {array:?}"));
    }
}
