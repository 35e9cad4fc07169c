//! Values between the indices of an axis.
//!
//! Along one axis each new value lies between two old ones. Both are gathered, which moves no byte, and mixed in the
//! expression they are part of; so several axes, one after the other, are one loop over the new places, and stored
//! chunks are decoded once however many new places they feed.

use super::{binary, broadcast_axes, cast, entry, gather, literal, points};
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{Operator, OperatorEntry, ShapeOfWork, Work};
use craton_core::{Block, DType, Error, Result};
use craton_kernels::binary::Binary;
use craton_kernels::program::Operation;
use std::sync::Arc;

pub(super) const INTERPOLATE: OperatorEntry = entry(
    "interpolate",
    "",
    ShapeOfWork::Blockwise,
    "Between the first input and the second, as far as the third says.",
);

/// Where new places lie along an axis: between which two indices, and how far on the way from one to the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Between {
    /// One index for each place.
    pub lower: Vec<u64>,
    /// The other.
    pub upper: Vec<u64>,
    /// 0 is the first index, 1 the second; beyond both the line goes on. NaN gives a missing value.
    pub fraction: Vec<f64>,
}

/// The values of `input` at new places along `axis`, as doubles (or complex doubles).
///
/// # Missing values
/// Missing where a value on either side is, even where the place is exactly that of the other one.
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the axis or an index lies outside, lengths differ or the input has no
/// numbers.
/// # Cost
/// Reads the chunks in which the indices lie, once.
pub fn interpolate(input: &NodeRef, axis: usize, between: &Between) -> Result<NodeRef> {
    between.check()?;
    let lower = gather(input, axis, between.lower.as_slice())?;
    let upper = gather(input, axis, between.upper.as_slice())?;
    between.mix(&lower, &upper, axis)
}

/// The values of `input` at points between the indices of `axes`, which ascend. The points lie along one axis, in the
/// place of the first of them.
///
/// # Missing values
/// Missing where a value at any corner around the point is; along an axis on which every point is an index there are none
/// around.
/// # Errors
/// As [`interpolate`], and as [`points`].
pub fn interpolate_points(
    input: &NodeRef,
    axes: &[usize],
    betweens: &[Between],
) -> Result<NodeRef> {
    let [first, ..] = axes else {
        return Err(Error::invalid("points along no axes"));
    };
    betweens.iter().try_for_each(Between::check)?;
    // One value for each corner, the last axis changing fastest; then axis by axis from the last both ends are mixed.
    // Along axes on which every point is an index there is one end.
    let mixed = || betweens.iter().filter(|between| !between.is_exact());
    let mut corners = Vec::new();
    for corner in 0..1usize << mixed().count() {
        let mut bits = corner;
        let lists = betweens.iter().rev().map(|between| {
            let is_lower = between.is_exact() || bits & 1 == 0;
            bits >>= u32::from(!between.is_exact());
            let list = if is_lower {
                &between.lower
            } else {
                &between.upper
            };
            Arc::from(list.as_slice())
        });
        let mut lists: Vec<Arc<[u64]>> = lists.collect();
        lists.reverse();
        corners.push(points(input, axes, &lists)?);
    }
    if mixed().next().is_none() {
        let dtype = match input.dtype().is_complex() {
            true => DType::Complex128,
            false => DType::Float64,
        };
        return cast(&corners.swap_remove(0), dtype);
    }
    for between in mixed().rev() {
        let pairs = corners.chunks_exact(2);
        let mixed = pairs.map(|pair| between.mix(&pair[0], &pair[1], *first));
        corners = mixed.collect::<Result<_>>()?;
    }
    Ok(corners.swap_remove(0))
}

impl Between {
    /// Exactly at these indices.
    #[must_use]
    pub fn exactly(indices: impl IntoIterator<Item = u64>) -> Self {
        let lower: Vec<u64> = indices.into_iter().collect();
        Self {
            upper: lower.clone(),
            fraction: vec![0.0; lower.len()],
            lower,
        }
    }

    /// Whether every place is that of an index.
    fn is_exact(&self) -> bool {
        self.lower == self.upper && self.fraction.iter().all(|fraction| *fraction == 0.0)
    }

    fn check(&self) -> Result<()> {
        let counts = [self.lower.len(), self.upper.len(), self.fraction.len()];
        if counts.iter().all(|count| *count == counts[0]) {
            return Ok(());
        }
        let [lower, upper, fractions] = counts;
        let message = format!("{lower} and {upper} indices, but {fractions} fractions");
        Err(Error::invalid(message))
    }

    /// Between two arrays with these places along `axis`.
    fn mix(&self, lower: &NodeRef, upper: &NodeRef, axis: usize) -> Result<NodeRef> {
        let bytes = self.fraction.iter().flat_map(|item| item.to_ne_bytes());
        let shape = vec![self.fraction.len()];
        let block = Block::from_bytes(DType::Float64, shape, &bytes.collect::<Vec<u8>>())?;
        let fraction = broadcast_axes(&literal(block)?, lower.shape(), &[axis])?;
        if !lower.dtype().is_complex() {
            return Node::apply(Interpolate, vec![lower.clone(), upper.clone(), fraction]);
        }
        // Rare enough for three steps instead of one.
        let [lower, upper] = [
            cast(lower, DType::Complex128)?,
            cast(upper, DType::Complex128)?,
        ];
        let rise = binary(Binary::Subtract, &upper, &lower)?;
        let part = binary(Binary::Multiply, &rise, &fraction)?;
        binary(Binary::Add, &lower, &part)
    }
}

#[derive(Debug, Clone)]
struct Interpolate;

impl Operator for Interpolate {
    fn name(&self) -> &'static str {
        INTERPOLATE.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let dtype = inputs[0].dtype;
        if craton_kernels::interpolate::interpolate(dtype).is_none() {
            let message = format!("there is nothing between two values of {dtype}");
            return Err(Error::invalid(message));
        }
        Ok(Meta::new(inputs[0].shape.clone(), DType::Float64))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let maps = inputs
            .iter()
            .map(|input| AxisMap::identity(input.shape.len()));
        maps.collect()
    }
    fn work(&self, inputs: &[&Meta], _: &Meta) -> Work {
        Work::Map(Operation::interpolate(inputs[0].dtype))
    }
    fn canonical(&self, _: &mut Canonical) {}
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
