//! One commit written by several processes: a session is forked, every fork gets its part, and all come together again.

use super::IcechunkRepository;
use super::sessions::SCHEME;
use super::write::IcechunkWriter;
use crate::remote::StoreSettings;
use crate::runtime;
use craton_core::{Error, ErrorKind, Result};
use icechunk::format::{ChunkIndices, SnapshotId};
use icechunk::session::{Session, SessionErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Chunks that two forks wrote and an error names.
const MOST_NAMED: usize = 3;

/// How a commit and its forks belong together.
#[derive(Debug)]
pub(super) struct Family {
    /// The same for all forks of one commit.
    commit: String,
    is_fork: bool,
    /// Whether there are forks; what is written besides is written into them.
    is_forked: AtomicBool,
    /// Chunks that forks have brought, by the paths of their arrays.
    brought: Mutex<BTreeMap<String, BTreeSet<ChunkIndices>>>,
    /// The URL by which this process knows the session, if it is one.
    session: OnceLock<String>,
    /// How what was written came about.
    noted: Mutex<Notes>,
    /// Writes to the session that have begun and not come to their end.
    unfinished: AtomicUsize,
}

/// What is noted with a commit.
type Notes = BTreeMap<String, Vec<Value>>;

impl Family {
    /// That of a commit without forks.
    pub(super) fn alone() -> Self {
        Self::of(SnapshotId::random().to_string(), false, Notes::new())
    }

    fn of(commit: String, is_fork: bool, noted: Notes) -> Self {
        Self {
            commit,
            is_fork,
            is_forked: AtomicBool::new(false),
            brought: Mutex::default(),
            session: OnceLock::new(),
            noted: Mutex::new(noted),
            unfinished: AtomicUsize::new(0),
        }
    }

    /// Gives it a URL, by which it is written to in several steps.
    pub(super) fn begin_session(&self) -> String {
        let id = SnapshotId::random();
        let url = self
            .session
            .get_or_init(|| format!("icechunk+{SCHEME}{id}"));
        url.clone()
    }

    /// The URL of the session, if this is one.
    pub(super) fn url(&self) -> Option<String> {
        self.session.get().cloned()
    }

    /// Notes that a write begins.
    pub(super) fn begin_write(&self) {
        self.unfinished.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that a write is whole, and how it came about.
    pub(super) fn end_write(&self, properties: &BTreeMap<String, Value>) {
        self.unfinished.fetch_sub(1, Ordering::AcqRel);
        let mut noted = locked(&self.noted);
        for (name, value) in properties {
            noted.entry(name.clone()).or_default().push(value.clone());
        }
    }

    /// What was noted: under each name the value, or a list of them.
    pub(super) fn noted(&self) -> BTreeMap<String, Value> {
        let noted = locked(&self.noted).clone();
        let value = |mut values: Vec<Value>| match values.len() {
            1 => values.remove(0),
            _ => Value::from(values),
        };
        let noted = noted.into_iter();
        noted.map(|(name, values)| (name, value(values))).collect()
    }
}

/// A session on its way to another process, or back.
#[derive(Serialize, Deserialize)]
struct Parcel {
    /// The commit to which all forks belong.
    commit: String,
    path: String,
    url: String,
    session: Vec<u8>,
    /// What is noted, as JSON.
    noted: String,
}

impl IcechunkWriter {
    /// What another process needs to write a part of the same commit: [`IcechunkWriter::of_fork`] makes a writer of it.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for repositories in the memory of this process; errors of the store, to which what was
    /// written so far goes.
    pub fn fork(&self) -> Result<Vec<u8>> {
        if self.repository.place().is_of_this_process() {
            let message = "other processes do not see a repository in memory";
            return Err(Error::unsupported(message).at(self.url()));
        }
        self.check_whole()?;
        let session = self.session.clone();
        let forked = runtime::run(async move { Ok(session.read().await.fork().await) });
        let fork = pollster::block_on(forked)?;
        let fork = fork.map_err(|cause| self.failed("fork the session", &cause.kind))?;
        self.family.is_forked.store(true, Ordering::Release);
        self.packed(&fork)
    }

    /// The writer of a fork. It commits nothing: what it wrote goes back by [`IcechunkWriter::packed_up`] to where it was
    /// forked, to be merged there.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if `parcel` is no fork; as [`IcechunkRepository::open_with`].
    pub fn of_fork(parcel: &[u8], settings: &StoreSettings) -> Result<Self> {
        let parcel = unpacked(parcel)?;
        pollster::block_on(async {
            let repository = IcechunkRepository::open_with(&parcel.path, settings).await?;
            let session = repository.place().session(&parcel.session)?;
            let noted = notes_in(&parcel.noted)?;
            let family = Family::of(parcel.commit, true, noted);
            Self::of(repository, session, parcel.url, family).await
        })
    }

    /// Whether this is a fork, which commits nothing.
    #[must_use]
    pub fn is_fork(&self) -> bool {
        self.family.is_fork
    }

    /// That more may be written here.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if this was forked: what is written to both at once could get lost.
    pub fn check_writable(&self) -> Result<()> {
        if !self.family.is_forked.load(Ordering::Acquire) {
            return Ok(());
        }
        let message = "the session was forked, so that nothing else is written to it itself";
        Err(Error::new(ErrorKind::Conflict, message)
            .at(self.url())
            .hint("write to a fork of it, and merge that, too"))
    }

    /// What was written, for another process.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if a write failed; [`ErrorKind::Internal`] if it cannot be written down.
    pub fn packed_up(&self) -> Result<Vec<u8>> {
        self.check_whole()?;
        let session = self.session.clone();
        let held = runtime::run(async move { Ok(session.read().await.clone()) });
        self.packed(&pollster::block_on(held)?)
    }

    /// That everything that was begun to be written to the session is there.
    pub(super) fn check_whole(&self) -> Result<()> {
        if self.family.unfinished.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        let message =
            "a write to the session failed or is going on, so that only a part of it is there";
        Err(Error::new(ErrorKind::Conflict, message)
            .at(self.url())
            .hint("discard the session and begin another; the branch is as it was"))
    }

    /// Takes what a fork wrote into this commit.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if it wrote a chunk that another fork wrote, too, or changed more than chunks;
    /// [`ErrorKind::InvalidInput`] if it is a fork of something else.
    pub fn merge(&self, parcel: &[u8]) -> Result<()> {
        let parcel = unpacked(parcel)?;
        if parcel.commit != self.family.commit {
            let message = "this is a fork of another session";
            return Err(Error::invalid(message).at(self.url()));
        }
        let fork = self.repository.place().session(&parcel.session)?;
        let looked = runtime::run(async move { Ok((fork.status().await, fork)) });
        let (changes, fork) = pollster::block_on(looked)?;
        let changes = changes.map_err(|cause| self.failed("look into the fork", &cause.kind))?;
        let notes = notes_in(&parcel.noted)?;
        let of_metadata = [
            &changes.new_arrays,
            &changes.new_groups,
            &changes.deleted_arrays,
            &changes.deleted_groups,
            &changes.updated_arrays,
            &changes.updated_groups,
        ];
        if let Some(path) = of_metadata.iter().find_map(|paths| paths.first()) {
            let message = format!("a fork changed the metadata of `{path}`");
            return Err(Error::new(ErrorKind::Conflict, message)
                .at(self.url())
                .hint("forks write regions of arrays that are there; make or extend them before forking"));
        }
        let mut brought = locked(&self.family.brought);
        for (path, chunks) in &changes.updated_chunks {
            let path = path.to_string();
            let known = brought.get(&path);
            let is_known = |one: &&ChunkIndices| known.is_some_and(|known| known.contains(one));
            let both: Vec<&ChunkIndices> = chunks.iter().filter(is_known).collect();
            if !both.is_empty() {
                let message = format!("two forks wrote {}", in_words(&both));
                return Err(Error::new(ErrorKind::Conflict, message)
                    .at(self.url())
                    .in_variable(path)
                    .hint("let regions end where chunks end"));
            }
        }
        let session = self.session.clone();
        let merged = runtime::run(async move { Ok(session.write().await.merge(fork).await) });
        let merged = pollster::block_on(merged)?;
        merged.map_err(|cause| self.failed("merge the fork", &cause.kind))?;
        for (path, chunks) in changes.updated_chunks {
            brought.entry(path.to_string()).or_default().extend(chunks);
        }
        let mut noted = locked(&self.family.noted);
        for (name, values) in notes {
            noted.entry(name).or_default().extend(values);
        }
        Ok(())
    }

    fn packed(&self, session: &Session) -> Result<Vec<u8>> {
        let session = session.as_bytes();
        let session = session.map_err(|cause| self.failed("pack the session", &cause.kind))?;
        // What was noted before a fork stays with what it was forked from.
        let noted = match self.family.is_fork {
            true => locked(&self.family.noted).clone(),
            false => Notes::new(),
        };
        let parcel = Parcel {
            noted: serde_json::json!(noted).to_string(),
            commit: self.family.commit.clone(),
            path: self.repository.path().to_owned(),
            url: self.url().to_owned(),
            session,
        };
        rmp_serde::to_vec(&parcel).map_err(|cause| {
            Error::internal("cannot pack the session")
                .at(self.url())
                .caused_by(cause)
        })
    }

    fn failed(&self, what: &str, cause: &SessionErrorKind) -> Error {
        let error = Error::new(ErrorKind::Io, format!("cannot {what}"));
        self.repository
            .place()
            .explained(error, cause)
            .at(self.url())
    }
}

fn unpacked(parcel: &[u8]) -> Result<Parcel> {
    rmp_serde::from_slice(parcel)
        .map_err(|cause| Error::corrupt("this is no fork of a session").caused_by(cause))
}

fn notes_in(text: &str) -> Result<Notes> {
    serde_json::from_str(text)
        .map_err(|cause| Error::corrupt("this is no fork of a session").caused_by(cause))
}

fn locked<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_words(chunks: &[&ChunkIndices]) -> String {
    let one = |chunk: &&ChunkIndices| {
        let indices: Vec<String> = chunk.0.iter().map(u32::to_string).collect();
        indices.join("/")
    };
    let named: Vec<String> = chunks.iter().take(MOST_NAMED).map(one).collect();
    let named = named.join(", ");
    match chunks.len() {
        1 => format!("chunk {named}"),
        count if count <= MOST_NAMED => format!("chunks {named}"),
        count => format!("chunks {named} and {} more", count - MOST_NAMED),
    }
}
