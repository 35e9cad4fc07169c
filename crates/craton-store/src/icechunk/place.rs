//! Where a repository lies: in a folder, in the memory of this process, or in an object store.
//!
//! Object stores are reached as all other data there: by the same clients, options, credentials and retries.

use super::lock::Lock;
use super::why;
use crate::LocalStore;
use crate::remote::{EachProcess, RemoteStore, StoreSettings};
use crate::runtime;
use crate::scheme::{Named, local_path, named};
use craton_core::{Error, ErrorKind, ReadRanges, Result};
use futures_util::TryStreamExt;
use icechunk::format::snapshot::Snapshot;
use icechunk::session::Session;
use icechunk::storage::{
    ObjectStoreBackend, RetriesSettings, Role, Settings, StorageErrorKind, StorageInfo,
    StorageResult,
};
use icechunk::{
    ObjectStorage, Storage, StorageError, new_in_memory_storage, new_local_filesystem_storage,
};
use object_store::ObjectStore;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Storage as the `icechunk` crate takes it.
pub(super) type Storing = Arc<dyn Storage + Send + Sync>;

/// The repositories in memory, by their names.
static IN_MEMORY: Mutex<Option<HashMap<String, Storing>>> = Mutex::new(None);

/// Where a repository lies.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Folder(PathBuf),
    Memory(String),
    /// A store, and the folder in it.
    Remote(Arc<RemoteStore>, String),
}

impl Place {
    /// What `url` names: a path, or a URL.
    pub(super) async fn of(url: &str, settings: &StoreSettings) -> Result<Self> {
        if let Some(path) = local_path(url) {
            return Ok(Self::Folder(PathBuf::from(path)));
        }
        Ok(match named(url)? {
            Named::Memory(name) => Self::Memory(name),
            _ => {
                let options = settings.options_for(url);
                let (store, root) = RemoteStore::open_unremembered(url, &options).await?;
                Self::Remote(Arc::new(store), root)
            }
        })
    }

    /// The folder, if it is one of this machine.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            _ => None,
        }
    }

    /// The store in which the objects of the repository are read, and what stands before their names.
    pub(super) fn chunks(&self) -> Option<(Arc<dyn ReadRanges>, String)> {
        match self {
            Self::Folder(folder) => Some((Arc::new(LocalStore::new(folder)), String::new())),
            Self::Remote(store, root) => {
                let above = match root.trim_end_matches('/') {
                    "" => String::new(),
                    root => format!("{root}/"),
                };
                Some((store.clone(), above))
            }
            Self::Memory(_) => None,
        }
    }

    /// Whether no other process can see it.
    pub(super) fn is_of_this_process(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    /// Storage to open or make a repository with.
    pub(super) async fn storage(&self) -> Result<Storing> {
        let made = match self {
            Self::Folder(folder) => {
                let folder = folder.clone();
                runtime::run(async move { Ok(new_local_filesystem_storage(&folder).await) }).await?
            }
            Self::Memory(name) => in_memory(name).await,
            Self::Remote(store, root) => return reached(EachProcess(store.clone()), root.clone()),
        };
        made.map_err(|cause| {
            let error = Error::new(ErrorKind::Io, "cannot reach the repository");
            self.explained(error, &cause.kind)
        })
    }

    /// Makes a session of its description, which another process may have written.
    pub(super) fn session(&self, description: &[u8]) -> Result<Session> {
        let made = match self {
            Self::Remote(store, _) => handing_over(EachProcess(store.clone()), || {
                Session::from_bytes(description)
            }),
            Self::Folder(_) | Self::Memory(_) => Session::from_bytes(description),
        };
        made.map_err(|cause| {
            let error = Error::corrupt("this is no fork of a session");
            self.explained(error, &cause.kind)
        })
    }

    /// Whether nothing is here but what comes before a repository is there: somebody who made one was killed, or nobody did.
    pub(super) async fn is_only_begun(&self) -> Result<bool> {
        match self {
            Self::Folder(folder) => Ok(files_below(folder, "")
                .is_ok_and(|names| names.iter().all(|name| is_of_beginning(name)))),
            Self::Memory(_) => Ok(false),
            Self::Remote(store, root) => {
                let (client, root) = (
                    store.client()?,
                    object_store::path::Path::from(root.as_str()),
                );
                runtime::run(async move {
                    let (mut found, above) = (client.list(Some(&root)), root.to_string());
                    // What cannot be listed is not known to be a beginning; making the repository tells why.
                    while let Some(one) = found.try_next().await.transpose() {
                        let location = one.map(|one| one.location.to_string()).unwrap_or_default();
                        let name = location.strip_prefix(&above).unwrap_or_default();
                        if !is_of_beginning(name.trim_start_matches('/')) {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                })
                .await
            }
        }
    }

    /// The right to change the repository, where there is nothing else that tells two changes apart.
    pub(super) fn lock(&self) -> Result<Option<Lock>> {
        self.folder().map(Lock::of).transpose()
    }

    /// `error`, with its cause. What a request to an object store met goes before: it says what the way out is.
    pub(super) fn explained(&self, error: Error, cause: &(dyn StdError + 'static)) -> Error {
        let Self::Remote(store, _) = self else {
            return error.caused_by(why(cause));
        };
        let Some(request) = request_in(cause) else {
            return error.caused_by(store.hide(&why(cause)));
        };
        let met = store.of_request(request);
        let explained = Error::new(met.kind(), error.message());
        let hint = met.hint_text().map(str::to_owned);
        let explained = explained.caused_by(met);
        match hint {
            Some(hint) => explained.hint(hint),
            None => explained,
        }
    }
}

/// The names of all files below a folder, from there; none where it is absent.
fn files_below(folder: &Path, prefix: &str) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(names),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => names.extend(files_below(&entry.path(), &format!("{name}/"))?),
            false => names.push(name),
        }
    }
    Ok(names)
}

/// Whether an object is one of those that come before a repository is there: its first snapshot, which is the same in all.
fn is_of_beginning(name: &str) -> bool {
    // Files that are not whole yet have a `#` and a number behind their names.
    let (name, is_unfinished) = match name.split_once('#') {
        Some((name, _)) => (name, true),
        None => (name, false),
    };
    let first = Snapshot::INITIAL_SNAPSHOT_ID.to_string();
    match name.split_once('/') {
        Some(("snapshots" | "transactions", id)) => id == first,
        Some(_) => false,
        None => name == super::lock::NAME || (name == "repo" && is_unfinished),
    }
}

/// The error of a request that led to `cause`.
fn request_in<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a object_store::Error> {
    let mut below = Some(cause);
    while let Some(error) = below {
        let boxed = error.downcast_ref::<Box<object_store::Error>>();
        if let Some(found) = error.downcast_ref().or(boxed.map(|boxed| &**boxed)) {
            return Some(found);
        }
        below = error.source();
    }
    None
}

async fn in_memory(name: &str) -> StorageResult<Storing> {
    let known = || {
        let known = IN_MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref()?.get(name).cloned()
    };
    if let Some(found) = known() {
        return Ok(found);
    }
    let made = new_in_memory_storage().await?;
    let mut held = IN_MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let stores = held.get_or_insert_default();
    Ok(stores.entry(name.to_owned()).or_insert(made).clone())
}

thread_local! {
    /// The client of storage that is being made, see [`handing_over`].
    static HANDED_OVER: RefCell<Option<EachProcess>> = const { RefCell::new(None) };
}

/// Storage that asks `client`, below `root`.
///
/// The crate makes storage from clients that it builds itself, or from a description; so the client goes beside a
/// description that says nothing else.
fn reached(client: EachProcess, root: String) -> Result<Storing> {
    let backend = serde_json::json!({"object_store_provider_type": Reached::NAME, "root": root});
    let made = handing_over(client, || {
        serde_json::from_value::<ObjectStorage>(serde_json::json!({"backend": backend}))
    });
    let made = made.map_err(|cause| {
        Error::internal("cannot describe the repository's store").caused_by(cause)
    })?;
    Ok(Arc::new(made))
}

/// Makes something of descriptions, in which stores are reached by `client`.
fn handing_over<T>(client: EachProcess, make: impl FnOnce() -> T) -> T {
    HANDED_OVER.set(Some(client));
    let made = make();
    HANDED_OVER.set(None);
    made
}

/// What the crate asks for objects.
#[derive(Debug, Serialize, Deserialize)]
struct Reached {
    root: String,
    /// There is none where another process reads the description.
    #[serde(skip, default = "handed_over")]
    client: Option<EachProcess>,
}

impl Reached {
    const NAME: &'static str = "craton_object_store";
}

fn handed_over() -> Option<EachProcess> {
    HANDED_OVER.with_borrow(Clone::clone)
}

impl fmt::Display for Reached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "object store, {}", self.root)
    }
}

#[typetag::serde(name = "craton_object_store")]
impl ObjectStoreBackend for Reached {
    fn mk_object_store(
        &self,
        _settings: &Settings,
        _role: Role,
    ) -> std::result::Result<Arc<dyn ObjectStore>, StorageError> {
        let client = self
            .client
            .clone()
            .map(|client| -> Arc<dyn ObjectStore> { Arc::new(client) });
        client.ok_or_else(|| {
            let why = "a store of another process".to_owned();
            StorageError::capture(StorageErrorKind::Other(why))
        })
    }

    fn prefix(&self) -> String {
        self.root.clone()
    }

    fn storage_info(&self) -> StorageInfo {
        StorageInfo {
            backend_type: "object store",
            fields: vec![("prefix", self.root.clone())],
        }
    }

    fn default_settings(&self) -> Settings {
        // The client tries again by itself, as often as its options say; the crate would do all of that ten times more.
        Settings {
            retries: Some(RetriesSettings {
                max_tries: Some(NonZeroU16::MIN),
                initial_backoff_ms: None,
                max_backoff_ms: None,
            }),
            ..Settings::default()
        }
    }

    fn restricts_empty_prefix_creation(&self) -> bool {
        true
    }
}
