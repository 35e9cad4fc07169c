//! Laws of lowering and execution, against a naive model.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod along;
mod aside;
mod compose;
mod failures;
mod operators;
mod passes;
mod quantiles;
mod reading;
mod selection;
mod sharing;
mod shelf;
mod support;
mod tiles;
mod together;
mod writing;
