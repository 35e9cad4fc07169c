//! `packbits`: values of few bits next to each other. numcodecs' filter packs bools, first in the highest bit; the
//! codec of Zarr v3 packs any numbers, first in the lowest bit.

use super::{Codec, NumberType, Options, Place, Size, Stage};
use craton_core::{BufferMut, DType, Error, Pool, Result};
use std::sync::Arc;

/// Booleans as bits, after one byte that tells how many bits at the end are unused.
#[derive(Debug, Clone, Copy)]
pub struct PackBools;

impl Codec for PackBools {
    fn label(&self) -> String {
        "packbits".to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain.map(|count| count.div_ceil(8).saturating_add(1))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some((&unused, bits)) = encoded.split_first() else {
            return Err(Error::corrupt("`packbits` needs at least one byte"));
        };
        let count = bits
            .len()
            .saturating_mul(8)
            .checked_sub(usize::from(unused));
        let Some(count) = count.filter(|_| unused < 8) else {
            return Err(unused_error(unused));
        };
        let Some(out) = out.get_mut(..count) else {
            return Ok(None);
        };
        for (eight, byte) in out.chunks_mut(8).zip(bits) {
            for (at, value) in eight.iter_mut().enumerate() {
                *value = byte >> (7 - at) & 1;
            }
        }
        Ok(Some(count))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(plain.len().div_ceil(8) + 1)?;
        out[0] = unused_bits(plain.len());
        for (eight, byte) in plain.chunks(8).zip(&mut out[1..]) {
            let bits = eight.iter().enumerate();
            *byte = bits.fold(0, |byte, (at, value)| {
                byte | u8::from(*value != 0) << (7 - at)
            });
        }
        Ok(out)
    }
}

fn unused_bits(used: usize) -> u8 {
    // OK: less than 8.
    u8::try_from(used.wrapping_neg() % 8).unwrap_or(0)
}

fn unused_error(unused: u8) -> Error {
    Error::corrupt(format!("`packbits` says that {unused} bits are unused"))
}

/// Some of the bits of every number, from the first to the last, one number after the other.
#[derive(Debug, Clone, Copy)]
pub struct PackBits {
    part: NumberType,
    first: u32,
    count: u32,
    padding: Padding,
}

/// Where the number of unused bits is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    FirstByte,
    LastByte,
    Nowhere,
}

impl PackBits {
    fn bits_of(&self, plain: usize) -> usize {
        (plain / self.part.size()).saturating_mul(self.count as usize)
    }

    /// A number from its bits: signed integers have the copies of their highest one above it.
    fn widen(&self, bits: u64) -> u64 {
        let bits = bits << self.first;
        let unused = 64 - self.first - self.count;
        if self.part.range().is_some_and(|(low, _)| low < 0) {
            ((bits << unused).cast_signed() >> unused).cast_unsigned()
        } else {
            bits
        }
    }
}

impl Codec for PackBits {
    fn label(&self) -> String {
        format!("packbits:{}", self.count)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        let padding = usize::from(self.padding != Padding::Nowhere);
        plain.map(|bytes| self.bits_of(bytes).div_ceil(8).saturating_add(padding))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let (unused, packed) = match self.padding {
            Padding::Nowhere => (None, encoded),
            Padding::FirstByte => split(encoded.split_first())?,
            Padding::LastByte => split(encoded.split_last())?,
        };
        let bits = packed.len().saturating_mul(8);
        let count = match unused {
            Some(unused) => {
                let used = bits.checked_sub(usize::from(unused)).filter(|_| unused < 8);
                used.ok_or_else(|| unused_error(unused))? / self.count as usize
            }
            // As many as are wanted, if their bits are all of the bytes.
            None => out.len() / self.part.size(),
        };
        let size = self.part.size();
        let Some(out) = out.get_mut(..count.saturating_mul(size)) else {
            return Ok(None);
        };
        if self.bits_of(out.len()).div_ceil(8) != packed.len() {
            let message = format!("`packbits` has {} bytes for {count} numbers", packed.len());
            return Err(Error::corrupt(message));
        }
        let mut at = 0;
        for number in out.chunks_exact_mut(size) {
            let mut bits = 0;
            for bit in 0..self.count as usize {
                bits |= u64::from(packed[(at + bit) / 8] >> ((at + bit) % 8) & 1) << bit;
            }
            at += self.count as usize;
            number.copy_from_slice(&self.widen(bits).to_le_bytes()[..size]);
            if cfg!(target_endian = "big") {
                number.reverse();
            }
        }
        Ok(Some(out.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let length = self.bits_of(plain.len()).div_ceil(8);
        let has_padding = self.padding != Padding::Nowhere;
        let mut out = pool.take(length + usize::from(has_padding))?;
        out.fill(0);
        let unused = unused_bits(self.bits_of(plain.len()));
        let packed = match self.padding {
            Padding::Nowhere => &mut out[..],
            Padding::FirstByte => {
                out[0] = unused;
                &mut out[1..]
            }
            Padding::LastByte => {
                out[length] = unused;
                &mut out[..length]
            }
        };
        let mut at = 0;
        for number in plain.chunks_exact(self.part.size()) {
            let mut wide = [0; 8];
            wide[..number.len()].copy_from_slice(number);
            if cfg!(target_endian = "big") {
                wide[..number.len()].reverse();
            }
            let bits = u64::from_le_bytes(wide) >> self.first;
            for bit in 0..self.count as usize {
                packed[(at + bit) / 8] |= u8::from(bits >> bit & 1 == 1) << ((at + bit) % 8);
            }
            at += self.count as usize;
        }
        Ok(out)
    }
}

fn split<'a>(parts: Option<(&u8, &'a [u8])>) -> Result<(Option<u8>, &'a [u8])> {
    match parts {
        Some((unused, packed)) => Ok((Some(*unused), packed)),
        None => Err(Error::corrupt("`packbits` needs at least one byte")),
    }
}

/// Reads the metadata of `packbits`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let is_filter = !place.is_native || options.codec() != "packbits";
    if is_filter {
        let stored = NumberType::native(DType::UInt8);
        return Ok(Stage::Numbers(Arc::new(PackBools), stored));
    }
    let part = place.element.part();
    let dtype = part.dtype;
    if !(dtype.is_numeric() || matches!(dtype, DType::Time(_))) {
        let message = format!("codec `packbits` of {}", place.element);
        return Err(Error::unsupported(message).hint("numbers and bools have bits to pack"));
    }
    let width = match part.narrow {
        Some(narrow) => narrow.bits(),
        None if dtype == DType::Bool => 1,
        None => u32::try_from(part.size() * 8).unwrap_or(64),
    };
    let last = i64::from(width) - 1;
    let first = options.integer("first_bit", 0..=last, Some(0))?;
    let last = options.integer("last_bit", first..=last, Some(last))?;
    let padding = match options.text("padding_encoding")? {
        None | Some("none") => Padding::Nowhere,
        Some("first_byte") => Padding::FirstByte,
        Some("last_byte") => Padding::LastByte,
        Some(other) => {
            let message = format!("option `padding_encoding` of codec `packbits` is `{other}`");
            return Err(Error::corrupt(message).hint("accepted: `none`, `first_byte`, `last_byte`"));
        }
    };
    let codec = PackBits {
        part,
        first: u32::try_from(first).unwrap_or(0),
        count: u32::try_from(last - first + 1).unwrap_or(1),
        padding,
    };
    Ok(Stage::Elements(Arc::new(codec)))
}
