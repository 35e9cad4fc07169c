//! Labelled arrays: the expression language, CF time and CF decoding, put together with the engine.
//!
//! Takes expressions and sources; gives labelled answers. Never touches a thread, a header or a socket itself.

pub mod calendar;
pub mod cf;
pub mod language;
