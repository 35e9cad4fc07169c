//! Version 2 metadata: `.zarray` and `.zattrs`.

use super::description::{Description, KeyEncoding};
use super::dtype::{self, DataType};
use super::{fill, layout};
use crate::json::{attributes, check_names, field, lengths};
use craton_core::{AttributeValue, DType, Error, Grid, Result};
use serde_json::{Map, Value};

const DIMENSIONS: &str = "_ARRAY_DIMENSIONS";

/// Reads `.zarray` and, if there is one, `.zattrs`.
pub(super) fn describe(array: &Value, attrs: Option<&Value>) -> Result<Description> {
    let values = array
        .as_object()
        .ok_or_else(|| Error::corrupt("`.zarray` is no JSON object"))?;
    check_names(array)?;
    if field(values, "zarr_format")?.as_u64() != Some(2) {
        let message = format!("`zarr_format` of a `.zarray` is {}", values["zarr_format"]);
        return Err(Error::corrupt(message).hint("accepted: 2"));
    }
    let shape = lengths(field(values, "shape")?, "shape")?;
    let chunks = lengths(field(values, "chunks")?, "chunks")?;
    if chunks.len() != shape.len() {
        let message = format!("`chunks` {chunks:?} and `shape` {shape:?} differ in rank");
        return Err(Error::corrupt(message));
    }
    let mut stored = dtype::from_v2(field(values, "dtype")?)?;
    let filters = match values.get("filters") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(filters)) => filters.as_slice(),
        Some(_) => return Err(Error::corrupt("`filters` is no list of codecs")),
    };
    let first = filters
        .first()
        .and_then(|filter| filter.get("id")?.as_str());
    if stored.is_object && matches!(first, Some("vlen-bytes" | "vlen-array")) {
        stored = DataType {
            is_object: true,
            ..DataType::from(DType::Bytes)
        };
    }
    let compressor = values.get("compressor").filter(|value| !value.is_null());
    let is_fortran = match values.get("order").and_then(Value::as_str) {
        None | Some("C") => false,
        Some("F") => true,
        Some(other) => {
            return Err(Error::corrupt(format!("`order` is `{other}`")).hint("accepted: `C`, `F`"));
        }
    };
    let layout = layout::from_v2(filters, compressor, &stored, is_fortran, &chunks)?;
    let fill_json = values.get("fill_value").unwrap_or(&Value::Null);
    let grid = Grid::regular(&shape, &chunks)?;
    let attrs = attrs.and_then(Value::as_object);
    let dimensions = dimensions(values, attrs, shape.len());
    let is_hidden = |name: &str| dimensions.is_some() && (name == DIMENSIONS || is_nczarr(name));
    let fill_value = fill::parse(&stored, fill_json)?;
    let mut attributes = attributes(attrs, is_hidden);
    // In version 2 the fill value says what is missing, as netCDF's attribute does; in version 3 it does not.
    if !fill_json.is_null() && stored.dtype.is_numeric() {
        let fill = AttributeValue::number(stored.dtype, fill_value.bytes());
        attributes.insert("_FillValue".to_owned(), fill);
    }
    Ok(Description {
        version: 2,
        dtype: stored.dtype,
        fill_value,
        has_fill_value: !fill_json.is_null(),
        keys: keys(values)?,
        attributes,
        dimension_names: dimensions.unwrap_or_else(|| vec![None; shape.len()]),
        objects: grid.clone(),
        grid,
        shape,
        layout,
        fields: stored.fields,
    })
}

fn keys(values: &Map<String, Value>) -> Result<KeyEncoding> {
    let separator = match values.get("dimension_separator").and_then(Value::as_str) {
        None | Some(".") => '.',
        Some("/") => '/',
        Some(other) => {
            let message = format!("`dimension_separator` is `{other}`");
            return Err(Error::corrupt(message).hint("accepted: `.`, `/`"));
        }
    };
    Ok(KeyEncoding {
        has_prefix: false,
        separator,
    })
}

/// The names that xarray writes into the attributes, or netCDF-C into the metadata.
fn dimensions(
    values: &Map<String, Value>,
    attrs: Option<&Map<String, Value>>,
    rank: usize,
) -> Option<Vec<Option<String>>> {
    let names = |value: &Value| {
        let names = value.as_array()?.iter();
        let names: Option<Vec<_>> = names
            .map(|name| Some(name.as_str().map(str::to_owned)))
            .collect();
        names.filter(|names| names.len() == rank && names.iter().all(Option::is_some))
    };
    if let Some(found) = attrs.and_then(|attrs| names(attrs.get(DIMENSIONS)?)) {
        return Some(found);
    }
    let nczarr = ["_NCZARR_ARRAY", "_nczarr_array"];
    let holders = [attrs, Some(values)];
    let mut found = holders
        .into_iter()
        .flatten()
        .flat_map(|map| nczarr.iter().filter_map(|name| map.get(*name)));
    let references = found.find_map(|array| {
        array
            .get("dimrefs")
            .or_else(|| array.get("dimension_references"))
            .and_then(names)
    })?;
    // References are paths; the last part is the name.
    let last = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    Some(references.into_iter().map(|path| path.map(last)).collect())
}

fn is_nczarr(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("_nc")
}

/// Attributes of a group.
pub(super) fn group_attributes(attrs: Option<&Value>) -> craton_core::Attributes {
    attributes(attrs.and_then(Value::as_object), |name| {
        name.to_ascii_lowercase().starts_with("_nczarr")
    })
}
