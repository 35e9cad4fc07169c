//! The bitshuffle filter (32008): bits grouped by significance, block by block, then maybe compressed.

use super::plugins;
use craton_core::{Error, Result};

/// What the filter's parameters say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    element: usize,
    /// Elements of a block; 0 for the default.
    block: usize,
    compression: Compression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Lz4,
    Zstd,
}

impl Parameters {
    /// Reads version, element size, block size and compression.
    pub fn parse(values: &[u32]) -> Result<Self> {
        let value = |at: usize| values.get(at).map_or(0, |value| *value as usize);
        let compression = match value(4) {
            0 => Compression::None,
            2 => Compression::Lz4,
            3 => Compression::Zstd,
            other => {
                return Err(Error::unsupported(format!(
                    "bitshuffle with compression {other}; 0, 2 and 3 are known"
                )));
            }
        };
        let (element, block) = (value(2), value(3));
        if element == 0 || element > 1 << 16 || block % 8 != 0 {
            let message = format!("bitshuffle of {element}-byte elements in blocks of {block}");
            return Err(Error::corrupt(message));
        }
        Ok(Self {
            element,
            block,
            compression,
        })
    }

    /// Undoes the filter into exactly `out`.
    pub fn decode(&self, input: &[u8], out: &mut [u8]) -> Result<()> {
        match self.compression {
            Compression::None => self.decode_plain(input, out),
            _ => self.decode_compressed(input, out),
        }
    }

    /// Elements of a block: about 8 KiB of them where nothing else was asked for.
    fn block_elements(&self) -> usize {
        if self.block > 0 {
            self.block
        } else {
            (8192 / self.element / 8 * 8).max(128)
        }
    }

    fn decode_plain(&self, input: &[u8], out: &mut [u8]) -> Result<()> {
        if input.len() != out.len() {
            let message = format!(
                "bitshuffle gave {} bytes where the chunk has {}",
                input.len(),
                out.len()
            );
            return Err(Error::corrupt(message));
        }
        let mut done = 0;
        for bytes in self.blocks(out.len(), self.block_elements() * self.element) {
            unshuffle_bits(
                &input[done..done + bytes],
                self.element,
                &mut out[done..done + bytes],
            );
            done += bytes;
        }
        out[done..].copy_from_slice(&input[done..]);
        Ok(())
    }

    fn decode_compressed(&self, input: &[u8], out: &mut [u8]) -> Result<()> {
        let short = || Error::corrupt("bitshuffle bytes end too early");
        let (header, mut rest) = input.split_at_checked(12).ok_or_else(short)?;
        let total = header[..8]
            .iter()
            .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let stored = header[8..]
            .iter()
            .fold(0usize, |value, byte| value << 8 | usize::from(*byte));
        let block = if stored > 0 {
            stored
        } else {
            self.block_elements() * self.element
        };
        if total != out.len() as u64 || block % (8 * self.element) != 0 {
            let message = format!(
                "bitshuffle of {total} bytes in blocks of {block}, in a chunk of {}",
                out.len()
            );
            return Err(Error::corrupt(message));
        }
        let mut done = 0;
        let mut scratch = vec![0; block.min(out.len())];
        for bytes in self.blocks(out.len(), block) {
            let (length, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
            let length = u32::from_be_bytes(*length) as usize;
            let (encoded, after) = after.split_at_checked(length).ok_or_else(short)?;
            rest = after;
            let bits = scratch.get_mut(..bytes).ok_or_else(short)?;
            match self.compression {
                Compression::Zstd => plugins::zstd(encoded, bits)?,
                _ => plugins::lz4_block(encoded, bits)?,
            }
            unshuffle_bits(bits, self.element, &mut out[done..done + bytes]);
            done += bytes;
        }
        if rest.len() < out.len() - done {
            return Err(short());
        }
        let tail = out.len() - done;
        out[done..].copy_from_slice(&rest[..tail]);
        Ok(())
    }

    /// Bytes of each block: whole ones, then what is left down to eight elements.
    fn blocks(&self, total: usize, block: usize) -> impl Iterator<Item = usize> + use<> {
        let whole = total / block;
        let eight = 8 * self.element;
        let last = total % block / eight * eight;
        std::iter::repeat_n(block, whole).chain((last > 0).then_some(last))
    }
}

/// Undoes the bit shuffle of a block whose element count is a multiple of eight.
fn unshuffle_bits(input: &[u8], element: usize, out: &mut [u8]) {
    let rows = input.len() / element / 8;
    for byte in 0..element {
        for group in 0..rows {
            let mut bits = 0u64;
            for bit in 0..8 {
                bits |= u64::from(input[(byte * 8 + bit) * rows + group]) << (8 * bit);
            }
            let bytes = transpose(bits).to_le_bytes();
            for (one, value) in bytes.iter().enumerate() {
                out[(group * 8 + one) * element + byte] = *value;
            }
        }
    }
}

/// Transposes eight bytes as a matrix of eight by eight bits.
fn transpose(mut bits: u64) -> u64 {
    let swap = |bits: u64, mask: u64, shift: u32| {
        let moved = (bits ^ (bits >> shift)) & mask;
        bits ^ moved ^ (moved << shift)
    };
    bits = swap(bits, 0x00aa_00aa_00aa_00aa, 7);
    bits = swap(bits, 0x0000_cccc_0000_cccc, 14);
    swap(bits, 0x0000_0000_f0f0_f0f0, 28)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_twice_changes_nothing() {
        let bits = 0x0123_4567_89ab_cdef;
        assert_eq!(transpose(transpose(bits)), bits);
        assert_eq!(transpose(0xff), 0x0101_0101_0101_0101);
    }
}
