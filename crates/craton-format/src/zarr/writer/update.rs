//! Changes a Zarr version 3 store that is there: arrays grow, or parts of them get other values.
//!
//! In a folder, new objects are written beside the store first and moved into it at [`ZarrStoreUpdate::commit`]; the
//! metadata that make an array longer come last. A move that fails takes back those before it. In a repository all of it is
//! one commit.

use super::super::v3;
use super::place::Place;
use super::{Shared, ZarrSink, checked_path, pretty};
use craton_core::{Error, ErrorKind, Grid, Result, Sink, SinkChunks};
use craton_store::icechunk::Committing;
use craton_store::partial::temporary_beside;
use craton_store::{IcechunkWriter, LocalStore, StoreSettings};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// A store being changed. Nothing changes before [`ZarrStoreUpdate::commit`], or if it is dropped.
#[derive(Debug)]
pub struct ZarrStoreUpdate {
    goal: Goal,
    shared: Arc<Shared>,
    /// Metadata by path.
    documents: Mutex<BTreeMap<String, Document>>,
    /// Objects that are to be gone.
    emptied: Arc<Mutex<Vec<String>>>,
}

/// The metadata of a group or an array.
#[derive(Debug)]
struct Document {
    /// As they were read, to see whether somebody else changes the store, too.
    read: Vec<u8>,
    /// What was read.
    before: Value,
    /// As they will be.
    now: Value,
}

/// How changes become visible.
#[derive(Debug)]
enum Goal {
    /// File by file.
    Folder(Staged),
    /// By a commit.
    Commit(Committing),
}

/// Files that wait for their place in a folder.
#[derive(Debug)]
struct Staged {
    target: PathBuf,
    temporary: PathBuf,
}

/// One change that was made, and how to take it back.
enum Done {
    /// Something was replaced, and is kept here.
    Replaced { place: PathBuf, kept: PathBuf },
    /// Something was added.
    Added(PathBuf),
}

impl ZarrStoreUpdate {
    /// Begins to change the store at `target`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no version 3 store; errors of the file system.
    pub fn open(target: impl AsRef<Path>) -> Result<Self> {
        let target = target.as_ref().to_owned();
        Self::check(&target)?;
        let temporary = temporary_beside(&target);
        fs::create_dir(&temporary).map_err(|cause| failed(&target, cause))?;
        let new = Place::Folder(LocalStore::new(temporary.join("new")));
        Self::begin(Goal::Folder(Staged { target, temporary }), new)
    }

    /// That there is a store that can be changed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no version 3 store.
    pub fn check(target: &Path) -> Result<()> {
        if target.join("zarr.json").is_file() {
            return Ok(());
        }
        let message = format!("`{}` is no Zarr store of version 3", target.display());
        Err(Error::not_found(message)
            .hint("without `--append-dim` and `--region` a new store is written"))
    }

    /// Begins to change what a branch of an Icechunk repository holds, in one commit.
    ///
    /// # Errors
    /// As [`IcechunkWriter::begin_change`]; [`ErrorKind::NotFound`] if the branch holds nothing yet.
    pub fn open_in_repository(
        path: &str,
        branch: Option<&str>,
        how: Committing,
        settings: &StoreSettings,
    ) -> Result<Self> {
        let commit = IcechunkWriter::begin_change(path, branch, settings)?;
        Self::begin(Goal::Commit(how), Place::Commit(commit))
    }

    fn begin(goal: Goal, place: Place) -> Result<Self> {
        let update = Self {
            goal,
            shared: Shared::new(place),
            documents: Mutex::default(),
            emptied: Arc::default(),
        };
        update.document("")?;
        Ok(update)
    }

    /// What is there before the change, as something to read.
    #[must_use]
    pub fn url(&self) -> String {
        match (&self.goal, &self.shared.store) {
            (Goal::Folder(staged), _) => staged.target.display().to_string(),
            (Goal::Commit(_), Place::Commit(commit)) => commit.parent_url(),
            (Goal::Commit(_), Place::Folder(_)) => String::new(),
        }
    }

    /// The metadata of a node; read now if they were not read before.
    fn document(&self, path: &str) -> Result<Value> {
        let mut documents = lock(&self.documents);
        if let Some(document) = documents.get(path) {
            return Ok(document.now.clone());
        }
        let read = self.read_document(path)?;
        let now: Value = serde_json::from_slice(&read).map_err(|cause| {
            Error::corrupt(format!("the metadata of `/{path}` are no JSON")).caused_by(cause)
        })?;
        let document = Document {
            read,
            before: now.clone(),
            now: now.clone(),
        };
        documents.insert(path.to_owned(), document);
        Ok(now)
    }

    /// Sets the metadata of a node that were read before.
    fn set_document(&self, path: &str, document: Value) {
        if let Some(known) = lock(&self.documents).get_mut(path) {
            known.now = document;
        }
    }

    fn read_document(&self, path: &str) -> Result<Vec<u8>> {
        let commit = match (&self.goal, &self.shared.store) {
            (Goal::Folder(staged), _) => {
                let place = staged.target.join(path).join("zarr.json");
                return fs::read(&place).map_err(|cause| {
                    Error::io(format!("cannot read `{}`", place.display()), cause)
                });
            }
            (Goal::Commit(_), Place::Commit(commit)) => commit,
            (Goal::Commit(_), Place::Folder(_)) => return Err(no_commit()),
        };
        commit.get(&metadata_of(path))?.ok_or_else(|| {
            Error::not_found(format!("there is no group or array `/{path}`"))
                .at(commit.url())
                .hint("without `--append-dim` and `--region` a new store is written")
        })
    }

    /// Objects of an array along each axis: chunks, or shards.
    ///
    /// # Errors
    /// Errors of the file system and of the array's metadata.
    pub fn object_shape(&self, path: &str) -> Result<Vec<u64>> {
        let path = checked_path(path)?;
        object_shape(&self.document(path)?)
    }

    /// Sets the length of an array's axes.
    ///
    /// # Errors
    /// As [`ZarrStoreUpdate::object_shape`].
    pub fn resize(&self, path: &str, shape: &[u64]) -> Result<()> {
        let path = checked_path(path)?;
        let mut document = self.document(path)?;
        document["shape"] = Value::from(shape.to_vec());
        if let Place::Commit(commit) = &self.shared.store {
            // A commit takes only chunks that the array has room for.
            commit.set(&metadata_of(path), pretty(&document)?)?;
        }
        self.set_document(path, document);
        Ok(())
    }

    /// Sets attributes of the root group.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn set_attributes(&self, attributes: Map<String, Value>) -> Result<()> {
        let mut document = self.document("")?;
        match document
            .get_mut("attributes")
            .and_then(Value::as_object_mut)
        {
            Some(known) => known.extend(attributes),
            None => document["attributes"] = Value::Object(attributes),
        }
        self.set_document("", document);
        Ok(())
    }

    /// An attribute of the root group.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn attribute(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.document("")?["attributes"].get(name).cloned())
    }

    /// The sink of the part of an array that begins with object `first` and has `lengths` elements along each axis. The
    /// part ends where an object ends, or the array.
    ///
    /// # Errors
    /// As [`ZarrStoreUpdate::object_shape`].
    pub fn part(&self, path: &str, first: &[u64], lengths: &[u64]) -> Result<Arc<dyn Sink>> {
        let path = checked_path(path)?;
        let document = self.document(path)?;
        let description = v3::describe(&document)?;
        let object_shape = object_shape(&document)?;
        Ok(Arc::new(ZarrSink {
            shared: self.shared.clone(),
            prefix: path.to_owned(),
            chunks: SinkChunks {
                grid: Grid::regular(lengths, &object_shape)?,
            },
            object_shape,
            first: first.to_vec(),
            emptied: Some(self.emptied.clone()),
            description,
        }))
    }

    /// Moves everything into the store, the metadata last, or commits it.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if the store's metadata were changed since they were read, or somebody else has committed to
    /// the branch; errors of the file system. The store is as before then.
    pub fn commit(self) -> Result<()> {
        self.shared.is_open.store(false, Ordering::Release);
        let emptied = std::mem::take(&mut *lock(&self.emptied));
        match (&self.goal, &self.shared.store) {
            (Goal::Folder(staged), _) => {
                self.check_unchanged(&staged.target)?;
                self.write_documents()?;
                staged.show(&emptied)
            }
            (Goal::Commit(how), Place::Commit(commit)) => {
                self.write_documents()?;
                for location in &emptied {
                    commit.delete(location)?;
                }
                commit.commit(how).map(drop)
            }
            (Goal::Commit(_), Place::Folder(_)) => Err(no_commit()),
        }
    }

    fn check_unchanged(&self, target: &Path) -> Result<()> {
        for (path, document) in lock(&self.documents).iter() {
            if self.read_document(path)? != document.read {
                let message = format!("`{}` was changed by somebody else", target.display());
                return Err(
                    Error::new(ErrorKind::Conflict, message).hint("nothing was written; try again")
                );
            }
        }
        Ok(())
    }

    /// Writes the metadata that are other than they were read: what is written again would be a change of its own.
    fn write_documents(&self) -> Result<()> {
        let mut documents = std::mem::take(&mut *lock(&self.documents));
        let root = documents.remove("");
        let mut consolidated = Map::new();
        for (path, document) in documents {
            if document.now != document.before {
                let bytes = pretty(&document.now)?;
                self.shared.store.write(&metadata_of(&path), &bytes)?;
            }
            // Also those that are as they will be already: a writer that was killed may have come to them, and not to the root.
            consolidated.insert(path, document.now);
        }
        let Some(mut root) = root else {
            return Ok(());
        };
        let known = root.now.pointer_mut("/consolidated_metadata/metadata");
        if let Some(known) = known.and_then(Value::as_object_mut) {
            known.extend(consolidated);
        }
        match root.now == root.before {
            true => Ok(()),
            false => self.shared.store.write("zarr.json", &pretty(&root.now)?),
        }
    }
}

impl Staged {
    /// Gives every file its place; `emptied` are objects that go.
    fn show(&self, emptied: &[String]) -> Result<()> {
        let staged = self.temporary.join("new");
        let mut files = Vec::new();
        list(&staged, Path::new(""), &mut files).map_err(|cause| failed(&self.target, cause))?;
        // Objects, then metadata, the root's at the very end: what names new objects comes after them.
        files.sort_by_key(|file| {
            let is_metadata = file.file_name().is_some_and(|name| name == "zarr.json");
            (
                is_metadata,
                file.parent() == Some(Path::new("")),
                file.clone(),
            )
        });
        let objects = files
            .iter()
            .take_while(|file| file.file_name().is_some_and(|name| name != "zarr.json"))
            .count();
        let mut done = Vec::new();
        let moved = files[..objects]
            .iter()
            .try_for_each(|file| self.place(&staged, file, &mut done))
            .and_then(|()| self.remove_emptied(emptied, &mut done))
            .and_then(|()| {
                files[objects..]
                    .iter()
                    .try_for_each(|file| self.place(&staged, file, &mut done))
            });
        moved.map_err(|cause| {
            for change in done.into_iter().rev() {
                // The first failure tells where to look; what cannot be taken back stays.
                let _ = match change {
                    Done::Replaced { place, kept } => fs::rename(kept, place),
                    Done::Added(place) => fs::remove_file(place),
                };
            }
            failed(&self.target, cause)
        })
    }

    /// Moves one file to its place; what was there is kept until all is done.
    fn place(&self, staged: &Path, file: &Path, done: &mut Vec<Done>) -> std::io::Result<()> {
        let place = self.target.join(file);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        if place.exists() {
            let kept = self.keep(&place, file)?;
            done.push(Done::Replaced {
                place: place.clone(),
                kept,
            });
        } else {
            done.push(Done::Added(place.clone()));
        }
        fs::rename(staged.join(file), &place)
    }

    fn keep(&self, place: &Path, file: &Path) -> std::io::Result<PathBuf> {
        let kept = self.temporary.join("old").join(file);
        if let Some(folder) = kept.parent() {
            fs::create_dir_all(folder)?;
        }
        // Some file systems have no second names.
        if fs::hard_link(place, &kept).is_err() {
            fs::copy(place, &kept)?;
        }
        Ok(kept)
    }

    fn remove_emptied(&self, emptied: &[String], done: &mut Vec<Done>) -> std::io::Result<()> {
        for location in emptied {
            let place = self.target.join(location);
            if place.exists() {
                let kept = self.keep(&place, Path::new(location))?;
                fs::remove_file(&place)?;
                done.push(Done::Replaced { place, kept });
            }
        }
        Ok(())
    }
}

impl Drop for ZarrStoreUpdate {
    fn drop(&mut self) {
        self.shared.is_open.store(false, Ordering::Release);
        if let Goal::Folder(staged) = &self.goal {
            // What was kept or not used is only space.
            let _ = fs::remove_dir_all(&staged.temporary);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn metadata_of(path: &str) -> String {
    match path {
        "" => "zarr.json".to_owned(),
        path => format!("{path}/zarr.json"),
    }
}

/// A goal and a place that do not fit each other.
pub(super) fn no_commit() -> Error {
    Error::internal("a folder cannot be committed")
}

fn failed(target: &Path, cause: std::io::Error) -> Error {
    Error::io(format!("cannot write `{}`", target.display()), cause)
}

/// Elements of an object along each axis, from an array's metadata.
fn object_shape(document: &Value) -> Result<Vec<u64>> {
    let lengths = document.pointer("/chunk_grid/configuration/chunk_shape");
    let lengths = lengths.and_then(Value::as_array);
    let lengths = lengths.and_then(|lengths| lengths.iter().map(Value::as_u64).collect());
    lengths
        .ok_or_else(|| Error::unsupported("only arrays with a regular grid of chunks are changed"))
}

/// Every file below `folder`, as paths from there.
fn list(root: &Path, folder: &Path, out: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(root, &path, out)?;
        } else {
            out.push(path);
        }
    }
    Ok(())
}
