//! Finds an inner chunk in its shard, reading each shard's index once.

use super::layout::ShardLevel;
use craton_core::{Buffer, ByteRange, Error, Pool, ReadRanges, Result};
use futures_util::lock::Mutex as AsyncMutex;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of indices (and of unwrapped shards) that one array keeps.
const CACHE_LIMIT: usize = 64 << 20;

/// Where bytes are: in the store, or already in memory.
#[derive(Debug, Clone)]
pub(super) enum Bytes {
    Stored {
        location: Arc<str>,
        range: ByteRange,
    },
    Held {
        buffer: Buffer,
        range: Range<usize>,
    },
}

/// What is known of one shard.
#[derive(Debug)]
pub(super) struct Shard {
    /// The shard without its wrapping codecs, if it has any.
    unwrapped: Option<Buffer>,
    /// Offset and length of each inner chunk.
    entries: Vec<[u64; 2]>,
}

type Slot = Arc<AsyncMutex<Option<Option<Arc<Shard>>>>>;

/// Recently used shards of one array, oldest out first.
#[derive(Debug, Default)]
pub(super) struct ShardCache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    slots: HashMap<Vec<u64>, Slot>,
    order: VecDeque<(Vec<u64>, usize)>,
    bytes: usize,
}

impl ShardCache {
    /// The shard under `key`, made by `make` if it is not here; makers of the same shard wait for the first.
    pub async fn get(
        &self,
        key: Vec<u64>,
        make: impl Future<Output = Result<Option<Shard>>>,
    ) -> Result<Option<Arc<Shard>>> {
        let slot = self.with(|state| state.slots.entry(key.clone()).or_default().clone());
        let mut held = slot.lock().await;
        if let Some(known) = &*held {
            return Ok(known.clone());
        }
        let made = match make.await {
            Ok(made) => made.map(Arc::new),
            Err(error) => {
                self.with(|state| state.slots.remove(&key));
                return Err(error);
            }
        };
        *held = Some(made.clone());
        let cost = 64 + key.len() * 8 + made.as_ref().map_or(0, |shard| shard.cost());
        self.with(|state| state.keep(key, cost));
        Ok(made)
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn keep(&mut self, key: Vec<u64>, cost: usize) {
        self.order.push_back((key, cost));
        self.bytes += cost;
        while self.bytes > CACHE_LIMIT && self.order.len() > 1 {
            if let Some((oldest, cost)) = self.order.pop_front() {
                self.slots.remove(&oldest);
                self.bytes -= cost;
            }
        }
    }
}

impl ShardLevel {
    /// Offset and length of each of `count` inner chunks, from the encoded index.
    pub(super) fn entries(
        &self,
        encoded: &[u8],
        count: usize,
        pool: &Pool,
    ) -> Result<Vec<[u64; 2]>> {
        let mut plain = pool.take(count * 16)?;
        self.index
            .decode_elements(encoded, &mut plain, false, pool)?;
        let (numbers, _) = plain.as_chunks::<8>();
        let (pairs, _) = numbers.as_chunks::<2>();
        Ok(pairs
            .iter()
            .map(|pair| pair.map(u64::from_ne_bytes))
            .collect())
    }
}

impl Shard {
    fn cost(&self) -> usize {
        self.entries.len() * 16 + self.unwrapped.as_ref().map_or(0, |buffer| buffer.len())
    }

    /// Reads the index of a shard of `count` inner chunks; `None` if there is no such object.
    pub async fn read(
        store: &dyn ReadRanges,
        level: &ShardLevel,
        count: usize,
        bytes: &Bytes,
        most: usize,
        pool: &Pool,
    ) -> Result<Option<Self>> {
        let mut unwrapped = None;
        let mut source = bytes.clone();
        if let Some(wrapping) = &level.wrapping {
            let Some(whole) = read_part(store, bytes, ByteRange::Whole, pool).await? else {
                return Ok(None);
            };
            let buffer = wrapping.decode_unsized(&whole, most, pool)?.freeze();
            source = Bytes::Held {
                range: 0..buffer.len(),
                buffer: buffer.clone(),
            };
            unwrapped = Some(buffer);
        }
        let length = level.index_length(count);
        let part = if level.is_at_end {
            ByteRange::Suffix(length)
        } else {
            ByteRange::Bounded { offset: 0, length }
        };
        let Some(encoded) = read_part(store, &source, part, pool).await? else {
            return Ok(None);
        };
        let entries = level.entries(&encoded, count, pool)?;
        Ok(Some(Self { unwrapped, entries }))
    }

    /// The bytes of inner chunk `position` of this shard, which itself lies at `bytes`; `None` if it is missing.
    pub fn entry(&self, position: usize, bytes: &Bytes) -> Result<Option<Bytes>> {
        let [offset, length] = match self.entries.get(position) {
            Some([u64::MAX, u64::MAX]) => return Ok(None),
            Some(entry) => *entry,
            None => return Err(Error::internal("inner chunk outside its shard")),
        };
        let outside = || {
            let message =
                format!("the shard index puts an inner chunk of {length} bytes at {offset}");
            Error::corrupt(message)
        };
        if let Some(buffer) = &self.unwrapped {
            return held(buffer, 0..buffer.len(), offset, length)
                .map(Some)
                .ok_or_else(outside);
        }
        match bytes {
            Bytes::Held { buffer, range } => held(buffer, range.clone(), offset, length)
                .map(Some)
                .ok_or_else(outside),
            Bytes::Stored { location, range } => {
                let (base, most) = match range {
                    ByteRange::Bounded { offset, length } => (*offset, *length),
                    _ => (0, u64::MAX),
                };
                let fits = offset.checked_add(length).is_some_and(|end| end <= most);
                let offset = base
                    .checked_add(offset)
                    .filter(|start| fits && start.checked_add(length).is_some());
                let range = ByteRange::Bounded {
                    offset: offset.ok_or_else(outside)?,
                    length,
                };
                Ok(Some(Bytes::Stored {
                    location: location.clone(),
                    range,
                }))
            }
        }
    }
}

fn held(buffer: &Buffer, within: Range<usize>, offset: u64, length: u64) -> Option<Bytes> {
    let start = within.start.checked_add(usize::try_from(offset).ok()?)?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= within.end).then(|| Bytes::Held {
        buffer: buffer.clone(),
        range: start..end,
    })
}

/// `part` of `bytes`, copied into memory; `None` if the object does not exist.
async fn read_part(
    store: &dyn ReadRanges,
    bytes: &Bytes,
    part: ByteRange,
    pool: &Pool,
) -> Result<Option<Buffer>> {
    match bytes {
        Bytes::Stored { location, range } => {
            let range = part_of(*range, part)?;
            Ok(store
                .read(location, range, pool)
                .await?
                .map(craton_core::BufferMut::freeze))
        }
        Bytes::Held { buffer, range } => {
            let size = (range.end - range.start) as u64;
            let wanted = part_of(
                ByteRange::Bounded {
                    offset: range.start as u64,
                    length: size,
                },
                part,
            )?
            .resolve(0);
            let slice = usize::try_from(wanted.start)
                .ok()
                .zip(usize::try_from(wanted.end).ok())
                .and_then(|(start, end)| buffer.get(start..end))
                .ok_or_else(|| too_short(size))?;
            let mut copy = pool.take(slice.len())?;
            copy.copy_from_slice(slice);
            Ok(Some(copy.freeze()))
        }
    }
}

/// A part of a range, as a range of the object.
fn part_of(whole: ByteRange, part: ByteRange) -> Result<ByteRange> {
    let ByteRange::Bounded { offset, length } = whole else {
        return Ok(part);
    };
    let (skip, wanted) = match part {
        ByteRange::Whole => (0, length),
        ByteRange::Bounded { offset, length } => (offset, length),
        ByteRange::Suffix(suffix) => (
            length
                .checked_sub(suffix)
                .ok_or_else(|| too_short(length))?,
            suffix,
        ),
    };
    if skip.checked_add(wanted).is_none_or(|end| end > length) {
        return Err(too_short(length));
    }
    Ok(ByteRange::Bounded {
        offset: offset + skip,
        length: wanted,
    })
}

fn too_short(size: u64) -> Error {
    Error::corrupt(format!("a shard of {size} bytes is shorter than its index"))
}
