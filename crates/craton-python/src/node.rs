//! Plans as Python objects: `craton.Array` is written on these.

use crate::array::to_numpy;
use crate::attached::{Budget, run_detached};
use crate::dtype::{from_name, instants, to_name};
use crate::failure::to_exception;
use craton::lazy::{AxisIndex, Between, GroupCodes, Lazy, ReduceOptions};
use craton::{StageCost, answer};
use pyo3::prelude::*;
use pyo3::types::PyList;

/// One array that has not been computed.
#[pyclass(frozen, module = "craton._native")]
pub(crate) struct Node {
    pub(crate) lazy: Lazy,
}

/// What is taken along an axis, as Python gives it: an index, or start, length and step.
#[derive(FromPyObject)]
enum Taken {
    At(u64),
    Range(u64, u64, i64),
}

impl From<Taken> for AxisIndex {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::At(at) => Self::At(at),
            Taken::Range(start, length, step) => Self::Range {
                start,
                length,
                step,
            },
        }
    }
}

fn wrap(lazy: craton::Result<Lazy>) -> PyResult<Node> {
    lazy.map(|lazy| Node { lazy })
        .map_err(|error| to_exception(&error))
}

#[pymethods]
impl Node {
    /// The values of native-endian bytes in C order.
    #[staticmethod]
    fn literal(dtype: &str, shape: Vec<usize>, values: &[u8]) -> PyResult<Self> {
        wrap(from_name(dtype).and_then(|dtype| Lazy::of_bytes(dtype, shape, values)))
    }

    /// Texts of any length, in C order.
    #[staticmethod]
    fn texts(shape: Vec<usize>, values: Vec<String>) -> PyResult<Self> {
        wrap(Lazy::of_texts(shape, &values))
    }

    /// Counts of a unit since 1970-01-01 in a calendar that NumPy lacks.
    #[staticmethod]
    fn instants(unit: &str, calendar: &str, shape: Vec<usize>, values: &[u8]) -> PyResult<Self> {
        wrap(instants(unit, calendar).and_then(|dtype| Lazy::of_bytes(dtype, shape, values)))
    }

    /// One value, as its bytes, in every place.
    #[staticmethod]
    fn full(dtype: &str, value: &[u8], shape: Vec<u64>) -> PyResult<Self> {
        wrap(from_name(dtype).and_then(|dtype| Lazy::full(dtype, value, &shape)))
    }

    /// The parts one after the other.
    #[staticmethod]
    fn concat(parts: Vec<PyRef<'_, Node>>, axis: usize) -> PyResult<Self> {
        let parts: Vec<Lazy> = parts.iter().map(|part| part.lazy.clone()).collect();
        wrap(Lazy::concat(&parts, axis))
    }

    #[getter]
    fn shape(&self) -> &[u64] {
        self.lazy.shape()
    }

    #[getter]
    fn dtype(&self) -> String {
        to_name(self.lazy.dtype())
    }

    /// The hash of the plan: equal for plans that mean the same work on the same data.
    #[getter]
    fn hash(&self) -> String {
        self.lazy.node().hash().to_string()
    }

    fn unary(&self, function: &str) -> PyResult<Self> {
        wrap(self.lazy.unary(function))
    }

    fn binary(&self, function: &str, other: &Self) -> PyResult<Self> {
        wrap(self.lazy.binary(function, &other.lazy))
    }

    fn cast(&self, dtype: &str) -> PyResult<Self> {
        wrap(from_name(dtype).and_then(|dtype| self.lazy.cast(dtype)))
    }

    fn select(&self, if_true: &Self, if_false: &Self) -> PyResult<Self> {
        wrap(self.lazy.select(&if_true.lazy, &if_false.lazy))
    }

    fn index(&self, axes: Vec<Taken>) -> PyResult<Self> {
        let axes: Vec<AxisIndex> = axes.into_iter().map(AxisIndex::from).collect();
        wrap(self.lazy.index(&axes))
    }

    fn gather(&self, axis: usize, indices: Vec<u64>) -> PyResult<Self> {
        wrap(self.lazy.gather(axis, indices))
    }

    fn transpose(&self, axes: Vec<usize>) -> PyResult<Self> {
        wrap(self.lazy.transpose(&axes))
    }

    fn broadcast(&self, shape: Vec<u64>, axes: Vec<usize>) -> PyResult<Self> {
        wrap(self.lazy.broadcast(&shape, &axes))
    }

    fn reduce(
        &self,
        reduction: &str,
        axes: Vec<usize>,
        skip_missing: bool,
        ddof: u32,
    ) -> PyResult<Self> {
        wrap(
            self.lazy
                .reduce(reduction, &axes, options(skip_missing, ddof, 0)),
        )
    }

    fn quantile(
        &self,
        fractions: Option<Vec<f64>>,
        method: &str,
        axes: Vec<usize>,
        skip_missing: bool,
    ) -> PyResult<Self> {
        wrap(self.lazy.quantile(fractions, method, &axes, skip_missing))
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "the arguments of one operator, which Python passes by position"
    )]
    fn group_reduce(
        &self,
        reduction: &str,
        axis: usize,
        codes: Vec<i64>,
        count: usize,
        skip_missing: bool,
        ddof: u32,
        min_count: u32,
    ) -> PyResult<Self> {
        let groups = GroupCodes { axis, codes, count };
        let options = options(skip_missing, ddof, min_count);
        wrap(self.lazy.group_reduce(reduction, groups, options))
    }

    fn cumulate(&self, total: &str, axis: usize, skip_missing: bool) -> PyResult<Self> {
        wrap(self.lazy.cumulate(total, axis, skip_missing))
    }

    fn rolling(
        &self,
        statistic: &str,
        axis: usize,
        window: usize,
        min_periods: usize,
    ) -> PyResult<Self> {
        wrap(self.lazy.rolling(statistic, axis, window, min_periods))
    }

    fn interpolate(
        &self,
        axis: usize,
        lower: Vec<u64>,
        upper: Vec<u64>,
        fraction: Vec<f64>,
    ) -> PyResult<Self> {
        let between = Between {
            lower,
            upper,
            fraction,
        };
        wrap(self.lazy.interpolate(axis, &between))
    }

    fn spline(
        &self,
        axis: usize,
        places: Vec<f64>,
        wanted: Vec<f64>,
        extrapolate: bool,
    ) -> PyResult<Self> {
        wrap(self.lazy.spline(axis, places, wanted, extrapolate))
    }

    fn order(&self, ordering: &str, axis: usize) -> PyResult<Self> {
        wrap(self.lazy.order(ordering, axis))
    }

    fn fill(&self, axis: usize, is_forward: bool, limit: Option<usize>) -> PyResult<Self> {
        wrap(self.lazy.fill(axis, is_forward, limit))
    }
}

fn options(skip_missing: bool, ddof: u32, min_count: u32) -> ReduceOptions {
    ReduceOptions {
        skip_missing,
        ddof,
        min_count,
    }
}

/// Computes nodes together, so that what they share is read once; one NumPy array each.
#[pyfunction]
pub(crate) fn compute<'py>(
    py: Python<'py>,
    nodes: Vec<PyRef<'py, Node>>,
    memory: Option<Budget>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyList>> {
    let plans: Vec<_> = nodes.iter().map(|one| one.lazy.node().clone()).collect();
    drop(nodes);
    let blocks = run_detached(py, threads, memory, &[], |session| session.compute(&plans))?;
    let arrays: PyResult<Vec<_>> = blocks
        .into_iter()
        .map(|block| to_numpy(py, block))
        .collect();
    PyList::new(py, arrays?)
}

/// The plans of named nodes in words, and what computing them together will read and hold.
#[pyfunction]
pub(crate) fn explain_nodes(
    py: Python<'_>,
    nodes: Vec<(String, PyRef<'_, Node>)>,
    memory: Option<Budget>,
    threads: Option<usize>,
) -> PyResult<String> {
    let plans: Vec<_> = nodes
        .iter()
        .map(|(name, one)| (name.clone(), one.lazy.node().clone()))
        .collect();
    drop(nodes);
    run_detached(py, threads, memory, &[], |session| {
        answer::explain(&plans, session)
    })
}

/// What computing a node will read and hold: operations of its plan, chunks, bytes decoded, bytes of memory beside what
/// the process holds already.
#[pyfunction]
pub(crate) fn cost(py: Python<'_>, node: PyRef<'_, Node>) -> PyResult<(usize, u64, u64, u64)> {
    let plan = node.lazy.node().clone();
    drop(node);
    run_detached(py, None, None, &[], |session| {
        let stages = session.costs(std::slice::from_ref(&plan))?;
        let threads = session.engine().threads() as u64;
        let memory = |stage: &StageCost| {
            let tasks = stage.bytes_per_task.saturating_mul(threads);
            stage.bytes_shared.saturating_add(tasks)
        };
        Ok((
            plan.operations(),
            stages.iter().map(|stage| stage.chunks).sum(),
            stages.iter().map(|stage| stage.bytes_decoded).sum(),
            stages.iter().map(memory).max().unwrap_or(0),
        ))
    })
}
