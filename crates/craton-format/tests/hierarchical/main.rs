//! Files of many arrays: HDF5, netCDF-4 and netCDF-3, and the concatenation of sources.

mod combine;
mod conformance;
mod corpus;
mod hostile;
mod reading;
mod timing;
