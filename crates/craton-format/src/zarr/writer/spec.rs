//! What is asked of an array to be written, and its `zarr.json`.

use super::{
    Attributes, Calendar, DType, Error, Map, Result, Scalar, TimeKind, Value, attributes_json,
    fill, json,
};

/// The bytes of a block of Blosc: each of four planes of bits fills one of Zstandard's own blocks of 128 KiB.
const BLOCK: usize = 512 << 10;

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

/// Codecs from words such as `zstd:3`, `blosc:lz4:5:shuffle`, `gzip:6,crc32c` or `none`.
///
/// # Errors
/// [`craton_core::ErrorKind::Usage`] if a codec is not one that is written.
pub fn parse_codecs(text: &str) -> Result<Vec<Value>> {
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty() && *word != "none");
    words.map(parse_codec).collect()
}

fn parse_codec(word: &str) -> Result<Value> {
    let wrong = || {
        Error::usage(format!("`{word}` is no codec that is written")).hint(
            "accepted: none, zstd[:LEVEL], gzip[:LEVEL], zlib[:LEVEL], blosc[:NAME[:LEVEL[:noshuffle|shuffle|bitshuffle]]], \
             shuffle:SIZE, crc32c; several with commas",
        )
    };
    let mut parts = word.split(':');
    let name = parts.next().unwrap_or_default();
    let parts: Vec<&str> = parts.collect();
    let number = |at: usize, default: i64| {
        parts
            .get(at)
            .map_or(Ok(default), |part| part.parse().map_err(|_| wrong()))
    };
    let most = if name == "blosc" { 3 } else { 1 };
    if parts.len() > most {
        return Err(wrong());
    }
    Ok(match name {
        "zstd" => {
            json!({"name": "zstd", "configuration": {"level": number(0, 3)?, "checksum": false}})
        }
        "gzip" => json!({"name": "gzip", "configuration": {"level": number(0, 5)?}}),
        "zlib" => json!({"name": "numcodecs.zlib", "configuration": {"level": number(0, 5)?}}),
        "shuffle" => {
            json!({"name": "numcodecs.shuffle", "configuration": {"elementsize": number(0, 4)?}})
        }
        "crc32c" if parts.is_empty() => json!({"name": "crc32c"}),
        "blosc" => {
            let compressor = parts.first().unwrap_or(&"lz4");
            let shuffle = parts.get(2).unwrap_or(&"shuffle");
            json!({"name": "blosc", "configuration": {
                "cname": compressor, "clevel": number(1, 5)?, "shuffle": shuffle, "blocksize": 0,
            }})
        }
        _ => return Err(wrong()),
    })
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
            "codecs": self.codecs_json(),
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

    fn codecs_json(&self) -> Value {
        let to_bytes = match self.dtype {
            DType::Utf8 => json!({"name": "vlen-utf8"}),
            DType::Bytes => json!({"name": "vlen-bytes"}),
            dtype if dtype.swap_size() == 1 => json!({"name": "bytes"}),
            _ => json!({"name": "bytes", "configuration": {"endian": "little"}}),
        };
        let is_transpose = |codec: &&Value| codec["name"] == "transpose";
        let given = match &self.codecs {
            Some(codecs) => codecs.clone(),
            None => self.suitable(),
        };
        let mut codecs: Vec<Value> = given.iter().filter(is_transpose).cloned().collect();
        codecs.push(to_bytes);
        codecs.extend(
            given
                .iter()
                .filter(|codec| !is_transpose(codec))
                .map(|codec| self.completed(codec)),
        );
        if self.shards.is_none() {
            return Value::Array(codecs);
        }
        json!([{"name": "sharding_indexed", "configuration": {
            "chunk_shape": self.chunks,
            "codecs": codecs,
            "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
            "index_location": "end",
        }}])
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

    /// Blosc needs the size of elements, which the codec's words do not say.
    fn completed(&self, codec: &Value) -> Value {
        let mut codec = codec.clone();
        let item_size = self
            .dtype
            .item_size()
            .filter(|size| (1..=255).contains(size))
            .unwrap_or(1);
        if codec["name"] == "blosc"
            && let Some(options) = codec
                .get_mut("configuration")
                .and_then(Value::as_object_mut)
        {
            options
                .entry("typesize")
                .or_insert_with(|| Value::from(item_size));
        }
        codec
    }
}

/// Version 3's name of a type.
fn data_type(dtype: DType) -> Result<Value> {
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
