//! How an array is cut into chunks, run-length coded per axis.

use crate::{Error, Result};

/// One chunk along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AxisChunk {
    /// The first index of the array that this chunk holds.
    pub start: u64,
    /// How many indices of the array it holds.
    pub length: u64,
    /// How many elements its stored form has along this axis.
    pub encoded: u64,
    /// Where in the stored form the first index lies.
    pub skip: u64,
}

impl AxisChunk {
    /// One past the last index.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start + self.length
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    /// Position of the run's first chunk.
    first: u64,
    count: u64,
    /// First index of the run's first chunk.
    start: u64,
    length: u64,
    encoded: u64,
    skip: u64,
}

/// The chunks along one axis: a few runs of equal ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AxisGrid {
    runs: Vec<Run>,
}

impl AxisGrid {
    /// An axis of `extent` indices cut every `chunk`; the last chunk is stored whole.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] if `chunk` is zero while the axis is not empty.
    pub fn regular(extent: u64, chunk: u64) -> Result<Self> {
        if extent > 0 && chunk == 0 {
            return Err(Error::corrupt("chunk length is 0"));
        }
        let mut grid = Self::default();
        if extent > 0 {
            grid.push(extent / chunk, chunk, chunk, 0);
            if !extent.is_multiple_of(chunk) {
                grid.push(1, extent % chunk, chunk, 0);
            }
        }
        Ok(grid)
    }

    /// One chunk that holds the whole axis.
    #[must_use]
    pub fn single(extent: u64) -> Self {
        let mut grid = Self::default();
        grid.push(u64::from(extent > 0), extent, extent, 0);
        grid
    }

    /// Chunks of the given lengths, cut at `extent`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] if a length is zero or their sum does not reach `extent`.
    pub fn from_lengths(extent: u64, lengths: impl IntoIterator<Item = u64>) -> Result<Self> {
        let mut grid = Self::default();
        for length in lengths {
            if length == 0 {
                return Err(Error::corrupt("chunk length is 0"));
            }
            let used = length.min(extent - grid.extent());
            if used > 0 {
                grid.push(1, used, length, 0);
            }
        }
        if grid.extent() != extent {
            let message = format!(
                "chunks reach index {}, but the axis has {extent}",
                grid.extent()
            );
            return Err(Error::corrupt(message));
        }
        Ok(grid)
    }

    /// Appends `count` chunks of `length` indices, stored as `encoded` elements of which `skip` come first unused.
    pub fn push(&mut self, count: u64, length: u64, encoded: u64, skip: u64) {
        if count == 0 || length == 0 {
            return;
        }
        let (first, start) = (self.len(), self.extent());
        if let Some(last) = self.runs.last_mut()
            && (last.length, last.encoded, last.skip) == (length, encoded, skip)
        {
            last.count += count;
            return;
        }
        self.runs.push(Run {
            first,
            count,
            start,
            length,
            encoded,
            skip,
        });
    }

    /// Appends all chunks of another axis: the axis of a concatenation.
    pub fn append(&mut self, other: &Self) {
        for run in &other.runs {
            self.push(run.count, run.length, run.encoded, run.skip);
        }
    }

    /// How many chunks.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.first + run.count)
    }

    /// Whether there are none: the axis has no indices.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many indices the axis has.
    #[must_use]
    pub fn extent(&self) -> u64 {
        self.runs
            .last()
            .map_or(0, |run| run.start + run.count * run.length)
    }

    /// The chunk at `position`, which must be below [`AxisGrid::len`].
    #[must_use]
    pub fn chunk(&self, position: u64) -> AxisChunk {
        let run = &self.runs[self.runs.partition_point(|run| run.first <= position) - 1];
        let start = run.start + (position - run.first) * run.length;
        AxisChunk {
            start,
            length: run.length,
            encoded: run.encoded,
            skip: run.skip,
        }
    }

    /// The position of the chunk that holds `index`, which must be below [`AxisGrid::extent`].
    #[must_use]
    pub fn chunk_of(&self, index: u64) -> u64 {
        let run = &self.runs[self.runs.partition_point(|run| run.start <= index) - 1];
        run.first + (index - run.start) / run.length
    }

    /// Every `encoded` that some chunk has; one may come more than once.
    pub fn encoded_lengths(&self) -> impl Iterator<Item = u64> + '_ {
        self.runs.iter().map(|run| run.encoded)
    }

    /// The largest `encoded` of any chunk.
    #[must_use]
    pub fn largest_encoded(&self) -> u64 {
        self.runs.iter().map(|run| run.encoded).max().unwrap_or(0)
    }

    /// The largest `length` of any chunk.
    #[must_use]
    pub fn largest(&self) -> u64 {
        self.runs.iter().map(|run| run.length).max().unwrap_or(0)
    }

    /// Every chunk in order.
    pub fn iter(&self) -> impl Iterator<Item = AxisChunk> + '_ {
        (0..self.len()).map(|position| self.chunk(position))
    }
}

/// The grid of an array: one [`AxisGrid`] per axis.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grid {
    /// The chunks along each axis.
    pub axes: Vec<AxisGrid>,
}

impl Grid {
    /// Equal chunks on every axis.
    ///
    /// # Errors
    /// As [`AxisGrid::regular`], and if the ranks differ.
    pub fn regular(shape: &[u64], chunks: &[u64]) -> Result<Self> {
        if shape.len() != chunks.len() {
            let message = format!(
                "chunks have {} axes, the shape has {}",
                chunks.len(),
                shape.len()
            );
            return Err(Error::corrupt(message));
        }
        let axes = shape
            .iter()
            .zip(chunks)
            .map(|(extent, chunk)| AxisGrid::regular(*extent, *chunk));
        Ok(Self {
            axes: axes.collect::<Result<_>>()?,
        })
    }

    /// Chunks along each axis.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.axes.iter().map(AxisGrid::len).collect()
    }

    /// Chunks in all, saturating.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.axes
            .iter()
            .fold(1, |count, axis| axis.len().saturating_mul(count))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.axes.iter().any(AxisGrid::is_empty)
    }

    /// The chunk at `index`, one [`AxisChunk`] per axis.
    #[must_use]
    pub fn chunk(&self, index: &[u64]) -> Vec<AxisChunk> {
        self.axes
            .iter()
            .zip(index)
            .map(|(axis, position)| axis.chunk(*position))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_axis_is_at_most_two_runs() {
        let axis = AxisGrid::regular(10, 4).unwrap();
        let chunks: Vec<_> = axis
            .iter()
            .map(|chunk| (chunk.start, chunk.length, chunk.encoded))
            .collect();
        assert_eq!(chunks, [(0, 4, 4), (4, 4, 4), (8, 2, 4)]);
        assert_eq!(
            (axis.runs.len(), axis.chunk_of(7), axis.chunk_of(8)),
            (2, 1, 2)
        );
    }

    #[test]
    fn a_concatenation_pads_in_the_middle() {
        let mut axis = AxisGrid::regular(5, 3).unwrap();
        axis.append(&AxisGrid::regular(4, 3).unwrap());
        let chunks: Vec<_> = axis
            .iter()
            .map(|chunk| (chunk.start, chunk.length, chunk.encoded))
            .collect();
        assert_eq!(chunks, [(0, 3, 3), (3, 2, 3), (5, 3, 3), (8, 1, 3)]);
        for index in 0..9 {
            let chunk = axis.chunk(axis.chunk_of(index));
            assert!(chunk.start <= index && index < chunk.end());
        }
    }

    #[test]
    fn zero_chunk_lengths_are_refused() {
        assert!(AxisGrid::regular(3, 0).is_err());
        assert!(AxisGrid::regular(0, 0).is_ok());
    }
}
