//! Stores of named objects as Python objects, for `craton.zarr.Store`.

use crate::array::Memory;
use crate::attached::settings;
use crate::failure::to_exception;
use craton::objects::{self, Asked, Store as Objects};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use std::path::PathBuf;

/// Objects under a URL. Every method waits detached from the interpreter.
#[pyclass(frozen, module = "craton._native")]
pub(crate) struct Store {
    pub(crate) store: Objects,
}

/// Whether objects can be written under a URL, as far as the URL says.
#[pyfunction]
pub(crate) fn can_be_written(url: &str) -> PyResult<bool> {
    objects::can_be_written(url).map_err(|error| to_exception(&error))
}

fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> craton::Result<T> + Send,
) -> PyResult<T> {
    py.detach(work).map_err(|error| to_exception(&error))
}

#[pymethods]
impl Store {
    /// Opens what lies at a URL.
    #[new]
    fn new(
        py: Python<'_>,
        url: &str,
        writes: bool,
        stores: Vec<(String, String)>,
    ) -> PyResult<Self> {
        let store = detached(py, || Objects::open(url, writes, &settings(&stores)?))?;
        Ok(Self { store })
    }

    /// The URL without secrets.
    #[getter]
    fn url(&self) -> &str {
        self.store.url()
    }

    /// The folder whose files the objects are, if that is what they are.
    #[getter]
    fn folder(&self) -> Option<PathBuf> {
        self.store.folder().cloned()
    }

    /// Whether each read waits for a network.
    #[getter]
    fn is_remote(&self) -> bool {
        self.store.reads().is_remote()
    }

    /// An object's bytes from `start` up to `end`, or the `last` ones, as far as they are there.
    #[pyo3(signature = (location, start=None, end=None, last=None))]
    fn get(
        &self,
        py: Python<'_>,
        location: &str,
        start: Option<u64>,
        end: Option<u64>,
        last: Option<u64>,
    ) -> PyResult<Option<Memory>> {
        let asked = match (start, end, last) {
            (_, _, Some(last)) => Asked::Last(last),
            (Some(start), Some(end), _) => Asked::Between(start, end),
            (Some(start), None, _) => Asked::From(start),
            (None, ..) => Asked::Whole,
        };
        let got = detached(py, || self.store.get(location, asked))?;
        Ok(got.map(Memory::new))
    }

    /// Bytes of an object, if it exists.
    fn size(&self, py: Python<'_>, location: &str) -> PyResult<Option<u64>> {
        detached(py, || self.store.size(location))
    }

    /// The names directly under a prefix; those of folders end in `/`.
    fn list(&self, py: Python<'_>, prefix: &str) -> PyResult<Vec<String>> {
        detached(py, || self.store.list(prefix))
    }

    /// Writes an object, if it may replace what is there; says whether it was written.
    fn put(
        &self,
        py: Python<'_>,
        location: &str,
        bytes: PyBuffer<u8>,
        may_replace: bool,
    ) -> PyResult<bool> {
        let bytes = bytes.to_vec(py)?;
        detached(py, || self.store.put(location, &bytes, may_replace))
    }

    /// Removes an object, if it exists.
    fn remove(&self, py: Python<'_>, location: &str) -> PyResult<()> {
        detached(py, || self.store.remove(location))
    }
}
