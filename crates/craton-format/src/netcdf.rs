//! What a netCDF file to be written holds, and the writer of each of its formats.
//!
//! A [`FileSpec`] says everything but the values; [`NetcdfWriter`] gives a [`Sink`] for each variable.

use crate::hdf5::writer::Hdf5Writer;
use crate::netcdf3::writer::ClassicWriter;
use crate::tree::Dimension;
use craton_core::{Attributes, DType, Error, Result, Scalar, Sink};
use std::path::Path;
use std::sync::Arc;

/// The formats that netCDF has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NetcdfFormat {
    /// CDF-1: offsets of 32 bits, six types.
    Classic,
    /// CDF-2: offsets of 64 bits, six types.
    Offset64,
    /// CDF-5: sizes of 64 bits, unsigned and 64-bit integers too.
    Cdf5,
    /// HDF5, with groups, strings, chunks and compression.
    #[default]
    Netcdf4,
}

impl NetcdfFormat {
    /// The format that `ncgen`, `nccopy`, CDO or xarray call `name`, in any case.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] for other names.
    pub fn from_name(name: &str) -> Result<Self> {
        let plain = name.to_ascii_lowercase().replace([' ', '_'], "-");
        Ok(match plain.as_str() {
            "classic" | "nc3" | "cdf1" | "nc1" | "netcdf3-classic" => Self::Classic,
            "64-bit-offset" | "64bit-offset" | "cdf2" | "nc2" | "nc6" | "netcdf3-64bit" => {
                Self::Offset64
            }
            "cdf5" | "64-bit-data" | "64bit-data" | "nc5" | "netcdf3-64bit-data" => Self::Cdf5,
            "netcdf4" | "netcdf-4" | "nc4" | "hdf5" => Self::Netcdf4,
            _ => {
                return Err(Error::usage(format!("`{name}` is no netCDF format"))
                    .hint("accepted: netcdf4, classic, 64bit-offset, cdf5"));
            }
        })
    }

    /// Whether this is one of the classic formats.
    #[must_use]
    pub fn is_classic(self) -> bool {
        self != Self::Netcdf4
    }
}

/// Everything about a file but the values.
#[derive(Debug, Clone, Default)]
pub struct FileSpec {
    /// The root group, then the others, each after the group it lies in.
    pub groups: Vec<GroupSpec>,
}

/// A group.
#[derive(Debug, Clone, Default)]
pub struct GroupSpec {
    /// Its path; `/` is the root.
    pub path: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// The dimensions that it defines.
    pub dimensions: Vec<Dimension>,
    /// Its variables.
    pub variables: Vec<VariableSpec>,
}

/// A variable.
#[derive(Debug, Clone)]
pub struct VariableSpec {
    /// Its name.
    pub name: String,
    /// The type of elements.
    pub dtype: DType,
    /// Its dimensions, each defined in its group or in one above.
    pub dims: Vec<String>,
    /// Elements of a chunk along each axis; classic files have no chunks, but are written in pieces of this size.
    pub chunks: Vec<u64>,
    /// The value of elements that are not written, which is the attribute `_FillValue`, too.
    pub fill_value: Option<Scalar>,
    /// Its other attributes.
    pub attributes: Attributes,
    /// What chunks go through.
    pub filters: Vec<Filter>,
}

/// What the bytes of a chunk go through, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Bytes grouped by significance.
    Shuffle,
    /// Deflate at a level from 0 to 9.
    Deflate(u8),
    /// Zstandard at a level; readers need its plugin for HDF5.
    Zstd(i32),
    /// A checksum.
    Fletcher32,
}

/// Filters from words such as `zlib:4`, `zlib:1,noshuffle`, `zstd:3,fletcher32` or `none`. A compressor brings `shuffle`.
///
/// # Errors
/// [`craton_core::ErrorKind::Usage`] for other words.
pub fn parse_filters(text: &str) -> Result<Vec<Filter>> {
    let wrong = |word: &str| {
        Error::usage(format!("`{word}` is no filter of netCDF4 files"))
            .hint("accepted: none, zlib[:LEVEL], zstd[:LEVEL], shuffle, noshuffle, fletcher32; several with commas")
    };
    let words: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty() && *word != "none")
        .collect();
    let mut compressor = None;
    for word in &words {
        let (name, level) = word.split_once(':').unwrap_or((word, ""));
        let level = |default: i32, most: i32| match level {
            "" => Ok(default),
            level => level
                .parse::<i32>()
                .ok()
                .filter(|level| (0..=most).contains(level))
                .ok_or_else(|| wrong(word)),
        };
        let found = match name {
            "zlib" | "deflate" | "gzip" => {
                Filter::Deflate(u8::try_from(level(4, 9)?).map_err(|_| wrong(word))?)
            }
            "zstd" => Filter::Zstd(level(3, 22)?),
            "shuffle" | "noshuffle" | "fletcher32" if !word.contains(':') => continue,
            _ => return Err(wrong(word)),
        };
        if compressor.replace(found).is_some() {
            return Err(Error::usage(format!(
                "`{text}` names two compressors, a chunk has one"
            )));
        }
    }
    let has = |name: &str| words.contains(&name);
    let is_shuffled = has("shuffle") || (compressor.is_some() && !has("noshuffle"));
    let filters = [
        is_shuffled.then_some(Filter::Shuffle),
        compressor,
        has("fletcher32").then_some(Filter::Fletcher32),
    ];
    Ok(filters.into_iter().flatten().collect())
}

impl FileSpec {
    /// The place of the dimension that `group` knows as `name`: the group that defines it, and which of its dimensions.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if neither the group nor one above defines it.
    pub fn find_dimension(&self, group: &str, name: &str) -> Result<(usize, usize)> {
        let mut path = group;
        loop {
            let number = self.groups.iter().position(|group| group.path == path);
            let found = number.and_then(|number| {
                let mut dimensions = self.groups[number].dimensions.iter();
                let at = dimensions.position(|dimension| dimension.name == name)?;
                Some((number, at))
            });
            match found {
                Some(place) => return Ok(place),
                None if path == "/" => {
                    let message = format!("group `{group}` has no dimension `{name}`");
                    return Err(Error::invalid(message));
                }
                None => path = parent_of(path),
            }
        }
    }

    /// Number of group, length and whether it may grow, for every axis of a variable.
    ///
    /// # Errors
    /// As [`FileSpec::find_dimension`].
    pub fn axes(&self, group: &str, variable: &VariableSpec) -> Result<Vec<&Dimension>> {
        let axes = variable.dims.iter().map(|name| {
            let (group, at) = self.find_dimension(group, name)?;
            Ok(&self.groups[group].dimensions[at])
        });
        axes.collect()
    }
}

/// The group above `path`.
#[must_use]
pub fn parent_of(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

/// A netCDF file being written. It shows under its name at [`NetcdfWriter::commit`], and leaves nothing if it is
/// dropped before.
#[derive(Debug)]
pub enum NetcdfWriter {
    /// One of the classic formats.
    Classic(ClassicWriter),
    /// netCDF-4.
    Netcdf4(Hdf5Writer),
}

impl NetcdfWriter {
    /// Begins a file that will be at `target`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Conflict`] if something is at `target` and may not be replaced; invalid or
    /// unsupported if the format cannot hold what `spec` says; errors of the file system.
    pub fn create(
        target: &Path,
        format: NetcdfFormat,
        spec: FileSpec,
        may_replace: bool,
    ) -> Result<Self> {
        check_names(&spec)?;
        Ok(match format {
            NetcdfFormat::Netcdf4 => Self::Netcdf4(Hdf5Writer::create(target, spec, may_replace)?),
            classic => Self::Classic(ClassicWriter::create(target, classic, &spec, may_replace)?),
        })
    }

    /// The sink of a variable of the group at `path`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is no such variable.
    pub fn sink(&self, path: &str, name: &str) -> Result<Arc<dyn Sink>> {
        let sink = match self {
            Self::Classic(writer) => writer.sink(name),
            Self::Netcdf4(writer) => writer.sink(path, name),
        };
        sink.ok_or_else(|| Error::not_found(format!("no variable `{name}` is being written")))
    }

    /// Completes the file and makes it visible under its name.
    ///
    /// # Errors
    /// Errors of the file system. Nothing is left under the final name then, or what was there before.
    pub fn commit(self) -> Result<()> {
        match self {
            Self::Classic(writer) => writer.commit(),
            Self::Netcdf4(writer) => writer.commit(),
        }
    }
}

/// Refuses names that netCDF cannot have.
fn check_names(spec: &FileSpec) -> Result<()> {
    for group in &spec.groups {
        let last = group.path.rsplit('/').next().unwrap_or_default();
        let members = group.variables.iter().map(|variable| &variable.name);
        let dimensions = group.dimensions.iter().map(|dimension| &dimension.name);
        let of_variables = group
            .variables
            .iter()
            .flat_map(|variable| variable.attributes.keys());
        let attributes = group.attributes.keys().chain(of_variables);
        let is_name = |name: &&String| {
            !name.is_empty()
                && name.len() <= 256
                && !name.contains(['/', '\0'])
                && !name.ends_with(' ')
        };
        if let Some(name) = members
            .chain(dimensions)
            .chain(attributes)
            .find(|name| !is_name(name))
        {
            let message = format!("`{name}` cannot be a name in a netCDF file");
            return Err(Error::invalid(message)
                .hint("names have 1 to 256 bytes, no `/`, and do not end with a blank"));
        }
        let mut names: Vec<&str> = group
            .variables
            .iter()
            .map(|variable| variable.name.as_str())
            .collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::invalid(format!(
                "`{}` is written twice in `{last}`",
                pair[0]
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::ErrorKind;

    #[test]
    fn a_compressor_brings_shuffle_and_checksums_come_last() {
        let parse = |text| parse_filters(text).unwrap();
        assert_eq!(parse("zlib:5"), [Filter::Shuffle, Filter::Deflate(5)]);
        assert_eq!(
            parse("fletcher32,noshuffle,zstd"),
            [Filter::Zstd(3), Filter::Fletcher32]
        );
        assert_eq!(parse("none"), []);
        assert_eq!(parse("shuffle"), [Filter::Shuffle]);
        for wrong in ["zlib:10", "blosc", "zlib,zstd", "shuffle:4", "zlib:x"] {
            assert_eq!(parse_filters(wrong).unwrap_err().kind(), ErrorKind::Usage);
        }
    }

    #[test]
    fn formats_have_the_names_that_other_programs_give_them() {
        let of = |name| NetcdfFormat::from_name(name).unwrap();
        assert_eq!(of("64-bit offset"), NetcdfFormat::Offset64);
        assert_eq!(of("NETCDF3_64BIT"), NetcdfFormat::Offset64);
        assert_eq!(of("NETCDF4"), NetcdfFormat::Netcdf4);
        assert_eq!(of("cdf5"), NetcdfFormat::Cdf5);
        assert!(NetcdfFormat::from_name("grib").is_err());
    }
}
