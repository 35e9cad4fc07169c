//! Quantiles of values that have weights.
//!
//! Columns are made of one array, so values and weights become pairs first: complex numbers, which no user sees.

use super::quantile::check_fractions;
use super::{cast, entry};
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{ColumnWork, Operator, OperatorEntry, Results, ShapeOfWork, Work};
use craton_core::{DType, Error, Result};
use craton_kernels::column::ColumnKernel;
use craton_kernels::program::Operation;
use craton_kernels::weighted::WeightedQuantile;
use std::sync::Arc;

pub(super) const PAIR: OperatorEntry = entry(
    "pair",
    "",
    ShapeOfWork::Blockwise,
    "An element of each input, side by side: a value and its weight.",
);
pub(super) const WEIGHTED_QUANTILE: OperatorEntry = entry(
    "weighted_quantile",
    "fractions, axes, skipna",
    ShapeOfWork::Shuffle,
    "Quantiles over axes of pairs of values and weights, along a new first axis.",
);

/// Quantiles of `values` over `axes`, in which each counts as much as the element of `weights` in its place, along a new
/// first axis with one index for each fraction.
///
/// # Missing values
/// Left out with their weights if `skip_missing`; otherwise the result is missing where any value is, even one without
/// weight. It is missing as well where no value has a weight.
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if shapes differ, either has no real numbers, a fraction lies outside 0 to 1
/// or an axis is outside.
/// # Cost
/// All pairs of a column are in memory at once, 16 bytes each. Where not all columns fit, the input is computed in
/// several passes.
pub fn weighted_quantile(
    fractions: &[f64],
    values: &NodeRef,
    weights: &NodeRef,
    axes: &[usize],
    skip_missing: bool,
) -> Result<NodeRef> {
    let rank = values.shape().len();
    if let Some(axis) = axes.iter().find(|axis| **axis >= rank) {
        let message = format!("axis {axis} of an array with {rank} axes");
        return Err(Error::invalid(message));
    }
    let doubles = [values, weights].map(|input| match input.dtype() {
        dtype if dtype.is_numeric() && !dtype.is_complex() => cast(input, DType::Float64),
        dtype => Err(Error::invalid(format!(
            "a weighted quantile is not defined for {dtype}"
        ))),
    });
    let [values, weights] = doubles;
    let pairs = Node::apply(Pair, vec![values?, weights?])?;
    let operator = Columns {
        fractions: fractions.to_vec(),
        skip_missing,
        is_reduced: (0..rank).map(|axis| axes.contains(&axis)).collect(),
    };
    Node::apply(operator, vec![pairs])
}

#[derive(Debug, Clone)]
struct Pair;

impl Operator for Pair {
    fn name(&self) -> &'static str {
        PAIR.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        if inputs[0].shape != inputs[1].shape {
            let shapes = [&inputs[0].shape, &inputs[1].shape];
            return Err(Error::invalid(format!(
                "values and weights have the shapes {shapes:?}"
            )));
        }
        Ok(Meta::new(inputs[0].shape.clone(), DType::Complex128))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let maps = inputs
            .iter()
            .map(|input| AxisMap::identity(input.shape.len()));
        maps.collect()
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::Map(Operation::pair())
    }
    fn canonical(&self, _: &mut Canonical) {}
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Columns {
    fractions: Vec<f64>,
    skip_missing: bool,
    is_reduced: Vec<bool>,
}

impl Operator for Columns {
    fn name(&self) -> &'static str {
        WEIGHTED_QUANTILE.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        check_fractions(&self.fractions)?;
        let kept = inputs[0].shape.iter().zip(&self.is_reduced);
        let kept = kept.filter(|(_, is_reduced)| !**is_reduced);
        let kept = kept.map(|(length, _)| *length);
        let shape = std::iter::once(self.fractions.len() as u64).chain(kept);
        Ok(Meta::new(shape.collect(), DType::Float64))
    }
    fn demand(&self, _: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut axis = 0;
        let maps = self.is_reduced.iter().map(|is_reduced| {
            if *is_reduced {
                return AxisMap::Reduced;
            }
            axis += 1;
            AxisMap::same(axis)
        });
        vec![maps.collect()]
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        let kernel: Arc<dyn ColumnKernel> = Arc::new(WeightedQuantile::new(
            self.fractions.clone(),
            self.skip_missing,
        ));
        Work::Columns(ColumnWork {
            kernel,
            is_reduced: self.is_reduced.clone(),
            groups: None,
            results: Results::First,
        })
    }
    fn canonical(&self, out: &mut Canonical) {
        let bits = self.fractions.iter().map(|fraction| fraction.to_bits());
        out.list(bits)
            .integer(i64::from(self.skip_missing))
            .list(self.is_reduced.iter().map(|folds| u64::from(*folds)));
    }
    fn describe(&self) -> String {
        let axes = self.is_reduced.iter().enumerate();
        let axes: Vec<usize> = axes.filter(|axis| *axis.1).map(|axis| axis.0).collect();
        format!("{:?} over axes {axes:?}", self.fractions)
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
