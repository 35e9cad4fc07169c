//! Polynomials of least squares along a dimension, and their values.

use super::places::{block_of, doubles};
use super::powers::Powers;
use super::{DataArray, Dataset, Variable};
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

/// A polynomial to fit, and what is told of it beside its coefficients.
#[derive(Clone, Debug, Default)]
pub struct PolynomialFit {
    /// The highest power.
    pub degree: usize,
    /// What each index along the dimension is multiplied by, on both sides; 1 if there are none.
    pub weights: Option<Vec<f64>>,
    /// How small a singular value may be beside the greatest.
    pub rcond: Option<f64>,
    /// Whether a missing value makes the coefficients missing, rather than being left out.
    pub passes_missing: bool,
    /// Whether residuals, rank and singular values are told.
    pub is_full: bool,
    /// Which covariance of the coefficients is told.
    pub covariance: Covariance,
}

/// How the covariance of coefficients is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Covariance {
    /// Not at all.
    #[default]
    None,
    /// As it is for values whose errors are what is left of them.
    Scaled,
    /// As it is for values whose errors are the inverse of the weights.
    Unscaled,
}

/// The numbers of a dimension, between -1 and 1 where powers stay apart.
struct Centred<'a> {
    dim: &'a str,
    places: Vec<f64>,
    mean: f64,
    scale: f64,
}

impl<'a> Centred<'a> {
    fn new(dim: &'a str, x: &[f64]) -> Self {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let widest = x.iter().map(|x| (x - mean).abs()).fold(0.0, f64::max);
        let scale = if widest > 0.0 { widest } else { 1.0 };
        Self {
            dim,
            places: x.iter().map(|x| (x - mean) / scale).collect(),
            mean,
            scale,
        }
    }

    /// What `of` gives for each place, along `axis` of `shape`.
    fn spread(
        &self,
        shape: &[u64],
        axis: usize,
        of: impl Fn(usize, f64) -> f64,
    ) -> Result<NodeRef> {
        let numbered = self.places.iter().enumerate();
        let values: Vec<f64> = numbered.map(|(at, place)| of(at, *place)).collect();
        ops::broadcast_axes(&doubles(self.dim, &values)?.node, shape, &[axis])
    }

    /// The coefficients of the coordinate's own powers, the highest first, of those of the places, the lowest first.
    fn own_powers(&self, solved: &[NodeRef]) -> Result<Vec<NodeRef>> {
        let of_power = |power: usize| {
            let mut sum: Option<NodeRef> = None;
            for (from, coefficient) in solved.iter().enumerate().skip(power) {
                let factor = choose(from, power) * (-self.mean).powi((from - power) as i32)
                    / self.scale.powi(from as i32);
                let term = ops::binary(Binary::Multiply, coefficient, &constant(factor)?)?;
                sum = Some(match sum {
                    None => term,
                    Some(sum) => ops::binary(Binary::Add, &sum, &term)?,
                });
            }
            sum.ok_or_else(|| Error::internal("a polynomial without terms"))
        };
        (0..solved.len()).rev().map(of_power).collect()
    }
}

fn sum(node: &NodeRef, axis: usize) -> Result<NodeRef> {
    // What is left out is zero already.
    let options = ReduceOptions {
        skip_missing: false,
        ..ReduceOptions::default()
    };
    ops::reduce(Reduction::Sum, node, &[axis], options)
}

impl DataArray {
    /// The polynomial along `dim` that is nearest to the values: `polyfit_coefficients` along a new first dimension
    /// `degree`, the highest first, and beside them what `fit` asks for, by the names that xarray gives.
    ///
    /// # Missing values
    /// Left out, unless `fit` passes them; missing where too few are left. Residuals are missing where nothing is left
    /// over: as many values as coefficients, or powers that cannot be told apart.
    /// # Errors
    /// As [`DataArray::axis`]; [`craton_core::ErrorKind::InvalidInput`] for weights of another length, or too few
    /// values for a covariance; [`craton_core::ErrorKind::Unsupported`] for high degrees, and where `rcond` would leave
    /// powers out.
    /// # Cost
    /// One pass over the values, and `2 * degree + 1` sums held at once; residuals take a second pass.
    /// # Source
    /// `numpy.polyfit`, as xarray's `polyfit` applies it.
    pub fn polyfit(&self, dim: &str, fit: &PolynomialFit, session: &Session) -> Result<Dataset> {
        let axis = self.axis(dim)?;
        if fit.degree > MOST {
            let message = format!("a polynomial of degree {}", fit.degree);
            return Err(Error::unsupported(message).hint(format!("up to {MOST}")));
        }
        let size = fit.degree + 1;
        let x = self.epoch_positions(dim, session)?;
        if let Some(weights) = fit.weights.as_ref().filter(|own| own.len() != x.len()) {
            let message = format!("{} weights for {} of `{dim}`", weights.len(), x.len());
            return Err(Error::invalid(message));
        }
        let powers = Powers::new(&x, fit.weights.as_deref(), fit.degree);
        if let Some(rcond) = fit.rcond {
            powers.check(rcond)?;
        }
        let values = Values::new(&self.variable, axis, fit)?;
        let centred = Centred::new(dim, &x);
        let solved = values.solve(&centred, size)?;
        let count = sum(&values.ones, axis)?;
        let where_more_than = |least: usize, node: &NodeRef| {
            let is_more = ops::binary(Binary::Greater, &count, &constant(least as f64)?)?;
            ops::select(&is_more, node, &constant(f64::NAN)?)
        };
        let others = self.dims().iter().filter(|own| *own != dim);
        let others: Vec<String> = others.cloned().collect();
        let mut out = Dataset::default();
        let mut tell = |name: &str, dims: &[&str], others: &[String], node: NodeRef| {
            let own = dims.iter().map(|dim| (*dim).to_owned());
            let dims = own.chain(others.iter().cloned()).collect();
            let variable = Variable::new(dims, node, Attributes::new())?;
            out.variables.insert(name.to_owned(), variable);
            Result::Ok(())
        };
        let coefficients = centred.own_powers(&solved)?;
        let coefficients = coefficients
            .iter()
            .map(|one| where_more_than(fit.degree, one));
        let coefficients = coefficients.collect::<Result<Vec<_>>>()?;
        let coefficients = ops::stack(&coefficients, 0)?;
        tell("polyfit_coefficients", &["degree"], &others, coefficients)?;
        if fit.is_full {
            let rank = Scalar::from_i64(DType::Int64, powers.rank() as i64);
            tell(&format!("{dim}_matrix_rank"), &[], &[], ops::scalar(rank)?)?;
            let values = doubles("degree", &powers.told_values())?.node;
            tell(&format!("{dim}_singular_values"), &["degree"], &[], values)?;
        }
        let of_both = ["cov_i", "cov_j"];
        if fit.is_full || fit.covariance == Covariance::Scaled {
            let squares = values.squares_left(&centred, &solved)?;
            let residuals = match powers.is_whole(fit.rcond) {
                true => where_more_than(size, &squares)?,
                false => ops::full(Scalar::from_f64(DType::Float64, f64::NAN), squares.shape())?,
            };
            if fit.covariance == Covariance::Scaled {
                let freedom = x.len().checked_sub(size).filter(|left| *left > 0);
                let freedom = freedom.ok_or_else(|| {
                    let message = format!("{} values of `{dim}` for {size} coefficients", x.len());
                    Error::invalid(message)
                        .hint("a covariance needs more values; `cov=\"unscaled\"` does not")
                })?;
                let covariance = scaled(&powers.inverse()?, &residuals, freedom)?;
                tell("polyfit_covariance", &of_both, &others, covariance)?;
            }
            tell("polyfit_residuals", &[], &others, residuals)?;
        }
        if fit.covariance == Covariance::Unscaled {
            tell("polyfit_covariance", &of_both, &[], powers.inverse()?)?;
        }
        out.coords = self.coords.clone();
        out.coords
            .retain(|name, coord| coord.dims == [name.clone()] && name != dim);
        let degrees = (0..size as i64).rev();
        let degrees: Vec<Scalar> = degrees
            .map(|degree| Scalar::from_i64(DType::Int64, degree))
            .collect();
        let degrees = block_of(DType::Int64, &degrees)?;
        let degrees = Variable::of_block(vec!["degree".to_owned()], degrees, Attributes::new())?;
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

/// The values that a polynomial is fitted to.
struct Values<'a> {
    axis: usize,
    /// Doubles, zero where they are missing.
    values: NodeRef,
    valid: NodeRef,
    /// 1 where a value is valid, else 0.
    ones: NodeRef,
    weights: Option<&'a [f64]>,
}

impl<'a> Values<'a> {
    fn new(variable: &Variable, axis: usize, fit: &'a PolynomialFit) -> Result<Self> {
        let values = ops::cast(&variable.node, DType::Float64)?;
        let valid = match fit.passes_missing {
            true => ops::full(Scalar::from_f64(DType::Bool, 1.0), variable.shape())?,
            false => ops::unary(Unary::NotNan, &values)?,
        };
        Ok(Self {
            axis,
            values: ops::select(&valid, &values, &constant(0.0)?)?,
            ones: ops::cast(&valid, DType::Float64)?,
            valid,
            weights: fit.weights.as_deref(),
        })
    }

    /// On both sides of an equation whose sides are multiplied by each other, weights stand squared.
    fn weight(&self, at: usize) -> f64 {
        self.weights.map_or(1.0, |own| own[at] * own[at])
    }

    /// The weighted sum of `of` times a power of the places.
    fn moment(&self, of: &NodeRef, centred: &Centred<'_>, power: usize) -> Result<NodeRef> {
        let powers = centred.spread(of.shape(), self.axis, |at, place| {
            self.weight(at) * place.powi(power as i32)
        })?;
        sum(&ops::binary(Binary::Multiply, of, &powers)?, self.axis)
    }

    /// The coefficients of the first `size` powers of the places, the lowest first.
    fn solve(&self, centred: &Centred<'_>, size: usize) -> Result<Vec<NodeRef>> {
        let sums = (0..2 * size - 1)
            .map(|power| self.moment(&self.ones, centred, power))
            .collect::<Result<Vec<_>>>()?;
        let mut rows: Vec<Vec<NodeRef>> = Vec::new();
        for row in 0..size {
            let mut all: Vec<NodeRef> = (0..size).map(|at| sums[row + at].clone()).collect();
            all.push(self.moment(&self.values, centred, row)?);
            rows.push(all);
        }
        solve(rows)
    }

    /// The weighted sum of squares of what the polynomial with these coefficients leaves.
    fn squares_left(&self, centred: &Centred<'_>, coefficients: &[NodeRef]) -> Result<NodeRef> {
        let (axis, shape) = (self.axis, self.values.shape());
        let kept: Vec<usize> = (0..shape.len()).filter(|own| *own != axis).collect();
        let places = centred.spread(shape, axis, |_, place| place)?;
        let mut fitted: Option<NodeRef> = None;
        for coefficient in coefficients.iter().rev() {
            let coefficient = ops::broadcast_axes(coefficient, shape, &kept)?;
            fitted = Some(match fitted {
                None => coefficient,
                Some(risen) => {
                    let risen = ops::binary(Binary::Multiply, &risen, &places)?;
                    ops::binary(Binary::Add, &risen, &coefficient)?
                }
            });
        }
        let fitted = fitted.ok_or_else(|| Error::internal("a polynomial without terms"))?;
        let left = ops::binary(Binary::Subtract, &self.values, &fitted)?;
        let left = ops::select(&self.valid, &left, &constant(0.0)?)?;
        let squares = ops::binary(Binary::Multiply, &left, &left)?;
        let weights = centred.spread(shape, axis, |at, _| self.weight(at))?;
        sum(&ops::binary(Binary::Multiply, &squares, &weights)?, axis)
    }
}

/// A covariance for errors of which `residuals` are the squares, `freedom` times.
fn scaled(covariance: &NodeRef, residuals: &NodeRef, freedom: usize) -> Result<NodeRef> {
    let factor = ops::binary(Binary::Divide, residuals, &constant(freedom as f64)?)?;
    let shape = [covariance.shape(), factor.shape()].concat();
    let behind: Vec<usize> = (2..shape.len()).collect();
    let factor = ops::broadcast_axes(&factor, &shape, &behind)?;
    let covariance = ops::broadcast_axes(covariance, &shape, &[0, 1])?;
    ops::binary(Binary::Multiply, &covariance, &factor)
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
