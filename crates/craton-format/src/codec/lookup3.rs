//! `jenkins_lookup3`: HDF5's metadata checksum, used by numcodecs after the data.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, Error, Pool, Result};
use serde_json::Value;
use std::sync::Arc;

/// Bob Jenkins' lookup3 hash (`hashlittle`) of `data`, from the start value 0.
#[must_use]
pub fn lookup3(data: &[u8]) -> u32 {
    lookup3_from(data, 0)
}

fn lookup3_from(data: &[u8], start: u32) -> u32 {
    let length = u32::try_from(data.len() & 0xffff_ffff).unwrap_or(0);
    let start = 0xdead_beef_u32.wrapping_add(length).wrapping_add(start);
    let (mut a, mut b, mut c) = (start, start, start);
    let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let mut rest = data;
    while rest.len() > 12 {
        a = a.wrapping_add(word(&rest[0..4]));
        b = b.wrapping_add(word(&rest[4..8]));
        c = c.wrapping_add(word(&rest[8..12]));
        (a, b, c) = mix(a, b, c);
        rest = &rest[12..];
    }
    if rest.is_empty() {
        return c;
    }
    let mut last = [0u8; 12];
    last[..rest.len()].copy_from_slice(rest);
    a = a.wrapping_add(word(&last[0..4]));
    b = b.wrapping_add(word(&last[4..8]));
    c = c.wrapping_add(word(&last[8..12]));
    finish(a, b, c)
}

fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    for (first, second, third) in [(4, 6, 8), (16, 19, 4)] {
        a = a.wrapping_sub(c) ^ c.rotate_left(first);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(second);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(third);
        b = b.wrapping_add(a);
    }
    (a, b, c)
}

fn finish(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

/// The hash of a prefix and the data, four little-endian bytes after the data.
#[derive(Debug, Clone)]
pub struct Lookup3 {
    start: u32,
    prefix: Vec<u8>,
}

impl Lookup3 {
    fn of(&self, data: &[u8]) -> u32 {
        if self.prefix.is_empty() {
            return lookup3_from(data, self.start);
        }
        lookup3_from(&[&self.prefix, data].concat(), self.start)
    }
}

impl Codec for Lookup3 {
    fn label(&self) -> String {
        "jenkins_lookup3".to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain.map(|size| size.saturating_add(4))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some((data, sum)) = encoded.split_last_chunk::<4>() else {
            let message = format!("{} bytes are too few for `jenkins_lookup3`", encoded.len());
            return Err(Error::corrupt(message));
        };
        let Some(out) = out.get_mut(..data.len()) else {
            return Ok(None);
        };
        let (stored, actual) = (u32::from_le_bytes(*sum), self.of(data));
        if stored != actual {
            let message =
                format!("`jenkins_lookup3` does not match: {actual:08x} instead of {stored:08x}");
            return Err(Error::corrupt(message));
        }
        out.copy_from_slice(data);
        Ok(Some(data.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(plain.len() + 4)?;
        out[..plain.len()].copy_from_slice(plain);
        out[plain.len()..].copy_from_slice(&self.of(plain).to_le_bytes());
        Ok(out)
    }
}

/// Reads the metadata of `jenkins_lookup3`.
pub(super) fn build(options: &Options<'_>, _place: &Place<'_>) -> Result<Stage> {
    let start = options.integer("initval", 0..=i64::from(u32::MAX), Some(0))?;
    // Bytes are no JSON, so a prefix is a list of numbers where there is one at all.
    let prefix = match options.get("prefix") {
        None => Some(Vec::new()),
        Some(Value::Array(bytes)) => bytes
            .iter()
            .map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()))
            .collect(),
        Some(_) => None,
    };
    let Some(prefix) = prefix else {
        let message = "codec `jenkins_lookup3` with a prefix that is no list of bytes";
        return Err(Error::unsupported(message));
    };
    let start = u32::try_from(start).unwrap_or(0);
    Ok(Stage::Bytes(Arc::new(Lookup3 { start, prefix })))
}
