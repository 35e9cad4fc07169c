//! Casts between types, as C converts and so as NumPy's `astype` does.

use crate::element::{
    Complex64, Complex128, TimeCount, Truth, dispatch, elements, elements_mut, narrow,
    narrow_double, widen,
};
use crate::unary::UnaryKernel;
use crate::wide::{Width, wide_if};
use craton_core::DType;
use half::f16;

/// The kernel that casts elements of type `from` to type `to`.
///
/// Floats become integers as NumPy's C code does it on x86-64: towards zero, and where that does not fit, the bits
/// that the instruction leaves. Times are their 64-bit counts. `None` for text, unless both types are the same.
#[must_use]
pub fn cast(from: DType, to: DType) -> Option<UnaryKernel> {
    if from == to {
        return from.item_size().map(|_| copy as UnaryKernel);
    }
    dispatch!(from, From => from_type::<From>(to), None;
        truths, integers, floats, complex, times)
}

fn copy(input: &[u8], output: &mut [u8]) {
    output.copy_from_slice(input);
}

fn convert_all<From: Width, To: Convert<From>>(input: &[u8], output: &mut [u8]) {
    wide_if(
        From::IS_WIDE && To::IS_WIDE,
        #[inline(always)]
        || {
            let output = elements_mut::<To>(output);
            for (output, input) in output.iter_mut().zip(elements::<From>(input)) {
                *output = To::convert(*input);
            }
        },
    );
}

/// A type that `From` converts to.
pub(crate) trait Convert<From>: Width {
    fn convert(value: From) -> Self;
}

macro_rules! convert {
    ($from:ty => $($to:ty),*; |$value:ident| $expression:expr) => {$(
        impl Convert<$from> for $to {
            #[inline(always)]
            fn convert($value: $from) -> Self {
                #[allow(clippy::unnecessary_cast, reason = "one text for many types")]
                { $expression }
            }
        }
    )*};
}

macro_rules! plain_numbers {
    ($($from:ty),*) => {$(
        convert!($from => Truth; |value| Truth(u8::from(value != 0 as $from)));
        convert!($from => Complex64; |value| Complex64::new(value as f32, 0.0));
        convert!($from => Complex128; |value| Complex128::new(value as f64, 0.0));
    )*};
}
plain_numbers!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);

macro_rules! from_integers {
    ($($from:ty),*) => {$(
        convert!($from => i8; |value| value as i8);
        convert!($from => i16; |value| value as i16);
        convert!($from => i32; |value| value as i32);
        convert!($from => i64; |value| value as i64);
        convert!($from => u8; |value| value as u8);
        convert!($from => u16; |value| value as u16);
        convert!($from => u32; |value| value as u32);
        convert!($from => u64; |value| value as u64);
        // Exact enough: integers that `f32` rounds are beyond the largest half.
        convert!($from => f16; |value| narrow(value as f32));
        convert!($from => f32; |value| value as f32);
        convert!($from => f64; |value| value as f64);
        convert!($from => TimeCount; |value| TimeCount(value as i64));
    )*};
}
from_integers!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! from_floats {
    ($($from:ty),*) => {$(
        convert!($from => i8, i16, u8, u16; |value| to_i32(value as f64) as Self);
        convert!($from => i32; |value| to_i32(value as f64));
        convert!($from => i64; |value| to_i64(value as f64));
        convert!($from => u32; |value| to_u32(value as f64));
        convert!($from => u64; |value| to_u64(value as f64));
        convert!($from => f32; |value| value as f32);
        convert!($from => f64; |value| value as f64);
        convert!($from => TimeCount; |value| TimeCount(to_i64(value as f64)));
    )*};
}
from_floats!(f32, f64);
convert!(f32 => f16; |value| narrow(value));
convert!(f64 => f16; |value| narrow_double(value));

/// What `cvttsd2si` with a 32-bit target leaves.
#[inline(always)]
fn to_i32(value: f64) -> i32 {
    let fits = value > -2_147_483_649.0 && value < 2_147_483_648.0;
    if fits { value as i32 } else { i32::MIN }
}

/// What `cvttsd2si` with a 64-bit target leaves.
#[inline(always)]
fn to_i64(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let fits = (-LIMIT..LIMIT).contains(&value);
    if fits { value as i64 } else { i64::MIN }
}

/// How unsigned conversions are built out of signed ones, here with vectors of 32 bits.
#[inline(always)]
fn to_u32(value: f64) -> u32 {
    const HALF: f64 = 2_147_483_648.0;
    if value >= HALF {
        (to_i32(value - HALF) as u32) ^ (1 << 31)
    } else {
        to_i32(value) as u32
    }
}

/// As [`to_u32`], for 64 bits.
#[inline(always)]
fn to_u64(value: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if value >= HALF {
        (to_i64(value - HALF) as u64) ^ (1 << 63)
    } else {
        to_i64(value) as u64
    }
}

/// Conversions that take a detour over another type, which loses nothing.
macro_rules! through {
    ($from:ty, |$value:ident| $inner:expr => $middle:ty; $($to:ty),*) => {$(
        convert!($from => $to; |$value| <$to as Convert<$middle>>::convert($inner));
    )*};
}
through!(f16, |value| widen(value) => f32;
    Truth, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, Complex64, Complex128, TimeCount);
through!(Truth, |value| u8::from(value.0 != 0) => u8;
    i8, i16, i32, i64, u8, u16, u32, u64, f16, f32, f64, Complex64, Complex128, TimeCount);
through!(TimeCount, |value| value.0 => i64;
    Truth, i8, i16, i32, i64, u8, u16, u32, u64, f16, f32, f64, Complex64, Complex128, TimeCount);
through!(Complex64, |value| value.re => f32;
    i8, i16, i32, i64, u8, u16, u32, u64, f16, f32, f64, TimeCount);
through!(Complex128, |value| value.re => f64;
    i8, i16, i32, i64, u8, u16, u32, u64, f16, f32, f64, TimeCount);
convert!(Complex64 => Truth; |value| Truth(u8::from(value.re != 0.0 || value.im != 0.0)));
convert!(Complex128 => Truth; |value| Truth(u8::from(value.re != 0.0 || value.im != 0.0)));
convert!(Complex64 => Complex64; |value| value);
convert!(Complex128 => Complex128; |value| value);
convert!(Complex64 => Complex128; |value| Complex128::new(value.re.into(), value.im.into()));
convert!(Complex128 => Complex64; |value| Complex64::new(value.re as f32, value.im as f32));
convert!(Truth => Truth; |value| value);
convert!(f16 => f16; |value| value);

fn from_type<From: Width>(to: DType) -> Option<UnaryKernel>
where
    Truth: Convert<From>,
    i8: Convert<From>,
    i16: Convert<From>,
    i32: Convert<From>,
    i64: Convert<From>,
    u8: Convert<From>,
    u16: Convert<From>,
    u32: Convert<From>,
    u64: Convert<From>,
    f16: Convert<From>,
    f32: Convert<From>,
    f64: Convert<From>,
    Complex64: Convert<From>,
    Complex128: Convert<From>,
    TimeCount: Convert<From>,
{
    Some(match to {
        DType::Bool => convert_all::<From, Truth>,
        DType::Int8 => convert_all::<From, i8>,
        DType::Int16 => convert_all::<From, i16>,
        DType::Int32 => convert_all::<From, i32>,
        DType::Int64 => convert_all::<From, i64>,
        DType::UInt8 => convert_all::<From, u8>,
        DType::UInt16 => convert_all::<From, u16>,
        DType::UInt32 => convert_all::<From, u32>,
        DType::UInt64 => convert_all::<From, u64>,
        DType::Float16 => convert_all::<From, f16>,
        DType::Float32 => convert_all::<From, f32>,
        DType::Float64 => convert_all::<From, f64>,
        DType::Complex64 => convert_all::<From, Complex64>,
        DType::Complex128 => convert_all::<From, Complex128>,
        DType::Time(_) => convert_all::<From, TimeCount>,
        _ => return None,
    })
}
