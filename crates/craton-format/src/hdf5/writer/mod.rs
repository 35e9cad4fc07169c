//! Writes netCDF-4 files, which are HDF5 files with dimension scales.
//!
//! Takes a [`FileSpec`]; gives a sink for each variable. Chunks go to the file as they come. What says where they
//! are (object headers, heaps, chunk indexes) is written behind them when all are there, and the superblock last;
//! only then the file gets its name. Superblock and object headers are of version 2 (HDF5 1.8), chunk indexes are
//! B-trees of version 1, so that every reader of netCDF-4 knows them.
//!
//! This is no general writer of HDF5. The crates that write HDF5 hold all values until the end, or bring a second
//! implementation of the whole format; here compressed chunks come from many threads, and memory stays bounded.

mod attributes;
mod btree;
mod bytes;
mod datatype;
mod heap;
mod messages;
mod objects;
mod sink;

use crate::netcdf::{FileSpec, Filter, VariableSpec};
use craton_core::{Error, Grid, Result, Sink, SinkChunks};
use craton_store::placed::PlacedFile;
use sink::Hdf5Sink;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// HDF5 allows no more axes.
const MOST_AXES: usize = 32;
/// Chunks and contiguous values begin behind the superblock.
const HEAD: u64 = 48;

/// The file, and where its end is.
#[derive(Debug)]
struct Shared {
    file: PlacedFile,
    end: AtomicU64,
}

impl Shared {
    /// Takes `length` bytes at the end of the file.
    fn take(&self, length: u64) -> u64 {
        self.end
            .fetch_add(length.next_multiple_of(8), Ordering::Relaxed)
    }

    fn write(&self, bytes: &[u8], address: u64) -> Result<()> {
        self.file.write_at(bytes, address)
    }

    /// Writes bytes at the end of the file; gives their address.
    fn append(&self, bytes: &[u8]) -> Result<u64> {
        let address = self.take(bytes.len() as u64);
        self.write(bytes, address)?;
        Ok(address)
    }
}

/// A netCDF-4 file being written. It shows under its name at [`Hdf5Writer::commit`], and leaves nothing if it is
/// dropped before.
#[derive(Debug)]
pub struct Hdf5Writer {
    spec: FileSpec,
    shared: Arc<Shared>,
    /// By number of group and variable.
    sinks: HashMap<(usize, usize), Arc<Hdf5Sink>>,
}

impl Hdf5Writer {
    /// Begins a file that will be at `target`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Conflict`] if something is at `target` and may not be replaced; unsupported for types
    /// and sizes that netCDF-4 does not have; errors of the file system.
    pub fn create(target: &Path, mut spec: FileSpec, may_replace: bool) -> Result<Self> {
        for (group, variable) in numbers(&spec) {
            let of = &spec.groups[group];
            let facts = facts(&spec, &of.path, &of.variables[variable])
                .map_err(|error| error.in_variable(&of.variables[variable].name))?;
            let variable = &mut spec.groups[group].variables[variable];
            variable.chunks = facts.chunks;
            variable.filters = facts.filters;
        }
        let shared = Arc::new(Shared {
            file: PlacedFile::create(target, may_replace)?,
            end: AtomicU64::new(HEAD),
        });
        let mut sinks = HashMap::new();
        for (group, number) in numbers(&spec) {
            let of = &spec.groups[group];
            let variable = &of.variables[number];
            let name = format!("{}/{}", of.path.trim_end_matches('/'), variable.name);
            let shape = shape(&spec, &of.path, variable)?;
            let chunks = SinkChunks {
                grid: Grid::regular(&shape, &variable.chunks)?,
            };
            let is_contiguous = is_contiguous(&spec, &of.path, variable)?;
            let sink = Hdf5Sink::new(shared.clone(), name, variable, chunks, is_contiguous);
            sinks.insert((group, number), Arc::new(sink));
        }
        Ok(Self {
            spec,
            shared,
            sinks,
        })
    }

    /// The sink of variable `name` of the group at `path`.
    #[must_use]
    pub fn sink(&self, path: &str, name: &str) -> Option<Arc<dyn Sink>> {
        let group = self
            .spec
            .groups
            .iter()
            .position(|group| group.path == path)?;
        let mut variables = self.spec.groups[group].variables.iter();
        let variable = variables.position(|variable| variable.name == name)?;
        let sink = self.sinks.get(&(group, variable))?;
        Some(sink.clone())
    }

    /// Writes what says where everything is, and makes the file visible under its name.
    ///
    /// # Errors
    /// Errors of the file system. Nothing is left under the final name then, or what was there before.
    pub fn commit(self) -> Result<()> {
        let root = objects::write(&self.spec, &self.sinks, &self.shared)?;
        let end = self.shared.end.load(Ordering::Relaxed);
        self.shared.file.extend_to(end)?;
        self.shared.write(&messages::superblock(end, root), 0)?;
        drop(self.sinks);
        let shared = Arc::try_unwrap(self.shared)
            .map_err(|_| Error::internal("a file is completed while it is still written"))?;
        shared.file.commit()
    }
}

/// Every variable by number of group and variable.
fn numbers(spec: &FileSpec) -> Vec<(usize, usize)> {
    let groups = spec.groups.iter().enumerate();
    groups
        .flat_map(|(group, of)| (0..of.variables.len()).map(move |variable| (group, variable)))
        .collect()
}

fn shape(spec: &FileSpec, group: &str, variable: &VariableSpec) -> Result<Vec<u64>> {
    let axes = spec.axes(group, variable)?;
    Ok(axes.iter().map(|dimension| dimension.length).collect())
}

/// Values that fit into one chunk need none, unless they may grow or go through filters.
fn is_contiguous(spec: &FileSpec, group: &str, variable: &VariableSpec) -> Result<bool> {
    let axes = spec.axes(group, variable)?;
    let can_grow = axes.iter().any(|dimension| dimension.is_unlimited);
    let is_one = axes
        .iter()
        .zip(&variable.chunks)
        .all(|(dimension, chunk)| dimension.length <= *chunk);
    Ok(!can_grow && is_one && variable.filters.is_empty())
}

/// What a variable's chunks really are.
struct Facts {
    chunks: Vec<u64>,
    filters: Vec<Filter>,
}

/// Values of so few bytes are stored as they are.
const SMALL: u64 = 512;

fn facts(spec: &FileSpec, group: &str, variable: &VariableSpec) -> Result<Facts> {
    datatype::of_dtype(variable.dtype)?;
    let shape = shape(spec, group, variable)?;
    if shape.len() > MOST_AXES {
        return Err(Error::unsupported(format!(
            "{} axes; netCDF-4 has at most {MOST_AXES}",
            shape.len()
        )));
    }
    if variable.chunks.len() != shape.len() {
        let message = format!(
            "{} chunk lengths for {} axes",
            variable.chunks.len(),
            shape.len()
        );
        return Err(Error::internal(message));
    }
    let size = u64::from(datatype::size_of(variable.dtype));
    let bytes = |lengths: &[u64]| {
        lengths
            .iter()
            .fold(size, |bytes, length| bytes.saturating_mul(*length))
    };
    let chunks: Vec<u64> = variable
        .chunks
        .iter()
        .zip(&shape)
        .map(|(chunk, length)| (*chunk).clamp(1, (*length).max(1)))
        .collect();
    if bytes(&chunks) > u64::from(u32::MAX) {
        let message = format!(
            "chunks of {} bytes; HDF5 has less than 4 GiB",
            bytes(&chunks)
        );
        return Err(Error::unsupported(message).hint("`--chunks` makes them smaller"));
    }
    // References to texts do not compress, and small values are not worth it.
    let is_plain = variable.dtype.is_variable() || shape.is_empty() || bytes(&shape) <= SMALL;
    let filters = if is_plain {
        Vec::new()
    } else {
        variable.filters.clone()
    };
    Ok(Facts { chunks, filters })
}
