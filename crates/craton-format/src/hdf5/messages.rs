//! The messages that describe a dataset: dataspace, layout, filters, fill value.

use super::cursor::{Cursor, UNDEFINED};
use super::superblock::Widths;
use craton_core::{Error, Result};

/// HDF5 itself allows no more axes.
const MOST_AXES: u8 = 32;
/// HDF5 itself allows no more filters.
const MOST_FILTERS: u8 = 32;

/// The extent of a dataset or attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dataspace {
    /// No elements at all.
    Null,
    /// Elements along each axis, and how many there may become ([`UNDEFINED`] for any number).
    /// No axes for a scalar.
    Simple { shape: Vec<u64>, most: Vec<u64> },
}

impl Dataspace {
    /// Reads a dataspace message.
    pub fn parse(bytes: &[u8], widths: Widths) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        let version = cursor.u8()?;
        let (rank, flags) = (cursor.u8()?, cursor.u8()?);
        match version {
            1 => cursor.skip(5)?,
            2 => match cursor.u8()? {
                0 | 1 => {}
                2 => return Ok(Self::Null),
                other => {
                    return Err(Error::corrupt(format!(
                        "dataspace of type {other}; 0 to 2 are known"
                    )));
                }
            },
            other => {
                return Err(Error::corrupt(format!(
                    "dataspace of version {other}; 1 and 2 are known"
                )));
            }
        }
        if rank > MOST_AXES {
            return Err(Error::corrupt(format!(
                "dataspace of {rank} axes; at most {MOST_AXES} are possible"
            )));
        }
        let mut lengths = || {
            (0..rank)
                .map(|_| cursor.uint(widths.length))
                .collect::<Result<Vec<_>>>()
        };
        let shape = lengths()?;
        let mut most = if flags & 1 != 0 {
            lengths()?
        } else {
            shape.clone()
        };
        let unlimited = if widths.length >= 8 {
            u64::MAX
        } else {
            (1 << (widths.length * 8)) - 1
        };
        for (length, most) in shape.iter().zip(&mut most) {
            if *most == unlimited {
                *most = UNDEFINED;
            } else if length > most {
                return Err(Error::corrupt(format!(
                    "an axis of length {length} that may have at most {most}"
                )));
            }
        }
        Ok(Self::Simple { shape, most })
    }

    /// How many elements, if that can be counted.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Null => Some(0),
            Self::Simple { shape, .. } => shape
                .iter()
                .try_fold(1u64, |count, length| count.checked_mul(*length)),
        }
    }
}

/// Where a dataset's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// In the message itself.
    Compact(Vec<u8>),
    /// In one piece.
    Contiguous { address: u64, length: u64 },
    /// In chunks.
    Chunked(Chunked),
    /// In other files.
    Virtual,
}

/// How a chunked dataset is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunked {
    /// Elements of a chunk along each axis.
    pub chunk: Vec<u64>,
    /// How chunks are found.
    pub index: IndexKind,
    /// Where the index starts; [`UNDEFINED`] while no chunk is stored.
    pub address: u64,
    /// Whether chunks that reach past the edge are stored without filters.
    pub is_edge_unfiltered: bool,
}

/// The kinds of chunk index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexKind {
    /// A version 1 B-tree.
    BTree1,
    /// The only chunk, with its stored length and filter mask where it is filtered.
    Single(Option<(u64, u32)>),
    /// All chunks one after the other, unfiltered.
    Implicit,
    /// A fixed array.
    FixedArray,
    /// An extensible array.
    ExtensibleArray,
    /// A version 2 B-tree.
    BTree2,
}

impl Layout {
    /// Reads a layout message.
    pub fn parse(bytes: &[u8], widths: Widths) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        match cursor.u8()? {
            1 | 2 => Self::parse_old(&mut cursor, widths),
            version @ 3..=5 => Self::parse_new(&mut cursor, widths, version),
            other => Err(Error::unsupported(format!(
                "data layout of version {other}; 1 to 5 are known"
            ))),
        }
    }

    fn parse_old(cursor: &mut Cursor<'_>, widths: Widths) -> Result<Self> {
        let (rank, class) = (cursor.u8()?, cursor.u8()?);
        cursor.skip(5)?;
        let address = if class == 0 {
            UNDEFINED
        } else {
            cursor.address(widths.address)?
        };
        let dims = (0..rank)
            .map(|_| Ok(u64::from(cursor.u32()?)))
            .collect::<Result<Vec<_>>>()?;
        match class {
            0 => {
                let length = cursor.u32()? as usize;
                Ok(Self::Compact(cursor.take(length)?.to_vec()))
            }
            // The message holds the shape only; the length follows from the dataspace.
            1 => Ok(Self::Contiguous {
                address,
                length: UNDEFINED,
            }),
            2 => Ok(Self::Chunked(Chunked {
                chunk: without_element(dims)?,
                index: IndexKind::BTree1,
                address,
                is_edge_unfiltered: false,
            })),
            other => Err(Error::corrupt(format!(
                "data layout class {other}; 0 to 2 are known"
            ))),
        }
    }

    fn parse_new(cursor: &mut Cursor<'_>, widths: Widths, version: u8) -> Result<Self> {
        match cursor.u8()? {
            0 => {
                let length = usize::from(cursor.u16()?);
                Ok(Self::Compact(cursor.take(length)?.to_vec()))
            }
            1 => Ok(Self::Contiguous {
                address: cursor.address(widths.address)?,
                length: cursor.uint(widths.length)?,
            }),
            2 if version == 3 => {
                let rank = cursor.u8()?;
                let address = cursor.address(widths.address)?;
                let dims = (0..rank)
                    .map(|_| Ok(u64::from(cursor.u32()?)))
                    .collect::<Result<Vec<_>>>()?;
                Ok(Self::Chunked(Chunked {
                    chunk: without_element(dims)?,
                    index: IndexKind::BTree1,
                    address,
                    is_edge_unfiltered: false,
                }))
            }
            2 => Self::parse_indexed(cursor, widths),
            3 => Ok(Self::Virtual),
            other => Err(Error::corrupt(format!(
                "data layout class {other}; 0 to 3 are known"
            ))),
        }
    }

    fn parse_indexed(cursor: &mut Cursor<'_>, widths: Widths) -> Result<Self> {
        let (flags, rank, width) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let dims = (0..rank)
            .map(|_| cursor.uint(width))
            .collect::<Result<Vec<_>>>()?;
        let index = match cursor.u8()? {
            1 if flags & 2 != 0 => {
                IndexKind::Single(Some((cursor.uint(widths.length)?, cursor.u32()?)))
            }
            1 => IndexKind::Single(None),
            2 => IndexKind::Implicit,
            3 => {
                cursor.skip(1)?;
                IndexKind::FixedArray
            }
            4 => {
                cursor.skip(5)?;
                IndexKind::ExtensibleArray
            }
            5 => {
                cursor.skip(6)?;
                IndexKind::BTree2
            }
            other => {
                return Err(Error::unsupported(format!(
                    "chunk index of kind {other}; 1 to 5 are known"
                )));
            }
        };
        Ok(Self::Chunked(Chunked {
            chunk: without_element(dims)?,
            index,
            address: cursor.address(widths.address)?,
            is_edge_unfiltered: flags & 1 != 0,
        }))
    }
}

/// Chunk extents are followed by the size of an element, as if it were an axis.
fn without_element(mut dims: Vec<u64>) -> Result<Vec<u64>> {
    if dims.pop().is_none() || dims.is_empty() || dims.contains(&0) {
        return Err(Error::corrupt(format!("chunks of extents {dims:?}")));
    }
    Ok(dims)
}

/// One filter of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The registered number.
    pub id: u16,
    /// Its name, where the file tells it.
    pub name: String,
    /// Its parameters.
    pub values: Vec<u32>,
}

/// Reads a filter pipeline message: the filters in the order in which they were applied.
pub fn parse_filters(bytes: &[u8]) -> Result<Vec<Filter>> {
    let mut cursor = Cursor::new(bytes);
    let (version, count) = (cursor.u8()?, cursor.u8()?);
    match version {
        1 => cursor.skip(6)?,
        2 => {}
        other => {
            return Err(Error::corrupt(format!(
                "filter pipeline of version {other}; 1 and 2 are known"
            )));
        }
    }
    if count > MOST_FILTERS {
        return Err(Error::corrupt(format!(
            "{count} filters; at most {MOST_FILTERS} are possible"
        )));
    }
    (0..count)
        .map(|_| parse_filter(&mut cursor, version))
        .collect()
}

fn parse_filter(cursor: &mut Cursor<'_>, version: u8) -> Result<Filter> {
    let id = cursor.u16()?;
    let name_length = if version == 1 || id >= 256 {
        usize::from(cursor.u16()?)
    } else {
        0
    };
    cursor.skip(2)?;
    let count = usize::from(cursor.u16()?);
    let padded = if version == 1 {
        name_length.next_multiple_of(8)
    } else {
        name_length
    };
    let name = super::cursor::text(cursor.take(padded)?);
    let values = (0..count).map(|_| cursor.u32()).collect::<Result<_>>()?;
    if version == 1 && count % 2 == 1 {
        cursor.skip(4)?;
    }
    Ok(Filter { id, name, values })
}

/// Reads a fill value message: the stored bytes of one element, if a value is set.
pub fn parse_fill_value(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut cursor = Cursor::new(bytes);
    let version = cursor.u8()?;
    let is_set = match version {
        1 | 2 => {
            cursor.skip(2)?;
            let is_defined = cursor.u8()? != 0;
            version == 1 || is_defined
        }
        3 => cursor.u8()? & 0x20 != 0,
        other => {
            return Err(Error::corrupt(format!(
                "fill value of version {other}; 1 to 3 are known"
            )));
        }
    };
    if !is_set || cursor.rest().len() < 4 {
        return Ok(None);
    }
    parse_old_fill_value(cursor.rest())
}

/// Reads an old fill value message: a length and that many bytes.
pub fn parse_old_fill_value(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut cursor = Cursor::new(bytes);
    let length = cursor.u32()?;
    // A length of -1 was written for "undefined" by old versions.
    if length == 0 || length == u32::MAX {
        return Ok(None);
    }
    Ok(Some(cursor.take(length as usize)?.to_vec()))
}
