//! Versions of Icechunk repositories, and results as commits. Documents come back as JSON.

use crate::attached::{Budget, run_detached};
use crate::labelled::Given;
use craton::answer::{Answer, AnswerOptions, Question};
use craton::diff::DiffOptions;
use craton::history::{self, Collecting, OnConflict, Repository, branch_url, garbage_to_json};
use craton::moment::parse_moment;
use craton::open::OpenOptions;
use craton::{Error, Result};
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

/// How a commit is written, as the program's options say it.
#[derive(FromPyObject)]
pub(crate) struct Written {
    #[pyo3(item)]
    branch: Option<String>,
    #[pyo3(item)]
    message: Option<String>,
    #[pyo3(item)]
    amend: bool,
    #[pyo3(item)]
    on_conflict: Option<String>,
    #[pyo3(item)]
    append_dim: Option<String>,
    #[pyo3(item)]
    region: Option<String>,
    #[pyo3(item)]
    chunks: Option<String>,
    #[pyo3(item)]
    shards: Option<String>,
    #[pyo3(item)]
    codec: Option<String>,
    #[pyo3(item)]
    compute: bool,
}

/// Computes what is given and commits it to a branch.
#[pyfunction]
pub(crate) fn write_to_branch(
    py: Python<'_>,
    given: Given,
    repository: &str,
    written: Written,
    memory: Option<Budget>,
    threads: Option<usize>,
    stores: Vec<(String, String)>,
) -> PyResult<()> {
    let mut question = Question::new("ds", &[], false);
    question.given.insert("ds".to_owned(), given.labelled()?);
    let branch = written.branch;
    let options = AnswerOptions {
        message: written.message,
        amends: written.amend,
        on_conflict: written.on_conflict,
        append_dim: written.append_dim,
        region: written.region,
        chunks: written.chunks,
        shards: written.shards,
        codec: written.codec,
        skips_values: !written.compute,
        ..AnswerOptions::default()
    };
    run_detached(py, threads, memory, &stores, |session| {
        let url = match &branch {
            Some(branch) => branch_url(repository, branch)?,
            None => repository.to_owned(),
        };
        Answer::plan(&question, session)?.write_to(Path::new(&url), &options, session)
    })
}

/// The history of a version.
#[pyfunction]
pub(crate) fn log(
    py: Python<'_>,
    repository: &str,
    stores: Vec<(String, String)>,
) -> PyResult<String> {
    run_detached(py, Some(1), None, &stores, |session| {
        let (repository, version) = Repository::open_with(repository, &session.stores()?)?;
        Ok(repository.log(&version)?.to_string())
    })
}

/// Makes or deletes a branch; gives all there are then.
#[pyfunction]
pub(crate) fn branch(
    py: Python<'_>,
    repository: &str,
    name: Option<&str>,
    delete: Option<&str>,
    stores: Vec<(String, String)>,
) -> PyResult<BTreeMap<String, String>> {
    run_detached(py, Some(1), None, &stores, |session| {
        let (repository, version) = Repository::open_with(repository, &session.stores()?)?;
        if let Some(name) = name {
            repository.create_branch(name, &version)?;
        }
        if let Some(name) = delete {
            repository.delete_branch(name)?;
        }
        Ok(repository.names()?.branches)
    })
}

/// Makes or deletes a tag; gives all there are then.
#[pyfunction]
pub(crate) fn tag(
    py: Python<'_>,
    repository: &str,
    name: Option<&str>,
    delete: Option<&str>,
    stores: Vec<(String, String)>,
) -> PyResult<BTreeMap<String, String>> {
    run_detached(py, Some(1), None, &stores, |session| {
        let (repository, version) = Repository::open_with(repository, &session.stores()?)?;
        if let Some(name) = name {
            repository.create_tag(name, &version)?;
        }
        if let Some(name) = delete {
            repository.delete_tag(name)?;
        }
        Ok(repository.names()?.tags)
    })
}

/// Moves a branch; gives the snapshots before and after.
#[pyfunction]
pub(crate) fn reset(
    py: Python<'_>,
    repository: &str,
    branch: &str,
    to: &str,
    stores: Vec<(String, String)>,
) -> PyResult<(String, String)> {
    run_detached(py, Some(1), None, &stores, |session| {
        Repository::open_with(repository, &session.stores()?)?
            .0
            .reset(branch, to, true)
    })
}

/// Gives an array or a group another path.
#[pyfunction]
pub(crate) fn relocate(
    py: Python<'_>,
    repository: &str,
    from: &str,
    to: &str,
    message: Option<&str>,
    stores: Vec<(String, String)>,
) -> PyResult<String> {
    run_detached(py, Some(1), None, &stores, |session| {
        let (repository, branch) = Repository::open_with(repository, &session.stores()?)?;
        repository.relocate(&branch, from, to, message)
    })
}

/// What differs between two URLs, as JSON.
#[pyfunction]
#[pyo3(signature = (one, other, rtol, atol, ignored_attributes, raw, memory, threads, stores))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn diff(
    py: Python<'_>,
    one: &str,
    other: &str,
    rtol: f64,
    atol: f64,
    ignored_attributes: Vec<String>,
    raw: bool,
    memory: Option<Budget>,
    threads: Option<usize>,
    stores: Vec<(String, String)>,
) -> PyResult<String> {
    let options = DiffOptions {
        open: OpenOptions {
            decodes_cf: !raw,
            ..OpenOptions::default()
        },
        rtol,
        atol,
        ignored_attributes,
    };
    run_detached(py, threads, memory, &stores, |session| {
        let found = craton::diff::diff(one, other, &options, session)?;
        Ok(found.to_json().to_string())
    })
}

/// Begins a session; gives its URL.
#[pyfunction]
pub(crate) fn begin_session(
    py: Python<'_>,
    repository: &str,
    branch: &str,
    stores: Vec<(String, String)>,
) -> PyResult<String> {
    run_detached(py, Some(1), None, &stores, |session| {
        history::begin_session(&branch_url(repository, branch)?, &session.stores()?)
    })
}

/// A fork of a session, for another process.
#[pyfunction]
pub(crate) fn fork_session(py: Python<'_>, url: &str) -> PyResult<Vec<u8>> {
    run_detached(py, Some(1), None, &[], |_| history::fork_session(url))
}

/// Opens a fork; gives the URL of its session.
#[pyfunction]
pub(crate) fn open_fork(
    py: Python<'_>,
    parcel: Vec<u8>,
    stores: Vec<(String, String)>,
) -> PyResult<String> {
    run_detached(py, Some(1), None, &stores, |session| {
        history::open_fork(&parcel, &session.stores()?)
    })
}

/// What was written to a fork.
#[pyfunction]
pub(crate) fn pack_session(py: Python<'_>, url: &str) -> PyResult<Vec<u8>> {
    run_detached(py, Some(1), None, &[], |_| history::pack_session(url))
}

/// Takes what a fork wrote into a session.
#[pyfunction]
pub(crate) fn merge_fork(py: Python<'_>, url: &str, parcel: Vec<u8>) -> PyResult<()> {
    run_detached(py, Some(1), None, &[], |_| {
        history::merge_fork(url, &parcel)
    })
}

/// Commits a session; gives the id of the snapshot.
#[pyfunction]
pub(crate) fn commit_session(
    py: Python<'_>,
    url: &str,
    message: &str,
    is_amended: bool,
    on_conflict: &str,
) -> PyResult<String> {
    run_detached(py, Some(1), None, &[], |_| {
        let on_conflict = OnConflict::from_name(on_conflict)?;
        history::commit_session(url, message, is_amended, on_conflict)
    })
}

/// Forgets a session.
#[pyfunction]
pub(crate) fn discard_session(py: Python<'_>, url: &str) -> PyResult<()> {
    run_detached(py, Some(1), None, &[], |_| {
        history::discard_session(url);
        Ok(())
    })
}

/// Removes garbage, or tells of it.
#[pyfunction]
pub(crate) fn gc(
    py: Python<'_>,
    repository: &str,
    expire_before: Option<&str>,
    written_before: &str,
    is_dry_run: bool,
    stores: Vec<(String, String)>,
) -> PyResult<String> {
    run_detached(py, Some(1), None, &stores, |session| {
        let garbage = Repository::open_with(repository, &session.stores()?)?
            .0
            .collect(Collecting {
                expire_before: expire_before.map(moment).transpose()?,
                written_before: moment(written_before)?,
                is_dry_run,
            })?;
        Ok(garbage_to_json(&garbage, is_dry_run).to_string())
    })
}

fn moment(text: &str) -> Result<SystemTime> {
    parse_moment(text).map_err(Error::usage)
}

/// Reads every chunk, or a sample.
#[pyfunction]
pub(crate) fn verify(
    py: Python<'_>,
    url: &str,
    sample: Option<u64>,
    memory: Option<Budget>,
    threads: Option<usize>,
    stores: Vec<(String, String)>,
) -> PyResult<String> {
    run_detached(py, threads, memory, &stores, |session| {
        Ok(craton::verify::verify(url, sample, session)?
            .to_json()
            .to_string())
    })
}

/// Computes a result again.
#[pyfunction]
pub(crate) fn replay(
    py: Python<'_>,
    url: &str,
    memory: Option<Budget>,
    threads: Option<usize>,
    stores: Vec<(String, String)>,
) -> PyResult<String> {
    run_detached(py, threads, memory, &stores, |session| {
        Ok(craton::replay::replay(url, session)?.to_json().to_string())
    })
}
