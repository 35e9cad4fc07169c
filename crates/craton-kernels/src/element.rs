//! The element types that loops are written over, and views of bytes as elements.

use crate::wide::Width;
use bytemuck::{Pod, Zeroable};
use half::f16;
use num_complex::Complex;

pub(crate) type Complex64 = Complex<f32>;
pub(crate) type Complex128 = Complex<f64>;

/// The count that NumPy calls NaT.
pub(crate) const NOT_A_TIME: i64 = i64::MIN;

/// A byte that is a truth value: 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub(crate) struct Truth(pub u8);

/// A count of time units, where `NOT_A_TIME` is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub(crate) struct TimeCount(pub i64);

/// `bytes` as elements. An empty slice need not be aligned.
#[inline(always)]
pub(crate) fn elements<T: Pod>(bytes: &[u8]) -> &[T] {
    if bytes.is_empty() {
        return &[];
    }
    bytemuck::cast_slice(bytes)
}

/// As [`elements`], for writing.
#[inline(always)]
pub(crate) fn elements_mut<T: Pod>(bytes: &mut [u8]) -> &mut [T] {
    if bytes.is_empty() {
        return &mut [];
    }
    bytemuck::cast_slice_mut(bytes)
}

/// The first element of `bytes`.
#[inline(always)]
pub(crate) fn one<T: Pod>(bytes: &[u8]) -> T {
    bytemuck::pod_read_unaligned(&bytes[..size_of::<T>()])
}

/// Half precision to single. Branch-free so that loops vectorise, and the same on CPUs without F16C.
#[inline(always)]
pub(crate) fn widen(value: f16) -> f32 {
    let bits = u32::from(value.to_bits());
    let magnitude = (bits & 0x7fff) << 13;
    // 2^112 moves the exponent's bias from 15 to 127 and normalises subnormals, exactly.
    let scaled = (f32::from_bits(magnitude) * f32::from_bits(0x7780_0000)).to_bits();
    let special = magnitude | 0x7f80_0000;
    let finite = magnitude < 0x0f80_0000;
    f32::from_bits((if finite { scaled } else { special }) | ((bits & 0x8000) << 16))
}

/// Single precision to half, to nearest, ties to even.
#[inline(always)]
pub(crate) fn narrow(value: f32) -> f16 {
    let bits = value.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    // Adding 0.5 leaves a subnormal's rounded bits at the bottom of the sum.
    let tiny = (f32::from_bits(magnitude) + 0.5)
        .to_bits()
        .wrapping_sub(0x3f00_0000);
    let normal = magnitude
        .wrapping_add(0xc800_0fff)
        .wrapping_add((magnitude >> 13) & 1)
        >> 13;
    let huge = if magnitude > 0x7f80_0000 {
        0x7e00
    } else {
        0x7c00
    };
    let rounded = if magnitude < 0x3880_0000 {
        tiny
    } else {
        normal
    };
    let half = if magnitude >= 0x4780_0000 {
        huge
    } else {
        rounded
    };
    f16::from_bits((half | ((bits >> 16) & 0x8000)) as u16)
}

/// Double precision to half, rounded once.
#[inline(always)]
pub(crate) fn narrow_double(value: f64) -> f16 {
    // Rounding to odd on the way keeps the last bit "sticky", so that the second rounding is the only one.
    let single = value as f32;
    let back = f64::from(single);
    let bits = single.to_bits();
    let odd = if back == value || value.is_nan() || bits & 1 == 1 || single.is_infinite() {
        bits
    } else if (back > value) == (value > 0.0) {
        bits - 1
    } else {
        bits + 1
    };
    narrow(f32::from_bits(odd))
}

/// An element with at most 64 bits that folds can order, weigh and count.
pub(crate) trait Element: Width + Send + Sync {
    /// Whether this type has missing values at all.
    const CAN_MISS: bool;
    /// The type that values are compared in: `f64`, `i64` or `u64`.
    type Key: Key;
    /// Whether this is NaN or NaT.
    fn is_missing(self) -> bool;
    /// The nearest double.
    fn to_f64(self) -> f64;
    /// The element nearest to a double.
    fn from_f64(value: f64) -> Self;
    /// The same value where it can be compared.
    fn key(self) -> Self::Key;
    /// Undoes [`Element::key`].
    fn from_key(key: Self::Key) -> Self;
    /// Whether a key is a missing value's.
    fn key_is_missing(key: Self::Key) -> bool;
    /// The missing value, or zero where there is none.
    fn missing() -> Self;
}

/// A 64-bit type in which values are compared and which is kept in a word of state.
pub(crate) trait Key: Copy + PartialOrd {
    const LOWEST_WORD: u64;
    const HIGHEST_WORD: u64;
    fn to_word(self) -> u64;
    fn from_word(word: u64) -> Self;
}

macro_rules! key {
    ($type:ty, $lowest:expr, $highest:expr, $to:expr, $from:expr) => {
        impl Key for $type {
            const LOWEST_WORD: u64 = $lowest;
            const HIGHEST_WORD: u64 = $highest;
            #[inline(always)]
            fn to_word(self) -> u64 {
                $to(self)
            }
            #[inline(always)]
            fn from_word(word: u64) -> Self {
                $from(word)
            }
        }
    };
}
key!(
    f64,
    f64::NEG_INFINITY.to_bits(),
    f64::INFINITY.to_bits(),
    f64::to_bits,
    f64::from_bits
);
key!(
    i64,
    i64::MIN as u64,
    i64::MAX as u64,
    |key| key as u64,
    |word| word as i64
);
key!(
    u64,
    u64::MIN,
    u64::MAX,
    std::convert::identity,
    std::convert::identity
);

macro_rules! integer_element {
    ($($type:ty: $key:ty),*) => {$(
        impl Element for $type {
            const CAN_MISS: bool = false;
            type Key = $key;
            #[inline(always)]
            fn is_missing(self) -> bool {
                false
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $type
            }
            #[inline(always)]
            fn key(self) -> $key {
                self as $key
            }
            #[inline(always)]
            fn from_key(key: $key) -> Self {
                key as $type
            }
            #[inline(always)]
            fn key_is_missing(_: $key) -> bool {
                false
            }
            fn missing() -> Self {
                0
            }
        }
    )*};
}
integer_element!(i8: i64, i16: i64, i32: i64, i64: i64, u8: u64, u16: u64, u32: u64, u64: u64);

macro_rules! float_element {
    ($type:ty, $widen:expr, $narrow:expr, $missing:expr) => {
        impl Element for $type {
            const CAN_MISS: bool = true;
            type Key = f64;
            #[inline(always)]
            fn is_missing(self) -> bool {
                // Not `is_nan`, which is a call for halves.
                let value: f64 = $widen(self);
                value != value
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                $widen(self)
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                $narrow(value)
            }
            #[inline(always)]
            fn key(self) -> f64 {
                $widen(self)
            }
            #[inline(always)]
            fn from_key(key: f64) -> Self {
                $narrow(key)
            }
            #[inline(always)]
            fn key_is_missing(key: f64) -> bool {
                key != key
            }
            fn missing() -> Self {
                $missing
            }
        }
    };
}
float_element!(
    f16,
    |value| f64::from(widen(value)),
    narrow_double,
    f16::NAN
);
float_element!(f32, f64::from, |value| value as f32, f32::NAN);
float_element!(f64, |value| value, |value| value, f64::NAN);

impl Element for TimeCount {
    const CAN_MISS: bool = true;
    type Key = i64;
    #[inline(always)]
    fn is_missing(self) -> bool {
        self.0 == NOT_A_TIME
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        if self.is_missing() {
            f64::NAN
        } else {
            self.0 as f64
        }
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        if value.is_nan() {
            Self::missing()
        } else {
            Self(value as i64)
        }
    }
    #[inline(always)]
    fn key(self) -> i64 {
        self.0
    }
    #[inline(always)]
    fn from_key(key: i64) -> Self {
        Self(key)
    }
    #[inline(always)]
    fn key_is_missing(key: i64) -> bool {
        key == NOT_A_TIME
    }
    fn missing() -> Self {
        Self(NOT_A_TIME)
    }
}

/// Evaluates `$body` with `$type` standing for the element type of a dtype in one of the named families, or
/// `$otherwise`.
macro_rules! dispatch {
    ($dtype:expr, $type:ident => $body:expr, $otherwise:expr; $($family:ident),*) => {
        dispatch!(@ $dtype, $type, $body, $otherwise; [$($family)*])
    };
    (@ $dtype:expr, $type:ident, $body:expr, $otherwise:expr; [integers]) => {
        match $dtype {
            DType::Int8 => { type $type = i8; $body }
            DType::Int16 => { type $type = i16; $body }
            DType::Int32 => { type $type = i32; $body }
            DType::Int64 => { type $type = i64; $body }
            DType::UInt8 => { type $type = u8; $body }
            DType::UInt16 => { type $type = u16; $body }
            DType::UInt32 => { type $type = u32; $body }
            DType::UInt64 => { type $type = u64; $body }
            _ => $otherwise,
        }
    };
    (@ $dtype:expr, $type:ident, $body:expr, $otherwise:expr; [signed]) => {
        match $dtype {
            DType::Int8 => { type $type = i8; $body }
            DType::Int16 => { type $type = i16; $body }
            DType::Int32 => { type $type = i32; $body }
            DType::Int64 => { type $type = i64; $body }
            _ => $otherwise,
        }
    };
    (@ $dtype:expr, $type:ident, $body:expr, $otherwise:expr; [floats]) => {
        match $dtype {
            DType::Float16 => { type $type = half::f16; $body }
            DType::Float32 => { type $type = f32; $body }
            DType::Float64 => { type $type = f64; $body }
            _ => $otherwise,
        }
    };
    (@ $dtype:expr, $type:ident, $body:expr, $otherwise:expr; [complex]) => {
        match $dtype {
            DType::Complex64 => { type $type = $crate::element::Complex64; $body }
            DType::Complex128 => { type $type = $crate::element::Complex128; $body }
            _ => $otherwise,
        }
    };
    (@ $dtype:expr, $type:ident, $body:expr, $otherwise:expr; [times]) => {
        match $dtype {
            DType::Time(_) => { type $type = $crate::element::TimeCount; $body }
            _ => $otherwise,
        }
    };
    (@ $dtype:expr, $type:ident, $body:expr, $otherwise:expr; [truths]) => {
        match $dtype {
            DType::Bool => { type $type = $crate::element::Truth; $body }
            _ => $otherwise,
        }
    };
    (@ $dtype:expr, $type:ident, $body:expr, $otherwise:expr; [$first:ident $($rest:ident)+]) => {
        dispatch!(@ $dtype, $type, $body,
            dispatch!(@ $dtype, $type, $body, $otherwise; [$($rest)+]); [$first])
    };
}
pub(crate) use dispatch;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_widens_as_the_half_crate_says_and_comes_back() {
        for bits in 0..=u16::MAX {
            let half = f16::from_bits(bits);
            let (ours, theirs) = (widen(half), half.to_f32());
            assert!(
                ours == theirs || ours.is_nan() && theirs.is_nan(),
                "{bits:#x}"
            );
            assert!(narrow(ours) == half || half.is_nan(), "{bits:#x}");
        }
    }

    #[test]
    fn narrowing_rounds_once_to_nearest_even() {
        for bits in (0..=u32::MAX).step_by(4099) {
            let single = f32::from_bits(bits);
            let theirs = f16::from_f32_const(single);
            assert!(narrow(single) == theirs || single.is_nan(), "{single}");
            assert!(
                narrow_double(f64::from(single)) == theirs || single.is_nan(),
                "{single}"
            );
        }
        // Just above a tie: through f32 it would become the tie and round down.
        let above = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        assert_eq!(narrow_double(above), f16::from_bits(0x3c01));
        assert_eq!(narrow_double(-above), f16::from_bits(0xbc01));
    }
}
