//! A box of indices, or a product of index lists.

use std::sync::Arc;

/// The indices taken along one axis.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AxisSelection {
    /// `length` indices from `start` on.
    Range {
        /// The first index.
        start: u64,
        /// How many.
        length: u64,
    },
    /// These indices, in this order, repeats allowed.
    List(Arc<[u64]>),
}

impl AxisSelection {
    /// The indices `start..end`.
    #[must_use]
    pub fn range(start: u64, end: u64) -> Self {
        Self::Range {
            start,
            length: end.saturating_sub(start),
        }
    }

    /// How many indices.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Range { length, .. } => *length,
            Self::List(list) => list.len() as u64,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index at `position`, which must be below [`AxisSelection::len`].
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a position in a list we hold"
    )]
    pub fn at(&self, position: u64) -> u64 {
        match self {
            Self::Range { start, .. } => start + position,
            Self::List(list) => list[position as usize],
        }
    }

    /// The smallest range `start..end` that holds every index; `0..0` where there are none.
    #[must_use]
    pub fn bounds(&self) -> (u64, u64) {
        match self {
            Self::Range { start, length } => (*start, start + length),
            Self::List(list) => match (list.iter().min(), list.iter().max()) {
                (Some(low), Some(high)) => (*low, high + 1),
                _ => (0, 0),
            },
        }
    }

    /// Every index in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.len()).map(|position| self.at(position))
    }
}

/// One selection per axis; a box where all are ranges.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Region {
    /// The selection along each axis.
    pub axes: Vec<AxisSelection>,
}

impl Region {
    /// The whole of an array of `shape`.
    #[must_use]
    pub fn whole(shape: &[u64]) -> Self {
        Self {
            axes: shape
                .iter()
                .map(|length| AxisSelection::range(0, *length))
                .collect(),
        }
    }

    /// Indices along each axis.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.axes.iter().map(AxisSelection::len).collect()
    }

    /// Indices in all.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.axes.iter().map(AxisSelection::len).product()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.axes.iter().any(AxisSelection::is_empty)
    }
}
