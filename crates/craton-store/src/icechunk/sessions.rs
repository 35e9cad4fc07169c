//! Sessions: commits that are written in several steps, maybe by several processes.
//!
//! A session has a URL that this process knows, `icechunk+session://ID`. It is written to and read like a branch; what was
//! written shows to others when it is committed.

use super::write::{Committing, IcechunkWriter};
use crate::remote::StoreSettings;
use craton_core::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What follows `icechunk+` in the URL of a session.
pub(super) const SCHEME: &str = "session://";

static OPEN: Mutex<Option<HashMap<String, Arc<IcechunkWriter>>>> = Mutex::new(None);

fn open() -> MutexGuard<'static, Option<HashMap<String, Arc<IcechunkWriter>>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The session that `path` names; `None` if it names a place.
pub(super) fn find(path: &str) -> Result<Option<Arc<IcechunkWriter>>> {
    let Some(id) = path.strip_prefix(SCHEME) else {
        return Ok(None);
    };
    let found = open().as_ref().and_then(|open| open.get(id).cloned());
    found.map(Some).ok_or_else(|| {
        Error::not_found("there is no such session any more")
            .at(path)
            .hint("a session ends when it is committed or discarded, and with its process")
    })
}

fn keep(writer: IcechunkWriter) -> String {
    let url = writer.family.begin_session();
    let id = url.rsplit('/').next().unwrap_or_default().to_owned();
    open().get_or_insert_default().insert(id, Arc::new(writer));
    url
}

fn of_url(url: &str) -> Result<Arc<IcechunkWriter>> {
    let path = url.strip_prefix("icechunk+").unwrap_or(url);
    find(path)?.ok_or_else(|| Error::usage("this is not the URL of a session").at(url))
}

/// Begins the next state of a branch, from what it holds now; gives the URL of the session. Where nothing is there, a
/// repository is made.
///
/// # Errors
/// As [`IcechunkWriter::begin`].
pub fn begin_session(path: &str, branch: Option<&str>, settings: &StoreSettings) -> Result<String> {
    IcechunkWriter::begin_session(path, branch, settings).map(keep)
}

/// A fork of a session, for another process.
///
/// # Errors
/// As [`IcechunkWriter::fork`].
pub fn fork_session(url: &str) -> Result<Vec<u8>> {
    of_url(url)?.fork()
}

/// Opens a fork; gives the URL of its session.
///
/// # Errors
/// As [`IcechunkWriter::of_fork`].
pub fn open_fork(parcel: &[u8], settings: &StoreSettings) -> Result<String> {
    IcechunkWriter::of_fork(parcel, settings).map(keep)
}

/// What was written to a fork, for the process that it came from.
///
/// # Errors
/// As [`IcechunkWriter::packed_up`].
pub fn pack_session(url: &str) -> Result<Vec<u8>> {
    of_url(url)?.packed_up()
}

/// Takes what a fork wrote into the session at `url`.
///
/// # Errors
/// As [`IcechunkWriter::merge`].
pub fn merge_fork(url: &str, parcel: &[u8]) -> Result<()> {
    of_url(url)?.merge(parcel)
}

/// Commits a session; gives the id of the snapshot. After an error the session goes on.
///
/// # Errors
/// As [`IcechunkWriter::commit_session`]; [`craton_core::ErrorKind::Usage`] for forks.
pub fn commit_session(url: &str, mut how: Committing) -> Result<String> {
    let session = of_url(url)?;
    if session.is_fork() {
        let message = "a fork is not committed itself";
        return Err(Error::usage(message)
            .at(session.url())
            .hint("merge it into the session that it was forked from"));
    }
    session.check_whole()?;
    let noted = session.family.noted();
    how.properties.extend(noted);
    let id = session.commit_session(&how)?;
    discard_session(url);
    Ok(id)
}

/// Forgets a session; nothing of it shows.
pub fn discard_session(url: &str) {
    let id = url.rsplit('/').next().unwrap_or_default();
    let ended = open().as_mut().and_then(|open| open.remove(id));
    // What ends with it may take time, and needs no lock.
    drop(ended);
}
