//! Turns blocks of numbers into pictures.
//!
//! Takes slices of values and how they lie; gives text or image bytes. Never reads a file or computes a plan.

pub mod terminal;
