//! Laws of lowering and execution, against a naive model.

mod compose;
mod failures;
mod operators;
mod reading;
mod sharing;
mod support;
mod writing;
