//! Turns stored formats into sources, decoders and sinks.
//!
//! Takes a store and a path; gives [`craton_core::Source`]s, [`craton_core::Decode`]rs and
//! [`craton_core::Sink`]s. Never schedules work, starts a thread, or knows what a plan is.

pub mod codec;
pub mod combine;
pub mod detect;
pub mod hdf5;
pub mod netcdf3;
pub mod pieces;
pub mod ranges;
pub mod tree;
pub mod zarr;
