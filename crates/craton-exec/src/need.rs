//! Which chunks of a source a task needs, axis by axis.

use craton_core::{AxisChunk, AxisGrid};
use craton_plan::AxisMap;

/// A chunk that is needed along one axis, and which of its indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The chunk's position in its axis grid.
    pub position: u64,
    /// The chunk.
    pub chunk: AxisChunk,
    /// The first index needed.
    pub first: u64,
    /// The last index needed.
    pub last: u64,
    /// Where `first` lies when the needed parts of all segments are put together.
    pub offset: u64,
}

impl Segment {
    /// Indices from the first needed to the last.
    pub(crate) fn length(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// What is needed along one axis of an input: segments in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AxisNeed {
    pub segments: Vec<Segment>,
}

impl AxisNeed {
    /// The need of the interval `start..start + length` of the axis that `map` follows.
    pub(crate) fn of(map: &AxisMap, grid: &AxisGrid, start: u64, length: u64) -> Self {
        let mut need = Self {
            segments: Vec::new(),
        };
        match map {
            _ if length == 0 => {}
            AxisMap::Affine { step, .. } => {
                let ends = [map.index(start), map.index(start + length - 1)]
                    .map(Option::unwrap_or_default);
                need.push_evenly(
                    grid,
                    ends[0].min(ends[1]),
                    ends[0].max(ends[1]),
                    step.unsigned_abs().max(1),
                );
            }
            _ => {
                let mut indices: Vec<u64> = (start..start + length)
                    .filter_map(|position| map.index(position))
                    .collect();
                indices.sort_unstable();
                for index in indices {
                    need.push(grid, index, index);
                }
            }
        }
        need
    }

    /// Indices `low..=high`, `step` apart.
    fn push_evenly(&mut self, grid: &AxisGrid, low: u64, high: u64, step: u64) {
        let mut index = low;
        while index <= high {
            let chunk = grid.chunk(grid.chunk_of(index));
            let last_inside = (chunk.end() - 1).min(high);
            let last = index + (last_inside - index) / step * step;
            self.push(grid, index, last);
            index = last + step;
        }
    }

    fn push(&mut self, grid: &AxisGrid, first: u64, last: u64) {
        let position = grid.chunk_of(first);
        let offset = match self.segments.last_mut() {
            Some(segment) if segment.position == position => {
                segment.last = segment.last.max(last);
                return;
            }
            Some(segment) => segment.offset + segment.length(),
            None => 0,
        };
        self.segments.push(Segment {
            position,
            chunk: grid.chunk(position),
            first,
            last,
            offset,
        });
    }

    /// Elements along this axis when the needed parts are put together.
    pub(crate) fn length(&self) -> u64 {
        self.segments
            .last()
            .map_or(0, |segment| segment.offset + segment.length())
    }

    /// Where `index` lies when the needed parts are put together.
    pub(crate) fn position(&self, index: u64) -> u64 {
        let after = self
            .segments
            .partition_point(|segment| segment.first <= index);
        let segment = &self.segments[after.max(1) - 1];
        segment.offset + (index - segment.first)
    }

    /// Whether the parts lie side by side in the array, so that positions are indices less a constant.
    pub(crate) fn is_consecutive(&self) -> bool {
        self.segments
            .windows(2)
            .all(|pair| pair[0].last + 1 == pair[1].first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_step_skips_chunks() {
        let grid = AxisGrid::regular(100, 4).unwrap();
        let map = AxisMap::Affine {
            axis: 0,
            start: 1,
            step: 10,
        };
        let need = AxisNeed::of(&map, &grid, 0, 4);
        let positions: Vec<u64> = need
            .segments
            .iter()
            .map(|segment| segment.position)
            .collect();
        assert_eq!((positions, need.length()), (vec![0, 2, 5, 7], 4));
        assert_eq!(
            [1, 11, 21, 31].map(|index| need.position(index)),
            [0, 1, 2, 3]
        );
    }

    #[test]
    fn a_reversed_range_needs_the_same_as_a_forward_one() {
        let grid = AxisGrid::regular(10, 4).unwrap();
        let forward = AxisNeed::of(&AxisMap::same(0), &grid, 2, 7);
        let back = AxisNeed::of(
            &AxisMap::Affine {
                axis: 0,
                start: 10,
                step: -1,
            },
            &grid,
            2,
            7,
        );
        assert_eq!(forward, back);
        assert!(forward.is_consecutive());
    }
}
