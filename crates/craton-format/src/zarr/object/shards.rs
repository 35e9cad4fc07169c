//! Shards: which of their bytes are wanted, and how they are put together anew.

use super::memory::Memory;
use super::pick::{Cut, Pick};
use super::{Empty, ObjectForm, lengths_of, part};
use crate::zarr::layout::ShardLevel;
use craton_core::{Buffer, BufferMut, ByteRange, Error, Pool, Result};
use std::collections::HashMap;
use std::ops::{Deref, Range};

/// The inner chunks of a shard that a pick touches.
#[derive(Debug)]
pub struct Wanted {
    pub(super) cut: Cut,
    /// Those that are not there, by their number in the cut.
    missing: Vec<usize>,
    /// Those that are, in the order of their bytes.
    there: Vec<(usize, Range<u64>)>,
}

/// Inner chunks that are read together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The bytes of the shard that hold them.
    pub range: Range<u64>,
    /// Which of those that are there.
    chunks: Range<usize>,
}

/// Encoded bytes: somebody else's, or one's own.
#[derive(Debug)]
pub enum Coded<'a> {
    /// Somebody else's.
    Lent(&'a [u8]),
    /// Lent by a pool.
    Pooled(BufferMut),
    /// Shared with others.
    Shared(Buffer),
}

impl Deref for Coded<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Pooled(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Wanted {
    /// Inner chunks whose bytes lie no more than `gap` apart, in runs of `most` bytes or of one.
    #[must_use]
    pub fn runs(&self, gap: u64, most: u64) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (at, (_, range)) in self.there.iter().enumerate() {
            match runs.last_mut() {
                Some(run)
                    if range.start <= run.range.end.saturating_add(gap)
                        && range.end.max(run.range.end) - run.range.start <= most =>
                {
                    run.range.end = run.range.end.max(range.end);
                    run.chunks.end = at + 1;
                }
                _ => runs.push(Run {
                    range: range.clone(),
                    chunks: at..at + 1,
                }),
            }
        }
        runs
    }

    pub(super) fn located(
        &self,
        mut each: impl FnMut(usize, Range<u64>) -> Result<()>,
    ) -> Result<()> {
        self.there
            .iter()
            .try_for_each(|(piece, range)| each(*piece, range.clone()))
    }
}

impl ShardLevel {
    /// The bytes of the index within those of a shard.
    pub(super) fn index_of<'a>(&self, shard: &'a [u8]) -> Result<&'a [u8]> {
        let length = usize::try_from(self.index_length(self.count)).ok();
        let index = length.and_then(|length| {
            if self.is_at_end {
                shard.get(shard.len().checked_sub(length)?..)
            } else {
                shard.get(..length)
            }
        });
        index.ok_or_else(|| {
            let size = shard.len();
            Error::corrupt(format!("a shard of {size} bytes is shorter than its index"))
        })
    }

    /// Inner chunks along each axis.
    fn counts(&self) -> Result<Vec<usize>> {
        let counts: Vec<u64> = self
            .shape
            .iter()
            .zip(&self.inner)
            .map(|(outer, inner)| outer / inner)
            .collect();
        lengths_of(&counts)
    }

    /// The number of the inner chunk at `index`.
    fn position(&self, index: &[usize], counts: &[usize]) -> usize {
        let axes = self.axes.iter();
        axes.fold(0, |position, &axis| position * counts[axis] + index[axis])
    }
}

impl ObjectForm {
    /// The bytes of a shard that tell where its chunks are; `None` if only the whole object tells anything.
    #[must_use]
    pub fn index_range(&self) -> Option<ByteRange> {
        let level = self.layout.levels.first()?;
        if level.wrapping.is_some() {
            return None;
        }
        Some(if level.is_at_end {
            ByteRange::Suffix(level.index_length(level.count))
        } else {
            ByteRange::Bounded {
                offset: 0,
                length: level.index_length(level.count),
            }
        })
    }

    /// Which inner chunks `pick` touches, from the bytes of a shard's index.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if the index is damaged.
    pub fn wanted(&self, index: &[u8], pick: &Pick, pool: &Pool) -> Result<Wanted> {
        self.check(pick)?;
        self.wanted_at(0, index, pick, pool)
    }

    pub(super) fn wanted_at(
        &self,
        depth: usize,
        index: &[u8],
        pick: &Pick,
        pool: &Pool,
    ) -> Result<Wanted> {
        let level = &self.layout.levels[depth];
        let entries = level.entries(index, level.count, pool)?;
        let counts = level.counts()?;
        let cut = pick.cut(&lengths_of(&level.inner)?);
        let (mut missing, mut there) = (Vec::new(), Vec::new());
        for number in 0..cut.len() {
            let entry = entries.get(level.position(&cut.index(number), &counts));
            match entry {
                Some([u64::MAX, u64::MAX]) => missing.push(number),
                Some([offset, length]) => there.push((number, bounded(*offset, *length)?)),
                None => return Err(Error::internal("an inner chunk outside its shard")),
            }
        }
        there.sort_unstable_by_key(|(_, range)| range.start);
        Ok(Wanted {
            cut,
            missing,
            there,
        })
    }

    /// Puts the fill value where inner chunks are missing.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Internal`] if the pick leads out of the memory.
    pub fn fill_missing(&self, wanted: &Wanted, memory: &Memory<'_>) -> Result<()> {
        self.fill_missing_at(0, wanted, memory)
    }

    pub(super) fn fill_missing_at(
        &self,
        depth: usize,
        wanted: &Wanted,
        memory: &Memory<'_>,
    ) -> Result<()> {
        let shape = self.shape_at(depth + 1)?;
        let fill = self.fill_in(memory);
        wanted.missing.iter().try_for_each(|number| {
            let pick = wanted.cut.piece(*number);
            memory.fill(&pick, &shape, &fill)
        })
    }

    /// Decodes the inner chunks of a run from its `bytes`, and puts what is picked to its places.
    ///
    /// # Errors
    /// As [`ObjectForm::read`].
    pub fn read_run(
        &self,
        wanted: &Wanted,
        run: &Run,
        bytes: &[u8],
        memory: &Memory<'_>,
        pool: &Pool,
    ) -> Result<()> {
        let chunks = wanted.there.get(run.chunks.clone()).unwrap_or_default();
        chunks.iter().try_for_each(|(number, range)| {
            let inside = range.start - run.range.start..range.end - run.range.start;
            let pick = wanted.cut.piece(*number);
            let read =
                part(bytes, inside).and_then(|bytes| self.read_at(1, bytes, &pick, memory, pool));
            read.map_err(|error| error.in_bytes(range.clone()))
        })
    }

    /// The shard's bytes without codecs around it, if it has any.
    pub(super) fn unwrapped(
        &self,
        level: &ShardLevel,
        depth: usize,
        encoded: &[u8],
        pool: &Pool,
    ) -> Result<Option<BufferMut>> {
        let Some(wrapping) = &level.wrapping else {
            return Ok(None);
        };
        let most = self.layout.largest_shard(depth, self.size);
        wrapping.decode_unsized(encoded, most, pool).map(Some)
    }

    /// The shard as it will be, of which parts may be encoded side by side; `None` if the object is no shard, or is encoded as a
    /// whole. `there` are its bytes so far.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if the index of what is there is damaged.
    pub fn new_shard<'a>(
        &'a self,
        there: Option<Coded<'a>>,
        pick: &Pick,
        pool: &Pool,
    ) -> Result<Option<NewShard<'a>>> {
        self.check(pick)?;
        match self.index_range() {
            Some(_) => NewShard::begin(self, 0, there, pick, pool).map(Some),
            None => Ok(None),
        }
    }

    /// How many inner chunks a shard has whose parts may be encoded side by side, and the bytes of one decoded.
    #[must_use]
    pub fn inner_chunks(&self) -> Option<(usize, usize)> {
        self.index_range()?;
        let level = self.layout.levels.first()?;
        let inner = lengths_of(&level.inner).ok()?;
        let bytes = inner.iter().product::<usize>() * self.size;
        Some((level.count, bytes))
    }

    pub(super) fn write_shard(
        &self,
        depth: usize,
        there: Option<&[u8]>,
        pick: &Pick,
        memory: &Memory<'_>,
        empty: Empty,
        pool: &Pool,
    ) -> Result<Option<BufferMut>> {
        let level = &self.layout.levels[depth];
        let there = match there {
            None => None,
            Some(bytes) => Some(match self.unwrapped(level, depth, bytes, pool)? {
                Some(inside) => Coded::Pooled(inside),
                None => Coded::Lent(bytes),
            }),
        };
        let shard = NewShard::begin(self, depth, there, pick, pool)?;
        let part = shard.part(0..level.count, memory, empty, pool)?;
        let Some(whole) = shard.joined(&[&part], pool)? else {
            return Ok(None);
        };
        match &level.wrapping {
            None => Ok(Some(whole)),
            Some(wrapping) => wrapping.encode(&whole, pool).map(Some),
        }
    }
}

/// A shard being put together: what is picked is encoded anew, the rest is taken over as it is.
#[derive(Debug)]
pub struct NewShard<'a> {
    form: &'a ObjectForm,
    depth: usize,
    there: Option<Coded<'a>>,
    entries: Vec<[u64; 2]>,
    cut: Cut,
    /// From positions to numbers in the cut.
    touched: HashMap<usize, usize>,
}

/// Inner chunks that follow each other, encoded.
#[derive(Debug, Default)]
pub struct Part {
    bytes: Vec<u8>,
    /// The length of each, if it is there.
    lengths: Vec<Option<usize>>,
}

impl<'a> NewShard<'a> {
    fn begin(
        form: &'a ObjectForm,
        depth: usize,
        there: Option<Coded<'a>>,
        pick: &Pick,
        pool: &Pool,
    ) -> Result<Self> {
        let level = &form.layout.levels[depth];
        let entries = match &there {
            Some(there) => level.entries(level.index_of(there)?, level.count, pool)?,
            None => Vec::new(),
        };
        let counts = level.counts()?;
        let cut = pick.cut(&lengths_of(&level.inner)?);
        let touched = (0..cut.len())
            .map(|number| (level.position(&cut.index(number), &counts), number))
            .collect();
        Ok(Self {
            form,
            depth,
            there,
            entries,
            cut,
            touched,
        })
    }

    fn level(&self) -> &ShardLevel {
        &self.form.layout.levels[self.depth]
    }

    /// The inner chunk that is written as number `at`.
    fn position(&self, at: usize) -> usize {
        let order = &self.form.write_order;
        order
            .get(at)
            .filter(|_| self.depth == 0)
            .copied()
            .unwrap_or(at)
    }

    /// Encodes the inner chunks that are written as those of these numbers.
    ///
    /// # Errors
    /// As [`ObjectForm::write`].
    pub fn part(
        &self,
        numbers: Range<usize>,
        memory: &Memory<'_>,
        empty: Empty,
        pool: &Pool,
    ) -> Result<Part> {
        let mut made = Part::default();
        for position in numbers.map(|at| self.position(at)) {
            let there = self.bytes_of(position)?;
            let length = match self.touched.get(&position) {
                None => there.map(|bytes| {
                    made.bytes.extend_from_slice(bytes);
                    bytes.len()
                }),
                Some(number) => {
                    let pick = self.cut.piece(*number);
                    let depth = self.depth + 1;
                    let encoded = self
                        .form
                        .write_at(depth, there, &pick, memory, empty, pool)?;
                    encoded.map(|bytes| {
                        made.bytes.extend_from_slice(&bytes);
                        bytes.len()
                    })
                }
            };
            made.lengths.push(length);
        }
        Ok(made)
    }

    fn bytes_of(&self, position: usize) -> Result<Option<&[u8]>> {
        match (self.entries.get(position), &self.there) {
            (None | Some([u64::MAX, u64::MAX]), _) | (_, None) => Ok(None),
            (Some([offset, length]), Some(there)) => {
                part(there, bounded(*offset, *length)?).map(Some)
            }
        }
    }

    /// The pieces that the whole shard consists of, one after the other, from the parts that cover it in order; `None` if
    /// nothing is in it. The index is one of the pieces.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] if the index has a codec that is only read.
    pub fn pieces<'b>(&self, parts: &[&'b Part], pool: &Pool) -> Result<Option<Vec<Coded<'b>>>> {
        let level = self.level();
        let lengths = || parts.iter().flat_map(|part| &part.lengths);
        if lengths().all(Option::is_none) {
            return Ok(None);
        }
        let mut offset = match level.is_at_end {
            true => 0,
            false => level.index_length(level.count),
        };
        let mut entries = vec![[u64::MAX; 2]; level.count];
        for (at, length) in lengths().enumerate() {
            if let Some(length) = length {
                entries[self.position(at)] = [offset, *length as u64];
                offset += *length as u64;
            }
        }
        let entries: Vec<u8> = entries
            .into_iter()
            .flatten()
            .flat_map(u64::to_ne_bytes)
            .collect();
        let index = Coded::Pooled(level.index.encode(&entries, pool)?);
        let mut pieces: Vec<Coded<'b>> =
            parts.iter().map(|part| Coded::Lent(&part.bytes)).collect();
        let at = if level.is_at_end { pieces.len() } else { 0 };
        pieces.insert(at, index);
        Ok(Some(pieces))
    }

    /// The whole shard as one buffer.
    fn joined(&self, parts: &[&Part], pool: &Pool) -> Result<Option<BufferMut>> {
        let Some(pieces) = self.pieces(parts, pool)? else {
            return Ok(None);
        };
        let mut whole = pool.take(pieces.iter().map(|piece| piece.len()).sum())?;
        let mut rest = &mut whole[..];
        for piece in &pieces {
            let (here, after) = rest.split_at_mut(piece.len());
            here.copy_from_slice(piece);
            rest = after;
        }
        Ok(Some(whole))
    }
}

/// `offset..offset + length`, as far as that is a range.
fn bounded(offset: u64, length: u64) -> Result<Range<u64>> {
    let end = offset.checked_add(length).ok_or_else(|| {
        let message = format!("the shard index puts an inner chunk of {length} bytes at {offset}");
        Error::corrupt(message)
    })?;
    Ok(offset..end)
}
