//! One file per command.

pub mod copy;
pub mod demo;
pub mod eval;
pub mod info;
