//! One object of a file: a group, a dataset or a named type, with everything that its header says.

use super::attributes::{self, Heaps, Stored};
use super::cursor::UNDEFINED;
use super::datatype::{Class, Datatype, Element, Padding};
use super::header::{self, Header, kind};
use super::links::{self, Link};
use super::messages::{self, Dataspace, Filter, Layout};
use super::superblock::View;
use crate::ranges::Parse;
use craton_core::{Attributes, Error, Result, Scalar};

/// A group, dataset or named type.
#[derive(Debug)]
pub enum Object {
    /// A group.
    Group {
        links: Vec<Link>,
        attributes: Attributes,
    },
    /// A dataset.
    Dataset(Box<Dataset>),
    /// A named type, which netCDF does not show as a variable.
    NamedType,
}

/// What is known of a dataset before its chunk index is read.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Stored elements along each axis.
    pub shape: Vec<u64>,
    /// How many there may become; [`UNDEFINED`] for any number.
    pub most: Vec<u64>,
    /// The type of an element.
    pub element: Element,
    /// How text ends, for text of fixed length.
    pub padding: Option<Padding>,
    /// Where the bytes are.
    pub layout: Layout,
    /// The filters in the order in which they were applied.
    pub filters: Vec<Filter>,
    /// The value of elements that were never written.
    pub fill_value: Scalar,
    /// The attributes that people see.
    pub attributes: Attributes,
    /// What ties the dataset to dimensions.
    pub scales: Scales,
}

/// The dimension-scale facts of a dataset.
#[derive(Debug, Clone, Default)]
pub struct Scales {
    /// Whether it is a dimension scale.
    pub is_scale: bool,
    /// Whether it only stands for a dimension, and is no variable in netCDF.
    pub is_dimension_only: bool,
    /// The dimension's number.
    pub dimension_id: Option<i64>,
    /// The numbers of the dimensions of its axes.
    pub coordinates: Vec<i64>,
    /// The dimension scales of each axis, by address.
    pub list: Vec<Vec<u64>>,
}

/// How netCDF marks a scale that is no variable.
const DIMENSION_ONLY: &str = "This is a netCDF dimension but not a netCDF variable";

/// Reads the object at `address`.
pub fn parse(view: View<'_>, address: u64) -> Parse<Object> {
    let header = header::parse(view, address)?;
    let is_group = [
        kind::SYMBOL_TABLE,
        kind::LINK_INFO,
        kind::LINK,
        kind::GROUP_INFO,
    ]
    .iter()
    .any(|kind| header.first(*kind).is_some());
    if header.first(kind::LAYOUT).is_some() && header.first(kind::DATASPACE).is_some() {
        return Ok(Object::Dataset(Box::new(dataset(view, &header)?)));
    }
    if is_group {
        let stored = attributes::all(view, &header)?;
        let attributes = attributes::visible(view, &stored, &mut Heaps::default())?;
        return Ok(Object::Group {
            links: links::members(view, &header)?,
            attributes,
        });
    }
    if header.first(kind::DATATYPE).is_some() {
        return Ok(Object::NamedType);
    }
    Err(Error::corrupt("an object that is neither group, dataset nor type").into())
}

fn dataset(view: View<'_>, header: &Header) -> Parse<Dataset> {
    let (shape, most) =
        match Dataspace::parse(&required(view, header, kind::DATASPACE)?, view.widths)? {
            Dataspace::Simple { shape, most } => (shape, most),
            Dataspace::Null => {
                return Err(Error::unsupported(
                    "a dataset without any dataspace (H5S_NULL) is not read",
                )
                .into());
            }
        };
    let datatype = Datatype::parse(&required(view, header, kind::DATATYPE)?)?;
    let element = datatype.element()?;
    if header.first(kind::EXTERNAL_FILES).is_some() {
        let message = "the values are stored in other files, which are not followed";
        return Err(Error::unsupported(message).into());
    }
    let layout = Layout::parse(&required(view, header, kind::LAYOUT)?, view.widths)?;
    let filters = match header.first(kind::FILTERS) {
        Some(message) => messages::parse_filters(&header::resolve(view, header, message)?)?,
        None => Vec::new(),
    };
    check_layout(&layout, &shape)?;
    let stored = attributes::all(view, header)?;
    let mut heaps = Heaps::default();
    let padding = match datatype.class {
        Class::Text { padding } => Some(padding),
        _ => None,
    };
    Ok(Dataset {
        fill_value: fill_value(view, header, &element)?,
        attributes: attributes::visible(view, &stored, &mut heaps)?,
        scales: scales(view, &stored, &mut heaps)?,
        shape,
        most,
        element,
        padding,
        layout,
        filters,
    })
}

fn required(view: View<'_>, header: &Header, kind: u16) -> Parse<Vec<u8>> {
    let message = header.first(kind);
    let message =
        message.ok_or_else(|| Error::corrupt(format!("a dataset without message {kind:#x}")))?;
    header::resolve(view, header, message)
}

fn check_layout(layout: &Layout, shape: &[u64]) -> Result<()> {
    match layout {
        Layout::Virtual => Err(Error::unsupported(
            "the values are stored in other datasets (a virtual dataset), which are not followed",
        )),
        Layout::Chunked(chunked) if chunked.chunk.len() != shape.len() => {
            let message = format!(
                "chunks have {} axes, the dataset has {}",
                chunked.chunk.len(),
                shape.len()
            );
            Err(Error::corrupt(message))
        }
        _ => Ok(()),
    }
}

fn fill_value(view: View<'_>, header: &Header, element: &Element) -> Parse<Scalar> {
    let mut bytes = None;
    if let Some(message) = header.first(kind::FILL_VALUE) {
        bytes = messages::parse_fill_value(&header::resolve(view, header, message)?)?;
    } else if let Some(message) = header.first(kind::OLD_FILL_VALUE) {
        bytes = messages::parse_old_fill_value(&header::resolve(view, header, message)?)?;
    }
    let size = element.dtype.item_size();
    Ok(match bytes {
        Some(mut bytes) if size == Some(bytes.len()) => {
            super::numbers::to_native(&mut bytes, element);
            Scalar::from_bytes(element.dtype, &bytes)
        }
        // A fill value of variable length is an address in the heap.
        Some(bytes) if size.is_none() && bytes.len() == element.stored_size as usize => {
            let text = Heaps::default().value(view, &bytes, 1).unwrap_or_default();
            Scalar::from_bytes(element.dtype, &text)
        }
        _ => Scalar::zero(element.dtype),
    })
}

fn scales(view: View<'_>, stored: &[Stored], heaps: &mut Heaps) -> Parse<Scales> {
    let mut scales = Scales::default();
    for attribute in stored {
        match attribute.name.as_str() {
            "CLASS" => {
                scales.is_scale = attribute
                    .as_fixed_text()
                    .is_some_and(|text| text == "DIMENSION_SCALE");
            }
            "NAME" => {
                let name = attribute.as_fixed_text();
                scales.is_dimension_only =
                    name.is_some_and(|name| name.starts_with(DIMENSION_ONLY));
            }
            "_Netcdf4Dimid" => scales.dimension_id = attribute.integers().first().copied(),
            "_Netcdf4Coordinates" => scales.coordinates = attribute.integers(),
            "DIMENSION_LIST" => scales.list = attribute.references(view, heaps)?,
            _ => {}
        }
    }
    scales.is_dimension_only &= scales.is_scale;
    Ok(scales)
}

impl Dataset {
    /// Whether an axis may grow without limit.
    pub fn is_unlimited(&self, axis: usize) -> bool {
        self.most.get(axis) == Some(&UNDEFINED)
    }
}
