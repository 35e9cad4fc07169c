//! The superblock: where the file's addresses count from, how wide they are, and its root group.

use super::cursor::{Cursor, verify_checksum};
use crate::ranges::{Parse, RangeCache, Stop};
use craton_core::{Error, Result};
use std::borrow::Cow;

const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// Widths of addresses and lengths, and the byte from which addresses count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Widths {
    /// Bytes of an address.
    pub address: u8,
    /// Bytes of a length.
    pub length: u8,
    /// Where address 0 lies in the file (a user block may come first).
    pub base: u64,
}

/// A file's bytes by address.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The bytes that are there.
    pub cache: &'a RangeCache,
    /// How to read addresses.
    pub widths: Widths,
}

impl<'a> View<'a> {
    /// `length` bytes at `address`.
    pub fn bytes(&self, address: u64, length: u64) -> Parse<Cow<'a, [u8]>> {
        self.cache.bytes(self.position(address)?, length)
    }

    /// At most `length` bytes at `address`: fewer where the file ends.
    pub fn bytes_up_to(&self, address: u64, length: u64) -> Parse<Cow<'a, [u8]>> {
        let position = self.position(address)?;
        let rest = self.cache.size().saturating_sub(position);
        self.cache.bytes(position, length.min(rest))
    }

    fn position(&self, address: u64) -> Result<u64, Stop> {
        let position = address.checked_add(self.widths.base);
        position.ok_or_else(|| {
            Error::corrupt(format!("address {address} lies outside the file")).into()
        })
    }
}

/// What the superblock says.
#[derive(Debug, Clone, Copy)]
pub struct Superblock {
    /// How addresses are written.
    pub widths: Widths,
    /// The address of the root group's object header.
    pub root: u64,
}

/// Finds and reads the superblock.
pub fn parse(cache: &RangeCache) -> Parse<Superblock> {
    let mut at = 0u64;
    // Signatures stand at byte 0, 512, 1024, 2048 and so on: a user block may come first.
    while at.saturating_add(8) <= cache.size() && at <= 1 << 40 {
        if *cache.bytes(at, 8)? == *SIGNATURE {
            return parse_at(cache, at);
        }
        at = (at * 2).max(512);
    }
    Err(Error::corrupt("no HDF5 signature found").into())
}

fn parse_at(cache: &RangeCache, at: u64) -> Parse<Superblock> {
    // 96 bytes hold every version with 8-byte addresses; short files may end earlier.
    let available = cache.size().saturating_sub(at).min(112);
    let bytes = cache.bytes(at, available)?;
    let mut cursor = Cursor::new(&bytes);
    cursor.skip(8)?;
    let (superblock, end) = match cursor.u8()? {
        version @ (0 | 1) => parse_old(cursor, version, at)?,
        2 | 3 => parse_new(cursor, &bytes, at)?,
        other => {
            let message = format!("HDF5 superblock of version {other}; versions 0 to 3 are known");
            return Err(Error::unsupported(message).into());
        }
    };
    if end > cache.size() {
        let message = format!(
            "the file is cut: it has {} bytes, its superblock says {end}",
            cache.size()
        );
        return Err(Error::corrupt(message).into());
    }
    Ok(superblock)
}

fn parse_old(mut cursor: Cursor<'_>, version: u8, base: u64) -> Result<(Superblock, u64)> {
    cursor.skip(4)?;
    let widths = widths(&mut cursor, base)?;
    cursor.skip(1 + 2 + 2 + 4)?;
    if version == 1 {
        cursor.skip(4)?;
    }
    let stored_base = cursor.address(widths.address)?;
    cursor.address(widths.address)?;
    let end = cursor.address(widths.address)?;
    cursor.address(widths.address)?;
    cursor.uint(widths.address)?;
    let root = cursor.address(widths.address)?;
    Ok((Superblock { widths, root }, moved(end, stored_base, base)))
}

fn parse_new(mut cursor: Cursor<'_>, bytes: &[u8], base: u64) -> Result<(Superblock, u64)> {
    let widths = widths(&mut cursor, base)?;
    cursor.skip(1)?;
    let stored_base = cursor.address(widths.address)?;
    cursor.address(widths.address)?;
    let end = cursor.address(widths.address)?;
    let root = cursor.address(widths.address)?;
    cursor.skip(4)?;
    verify_checksum(&bytes[..cursor.position()], "the superblock")?;
    Ok((Superblock { widths, root }, moved(end, stored_base, base)))
}

/// The end of the file when a user block was added or removed after writing.
fn moved(end: u64, stored_base: u64, base: u64) -> u64 {
    if stored_base >= base {
        end.saturating_sub(stored_base - base)
    } else {
        end.saturating_add(base - stored_base)
    }
}

fn widths(cursor: &mut Cursor<'_>, base: u64) -> Result<Widths> {
    let (address, length) = (cursor.u8()?, cursor.u8()?);
    if !matches!(address, 2 | 4 | 8) || !matches!(length, 2 | 4 | 8) {
        let message = format!(
            "addresses of {address} and lengths of {length} bytes; 2, 4 and 8 are possible"
        );
        return Err(Error::corrupt(message));
    }
    Ok(Widths {
        address,
        length,
        base,
    })
}
