//! Between two values: `lower + (upper - lower) * fraction`, in doubles as SciPy has it.

use crate::element::{Element, dispatch, elements, elements_mut, one};
use crate::program::Strip;
use crate::wide::wide_if;
use craton_core::DType;

/// Numbers of some type between which to interpolate, and double fractions; doubles come out.
pub type InterpolateKernel = fn(Strip<'_>, Strip<'_>, Strip<'_>, &mut [u8]);

/// The loop for values of `dtype`; `None` for what is no real number.
///
/// # Missing values
/// Missing where either value or the fraction is: also where the fraction is 0 or 1, as SciPy has it.
#[must_use]
pub fn interpolate(dtype: DType) -> Option<InterpolateKernel> {
    let kernel: InterpolateKernel =
        dispatch!(dtype, T => between::<T>, return None; integers, floats);
    Some(kernel)
}

fn between<T: Element>(lower: Strip<'_>, upper: Strip<'_>, fraction: Strip<'_>, out: &mut [u8]) {
    let out = elements_mut::<f64>(out);
    wide_if(
        T::IS_WIDE,
        #[inline(always)]
        || match (lower, upper, fraction) {
            (Strip::Elements(lower), Strip::Elements(upper), Strip::Uniform(fraction)) => {
                let fraction = one::<f64>(fraction);
                let pairs = elements::<T>(lower).iter().zip(elements::<T>(upper));
                for (out, (lower, upper)) in out.iter_mut().zip(pairs) {
                    *out = mix(*lower, *upper, fraction);
                }
            }
            (Strip::Elements(lower), Strip::Elements(upper), Strip::Elements(fraction)) => {
                let pairs = elements::<T>(lower).iter().zip(elements::<T>(upper));
                let pairs = pairs.zip(elements::<f64>(fraction));
                for (out, ((lower, upper), fraction)) in out.iter_mut().zip(pairs) {
                    *out = mix(*lower, *upper, *fraction);
                }
            }
            // Along an axis on which the values do not change, or of one value: rare and short.
            (lower, upper, fraction) => {
                for (at, out) in out.iter_mut().enumerate() {
                    *out = mix(
                        item::<T>(lower, at),
                        item::<T>(upper, at),
                        item(fraction, at),
                    );
                }
            }
        },
    );
}

#[inline(always)]
fn mix<T: Element>(lower: T, upper: T, fraction: f64) -> f64 {
    let lower = lower.to_f64();
    lower + (upper.to_f64() - lower) * fraction
}

fn item<T: Element>(strip: Strip<'_>, at: usize) -> T {
    match strip {
        Strip::Elements(values) => elements::<T>(values)[at],
        Strip::Uniform(value) => one(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mixture_of_strips_and_single_values_gives_the_same() {
        let kernel = interpolate(DType::Float32).unwrap();
        let (lower, upper, fraction) = ([2f32; 3], [4f32; 3], [0.25f64; 3]);
        let forms = |bytes: &'static [u8], size: usize| {
            [Strip::Elements(bytes), Strip::Uniform(&bytes[..size])]
        };
        let leak = |bytes: &[u8]| -> &'static [u8] { Box::leak(bytes.to_vec().into_boxed_slice()) };
        let lower = leak(bytemuck::cast_slice(&lower));
        let upper = leak(bytemuck::cast_slice(&upper));
        let words: &'static [f64] = Box::leak(fraction.to_vec().into_boxed_slice());
        for lower in forms(lower, 4) {
            for upper in forms(upper, 4) {
                for fraction in forms(bytemuck::cast_slice(words), 8) {
                    let mut out = [0f64; 3];
                    kernel(lower, upper, fraction, bytemuck::cast_slice_mut(&mut out));
                    assert_eq!(out, [2.5; 3]);
                }
            }
        }
    }

    #[test]
    fn times_and_texts_have_nothing_between_them() {
        assert!(interpolate(DType::Bool).is_none());
    }
}
