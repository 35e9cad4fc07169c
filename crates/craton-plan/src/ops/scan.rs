//! Results that depend on the order along an axis: cumulative and sliding-window operators.

use super::{AxisIndex, cast, entry, index};
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{Operator, OperatorEntry, ShapeOfWork, Work};
use craton_core::{Error, Result};
use craton_kernels::scan::{Cumulation, RollingKind, cumulation_output, rolling_output};

pub(super) const CUMULATE: OperatorEntry = entry(
    "cumulate",
    "kind, axis, skipna, reverse",
    ShapeOfWork::Scan,
    "Running totals or the last valid values along an axis.",
);
pub(super) const ROLLING: OperatorEntry = entry(
    "rolling",
    "kind, axis, window, min_periods",
    ShapeOfWork::Scan,
    "A statistic of the window that ends at each index of an axis.",
);

/// Running sum or product along `axis`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if not defined for the dtype or the axis is outside.
pub fn cumulate(
    kind: Cumulation,
    input: &NodeRef,
    axis: usize,
    skip_missing: bool,
) -> Result<NodeRef> {
    Node::apply(
        Cumulate {
            kind,
            axis,
            skip_missing,
            is_reversed: false,
        },
        vec![input.clone()],
    )
}

/// Which way gaps are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// With the last valid value before.
    Forward,
    /// With the first valid value after.
    Backward,
}

/// Missing values along `axis` filled from one side; with a `limit`, so many of each gap.
///
/// # Missing values
/// They stay where there is no valid value on that side, within the limit.
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the axis is outside; [`craton_core::ErrorKind::Unsupported`] for a limit
/// on times.
/// # Cost
/// Each chunk once. With a limit, as a window of that many indices.
pub fn fill(
    input: &NodeRef,
    axis: usize,
    direction: Direction,
    limit: Option<usize>,
) -> Result<NodeRef> {
    check_axis(axis, input.meta())?;
    let length = input.shape()[axis];
    let limit = limit.filter(|limit| (*limit as u64) < length);
    let Some(_) = cumulation_output(Cumulation::Last, input.dtype()) else {
        return Ok(input.clone());
    };
    let Some(limit) = limit else {
        let operator = Cumulate {
            kind: Cumulation::Last,
            axis,
            skip_missing: true,
            is_reversed: direction == Direction::Backward,
        };
        return Node::apply(operator, vec![input.clone()]);
    };
    if !input.dtype().is_float() {
        let message = format!("filling gaps of {} up to a limit", input.dtype());
        return Err(Error::unsupported(message).hint("leave `limit` out"));
    }
    let kind = RollingKind::Last;
    match direction {
        Direction::Forward => rolling(kind, input, axis, limit + 1, 0),
        Direction::Backward => {
            let back = reversed(input, axis)?;
            reversed(&rolling(kind, &back, axis, limit + 1, 0)?, axis)
        }
    }
}

fn reversed(input: &NodeRef, axis: usize) -> Result<NodeRef> {
    let axes = input.shape().iter().enumerate().map(|(own, length)| {
        if own == axis && *length > 0 {
            AxisIndex::Range {
                start: length - 1,
                length: *length,
                step: -1,
            }
        } else {
            AxisIndex::all(*length)
        }
    });
    index(input, &axes.collect::<Vec<_>>())
}

/// A statistic of the `window` indices that end at each index; missing where fewer than `min_periods` are valid.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if not defined for the dtype, the axis is outside, or the window is 0.
pub fn rolling(
    kind: RollingKind,
    input: &NodeRef,
    axis: usize,
    window: usize,
    min_periods: usize,
) -> Result<NodeRef> {
    let (operand, _) = rolling_output(kind, input.dtype()).ok_or_else(|| {
        Error::invalid(format!(
            "a rolling `{}` is not defined for {}",
            kind.name(),
            input.dtype()
        ))
    })?;
    Node::apply(
        Rolling {
            kind,
            axis,
            window,
            min_periods,
        },
        vec![cast(input, operand)?],
    )
}

fn check_axis(axis: usize, meta: &Meta) -> Result<()> {
    if axis < meta.shape.len() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "axis {axis} of an array with {} axes",
        meta.shape.len()
    )))
}

#[derive(Debug, Clone)]
struct Cumulate {
    kind: Cumulation,
    axis: usize,
    skip_missing: bool,
    is_reversed: bool,
}

impl Operator for Cumulate {
    fn name(&self) -> &'static str {
        CUMULATE.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        check_axis(self.axis, inputs[0])?;
        let dtype = cumulation_output(self.kind, inputs[0].dtype).ok_or_else(|| {
            Error::invalid(format!(
                "`{}` is not defined for {}",
                self.kind.name(),
                inputs[0].dtype
            ))
        })?;
        Ok(Meta::new(inputs[0].shape.clone(), dtype))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut maps = AxisMap::identity(inputs[0].shape.len());
        maps[self.axis] = AxisMap::Cumulative { axis: self.axis };
        vec![maps]
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::Cumulate {
            kind: self.kind,
            axis: self.axis,
            skip_missing: self.skip_missing,
            is_reversed: self.is_reversed,
        }
    }
    fn canonical(&self, out: &mut Canonical) {
        out.text(self.kind.name())
            .integer(self.axis as i64)
            .integer(i64::from(self.skip_missing));
        // Left out where it is not so: plans of before keep their hash.
        if self.is_reversed {
            out.text("reversed");
        }
    }
    fn describe(&self) -> String {
        format!("{} along axis {}", self.kind.name(), self.axis)
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Rolling {
    kind: RollingKind,
    axis: usize,
    window: usize,
    min_periods: usize,
}

impl Operator for Rolling {
    fn name(&self) -> &'static str {
        ROLLING.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        check_axis(self.axis, inputs[0])?;
        if self.window == 0 || self.min_periods > self.window {
            let message = format!(
                "a window of {} indices with min_periods {}: the window must be at least 1 and no less than min_periods",
                self.window, self.min_periods
            );
            return Err(Error::invalid(message));
        }
        match rolling_output(self.kind, inputs[0].dtype) {
            Some((operand, output)) if operand == inputs[0].dtype => {
                Ok(Meta::new(inputs[0].shape.clone(), output))
            }
            _ => Err(Error::internal(format!("rolling over {}", inputs[0].dtype))),
        }
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut maps = AxisMap::identity(inputs[0].shape.len());
        maps[self.axis] = AxisMap::Window {
            axis: self.axis,
            before: self.window as u64 - 1,
            after: 0,
        };
        vec![maps]
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        let Self {
            kind,
            axis,
            window,
            min_periods,
        } = *self;
        Work::Rolling {
            kind,
            axis,
            window,
            min_periods,
        }
    }
    fn canonical(&self, out: &mut Canonical) {
        let numbers = [self.axis, self.window, self.min_periods].map(|number| number as u64);
        out.text(self.kind.name()).list(numbers);
    }
    fn describe(&self) -> String {
        format!(
            "{} of {} along axis {}",
            self.kind.name(),
            self.window,
            self.axis
        )
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
