//! Axes folded away, whole or by group.

use super::entry;
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{Groups, OfGroups, Operator, OperatorEntry, ReduceWork, ShapeOfWork, Work};
use craton_core::{Error, Result};
use craton_kernels::fold::{Fold, FoldSpec, Reduction};
use std::sync::Arc;

pub(super) const REDUCE: OperatorEntry = entry(
    "reduce",
    "reduction, axes, skipna, ddof, min_count",
    ShapeOfWork::Reduce,
    "Axes folded into one value.",
);
pub(super) const GROUP_REDUCE: OperatorEntry = entry(
    "group_reduce",
    "reduction, axis, codes, groups, skipna, ddof, min_count",
    ShapeOfWork::Reduce,
    "One axis folded into one value per group.",
);

/// How a reduction treats missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReduceOptions {
    /// Whether missing values count as nothing rather than make the result missing.
    pub skip_missing: bool,
    /// Delta degrees of freedom, for variance and standard deviation.
    pub ddof: u32,
    /// Valid values needed for a valid sum or product.
    pub min_count: u32,
}

impl Default for ReduceOptions {
    fn default() -> Self {
        Self {
            skip_missing: true,
            ddof: 0,
            min_count: 0,
        }
    }
}

/// Folds `axes` away.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the reduction is not defined for the dtype, an axis is outside,
/// or an extremum of nothing is asked for.
pub fn reduce(
    reduction: Reduction,
    input: &NodeRef,
    axes: &[usize],
    options: ReduceOptions,
) -> Result<NodeRef> {
    let rank = input.shape().len();
    if let Some(axis) = axes.iter().find(|axis| **axis >= rank) {
        return Err(Error::invalid(format!(
            "axis {axis} of an array with {rank} axes"
        )));
    }
    let is_reduced: Vec<bool> = (0..rank).map(|axis| axes.contains(&axis)).collect();
    Node::apply(
        Reduce {
            reduction,
            options,
            is_reduced,
        },
        vec![input.clone()],
    )
}

/// Folds the indices of `axis` that share a code into one value per group, `0..count`.
/// Negative codes belong to no group. A group without members is as a reduction over nothing.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if codes do not fit the axis or the reduction not the dtype.
pub fn group_reduce(
    reduction: Reduction,
    input: &NodeRef,
    axis: usize,
    codes: impl Into<Arc<[i64]>>,
    count: usize,
    options: ReduceOptions,
) -> Result<NodeRef> {
    let groups = Groups {
        axis,
        codes: codes.into(),
        count,
    };
    Node::apply(
        GroupReduce {
            reduction,
            options,
            groups,
        },
        vec![input.clone()],
    )
}

fn fold_of(reduction: Reduction, options: ReduceOptions, input: &Meta) -> Result<Fold> {
    let ReduceOptions {
        skip_missing,
        ddof,
        min_count,
    } = options;
    let spec = FoldSpec {
        reduction,
        dtype: input.dtype,
        skip_missing,
        ddof,
        min_count,
    };
    Fold::new(spec).ok_or_else(|| {
        Error::invalid(format!(
            "`{}` is not defined for {}",
            reduction.name(),
            input.dtype
        ))
    })
}

/// Extrema and their places do not exist for no values at all.
fn check_not_empty(reduction: Reduction, folded: u64) -> Result<()> {
    let needs_one = matches!(
        reduction,
        Reduction::Min | Reduction::Max | Reduction::ArgMin | Reduction::ArgMax
    );
    if needs_one && folded == 0 {
        return Err(Error::invalid(format!(
            "`{}` of no values at all",
            reduction.name()
        )));
    }
    Ok(())
}

fn canonical_options(options: ReduceOptions, out: &mut Canonical) {
    out.integer(i64::from(options.skip_missing))
        .integer(i64::from(options.ddof))
        .integer(i64::from(options.min_count));
}

#[derive(Debug, Clone)]
struct Reduce {
    reduction: Reduction,
    options: ReduceOptions,
    is_reduced: Vec<bool>,
}

impl Operator for Reduce {
    fn name(&self) -> &'static str {
        REDUCE.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let fold = fold_of(self.reduction, self.options, inputs[0])?;
        let axes = || inputs[0].shape.iter().zip(&self.is_reduced);
        let folded = axes()
            .filter(|(_, is_reduced)| **is_reduced)
            .map(|(length, _)| *length)
            .product();
        check_not_empty(self.reduction, folded)?;
        let kept = axes()
            .filter(|(_, is_reduced)| !**is_reduced)
            .map(|(length, _)| *length);
        Ok(Meta::new(kept.collect(), fold.output()))
    }
    fn demand(&self, _: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut axis = 0;
        let maps = self.is_reduced.iter().map(|is_reduced| {
            if *is_reduced {
                return AxisMap::Reduced;
            }
            axis += 1;
            AxisMap::same(axis - 1)
        });
        vec![maps.collect()]
    }
    fn work(&self, inputs: &[&Meta], _: &Meta) -> Work {
        match fold_of(self.reduction, self.options, inputs[0]) {
            Ok(fold) => Work::Reduce(ReduceWork {
                fold,
                is_reduced: self.is_reduced.clone(),
                groups: None,
            }),
            // OK because `infer` refused what has no fold; a view of nothing cannot be lowered by mistake.
            Err(_) => Work::View,
        }
    }
    fn canonical(&self, out: &mut Canonical) {
        out.text(self.reduction.name()).list(
            self.is_reduced
                .iter()
                .map(|is_reduced| u64::from(*is_reduced)),
        );
        canonical_options(self.options, out);
    }
    fn describe(&self) -> String {
        let axes: Vec<usize> = (0..self.is_reduced.len())
            .filter(|axis| self.is_reduced[*axis])
            .collect();
        format!("{} over axes {axes:?}", self.reduction.name())
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct GroupReduce {
    reduction: Reduction,
    options: ReduceOptions,
    groups: Groups,
}

impl Operator for GroupReduce {
    fn name(&self) -> &'static str {
        GROUP_REDUCE.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let mut shape = inputs[0].shape.clone();
        self.groups.check(&shape)?;
        let fold = fold_of(self.reduction, self.options, inputs[0])?;
        check_not_empty(self.reduction, self.groups.codes.len() as u64)?;
        shape[self.groups.axis] = self.groups.count as u64;
        Ok(Meta::new(shape, fold.output()))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut maps = AxisMap::identity(inputs[0].shape.len());
        maps[self.groups.axis] = AxisMap::Grouped {
            axis: self.groups.axis,
            codes: self.groups.codes.clone(),
        };
        vec![maps]
    }
    fn work(&self, inputs: &[&Meta], _: &Meta) -> Work {
        let is_reduced = vec![false; inputs[0].shape.len()];
        match fold_of(self.reduction, self.options, inputs[0]) {
            Ok(fold) => Work::Reduce(ReduceWork {
                fold,
                is_reduced,
                groups: Some(self.groups.clone()),
            }),
            Err(_) => Work::View,
        }
    }
    fn of_groups(&self, wanted: &[u64]) -> Option<OfGroups> {
        let (groups, indices) = self.groups.only(wanted)?;
        let fewer = Self {
            groups,
            ..self.clone()
        };
        // An extremum of nothing is refused; a group without members beside others is missing.
        let is_defined = check_not_empty(self.reduction, indices.len() as u64).is_ok();
        is_defined.then(|| (Box::new(fewer) as Box<dyn Operator>, indices))
    }
    fn canonical(&self, out: &mut Canonical) {
        self.groups.canonical(out.text(self.reduction.name()));
        canonical_options(self.options, out);
    }
    fn describe(&self) -> String {
        format!(
            "{} of {} groups along axis {}",
            self.reduction.name(),
            self.groups.count,
            self.groups.axis
        )
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
