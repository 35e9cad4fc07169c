//! Medians of moving windows: the valid values of a window are kept in order as it slides.

use super::Window;
use crate::element::{Element, elements, elements_mut};

pub(super) fn roll<T: Element>(shape: Window, values: &[u8], scratch: &mut [f64], out: &mut [u8]) {
    let values = elements::<T>(values);
    let out = elements_mut::<T>(out);
    let first = (shape.first_output + 1).saturating_sub(shape.window);
    for column in 0..shape.count {
        let at = |row: u64| {
            let row = (row - shape.first_row) as usize;
            values[row * shape.count + column].to_f64()
        };
        let mut count = 0;
        for row in first..shape.end {
            if row >= first + shape.window {
                remove(scratch, &mut count, at(row - shape.window));
            }
            insert(scratch, &mut count, at(row));
            if row >= shape.first_output {
                let to = (row - shape.first_output) as usize * shape.count + column;
                out[to] = if count == 0 || (count as f64) < shape.min_periods {
                    T::from_f64(f64::NAN)
                } else {
                    middle(&scratch[..count])
                };
            }
        }
    }
}

/// The mean of the middle two in the values' own precision, as NumPy has it.
fn middle<T: Element>(sorted: &[f64]) -> T {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        return T::from_f64(sorted[half]);
    }
    let sum = T::from_f64(sorted[half - 1] + sorted[half]);
    T::from_f64(sum.to_f64() / 2.0)
}

fn insert(sorted: &mut [f64], count: &mut usize, value: f64) {
    if value.is_nan() {
        return;
    }
    let place = sorted[..*count].partition_point(|other| *other < value);
    sorted.copy_within(place..*count, place + 1);
    sorted[place] = value;
    *count += 1;
}

fn remove(sorted: &mut [f64], count: &mut usize, value: f64) {
    if value.is_nan() {
        return;
    }
    let place = sorted[..*count].partition_point(|other| *other < value);
    sorted.copy_within(place + 1..*count, place);
    *count -= 1;
}
