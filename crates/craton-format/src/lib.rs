//! Turns stored formats into sources, decoders and sinks.
//!
//! Takes a store and a path; gives [`craton_core::Source`]s, [`craton_core::Decode`]rs and
//! [`craton_core::Sink`]s. Never schedules work, starts a thread, or knows what a plan is.

pub mod codec;
pub mod combine;
mod counted;
pub mod detect;
mod gather;
pub mod hdf5;
mod json;
pub mod netcdf;
pub mod netcdf3;
mod numbers;
pub mod pieces;
pub mod ranges;
pub mod tree;
pub mod zarr;

/// Bytes of the largest element that is read. Every array holds at least its fill value, however small the file is that
/// claims the size of it.
pub(crate) const LARGEST_ELEMENT: u64 = 1 << 20;
