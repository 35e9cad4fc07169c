//! The three heaps: names of old groups, links and attributes of new ones, values of variable length.

use super::btree2;
use super::cursor::{Cursor, UNDEFINED, verify_checksum};
use super::superblock::View;
use crate::ranges::Parse;
use craton_core::{Error, Result};
use std::collections::HashMap;

/// No heap object that is metadata is larger.
const LARGEST_OBJECT: u64 = 64 * 1024 * 1024;

/// The bytes of the local heap at `address`, which hold names.
pub fn local(view: View<'_>, address: u64) -> Parse<Vec<u8>> {
    let widths = view.widths;
    let prefix = view.bytes(
        address,
        8 + 2 * u64::from(widths.length) + u64::from(widths.address),
    )?;
    let mut cursor = Cursor::new(&prefix);
    cursor.expect(b"HEAP")?;
    cursor.version("local heap", 0)?;
    cursor.skip(3)?;
    let length = cursor.uint(widths.length)?;
    cursor.uint(widths.length)?;
    let data = cursor.address(widths.address)?;
    if length > LARGEST_OBJECT {
        return Err(Error::corrupt(format!("a local heap of {length} bytes")).into());
    }
    Ok(view.bytes(data, length)?.into_owned())
}

/// The objects of one global heap collection, by number.
#[derive(Debug, Default)]
pub struct Collection {
    objects: HashMap<u32, Vec<u8>>,
}

impl Collection {
    /// Reads the collection at `address`.
    pub fn parse(view: View<'_>, address: u64) -> Parse<Self> {
        let width = view.widths.length;
        let prefix = view.bytes(address, 8 + u64::from(width))?;
        let mut cursor = Cursor::new(&prefix);
        cursor.expect(b"GCOL")?;
        cursor.version("global heap", 1)?;
        cursor.skip(3)?;
        let length = cursor.uint(width)?;
        let bytes = view.bytes(address, length)?;
        let mut cursor = Cursor::new(&bytes);
        cursor.skip(prefix.len())?;
        let mut objects = HashMap::new();
        while cursor.rest().len() >= 8 + usize::from(width) {
            let number = u32::from(cursor.u16()?);
            cursor.skip(6)?;
            let length = usize::try_from(cursor.uint(width)?).unwrap_or(usize::MAX);
            // Number 0 is the free space at the end.
            if number == 0 {
                break;
            }
            objects.insert(number, cursor.take(length)?.to_vec());
            let padding = (length.next_multiple_of(8) - length).min(cursor.rest().len());
            cursor.skip(padding)?;
        }
        Ok(Self { objects })
    }

    /// The bytes of an object.
    pub fn get(&self, number: u32) -> Result<&[u8]> {
        self.objects.get(&number).map(Vec::as_slice).ok_or_else(|| {
            Error::corrupt(format!(
                "a value in the global heap is missing: object {number}"
            ))
        })
    }
}

/// A fractal heap: where links and attributes are kept once there are many.
#[derive(Debug)]
pub struct Fractal {
    id_length: usize,
    offset_width: u8,
    length_width: u8,
    is_direct_huge: bool,
    huge_index: u64,
    table: Table,
}

/// How the blocks of a fractal heap double in size.
#[derive(Debug)]
struct Table {
    width: u64,
    start: u64,
    largest_direct: u64,
    root: u64,
    /// Rows of the root indirect block; 0 if the root is a direct block.
    root_rows: u64,
}

impl Fractal {
    /// Reads the header at `address`.
    pub fn parse(view: View<'_>, address: u64) -> Parse<Self> {
        let widths = view.widths;
        let (length, offset) = (u64::from(widths.length), u64::from(widths.address));
        let bytes = view.bytes(
            address,
            4 + 1 + 2 + 2 + 1 + 4 + 12 * length + 3 * offset + 2 + 2 + 2 + 2 + 4,
        )?;
        let mut cursor = Cursor::new(&bytes);
        cursor.expect(b"FRHP")?;
        cursor.version("fractal heap", 0)?;
        let id_length = usize::from(cursor.u16()?);
        if cursor.u16()? != 0 {
            return Err(Error::unsupported(
                "links or attributes in a compressed heap are not read",
            )
            .into());
        }
        verify_checksum(&bytes, "a fractal heap")?;
        cursor.skip(1)?;
        let largest_managed = u64::from(cursor.u32()?);
        cursor.uint(widths.length)?;
        let huge_index = cursor.address(widths.address)?;
        cursor.uint(widths.length)?;
        cursor.address(widths.address)?;
        for _ in 0..8 {
            cursor.uint(widths.length)?;
        }
        let width = u64::from(cursor.u16()?);
        let start = cursor.uint(widths.length)?;
        let largest_direct = cursor.uint(widths.length)?;
        let offset_bits = cursor.u16()?;
        cursor.skip(2)?;
        let root = cursor.address(widths.address)?;
        let root_rows = u64::from(cursor.u16()?);
        let is_sane = width > 0 && start > 0 && largest_direct >= start && offset_bits <= 64;
        if !is_sane || !start.is_power_of_two() || !largest_direct.is_power_of_two() {
            let message = format!(
                "a fractal heap of width {width} with blocks of {start} to {largest_direct} bytes"
            );
            return Err(Error::corrupt(message).into());
        }
        let byte_width = |largest: u64| (8 - largest.max(1).leading_zeros() / 8) as u8;
        Ok(Self {
            id_length,
            offset_width: u8::try_from(offset_bits.div_ceil(8)).unwrap_or(8),
            length_width: byte_width(largest_direct).min(byte_width(largest_managed)),
            is_direct_huge: id_length > usize::from(widths.address) + usize::from(widths.length),
            huge_index,
            table: Table {
                width,
                start,
                largest_direct,
                root,
                root_rows,
            },
        })
    }

    /// The bytes of the object that `id` names.
    pub fn object(&self, view: View<'_>, id: &[u8]) -> Parse<Vec<u8>> {
        let mut cursor = Cursor::new(id);
        let flags = cursor.u8()?;
        match (flags >> 4) & 3 {
            0 => {
                let offset = cursor.uint(self.offset_width)?;
                let length = cursor.uint(self.length_width)?;
                self.managed(view, offset, length)
            }
            1 => self.huge(view, &mut cursor),
            2 => {
                let mut length = usize::from(flags & 0x0f);
                // Long IDs count with twelve bits.
                if self.id_length > 18 {
                    length = (length << 8) | usize::from(cursor.u8()?);
                }
                Ok(cursor.take(length + 1)?.to_vec())
            }
            _ => Err(Error::corrupt("a heap object of unknown kind").into()),
        }
    }

    fn huge(&self, view: View<'_>, cursor: &mut Cursor<'_>) -> Parse<Vec<u8>> {
        let widths = view.widths;
        let (address, length) = if self.is_direct_huge {
            (cursor.address(widths.address)?, cursor.uint(widths.length)?)
        } else {
            let width = u8::try_from(cursor.rest().len())
                .unwrap_or(8)
                .min(8)
                .min(widths.length);
            self.find_huge(view, cursor.uint(width)?)?
        };
        if length > LARGEST_OBJECT {
            return Err(Error::corrupt(format!("a heap object of {length} bytes")).into());
        }
        Ok(view.bytes(address, length)?.into_owned())
    }

    fn find_huge(&self, view: View<'_>, wanted: u64) -> Parse<(u64, u64)> {
        let (tree, records) = btree2::records(view, self.huge_index)?;
        for record in records.chunks_exact(tree.record_size) {
            let mut cursor = Cursor::new(record);
            let address = cursor.address(view.widths.address)?;
            let length = cursor.uint(view.widths.length)?;
            if cursor.uint(view.widths.length)? == wanted {
                return Ok((address, length));
            }
        }
        Err(Error::corrupt(format!("heap object {wanted} is missing")).into())
    }

    fn managed(&self, view: View<'_>, offset: u64, length: u64) -> Parse<Vec<u8>> {
        let (address, block_start, block_size) = self.direct_block(view, offset)?;
        let within = offset - block_start;
        if length > LARGEST_OBJECT || within.saturating_add(length) > block_size {
            let message = format!("a heap object of {length} bytes at {offset} leaves its block");
            return Err(Error::corrupt(message).into());
        }
        let position = address.checked_add(within);
        let position = position.ok_or_else(|| Error::corrupt("a heap object outside the file"))?;
        Ok(view.bytes(position, length)?.into_owned())
    }

    /// Address, start within the heap, and size of the direct block that holds `offset`.
    fn direct_block(&self, view: View<'_>, offset: u64) -> Parse<(u64, u64, u64)> {
        let table = &self.table;
        let (mut address, mut start, mut rows) = (table.root, 0u64, table.root_rows);
        if rows == 0 {
            return Ok((address, 0, table.start));
        }
        // Each step goes into a block that is smaller than the last one.
        for _ in 0..64 {
            if address == UNDEFINED {
                break;
            }
            let (row, row_start) = table.row_of(offset - start);
            if row >= rows {
                break;
            }
            let size = table.row_size(row);
            let column = (offset - start - row_start) / size;
            let child = self.child(view, address, row, column, rows)?;
            start = start + row_start + column * size;
            if size <= table.largest_direct {
                return Ok((child, start, size));
            }
            address = child;
            rows = table.rows_of(size);
        }
        Err(Error::corrupt(format!(
            "a heap object at {offset}, where there is no block"
        ))
        .into())
    }

    /// The address in an indirect block's table of `rows` rows.
    fn child(&self, view: View<'_>, address: u64, row: u64, column: u64, rows: u64) -> Parse<u64> {
        let width = u64::from(view.widths.address);
        let prefix = 4 + 1 + width + u64::from(self.offset_width);
        let count = rows.saturating_mul(self.table.width);
        let bytes = view.bytes(
            address,
            prefix
                .saturating_add(count.saturating_mul(width))
                .saturating_add(4),
        )?;
        let mut cursor = Cursor::new(&bytes);
        cursor.expect(b"FHIB")?;
        verify_checksum(&bytes, "an indirect heap block")?;
        let skipped = prefix - 4 + (row * self.table.width + column) * width;
        cursor.skip(usize::try_from(skipped).unwrap_or(usize::MAX))?;
        Ok(cursor.address(view.widths.address)?)
    }
}

impl Table {
    /// The size of the blocks in a row: the first two rows are equal, then each doubles.
    fn row_size(&self, row: u64) -> u64 {
        self.start
            .checked_shl(u32::try_from(row.saturating_sub(1)).unwrap_or(64))
            .unwrap_or(u64::MAX)
            .max(1)
    }

    /// The row that holds `offset`, and where that row starts.
    fn row_of(&self, offset: u64) -> (u64, u64) {
        let first = self.start.saturating_mul(self.width);
        let rows = offset / first;
        if rows == 0 {
            return (0, 0);
        }
        let row = u64::from(rows.ilog2()) + 1;
        (row, first << (row - 1))
    }

    /// How many rows an indirect block that covers `size` bytes has.
    fn rows_of(&self, size: u64) -> u64 {
        let first = self.start.saturating_mul(self.width).max(1);
        u64::from((size / first).max(1).ilog2()) + 1
    }
}
