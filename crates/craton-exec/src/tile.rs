//! How a task's box is cut into tiles, so that what windows and concatenations compute stays in the processor's cache.

use crate::walk::STRIP;
use craton_plan::physical::Space;

/// Elements of a tile, the rows before it that its windows need among them: half a megabyte of `float32`.
///
/// A constant, because folds over a tile end where it ends.
const TILE: u64 = 1 << 17;

/// The lengths of the tiles of a box of `lengths`, along each axis; the box itself where nothing is computed per tile.
///
/// Axes along which windows slide stay whole: each tile would compute the rows before it again.
pub(crate) fn tile_lengths(space: &Space, lengths: &[u64]) -> Vec<u64> {
    let mut tile = lengths.to_vec();
    let Some(reach) = space.reach() else {
        return tile;
    };
    let size = |tile: &[u64]| {
        let axes = tile.iter().zip(&reach);
        axes.fold(1u64, |size, (length, before)| {
            size.saturating_mul(length.saturating_add(*before))
        })
    };
    for axis in 0..tile.len() {
        let all = size(&tile);
        if all <= TILE || reach[axis] > 0 || tile[axis] == 0 {
            continue;
        }
        let others = all / tile[axis];
        let fewest = if axis + 1 == tile.len() {
            STRIP as u64
        } else {
            1
        };
        tile[axis] = (TILE / others).max(fewest).min(tile[axis]);
    }
    tile
}

/// The boxes of `tile` lengths that make up the box `ranges`, in C order.
pub(crate) fn tiles(ranges: &[(u64, u64)], tile: &[u64]) -> Vec<Vec<(u64, u64)>> {
    let mut all = vec![Vec::new()];
    for ((start, length), step) in ranges.iter().zip(tile) {
        let parts: Vec<(u64, u64)> = (0..*length)
            .step_by((*step).max(1) as usize)
            .map(|first| (start + first, (*step).min(length - first)))
            .collect();
        // An empty axis is one empty tile, so that the states of folds are still made.
        let parts = if parts.is_empty() {
            vec![(*start, 0)]
        } else {
            parts
        };
        all = all
            .iter()
            .flat_map(|outer: &Vec<(u64, u64)>| {
                parts.iter().map(move |part| {
                    let mut inner = outer.clone();
                    inner.push(*part);
                    inner
                })
            })
            .collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_a_box_once_and_in_order() {
        let ranges = [(3, 5), (0, 4), (7, 0)];
        assert_eq!(tiles(&ranges, &[2, 4, 1]).len(), 3);
        let ranges = [(3, 5), (10, 4)];
        let all: Vec<(u64, u64)> = tiles(&ranges, &[2, 3])
            .iter()
            .flat_map(|tile| {
                let (rows, columns) = (tile[0], tile[1]);
                (rows.0..rows.0 + rows.1).flat_map(move |row| {
                    (columns.0..columns.0 + columns.1).map(move |column| (row, column))
                })
            })
            .collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), all.len());
        assert_eq!(all.len(), 20);
        assert_eq!(tiles(&ranges, &[2, 3])[0], [(3, 2), (10, 3)]);
    }
}
