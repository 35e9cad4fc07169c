//! Complex functions over `libm`, computed in double precision; principal branches.

use crate::element::Complex128 as C;

fn i_times(z: C) -> C {
    C::new(-z.im, z.re)
}
fn minus_i_times(z: C) -> C {
    C::new(z.im, -z.re)
}
fn absolute(z: C) -> f64 {
    libm::hypot(z.re, z.im)
}

pub(crate) fn sqrt(z: C) -> C {
    if z.re == 0.0 && z.im == 0.0 {
        return C::new(0.0, z.im);
    }
    if z.im.is_infinite() {
        return C::new(f64::INFINITY, z.im);
    }
    let half = ((absolute(z) + z.re.abs()) * 0.5).sqrt();
    if z.re >= 0.0 {
        C::new(half, z.im / (2.0 * half))
    } else {
        C::new(z.im.abs() / (2.0 * half), half.copysign(z.im))
    }
}
pub(crate) fn exp(z: C) -> C {
    let scale = libm::exp(z.re);
    if z.im == 0.0 {
        return C::new(scale, z.im);
    }
    C::new(scale * libm::cos(z.im), scale * libm::sin(z.im))
}
pub(crate) fn exp2(z: C) -> C {
    exp(z * std::f64::consts::LN_2)
}
pub(crate) fn expm1(z: C) -> C {
    // Of `exp(re) * cos(im) - 1`, the part that cancels is taken out by sin^2(im / 2).
    let half = libm::sin(z.im * 0.5);
    let real = libm::expm1(z.re) * libm::cos(z.im) - 2.0 * half * half;
    C::new(real, libm::exp(z.re) * libm::sin(z.im))
}
pub(crate) fn log(z: C) -> C {
    C::new(libm::log(absolute(z)), libm::atan2(z.im, z.re))
}
pub(crate) fn log2(z: C) -> C {
    log(z) * std::f64::consts::LOG2_E
}
pub(crate) fn log10(z: C) -> C {
    log(z) * std::f64::consts::LOG10_E
}
pub(crate) fn log1p(z: C) -> C {
    let real = 0.5 * libm::log1p(z.re * (2.0 + z.re) + z.im * z.im);
    C::new(real, libm::atan2(z.im, 1.0 + z.re))
}
pub(crate) fn sinh(z: C) -> C {
    C::new(
        libm::sinh(z.re) * libm::cos(z.im),
        libm::cosh(z.re) * libm::sin(z.im),
    )
}
pub(crate) fn cosh(z: C) -> C {
    C::new(
        libm::cosh(z.re) * libm::cos(z.im),
        libm::sinh(z.re) * libm::sin(z.im),
    )
}
pub(crate) fn tanh(z: C) -> C {
    if z.re.abs() > 20.0 {
        // Beyond this the real part is 1 to the last bit, and the formula below would be inf / inf.
        let decay = 4.0 * libm::exp(-2.0 * z.re.abs());
        return C::new(
            1f64.copysign(z.re),
            decay * libm::sin(z.im) * libm::cos(z.im),
        );
    }
    let (sine, cosine) = (libm::sinh(z.re), libm::cos(z.im));
    let scale = sine * sine + cosine * cosine;
    C::new(
        sine * libm::cosh(z.re) / scale,
        libm::sin(z.im) * cosine / scale,
    )
}
pub(crate) fn sin(z: C) -> C {
    minus_i_times(sinh(i_times(z)))
}
pub(crate) fn cos(z: C) -> C {
    cosh(i_times(z))
}
pub(crate) fn tan(z: C) -> C {
    minus_i_times(tanh(i_times(z)))
}
/// Kahan's formulas, which keep the branch cuts where they belong.
pub(crate) fn arcsinh(z: C) -> C {
    minus_i_times(arcsin(i_times(z)))
}
pub(crate) fn arcsin(z: C) -> C {
    let one = C::new(1.0, 0.0);
    let (below, above) = (sqrt(one - z), sqrt(one + z));
    let real = libm::atan2(z.re, (below * above).re);
    C::new(real, libm::asinh((below.conj() * above).im))
}
pub(crate) fn arccos(z: C) -> C {
    let one = C::new(1.0, 0.0);
    let (below, above) = (sqrt(one - z), sqrt(one + z));
    let real = 2.0 * libm::atan2(below.re, above.re);
    C::new(real, libm::asinh((above.conj() * below).im))
}
pub(crate) fn arccosh(z: C) -> C {
    let one = C::new(1.0, 0.0);
    let (below, above) = (sqrt(z - one), sqrt(z + one));
    C::new(
        libm::asinh((below.conj() * above).re),
        2.0 * libm::atan2(below.im, above.re),
    )
}
pub(crate) fn arctanh(z: C) -> C {
    let square = z.im * z.im;
    let real = 0.25 * libm::log1p(4.0 * z.re / ((1.0 - z.re) * (1.0 - z.re) + square));
    let imaginary = 0.5 * libm::atan2(2.0 * z.im, (1.0 - z.re) * (1.0 + z.re) - square);
    C::new(real, imaginary)
}
pub(crate) fn arctan(z: C) -> C {
    minus_i_times(arctanh(i_times(z)))
}
pub(crate) fn power(base: C, exponent: C) -> C {
    if exponent == C::new(0.0, 0.0) {
        return C::new(1.0, 0.0);
    }
    if base == C::new(0.0, 0.0) {
        let nothing = if exponent.re > 0.0 { 0.0 } else { f64::NAN };
        return C::new(nothing, nothing);
    }
    let count = exponent.re;
    if exponent.im == 0.0 && count == count.trunc() && count.abs() < 100.0 {
        return whole_power(base, count as i32);
    }
    exp(exponent * log(base))
}

fn whole_power(base: C, count: i32) -> C {
    let (mut result, mut square) = (C::new(1.0, 0.0), base);
    let mut left = count.unsigned_abs();
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
        }
        square *= square;
        left >>= 1;
    }
    if count < 0 {
        reciprocal(result)
    } else {
        result
    }
}

pub(crate) fn reciprocal(z: C) -> C {
    divide(C::new(1.0, 0.0), z)
}
/// Smith's division, which does not overflow on the way.
pub(crate) fn divide(left: C, right: C) -> C {
    if right.re.abs() >= right.im.abs() {
        if right.re == 0.0 {
            return C::new(left.re / right.re.abs(), left.im / right.re.abs());
        }
        let ratio = right.im / right.re;
        let scale = 1.0 / (right.re + right.im * ratio);
        C::new(
            (left.re + left.im * ratio) * scale,
            (left.im - left.re * ratio) * scale,
        )
    } else {
        let ratio = right.re / right.im;
        let scale = 1.0 / (right.im + right.re * ratio);
        C::new(
            (left.re * ratio + left.im) * scale,
            (left.im * ratio - left.re) * scale,
        )
    }
}
/// NumPy 2's `sign`: the point of the unit circle in the direction of `z`.
pub(crate) fn sign(z: C) -> C {
    let length = absolute(z);
    if length == 0.0 {
        return C::new(0.0, 0.0);
    }
    C::new(z.re / length, z.im / length)
}
