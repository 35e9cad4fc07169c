//! The engine's errors as Python's exceptions.

use craton::Error;
use pyo3::PyErr;
use pyo3::exceptions::{
    PyKeyError, PyKeyboardInterrupt, PyMemoryError, PyNotImplementedError, PyOSError,
    PyPermissionError, PyRuntimeError, PyValueError,
};

/// The exception that the table of error kinds names, with the whole report as its message.
pub(crate) fn to_exception(error: &Error) -> PyErr {
    let message = error.report().trim_start_matches("error: ").to_owned();
    match error.kind().faces().python_exception {
        "KeyError" => PyKeyError::new_err(message),
        "ValueError" => PyValueError::new_err(message),
        "NotImplementedError" => PyNotImplementedError::new_err(message),
        "MemoryError" => PyMemoryError::new_err(message),
        "OSError" => PyOSError::new_err(message),
        "PermissionError" => PyPermissionError::new_err(message),
        "KeyboardInterrupt" => PyKeyboardInterrupt::new_err(message),
        _ => PyRuntimeError::new_err(message),
    }
}
