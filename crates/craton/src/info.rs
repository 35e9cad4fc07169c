//! What lies at a URL, without reading a value: groups, dimensions, variables, chunks, codecs, attributes.

mod stats;

pub use stats::{Statistics, of_variable};

use crate::open::{Stored, StoredGroup, open_stored};
use crate::output::repr::{attribute_text, human_bytes};
use craton_core::{Attributes, DType, Grid, Result, Scalar, Source};
use craton_format::detect::Format;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Longer attribute values are cut in the text form.
const LONGEST_ATTRIBUTE: usize = 160;

/// Everything at a URL.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    /// The URL as written.
    pub url: String,
    /// The format in words.
    pub format: String,
    /// The groups, parents first.
    pub groups: Vec<GroupInfo>,
}

/// One group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupInfo {
    /// `/`, `/group`.
    pub path: String,
    /// Name and length of the dimensions that its arrays have; `None` where they disagree on the length.
    pub dims: IndexMap<String, Option<u64>>,
    /// Its arrays.
    pub arrays: Vec<ArrayInfo>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Members that cannot be read: name, and the whole report.
    pub broken: Vec<(String, String)>,
}

/// One array as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayInfo {
    /// Its name.
    pub name: String,
    /// The stored type.
    pub dtype: DType,
    /// The names of axes; `dim_0` and so on where the format has none.
    pub dims: Vec<String>,
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// Elements of the largest chunk along each axis.
    pub chunks: Vec<u64>,
    /// Chunks in all.
    pub chunk_count: u64,
    /// Chunks of a shard along each axis.
    pub shards: Option<Vec<u64>>,
    /// The codecs in words.
    pub codecs: String,
    /// The value of missing chunks.
    pub fill_value: Scalar,
    /// Its attributes.
    pub attributes: Attributes,
    statistics: Option<Statistics>,
}

/// Looks at `url`.
///
/// # Errors
/// As [`open_stored`]; members that cannot be read are part of the answer instead.
/// # Cost
/// Reads metadata only.
pub fn info(url: &str) -> Result<Info> {
    Info::of_stored(&open_stored(url)?)
}

impl Info {
    /// What was opened: the member that the URL names, and all under it.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if the URL names nothing.
    pub fn of_stored(stored: &Stored) -> Result<Self> {
        let name = match stored.format {
            Format::Zarr2 => "Zarr 2",
            Format::Zarr3 => "Zarr 3",
            Format::NetCdf3 => "netCDF classic",
            Format::Hdf5 => "HDF5",
        };
        let format = stored.keeper.clone().unwrap_or_else(|| name.to_owned());
        let url = stored.url.clone();
        if let Some(name) = &stored.array {
            let array = ArrayInfo::of_source(name, &**stored.root()?.array(name)?);
            let group = GroupInfo {
                path: stored.selected.clone(),
                dims: dims_of(std::slice::from_ref(&array)),
                arrays: vec![array],
                attributes: Attributes::new(),
                broken: Vec::new(),
            };
            return Ok(Self {
                url,
                format,
                groups: vec![group],
            });
        }
        stored.root()?;
        let prefix = format!("{}/", stored.selected.trim_end_matches('/'));
        let is_inside = |path: &str| path == stored.selected || path.starts_with(&prefix);
        let groups = stored.groups.iter().filter(|(path, _)| is_inside(path));
        let mut groups: Vec<GroupInfo> = groups
            .map(|(path, group)| GroupInfo::new(path, group))
            .collect();
        // Parts rather than texts are compared, so that every group stands right above its own.
        groups.sort_by(|one, other| parts(&one.path).cmp(parts(&other.path)));
        Ok(Self {
            url,
            format,
            groups,
        })
    }

    /// `{"url", "format", "groups": [{"path", "dims", "variables", "attrs", "broken"}]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let groups: Vec<Value> = self.groups.iter().map(GroupInfo::to_json).collect();
        json!({"url": self.url, "format": self.format, "groups": groups})
    }

    /// For people, in the order of `ncdump -h`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("{} {}\n", self.format, self.url);
        for group in &self.groups {
            // Writing into memory does not fail.
            let _ = group.write(&mut out, self.groups.len() > 1);
        }
        out
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

fn dims_of(arrays: &[ArrayInfo]) -> IndexMap<String, Option<u64>> {
    let mut dims: IndexMap<String, Option<u64>> = IndexMap::new();
    for (dim, length) in arrays
        .iter()
        .flat_map(|array| array.dims.iter().zip(&array.shape))
    {
        let known = dims.entry(dim.clone()).or_insert(Some(*length));
        if *known != Some(*length) {
            *known = None;
        }
    }
    dims
}

impl GroupInfo {
    fn new(path: &str, group: &StoredGroup) -> Self {
        let arrays: Vec<ArrayInfo> = group
            .arrays
            .iter()
            .map(|(name, source)| ArrayInfo::of_source(name, &**source))
            .collect();
        let broken = group
            .broken
            .iter()
            .map(|(name, error)| (name.clone(), error.report()));
        Self {
            path: path.to_owned(),
            dims: dims_of(&arrays),
            arrays,
            attributes: group.attributes.clone(),
            broken: broken.collect(),
        }
    }

    fn to_json(&self) -> Value {
        let arrays = self
            .arrays
            .iter()
            .map(|array| (array.name.clone(), array.to_json()));
        let broken = self
            .broken
            .iter()
            .map(|(name, report)| (name.clone(), Value::from(report.as_str())));
        json!({
            "path": self.path,
            "dims": self.dims,
            "variables": arrays.collect::<Map<_, _>>(),
            "attrs": attributes_json(&self.attributes),
            "broken": broken.collect::<Map<_, _>>(),
        })
    }

    fn write(&self, out: &mut String, has_siblings: bool) -> std::fmt::Result {
        if has_siblings {
            writeln!(out, "\ngroup {}", self.path)?;
        }
        if !self.dims.is_empty() {
            writeln!(out, "dimensions:")?;
        }
        for (dim, length) in &self.dims {
            match length {
                Some(length) => writeln!(out, "    {dim} = {length}")?,
                None => writeln!(out, "    {dim} = (differs)")?,
            }
        }
        if !self.arrays.is_empty() {
            writeln!(out, "variables:")?;
        }
        self.arrays.iter().try_for_each(|array| array.write(out))?;
        if !self.broken.is_empty() {
            writeln!(out, "cannot be read:")?;
        }
        for (name, report) in &self.broken {
            let report = report
                .trim_start_matches("error: ")
                .replace('\n', "\n        ");
            writeln!(out, "    {name}\n        {report}")?;
        }
        if !self.attributes.is_empty() {
            writeln!(out, "attributes:")?;
        }
        write_attributes(&self.attributes, "    ", out)
    }
}

impl ArrayInfo {
    /// A stored array.
    pub(crate) fn of_source(name: &str, source: &dyn Source) -> Self {
        let meta = source.meta();
        let dim = |axis: usize| {
            let name = meta.dimension_names.get(axis).cloned().flatten();
            name.unwrap_or_else(|| format!("dim_{axis}"))
        };
        Self {
            name: name.to_owned(),
            dtype: meta.dtype,
            dims: (0..meta.shape.len()).map(dim).collect(),
            shape: meta.shape.clone(),
            chunks: meta
                .grid
                .axes
                .iter()
                .map(|axis| axis.largest_encoded())
                .collect(),
            chunk_count: meta.grid.len(),
            shards: meta.shard_shape.clone(),
            codecs: meta.codecs.clone(),
            fill_value: meta.fill_value.clone(),
            attributes: meta.attributes.clone(),
            statistics: None,
        }
    }

    /// An array that is not there yet; its dimensions, shards and codecs are to be told.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if chunks do not fit the shape.
    pub(crate) fn planned(name: &str, dtype: DType, shape: &[u64], chunks: &[u64]) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            dtype,
            dims: Vec::new(),
            shape: shape.to_vec(),
            chunks: chunks.to_vec(),
            chunk_count: Grid::regular(shape, chunks)?.len(),
            shards: None,
            codecs: String::new(),
            fill_value: Scalar::zero(dtype),
            attributes: Attributes::new(),
            statistics: None,
        })
    }

    /// Bytes of all elements, decoded; `None` where elements vary in length.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        let size = self.dtype.item_size()? as u64;
        Some(
            self.shape
                .iter()
                .fold(size, |bytes, length| bytes.saturating_mul(*length)),
        )
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "dims": self.dims,
            "shape": self.shape,
            "dtype": self.dtype.name(),
            "chunks": self.chunks,
            "chunk_count": self.chunk_count,
            "shards": self.shards,
            "codecs": self.codecs,
            "fill_value": self.fill_value.to_json(),
            "bytes": self.bytes(),
            "attrs": attributes_json(&self.attributes),
        });
        if let Some(statistics) = &self.statistics {
            json["stats"] = statistics.to_json();
        }
        json
    }

    /// Writes type, name, dimensions and size, then chunks and codecs, then what else is known.
    pub(crate) fn write(&self, out: &mut String) -> std::fmt::Result {
        let bytes = self
            .bytes()
            .map(|bytes| format!("  {}", human_bytes(bytes)))
            .unwrap_or_default();
        writeln!(
            out,
            "    {} {}({}){bytes}",
            self.dtype,
            self.name,
            self.dims.join(", ")
        )?;
        let codecs = if self.codecs.is_empty() {
            "no codecs"
        } else {
            &self.codecs
        };
        let lengths = |lengths: &[u64]| {
            let texts: Vec<String> = lengths.iter().map(u64::to_string).collect();
            texts.join(" × ")
        };
        let chunks = match (self.shape.is_empty(), self.chunk_count) {
            (true, _) => "one value".to_owned(),
            (false, 1) => "one chunk".to_owned(),
            (false, count) => format!("{count} chunks of {}", lengths(&self.chunks)),
        };
        let shards = self.shards.as_ref();
        let shards = shards.map(|shards| format!(", shards of {} chunks", lengths(shards)));
        writeln!(
            out,
            "        {chunks}{}, {codecs}",
            shards.unwrap_or_default()
        )?;
        if let Some(statistics) = &self.statistics {
            writeln!(out, "        {}", statistics.to_text())?;
        }
        write_attributes(&self.attributes, "        ", out)
    }
}

fn attributes_json(attributes: &Attributes) -> Value {
    let pairs = attributes
        .iter()
        .map(|(name, value)| (name.clone(), value.to_json()));
    Value::Object(pairs.collect())
}

fn write_attributes(attributes: &Attributes, indent: &str, out: &mut String) -> std::fmt::Result {
    for (name, value) in attributes {
        let text = attribute_text(value)
            .replace('\n', "\\n")
            .replace('\t', "\\t");
        match text.char_indices().nth(LONGEST_ATTRIBUTE) {
            Some((end, _)) => writeln!(out, "{indent}{name}: {}...", &text[..end])?,
            None => writeln!(out, "{indent}{name}: {text}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::{session, temperatures};
    use crate::output::zarr::{ZarrOptions, write_zarr};
    use crate::output::{Labelled, Recipe};

    fn in_store(check: impl FnOnce(&str)) {
        static COUNTER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("craton-info-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let (recipe, options) = (Recipe::default(), ZarrOptions::default());
        let array = temperatures();
        write_zarr(
            &[Labelled::Array(&array)],
            &path,
            &options,
            &recipe,
            &session(),
        )
        .unwrap();
        check(path.to_str().unwrap());
        std::fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn the_text_tells_dimensions_variables_and_chunks() {
        in_store(|path| {
            let text = info(path).unwrap().to_text();
            assert!(
                text.starts_with(&format!("Zarr 3 {path}\ndimensions:\n")),
                "{text}"
            );
            assert!(text.contains("    time = 2\n"), "{text}");
            let expected = "    float64 t2m(time, station)  48B\n        one chunk, bytes, blosc:zstd:1:bitshuffle\n        units: K\n";
            assert!(text.contains(expected), "{text}");
        });
    }

    #[test]
    fn the_json_has_every_fact() {
        in_store(|path| {
            let value = info(path).unwrap().to_json();
            let array = &value["groups"][0]["variables"]["t2m"];
            assert_eq!(array["shape"], json!([2, 3]));
            assert_eq!(array["chunks"], json!([2, 3]));
            assert_eq!(array["attrs"]["units"], "K");
            assert_eq!(value["groups"][0]["dims"]["station"], 3);
            assert_eq!(
                value["groups"][0]["attrs"]["craton_recipe"]["expression"],
                ""
            );
        });
    }

    #[test]
    fn a_broken_array_hides_no_other() {
        in_store(|path| {
            let root = std::path::Path::new(path).join("zarr.json");
            let text = std::fs::read_to_string(&root).unwrap();
            let mut document: Value = serde_json::from_str(&text).unwrap();
            document["consolidated_metadata"]["metadata"]["height"]["data_type"] = json!("int9");
            std::fs::write(&root, document.to_string()).unwrap();
            let info = info(path).unwrap();
            assert_eq!(info.groups[0].broken[0].0, "height");
            assert!(
                info.groups[0]
                    .arrays
                    .iter()
                    .any(|array| array.name == "t2m")
            );
            assert!(
                info.to_text()
                    .contains("cannot be read:\n    height\n        "),
                "{}",
                info.to_text()
            );
        });
    }

    #[test]
    fn a_member_shows_alone() {
        in_store(|path| {
            let info = info(&format!("{path}!/t2m")).unwrap();
            assert_eq!(info.groups.len(), 1);
            assert_eq!(info.groups[0].arrays[0].name, "t2m");
        });
    }
}
