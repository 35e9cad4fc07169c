//! Chunk indexes of every kind, read once into one compact table.

mod arrays;
mod trees;

use super::cursor::UNDEFINED;
use super::messages::{Chunked, IndexKind};
use super::superblock::Widths;
use crate::ranges::RangeCache;
use craton_core::{Error, Result};
use std::collections::HashMap;

/// A chunk's place in the file, as an index tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The chunk's number, counted in C order over the grid.
    number: u64,
    address: u64,
    length: u64,
    mask: u32,
}

/// Where a chunk is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first byte, counted from the start of the file.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
    /// Which filters were not applied.
    pub mask: u32,
}

/// What an index needs to know of its dataset.
#[derive(Debug, Clone)]
pub struct Geometry {
    /// The stored extent along each axis.
    pub shape: Vec<u64>,
    /// The largest extent along each axis, all ones for any.
    pub most: Vec<u64>,
    /// Elements of a chunk along each axis.
    pub chunk: Vec<u64>,
    /// Bytes of a chunk before filters.
    pub chunk_bytes: u64,
    /// Whether there are filters.
    pub is_filtered: bool,
}

/// Counts chunks: numbers by coordinates, for chunks inside the extent.
#[derive(Debug, Clone)]
pub struct Counter {
    counts: Vec<u64>,
}

impl Counter {
    /// The grid of chunks over the stored extent.
    ///
    /// # Errors
    /// Unsupported if there are more than 2^64 chunks.
    pub fn new(geometry: &Geometry) -> Result<Self> {
        let counts: Vec<u64> = geometry
            .shape
            .iter()
            .zip(&geometry.chunk)
            .map(|(extent, chunk)| extent.div_ceil(*chunk))
            .collect();
        counts
            .iter()
            .try_fold(1u64, |total, count| total.checked_mul(*count))
            .ok_or_else(|| Error::unsupported(format!("a dataset of {counts:?} chunks")))?;
        Ok(Self { counts })
    }

    /// The number of the chunk at `index`; `None` past the extent, where stale chunks may remain.
    pub fn number(&self, index: impl IntoIterator<Item = u64>) -> Option<u64> {
        let mut number = 0;
        for (position, count) in index.into_iter().zip(&self.counts) {
            if position >= *count {
                return None;
            }
            number = number * count + position;
        }
        Some(number)
    }

    fn total(&self) -> u64 {
        self.counts.iter().product()
    }
}

/// Where every stored chunk of a dataset is.
#[derive(Debug)]
pub struct ChunkTable {
    counter: Counter,
    /// The numbers of the stored chunks in order; `None` where every chunk is stored.
    numbers: Option<Vec<u64>>,
    offsets: Vec<u64>,
    lengths: Lengths,
    /// Filter masks that are not zero, which are rare.
    masks: HashMap<u64, u32>,
}

#[derive(Debug)]
enum Lengths {
    Same(u64),
    Each(Vec<u32>),
    Long(Vec<u64>),
}

impl ChunkTable {
    /// Reads the index at the place that `chunked` names.
    ///
    /// # Errors
    /// Corrupt or unsupported, and what the store says.
    pub async fn read(
        cache: &mut RangeCache,
        widths: Widths,
        chunked: &Chunked,
        geometry: &Geometry,
    ) -> Result<Self> {
        let counter = Counter::new(geometry)?;
        let mut entries = Vec::new();
        if chunked.address != UNDEFINED && counter.total() > 0 {
            let walk = Walk {
                cache,
                widths,
                geometry,
                counter: &counter,
                entries: &mut entries,
            };
            match chunked.index {
                IndexKind::BTree1 => trees::version_1(walk, chunked.address).await?,
                IndexKind::BTree2 => trees::version_2(walk, chunked.address).await?,
                IndexKind::FixedArray => arrays::fixed(walk, chunked.address).await?,
                IndexKind::ExtensibleArray => arrays::extensible(walk, chunked.address).await?,
                IndexKind::Implicit => arrays::implicit(walk, chunked.address)?,
                IndexKind::Single(filtered) => {
                    let (length, mask) = filtered.unwrap_or((geometry.chunk_bytes, 0));
                    entries.push(Entry {
                        number: 0,
                        address: chunked.address,
                        length,
                        mask,
                    });
                }
            }
        }
        Ok(Self::from_entries(counter, entries, widths.base))
    }

    fn from_entries(counter: Counter, mut entries: Vec<Entry>, base: u64) -> Self {
        if !entries.is_sorted_by_key(|entry| entry.number) {
            entries.sort_by_key(|entry| entry.number);
        }
        entries.dedup_by_key(|entry| entry.number);
        let is_dense = entries.len() as u64 == counter.total();
        let first_length = entries.first().map_or(0, |entry| entry.length);
        let lengths = if entries.iter().all(|entry| entry.length == first_length) {
            Lengths::Same(first_length)
        } else {
            let short = entries
                .iter()
                .map(|entry| u32::try_from(entry.length).ok())
                .collect();
            match short {
                Some(lengths) => Lengths::Each(lengths),
                None => Lengths::Long(entries.iter().map(|entry| entry.length).collect()),
            }
        };
        Self {
            numbers: (!is_dense).then(|| entries.iter().map(|entry| entry.number).collect()),
            offsets: entries
                .iter()
                .map(|entry| entry.address.saturating_add(base))
                .collect(),
            lengths,
            masks: entries
                .iter()
                .filter(|entry| entry.mask != 0)
                .map(|entry| (entry.number, entry.mask))
                .collect(),
            counter,
        }
    }

    /// Where the chunk at `index` is, if it is stored.
    #[must_use]
    pub fn find(&self, index: &[u64]) -> Option<Place> {
        let number = self.counter.number(index.iter().copied())?;
        let at = match &self.numbers {
            Some(numbers) => numbers.binary_search(&number).ok()?,
            None => usize::try_from(number).ok()?,
        };
        let length = match &self.lengths {
            Lengths::Same(length) => *length,
            Lengths::Each(lengths) => u64::from(*lengths.get(at)?),
            Lengths::Long(lengths) => *lengths.get(at)?,
        };
        let mask = self.masks.get(&number).copied().unwrap_or(0);
        Some(Place {
            offset: *self.offsets.get(at)?,
            length,
            mask,
        })
    }

    /// How many chunks are stored.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether no chunk is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }
}

/// A walk over an index that collects entries.
struct Walk<'a> {
    cache: &'a mut RangeCache,
    widths: Widths,
    geometry: &'a Geometry,
    counter: &'a Counter,
    entries: &'a mut Vec<Entry>,
}

impl Walk<'_> {
    /// Adds a chunk, unless it is not stored or lies past the extent.
    fn add(&mut self, index: impl IntoIterator<Item = u64>, address: u64, length: u64, mask: u32) {
        if address == UNDEFINED {
            return;
        }
        if let Some(number) = self.counter.number(index) {
            self.entries.push(Entry {
                number,
                address,
                length,
                mask,
            });
        }
    }
}
