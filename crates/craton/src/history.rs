//! The versions of an Icechunk repository: its history, branches and tags.
//!
//! Takes repositories as the command line names them, `PATH`, `icechunk+PATH` or either with `@VERSION`.

use craton_core::{Error, Result};
use craton_store::icechunk::{self, Committing};
use craton_store::scheme::{repository_and_version, repository_url};
use craton_store::{IcechunkRepository, StoreSettings};
use pollster::block_on;
use serde_json::{Value, json};

pub use craton_store::icechunk::{
    ChunkCounts, Collecting, Difference, Garbage, MAIN, OnConflict, Pointers, Snapshot,
    discard_session, fork_session, merge_fork, open_fork, pack_session,
};

/// A repository that is open.
#[derive(Debug)]
pub struct Repository {
    inner: IcechunkRepository,
}

/// The branches and tags of a repository, each with its snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Branches.
    pub branches: Pointers,
    /// Tags.
    pub tags: Pointers,
}

impl Repository {
    /// As [`Repository::open_with`], with the settings of the process.
    ///
    /// # Errors
    /// As [`Repository::open_with`].
    pub fn open(url: &str) -> Result<(Self, String)> {
        Self::open_with(url, &StoreSettings::current()?)
    }

    /// Opens a repository; also gives the version that is named, `main` where none is.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is no repository.
    pub fn open_with(url: &str, settings: &StoreSettings) -> Result<(Self, String)> {
        let (path, version) = repository_and_version(url);
        let inner = block_on(IcechunkRepository::open_with(&path, settings))?;
        Ok((Self { inner }, version.unwrap_or_else(|| MAIN.to_owned())))
    }

    /// The snapshot of a version and those before it, newest first.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for versions that are not there.
    pub fn history(&self, version: &str) -> Result<Vec<Snapshot>> {
        block_on(self.inner.history(version))
    }

    /// As [`Repository::history`] as JSON, each snapshot with the branches and tags that point at it.
    ///
    /// # Errors
    /// As [`Repository::history`].
    pub fn log(&self, version: &str) -> Result<Value> {
        let names = self.names()?;
        let line = |one: &Snapshot| {
            json!({
                "id": one.id,
                "parent": one.parent,
                "time": one.time,
                "message": one.message,
                "branches": at(&names.branches, &one.id),
                "tags": at(&names.tags, &one.id),
                "properties": one.properties,
            })
        };
        Ok(self.history(version)?.iter().map(line).collect())
    }

    /// Branches and tags.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if they cannot be read.
    pub fn names(&self) -> Result<Names> {
        Ok(Names {
            branches: block_on(self.inner.branches())?,
            tags: block_on(self.inner.tags())?,
        })
    }

    /// Makes a branch at a version; gives the snapshot.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Conflict`] if there is one of this name.
    pub fn create_branch(&self, name: &str, at: &str) -> Result<String> {
        self.is_free(name)?;
        block_on(self.inner.create_branch(name, at))
    }

    /// Makes a tag at a version; gives the snapshot.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Conflict`] if there is one of this name.
    pub fn create_tag(&self, name: &str, at: &str) -> Result<String> {
        self.is_free(name)?;
        block_on(self.inner.create_tag(name, at))
    }

    /// Deletes a branch; its snapshots stay.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is none of this name.
    pub fn delete_branch(&self, name: &str) -> Result<()> {
        block_on(self.inner.delete_branch(name))
    }

    /// Deletes a tag.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is none of this name.
    pub fn delete_tag(&self, name: &str) -> Result<()> {
        block_on(self.inner.delete_tag(name))
    }

    /// Points a branch at a version; gives the snapshots before and after.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] unless `is_sure`, with what would happen;
    /// [`craton_core::ErrorKind::NotFound`] for names that are not there;
    /// [`craton_core::ErrorKind::Conflict`] if somebody else moved the branch meanwhile.
    pub fn reset(&self, branch: &str, to: &str, is_sure: bool) -> Result<(String, String)> {
        if is_sure {
            return block_on(self.inner.reset_branch(branch, to));
        }
        let before = block_on(self.inner.branch(branch))?;
        let after = block_on(self.inner.snapshot_id(to))?;
        let message = format!("the branch `{branch}` would move from `{before}` to `{after}`");
        Err(Error::usage(message).at(self.inner.url()).hint(
            "`--yes` does it; snapshots that no branch or tag leads to any more can still be read by their ids until \
             garbage is collected",
        ))
    }

    /// Gives an array or a group another path on a branch, as one commit; gives the id of its snapshot.
    ///
    /// # Errors
    /// As [`IcechunkRepository::relocate`].
    pub fn relocate(
        &self,
        branch: &str,
        from: &str,
        to: &str,
        message: Option<&str>,
    ) -> Result<String> {
        let message = message.map_or_else(|| format!("craton move {from} {to}"), str::to_owned);
        let how = Committing {
            message,
            ..Committing::default()
        };
        block_on(self.inner.relocate(branch, from, to, how))
    }

    /// What differs between two versions, told by what they refer to.
    ///
    /// # Errors
    /// As [`IcechunkRepository::difference`].
    pub fn difference(&self, one: &str, other: &str) -> Result<Difference> {
        block_on(self.inner.difference(one, other))
    }

    /// Removes what no branch or tag leads to any more, or tells what would be removed.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Permission`] if the repository may not be written, [`craton_core::ErrorKind::Io`] if
    /// something cannot be deleted.
    pub fn collect(&self, how: Collecting) -> Result<Garbage> {
        block_on(self.inner.collect(how))
    }

    /// Branches and tags share their names here, because `@NAME` is either.
    fn is_free(&self, name: &str) -> Result<()> {
        let names = self.names()?;
        let kind = match (names.branches.get(name), names.tags.get(name)) {
            (Some(_), _) => "branch",
            (None, Some(_)) => "tag",
            (None, None) => return Ok(()),
        };
        let message = format!("there is a {kind} `{name}` already");
        Err(Error::new(craton_core::ErrorKind::Conflict, message).at(self.inner.url()))
    }
}

/// Begins a session: a commit to a branch that is written in several steps, `main` without a name. Gives its URL, which is
/// written to and read as a branch is; where no repository is yet, one is made.
///
/// # Errors
/// [`craton_core::ErrorKind::NotFound`] if there is no such branch, [`craton_core::ErrorKind::Usage`] if the name is that of
/// a tag.
pub fn begin_session(repository: &str, settings: &StoreSettings) -> Result<String> {
    let (path, branch) = repository_and_version(repository);
    icechunk::begin_session(&path, branch.as_deref(), settings)
}

/// Commits a session; gives the id of the snapshot. After an error the session goes on.
///
/// # Errors
/// [`craton_core::ErrorKind::Conflict`] if somebody else has committed to the branch meanwhile, and the changes of both
/// cannot be kept; [`craton_core::ErrorKind::Usage`] for forks.
pub fn commit_session(
    url: &str,
    message: &str,
    is_amended: bool,
    on_conflict: OnConflict,
) -> Result<String> {
    let how = Committing {
        message: message.to_owned(),
        is_amended,
        on_conflict: Some(on_conflict),
        ..Committing::default()
    };
    icechunk::commit_session(url, how)
}

/// The names that point at a snapshot.
#[must_use]
pub fn at<'a>(names: &'a Pointers, snapshot: &str) -> Vec<&'a str> {
    let here = names.iter().filter(|(_, id)| *id == snapshot);
    here.map(|(name, _)| name.as_str()).collect()
}

/// What garbage is, or was, as JSON.
#[must_use]
pub fn garbage_to_json(garbage: &Garbage, is_dry_run: bool) -> Value {
    json!({
        "dry_run": is_dry_run,
        "expired": garbage.expired,
        "snapshots": garbage.snapshots,
        "manifests": garbage.manifests,
        "chunks": garbage.chunks,
        "transaction_logs": garbage.transaction_logs,
        "bytes": garbage.bytes,
    })
}

/// A branch of a repository as the URL of an output.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] for a branch without a name, [`craton_core::ErrorKind::Usage`] if
/// `repository` names a version, too.
pub fn branch_url(repository: &str, branch: &str) -> Result<String> {
    if branch.is_empty() {
        return Err(Error::invalid("a branch without a name").at(repository));
    }
    let (path, version) = repository_and_version(repository);
    let Some(version) = version else {
        return Ok(repository_url(&path, branch));
    };
    let message = format!("results would go to `{branch}`, and `{version}` is named beside it");
    Err(Error::usage(message)
        .at(repository)
        .hint("name the repository without a version; an `@` in its path is written `%40`"))
}
