//! Runs a loop with the widest vectors the CPU has.
//!
//! Only the width changes: fused multiply-add stays off, and Rust never reassociates floating-point sums, so
//! results are the same bits on every CPU.

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
