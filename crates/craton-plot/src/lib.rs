//! Turns blocks of values into pictures.
//!
//! Takes plain numbers; gives text. Never reads, computes statistics of more than what it draws, or opens a window.

pub mod terminal;
