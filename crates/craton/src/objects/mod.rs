//! Batches of stored objects, read into and written from memory that the caller owns, on all cores.
//!
//! For callers that have planned themselves which objects they want, as zarr-python does. A question about arrays goes the one
//! path of [`crate::answer`].

mod store;

use craton_core::{ByteRange, Error, Pool, ReadRanges, Result};
use craton_exec::side_by_side;
use craton_format::zarr::object::{
    Coded, Empty, Memory, NewShard, ObjectForm, Part, Pick, Run, Wanted,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

pub use craton_format::zarr::object;
pub use craton_store::LocalStore;
pub use craton_store::write::can_be_written;
pub use store::{Asked, Store};

/// Inner chunks whose bytes lie so near each other are read together, and so many bytes of them at once: they are still in the
/// processor's cache when they are decoded.
const GAP: u64 = 8 << 10;
const AT_ONCE: u64 = 1 << 20;
/// The same over a network, where each request waits.
const REMOTE_GAP: u64 = 256 << 10;
const REMOTE_AT_ONCE: u64 = 8 << 20;
/// Requests over a network that are under way at once.
const REQUESTS: usize = 32;
/// Bytes of elements that are encoded as one piece of work.
const ENCODED_AT_ONCE: usize = 1 << 20;
/// Memory for scratch that is kept from batch to batch.
const KEPT: usize = 64 << 20;

/// Scratch, kept because batches of one small chunk would mostly touch fresh pages.
static SCRATCH: LazyLock<Pool> = LazyLock::new(Pool::unlimited);

/// An object, and what is to be done with it.
#[derive(Debug)]
pub struct Item {
    /// Its name in the store.
    pub location: String,
    /// How its elements are stored.
    pub form: Arc<ObjectForm>,
    /// Which elements are meant, and their places.
    pub pick: Pick,
    /// Whether whatever is not picked is of no account, as outside the array.
    pub is_complete: bool,
}

impl Item {
    /// Whether writing it changes some of what is there, so that this must be read before.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.is_complete && !self.pick.covers(self.form.shape())
    }
}

/// Where objects are.
#[derive(Debug)]
pub enum Objects<'a> {
    /// In a folder.
    Folder(&'a LocalStore),
    /// In a store.
    Store(&'a Store),
    /// At hand: one for each item, if it exists.
    Held(&'a [Option<&'a [u8]>]),
}

impl Objects<'_> {
    fn read(&self, at: usize, item: &Item, range: ByteRange) -> Result<Option<Coded<'_>>> {
        let read = |store: &dyn ReadRanges, location: &str| {
            Ok(pollster::block_on(store.read(location, range, &SCRATCH))?.map(Coded::Pooled))
        };
        match self {
            Self::Folder(store) => read(*store, &item.location),
            Self::Store(store) => read(store.reads(), &store.name(&item.location)),
            Self::Held(held) => {
                let Some(bytes) = held.get(at).copied().flatten() else {
                    return Ok(None);
                };
                let part = range.resolve(bytes.len() as u64);
                let ends = usize::try_from(part.start)
                    .ok()
                    .zip(usize::try_from(part.end).ok());
                let part = ends.and_then(|(start, end)| bytes.get(start..end));
                let is_short = |part: &&[u8]| match range {
                    ByteRange::Suffix(length) => (part.len() as u64) < length,
                    _ => false,
                };
                part.filter(|part| !is_short(part))
                    .map(|part| Some(Coded::Lent(part)))
                    .ok_or_else(|| {
                        Error::corrupt(format!("an object of {} bytes ends too early", bytes.len()))
                    })
            }
        }
    }

    fn is_remote(&self) -> bool {
        matches!(self, Self::Store(store) if store.reads().is_remote())
    }

    fn url_of(&self, item: &Item) -> String {
        match self {
            Self::Folder(store) => store.url_of(&item.location),
            Self::Store(store) => store.reads().url_of(&store.name(&item.location)),
            Self::Held(_) => item.location.clone(),
        }
    }
}

/// What was found of an object.
#[derive(Debug)]
enum Found {
    Absent,
    Done,
    Shard(Wanted, Vec<Run>),
}

/// Reads what is picked of every object to its place, and says which objects exist. Elements of others are the fill value.
///
/// # Errors
/// Those of the store, and [`craton_core::ErrorKind::Corrupt`] for damaged objects.
pub fn read(
    items: &[Item],
    objects: &Objects<'_>,
    memory: &Memory<'_>,
    threads: usize,
) -> Result<Vec<bool>> {
    let threads = match objects.is_remote() {
        true => threads.max(REQUESTS),
        false => threads,
    };
    // First what is one chunk, and the indexes of shards; then the inner chunks.
    let found: Vec<OnceLock<Found>> = items.iter().map(|_| OnceLock::new()).collect();
    side_by_side(items.len(), threads, |at| {
        let item = &items[at];
        let made = find(at, item, objects, memory);
        let made = made.map_err(|error| error.at(objects.url_of(item)))?;
        // OK to ignore: nobody else sets it.
        let _ = found[at].set(made);
        Ok(())
    })?;
    let runs: Vec<(usize, &Wanted, &Run)> = found
        .iter()
        .enumerate()
        .flat_map(|(at, found)| match found.get() {
            Some(Found::Shard(wanted, runs)) => runs.iter().map(|run| (at, wanted, run)).collect(),
            _ => Vec::new(),
        })
        .collect();
    side_by_side(runs.len(), threads, |number| {
        let (at, wanted, run) = runs[number];
        let item = &items[at];
        read_run(at, item, objects, memory, wanted, run)
            .map_err(|error| error.at(objects.url_of(item)))
    })?;
    tidy();
    let is_there = |found: &OnceLock<Found>| !matches!(found.get(), None | Some(Found::Absent));
    Ok(found.iter().map(is_there).collect())
}

fn find(at: usize, item: &Item, objects: &Objects<'_>, memory: &Memory<'_>) -> Result<Found> {
    let form = &item.form;
    if let Some(range) = form.index_range() {
        let Some(index) = objects.read(at, item, range)? else {
            form.fill(&item.pick, memory)?;
            return Ok(Found::Absent);
        };
        let wanted = form.wanted(&index, &item.pick, &SCRATCH)?;
        form.fill_missing(&wanted, memory)?;
        let runs = match objects.is_remote() {
            true => wanted.runs(REMOTE_GAP, REMOTE_AT_ONCE),
            false => wanted.runs(GAP, AT_ONCE),
        };
        return Ok(Found::Shard(wanted, runs));
    }
    if let Objects::Folder(store) = objects
        && form.is_plain(memory)
        && let Some(out) = form.place(&item.pick, memory)
    {
        if store.read_into(&item.location, out)? {
            return Ok(Found::Done);
        }
    } else if let Some(encoded) = objects.read(at, item, ByteRange::Whole)? {
        form.read(&encoded, &item.pick, memory, &SCRATCH)?;
        return Ok(Found::Done);
    }
    form.fill(&item.pick, memory)?;
    Ok(Found::Absent)
}

fn read_run(
    at: usize,
    item: &Item,
    objects: &Objects<'_>,
    memory: &Memory<'_>,
    wanted: &Wanted,
    run: &Run,
) -> Result<()> {
    let range = ByteRange::Bounded {
        offset: run.range.start,
        length: run.range.end - run.range.start,
    };
    let bytes = objects
        .read(at, item, range)?
        .ok_or_else(|| Error::corrupt("a shard was removed while it was read"))?;
    item.form.read_run(wanted, run, &bytes, memory, &SCRATCH)
}

/// Puts runs of a shard, whose bytes were fetched by the caller, to their places.
///
/// # Errors
/// As [`read`].
pub fn read_runs(
    item: &Item,
    wanted: &Wanted,
    runs: &[(Run, &[u8])],
    memory: &Memory<'_>,
    threads: usize,
) -> Result<()> {
    item.form.fill_missing(wanted, memory)?;
    side_by_side(runs.len(), threads, |number| {
        let (run, bytes) = &runs[number];
        let read = item.form.read_run(wanted, run, bytes, memory, &SCRATCH);
        read.map_err(|error| error.at(&item.location))
    })?;
    tidy();
    Ok(())
}

/// Which inner chunks of a shard an item wants, from the bytes of its index, and the runs of bytes to fetch for them.
///
/// # Errors
/// As [`read`].
pub fn locate(item: &Item, index: &[u8]) -> Result<(Wanted, Vec<Run>)> {
    let wanted = item.form.wanted(index, &item.pick, &SCRATCH);
    let wanted = wanted.map_err(|error| error.at(&item.location))?;
    let runs = wanted.runs(REMOTE_GAP, REMOTE_AT_ONCE);
    Ok((wanted, runs))
}

/// Writes objects into a folder; each shows when it is whole. Objects that come to hold nothing are removed.
///
/// # Errors
/// Those of the file system; [`craton_core::ErrorKind::Corrupt`] if what is partly overwritten is damaged.
pub fn write(
    items: &[Item],
    folder: &LocalStore,
    memory: &Memory<'_>,
    empty: Empty,
    threads: usize,
) -> Result<()> {
    let objects = Objects::Folder(folder);
    encode_each(items, &objects, memory, empty, threads, |at, pieces| {
        let location = &items[at].location;
        let Some(pieces) = pieces else {
            return folder.remove_tree(location);
        };
        let mut file = folder.begin(location)?;
        pieces.iter().try_for_each(|piece| file.append(piece))?;
        file.commit()
    })
}

/// The encoded bytes of every object, given what is there so far; `None` for those that are to be gone.
///
/// # Errors
/// As [`write()`].
pub fn encode(
    items: &[Item],
    there: &[Option<&[u8]>],
    memory: &Memory<'_>,
    empty: Empty,
    threads: usize,
) -> Result<Vec<Option<Vec<u8>>>> {
    let made: Vec<Mutex<Option<Vec<u8>>>> = items.iter().map(|_| Mutex::default()).collect();
    let objects = Objects::Held(there);
    encode_each(items, &objects, memory, empty, threads, |at, pieces| {
        *lock(&made[at]) = pieces.map(|pieces| {
            let slices: Vec<&[u8]> = pieces.iter().map(|piece| &**piece).collect();
            slices.concat()
        });
        Ok(())
    })?;
    let unwrapped = made
        .into_iter()
        .map(|made| made.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(unwrapped.collect())
}

/// A shard that several threads encode parts of.
struct Sharded<'a> {
    shard: NewShard<'a>,
    parts: Vec<OnceLock<Part>>,
    left: AtomicUsize,
}

type Pieces<'a, 'b> = Option<&'a [Coded<'b>]>;

fn encode_each(
    items: &[Item],
    objects: &Objects<'_>,
    memory: &Memory<'_>,
    empty: Empty,
    threads: usize,
    done: impl Fn(usize, Pieces<'_, '_>) -> Result<()> + Sync,
) -> Result<()> {
    let inner_at_once = |item: &Item| {
        let (count, bytes) = item.form.inner_chunks()?;
        Some((
            count,
            (ENCODED_AT_ONCE / bytes.max(1)).clamp(1, count.max(1)),
        ))
    };
    let mut tasks: Vec<(usize, std::ops::Range<usize>)> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        match inner_at_once(item) {
            None => tasks.push((at, 0..1)),
            Some((count, step)) => {
                let starts = (0..count).step_by(step);
                tasks.extend(starts.map(|start| (at, start..(start + step).min(count))));
            }
        }
    }
    let there = |at: usize| match items[at].is_partial() {
        true => objects.read(at, &items[at], ByteRange::Whole),
        false => Ok(None),
    };
    let shards: Vec<Mutex<Option<Arc<Sharded<'_>>>>> =
        items.iter().map(|_| Mutex::default()).collect();
    let work = |number: usize| {
        let (at, positions) = tasks[number].clone();
        let item = &items[at];
        let Some((count, step)) = inner_at_once(item) else {
            let there = there(at)?;
            let made = item
                .form
                .write(there.as_deref(), &item.pick, memory, empty, &SCRATCH)?;
            let made = made.map(Coded::Shared);
            return done(at, made.as_ref().map(std::slice::from_ref));
        };
        let sharded = {
            // Whoever comes first begins the shard; others wait for it.
            let mut slot = lock(&shards[at]);
            match &*slot {
                Some(begun) => begun.clone(),
                None => {
                    let shard = item.form.new_shard(there(at)?, &item.pick, &SCRATCH)?;
                    let shard =
                        shard.ok_or_else(|| Error::internal("a chunk was taken for a shard"))?;
                    let parts = count.div_ceil(step);
                    let begun = Arc::new(Sharded {
                        shard,
                        parts: (0..parts).map(|_| OnceLock::new()).collect(),
                        left: AtomicUsize::new(parts),
                    });
                    slot.insert(begun).clone()
                }
            }
        };
        let part_number = positions.start / step;
        let part = sharded.shard.part(positions, memory, empty, &SCRATCH)?;
        // OK to ignore: nobody else sets it.
        let _ = sharded.parts[part_number].set(part);
        if sharded.left.fetch_sub(1, Ordering::AcqRel) > 1 {
            return Ok(());
        }
        let parts: Vec<&Part> = sharded.parts.iter().filter_map(OnceLock::get).collect();
        let pieces = sharded.shard.pieces(&parts, &SCRATCH)?;
        done(at, pieces.as_deref())?;
        lock(&shards[at]).take();
        Ok(())
    };
    side_by_side(tasks.len(), threads, |number| {
        work(number).map_err(|error| error.at(objects.url_of(&items[tasks[number].0])))
    })?;
    tidy();
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives scratch back to the system where it is much.
fn tidy() {
    if SCRATCH.usage().cached > KEPT {
        SCRATCH.trim();
    }
}
