//! A commit in the making: the next state of a branch.

use super::lock::Lock;
use super::read::is_absent;
use super::{IcechunkRepository, MAIN, is_repository, why};
use crate::runtime;
use crate::scheme::repository_url;
use craton_core::{Error, ErrorKind, Result};
use icechunk::format::ByteRange;
use icechunk::session::{Session, SessionErrorKind};
use icechunk::{Repository, Store, new_local_filesystem_storage};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::RwLock;

/// The next state of a branch: empty at first, or what is there already. It shows when it is committed, and never if it is
/// dropped before.
///
/// Calls wait until they are done, as those of files do.
pub struct IcechunkWriter {
    session: Arc<RwLock<Session>>,
    store: Arc<Store>,
    folder: String,
    url: String,
    /// The state that this one follows.
    parent: String,
    /// A repository that was made for this; it goes if nothing is committed.
    made: Option<PathBuf>,
    is_committed: AtomicBool,
}

impl IcechunkWriter {
    /// Begins the next state of a branch, `main` without a name, of the repository in the folder `path`; where the folder
    /// is absent or empty, a repository is made.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if something else is in the folder, [`ErrorKind::NotFound`] if there is no such branch,
    /// [`ErrorKind::Usage`] if the name is a tag's or a snapshot's.
    pub fn begin(path: &str, branch: Option<&str>) -> Result<Self> {
        pollster::block_on(async {
            let branch = branch.unwrap_or(MAIN);
            let made = make_if_absent(path, branch).await?;
            // Whatever fails from here on takes a new repository away again.
            let made = Made(made);
            let mut writer = Self::begin_later(path, branch, true).await?;
            writer.made = made.keep();
            Ok(writer)
        })
    }

    /// Begins to change what a branch, `main` without a name, holds now.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such repository or branch, [`ErrorKind::Usage`] if the name is a tag's or a
    /// snapshot's.
    pub fn begin_change(path: &str, branch: Option<&str>) -> Result<Self> {
        pollster::block_on(Self::begin_later(path, branch.unwrap_or(MAIN), false))
    }

    async fn begin_later(path: &str, branch: &str, is_cleared: bool) -> Result<Self> {
        let repository = IcechunkRepository::open(path).await?;
        let (kind, _) = repository.resolve(branch).await?;
        if kind != "branch" {
            let message = format!("`{branch}` is a {kind}, and results go to a branch");
            let hint = format!("`craton branch {path}@{branch} NAME` makes one there");
            return Err(Error::usage(message).at(repository.url()).hint(hint));
        }
        let (inner, name) = (repository.inner(), branch.to_owned());
        let begun = repository.ask(format!("write to the branch `{branch}`"), async move {
            inner.writable_session(&name).await
        });
        let mut session = begun.await?;
        let url = format!("{}@{branch}", repository.url());
        let parent = session.snapshot_id().to_string();
        let cleared = runtime::run(async move {
            if is_cleared {
                let cleared = session.clear().await;
                cleared.map_err(|cause| {
                    Error::corrupt("cannot begin a commit").caused_by(why(&cause.kind))
                })?;
            }
            let session = Arc::new(RwLock::new(session));
            Ok((Store::from_session(session.clone()).await, session))
        });
        let (store, session) = cleared.await.map_err(|error| error.at(&url))?;
        Ok(Self {
            session,
            store: Arc::new(store),
            folder: path.to_owned(),
            url,
            parent,
            made: None,
            is_committed: AtomicBool::new(false),
        })
    }

    /// The branch as the user names it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The state that this one follows, as something to read.
    #[must_use]
    pub fn parent_url(&self) -> String {
        repository_url(&self.folder, &self.parent)
    }

    /// An object of the Zarr store as the branch will hold it; `None` if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it cannot be read.
    pub fn get(&self, location: &str) -> Result<Option<Vec<u8>>> {
        let (store, key) = (self.store.clone(), location.to_owned());
        let got = runtime::run(async move { Ok(store.get(&key, &ByteRange::ALL).await) });
        match pollster::block_on(got)? {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(cause) if is_absent(&cause.kind) => Ok(None),
            Err(cause) => {
                let url = format!("{}!/{location}", self.url);
                Err(Error::corrupt(format!("cannot read `{url}`"))
                    .caused_by(why(&cause.kind))
                    .at(url))
            }
        }
    }

    /// Takes an object away, if it is there.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn delete(&self, location: &str) -> Result<()> {
        let (store, key) = (self.store.clone(), location.to_owned());
        let deleted = runtime::run(async move { Ok(store.delete(&key).await) });
        pollster::block_on(deleted)?.map_err(|cause| {
            let url = format!("{}!/{location}", self.url);
            Error::new(ErrorKind::Io, format!("cannot remove `{url}`"))
                .caused_by(why(&cause.kind))
                .at(url)
        })
    }

    /// Sets an object of the Zarr store that the branch will hold: metadata of groups before those of what is in them,
    /// metadata of arrays before their chunks.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn set(&self, location: &str, bytes: Vec<u8>) -> Result<()> {
        let (store, key) = (self.store.clone(), location.to_owned());
        let set = runtime::run(async move { Ok(store.set(&key, bytes.into()).await) });
        pollster::block_on(set)?.map_err(|cause| {
            let url = format!("{}!/{location}", self.url);
            Error::new(ErrorKind::Io, format!("cannot write `{url}`"))
                .caused_by(why(&cause.kind))
                .at(url)
        })
    }

    /// Makes the state the newest of the branch; gives the id of its snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if somebody else has committed to the branch meanwhile; errors of the file system. The
    /// branch is as it was then.
    pub fn commit(&self, message: &str) -> Result<String> {
        let _lock = Lock::of(&self.folder).map_err(|error| error.at(&self.url))?;
        let (session, message) = (self.session.clone(), message.to_owned());
        let committed = runtime::run(async move {
            let mut session = session.write().await;
            Ok(session.commit(message).allow_empty(true).execute().await)
        });
        let committed = pollster::block_on(committed)?;
        let id = committed.map_err(|cause| {
            let (kind, message) = match &cause.kind {
                SessionErrorKind::Conflict { .. } => {
                    let message = "somebody else has committed to the branch meanwhile";
                    (ErrorKind::Conflict, message)
                }
                _ => (ErrorKind::Io, "cannot commit"),
            };
            Error::new(kind, message)
                .caused_by(why(&cause.kind))
                .at(&self.url)
                .hint("the branch is as it was")
        })?;
        self.is_committed.store(true, Ordering::Release);
        Ok(id.to_string())
    }
}

impl Drop for IcechunkWriter {
    fn drop(&mut self) {
        if !self.is_committed.load(Ordering::Acquire) {
            drop(Made(self.made.take()));
        }
    }
}

impl fmt::Debug for IcechunkWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("IcechunkWriter");
        fields.field("url", &self.url).finish_non_exhaustive()
    }
}

/// A folder that was made, and is removed unless it is kept, or somebody else has committed to it.
struct Made(Option<PathBuf>);

impl Made {
    fn keep(mut self) -> Option<PathBuf> {
        self.0.take()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let snapshots = |folder: &PathBuf| std::fs::read_dir(folder.join("snapshots"));
        let is_used = |folder: &PathBuf| snapshots(folder).is_ok_and(|found| found.count() > 1);
        if let Some(folder) = self.0.as_ref().filter(|folder| !is_used(folder)) {
            // Best effort: the error that led here is the one to tell.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Makes a repository where there is none yet; gives its folder then.
async fn make_if_absent(path: &str, branch: &str) -> Result<Option<PathBuf>> {
    let folder = Path::new(path);
    if path.contains("://") || is_repository(folder) {
        return Ok(None);
    }
    let is_empty = std::fs::read_dir(folder).map(|mut entries| entries.next().is_none());
    if folder.symlink_metadata().is_ok() && !is_empty.unwrap_or(false) {
        let message = format!("`{path}` is there, and is no Icechunk repository");
        return Err(Error::new(ErrorKind::Conflict, message).hint("choose another folder"));
    }
    if branch != MAIN {
        let message =
            format!("there is no repository at `{path}` yet, so it has no branch `{branch}`");
        return Err(Error::not_found(message).hint("write to `main` first"));
    }
    let place = folder.to_owned();
    let made = Made(Some(place.clone()));
    let created = runtime::run(async move {
        let failed = |why| Error::new(ErrorKind::Io, "cannot make the repository").caused_by(why);
        let storage = new_local_filesystem_storage(&place).await;
        let storage = storage.map_err(|cause| failed(why(&cause.kind)))?;
        let created = Repository::create(storage).execute().await;
        created.map_err(|cause| failed(why(&cause.kind)))
    });
    created.await.map_err(|error| error.at(path))?;
    Ok(made.keep())
}
