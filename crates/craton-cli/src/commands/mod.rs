//! One file per command.

pub mod branch;
pub mod copy;
pub mod demo;
pub mod diff;
pub mod eval;
pub mod gc;
pub mod help;
pub mod info;
pub mod log;
pub mod plot;
pub mod replay;
pub mod reset;
pub mod verify;
