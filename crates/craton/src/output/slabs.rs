//! Results in pieces that fit into memory, one after the other in C order.

use crate::session::Session;
use craton_core::{Block, Result};
use craton_plan::ops::{self, AxisIndex};
use craton_plan::{NodeRef, Work};
use std::ops::Range;

/// How many bytes of results are held at once.
pub(crate) fn budget(session: &Session) -> u64 {
    (session.engine().memory() / 4).clamp(1 << 20, 1 << 30)
}

/// Boxes of at most `most` elements (at least one row of the last axis each) that cover `shape` in C order.
///
/// An array without elements has no boxes, one without axes has one.
pub(crate) fn slabs(shape: &[u64], most: u64) -> impl Iterator<Item = Vec<Range<u64>>> + use<> {
    let inner = |axis: usize| {
        shape[axis + 1..]
            .iter()
            .fold(1u64, |size, n| size.saturating_mul(*n))
    };
    let split = (0..shape.len()).find(|axis| inner(*axis) <= most.max(1));
    let steps: Vec<u64> = (0..shape.len())
        .map(|axis| match split {
            Some(split) if axis == split => {
                (most / inner(axis).max(1)).clamp(1, shape[axis].max(1))
            }
            Some(split) if axis > split => shape[axis].max(1),
            _ => 1,
        })
        .collect();
    let shape = shape.to_vec();
    let counts: Vec<u64> = shape
        .iter()
        .zip(&steps)
        .map(|(n, step)| n.div_ceil(*step))
        .collect();
    let total = counts
        .iter()
        .fold(1u64, |total, count| total.saturating_mul(*count));
    (0..total).map(move |number| {
        let mut rest = number;
        let mut ranges = vec![0..0; shape.len()];
        for axis in (0..shape.len()).rev() {
            let start = rest % counts[axis] * steps[axis];
            ranges[axis] = start..(start + steps[axis]).min(shape[axis]);
            rest /= counts[axis];
        }
        ranges
    })
}

/// The part of `node` within `ranges`.
pub(crate) fn cut(node: &NodeRef, ranges: &[Range<u64>]) -> Result<NodeRef> {
    let axis = |range: &Range<u64>| AxisIndex::Range {
        start: range.start,
        length: range.end - range.start,
        step: 1,
    };
    ops::index(node, &ranges.iter().map(axis).collect::<Vec<_>>())
}

/// The values of every node in C order without gaps; what is not at hand is computed in one run.
pub(crate) fn compute_all(nodes: &[NodeRef], session: &Session) -> Result<Vec<Block>> {
    let at_hand = |node: &NodeRef| match node.work() {
        Work::Literal(block) => Some(block),
        _ => None,
    };
    let wanted: Vec<NodeRef> = nodes
        .iter()
        .filter(|node| at_hand(node).is_none())
        .cloned()
        .collect();
    let mut computed = if wanted.is_empty() {
        Vec::new()
    } else {
        session.compute(&wanted)?
    }
    .into_iter();
    let pool = session.engine().pool();
    nodes
        .iter()
        .map(|node| match (at_hand(node), node.dtype().is_variable()) {
            (Some(block), true) => Ok((*block).clone()),
            (Some(block), false) => block.to_contiguous(pool),
            (None, _) => computed
                .next()
                .ok_or_else(|| craton_core::Error::internal("a node was not computed"))?
                .to_contiguous(pool),
        })
        .collect()
}

/// Bytes of all results together.
pub(crate) fn bytes_of<'a>(nodes: impl IntoIterator<Item = &'a NodeRef>) -> u64 {
    nodes
        .into_iter()
        .fold(0u64, |sum, node| sum.saturating_add(node.meta().bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_cover_every_element_once_and_in_order() {
        for (shape, most) in [
            (vec![3, 4, 5], 12),
            (vec![3, 4, 5], 1),
            (vec![7], 3),
            (vec![], 5),
        ] {
            let mut seen = Vec::new();
            for ranges in slabs(&shape, most) {
                let size: u64 = ranges.iter().map(|range| range.end - range.start).product();
                assert!(size <= most, "{ranges:?}");
                let mut at: Vec<u64> = vec![0];
                for (range, length) in ranges.iter().zip(&shape) {
                    at = at
                        .iter()
                        .flat_map(|at| range.clone().map(move |i| at * length + i))
                        .collect();
                }
                seen.extend(at);
            }
            assert!(seen.into_iter().eq(0..shape.iter().product()));
        }
        assert_eq!(slabs(&[2, 0], 5).count(), 0);
    }
}
