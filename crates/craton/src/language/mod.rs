//! The expression language: the xarray code that people already write, as text.
//!
//! Takes text; gives a [`Program`]: assignments to names, then one expression. Never looks a name up,
//! never evaluates, and never runs Python.
//!
//! ```
//! let program = craton::language::parse("t = ds.t2m - 273.15\nt.mean(\"time\")  # in °C")?;
//! assert_eq!(program.assignments[0].name, "t");
//! assert_eq!(program.to_source(), "t = ds.t2m - 273.15\nt.mean(\"time\")");
//! # Ok::<(), craton_core::Error>(())
//! ```

mod ast;
mod lexer;
mod literal;
pub mod near;
mod operator;
mod parser;
mod print;
mod refuse;
mod span;
mod statement;
#[cfg(test)]
mod tests;

pub use ast::{Assignment, Expr, Keyword, Literal, Node, Program};
pub use near::did_you_mean;
pub use operator::{BinaryOperator, UnaryOperator};
pub use span::Span;
pub use statement::parse;

/// The longest text that is read, in bytes.
pub const MAX_SOURCE_BYTES: usize = 64 * 1024;
/// How many brackets, unary operators and exponents may stand inside each other.
pub const MAX_NESTING: usize = 64;
/// How many nodes a program may have.
pub const MAX_NODES: usize = 10_000;
/// The longest path from a root to a leaf, counting the links of chains such as `a + b + c` too.
/// A function that calls itself per node is safe on every tree that [`parse`] gives.
pub const MAX_HEIGHT: usize = 256;
