//! Runs a loop with the widest vectors the CPU has.
//!
//! Only the width changes: fused multiply-add stays off, and Rust never reassociates floating-point sums, so
//! results are the same bits on every CPU.

use crate::element::{Complex64, Complex128, TimeCount, Truth};
use bytemuck::Pod;
use half::f16;

/// A type of element, and whether its loops are worth compiling twice.
///
/// Wide are the types that fill archives: measurements as floats, packed ones as 16- and 32-bit integers. Every
/// other type would double the code and the time to compile it, for loops that few people wait for.
pub(crate) trait Width: Pod {
    const IS_WIDE: bool;
}

macro_rules! width {
    ($is_wide:literal: $($type:ty),*) => {$(
        impl Width for $type {
            const IS_WIDE: bool = $is_wide;
        }
    )*};
}
width!(true: i16, i32, f32, f64);
width!(false: i8, i64, u8, u16, u32, u64, f16, Complex64, Complex128, TimeCount, Truth);

/// As [`wide`], if `is_wide`, which should be known at compile time: then only one of both is compiled.
#[inline(always)]
pub(crate) fn wide_if<R>(is_wide: bool, work: impl FnOnce() -> R) -> R {
    if is_wide { wide(work) } else { work() }
}

/// Runs `work` compiled for AVX2 where the CPU has it. Pass `#[inline(always)] || ...`, or it stays narrow.
#[inline(always)]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has just been found to have AVX2.
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
