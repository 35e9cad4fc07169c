//! Object headers: the list of messages that describes one group, dataset or named type.

use super::cursor::{Cursor, verify_checksum};
use super::superblock::View;
use crate::ranges::Parse;
use craton_core::{Error, Result};

/// No object header needs more continuation blocks.
const MOST_BLOCKS: usize = 4096;
/// No object header is larger.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The kinds of header messages that are read.
pub mod kind {
    pub const DATASPACE: u16 = 0x01;
    pub const LINK_INFO: u16 = 0x02;
    pub const DATATYPE: u16 = 0x03;
    pub const OLD_FILL_VALUE: u16 = 0x04;
    pub const FILL_VALUE: u16 = 0x05;
    pub const LINK: u16 = 0x06;
    pub const EXTERNAL_FILES: u16 = 0x07;
    pub const LAYOUT: u16 = 0x08;
    pub const GROUP_INFO: u16 = 0x0a;
    pub const FILTERS: u16 = 0x0b;
    pub const ATTRIBUTE: u16 = 0x0c;
    pub const CONTINUATION: u16 = 0x10;
    pub const SYMBOL_TABLE: u16 = 0x11;
    pub const ATTRIBUTE_INFO: u16 = 0x15;
}

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    /// What it is about, see [`kind`].
    pub kind: u16,
    /// Whether the body only points at the message.
    pub is_shared: bool,
    /// When it was added, where that is recorded.
    pub order: Option<u16>,
    block: usize,
    start: usize,
    end: usize,
}

/// All messages of one object.
#[derive(Debug, Clone, Default)]
pub struct Header {
    blocks: Vec<Vec<u8>>,
    messages: Vec<Message>,
}

impl Header {
    /// The messages of `kind`.
    pub fn all(&self, kind: u16) -> impl Iterator<Item = &Message> {
        self.messages
            .iter()
            .filter(move |message| message.kind == kind)
    }

    /// The first message of `kind`.
    pub fn first(&self, kind: u16) -> Option<&Message> {
        self.all(kind).next()
    }

    /// The bytes of a message.
    pub fn body(&self, message: &Message) -> &[u8] {
        self.blocks
            .get(message.block)
            .and_then(|block| block.get(message.start..message.end))
            .unwrap_or(&[])
    }
}

/// How the messages of one header are written.
#[derive(Clone, Copy)]
struct Style {
    is_old: bool,
    has_order: bool,
}

/// Reads the object header at `address`.
pub fn parse(view: View<'_>, address: u64) -> Parse<Header> {
    let start = view.bytes_up_to(address, 64)?;
    let mut cursor = Cursor::new(&start);
    let (style, prefix, first_length) = if start.starts_with(b"OHDR") {
        parse_new_prefix(&mut cursor)?
    } else {
        parse_old_prefix(&mut cursor)?
    };
    let checksum = if style.is_old { 0 } else { 4 };
    let length = first_length
        .checked_add(prefix as u64 + checksum)
        .filter(|length| *length < MOST_BYTES);
    let length = length.ok_or_else(|| Error::corrupt("an object header of impossible length"))?;
    let block = view.bytes(address, length)?;
    if !style.is_old {
        verify_checksum(&block, "an object header")?;
    }
    let mut header = Header::default();
    let mut pending = Vec::new();
    add_block(
        &mut header,
        block.into_owned(),
        prefix,
        style,
        view,
        &mut pending,
    )?;
    let mut total = length;
    while let Some((address, length)) = pending.pop() {
        total = total.saturating_add(length);
        if header.blocks.len() >= MOST_BLOCKS || total > MOST_BYTES {
            return Err(Error::corrupt("an object header that does not end").into());
        }
        let block = view.bytes(address, length)?;
        let prefix = if style.is_old { 0 } else { 4 };
        if !style.is_old {
            Cursor::new(&block).expect(b"OCHK")?;
            verify_checksum(&block, "an object header continuation")?;
        }
        add_block(
            &mut header,
            block.into_owned(),
            prefix,
            style,
            view,
            &mut pending,
        )?;
    }
    Ok(header)
}

fn parse_old_prefix(cursor: &mut Cursor<'_>) -> Result<(Style, usize, u64)> {
    match cursor.u8()? {
        1 => {}
        version => {
            let message =
                format!("no object header here: its version is {version}; 1 and 2 are known");
            return Err(Error::corrupt(message));
        }
    }
    cursor.skip(1 + 2 + 4)?;
    let length = u64::from(cursor.u32()?);
    Ok((
        Style {
            is_old: true,
            has_order: false,
        },
        16,
        length,
    ))
}

fn parse_new_prefix(cursor: &mut Cursor<'_>) -> Result<(Style, usize, u64)> {
    cursor.skip(4)?;
    cursor.version("object header", 2)?;
    let flags = cursor.u8()?;
    if flags & 0x20 != 0 {
        cursor.skip(16)?;
    }
    if flags & 0x10 != 0 {
        cursor.skip(4)?;
    }
    let length = cursor.uint(1 << (flags & 3))?;
    let style = Style {
        is_old: false,
        has_order: flags & 0x04 != 0,
    };
    Ok((style, cursor.position(), length))
}

fn add_block(
    header: &mut Header,
    block: Vec<u8>,
    prefix: usize,
    style: Style,
    view: View<'_>,
    pending: &mut Vec<(u64, u64)>,
) -> Result<()> {
    let number = header.blocks.len();
    let end = block.len() - if style.is_old { 0 } else { 4.min(block.len()) };
    let message_prefix = match style {
        Style { is_old: true, .. } => 8,
        Style {
            has_order: true, ..
        } => 6,
        Style { .. } => 4,
    };
    let mut cursor = Cursor::new(&block[..end]);
    cursor.skip(prefix)?;
    // What remains and is shorter than a message is a gap.
    while cursor.rest().len() >= message_prefix {
        let mut message = read_prefix(&mut cursor, style)?;
        (message.block, message.start, message.end) =
            (number, cursor.position(), cursor.position() + message.end);
        let body = cursor.take(message.end - message.start)?;
        if message.kind == kind::CONTINUATION {
            let mut body = Cursor::new(body);
            pending.push((
                body.address(view.widths.address)?,
                body.uint(view.widths.length)?,
            ));
        } else if message.kind != 0 {
            header.messages.push(message);
        }
    }
    header.blocks.push(block);
    Ok(())
}

/// The start of a message; `end` holds its length until its place is known.
fn read_prefix(cursor: &mut Cursor<'_>, style: Style) -> Result<Message> {
    let kind = if style.is_old {
        cursor.u16()?
    } else {
        u16::from(cursor.u8()?)
    };
    let length = usize::from(cursor.u16()?);
    let flags = cursor.u8()?;
    if style.is_old {
        cursor.skip(3)?;
    }
    let order = if style.has_order {
        Some(cursor.u16()?)
    } else {
        None
    };
    Ok(Message {
        kind,
        is_shared: flags & 2 != 0,
        order,
        block: 0,
        start: 0,
        end: length,
    })
}

/// The bytes of a message, following it to where it is shared.
pub fn resolve(view: View<'_>, header: &Header, message: &Message) -> Parse<Vec<u8>> {
    let body = header.body(message);
    if !message.is_shared {
        return Ok(body.to_vec());
    }
    shared(view, body, message.kind)
}

/// The message of `wanted` kind in the object that the shared-message `reference` names.
pub fn shared(view: View<'_>, reference: &[u8], wanted: u16) -> Parse<Vec<u8>> {
    let mut cursor = Cursor::new(reference);
    let version = cursor.u8()?;
    let location = cursor.u8()?;
    match (version, location) {
        (1, _) => cursor.skip(6)?,
        (2, _) | (3, 2) => {}
        (3, 1) => {
            return Err(
                Error::unsupported("messages in a shared-message heap are not read").into(),
            );
        }
        _ => {
            let message = format!("shared message of version {version}, kind {location}");
            return Err(Error::unsupported(message).into());
        }
    }
    let header = parse(view, cursor.address(view.widths.address)?)?;
    let message = header
        .first(wanted)
        .filter(|message| !message.is_shared)
        .ok_or_else(|| Error::corrupt("a shared message points at an object without it"))?;
    Ok(header.body(message).to_vec())
}
