//! Restartable parsing over byte ranges: a parser reads from an in-memory cache, says which bytes it
//! lacks, and is run again once they are there.
//!
//! Parsers stay plain functions; only [`RangeCache::fetch`] waits. Every range is checked against the
//! object's size first, so a damaged address is an error and never a read past the end.

use craton_core::{ByteRange, Error, Pool, ReadRanges, Result};
use futures_util::future::try_join_all;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Bytes are fetched in multiples of this.
const BLOCK: u64 = 64 * 1024;
/// More than this is never fetched in one request by speculation.
const LARGEST_READ_AHEAD: u64 = 2 * 1024 * 1024;
/// A cache that holds more than this gives up: no header or index step needs so much at once.
const LARGEST_CACHE: u64 = 256 * 1024 * 1024;
/// Above this, [`RangeCache::trim`] lets go of what it holds.
const TRIM_ABOVE: u64 = 32 * 1024 * 1024;
/// Items that [`RangeCache::run_all`] works on at a time.
const BATCH: usize = 128;

/// Why a parser stopped.
#[derive(Debug)]
pub enum Stop {
    /// These bytes are not in the cache yet.
    Need(Vec<Range<u64>>),
    /// The bytes were there, and wrong.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a restartable parser gives.
pub type Parse<T> = std::result::Result<T, Stop>;

/// Bytes of one object, fetched as parsers ask for them.
#[derive(Debug)]
pub struct RangeCache {
    store: Arc<dyn ReadRanges>,
    location: Arc<str>,
    size: u64,
    /// Fetched bytes by first block; neighbours are not merged.
    blocks: BTreeMap<u64, Arc<[u8]>>,
    held: u64,
    read_ahead: u64,
    pool: Pool,
}

impl RangeCache {
    /// An empty cache over `location`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if the object does not exist, and what the store says.
    pub async fn open(store: Arc<dyn ReadRanges>, location: &str) -> Result<Self> {
        let size = store.size(location).await?.ok_or_else(|| {
            Error::not_found("the file does not exist").at(store.url_of(location))
        })?;
        Ok(Self::with_size(store, location.into(), size))
    }

    /// An empty cache over an object whose size is known.
    #[must_use]
    pub fn with_size(store: Arc<dyn ReadRanges>, location: Arc<str>, size: u64) -> Self {
        Self {
            store,
            location,
            size,
            blocks: BTreeMap::new(),
            held: 0,
            read_ahead: BLOCK,
            pool: Pool::unlimited(),
        }
    }

    /// Bytes of the object.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes `offset..offset + length`.
    ///
    /// # Errors
    /// [`Stop::Need`] if they are not here yet; corrupt if they reach past the end of the object.
    pub fn bytes(&self, offset: u64, length: u64) -> Parse<Cow<'_, [u8]>> {
        let end = offset.checked_add(length).filter(|end| *end <= self.size);
        let Some(end) = end else {
            let message = format!(
                "the file ends at byte {}, but a structure of {length} bytes should start at byte {offset}",
                self.size
            );
            return Err(Error::corrupt(message).into());
        };
        if length == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        if let Some(found) = self.in_one_run(offset, end) {
            return Ok(Cow::Borrowed(found));
        }
        self.gather(offset, end).map(Cow::Owned)
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "positions inside memory we hold"
    )]
    fn in_one_run(&self, offset: u64, end: u64) -> Option<&[u8]> {
        let (start, bytes) = self.blocks.range(..=offset).next_back()?;
        let (from, to) = (offset - start, end - start);
        bytes.get(from as usize..to as usize)
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "positions inside memory we hold"
    )]
    fn gather(&self, offset: u64, end: u64) -> Parse<Vec<u8>> {
        let mut missing = Vec::new();
        let mut at = offset;
        let mut out = Vec::new();
        while at < end {
            let run = self.blocks.range(..=at).next_back();
            match run.filter(|(start, bytes)| at < *start + bytes.len() as u64) {
                Some((start, bytes)) => {
                    let from = (at - start) as usize;
                    let to = (end - start).min(bytes.len() as u64) as usize;
                    if missing.is_empty() {
                        out.extend_from_slice(&bytes[from..to]);
                    }
                    at = start + to as u64;
                }
                None => {
                    let next = self
                        .blocks
                        .range(at..end)
                        .next()
                        .map_or(end, |(start, _)| *start);
                    missing.push(at..next);
                    at = next;
                }
            }
        }
        if missing.is_empty() {
            Ok(out)
        } else {
            Err(Stop::Need(missing))
        }
    }

    /// Fetches `ranges`, widened to whole blocks and a little ahead, all at once.
    ///
    /// # Errors
    /// What the store says; a budget error if parsing would need an unreasonable amount at once.
    pub async fn fetch(&mut self, ranges: Vec<Range<u64>>) -> Result<()> {
        let wanted = self.widen(ranges);
        if wanted.is_empty() {
            return Err(Error::internal(
                "a parser asked for bytes that it already had",
            ));
        }
        let total: u64 = wanted.iter().map(|range| range.end - range.start).sum();
        if self.held.saturating_add(total) > LARGEST_CACHE {
            let message = format!("metadata of more than {LARGEST_CACHE} bytes at once");
            return Err(Error::unsupported(message).at(self.store.url_of(&self.location)));
        }
        // Restarts are few for long structures, because each one fetches twice as much as the last.
        self.read_ahead = (self.read_ahead * 2).min(LARGEST_READ_AHEAD);
        let (store, location, pool) = (&self.store, &self.location, &self.pool);
        let reads = wanted.into_iter().map(|range| async move {
            let bounded = ByteRange::Bounded {
                offset: range.start,
                length: range.end - range.start,
            };
            let bytes = store.read(location, bounded, pool).await?;
            let bytes =
                bytes.ok_or_else(|| Error::not_found("the file does not exist any more"))?;
            Ok::<_, Error>((range.start, Arc::<[u8]>::from(&bytes[..])))
        });
        for (start, bytes) in try_join_all(reads).await? {
            self.held += bytes.len() as u64;
            self.blocks.insert(start, bytes);
        }
        Ok(())
    }

    /// The missing blocks of `ranges` as few disjoint ranges.
    fn widen(&self, ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
        // Many scattered wants mean that reading far ahead of each would be waste.
        let ahead = if ranges.len() > 4 {
            0
        } else {
            self.read_ahead - BLOCK
        };
        let mut widened: Vec<Range<u64>> = ranges
            .into_iter()
            .map(|range| {
                let start = range.start / BLOCK * BLOCK;
                let end = range
                    .end
                    .saturating_add(ahead)
                    .div_ceil(BLOCK)
                    .saturating_mul(BLOCK);
                start..end.min(self.size)
            })
            .collect();
        widened.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<u64>> = Vec::new();
        for range in widened {
            match merged.last_mut() {
                Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
            .into_iter()
            .flat_map(|range| self.without_held(range))
            .collect()
    }

    fn without_held(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut parts = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let held = self.blocks.range(..=at).next_back();
            let held_end = held.map_or(0, |(start, bytes)| start + bytes.len() as u64);
            if held_end > at {
                at = held_end;
                continue;
            }
            let next = self
                .blocks
                .range(at..range.end)
                .next()
                .map_or(range.end, |(start, _)| *start);
            parts.push(at..next);
            at = next;
        }
        parts
    }

    /// Lets go of everything if much is held. Only between steps of a parser that keeps its own state.
    pub fn trim(&mut self) {
        if self.held > TRIM_ABOVE {
            self.blocks.clear();
            self.held = 0;
        }
    }

    /// Runs `parse` until it has all its bytes.
    ///
    /// # Errors
    /// What `parse` or the store says.
    pub async fn run<T>(&mut self, mut parse: impl FnMut(&Self) -> Parse<T>) -> Result<T> {
        loop {
            match parse(self) {
                Ok(value) => return Ok(value),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Need(ranges)) => self.fetch(ranges).await?,
            }
        }
    }

    /// Runs `parse` on every item, fetching what all of them lack together. Each item fails alone.
    ///
    /// # Errors
    /// Only what the store says.
    pub async fn run_all<I, T>(
        &mut self,
        items: &[I],
        parse: impl Fn(&Self, &I) -> Parse<T>,
    ) -> Result<Vec<Result<T>>> {
        let mut results = Vec::with_capacity(items.len());
        // Batches, so that what is held stays bounded however many items there are.
        for batch in items.chunks(BATCH) {
            self.trim();
            results.extend(self.run_batch(batch, &parse).await?);
        }
        Ok(results)
    }

    async fn run_batch<I, T>(
        &mut self,
        items: &[I],
        parse: impl Fn(&Self, &I) -> Parse<T>,
    ) -> Result<Vec<Result<T>>> {
        let mut results: Vec<Option<Result<T>>> = items.iter().map(|_| None).collect();
        loop {
            let mut needs = Vec::new();
            let open = items
                .iter()
                .zip(&mut results)
                .filter(|(_, result)| result.is_none());
            for (item, result) in open {
                match parse(self, item) {
                    Ok(value) => *result = Some(Ok(value)),
                    Err(Stop::Failed(error)) => *result = Some(Err(error)),
                    Err(Stop::Need(ranges)) => needs.extend(ranges),
                }
            }
            if needs.is_empty() {
                return Ok(results.into_iter().flatten().collect());
            }
            self.fetch(needs).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_store::MemoryStore;
    use futures_util::FutureExt;

    fn cache(length: usize) -> (Vec<u8>, RangeCache) {
        let bytes: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
        let objects = BTreeMap::from([("a".to_owned(), bytes.clone())]);
        let store = Arc::new(MemoryStore::new(objects));
        let cache = RangeCache::open(store, "a")
            .now_or_never()
            .unwrap()
            .unwrap();
        (bytes, cache)
    }

    #[test]
    fn a_parser_sees_the_bytes_of_the_object_whatever_was_fetched_before() {
        let (bytes, mut cache) = cache(1_000_000);
        for (offset, length) in [
            (999_000, 1000),
            (70_000, 10),
            (60_000, 300_000),
            (0, 1_000_000),
        ] {
            let found = cache.run(|cache| Ok(cache.bytes(offset, length)?.into_owned()));
            let found = found.now_or_never().unwrap().unwrap();
            assert_eq!(found, bytes[offset as usize..(offset + length) as usize]);
        }
    }

    #[test]
    fn bytes_past_the_end_are_an_error_and_never_fetched() {
        let (_, cache) = cache(10);
        for (offset, length) in [(5, 6), (11, 0), (u64::MAX, 2)] {
            assert!(matches!(cache.bytes(offset, length), Err(Stop::Failed(_))));
        }
    }

    #[test]
    fn items_fail_alone() {
        let (_, mut cache) = cache(300_000);
        let places = [0u64, 299_999, 400_000, 150_000];
        let results = cache.run_all(&places, |cache, at| Ok(cache.bytes(*at, 1)?[0]));
        let results = results.now_or_never().unwrap().unwrap();
        let is_ok: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(is_ok, [true, true, false, true]);
    }
}
