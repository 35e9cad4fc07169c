//! Attributes: where they are stored, and their values.

use super::btree2;
use super::cursor::{Cursor, UNDEFINED, text};
use super::datatype::{Class, Datatype, Padding};
use super::header::{self, Header, kind};
use super::heap::{Collection, Fractal};
use super::messages::Dataspace;
use super::superblock::View;
use crate::ranges::Parse;
use craton_core::{AttributeValue, Attributes, Error, Numbers, Result};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// An attribute's value may not become larger than this in memory.
const LARGEST: u64 = 256 * 1024 * 1024;

/// One attribute as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its type.
    pub datatype: Datatype,
    /// How many elements.
    pub dataspace: Dataspace,
    /// The elements' bytes.
    pub bytes: Vec<u8>,
    order: Option<u32>,
}

/// The attributes of the object that `header` describes, in the order in which they were added
/// where that is known. One that cannot be read is left out.
pub fn all(view: View<'_>, header: &Header) -> Parse<Vec<Stored>> {
    let mut attributes = Vec::new();
    for message in header.all(kind::ATTRIBUTE) {
        let body = header::resolve(view, header, message)?;
        add(view, &body, message.order.map(u32::from), &mut attributes)?;
    }
    if let Some(message) = header.first(kind::ATTRIBUTE_INFO) {
        dense(view, header.body(message), &mut attributes)?;
    }
    if attributes.iter().all(|attribute| attribute.order.is_some()) {
        attributes.sort_by_key(|attribute| attribute.order);
    }
    Ok(attributes)
}

/// Adds an attribute, unless its type is one that is never read.
fn add(view: View<'_>, body: &[u8], order: Option<u32>, out: &mut Vec<Stored>) -> Parse<()> {
    use crate::ranges::Stop;
    match parse(view, body, order) {
        Ok(attribute) => out.push(attribute),
        Err(Stop::Failed(error)) if error.kind() == craton_core::ErrorKind::Unsupported => {}
        Err(stop) => return Err(stop),
    }
    Ok(())
}

fn dense(view: View<'_>, info: &[u8], out: &mut Vec<Stored>) -> Parse<()> {
    let mut cursor = Cursor::new(info);
    cursor.version("attribute info", 0)?;
    let flags = cursor.u8()?;
    if flags & 1 != 0 {
        cursor.skip(2)?;
    }
    let heap = cursor.address(view.widths.address)?;
    let by_name = cursor.address(view.widths.address)?;
    if heap == UNDEFINED || by_name == UNDEFINED {
        return Ok(());
    }
    let heap = Fractal::parse(view, heap)?;
    let (tree, records) = btree2::records(view, by_name)?;
    for record in records.chunks_exact(tree.record_size) {
        let mut cursor = Cursor::new(record);
        let id = cursor.take(8)?;
        let message_flags = cursor.u8()?;
        let order = cursor.u32()?;
        if message_flags & 2 != 0 {
            continue;
        }
        let object = heap.object(view, id)?;
        add(view, &object, (flags & 1 != 0).then_some(order), out)?;
    }
    Ok(())
}

fn parse(view: View<'_>, body: &[u8], order: Option<u32>) -> Parse<Stored> {
    let mut cursor = Cursor::new(body);
    let version = cursor.u8()?;
    if !(1..=3).contains(&version) {
        return Err(
            Error::corrupt(format!("attribute of version {version}; 1 to 3 are known")).into(),
        );
    }
    let flags = if version == 1 {
        cursor.skip(1).map(|()| 0)?
    } else {
        cursor.u8()?
    };
    let lengths = [cursor.u16()?, cursor.u16()?, cursor.u16()?].map(usize::from);
    if version == 3 {
        cursor.skip(1)?;
    }
    let padded = |length: usize| {
        if version == 1 {
            length.next_multiple_of(8)
        } else {
            length
        }
    };
    let name = text(cursor.take(padded(lengths[0]))?);
    let datatype = cursor.take(padded(lengths[1]))?;
    let dataspace = cursor.take(padded(lengths[2]))?;
    let datatype = if flags & 1 != 0 {
        Datatype::parse(&header::shared(view, datatype, kind::DATATYPE)?)?
    } else {
        Datatype::parse(datatype)?
    };
    let dataspace = if flags & 2 != 0 {
        Dataspace::parse(
            &header::shared(view, dataspace, kind::DATASPACE)?,
            view.widths,
        )?
    } else {
        Dataspace::parse(dataspace, view.widths)?
    };
    let length = dataspace
        .count()
        .and_then(|count| count.checked_mul(u64::from(datatype.size)));
    let length = length.filter(|length| *length <= LARGEST);
    let length =
        length.ok_or_else(|| Error::corrupt(format!("attribute `{name}` of impossible size")))?;
    let bytes = cursor
        .take(usize::try_from(length).unwrap_or(usize::MAX))?
        .to_vec();
    Ok(Stored {
        name,
        datatype,
        dataspace,
        bytes,
        order,
    })
}

impl Stored {
    /// How many elements.
    pub fn count(&self) -> u64 {
        self.dataspace.count().unwrap_or(0)
    }

    /// The text of an attribute that is one fixed-length string.
    pub fn as_fixed_text(&self) -> Option<String> {
        match self.datatype.class {
            Class::Text { padding } if self.count() == 1 => Some(fixed_text(&self.bytes, padding)),
            _ => None,
        }
    }

    /// The numbers of an integer attribute.
    pub fn integers(&self) -> Vec<i64> {
        match self.numbers() {
            Some(Ok(numbers)) => numbers
                .scalars()
                .filter_map(|scalar| scalar.to_i64())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The addresses that an attribute of object references, or of sequences of them, holds:
    /// one list per element.
    pub fn references(&self, view: View<'_>, heaps: &mut Heaps) -> Parse<Vec<Vec<u64>>> {
        let width = view.widths.address;
        let size = self.datatype.size as usize;
        let mut lists = Vec::new();
        for element in self.bytes.chunks_exact(size.max(1)) {
            match &self.datatype.class {
                Class::ObjectReference => lists.push(vec![Cursor::new(element).address(width)?]),
                Class::VariableSequence(base) if base.class == Class::ObjectReference => {
                    let bytes = heaps.value(view, element, base.size)?;
                    let each = bytes.chunks_exact(base.size as usize);
                    lists.push(
                        each.map(|one| Cursor::new(one).address(width))
                            .collect::<Result<_>>()?,
                    );
                }
                _ => {}
            }
        }
        Ok(lists)
    }

    fn numbers(&self) -> Option<Result<Numbers>> {
        let element = match self.datatype.element() {
            Ok(element) if element.dtype.is_numeric() => element,
            Ok(_) => return None,
            Err(error) => return Some(Err(error)),
        };
        let mut bytes = self.bytes.clone();
        super::numbers::to_native(&mut bytes, &element);
        Some(Ok(Numbers {
            dtype: element.dtype,
            is_scalar: self.count() == 1,
            bytes,
        }))
    }

    /// The value, or `None` for types that attributes are not shown in.
    pub fn value(&self, view: View<'_>, heaps: &mut Heaps) -> Parse<Option<AttributeValue>> {
        if let Some(numbers) = self.numbers() {
            return Ok(numbers.ok().map(AttributeValue::Numbers));
        }
        Ok(match &self.datatype.class {
            Class::Text { padding } => {
                let each = self.bytes.chunks_exact(self.datatype.size as usize);
                Some(one_or_many(
                    each.map(|bytes| fixed_text(bytes, *padding)).collect(),
                ))
            }
            Class::VariableText => {
                let mut texts = Vec::new();
                for element in self.bytes.chunks_exact(self.datatype.size as usize) {
                    texts.push(text(&heaps.value(view, element, 1)?));
                }
                Some(one_or_many(texts))
            }
            Class::VariableSequence(base) => self.sequence(view, heaps, base)?,
            _ => None,
        })
    }

    /// One sequence of numbers reads like a list of them.
    fn sequence(
        &self,
        view: View<'_>,
        heaps: &mut Heaps,
        base: &Datatype,
    ) -> Parse<Option<AttributeValue>> {
        let Ok(element) = base.element() else {
            return Ok(None);
        };
        if !element.dtype.is_numeric() {
            return Ok(None);
        }
        let mut lists = Vec::new();
        for stored in self.bytes.chunks_exact(self.datatype.size as usize) {
            let mut bytes = heaps.value(view, stored, base.size)?;
            super::numbers::to_native(&mut bytes, &element);
            lists.push(Numbers {
                dtype: element.dtype,
                is_scalar: false,
                bytes,
            });
        }
        Ok(match <[Numbers; 1]>::try_from(lists) {
            Ok([only]) => Some(AttributeValue::Numbers(only)),
            Err(lists) => {
                let lists = lists
                    .into_iter()
                    .map(|list| AttributeValue::Numbers(list).to_json());
                Some(AttributeValue::Json(lists.collect()))
            }
        })
    }
}

fn one_or_many(mut texts: Vec<String>) -> AttributeValue {
    match texts.len() {
        // netCDF stores the empty text without any element.
        0 => AttributeValue::Text(String::new()),
        1 => AttributeValue::Text(texts.remove(0)),
        _ => AttributeValue::Texts(texts),
    }
}

fn fixed_text(bytes: &[u8], padding: Padding) -> String {
    let is_padding = |byte: &u8| *byte == 0 || (padding == Padding::Space && *byte == b' ');
    let end = match padding {
        Padding::Terminated => bytes
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(bytes.len()),
        _ => bytes
            .iter()
            .rposition(|byte| !is_padding(byte))
            .map_or(0, |last| last + 1),
    };
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Global heap collections read so far.
#[derive(Debug, Default)]
pub struct Heaps {
    collections: HashMap<u64, Collection>,
}

impl Heaps {
    /// With one collection read already.
    pub fn with(address: u64, collection: Collection) -> Self {
        Self {
            collections: HashMap::from([(address, collection)]),
        }
    }

    /// The bytes of a value of variable length whose items are `item_size` bytes.
    pub fn value(&mut self, view: View<'_>, element: &[u8], item_size: u32) -> Parse<Vec<u8>> {
        let mut cursor = Cursor::new(element);
        let count = u64::from(cursor.u32()?);
        let address = cursor.address(view.widths.address)?;
        let number = cursor.u32()?;
        if count == 0 || address == 0 || address == UNDEFINED {
            return Ok(Vec::new());
        }
        let collection = match self.collections.entry(address) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Collection::parse(view, address)?),
        };
        let bytes = collection.get(number)?;
        let length = count.saturating_mul(u64::from(item_size));
        let value = usize::try_from(length)
            .ok()
            .and_then(|length| bytes.get(..length));
        let value = value.ok_or_else(|| {
            Error::corrupt(format!(
                "a value of {length} bytes in a heap object of {}",
                bytes.len()
            ))
        })?;
        Ok(value.to_vec())
    }
}

/// The attributes that people see, as values; those of netCDF's and HDF5's own making are left out.
pub fn visible(view: View<'_>, stored: &[Stored], heaps: &mut Heaps) -> Parse<Attributes> {
    let mut attributes = Attributes::new();
    for attribute in stored {
        if HIDDEN.contains(&attribute.name.as_str()) {
            continue;
        }
        if let Some(value) = attribute.value(view, heaps)? {
            attributes.insert(attribute.name.clone(), value);
        }
    }
    Ok(attributes)
}

/// What netCDF keeps to itself.
const HIDDEN: [&str; 9] = [
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "_NCProperties",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_nc3_strict",
    "_NCCOPY",
];
