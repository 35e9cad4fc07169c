//! What the process has used so far.

use crate::Result;

/// User and system time of all threads.
pub fn cpu_seconds() -> f64 {
    // SAFETY: `rusage` is plain numbers, for which all zeros is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a live, writable `rusage`.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    [usage.ru_utime, usage.ru_stime]
        .map(|time| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6)
        .iter()
        .sum()
}

/// Largest resident memory, as the kernel saw it.
pub fn peak_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .ok_or_else(|| "the process status has no `VmHWM`".to_string())
}
