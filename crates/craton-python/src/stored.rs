//! Opened files as Python objects.

use crate::array::to_numpy;
use crate::attached::run_detached;
use crate::dtype::to_name;
use crate::failure::to_exception;
use crate::labelled::{attributes, calendar_of};
use crate::node::Node;
use craton::open::{
    OpenOptions, Opened, Stored, StoredVariable, expand as expand_pattern, open, open_stored_with,
};
use craton_core::DType;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// The groups at one URL, as stored.
#[pyclass(frozen, module = "craton._native")]
pub(crate) struct StoredFile {
    stored: Stored,
}

#[pymethods]
impl StoredFile {
    /// Opens what lies at a URL; reads metadata only.
    #[new]
    fn new(py: Python<'_>, url: &str, stores: Vec<(String, String)>) -> PyResult<Self> {
        let stored = run_detached(py, Some(1), None, &stores, |session| {
            open_stored_with(url, &session.stores()?)
        })?;
        Ok(Self { stored })
    }

    /// The URL without secrets.
    #[getter]
    fn url(&self) -> &str {
        &self.stored.url
    }

    /// The paths of all groups; `/` is the root.
    #[getter]
    fn groups(&self) -> Vec<&str> {
        self.stored.groups.keys().map(String::as_str).collect()
    }

    /// Whether this is a Zarr store.
    #[getter]
    fn is_zarr(&self) -> bool {
        self.stored.is_zarr()
    }

    /// The group that the URL names.
    #[getter]
    fn selected(&self) -> &str {
        &self.stored.selected
    }

    /// The array that the URL names, if it names one.
    #[getter]
    fn array(&self) -> Option<&str> {
        self.stored.array.as_deref()
    }

    /// The attributes of a group.
    fn attributes<'py>(&self, py: Python<'py>, group: &str) -> PyResult<Bound<'py, PyDict>> {
        let group = self.stored.group(group);
        attributes(py, &group.map_err(|error| to_exception(&error))?.attributes)
    }

    /// The variables of a group by name, and those that cannot be read with the report of why; see the stub.
    fn variables<'py>(&self, py: Python<'py>, group: &str) -> PyResult<Facts<'py>> {
        let stored = self.stored.group(group);
        let stored = stored.map_err(|error| to_exception(&error))?;
        let broken = stored.broken.iter();
        let mut broken: Vec<_> = broken
            .map(|(name, error)| (name.clone(), error.to_string()))
            .collect();
        let out = PyDict::new(py);
        for name in stored.arrays.keys() {
            match self.stored.stored_variable(group, name) {
                Ok(variable) => out.set_item(name, facts(py, &variable)?)?,
                Err(error) => broken.push((name.clone(), error.to_string())),
            }
        }
        Ok((out, broken))
    }

    /// The numbers that a variable's stored ones stand for, not computed.
    fn numbers(&self, group: &str, name: &str, unpacks: bool, keeps_times: bool) -> PyResult<Node> {
        let stored = self.stored.stored_variable(group, name);
        let numbers = stored.and_then(|stored| {
            let numbers = stored.numbers(unpacks, keeps_times);
            numbers.map_err(|error| error.in_variable(name).at(&self.stored.url))
        });
        let lazy = numbers.map_err(|error| to_exception(&error))?;
        Ok(Node { lazy })
    }
}

type Facts<'py> = (Bound<'py, PyDict>, Vec<(String, String)>);

fn facts<'py>(py: Python<'py>, stored: &StoredVariable) -> PyResult<Bound<'py, PyDict>> {
    let tuple = |lengths: &Option<Vec<u64>>| {
        let lengths = lengths.as_ref();
        lengths.map(|lengths| PyTuple::new(py, lengths)).transpose()
    };
    let lazy = stored.variable.node.clone().into();
    let out = PyDict::new(py);
    out.set_item("dims", PyTuple::new(py, &stored.variable.dims)?)?;
    out.set_item("attrs", attributes(py, &stored.variable.attributes)?)?;
    out.set_item("dtype", stored_name(stored.variable.dtype()))?;
    out.set_item("chunks", tuple(&stored.chunks)?)?;
    out.set_item("shards", tuple(&stored.shards)?)?;
    out.set_item("node", Node { lazy })?;
    Ok(out)
}

/// Texts tell whether they are text or bytes, which NumPy's objects do not.
fn stored_name(dtype: DType) -> String {
    match dtype {
        DType::Utf8 | DType::Bytes => dtype.to_string(),
        _ => to_name(dtype),
    }
}

/// Files as one dataset, combined by their coordinates and decoded: for each variable its dimensions, and either a node,
/// or the values with the calendar of counted dates.
#[pyfunction]
pub(crate) fn open_together<'py>(
    py: Python<'py>,
    urls: Vec<String>,
    stores: Vec<(String, String)>,
) -> PyResult<Bound<'py, PyDict>> {
    let (dataset, blocks) = run_detached(py, None, None, &stores, |session| {
        let dataset = match open(&urls, OpenOptions::default(), session)? {
            Opened::Dataset(dataset) => dataset,
            Opened::Array(array) => array.to_dataset(None)?,
        };
        let at_hand = dataset.coords.values().chain(dataset.variables.values());
        let blocks = at_hand.map(|variable| match is_lazy(variable) {
            true => Ok(None),
            false => variable.values(session).map(Some),
        });
        let blocks = blocks.collect::<craton::Result<Vec<_>>>()?;
        Ok((dataset, blocks))
    })?;
    let out = PyDict::new(py);
    let variables = dataset.coords.iter().chain(&dataset.variables);
    for ((name, variable), block) in variables.zip(blocks) {
        let dims = PyTuple::new(py, &variable.dims)?;
        let calendar = calendar_of(variable.dtype());
        match block {
            None => {
                let lazy = variable.node.clone().into();
                out.set_item(name, (dims, Node { lazy }, calendar))?;
            }
            Some(block) => out.set_item(name, (dims, to_numpy(py, block)?, calendar))?,
        }
    }
    Ok(out)
}

/// Numbers stay in the plan, unless they are labels, which are read already.
fn is_lazy(variable: &craton::labels::Variable) -> bool {
    variable.dtype().is_numeric() && !variable.is_at_hand()
}

/// The files that a pattern names; the pattern itself if it is none.
#[pyfunction]
pub(crate) fn expand(
    py: Python<'_>,
    url: &str,
    stores: Vec<(String, String)>,
) -> PyResult<Vec<String>> {
    run_detached(py, Some(1), None, &stores, |session| {
        expand_pattern(url, &session.stores()?)
    })
}
