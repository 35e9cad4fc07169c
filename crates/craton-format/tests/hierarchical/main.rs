//! Files of many arrays: HDF5, netCDF-4 and netCDF-3, and the concatenation of sources.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

mod combine;
mod conformance;
mod corpus;
mod hostile;
#[path = "../fuzz/machine.rs"]
#[allow(dead_code, reason = "only its clock is used here")]
mod machine;
mod netcdf_writer;
mod reading;
