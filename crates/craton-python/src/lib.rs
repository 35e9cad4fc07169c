//! The engine as the Python module `craton._native`, on which the package `craton` is written.
//!
//! Takes Python objects; gives Python objects. Never holds logic of its own, and never waits while attached to the
//! interpreter.

mod array;
mod attached;
mod codec;
mod dtype;
mod failure;
mod labelled;
mod node;
mod selection;
mod store;
mod stored;
mod versions;
mod zarr;

use pyo3::prelude::*;

/// The native half of the package `craton`.
#[pymodule(gil_used = false)]
mod _native {
    use super::attached::{Budget, run_detached};
    use super::labelled::{Input, to_python};
    use craton::answer::{Answer, Question};
    use indexmap::IndexMap;
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    #[pymodule_export]
    use super::array::Memory;
    #[pymodule_export]
    use super::node::{Node, compute, cost, explain_nodes};
    #[pymodule_export]
    use super::store::{Store, can_be_written};
    #[pymodule_export]
    use super::stored::{StoredFile, expand, open_together};
    #[pymodule_export]
    use super::versions::{
        begin_session, branch, commit_session, diff, discard_session, fork_session, gc, log,
        merge_fork, open_fork, pack_session, relocate, replay, reset, tag, verify, write_to_branch,
    };
    #[pymodule_export]
    use super::zarr::{Batch, ObjectForm, Shard};

    #[pymodule_export]
    use super::codec::codecs;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::codec::look_in_python();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// Computes an expression; see the stub for what is given back.
    #[pyfunction]
    fn evaluate<'py>(
        py: Python<'py>,
        expression: &str,
        inputs: IndexMap<String, Input>,
        raw: bool,
        memory: Option<Budget>,
        threads: Option<usize>,
        stores: Vec<(String, String)>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let question = question(expression, inputs, raw)?;
        let (labelled, blocks) = run_detached(py, threads, memory, &stores, |session| {
            let labelled = Answer::plan(&question, session)?.labelled()?;
            let blocks = session.compute(&labelled.nodes())?;
            Ok((labelled, blocks))
        })?;
        to_python(py, &labelled, blocks)
    }

    /// The plan of an expression, and what it will read and hold.
    #[pyfunction]
    fn explain(
        py: Python<'_>,
        expression: &str,
        inputs: IndexMap<String, Input>,
        raw: bool,
        memory: Option<Budget>,
        threads: Option<usize>,
        stores: Vec<(String, String)>,
    ) -> PyResult<String> {
        let question = question(expression, inputs, raw)?;
        run_detached(py, threads, memory, &stores, |session| {
            Answer::plan(&question, session)?.explain(session)
        })
    }

    fn question(
        expression: &str,
        inputs: IndexMap<String, Input>,
        is_raw: bool,
    ) -> PyResult<Question> {
        let mut urls = Vec::new();
        let mut given = IndexMap::new();
        for (name, input) in inputs {
            match input {
                Input::Urls(several) => {
                    urls.extend(several.iter().map(|url| format!("{name}={url}")));
                }
                Input::Given(input) => {
                    given.insert(name, input.labelled()?);
                }
            }
        }
        let mut question = Question::new(expression, &urls, is_raw);
        question.given = given;
        Ok(question)
    }
}
