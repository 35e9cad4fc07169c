//! Reductions as folds: states that take rows of values, merge, and finish into results.
//!
//! A fold over columns continues strictly in order, so it does not matter how rows are split over calls. A fold
//! over one row deals its values to 16 lanes, combines them pairwise and adds them to the state.

mod complex;
mod engine;
mod extremes;
mod logic;
mod moments;
mod order;
mod totals;

use crate::unary::named_operations;
use craton_core::{DType, TimeKind};
use engine::Table;

named_operations! {
    /// A reduction. Names are NumPy's and xarray's.
    Reduction {
        Sum => "sum",
        Prod => "prod",
        Mean => "mean",
        Var => "var",
        Std => "std",
        Min => "min",
        Max => "max",
        Any => "any",
        All => "all",
        Count => "count",
        ArgMin => "argmin",
        ArgMax => "argmax",
        First => "first",
        Last => "last",
    }
}

/// Which reduction of which elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldSpec {
    /// The reduction.
    pub reduction: Reduction,
    /// The type of the values.
    pub dtype: DType,
    /// Whether NaN and NaT are left out rather than passed on.
    pub skip_missing: bool,
    /// Taken off the count that `Var` and `Std` divide by.
    pub ddof: u32,
    /// `Sum` and `Prod` of floats are missing where fewer values are valid; 0 is off.
    pub min_count: u32,
}

/// A reduction bound to a type: how to begin, continue, merge and finish states.
///
/// States lie in `words()` planes of `u64`: word `w` of output `i` is `state[w * capacity + i]`.
#[derive(Debug, Clone)]
pub struct Fold {
    spec: FoldSpec,
    output: DType,
    table: Table,
}

impl Fold {
    /// The fold of a specification; `None` where the reduction is not defined for the type.
    #[must_use]
    pub fn new(spec: FoldSpec) -> Option<Fold> {
        let output = output_of(&spec)?;
        let table = match spec.reduction {
            _ if spec.dtype.is_complex() && spec.reduction != Reduction::Count => {
                complex::table(&spec)
            }
            Reduction::Sum | Reduction::Prod | Reduction::Mean => totals::table(&spec),
            Reduction::Var | Reduction::Std => moments::table(&spec),
            Reduction::Min | Reduction::Max => extremes::table(&spec),
            Reduction::ArgMin | Reduction::ArgMax | Reduction::First | Reduction::Last => {
                order::table(&spec)
            }
            Reduction::Any | Reduction::All | Reduction::Count => logic::table(&spec),
        }?;
        Some(Fold {
            spec,
            output,
            table,
        })
    }

    /// The type of the results.
    #[must_use]
    pub fn output(&self) -> DType {
        self.output
    }

    /// 8-byte words of state per output element.
    #[must_use]
    pub fn words(&self) -> usize {
        self.table.words
    }

    /// Makes states `offset..offset + count` those of no values.
    pub fn init(&self, state: &mut [u64], capacity: usize, offset: usize, count: usize) {
        for word in 0..self.table.words {
            state[word * capacity + offset..][..count].fill(self.table.start[word]);
        }
    }

    /// Folds `rows` rows of `count` values into states `offset..offset + count`, row by row in order.
    ///
    /// Row `r` starts at element `r * row_stride` of `values` and has position `first_index + r * index_step`
    /// along the reduced axis.
    #[allow(
        clippy::too_many_arguments,
        reason = "plain loops over slices, no doer objects"
    )]
    pub fn fold_columns(
        &self,
        values: &[u8],
        row_stride: usize,
        rows: usize,
        count: usize,
        first_index: u64,
        index_step: u64,
        state: &mut [u64],
        capacity: usize,
        offset: usize,
    ) {
        let shape = engine::Rows {
            row_stride,
            rows,
            count,
            first_index,
            index_step,
        };
        (self.table.columns)(values, shape, state, capacity, offset);
    }

    /// Folds `count` contiguous values into the one state at `offset`; value `k` has position
    /// `first_index + k * index_step`.
    #[allow(
        clippy::too_many_arguments,
        reason = "plain loops over slices, no doer objects"
    )]
    pub fn fold_row(
        &self,
        values: &[u8],
        count: usize,
        first_index: u64,
        index_step: u64,
        state: &mut [u64],
        capacity: usize,
        offset: usize,
    ) {
        let shape = engine::Rows {
            row_stride: 0,
            rows: 1,
            count,
            first_index,
            index_step,
        };
        (self.table.row)(values, shape, state, capacity, offset);
    }

    /// Folds one value `times` times into states `offset..offset + count`, at positions `first_index`,
    /// `first_index + index_step` and so on.
    ///
    /// # Cost
    /// Constant per state, except for sums, products and moments of fractions, which must round as often.
    #[allow(
        clippy::too_many_arguments,
        reason = "plain loops over slices, no doer objects"
    )]
    pub fn fold_repeated(
        &self,
        value: &[u8],
        times: u64,
        first_index: u64,
        index_step: u64,
        state: &mut [u64],
        capacity: usize,
        offset: usize,
        count: usize,
    ) {
        let shape = engine::Rows {
            row_stride: 0,
            rows: usize::try_from(times).unwrap_or(usize::MAX),
            count,
            first_index,
            index_step,
        };
        (self.table.repeated)(value, shape, state, capacity, offset);
    }

    /// Merges `count` states of a later part of the axis into those of an earlier part.
    #[allow(
        clippy::too_many_arguments,
        reason = "plain loops over slices, no doer objects"
    )]
    pub fn merge(
        &self,
        later: &[u64],
        later_capacity: usize,
        later_offset: usize,
        into: &mut [u64],
        capacity: usize,
        offset: usize,
        count: usize,
    ) {
        let later = (later, later_capacity, later_offset);
        (self.table.merge)(later, into, capacity, offset, count);
    }

    /// Writes the results of states `offset..offset + count`.
    ///
    /// `ArgMin` and `ArgMax` of nothing are -1.
    pub fn finish(
        &self,
        state: &[u64],
        capacity: usize,
        offset: usize,
        count: usize,
        out: &mut [u8],
    ) {
        (self.table.finish)(&self.spec, state, capacity, offset, count, out);
    }
}

/// The type of the result, by NumPy's rules.
fn output_of(spec: &FoldSpec) -> Option<DType> {
    let dtype = spec.dtype;
    let computes = dtype.is_numeric() || matches!(dtype, DType::Time(_));
    let is_instant = matches!(dtype, DType::Time(time) if time.kind == TimeKind::Instant);
    let whole = dtype == DType::Bool || dtype.is_integer();
    match spec.reduction {
        Reduction::Count => dtype.item_size().map(|_| DType::Int64),
        _ if !computes => None,
        Reduction::Sum | Reduction::Prod if is_instant => None,
        Reduction::Prod if matches!(dtype, DType::Time(_)) => None,
        Reduction::Sum | Reduction::Prod if dtype.is_unsigned_integer() => Some(DType::UInt64),
        Reduction::Sum | Reduction::Prod if whole => Some(DType::Int64),
        Reduction::Sum | Reduction::Prod => Some(dtype),
        Reduction::Mean | Reduction::Var | Reduction::Std if whole => Some(DType::Float64),
        Reduction::Mean => Some(dtype),
        Reduction::Any | Reduction::All if matches!(dtype, DType::Time(_)) => None,
        Reduction::Any | Reduction::All => Some(DType::Bool),
        _ if dtype.is_complex() => None,
        Reduction::Var | Reduction::Std => dtype.is_float().then_some(dtype),
        Reduction::Min | Reduction::Max | Reduction::First | Reduction::Last => Some(dtype),
        Reduction::ArgMin | Reduction::ArgMax => Some(DType::Int64),
    }
}
