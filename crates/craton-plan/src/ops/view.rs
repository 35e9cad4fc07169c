//! The same elements under other indices: slices, gathers, transposes, broadcasts.

use super::entry;
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{Operator, OperatorEntry, ShapeOfWork, Work};
use craton_core::{Error, Result};
use std::sync::Arc;

pub(super) const INDEX: OperatorEntry = entry(
    "index",
    "axes",
    ShapeOfWork::Blockwise,
    "One index or an evenly spaced range along each axis.",
);
pub(super) const GATHER: OperatorEntry = entry(
    "take",
    "axis, indices",
    ShapeOfWork::Blockwise,
    "The listed indices along an axis, in that order.",
);
pub(super) const TRANSPOSE: OperatorEntry = entry(
    "transpose",
    "axes",
    ShapeOfWork::Blockwise,
    "The axes in another order.",
);
pub(super) const BROADCAST: OperatorEntry = entry(
    "broadcast_to",
    "shape",
    ShapeOfWork::Blockwise,
    "Repeated along new axes and those of length 1.",
);
pub(super) const RECHUNK: OperatorEntry = entry(
    "rechunk",
    "chunks",
    ShapeOfWork::Blockwise,
    "The same array under another chunk label.",
);

/// What is taken along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisIndex {
    /// One index; the axis disappears.
    At(u64),
    /// `length` indices from `start` on, `step` apart (negative walks down).
    Range {
        /// The first index.
        start: u64,
        /// How many.
        length: u64,
        /// The distance between neighbours; not zero.
        step: i64,
    },
}

impl AxisIndex {
    /// All of an axis.
    #[must_use]
    pub fn all(length: u64) -> Self {
        Self::Range {
            start: 0,
            length,
            step: 1,
        }
    }
}

/// Takes one [`AxisIndex`] along each axis.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if an index lies outside, or ranks differ.
pub fn index(input: &NodeRef, axes: &[AxisIndex]) -> Result<NodeRef> {
    let whole = input
        .shape()
        .iter()
        .map(|length| AxisIndex::all(*length))
        .collect::<Vec<_>>();
    if whole == axes {
        return Ok(input.clone());
    }
    Node::apply(
        Index {
            axes: axes.to_vec(),
        },
        vec![input.clone()],
    )
}

/// Takes the listed indices along `axis`; evenly spaced ones as a slice, which needs no list.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the axis or an index lies outside.
pub fn gather(input: &NodeRef, axis: usize, indices: impl Into<Arc<[u64]>>) -> Result<NodeRef> {
    let indices = indices.into();
    if let Some(range) = as_range(&indices).filter(|_| axis < input.shape().len()) {
        let mut axes: Vec<AxisIndex> = input.shape().iter().copied().map(AxisIndex::all).collect();
        axes[axis] = range;
        return index(input, &axes);
    }
    Node::apply(Gather { axis, indices }, vec![input.clone()])
}

/// The slice that takes just these indices in this order.
fn as_range(indices: &[u64]) -> Option<AxisIndex> {
    let [start, second, ..] = *indices else {
        return None;
    };
    let step = i64::try_from(i128::from(second) - i128::from(start)).ok()?;
    let is_even = |pair: &[u64]| i128::from(pair[1]) - i128::from(pair[0]) == i128::from(step);
    let is_range = step != 0 && indices.windows(2).all(is_even);
    is_range.then_some(AxisIndex::Range {
        start,
        length: indices.len() as u64,
        step,
    })
}

/// Axis `axes[i]` of the input becomes axis `i`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if `axes` is no permutation.
pub fn transpose(input: &NodeRef, axes: &[usize]) -> Result<NodeRef> {
    if axes.iter().copied().eq(0..input.shape().len()) {
        return Ok(input.clone());
    }
    Node::apply(
        Transpose {
            axes: axes.to_vec(),
        },
        vec![input.clone()],
    )
}

/// Repeats the input to `shape`, aligning at the last axis.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if a length is neither 1 nor that of `shape`.
pub fn broadcast(input: &NodeRef, shape: &[u64]) -> Result<NodeRef> {
    let first = shape.len().checked_sub(input.shape().len());
    let axes = first.map(|first| (first..shape.len()).collect::<Vec<_>>());
    broadcast_axes(input, shape, &axes.unwrap_or_default())
}

/// Repeats the input to `shape`: its axis `i` becomes axis `axes[i]`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if a length is neither 1 nor that of `shape`.
pub fn broadcast_axes(input: &NodeRef, shape: &[u64], axes: &[usize]) -> Result<NodeRef> {
    if input.shape() == shape && axes.iter().copied().eq(0..shape.len()) {
        return Ok(input.clone());
    }
    Node::apply(
        Broadcast {
            shape: shape.to_vec(),
            axes: axes.to_vec(),
        },
        vec![input.clone()],
    )
}

/// The same array; `chunks` is what the user sees as its chunks and what a writer cuts it into.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if a chunk length is zero or ranks differ.
pub fn rechunk(input: &NodeRef, chunks: &[u64]) -> Result<NodeRef> {
    Node::apply(
        Rechunk {
            chunks: chunks.to_vec(),
        },
        vec![input.clone()],
    )
}

#[derive(Debug, Clone)]
struct Index {
    axes: Vec<AxisIndex>,
}

impl Operator for Index {
    fn name(&self) -> &'static str {
        INDEX.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let shape = &inputs[0].shape;
        if shape.len() != self.axes.len() {
            return Err(Error::invalid(format!(
                "{} indices for {} axes",
                self.axes.len(),
                shape.len()
            )));
        }
        let mut out = Vec::new();
        for (axis, (taken, extent)) in self.axes.iter().zip(shape).enumerate() {
            let outside = |index: i128| {
                Error::invalid(format!(
                    "index {index} is outside axis {axis}, which has {extent} elements"
                ))
            };
            match *taken {
                AxisIndex::At(at) if at >= *extent => return Err(outside(i128::from(at))),
                AxisIndex::At(_) => {}
                AxisIndex::Range { step: 0, .. } => {
                    return Err(Error::invalid("a slice's step is 0"));
                }
                AxisIndex::Range {
                    start,
                    length,
                    step,
                } => {
                    let last = i128::from(start) + i128::from(length.max(1) - 1) * i128::from(step);
                    let ends = [i128::from(start), last];
                    if let Some(end) = ends
                        .into_iter()
                        .find(|end| length > 0 && !(0..i128::from(*extent)).contains(end))
                    {
                        return Err(outside(end));
                    }
                    out.push(length);
                }
            }
        }
        Ok(Meta::new(out, inputs[0].dtype))
    }
    fn demand(&self, _: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut axis = 0;
        let maps = self.axes.iter().map(|taken| match *taken {
            AxisIndex::At(at) => AxisMap::Fixed(at),
            AxisIndex::Range { start, step, .. } => {
                axis += 1;
                AxisMap::Affine {
                    axis: axis - 1,
                    start,
                    step,
                }
            }
        });
        vec![maps.collect()]
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::View
    }
    fn canonical(&self, out: &mut Canonical) {
        for taken in &self.axes {
            match *taken {
                AxisIndex::At(at) => out.integer(-1).list([at]),
                AxisIndex::Range {
                    start,
                    length,
                    step,
                } => out.integer(step).list([start, length]),
            };
        }
    }
    fn describe(&self) -> String {
        let axes: Vec<String> = self
            .axes
            .iter()
            .map(|taken| match *taken {
                AxisIndex::At(at) => at.to_string(),
                AxisIndex::Range {
                    start,
                    length,
                    step: 1,
                } => format!("{start}:{}", start + length),
                AxisIndex::Range {
                    start,
                    length,
                    step,
                } => {
                    let end = i128::from(start) + i128::from(length) * i128::from(step);
                    format!("{start}:{end}:{step}")
                }
            })
            .collect();
        format!("[{}]", axes.join(", "))
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Gather {
    axis: usize,
    indices: Arc<[u64]>,
}

impl Operator for Gather {
    fn name(&self) -> &'static str {
        GATHER.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let mut shape = inputs[0].shape.clone();
        let Some(extent) = shape.get_mut(self.axis) else {
            return Err(Error::invalid(format!(
                "axis {} of an array with {} axes",
                self.axis,
                shape.len()
            )));
        };
        if let Some(outside) = self.indices.iter().find(|index| **index >= *extent) {
            let message = format!(
                "index {outside} is outside axis {}, which has {extent} elements",
                self.axis
            );
            return Err(Error::invalid(message));
        }
        *extent = self.indices.len() as u64;
        Ok(Meta::new(shape, inputs[0].dtype))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut maps = AxisMap::identity(inputs[0].shape.len());
        maps[self.axis] = AxisMap::Gather {
            axis: self.axis,
            list: self.indices.clone(),
        };
        vec![maps]
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::View
    }
    fn canonical(&self, out: &mut Canonical) {
        out.integer(self.axis as i64)
            .list(self.indices.iter().copied());
    }
    fn describe(&self) -> String {
        format!("{} indices of axis {}", self.indices.len(), self.axis)
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Transpose {
    axes: Vec<usize>,
}

impl Operator for Transpose {
    fn name(&self) -> &'static str {
        TRANSPOSE.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let mut sorted = self.axes.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..inputs[0].shape.len()) {
            let message = format!(
                "{:?} is no order of {} axes",
                self.axes,
                inputs[0].shape.len()
            );
            return Err(Error::invalid(message));
        }
        Ok(Meta::new(
            self.axes
                .iter()
                .map(|axis| inputs[0].shape[*axis])
                .collect(),
            inputs[0].dtype,
        ))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let mut maps = AxisMap::identity(inputs[0].shape.len());
        for (output, input) in self.axes.iter().enumerate() {
            maps[*input] = AxisMap::same(output);
        }
        vec![maps]
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::View
    }
    fn canonical(&self, out: &mut Canonical) {
        out.list(self.axes.iter().map(|axis| *axis as u64));
    }
    fn describe(&self) -> String {
        format!("{:?}", self.axes)
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Broadcast {
    shape: Vec<u64>,
    axes: Vec<usize>,
}

impl Operator for Broadcast {
    fn name(&self) -> &'static str {
        BROADCAST.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let from = &inputs[0].shape;
        let is_distinct = (1..self.axes.len()).all(|at| !self.axes[..at].contains(&self.axes[at]));
        let fits = from.len() == self.axes.len()
            && is_distinct
            && from.iter().zip(&self.axes).all(|(length, axis)| {
                self.shape
                    .get(*axis)
                    .is_some_and(|target| length == target || *length == 1)
            });
        if !fits {
            return Err(Error::invalid(format!(
                "shape {from:?} does not broadcast to {:?}",
                self.shape
            )));
        }
        Ok(Meta::new(self.shape.clone(), inputs[0].dtype))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        let map = |(length, axis): (&u64, &usize)| {
            if *length == self.shape[*axis] {
                AxisMap::same(*axis)
            } else {
                AxisMap::Fixed(0)
            }
        };
        vec![inputs[0].shape.iter().zip(&self.axes).map(map).collect()]
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::View
    }
    fn canonical(&self, out: &mut Canonical) {
        out.list(self.axes.iter().map(|axis| *axis as u64));
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Rechunk {
    chunks: Vec<u64>,
}

impl Operator for Rechunk {
    fn name(&self) -> &'static str {
        RECHUNK.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        if self.chunks.len() != inputs[0].shape.len() || self.chunks.contains(&0) {
            let message = format!(
                "chunks {:?} do not cut shape {:?}",
                self.chunks, inputs[0].shape
            );
            return Err(Error::invalid(message));
        }
        Ok(inputs[0].clone())
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        vec![AxisMap::identity(inputs[0].shape.len())]
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::View
    }
    fn canonical(&self, out: &mut Canonical) {
        out.list(self.chunks.iter().copied());
    }
    fn describe(&self) -> String {
        format!("{:?}", self.chunks)
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
