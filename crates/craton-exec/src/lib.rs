//! Turns pipelines into blocks within a memory budget.
//!
//! Takes lowered pipelines; gives blocks and filled sinks. Never names an operator or a format.

mod ahead;
mod assemble;
mod cache;
mod coalesce;
mod columns;
mod control;
mod cumulate;
mod engine;
mod fetch;
mod load;
mod local;
mod memory;
mod need;
mod passes;
mod pending;
mod reduce;
mod run;
mod spill;
mod stage;
mod store;
mod strings;
mod threads;
mod tile;
mod verify;
mod view;
mod wait;
mod walk;

pub use control::{Control, Metrics};
pub use engine::{Engine, StageCost};
pub use memory::{available_memory, peak_resident};
pub use threads::side_by_side;
pub use verify::Seen;
