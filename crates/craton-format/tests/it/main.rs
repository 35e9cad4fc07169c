//! What is read from stored formats, against values that other programs wrote down.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

mod bad_zarr;
mod codec_contract;
mod codecs;
mod conformance;
mod hierarchy;
mod icechunk;
#[path = "../fuzz/machine.rs"]
#[allow(dead_code, reason = "only its clock is used here")]
mod machine;
mod real_zarr;
mod support;
mod writer;
