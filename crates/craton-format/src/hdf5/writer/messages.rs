//! Header messages, and object headers of version 2 that hold them.

use super::bytes::{NOWHERE, PutBytes};
use crate::codec::lookup3::lookup3;
use crate::netcdf::Filter;

/// A message of an object header.
#[derive(Debug, Clone)]
pub struct Message {
    kind: u8,
    flags: u8,
    body: Vec<u8>,
}

impl Message {
    fn new(kind: u8, body: Vec<u8>) -> Self {
        Self {
            kind,
            flags: 0,
            body,
        }
    }

    /// One that never changes while the object is there.
    fn constant(kind: u8, body: Vec<u8>) -> Self {
        Self {
            kind,
            flags: 1,
            body,
        }
    }
}

const ATTRIBUTE: u8 = 0x0c;
/// No message is longer.
pub const LONGEST: usize = u16::MAX as usize;

/// The extent of a dataset or attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Space {
    /// No elements.
    Null,
    /// One element without axes.
    Scalar,
    /// Length of each axis, and whether it may grow.
    Simple(Vec<(u64, bool)>),
}

impl Space {
    /// One axis of fixed length.
    pub fn list(length: usize) -> Self {
        match length {
            0 => Self::Null,
            length => Self::Simple(vec![(length as u64, false)]),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let axes = match self {
            Self::Null => return vec![2, 0, 0, 2],
            Self::Scalar => return vec![2, 0, 0, 0],
            Self::Simple(axes) => axes,
        };
        let can_grow = axes.iter().any(|(_, can_grow)| *can_grow);
        // HDF5 allows no more than 32 axes.
        let mut out = vec![2, axes.len() as u8, u8::from(can_grow), 1];
        axes.iter().for_each(|(length, _)| out.put64(*length));
        if can_grow {
            for (length, can_grow) in axes {
                out.put64(if *can_grow { u64::MAX } else { *length });
            }
        }
        out
    }
}

/// Where a dataset's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// In one piece.
    Contiguous { address: u64, length: u64 },
    /// In chunks found through a tree.
    Chunked {
        tree: u64,
        chunk: &'a [u64],
        element: u32,
    },
}

/// The extent.
pub fn dataspace(space: &Space) -> Message {
    Message::new(0x01, space.bytes())
}

/// The type of elements.
pub fn datatype(datatype: Vec<u8>) -> Message {
    Message::constant(0x03, datatype)
}

/// The value of elements that are not stored, and when space is allocated.
pub fn fill_value(value: Option<&[u8]>, is_chunked: bool) -> Message {
    // Space late, or as chunks come; fill values are written if they are set.
    let allocation = if is_chunked { 3 } else { 2 };
    let mut body = vec![3, allocation | 2 << 2];
    if let Some(value) = value {
        body[1] |= 0x20;
        body.put32(value.len() as u32);
        body.extend(value);
    }
    Message::constant(0x05, body)
}

/// Where values are.
pub fn layout(place: Place<'_>) -> Message {
    let mut body = vec![3];
    match place {
        Place::Contiguous { address, length } => {
            body.push(1);
            body.put64(address);
            body.put64(length);
        }
        Place::Chunked {
            tree,
            chunk,
            element,
        } => {
            body.push(2);
            body.push(chunk.len() as u8 + 1);
            body.put64(tree);
            // OK to convert: sizes of chunks were checked to fit 32 bits.
            chunk.iter().for_each(|length| body.put32(*length as u32));
            body.put32(element);
        }
    }
    Message::new(0x08, body)
}

/// What chunks go through.
pub fn filters(filters: &[Filter], element: u32) -> Message {
    let mut body = vec![2, filters.len() as u8];
    for filter in filters {
        const OPTIONAL: u16 = 1;
        let (id, flags, value) = match filter {
            Filter::Deflate(level) => (1, OPTIONAL, Some(u32::from(*level))),
            Filter::Shuffle => (2, OPTIONAL, Some(element)),
            Filter::Fletcher32 => (3, 0, None),
            Filter::Zstd(level) => (32015, OPTIONAL, Some(level.unsigned_abs())),
        };
        body.put16(id);
        let name: &[u8] = if id < 256 { b"" } else { b"Zstandard\0" };
        if id >= 256 {
            body.put16(name.len() as u16);
        }
        body.put16(flags);
        body.put16(u16::from(value.is_some()));
        body.extend(name);
        value.into_iter().for_each(|value| body.put32(value));
    }
    Message::constant(0x0b, body)
}

/// An attribute; `None` if it is longer than a message can be.
pub fn attribute(name: &str, datatype: &[u8], space: &Space, value: &[u8]) -> Option<Message> {
    let space = space.bytes();
    let mut body = vec![3, 0];
    body.put16(name.len() as u16 + 1);
    body.put16(datatype.len() as u16);
    body.put16(space.len() as u16);
    body.push(u8::from(!name.is_ascii()));
    body.extend(name.as_bytes());
    body.push(0);
    body.extend(datatype);
    body.extend(space);
    body.extend(value);
    (body.len() <= LONGEST).then(|| Message::new(ATTRIBUTE, body))
}

/// What a group says of its links: their order is kept.
pub fn links(count: usize) -> [Message; 2] {
    let mut info = vec![0, 3];
    info.put64(count as u64);
    info.put64(NOWHERE);
    info.put64(NOWHERE);
    info.put64(NOWHERE);
    [
        Message::new(0x02, info),
        Message::constant(0x0a, vec![0, 0]),
    ]
}

/// A link to an object, the `order`th that was made.
pub fn link(name: &str, order: usize, address: u64) -> Message {
    const HAS_ORDER: u8 = 4;
    const HAS_CHARSET: u8 = 0x10;
    const WIDE_NAME: u8 = 1;
    let mut body = vec![1, HAS_ORDER | HAS_CHARSET | WIDE_NAME];
    body.put64(order as u64);
    body.push(u8::from(!name.is_ascii()));
    body.put16(name.len() as u16);
    body.extend(name.as_bytes());
    body.put64(address);
    Message::new(0x06, body)
}

/// An object header with the order of attributes.
pub fn header(messages: &[Message]) -> Vec<u8> {
    let attributes = messages
        .iter()
        .filter(|message| message.kind == ATTRIBUTE)
        .count();
    // OK to convert: an order of attributes has 16 bits, and nobody reads that many.
    let mut info = vec![0, 3];
    info.put16(attributes as u16);
    info.put64(NOWHERE);
    info.put64(NOWHERE);
    info.put64(NOWHERE);
    let info = Message::new(0x15, info);
    let mut body = Vec::new();
    let mut order = 0;
    for message in messages.iter().chain([&info]) {
        body.push(message.kind);
        body.put16(message.body.len() as u16);
        body.push(message.flags);
        let is_attribute = message.kind == ATTRIBUTE;
        body.put16(if is_attribute { order } else { 0 });
        order += u16::from(is_attribute);
        body.extend(&message.body);
    }
    // Attributes in order, the order indexed, their number bounded below, a size of four bytes.
    let mut out = b"OHDR\x02\x1e".to_vec();
    // As many attributes as there may be stay in the header.
    out.put16(u16::MAX);
    out.put16(0);
    out.put32(body.len() as u32);
    out.extend(body);
    let sum = lookup3(&out);
    out.put32(sum);
    out
}

/// The bytes at the beginning of the file.
pub fn superblock(end: u64, root: u64) -> Vec<u8> {
    let mut out = b"\x89HDF\r\n\x1a\n\x02\x08\x08\0".to_vec();
    out.put64(0);
    out.put64(NOWHERE);
    out.put64(end);
    out.put64(root);
    let sum = lookup3(&out);
    out.put32(sum);
    out
}
