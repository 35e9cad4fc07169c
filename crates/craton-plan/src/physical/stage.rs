//! The data that the executor runs: stages, spaces, leaves and sinks.

use crate::axis_map::AxisMap;
use crate::node::Meta;
use crate::operator::{ColumnWork, ReduceWork};
use craton_core::{Block, DType, Sink, Source};
use craton_kernels::program::Program;
use craton_kernels::scan::{Cumulation, RollingKind};
use std::sync::Arc;

/// Where an output goes.
#[derive(Clone, Debug)]
pub enum Target {
    /// Into memory.
    Keep,
    /// Into a stored array.
    Write(Arc<dyn Sink>),
}

/// Stages in the order in which they run.
pub struct Pipelines {
    /// The stages; each uses only slots of earlier ones.
    pub stages: Vec<Stage>,
    /// Whole results held in memory between stages, and outputs that are kept.
    pub slots: Vec<Meta>,
    /// Per output, the slot that holds it, or `None` where it was written.
    pub outputs: Vec<Option<usize>>,
}

/// One pass over an index space, cut into tasks.
#[derive(Clone)]
pub struct Stage {
    /// What is read, and at which indices.
    pub space: Space,
    /// What becomes of it; more than one where outputs share a scan.
    pub sinks: Vec<StageSink>,
    /// Per axis, where tasks begin, and the extent as last element. A task is one interval per axis.
    pub cuts: Vec<Vec<u64>>,
}

impl Stage {
    /// Tasks along each axis.
    #[must_use]
    pub fn task_grid(&self) -> Vec<u64> {
        self.cuts.iter().map(|cuts| cuts.len() as u64 - 1).collect()
    }

    /// Tasks in all.
    #[must_use]
    pub fn task_count(&self) -> u64 {
        self.task_grid().iter().product()
    }

    /// The index ranges of task number `task`, in C order of the task grid: `(start, length)` per axis.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a position in a list we hold"
    )]
    pub fn task(&self, task: u64) -> Vec<(u64, u64)> {
        let mut rest = task;
        let mut ranges = vec![(0, 0); self.cuts.len()];
        for (axis, cuts) in self.cuts.iter().enumerate().rev() {
            let parts = cuts.len() as u64 - 1;
            let part = (rest % parts) as usize;
            rest /= parts;
            ranges[axis] = (cuts[part], cuts[part + 1] - cuts[part]);
        }
        ranges
    }
}

/// An index space, and the leaves that are read over it.
#[derive(Clone)]
pub struct Space {
    /// Indices along each axis.
    pub extents: Vec<u64>,
    /// What is read.
    pub leaves: Vec<Leaf>,
}

impl Space {
    /// Per axis, how many indices before a box its windows need; nothing if there are neither windows nor
    /// concatenations.
    #[must_use]
    pub fn reach(&self) -> Option<Vec<u64>> {
        let mut found: Option<Vec<u64>> = None;
        for leaf in &self.leaves {
            let Input::Local(local) = &leaf.input else {
                continue;
            };
            let found = found.get_or_insert_with(|| vec![0; self.extents.len()]);
            let mut inner = vec![0u64; leaf.maps.len()];
            let mut include = |space: &Self| {
                for (axis, more) in space.reach().unwrap_or_default().iter().enumerate() {
                    inner[axis] = inner[axis].max(*more);
                }
            };
            match &local.kind {
                LocalKind::Rolling {
                    body, axis, window, ..
                } => {
                    include(&body.space);
                    inner[*axis] = inner[*axis].saturating_add(*window as u64 - 1);
                }
                LocalKind::Concat { pieces, .. } => {
                    pieces.iter().for_each(|(_, body)| include(&body.space));
                }
            }
            for (map, before) in leaf.maps.iter().zip(inner) {
                if let Some(axis) = map.axis() {
                    found[axis] = found[axis].max(before);
                }
            }
        }
        found
    }
}

/// Something read over a space.
#[derive(Clone)]
pub struct Leaf {
    /// What.
    pub input: Input,
    /// Per axis of the input, which index each index of the space needs: affine, gather or fixed.
    pub maps: Vec<AxisMap>,
    /// The dtype of its elements.
    pub dtype: DType,
}

/// Where a leaf's values come from.
#[derive(Clone)]
pub enum Input {
    /// Stored chunks.
    Source(Arc<dyn Source>),
    /// The result of an earlier stage.
    Slot(usize),
    /// Values at hand.
    Literal(Arc<Block>),
    /// Values computed tile by tile just before they are used.
    Local(Arc<Local>),
}

/// Values computed tile by tile because they need neighbours or come in pieces.
pub struct Local {
    /// Shape and dtype of the whole.
    pub meta: Meta,
    /// How.
    pub kind: LocalKind,
}

/// How a [`Local`] is computed.
pub enum LocalKind {
    /// Sliding windows over a body of the same shape.
    Rolling {
        /// The statistic.
        kind: RollingKind,
        /// The axis.
        axis: usize,
        /// Indices in a window.
        window: usize,
        /// Valid values needed.
        min_periods: usize,
        /// What is windowed.
        body: Body,
    },
    /// Bodies one after the other.
    Concat {
        /// The axis.
        axis: usize,
        /// Where each begins, and what it is.
        pieces: Vec<(u64, Body)>,
    },
}

/// An expression over its own space.
#[derive(Clone)]
pub struct Body {
    /// What it reads.
    pub space: Space,
    /// The expression.
    pub program: Program,
    /// Per program input, the leaf.
    pub uses: Vec<usize>,
    /// The dtype of the result.
    pub dtype: DType,
}

/// An expression over a stage's space, and what becomes of its values.
#[derive(Clone)]
pub struct StageSink {
    /// The expression.
    pub program: Program,
    /// Per program input, the leaf.
    pub uses: Vec<usize>,
    /// The dtype of the expression's values.
    pub dtype: DType,
    /// What becomes of them.
    pub kind: SinkKind,
}

/// What becomes of a stage's values.
#[derive(Clone)]
pub enum SinkKind {
    /// Folded into a slot.
    Reduce {
        /// The fold.
        work: ReduceWork,
        /// The slot.
        slot: usize,
    },
    /// Put together into whole columns, which give a few values each.
    Columns {
        /// The arithmetic.
        work: ColumnWork,
        /// The dtype of the results.
        dtype: DType,
        /// Where they go; into a stored array only along the axis of the columns.
        to: StoreTo,
    },
    /// Kept or written as they are.
    Store(StoreTo),
    /// Accumulated along an axis, then kept or written.
    Cumulate {
        /// Sum, product or last valid value.
        kind: Cumulation,
        /// The axis.
        axis: usize,
        /// Whether missing values count as nothing.
        skip_missing: bool,
        /// Whether the axis of the space is that of the result from its end on.
        is_reversed: bool,
        /// The dtype of the result.
        dtype: DType,
        /// Where the result goes.
        to: StoreTo,
    },
}

/// Where whole values go.
#[derive(Clone, Debug)]
pub enum StoreTo {
    /// Into a slot.
    Slot(usize),
    /// Into a stored array.
    Sink(Arc<dyn Sink>),
}
