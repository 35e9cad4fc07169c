//! Chunk indexes that are B-trees, read level by level so that one round of requests serves a level.

use super::Walk;
use crate::hdf5::btree2::{Node, Tree};
use crate::hdf5::cursor::Cursor;
use crate::hdf5::superblock::View;
use crate::ranges::Parse;
use craton_core::{Error, Result};
use std::collections::HashSet;

/// The children of a version 1 node, or its chunks.
enum Old {
    Inner(Vec<u64>),
    Leaf(Vec<(Vec<u64>, u64, u64, u32)>),
}

/// A version 1 B-tree: keys of stored length, mask and offset in elements.
pub(super) async fn version_1(mut walk: Walk<'_>, root: u64) -> Result<()> {
    let (widths, chunk) = (walk.widths, walk.geometry.chunk.clone());
    let mut level = vec![root];
    let mut visited = HashSet::new();
    while !level.is_empty() {
        if !level.iter().all(|address| visited.insert(*address)) {
            return Err(Error::corrupt("a chunk index contains itself"));
        }
        let nodes = walk
            .cache
            .run_all(&level, |cache, address| {
                parse_old(View { cache, widths }, *address, &chunk)
            })
            .await?;
        let mut below = Vec::new();
        for node in nodes {
            match node? {
                Old::Inner(children) => below.extend(children),
                Old::Leaf(chunks) => {
                    for (index, address, length, mask) in chunks {
                        walk.add(index, address, length, mask);
                    }
                }
            }
        }
        level = below;
    }
    Ok(())
}

fn parse_old(view: View<'_>, address: u64, chunk: &[u64]) -> Parse<Old> {
    let width = usize::from(view.widths.address);
    let prefix = view.bytes(address, 8)?;
    let mut cursor = Cursor::new(&prefix);
    cursor.expect(b"TREE")?;
    let (of, level, count) = (cursor.u8()?, cursor.u8()?, usize::from(cursor.u16()?));
    if of != 1 {
        return Err(Error::corrupt(format!(
            "a B-tree node of type {of} for chunks; 1 was expected"
        ))
        .into());
    }
    let key = 8 + 8 * (chunk.len() + 1);
    let bytes = view.bytes(address, (8 + 2 * width + count * (key + width)) as u64)?;
    let mut cursor = Cursor::new(&bytes);
    cursor.skip(8 + 2 * width)?;
    if level > 0 {
        let mut children = Vec::with_capacity(count);
        for _ in 0..count {
            cursor.skip(key)?;
            children.push(cursor.address(view.widths.address)?);
        }
        return Ok(Old::Inner(children));
    }
    let mut chunks = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, mask) = (u64::from(cursor.u32()?), cursor.u32()?);
        let mut index = Vec::with_capacity(chunk.len());
        for extent in chunk {
            let offset = cursor.u64()?;
            if offset % extent != 0 {
                let message = format!("a chunk at index {offset} of an axis cut every {extent}");
                return Err(Error::corrupt(message).into());
            }
            index.push(offset / extent);
        }
        cursor.skip(8)?;
        chunks.push((index, cursor.address(view.widths.address)?, length, mask));
    }
    Ok(Old::Leaf(chunks))
}

/// A version 2 B-tree: records of address, stored length and mask where filtered, and chunk coordinates.
pub(super) async fn version_2(mut walk: Walk<'_>, address: u64) -> Result<()> {
    let widths = walk.widths;
    let tree = walk
        .cache
        .run(|cache| Tree::parse(View { cache, widths }, address))
        .await?;
    let coordinates = 8 * walk.geometry.shape.len();
    let fixed = usize::from(widths.address) + coordinates;
    let length_width = match tree.kind {
        10 => 0,
        11 => tree.record_size.saturating_sub(fixed + 4),
        other => {
            return Err(Error::corrupt(format!(
                "a B-tree of kind {other} for chunks; 10 and 11 are possible"
            )));
        }
    };
    let expected = if tree.kind == 10 {
        fixed
    } else {
        fixed + 4 + length_width
    };
    if tree.record_size != expected || (tree.kind == 11 && !(1..=8).contains(&length_width)) {
        let message = format!(
            "chunk records of {} bytes for {coordinates} of coordinates",
            tree.record_size
        );
        return Err(Error::corrupt(message));
    }
    let mut level: Vec<Node> = tree.root().into_iter().collect();
    let mut visited = HashSet::new();
    while !level.is_empty() {
        if !level.iter().all(|node| visited.insert(node.address())) {
            return Err(Error::corrupt("a chunk index contains itself"));
        }
        let nodes = walk
            .cache
            .run_all(&level, |cache, node| {
                tree.node(View { cache, widths }, node)
            })
            .await?;
        let mut below = Vec::new();
        for node in nodes {
            let node = node?;
            for record in node.records.chunks_exact(tree.record_size) {
                add_record(&mut walk, record, u8::try_from(length_width).unwrap_or(8))?;
            }
            below.extend(node.children);
        }
        level = below;
    }
    Ok(())
}

fn add_record(walk: &mut Walk<'_>, record: &[u8], length_width: u8) -> Result<()> {
    let mut cursor = Cursor::new(record);
    let address = cursor.address(walk.widths.address)?;
    let (length, mask) = if length_width == 0 {
        (walk.geometry.chunk_bytes, 0)
    } else {
        (cursor.uint(length_width)?, cursor.u32()?)
    };
    let coordinates = cursor.rest();
    let index = coordinates
        .chunks_exact(8)
        .map(|eight| Cursor::new(eight).u64().unwrap_or(u64::MAX));
    walk.add(index, address, length, mask);
    Ok(())
}
