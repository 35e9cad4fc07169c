//! Quantiles of whole columns in which each value counts as much as its weight.
//!
//! A column is made of one array, so a value and its weight travel side by side, as the two parts of a complex number.

use crate::column::ColumnKernel;
use crate::element::{Complex128, elements, elements_mut, one};
use crate::program::Strip;
use craton_core::DType;

/// Values and weights, both doubles, as the real and the imaginary parts of complex numbers.
pub(crate) fn pair(values: Strip<'_>, weights: Strip<'_>, out: &mut [u8]) {
    let item = |strip: Strip<'_>, at: usize| match strip {
        Strip::Elements(values) => elements::<f64>(values)[at],
        Strip::Uniform(value) => one::<f64>(value),
    };
    for (at, out) in elements_mut::<Complex128>(out).iter_mut().enumerate() {
        *out = Complex128::new(item(values, at), item(weights, at));
    }
}

/// Quantiles of pairs of a value and its weight.
///
/// Linear between values (type 7 of Hyndman and Fan) where all weights are equal. Otherwise there are as many values as
/// Kish's effective size says, and each one's share of them is its share of the weights.
///
/// # Missing values
/// Left out with their weights if they are skipped; otherwise one makes the quantiles missing. Nothing gives NaN.
/// # Source
/// A. Akinshin, "Weighted quantile estimators" (2023), as in xarray's `weighted(…).quantile(…)`.
#[derive(Debug, Clone)]
pub struct WeightedQuantile {
    fractions: Vec<f64>,
    skips: bool,
}

impl WeightedQuantile {
    /// At fractions between 0 and 1, of columns of complex doubles.
    #[must_use]
    pub fn new(fractions: Vec<f64>, skip_missing: bool) -> Self {
        Self {
            fractions,
            skips: skip_missing,
        }
    }
}

impl ColumnKernel for WeightedQuantile {
    fn output(&self) -> DType {
        DType::Float64
    }
    fn count(&self, _: usize) -> usize {
        self.fractions.len()
    }
    fn verb(&self) -> &'static str {
        "take weighted quantiles"
    }
    fn run(&self, column: &mut [u8], _: &mut [u64], out: &mut [u8]) {
        let pairs = elements_mut::<Complex128>(column);
        let out = elements_mut::<f64>(out);
        let is_refused = !self.skips && pairs.iter().any(|pair| pair.re.is_nan());
        let mut count = 0;
        for at in 0..pairs.len() {
            let pair = pairs[at];
            pairs[count] = pair;
            count += usize::from(!pair.re.is_nan() && pair.im != 0.0);
        }
        if is_refused || count == 0 {
            out.fill(f64::NAN);
            return;
        }
        let pairs = &mut pairs[..count];
        pairs.sort_unstable_by(|one, other| one.re.total_cmp(&other.re));
        let total: f64 = pairs.iter().map(|pair| pair.im).sum();
        let squares: f64 = pairs.iter().map(|pair| pair.im * pair.im).sum();
        let effective = total * total / squares;
        for (out, fraction) in out.iter_mut().zip(&self.fractions) {
            *out = between(pairs, total, effective, *fraction);
        }
    }
}

/// The mean of the values in the part of all weights that is around `fraction` and as long as one effective value.
fn between(pairs: &[Complex128], total: f64, effective: f64, fraction: f64) -> f64 {
    let end = ((effective - 1.0) * fraction + 1.0).max(1.0).min(effective);
    let (low, high) = ((end - 1.0) / effective, end / effective);
    let share = |weight: f64| low.max(high.min(weight)) * effective - end + 1.0;
    let (mut weight, mut before, mut sum) = (0.0, share(0.0), 0.0);
    for pair in pairs {
        weight += pair.im / total;
        let after = share(weight);
        sum += pair.re * (after - before);
        before = after;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fractions: &[f64], skips: bool, values: &[f64], weights: &[f64]) -> Vec<f64> {
        let mut column = vec![Complex128::default(); values.len()];
        pair(
            Strip::Elements(bytemuck::cast_slice(values)),
            Strip::Elements(bytemuck::cast_slice(weights)),
            bytemuck::cast_slice_mut(&mut column),
        );
        let mut out = vec![0f64; fractions.len()];
        WeightedQuantile::new(fractions.to_vec(), skips).run(
            bytemuck::cast_slice_mut(&mut column),
            &mut [],
            bytemuck::cast_slice_mut(&mut out),
        );
        out
    }

    #[test]
    fn equal_weights_give_linear_quantiles() {
        let found = of(&[0.0, 0.3, 1.0], true, &[4.0, 1.0, 2.0], &[2.0; 3]);
        for (found, expected) in found.iter().zip([1.0, 1.6, 4.0]) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
    }

    #[test]
    fn a_value_without_weight_is_not_there() {
        let all = of(&[0.5], true, &[1.0, 5.0, 2.0], &[1.0, 0.0, 1.0]);
        assert_eq!(all, of(&[0.5], true, &[1.0, 2.0], &[1.0, 1.0]));
        assert!(of(&[0.5], true, &[1.0], &[0.0])[0].is_nan());
    }

    #[test]
    fn missing_values_pass_unless_skipped() {
        let values = [1.0, f64::NAN, 3.0];
        assert_eq!(of(&[0.5], true, &values, &[1.0; 3]), [2.0]);
        assert!(of(&[0.5], false, &values, &[1.0; 3])[0].is_nan());
        assert!(of(&[0.5], false, &values, &[1.0, 0.0, 1.0])[0].is_nan());
    }
}
