//! Objects of web servers and object stores, read through `object_store`.
//!
//! Requests run on a runtime of their own (`runtime.rs`), so that futures may be waited for on any thread. What a
//! store needs to know to be reached is in `options.rs`, `credentials.rs` and `connect.rs`; nothing secret leaves
//! through errors (`failure.rs`, `secret.rs`). What was read may be kept on this machine (`cache.rs`).

mod cache;
mod connect;
mod credentials;
mod each_process;
mod failure;
mod options;
mod page;
mod secret;
#[cfg(test)]
pub(crate) mod tests;

pub use cache::{CacheUse, cache_use};
pub(crate) use each_process::EachProcess;
pub use options::{StoreOptions, StoreSettings, give_to_all};
pub use secret::public_url;

use crate::local::checked_range;
use crate::runtime;
use crate::scheme::percent_decode;
use crate::write::WriteObjects;
use base64::Engine as _;
use cache::Cache;
use connect::{Target, target};
use craton_core::{BoxFuture, BufferMut, ByteRange, Error, ErrorKind, Pool, ReadRanges, Result};
use failure::Failed;
use futures_util::future::join_all;
use futures_util::stream::StreamExt;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutPayload,
};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Requests of one store that are under way at once. More would only wait for each other.
const AT_ONCE: usize = 64;
/// What is read of an object to find out what it is; headers of most formats lie within.
const FIRST: u64 = 64 << 10;
/// How often a body that ended too early is asked for again, beside the retries of requests.
const BODY_RETRIES: u32 = 2;
/// No body is asked for again later than this after the first request.
const BODY_RETRY_FOR: Duration = Duration::from_secs(60);
/// Names that tell what a folder is; asked for together, so that opening waits for the network once.
const TELLING_NAMES: [&str; 4] = ["zarr.json", ".zmetadata", ".zgroup", ".zarray"];

/// Which service a URL belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    S3,
    Gs,
    Azure,
    Web,
}

/// A bucket, a container, or a web server.
pub struct RemoteStore {
    target: Target,
    /// The client, and the process that made it: connections do not survive a fork.
    client: Mutex<Option<(u32, Arc<dyn ObjectStore>)>>,
    gate: Arc<Semaphore>,
    memo: Mutex<Memo>,
    /// Whether objects are taken to stay as they are, so that what was told once need not be asked again, and a change while
    /// they are read is an error.
    is_still: bool,
    cache: Option<Cache>,
}

/// What earlier requests told.
#[derive(Default)]
struct Memo {
    /// Objects of which parts were read: later parts must be of the same object.
    seen: HashMap<String, Seen>,
    /// Objects, or their first bytes, that were read to find out what they are.
    begun: HashMap<String, Arc<[u8]>>,
    absent: HashSet<String>,
    /// Folders that hold one of the telling names, so that they cannot be empty.
    folders: HashSet<String>,
}

impl Memo {
    /// Notes the folder of a telling name that was found.
    fn note_folder(&mut self, location: &str) {
        let (folder, name) = location.rsplit_once('/').unwrap_or(("", location));
        if TELLING_NAMES.contains(&name) {
            self.folders.insert(folder.to_owned());
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Seen {
    size: u64,
    etag: Option<String>,
    modified: i64,
}

impl Seen {
    fn of(meta: &ObjectMeta) -> Self {
        Self {
            size: meta.size,
            etag: meta.e_tag.clone(),
            modified: meta.last_modified.timestamp(),
        }
    }

    /// The tag that a server compares before it answers; weak ones are of no use for that.
    fn strong_etag(&self) -> Option<String> {
        self.etag.clone().filter(|etag| !etag.starts_with("W/"))
    }

    fn is_same(&self, other: &Self) -> bool {
        let same_tag = match (&self.etag, &other.etag) {
            (Some(one), Some(two)) => one == two,
            _ => self.modified == other.modified,
        };
        same_tag && self.size == other.size
    }
}

/// What a request gave.
struct Got {
    bytes: BufferMut,
    meta: ObjectMeta,
}

/// How a request was answered.
enum Answer {
    Got(Got),
    Absent,
    /// The object still has the etag that was named.
    Same,
}

/// What a request may depend on.
#[derive(Clone, Default)]
struct Conditions {
    /// The object must have this etag.
    matches: Option<String>,
    /// The object is only wanted if it has another etag.
    differs: Option<String>,
}

impl RemoteStore {
    /// The store that holds `url`, and where in it `url` points.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the URL or an option makes no sense.
    pub async fn open(url: &str, options: &StoreOptions) -> Result<(Self, String)> {
        let (store, root) = Self::open_unseen(url, options).await?;
        store.look_at(&root).await;
        Ok((store, root))
    }

    /// The store that holds `url`, and where in it `url` points, for those who write there: nothing is remembered.
    ///
    /// # Errors
    /// As [`RemoteStore::open`]; [`ErrorKind::Unsupported`] for web servers.
    pub async fn open_to_write(url: &str, options: &StoreOptions) -> Result<(Self, String)> {
        let (store, root) = Self::open_unremembered(url, options).await?;
        if store.target.service == Service::Web {
            return Err(Error::unsupported("web servers are not written to")
                .at(public_url(url))
                .hint("open it to read only"));
        }
        Ok((store, root))
    }

    /// The store that holds `url`, of which nothing is read or remembered yet.
    pub(crate) async fn open_unremembered(
        url: &str,
        options: &StoreOptions,
    ) -> Result<(Self, String)> {
        let store = Self::new(target(url, options).await?, false);
        let root = store.target.root.clone();
        Ok((store, root))
    }

    /// As [`RemoteStore::open`], but nothing is looked at yet.
    pub(crate) async fn open_unseen(url: &str, options: &StoreOptions) -> Result<(Self, String)> {
        let mut store = Self::new(target(url, options).await?, true);
        store.cache = Cache::from_options(options)?;
        let root = store.target.root.clone();
        Ok((store, root))
    }

    /// The etag of an object of which a part was read, and when it was last changed, in seconds since 1970.
    pub(crate) fn told_of(&self, location: &str) -> Option<(Option<String>, i64)> {
        let seen = self.memo().seen.get(location).cloned()?;
        Some((seen.etag, seen.modified))
    }

    fn new(target: Target, is_still: bool) -> Self {
        Self {
            target,
            client: Mutex::default(),
            gate: Arc::new(Semaphore::new(AT_ONCE)),
            memo: Mutex::default(),
            is_still,
            cache: None,
        }
    }

    /// Asks for everything that tells what lies at `root`, all at once; what comes is remembered for those who ask.
    async fn look_at(&self, root: &str) {
        let name = |name: &&str| match root {
            "" => (*name).to_owned(),
            root => format!("{root}/{name}"),
        };
        let names: Vec<String> = TELLING_NAMES.iter().map(name).collect();
        let documents = names.iter().map(|name| self.remember(name, None));
        let first = async {
            if !root.is_empty() {
                self.remember(root, Some(GetRange::Bounded(0..FIRST))).await;
            }
        };
        futures_util::future::join(first, join_all(documents)).await;
    }

    /// Reads an object, or its beginning, for later. Errors are met again by who asks.
    async fn remember(&self, location: &str, range: Option<GetRange>) {
        let pool = Pool::unlimited();
        match self
            .get(location, range, Conditions::default(), &pool)
            .await
        {
            Ok(Answer::Got(got)) => {
                let mut memo = self.memo();
                memo.seen.insert(location.to_owned(), Seen::of(&got.meta));
                memo.note_folder(location);
                memo.begun
                    .insert(location.to_owned(), Arc::from(&got.bytes[..]));
            }
            Ok(Answer::Absent) => {
                self.memo().absent.insert(location.to_owned());
            }
            Ok(Answer::Same) | Err(_) => {}
        }
    }

    /// What is remembered of a range: `Some(None)` if the object is known not to exist.
    fn remembered(
        &self,
        location: &str,
        range: ByteRange,
        pool: &Pool,
    ) -> Result<Option<Option<BufferMut>>> {
        let mut memo = self.memo();
        if memo.absent.contains(location) {
            return Ok(Some(None));
        }
        let (Some(seen), Some(begun)) = (memo.seen.get(location), memo.begun.get(location)) else {
            return Ok(None);
        };
        let wanted =
            checked_range(range, seen.size).map_err(|error| error.at(self.url_of(location)))?;
        let part = usize::try_from(wanted.start)
            .ok()
            .zip(usize::try_from(wanted.end).ok());
        let Some(part) = part.and_then(|(start, end)| begun.get(start..end)) else {
            return Ok(None);
        };
        let mut buffer = pool.take(part.len())?;
        buffer.copy_from_slice(part);
        if range == ByteRange::Whole {
            // Documents are asked for once.
            memo.begun.remove(location);
        }
        Ok(Some(Some(buffer)))
    }

    async fn read_now(
        &self,
        location: &str,
        range: ByteRange,
        pool: &Pool,
    ) -> Result<Option<BufferMut>> {
        if let Some(known) = self.remembered(location, range, pool)? {
            return Ok(known);
        }
        let is_empty = matches!(
            range,
            ByteRange::Bounded { length: 0, .. } | ByteRange::Suffix(0)
        );
        if is_empty {
            let Some(size) = self.size_now(location).await? else {
                return Ok(None);
            };
            checked_range(range, size).map_err(|error| error.at(self.url_of(location)))?;
            return pool.take(0).map(Some);
        }
        let wanted = match range {
            ByteRange::Whole => None,
            ByteRange::Bounded { offset, length } => {
                let end = offset
                    .checked_add(length)
                    .filter(|end| *end <= i64::MAX.cast_unsigned());
                let end = end.ok_or_else(|| self.outside(location, range))?;
                Some(GetRange::Bounded(offset..end))
            }
            // A service without ranges from the end is asked for the length first.
            ByteRange::Suffix(length) if self.target.service == Service::Azure => {
                let Some(size) = self.size_now(location).await? else {
                    return Ok(None);
                };
                let part =
                    checked_range(range, size).map_err(|error| error.at(self.url_of(location)))?;
                debug_assert_eq!(part.end - part.start, length);
                Some(GetRange::Bounded(part))
            }
            ByteRange::Suffix(length) => Some(GetRange::Suffix(length)),
        };
        let is_compared = wanted.is_some() && self.is_still;
        let before = self
            .memo()
            .seen
            .get(location)
            .cloned()
            .filter(|_| is_compared);
        let mut conditions = Conditions {
            matches: before.as_ref().and_then(Seen::strong_etag),
            differs: None,
        };
        let key = Cache::key(&self.target.identity, location, range);
        let mut kept = self.cache.as_ref().and_then(|cache| cache.find(&key, pool));
        if let Some(entry) = &kept {
            match &before {
                Some(before) if !before.is_same(&entry.seen) => kept = None,
                None if !entry.is_believed => conditions.differs = entry.seen.etag.clone(),
                _ => return Ok(kept.map(|entry| self.hit(location, entry, is_compared))),
            }
        }
        let got = self.get(location, wanted, conditions, pool).await;
        let got = match got.map_err(|error| in_range(error, range))? {
            Answer::Got(got) => got,
            Answer::Same => return Ok(kept.map(|entry| self.hit(location, entry, is_compared))),
            Answer::Absent => {
                return match before {
                    None => Ok(None),
                    Some(_) => Err(self.changed(location)),
                };
            }
        };
        let now = Seen::of(&got.meta);
        if before.is_some_and(|before| !before.is_same(&now)) {
            return Err(self.changed(location));
        }
        let part =
            checked_range(range, now.size).map_err(|error| error.at(self.url_of(location)))?;
        if got.bytes.len() as u64 != part.end - part.start {
            return Err(self.outside(location, range));
        }
        if let Some(cache) = &self.cache {
            cache::count(false, got.bytes.len());
            cache.keep(&key, &now, &got.bytes);
        }
        if is_compared {
            self.memo().seen.insert(location.to_owned(), now);
        } else if self.is_still {
            self.memo().note_folder(location);
        }
        Ok(Some(got.bytes))
    }

    /// The bytes of what was kept, which is of the object as it is.
    fn hit(&self, location: &str, entry: cache::Entry, is_compared: bool) -> BufferMut {
        cache::count(true, entry.bytes.len());
        if is_compared {
            self.memo().seen.insert(location.to_owned(), entry.seen);
        } else {
            self.memo().note_folder(location);
        }
        entry.bytes
    }

    fn outside(&self, location: &str, range: ByteRange) -> Error {
        let error = Error::corrupt("the bytes that are asked for lie outside the object");
        in_range(error.at(self.url_of(location)), range)
    }

    fn changed(&self, location: &str) -> Error {
        let url = self.url_of(location);
        Error::new(
            ErrorKind::Conflict,
            format!("`{url}` changed while it was being read"),
        )
        .at(url)
        .hint("read it again once it is whole")
    }

    async fn size_now(&self, location: &str) -> Result<Option<u64>> {
        {
            let memo = self.memo();
            if let Some(seen) = memo.seen.get(location) {
                return Ok(Some(seen.size));
            }
            if memo.absent.contains(location) {
                return Ok(None);
            }
        }
        // A web server may refuse to tell a length alone, also where it gives the bytes.
        if self.target.service == Service::Web {
            let byte = Some(GetRange::Bounded(0..1));
            let pool = Pool::unlimited();
            match self.get(location, byte, Conditions::default(), &pool).await {
                Ok(Answer::Got(got)) => return Ok(Some(got.meta.size)),
                Ok(Answer::Absent) => return Ok(None),
                Ok(Answer::Same) => {}
                Err(error) if error.kind() == ErrorKind::Permission => return Err(error),
                Err(_) => {}
            }
        }
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let (client, path) = (self.client()?, self.path(location)?);
        let gate = self.gate.clone();
        let asked = runtime::run(async move {
            let _permit = gate.acquire_owned().await;
            Ok(client
                .get_opts(&path, options)
                .await
                .map(|found| found.meta.size))
        });
        match asked.await? {
            Ok(size) => Ok(Some(size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(self.failed(location, Failed::Store(cause))),
        }
    }

    /// One request, again where that may help.
    async fn get(
        &self,
        location: &str,
        range: Option<GetRange>,
        conditions: Conditions,
        pool: &Pool,
    ) -> Result<Answer> {
        let (client, path) = (self.client()?, self.path(location)?);
        let (gate, pool) = (self.gate.clone(), pool.clone());
        let options = GetOptions {
            range,
            if_match: conditions.matches,
            if_none_match: conditions.differs,
            ..GetOptions::default()
        };
        let asked = runtime::run(async move {
            // OK to ignore: the gate is never closed.
            let _permit = gate.acquire_owned().await;
            let start = Instant::now();
            let mut attempt = 0;
            Ok(loop {
                match get_once(&*client, &path, options.clone(), &pool).await {
                    Err(failed)
                        if failed.is_of_body()
                            && attempt < BODY_RETRIES
                            && start.elapsed() < BODY_RETRY_FOR =>
                    {
                        tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                        attempt += 1;
                    }
                    other => break other,
                }
            })
        });
        match asked.await? {
            Ok(Some(got)) => Ok(Answer::Got(got)),
            Ok(None) => Ok(Answer::Absent),
            Err(Failed::Store(object_store::Error::NotModified { .. })) => Ok(Answer::Same),
            Err(failed) => Err(self.failed(location, failed)),
        }
    }

    /// The client itself, for those who bring their own requests.
    pub(crate) fn client(&self) -> Result<Arc<dyn ObjectStore>> {
        let mut held = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((process, client)) = &*held
            && *process == std::process::id()
        {
            return Ok(client.clone());
        }
        if let Some((_, other)) = held.take() {
            // Its connections belong to a runtime that is not here.
            std::mem::forget(other);
        }
        let client = (self.target.connect)()?;
        *held = Some((std::process::id(), client.clone()));
        Ok(client)
    }

    fn path(&self, location: &str) -> Result<Path> {
        let leads_out = location.split('/').any(|part| matches!(part, "." | ".."));
        if leads_out || location.starts_with('/') {
            return Err(
                Error::invalid(format!("location `{location}` is no name of an object"))
                    .hint("locations have no `..` and no `/` in front"),
            );
        }
        Ok(Path::parse(location).unwrap_or_else(|_| Path::from(location)))
    }

    async fn list_now(&self, prefix: &str) -> Result<Vec<String>> {
        let prefix = prefix.trim_matches('/');
        if self.target.service == Service::Web {
            let found = match page::list(&self.target, prefix).await {
                // A server without listings may say that there is no such folder.
                Ok(names) if names.is_empty() && self.memo().folders.contains(prefix) => {
                    Err(page::no_list())
                }
                other => other,
            };
            return found.map_err(|error| error.at(self.url_of(prefix)));
        }
        let (client, path) = (self.client()?, self.path(prefix)?);
        let gate = self.gate.clone();
        let asked = runtime::run(async move {
            let _permit = gate.acquire_owned().await;
            let below = (!path.as_ref().is_empty()).then_some(&path);
            Ok(client.list_with_delimiter(below).await)
        });
        let found = asked
            .await?
            .map_err(|cause| self.failed(prefix, Failed::Store(cause)))?;
        let name = |path: &Path| path.filename().unwrap_or_default().to_owned();
        let mut folders: Vec<String> = found
            .common_prefixes
            .iter()
            .map(|path| name(path) + "/")
            .collect();
        let mut objects: Vec<String> = found
            .objects
            .iter()
            .filter(|object| object.location.as_ref() != prefix)
            .map(|object| name(&object.location))
            .collect();
        folders.sort_unstable();
        folders.dedup();
        objects.sort_unstable();
        folders.extend(objects);
        Ok(folders)
    }

    async fn put_now(&self, location: &str, bytes: &[u8], may_replace: bool) -> Result<bool> {
        let (client, path) = (self.client()?, self.path(location)?);
        let gate = self.gate.clone();
        let payload = PutPayload::from(bytes.to_vec());
        let mode = match may_replace {
            true => PutMode::Overwrite,
            false => PutMode::Create,
        };
        let asked = runtime::run(async move {
            // OK to ignore: the gate is never closed.
            let _permit = gate.acquire_owned().await;
            Ok(client.put_opts(&path, payload, mode.into()).await)
        });
        match asked.await? {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(cause) => Err(self.not_written(location, &cause)),
        }
    }

    async fn remove_now(&self, location: &str) -> Result<()> {
        let (client, path) = (self.client()?, self.path(location)?);
        let gate = self.gate.clone();
        let asked = runtime::run(async move {
            // OK to ignore: the gate is never closed.
            let _permit = gate.acquire_owned().await;
            Ok(client.delete(&path).await)
        });
        match asked.await? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(cause) => Err(self.not_written(location, &cause)),
        }
    }

    fn memo(&self) -> MutexGuard<'_, Memo> {
        // OK to go on after a panic elsewhere: entries are put in whole.
        self.memo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names the bytes of an error, where they are known.
fn in_range(error: Error, range: ByteRange) -> Error {
    match range {
        ByteRange::Bounded { offset, length } => {
            error.in_bytes(offset..offset.saturating_add(length))
        }
        ByteRange::Whole | ByteRange::Suffix(_) => error,
    }
}

/// One request and its body.
async fn get_once(
    client: &dyn ObjectStore,
    path: &Path,
    options: GetOptions,
    pool: &Pool,
) -> std::result::Result<Option<Got>, Failed> {
    let found = match client.get_opts(path, options).await {
        Ok(found) => found,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(cause) => return Err(Failed::Store(cause)),
    };
    let (meta, range) = (found.meta.clone(), found.range.clone());
    let wanted = range.end - range.start;
    let length = usize::try_from(wanted).map_err(|_| Failed::WrongLength { wanted, got: 0 })?;
    let mut bytes = pool.take(length).map_err(Failed::NoRoom)?;
    let mut at = 0;
    match found.payload {
        GetResultPayload::Stream(mut stream) => {
            while let Some(part) = stream.next().await {
                let part = part.map_err(Failed::Body)?;
                let Some(place) = bytes.get_mut(at..at + part.len()) else {
                    let got = (at + part.len()) as u64;
                    return Err(Failed::WrongLength { wanted, got });
                };
                place.copy_from_slice(&part);
                at += part.len();
            }
        }
        #[allow(unreachable_patterns, reason = "files are a feature that is off here")]
        _ => return Err(Failed::WrongLength { wanted, got: 0 }),
    }
    if at != length {
        return Err(Failed::WrongLength {
            wanted,
            got: at as u64,
        });
    }
    Ok(Some(Got { bytes, meta }))
}

impl WriteObjects for RemoteStore {
    fn put<'a>(
        &'a self,
        location: &'a str,
        bytes: &'a [u8],
        may_replace: bool,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.put_now(location, bytes, may_replace))
    }

    fn remove<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.remove_now(location))
    }
}

fn base64_of(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

impl ReadRanges for RemoteStore {
    fn read<'a>(
        &'a self,
        location: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>> {
        Box::pin(self.read_now(location, range, pool))
    }

    fn size<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Option<u64>>> {
        Box::pin(self.size_now(location))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(self.list_now(prefix))
    }

    fn url_of(&self, location: &str) -> String {
        if location.is_empty() {
            self.target.shown.clone()
        } else {
            format!("{}/{location}", self.target.shown)
        }
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn version(&self, location: &str) -> Option<String> {
        let seen = self.memo().seen.get(location).cloned()?;
        let modified = format!("{}-{}", seen.size, seen.modified);
        Some(seen.etag.unwrap_or(modified))
    }
}

impl fmt::Debug for RemoteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteStore({})", self.target.shown)
    }
}
