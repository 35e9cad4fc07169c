//! Values between the indices of an axis.
//!
//! Along one axis each new value lies between two old ones. Both are gathered, which moves no byte, and mixed in the
//! expression they are part of; so several axes, one after the other, are one loop over the new places, and stored
//! chunks are decoded once however many new places they feed.

use super::{binary, broadcast_axes, cast, entry, gather, literal};
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{Operator, OperatorEntry, ShapeOfWork, Work};
use craton_core::{Block, DType, Error, Result};
use craton_kernels::binary::Binary;
use craton_kernels::program::Operation;

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
    let Between {
        lower,
        upper,
        fraction,
    } = between;
    if lower.len() != upper.len() || lower.len() != fraction.len() {
        return Err(Error::invalid(format!(
            "{} and {} indices, but {} fractions",
            lower.len(),
            upper.len(),
            fraction.len()
        )));
    }
    let upper = gather(input, axis, upper.as_slice())?;
    let lower = gather(input, axis, lower.as_slice())?;
    let bytes: Vec<u8> = fraction
        .iter()
        .flat_map(|item| item.to_ne_bytes())
        .collect();
    let shape = vec![fraction.len()];
    let block = Block::from_bytes(DType::Float64, shape, &bytes)?;
    let fraction = broadcast_axes(&literal(block)?, lower.shape(), &[axis])?;
    if !input.dtype().is_complex() {
        return Node::apply(Interpolate, vec![lower, upper, fraction]);
    }
    // Rare enough for three steps instead of one.
    let [lower, upper] = [
        cast(&lower, DType::Complex128)?,
        cast(&upper, DType::Complex128)?,
    ];
    let rise = binary(Binary::Subtract, &upper, &lower)?;
    let part = binary(Binary::Multiply, &rise, &fraction)?;
    binary(Binary::Add, &lower, &part)
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
