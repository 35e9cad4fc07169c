//! Datatype messages.

use super::bytes::PutBytes;
use craton_core::{DType, Error, Result};

/// Bytes of a stored reference to an element of varying length: length, heap and index.
pub const VARIABLE_SIZE: u32 = 16;

/// The type that elements of `dtype` are stored as.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] for types that netCDF-4 does not have.
pub fn of_dtype(dtype: DType) -> Result<Vec<u8>> {
    Ok(match dtype {
        DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 => integer(size_of(dtype), true),
        DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64 => {
            integer(size_of(dtype), false)
        }
        DType::Float32 => float32(false),
        DType::Float64 => float(8, 63, [52, 11, 0, 52], 1023, false),
        DType::FixedBytes(1) => text(1),
        DType::Utf8 => variable_text(),
        other => {
            return Err(Error::unsupported(format!(
                "netCDF-4 has no type for `{other}`"
            )));
        }
    })
}

/// Bytes of one stored element.
pub fn size_of(dtype: DType) -> u32 {
    // OK to convert: only the largest fixed strings are longer, and those have no type here.
    dtype.item_size().map_or(VARIABLE_SIZE, |size| size as u32)
}

fn head(class: u8, version: u8, bits: [u8; 3], size: u32) -> Vec<u8> {
    let mut out = vec![version << 4 | class];
    out.extend(bits);
    out.put32(size);
    out
}

/// A little-endian integer.
pub fn integer(size: u32, is_signed: bool) -> Vec<u8> {
    let mut out = head(0, 1, [u8::from(is_signed) << 3, 0, 0], size);
    out.put16(0);
    out.put16((size * 8) as u16);
    out
}

/// Single precision, big-endian if asked for: the type of netCDF's dimensions without a variable.
pub fn float32(is_big: bool) -> Vec<u8> {
    float(4, 31, [23, 8, 0, 23], 127, is_big)
}

/// `parts`: where the exponent begins, its bits, where the mantissa begins, its bits.
fn float(size: u32, sign: u8, parts: [u8; 4], bias: u32, is_big: bool) -> Vec<u8> {
    // The mantissa's first bit is implied.
    let mut out = head(1, 1, [0x20 | u8::from(is_big), sign, 0], size);
    out.put16(0);
    out.put16((size * 8) as u16);
    out.extend(parts);
    out.put32(bias);
    out
}

/// ASCII of fixed length.
pub fn text(size: u32) -> Vec<u8> {
    head(3, 1, [0, 0, 0], size)
}

/// UTF-8 of any length.
pub fn variable_text() -> Vec<u8> {
    let mut out = head(9, 1, [1, 1, 0], VARIABLE_SIZE);
    out.extend(integer(1, false));
    out
}

/// The address of an object.
pub fn reference() -> Vec<u8> {
    head(7, 1, [0, 0, 0], 8)
}

/// A list of references of any length.
pub fn references() -> Vec<u8> {
    let mut out = head(9, 1, [0, 0, 0], VARIABLE_SIZE);
    out.extend(reference());
    out
}

/// What a dimension scale says of a dataset that uses it: the dataset, and which axis.
pub fn scale_use() -> Vec<u8> {
    let mut out = head(6, 3, [2, 0, 0], 16);
    for (name, offset, datatype) in [
        ("dataset", 0, reference()),
        ("dimension", 8, integer(4, true)),
    ] {
        out.extend(name.as_bytes());
        out.push(0);
        out.push(offset);
        out.extend(datatype);
    }
    out
}
