//! What is asked of an array to be written, and its `zarr.json`.

use super::{
    Attributes, Calendar, DType, Error, Map, Result, Scalar, TimeKind, Value, attributes_json,
    fill, json,
};
use crate::codec::{self, Kind, NumberType, Options, Place};
use crate::zarr::description::Description;
use crate::zarr::dtype::DataType;
use crate::zarr::{layout, v3};
use craton_core::Pool;

/// The bytes of a block of Blosc. Larger ones compress a little better, but each thread holds three of them beside the budget.
const BLOCK: usize = 128 << 10;

/// An array to be written.
#[derive(Debug, Clone)]
pub struct ArraySpec {
    /// The type of elements.
    pub dtype: DType,
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// Elements of a chunk along each axis; inside shards, of an inner chunk.
    pub chunks: Vec<u64>,
    /// Elements of a shard along each axis: multiples of `chunks`.
    pub shards: Option<Vec<u64>>,
    /// Codecs in version 3's JSON, without the one that turns the array into bytes; see [`parse_codecs`]. If none are
    /// given, Blosc with Zstandard over transposed bits, and Zstandard alone for values without a fixed size.
    pub codecs: Option<Vec<Value>>,
    /// The value of missing chunks; chunks that hold nothing else are not written.
    pub fill_value: Scalar,
    /// The names of axes.
    pub dimension_names: Vec<Option<String>>,
    /// The array's attributes.
    pub attributes: Attributes,
}

/// Codecs from words such as `zstd:3`, `blosc:lz4:5:shuffle`, `gzip:6,crc32c` or `none`, or from version 3's JSON: a
/// list of names and of `{"name": ..., "configuration": {...}}`, or one of them.
///
/// # Errors
/// [`craton_core::ErrorKind::Usage`] if a codec is not known.
pub fn parse_codecs(text: &str) -> Result<Vec<Value>> {
    if text.trim_start().starts_with(['[', '{']) {
        return parse_json(text);
    }
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty() && *word != "none");
    words.map(parse_codec).collect()
}

/// Those of the codecs that leave arrays as they are and change only bytes.
#[must_use]
pub fn compressors(codecs: &[Value]) -> Vec<Value> {
    let changes_bytes = |codec: &&Value| {
        let built =
            Options::from_v3(codec).and_then(|options| codec::build(&options, &Place::of_bytes()));
        built.is_ok_and(|stage| stage.kind() == Kind::BytesToBytes)
    };
    codecs.iter().filter(changes_bytes).cloned().collect()
}

fn parse_json(text: &str) -> Result<Vec<Value>> {
    let value: Value = serde_json::from_str(text).map_err(|cause| {
        Error::usage("the codecs are no JSON")
            .hint(r#"such as [{"name": "zstd", "configuration": {"level": 3}}, "crc32c"]"#)
            .caused_by(cause)
    })?;
    let list = match value {
        Value::Array(list) => list,
        single => vec![single],
    };
    let known = codec::names();
    for value in &list {
        let options = Options::from_v3(value).map_err(|error| Error::usage(error.to_string()))?;
        let name = options.codec();
        let short = name.strip_prefix("numcodecs.").unwrap_or(name);
        if !known.iter().any(|known| known == short || known == name) {
            let message = format!("`{name}` is no codec that is known");
            return Err(Error::usage(message).hint(format!("known: {}", known.join(", "))));
        }
    }
    Ok(list.into_iter().map(spelled_out).collect())
}

/// A codec that is given by its name alone, as an object with the options that its word has by default: zarr-python and
/// TensorStore read no bare names.
fn spelled_out(codec: Value) -> Value {
    match codec.as_str() {
        Some(name) => parse_codec(name).unwrap_or_else(|_| json!({"name": name})),
        None => codec,
    }
}

/// The name of an option, and its value where none is given.
type Setting = (&'static str, Option<i64>);

/// Codecs of one word with at most one number: word, name in metadata, its option and the value of that by default.
const WORDS: &[(&str, &str, Option<Setting>)] = &[
    ("adler32", "numcodecs.adler32", None),
    ("bitround", "numcodecs.bitround", Some(("keepbits", None))),
    ("bz2", "numcodecs.bz2", Some(("level", Some(9)))),
    ("crc32", "numcodecs.crc32", None),
    ("crc32c", "crc32c", None),
    ("delta", "numcodecs.delta", None),
    ("fletcher32", "numcodecs.fletcher32", None),
    ("gzip", "gzip", Some(("level", Some(5)))),
    ("jenkins_lookup3", "numcodecs.jenkins_lookup3", None),
    ("lz4", "numcodecs.lz4", Some(("acceleration", Some(1)))),
    ("lzma", "numcodecs.lzma", Some(("preset", Some(6)))),
    ("packbits", "numcodecs.packbits", None),
    ("pcodec", "numcodecs.pcodec", Some(("level", Some(8)))),
    ("quantize", "numcodecs.quantize", Some(("digits", None))),
    (
        "shuffle",
        "numcodecs.shuffle",
        Some(("elementsize", Some(4))),
    ),
    ("zlib", "numcodecs.zlib", Some(("level", Some(5)))),
    ("zstd", "zstd", Some(("level", Some(3)))),
];

fn parse_codec(word: &str) -> Result<Value> {
    let wrong = || {
        Error::usage(format!("`{word}` is no codec that is written")).hint(
            "accepted: none, zstd[:LEVEL], gzip[:LEVEL], blosc[:NAME[:LEVEL[:noshuffle|shuffle|bitshuffle]]], \
             bz2[:LEVEL], lz4, lzma[:PRESET], pcodec[:LEVEL], zlib[:LEVEL], shuffle[:SIZE], bitround:BITS, delta, \
             packbits, quantize:DIGITS, adler32, crc32, crc32c, fletcher32, jenkins_lookup3; several with commas; \
             or any codecs as JSON, such as [{\"name\": \"zstd\", \"configuration\": {\"level\": 3}}]",
        )
    };
    let mut parts = word.split(':');
    let name = parts.next().unwrap_or_default();
    let parts: Vec<&str> = parts.collect();
    let number = |at: usize, default: Option<i64>| match parts.get(at) {
        Some(part) => part.parse().map_err(|_| wrong()),
        None => default.ok_or_else(wrong),
    };
    if name == "blosc" && parts.len() <= 3 {
        let compressor = parts.first().unwrap_or(&"lz4");
        let shuffle = parts.get(2).unwrap_or(&"shuffle");
        return Ok(json!({"name": "blosc", "configuration": {
            "cname": compressor, "clevel": number(1, Some(5))?, "shuffle": shuffle, "blocksize": 0,
        }}));
    }
    let known = WORDS.iter().find(|(known, ..)| *known == name);
    let (_, name, option) = known.ok_or_else(wrong)?;
    if parts.len() > usize::from(option.is_some()) {
        return Err(wrong());
    }
    let Some((option, default)) = option else {
        return Ok(json!({"name": name}));
    };
    let mut codec = json!({"name": name, "configuration": {}});
    codec["configuration"][*option] = Value::from(number(0, *default)?);
    if *name == "zstd" {
        codec["configuration"]["checksum"] = Value::from(false);
    }
    Ok(codec)
}

impl ArraySpec {
    /// An array with compressed chunks, fill value zero and no names.
    #[must_use]
    pub fn new(dtype: DType, shape: Vec<u64>, chunks: Vec<u64>) -> Self {
        Self {
            dtype,
            dimension_names: vec![None; shape.len()],
            shape,
            chunks,
            shards: None,
            codecs: None,
            fill_value: Scalar::zero(dtype),
            attributes: Attributes::new(),
        }
    }

    /// Whether the codecs have a place for the fill value. Other mistakes show when the array is begun.
    #[must_use]
    pub fn holds_fill_value(&self) -> bool {
        let described = self.document().and_then(|document| v3::describe(&document));
        described.map_or(true, |description| check_fill_value(&description).is_ok())
    }

    /// The codecs in words, as they are told of an array that is there: `bytes, zstd:3`.
    ///
    /// # Errors
    /// As [`super::ZarrStoreWriter::array`].
    pub fn codecs_in_words(&self) -> Result<String> {
        let description = v3::describe(&self.document()?)?;
        Ok(description.layout.label)
    }

    /// The `zarr.json` of this array.
    pub(super) fn document(&self) -> Result<Value> {
        if self.fill_value.dtype() != self.dtype && !self.dtype.is_variable() {
            let message = format!(
                "fill value of {} for an array of {}",
                self.fill_value.dtype(),
                self.dtype
            );
            return Err(Error::invalid(message));
        }
        let object_shape = self.shards.as_ref().unwrap_or(&self.chunks);
        let mut document = json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": data_type(self.dtype)?,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": object_shape}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": self.fill_json(),
            "codecs": self.codecs_json()?,
            "attributes": attributes_json(&self.attributes),
        });
        if self.dimension_names.iter().any(Option::is_some) {
            document["dimension_names"] = json!(self.dimension_names);
        }
        Ok(document)
    }

    fn fill_json(&self) -> Value {
        match self.dtype {
            DType::Utf8 => Value::from(String::from_utf8_lossy(self.fill_value.bytes())),
            DType::Bytes => {
                fill::to_json(&Scalar::from_bytes(DType::Bytes, self.fill_value.bytes()))
            }
            _ => fill::to_json(&self.fill_value),
        }
    }

    fn codecs_json(&self) -> Result<Value> {
        let given = match &self.codecs {
            Some(codecs) => codecs.clone(),
            None => self.suitable(),
        };
        let data_type = DataType::from(self.dtype);
        let codecs = layout::completed(&given, &data_type, &self.chunks)?;
        if self.shards.is_none() {
            return Ok(Value::Array(codecs));
        }
        Ok(json!([{"name": "sharding_indexed", "configuration": {
            "chunk_shape": self.chunks,
            "codecs": codecs,
            "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
            "index_location": "end",
        }}]))
    }

    /// The codecs for those who name none. On fields of ERA5's kind, bits of the same weight brought together make
    /// Zstandard three times as fast and its chunks smaller by a third; Blosc is how Zarr's core has both. In blocks of
    /// [`BLOCK`] bytes level 1 gives chunks as small as level 3 does in those that Blosc chooses, in half the time.
    fn suitable(&self) -> Vec<Value> {
        // Blosc takes no more at once.
        let limit = i32::MAX as u64 / 2;
        let size = self.dtype.item_size().map(|size| size as u64);
        let bytes = self
            .chunks
            .iter()
            .try_fold(size.unwrap_or(1), |bytes, length| {
                bytes.checked_mul(*length)
            });
        match (size, bytes) {
            (Some(_), Some(bytes)) if bytes <= limit => {
                vec![json!({"name": "blosc", "configuration": {
                    "cname": "zstd", "clevel": 1, "shuffle": "bitshuffle", "blocksize": BLOCK,
                }})]
            }
            _ => vec![json!({"name": "zstd", "configuration": {"level": 3, "checksum": false}})],
        }
    }
}

/// A codec with what its words do not say: the type of the elements where it stands, or their size.
pub(in crate::zarr) fn completed(codec: &Value, element: NumberType) -> Value {
    let name = codec.as_str().or_else(|| codec["name"].as_str());
    let short = name.map(|name| name.strip_prefix("numcodecs.").unwrap_or(name));
    let (option, value) = match short {
        Some("blosc") => {
            let size = element.size();
            let size = if (1..=255).contains(&size) { size } else { 1 };
            ("typesize", Value::from(size))
        }
        Some("delta" | "quantize" | "fixedscaleoffset") => ("dtype", numpy_code(element.dtype)),
        Some("astype") => ("decode_dtype", numpy_code(element.dtype)),
        // Readers of these insist on a configuration, empty or not.
        _ if name != short => ("", Value::Null),
        _ => return codec.clone(),
    };
    let mut codec = match codec {
        Value::String(name) => json!({"name": name}),
        other => other.clone(),
    };
    if codec.get("configuration").is_none_or(Value::is_null) {
        codec["configuration"] = json!({});
    }
    if let Some(options) = codec["configuration"].as_object_mut()
        && !option.is_empty()
    {
        options.entry(option).or_insert(value);
    }
    codec
}

/// Edges of chunks hold the fill value beside values.
pub(super) fn check_fill_value(description: &Description) -> Result<()> {
    if description.dtype.is_variable() {
        return Ok(());
    }
    let chain = &description.layout.chain;
    let checked = chain.check_element(description.fill_value.bytes(), &Pool::unlimited());
    checked.map_err(|error| error.hint("the codecs must have a place for the fill value"))
}

/// NumPy's code of numbers in little-endian order.
fn numpy_code(dtype: DType) -> Value {
    let size = dtype.item_size().unwrap_or(1);
    let kind = match dtype {
        DType::Bool => 'b',
        _ if dtype.is_float() => 'f',
        _ if dtype.is_complex() => 'c',
        _ if dtype.is_unsigned_integer() => 'u',
        _ => 'i',
    };
    Value::from(format!("{}{kind}{size}", if size == 1 { '|' } else { '<' }))
}

/// Version 3's name of a type.
pub(in crate::zarr) fn data_type(dtype: DType) -> Result<Value> {
    let with =
        |name: &str, options: Map<String, Value>| json!({"name": name, "configuration": options});
    let length = |bytes: u64| Map::from_iter([("length_bytes".to_owned(), Value::from(bytes))]);
    Ok(match dtype {
        DType::Utf8 => Value::from("string"),
        DType::Bytes => Value::from("variable_length_bytes"),
        DType::FixedBytes(bytes) => with("null_terminated_bytes", length(u64::from(bytes))),
        DType::FixedUtf8(count) => with("fixed_length_utf32", length(u64::from(count) * 4)),
        DType::Opaque(bytes) => Value::from(format!("r{}", u64::from(bytes) * 8)),
        DType::Time(time) => {
            if !matches!(
                time.calendar,
                Calendar::Standard | Calendar::ProlepticGregorian
            ) {
                let message = format!(
                    "times of calendar `{}` have no Zarr type",
                    time.calendar.name()
                );
                return Err(Error::unsupported(message)
                    .hint("encode them as numbers with a `calendar` attribute"));
            }
            let name = match time.kind {
                TimeKind::Instant => "numpy.datetime64",
                TimeKind::Duration => "numpy.timedelta64",
            };
            json!({"name": name, "configuration": {"unit": time.unit.code(), "scale_factor": time.step}})
        }
        other => Value::from(other.name()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_no_size_and_chunks_beyond_blosc_stay_under_zstandard() {
        let compressor = |dtype, chunk| {
            let spec = ArraySpec::new(dtype, vec![chunk], vec![chunk]);
            let document = spec.document().unwrap();
            document["codecs"][1]["name"].as_str().map(str::to_owned)
        };
        assert_eq!(compressor(DType::Float32, 8).as_deref(), Some("blosc"));
        assert_eq!(compressor(DType::Utf8, 8).as_deref(), Some("zstd"));
        assert_eq!(compressor(DType::Float64, 1 << 28).as_deref(), Some("zstd"));
        assert_eq!(
            compressor(DType::Float64, u64::MAX).as_deref(),
            Some("zstd")
        );
    }
}
