//! Chunk indexes that are arrays over the grid of all chunks there may ever be.

use super::Walk;
use crate::hdf5::cursor::{Cursor, UNDEFINED, verify_checksum};
use crate::hdf5::superblock::View;
use crate::ranges::{Parse, RangeCache};
use craton_core::{Error, Result};

/// Turns positions in an array index into chunk coordinates.
struct Positions {
    /// Chunks along each axis, in the order in which the array counts; the first is unbounded.
    counts: Vec<u64>,
    /// Which axis of the dataset each of them is.
    axes: Vec<usize>,
}

impl Positions {
    /// C order over the largest extent, with an unlimited axis moved to the front.
    fn new(walk: &Walk<'_>) -> Result<Self> {
        let geometry = walk.geometry;
        let unlimited = geometry.most.iter().position(|most| *most == UNDEFINED);
        let mut axes: Vec<usize> = (0..geometry.shape.len()).collect();
        if let Some(axis) = unlimited {
            axes.remove(axis);
            axes.insert(0, axis);
        }
        let counts =
            axes.iter().map(
                |axis| match (geometry.most.get(*axis), geometry.chunk.get(*axis)) {
                    (Some(most), Some(chunk)) if *most != UNDEFINED => most.div_ceil(*chunk).max(1),
                    _ => u64::MAX,
                },
            );
        let counts: Vec<u64> = counts.collect();
        if counts.iter().skip(1).any(|count| *count == u64::MAX) {
            return Err(Error::corrupt(
                "an array of chunks with more than one unlimited axis",
            ));
        }
        Ok(Self { counts, axes })
    }

    /// The coordinates of the chunk at `position`, written into `index`.
    fn index(&self, position: u64, index: &mut [u64]) {
        let mut rest = position;
        for (count, axis) in self.counts.iter().zip(&self.axes).rev() {
            if let Some(coordinate) = index.get_mut(*axis) {
                *coordinate = rest % count;
            }
            rest /= count;
        }
    }

    /// How many positions there are, where the array cannot grow.
    fn total(&self) -> Option<u64> {
        self.counts
            .iter()
            .try_fold(1u64, |total, count| total.checked_mul(*count))
    }
}

/// How one element of an array is written.
#[derive(Clone, Copy)]
struct Elements {
    size: u64,
    address_width: u8,
    length_width: u8,
}

impl Elements {
    fn new(walk: &Walk<'_>, client: u8, size: u8) -> Result<Self> {
        let address_width = walk.widths.address;
        let length_width = match client {
            0 => 0,
            _ => size.saturating_sub(address_width + 4),
        };
        let expected = if client == 0 {
            address_width
        } else {
            address_width + 4 + length_width
        };
        if client > 1 || size != expected || (client == 1 && !(1..=8).contains(&length_width)) {
            let message =
                format!("an array of chunks with elements of kind {client} and {size} bytes");
            return Err(Error::corrupt(message));
        }
        Ok(Self {
            size: u64::from(size),
            address_width,
            length_width,
        })
    }

    /// Adds the elements in `bytes`, which start at `position`.
    fn add(
        &self,
        walk: &mut Walk<'_>,
        positions: &Positions,
        position: u64,
        bytes: &[u8],
    ) -> Result<()> {
        let mut index = vec![0; walk.geometry.shape.len()];
        let each = bytes.chunks_exact(usize::try_from(self.size).unwrap_or(1));
        for (at, element) in each.enumerate() {
            let mut cursor = Cursor::new(element);
            let address = cursor.address(self.address_width)?;
            if address == UNDEFINED {
                continue;
            }
            let (length, mask) = if self.length_width == 0 {
                (walk.geometry.chunk_bytes, 0)
            } else {
                (cursor.uint(self.length_width)?, cursor.u32()?)
            };
            positions.index(position + at as u64, &mut index);
            walk.add(index.iter().copied(), address, length, mask);
        }
        Ok(())
    }
}

/// Whether bit `at` is set, counting from the highest bit of the first byte.
fn is_set(bits: &[u8], at: u64) -> bool {
    let byte = usize::try_from(at / 8).ok().and_then(|byte| bits.get(byte));
    byte.is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)
}

/// All chunks one after the other.
pub(super) fn implicit(mut walk: Walk<'_>, address: u64) -> Result<()> {
    let positions = Positions::new(&walk)?;
    let length = walk.geometry.chunk_bytes;
    let total = positions
        .total()
        .and_then(|total| total.checked_mul(length).map(|bytes| (total, bytes)));
    let room = walk.cache.size().saturating_sub(address);
    let Some((total, _)) = total.filter(|(_, bytes)| *bytes <= room) else {
        return Err(Error::corrupt(
            "chunks that are stored one after the other leave the file",
        ));
    };
    let mut index = vec![0; walk.geometry.shape.len()];
    for position in 0..total {
        positions.index(position, &mut index);
        walk.add(
            index.iter().copied(),
            address + position * length,
            length,
            0,
        );
    }
    Ok(())
}

struct FixedHeader {
    client: u8,
    element_size: u8,
    page_bits: u8,
    count: u64,
    block: u64,
}

fn fixed_header(view: View<'_>, address: u64) -> Parse<FixedHeader> {
    let widths = view.widths;
    let bytes = view.bytes(
        address,
        8 + u64::from(widths.length) + u64::from(widths.address) + 4,
    )?;
    verify_checksum(&bytes, "a fixed array")?;
    let mut cursor = Cursor::new(&bytes);
    cursor.expect(b"FAHD")?;
    cursor.version("fixed array", 0)?;
    Ok(FixedHeader {
        client: cursor.u8()?,
        element_size: cursor.u8()?,
        page_bits: cursor.u8()?,
        count: cursor.uint(widths.length)?,
        block: cursor.address(widths.address)?,
    })
}

/// Bytes `offset..offset + length`, fetched where they are missing.
async fn fetch(walk: &mut Walk<'_>, address: u64, length: u64) -> Result<Vec<u8>> {
    let widths = walk.widths;
    walk.cache.trim();
    walk.cache
        .run(|cache: &RangeCache| Ok(View { cache, widths }.bytes(address, length)?.into_owned()))
        .await
}

fn too_long() -> Error {
    Error::corrupt("an array of chunks of impossible length")
}

/// A fixed array: one block, in pages once it is long.
pub(super) async fn fixed(mut walk: Walk<'_>, address: u64) -> Result<()> {
    let widths = walk.widths;
    let header = walk
        .cache
        .run(|cache| fixed_header(View { cache, widths }, address))
        .await?;
    let positions = Positions::new(&walk)?;
    let elements = Elements::new(&walk, header.client, header.element_size)?;
    if header.block == UNDEFINED {
        return Ok(());
    }
    let per_page = 1u64
        .checked_shl(u32::from(header.page_bits))
        .ok_or_else(too_long)?;
    let pages = if header.count > per_page {
        header.count.div_ceil(per_page)
    } else {
        0
    };
    let prefix = 6 + u64::from(widths.address) + pages.div_ceil(8);
    if pages == 0 {
        let length = header
            .count
            .checked_mul(elements.size)
            .and_then(|length| length.checked_add(prefix + 4));
        let block = fetch(&mut walk, header.block, length.ok_or_else(too_long)?).await?;
        Cursor::new(&block).expect(b"FADB")?;
        verify_checksum(&block, "a fixed array block")?;
        let start = usize::try_from(prefix).unwrap_or(usize::MAX);
        let stored = block.get(start..block.len() - 4).unwrap_or(&[]);
        return elements.add(&mut walk, &positions, 0, stored);
    }
    let start = fetch(&mut walk, header.block, prefix + 4).await?;
    Cursor::new(&start).expect(b"FADB")?;
    verify_checksum(&start, "a fixed array block")?;
    let bits = start
        .get(6 + usize::from(widths.address)..)
        .unwrap_or(&[])
        .to_vec();
    let page_bytes = per_page
        .checked_mul(elements.size)
        .and_then(|bytes| bytes.checked_add(4));
    let page_bytes = page_bytes.ok_or_else(too_long)?;
    for page in 0..pages {
        if !is_set(&bits, page) {
            continue;
        }
        let first = page * per_page;
        let count = per_page.min(header.count - first);
        let skipped = page
            .checked_mul(page_bytes)
            .and_then(|bytes| bytes.checked_add(prefix + 4));
        let place = skipped
            .and_then(|bytes| bytes.checked_add(header.block))
            .ok_or_else(too_long)?;
        let bytes = fetch(&mut walk, place, count * elements.size + 4).await?;
        verify_checksum(&bytes, "a fixed array page")?;
        elements.add(&mut walk, &positions, first, &bytes[..bytes.len() - 4])?;
    }
    Ok(())
}

struct ExtensibleHeader {
    client: u8,
    element_size: u8,
    count_bits: u8,
    in_index: u8,
    block_least: u8,
    pointers_least: u8,
    page_bits: u8,
    index_block: u64,
    largest_set: u64,
}

fn extensible_header(view: View<'_>, address: u64) -> Parse<ExtensibleHeader> {
    let widths = view.widths;
    let bytes = view.bytes(
        address,
        12 + 6 * u64::from(widths.length) + u64::from(widths.address) + 4,
    )?;
    verify_checksum(&bytes, "an extensible array")?;
    let mut cursor = Cursor::new(&bytes);
    cursor.expect(b"EAHD")?;
    cursor.version("extensible array", 0)?;
    let [
        client,
        element_size,
        count_bits,
        in_index,
        block_least,
        pointers_least,
        page_bits,
    ] = [
        cursor.u8()?,
        cursor.u8()?,
        cursor.u8()?,
        cursor.u8()?,
        cursor.u8()?,
        cursor.u8()?,
        cursor.u8()?,
    ];
    for _ in 0..4 {
        cursor.uint(widths.length)?;
    }
    let largest_set = cursor.uint(widths.length)?;
    cursor.uint(widths.length)?;
    let index_block = cursor.address(widths.address)?;
    let is_sane = count_bits <= 64
        && page_bits < 64
        && block_least.is_power_of_two()
        && pointers_least.is_power_of_two()
        && u32::from(count_bits) >= block_least.ilog2();
    if !is_sane {
        return Err(too_long().into());
    }
    Ok(ExtensibleHeader {
        client,
        element_size,
        count_bits,
        in_index,
        block_least,
        pointers_least,
        page_bits,
        index_block,
        largest_set,
    })
}

/// A super block's data blocks: how many, and how many elements each has.
struct Level {
    blocks: u64,
    elements: u64,
}

impl ExtensibleHeader {
    fn level(&self, number: u32) -> Result<Level> {
        let elements = u64::from(self.block_least).checked_shl(number.div_ceil(2));
        let blocks = 1u64.checked_shl(number / 2);
        match (blocks, elements) {
            (Some(blocks), Some(elements)) if elements > 0 => Ok(Level { blocks, elements }),
            _ => Err(too_long()),
        }
    }

    fn levels(&self) -> u32 {
        1 + u32::from(self.count_bits) - self.block_least.ilog2()
    }

    fn offset_width(&self) -> u64 {
        u64::from(self.count_bits.div_ceil(8))
    }

    fn per_page(&self) -> u64 {
        1 << self.page_bits
    }

    /// Pages of a data block of `elements`; 0 where it is not cut into pages.
    fn pages(&self, elements: u64) -> u64 {
        if elements > self.per_page() {
            elements / self.per_page()
        } else {
            0
        }
    }
}

/// An extensible array: an index block that leads to data blocks and super blocks of growing size.
pub(super) async fn extensible(mut walk: Walk<'_>, address: u64) -> Result<()> {
    let widths = walk.widths;
    let header = walk
        .cache
        .run(|cache| extensible_header(View { cache, widths }, address))
        .await?;
    let positions = Positions::new(&walk)?;
    let elements = Elements::new(&walk, header.client, header.element_size)?;
    if header.index_block == UNDEFINED {
        return Ok(());
    }
    let width = u64::from(widths.address);
    let direct_levels = 2 * header.pointers_least.ilog2();
    let direct_blocks = 2 * (u64::from(header.pointers_least) - 1);
    let super_blocks = u64::from(header.levels().saturating_sub(direct_levels));
    let in_index = u64::from(header.in_index);
    let length = 6 + width + in_index * elements.size + (direct_blocks + super_blocks) * width + 4;
    let block = fetch(&mut walk, header.index_block, length).await?;
    verify_checksum(&block, "an extensible array index")?;
    let mut cursor = Cursor::new(&block);
    cursor.expect(b"EAIB")?;
    cursor.skip(2 + usize::from(widths.address))?;
    let stored = cursor.take(usize::try_from(in_index * elements.size).unwrap_or(usize::MAX))?;
    elements.add(&mut walk, &positions, 0, stored)?;
    let mut position = in_index;
    let mut blocks_left = direct_blocks;
    for number in 0..header.levels() {
        // Elements past the largest one ever set have no blocks.
        if position >= header.largest_set {
            break;
        }
        let level = header.level(number)?;
        if number < direct_levels {
            for _ in 0..level.blocks.min(blocks_left) {
                let place = cursor.address(widths.address)?;
                blocks_left -= 1;
                data_block(
                    &mut walk, &header, &elements, &positions, position, &level, place, None,
                )
                .await?;
                position = position.saturating_add(level.elements);
            }
        } else {
            let place = cursor.address(widths.address)?;
            super_block(
                &mut walk, &header, &elements, &positions, position, &level, place,
            )
            .await?;
            position = position.saturating_add(level.blocks.saturating_mul(level.elements));
        }
    }
    Ok(())
}

async fn super_block(
    walk: &mut Walk<'_>,
    header: &ExtensibleHeader,
    elements: &Elements,
    positions: &Positions,
    first: u64,
    level: &Level,
    place: u64,
) -> Result<()> {
    if place == UNDEFINED {
        return Ok(());
    }
    let width = u64::from(walk.widths.address);
    let page_bits = header.pages(level.elements).div_ceil(8);
    let bits_length = page_bits.checked_mul(level.blocks).ok_or_else(too_long)?;
    let prefix = 6 + width + header.offset_width();
    let length = level
        .blocks
        .checked_mul(width)
        .and_then(|bytes| bytes.checked_add(bits_length));
    let length = length
        .and_then(|bytes| bytes.checked_add(prefix + 4))
        .ok_or_else(too_long)?;
    let block = fetch(walk, place, length).await?;
    verify_checksum(&block, "an extensible array super block")?;
    let mut cursor = Cursor::new(&block);
    cursor.expect(b"EASB")?;
    cursor.skip(usize::try_from(prefix - 4).unwrap_or(usize::MAX))?;
    let bits = cursor.take(usize::try_from(bits_length).unwrap_or(usize::MAX))?;
    let mut position = first;
    let per_block = usize::try_from(page_bits).unwrap_or(usize::MAX);
    for number in 0..usize::try_from(level.blocks).unwrap_or(usize::MAX) {
        let place = cursor.address(walk.widths.address)?;
        if position >= header.largest_set {
            break;
        }
        let pages = bits
            .get(number * per_block..(number + 1) * per_block)
            .unwrap_or(&[]);
        data_block(
            walk,
            header,
            elements,
            positions,
            position,
            level,
            place,
            Some(pages),
        )
        .await?;
        position = position.saturating_add(level.elements);
    }
    Ok(())
}

#[allow(
    clippy::too_many_arguments,
    reason = "a step of one walk, whose state these are"
)]
async fn data_block(
    walk: &mut Walk<'_>,
    header: &ExtensibleHeader,
    elements: &Elements,
    positions: &Positions,
    first: u64,
    level: &Level,
    place: u64,
    page_bits: Option<&[u8]>,
) -> Result<()> {
    if place == UNDEFINED {
        return Ok(());
    }
    let prefix = 6 + u64::from(walk.widths.address) + header.offset_width();
    let pages = header.pages(level.elements);
    if pages == 0 {
        let length = level
            .elements
            .checked_mul(elements.size)
            .and_then(|bytes| bytes.checked_add(prefix + 4));
        let block = fetch(walk, place, length.ok_or_else(too_long)?).await?;
        Cursor::new(&block).expect(b"EADB")?;
        verify_checksum(&block, "an extensible array block")?;
        let start = usize::try_from(prefix).unwrap_or(usize::MAX);
        let stored = block.get(start..block.len() - 4).unwrap_or(&[]);
        return elements.add(walk, positions, first, stored);
    }
    let page_bytes = header
        .per_page()
        .checked_mul(elements.size)
        .and_then(|bytes| bytes.checked_add(4));
    let page_bytes = page_bytes.ok_or_else(too_long)?;
    for page in 0..pages {
        if page_bits.is_some_and(|bits| !is_set(bits, page)) {
            continue;
        }
        let position = first.saturating_add(page.saturating_mul(header.per_page()));
        if position >= header.largest_set {
            break;
        }
        let skipped = page
            .checked_mul(page_bytes)
            .and_then(|bytes| bytes.checked_add(prefix + 4));
        let page_place = skipped
            .and_then(|bytes| bytes.checked_add(place))
            .ok_or_else(too_long)?;
        let bytes = fetch(walk, page_place, page_bytes).await?;
        verify_checksum(&bytes, "an extensible array page")?;
        elements.add(walk, positions, position, &bytes[..bytes.len() - 4])?;
    }
    Ok(())
}
