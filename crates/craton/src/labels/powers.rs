//! The powers of labels as the columns of a matrix: how well a polynomial can be told from another.

use super::Variable;
use craton_core::{Attributes, Block, DType, Error, Result};
use craton_plan::NodeRef;

/// The matrix that `numpy.polyfit` solves: a row for each label, a column for each power, the highest first, each
/// divided by its length; and its singular values.
pub(super) struct Powers {
    rows: usize,
    /// The lengths of the columns.
    scales: Vec<f64>,
    /// From the greatest on, one for each column.
    values: Vec<f64>,
    /// For each of them the direction among the columns that it belongs to.
    directions: Vec<Vec<f64>>,
}

/// More sweeps than any matrix of a few columns has been seen to need.
const SWEEPS: usize = 60;

impl Powers {
    pub(super) fn new(x: &[f64], weights: Option<&[f64]>, degree: usize) -> Self {
        let weight = |at: usize| weights.map_or(1.0, |weights| weights[at]);
        let power = |power: usize| {
            let column = x.iter().enumerate();
            column.map(move |(at, x)| x.powi(power as i32) * weight(at))
        };
        let mut columns: Vec<Vec<f64>> = (0..=degree).rev().map(|at| power(at).collect()).collect();
        let scales: Vec<f64> = columns.iter().map(|column| length(column)).collect();
        for (column, scale) in columns.iter_mut().zip(&scales) {
            column.iter_mut().for_each(|value| *value /= scale);
        }
        let directions = turn_apart(&mut columns);
        let mut found: Vec<(f64, Vec<f64>)> = columns
            .iter()
            .map(|column| length(column))
            .zip(directions)
            .collect();
        found.sort_by(|one, other| other.0.total_cmp(&one.0));
        let (values, directions) = found.into_iter().unzip();
        Self {
            rows: x.len(),
            scales,
            values,
            directions,
        }
    }

    /// How many singular values are there: a matrix has no more of them than rows.
    fn count(&self) -> usize {
        self.values.len().min(self.rows)
    }

    /// How many are more than `limit` of the greatest.
    fn above(&self, limit: f64) -> usize {
        let values = &self.values[..self.count()];
        values
            .iter()
            .filter(|value| **value > limit * values[0])
            .count()
    }

    /// How many powers can be told apart.
    pub(super) fn rank(&self) -> usize {
        let size = self.rows.max(self.values.len());
        self.above(size as f64 * f64::EPSILON)
    }

    /// Whether all powers can be told apart, by the measure that NumPy fits with: `rcond`, or its default.
    pub(super) fn is_whole(&self, rcond: Option<f64>) -> bool {
        let limit = rcond.unwrap_or(self.rows as f64 * f64::EPSILON);
        self.above(limit) == self.values.len()
    }

    /// The singular values from the greatest on, behind missing ones for those that there are no rows for.
    pub(super) fn told_values(&self) -> Vec<f64> {
        let missing = self.values.len() - self.count();
        let values = self.values[..self.count()].iter().copied();
        std::iter::repeat_n(f64::NAN, missing)
            .chain(values)
            .collect()
    }

    /// That no power is left out where singular values below `rcond` of the greatest are.
    pub(super) fn check(&self, rcond: f64) -> Result<()> {
        let all = self.count();
        let kept = self.above(rcond);
        if kept == all {
            return Ok(());
        }
        let message = format!(
            "`rcond` {rcond} leaves {} of {all} singular values out, the least being {:.2e} of the greatest",
            all - kept,
            self.values[all - 1] / self.values[0]
        );
        Err(Error::unsupported(message).hint("a smaller `rcond`, or a lower degree"))
    }

    /// The inverse of the matrix times itself, of the powers as they are: the covariance of coefficients, unscaled.
    pub(super) fn inverse(&self) -> Result<NodeRef> {
        let size = self.values.len();
        let entry = |row: usize, column: usize| -> f64 {
            let parts = self.values.iter().zip(&self.directions);
            let sum: f64 = parts
                .map(|(value, direction)| direction[row] * direction[column] / (value * value))
                .sum();
            sum / (self.scales[row] * self.scales[column])
        };
        let places = (0..size * size).map(|at| entry(at / size, at % size));
        let bytes: Vec<u8> = places.flat_map(f64::to_ne_bytes).collect();
        let block = Block::from_bytes(DType::Float64, vec![size, size], &bytes)?;
        let dims = ["cov_i", "cov_j"].map(str::to_owned).to_vec();
        Variable::of_block(dims, block, Attributes::new()).map(|variable| variable.node)
    }
}

fn length(column: &[f64]) -> f64 {
    column.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// Turns columns, two at a time, until all stand at right angles: their lengths are the singular values. Gives how the
/// columns were mixed.
///
/// One-sided, so that the matrix is never multiplied by itself, which would lose half of the digits.
fn turn_apart(columns: &mut [Vec<f64>]) -> Vec<Vec<f64>> {
    let size = columns.len();
    let mut mixed: Vec<Vec<f64>> = (0..size)
        .map(|at| {
            (0..size)
                .map(|own| f64::from(u8::from(own == at)))
                .collect()
        })
        .collect();
    for _ in 0..SWEEPS {
        let mut is_done = true;
        for one in 0..size {
            for other in one + 1..size {
                let product = |left: &[f64], right: &[f64]| -> f64 {
                    left.iter()
                        .zip(right)
                        .map(|(left, right)| left * right)
                        .sum()
                };
                let across = product(&columns[one], &columns[other]);
                let (own, their) = (length(&columns[one]), length(&columns[other]));
                if across.abs() <= f64::EPSILON * own * their {
                    continue;
                }
                is_done = false;
                let ratio = (their * their - own * own) / (2.0 * across);
                let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                turn(columns, one, other, cosine, cosine * tangent);
                turn(&mut mixed, one, other, cosine, cosine * tangent);
            }
        }
        if is_done {
            break;
        }
    }
    mixed
}

fn turn(columns: &mut [Vec<f64>], one: usize, other: usize, cosine: f64, sine: f64) {
    let (before, after) = columns.split_at_mut(other);
    for (left, right) in before[one].iter_mut().zip(&mut after[0]) {
        (*left, *right) = (
            cosine * *left - sine * *right,
            sine * *left + cosine * *right,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_values_are_those_of_numpy() {
        // `numpy.linalg.svd` of the columns that `numpy.polyfit([0, 1, 2, 3], …, 1)` and `…, 4)` make.
        let line = Powers::new(&[0.0, 1.0, 2.0, 3.0], None, 1);
        for (found, expected) in line.told_values().iter().zip([1.34230538, 0.44521486]) {
            assert!((found - expected).abs() < 1e-8, "{found}, not {expected}");
        }
        assert_eq!((line.rank(), line.is_whole(None)), (2, true));
        let many = Powers::new(&[0.0, 1.0, 2.0, 3.0], None, 4);
        assert_eq!((many.rank(), many.is_whole(None)), (4, false));
        assert!(many.told_values()[0].is_nan());
    }

    #[test]
    fn lengths_and_directions_make_the_matrix_again() {
        let x = [0.5, 1.0, 2.0, 4.0, 7.0];
        let powers = Powers::new(&x, Some(&[1.0, 2.0, 1.0, 0.5, 1.0]), 2);
        // The inverse times the matrix times itself is one.
        let weights = [1.0, 2.0, 1.0, 0.5, 1.0];
        let product = |row: i32, column: i32| -> f64 {
            let terms = x.iter().zip(weights);
            terms
                .map(|(x, weight): (&f64, f64)| x.powi(row + column) * weight * weight)
                .sum()
        };
        let entry = |row: usize, column: usize| -> f64 {
            let parts = powers.values.iter().zip(&powers.directions);
            let sum: f64 = parts
                .map(|(value, own)| own[row] * own[column] / (value * value))
                .sum();
            sum / (powers.scales[row] * powers.scales[column])
        };
        for row in 0..3 {
            for column in 0..3 {
                let one: f64 = (0..3)
                    .map(|at| entry(row, at) * product(2 - at as i32, 2 - column as i32))
                    .sum();
                let expected = f64::from(u8::from(row == column));
                assert!((one - expected).abs() < 1e-9, "{row} {column}: {one}");
            }
        }
    }
}
