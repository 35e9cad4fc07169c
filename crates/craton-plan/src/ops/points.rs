//! Points: several axes indexed together, place by place.

use super::entry;
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{Operator, OperatorEntry, ShapeOfWork, Work};
use craton_core::{Error, Result};
use std::sync::Arc;

pub(super) const POINTS: OperatorEntry = entry(
    "take_points",
    "axes, indices",
    ShapeOfWork::Blockwise,
    "Several axes indexed together: one element of all of them for each point.",
);

/// For each point one index along each of `axes`. The points lie along one axis, in the place of the first of them.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if there are no axes, they do not ascend, lists differ in length, or an axis
/// or index lies outside.
/// # Cost
/// Reads, for the points between two cuts, the chunks at every mixture of their indices.
pub fn points(input: &NodeRef, axes: &[usize], indices: &[Arc<[u64]>]) -> Result<NodeRef> {
    let operator = Points {
        axes: axes.to_vec(),
        indices: indices.to_vec(),
    };
    Node::apply(operator, vec![input.clone()])
}

#[derive(Debug, Clone)]
struct Points {
    axes: Vec<usize>,
    indices: Vec<Arc<[u64]>>,
}

impl Operator for Points {
    fn name(&self) -> &'static str {
        POINTS.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let shape = &inputs[0].shape;
        let is_ascending = self.axes.windows(2).all(|pair| pair[0] < pair[1]);
        let fits = self.axes.iter().all(|axis| *axis < shape.len());
        let Some(first) = self.indices.first().filter(|_| is_ascending && fits) else {
            let message = format!("points along axes {:?} of shape {shape:?}", self.axes);
            return Err(Error::invalid(message));
        };
        let is_even = self.indices.iter().all(|list| list.len() == first.len());
        if !is_even || self.indices.len() != self.axes.len() {
            return Err(Error::invalid(
                "points need as many indices along every axis",
            ));
        }
        for (axis, list) in self.axes.iter().zip(&self.indices) {
            if let Some(outside) = list.iter().find(|index| **index >= shape[*axis]) {
                let message = format!(
                    "index {outside} is outside axis {axis}, which has {} elements",
                    shape[*axis]
                );
                return Err(Error::invalid(message));
            }
        }
        let kept = shape.iter().enumerate().filter_map(|(axis, length)| {
            if axis == self.axes[0] {
                return Some(first.len() as u64);
            }
            (!self.axes.contains(&axis)).then_some(*length)
        });
        Ok(Meta::new(kept.collect(), inputs[0].dtype))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut next = 0;
        let maps = (0..inputs[0].shape.len()).map(|own| {
            let place = self.axes.iter().position(|axis| *axis == own);
            if place.is_none_or(|place| place == 0) {
                next += 1;
            }
            match place {
                Some(place) => AxisMap::Gather {
                    axis: self.axes[0],
                    list: self.indices[place].clone(),
                },
                None => AxisMap::same(next - 1),
            }
        });
        vec![maps.collect()]
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::View
    }
    fn canonical(&self, out: &mut Canonical) {
        for (axis, list) in self.axes.iter().zip(&self.indices) {
            out.integer(*axis as i64).list(list.iter().copied());
        }
    }
    fn describe(&self) -> String {
        let count = self.indices.first().map_or(0, |list| list.len());
        format!("{count} points along axes {:?}", self.axes)
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
