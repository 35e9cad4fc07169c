//! What the kernels promise, checked against NumPy's results, scalar models and laws.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod fold;
mod numpy;
mod scan;
