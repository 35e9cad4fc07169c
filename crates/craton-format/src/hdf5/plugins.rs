//! Filters that HDF5 has as plug-ins or that are rare, each by the library that knows it.

use crate::codec::lz4::decode_block;
use craton_core::{Error, Result};

fn wrong_length(what: &str, found: usize, expected: usize) -> Error {
    Error::corrupt(format!(
        "{what} gave {found} bytes where {expected} were expected"
    ))
}

/// zstd (32015): one frame.
pub fn zstd(input: &[u8], out: &mut [u8]) -> Result<()> {
    let length = zstd_safe::decompress(out, input).map_err(|code| {
        Error::corrupt(format!(
            "zstd bytes are damaged: {}",
            zstd_safe::get_error_name(code)
        ))
    })?;
    if length == out.len() {
        Ok(())
    } else {
        Err(wrong_length("zstd", length, out.len()))
    }
}

/// lz4 (32004): total and block length, then blocks that each tell their length, big-endian.
pub fn lz4(input: &[u8], out: &mut [u8]) -> Result<()> {
    let short = || Error::corrupt("lz4 bytes end too early");
    let (header, mut rest) = input.split_at_checked(12).ok_or_else(short)?;
    let total = header[..8]
        .iter()
        .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let block = header[8..]
        .iter()
        .fold(0usize, |value, byte| value << 8 | usize::from(*byte));
    if total != out.len() as u64 || (block == 0 && total > 0) {
        let message = format!(
            "lz4 of {total} bytes in blocks of {block}, in a chunk of {}",
            out.len()
        );
        return Err(Error::corrupt(message));
    }
    for part in out.chunks_mut(block.max(1)) {
        let (length, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (encoded, after) = after.split_at_checked(length).ok_or_else(short)?;
        rest = after;
        // A block that would not shrink is stored as it is.
        if encoded.len() == part.len() {
            part.copy_from_slice(encoded);
        } else {
            lz4_block(encoded, part)?;
        }
    }
    Ok(())
}

/// One lz4 block that gives exactly `out`.
pub fn lz4_block(input: &[u8], out: &mut [u8]) -> Result<()> {
    match decode_block(input, out) {
        Some(length) if length == out.len() => Ok(()),
        Some(length) => Err(wrong_length("lz4", length, out.len())),
        None => Err(Error::corrupt("lz4 bytes are damaged")),
    }
}

/// blosc (32001): one frame that tells its own length.
pub fn blosc(input: &[u8], out: &mut [u8]) -> Result<()> {
    let (mut length, mut encoded, mut block) = (0usize, 0usize, 0usize);
    if input.len() < 16 {
        return Err(Error::corrupt("blosc bytes end before their header"));
    }
    // SAFETY: `input` holds the 16 bytes of header that this reads; the three outputs outlive the call.
    unsafe {
        blosc_src::blosc_cbuffer_sizes(
            input.as_ptr().cast(),
            &raw mut length,
            &raw mut encoded,
            &raw mut block,
        );
    }
    if length != out.len() || encoded > input.len() {
        return Err(wrong_length("blosc", length, out.len()));
    }
    // SAFETY: the frame's own length was checked against `input`, and `out` has its stated room.
    let given = unsafe {
        blosc_src::blosc_decompress_ctx(
            input.as_ptr().cast(),
            out.as_mut_ptr().cast(),
            out.len(),
            1,
        )
    };
    match usize::try_from(given) {
        Ok(given) if given == out.len() => Ok(()),
        _ => Err(Error::corrupt(format!(
            "blosc bytes are damaged: result {given}"
        ))),
    }
}

/// LZF (32000): literal runs and back references.
pub fn lzf(input: &[u8], out: &mut [u8]) -> Result<()> {
    let damaged = || Error::corrupt("lzf bytes are damaged");
    let (mut from, mut to) = (0usize, 0usize);
    let next = |from: &mut usize| {
        let byte = input.get(*from).copied().ok_or_else(damaged);
        *from += 1;
        byte.map(usize::from)
    };
    while from < input.len() {
        let control = next(&mut from)?;
        if control < 32 {
            let length = control + 1;
            let literal = input.get(from..from + length).ok_or_else(damaged)?;
            out.get_mut(to..to + length)
                .ok_or_else(damaged)?
                .copy_from_slice(literal);
            (from, to) = (from + length, to + length);
            continue;
        }
        let mut length = control >> 5;
        if length == 7 {
            length += next(&mut from)?;
        }
        let back = ((control & 0x1f) << 8 | next(&mut from)?) + 1;
        let (start, end) = (to.checked_sub(back).ok_or_else(damaged)?, to + length + 2);
        if end > out.len() {
            return Err(damaged());
        }
        // Byte by byte, because a reference may reach into what it produces.
        for at in 0..length + 2 {
            out[to + at] = out[start + at];
        }
        to = end;
    }
    if to == out.len() {
        Ok(())
    } else {
        Err(wrong_length("lzf", to, out.len()))
    }
}

/// Runs a decoder of another crate on foreign bytes, so that a panic in it is an error here.
fn guarded(
    name: &str,
    decode: impl FnOnce() -> hdf5_reader::error::Result<Vec<u8>> + std::panic::UnwindSafe,
) -> Result<Vec<u8>> {
    match std::panic::catch_unwind(decode) {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(Error::corrupt(format!("{name} bytes are damaged")).caused_by(error)),
        Err(_) => Err(Error::corrupt(format!(
            "{name} bytes are damaged beyond decoding"
        ))),
    }
}

/// szip (4).
pub fn szip(input: &[u8], values: &[u32], most: usize) -> Result<Vec<u8>> {
    guarded("szip", || {
        hdf5_reader::filters::szip::decompress_with_limit(input, values, most)
    })
}

/// n-bit (5).
pub fn nbit(input: &[u8], values: &[u32], most: usize) -> Result<Vec<u8>> {
    guarded("nbit", || {
        hdf5_reader::filters::nbit::decompress_with_limit(input, values, most)
    })
}

/// scale-offset (6).
pub fn scaleoffset(input: &[u8], values: &[u32], most: usize) -> Result<Vec<u8>> {
    guarded("scaleoffset", || {
        hdf5_reader::filters::scaleoffset::decompress_with_limit(input, values, most)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lzf_references_may_overlap_what_they_produce() {
        let mut out = [0; 6];
        lzf(&[0, b'a', 0x60, 0], &mut out).unwrap();
        assert_eq!(&out, b"aaaaaa");
        assert!(lzf(&[0x60, 0], &mut out).is_err());
    }
}
