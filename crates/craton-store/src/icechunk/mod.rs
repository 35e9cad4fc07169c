//! Icechunk repositories, through the `icechunk` crate: their versions here, what a version holds in `read.rs`.
//!
//! A repository is opened at a branch, a tag or a snapshot, and stays there: what is committed later is not seen.

mod collect;
mod difference;
mod elsewhere;
mod forks;
mod lock;
mod moving;
mod place;
mod read;
mod sending;
mod sessions;
mod splits;
#[cfg(test)]
mod tests;
mod write;

pub use collect::{Collecting, Garbage};
pub use difference::{ChunkCounts, Difference};
pub use read::IcechunkStore;
pub use sessions::{
    begin_session, commit_session, discard_session, fork_session, merge_fork, open_fork,
    pack_session,
};
pub use write::{Committing, IcechunkWriter, OnConflict};

use crate::remote::{StoreSettings, public_url};
use crate::runtime;
use craton_core::{Error, ErrorKind, Result};
use futures_util::TryStreamExt;
use icechunk::Repository;
use icechunk::format::IcechunkFormatErrorKind as FormatErrorKind;
use icechunk::format::SnapshotId;
use icechunk::refs::RefErrorKind;
use icechunk::repository::{RepositoryError, RepositoryErrorKind, VersionInfo};
use icechunk::storage::StorageErrorKind;
use place::Place;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

type RepositoryResult<T> = std::result::Result<T, RepositoryError>;

/// The branch that is read where no version is named.
pub const MAIN: &str = "main";

/// A repository: snapshots, and the branches and tags that point at them.
pub struct IcechunkRepository {
    repository: Arc<Repository>,
    place: Place,
    /// Where it lies, as a path or a URL.
    path: String,
    url: String,
}

/// One snapshot: the state after a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Its id.
    pub id: String,
    /// The one before it.
    pub parent: Option<String>,
    /// When it was committed, as ISO 8601 in UTC.
    pub time: String,
    /// The same as the system counts it.
    pub committed: SystemTime,
    /// What the one who committed it said.
    pub message: String,
    /// What else is noted with it.
    pub properties: BTreeMap<String, serde_json::Value>,
}

/// Names that point at snapshots, with the ids of those.
pub type Pointers = BTreeMap<String, String>;

impl IcechunkRepository {
    /// The repository at `url`, a path or what an object store is reached by, with the settings of `craton.toml` and those
    /// given to the process.
    ///
    /// # Errors
    /// As [`IcechunkRepository::open_with`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, &StoreSettings::current()?).await
    }

    /// The repository at `url`, a path or what an object store is reached by.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is none, [`craton_core::ErrorKind::Corrupt`] if what is there cannot
    /// be read; what requests to an object store meet.
    pub async fn open_with(url: &str, settings: &StoreSettings) -> Result<Self> {
        let shown = format!("icechunk+{}", public_url(url));
        let place = Place::of(url, settings).await?;
        let opened = open_at(&place, &public_url(url)).await;
        let repository = opened.map_err(|error| error.at(shown.clone()))?;
        Ok(Self {
            repository: Arc::new(repository),
            place,
            path: url.to_owned(),
            url: shown,
        })
    }

    /// The same, opened again.
    fn with(&self, repository: Repository) -> Self {
        Self {
            repository: Arc::new(repository),
            place: self.place.clone(),
            path: self.path.clone(),
            url: self.url.clone(),
        }
    }

    /// The repository as the user names it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn place(&self) -> &Place {
        &self.place
    }

    /// Where it lies, as a path or a URL.
    fn path(&self) -> &str {
        &self.path
    }

    fn inner(&self) -> Arc<Repository> {
        self.repository.clone()
    }

    /// The branches, each with its newest snapshot.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if they cannot be read.
    pub async fn branches(&self) -> Result<Pointers> {
        let repository = self.inner();
        self.ask("list the branches", async move {
            let mut out = Pointers::new();
            for name in repository.list_branches().await? {
                let id = repository.lookup_branch(&name).await?;
                out.insert(name, id.to_string());
            }
            Ok(out)
        })
        .await
    }

    /// The tags, each with its snapshot.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if they cannot be read.
    pub async fn tags(&self) -> Result<Pointers> {
        let repository = self.inner();
        self.ask("list the tags", async move {
            let mut out = Pointers::new();
            for name in repository.list_tags().await? {
                let id = repository.lookup_tag(&name).await?;
                out.insert(name, id.to_string());
            }
            Ok(out)
        })
        .await
    }

    /// The snapshot of a version and those before it, newest first.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is no such version, with those that there are.
    pub async fn history(&self, version: &str) -> Result<Vec<Snapshot>> {
        let (id, repository) = (self.snapshot(version).await?, self.inner());
        self.ask(format!("read the history of `{version}`"), async move {
            let ancestry = repository.ancestry(&VersionInfo::SnapshotId(id)).await?;
            ancestry
                .map_ok(|found| Snapshot {
                    id: found.id.to_string(),
                    parent: found.parent_id.map(|id| id.to_string()),
                    committed: found.flushed_at.into(),
                    time: found.flushed_at.to_rfc3339().replace("+00:00", "Z"),
                    message: found.message,
                    properties: found.metadata,
                })
                .try_collect()
                .await
        })
        .await
    }

    /// Makes a branch that points at a version.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Conflict`] if there is one of this name; as [`IcechunkRepository::history`].
    pub async fn create_branch(&self, name: &str, at: &str) -> Result<String> {
        let id = self.snapshot(at).await?;
        let (repository, branch, shown) = (self.inner(), name.to_owned(), id.to_string());
        self.change(format!("create the branch `{name}`"), async move {
            repository.create_branch(&branch, &id).await
        })
        .await?;
        Ok(shown)
    }

    /// Makes a tag that points at a version. Tags never move, and a name that was deleted is not given again.
    ///
    /// # Errors
    /// As [`IcechunkRepository::create_branch`].
    pub async fn create_tag(&self, name: &str, at: &str) -> Result<String> {
        let id = self.snapshot(at).await?;
        let (repository, tag, shown) = (self.inner(), name.to_owned(), id.to_string());
        self.change(format!("create the tag `{name}`"), async move {
            repository.create_tag(&tag, &id).await
        })
        .await?;
        Ok(shown)
    }

    /// Deletes a branch; its snapshots stay until garbage is collected.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is none of this name, [`craton_core::ErrorKind::InvalidInput`] for
    /// `main`.
    pub async fn delete_branch(&self, name: &str) -> Result<()> {
        let (repository, branch) = (self.inner(), name.to_owned());
        self.change(format!("delete the branch `{name}`"), async move {
            repository.delete_branch(&branch).await
        })
        .await
    }

    /// Deletes a tag.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is none of this name.
    pub async fn delete_tag(&self, name: &str) -> Result<()> {
        let (repository, tag) = (self.inner(), name.to_owned());
        self.change(format!("delete the tag `{name}`"), async move {
            repository.delete_tag(&tag).await
        })
        .await
    }

    /// Points a branch at a version, if it still points at what it pointed at when this began; gives both snapshots.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for unknown names, [`craton_core::ErrorKind::Conflict`] if somebody else
    /// moved the branch meanwhile.
    pub async fn reset_branch(&self, name: &str, to: &str) -> Result<(String, String)> {
        let from = self.branch_tip(name).await?;
        let before = from.to_string();
        let to = self.snapshot(to).await?;
        let (repository, branch, shown) = (self.inner(), name.to_owned(), to.to_string());
        self.change(format!("reset the branch `{name}`"), async move {
            repository.reset_branch(&branch, &to, Some(&from)).await
        })
        .await?;
        Ok((before, shown))
    }

    /// The newest snapshot of a branch.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is no such branch.
    pub async fn branch(&self, name: &str) -> Result<String> {
        Ok(self.branch_tip(name).await?.to_string())
    }

    /// The id of the snapshot that a branch or tag points at, or that has this id.
    ///
    /// # Errors
    /// As [`IcechunkRepository::history`].
    pub async fn snapshot_id(&self, version: &str) -> Result<String> {
        Ok(self.snapshot(version).await?.to_string())
    }

    async fn branch_tip(&self, name: &str) -> Result<SnapshotId> {
        let (repository, branch) = (self.inner(), name.to_owned());
        let found = self.ask(format!("find the branch `{name}`"), async move {
            if_there(repository.lookup_branch(&branch).await)
        });
        if let Some(id) = found.await? {
            return Ok(id);
        }
        let branches = self.branches().await?;
        let hint = format!("branches: {}", list_of(&branches));
        let error = Error::not_found(format!("the repository has no branch `{name}`"));
        Err(error.at(&self.url).hint(hint))
    }

    async fn snapshot(&self, version: &str) -> Result<SnapshotId> {
        Ok(self.resolve(version).await?.1)
    }

    /// What `version` is, and its snapshot. Names come before ids; a branch and a tag of one name must agree.
    async fn resolve(&self, version: &str) -> Result<(&'static str, SnapshotId)> {
        let (repository, name) = (self.inner(), version.to_owned());
        let found = self.ask(format!("find the version `{version}`"), async move {
            let branch = if_there(repository.lookup_branch(&name).await)?;
            let tag = if_there(repository.lookup_tag(&name).await)?;
            Ok((branch, tag))
        });
        let id = match found.await? {
            (Some(branch), Some(tag)) if branch != tag => {
                let message = format!("`{version}` is a branch and a tag, of different snapshots");
                return Err(Error::usage(message)
                    .at(&self.url)
                    .hint(format!("name the snapshot: `{branch}` or `{tag}`")));
            }
            (Some(id), _) => return Ok(("branch", id)),
            (None, Some(id)) => return Ok(("tag", id)),
            (None, None) => SnapshotId::try_from(version).ok(),
        };
        if let Some(id) = id {
            let (repository, wanted) = (self.inner(), VersionInfo::SnapshotId(id));
            let found = self.ask(format!("find the snapshot `{version}`"), async move {
                match repository.resolve_version(&wanted).await {
                    // Version 1 of the format has no list of snapshots: none is there where no object is.
                    Err(RepositoryError {
                        kind: RepositoryErrorKind::StorageError(StorageErrorKind::ObjectNotFound),
                        ..
                    }) => Ok(None),
                    found => if_there(found),
                }
            });
            if let Some(id) = found.await? {
                return Ok(("snapshot", id));
            }
        }
        let (branches, tags) = (self.branches().await?, self.tags().await?);
        Err(no_version(version, &branches, &tags).at(&self.url))
    }

    /// As [`Self::ask`], while no other process changes the repository.
    async fn change<T: Send + 'static>(
        &self,
        what: impl Into<String>,
        change: impl Future<Output = RepositoryResult<T>> + Send + 'static,
    ) -> Result<T> {
        let _lock = self.place.lock().map_err(|error| error.at(&self.url))?;
        self.ask(what, change).await
    }

    /// Runs a question to the repository on the runtime that its crate needs; `what` says what is tried.
    async fn ask<T: Send + 'static>(
        &self,
        what: impl Into<String>,
        question: impl Future<Output = RepositoryResult<T>> + Send + 'static,
    ) -> Result<T> {
        let answer = runtime::run(async move { Ok(question.await) }).await?;
        answer.map_err(|cause| {
            let tried = format!("cannot {}", what.into());
            let error = Error::new(kind_of(&cause.kind), tried);
            self.place.explained(error, &cause.kind).at(&self.url)
        })
    }
}

impl fmt::Debug for IcechunkRepository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("IcechunkRepository");
        fields.field("url", &self.url).finish_non_exhaustive()
    }
}

fn kind_of(cause: &RepositoryErrorKind) -> ErrorKind {
    use RepositoryErrorKind as Cause;
    match cause {
        cause if is_absent(cause) => ErrorKind::NotFound,
        Cause::Conflict { .. }
        | Cause::RepoInfoUpdated
        | Cause::Ref(RefErrorKind::TagAlreadyExists(_) | RefErrorKind::Conflict { .. })
        | Cause::FormatError(
            FormatErrorKind::BranchAlreadyExists { .. }
            | FormatErrorKind::TagAlreadyExists { .. }
            | FormatErrorKind::TagPreviouslyDeleted { .. },
        ) => ErrorKind::Conflict,
        Cause::Ref(RefErrorKind::InvalidRefType(_) | RefErrorKind::InvalidRefName(_))
        | Cause::CannotDeleteMain
        | Cause::Tag(_) => ErrorKind::InvalidInput,
        Cause::ReadonlyStorage(_) | Cause::ReadonlyRepository(_) => ErrorKind::Permission,
        Cause::FormatError(FormatErrorKind::InvalidSpecVersion { .. }) => ErrorKind::Unsupported,
        _ => ErrorKind::Corrupt,
    }
}

/// Whether a branch, tag or snapshot is not there.
fn is_absent(cause: &RepositoryErrorKind) -> bool {
    use RepositoryErrorKind as Cause;
    matches!(
        cause,
        Cause::SnapshotNotFound { .. }
            | Cause::InvalidSnapshotId(_)
            | Cause::Ref(RefErrorKind::RefNotFound(_))
            | Cause::FormatError(
                FormatErrorKind::BranchNotFound { .. }
                    | FormatErrorKind::TagNotFound { .. }
                    | FormatErrorKind::SnapshotIdNotFound { .. },
            )
    )
}

/// What was found; `None` if there is no such branch, tag or snapshot.
fn if_there<T>(found: RepositoryResult<T>) -> RepositoryResult<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(cause) if is_absent(&cause.kind) => Ok(None),
        // Nothing can have a name that none may have.
        Err(RepositoryError {
            kind: RepositoryErrorKind::Ref(RefErrorKind::InvalidRefName(_)),
            ..
        }) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Whether the folder holds an Icechunk repository, told by the names in it: `repo`, or `refs` in version 1 of the
/// format, beside `snapshots`.
pub(crate) fn is_repository(folder: &Path) -> bool {
    let has_versions = folder.join("repo").is_file() || folder.join("refs").is_dir();
    has_versions && folder.join("snapshots").is_dir()
}

/// The repository at a place that people call `shown`.
async fn open_at(place: &Place, shown: &str) -> Result<Repository> {
    let none = || {
        Error::not_found(format!("`{shown}` is no Icechunk repository"))
            .hint("a version follows the last `@`; an `@` in the path itself is written `%40`")
    };
    if place.folder().is_some_and(|folder| !folder.is_dir()) {
        return Err(none());
    }
    let storage = place.storage().await?;
    let opened = runtime::run(async move { Ok(Repository::open(storage).execute().await) });
    opened.await?.map_err(|cause| match &cause.kind {
        RepositoryErrorKind::RepositoryDoesntExist => none(),
        kind => {
            let error = Error::corrupt(format!("cannot open the repository `{shown}`"));
            place.explained(error, kind)
        }
    })
}

fn no_version(version: &str, branches: &Pointers, tags: &Pointers) -> Error {
    let (branches, tags) = (list_of(branches), list_of(tags));
    Error::not_found(format!("the repository has no version `{version}`")).hint(format!(
        "branches: {branches}; tags: {tags}; or the id of a snapshot, as `craton log` shows them"
    ))
}

/// What went wrong, down to the cause of the cause.
fn why(cause: &dyn std::error::Error) -> String {
    let mut text = cause.to_string();
    let mut below = cause.source();
    while let Some(cause) = below {
        let more = cause.to_string();
        if !text.ends_with(&more) {
            text += &format!(": {more}");
        }
        below = cause.source();
    }
    text
}

fn list_of(names: &Pointers) -> String {
    let names: Vec<String> = names.keys().map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
