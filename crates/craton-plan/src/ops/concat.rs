//! Inputs one after the other.

use super::{broadcast_axes, entry};
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{Operator, OperatorEntry, ShapeOfWork, Work};
use craton_core::{Error, Result};

pub(super) const CONCAT: OperatorEntry = entry(
    "concat",
    "axis",
    ShapeOfWork::Blockwise,
    "The inputs one after the other along an axis.",
);

/// The inputs one after the other along `axis`. All must have one dtype.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if there are none, or dtypes or other axes differ.
pub fn concat(inputs: &[NodeRef], axis: usize) -> Result<NodeRef> {
    match inputs {
        [] => Err(Error::invalid("nothing to concatenate")),
        [only] if axis < only.shape().len() => Ok(only.clone()),
        _ => Node::apply(Concat { axis }, inputs.to_vec()),
    }
}

/// The inputs, all of one shape, side by side along a new axis.
///
/// # Errors
/// As [`concat()`].
pub fn stack(inputs: &[NodeRef], axis: usize) -> Result<NodeRef> {
    let expanded: Result<Vec<NodeRef>> = inputs.iter().map(|input| expand(input, axis)).collect();
    concat(&expanded?, axis)
}

fn expand(input: &NodeRef, axis: usize) -> Result<NodeRef> {
    let mut shape = input.shape().to_vec();
    if axis > shape.len() {
        return Err(Error::invalid(format!(
            "axis {axis} of an array with {} axes",
            shape.len()
        )));
    }
    shape.insert(axis, 1);
    let axes: Vec<usize> = (0..shape.len()).filter(|other| *other != axis).collect();
    broadcast_axes(input, &shape, &axes)
}

#[derive(Debug, Clone)]
struct Concat {
    axis: usize,
}

impl Operator for Concat {
    fn name(&self) -> &'static str {
        CONCAT.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let first = inputs[0];
        let mut shape = first.shape.clone();
        if self.axis >= shape.len() {
            return Err(Error::invalid(format!(
                "axis {} of an array with {} axes",
                self.axis,
                shape.len()
            )));
        }
        shape[self.axis] = 0;
        for (position, input) in inputs.iter().enumerate() {
            let fits = input.dtype == first.dtype
                && input.shape.len() == shape.len()
                && (0..shape.len())
                    .all(|axis| axis == self.axis || input.shape[axis] == shape[axis]);
            if !fits {
                return Err(Error::invalid(format!(
                    "cannot put {} {:?} (input {position}) after {} {:?} along axis {}",
                    input.dtype, input.shape, first.dtype, first.shape, self.axis
                )));
            }
            shape[self.axis] += input.shape[self.axis];
        }
        Ok(Meta::new(shape, first.dtype))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut start = 0;
        let maps = inputs.iter().map(|input| {
            let mut maps = AxisMap::identity(input.shape.len());
            maps[self.axis] = AxisMap::Segment {
                axis: self.axis,
                start,
            };
            start += input.shape[self.axis];
            maps
        });
        maps.collect()
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::Concat { axis: self.axis }
    }
    fn canonical(&self, out: &mut Canonical) {
        out.integer(self.axis as i64);
    }
    fn describe(&self) -> String {
        format!("axis {}", self.axis)
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
