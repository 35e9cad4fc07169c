//! One file per command.

pub mod demo;
pub mod eval;
pub mod help;
pub mod info;
