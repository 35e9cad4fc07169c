//! The loops of the reductions over decoded chunks.

use crate::store::{Chunk, Store};

/// Numbers that are summed together before the next tile: their accumulators stay in the first cache level.
const TILE: usize = 1024;

/// Decoded bytes as numbers. A `Vec<f32>` was decoded into, so they are aligned.
pub fn bytes_of(numbers: &mut [f32]) -> &mut [u8] {
    // SAFETY: any bytes are valid in both directions, and the length is that of the same memory.
    unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), size_of_val(numbers)) }
}

/// Adds the steps of each decoded chunk to `sum`, `(lat, lon)` of the whole array.
///
/// `decoded` holds chunks of equal box one after another, each `steps` long.
pub fn add_over_time(store: &Store, chunk: &Chunk, decoded: &[f32], steps: usize, sum: &mut [f64]) {
    let [_, rows, columns] = store.chunk_shape;
    let width = chunk.stop[2] - chunk.start[2];
    if width == columns && columns == store.shape[2] {
        let length = (chunk.stop[1] - chunk.start[1]) * columns;
        let at = chunk.start[1] * columns;
        add_run(decoded, rows * columns, steps, &mut sum[at..at + length]);
        return;
    }
    for row in 0..chunk.stop[1] - chunk.start[1] {
        let at = (chunk.start[1] + row) * store.shape[2] + chunk.start[2];
        add_run(
            &decoded[row * columns..],
            rows * columns,
            steps,
            &mut sum[at..at + width],
        );
    }
}

/// Adds `steps` runs that lie `stride` apart to `sum`, tile by tile.
fn add_run(decoded: &[f32], stride: usize, steps: usize, sum: &mut [f64]) {
    for (number, tile) in sum.chunks_mut(TILE).enumerate() {
        for step in 0..steps {
            let at = step * stride + number * TILE;
            for (total, value) in tile.iter_mut().zip(&decoded[at..]) {
                *total += f64::from(*value);
            }
        }
    }
}

/// Adds each row's sum times its latitude's weight to its step of `series`.
pub fn add_over_area(
    store: &Store,
    chunk: &Chunk,
    decoded: &[f32],
    weights: &[f64],
    series: &mut [f64],
) {
    let [_, rows, columns] = store.chunk_shape;
    let width = chunk.stop[2] - chunk.start[2];
    for step in 0..chunk.stop[0] - chunk.start[0] {
        let mut total = 0.0;
        for row in 0..chunk.stop[1] - chunk.start[1] {
            let at = (step * rows + row) * columns;
            total += row_sum(&decoded[at..at + width]) * weights[chunk.start[1] + row];
        }
        series[chunk.start[0] + step] += total;
    }
}

/// Sum in eight lanes, which the compiler can keep in vector registers.
fn row_sum(row: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (whole, rest) = row.as_chunks::<8>();
    for values in whole {
        for (lane, value) in lanes.iter_mut().zip(values) {
            *lane += f64::from(*value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().copied().map(f64::from).sum::<f64>()
}

/// Takes `mean` from each step of a chunk that spans the whole map.
pub fn subtract(decoded: &mut [f32], mean: &[f32]) {
    for step in decoded.chunks_exact_mut(mean.len()) {
        for (value, mean) in step.iter_mut().zip(mean) {
            *value -= mean;
        }
    }
}
