//! Reads of the next tasks, under way while workers compute.
//!
//! One thread goes through the tasks in order, some at a time: it locates their chunks, joins ranges that lie side
//! by side, waits until there is room for all of them, and reads. A worker begins a task once its reads are under
//! way, and takes each chunk's bytes when it wants them.
//!
//! Nobody waits in a circle: tasks are gone through in order, a task begins only when room for all its reads is
//! given, and so what later reads wait for is always held by tasks that can finish.

use crate::cache::Key;
use crate::coalesce::{MOST_BETWEEN, MOST_TOGETHER, coalesce};
use crate::control::{Control, count};
use crate::fetch::{bounds, decoded_bytes};
use crate::stage::{Path, Uses, paths};
use crate::wait::PATIENCE;
use craton_core::{
    Buffer, ByteRange, ChunkRef, Error, ErrorKind, MissingMeans, Placement, Pool, Result, Source,
    StoredRange,
};
use craton_plan::physical::Stage;
use futures_util::future::{Either, join_all, poll_fn, select};
use futures_util::stream::{self, StreamExt};
use futures_util::task::AtomicWaker;
use std::collections::HashMap;
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// Bytes that the chunks located at a time decode to, at most, unless a single task needs more.
const BATCH: u64 = 16 << 20;
/// Chunks located at a time, at most; tasks that need more locate theirs themselves.
const MOST_CHUNKS: usize = 1024;
/// Reads that are under way at once.
const MOST_UNDER_WAY: usize = 64;
/// Decoded bytes of a chunk that is worth reading with its neighbours from a local file, at most.
const MOST_SMALL: u64 = 512 << 10;
/// Room for reads from local files: two batches, so that one is read while the other is used.
const LOCAL_ROOM: u64 = 2 * BATCH;
/// Room for reads over a network: what a fast one sends while a slow one answers.
const REMOTE_ROOM: u64 = 128 << 20;

/// The bytes that reading ahead may hold of those that are `left`; 0 where it does not pay.
pub(crate) fn room(stage: &Stage, left: u64) -> u64 {
    let (mut placement, mut chunk, mut most) = (Placement::default(), 0u64, 0u64);
    for path in paths(&stage.space) {
        let meta = path.source.meta();
        placement = placement.or(path.source.placement());
        let size = meta.dtype.item_size().unwrap_or(1) as u64;
        let axes = meta.grid.axes.iter();
        let largest = axes.fold(size, |bytes, axis| {
            bytes.saturating_mul(axis.largest_encoded())
        });
        chunk = chunk.max(largest);
        let chunks = meta.grid.axes.iter().map(craton_core::AxisGrid::len);
        most = most.saturating_add(chunks.fold(1, u64::saturating_mul));
    }
    if most <= 1 {
        return 0;
    }
    if placement.is_remote {
        let room = left.min(REMOTE_ROOM);
        return if room < chunk { 0 } else { room };
    }
    // A local file is read fast enough by who wants it, into memory that is warm; only small chunks are better read
    // together.
    let is_small = chunk <= MOST_SMALL;
    let pays = placement.shares_objects && is_small && stage.task_count() > 1;
    let room = left.min(LOCAL_ROOM);
    if pays && room >= MOST_TOGETHER {
        room
    } else {
        0
    }
}

/// What is known of a chunk before a worker asks for it.
pub(crate) enum Ready {
    /// Where it is.
    Located(ChunkRef),
    /// Its encoded bytes.
    Read(Slice, StoredRange),
}

/// A chunk's part of what was read.
pub(crate) struct Slice {
    joined: Arc<Joined>,
    range: Range<usize>,
}

impl Slice {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.joined.bytes[self.range.clone()]
    }
}

/// What one request gave, and the room that it takes.
struct Joined {
    bytes: Buffer,
    _room: Room,
}

/// The reads of one pass.
pub(crate) struct Ahead<'a> {
    stage: &'a Stage,
    paths: Vec<Path<'a>>,
    uses: &'a Uses,
    control: &'a Control,
    pool: Pool,
    room: Arc<RoomLeft>,
    state: Mutex<State>,
    changed: Condvar,
    stopped: AtomicBool,
    stopper: AtomicWaker,
}

#[derive(Default)]
struct State {
    /// Tasks before this one have their reads under way.
    planned: u64,
    entries: HashMap<Key, Entry>,
    /// Chunks that were read for a task, to be let go when it is done.
    of_task: HashMap<u64, Vec<Key>>,
    /// Whether nothing more will come.
    is_over: bool,
}

enum Entry {
    Coming,
    Ready(Ready),
    Failed(Error),
}

/// A chunk that a task will ask for.
struct Wanted<'a> {
    task: u64,
    key: Key,
    source: &'a Arc<dyn Source>,
}

/// One read, and the chunks in it.
struct Request {
    range: ByteRange,
    members: Vec<(Key, StoredRange)>,
    room: Room,
}

/// Where the reader stands.
#[derive(Default)]
struct Planner {
    task: u64,
    /// Chunks that several tasks want, and how many of them are still to come.
    seen: HashMap<Key, u64>,
}

impl<'a> Ahead<'a> {
    /// Nothing read yet. `pool` is the room.
    pub(crate) fn new(stage: &'a Stage, uses: &'a Uses, control: &'a Control, pool: Pool) -> Self {
        Self {
            stage,
            paths: paths(&stage.space),
            uses,
            control,
            room: Arc::new(RoomLeft {
                bytes: AtomicU64::new(pool.limit() as u64),
                waker: AtomicWaker::new(),
            }),
            pool,
            state: Mutex::default(),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
            stopper: AtomicWaker::new(),
        }
    }

    /// Reads for all tasks, until there are none or [`Ahead::stop`] is called.
    pub(crate) fn run(&self) {
        // Told on the way out too if a source panics: workers then do everything themselves, and meet the cause.
        let _over = Over(self);
        let batches = stream::unfold(Planner::default(), |planner| self.batch(planner));
        let requests = batches.map(stream::iter).flatten();
        let all = requests.for_each_concurrent(MOST_UNDER_WAY, |request| self.read(request));
        let stopped = poll_fn(|context| {
            self.stopper.register(context.waker());
            match self.stopped.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
        match pollster::block_on(select(pin!(stopped), pin!(all))) {
            Either::Left(_) | Either::Right(_) => {}
        }
    }

    /// Ends [`Ahead::run`] early.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.stopper.wake();
    }

    /// Waits until the reads of `task` are under way.
    pub(crate) fn begin(&self, task: u64, check: impl Fn() -> Result<()>) -> Result<()> {
        let mut state = self.lock();
        while state.planned <= task && !state.is_over {
            check()?;
            state = self.wait(state);
        }
        Ok(())
    }

    /// What is known of a chunk, once; `None` if nobody looked for it.
    pub(crate) fn take(&self, key: &Key, check: impl Fn() -> Result<()>) -> Result<Option<Ready>> {
        let mut state = self.lock();
        while matches!(state.entries.get(key), Some(Entry::Coming)) && !state.is_over {
            check()?;
            state = self.wait(state);
        }
        match state.entries.remove(key) {
            Some(Entry::Ready(ready)) => Ok(Some(ready)),
            Some(Entry::Failed(error)) => Err(error),
            Some(Entry::Coming) | None => Ok(None),
        }
    }

    /// Lets go of what was read for a task that is done.
    pub(crate) fn finish(&self, task: u64) {
        let mut state = self.lock();
        for key in state.of_task.remove(&task).unwrap_or_default() {
            state.entries.remove(&key);
        }
    }

    /// Locates the chunks of the next tasks, and gives the requests that read them, with room for all.
    async fn batch(&self, mut planner: Planner) -> Option<(Vec<Request>, Planner)> {
        if planner.task >= self.stage.task_count() {
            return None;
        }
        let (wanted, end) = self.next_tasks(&mut planner);
        let located = wanted
            .iter()
            .map(|wanted| wanted.source.locate(&wanted.key.1));
        let located = join_all(located).await;
        let (mut entries, mut ranges, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        let mut near = Vec::new();
        let mut of_task: HashMap<u64, Vec<Key>> = HashMap::new();
        for (wanted, found) in wanted.into_iter().zip(located) {
            let Wanted { task, key, source } = wanted;
            of_task.entry(task).or_default().push(key.clone());
            match found {
                Ok(ChunkRef::Stored(stored)) => match bounds(&stored) {
                    Some(range) => {
                        let object = (Arc::as_ptr(&stored.store).addr(), stored.location.clone());
                        ranges.push((object, range));
                        near.push(Some((key, stored)));
                    }
                    None => whole.push((most_bytes(source, &key.1, &stored), key, stored)),
                },
                Ok(found) => entries.push((key, Entry::Ready(Ready::Located(found)))),
                Err(error) => entries.push((key, Entry::Failed(error))),
            }
        }
        let mut reads = Vec::new();
        for together in coalesce(&ranges, MOST_BETWEEN, MOST_TOGETHER) {
            let members = together.members.iter().map(|at| near[*at].take());
            let (offset, length) = (together.span.start, together.span.end - together.span.start);
            let range = ByteRange::Bounded { offset, length };
            reads.push((length, range, members.flatten().collect::<Vec<_>>()));
        }
        for (most, key, stored) in whole {
            reads.push((most, stored.range, vec![(key, stored)]));
        }
        let (mut total, limit) = (0, self.pool.limit() as u64);
        let mut requests = Vec::new();
        for (most, range, members) in reads {
            let room = usize::try_from(most).map_or(u64::MAX, |most| Pool::rounded(most) as u64);
            // What does not fit is read by who wants it.
            if room > limit - total {
                let located =
                    |(key, stored)| (key, Entry::Ready(Ready::Located(ChunkRef::Stored(stored))));
                entries.extend(members.into_iter().map(located));
                continue;
            }
            total += room;
            entries.extend(members.iter().map(|(key, _)| (key.clone(), Entry::Coming)));
            requests.push((room, range, members));
        }
        self.room.take(total).await;
        let requests = requests.into_iter().map(|(room, range, members)| Request {
            range,
            members,
            room: Room {
                bytes: room,
                left: self.room.clone(),
            },
        });
        let requests = requests.collect();
        let mut state = self.lock();
        state.entries.extend(entries);
        state.of_task.extend(of_task);
        state.planned = end;
        self.changed.notify_all();
        drop(state);
        planner.task = end;
        Some((requests, planner))
    }

    /// The chunks that the next tasks will ask for, and the task after them.
    fn next_tasks(&self, planner: &mut Planner) -> (Vec<Wanted<'_>>, u64) {
        let (mut all, mut bytes) = (Vec::new(), 0u64);
        let mut task = planner.task;
        while task < self.stage.task_count() && all.len() < MOST_CHUNKS && bytes < BATCH {
            let ranges = self.stage.task(task);
            for path in &self.paths {
                for index in indices(path.positions(&ranges)) {
                    let (number, uses) = self.uses.of(path.leaf, &index);
                    let key = (number, index);
                    if uses <= 1 || is_first(&mut planner.seen, &key, uses) {
                        bytes = bytes.saturating_add(decoded_bytes(path.source, &key.1));
                        all.push(Wanted {
                            task,
                            key,
                            source: path.source,
                        });
                    }
                }
            }
            task += 1;
        }
        (all, task)
    }

    async fn read(&self, request: Request) {
        let Request {
            range,
            members,
            mut room,
        } = request;
        let Some((_, first)) = members.first() else {
            return;
        };
        let read = first.store.read(&first.location, range, &self.pool).await;
        count(&self.control.requests, 1);
        let found: Vec<(Key, Entry)> = match read {
            Ok(Some(bytes)) => {
                count(&self.control.bytes_read, bytes.len() as u64);
                room.shrink(Pool::rounded(bytes.len()) as u64);
                let start = match range {
                    ByteRange::Bounded { offset, .. } => offset,
                    ByteRange::Whole | ByteRange::Suffix(_) => 0,
                };
                let joined = Arc::new(Joined {
                    bytes: bytes.freeze(),
                    _room: room,
                });
                let slice = |stored: &StoredRange| {
                    let part = bounds(stored).map_or(0..joined.bytes.len(), |part| {
                        // OK to count in `usize`: the span lies in memory, and the chunk within the span.
                        (part.start - start) as usize..(part.end - start) as usize
                    });
                    Slice {
                        joined: joined.clone(),
                        range: part,
                    }
                };
                let members = members.into_iter();
                let ready = members.map(|(key, stored)| {
                    let slice = slice(&stored);
                    (key, Entry::Ready(Ready::Read(slice, stored)))
                });
                ready.collect()
            }
            other => {
                let failed = other.err();
                let each = members.into_iter().map(|(key, stored)| {
                    let entry = without_bytes(failed.as_ref(), stored);
                    (key, entry)
                });
                each.collect()
            }
        };
        let mut state = self.lock();
        for (key, entry) in found {
            // A task that is done wants it no more.
            if let Some(place) = state.entries.get_mut(&key) {
                *place = entry;
            }
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // OK to go on after a panic elsewhere: entries are put in and taken out whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'b>(&self, state: MutexGuard<'b, State>) -> MutexGuard<'b, State> {
        let waited = self.changed.wait_timeout(state, PATIENCE);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What a chunk is when its read gave no bytes.
fn without_bytes(failed: Option<&Error>, stored: StoredRange) -> Entry {
    match failed {
        None if stored.if_missing == MissingMeans::FillValue => {
            Entry::Ready(Ready::Located(ChunkRef::Missing))
        }
        // Read again by who wants it, alone and with more room, it works or tells which chunk is to blame.
        None => Entry::Ready(Ready::Located(ChunkRef::Stored(stored))),
        Some(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Budget) => {
            Entry::Ready(Ready::Located(ChunkRef::Stored(stored)))
        }
        Some(error) => Entry::Failed(error.again()),
    }
}

/// Whether no earlier task wants the chunk.
fn is_first(seen: &mut HashMap<Key, u64>, key: &Key, uses: u64) -> bool {
    let Some(left) = seen.get_mut(key) else {
        seen.insert(key.clone(), uses - 1);
        return true;
    };
    *left -= 1;
    if *left == 0 {
        seen.remove(key);
    }
    false
}

/// Every combination of positions, unless there are too many.
fn indices(positions: Option<Vec<Vec<u64>>>) -> Vec<Vec<u64>> {
    let Some(positions) = positions else {
        return Vec::new();
    };
    let count = positions.iter().map(Vec::len);
    if count.fold(1, usize::saturating_mul) > MOST_CHUNKS {
        return Vec::new();
    }
    let mut all = vec![Vec::new()];
    for along in positions {
        let longer = all.iter().flat_map(|index: &Vec<u64>| {
            along.iter().map(move |at| {
                let mut index = index.clone();
                index.push(*at);
                index
            })
        });
        all = longer.collect();
    }
    all
}

/// The bytes of an object of which the length is not known: what its chunk decodes to, and a little more, because
/// what does not compress becomes longer.
fn most_bytes(source: &Arc<dyn Source>, index: &[u64], stored: &StoredRange) -> u64 {
    match stored.range {
        ByteRange::Suffix(length) => length,
        _ => {
            let decoded = decoded_bytes(source, index);
            decoded.saturating_add(decoded / 64 + 1024)
        }
    }
}

/// Tells the workers that nothing more will come.
struct Over<'a, 'b>(&'a Ahead<'b>);

impl Drop for Over<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

/// Bytes that may still be read ahead.
struct RoomLeft {
    bytes: AtomicU64,
    waker: AtomicWaker,
}

impl RoomLeft {
    /// Waits until `bytes` are left, and takes them. Only one may wait.
    async fn take(&self, bytes: u64) {
        poll_fn(|context| {
            self.waker.register(context.waker());
            // OK in two steps, because nobody else takes any.
            if self.bytes.load(Ordering::SeqCst) < bytes {
                return Poll::Pending;
            }
            self.bytes.fetch_sub(bytes, Ordering::SeqCst);
            Poll::Ready(())
        })
        .await;
    }
}

/// Bytes taken from what is left, given back on drop.
struct Room {
    bytes: u64,
    left: Arc<RoomLeft>,
}

impl Room {
    fn shrink(&mut self, bytes: u64) {
        let less = self.bytes.saturating_sub(bytes);
        self.bytes -= less;
        self.left.give_back(less);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.left.give_back(self.bytes);
    }
}

impl RoomLeft {
    fn give_back(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        self.waker.wake();
    }
}
