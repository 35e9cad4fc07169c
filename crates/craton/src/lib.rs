//! Labelled arrays: opening, the expression language, CF, put together with the engine.
//!
//! Takes URLs and expressions; gives labelled answers. Never touches a thread, a header or a socket itself.

pub mod answer;
pub mod calendar;
pub mod cf;
pub mod demo;
pub mod evaluate;
pub mod info;
pub mod labels;
pub mod language;
pub mod lazy;
pub mod open;
pub mod output;
pub mod session;

pub use craton_core::{Error, ErrorKind, Result};
pub use session::Session;
