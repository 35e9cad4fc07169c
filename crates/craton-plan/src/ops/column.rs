//! Whole columns along one axis: sorted, ranked, gaps filled, splines through them.

use super::entry;
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{ColumnWork, Operator, OperatorEntry, Results, ShapeOfWork, Work};
use craton_core::{Error, Result};
use craton_kernels::column::ColumnKernel;
use craton_kernels::gaps::{FillGaps, GapLimits};
use craton_kernels::order::{Order, Ordering};
use craton_kernels::spline::CubicSpline;
use std::sync::Arc;

pub(super) const ORDER: OperatorEntry = entry(
    "order",
    "ordering, axis",
    ShapeOfWork::Shuffle,
    "An axis sorted, the places that would sort it, or ranks along it.",
);
pub(super) const FILL_GAPS: OperatorEntry = entry(
    "fill_gaps",
    "axis, places, limit, max_gap",
    ShapeOfWork::Shuffle,
    "Missing values along an axis filled on the straight line between those around them.",
);
pub(super) const SPLINE: OperatorEntry = entry(
    "spline",
    "axis, places, wanted, extrapolate",
    ShapeOfWork::Shuffle,
    "The cubic spline through an axis, looked at from other places.",
);

/// `input` sorted along `axis`, or the places that would sort it, or ranks.
///
/// # Missing values
/// They come last; their rank is missing.
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if not defined for the dtype or the axis is outside.
/// # Cost
/// All values of a column are in memory at once. Where not all columns fit, the input is computed in several passes.
pub fn order(ordering: Ordering, input: &NodeRef, axis: usize) -> Result<NodeRef> {
    apply(Function::Order(ordering), input, axis)
}

/// `input` with gaps along `axis`, whose indices lie at ascending `places`, filled on straight lines.
///
/// # Missing values
/// Before the first valid value and after the last one they stay, as do those beyond `limits`.
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the axis is outside, places do not fit it or do not ascend.
/// # Cost
/// As [`order`].
pub fn fill_gaps(
    input: &NodeRef,
    axis: usize,
    places: impl Into<Arc<[f64]>>,
    limits: GapLimits,
) -> Result<NodeRef> {
    if !input.dtype().is_float() {
        return Ok(input.clone());
    }
    let places = places.into();
    apply(Function::FillGaps { places, limits }, input, axis)
}

/// The cubic spline through `input` along `axis`, whose indices lie at ascending `places`, at the places `wanted`.
///
/// # Missing values
/// One missing value makes its column missing. Places outside are missing, unless the ends `extrapolate`.
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the axis is outside, places do not fit it or do not ascend, there are
/// fewer than four, or the dtype is not one of real numbers.
/// # Cost
/// As [`order`].
pub fn spline(
    input: &NodeRef,
    axis: usize,
    places: impl Into<Arc<[f64]>>,
    wanted: impl Into<Arc<[f64]>>,
    extrapolate: bool,
) -> Result<NodeRef> {
    let function = Function::Spline {
        places: places.into(),
        wanted: wanted.into(),
        extrapolate,
    };
    apply(function, input, axis)
}

fn apply(function: Function, input: &NodeRef, axis: usize) -> Result<NodeRef> {
    Node::apply(AlongAxis { function, axis }, vec![input.clone()])
}

#[derive(Debug, Clone)]
enum Function {
    Order(Ordering),
    FillGaps {
        places: Arc<[f64]>,
        limits: GapLimits,
    },
    Spline {
        places: Arc<[f64]>,
        wanted: Arc<[f64]>,
        extrapolate: bool,
    },
}

#[derive(Debug, Clone)]
struct AlongAxis {
    function: Function,
    axis: usize,
}

impl AlongAxis {
    fn bound(&self, input: &Meta) -> Result<Arc<dyn ColumnKernel>> {
        let undefined = || {
            let dtype = input.dtype;
            Error::invalid(format!("`{}` is not defined for {dtype}", self.describe()))
        };
        Ok(match &self.function {
            Function::Order(ordering) => {
                Arc::new(Order::new(*ordering, input.dtype).ok_or_else(undefined)?)
            }
            Function::FillGaps { places, limits } => {
                self.check_places(places, input)?;
                let fill = FillGaps::new(places.clone(), *limits, input.dtype);
                Arc::new(fill.ok_or_else(undefined)?)
            }
            Function::Spline {
                places,
                wanted,
                extrapolate,
            } => {
                self.check_places(places, input)?;
                if places.len() < CubicSpline::FEWEST {
                    let fewest = CubicSpline::FEWEST;
                    let message = format!("a cubic spline through {} values", places.len());
                    return Err(Error::invalid(message)
                        .hint(format!("it needs {fewest}; `method=\"linear\"` needs 2")));
                }
                let spline = CubicSpline::new(places, wanted, *extrapolate, input.dtype);
                Arc::new(spline.ok_or_else(undefined)?)
            }
        })
    }

    fn check_places(&self, places: &[f64], input: &Meta) -> Result<()> {
        if places.len() as u64 != input.shape[self.axis] {
            let message = format!("{} places for axis {}", places.len(), self.axis);
            return Err(Error::invalid(message));
        }
        match places
            .windows(2)
            .find(|pair| pair[0] >= pair[1] || pair[0].is_nan())
        {
            Some(pair) => Err(Error::invalid(format!(
                "places do not ascend: {} comes before {}",
                pair[0], pair[1]
            ))),
            None => Ok(()),
        }
    }
}

impl Operator for AlongAxis {
    fn name(&self) -> &'static str {
        match self.function {
            Function::Order(_) => ORDER.name,
            Function::FillGaps { .. } => FILL_GAPS.name,
            Function::Spline { .. } => SPLINE.name,
        }
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let mut shape = inputs[0].shape.clone();
        if self.axis >= shape.len() {
            let message = format!("axis {} of an array with {} axes", self.axis, shape.len());
            return Err(Error::invalid(message));
        }
        let kernel = self.bound(inputs[0])?;
        let length = usize::try_from(shape[self.axis]).unwrap_or(usize::MAX);
        shape[self.axis] = kernel.count(length) as u64;
        Ok(Meta::new(shape, kernel.output()))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut maps = AxisMap::identity(inputs[0].shape.len());
        maps[self.axis] = AxisMap::Reduced;
        vec![maps]
    }
    fn work(&self, inputs: &[&Meta], _: &Meta) -> Work {
        let mut is_reduced = vec![false; inputs[0].shape.len()];
        is_reduced[self.axis] = true;
        match self.bound(inputs[0]) {
            Ok(kernel) => Work::Columns(ColumnWork {
                kernel,
                is_reduced,
                groups: None,
                results: Results::Along(self.axis),
            }),
            // OK because `infer` refused what has none; a view of nothing cannot be lowered by mistake.
            Err(_) => Work::View,
        }
    }
    fn canonical(&self, out: &mut Canonical) {
        let bits = |places: &[f64]| {
            places
                .iter()
                .map(|place| place.to_bits())
                .collect::<Vec<_>>()
        };
        match &self.function {
            Function::Order(ordering) => out.text(ordering.name()),
            Function::FillGaps { places, limits } => out
                .list(bits(places))
                .list(limits.count.map(|count| count as u64))
                .list(limits.distance.map(f64::to_bits)),
            Function::Spline {
                places,
                wanted,
                extrapolate,
            } => out
                .list(bits(places))
                .list(bits(wanted))
                .integer(i64::from(*extrapolate)),
        };
        out.integer(self.axis as i64);
    }
    fn describe(&self) -> String {
        let what = match &self.function {
            Function::Order(ordering) => ordering.name(),
            Function::FillGaps { .. } => "fill_gaps",
            Function::Spline { .. } => "spline",
        };
        format!("{what} along axis {}", self.axis)
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
