//! What is read from stored formats, against values that other programs wrote down.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

mod bad_zarr;
mod codecs;
mod conformance;
mod hierarchy;
mod real_zarr;
mod support;
mod writer;
