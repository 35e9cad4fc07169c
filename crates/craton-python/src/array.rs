//! Blocks as NumPy arrays, which share the memory where NumPy has the dtype.

use craton_core::{Block, Buffer, BufferMut, DType, Pool};
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use std::ffi::{c_int, c_void};

use crate::dtype::to_name;
use crate::failure::to_exception;

/// Memory of the engine as Python's buffers see it: plain bytes.
#[pyclass(frozen, module = "craton._native")]
pub(crate) struct Memory {
    bytes: Bytes,
}

enum Bytes {
    /// Nobody else holds it, so the array over it may be written to.
    Own(BufferMut),
    Shared(Buffer),
    Encoded(Vec<u8>),
}

impl Memory {
    pub fn new(buffer: Buffer) -> Self {
        let bytes = buffer.try_into_mut().map_or_else(Bytes::Shared, Bytes::Own);
        Self { bytes }
    }

    /// Bytes that were encoded here.
    pub fn of(bytes: Vec<u8>) -> Self {
        let bytes = Bytes::Encoded(bytes);
        Self { bytes }
    }
}

#[pymethods]
impl Memory {
    /// # Safety
    /// Called by Python, which gives a view to fill in.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let (bytes, is_readonly): (&[u8], bool) = match &slf.get().bytes {
            Bytes::Own(bytes) => (bytes, false),
            Bytes::Shared(bytes) => (bytes, true),
            Bytes::Encoded(bytes) => (bytes, true),
        };
        let length = isize::try_from(bytes.len())
            .map_err(|_| PyBufferError::new_err("the memory is too large"))?;
        let start = bytes.as_ptr().cast_mut().cast::<c_void>();
        // SAFETY: `view` is Python's own, and the memory lives as long as this object, of which the view takes a
        // reference. Memory given as writable is reached by nothing but views, over which Python keeps order.
        match unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                start,
                length,
                c_int::from(is_readonly),
                flags,
            )
        } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}

/// `block` as an array. Texts become objects; instants of other calendars than NumPy's become counts.
pub(crate) fn to_numpy<'py>(py: Python<'py>, block: Block) -> PyResult<Bound<'py, PyAny>> {
    let numpy = py.import("numpy")?;
    let shape = PyTuple::new(py, block.shape())?;
    if block.as_strings().is_some() {
        return objects(py, &numpy, &block, &shape);
    }
    let block = match block.as_dense() {
        Some(_) => block,
        None => block
            .to_contiguous(&Pool::unlimited())
            .map_err(|error| to_exception(&error))?,
    };
    let dtype = block.dtype();
    let size = dtype.item_size().unwrap_or(1);
    let name = to_name(dtype);
    if block.is_empty() || size == 0 {
        return numpy.call_method1("empty", (shape, name));
    }
    let Some((buffer, offset, strides)) = block.as_dense() else {
        return Err(to_exception(&craton::Error::internal(
            "a block of numbers is not dense",
        )));
    };
    let (buffer, offset) = (buffer.clone(), offset * size);
    let strides: Vec<isize> = strides
        .iter()
        .map(|stride| stride * size.cast_signed())
        .collect();
    // The block's own hold on the buffer would make it shared.
    drop(block);
    let keywords = PyDict::new(py);
    keywords.set_item("dtype", name)?;
    keywords.set_item("buffer", Bound::new(py, Memory::new(buffer))?)?;
    keywords.set_item("offset", offset)?;
    keywords.set_item("strides", PyTuple::new(py, strides)?)?;
    numpy.call_method("ndarray", (shape,), Some(&keywords))
}

fn objects<'py>(
    py: Python<'py>,
    numpy: &Bound<'py, PyModule>,
    block: &Block,
    shape: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let is_text = block.dtype() == DType::Utf8;
    let item = |at: usize| {
        let bytes = block
            .as_strings()
            .map(|strings| strings.get(at))
            .unwrap_or_default();
        if is_text {
            PyString::new(py, &String::from_utf8_lossy(bytes)).into_any()
        } else {
            PyBytes::new(py, bytes).into_any()
        }
    };
    let items = PyList::new(py, (0..block.len()).map(item))?;
    let flat = numpy.call_method1("empty", (block.len(), "object"))?;
    flat.set_item(pyo3::types::PySlice::full(py), items)?;
    flat.call_method1("reshape", (shape,))
}
