//! Codecs that are written in Python, for arrays whose codec the engine does not have.

use craton::codec::{self, Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::sync::Arc;

/// No codec makes a chunk larger than so many times its bytes, and some more.
const GROWTH: usize = 4;
const SOME_MORE: usize = 1 << 20;

/// Lets codecs that the engine does not have be looked for by `craton.codecs`, which is imported when the first is met.
pub(crate) fn look_in_python() {
    codec::look_elsewhere(find);
}

/// The names of the engine's own codecs.
#[pyfunction]
pub(crate) fn codecs() -> Vec<&'static str> {
    codec::CODECS.iter().map(|(name, _)| *name).collect()
}

fn find(options: &Options<'_>, place: &Place<'_>) -> Result<Option<Stage>> {
    let name = options.codec();
    let found = Python::attach(|py| {
        let module = py.import("craton.codecs")?;
        let arguments = (name, options.to_json().to_string(), place.is_native);
        let found = module.call_method1("find", arguments)?;
        PyResult::Ok((!found.is_none()).then(|| found.unbind()))
    });
    let found = found.map_err(|error| {
        Error::unsupported(format!("codec `{name}` cannot be had from Python")).caused_by(error)
    })?;
    Ok(found.map(|object| {
        let label = format!("python:{name}");
        Stage::Bytes(Arc::new(PythonCodec { label, object }))
    }))
}

/// An object of Python that decodes and encodes bytes.
#[derive(Debug)]
struct PythonCodec {
    label: String,
    object: Py<PyAny>,
}

impl PythonCodec {
    fn call(&self, method: &str, bytes: &[u8]) -> PyResult<PyBackedBytes> {
        Python::attach(|py| {
            let given = PyBytes::new(py, bytes);
            let made = self.object.bind(py).call_method1(method, (given,))?;
            made.extract().map_err(PyErr::from)
        })
    }
}

impl Codec for PythonCodec {
    fn label(&self) -> String {
        self.label.clone()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        let most = plain.most().saturating_mul(GROWTH);
        Size::AtMost(most.saturating_add(SOME_MORE))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let made = self.call("decode", encoded).map_err(|error| {
            Error::corrupt(format!("cannot decode `{}`", self.label)).caused_by(error)
        })?;
        let Some(out) = out.get_mut(..made.len()) else {
            return Ok(None);
        };
        out.copy_from_slice(&made);
        Ok(Some(made.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let made = self.call("encode", plain).map_err(|error| {
            Error::invalid(format!("cannot encode `{}`", self.label)).caused_by(error)
        })?;
        let mut out = pool.take(made.len())?;
        out.copy_from_slice(&made);
        Ok(out)
    }
}
