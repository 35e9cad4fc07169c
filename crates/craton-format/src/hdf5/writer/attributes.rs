//! Attributes as netCDF-4 stores them.

use super::bytes::little_endian;
use super::datatype;
use super::heap::Heap;
use super::messages::{LONGEST, Message, Space, attribute};
use crate::numbers::storable;
use craton_core::{AttributeValue, Attributes, Error, Numbers, Result};

/// Texts longer than this go to the heap, where there is room.
const LONGEST_TEXT: usize = LONGEST - 1024;

/// What netCDF keeps to itself.
const RESERVED: [&str; 6] = [
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "_NCProperties",
    "_Netcdf4Dimid",
];

/// One message for each attribute; texts of varying length go to `heap`.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] for what no attribute can hold.
pub fn messages(attributes: &Attributes, heap: &mut Heap) -> Result<Vec<Message>> {
    let message = |(name, value): (&String, &AttributeValue)| {
        if RESERVED.contains(&name.as_str()) {
            let message = format!("attribute `{name}` means something else in netCDF files");
            return Err(Error::unsupported(message).hint("drop it before writing"));
        }
        match value {
            AttributeValue::Text(value) => text(name, value, heap),
            AttributeValue::Texts(values) => texts(name, values, heap),
            AttributeValue::Json(value) => text(name, &value.to_string(), heap),
            AttributeValue::Numbers(values) => numbers(name, values),
        }
    };
    attributes.iter().map(message).collect()
}

/// ASCII is stored in place, as other programs expect it.
pub fn text(name: &str, value: &str, heap: &mut Heap) -> Result<Message> {
    if !value.is_ascii() || value.contains('\0') || value.len() > LONGEST_TEXT {
        let reference = reference(value, heap)?;
        return made(name, &datatype::variable_text(), &Space::Scalar, &reference);
    }
    let space = if value.is_empty() {
        Space::Null
    } else {
        Space::Scalar
    };
    let size = value.len().max(1) as u32;
    made(name, &datatype::text(size), &space, value.as_bytes())
}

fn texts(name: &str, values: &[String], heap: &mut Heap) -> Result<Message> {
    let mut references = Vec::with_capacity(values.len() * 16);
    for value in values {
        references.extend(reference(value, heap)?);
    }
    let space = Space::list(values.len());
    made(name, &datatype::variable_text(), &space, &references)
}

fn reference(value: &str, heap: &mut Heap) -> Result<[u8; 16]> {
    let length =
        u32::try_from(value.len()).map_err(|_| Error::unsupported("a text of 4 GiB and more"))?;
    Ok(heap.add(value.as_bytes(), length))
}

fn numbers(name: &str, values: &Numbers) -> Result<Message> {
    let Some(mut values) = storable(values) else {
        let message = format!("attribute `{name}` of `{}`", values.dtype);
        return Err(Error::unsupported(message).hint("netCDF has integers, floats and texts"));
    };
    let size = values.dtype.item_size().unwrap_or(1);
    little_endian(&mut values.bytes, size);
    let space = Space::list(values.bytes.len() / size.max(1));
    made(
        name,
        &datatype::of_dtype(values.dtype)?,
        &space,
        &values.bytes,
    )
}

/// The message, unless it is too long.
pub fn made(name: &str, datatype: &[u8], space: &Space, value: &[u8]) -> Result<Message> {
    attribute(name, datatype, space, value).ok_or_else(|| {
        let message = format!(
            "attribute `{name}` of {} bytes; {LONGEST} are possible",
            value.len()
        );
        Error::unsupported(message).hint("store it as a variable, or drop it")
    })
}
