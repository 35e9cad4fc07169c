//! The engine as the Python module `craton._native`, on which the package `craton` is written.
//!
//! Takes Python objects; gives Python objects. Never holds logic of its own, and never waits while attached to the
//! interpreter.

use pyo3::prelude::*;

/// The native half of the package `craton`.
#[pymodule(gil_used = false)]
mod _native {
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
