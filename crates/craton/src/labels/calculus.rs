//! Slopes and areas along a coordinate.

use super::places::doubles;
use super::{DataArray, Operand, Variable, binary};
use crate::calendar::counts_of;
use crate::session::Session;
use craton_core::{Attributes, DType, Error, Result, TimeType, TimeUnit};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::promote::promote;
use craton_kernels::scan::Cumulation;
use craton_plan::ops::{self, ReduceOptions};

/// The values of a coordinate as numbers, the type in which xarray calculates with them, and its dimension.
pub(crate) struct Positions {
    /// The dimension along which it runs.
    pub dim: String,
    /// One number an index.
    pub values: Vec<f64>,
    /// Of the coordinate.
    pub dtype: DType,
}

/// The nanoseconds of a unit that NumPy names.
fn nanoseconds(code: &str) -> Option<i64> {
    Some(match code {
        "W" => 604_800_000_000_000,
        "D" => 86_400_000_000_000,
        "h" => 3_600_000_000_000,
        "m" => 60_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" => 1000,
        "ns" => 1,
        _ => return None,
    })
}

/// How many counts of `time` one of the unit named `code` is.
pub(crate) fn counts_in_unit(code: &str, time: TimeType) -> Result<f64> {
    let wrong = || {
        Error::usage(format!("`{code}` is no unit of time"))
            .hint("there are W, D, h, m, s, ms, us and ns")
    };
    let wanted = nanoseconds(code).ok_or_else(wrong)?;
    let own = TimeType {
        unit: TimeUnit::Nanosecond,
        step: 1,
        ..time
    };
    let own = counts_of(wanted, own)? as f64;
    let unit = nanoseconds(time.unit.code()).ok_or_else(wrong)?;
    Ok(own / (unit as f64 * f64::from(time.step.max(1))))
}

impl DataArray {
    /// The numbers of a coordinate of one dimension; times as counts of `unit`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] for coordinates of several dimensions and texts.
    pub(crate) fn positions(
        &self,
        coord: &str,
        unit: Option<&str>,
        session: &Session,
    ) -> Result<Positions> {
        let found = match self.coords.get(coord) {
            Some(found) => found.clone(),
            None => {
                let length = self.variable.shape()[self.axis(coord)?];
                let values: Vec<f64> = (0..length).map(|at| at as f64).collect();
                let mut index = doubles(coord, &values)?;
                index.node = ops::cast(&index.node, DType::Int64)?;
                index
            }
        };
        let [dim] = found.dims.as_slice() else {
            let message = format!(
                "the coordinate `{coord}` has the dimensions {:?}, where one is needed",
                found.dims
            );
            return Err(Error::invalid(message));
        };
        let block = found.values(session)?;
        let values: Option<Vec<f64>> = match found.dtype() {
            DType::Time(time) => {
                let scale = unit.map_or(Ok(1.0), |unit| counts_in_unit(unit, time))?;
                let start = block.get(0).and_then(|first| first.to_i64()).unwrap_or(0);
                let count = |count: i64| (count - start) as f64 / scale;
                block.scalars().map(|one| one.to_i64().map(count)).collect()
            }
            _ => block.scalars().map(|one| one.to_f64()).collect(),
        };
        let values = values
            .ok_or_else(|| Error::invalid(format!("the coordinate `{coord}` holds no numbers")))?;
        Ok(Positions {
            dim: dim.clone(),
            values,
            dtype: found.dtype(),
        })
    }

    /// The slope along a coordinate, from the neighbours on both sides, of second order; at the ends of order `edge`.
    ///
    /// # Errors
    /// As [`DataArray::axis`]; [`craton_core::ErrorKind::InvalidInput`] for too few labels.
    pub fn differentiate(
        &self,
        coord: &str,
        edge: usize,
        unit: Option<&str>,
        session: &Session,
    ) -> Result<Self> {
        let at = self.positions(coord, unit, session)?;
        let axis = self.axis(&at.dim)?;
        let count = at.values.len();
        if !(1..=2).contains(&edge) {
            return Err(Error::usage("`edge_order` is 1 or 2"));
        }
        if count < edge + 1 {
            let message = format!("a slope along {count} labels, which needs {}", edge + 1);
            return Err(Error::invalid(message));
        }
        let stencil = Stencil::new(&at.values, edge);
        let own = self.variable.dtype();
        let dtype = if own.is_float() { own } else { DType::Float64 };
        let shape = self.variable.shape();
        let values = ops::cast(&self.variable.node, DType::Float64)?;
        let mut sum = None;
        for (places, weights) in stencil.terms {
            let taken = ops::gather(&values, axis, places)?;
            let weights = doubles(&at.dim, &weights)?.node;
            let weights = ops::broadcast_axes(&weights, shape, &[axis])?;
            let term = ops::binary(Binary::Multiply, &taken, &weights)?;
            sum = Some(match sum {
                None => term,
                Some(sum) => ops::binary(Binary::Add, &sum, &term)?,
            });
        }
        let sum = sum.ok_or_else(|| Error::internal("a slope without terms"))?;
        let slope = ops::cast(&sum, dtype)?;
        // As in xarray: a slope is another quantity.
        let slope = Variable::new(self.dims().to_vec(), slope, Attributes::new())?;
        Ok(self.with_variable(slope))
    }

    /// The area under the values along a coordinate by the trapezoidal rule: whole, or up to each label.
    ///
    /// # Errors
    /// As [`DataArray::axis`].
    pub fn integrate(
        &self,
        coord: &str,
        unit: Option<&str>,
        is_cumulative: bool,
        session: &Session,
    ) -> Result<Self> {
        let at = self.positions(coord, unit, session)?;
        let axis = self.axis(&at.dim)?;
        let count = at.values.len();
        let widths: Vec<f64> = at.values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let kind = match at.dtype {
            DType::Float32 => DType::Float32,
            _ => DType::Float64,
        };
        let dtype = promote(self.variable.dtype(), kind).unwrap_or(DType::Float64);
        let values = ops::cast(&self.variable.node, DType::Float64)?;
        let part = |start: u64| {
            let list: Vec<u64> = (start..start + widths.len() as u64).collect();
            ops::gather(&values, axis, list)
        };
        let both = ops::binary(Binary::Add, &part(1)?, &part(0)?)?;
        let halves: Vec<f64> = widths.iter().map(|width| width / 2.0).collect();
        let halves = ops::broadcast_axes(&doubles(&at.dim, &halves)?.node, both.shape(), &[axis])?;
        let areas = ops::binary(Binary::Multiply, &both, &halves)?;
        let node = if is_cumulative {
            let running = ops::cumulate(Cumulation::Sum, &areas, axis, false)?;
            let running = self.variable.with_node(ops::cast(&running, dtype)?)?;
            let places: Vec<Option<u64>> = (0..count as u64).map(|at| at.checked_sub(1)).collect();
            let zero = Operand::Number(craton_core::Scalar::zero(dtype), super::WeakKind::Strong);
            let mut moved = running.at_places(&at.dim, &places, &super::Fill::Number(zero))?;
            moved.attributes.clear();
            return Ok(self.with_variable(moved));
        } else {
            ops::reduce(Reduction::Sum, &areas, &[axis], every_value())?
        };
        let dims = self.dims().iter().filter(|dim| **dim != at.dim).cloned();
        let attributes = Attributes::new();
        let variable = Variable::new(dims.collect(), ops::cast(&node, dtype)?, attributes)?;
        let mut out = self.with_variable(variable);
        // What ran along the dimension is gone, and the coordinate with it.
        out.coords.retain(|name, _| name != coord);
        Ok(out)
    }

    /// `self` times `other` and so on, summed over dimensions that all have; over `dims` if given.
    ///
    /// # Missing values
    /// A product with one makes the sum missing.
    /// # Errors
    /// As [`binary`].
    pub fn dot(arrays: &[&DataArray], dims: Option<&[String]>, is_all: bool) -> Result<Self> {
        let (first, others) = arrays
            .split_first()
            .ok_or_else(|| Error::usage("`dot` needs an array"))?;
        let mut product = (*first).clone();
        for other in others {
            let (one, other) = (Operand::Array(product), Operand::Array((*other).clone()));
            product = binary(Binary::Multiply, &one, &other)?;
        }
        let shared = |dim: &String| {
            let count = arrays
                .iter()
                .filter(|array| array.variable.axis(dim).is_some());
            count.count() > 1 || arrays.len() == 1
        };
        let folded: Vec<String> = match dims {
            Some(dims) => dims.to_vec(),
            None if is_all => product.dims().to_vec(),
            None => product
                .dims()
                .iter()
                .filter(|dim| shared(dim))
                .cloned()
                .collect(),
        };
        let axes = folded.iter().map(|dim| product.axis(dim));
        let axes = axes.collect::<Result<Vec<_>>>()?;
        let dtype = product.variable.dtype();
        let node = ops::reduce(Reduction::Sum, &product.variable.node, &axes, every_value())?;
        let kept = product.dims().iter().filter(|dim| !folded.contains(dim));
        let kept = kept.cloned().collect();
        let attributes = product.variable.attributes.clone();
        let mut out =
            product.with_variable(Variable::new(kept, ops::cast(&node, dtype)?, attributes)?);
        out.name.clone_from(&first.name);
        Ok(out)
    }
}

/// Missing values make the sum missing: they have no area and no product that could be left out.
fn every_value() -> ReduceOptions {
    ReduceOptions {
        skip_missing: false,
        ..ReduceOptions::default()
    }
}

/// Which neighbours the slope at each index is made of, and how much each counts.
struct Stencil {
    terms: Vec<(Vec<u64>, Vec<f64>)>,
}

impl Stencil {
    fn new(x: &[f64], edge: usize) -> Self {
        let last = x.len() - 1;
        let step = |at: usize| x[at + 1] - x[at];
        let is_even = (0..last).all(|at| step(at) == step(0));
        // Three terms an index: place and weight, in the order in which NumPy adds them.
        let mut rows: Vec<[(usize, f64); 3]> = Vec::new();
        for at in 0..=last {
            rows.push(if at == 0 || at == last {
                let inner = if at == 0 { 0 } else { last - 1 };
                let sign = if at == 0 { 1.0 } else { -1.0 };
                let neighbour = if at == 0 { 1 } else { last - 1 };
                if edge == 1 {
                    let weight = sign / step(inner);
                    [(at, -weight), (neighbour, weight), (neighbour, 0.0)]
                } else {
                    let far = if at == 0 { 2 } else { last - 2 };
                    let outer = if at == 0 { 1 } else { last - 2 };
                    let (near, next) = (step(inner), step(outer));
                    [
                        (at, -sign * (2.0 * near + next) / (near * (near + next))),
                        (neighbour, sign * (near + next) / (near * next)),
                        (far, -sign * near / (next * (near + next))),
                    ]
                }
            } else if is_even {
                let weight = 0.5 / step(0);
                [(at - 1, -weight), (at + 1, weight), (at + 1, 0.0)]
            } else {
                let (before, after) = (step(at - 1), step(at));
                [
                    (at - 1, -after / (before * (before + after))),
                    (at, (after - before) / (before * after)),
                    (at + 1, before / (after * (before + after))),
                ]
            });
        }
        let term = |which: usize| {
            let places = rows.iter().map(|row| row[which].0 as u64).collect();
            let weights: Vec<f64> = rows.iter().map(|row| row[which].1).collect();
            (places, weights)
        };
        // A third term that counts nothing anywhere is left out.
        let count = if rows.iter().all(|row| row[2].1 == 0.0) {
            2
        } else {
            3
        };
        Self {
            terms: (0..count).map(term).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stencil_is_exact_for_parabolas_on_uneven_labels() {
        let x = [0.0, 1.0, 3.0, 4.0, 8.0];
        let stencil = Stencil::new(&x, 2);
        for at in 0..x.len() {
            let terms = stencil.terms.iter();
            let slope: f64 = terms
                .map(|(places, weights)| weights[at] * x[places[at] as usize].powi(2))
                .sum();
            assert!((slope - 2.0 * x[at]).abs() < 1e-12, "{at}: {slope}");
        }
    }
}
