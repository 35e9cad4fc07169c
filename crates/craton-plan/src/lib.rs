//! Says what a question means and how it will run, before anything is read.
//!
//! Takes operators applied to sources; gives a [`Node`] graph, and from it [`physical::Pipelines`].
//! Never reads a byte, never waits, and never knows a label, a format or a thread.

pub mod axis_map;
pub mod explain;
pub mod node;
pub mod operator;
pub mod ops;
pub mod physical;
pub mod rules;

pub use axis_map::AxisMap;
pub use node::{Meta, Node, NodeRef, PlanHash};
pub use operator::{OPERATORS, Operator, OperatorEntry, ShapeOfWork, Work};
