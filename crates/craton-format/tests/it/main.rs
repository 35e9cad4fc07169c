//! What is read from stored formats, against values that other programs wrote down.

mod bad_zarr;
mod codecs;
mod conformance;
mod fuzz;
mod real_zarr;
mod support;
mod writer;
