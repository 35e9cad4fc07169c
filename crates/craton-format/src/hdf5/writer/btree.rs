//! Chunk indexes: B-trees of version 1, which every HDF5 library reads.

use super::bytes::{NOWHERE, PutBytes};

/// Where a chunk was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// Its number in C order.
    pub number: u64,
    /// Its first byte.
    pub address: u64,
    /// Its stored bytes.
    pub size: u32,
}

/// Children of a full node: twice HDF5's default rank of chunk trees.
const MOST: usize = 64;

/// One child with the key before it.
struct Entry {
    key: Vec<u8>,
    address: u64,
}

/// The tree over `records`, which are in C order, to be written at `address`; gives its bytes and the address of its root.
///
/// `counts` chunks of `chunk` elements lie along each axis.
pub fn tree(records: &[Record], counts: &[u64], chunk: &[u64], address: u64) -> (Vec<u8>, u64) {
    let Some(last) = records.last() else {
        return (Vec::new(), NOWHERE);
    };
    let key = |record: &Record| Entry {
        key: key(record.size, &index_of(record.number, counts), chunk),
        address: record.address,
    };
    let end: Vec<u64> = index_of(last.number, counts)
        .iter()
        .map(|at| at + 1)
        .collect();
    let end = self::key(0, &end, chunk);
    let mut bytes = Vec::new();
    let mut entries: Vec<Entry> = records.iter().map(key).collect();
    for level in 0u8.. {
        let first = address + bytes.len() as u64;
        entries = nodes(level, &entries, &end, first, &mut bytes);
        if entries.len() == 1 {
            return (bytes, first);
        }
    }
    // OK because 64 children a node leave one node after at most eleven levels.
    (bytes, NOWHERE)
}

/// Writes one level from `first` on; gives the entries of the level above.
fn nodes(level: u8, entries: &[Entry], end: &[u8], first: u64, out: &mut Vec<u8>) -> Vec<Entry> {
    let size = 24 + MOST * 8 + (MOST + 1) * end.len();
    let count = entries.len().div_ceil(MOST);
    let address = |number: usize| first + (number * size) as u64;
    let mut above = Vec::with_capacity(count);
    for (number, children) in entries.chunks(MOST).enumerate() {
        let start = out.len();
        out.extend(b"TREE\x01");
        out.push(level);
        out.put16(children.len() as u16);
        out.put64(number.checked_sub(1).map_or(NOWHERE, address));
        out.put64(if number + 1 < count {
            address(number + 1)
        } else {
            NOWHERE
        });
        for child in children {
            out.extend(&child.key);
            out.put64(child.address);
        }
        let next = entries.get((number + 1) * MOST);
        out.extend(next.map_or(end, |next| next.key.as_slice()));
        // Readers take whole nodes, however few children they have.
        out.resize(start + size, 0);
        above.push(Entry {
            key: children[0].key.clone(),
            address: address(number),
        });
    }
    above
}

/// A chunk's size and first element; the element's own bytes are HDF5's last axis.
fn key(size: u32, index: &[u64], chunk: &[u64]) -> Vec<u8> {
    let mut key = Vec::with_capacity(16 + index.len() * 8);
    key.put32(size);
    // No filter was left out.
    key.put32(0);
    for (at, length) in index.iter().zip(chunk) {
        key.put64(at * length);
    }
    key.put64(0);
    key
}

fn index_of(mut number: u64, counts: &[u64]) -> Vec<u64> {
    let mut index = vec![0; counts.len()];
    for axis in (0..counts.len()).rev() {
        index[axis] = number % counts[axis].max(1);
        number /= counts[axis].max(1);
    }
    index
}
