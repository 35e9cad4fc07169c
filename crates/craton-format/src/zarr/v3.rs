//! Version 3 metadata: `zarr.json`.

use super::description::{Description, KeyEncoding};
use super::{dtype, fill, layout};
use crate::json::{attributes, check_names, field, lengths};
use craton_core::{AxisGrid, Error, Grid, Result};
use serde_json::{Map, Value};

const KNOWN: [&str; 12] = [
    "zarr_format",
    "node_type",
    "shape",
    "data_type",
    "chunk_grid",
    "chunk_key_encoding",
    "fill_value",
    "codecs",
    "attributes",
    "dimension_names",
    "storage_transformers",
    "consolidated_metadata",
];

/// Whether a `zarr.json` is that of an array rather than a group.
pub(super) fn is_array(node: &Value) -> Result<bool> {
    if node.get("zarr_format").and_then(Value::as_u64) != Some(3) {
        let found = node.get("zarr_format").unwrap_or(&Value::Null);
        return Err(
            Error::corrupt(format!("`zarr_format` of a `zarr.json` is {found}"))
                .hint("accepted: 3"),
        );
    }
    match node.get("node_type").and_then(Value::as_str) {
        Some("array") => Ok(true),
        Some("group") => Ok(false),
        _ => {
            let found = node.get("node_type").unwrap_or(&Value::Null);
            Err(Error::corrupt(format!("`node_type` is {found}"))
                .hint("accepted: `array`, `group`"))
        }
    }
}

/// Reads the `zarr.json` of an array.
pub(super) fn describe(node: &Value) -> Result<Description> {
    let values = node
        .as_object()
        .ok_or_else(|| Error::corrupt("`zarr.json` is no JSON object"))?;
    check_names(node)?;
    check_unknown(values)?;
    let shape = lengths(field(values, "shape")?, "shape")?;
    let data_type = dtype::from_v3(field(values, "data_type")?)?;
    let dtype = data_type.dtype;
    let (objects, chunk, is_variable) = grid(field(values, "chunk_grid")?, &shape)?;
    let layout = layout::from_v3(field(values, "codecs")?, &data_type, &chunk, is_variable)?;
    let grid = match layout.levels.first() {
        None => objects.clone(),
        Some(level) => {
            check_divides(&objects, &level.inner)?;
            Grid::regular(&shape, &layout.chunk)?
        }
    };
    let fill_json = field(values, "fill_value")?;
    let rank = shape.len();
    let mut attributes = attributes(values.get("attributes").and_then(Value::as_object), |_| {
        false
    });
    if let Some(value) = attributes.get_mut("_FillValue") {
        fill::decode_attribute(dtype, value);
    }
    Ok(Description {
        version: 3,
        dtype,
        shape,
        grid,
        objects,
        keys: keys(values.get("chunk_key_encoding"))?,
        fill_value: fill::parse(&data_type, fill_json)?,
        has_fill_value: !fill_json.is_null(),
        dimension_names: dimension_names(values.get("dimension_names"), rank)?,
        attributes,
        layout,
        fields: data_type.fields,
    })
}

/// Shards of every shape are whole numbers of inner chunks, which therefore make a regular grid.
fn check_divides(objects: &Grid, inner: &[u64]) -> Result<()> {
    for (axis, inner) in objects.axes.iter().zip(inner) {
        let odd = axis
            .encoded_lengths()
            .find(|shard| !shard.is_multiple_of(*inner));
        if let Some(shard) = odd {
            let message = format!("inner chunks of {inner} do not divide a shard of {shard}");
            return Err(Error::corrupt(message));
        }
    }
    Ok(())
}

fn check_unknown(values: &Map<String, Value>) -> Result<()> {
    let may_ignore = |value: &Value| value.get("must_understand") == Some(&Value::Bool(false));
    for (name, value) in values {
        if !KNOWN.contains(&name.as_str()) && !may_ignore(value) {
            let message =
                format!("the metadata hold `{name}`, which must be understood and is not");
            return Err(Error::unsupported(message));
        }
    }
    match values.get("storage_transformers") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(list)) if list.is_empty() => Ok(()),
        Some(other) => {
            let shown = crate::codec::options::brief(other);
            Err(Error::unsupported(format!(
                "storage transformers are not read: {shown}"
            )))
        }
    }
}

/// The grid of objects, the shape of a chunk (the first one's, where they differ), and whether they differ.
fn grid(value: &Value, shape: &[u64]) -> Result<(Grid, Vec<u64>, bool)> {
    let name = value
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let option = |name: &str| {
        value
            .get("configuration")
            .and_then(|options| options.get(name))
    };
    match name {
        "regular" => {
            let chunk = lengths(option("chunk_shape").unwrap_or(&Value::Null), "chunk_shape")?;
            Ok((Grid::regular(shape, &chunk)?, chunk, false))
        }
        "rectilinear" if option("kind").and_then(Value::as_str) == Some("inline") => {
            let axes = option("chunk_shapes").and_then(Value::as_array);
            let axes = axes
                .filter(|axes| axes.len() == shape.len())
                .ok_or_else(|| {
                    Error::corrupt(
                        "`chunk_shapes` of a rectilinear grid has another rank than the array",
                    )
                })?;
            let axes = axes
                .iter()
                .zip(shape)
                .map(|(axis, extent)| rectilinear_axis(axis, *extent));
            let grid = Grid {
                axes: axes.collect::<Result<_>>()?,
            };
            let largest = grid.axes.iter().map(AxisGrid::largest_encoded).collect();
            Ok((grid, largest, true))
        }
        other => {
            let message = format!("chunk grid `{other}` is not read by this version");
            Err(Error::unsupported(message)
                .hint("`regular` and inline `rectilinear` grids are read"))
        }
    }
}

/// An axis given as one length, or as a list of lengths and `[length, count]` runs.
fn rectilinear_axis(value: &Value, extent: u64) -> Result<AxisGrid> {
    let wrong = || {
        let shown = crate::codec::options::brief(value);
        Error::corrupt(format!(
            "`chunk_shapes` holds `{shown}` for an axis of {extent}"
        ))
    };
    if let Some(length) = value.as_u64() {
        return AxisGrid::regular(extent, length);
    }
    let mut grid = AxisGrid::default();
    for item in value.as_array().ok_or_else(wrong)? {
        let (length, count) = match item {
            Value::Array(run) if run.len() == 2 => (run[0].as_u64(), run[1].as_u64()),
            single => (single.as_u64(), Some(1)),
        };
        let (length, count) = length
            .filter(|length| *length > 0)
            .zip(count)
            .ok_or_else(wrong)?;
        let rest = extent - grid.extent();
        let whole = count.min(rest / length);
        grid.push(whole, length, length, 0);
        if count > whole {
            grid.push(1, rest - whole * length, length, 0);
        }
    }
    if grid.extent() == extent {
        Ok(grid)
    } else {
        Err(wrong())
    }
}

fn keys(value: Option<&Value>) -> Result<KeyEncoding> {
    let name = value.and_then(|value| value.as_str().or_else(|| value.get("name")?.as_str()));
    let (has_prefix, default) = match name {
        None | Some("default") => (true, '/'),
        Some("v2") => (false, '.'),
        Some(other) => {
            let message = format!("chunk key encoding `{other}` is not read by this version");
            return Err(Error::unsupported(message).hint("`default` and `v2` are read"));
        }
    };
    let separator = value.and_then(|value| value.get("configuration")?.get("separator")?.as_str());
    let separator = match separator {
        None => default,
        Some("/") => '/',
        Some(".") => '.',
        Some(other) => {
            let message = format!("`separator` of the chunk key encoding is `{other}`");
            return Err(Error::corrupt(message).hint("accepted: `/`, `.`"));
        }
    };
    Ok(KeyEncoding {
        has_prefix,
        separator,
    })
}

fn dimension_names(value: Option<&Value>, rank: usize) -> Result<Vec<Option<String>>> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(vec![None; rank]);
    };
    let names = value
        .as_array()
        .filter(|names| names.len() == rank)
        .ok_or_else(|| {
            let shown = crate::codec::options::brief(value);
            Error::corrupt(format!(
                "`dimension_names` is `{shown}` for an array of {rank} axes"
            ))
        })?;
    Ok(names
        .iter()
        .map(|name| name.as_str().map(str::to_owned))
        .collect())
}
