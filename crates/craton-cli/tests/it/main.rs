//! The `craton` command as its users see it: what it prints, how it ends, what it reads and how much it holds.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

mod bad;
mod data;
mod determinism;
mod explain;
mod failures;
mod help;
mod icechunk;
mod inspect;
mod memory;
mod outcome;
mod plots;
mod reading;
mod remote;
mod shards;
mod times;
mod writing;
