//! From a plan to stages: where results must be whole, what is fused, which stages share a scan.

use super::cuts::cut_stage;
use super::share::share_scans;
use super::stage::{
    Body, Input, Leaf, Local, LocalKind, Pipelines, SinkKind, Space, Stage, StageSink, StoreTo,
    Target,
};
use crate::axis_map::AxisMap;
use crate::node::{Meta, NodeRef, PlanHash};
use crate::operator::Work;
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

/// Deeper plans than this are refused rather than risk the stack.
const DEPTH_LIMIT: usize = 4000;

/// Turns outputs into stages.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] for plans that are too deep or compute on strings.
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
        stage.cuts = cut_stage(stage);
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
        if let Work::Cumulate {
            kind,
            axis,
            skip_missing,
        } = node.work()
        {
            let body = self.body(&node.inputs()[0], depth + 1)?;
            self.push(
                body,
                SinkKind::Cumulate {
                    kind,
                    axis,
                    skip_missing,
                    dtype: node.dtype(),
                    to,
                },
            );
        } else {
            let body = self.body(node, depth + 1)?;
            self.push(body, SinkKind::Store(to));
        }
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
        let mut fusion = Fusion {
            extents: node.shape().to_vec(),
            leaves: Vec::new(),
            uses: Vec::new(),
            program: Program::default(),
            done: HashMap::new(),
        };
        let result = self.fuse(
            node,
            AxisMap::identity(node.shape().len()),
            &mut fusion,
            depth,
        )?;
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

    /// Adds `node`, read through `maps`, to the expression being fused.
    fn fuse(
        &mut self,
        node: &NodeRef,
        maps: Vec<AxisMap>,
        fusion: &mut Fusion,
        depth: usize,
    ) -> Result<Operand> {
        if depth > DEPTH_LIMIT {
            let message =
                format!("the expression is nested more than {DEPTH_LIMIT} operations deep");
            return Err(Error::unsupported(message).hint("compute a part of it first"));
        }
        let key = (node.hash(), maps);
        if let Some(operand) = fusion.done.get(&key) {
            return Ok(*operand);
        }
        let maps = key.1.clone();
        let operand = match node.work() {
            Work::Source(source) => fusion.leaf(Input::Source(source), maps, node),
            Work::Literal(block) => fusion.leaf(Input::Literal(block), maps, node),
            Work::Reduce(_) | Work::Cumulate { .. } => {
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
            Work::View => self.fuse_inputs(node, &maps, fusion, depth)?[0],
            Work::Map(operation) => {
                let operands = self.fuse_inputs(node, &maps, fusion, depth)?;
                fusion.program.step(operation, operands)
            }
        };
        fusion.done.insert(key, operand);
        Ok(operand)
    }

    fn fuse_inputs(
        &mut self,
        node: &NodeRef,
        maps: &[AxisMap],
        fusion: &mut Fusion,
        depth: usize,
    ) -> Result<Vec<Operand>> {
        let metas: Vec<&Meta> = node.inputs().iter().map(|input| input.meta()).collect();
        let demand = node.operator().demand(&metas, node.meta());
        let mut operands = Vec::new();
        for (input, demand) in node.inputs().iter().zip(demand) {
            let through: Option<Vec<AxisMap>> = demand
                .iter()
                .map(|map| map.after(maps, &fusion.extents))
                .collect();
            let through = through.ok_or_else(|| {
                Error::internal(format!(
                    "`{}` is no element-wise view",
                    node.operator().name()
                ))
            })?;
            operands.push(self.fuse(input, through, fusion, depth + 1)?);
        }
        Ok(operands)
    }
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
