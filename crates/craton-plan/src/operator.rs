//! What an operator is: meaning, demand and work, and the registry of all of them.

use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta};
use craton_core::{Block, Error, Result, Source};
use craton_kernels::column::ColumnKernel;
use craton_kernels::fold::Fold;
use craton_kernels::program::Operation;
use craton_kernels::scan::{Cumulation, RollingKind};
use std::fmt::Debug;
use std::sync::Arc;

/// An operator that folds only some groups, and the input indices along its axis that these need.
pub type OfGroups = (Box<dyn Operator>, Arc<[u64]>);

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

    /// Of an operator that folds by group: the one that folds only the groups `wanted`, which ascend, in that order,
    /// and the input indices along its axis that it needs. `None` for all other operators, and if these are all groups.
    fn of_groups(&self, wanted: &[u64]) -> Option<OfGroups> {
        let _ = wanted;
        None
    }

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
    /// Of whole columns, all of them or by group.
    Columns(ColumnWork),
    /// In order along an axis.
    Cumulate {
        /// Sum, product or last valid value.
        kind: Cumulation,
        /// The axis.
        axis: usize,
        /// Whether missing values count as nothing.
        skip_missing: bool,
        /// Whether it begins at the end of the axis.
        is_reversed: bool,
    },
    /// Windows that slide along an axis.
    Rolling {
        /// The statistic.
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

/// The work on whole columns: the values of all folded indices at one kept place.
#[derive(Clone)]
pub struct ColumnWork {
    /// The arithmetic.
    pub kernel: Arc<dyn ColumnKernel>,
    /// For each input axis, whether it is folded away.
    pub is_reduced: Vec<bool>,
    /// As for a reduction.
    pub groups: Option<Groups>,
    /// Where the results of a column lie.
    pub results: Results,
}

/// Where the results of a column lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// Along a new first axis, which is not there for a single result.
    First,
    /// Along the axis of the column, the only one that is folded.
    Along(usize),
}

impl ColumnWork {
    /// Whether columns run along `axis`, all of it or by group.
    #[must_use]
    pub fn folds(&self, axis: usize) -> bool {
        let groups = self.groups.as_ref();
        self.is_reduced[axis] || groups.is_some_and(|groups| groups.axis == axis)
    }
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

impl Groups {
    /// Fails unless the codes fit an input of `shape` and the count.
    pub(crate) fn check(&self, shape: &[u64]) -> Result<()> {
        let Self { axis, codes, count } = self;
        if shape.get(*axis).copied() != Some(codes.len() as u64) {
            let message = format!(
                "{} group codes for axis {axis} of shape {shape:?}",
                codes.len()
            );
            return Err(Error::invalid(message));
        }
        let is_outside = |code: &&i64| usize::try_from(**code).is_ok_and(|code| code >= *count);
        match codes.iter().find(is_outside) {
            Some(code) => Err(Error::invalid(format!(
                "group code {code}, but there are {count} groups"
            ))),
            None => Ok(()),
        }
    }

    /// Only the groups `wanted`, which ascend, and the indices that belong to them; `None` if these are all groups.
    pub(crate) fn only(&self, wanted: &[u64]) -> Option<(Self, Arc<[u64]>)> {
        if wanted.len() >= self.count {
            return None;
        }
        let place = |code: i64| wanted.binary_search(&u64::try_from(code).ok()?).ok();
        let members = (0u64..).zip(self.codes.iter());
        let members = members.filter_map(|(at, code)| Some((at, place(*code)? as i64)));
        let (indices, codes): (Vec<u64>, Vec<i64>) = members.unzip();
        let groups = Self {
            axis: self.axis,
            codes: codes.into(),
            count: wanted.len(),
        };
        Some((groups, indices.into()))
    }

    /// The canonical bytes.
    pub(crate) fn canonical(&self, out: &mut Canonical) {
        let codes = self.codes.iter().map(|code| code.cast_unsigned());
        out.integer(self.axis as i64)
            .list(codes)
            .integer(self.count as i64);
    }

    /// The groups of `length` indices from `start` on, in ascending order.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "places in a list we hold")]
    pub fn present(&self, start: u64, length: u64) -> Vec<u64> {
        let codes = &self.codes[start as usize..(start + length) as usize];
        let mut present: Vec<u64> = codes
            .iter()
            .filter_map(|code| u64::try_from(*code).ok())
            .collect();
        present.sort_unstable();
        present.dedup();
        present
    }
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
