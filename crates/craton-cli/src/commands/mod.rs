//! One file per command.

pub mod demo;
pub mod eval;
pub mod info;
pub mod plot;
