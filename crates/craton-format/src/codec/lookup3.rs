//! `jenkins_lookup3`: HDF5's metadata checksum, used by numcodecs after the data.

use super::{Options, Place, Stage, checksum::Checksum};
use craton_core::{Error, Result};
use std::sync::Arc;

/// Bob Jenkins' lookup3 hash (`hashlittle`) of `data`, from the start value 0.
#[must_use]
pub fn lookup3(data: &[u8]) -> u32 {
    let length = u32::try_from(data.len() & 0xffff_ffff).unwrap_or(0);
    let start = 0xdead_beef_u32.wrapping_add(length);
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

/// Reads the metadata of `jenkins_lookup3`.
pub(super) fn build(options: &Options<'_>, _place: &Place) -> Result<Stage> {
    let start = options.integer("initval", i64::MIN..=i64::MAX, Some(0))?;
    if start != 0 || options.get("prefix").is_some() {
        let message = "codec `jenkins_lookup3` with a start value or prefix is not read";
        return Err(Error::unsupported(message));
    }
    Ok(Stage::Bytes(
        Arc::new(Checksum::at_end("jenkins_lookup3", lookup3)),
        None,
    ))
}
