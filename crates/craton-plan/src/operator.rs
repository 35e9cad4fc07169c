//! What an operator is: meaning, demand and work, and the registry of all of them.

use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta};
use craton_core::{Block, Result, Source};
use craton_kernels::fold::Fold;
use craton_kernels::program::Operation;
use craton_kernels::scan::{Cumulation, RollingKind};
use std::fmt::Debug;
use std::sync::Arc;

/// The meaning of one array operation, with its arguments.
pub trait Operator: Debug + Send + Sync {
    /// The registered name.
    fn name(&self) -> &'static str;

    /// Raised whenever the meaning of stored plans changes.
    fn version(&self) -> u32 {
        1
    }

    /// Shape and dtype of the result; refuses what makes no sense, before anything is read.
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta>;

    /// Per input, one map per axis of that input.
    fn demand(&self, inputs: &[&Meta], output: &Meta) -> Vec<Vec<AxisMap>>;

    /// The work, as one of the shapes that the executor knows.
    fn work(&self, inputs: &[&Meta], output: &Meta) -> Work;

    /// The arguments as canonical bytes.
    fn canonical(&self, out: &mut Canonical);

    /// The arguments in words, for people.
    fn describe(&self) -> String {
        String::new()
    }

    /// A copy.
    fn clone_box(&self) -> Box<dyn Operator>;
}

/// The closed set of shapes of work.
pub enum Work {
    /// Stored chunks.
    Source(Arc<dyn Source>),
    /// Values at hand.
    Literal(Arc<Block>),
    /// Nothing but other indices: the demand says all.
    View,
    /// Element by element.
    Map(Operation),
    /// Inputs one after the other along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// Folded along axes, all of it or by group.
    Reduce(ReduceWork),
    /// In order along an axis.
    Cumulate {
        /// Sum or product.
        kind: Cumulation,
        /// The axis.
        axis: usize,
        /// Whether missing values count as nothing.
        skip_missing: bool,
    },
    /// Windows that slide along an axis.
    Rolling {
        /// Sum, mean, minimum or maximum.
        kind: RollingKind,
        /// The axis.
        axis: usize,
        /// Indices in a window.
        window: usize,
        /// Valid values needed for a valid result.
        min_periods: usize,
    },
}

/// A reduction's work.
#[derive(Clone)]
pub struct ReduceWork {
    /// The arithmetic.
    pub fold: Fold,
    /// For each input axis, whether it is folded away.
    pub is_reduced: Vec<bool>,
    /// The axis folded by group, the group of each of its indices, and the count of groups.
    pub groups: Option<Groups>,
}

/// Which group each index of an axis belongs to.
#[derive(Clone, Debug)]
pub struct Groups {
    /// The grouped axis, of input and output alike.
    pub axis: usize,
    /// The group of each index; negative for none.
    pub codes: Arc<[i64]>,
    /// How many groups.
    pub count: usize,
}

/// The shape of an operator's work, for the registry and `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeOfWork {
    /// Values that are there already.
    Leaf,
    /// `apply(tile, out)`.
    Blockwise,
    /// `init, fold, merge, finish`.
    Reduce,
    /// `local, carry, apply`.
    Scan,
    /// `partition, assemble`.
    Shuffle,
}

/// One row of the registry.
#[derive(Debug, Clone, Copy)]
pub struct OperatorEntry {
    /// The registered name.
    pub name: &'static str,
    /// The arguments, as a Python signature without the inputs.
    pub arguments: &'static str,
    /// The shape of its work.
    pub shape: ShapeOfWork,
    /// One sentence.
    pub doc: &'static str,
}

/// Every operator there is. Element-wise functions come from the kernels' own lists.
pub static OPERATORS: &[OperatorEntry] = crate::ops::ENTRIES;
