//! Datatype messages, and the element type that each becomes.

use super::cursor::{Cursor, text};
use craton_core::{DType, Error, Result};

/// Types are nested no deeper than this.
const DEEPEST: u8 = 16;

/// A stored type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datatype {
    /// Bytes of one element.
    pub size: u32,
    /// Whether numbers are stored most significant byte first.
    pub is_big_endian: bool,
    /// What the bytes mean.
    pub class: Class,
}

/// What an element's bytes mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// An integer of `precision` bits that start at bit `offset`.
    Integer {
        is_signed: bool,
        offset: u16,
        precision: u16,
    },
    /// A floating-point number; `is_ieee` where it is half, single or double precision.
    Float { is_ieee: bool },
    /// Text of fixed length.
    Text { padding: Padding },
    /// Text of any length, in the global heap.
    VariableText,
    /// A sequence of any length, in the global heap.
    VariableSequence(Box<Datatype>),
    /// Named integers.
    Enumeration(Box<Datatype>),
    /// Raw bytes.
    Opaque,
    /// Named members.
    Compound(Vec<Member>),
    /// The address of an object.
    ObjectReference,
    /// Other references.
    Reference,
    /// A small array of fixed shape.
    Array {
        shape: Vec<u32>,
        element: Box<Datatype>,
    },
    /// Real and imaginary part.
    Complex(Box<Datatype>),
    /// HDF5's own time type.
    Time,
}

/// How text of fixed length ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// At the first NUL.
    Terminated,
    /// With NULs.
    Nul,
    /// With spaces.
    Space,
}

/// One member of a compound type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where in the element it starts.
    pub offset: u32,
    /// Its type.
    pub datatype: Datatype,
}

/// Integers that use only some of their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Narrow {
    /// The lowest bit used.
    pub offset: u16,
    /// How many bits are used.
    pub precision: u16,
    /// Whether the highest of them is a sign.
    pub is_signed: bool,
}

/// The element type of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// The type.
    pub dtype: DType,
    /// Whether stored bytes are in the other endianness than this machine's.
    pub is_swapped: bool,
    /// Where not all bits of the integers count.
    pub narrow: Option<Narrow>,
    /// Bytes of one stored element.
    pub stored_size: u32,
}

impl Datatype {
    /// Reads a datatype message.
    ///
    /// # Errors
    /// Corrupt or unsupported, naming the class.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        parse_nested(&mut Cursor::new(bytes), 0)
    }

    /// The element type that arrays of this type have.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`], naming the type or a size beyond reason.
    pub fn element(&self) -> Result<Element> {
        let dtype = self.dtype()?;
        if u64::from(self.size) > crate::LARGEST_ELEMENT {
            let message = format!("elements of {} bytes are not read", self.size);
            return Err(Error::unsupported(message));
        }
        let narrow = self.narrow();
        let is_swapped =
            dtype.swap_size() > 1 && self.is_numbers_big_endian() != cfg!(target_endian = "big");
        Ok(Element {
            dtype,
            is_swapped,
            narrow,
            stored_size: self.size,
        })
    }

    fn is_numbers_big_endian(&self) -> bool {
        match &self.class {
            Class::Enumeration(base) | Class::Complex(base) => base.is_numbers_big_endian(),
            Class::Compound(members) => members
                .first()
                .is_some_and(|member| member.datatype.is_numbers_big_endian()),
            _ => self.is_big_endian,
        }
    }

    fn narrow(&self) -> Option<Narrow> {
        match &self.class {
            Class::Integer {
                is_signed,
                offset,
                precision,
            } => (u32::from(*precision) < self.size * 8).then_some(Narrow {
                offset: *offset,
                precision: *precision,
                is_signed: *is_signed,
            }),
            Class::Enumeration(base) => base.narrow(),
            _ => None,
        }
    }

    fn dtype(&self) -> Result<DType> {
        let refused = |what: &str| {
            Err(Error::unsupported(format!(
                "elements of type `{what}` ({} bytes) are not read",
                self.size
            )))
        };
        match &self.class {
            Class::Integer { is_signed, .. } => match (is_signed, self.size) {
                (true, 1) => Ok(DType::Int8),
                (true, 2) => Ok(DType::Int16),
                (true, 4) => Ok(DType::Int32),
                (true, 8) => Ok(DType::Int64),
                (false, 1) => Ok(DType::UInt8),
                (false, 2) => Ok(DType::UInt16),
                (false, 4) => Ok(DType::UInt32),
                (false, 8) => Ok(DType::UInt64),
                _ => refused("integer"),
            },
            Class::Float { is_ieee: true } => match self.size {
                2 => Ok(DType::Float16),
                4 => Ok(DType::Float32),
                _ => Ok(DType::Float64),
            },
            Class::Float { is_ieee: false } => refused("floating point that is not IEEE"),
            Class::Text { .. } => Ok(DType::FixedBytes(self.size)),
            Class::VariableText => Ok(DType::Utf8),
            Class::VariableSequence(_) => refused("sequence of variable length"),
            Class::Enumeration(base) => base.dtype(),
            Class::Complex(part) => complex(part.dtype()?).map_or_else(|| refused("complex"), Ok),
            Class::Compound(members) => match complex_of(members, self.size) {
                Some(dtype) => Ok(dtype),
                None if self.has_pointers() => {
                    refused("compound with references or variable lengths")
                }
                None => Ok(DType::Opaque(self.size)),
            },
            Class::Array { .. } if self.has_pointers() => {
                refused("array of references or variable lengths")
            }
            Class::Opaque | Class::Array { .. } => Ok(DType::Opaque(self.size)),
            Class::ObjectReference | Class::Reference => refused("reference"),
            Class::Time => refused("time"),
        }
    }

    /// Whether elements mean something only together with other parts of the file.
    fn has_pointers(&self) -> bool {
        match &self.class {
            Class::VariableText
            | Class::VariableSequence(_)
            | Class::ObjectReference
            | Class::Reference => true,
            Class::Compound(members) => members.iter().any(|member| member.datatype.has_pointers()),
            Class::Array { element, .. } => element.has_pointers(),
            _ => false,
        }
    }
}

fn complex(part: DType) -> Option<DType> {
    match part {
        DType::Float32 => Some(DType::Complex64),
        DType::Float64 => Some(DType::Complex128),
        _ => None,
    }
}

/// A compound of two equal floats that are named as h5py and netCDF name the parts of complex numbers.
fn complex_of(members: &[Member], size: u32) -> Option<DType> {
    let [first, second] = members else {
        return None;
    };
    let named = |real: &str, imaginary: &str| first.name == real && second.name == imaginary;
    let is_named = named("r", "i") || named("real", "imag");
    let is_packed = first.offset == 0
        && second.offset == first.datatype.size
        && size == 2 * first.datatype.size
        && first.datatype == second.datatype;
    if !is_named || !is_packed {
        return None;
    }
    complex(first.datatype.dtype().ok()?)
}

fn parse_nested(cursor: &mut Cursor<'_>, depth: u8) -> Result<Datatype> {
    if depth > DEEPEST {
        return Err(Error::corrupt(format!(
            "datatypes nested deeper than {DEEPEST}"
        )));
    }
    let class_and_version = cursor.u8()?;
    let (class, version) = (class_and_version & 0x0f, class_and_version >> 4);
    if version == 0 || version > 5 {
        return Err(Error::corrupt(format!(
            "datatype of version {version}; 1 to 5 are known"
        )));
    }
    let bits = u32::try_from(cursor.uint(3)?).unwrap_or(0);
    let size = cursor.u32()?;
    let mut is_big_endian = matches!(class, 0 | 1 | 4) && bits & 1 != 0;
    if size == 0 {
        return Err(Error::corrupt("datatype of 0 bytes"));
    }
    let class = match class {
        0 => integer(cursor, bits & 8 != 0)?,
        1 => Class::Float {
            is_ieee: is_ieee(cursor, bits, size)?,
        },
        2 => {
            cursor.skip(2)?;
            Class::Time
        }
        3 => Class::Text {
            padding: padding(bits)?,
        },
        4 => integer(cursor, false)?,
        5 => {
            cursor.skip((bits & 0xff) as usize)?;
            Class::Opaque
        }
        6 => Class::Compound(members(cursor, version, bits & 0xffff, size, depth)?),
        7 if bits & 0x0f == 0 => Class::ObjectReference,
        7 => Class::Reference,
        8 => enumeration(cursor, version, bits & 0xffff, depth)?,
        9 => {
            let base = Box::new(parse_nested(cursor, depth + 1)?);
            if bits & 0x0f == 1 {
                Class::VariableText
            } else {
                Class::VariableSequence(base)
            }
        }
        10 => array(cursor, version, depth)?,
        11 => Class::Complex(Box::new(parse_nested(cursor, depth + 1)?)),
        other => {
            return Err(Error::unsupported(format!(
                "datatype class {other}; 0 to 11 are known"
            )));
        }
    };
    if let Class::Enumeration(base) | Class::Complex(base) = &class {
        is_big_endian = base.is_big_endian;
    }
    check_size(size, &class)?;
    Ok(Datatype {
        size,
        is_big_endian,
        class,
    })
}

/// Sizes that contradict each other would make later offsets wrong.
fn check_size(size: u32, class: &Class) -> Result<()> {
    let expected = match class {
        Class::Enumeration(base) => Some(u64::from(base.size)),
        Class::Complex(part) => Some(2 * u64::from(part.size)),
        Class::Array { shape, element } => shape
            .iter()
            .try_fold(u64::from(element.size), |bytes, length| {
                bytes.checked_mul(u64::from(*length))
            }),
        Class::Integer {
            offset, precision, ..
        } => {
            let used = u32::from(*offset) + u32::from(*precision);
            if *precision == 0 || u64::from(used) > u64::from(size) * 8 {
                None
            } else {
                Some(u64::from(size))
            }
        }
        _ => Some(u64::from(size)),
    };
    if expected == Some(u64::from(size)) {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "a datatype of {size} bytes contradicts its parts"
    )))
}

fn integer(cursor: &mut Cursor<'_>, is_signed: bool) -> Result<Class> {
    Ok(Class::Integer {
        is_signed,
        offset: cursor.u16()?,
        precision: cursor.u16()?,
    })
}

fn is_ieee(cursor: &mut Cursor<'_>, bits: u32, size: u32) -> Result<bool> {
    let (offset, precision) = (cursor.u16()?, cursor.u16()?);
    let (exponent_at, exponent, mantissa_at, mantissa) =
        (cursor.u8()?, cursor.u8()?, cursor.u8()?, cursor.u8()?);
    let bias = cursor.u32()?;
    let is_vax = bits & 0x40 != 0;
    let found = (size, exponent_at, exponent, mantissa_at, mantissa, bias);
    let known = [
        (2, 10, 5, 0, 10, 15),
        (4, 23, 8, 0, 23, 127),
        (8, 52, 11, 0, 52, 1023),
    ];
    Ok(!is_vax
        && offset == 0
        && u32::from(precision) == size.saturating_mul(8)
        && known.contains(&found))
}

fn padding(bits: u32) -> Result<Padding> {
    match bits & 0x0f {
        0 => Ok(Padding::Terminated),
        1 => Ok(Padding::Nul),
        2 => Ok(Padding::Space),
        other => Err(Error::corrupt(format!(
            "text padding {other}; 0 to 2 are known"
        ))),
    }
}

fn name(cursor: &mut Cursor<'_>, version: u8) -> Result<String> {
    let start = cursor.position();
    let name = text(cursor.c_string()?);
    if version < 3 {
        let used = cursor.position() - start;
        cursor.skip(used.next_multiple_of(8) - used)?;
    }
    Ok(name)
}

fn members(
    cursor: &mut Cursor<'_>,
    version: u8,
    count: u32,
    size: u32,
    depth: u8,
) -> Result<Vec<Member>> {
    let offset_width = (4 - size.leading_zeros() / 8).max(1);
    let mut members = Vec::new();
    for _ in 0..count {
        let name = name(cursor, version)?;
        let offset = match version {
            1 | 2 => cursor.u32()?,
            _ => u32::try_from(cursor.uint(u8::try_from(offset_width).unwrap_or(4))?)
                .unwrap_or(u32::MAX),
        };
        let shape = if version == 1 {
            old_member_shape(cursor)?
        } else {
            Vec::new()
        };
        let mut datatype = parse_nested(cursor, depth + 1)?;
        if !shape.is_empty() {
            datatype = array_of(shape, datatype)?;
        }
        if u64::from(offset) + u64::from(datatype.size) > u64::from(size) {
            return Err(Error::corrupt(format!(
                "member `{name}` lies outside its compound"
            )));
        }
        members.push(Member {
            name,
            offset,
            datatype,
        });
    }
    Ok(members)
}

fn old_member_shape(cursor: &mut Cursor<'_>) -> Result<Vec<u32>> {
    let rank = usize::from(cursor.u8()?);
    cursor.skip(3 + 4 + 4)?;
    let mut shape = Vec::new();
    for axis in 0..4 {
        let length = cursor.u32()?;
        if axis < rank {
            shape.push(length);
        }
    }
    Ok(shape)
}

fn array_of(shape: Vec<u32>, element: Datatype) -> Result<Datatype> {
    let size = shape
        .iter()
        .try_fold(element.size, |bytes, length| bytes.checked_mul(*length));
    let size = size.filter(|size| *size > 0);
    let size = size.ok_or_else(|| Error::corrupt(format!("an array type of shape {shape:?}")))?;
    let is_big_endian = element.is_big_endian;
    Ok(Datatype {
        size,
        is_big_endian,
        class: Class::Array {
            shape,
            element: Box::new(element),
        },
    })
}

fn enumeration(cursor: &mut Cursor<'_>, version: u8, count: u32, depth: u8) -> Result<Class> {
    let base = parse_nested(cursor, depth + 1)?;
    for _ in 0..count {
        name(cursor, version)?;
    }
    cursor.skip((count as usize).saturating_mul(base.size as usize))?;
    Ok(Class::Enumeration(Box::new(base)))
}

fn array(cursor: &mut Cursor<'_>, version: u8, depth: u8) -> Result<Class> {
    let rank = cursor.u8()?;
    if version < 3 {
        cursor.skip(3)?;
    }
    let shape = (0..rank)
        .map(|_| cursor.u32())
        .collect::<Result<Vec<_>>>()?;
    if version < 3 {
        cursor.skip(4 * usize::from(rank))?;
    }
    let element = Box::new(parse_nested(cursor, depth + 1)?);
    Ok(Class::Array { shape, element })
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::ErrorKind;

    #[test]
    fn an_element_beyond_reason_is_refused_however_small_its_file() {
        let text = |size: u32| {
            let mut message = vec![0x13, 0, 0, 0];
            message.extend(size.to_le_bytes());
            Datatype::parse(&message).unwrap().element()
        };
        assert_eq!(text(1000).unwrap().dtype, DType::FixedBytes(1000));
        let error = text(u32::MAX).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("4294967295"), "{error}");
    }
}
