//! The objects of the finished file: groups, variables, dimensions, and what binds them together.

use super::attributes::{made, messages, text};
use super::bytes::{NOWHERE, PutBytes};
use super::heap::Heap;
use super::messages::{self as message, Message, Place, Space, header};
use super::sink::Hdf5Sink;
use super::{Shared, btree, datatype, is_contiguous, shape};
use crate::netcdf::{FileSpec, Filter, VariableSpec, parent_of};
use crate::tree::Dimension;
use craton_core::{Error, Result, Sink};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The name that netCDF gives to variables that would be taken for coordinates of another dimension.
const RENAMED: &str = "_nc4_non_coord_";

/// A group, variable or dimension without a variable, by number of group and member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    Group(usize),
    Variable(usize, usize),
    Dimension(usize, usize),
}

struct File<'a> {
    spec: &'a FileSpec,
    /// Where each variable's values are.
    places: HashMap<(usize, usize), (u64, u64)>,
    /// The number of the first dimension of each group.
    first_dimension: Vec<usize>,
    addresses: HashMap<Id, u64>,
}

/// Everything behind the values and chunk indexes.
struct Built {
    heap: Vec<u8>,
    headers: Vec<(Id, Vec<u8>)>,
}

/// Writes chunk indexes, heaps and headers; gives the address of the root group.
pub(super) fn write(
    spec: &FileSpec,
    sinks: &HashMap<(usize, usize), Arc<Hdf5Sink>>,
    shared: &Shared,
) -> Result<u64> {
    let mut places = HashMap::new();
    for (key, sink) in sinks {
        places.insert(*key, place(spec, *key, sink, shared)?);
    }
    let mut count = 0;
    let first_dimension = spec.groups.iter().map(|group| {
        let first = count;
        count += group.dimensions.len();
        first
    });
    let mut file = File {
        spec,
        places,
        first_dimension: first_dimension.collect(),
        addresses: HashMap::new(),
    };
    let start = shared.end.load(Ordering::Relaxed);
    // The lengths of headers do not depend on addresses, so a first pass finds where everything will be.
    let Built { heap, headers } = file.build(start)?;
    let mut at = start + (heap.len() as u64).next_multiple_of(8);
    for (id, header) in &headers {
        file.addresses.insert(*id, at);
        at += (header.len() as u64).next_multiple_of(8);
    }
    let Built { heap, headers } = file.build(start)?;
    if shared.append(&heap)? != start {
        return Err(Error::internal("a file grew while it was completed"));
    }
    for (id, header) in &headers {
        if shared.append(header)? != file.address(*id) {
            return Err(Error::internal("an object is not where it should be"));
        }
    }
    Ok(file.address(Id::Group(0)))
}

/// Writes the index of a variable's chunks; gives its address, or that of contiguous values and their length.
fn place(
    spec: &FileSpec,
    (group, number): (usize, usize),
    sink: &Hdf5Sink,
    shared: &Shared,
) -> Result<(u64, u64)> {
    let of = &spec.groups[group];
    let variable = &of.variables[number];
    let records = sink.records();
    if is_contiguous(spec, &of.path, variable)? {
        let record = records.first();
        return Ok(match record {
            Some(record) => (record.address, u64::from(record.size)),
            None => (
                NOWHERE,
                contiguous_length(&shape(spec, &of.path, variable)?, variable),
            ),
        });
    }
    let counts = sink.chunks().grid.shape();
    let start = shared.end.load(Ordering::Relaxed);
    let (tree, root) = btree::tree(&records, &counts, &variable.chunks, start);
    if !tree.is_empty() && shared.append(&tree)? != start {
        return Err(Error::internal("a file grew while it was completed"));
    }
    Ok((root, 0))
}

fn contiguous_length(shape: &[u64], variable: &VariableSpec) -> u64 {
    let size = u64::from(datatype::size_of(variable.dtype));
    shape
        .iter()
        .fold(size, |bytes, length| bytes.saturating_mul(*length))
}

impl File<'_> {
    fn address(&self, id: Id) -> u64 {
        self.addresses.get(&id).copied().unwrap_or(0)
    }

    /// The heap, to be written at `start`, and every header in the order in which they will be written.
    fn build(&self, start: u64) -> Result<Built> {
        let mut heap = Heap::at(start);
        let mut headers = Vec::new();
        for (group, of) in self.spec.groups.iter().enumerate() {
            headers.push((Id::Group(group), self.group(group, &mut heap)?));
            for number in 0..of.dimensions.len() {
                if self.variable_of(group, number).is_none() {
                    let id = Id::Dimension(group, number);
                    headers.push((id, self.dimension(group, number)?));
                }
            }
            for (number, variable) in of.variables.iter().enumerate() {
                let header = self
                    .variable(group, number, &mut heap)
                    .map_err(|error| error.in_variable(&variable.name))?;
                headers.push((Id::Variable(group, number), header));
            }
        }
        Ok(Built {
            heap: heap.finish(),
            headers,
        })
    }

    fn group(&self, group: usize, heap: &mut Heap) -> Result<Vec<u8>> {
        let of = &self.spec.groups[group];
        let mut links: Vec<(String, Id)> = Vec::new();
        for (number, dimension) in of.dimensions.iter().enumerate() {
            if self.variable_of(group, number).is_none() {
                links.push((dimension.name.clone(), Id::Dimension(group, number)));
            }
        }
        for (number, variable) in of.variables.iter().enumerate() {
            links.push((self.link_name(group, variable), Id::Variable(group, number)));
        }
        for (number, below) in self.spec.groups.iter().enumerate().skip(1) {
            if below.path != of.path && parent_of(&below.path) == of.path {
                let name = below.path.rsplit('/').next().unwrap_or_default();
                links.push((name.to_owned(), Id::Group(number)));
            }
        }
        let mut all: Vec<Message> = message::links(links.len()).into();
        for (order, (name, id)) in links.iter().enumerate() {
            all.push(message::link(name, order, self.address(*id)));
        }
        if group == 0 {
            let version = concat!("version=2,craton=", env!("CARGO_PKG_VERSION"));
            all.push(text("_NCProperties", version, heap)?);
        }
        all.extend(messages(&of.attributes, heap)?);
        Ok(header(&all))
    }

    /// The variable that is the scale of a dimension: that of its name, along it first.
    fn variable_of(&self, group: usize, dimension: usize) -> Option<usize> {
        let of = &self.spec.groups[group];
        let name = &of.dimensions[dimension].name;
        let is_it =
            |variable: &VariableSpec| variable.name == *name && variable.dims.first() == Some(name);
        of.variables.iter().position(is_it)
    }

    fn id_of(&self, (group, dimension): (usize, usize)) -> Id {
        match self.variable_of(group, dimension) {
            Some(variable) => Id::Variable(group, variable),
            None => Id::Dimension(group, dimension),
        }
    }

    fn link_name(&self, group: usize, variable: &VariableSpec) -> String {
        let dimensions = &self.spec.groups[group].dimensions;
        let is_dimension = dimensions
            .iter()
            .any(|dimension| dimension.name == variable.name);
        if is_dimension && variable.dims.first() != Some(&variable.name) {
            format!("{RENAMED}{}", variable.name)
        } else {
            variable.name.clone()
        }
    }

    fn dimension_number(&self, (group, dimension): (usize, usize)) -> i32 {
        // OK to convert: no file has so many dimensions.
        (self.first_dimension[group] + dimension) as i32
    }

    /// The variable of a dimension that has none: a scale without values.
    fn dimension(&self, group: usize, number: usize) -> Result<Vec<u8>> {
        let dimension = &self.spec.groups[group].dimensions[number];
        let name = format!(
            "This is a netCDF dimension but not a netCDF variable.{:>10}",
            dimension.length
        );
        let place = if dimension.is_unlimited {
            Place::Chunked {
                tree: NOWHERE,
                chunk: &[1024],
                element: 4,
            }
        } else {
            Place::Contiguous {
                address: NOWHERE,
                length: dimension.length.saturating_mul(4),
            }
        };
        let mut all = vec![
            message::dataspace(&space([dimension])),
            message::datatype(datatype::float32(true)),
            message::fill_value(None, dimension.is_unlimited),
            message::layout(place),
        ];
        all.extend(self.scale((group, number), &name)?);
        Ok(header(&all))
    }

    /// What makes a dataset the scale of a dimension.
    fn scale(&self, dimension: (usize, usize), name: &str) -> Result<Vec<Message>> {
        let mut all = vec![
            text_with_end("CLASS", "DIMENSION_SCALE")?,
            text_with_end("NAME", name)?,
        ];
        let uses = self.uses_of(dimension)?;
        let mut bytes = Vec::with_capacity(uses.len() * 16);
        for (id, axis) in &uses {
            bytes.put64(self.address(*id));
            bytes.put32(*axis);
            bytes.put32(0);
        }
        let list = Space::list(uses.len());
        // Readers find dimensions from variables; a list too long for a message is left out.
        let list = message::attribute("REFERENCE_LIST", &datatype::scale_use(), &list, &bytes);
        all.extend(list.filter(|_| !uses.is_empty()));
        all.push(integer(
            "_Netcdf4Dimid",
            &[self.dimension_number(dimension)],
            true,
        )?);
        Ok(all)
    }

    /// The datasets that use a dimension and are not its own scale alone, each with the axis.
    fn uses_of(&self, dimension: (usize, usize)) -> Result<Vec<(Id, u32)>> {
        let mut uses = Vec::new();
        for (group, of) in self.spec.groups.iter().enumerate() {
            for (number, variable) in of.variables.iter().enumerate() {
                // Scales are not attached to themselves, as in the netCDF library.
                if self.scaled_by(group, number).is_some() {
                    continue;
                }
                for (axis, name) in variable.dims.iter().enumerate() {
                    if self.spec.find_dimension(&of.path, name)? == dimension {
                        uses.push((Id::Variable(group, number), axis as u32));
                    }
                }
            }
        }
        Ok(uses)
    }

    /// The dimension that a variable is the scale of.
    fn scaled_by(&self, group: usize, number: usize) -> Option<usize> {
        (0..self.spec.groups[group].dimensions.len())
            .find(|dimension| self.variable_of(group, *dimension) == Some(number))
    }

    fn variable(&self, group: usize, number: usize, heap: &mut Heap) -> Result<Vec<u8>> {
        let of = &self.spec.groups[group];
        let variable = &of.variables[number];
        let axes = self.spec.axes(&of.path, variable)?;
        let element = datatype::size_of(variable.dtype);
        let (address, length) = self
            .places
            .get(&(group, number))
            .copied()
            .unwrap_or((NOWHERE, 0));
        let is_contiguous = is_contiguous(self.spec, &of.path, variable)?;
        let place = if is_contiguous {
            Place::Contiguous { address, length }
        } else {
            Place::Chunked {
                tree: address,
                chunk: &variable.chunks,
                element,
            }
        };
        let fill = variable.fill_value.as_ref();
        let fill = fill.filter(|_| !variable.dtype.is_variable());
        let mut fill_bytes = fill.map(|fill| fill.bytes().to_vec());
        if let Some(bytes) = &mut fill_bytes {
            super::bytes::little_endian(bytes, variable.dtype.swap_size());
        }
        let mut all = vec![
            message::dataspace(&space(axes.iter().copied())),
            message::datatype(datatype::of_dtype(variable.dtype)?),
            message::fill_value(fill_bytes.as_deref(), !is_contiguous),
            message::layout(place),
        ];
        let filters: Vec<Filter> = variable
            .filters
            .iter()
            .copied()
            .filter(|filter| *filter != Filter::Shuffle || element > 1)
            .collect();
        if !filters.is_empty() {
            all.push(message::filters(&filters, element));
        }
        all.extend(self.bindings(group, number, heap)?);
        if let Some(bytes) = fill_bytes {
            let datatype = datatype::of_dtype(variable.dtype)?;
            let space = if bytes.len() == 1 && !variable.dtype.is_integer() {
                Space::Scalar
            } else {
                Space::list(1)
            };
            all.push(made("_FillValue", &datatype, &space, &bytes)?);
        }
        all.extend(messages(&variable.attributes, heap)?);
        Ok(header(&all))
    }

    /// The attributes that say which dimensions a variable has.
    fn bindings(&self, group: usize, number: usize, heap: &mut Heap) -> Result<Vec<Message>> {
        let of = &self.spec.groups[group];
        let variable = &of.variables[number];
        let dimensions = variable
            .dims
            .iter()
            .map(|name| self.spec.find_dimension(&of.path, name))
            .collect::<Result<Vec<_>>>()?;
        let numbers: Vec<i32> = dimensions
            .iter()
            .map(|dimension| self.dimension_number(*dimension))
            .collect();
        let mut all = Vec::new();
        if let Some(own) = self.scaled_by(group, number) {
            all.extend(self.scale((group, own), &variable.name)?);
        } else if !dimensions.is_empty() {
            let mut references = Vec::with_capacity(dimensions.len() * 16);
            for dimension in &dimensions {
                let address = self.address(self.id_of(*dimension));
                references.extend(heap.add(&address.to_le_bytes(), 1));
            }
            let space = Space::list(dimensions.len());
            all.push(made(
                "DIMENSION_LIST",
                &datatype::references(),
                &space,
                &references,
            )?);
        }
        if dimensions.len() > 1 {
            all.push(integer("_Netcdf4Coordinates", &numbers, false)?);
        }
        Ok(all)
    }
}

fn space<'a>(dimensions: impl IntoIterator<Item = &'a Dimension>) -> Space {
    let axes: Vec<(u64, bool)> = dimensions
        .into_iter()
        .map(|dimension| (dimension.length, dimension.is_unlimited))
        .collect();
    if axes.is_empty() {
        Space::Scalar
    } else {
        Space::Simple(axes)
    }
}

fn integer(name: &str, values: &[i32], is_scalar: bool) -> Result<Message> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let space = if is_scalar {
        Space::Scalar
    } else {
        Space::list(values.len())
    };
    made(name, &datatype::integer(4, true), &space, &bytes)
}

/// HDF5's own texts end with a NUL.
fn text_with_end(name: &str, value: &str) -> Result<Message> {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    let datatype = datatype::text(bytes.len() as u32);
    made(name, &datatype, &Space::Scalar, &bytes)
}
