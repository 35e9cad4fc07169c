//! Little-endian fields, one after the other, out of bytes that may end too early.

use crate::codec::lookup3::lookup3;
use craton_core::{Error, Result};

/// An address that points nowhere.
pub const UNDEFINED: u64 = u64::MAX;

/// A position in a piece of metadata.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were taken.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The bytes not taken yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let taken = self.rest().get(..count).ok_or_else(|| {
            let message = format!(
                "a structure of {} bytes ends before its field at byte {}",
                self.bytes.len(),
                self.at
            );
            Error::corrupt(message)
        })?;
        self.at += count;
        Ok(taken)
    }

    /// Passes over `count` bytes.
    pub fn skip(&mut self, count: usize) -> Result<()> {
        self.take(count).map(|_| ())
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64> {
        self.uint(8)
    }

    /// An unsigned number of 1 to 8 bytes.
    pub fn uint(&mut self, size: u8) -> Result<u64> {
        if size > 8 {
            return Err(Error::corrupt(format!(
                "a number of {size} bytes; at most 8 are possible"
            )));
        }
        Ok(self
            .take(usize::from(size))?
            .iter()
            .rev()
            .fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    /// An address of `size` bytes; all ones means [`UNDEFINED`].
    pub fn address(&mut self, size: u8) -> Result<u64> {
        let value = self.uint(size)?;
        let all_ones = if size >= 8 {
            u64::MAX
        } else {
            (1 << (size * 8)) - 1
        };
        Ok(if value == all_ones { UNDEFINED } else { value })
    }

    /// Checks that the next bytes are `signature`.
    pub fn expect(&mut self, signature: &[u8; 4]) -> Result<()> {
        let found = self.take(4)?;
        if found == signature {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "expected the signature `{}`, found bytes {found:02x?}",
            String::from_utf8_lossy(signature)
        )))
    }

    /// Checks that a version byte is `only`.
    pub fn version(&mut self, what: &str, only: u8) -> Result<()> {
        match self.u8()? {
            version if version == only => Ok(()),
            version => Err(Error::unsupported(format!(
                "{what} of version {version}; version {only} is known"
            ))),
        }
    }

    /// Bytes up to a NUL, which is passed over too.
    pub fn c_string(&mut self) -> Result<&'a [u8]> {
        let length = self.rest().iter().position(|byte| *byte == 0);
        let length = length.ok_or_else(|| Error::corrupt("a name does not end"))?;
        let taken = self.take(length)?;
        self.skip(1)?;
        Ok(taken)
    }
}

/// A name or path from foreign bytes; what is no UTF-8 is replaced.
pub fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Checks the lookup3 checksum in the last four bytes of `block`.
pub fn verify_checksum(block: &[u8], what: &str) -> Result<()> {
    let Some((body, stored)) = block.split_last_chunk::<4>() else {
        return Err(Error::corrupt(format!("{what} ends before its checksum")));
    };
    if lookup3(body) == u32::from_le_bytes(*stored) {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "the checksum of {what} does not match"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_past_the_end_are_errors() {
        let mut cursor = Cursor::new(&[1, 0, 255, 255]);
        assert_eq!(cursor.u16().unwrap(), 1);
        assert_eq!(cursor.address(2).unwrap(), UNDEFINED);
        assert!(cursor.u8().is_err());
    }
}
