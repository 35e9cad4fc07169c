//! Metadata of one version from those of the other, for the same chunks.
//!
//! What cannot be said in the other version is refused. What is made is read back and must mean the same, down to the
//! bytes that a chunk is encoded to.

use super::description::Description;
use super::dtype::{self, DataType};
use super::fields::Field;
use super::{fill, v2, v3, writer};
use crate::codec::{self, NumberType, Options, Place, Stage, numbers::Number};
use crate::json::{self, field, lengths};
use base64::{Engine, engine::general_purpose::STANDARD};
use craton_core::{DType, Error, Pool, Result, Scalar, Strings};
use serde_json::{Map, Value, json};

const DIMENSIONS: &str = "_ARRAY_DIMENSIONS";
const FILL: &str = "_FillValue";
/// numcodecs' codecs that have a name in version 3.
const NAMED: [&str; 17] = [
    "adler32",
    "astype",
    "bitround",
    "bz2",
    "crc32",
    "delta",
    "fixedscaleoffset",
    "fletcher32",
    "jenkins_lookup3",
    "lz4",
    "lzma",
    "packbits",
    "pcodec",
    "quantize",
    "shuffle",
    "zfpy",
    "zlib",
];

/// The `zarr.json` of a group from its `.zattrs`.
#[must_use]
pub fn group_to_v3(attrs: Option<&Value>) -> Value {
    let attributes = attrs.cloned().unwrap_or_else(|| json!({}));
    json!({"zarr_format": 3, "node_type": "group", "attributes": attributes})
}

/// The `.zgroup` and `.zattrs` of a group from its `zarr.json`.
#[must_use]
pub fn group_to_v2(document: &Value) -> (Value, Value) {
    let attributes = document
        .get("attributes")
        .cloned()
        .unwrap_or_else(|| json!({}));
    (json!({"zarr_format": 2}), attributes)
}

/// The `zarr.json` of an array from its `.zarray` and `.zattrs`. What xarray writes into the attributes of version 2 (the
/// names of dimensions) and means by its fill value (what is missing) is put where it looks for them in version 3.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] if version 3 has no words for it; errors of reading the metadata.
pub fn array_to_v3(array: &Value, attrs: Option<&Value>) -> Result<Value> {
    let description = v2::describe(array, attrs)?;
    let code = &array["dtype"];
    let stored = dtype::from_v2(code)?;
    let chunks = lengths(&array["chunks"], "chunks")?;
    let mut attributes = attrs
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    // A name that was given twice is only marked.
    attributes.retain(|name, _| !name.starts_with('\u{1}'));
    let names = &description.dimension_names;
    let has_names = attributes.contains_key(DIMENSIONS) && names.iter().all(Option::is_some);
    if has_names {
        attributes.shift_remove(DIMENSIONS);
        if description.has_fill_value
            && !attributes.contains_key(FILL)
            && let Some(fill) = fill_attribute(&description.fill_value)
        {
            attributes.insert(FILL.to_owned(), fill);
        }
    }
    let separator = description.keys.separator;
    let mut document = json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": description.shape,
        "data_type": data_type(&stored, &description)?,
        "chunk_grid": {
            "name": "regular",
            // Version 3 has no chunks without elements, and an axis without any has none to count.
            "configuration": {"chunk_shape": chunks.iter().map(|chunk| (*chunk).max(1)).collect::<Vec<_>>()},
        },
        "chunk_key_encoding": {"name": "v2", "configuration": {"separator": separator}},
        "fill_value": match description.dtype {
            DType::Utf8 => Value::from(String::from_utf8_lossy(description.fill_value.bytes())),
            _ => fill::to_json(&description.fill_value),
        },
        "codecs": codecs_to_v3(array, &stored, &description)?,
        "attributes": attributes,
    });
    if has_names {
        document["dimension_names"] = json!(names);
    }
    let converted = v3::describe(&document)?;
    check_same(&description, &converted)?;
    check_encoding(array, attrs, &document)?;
    Ok(document)
}

/// The `.zarray` and `.zattrs` of an array from its `zarr.json`.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] if version 2 has no words for it: for shards, other grids than regular ones, and
/// chunks named as version 3 names them; errors of reading the metadata.
pub fn array_to_v2(document: &Value) -> Result<(Value, Value)> {
    let description = v3::describe(document)?;
    let unsupported = |what: &str| {
        Err(Error::unsupported(format!(
            "version 2 of Zarr has no {what}"
        )))
    };
    if !description.layout.levels.is_empty() {
        return unsupported("shards");
    }
    if description.keys.has_prefix {
        return unsupported("chunks that are named `c/0/0`").map_err(|error: Error| {
            error.hint("only arrays that were version 2 before, or have its `chunk_key_encoding`, are converted")
        });
    }
    let values = document
        .as_object()
        .ok_or_else(|| Error::corrupt("`zarr.json` is no JSON object"))?;
    let grid = field(values, "chunk_grid")?;
    if grid["name"] != "regular" {
        return unsupported("grid but the regular one");
    }
    let stored = dtype::from_v3(field(values, "data_type")?)?;
    let (code, order, filters, compressor) = codecs_to_v2(values, &stored)?;
    let mut attributes = values
        .get("attributes")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let names = &description.dimension_names;
    let has_names = !names.is_empty() && names.iter().all(Option::is_some);
    let mut fill = match description.dtype {
        DType::Utf8 => Value::from(String::from_utf8_lossy(description.fill_value.bytes())),
        _ => fill::to_json(&description.fill_value),
    };
    if has_names {
        attributes.insert(DIMENSIONS.to_owned(), json!(names));
        // To xarray the fill value of version 2 is what is missing; zeros that are not are said by none.
        let says_missing = attributes.get(FILL) == fill_attribute(&description.fill_value).as_ref();
        if says_missing {
            attributes.shift_remove(FILL);
        } else if description.fill_value == Scalar::zero(description.dtype) {
            fill = Value::Null;
        }
    } else if names.iter().any(Option::is_some) {
        return unsupported("dimensions of which only some have names");
    }
    let array = json!({
        "zarr_format": 2,
        "shape": description.shape,
        "chunks": grid["configuration"]["chunk_shape"],
        "dtype": code,
        "order": order,
        "fill_value": fill,
        "filters": if filters.is_empty() { Value::Null } else { Value::Array(filters) },
        "compressor": compressor,
        "dimension_separator": description.keys.separator,
    });
    let attributes = Value::Object(attributes);
    check_same(&v2::describe(&array, Some(&attributes))?, &description)?;
    check_encoding(&array, Some(&attributes), document)?;
    Ok((array, attributes))
}

/// What xarray writes for the attribute `_FillValue` in version 3: floats as the bytes of doubles.
fn fill_attribute(fill: &Scalar) -> Option<Value> {
    let float = |bytes: &[u8], dtype| {
        let value = Scalar::from_bytes(dtype, bytes)
            .to_f64()
            .unwrap_or(f64::NAN);
        Value::from(STANDARD.encode(value.to_le_bytes()))
    };
    let bytes = fill.bytes();
    Some(match fill.dtype() {
        DType::Complex64 => bytes
            .chunks_exact(4)
            .map(|part| float(part, DType::Float32))
            .collect(),
        DType::Complex128 => bytes
            .chunks_exact(8)
            .map(|part| float(part, DType::Float64))
            .collect(),
        dtype if dtype.is_float() => float(bytes, dtype),
        dtype if dtype.is_numeric() => fill.to_json(),
        _ => return None,
    })
}

/// The type in version 3.
fn data_type(stored: &DataType, description: &Description) -> Result<Value> {
    if stored.fields.is_empty() {
        return writer::data_type(description.dtype);
    }
    let fields = stored
        .fields
        .iter()
        .map(|field| Ok(json!({"name": field.name, "data_type": field_type(field)?})));
    let fields: Vec<Value> = fields.collect::<Result<_>>()?;
    Ok(json!({"name": "struct", "configuration": {"fields": fields}}))
}

fn field_type(field: &Field) -> Result<Value> {
    if field.fields.is_empty() {
        return writer::data_type(field.dtype);
    }
    let fields = field
        .fields
        .iter()
        .map(|field| Ok(json!({"name": field.name, "data_type": field_type(field)?})));
    let fields: Vec<Value> = fields.collect::<Result<_>>()?;
    Ok(json!({"name": "struct", "configuration": {"fields": fields}}))
}

fn codecs_to_v3(array: &Value, stored: &DataType, description: &Description) -> Result<Vec<Value>> {
    let rank = description.shape.len();
    let (mut arrays, mut to_bytes, mut bytes) = (Vec::new(), None, Vec::new());
    if array["order"] == "F" && rank > 1 {
        arrays.push(json!({"name": "transpose", "configuration": {"order": (0..rank).rev().collect::<Vec<_>>()}}));
    }
    let mut element = match description.dtype {
        DType::Bytes => NumberType::native(DType::Bytes),
        _ => stored.element,
    };
    let filters = array["filters"].as_array().map_or(&[][..], Vec::as_slice);
    let compressor = array.get("compressor").filter(|value| !value.is_null());
    for value in filters.iter().chain(compressor) {
        let options = Options::from_v2(value)?;
        let place = Place {
            element,
            rank,
            shape: None,
            is_native: false,
        };
        match codec::build(&options, &place)? {
            Stage::Numbers(_, changed) if to_bytes.is_none() && bytes.is_empty() => {
                element = changed;
                arrays.push(codec_to_v3(value, element)?);
            }
            Stage::Strings(_) | Stage::Elements(_) if to_bytes.is_none() && bytes.is_empty() => {
                to_bytes = Some(match options.codec() {
                    name @ ("vlen-utf8" | "vlen-bytes") => json!({"name": name}),
                    _ => codec_to_v3(value, element)?,
                });
            }
            Stage::Bytes(_) => bytes.push(codec_to_v3(value, element)?),
            _ => {
                let message = format!(
                    "codec `{}` cannot stand there in version 3",
                    options.codec()
                );
                return Err(Error::unsupported(message));
            }
        }
    }
    let to_bytes = match to_bytes {
        Some(value) => value,
        None => match is_big_endian(element, &stored.fields)? {
            None => json!({"name": "bytes"}),
            Some(true) => json!({"name": "bytes", "configuration": {"endian": "big"}}),
            Some(false) => json!({"name": "bytes", "configuration": {"endian": "little"}}),
        },
    };
    arrays.push(to_bytes);
    arrays.append(&mut bytes);
    Ok(arrays)
}

/// The byte order of elements, if they have one.
fn is_big_endian(element: NumberType, fields: &[Field]) -> Result<Option<bool>> {
    let orders = super::fields::plain_fields(fields).into_iter();
    let mut orders = orders
        .filter(|field| NumberType::native(field.dtype).swap_size() > 1)
        .map(|field| field.is_swapped != cfg!(target_endian = "big"));
    if let Some(first) = orders.next() {
        if orders.any(|other| other != first) {
            let message = "version 3 of Zarr has no structures with numbers of both byte orders";
            return Err(Error::unsupported(message));
        }
        return Ok(Some(first));
    }
    let is_big = element.is_swapped != cfg!(target_endian = "big");
    Ok((element.swap_size() > 1).then_some(is_big))
}

/// A codec of version 2 in the words of version 3.
fn codec_to_v3(value: &Value, element: NumberType) -> Result<Value> {
    let id = value["id"].as_str().unwrap_or_default();
    let mut options: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    options.shift_remove("id");
    let named = |name: &str, options: Map<String, Value>| {
        Ok(json!({"name": name, "configuration": options}))
    };
    match id {
        "zstd" => {
            options.entry("checksum").or_insert(Value::from(false));
            named(id, options)
        }
        "gzip" => named(id, options),
        "crc32c"
            if options
                .get("location")
                .is_none_or(|at| at == "end" || at.is_null()) =>
        {
            Ok(json!({"name": id}))
        }
        "crc32c" => named("numcodecs.crc32c", options),
        "blosc" => {
            let size = element.size().clamp(1, 255);
            let shuffle = match options.get("shuffle").and_then(Value::as_i64) {
                Some(0) => "noshuffle",
                Some(2) => "bitshuffle",
                Some(-1) if size == 1 => "bitshuffle",
                _ => "shuffle",
            };
            options.insert("shuffle".to_owned(), Value::from(shuffle));
            let known = options.get("typesize").is_some_and(Value::is_number);
            if !known {
                options.insert("typesize".to_owned(), Value::from(size));
            }
            options.entry("blocksize").or_insert(Value::from(0));
            named(id, options)
        }
        id if NAMED.contains(&id) => named(&format!("numcodecs.{id}"), options),
        id => Err(
            Error::unsupported(format!("codec `{id}` has no name in version 3 of Zarr"))
                .hint("`craton copy` writes the values with other codecs"),
        ),
    }
}

/// Type code, order, filters and compressor.
fn codecs_to_v2(
    values: &Map<String, Value>,
    stored: &DataType,
) -> Result<(Value, &'static str, Vec<Value>, Value)> {
    let (mut order, mut is_big, mut all) = ("C", false, Vec::new());
    let mut code = None;
    for value in field(values, "codecs")?.as_array().into_iter().flatten() {
        let options = Options::from_v3(value)?;
        let unsupported = || {
            let message = format!(
                "codec `{}` has no place in version 2 of Zarr",
                options.codec()
            );
            Error::unsupported(message).hint("`craton copy` writes the values with other codecs")
        };
        let name = options.codec();
        let configuration = value.get("configuration").and_then(Value::as_object);
        let mut configuration = configuration.cloned().unwrap_or_default();
        let id = match name {
            "transpose" if all.is_empty() => {
                let axes = lengths(options.get("order").unwrap_or(&Value::Null), "order")?;
                if !axes.iter().rev().copied().eq(0..axes.len() as u64) {
                    return Err(unsupported());
                }
                order = "F";
                continue;
            }
            "bytes" => {
                is_big = options.text("endian")? == Some("big");
                continue;
            }
            "vlen-utf8" | "vlen-bytes" => {
                code = Some(Value::from("|O"));
                name
            }
            "zstd" | "gzip" => name,
            "crc32c" => {
                configuration.insert("location".to_owned(), Value::from("end"));
                name
            }
            "blosc" => {
                let shuffle = match options.text("shuffle")? {
                    Some("noshuffle") => 0,
                    Some("bitshuffle") => 2,
                    _ => 1,
                };
                configuration.insert("shuffle".to_owned(), Value::from(shuffle));
                name
            }
            name => match name.strip_prefix("numcodecs.") {
                Some(id) if NAMED.contains(&id) || id == "crc32c" => id,
                _ => return Err(unsupported()),
            },
        };
        configuration.insert("id".to_owned(), Value::from(id));
        all.push(Value::Object(configuration));
    }
    let compressors = [
        "blosc", "zstd", "gzip", "zlib", "bz2", "lz4", "lzma", "pcodec", "zfpy",
    ];
    let is_compressor = |value: &Value| compressors.iter().any(|name| value["id"] == *name);
    let compressor = all
        .pop_if(|value| is_compressor(value))
        .unwrap_or(Value::Null);
    let code = match code {
        Some(code) => code,
        None => code_of(stored.dtype, &stored.fields, is_big)?,
    };
    Ok((code, order, all, compressor))
}

/// NumPy's code of a type.
fn code_of(dtype: DType, fields: &[Field], is_big: bool) -> Result<Value> {
    if !fields.is_empty() {
        let fields = fields.iter().map(|field| {
            Ok(json!([
                field.name,
                code_of(field.dtype, &field.fields, is_big)?
            ]))
        });
        return fields.collect();
    }
    let order = match dtype.swap_size() {
        1 => '|',
        _ if is_big => '>',
        _ => '<',
    };
    let size = dtype.item_size().unwrap_or(0);
    Ok(Value::from(match dtype {
        DType::Bool => "|b1".to_owned(),
        DType::FixedBytes(length) => format!("|S{length}"),
        DType::FixedUtf8(count) => format!("{order}U{count}"),
        DType::Opaque(length) => format!("|V{length}"),
        DType::Time(time) => {
            let name = time.to_string();
            let unit = name.split_once('[').map_or("", |(_, unit)| unit);
            let letter = if name.starts_with('d') { 'M' } else { 'm' };
            format!("{order}{letter}8[{unit}")
        }
        dtype if dtype.is_signed_integer() => format!("{order}i{size}"),
        dtype if dtype.is_unsigned_integer() => format!("{order}u{size}"),
        dtype if dtype.is_float() => format!("{order}f{size}"),
        dtype if dtype.is_complex() => format!("{order}c{size}"),
        other => {
            return Err(Error::unsupported(format!(
                "version 2 of Zarr has no type {other}"
            )));
        }
    }))
}

/// Whether two descriptions mean the same array.
fn check_same(one: &Description, other: &Description) -> Result<()> {
    let is_same = one.dtype == other.dtype
        && one.shape == other.shape
        && one.grid == other.grid
        && one.keys == other.keys
        && one.fill_value == other.fill_value
        && one.dimension_names == other.dimension_names
        && one.layout.chain.decoded_order() == other.layout.chain.decoded_order();
    if is_same {
        return Ok(());
    }
    Err(Error::unsupported(
        "the other version of Zarr has no metadata that mean the same",
    ))
}

/// Whether a small chunk is encoded to the same bytes by the metadata of both versions.
fn check_encoding(array: &Value, attrs: Option<&Value>, document: &Value) -> Result<()> {
    let rank = array["shape"].as_array().map_or(0, Vec::len);
    let small: Vec<u64> = (0..rank)
        .map(|axis| if axis + 2 >= rank { 3 } else { 1 })
        .collect();
    let (mut array, mut document) = (array.clone(), document.clone());
    array["chunks"] = json!(small);
    array["shape"] = json!(small);
    document["chunk_grid"]["configuration"]["chunk_shape"] = json!(small);
    document["shape"] = json!(small);
    let (one, other) = (v2::describe(&array, attrs)?, v3::describe(&document)?);
    let count = usize::try_from(small.iter().product::<u64>()).unwrap_or(1);
    let pool = Pool::unlimited();
    let encode = |description: &Description| {
        let chain = &description.layout.chain;
        let Some(size) = description.dtype.item_size() else {
            let texts = (0..count).map(|at| &b"a word"[..at % 6]);
            return chain.encode_strings(&Strings::from_items(texts), &pool);
        };
        let number = NumberType::native(description.dtype);
        let mut plain = vec![0; count * size];
        for (at, element) in plain.chunks_exact_mut(size.max(1)).enumerate() {
            if number.is_real() {
                number.write(Number::Integer(i64::try_from(at).unwrap_or(0)), element);
            } else {
                element
                    .iter_mut()
                    .zip(1u8..)
                    .for_each(|(byte, value)| *byte = value);
            }
        }
        chain.encode(&plain, &pool)
    };
    match (encode(&one), encode(&other)) {
        (Ok(one), Ok(other)) if *one == *other => Ok(()),
        // Small numbers may be out of range of packed ones; then both say so.
        (Err(_), Err(_)) => Ok(()),
        _ => Err(Error::unsupported(
            "the other version of Zarr would read other values from the same chunks",
        )
        .hint("`craton copy` writes the values anew")),
    }
}

/// A metadata document as text; numbers that JSON does not know stay as Python writes them.
///
/// # Errors
/// None that is known.
pub fn to_text(document: &Value) -> Result<Vec<u8>> {
    json::to_python_text(document)
}

/// Reads a metadata document, as Python writes it.
///
/// # Errors
/// [`craton_core::ErrorKind::Corrupt`] if it is no JSON.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    json::parse(bytes)
}
