//! Writes Zarr version 3 stores: everything under a temporary name or into a commit, made visible at once.

use super::description::Description;
use super::{fill, v3};
use crate::codec::permute::strings_from_c;
use crate::gather;
use craton_core::{
    AttributeValue, Attributes, Block, BoxFuture, Calendar, DType, Error, ErrorKind, Order, Pool,
    Result, Scalar, Sink, SinkChunks, Strings, TimeKind,
};
use craton_store::icechunk::Committing;
use craton_store::partial::{exchange, temporary_beside};
use craton_store::{IcechunkWriter, LocalStore, StoreSettings};
use place::Place;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod place;
mod spec;
mod update;

pub use spec::{ArraySpec, compressors, parse_codecs};
pub(super) use spec::{completed, data_type};
pub use update::ZarrStoreUpdate;

/// A Zarr store being written. It shows under its name at [`ZarrStoreWriter::commit`], and leaves
/// nothing if it is dropped before.
#[derive(Debug)]
pub struct ZarrStoreWriter {
    goal: Goal,
    shared: Arc<Shared>,
}

/// How a store becomes visible.
#[derive(Debug)]
enum Goal {
    /// By its name.
    Folder {
        target: PathBuf,
        temporary: PathBuf,
        may_replace: bool,
    },
    /// By a commit.
    Commit(Committing),
}

#[derive(Debug)]
struct Shared {
    store: Place,
    is_open: AtomicBool,
    /// The metadata of every node by path; the root is the empty path.
    nodes: Mutex<BTreeMap<String, Value>>,
}

impl ZarrStoreWriter {
    /// Begins a store that will be at `target`. `may_replace` allows a Zarr store that is there to be replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if something is at `target`; errors of the file system.
    pub fn create(target: impl AsRef<Path>, may_replace: bool) -> Result<Self> {
        let target = target.as_ref().to_owned();
        check_target(&target, may_replace)?;
        if target.file_name().is_none() {
            return Err(Error::usage(format!(
                "`{}` does not name a folder",
                target.display()
            )));
        }
        let temporary = temporary_beside(&target);
        fs::create_dir(&temporary)
            .map_err(|cause| Error::io(format!("cannot write `{}`", target.display()), cause))?;
        Ok(Self {
            shared: Shared::new(Place::Folder(LocalStore::new(&temporary))),
            goal: Goal::Folder {
                target,
                temporary,
                may_replace,
            },
        })
    }

    /// Begins a store that will be the newest state of a branch of an Icechunk repository, in place of what is there. What
    /// was there stays in the history.
    ///
    /// # Errors
    /// As [`IcechunkWriter::begin`].
    pub fn create_in_repository(
        path: &str,
        branch: Option<&str>,
        how: Committing,
        settings: &StoreSettings,
    ) -> Result<Self> {
        let commit = IcechunkWriter::begin(path, branch, settings)?;
        commit.set("zarr.json", pretty(&group_document(&Attributes::new()))?)?;
        Ok(Self {
            shared: Shared::new(Place::Commit(commit)),
            goal: Goal::Commit(how),
        })
    }

    /// Adds a group, or sets the attributes of the root (`/`).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the path cannot be one, [`ErrorKind::Conflict`] if it is taken.
    pub fn group(&self, path: &str, attributes: &Attributes) -> Result<()> {
        let path = checked_path(path)?;
        self.shared.add(path, group_document(attributes))
    }

    /// Adds an array and gives the sink of its values. Parent groups are made as needed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] or [`ErrorKind::Unsupported`] if the parts of `spec` do not fit each other.
    pub fn array(&self, path: &str, spec: &ArraySpec) -> Result<Arc<dyn Sink>> {
        let path = checked_path(path)?;
        let named = |error: Error| {
            let message = format!("cannot write array `/{path}`");
            // What the caller asked for is at fault here, not foreign bytes.
            let kind = match error.kind() {
                ErrorKind::Corrupt => ErrorKind::InvalidInput,
                kind => kind,
            };
            Error::new(kind, message)
                .in_variable(format!("/{path}"))
                .caused_by(error)
        };
        let document = spec.document().map_err(named)?;
        let description = v3::describe(&document).map_err(named)?;
        spec::check_fill_value(&description).map_err(named)?;
        self.shared.add(path, document.clone())?;
        self.shared.declare(path, &document)?;
        Ok(Arc::new(ZarrSink {
            chunks: SinkChunks {
                grid: description.objects.clone(),
            },
            object_shape: spec.shards.clone().unwrap_or_else(|| spec.chunks.clone()),
            prefix: path.to_owned(),
            shared: self.shared.clone(),
            first: vec![0; spec.shape.len()],
            emptied: None,
            description,
        }))
    }

    /// Makes the store visible under its name, with consolidated metadata, or commits it.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if something has appeared at the target; errors of the file system. Nothing is
    /// left under the final name then, or what was there before.
    pub fn commit(self) -> Result<()> {
        self.write_metadata()?;
        self.shared.is_open.store(false, Ordering::Release);
        match (&self.goal, &self.shared.store) {
            (Goal::Commit(how), Place::Commit(commit)) => commit.commit(how).map(drop),
            (
                Goal::Folder {
                    target,
                    temporary,
                    may_replace,
                },
                _,
            ) => show(temporary, target, *may_replace),
            (Goal::Commit(_), Place::Folder(_)) => Err(update::no_commit()),
        }
    }

    fn write_metadata(&self) -> Result<()> {
        let mut nodes = self.shared.lock();
        let paths: Vec<String> = nodes.keys().cloned().collect();
        for path in paths {
            let mut rest = path.as_str();
            while !rest.is_empty() {
                rest = rest.rsplit_once('/').map_or("", |(parent, _)| parent);
                nodes
                    .entry(rest.to_owned())
                    .or_insert_with(|| group_document(&Attributes::new()));
            }
        }
        let mut root = nodes
            .remove("")
            .unwrap_or_else(|| group_document(&Attributes::new()));
        for (path, document) in nodes.iter() {
            let location = format!("{path}/zarr.json");
            self.shared.store.write(&location, &pretty(document)?)?;
        }
        // A repository has all metadata at hand anyway, and could change some of them alone.
        let is_folder = matches!(self.goal, Goal::Folder { .. });
        if is_folder && root.get("node_type") == Some(&Value::from("group")) {
            let metadata: Map<String, Value> = nodes
                .iter()
                .map(|(path, node)| (path.clone(), node.clone()))
                .collect();
            root["consolidated_metadata"] =
                json!({"kind": "inline", "must_understand": false, "metadata": metadata});
        }
        self.shared.store.write("zarr.json", &pretty(&root)?)
    }
}

impl Drop for ZarrStoreWriter {
    fn drop(&mut self) {
        self.shared.is_open.store(false, Ordering::Release);
        if let Goal::Folder { temporary, .. } = &self.goal {
            // Nothing is there any more after a commit.
            let _ = fs::remove_dir_all(temporary);
        }
    }
}

impl Shared {
    fn new(store: Place) -> Arc<Self> {
        Arc::new(Self {
            store,
            is_open: AtomicBool::new(true),
            nodes: Mutex::default(),
        })
    }

    /// A commit takes chunks only of arrays that it knows, and arrays only in groups that it knows.
    fn declare(&self, path: &str, document: &Value) -> Result<()> {
        let Place::Commit(commit) = &self.store else {
            return Ok(());
        };
        let group = pretty(&group_document(&Attributes::new()))?;
        for (at, _) in path.match_indices('/') {
            commit.set(&format!("{}/zarr.json", &path[..at]), group.clone())?;
        }
        let location = match path {
            "" => "zarr.json".to_owned(),
            path => format!("{path}/zarr.json"),
        };
        commit.set(&location, pretty(document)?)
    }

    fn add(&self, path: &str, document: Value) -> Result<()> {
        let mut nodes = self.lock();
        let is_array = |path: &str| {
            nodes
                .get(path)
                .is_some_and(|node| node["node_type"] == "array")
        };
        let parents = path
            .char_indices()
            .filter(|(_, letter)| *letter == '/')
            .map(|(at, _)| &path[..at]);
        let mut parents = parents.chain((!path.is_empty()).then_some(""));
        if nodes.contains_key(path) || parents.any(is_array) {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("`/{path}` is written twice, or lies in an array"),
            ));
        }
        nodes.insert(path.to_owned(), document);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a store that is whole its name.
fn show(temporary: &Path, target: &Path, may_replace: bool) -> Result<()> {
    check_target(target, may_replace)?;
    let failed = |cause| Error::io(format!("cannot write `{}`", target.display()), cause);
    if fs::symlink_metadata(target).is_err() {
        return fs::rename(temporary, target).map_err(failed);
    }
    // At once where the system can: whoever looks, and whenever this process is killed, one of the two is there.
    if exchange(temporary, target).map_err(failed)? {
        // What remains of the old one is only space, and has a name that later writers know for a leftover.
        let _ = fs::remove_dir_all(temporary);
        return Ok(());
    }
    let old = temporary.with_extension("old");
    fs::rename(target, &old).map_err(failed)?;
    if let Err(cause) = fs::rename(temporary, target) {
        // Put back what was there; if that fails too, the first failure still tells where to look.
        let _ = fs::rename(&old, target);
        return Err(failed(cause));
    }
    // The new store is in place: what remains of the old one is only space.
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

/// Refuses targets that exist, except Zarr stores that may be replaced.
fn check_target(target: &Path, may_replace: bool) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(target) else {
        return Ok(());
    };
    let conflict = |message: String| Error::new(ErrorKind::Conflict, message);
    if !may_replace {
        let message = format!("`{}` exists already", target.display());
        return Err(conflict(message).hint("choose another name, or allow it to be replaced"));
    }
    let names = ["zarr.json", ".zgroup", ".zarray", ".zmetadata"];
    let is_store = names.iter().any(|name| target.join(name).exists());
    let is_empty = || fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    if metadata.is_dir() && (is_store || is_empty()) {
        return Ok(());
    }
    let message = format!(
        "`{}` is no Zarr store, so it is not replaced",
        target.display()
    );
    Err(conflict(message).hint("remove it first if it is not needed"))
}

fn checked_path(path: &str) -> Result<&str> {
    let path = path.trim_matches('/');
    let is_name = |part: &str| {
        !part.is_empty() && !part.starts_with("__") && !part.chars().all(|letter| letter == '.')
    };
    if path.is_empty() || path.split('/').all(is_name) {
        return Ok(path);
    }
    let message = format!("`{path}` cannot be the path of a node");
    Err(Error::invalid(message)
        .hint("names are not empty, not only dots, and do not begin with `__`"))
}

fn group_document(attributes: &Attributes) -> Value {
    json!({"zarr_format": 3, "node_type": "group", "attributes": attributes_json(attributes)})
}

fn attributes_json(attributes: &Attributes) -> Map<String, Value> {
    attributes
        .iter()
        .map(|(name, value)| (name.clone(), attribute_json(value)))
        .collect()
}

/// JSON has no NaN: it is written as text, so that every reader can parse the metadata.
fn attribute_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Numbers(numbers) => {
            let mut items = numbers.scalars().map(|scalar| fill::to_json(&scalar));
            if numbers.is_scalar {
                items.next().unwrap_or(Value::Null)
            } else {
                items.collect()
            }
        }
        other => other.to_json(),
    }
}

fn pretty(document: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(document)
        .map_err(|cause| Error::internal("metadata are no JSON").caused_by(cause))
}

/// One array of a [`ZarrStoreWriter`].
#[derive(Debug)]
struct ZarrSink {
    shared: Arc<Shared>,
    prefix: String,
    chunks: SinkChunks,
    /// Elements of a whole object along each axis.
    object_shape: Vec<u64>,
    /// The object in the array that is the first one here: sinks of a part begin elsewhere.
    first: Vec<u64>,
    /// Where the names of objects go that hold nothing but fill values and are not written, if anyone wants them.
    emptied: Option<Arc<Mutex<Vec<String>>>>,
    description: Description,
}

impl ZarrSink {
    fn put_now(&self, index: &[u64], block: &Block, pool: &Pool) -> Result<u64> {
        let index: Vec<u64> = index
            .iter()
            .zip(&self.first)
            .map(|(at, first)| at + first)
            .collect();
        let written = self.put_object(&index, block, pool)?;
        if let (0, Some(emptied)) = (written, &self.emptied) {
            let mut emptied = emptied.lock().unwrap_or_else(PoisonError::into_inner);
            emptied.push(self.location(&index));
        }
        Ok(written)
    }

    fn location(&self, index: &[u64]) -> String {
        let key = self.description.keys.key(index);
        if self.prefix.is_empty() {
            key
        } else {
            format!("{}/{key}", self.prefix)
        }
    }

    fn put_object(&self, index: &[u64], block: &Block, pool: &Pool) -> Result<u64> {
        if !self.shared.is_open.load(Ordering::Acquire) {
            return Err(Error::internal("chunk written after its store was closed"));
        }
        if block.dtype() != self.description.dtype {
            let message = format!(
                "block of {} for an array of {}",
                block.dtype(),
                self.description.dtype
            );
            return Err(Error::internal(message));
        }
        if block.as_constant() == Some(&self.description.fill_value) {
            return Ok(0);
        }
        let location = self.location(index);
        match self.description.layout.levels.first() {
            None => match self.encode(block, &vec![0; index.len()], pool)? {
                None => Ok(0),
                Some(encoded) => {
                    self.shared.store.write(&location, &encoded)?;
                    Ok(encoded.len() as u64)
                }
            },
            Some(level) => self.put_shard(&location, level, block, pool),
        }
    }

    /// Writes inner chunks as they are encoded, so that no shard is ever whole in memory.
    fn put_shard(
        &self,
        location: &str,
        level: &super::layout::ShardLevel,
        block: &Block,
        pool: &Pool,
    ) -> Result<u64> {
        let mut part = None;
        let (mut offset, mut entries) = (0u64, Vec::with_capacity(level.count * 16));
        let counts: Vec<usize> = self
            .object_shape
            .iter()
            .zip(&level.inner)
            .map(|(outer, inner)| to_usize(outer / inner))
            .collect();
        for position in 0..level.count {
            let start = gather::origin(position, &counts, &level.axes, &self.chunk_shape());
            let is_outside = start
                .iter()
                .zip(block.shape())
                .any(|(start, length)| start >= length);
            let encoded = if is_outside {
                None
            } else {
                self.encode(block, &start, pool)?
            };
            let entry = match encoded {
                None => [u64::MAX, u64::MAX],
                Some(encoded) => {
                    let file = match &mut part {
                        Some(file) => file,
                        none => none.insert(self.shared.store.begin(location)?),
                    };
                    file.append(&encoded)?;
                    let entry = [offset, encoded.len() as u64];
                    offset += entry[1];
                    entry
                }
            };
            entries.extend(entry.into_iter().flat_map(u64::to_ne_bytes));
        }
        let Some(mut part) = part else {
            return Ok(0);
        };
        let index = level.index.encode(&entries, pool)?;
        part.append(&index)?;
        part.commit()?;
        Ok(offset + index.len() as u64)
    }

    fn chunk_shape(&self) -> Vec<usize> {
        self.description
            .layout
            .chunk
            .iter()
            .map(|length| to_usize(*length))
            .collect()
    }

    /// The encoded chunk that begins at `start` of `block`, padded with the fill value; `None` if it is all fill value.
    fn encode(
        &self,
        block: &Block,
        start: &[usize],
        pool: &Pool,
    ) -> Result<Option<craton_core::BufferMut>> {
        let chain = &self.description.layout.chain;
        let shape = self.chunk_shape();
        let fill = self.description.fill_value.bytes();
        let axes: Vec<usize> = match chain.decoded_order() {
            Order::C => (0..shape.len()).collect(),
            Order::Permuted(axes) => axes.clone(),
        };
        if let Some(strings) = block.as_strings() {
            let padded = gather::strings(strings, block.shape(), start, &shape, fill);
            let is_fill = (0..padded.len()).all(|at| padded.get(at) == fill);
            if is_fill {
                return Ok(None);
            }
            let stored: Strings = if axes.is_sorted() {
                padded
            } else {
                strings_from_c(&padded, &shape, &axes)
            };
            return chain.encode_strings(&stored, pool).map(Some);
        }
        if block.dtype().is_variable() {
            // A constant block of strings that are not the fill value.
            let text = block.as_constant().map(Scalar::bytes).unwrap_or_default();
            let strings = Strings::from_items(std::iter::repeat_n(text, block.len()));
            let block = Block::strings(block.dtype(), block.shape().to_vec(), strings)?;
            return self.encode(&block, start, pool);
        }
        let is_whole = block.shape() == shape && axes.is_sorted();
        if is_whole && let Some(bytes) = block.as_contiguous() {
            return self.encode_unless_fill(bytes, pool);
        }
        let gathered = gather::elements(block, start, &shape, &axes, fill, pool)?;
        self.encode_unless_fill(&gathered, pool)
    }

    fn encode_unless_fill(
        &self,
        bytes: &[u8],
        pool: &Pool,
    ) -> Result<Option<craton_core::BufferMut>> {
        if gather::is_all(bytes, self.description.fill_value.bytes()) {
            return Ok(None);
        }
        self.description.layout.chain.encode(bytes, pool).map(Some)
    }
}

fn to_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

impl Sink for ZarrSink {
    fn chunks(&self) -> &SinkChunks {
        &self.chunks
    }

    fn begin(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn put<'a>(
        &'a self,
        index: &'a [u64],
        block: &'a Block,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let put = self.put_now(index, block, pool);
            put.map_err(|error| {
                error
                    .in_chunk(index)
                    .in_variable(format!("/{}", self.prefix))
            })
        })
    }

    fn commit(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
