//! Undoes a chunk's filter pipeline, straight into the lent buffer where that is possible.
//!
//! A byte shuffle that is undone last is left to the compute loop, which does it tile by tile.

use super::bitshuffle;
use super::datatype::{Element, Padding};
use super::messages::Filter;
use super::{numbers, plugins};
use craton_core::{Decode, Decoded, Error, Order, Pool, Result};

/// One filter, as it is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Deflate,
    Shuffle { size: usize },
    Fletcher32,
    Szip(Vec<u32>),
    NBit(Vec<u32>),
    ScaleOffset(Vec<u32>),
    Lzf,
    Blosc,
    Lz4,
    Bitshuffle(bitshuffle::Parameters),
    Zstd,
}

/// The decoder of the chunks of one dataset under one filter mask.
#[derive(Debug)]
pub struct Pipeline {
    /// In the order in which they are undone, each with the bytes it gives, where that is known.
    steps: Vec<(Step, Option<usize>)>,
    element: Element,
    padding: Option<Padding>,
    is_shuffle_left: bool,
    length: usize,
}

impl Pipeline {
    /// The decoder for chunks of `length` bytes; filters whose bit is set in `mask` were not applied.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`], naming the filter.
    pub fn new(
        filters: &[Filter],
        mask: u32,
        element: Element,
        padding: Option<Padding>,
        length: usize,
    ) -> Result<Self> {
        let mut steps = Vec::new();
        let mut size = Some(length);
        for (position, filter) in filters.iter().enumerate() {
            let is_skipped = mask
                .checked_shr(u32::try_from(position).unwrap_or(32))
                .unwrap_or(0)
                & 1
                == 1;
            if is_skipped {
                continue;
            }
            let step = step_of(filter, element)?;
            let before = size;
            size = match step {
                Step::Shuffle { .. } => size,
                Step::Fletcher32 => size.and_then(|size| size.checked_add(4)),
                _ => None,
            };
            steps.push((step, before));
        }
        steps.reverse();
        let item = element.dtype.item_size();
        let is_shuffle_left = element.narrow.is_none()
            && element.dtype.is_numeric()
            && matches!(steps.last(), Some((Step::Shuffle { size }, _)) if Some(*size) == item);
        if is_shuffle_left {
            steps.pop();
        }
        let padding = padding.filter(|padding| *padding != Padding::Nul && item != Some(1));
        Ok(Self {
            steps,
            element,
            padding,
            is_shuffle_left,
            length,
        })
    }

    fn decoded(&self) -> Decoded {
        // Narrow integers were made native on the way.
        let is_swapped = self.element.is_swapped && self.element.narrow.is_none();
        Decoded::Elements {
            order: Order::C,
            is_swapped,
            is_shuffled: self.is_shuffle_left,
        }
    }

    /// Undoes the filters into `out`.
    fn unfilter(&self, encoded: &[u8], out: &mut [u8], pool: &Pool) -> Result<()> {
        let Some((last, earlier)) = self.steps.split_last() else {
            return copy_exactly(encoded, out);
        };
        let mut held: Option<Vec<u8>> = None;
        for (step, size) in earlier {
            let input = held.as_deref().unwrap_or(encoded);
            held = Some(apply_to_new(step, *size, self.length, input, pool)?);
        }
        apply_into(&last.0, held.as_deref().unwrap_or(encoded), out)
    }
}

impl Decode for Pipeline {
    fn decode(&self, encoded: &[u8], out: &mut [u8], pool: &Pool) -> Result<Decoded> {
        if out.len() != self.length {
            return Err(Error::internal(format!(
                "a chunk of {} bytes into {}",
                self.length,
                out.len()
            )));
        }
        self.unfilter(encoded, out, pool)?;
        if self.element.narrow.is_some() {
            numbers::to_native(out, &self.element);
        }
        if let (Some(padding), Some(size)) = (self.padding, self.element.dtype.item_size()) {
            pad_with_nul(out, size, padding);
        }
        Ok(self.decoded())
    }

    fn is_identity(&self) -> Option<Decoded> {
        let is_plain =
            self.steps.is_empty() && self.element.narrow.is_none() && self.padding.is_none();
        is_plain.then(|| self.decoded())
    }
}

/// What stands after the end of each text becomes NUL.
fn pad_with_nul(bytes: &mut [u8], size: usize, padding: Padding) {
    for text in bytes.chunks_exact_mut(size.max(1)) {
        let end = match padding {
            Padding::Nul => text.len(),
            Padding::Terminated => text
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(text.len()),
            Padding::Space => text
                .iter()
                .rposition(|byte| *byte != b' ')
                .map_or(0, |last| last + 1),
        };
        text[end..].fill(0);
    }
}

/// The filters in words, for people.
pub fn describe(filters: &[Filter]) -> String {
    let names = filters
        .iter()
        .map(|filter| match (filter.id, filter.values.first()) {
            (1, Some(level)) => format!("deflate:{level}"),
            (1, None) => "deflate".to_owned(),
            (2, _) => "shuffle".to_owned(),
            (3, _) => "fletcher32".to_owned(),
            (4, _) => "szip".to_owned(),
            (5, _) => "nbit".to_owned(),
            (6, _) => "scaleoffset".to_owned(),
            (32000, _) => "lzf".to_owned(),
            (32001, _) => "blosc".to_owned(),
            (32004, _) => "lz4".to_owned(),
            (32008, _) => "bitshuffle".to_owned(),
            (32015, _) => "zstd".to_owned(),
            (id, _) if filter.name.is_empty() => format!("filter {id}"),
            (id, _) => format!("{} (filter {id})", filter.name),
        });
    names.collect::<Vec<_>>().join(", ")
}

fn step_of(filter: &Filter, element: Element) -> Result<Step> {
    let values = || filter.values.clone();
    Ok(match filter.id {
        1 => Step::Deflate,
        2 => {
            let size = filter
                .values
                .first()
                .map_or(element.stored_size, |size| *size);
            Step::Shuffle {
                size: usize::try_from(size).unwrap_or(1).max(1),
            }
        }
        3 => Step::Fletcher32,
        4 => Step::Szip(values()),
        5 => Step::NBit(values()),
        6 => Step::ScaleOffset(values()),
        32000 => Step::Lzf,
        32001 => Step::Blosc,
        32004 => Step::Lz4,
        32008 => Step::Bitshuffle(bitshuffle::Parameters::parse(&filter.values)?),
        32015 => Step::Zstd,
        id => {
            let message = format!(
                "chunks are stored with {}, which is not read",
                describe(std::slice::from_ref(filter))
            );
            return Err(Error::unsupported(message).hint(format!(
                "filter {id} is not one of deflate, shuffle, fletcher32, szip, nbit, scaleoffset, lzf, blosc, lz4, bitshuffle, zstd"
            )));
        }
    })
}

fn wrong_length(step: &str, found: usize, expected: usize) -> Error {
    Error::corrupt(format!(
        "{step} gave {found} bytes where the chunk has {expected}"
    ))
}

fn copy_exactly(from: &[u8], to: &mut [u8]) -> Result<()> {
    if from.len() != to.len() {
        return Err(wrong_length("an unfiltered chunk", from.len(), to.len()));
    }
    to.copy_from_slice(from);
    Ok(())
}

/// Undoes one step whose result is the chunk.
fn apply_into(step: &Step, input: &[u8], out: &mut [u8]) -> Result<()> {
    match step {
        Step::Deflate => match inflate(input, out)? {
            length if length == out.len() => Ok(()),
            length => Err(wrong_length("deflate", length, out.len())),
        },
        Step::Shuffle { size } => {
            if input.len() != out.len() {
                return Err(wrong_length("shuffle", input.len(), out.len()));
            }
            unshuffle(input, *size, out);
            Ok(())
        }
        Step::Fletcher32 => copy_exactly(verify_fletcher32(input)?, out),
        Step::Bitshuffle(parameters) => parameters.decode(input, out),
        Step::Lzf => plugins::lzf(input, out),
        Step::Lz4 => plugins::lz4(input, out),
        Step::Blosc => plugins::blosc(input, out),
        Step::Zstd => plugins::zstd(input, out),
        Step::Szip(values) => copy_exactly(&plugins::szip(input, values, out.len())?, out),
        Step::NBit(values) => copy_exactly(&plugins::nbit(input, values, out.len())?, out),
        Step::ScaleOffset(values) => {
            copy_exactly(&plugins::scaleoffset(input, values, out.len())?, out)
        }
    }
}

/// Undoes one step that others follow.
fn apply_to_new(
    step: &Step,
    size: Option<usize>,
    chunk: usize,
    input: &[u8],
    _pool: &Pool,
) -> Result<Vec<u8>> {
    if let Step::Fletcher32 = step {
        return Ok(verify_fletcher32(input)?.to_vec());
    }
    if let (Step::Shuffle { size }, _) = (step, size) {
        let mut out = vec![0; input.len()];
        unshuffle(input, *size, &mut out);
        return Ok(out);
    }
    if let Some(size) = size {
        let mut out = vec![0; size];
        apply_into(step, input, &mut out)?;
        return Ok(out);
    }
    // The result is itself compressed. Compression never adds more than this to a chunk.
    let most = chunk.saturating_add(chunk / 8).saturating_add(64 * 1024);
    if *step != Step::Deflate {
        return Err(Error::unsupported(format!(
            "filters applied after {step:?} are not read"
        )));
    }
    let mut out = vec![0; most];
    let length = inflate(input, &mut out)?;
    out.truncate(length);
    Ok(out)
}

/// Inflates a zlib stream; gives how many bytes came out.
fn inflate(input: &[u8], out: &mut [u8]) -> Result<usize> {
    use std::cell::RefCell;
    thread_local! {
        static DECOMPRESSOR: RefCell<libdeflater::Decompressor> =
            RefCell::new(libdeflater::Decompressor::new());
    }
    DECOMPRESSOR
        .with_borrow_mut(|decompressor| decompressor.zlib_decompress(input, out))
        .map_err(|error| {
            Error::corrupt("deflate bytes are damaged, or longer than the chunk").caused_by(error)
        })
}

/// Undoes a byte shuffle; bytes after the last whole element stay in place.
pub fn unshuffle(input: &[u8], size: usize, out: &mut [u8]) {
    let count = input.len() / size.max(1);
    for (byte, plane) in input.chunks_exact(count.max(1)).take(size).enumerate() {
        for (element, value) in plane.iter().enumerate() {
            out[element * size + byte] = *value;
        }
    }
    let whole = count * size;
    out[whole..].copy_from_slice(&input[whole..]);
}

/// Checks the four bytes of checksum at the end and takes them off.
fn verify_fletcher32(input: &[u8]) -> Result<&[u8]> {
    let Some((body, stored)) = input.split_last_chunk::<4>() else {
        return Err(Error::corrupt(
            "a chunk ends before its Fletcher-32 checksum",
        ));
    };
    let stored = u32::from_le_bytes(*stored);
    let computed = fletcher32(body);
    // HDF5 before 1.6.3 wrote both halves byte-swapped on little-endian machines.
    let old = ((computed & 0x00ff_00ff) << 8) | ((computed >> 8) & 0x00ff_00ff);
    if stored == computed || stored == old {
        return Ok(body);
    }
    let message = format!(
        "Fletcher-32 checksum does not match: stored {stored:08x}, computed {computed:08x}"
    );
    Err(Error::corrupt(message))
}

/// HDF5's Fletcher-32: over big-endian 16-bit words, an odd byte at the end as the high one.
fn fletcher32(bytes: &[u8]) -> u32 {
    let (mut first, mut second) = (0u32, 0u32);
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    // 360 words are the most after which neither sum can overflow.
    for block in bytes.chunks(720) {
        for word in block.chunks(2) {
            let word = u32::from(word[0]) << 8 | word.get(1).map_or(0, |byte| u32::from(*byte));
            first += word;
            second += first;
        }
        (first, second) = (fold(first), fold(second));
    }
    (first, second) = (fold(first), fold(second));
    second << 16 | first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unshuffle_keeps_bytes_after_the_last_element() {
        let mut out = [0; 7];
        unshuffle(&[1, 3, 5, 2, 4, 6, 9], 2, &mut out);
        assert_eq!(out, [1, 2, 3, 4, 5, 6, 9]);
    }

    #[test]
    fn fletcher32_of_a_changed_byte_does_not_match() {
        let mut bytes = b"abcdefg".to_vec();
        bytes.extend(fletcher32(b"abcdefg").to_le_bytes());
        assert!(verify_fletcher32(&bytes).is_ok());
        bytes[2] ^= 1;
        assert!(verify_fletcher32(&bytes).is_err());
    }
}
