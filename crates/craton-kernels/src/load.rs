//! Gets contiguous native elements out of a decoded chunk: strided and listed elements, byte swaps, byte shuffles.

use crate::wide::wide;

/// Copies `count` elements, `stride` elements apart, beginning with element `first` of `from`.
///
/// The caller guarantees that they all lie inside `from`.
pub fn gather_strided(
    from: &[u8],
    first: usize,
    stride: isize,
    count: usize,
    item_size: usize,
    out: &mut [u8],
) {
    if stride == 1 {
        let bytes = count * item_size;
        out[..bytes].copy_from_slice(&from[first * item_size..][..bytes]);
        return;
    }
    let at = |k: usize| first.wrapping_add_signed(stride.wrapping_mul(k as isize));
    gather(from, count, item_size, out, at);
}

/// Copies the elements of `from` at `positions`.
pub fn gather_list(from: &[u8], positions: &[usize], item_size: usize, out: &mut [u8]) {
    gather(from, positions.len(), item_size, out, |k| positions[k]);
}

/// Copies the elements of `from` that lie at the offsets of `table` from `origin`.
///
/// The caller guarantees that they all lie inside `from`.
pub fn gather_table(from: &[u8], origin: isize, table: &[isize], item_size: usize, out: &mut [u8]) {
    let at = |k: usize| (origin + table[k]) as usize;
    gather(from, table.len(), item_size, out, at);
}

#[inline(always)]
fn gather(
    from: &[u8],
    count: usize,
    item_size: usize,
    out: &mut [u8],
    at: impl Fn(usize) -> usize,
) {
    match item_size {
        0 => {}
        1 => gather_items::<1>(from, count, out, at),
        2 => gather_items::<2>(from, count, out, at),
        4 => gather_items::<4>(from, count, out, at),
        8 => gather_items::<8>(from, count, out, at),
        16 => gather_items::<16>(from, count, out, at),
        _ => {
            for (k, out) in out.chunks_exact_mut(item_size).take(count).enumerate() {
                out.copy_from_slice(&from[at(k) * item_size..][..item_size]);
            }
        }
    }
}

#[inline(always)]
fn gather_items<const SIZE: usize>(
    from: &[u8],
    count: usize,
    out: &mut [u8],
    at: impl Fn(usize) -> usize,
) {
    let from = from.as_chunks::<SIZE>().0;
    for (k, out) in out.as_chunks_mut::<SIZE>().0[..count]
        .iter_mut()
        .enumerate()
    {
        *out = from[at(k)];
    }
}

/// Copies columns, one after the other: value `k` of column `c` is element `first + rows[k] + c * stride` of `from`.
/// There are as many columns as fit into `out`.
pub fn gather_columns(
    from: &[u8],
    first: usize,
    rows: &[usize],
    stride: usize,
    item_size: usize,
    out: &mut [u8],
) {
    match item_size {
        1 => gather_columns_of::<1>(from, first, rows, stride, out),
        2 => gather_columns_of::<2>(from, first, rows, stride, out),
        4 => gather_columns_of::<4>(from, first, rows, stride, out),
        8 => gather_columns_of::<8>(from, first, rows, stride, out),
        _ => {
            let columns = out.chunks_exact_mut((rows.len() * item_size).max(1));
            for (column, out) in columns.enumerate() {
                gather(from, rows.len(), item_size, out, |row| {
                    first + rows[row] + column * stride
                });
            }
        }
    }
}

fn gather_columns_of<const SIZE: usize>(
    from: &[u8],
    first: usize,
    rows: &[usize],
    stride: usize,
    out: &mut [u8],
) {
    let from = from.as_chunks::<SIZE>().0;
    let out = out.as_chunks_mut::<SIZE>().0;
    let columns = out.len().checked_div(rows.len()).unwrap_or(0);
    // Row by row, because what a row holds of all columns comes into the cache together.
    for (at, row) in rows.iter().enumerate() {
        for column in 0..columns {
            out[column * rows.len() + at] = from[first + row + column * stride];
        }
    }
}

/// Reverses the bytes of each `swap_size` bytes.
pub fn swap_bytes(values: &mut [u8], swap_size: usize) {
    wide(
        #[inline(always)]
        || match swap_size {
            0 | 1 => {}
            2 => swap_items(values, |item| {
                u16::from_ne_bytes(item).swap_bytes().to_ne_bytes()
            }),
            4 => swap_items(values, |item| {
                u32::from_ne_bytes(item).swap_bytes().to_ne_bytes()
            }),
            8 => swap_items(values, |item| {
                u64::from_ne_bytes(item).swap_bytes().to_ne_bytes()
            }),
            _ => values.chunks_exact_mut(swap_size).for_each(<[u8]>::reverse),
        },
    );
}

#[inline(always)]
fn swap_items<const SIZE: usize>(values: &mut [u8], swap: impl Fn([u8; SIZE]) -> [u8; SIZE]) {
    for item in values.as_chunks_mut::<SIZE>().0 {
        *item = swap(*item);
    }
}

/// Undoes a byte shuffle for some elements.
///
/// `from` holds `total` elements grouped by byte: first the first bytes of all, then the second bytes, and so on.
/// Elements `first..first + count` are written to `out`.
pub fn unshuffle(
    from: &[u8],
    total: usize,
    item_size: usize,
    first: usize,
    count: usize,
    out: &mut [u8],
) {
    let planes = |plane: usize| &from[plane * total + first..][..count];
    wide(
        #[inline(always)]
        || match item_size {
            0 => {}
            1 => out[..count].copy_from_slice(planes(0)),
            2 => unshuffle_items::<2, 1, 2>(planes, 0, count, out),
            4 => unshuffle_items::<4, 1, 4>(planes, 0, count, out),
            8 => unshuffle_items::<8, 1, 8>(planes, 0, count, out),
            16 => {
                unshuffle_items::<8, 2, 16>(planes, 0, count, out);
                unshuffle_items::<8, 2, 16>(planes, 1, count, out);
            }
            _ => {
                for plane in 0..item_size {
                    let items = out.chunks_exact_mut(item_size).zip(planes(plane));
                    items.for_each(|(item, byte)| item[plane] = *byte);
                }
            }
        },
    );
}

/// As [`unshuffle`], for the elements at `positions`.
pub fn unshuffle_list(
    from: &[u8],
    total: usize,
    item_size: usize,
    positions: &[usize],
    out: &mut [u8],
) {
    match item_size {
        2 => unshuffle_listed::<2>(from, total, positions, out),
        4 => unshuffle_listed::<4>(from, total, positions, out),
        8 => unshuffle_listed::<8>(from, total, positions, out),
        _ => {
            let items = out.chunks_exact_mut(item_size.max(1)).zip(positions);
            for (item, at) in items {
                for (plane, byte) in item.iter_mut().enumerate() {
                    *byte = from[plane * total + at];
                }
            }
        }
    }
}

fn unshuffle_listed<const SIZE: usize>(
    from: &[u8],
    total: usize,
    positions: &[usize],
    out: &mut [u8],
) {
    let planes: [&[u8]; SIZE] = std::array::from_fn(|plane| &from[plane * total..][..total]);
    for (item, at) in out.as_chunks_mut::<SIZE>().0.iter_mut().zip(positions) {
        *item = planes.map(|plane| plane[*at]);
    }
}

/// Writes part `part` of `PARTS` (of `SIZE` bytes each) of every item of `ITEM` bytes.
#[inline(always)]
fn unshuffle_items<'a, const SIZE: usize, const PARTS: usize, const ITEM: usize>(
    planes: impl Fn(usize) -> &'a [u8],
    part: usize,
    count: usize,
    out: &mut [u8],
) {
    let planes: [&[u8]; SIZE] = std::array::from_fn(|plane| planes(part * SIZE + plane));
    let planes = planes.map(|plane| &plane[..count]);
    let out = &mut out.as_chunks_mut::<ITEM>().0[..count];
    for (k, out) in out.iter_mut().enumerate() {
        // Widened and shifted rather than copied bytewise, which does not vectorise. For 4 bytes a 32-bit
        // word, as a 64-bit one would halve the elements per vector.
        match SIZE {
            2 => {
                let word = u16::from(planes[0][k]) | u16::from(planes[1][k]) << 8;
                out[..2].copy_from_slice(&word.to_le_bytes());
            }
            4 => {
                let byte = |plane: usize| u32::from(planes[plane][k]) << (8 * plane);
                let word = byte(0) | byte(1) | byte(2) | byte(3);
                out[..4].copy_from_slice(&word.to_le_bytes());
            }
            _ => {
                let byte = |plane: usize| u64::from(planes[plane][k]) << (8 * plane);
                let low = byte(0) | byte(1) | byte(2) | byte(3);
                let word = low | byte(4) | byte(5) | byte(6) | byte(7);
                out[part * 8..][..8].copy_from_slice(&word.to_le_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unshuffle_undoes_a_shuffle_for_any_part() {
        for size in [1, 2, 3, 4, 8, 12, 16] {
            let total = 131;
            let items: Vec<u8> = (0..total * size)
                .map(|at| (at * 7 + at / 251) as u8)
                .collect();
            let mut shuffled = vec![0; items.len()];
            for (at, byte) in items.iter().enumerate() {
                shuffled[at % size * total + at / size] = *byte;
            }
            for (first, count) in [(0, total), (5, 100), (130, 1), (7, 0)] {
                let mut out = vec![0; count * size];
                unshuffle(&shuffled, total, size, first, count, &mut out);
                assert_eq!(out, items[first * size..][..count * size], "{size} {first}");
            }
            let positions = [130, 0, 7, 7, 64];
            let mut out = vec![0; positions.len() * size];
            unshuffle_list(&shuffled, total, size, &positions, &mut out);
            let listed = positions.map(|at| items[at * size..][..size].to_vec());
            assert_eq!(out, listed.concat(), "{size}");
        }
    }

    #[test]
    fn gathers_follow_strides_backwards_and_lists() {
        for size in [1, 2, 4, 6, 8, 16] {
            let items: Vec<u8> = (0..50 * size).map(|at| at as u8).collect();
            let item = |at: usize| &items[at * size..][..size];
            let mut out = vec![0; 12 * size];
            for (first, stride) in [(3, 1), (0, 4), (49, -4), (20, 0)] {
                gather_strided(&items, first, stride, 12, size, &mut out);
                for k in 0..12 {
                    let at = first.wrapping_add_signed(stride * k as isize);
                    assert_eq!(&out[k * size..][..size], item(at));
                }
            }
            let positions = [9, 9, 0, 49, 3, 2, 1, 4, 4, 4, 8, 7];
            let table = positions.map(|at| at as isize - 5);
            gather_table(&items, 5, &table, size, &mut out);
            let by_table = out.clone();
            gather_list(&items, &positions, size, &mut out);
            assert_eq!(by_table, out);
            for (k, at) in positions.into_iter().enumerate() {
                assert_eq!(&out[k * size..][..size], item(at));
            }
        }
    }

    #[test]
    fn swapping_twice_changes_nothing_and_once_reverses() {
        for size in [1, 2, 3, 4, 8, 16] {
            let items: Vec<u8> = (0..48 * size).map(|at| at as u8).collect();
            let mut swapped = items.clone();
            swap_bytes(&mut swapped, size);
            let reversed: Vec<u8> = items
                .chunks(size)
                .flat_map(|item| item.iter().rev().copied())
                .collect();
            assert_eq!(swapped, reversed);
            swap_bytes(&mut swapped, size);
            assert_eq!(swapped, items);
        }
    }
}
