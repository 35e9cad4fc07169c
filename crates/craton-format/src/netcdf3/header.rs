//! The header of a classic netCDF file.

use crate::ranges::{Parse, RangeCache};
use craton_core::{AttributeValue, Attributes, DType, Error, Numbers, Result};

/// No name is longer in any file that netCDF wrote; many allow more than its 256.
const LONGEST_NAME: u64 = 64 * 1024;

/// What the header says.
#[derive(Debug)]
pub struct Header {
    /// Records written, or `None` where the file's length tells.
    pub record_count: Option<u64>,
    /// The dimensions in the order of their numbers.
    pub dimensions: Vec<RawDimension>,
    /// The number of the dimension that grows.
    pub record_dimension: Option<usize>,
    /// The file's attributes.
    pub attributes: Attributes,
    /// The variables.
    pub variables: Vec<RawVariable>,
}

/// A dimension; length 0 marks the one that grows.
#[derive(Debug)]
pub struct RawDimension {
    /// Its name.
    pub name: String,
    /// Its length.
    pub length: u64,
}

/// A variable.
#[derive(Debug)]
pub struct RawVariable {
    /// Its name.
    pub name: String,
    /// The numbers of its dimensions.
    pub dimensions: Vec<usize>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its type.
    pub dtype: DType,
    /// Where its values begin.
    pub begin: u64,
}

/// A place in the header; numbers are big-endian.
struct Reader<'a> {
    cache: &'a RangeCache,
    at: u64,
    /// Whether counts have eight bytes (CDF-5).
    is_wide: bool,
    /// Whether offsets have eight bytes (CDF-2 and CDF-5).
    has_wide_offsets: bool,
}

impl Reader<'_> {
    fn number(&mut self, size: u64) -> Parse<u64> {
        let bytes = self.cache.bytes(self.at, size)?;
        self.at += size;
        Ok(bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// A count or length.
    fn count(&mut self) -> Parse<u64> {
        self.number(if self.is_wide { 8 } else { 4 })
    }

    /// A count of things that each take at least `least` bytes of the header.
    fn list(&mut self, least: u64) -> Parse<u64> {
        let count = self.count()?;
        let room = self.cache.size().saturating_sub(self.at);
        if count.checked_mul(least).is_none_or(|bytes| bytes > room) {
            let message = format!("a list of {count} items with {room} bytes of the file left");
            return Err(Error::corrupt(message).into());
        }
        Ok(count)
    }

    /// A list's tag and count; absent lists are two zeros.
    fn tagged(&mut self, tag: u64, what: &str, least: u64) -> Parse<u64> {
        let found = self.number(4)?;
        let count = self.list(least)?;
        if found == tag || (found == 0 && count == 0) {
            return Ok(count);
        }
        let message =
            format!("tag {found:#x} with {count} items where {what} ({tag:#x}) should start");
        Err(Error::corrupt(message).into())
    }

    /// Bytes padded to a multiple of four.
    fn padded(&mut self, length: u64) -> Parse<Vec<u8>> {
        let bytes = self.cache.bytes(self.at, length)?.into_owned();
        let padding = length.next_multiple_of(4) - length;
        // The header may end with the file, without its padding.
        self.at = (self.at + length + padding).min(self.cache.size());
        Ok(bytes)
    }

    fn name(&mut self) -> Parse<String> {
        let length = self.count()?;
        if length == 0 || length > LONGEST_NAME {
            let message = format!("a name of {length} bytes; 1 to {LONGEST_NAME} are possible");
            return Err(Error::corrupt(message).into());
        }
        let bytes = self.padded(length)?;
        Ok(String::from_utf8_lossy(&bytes)
            .trim_end_matches('\0')
            .to_owned())
    }

    fn dtype(&mut self) -> Parse<DType> {
        let code = self.number(4)?;
        let is_extended = (7..=11).contains(&code);
        if is_extended && !self.is_wide {
            let message = format!("type {code}, which only CDF-5 files have");
            return Err(Error::corrupt(message).into());
        }
        Ok(match code {
            1 => DType::Int8,
            2 => DType::FixedBytes(1),
            3 => DType::Int16,
            4 => DType::Int32,
            5 => DType::Float32,
            6 => DType::Float64,
            7 => DType::UInt8,
            8 => DType::UInt16,
            9 => DType::UInt32,
            10 => DType::Int64,
            11 => DType::UInt64,
            other => return Err(Error::corrupt(format!("type {other}; 1 to 11 are known")).into()),
        })
    }

    fn attributes(&mut self) -> Parse<Attributes> {
        let count = self.tagged(0x0c, "a list of attributes", 12)?;
        let mut attributes = Attributes::new();
        for _ in 0..count {
            let name = self.name()?;
            let dtype = self.dtype()?;
            let count = self.count()?;
            let size = dtype.item_size().unwrap_or(1) as u64;
            let length = count.checked_mul(size);
            let length = length
                .ok_or_else(|| Error::corrupt(format!("attribute `{name}` of {count} values")))?;
            let bytes = self.padded(length)?;
            attributes.insert(name, value(dtype, bytes));
        }
        Ok(attributes)
    }

    fn dimensions(&mut self) -> Parse<Vec<RawDimension>> {
        let count = self.tagged(0x0a, "the list of dimensions", 8)?;
        (0..count)
            .map(|_| {
                Ok(RawDimension {
                    name: self.name()?,
                    length: self.count()?,
                })
            })
            .collect()
    }

    fn variables(&mut self, dimensions: usize) -> Parse<Vec<RawVariable>> {
        let count = self.tagged(0x0b, "the list of variables", 28)?;
        (0..count).map(|_| self.variable(dimensions)).collect()
    }

    fn variable(&mut self, dimensions: usize) -> Parse<RawVariable> {
        let name = self.name()?;
        let rank = self.list(4)?;
        let mut axes = Vec::new();
        for _ in 0..rank {
            let number = self.count()?;
            let axis = usize::try_from(number)
                .ok()
                .filter(|number| *number < dimensions);
            axes.push(axis.ok_or_else(|| {
                Error::corrupt(format!(
                    "variable `{name}` has dimension {number} of {dimensions}"
                ))
            })?);
        }
        let attributes = self.attributes()?;
        let dtype = self.dtype()?;
        // The stored size is redundant, and wrong for variables of 4 GiB and more.
        self.count()?;
        let begin = self.number(if self.has_wide_offsets { 8 } else { 4 })?;
        Ok(RawVariable {
            name,
            dimensions: axes,
            attributes,
            dtype,
            begin,
        })
    }
}

/// An attribute's value: text, or numbers in this machine's order.
fn value(dtype: DType, mut bytes: Vec<u8>) -> AttributeValue {
    if dtype == DType::FixedBytes(1) {
        let text = String::from_utf8_lossy(&bytes);
        return AttributeValue::Text(text.trim_end_matches('\0').to_owned());
    }
    let size = dtype.item_size().unwrap_or(1);
    if cfg!(target_endian = "little") {
        for number in bytes.chunks_exact_mut(size) {
            number.reverse();
        }
    }
    AttributeValue::Numbers(Numbers {
        dtype,
        is_scalar: bytes.len() == size,
        bytes,
    })
}

/// Reads the header.
pub fn parse(cache: &RangeCache) -> Parse<Header> {
    let magic = cache.bytes(0, 4.min(cache.size()))?;
    let version = match *magic {
        [b'C', b'D', b'F', version @ (1 | 2 | 5)] => version,
        [b'C', b'D', b'F', other] => {
            return Err(Error::unsupported(format!(
                "netCDF classic version {other}; 1, 2 and 5 are known"
            ))
            .into());
        }
        _ => return Err(Error::corrupt("no netCDF classic signature found").into()),
    };
    let mut reader = Reader {
        cache,
        at: 4,
        is_wide: version == 5,
        has_wide_offsets: version != 1,
    };
    let streaming = if version == 5 {
        u64::MAX
    } else {
        u64::from(u32::MAX)
    };
    let record_count = Some(reader.count()?).filter(|count| *count != streaming);
    let dimensions = reader.dimensions()?;
    let record_dimension = record_dimension(&dimensions)?;
    let attributes = reader.attributes()?;
    let variables = reader.variables(dimensions.len())?;
    for variable in &variables {
        let late = variable
            .dimensions
            .iter()
            .skip(1)
            .any(|number| Some(*number) == record_dimension);
        if late {
            let message = format!(
                "variable `{}` has the record dimension behind another one",
                variable.name
            );
            return Err(Error::corrupt(message).into());
        }
    }
    Ok(Header {
        record_count,
        dimensions,
        record_dimension,
        attributes,
        variables,
    })
}

fn record_dimension(dimensions: &[RawDimension]) -> Result<Option<usize>> {
    let mut growing = dimensions
        .iter()
        .enumerate()
        .filter(|(_, dimension)| dimension.length == 0);
    let first = growing.next().map(|(number, _)| number);
    match growing.next() {
        None => Ok(first),
        Some((_, second)) => Err(Error::corrupt(format!(
            "a second record dimension, `{}`; one is possible",
            second.name
        ))),
    }
}
