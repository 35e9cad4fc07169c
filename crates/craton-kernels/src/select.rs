//! Choosing between elements: by a condition, or where a value is missing.

use crate::element::{Complex64, Complex128, Element, TimeCount, elements, elements_mut, one};
use crate::wide::wide;
use bytemuck::Pod;
use craton_core::DType;
use half::f16;

/// Writes `if_true` where `condition` is not 0, else `if_false`.
///
/// `condition` has one byte per element, the others `item_size`.
pub fn select(condition: &[u8], if_true: &[u8], if_false: &[u8], item_size: usize, out: &mut [u8]) {
    match item_size {
        0 => {}
        1 => select_items::<1, u8>(condition, if_true, if_false, out),
        2 => select_items::<2, u16>(condition, if_true, if_false, out),
        4 => select_items::<4, u32>(condition, if_true, if_false, out),
        8 => select_items::<8, u64>(condition, if_true, if_false, out),
        _ => {
            let inputs = if_true
                .chunks_exact(item_size)
                .zip(if_false.chunks_exact(item_size));
            let items = out.chunks_exact_mut(item_size).zip(inputs).zip(condition);
            for ((out, (if_true, if_false)), condition) in items {
                out.copy_from_slice(if *condition != 0 { if_true } else { if_false });
            }
        }
    }
}

fn select_items<const SIZE: usize, T: Pod>(
    condition: &[u8],
    if_true: &[u8],
    if_false: &[u8],
    out: &mut [u8],
) {
    wide(
        #[inline(always)]
        || {
            let (if_true, if_false) = (
                if_true.as_chunks::<SIZE>().0,
                if_false.as_chunks::<SIZE>().0,
            );
            let inputs = if_true.iter().zip(if_false).zip(condition);
            for (out, ((if_true, if_false), condition)) in
                out.as_chunks_mut::<SIZE>().0.iter_mut().zip(inputs)
            {
                let (if_true, if_false): (T, T) = (one(if_true), one(if_false));
                let chosen = if *condition != 0 { if_true } else { if_false };
                out.copy_from_slice(bytemuck::bytes_of(&chosen));
            }
        },
    );
}

/// Copies `values`, with `replacement` (one element) in place of NaN and NaT.
///
/// A complex value is missing where a part is NaN. Other types have no missing values.
pub fn fill_missing(values: &[u8], replacement: &[u8], dtype: DType, out: &mut [u8]) {
    match dtype {
        DType::Float16 => replace(values, replacement, out, f16::is_missing),
        DType::Float32 => replace(values, replacement, out, f32::is_missing),
        DType::Float64 => replace(values, replacement, out, f64::is_missing),
        DType::Complex64 => replace(values, replacement, out, |z: Complex64| {
            z.re.is_nan() || z.im.is_nan()
        }),
        DType::Complex128 => replace(values, replacement, out, |z: Complex128| {
            z.re.is_nan() || z.im.is_nan()
        }),
        DType::Time(_) => replace(values, replacement, out, TimeCount::is_missing),
        _ => out.copy_from_slice(values),
    }
}

#[inline(always)]
fn replace<T: Pod>(values: &[u8], replacement: &[u8], out: &mut [u8], misses: impl Fn(T) -> bool) {
    let replacement: T = one(replacement);
    wide(
        #[inline(always)]
        || {
            for (out, value) in elements_mut::<T>(out).iter_mut().zip(elements::<T>(values)) {
                *out = if misses(*value) { replacement } else { *value };
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_size_selects_whole_items() {
        for size in [1, 2, 3, 4, 8, 16, 20] {
            let yes: Vec<u8> = (0..40 * size).map(|at| at as u8).collect();
            let no: Vec<u8> = yes.iter().map(|byte| byte ^ 0x55).collect();
            let condition: Vec<u8> = (0..40).map(|at| u8::from(at % 3 == 0)).collect();
            let mut out = vec![0; yes.len()];
            select(&condition, &yes, &no, size, &mut out);
            for at in 0..40 {
                let expected = if at % 3 == 0 { &yes } else { &no };
                let range = at * size..(at + 1) * size;
                assert_eq!(out[range.clone()], expected[range], "{size} {at}");
            }
        }
    }

    #[test]
    fn only_missing_values_are_replaced() {
        let values = [1.0, f32::NAN, -0.0, f32::INFINITY];
        let mut out = [0f32; 4];
        fill_missing(
            bytemuck::cast_slice(&values),
            bytemuck::bytes_of(&7f32),
            DType::Float32,
            bytemuck::cast_slice_mut(&mut out),
        );
        assert_eq!(out, [1.0, 7.0, 0.0, f32::INFINITY]);
        let (counts, mut out) = ([5, -6, 7], [0i32; 3]);
        fill_missing(
            bytemuck::cast_slice(&counts),
            bytemuck::bytes_of(&0i32),
            DType::Int32,
            bytemuck::cast_slice_mut(&mut out),
        );
        assert_eq!(out, counts);
    }
}
