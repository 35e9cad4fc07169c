//! How a plan will run: pipelines driven by stored chunks, with their memory known beforehand.

mod cuts;
mod lower;
mod share;
pub mod stage;

pub use lower::{Output, lower};
pub use stage::{
    Body, Input, Leaf, Local, LocalKind, Pipelines, SinkKind, Space, Stage, StageSink, Target,
};
