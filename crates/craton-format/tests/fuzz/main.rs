//! Damaged bytes through every parser of stored formats: never a panic, never slow, never much memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

mod allocations;
mod codecs;
mod exercise;
mod hdf5;
mod machine;
mod netcdf3;
mod zarr;
mod zip;

#[global_allocator]
static COUNTING: allocations::Counting = allocations::Counting;
