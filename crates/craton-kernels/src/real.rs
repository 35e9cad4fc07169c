//! Real functions by precision: halves compute in single precision, and transcendentals come from `libm`, whose
//! results are the same on every CPU.

use crate::element::{narrow, widen};
use half::f16;

/// A real floating-point type.
pub(crate) trait Real: crate::wide::Width {
    fn apply(self, double: fn(f64) -> f64, single: fn(f32) -> f32) -> Self;
}

impl Real for f64 {
    #[inline(always)]
    fn apply(self, double: fn(f64) -> f64, _: fn(f32) -> f32) -> Self {
        double(self)
    }
}
impl Real for f32 {
    #[inline(always)]
    fn apply(self, _: fn(f64) -> f64, single: fn(f32) -> f32) -> Self {
        single(self)
    }
}
impl Real for f16 {
    #[inline(always)]
    fn apply(self, _: fn(f64) -> f64, single: fn(f32) -> f32) -> Self {
        narrow(single(widen(self)))
    }
}

/// Operators that a float type shares with the others, written once for each precision.
macro_rules! functions {
    ($module:ident, $float:ident, $sign:expr, $atan2:path, $hypot:path, $pow:path) => {
        pub(crate) mod $module {
            pub(crate) type Float = $float;

            #[inline(always)]
            pub(crate) fn sign(value: $float) -> $float {
                // NaN stays, zero becomes +0.
                let signed = if value < 0.0 { -1.0 } else { 0.0 };
                let signed = if value > 0.0 { 1.0 } else { signed };
                if value != value { value } else { signed }
            }

            /// NumPy's `divmod`: the quotient is floored and the rest has the divisor's sign.
            #[inline(always)]
            fn divide(left: $float, right: $float) -> ($float, $float) {
                let mut rest = left % right;
                if right == 0.0 {
                    return (left / right, rest);
                }
                let mut quotient = (left - rest) / right;
                if rest == 0.0 {
                    rest = (0.0 as $float).copysign(right);
                } else if (right < 0.0) != (rest < 0.0) {
                    rest += right;
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return ((0.0 as $float).copysign(left / right), rest);
                }
                let floor = quotient.floor();
                let up = if quotient - floor > 0.5 { 1.0 } else { 0.0 };
                (floor + up, rest)
            }

            #[inline(always)]
            pub(crate) fn floor_divide(left: $float, right: $float) -> $float {
                divide(left, right).0
            }
            #[inline(always)]
            pub(crate) fn remainder(left: $float, right: $float) -> $float {
                divide(left, right).1
            }
            #[inline(always)]
            pub(crate) fn power(left: $float, right: $float) -> $float {
                // The exponents that people write, exact where the general function is a unit off.
                if right == 2.0 {
                    left * left
                } else if right == 0.5 && (0.0..<$float>::INFINITY).contains(&left) {
                    left.sqrt()
                } else {
                    $pow(left, right)
                }
            }
            #[inline(always)]
            pub(crate) fn arctan2(left: $float, right: $float) -> $float {
                $atan2(left, right)
            }
            #[inline(always)]
            pub(crate) fn hypot(left: $float, right: $float) -> $float {
                $hypot(left, right)
            }
            #[inline(always)]
            pub(crate) fn copysign(left: $float, right: $float) -> $float {
                $float::from_bits(left.to_bits() & !$sign | right.to_bits() & $sign)
            }
            #[inline(always)]
            pub(crate) fn maximum(left: $float, right: $float) -> $float {
                if left >= right || left != left {
                    left
                } else {
                    right
                }
            }
            #[inline(always)]
            pub(crate) fn minimum(left: $float, right: $float) -> $float {
                if left <= right || left != left {
                    left
                } else {
                    right
                }
            }
            #[inline(always)]
            pub(crate) fn fmax(left: $float, right: $float) -> $float {
                if left >= right || right != right {
                    left
                } else {
                    right
                }
            }
            #[inline(always)]
            pub(crate) fn fmin(left: $float, right: $float) -> $float {
                if left <= right || right != right {
                    left
                } else {
                    right
                }
            }
        }
    };
}
functions!(
    single,
    f32,
    1u32 << 31,
    libm::atan2f,
    libm::hypotf,
    libm::powf
);
functions!(double, f64, 1u64 << 63, libm::atan2, libm::hypot, libm::pow);
