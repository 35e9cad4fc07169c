//! Bytes of remote objects, kept in a folder of this machine within a limit.
//!
//! Off unless a folder is named. Each entry is a file with what was read, the object's etag, and a checksum over all. It is
//! written under another name first, so processes may share a folder without a lock: whoever reads sees whole entries, and
//! damaged ones are removed and read anew. What was used least lately goes first. Names are hashes, which tell nothing.

use super::Seen;
use super::options::{StoreOptions, home};
use craton_core::size::parse_size;
use craton_core::{BufferMut, ByteRange, Error, Pool, Result};
use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The limit where none is given.
const LIMIT: u64 = 10 << 30;
/// Entries begin so; the last byte is the version of their form.
const MAGIC: [u8; 8] = *b"craton\0\x01";
const CHECKSUM: usize = 32;
/// Magic, checksum, bytes of the etag, bytes of the object, its time, when it was read, bytes that were read.
const HEADER: usize = 8 + CHECKSUM + 4 + 8 + 8 + 8 + 8;
/// No server has a longer etag.
const LONGEST_ETAG: usize = 4096;
/// An entry's time of use is renewed after this.
const RENEWED: Duration = Duration::from_secs(60);
/// A file without its name is left by a process that is gone.
const ABANDONED: Duration = Duration::from_secs(3600);
/// After a failed write, as on a full disk, nothing is written for so long.
const PAUSE: Duration = Duration::from_secs(30);

static USE: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];
static FOLDERS: Mutex<BTreeMap<PathBuf, Arc<Folder>>> = Mutex::new(BTreeMap::new());

/// What caches did for this process so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Reads that were answered from a folder.
    pub hits: u64,
    /// Their bytes.
    pub hit_bytes: u64,
    /// Reads that were not.
    pub misses: u64,
    /// Their bytes.
    pub missed_bytes: u64,
}

/// What caches did for this process so far.
#[must_use]
pub fn cache_use() -> CacheUse {
    let [hits, hit_bytes, misses, missed_bytes] =
        [0, 1, 2, 3].map(|at| USE[at].load(Ordering::Relaxed));
    CacheUse {
        hits,
        hit_bytes,
        misses,
        missed_bytes,
    }
}

/// A folder of entries, as one store uses it.
#[derive(Debug)]
pub(super) struct Cache {
    folder: Arc<Folder>,
    limit: u64,
    /// So long an entry is believed without asking the server.
    believed_for: Duration,
}

/// A folder of entries, as all stores of this process use it.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Bytes of all entries when they were last counted, and bytes written since.
    counted: AtomicU64,
    since: AtomicU64,
    was_counted: AtomicBool,
    is_counting: AtomicBool,
    /// Nothing is written before this.
    paused_until: Mutex<Option<SystemTime>>,
}

/// The name of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key(String);

/// What was kept of an object.
pub(super) struct Entry {
    pub seen: Seen,
    pub is_believed: bool,
    pub bytes: BufferMut,
}

impl Cache {
    /// The cache that options or the environment ask for, if they do.
    pub(super) fn from_options(options: &StoreOptions) -> Result<Option<Self>> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = options.get("cache").map(str::to_owned);
        let Some(path) = path.or_else(|| variable("CRATON_CACHE")) else {
            return Ok(None);
        };
        let path = match path.strip_prefix("~/") {
            Some(rest) => home().map_or_else(|| path.clone().into(), |home| home.join(rest)),
            None => PathBuf::from(&path),
        };
        let size = options.get("cache_size").map(str::to_owned);
        let limit = match size.or_else(|| variable("CRATON_CACHE_SIZE")) {
            Some(size) => parse_size(&size).map_err(Error::usage)?,
            None => LIMIT,
        };
        let believed_for = options.number("cache_for")?.unwrap_or(0.0).min(1e9);
        Ok(Some(Self {
            folder: Folder::at(path),
            limit,
            believed_for: Duration::from_secs_f64(believed_for),
        }))
    }

    /// The name of a part of an object. `identity` tells the store from all others.
    pub(super) fn key(identity: &str, location: &str, range: ByteRange) -> Key {
        let mut hasher = blake3::Hasher::new();
        for part in [identity, location, &format!("{range:?}")] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Key(hasher.finalize().to_hex().to_string())
    }

    /// What is kept under `key`. Entries that are damaged are removed.
    pub(super) fn find(&self, key: &Key, pool: &Pool) -> Option<Entry> {
        let path = self.folder.path_of(key);
        let mut file = File::open(&path).ok()?;
        let Some((seen, read_at, bytes)) = read_entry(&mut file, pool) else {
            // OK to ignore: another process may have removed it, too.
            let _ = fs::remove_file(&path);
            return None;
        };
        renew(&file);
        let age = SystemTime::now().duration_since(read_at);
        Some(Entry {
            seen,
            is_believed: age.is_ok_and(|age| age < self.believed_for),
            bytes,
        })
    }

    /// Keeps what was read of an object, if that can be told from other states of it. A cache that cannot be written is no
    /// reason not to go on.
    pub(super) fn keep(&self, key: &Key, seen: &Seen, bytes: &[u8]) {
        let length = bytes.len() as u64 + HEADER as u64;
        let is_kept = seen
            .etag
            .as_ref()
            .is_some_and(|etag| etag.len() <= LONGEST_ETAG)
            && length <= self.limit / 4
            && !self.folder.is_paused();
        if !is_kept {
            return;
        }
        self.folder.make_room(length, self.limit);
        match self.folder.write(key, seen, bytes) {
            Ok(()) => {
                self.folder.since.fetch_add(length, Ordering::Relaxed);
            }
            Err(_) => self.folder.pause(),
        }
    }
}

/// Counts a read that a cache answered, or could not.
pub(super) fn count(is_hit: bool, bytes: usize) {
    let at = if is_hit { 0 } else { 2 };
    USE[at].fetch_add(1, Ordering::Relaxed);
    USE[at + 1].fetch_add(bytes as u64, Ordering::Relaxed);
}

impl Folder {
    /// The one that this process has for `path`.
    fn at(path: PathBuf) -> Arc<Self> {
        let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            Arc::new(Self {
                path: path.clone(),
                counted: AtomicU64::new(0),
                since: AtomicU64::new(0),
                was_counted: AtomicBool::new(false),
                is_counting: AtomicBool::new(false),
                paused_until: Mutex::new(None),
            })
        };
        folders.entry(path.clone()).or_insert_with(made).clone()
    }

    fn path_of(&self, key: &Key) -> PathBuf {
        let (first, rest) = key.0.split_at(2);
        self.path.join(first).join(rest)
    }

    fn is_paused(&self) -> bool {
        let until = self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| SystemTime::now() < until)
    }

    fn pause(&self) {
        let until = SystemTime::now().checked_add(PAUSE);
        *self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn write(&self, key: &Key, seen: &Seen, bytes: &[u8]) -> io::Result<()> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let path = self.path_of(key);
        let folder = path.parent().unwrap_or(&self.path);
        make_private(folder)?;
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".{}-{number}.part", std::process::id()));
        let header = header(seen, bytes);
        let written = private_file(&temporary).and_then(|mut file| {
            file.write_all(&header)?;
            file.write_all(bytes)?;
            drop(file);
            fs::rename(&temporary, &path)
        });
        if written.is_err() {
            // Best effort: the error that led here is the one to tell.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Removes what was used least lately where `more` bytes would not fit. Other processes write too, so entries are counted
    /// again from time to time, and more room is made than is needed.
    fn make_room(&self, more: u64, limit: u64) {
        let since = self.since.load(Ordering::Relaxed);
        let all = self.counted.load(Ordering::Relaxed) + since + more;
        let is_known = self.was_counted.load(Ordering::Relaxed) && since <= limit / 16;
        if (is_known && all <= limit) || self.is_counting.swap(true, Ordering::AcqRel) {
            return;
        }
        let left = self.shrink(more, limit);
        self.counted.store(left, Ordering::Relaxed);
        self.since.store(0, Ordering::Relaxed);
        self.was_counted.store(true, Ordering::Relaxed);
        self.is_counting.store(false, Ordering::Release);
    }

    fn shrink(&self, more: u64, limit: u64) -> u64 {
        let mut entries = Vec::new();
        let now = SystemTime::now();
        for folder in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            // Only folders of entries: whatever else lies here is somebody else's.
            let is_ours = folder.file_name().to_str().is_some_and(|name| {
                name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
            });
            if !is_ours {
                continue;
            }
            for entry in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let is_part = entry.path().extension().is_some_and(|end| end == "part");
                if !is_part {
                    entries.push((used, metadata.len(), entry.path()));
                } else if now.duration_since(used).is_ok_and(|age| age > ABANDONED) {
                    // OK to ignore: another process may remove it, too.
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
        let mut all: u64 = entries.iter().map(|(_, length, _)| *length).sum();
        if all + more > limit {
            entries.sort_unstable();
            for (_, length, path) in entries {
                if all + more <= limit - limit / 4 {
                    break;
                }
                // What another process removed first is gone all the same.
                let _ = fs::remove_file(path);
                all -= length;
            }
        }
        all
    }
}

fn header(seen: &Seen, bytes: &[u8]) -> Vec<u8> {
    let etag = seen.etag.as_deref().unwrap_or_default();
    let read_at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let read_at = read_at.map_or(0, |time| time.as_secs());
    let mut rest = Vec::with_capacity(HEADER + etag.len());
    rest.extend(u32::try_from(etag.len()).unwrap_or(0).to_le_bytes());
    rest.extend(seen.size.to_le_bytes());
    rest.extend(seen.modified.to_le_bytes());
    rest.extend(read_at.to_le_bytes());
    rest.extend((bytes.len() as u64).to_le_bytes());
    rest.extend(etag.as_bytes());
    let checksum = checksum(&rest, bytes);
    [&MAGIC[..], &checksum, &rest].concat()
}

fn checksum(header: &[u8], bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header);
    hasher.update(bytes);
    hasher.finalize().into()
}

/// What an entry says of its object, when that was, and its bytes; `None` if it is damaged in any way.
fn read_entry(file: &mut File, pool: &Pool) -> Option<(Seen, SystemTime, BufferMut)> {
    let whole = file.metadata().ok()?.len();
    let mut fixed = [0; HEADER];
    file.read_exact(&mut fixed).ok()?;
    let (magic, after) = fixed.split_first_chunk::<8>()?;
    let (expected, after) = after.split_first_chunk::<CHECKSUM>()?;
    let (etag_length, after) = after.split_first_chunk::<4>()?;
    let (numbers, _) = after.as_chunks::<8>();
    let [size, modified, read_at, length] = numbers else {
        return None;
    };
    let etag_length = usize::try_from(u32::from_le_bytes(*etag_length)).ok()?;
    let length = u64::from_le_bytes(*length);
    let is_right = *magic == MAGIC
        && etag_length <= LONGEST_ETAG
        && Some(whole) == length.checked_add((HEADER + etag_length) as u64);
    if !is_right {
        return None;
    }
    let mut etag = vec![0; etag_length];
    file.read_exact(&mut etag).ok()?;
    let mut bytes = pool.take(usize::try_from(length).ok()?).ok()?;
    file.read_exact(&mut bytes).ok()?;
    let header = [&fixed[8 + CHECKSUM..], &etag].concat();
    if checksum(&header, &bytes) != *expected {
        return None;
    }
    let seen = Seen {
        size: u64::from_le_bytes(*size),
        etag: Some(String::from_utf8(etag).ok()?),
        modified: i64::from_le_bytes(*modified),
    };
    let read_at =
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::from_le_bytes(*read_at)))?;
    Some((seen, read_at, bytes))
}

/// Notes that an entry was used.
fn renew(file: &File) {
    let now = SystemTime::now();
    let used = file.metadata().and_then(|metadata| metadata.modified());
    if used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > RENEWED)) {
        // OK to ignore: it goes a little earlier then.
        let _ = file.set_times(FileTimes::new().set_modified(now));
    }
}

/// Makes a folder that only this user may look into.
fn make_private(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(etag: &str) -> Seen {
        Seen {
            size: 100,
            etag: Some(etag.to_owned()),
            modified: 5,
        }
    }

    fn cache(folder: &Path, limit: u64) -> Cache {
        Cache {
            folder: Folder::at(folder.to_owned()),
            limit,
            believed_for: Duration::ZERO,
        }
    }

    fn key(location: &str) -> Key {
        Cache::key("s3://bucket", location, ByteRange::Whole)
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let folders = fs::read_dir(folder).into_iter().flatten().flatten();
        folders
            .flat_map(|folder| fs::read_dir(folder.path()).unwrap().flatten())
            .map(|entry| entry.path())
            .collect()
    }

    #[test]
    fn what_is_kept_is_found_under_its_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), 1 << 20);
        let pool = Pool::unlimited();
        cache.keep(&key("a"), &seen("1"), b"hello");
        let entry = cache.find(&key("a"), &pool).unwrap();
        assert_eq!(
            (&entry.bytes[..], entry.is_believed),
            (&b"hello"[..], false)
        );
        assert!(entry.seen == seen("1"));
        assert!(cache.find(&key("b"), &pool).is_none());
        let parts = [("a", "b/c"), ("a/b", "c"), ("a/", "b/c")];
        let keys = parts.map(|(one, two)| Cache::key(one, two, ByteRange::Suffix(3)));
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
        assert!(keys[0] != Cache::key("a", "b/c", ByteRange::Suffix(4)));
    }

    #[test]
    fn damage_anywhere_is_noticed_and_the_entry_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), 1 << 20);
        let pool = Pool::unlimited();
        cache.keep(&key("a"), &seen("tag"), b"some bytes that matter");
        let path = files(folder.path()).remove(0);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, damaged).unwrap();
            assert!(cache.find(&key("a"), &pool).is_none(), "byte {at}");
            assert!(!path.exists());
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(cache.find(&key("a"), &pool).is_none(), "{length} bytes");
        }
        fs::write(&path, &whole).unwrap();
        assert!(cache.find(&key("a"), &pool).is_some());
    }

    #[test]
    fn the_folder_stays_within_its_limit_and_keeps_what_was_used_last() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), 64 << 10);
        let pool = Pool::unlimited();
        let old = SystemTime::now() - Duration::from_secs(10_000);
        for number in 0..100u64 {
            cache.keep(&key(&number.to_string()), &seen("1"), &[7; 4000]);
            // As if time had passed between the writes.
            let path = cache.folder.path_of(&key(&number.to_string()));
            let file = File::options().append(true).open(path).unwrap();
            let time = old + Duration::from_secs(number);
            file.set_times(FileTimes::new().set_modified(time)).unwrap();
            // The first is used all the time.
            assert!(cache.find(&key("0"), &pool).is_some());
            let all: u64 = files(folder.path())
                .iter()
                .map(|path| fs::metadata(path).unwrap().len())
                .sum();
            assert!(all <= 64 << 10, "{all} bytes after {number}");
        }
        assert!(cache.find(&key("99"), &pool).is_some() && cache.find(&key("1"), &pool).is_none());
        cache.keep(&key("large"), &seen("1"), &[7; 17 << 10]);
        assert!(
            cache.find(&key("large"), &pool).is_none(),
            "more than a quarter of all"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("file");
        fs::write(&place, b"in the way").unwrap();
        let cache = cache(&place, 1 << 20);
        cache.keep(&key("a"), &seen("1"), b"hello");
        assert!(cache.find(&key("a"), &Pool::unlimited()).is_none());
        assert!(cache.folder.is_paused());
        assert_eq!(fs::read(&place).unwrap(), b"in the way");
    }
}
