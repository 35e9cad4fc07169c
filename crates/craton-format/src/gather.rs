//! Cuts chunks out of blocks, padded with the fill value, in the stored order of axes.

use craton_core::block::fill_with;
use craton_core::{Block, BufferMut, Error, Pool, Result, Strings};

/// The first element of inner chunk `position`, where `counts` chunks lie along each axis and are counted in
/// the order of `axes`.
pub(crate) fn origin(
    mut position: usize,
    counts: &[usize],
    axes: &[usize],
    chunk: &[usize],
) -> Vec<usize> {
    let mut start = vec![0; counts.len()];
    for &axis in axes.iter().rev() {
        start[axis] = position % counts[axis] * chunk[axis];
        position /= counts[axis];
    }
    start
}

/// Whether `bytes` are nothing but copies of `item`.
pub(crate) fn is_all(bytes: &[u8], item: &[u8]) -> bool {
    let size = item.len();
    bytes.len() >= size && bytes[..size] == *item && bytes[size..] == bytes[..bytes.len() - size]
}

/// The elements of `block` from `start` on as one chunk of `shape`, its axes stored in the order of `axes`.
pub(crate) fn elements(
    block: &Block,
    start: &[usize],
    shape: &[usize],
    axes: &[usize],
    fill: &[u8],
    pool: &Pool,
) -> Result<BufferMut> {
    let size = fill.len();
    let count: usize = shape.iter().product();
    let mut out = pool.take(count * size)?;
    let taken: Vec<usize> = start
        .iter()
        .zip(shape)
        .zip(block.shape())
        .map(|((start, wanted), there)| there.saturating_sub(*start).min(*wanted))
        .collect();
    if taken != shape && !out.is_empty() {
        fill_with(&mut out, fill);
    }
    if taken.contains(&0) || size == 0 {
        return Ok(out);
    }
    let (source, from_offset, from_strides) = match (block.as_dense(), block.as_constant()) {
        (Some((buffer, offset, strides)), _) => (&buffer[..], offset, strides.to_vec()),
        (None, Some(value)) => (value.bytes(), 0, vec![0; shape.len()]),
        (None, None) => return Err(Error::internal("strings where elements are wanted")),
    };
    let mut to_strides = vec![0usize; shape.len()];
    let mut stride = 1;
    for &axis in axes.iter().rev() {
        to_strides[axis] = stride;
        stride *= shape[axis];
    }
    let Some((&row_axis, outer)) = axes.split_last() else {
        out.copy_from_slice(&source[from_offset * size..][..size]);
        return Ok(out);
    };
    let row_stride = from_strides[row_axis];
    let rows: usize = outer.iter().map(|axis| taken[*axis]).product();
    let mut index = vec![0usize; shape.len()];
    for _ in 0..rows {
        // OK to convert: the block's own strides keep every element inside its buffer.
        let from = (0..shape.len()).fold(from_offset as isize, |at, axis| {
            at + (index[axis] + start[axis]) as isize * from_strides[axis]
        });
        let to: usize = (0..shape.len())
            .map(|axis| index[axis] * to_strides[axis])
            .sum();
        let row = &mut out[to * size..][..taken[row_axis] * size];
        if row_stride == 1 {
            row.copy_from_slice(&source[from.unsigned_abs() * size..][..row.len()]);
        } else {
            for (step, item) in row.chunks_exact_mut(size).enumerate() {
                let at = (from + step as isize * row_stride).unsigned_abs();
                item.copy_from_slice(&source[at * size..][..size]);
            }
        }
        for &axis in outer.iter().rev() {
            index[axis] += 1;
            if index[axis] < taken[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Ok(out)
}

/// The strings of a C-order block from `start` on as one C-order chunk of `shape`.
pub(crate) fn strings(
    strings: &Strings,
    there: &[usize],
    start: &[usize],
    shape: &[usize],
    fill: &[u8],
) -> Strings {
    let count: usize = shape.iter().product();
    let mut index = vec![0usize; shape.len()];
    Strings::from_items((0..count).map(|position| {
        let mut rest = position;
        for axis in (0..shape.len()).rev() {
            index[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        let mut from = 0;
        for axis in 0..shape.len() {
            let at = index[axis] + start[axis];
            if at >= there[axis] {
                return fill;
            }
            from = from * there[axis] + at;
        }
        strings.get(from)
    }))
}
