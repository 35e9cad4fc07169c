//! The members of a group, in every way in which groups are stored.

use super::btree2;
use super::cursor::{Cursor, UNDEFINED, text};
use super::header::{Header, kind};
use super::heap::{self, Fractal};
use super::superblock::View;
use crate::ranges::Parse;
use craton_core::{Error, Result};
use std::collections::HashSet;

/// A group with more members is refused.
const MOST_LINKS: usize = 4_000_000;

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The member's name.
    pub name: String,
    /// When it was added, where the group tracks that.
    pub order: Option<u64>,
    /// What it leads to.
    pub target: Target,
}

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The object header at this address.
    Hard(u64),
    /// A path in the same file.
    Soft(String),
    /// A path in another file.
    External { file: String, path: String },
    /// A kind of link that only its writer understands.
    UserDefined(u8),
}

/// The members of the group that `header` describes, in the order in which netCDF shows them:
/// as they were added where that is tracked, else by name.
pub fn members(view: View<'_>, header: &Header) -> Parse<Vec<Link>> {
    let mut links = Vec::new();
    if let Some(message) = header.first(kind::SYMBOL_TABLE) {
        let mut cursor = Cursor::new(header.body(message));
        let tree = cursor.address(view.widths.address)?;
        let names = cursor.address(view.widths.address)?;
        old_members(view, tree, names, &mut links)?;
    }
    for message in header.all(kind::LINK) {
        links.push(parse_link(header.body(message), view)?);
    }
    let mut is_tracked = false;
    if let Some(message) = header.first(kind::LINK_INFO) {
        is_tracked = dense_members(view, header.body(message), &mut links)?;
    }
    if is_tracked && links.iter().all(|link| link.order.is_some()) {
        links.sort_by_key(|link| link.order);
    } else {
        links.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(links)
}

fn old_members(view: View<'_>, tree: u64, names: u64, links: &mut Vec<Link>) -> Parse<()> {
    if tree == UNDEFINED {
        return Ok(());
    }
    let names = heap::local(view, names)?;
    let mut pending = vec![tree];
    let mut visited = HashSet::new();
    while let Some(address) = pending.pop() {
        if !visited.insert(address) {
            return Err(Error::corrupt("a group's B-tree contains itself").into());
        }
        let start = view.bytes_up_to(address, 8)?;
        if start.starts_with(b"SNOD") {
            symbol_node(view, address, &names, links)?;
        } else {
            pending.extend(group_node(view, address)?);
        }
        if links.len() > MOST_LINKS {
            return Err(
                Error::unsupported(format!("a group of more than {MOST_LINKS} members")).into(),
            );
        }
    }
    Ok(())
}

/// The children of a group's B-tree node.
fn group_node(view: View<'_>, address: u64) -> Parse<Vec<u64>> {
    let (width, length) = (view.widths.address, view.widths.length);
    let prefix = view.bytes(address, 8)?;
    let mut cursor = Cursor::new(&prefix);
    cursor.expect(b"TREE")?;
    let (of, _level, count) = (cursor.u8()?, cursor.u8()?, cursor.u16()?);
    if of != 0 {
        return Err(Error::corrupt(format!(
            "a B-tree node of type {of} in a group; 0 was expected"
        ))
        .into());
    }
    let size =
        8 + 2 * u64::from(width) + u64::from(count) * u64::from(width + length) + u64::from(length);
    let bytes = view.bytes(address, size)?;
    let mut cursor = Cursor::new(&bytes);
    cursor.skip(8 + 2 * usize::from(width))?;
    let mut children = Vec::new();
    for _ in 0..count {
        cursor.uint(length)?;
        children.push(cursor.address(width)?);
    }
    Ok(children)
}

fn symbol_node(view: View<'_>, address: u64, names: &[u8], links: &mut Vec<Link>) -> Parse<()> {
    let width = view.widths.address;
    let prefix = view.bytes(address, 8)?;
    let mut cursor = Cursor::new(&prefix);
    cursor.expect(b"SNOD")?;
    cursor.version("symbol table node", 1)?;
    cursor.skip(1)?;
    let count = cursor.u16()?;
    let entry = 2 * u64::from(width) + 24;
    let bytes = view.bytes(address, 8 + u64::from(count) * entry)?;
    let mut cursor = Cursor::new(&bytes);
    cursor.skip(8)?;
    for _ in 0..count {
        let name = name_at(names, cursor.uint(width)?)?;
        let object = cursor.address(width)?;
        let cached = cursor.u32()?;
        cursor.skip(4)?;
        let scratch = cursor.take(16)?;
        let target = if cached == 2 {
            let at = Cursor::new(scratch).u32()?;
            Target::Soft(name_at(names, u64::from(at))?)
        } else {
            Target::Hard(object)
        };
        links.push(Link {
            name,
            order: None,
            target,
        });
    }
    Ok(())
}

fn name_at(names: &[u8], offset: u64) -> Result<String> {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let bytes = names.get(start..).ok_or_else(|| {
        Error::corrupt(format!(
            "a name at byte {offset} of a heap of {} bytes",
            names.len()
        ))
    })?;
    Ok(text(bytes))
}

/// Adds densely stored links; gives whether the group tracks the order of creation.
fn dense_members(view: View<'_>, info: &[u8], links: &mut Vec<Link>) -> Parse<bool> {
    let mut cursor = Cursor::new(info);
    cursor.version("link info", 0)?;
    let flags = cursor.u8()?;
    if flags & 1 != 0 {
        cursor.skip(8)?;
    }
    let heap = cursor.address(view.widths.address)?;
    let by_name = cursor.address(view.widths.address)?;
    if heap != UNDEFINED && by_name != UNDEFINED {
        let heap = Fractal::parse(view, heap)?;
        let (tree, records) = btree2::records(view, by_name)?;
        for record in records.chunks_exact(tree.record_size) {
            // A record is a hash of four bytes and the heap's name for the link.
            let object = heap.object(view, record.get(4..).unwrap_or(&[]))?;
            links.push(parse_link(&object, view)?);
        }
    }
    Ok(flags & 1 != 0)
}

fn parse_link(bytes: &[u8], view: View<'_>) -> Result<Link> {
    let mut cursor = Cursor::new(bytes);
    cursor.version("link", 1)?;
    let flags = cursor.u8()?;
    let kind = if flags & 8 != 0 { cursor.u8()? } else { 0 };
    let order = if flags & 4 != 0 {
        Some(cursor.u64()?)
    } else {
        None
    };
    if flags & 16 != 0 {
        cursor.skip(1)?;
    }
    let length = usize::try_from(cursor.uint(1 << (flags & 3))?).unwrap_or(usize::MAX);
    let name = text(cursor.take(length)?);
    let target = match kind {
        0 => Target::Hard(cursor.address(view.widths.address)?),
        1 => {
            let length = usize::from(cursor.u16()?);
            Target::Soft(text(cursor.take(length)?))
        }
        64 => {
            let length = usize::from(cursor.u16()?);
            let mut value = Cursor::new(cursor.take(length)?);
            value.skip(1)?;
            let file = text(value.c_string()?);
            Target::External {
                file,
                path: text(value.rest()),
            }
        }
        other => Target::UserDefined(other),
    };
    Ok(Link {
        name,
        order,
        target,
    })
}
