//! Version 2 B-trees: records of one size, in any number of levels.

use super::cursor::{Cursor, UNDEFINED, verify_checksum};
use super::superblock::View;
use crate::ranges::Parse;
use craton_core::{Error, Result};
use std::collections::HashSet;

/// A B-tree deeper than this is damaged: 16 levels of 2-way nodes hold more than any file.
const DEEPEST: u16 = 32;

/// The shape of a tree.
#[derive(Debug, Clone)]
pub struct Tree {
    /// What the records are.
    pub kind: u8,
    /// Bytes of a record.
    pub record_size: usize,
    node_size: u64,
    root: Option<Node>,
    /// Bytes of a record count in pointers to a node.
    count_width: u8,
    /// Bytes of a total in pointers to a node, by the depth of that node.
    total_widths: Vec<u8>,
}

/// A node still to be read.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    address: u64,
    records: u64,
    depth: u16,
}

/// What a node holds.
#[derive(Debug, Default)]
pub struct NodeContents {
    /// Its records, one after the other.
    pub records: Vec<u8>,
    /// The nodes below it.
    pub children: Vec<Node>,
}

fn width_of(largest: u64) -> u8 {
    u8::try_from(8 - largest.max(1).leading_zeros() / 8).unwrap_or(8)
}

impl Tree {
    /// Reads the header at `address`.
    pub fn parse(view: View<'_>, address: u64) -> Parse<Self> {
        let widths = view.widths;
        let length = 4
            + 1
            + 1
            + 4
            + 2
            + 2
            + 2
            + u64::from(widths.address)
            + 2
            + u64::from(widths.length)
            + 4;
        let bytes = view.bytes(address, length)?;
        verify_checksum(&bytes, "a B-tree header")?;
        let mut cursor = Cursor::new(&bytes);
        cursor.expect(b"BTHD")?;
        cursor.version("B-tree header", 0)?;
        let kind = cursor.u8()?;
        let node_size = u64::from(cursor.u32()?);
        let record_size = usize::from(cursor.u16()?);
        let depth = cursor.u16()?;
        cursor.skip(2)?;
        let root = cursor.address(widths.address)?;
        let records = u64::from(cursor.u16()?);
        if record_size == 0 || depth > DEEPEST || node_size < 10 + record_size as u64 {
            let message = format!(
                "a B-tree of depth {depth} with nodes of {node_size} and records of {record_size} bytes"
            );
            return Err(Error::corrupt(message).into());
        }
        let most_in_leaf = (node_size - 10) / record_size as u64;
        let count_width = width_of(most_in_leaf);
        let mut total_widths = vec![0];
        let mut most_below = most_in_leaf;
        for _ in 0..depth {
            let pointer =
                u64::from(widths.address + count_width + total_widths.last().copied().unwrap_or(0));
            let most = node_size.saturating_sub(10 + pointer) / (record_size as u64 + pointer);
            most_below = (most + 1).saturating_mul(most_below).saturating_add(most);
            total_widths.push(width_of(most_below));
        }
        let root = (root != UNDEFINED).then_some(Node {
            address: root,
            records,
            depth,
        });
        Ok(Self {
            kind,
            record_size,
            node_size,
            root,
            count_width,
            total_widths,
        })
    }

    /// The topmost node, if there are records.
    pub fn root(&self) -> Option<Node> {
        self.root
    }

    /// Reads one node.
    pub fn node(&self, view: View<'_>, node: &Node) -> Parse<NodeContents> {
        let record_bytes = node.records.saturating_mul(self.record_size as u64);
        let pointer = self.pointer_size(view, node.depth);
        let pointers = if node.depth == 0 {
            0
        } else {
            (node.records + 1).saturating_mul(pointer)
        };
        let used = record_bytes.saturating_add(pointers).saturating_add(10);
        if used > self.node_size {
            let message = format!(
                "a B-tree node of {} bytes with {} records",
                self.node_size, node.records
            );
            return Err(Error::corrupt(message).into());
        }
        let bytes = view.bytes(node.address, used)?;
        verify_checksum(&bytes, "a B-tree node")?;
        let mut cursor = Cursor::new(&bytes);
        cursor.expect(if node.depth == 0 { b"BTLF" } else { b"BTIN" })?;
        cursor.version("B-tree node", 0)?;
        cursor.skip(1)?;
        let records = cursor
            .take(usize::try_from(record_bytes).unwrap_or(usize::MAX))?
            .to_vec();
        let children = if node.depth == 0 {
            Vec::new()
        } else {
            self.children(view, &mut cursor, node)?
        };
        Ok(NodeContents { records, children })
    }

    fn pointer_size(&self, view: View<'_>, depth: u16) -> u64 {
        if depth == 0 {
            return 0;
        }
        let total = self
            .total_widths
            .get(usize::from(depth) - 1)
            .copied()
            .unwrap_or(8);
        u64::from(view.widths.address + self.count_width + total)
    }

    fn children(&self, view: View<'_>, cursor: &mut Cursor<'_>, node: &Node) -> Result<Vec<Node>> {
        let total = self
            .total_widths
            .get(usize::from(node.depth) - 1)
            .copied()
            .unwrap_or(8);
        (0..=node.records)
            .map(|_| {
                let address = cursor.address(view.widths.address)?;
                let records = cursor.uint(self.count_width)?;
                cursor.uint(total)?;
                Ok(Node {
                    address,
                    records,
                    depth: node.depth - 1,
                })
            })
            .collect()
    }
}

/// All records of the tree at `address`, for trees that are small next to the file.
pub fn records(view: View<'_>, address: u64) -> Parse<(Tree, Vec<u8>)> {
    let tree = Tree::parse(view, address)?;
    let mut pending: Vec<Node> = tree.root().into_iter().collect();
    let mut visited = HashSet::new();
    let mut records = Vec::new();
    while let Some(node) = pending.pop() {
        if !visited.insert(node.address) {
            return Err(Error::corrupt("a B-tree that contains itself").into());
        }
        let contents = tree.node(view, &node)?;
        records.extend_from_slice(&contents.records);
        pending.extend(contents.children);
    }
    Ok((tree, records))
}

impl Node {
    /// Where the node is.
    pub fn address(&self) -> u64 {
        self.address
    }
}
