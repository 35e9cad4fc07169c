//! A commit in the making: the next state of a branch.

use super::forks::Family;
use super::lock::Lock;
use super::place::{Place, Storing};
use super::read::is_absent;
use super::sending::Sending;
use super::{IcechunkRepository, MAIN, is_repository, sessions, splits};
use crate::remote::{StoreSettings, public_url};
use crate::runtime;
use crate::scheme::{local_path, repository_url};
use craton_core::{Error, ErrorKind, Result};
use icechunk::conflicts::Conflict;
use icechunk::conflicts::basic_solver::{BasicConflictSolver, VersionSelection};
use icechunk::format::ByteRange;
use icechunk::session::{Session, SessionErrorKind, SessionResult};
use icechunk::virtual_chunks::VirtualChunkResolver;
use icechunk::{Repository, Store};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::RwLock;

/// How often a commit is brought on top of others that came before it, before it gives up.
const ATTEMPTS: u16 = 100;
/// Conflicts that an error names.
const MOST_NAMED: usize = 5;

/// How a commit is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committing {
    /// What it says.
    pub message: String,
    /// What is noted with it.
    pub properties: BTreeMap<String, serde_json::Value>,
    /// Whether it takes the place of the branch's newest commit in the history.
    pub is_amended: bool,
    /// What happens where others committed to the branch since this began: the changes of both are kept, and which of them
    /// where both changed a chunk. Without, any commit of another is a conflict.
    pub on_conflict: Option<OnConflict>,
}

/// Whose values a chunk has that two commits changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// Nobody's: the later commit is refused.
    #[default]
    Fail,
    /// Those of the commit that comes later.
    Ours,
    /// Those of the commit that was there first.
    Theirs,
}

impl OnConflict {
    /// What `name` stands for: `fail`, `ours` or `theirs`.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for anything else.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "fail" => Ok(Self::Fail),
            "ours" => Ok(Self::Ours),
            "theirs" => Ok(Self::Theirs),
            other => Err(
                Error::usage(format!("`{other}` is no way out of conflicts"))
                    .hint("`fail`, `ours` or `theirs`"),
            ),
        }
    }

    fn solver(self) -> BasicConflictSolver {
        BasicConflictSolver {
            on_chunk_conflict: match self {
                Self::Fail => VersionSelection::Fail,
                Self::Ours => VersionSelection::UseOurs,
                Self::Theirs => VersionSelection::UseTheirs,
            },
            fail_on_delete_of_updated_array: true,
            fail_on_delete_of_updated_group: true,
        }
    }
}

/// The next state of a branch: empty at first, or what is there already. It shows when it is committed, and never if it is
/// dropped before.
///
/// Calls wait until they are done, as those of files do.
pub struct IcechunkWriter {
    pub(super) session: Arc<RwLock<Session>>,
    pub(super) store: Arc<Store>,
    pub(super) repository: IcechunkRepository,
    url: String,
    /// The state that this one follows.
    parent: String,
    /// A repository that was made for this; it goes if nothing is committed.
    made: Option<PathBuf>,
    is_committed: AtomicBool,
    pub(super) family: Family,
    sending: Sending,
}

impl IcechunkWriter {
    /// Begins the next state of a branch, `main` without a name, of the repository at `path`, a folder or a URL; where
    /// nothing is there, a repository is made.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if something else is in the folder, [`ErrorKind::NotFound`] if there is no such branch,
    /// [`ErrorKind::Usage`] if the name is a tag's or a snapshot's.
    pub fn begin(path: &str, branch: Option<&str>, settings: &StoreSettings) -> Result<Arc<Self>> {
        if let Some(writer) = sessions::find(path)? {
            writer.check_writable()?;
            if writer.is_fork() {
                let message = "a fork writes regions of what is there, not all of it";
                return Err(Error::usage(message).at(&writer.url));
            }
            writer.family.begin_write();
            writer.clear()?;
            return Ok(writer);
        }
        Self::begin_whole(path, branch, settings).map(Arc::new)
    }

    fn begin_whole(path: &str, branch: Option<&str>, settings: &StoreSettings) -> Result<Self> {
        pollster::block_on(async {
            let branch = branch.unwrap_or(MAIN);
            let made = make_if_absent(path, branch, settings).await?;
            // Whatever fails from here on takes a new repository away again.
            let made = Made(made);
            let mut writer = Self::begin_later(path, branch, settings, true).await?;
            writer.made = made.keep();
            Ok(writer)
        })
    }

    /// Begins to change what a branch, `main` without a name, holds now.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such repository or branch, [`ErrorKind::Usage`] if the name is a tag's or a
    /// snapshot's.
    pub fn begin_change(
        path: &str,
        branch: Option<&str>,
        settings: &StoreSettings,
    ) -> Result<Arc<Self>> {
        if let Some(writer) = sessions::find(path)? {
            writer.check_writable()?;
            writer.family.begin_write();
            return Ok(writer);
        }
        let begun = Self::begin_later(path, branch.unwrap_or(MAIN), settings, false);
        pollster::block_on(begun).map(Arc::new)
    }

    /// Begins a session: a commit that is written in several steps. Where nothing is there, a repository is made.
    ///
    /// # Errors
    /// As [`IcechunkWriter::begin`].
    pub(super) fn begin_session(
        path: &str,
        branch: Option<&str>,
        settings: &StoreSettings,
    ) -> Result<Self> {
        pollster::block_on(async {
            let branch = branch.unwrap_or(MAIN);
            // Forks are opened in other processes, which may be in other folders.
            let absolute = local_path(path).and_then(|path| std::path::absolute(path).ok());
            let absolute = absolute.and_then(|path| path.into_os_string().into_string().ok());
            let path = absolute.as_deref().unwrap_or(path);
            let made = Made(make_if_absent(path, branch, settings).await?);
            let mut writer = Self::begin_later(path, branch, settings, false).await?;
            writer.made = made.keep();
            Ok(writer)
        })
    }

    async fn begin_later(
        path: &str,
        branch: &str,
        settings: &StoreSettings,
        is_cleared: bool,
    ) -> Result<Self> {
        let repository = IcechunkRepository::open_with(path, settings).await?;
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
        let session = begun.await?;
        let url = format!("{}@{branch}", repository.url());
        let writer = Self::of(repository, session, url, Family::alone()).await?;
        if is_cleared {
            writer.clear()?;
        }
        Ok(writer)
    }

    /// What is written into `session`.
    pub(super) async fn of(
        repository: IcechunkRepository,
        session: Session,
        url: String,
        family: Family,
    ) -> Result<Self> {
        let parent = session.snapshot_id().to_string();
        let session = Arc::new(RwLock::new(session));
        let shared = session.clone();
        let store = runtime::run(async move { Ok(Store::from_session(shared).await) }).await?;
        Ok(Self {
            session,
            store: Arc::new(store),
            repository,
            url,
            parent,
            made: None,
            is_committed: AtomicBool::new(false),
            family,
            sending: Sending::default(),
        })
    }

    /// The id of the snapshot that this state follows.
    pub(super) fn parent(&self) -> &str {
        &self.parent
    }

    fn place(&self) -> &Place {
        self.repository.place()
    }

    /// Takes away everything that the state holds.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if what is there cannot be read.
    pub fn clear(&self) -> Result<()> {
        let session = self.session.clone();
        let cleared = runtime::run(async move { Ok(session.write().await.clear().await) });
        pollster::block_on(cleared)?.map_err(|cause| {
            let error = Error::corrupt("cannot begin a commit");
            self.place().explained(error, &cause.kind).at(&self.url)
        })
    }

    /// The branch as the user names it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What is there before a change, as something to read.
    #[must_use]
    pub fn parent_url(&self) -> String {
        if let Some(session) = self.family.url() {
            return session;
        }
        repository_url(self.repository.path(), &self.parent)
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
                let error = Error::corrupt(format!("cannot read `{url}`"));
                Err(self.place().explained(error, &cause.kind).at(url))
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
            let error = Error::new(ErrorKind::Io, format!("cannot remove `{url}`"));
            self.place().explained(error, &cause.kind).at(url)
        })
    }

    /// Sets an object of the Zarr store that the branch will hold: metadata of groups before those of what is in them,
    /// metadata of arrays before their chunks.
    ///
    /// # Errors
    /// Errors of the file system or the store. What goes over a network may still be under way; what meets an error there is
    /// told by the next call, by [`IcechunkWriter::commit`] at last.
    pub fn set(&self, location: &str, bytes: Vec<u8>) -> Result<()> {
        let (store, key) = (self.store.clone(), location.to_owned());
        let (place, url) = (self.place().clone(), format!("{}!/{location}", self.url));
        let size = bytes.len();
        let set = async move {
            let set = store.set(&key, bytes.into()).await;
            set.map_err(|cause| {
                let error = Error::new(ErrorKind::Io, format!("cannot write `{url}`"));
                place.explained(error, &cause.kind).at(url)
            })
        };
        // Metadata are there before what they are needed for.
        let may_wait = matches!(self.place(), Place::Remote(..)) && !location.ends_with(".json");
        match may_wait {
            true => self.sending.send(size, set),
            false => runtime::wait(set),
        }
    }

    /// Makes the state the newest of the branch; gives the id of its snapshot. In a session only notes how it came about:
    /// others may write to it yet.
    ///
    /// # Errors
    /// As [`IcechunkWriter::commit_session`].
    pub fn commit(&self, how: &Committing) -> Result<Option<String>> {
        self.sending.wait()?;
        if self.family.url().is_some() {
            self.family.end_write(&how.properties);
            return Ok(None);
        }
        self.commit_session(how).map(Some)
    }

    /// Makes the state the newest of the branch; gives the id of its snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if somebody else has committed to the branch meanwhile, and the changes of both cannot be kept;
    /// errors of the file system. The branch is as it was then.
    pub fn commit_session(&self, how: &Committing) -> Result<String> {
        self.sending.wait()?;
        let _lock = self.place().lock().map_err(|error| error.at(&self.url))?;
        let (session, how) = (self.session.clone(), how.clone());
        let repository = self.repository.inner();
        let committed = runtime::run(async move {
            let mut session = session.write().await;
            if let Err(cause) = split(&mut session, &repository).await {
                return Ok(Err(cause));
            }
            let solver = how.on_conflict.map(OnConflict::solver);
            let mut commit = session.commit(how.message).allow_empty(true);
            commit = commit.properties(how.properties);
            if how.is_amended {
                commit = commit.amend();
            }
            if let Some(solver) = solver.as_ref().filter(|_| !how.is_amended) {
                commit = commit.rebase(solver, ATTEMPTS);
            }
            Ok(commit.execute().await)
        });
        let committed = pollster::block_on(committed)?;
        let id = committed.map_err(|cause| self.not_committed(&cause.kind))?;
        self.is_committed.store(true, Ordering::Release);
        Ok(id.to_string())
    }

    fn not_committed(&self, cause: &SessionErrorKind) -> Error {
        let of_others = "somebody else has committed to the branch meanwhile";
        let error = match cause {
            SessionErrorKind::Conflict { .. } => {
                let error = Error::new(ErrorKind::Conflict, of_others);
                error.hint("the branch is as it was; compute it again on top of what is there now")
            }
            SessionErrorKind::RebaseFailed { conflicts, .. } => {
                let mut told: Vec<String> = conflicts.iter().map(told).collect();
                told.sort_unstable();
                told.dedup();
                let more = told.len().saturating_sub(MOST_NAMED);
                told.truncate(MOST_NAMED);
                let mut told = told.join("; ");
                if more > 0 {
                    told += &format!("; and {more} more");
                }
                let is_of_chunks = conflicts
                    .iter()
                    .all(|one| matches!(one, Conflict::ChunkDoubleUpdate { .. }));
                let hint = match is_of_chunks {
                    true => {
                        "the branch is as it was; `--on-conflict ours` takes these values, `--on-conflict theirs` those that \
                         are there"
                    }
                    false => {
                        "the branch is as it was; compute it again on top of what is there now"
                    }
                };
                let message = format!("{of_others}, and changed the same: {told}");
                Error::new(ErrorKind::Conflict, message).hint(hint)
            }
            _ => Error::new(ErrorKind::Io, "cannot commit").hint("the branch is as it was"),
        };
        match error.kind() {
            ErrorKind::Conflict => error.at(&self.url),
            _ => self.place().explained(error, cause).at(&self.url),
        }
    }
}

/// Sees to it that large arrays get several manifests, now and in later commits of anybody.
async fn split(session: &mut Session, repository: &Repository) -> SessionResult<()> {
    let Some(config) = splits::configuration(session).await? else {
        return Ok(());
    };
    let configured = repository
        .reopen(Some(config), None)
        .await
        .map_err(|cause| cause.inject())?;
    configured
        .save_config()
        .await
        .map_err(|cause| cause.inject())?;
    // A session keeps the configuration that it began with, so its changes go on in another.
    let settings = configured.storage_settings().clone();
    let mut other = Session::create_writable_session(
        configured.config().clone(),
        settings.clone(),
        configured.storage().clone(),
        configured.asset_manager().clone(),
        // Nothing is read through a session that is written to.
        Arc::new(VirtualChunkResolver::new(
            std::iter::empty(),
            HashMap::new(),
            settings,
        )),
        session.branch().map(str::to_owned),
        session.snapshot_id().clone(),
        BTreeMap::new(),
    );
    std::mem::swap(session, &mut other);
    session.merge(other).await
}

/// What two commits changed.
fn told(conflict: &Conflict) -> String {
    match conflict {
        Conflict::ChunkDoubleUpdate {
            path,
            chunk_coordinates,
            ..
        } => match chunk_coordinates.len() {
            1 => format!("a chunk of `{path}`"),
            count => format!("{count} chunks of `{path}`"),
        },
        Conflict::NewNodeConflictsWithExistingNode(path) => {
            format!("`{path}` is new in both")
        }
        Conflict::NewNodeInInvalidGroup(path) => format!("the group of `{path}` is gone"),
        Conflict::ZarrMetadataDoubleUpdate(path) => format!("the metadata of `{path}`"),
        Conflict::ZarrMetadataUpdateOfDeletedArray(path)
        | Conflict::ZarrMetadataUpdateOfDeletedGroup(path)
        | Conflict::ChunksUpdatedInDeletedArray { path, .. } => format!("`{path}` is gone"),
        Conflict::ChunksUpdatedInUpdatedArray { path, .. } => {
            format!("the metadata of `{path}`, of which chunks are written here")
        }
        Conflict::DeleteOfUpdatedArray { path, .. }
        | Conflict::DeleteOfUpdatedGroup { path, .. } => {
            format!("`{path}`, which is taken away here")
        }
        Conflict::MoveOperationCannotBeRebased => "places of arrays or groups".to_owned(),
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
        let Some(folder) = &self.0 else {
            return;
        };
        // Nobody commits to it meanwhile.
        let _lock = Lock::of(folder);
        if !is_used(folder) {
            // Best effort: the error that led here is the one to tell.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Makes a repository where there is none yet; gives its folder then, if it has one.
async fn make_if_absent(
    path: &str,
    branch: &str,
    settings: &StoreSettings,
) -> Result<Option<PathBuf>> {
    let shown = public_url(path);
    let place = Place::of(path, settings).await?;
    if place.folder().is_some_and(is_repository) {
        return Ok(None);
    }
    let storage = place.storage().await?;
    if let Some(folder) = place.folder() {
        // Somebody who made one here may have been killed: that is no reason not to make it.
        if folder.symlink_metadata().is_ok() && !place.is_only_begun().await? {
            let message = format!("`{shown}` is there, and is no Icechunk repository");
            return Err(Error::new(ErrorKind::Conflict, message).hint("choose another folder"));
        }
    } else if exists(&place, storage.clone(), &shown).await? {
        return Ok(None);
    }
    if branch != MAIN {
        let message =
            format!("there is no repository at `{shown}` yet, so it has no branch `{branch}`");
        return Err(Error::not_found(message).hint("write to `main` first"));
    }
    // One at a time, so that nobody takes away what another has just made.
    let _lock = match place.folder() {
        None => None,
        Some(folder) => {
            let failed = |cause| Error::io(format!("cannot make the repository `{shown}`"), cause);
            std::fs::create_dir_all(folder).map_err(failed)?;
            // Only where nothing is in it, which is what removing a folder asks for.
            place
                .lock()
                .inspect_err(|_| drop(std::fs::remove_dir(folder)))?
        }
    };
    if place.folder().is_some_and(is_repository) {
        return Ok(None);
    }
    let made = Made(place.folder().map(Path::to_owned));
    let must_be_clean = place.folder().is_none() && !place.is_only_begun().await?;
    let asked = storage.clone();
    let created = runtime::run(async move {
        let new = Repository::create(storage).check_clean_root(must_be_clean);
        Ok(new.execute().await)
    });
    let Err(cause) = created.await? else {
        return Ok(made.keep());
    };
    // Behind a URL no lock keeps others out: what somebody else has made meanwhile is as good.
    if place.folder().is_none() && exists(&place, asked, &shown).await.unwrap_or(false) {
        return Ok(None);
    }
    let error = Error::new(ErrorKind::Io, "cannot make the repository");
    Err(place.explained(error, &cause.kind).at(shown))
}

/// Whether a repository is behind a URL.
async fn exists(place: &Place, storage: Storing, shown: &str) -> Result<bool> {
    let asked = runtime::run(async move { Ok(Repository::exists(storage, None).await) });
    asked.await?.map_err(|cause| {
        let error = Error::new(ErrorKind::Io, format!("cannot look at `{shown}`"));
        place.explained(error, &cause.kind).at(shown)
    })
}
