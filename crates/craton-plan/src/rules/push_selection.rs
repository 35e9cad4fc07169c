//! A part of a result that must be whole is the result of a part, where the rest of it has no say.
//!
//! Demand sees through everything that is computed where it is used. It stops at what is computed whole first:
//! reductions, columns, running totals. So one point of an anomaly would have the climatology of all points, and of all
//! groups. Here the selection moves to the inputs of such operators, along the axes that they keep.

use crate::axis_map::AxisMap;
use crate::node::{Meta, Node, NodeRef, PlanHash};
use crate::operator::{Results, Work};
use crate::ops::{AxisIndex, broadcast_axes, gather, index, transpose};
use craton_core::Result;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Operators between a selection and what must be whole, at most; a chain may be longer than the stack is deep.
const DEEPEST: usize = 256;
/// Operators that are looked at to find one that must be whole, at most.
const MOST_SEEN: usize = 4096;

/// Reassociates: a smaller input may be cut into other tasks, and partial sums end where tasks end. What does not
/// depend on the order of additions stays the same.
pub(super) fn rewrite(node: &NodeRef) -> Result<Option<NodeRef>> {
    let ([input], Work::View) = (node.inputs(), node.work()) else {
        return Ok(None);
    };
    let demand = node.operator().demand(&[input.meta()], node.meta());
    let Some((picks, follows)) = picks_of(&demand[0], node.shape()) else {
        return Ok(None);
    };
    // Only a selection makes less of its input; each axis left is one of the result, in the same order.
    let is_selection = follows.iter().copied().eq(0..node.shape().len());
    let is_less = node.meta().bytes() < input.meta().bytes();
    if !is_selection || !is_less || !needs_whole(input) {
        return Ok(None);
    }
    let mut pushing = Pushing::default();
    let pushed = pushing.push(input, picks, 0)?;
    Ok(pushing
        .has_gained
        .then_some(pushed)
        .filter(|new| new.hash() != node.hash()))
}

/// Whether something that must be whole is computed on the way to `root`.
fn needs_whole(root: &NodeRef) -> bool {
    let mut seen = HashSet::new();
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        if !seen.insert(node.hash()) {
            continue;
        }
        match node.work() {
            Work::Reduce(_) | Work::Columns(_) | Work::Cumulate { .. } => return true,
            _ if seen.len() > MOST_SEEN => return false,
            _ => pending.extend(node.inputs()),
        }
    }
    false
}

/// What is taken along one axis.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pick {
    /// One index; the axis disappears.
    At(u64),
    /// Evenly spaced indices.
    Range { start: u64, length: u64, step: i64 },
    /// Listed indices.
    List(Arc<[u64]>),
}

impl Pick {
    fn all(length: u64) -> Self {
        Self::Range {
            start: 0,
            length,
            step: 1,
        }
    }

    fn is_all(&self, extent: u64) -> bool {
        *self == Self::all(extent)
    }

    /// Indices taken; `None` where the axis disappears.
    fn length(&self) -> Option<u64> {
        match self {
            Self::At(_) => None,
            Self::Range { length, .. } => Some(*length),
            Self::List(list) => Some(list.len() as u64),
        }
    }

    fn indices(&self) -> Vec<u64> {
        match self {
            Self::At(at) => vec![*at],
            Self::Range {
                start,
                length,
                step,
            } => (0..*length)
                .map(|at| start.wrapping_add(at.wrapping_mul(*step as u64)))
                .collect(),
            Self::List(list) => list.to_vec(),
        }
    }

    /// With the axis kept where it would disappear.
    fn kept(&self) -> Self {
        match self {
            Self::At(at) => Self::Range {
                start: *at,
                length: 1,
                step: 1,
            },
            other => other.clone(),
        }
    }

    /// What is taken of an input's axis, of which `map` takes what this is taken of.
    fn of(&self, map: &AxisMap) -> Option<Self> {
        match (map, self) {
            (_, Self::At(at)) => map.index(*at).map(Self::At),
            (
                AxisMap::Affine { step, .. },
                Self::Range {
                    start,
                    length,
                    step: own,
                },
            ) => Some(Self::Range {
                // Of nothing there is no first index.
                start: if *length == 0 { 0 } else { map.index(*start)? },
                length: *length,
                step: step.checked_mul(*own)?,
            }),
            (_, range) => {
                let indices = range.indices().into_iter();
                let list: Option<Vec<u64>> = indices.map(|index| map.index(index)).collect();
                Some(Self::List(list?.into()))
            }
        }
    }
}

/// What a view takes of each axis of its input, and which of its own axes each one left follows. `None` where the
/// input's axes are not followed one by one.
fn picks_of(demand: &[AxisMap], shape: &[u64]) -> Option<(Vec<Pick>, Vec<usize>)> {
    let whole: Vec<Pick> = shape.iter().map(|length| Pick::all(*length)).collect();
    let mut follows = Vec::new();
    let picks = demand.iter().map(|map| match map {
        AxisMap::Fixed(at) => Some(Pick::At(*at)),
        AxisMap::Affine { axis, .. } | AxisMap::Gather { axis, .. } => {
            follows.push(*axis);
            whole[*axis].of(map)
        }
        _ => None,
    });
    let picks = picks.collect::<Option<Vec<Pick>>>()?;
    Some((picks, follows))
}

#[derive(Default)]
struct Pushing {
    done: HashMap<(PlanHash, Vec<Pick>), NodeRef>,
    needs_whole: HashMap<PlanHash, bool>,
    /// Whether less of something that must be whole is computed.
    has_gained: bool,
}

impl Pushing {
    /// `picks` of `node`, taken as early as possible.
    fn push(&mut self, node: &NodeRef, picks: Vec<Pick>, depth: usize) -> Result<NodeRef> {
        let is_all = picks
            .iter()
            .zip(node.shape())
            .all(|(pick, extent)| pick.is_all(*extent));
        if is_all {
            return Ok(node.clone());
        }
        let key = (node.hash(), picks.clone());
        if let Some(done) = self.done.get(&key) {
            return Ok(done.clone());
        }
        let pushed = self.push_into(node, &picks, depth)?;
        self.done.insert(key, pushed.clone());
        Ok(pushed)
    }

    fn push_into(&mut self, node: &NodeRef, picks: &[Pick], depth: usize) -> Result<NodeRef> {
        let known = self.needs_whole.entry(node.hash());
        let needs_whole = *known.or_insert_with(|| needs_whole(node));
        if depth > DEEPEST || !needs_whole {
            return take(node, picks);
        }
        match node.work() {
            Work::Map(_) => {
                let inputs = node.inputs().iter();
                let inputs = inputs.map(|input| self.push(input, picks.to_vec(), depth + 1));
                node.with_inputs(inputs.collect::<Result<_>>()?)
            }
            Work::View => self.through_view(node, picks, depth),
            Work::Rolling { axis, .. } | Work::Concat { axis } | Work::Cumulate { axis, .. } => {
                self.beside(node, picks, &[axis], depth)
            }
            Work::Columns(work) => match (work.results, &work.groups) {
                (Results::Along(axis), _) => self.beside(node, picks, &[axis], depth),
                (Results::First, _) => self.select_folded(node, picks, depth),
            },
            Work::Reduce(_) => self.select_folded(node, picks, depth),
            Work::Source(_) | Work::Literal(_) => take(node, picks),
        }
    }

    /// Through the inputs of an operator that has all of its axes, except along `own`, where it is taken after.
    fn beside(
        &mut self,
        node: &NodeRef,
        picks: &[Pick],
        own: &[usize],
        depth: usize,
    ) -> Result<NodeRef> {
        let inner = |input: &NodeRef| {
            let axes = picks.iter().enumerate().map(|(axis, pick)| {
                if own.contains(&axis) {
                    Pick::all(input.shape()[axis])
                } else {
                    pick.kept()
                }
            });
            axes.collect::<Vec<_>>()
        };
        let mut inputs = Vec::new();
        for input in node.inputs() {
            inputs.push(self.push(input, inner(input), depth + 1)?);
        }
        let is_less = inputs
            .iter()
            .zip(node.inputs())
            .any(|(new, old)| new.hash() != old.hash());
        self.has_gained |= is_less && is_whole(&node.work());
        let computed = node.with_inputs(inputs)?;
        let after = picks.iter().enumerate().map(|(axis, pick)| match pick {
            pick if own.contains(&axis) => pick.clone(),
            Pick::At(_) => Pick::At(0),
            _ => Pick::all(computed.shape()[axis]),
        });
        take(&computed, &after.collect::<Vec<_>>())
    }

    /// Into the input of a reduction, along the axes that it keeps, and to the members of the groups that are wanted.
    fn select_folded(&mut self, node: &NodeRef, picks: &[Pick], depth: usize) -> Result<NodeRef> {
        let input = &node.inputs()[0];
        let demand = node.operator().demand(&[input.meta()], node.meta());
        let mut inner: Vec<Pick> = input
            .shape()
            .iter()
            .map(|length| Pick::all(*length))
            .collect();
        // What is left to be taken of the new result.
        let mut after = picks.to_vec();
        let mut operator = node.operator().clone_box();
        for (axis, map) in demand[0].iter().enumerate() {
            match map {
                AxisMap::Affine { axis: own, .. } => {
                    inner[axis] = picks[*own].kept();
                    after[*own] = match &picks[*own] {
                        Pick::At(_) => Pick::At(0),
                        pick => Pick::all(pick.length().unwrap_or(1)),
                    };
                }
                AxisMap::Grouped { axis: own, .. } => {
                    let mut wanted = picks[*own].indices();
                    wanted.sort_unstable();
                    wanted.dedup();
                    if let Some((fewer, members)) = operator.of_groups(&wanted) {
                        operator = fewer;
                        inner[axis] = Pick::List(members);
                        let place =
                            |group: &u64| wanted.partition_point(|other| other < group) as u64;
                        let places: Vec<u64> = picks[*own].indices().iter().map(place).collect();
                        after[*own] = match &picks[*own] {
                            Pick::At(_) => Pick::At(0),
                            _ if places.iter().copied().eq(0..wanted.len() as u64) => {
                                Pick::all(wanted.len() as u64)
                            }
                            _ => Pick::List(places.into()),
                        };
                    }
                }
                _ => {}
            }
        }
        let new = self.push(input, inner, depth + 1)?;
        if new.hash() == input.hash() {
            return take(node, picks);
        }
        self.has_gained = true;
        let computed = Node::apply_boxed(operator, vec![new])?;
        take(&computed, &after)
    }

    /// Through a view, whose axes are put back in their order and repeated where it repeats its input.
    fn through_view(&mut self, node: &NodeRef, picks: &[Pick], depth: usize) -> Result<NodeRef> {
        let input = &node.inputs()[0];
        let metas: [&Meta; 1] = [input.meta()];
        let demand = node.operator().demand(&metas, node.meta());
        let shape: Vec<u64> = picks.iter().filter_map(Pick::length).collect();
        // The new place of each axis of the view that is left.
        let mut left = 0;
        let places: Vec<Option<usize>> = picks
            .iter()
            .map(|pick| {
                pick.length().map(|_| {
                    left += 1;
                    left - 1
                })
            })
            .collect();
        let mut follows = Vec::new();
        let mut inner = Vec::new();
        for map in &demand[0] {
            let pick = match map.axis() {
                Some(axis) => picks[axis].of(map),
                None => map.index(0).map(Pick::At),
            };
            let Some(pick) = pick else {
                return take(node, picks);
            };
            if pick.length().is_some() {
                follows.extend(map.axis().and_then(|axis| places[axis]));
            }
            inner.push(pick);
        }
        // Several axes of the input that follow one axis are points, not a box.
        if (1..follows.len()).any(|at| follows[..at].contains(&follows[at])) {
            return take(node, picks);
        }
        let pushed = self.push(input, inner, depth + 1)?;
        let mut order: Vec<usize> = (0..follows.len()).collect();
        order.sort_by_key(|at| follows[*at]);
        let turned = transpose(&pushed, &order)?;
        follows.sort_unstable();
        broadcast_axes(&turned, &shape, &follows)
    }
}

fn is_whole(work: &Work) -> bool {
    matches!(
        work,
        Work::Reduce(_) | Work::Columns(_) | Work::Cumulate { .. }
    )
}

/// `picks` of `node`, taken here.
fn take(node: &NodeRef, picks: &[Pick]) -> Result<NodeRef> {
    let mut taken = node.clone();
    for (axis, pick) in picks.iter().enumerate() {
        if let Pick::List(list) = pick {
            taken = gather(&taken, axis, list.clone())?;
        }
    }
    let axes = picks
        .iter()
        .zip(taken.shape())
        .map(|(pick, length)| match pick {
            Pick::At(at) => AxisIndex::At(*at),
            Pick::Range {
                start,
                length,
                step,
            } => AxisIndex::Range {
                start: *start,
                length: *length,
                step: *step,
            },
            Pick::List(_) => AxisIndex::all(*length),
        });
    let axes: Vec<AxisIndex> = axes.collect();
    index(&taken, &axes)
}
