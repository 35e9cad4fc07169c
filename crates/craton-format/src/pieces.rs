//! Cuts an array that is stored in one piece into ranges of a size that reads well.

use craton_core::{AxisGrid, Decode, Decoded, Error, Grid, Order, Pool, Result};

/// A piece has about this many bytes.
const PIECE: u64 = 8 * 1024 * 1024;

/// The grid of pieces of a C-order array: whole trailing axes, then a part of one, then single indices,
/// so that each piece is one range of bytes.
#[must_use]
pub fn grid(shape: &[u64], item_size: u64) -> Grid {
    let mut room = (PIECE / item_size.max(1)).max(1);
    let mut axes: Vec<AxisGrid> = Vec::with_capacity(shape.len());
    for extent in shape.iter().rev() {
        let length = room.min(*extent).max(1);
        axes.push(exact(*extent, length));
        room = if length == *extent {
            (room / length).max(1)
        } else {
            1
        };
    }
    axes.reverse();
    Grid { axes }
}

/// An axis cut every `length`, of which the last piece is stored as short as it is.
#[must_use]
pub fn exact(extent: u64, length: u64) -> AxisGrid {
    let mut axis = AxisGrid::default();
    axis.push(extent / length.max(1), length, length, 0);
    let rest = extent % length.max(1);
    axis.push(u64::from(rest > 0), rest, rest, 0);
    axis
}

/// The first element and the number of elements of the piece at `index`.
///
/// # Errors
/// Corrupt if the array has more than 2^64 elements.
pub fn elements(grid: &Grid, shape: &[u64], index: &[u64]) -> Result<(u64, u64)> {
    let (mut first, mut count) = (0u64, 1u64);
    for ((axis, extent), position) in grid.axes.iter().zip(shape).zip(index) {
        let piece = axis.chunk(*position);
        let next = first
            .checked_mul(*extent)
            .and_then(|first| first.checked_add(piece.start));
        first = next.ok_or_else(|| Error::corrupt(format!("an array of shape {shape:?}")))?;
        count = count.saturating_mul(piece.length);
    }
    Ok((first, count))
}

/// Elements stored as they are, maybe in the other endianness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain {
    /// Whether bytes of numbers are in the other endianness.
    pub is_swapped: bool,
}

impl Plain {
    fn decoded(self) -> Decoded {
        Decoded::Elements {
            order: Order::C,
            is_swapped: self.is_swapped,
            is_shuffled: false,
        }
    }
}

impl Decode for Plain {
    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Decoded> {
        if encoded.len() != out.len() {
            let message = format!("{} bytes where {} are needed", encoded.len(), out.len());
            return Err(Error::corrupt(message));
        }
        out.copy_from_slice(encoded);
        Ok(self.decoded())
    }

    fn is_identity(&self) -> Option<Decoded> {
        Some(self.decoded())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_ranges_that_cover_the_array_in_order() {
        for shape in [
            vec![],
            vec![0, 3],
            vec![5],
            vec![3, 5_000_000, 2],
            vec![2, 3, 3_000_000],
        ] {
            let grid = grid(&shape, 8);
            assert_eq!(
                grid.axes.iter().map(AxisGrid::extent).collect::<Vec<_>>(),
                shape
            );
            let mut expected = 0;
            let counts = grid.shape();
            let total: u64 = counts.iter().product();
            for number in 0..total {
                let mut rest = number;
                let mut index = vec![0; counts.len()];
                for axis in (0..counts.len()).rev() {
                    index[axis] = rest % counts[axis];
                    rest /= counts[axis];
                }
                let (first, count) = elements(&grid, &shape, &index).unwrap();
                assert_eq!(first, expected);
                assert!(count * 8 <= PIECE);
                expected += count;
            }
            assert_eq!(expected, shape.iter().product::<u64>());
        }
    }
}
