//! Polynomials of least squares along a dimension, and their values.

use super::places::doubles;
use super::{DataArray, Variable};
use crate::session::Session;
use craton_core::{Attributes, Block, Buffer, DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops::{self, ReduceOptions};

/// The highest degree that is fitted: beyond it doubles lose what the powers say.
const MOST: usize = 8;

fn constant(value: f64) -> Result<NodeRef> {
    ops::scalar(Scalar::from_f64(DType::Float64, value))
}

impl DataArray {
    /// The coefficients of the polynomial of degree `degree` along `dim` that is nearest to the values, along a new
    /// first dimension `degree`, the highest first.
    ///
    /// # Missing values
    /// Left out; missing where too few are left.
    /// # Errors
    /// As [`DataArray::axis`]; [`craton_core::ErrorKind::Unsupported`] for high degrees.
    /// # Cost
    /// One pass over the values, and `2 * degree + 1` sums held at once.
    pub fn polyfit(&self, dim: &str, degree: usize, session: &Session) -> Result<Self> {
        let axis = self.axis(dim)?;
        if degree > MOST {
            return Err(
                Error::unsupported(format!("a polynomial of degree {degree}"))
                    .hint(format!("up to {MOST}")),
            );
        }
        let x = self.epoch_positions(dim, session)?;
        let count = x.len() as f64;
        let mean = x.iter().sum::<f64>() / count;
        let widest = x.iter().map(|x| (x - mean).abs()).fold(0.0, f64::max);
        let scale = if widest > 0.0 { widest } else { 1.0 };
        let shape = self.variable.shape();
        let values = ops::cast(&self.variable.node, DType::Float64)?;
        let valid = ops::unary(Unary::NotNan, &values)?;
        let zero = constant(0.0)?;
        let (ones, values) = (
            ops::cast(&valid, DType::Float64)?,
            ops::select(&valid, &values, &zero)?,
        );
        // Sums in a variable that runs from -1 to 1, where powers stay apart.
        let moment = |of: &NodeRef, power: usize| {
            let powers: Vec<f64> = x
                .iter()
                .map(|x| ((x - mean) / scale).powi(power as i32))
                .collect();
            let powers = ops::broadcast_axes(&doubles(dim, &powers)?.node, shape, &[axis])?;
            let product = ops::binary(Binary::Multiply, of, &powers)?;
            ops::reduce(Reduction::Sum, &product, &[axis], ReduceOptions::default())
        };
        let size = degree + 1;
        let sums = (0..=2 * degree)
            .map(|power| moment(&ones, power))
            .collect::<Result<Vec<_>>>()?;
        let mut rows: Vec<Vec<NodeRef>> = Vec::new();
        for row in 0..size {
            let mut all: Vec<NodeRef> = (0..size).map(|at| sums[row + at].clone()).collect();
            all.push(moment(&values, row)?);
            rows.push(all);
        }
        let solved = solve(rows)?;
        // Back to the coordinate's own powers.
        let mut parts = Vec::new();
        for power in (0..size).rev() {
            let mut sum: Option<NodeRef> = None;
            for (from, coefficient) in solved.iter().enumerate().skip(power) {
                let factor = choose(from, power) * (-mean).powi((from - power) as i32)
                    / scale.powi(from as i32);
                let term = ops::binary(Binary::Multiply, coefficient, &constant(factor)?)?;
                sum = Some(match sum {
                    None => term,
                    Some(sum) => ops::binary(Binary::Add, &sum, &term)?,
                });
            }
            parts.push(sum.ok_or_else(|| Error::internal("a polynomial without terms"))?);
        }
        let node = ops::stack(&parts, 0)?;
        let others = self.dims().iter().filter(|other| *other != dim).cloned();
        let dims = std::iter::once("degree".to_owned()).chain(others).collect();
        let mut out = self.with_variable(Variable::new(dims, node, Attributes::new())?);
        let degrees: Vec<u8> = (0..size as i64).rev().flat_map(i64::to_ne_bytes).collect();
        let degrees = Block::dense(DType::Int64, vec![size], Buffer::copy_of(&degrees)?)?;
        let degrees = Variable::of_block(vec!["degree".to_owned()], degrees, Attributes::new())?;
        out.coords
            .retain(|name, coord| coord.dims == [name.clone()]);
        out.coords.insert("degree".to_owned(), degrees);
        Ok(out)
    }

    /// The numbers of a dimension's labels, times as nanoseconds since 1970; positions without labels.
    fn epoch_positions(&self, dim: &str, session: &Session) -> Result<Vec<f64>> {
        match self.index(dim) {
            Some(index) => numbers(index, session),
            None => {
                let length = self.variable.shape()[self.axis(dim)?];
                Ok((0..length).map(|at| at as f64).collect())
            }
        }
    }

    /// The values at `self` of the polynomial whose coefficients lie along `degree_dim` of `coefficients`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] without whole degrees.
    pub fn polyval(
        &self,
        coefficients: &DataArray,
        degree_dim: &str,
        session: &Session,
    ) -> Result<Self> {
        let degrees = coefficients.index(degree_dim).ok_or_else(|| {
            Error::invalid(format!("coefficients need the labels `{degree_dim}`"))
        })?;
        let degrees: Option<Vec<i64>> = degrees
            .values(session)?
            .scalars()
            .map(|degree| degree.to_i64().filter(|degree| (0..=64).contains(degree)))
            .collect();
        let degrees =
            degrees.ok_or_else(|| Error::invalid("degrees are whole numbers, up to 64"))?;
        let x = match self.variable.dtype() {
            DType::Time(_) => {
                let values = numbers(&self.variable, session)?;
                let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_ne_bytes()).collect();
                let shape = self.variable.shape().iter().map(|length| *length as usize);
                let block =
                    Block::dense(DType::Float64, shape.collect(), Buffer::copy_of(&bytes)?)?;
                // Attributes of times do not speak of counts.
                let counts = Variable::of_block(self.dims().to_vec(), block, Attributes::new())?;
                self.with_variable(counts)
            }
            _ => self.clone(),
        };
        let of = |array: &DataArray| super::Operand::Array(array.clone());
        let most = degrees.iter().copied().max().unwrap_or(0);
        let mut sum: Option<DataArray> = None;
        for degree in (0..=most).rev() {
            let at = degrees.iter().position(|known| *known == degree);
            let term = match at {
                Some(at) => {
                    let at = super::PositionSelection::At(at as i64);
                    let mut term = coefficients.select_positions(degree_dim, &at)?;
                    term.coords.shift_remove(degree_dim);
                    Some(term)
                }
                None => None,
            };
            sum = match (sum, term) {
                (None, None) => None,
                (None, Some(term)) => {
                    // As xarray starts: zeros of the coordinate's shape, and the first coefficient.
                    let zero = super::Operand::Number(
                        Scalar::from_i64(DType::Int64, 0),
                        super::WeakKind::Int,
                    );
                    let zeros = super::binary(Binary::Multiply, &of(&x), &zero)?;
                    Some(super::binary(Binary::Add, &of(&zeros), &of(&term))?)
                }
                (Some(sum), term) => {
                    let risen = super::binary(Binary::Multiply, &of(&sum), &of(&x))?;
                    Some(match term {
                        Some(term) => super::binary(Binary::Add, &of(&risen), &of(&term))?,
                        None => risen,
                    })
                }
            };
        }
        sum.ok_or_else(|| Error::invalid("a polynomial without coefficients"))
    }
}

fn numbers(variable: &Variable, session: &Session) -> Result<Vec<f64>> {
    let block = variable.values(session)?;
    let scale = match variable.dtype() {
        DType::Time(time) => {
            // Nanoseconds to a count.
            1e9 / crate::calendar::counts_of(1_000_000_000, time)? as f64
        }
        _ => 1.0,
    };
    let number = |one: Scalar| match one.dtype() {
        DType::Time(_) => one.to_i64().map(|count| count as f64 * scale),
        _ => one.to_f64(),
    };
    let values: Option<Vec<f64>> = block.scalars().map(number).collect();
    values.ok_or_else(|| Error::invalid("labels that are no numbers"))
}

fn choose(n: usize, k: usize) -> f64 {
    (0..k).map(|at| (n - at) as f64 / (at + 1) as f64).product()
}

/// Gauss's elimination of each cell's equations; they are symmetric and positive, so no row has to be exchanged.
fn solve(mut rows: Vec<Vec<NodeRef>>) -> Result<Vec<NodeRef>> {
    let size = rows.len();
    for pivot in 0..size {
        for row in pivot + 1..size {
            let factor = ops::binary(Binary::Divide, &rows[row][pivot], &rows[pivot][pivot])?;
            let (above, below) = rows.split_at_mut(row);
            let pairs = below[0][pivot..=size]
                .iter_mut()
                .zip(&above[pivot][pivot..=size]);
            for (entry, of_pivot) in pairs {
                let part = ops::binary(Binary::Multiply, &factor, of_pivot)?;
                *entry = ops::binary(Binary::Subtract, entry, &part)?;
            }
        }
    }
    let mut solved: Vec<Option<NodeRef>> = vec![None; size];
    for row in (0..size).rev() {
        let mut right = rows[row][size].clone();
        for column in row + 1..size {
            if let Some(known) = &solved[column] {
                let part = ops::binary(Binary::Multiply, &rows[row][column], known)?;
                right = ops::binary(Binary::Subtract, &right, &part)?;
            }
        }
        solved[row] = Some(ops::binary(Binary::Divide, &right, &rows[row][row])?);
    }
    solved
        .into_iter()
        .map(|one| one.ok_or_else(|| Error::internal("an equation without a solution")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn coefficients_are_binomial() {
        assert_eq!(
            (0..=4).map(|k| choose(4, k)).collect::<Vec<_>>(),
            [1.0, 4.0, 6.0, 4.0, 1.0]
        );
    }
}
