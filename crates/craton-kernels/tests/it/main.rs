//! What the kernels promise, checked against NumPy's results, scalar models and laws.

mod fold;
mod numpy;
mod scan;
