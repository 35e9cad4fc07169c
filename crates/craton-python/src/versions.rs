//! Versions of Icechunk repositories, and results as commits. Documents come back as JSON.

use crate::attached::{Budget, run_detached};
use crate::labelled::Given;
use craton::answer::{Answer, AnswerOptions, Question};
use craton::history::{Collecting, Repository, branch_url, garbage_to_json};
use craton::moment::parse_moment;
use craton::{Error, Result};
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

/// How a commit is written, as the program's options say it.
#[derive(FromPyObject)]
pub(crate) struct Written {
    #[pyo3(item)]
    branch: String,
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
        ..AnswerOptions::default()
    };
    run_detached(py, threads, memory, &stores, |session| {
        let url = branch_url(repository, &branch)?;
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
