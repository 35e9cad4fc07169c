//! One file per command, and what several share.

mod asked;
pub mod branch;
pub mod convert_metadata;
pub mod copy;
pub mod demo;
pub mod diff;
pub mod eval;
pub mod gc;
pub mod help;
pub mod info;
mod limits;
pub mod log;
pub mod move_node;
pub mod plot;
pub mod replay;
pub mod reset;
pub mod verify;
