//! Writes classic netCDF files: CDF-1, CDF-2 and CDF-5.
//!
//! Everything but the values is known at the beginning, so every value has its place before the first is written.
//! Pieces go there as they come; the number of records is in the header from the start.

mod header;
mod sink;
mod types;

use crate::netcdf::{FileSpec, NetcdfFormat};
use craton_core::{Error, Result, Sink};
use craton_store::placed::PlacedFile;
use header::Layout;
use sink::ClassicSink;
use std::path::Path;
use std::sync::Arc;

/// A classic netCDF file being written. It shows under its name at [`ClassicWriter::commit`], and leaves nothing if
/// it is dropped before.
#[derive(Debug)]
pub struct ClassicWriter {
    file: Arc<PlacedFile>,
    header: Vec<u8>,
    length: u64,
    sinks: Vec<(String, Arc<ClassicSink>)>,
}

impl ClassicWriter {
    /// Begins a file that will be at `target`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Conflict`] if something is at `target` and may not be replaced; unsupported for groups,
    /// types and sizes that the format does not have; errors of the file system.
    pub fn create(
        target: &Path,
        format: NetcdfFormat,
        spec: &FileSpec,
        may_replace: bool,
    ) -> Result<Self> {
        let root = match spec.groups.as_slice() {
            [] => return Err(Error::internal("a file without a root group")),
            [root] => root,
            [_, second, ..] => {
                let message = format!(
                    "classic netCDF files have no groups, such as `{}`",
                    second.path
                );
                return Err(Error::unsupported(message).hint("`--format netcdf4` has them"));
            }
        };
        let layout = Layout::of(root, format)?;
        let file = Arc::new(PlacedFile::create(target, may_replace)?);
        let mut sinks = Vec::new();
        for (variable, place) in root.variables.iter().zip(&layout.variables) {
            let sink = ClassicSink::new(file.clone(), variable, place)?;
            sinks.push((variable.name.clone(), Arc::new(sink)));
        }
        Ok(Self {
            file,
            header: layout.header,
            length: layout.length,
            sinks,
        })
    }

    /// The sink of variable `name`.
    #[must_use]
    pub fn sink(&self, name: &str) -> Option<Arc<dyn Sink>> {
        let found = self.sinks.iter().find(|(known, _)| known == name);
        found.map(|(_, sink)| sink.clone() as Arc<dyn Sink>)
    }

    /// Completes the file and makes it visible under its name.
    ///
    /// # Errors
    /// Errors of the file system. Nothing is left under the final name then, or what was there before.
    pub fn commit(self) -> Result<()> {
        self.file.extend_to(self.length)?;
        self.file.write_at(&self.header, 0)?;
        drop(self.sinks);
        let file = Arc::try_unwrap(self.file)
            .map_err(|_| Error::internal("a file is completed while it is still written"))?;
        file.commit()
    }
}
