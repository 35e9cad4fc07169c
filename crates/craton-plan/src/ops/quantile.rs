//! Quantiles and medians of whole columns, all of them or by group.

use super::entry;
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{
    ColumnWork, Groups, OfGroups, Operator, OperatorEntry, Results, ShapeOfWork, Work,
};
use craton_core::{Error, Result};
use craton_kernels::column::ColumnKernel;
use craton_kernels::quantile::{Quantile, QuantileMethod, Quantity};
use std::sync::Arc;

pub(super) const QUANTILE: OperatorEntry = entry(
    "quantile",
    "quantity, axes, skipna",
    ShapeOfWork::Shuffle,
    "Quantiles or the median over axes; quantiles lie along a new first axis.",
);
pub(super) const GROUP_QUANTILE: OperatorEntry = entry(
    "group_quantile",
    "quantity, axis, codes, groups, skipna",
    ShapeOfWork::Shuffle,
    "As `quantile`, of the indices of one axis that belong to each group.",
);

/// The median or quantiles over `axes`. Quantiles lie along a new first axis, one index for each fraction.
///
/// # Missing values
/// Left out if `skip_missing`; otherwise the result is missing where any value is. Nothing gives a missing value.
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if not defined for the dtype, a fraction lies outside 0 to 1 or an axis
/// is outside.
/// # Cost
/// All values of a column are in memory at once. Where not all columns fit, the input is computed in several passes.
pub fn quantile(
    quantity: &Quantity,
    input: &NodeRef,
    axes: &[usize],
    skip_missing: bool,
) -> Result<NodeRef> {
    let rank = input.shape().len();
    let is_reduced = (0..rank).map(|axis| axes.contains(&axis)).collect();
    if let Some(axis) = axes.iter().find(|axis| **axis >= rank) {
        return Err(Error::invalid(format!(
            "axis {axis} of an array with {rank} axes"
        )));
    }
    let operator = Columns {
        quantity: quantity.clone(),
        skip_missing,
        is_reduced,
        groups: None,
    };
    Node::apply(operator, vec![input.clone()])
}

/// As [`quantile`], of the indices of `axis` that share a code, for each group `0..count`. Negative codes belong to
/// no group; a group without members gives a missing value.
///
/// # Errors
/// As [`quantile`], and if codes do not fit the axis.
pub fn group_quantile(
    quantity: &Quantity,
    input: &NodeRef,
    axis: usize,
    codes: impl Into<Arc<[i64]>>,
    count: usize,
    skip_missing: bool,
) -> Result<NodeRef> {
    let groups = Groups {
        axis,
        codes: codes.into(),
        count,
    };
    let operator = Columns {
        quantity: quantity.clone(),
        skip_missing,
        is_reduced: vec![false; input.shape().len()],
        groups: Some(groups),
    };
    Node::apply(operator, vec![input.clone()])
}

/// That fractions lie between 0 and 1.
pub(super) fn check_fractions(fractions: &[f64]) -> Result<()> {
    let outside = |fraction: &&f64| !(0.0..=1.0).contains(*fraction);
    match fractions.iter().find(outside) {
        Some(fraction) => Err(Error::invalid(format!(
            "quantile {fraction}, but they lie between 0 and 1"
        ))),
        None => Ok(()),
    }
}

#[derive(Debug, Clone)]
struct Columns {
    quantity: Quantity,
    skip_missing: bool,
    is_reduced: Vec<bool>,
    groups: Option<Groups>,
}

impl Columns {
    fn bound(&self, input: &Meta) -> Result<Quantile> {
        let name = match self.quantity {
            Quantity::Median => "median",
            Quantity::Quantiles(..) => "quantile",
        };
        Quantile::new(self.quantity.clone(), input.dtype, self.skip_missing)
            .ok_or_else(|| Error::invalid(format!("`{name}` is not defined for {}", input.dtype)))
    }
}

impl Operator for Columns {
    fn name(&self) -> &'static str {
        match self.groups {
            None => QUANTILE.name,
            Some(_) => GROUP_QUANTILE.name,
        }
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let mut shape = inputs[0].shape.clone();
        if let Quantity::Quantiles(fractions, _) = &self.quantity {
            check_fractions(fractions)?;
        }
        let bound = self.bound(inputs[0])?;
        if let Some(groups) = &self.groups {
            groups.check(&shape)?;
            shape[groups.axis] = groups.count as u64;
        }
        let mut is_kept = self.is_reduced.iter().map(|is_reduced| !is_reduced);
        shape.retain(|_| is_kept.next().unwrap_or(true));
        if matches!(self.quantity, Quantity::Quantiles(..)) {
            shape.insert(0, bound.count(0) as u64);
        }
        Ok(Meta::new(shape, bound.output()))
    }
    fn demand(&self, _: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut axis = usize::from(matches!(self.quantity, Quantity::Quantiles(..)));
        let maps = self.is_reduced.iter().enumerate().map(|(own, is_reduced)| {
            if *is_reduced {
                return AxisMap::Reduced;
            }
            axis += 1;
            match &self.groups {
                Some(groups) if groups.axis == own => AxisMap::Grouped {
                    axis: axis - 1,
                    codes: groups.codes.clone(),
                },
                _ => AxisMap::same(axis - 1),
            }
        });
        vec![maps.collect()]
    }
    fn work(&self, inputs: &[&Meta], _: &Meta) -> Work {
        match self.bound(inputs[0]) {
            Ok(quantile) => Work::Columns(ColumnWork {
                kernel: Arc::new(quantile),
                is_reduced: self.is_reduced.clone(),
                groups: self.groups.clone(),
                results: Results::First,
            }),
            // OK because `infer` refused what has none; a view of nothing cannot be lowered by mistake.
            Err(_) => Work::View,
        }
    }
    fn of_groups(&self, wanted: &[u64]) -> Option<OfGroups> {
        let (groups, indices) = self.groups.as_ref()?.only(wanted)?;
        let fewer = Self {
            groups: Some(groups),
            ..self.clone()
        };
        Some((Box::new(fewer), indices))
    }
    fn canonical(&self, out: &mut Canonical) {
        match &self.quantity {
            Quantity::Median => out.text("median"),
            Quantity::Quantiles(fractions, method) => out
                .text(match method {
                    QuantileMethod::Linear => "quantiles",
                    other => other.name(),
                })
                .list(fractions.iter().map(|fraction| fraction.to_bits())),
        };
        out.integer(i64::from(self.skip_missing)).list(
            self.is_reduced
                .iter()
                .map(|is_reduced| u64::from(*is_reduced)),
        );
        if let Some(groups) = &self.groups {
            groups.canonical(out);
        }
    }
    fn describe(&self) -> String {
        let what = match &self.quantity {
            Quantity::Median => "median".to_owned(),
            Quantity::Quantiles(fractions, QuantileMethod::Linear) => format!("{fractions:?}"),
            Quantity::Quantiles(fractions, method) => format!("{fractions:?} {}", method.name()),
        };
        match &self.groups {
            Some(groups) => format!(
                "{what} of {} groups along axis {}",
                groups.count, groups.axis
            ),
            None => {
                let axes: Vec<usize> = (0..self.is_reduced.len())
                    .filter(|axis| self.is_reduced[*axis])
                    .collect();
                format!("{what} over axes {axes:?}")
            }
        }
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
