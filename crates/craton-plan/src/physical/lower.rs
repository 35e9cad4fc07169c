//! From a plan to stages: where results must be whole, what is fused, which stages share a scan.

use super::cuts::cut_stage;
use super::share::share_scans;
use super::stage::{
    Body, Input, Leaf, Local, LocalKind, Pipelines, SinkKind, Space, Stage, StageSink, StoreTo,
    Target,
};
use crate::axis_map::AxisMap;
use crate::node::{Meta, NodeRef, PlanHash};
use crate::operator::{Results, Work};
use craton_core::{Error, Result};
use craton_kernels::program::{Operand, Program};
use std::collections::HashMap;
use std::sync::Arc;

/// One thing asked for.
#[derive(Clone, Debug)]
pub struct Output {
    /// What.
    pub node: NodeRef,
    /// Where it goes.
    pub target: Target,
}

/// Plans that nest windows, reductions and concatenations deeper than this are refused rather than risk the
/// stack. A concatenation in a loop nests once per turn, which is two of these.
const DEPTH_LIMIT: usize = 800;

/// Turns outputs into stages.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] for plans that are too deep or compute on strings,
/// [`craton_core::ErrorKind::Budget`] for sources of more chunks than can be listed.
pub fn lower(outputs: &[Output]) -> Result<Pipelines> {
    let mut lowering = Lowering::default();
    let mut slots = Vec::new();
    for output in outputs {
        slots.push(match &output.target {
            Target::Keep => Some(lowering.slot_of(&output.node, 0)?),
            Target::Write(sink) => {
                lowering.store(&output.node, StoreTo::Sink(sink.clone()), 0)?;
                None
            }
        });
    }
    let mut stages = share_scans(lowering.stages);
    for stage in &mut stages {
        stage.cuts = cut_stage(stage)?;
    }
    Ok(Pipelines {
        stages,
        slots: lowering.slots,
        outputs: slots,
    })
}

#[derive(Default)]
struct Lowering {
    stages: Vec<Stage>,
    slots: Vec<Meta>,
    slot_of: HashMap<PlanHash, usize>,
}

impl Lowering {
    /// The slot that holds `node` whole, adding the stage that fills it.
    fn slot_of(&mut self, node: &NodeRef, depth: usize) -> Result<usize> {
        if let Some(slot) = self.slot_of.get(&node.hash()) {
            return Ok(*slot);
        }
        let slot = match node.work() {
            Work::Reduce(work) => {
                let body = self.body(&node.inputs()[0], depth + 1)?;
                let slot = self.new_slot(node);
                self.push(body, SinkKind::Reduce { work, slot });
                slot
            }
            Work::Columns(work) => {
                let body = self.body(&node.inputs()[0], depth + 1)?;
                let slot = self.new_slot(node);
                let dtype = node.dtype();
                let to = StoreTo::Slot(slot);
                self.push(body, SinkKind::Columns { work, dtype, to });
                slot
            }
            _ => {
                let slot = self.new_slot(node);
                self.store(node, StoreTo::Slot(slot), depth)?;
                slot
            }
        };
        self.slot_of.insert(node.hash(), slot);
        Ok(slot)
    }

    fn new_slot(&mut self, node: &NodeRef) -> usize {
        self.slots.push(node.meta().clone());
        self.slots.len() - 1
    }

    /// Adds the stage that computes `node` and puts it where it should go.
    fn store(&mut self, node: &NodeRef, to: StoreTo, depth: usize) -> Result<()> {
        let dtype = node.dtype();
        let kind = match node.work() {
            Work::Cumulate {
                kind,
                axis,
                skip_missing,
                is_reversed,
            } => {
                // Tasks come in the order of their space, so the space is that of the input from its end on.
                let input = &node.inputs()[0];
                let mut maps = AxisMap::identity(input.shape().len());
                if is_reversed {
                    maps[axis] = AxisMap::Affine {
                        axis,
                        start: input.shape()[axis].saturating_sub(1),
                        step: -1,
                    };
                }
                let body = self.body_through(input, maps, depth + 1)?;
                let kind = SinkKind::Cumulate {
                    kind,
                    axis,
                    skip_missing,
                    is_reversed,
                    dtype,
                    to,
                };
                self.push(body, kind);
                return Ok(());
            }
            Work::Columns(work) if matches!(work.results, Results::Along(_)) => {
                SinkKind::Columns { work, dtype, to }
            }
            _ => {
                let body = self.body(node, depth + 1)?;
                self.push(body, SinkKind::Store(to));
                return Ok(());
            }
        };
        let body = self.body(&node.inputs()[0], depth + 1)?;
        self.push(body, kind);
        Ok(())
    }

    fn push(&mut self, body: Body, kind: SinkKind) {
        let Body {
            space,
            program,
            uses,
            dtype,
        } = body;
        let sinks = vec![StageSink {
            program,
            uses,
            dtype,
            kind,
        }];
        self.stages.push(Stage {
            space,
            sinks,
            cuts: Vec::new(),
        });
    }

    /// `node` as an expression over its own index space.
    fn body(&mut self, node: &NodeRef, depth: usize) -> Result<Body> {
        self.body_through(node, AxisMap::identity(node.shape().len()), depth)
    }

    /// `node` as an expression over an index space of the same shape, read through `maps`.
    fn body_through(&mut self, node: &NodeRef, maps: Vec<AxisMap>, depth: usize) -> Result<Body> {
        let mut fusion = Fusion {
            extents: node.shape().to_vec(),
            leaves: Vec::new(),
            uses: Vec::new(),
            program: Program::default(),
            done: HashMap::new(),
        };
        let result = self.fuse(node, maps, &mut fusion, depth)?;
        fusion.program.finish(result);
        let Fusion {
            extents,
            leaves,
            uses,
            program,
            ..
        } = fusion;
        Ok(Body {
            space: Space { extents, leaves },
            program,
            uses,
            dtype: node.dtype(),
        })
    }

    /// Adds `root`, read through `maps`, to the expression being fused.
    fn fuse(
        &mut self,
        root: &NodeRef,
        maps: Vec<AxisMap>,
        fusion: &mut Fusion,
        depth: usize,
    ) -> Result<Operand> {
        // A stack of our own: chains of operations may be longer than the thread's stack is deep.
        let mut pending = vec![Pending::new(root.clone(), maps.clone())];
        while let Some(mut next) = pending.pop() {
            if fusion.operand(&next.node, &next.maps).is_some() {
                continue;
            }
            let work = next.node.work();
            if next.inputs.is_none() && matches!(work, Work::View | Work::Map(_)) {
                let inputs = inputs_through(&next.node, &next.maps, fusion)?;
                next.inputs = Some(inputs.clone());
                pending.push(next);
                let inputs = inputs.into_iter().rev();
                pending.extend(inputs.map(|(node, maps)| Pending::new(node, maps)));
                continue;
            }
            let operands: Option<Vec<Operand>> = next
                .inputs
                .iter()
                .flatten()
                .map(|(node, maps)| fusion.operand(node, maps))
                .collect();
            let operands = operands.ok_or_else(|| Error::internal("an operand was passed over"))?;
            let operand = match (work, operands.first()) {
                (Work::View, Some(only)) => *only,
                (Work::Map(operation), _) => fusion.program.step(operation, operands),
                (work, _) => self.fuse_leaf(&next.node, work, next.maps.clone(), fusion, depth)?,
            };
            fusion.done.insert((next.node.hash(), next.maps), operand);
        }
        let operand = fusion.operand(root, &maps);
        operand.ok_or_else(|| Error::internal("an expression without a result"))
    }

    /// Adds what is read, not computed element by element.
    fn fuse_leaf(
        &mut self,
        node: &NodeRef,
        work: Work,
        maps: Vec<AxisMap>,
        fusion: &mut Fusion,
        depth: usize,
    ) -> Result<Operand> {
        if depth > DEPTH_LIMIT {
            let message = "the expression nests windows, reductions or concatenations too deeply";
            return Err(Error::unsupported(message).hint("compute a part of it first"));
        }
        Ok(match work {
            Work::Source(source) => fusion.leaf(Input::Source(source), maps, node),
            Work::Literal(block) => fusion.leaf(Input::Literal(block), maps, node),
            Work::Reduce(_) | Work::Columns(_) | Work::Cumulate { .. } => {
                let slot = self.slot_of(node, depth + 1)?;
                fusion.leaf(Input::Slot(slot), maps, node)
            }
            Work::Rolling {
                kind,
                axis,
                window,
                min_periods,
            } => {
                let body = self.body(&node.inputs()[0], depth + 1)?;
                let kind = LocalKind::Rolling {
                    kind,
                    axis,
                    window,
                    min_periods,
                    body,
                };
                fusion.leaf(
                    Input::Local(Arc::new(Local {
                        meta: node.meta().clone(),
                        kind,
                    })),
                    maps,
                    node,
                )
            }
            Work::Concat { axis } => {
                let mut start = 0;
                let mut pieces = Vec::new();
                for input in node.inputs() {
                    pieces.push((start, self.body(input, depth + 1)?));
                    start += input.shape()[axis];
                }
                let kind = LocalKind::Concat { axis, pieces };
                fusion.leaf(
                    Input::Local(Arc::new(Local {
                        meta: node.meta().clone(),
                        kind,
                    })),
                    maps,
                    node,
                )
            }
            Work::View | Work::Map(_) => {
                return Err(Error::internal("an operation without operands"));
            }
        })
    }
}

/// A node that is to be added to an expression.
struct Pending {
    node: NodeRef,
    maps: Vec<AxisMap>,
    /// Its operands, once they are on their way.
    inputs: Option<Vec<(NodeRef, Vec<AxisMap>)>>,
}

impl Pending {
    fn new(node: NodeRef, maps: Vec<AxisMap>) -> Self {
        Self {
            node,
            maps,
            inputs: None,
        }
    }
}

/// The inputs of an element-wise node or view that is read through `maps`, and what they are read through.
fn inputs_through(
    node: &NodeRef,
    maps: &[AxisMap],
    fusion: &Fusion,
) -> Result<Vec<(NodeRef, Vec<AxisMap>)>> {
    let metas: Vec<&Meta> = node.inputs().iter().map(|input| input.meta()).collect();
    let demand = node.operator().demand(&metas, node.meta());
    let pairs = node.inputs().iter().zip(demand).map(|(input, demand)| {
        let through: Option<Vec<AxisMap>> = demand
            .iter()
            .map(|map| map.after(maps, &fusion.extents))
            .collect();
        let through = through.ok_or_else(|| {
            let name = node.operator().name();
            Error::internal(format!("`{name}` is no element-wise view"))
        })?;
        Ok((input.clone(), through))
    });
    pairs.collect()
}

/// An expression while it is being fused.
struct Fusion {
    extents: Vec<u64>,
    leaves: Vec<Leaf>,
    uses: Vec<usize>,
    program: Program,
    done: HashMap<(PlanHash, Vec<AxisMap>), Operand>,
}

impl Fusion {
    fn operand(&self, node: &NodeRef, maps: &[AxisMap]) -> Option<Operand> {
        self.done.get(&(node.hash(), maps.to_vec())).copied()
    }

    fn leaf(&mut self, input: Input, maps: Vec<AxisMap>, node: &NodeRef) -> Operand {
        self.leaves.push(Leaf {
            input,
            maps,
            dtype: node.dtype(),
        });
        self.uses.push(self.leaves.len() - 1);
        self.program.input(node.dtype())
    }
}
