//! Which indices of an input each index of an output needs, axis by axis, as data.

use std::sync::Arc;

/// How one axis of an input follows from the axes of the output. An output axis that no input axis
/// mentions is broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AxisMap {
    /// Index `i` of output axis `axis` needs index `start + step * i`.
    Affine {
        /// The output axis.
        axis: usize,
        /// The index needed by output index 0.
        start: u64,
        /// Input indices per output index; may be negative.
        step: i64,
    },
    /// Index `i` of output axis `axis` needs index `list[i]`.
    Gather {
        /// The output axis.
        axis: usize,
        /// One input index per output index.
        list: Arc<[u64]>,
    },
    /// Every output index needs this one input index.
    Fixed(u64),
    /// Index `i` of output axis `axis` needs the indices `i - before ..= i + after`, cut at the ends.
    Window {
        /// The output axis.
        axis: usize,
        /// Indices before.
        before: u64,
        /// Indices after.
        after: u64,
    },
    /// Every output index needs the whole axis, folded.
    Reduced,
    /// Output index `g` of axis `axis` needs every input index `i` with `codes[i] == g`, folded.
    Grouped {
        /// The output axis.
        axis: usize,
        /// The group of each input index; negative for none.
        codes: Arc<[i64]>,
    },
    /// Output index `i` needs the input indices up to `i`, in order.
    Cumulative {
        /// The output axis.
        axis: usize,
    },
    /// Output index `i` of `axis` needs index `i - start` where that lies on this input (concatenation).
    Segment {
        /// The output axis.
        axis: usize,
        /// The output index of the input's first.
        start: u64,
    },
}

impl AxisMap {
    /// The output axis `axis`, index for index.
    #[must_use]
    pub fn same(axis: usize) -> Self {
        Self::Affine {
            axis,
            start: 0,
            step: 1,
        }
    }

    /// One [`AxisMap::same`] per axis.
    #[must_use]
    pub fn identity(rank: usize) -> Vec<Self> {
        (0..rank).map(Self::same).collect()
    }

    /// The output axis that this follows, if it follows one.
    #[must_use]
    pub fn axis(&self) -> Option<usize> {
        match self {
            Self::Affine { axis, .. }
            | Self::Gather { axis, .. }
            | Self::Window { axis, .. }
            | Self::Grouped { axis, .. }
            | Self::Cumulative { axis }
            | Self::Segment { axis, .. } => Some(*axis),
            Self::Fixed(_) | Self::Reduced => None,
        }
    }

    /// The input index that output index `index` (along the followed axis) needs, where that is a single one.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "an index into a list we hold"
    )]
    pub fn index(&self, index: u64) -> Option<u64> {
        match self {
            Self::Affine { start, step, .. } => {
                // Two's complement makes wrapping right for negative steps; `infer` checked the ends.
                Some(start.wrapping_add(index.wrapping_mul(*step as u64)))
            }
            Self::Gather { list, .. } => list.get(index as usize).copied(),
            Self::Fixed(at) => Some(*at),
            _ => None,
        }
    }

    /// The map that first follows `outer` (one map per axis of the node in between, each a single-index
    /// map from the same domain of `extents`) and then this one. `None` where this is no single-index map.
    #[must_use]
    pub fn after(&self, outer: &[AxisMap], extents: &[u64]) -> Option<AxisMap> {
        let Some(axis) = self.axis() else {
            return matches!(self, Self::Fixed(_)).then(|| self.clone());
        };
        match (&outer[axis], self) {
            (Self::Fixed(at), _) => self.index(*at).map(Self::Fixed),
            (
                Self::Affine {
                    axis,
                    start: outer_start,
                    step: outer_step,
                },
                Self::Affine { start, step, .. },
            ) => Some(Self::Affine {
                axis: *axis,
                start: start.wrapping_add(outer_start.wrapping_mul(*step as u64)),
                step: step.wrapping_mul(*outer_step),
            }),
            (map @ (Self::Affine { axis, .. } | Self::Gather { axis, .. }), _) => {
                let list = (0..extents[*axis]).map(|index| self.index(map.index(index)?));
                Some(Self::Gather {
                    axis: *axis,
                    list: list.collect::<Option<Vec<_>>>()?.into(),
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reversing_twice_is_the_identity() {
        let reverse = AxisMap::Affine {
            axis: 0,
            start: 9,
            step: -1,
        };
        let twice = reverse
            .after(std::slice::from_ref(&reverse), &[10])
            .unwrap();
        assert_eq!(twice, AxisMap::same(0));
    }

    #[test]
    fn a_gather_after_a_slice_is_a_gather() {
        let slice = AxisMap::Affine {
            axis: 0,
            start: 1,
            step: 2,
        };
        let gather = AxisMap::Gather {
            axis: 0,
            list: vec![7, 3, 5, 1, 9].into(),
        };
        let both = gather.after(&[slice], &[2]).unwrap();
        assert_eq!(
            both,
            AxisMap::Gather {
                axis: 0,
                list: vec![3, 1].into()
            }
        );
    }

    #[test]
    fn a_fixed_index_stays_fixed() {
        let transposed = AxisMap::Affine {
            axis: 1,
            start: 0,
            step: 3,
        };
        let maps = [AxisMap::same(0), AxisMap::Fixed(4)];
        assert_eq!(transposed.after(&maps, &[5]), Some(AxisMap::Fixed(12)));
    }
}
