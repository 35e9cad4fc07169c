//! Element types as both versions of Zarr name them, and those that a program adds.

use super::fields::{self, Field};
use crate::LARGEST_ELEMENT as LARGEST;
use crate::codec::cast_value::CastValue;
use crate::codec::options::brief;
use crate::codec::{Codec, Narrow, NumberType};
use craton_core::{Calendar, DType, Error, ErrorKind, Result, TimeKind, TimeType, TimeUnit};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// An element type and how it is stored.
#[derive(Debug, Clone)]
pub struct DataType {
    /// What elements are once they are read.
    pub dtype: DType,
    /// What they are where they are stored: the same, or what [`DataType::codec`] makes of them.
    pub element: NumberType,
    /// What turns elements into their stored form before any other codec.
    pub codec: Option<Arc<dyn Codec>>,
    /// Whether this is `|O`, whose meaning the first filter tells.
    pub(super) is_object: bool,
    /// The parts of a structured type, if it is one.
    pub(super) fields: Vec<Field>,
}

impl From<NumberType> for DataType {
    /// A type of numbers; narrow ones are read as the type that holds every value of them.
    fn from(element: NumberType) -> Self {
        // What is stored part by part is also converted part by part.
        let codec = element.narrow.map(|_| {
            let part = element.part();
            Arc::new(CastValue::narrowed(NumberType::native(part.dtype), part)) as Arc<dyn Codec>
        });
        Self {
            dtype: element.dtype,
            element,
            codec,
            is_object: false,
            fields: Vec::new(),
        }
    }
}

impl From<DType> for DataType {
    fn from(dtype: DType) -> Self {
        Self::from(NumberType::native(dtype))
    }
}

impl DataType {
    /// Bytes of one stored element, where all have the same.
    pub(super) fn stored_size(&self) -> Option<usize> {
        self.element.dtype.item_size().map(|_| self.element.size())
    }

    fn structured(fields: Vec<Field>, value: &Value) -> Result<Self> {
        let size = fields.iter().map(|field| field.size as u64).sum();
        Ok(Self {
            fields,
            ..Self::from(DType::Opaque(bounded(size, value)?))
        })
    }
}

type Added = Arc<dyn Fn(&Value) -> Result<DataType> + Send + Sync>;

static ADDED: RwLock<BTreeMap<String, Added>> = RwLock::new(BTreeMap::new());

/// Adds an element type under the `name` that version 3 metadata give it. `build` is given its `configuration`, or
/// nothing (`null`). Arrays that are opened from now on know it; a name added before is replaced.
///
/// # Errors
/// [`ErrorKind::Conflict`] if this crate has a type of that name.
///
/// # Examples
/// Temperatures in tenths of a degree, read as floats:
/// ```
/// use craton_core::DType;
/// use craton_format::codec::{NumberType, Options, Place, Stage, build};
/// use craton_format::zarr::{DataType, register_data_type};
///
/// register_data_type("example.tenths", |_configuration| {
///     let metadata = serde_json::json!({"id": "fixedscaleoffset", "scale": 10, "offset": 0, "dtype": "f4", "astype": "i2"});
///     match build(&Options::from_v2(&metadata)?, &Place::of_bytes())? {
///         Stage::Numbers(codec, element) => {
///             let mut stored = DataType::from(DType::Float32);
///             (stored.element, stored.codec) = (element, Some(codec));
///             Ok(stored)
///         }
///         _ => unreachable!("it changes numbers"),
///     }
/// })?;
/// # Ok::<(), craton_core::Error>(())
/// ```
pub fn register_data_type(
    name: &str,
    build: impl Fn(&Value) -> Result<DataType> + Send + Sync + 'static,
) -> Result<()> {
    let known = known_v3(name, &Value::from(name));
    if name.is_empty() || !matches!(known, Ok(None)) {
        let message = format!("`{name}` is the name of a data type that is there already");
        return Err(Error::new(ErrorKind::Conflict, message).hint("choose a name of your own"));
    }
    let mut added = ADDED.write().unwrap_or_else(PoisonError::into_inner);
    added.insert(name.to_owned(), Arc::new(build));
    Ok(())
}

/// A version 2 type: NumPy's code, or a list of fields.
pub(super) fn from_v2(value: &Value) -> Result<DataType> {
    if value.is_array() {
        return DataType::structured(fields::from_v2(value)?, value);
    }
    let code = value.as_str().ok_or_else(|| unknown(value))?;
    if let Some(number) = NumberType::from_code(code) {
        return Ok(DataType::from(number));
    }
    let order = code.chars().next().filter(|first| "<>|=".contains(*first));
    let kind = &code[order.map_or(0, char::len_utf8)..];
    if kind == "O" {
        return Ok(DataType {
            is_object: true,
            ..DataType::from(DType::Utf8)
        });
    }
    let dtype = coded(kind).ok_or_else(|| unknown(value))?;
    let is_swapped = dtype.swap_size() > 1 && (order == Some('>')) != cfg!(target_endian = "big");
    Ok(DataType::from(NumberType {
        is_swapped,
        ..NumberType::native(dtype)
    }))
}

/// Codes that are no plain numbers.
fn coded(kind: &str) -> Option<DType> {
    let letter = kind.chars().next()?;
    let rest = &kind[letter.len_utf8()..];
    let length = || {
        rest.parse::<u64>()
            .ok()
            .filter(|length| *length <= LARGEST / 4)
            .and_then(|length| u32::try_from(length).ok())
    };
    Some(match (letter, rest) {
        ('c', "8") => DType::Complex64,
        ('c', "16") => DType::Complex128,
        ('S', _) => DType::FixedBytes(length()?),
        ('U', _) => DType::FixedUtf8(length()?),
        ('V', _) => DType::Opaque(length()?),
        ('M' | 'm', _) => time(letter == 'M', rest.strip_prefix('8')?)?,
        _ => return None,
    })
}

/// A time from `[ns]`, `[25s]` or nothing.
fn time(is_instant: bool, unit: &str) -> Option<DType> {
    let unit = match unit {
        "" => "generic",
        other => other.strip_prefix('[')?.strip_suffix(']')?,
    };
    let digits = unit.len()
        - unit
            .trim_start_matches(|letter: char| letter.is_ascii_digit())
            .len();
    let step = if digits == 0 {
        1
    } else {
        unit[..digits].parse().ok()?
    };
    time_type(is_instant, &unit[digits..], step)
}

fn time_type(is_instant: bool, unit: &str, step: u32) -> Option<DType> {
    let unit = TimeUnit::from_code(if unit == "μs" { "us" } else { unit })?;
    let kind = if is_instant {
        TimeKind::Instant
    } else {
        TimeKind::Duration
    };
    let calendar = Calendar::ProlepticGregorian;
    (step > 0).then_some(DType::Time(TimeType {
        unit,
        step,
        calendar,
        kind,
    }))
}

fn bounded(size: u64, value: &Value) -> Result<u32> {
    u32::try_from(size)
        .ok()
        .filter(|_| (1..=LARGEST).contains(&size))
        .ok_or_else(|| Error::corrupt(format!("data type `{}` has {size} bytes", brief(value))))
}

/// A version 3 type: a name, or a name with a configuration.
pub(super) fn from_v3(value: &Value) -> Result<DataType> {
    let name = value
        .as_str()
        .or_else(|| value.get("name")?.as_str())
        .ok_or_else(|| unknown(value))?;
    if let Some(known) = known_v3(name, value)? {
        return Ok(known);
    }
    // Cloned, so that what it does may add types in turn.
    let added = {
        let added = ADDED.read().unwrap_or_else(PoisonError::into_inner);
        added.get(name).cloned()
    };
    match added {
        Some(build) => build(value.get("configuration").unwrap_or(&Value::Null)),
        None => Err(unknown(value)),
    }
}

/// A type that this crate knows.
fn known_v3(name: &str, value: &Value) -> Result<Option<DataType>> {
    let option = |option: &str| {
        value
            .get("configuration")
            .and_then(|options| options.get(option))
    };
    let length = |unit: u64| {
        let bytes = option("length_bytes")
            .and_then(Value::as_u64)
            .ok_or_else(|| unknown(value))?;
        if bytes % unit != 0 || bytes > LARGEST {
            return Err(Error::corrupt(format!(
                "data type `{}` has {bytes} bytes",
                brief(value)
            )));
        }
        u32::try_from(bytes / unit).map_err(|_| unknown(value))
    };
    // The short names of NumPy are none of Zarr.
    if let Some(number) = NumberType::from_name(name) {
        return Ok(Some(DataType::from(number)));
    }
    let dtype = match name {
        "string" => DType::Utf8,
        "variable_length_bytes" | "bytes" => DType::Bytes,
        "fixed_length_utf32" => DType::FixedUtf8(length(4)?),
        "null_terminated_bytes" => DType::FixedBytes(length(1)?),
        "raw_bytes" => DType::Opaque(length(1)?),
        "numpy.datetime64" | "numpy.timedelta64" => {
            let unit = option("unit")
                .and_then(Value::as_str)
                .ok_or_else(|| unknown(value))?;
            let step = option("scale_factor").map_or(Some(1), Value::as_u64);
            let step = step
                .and_then(|step| u32::try_from(step).ok())
                .ok_or_else(|| unknown(value))?;
            time_type(name == "numpy.datetime64", unit, step).ok_or_else(|| unknown(value))?
        }
        "struct" | "structured" => {
            return DataType::structured(fields::from_v3(value)?, value).map(Some);
        }
        _ => match name
            .strip_prefix('r')
            .and_then(|bits| bits.parse::<u64>().ok())
        {
            Some(bits) if bits % 8 == 0 => DType::Opaque(bounded(bits / 8, value)?),
            _ => return Ok(None),
        },
    };
    Ok(Some(DataType::from(dtype)))
}

pub(super) fn unknown(value: &Value) -> Error {
    let narrow: Vec<&str> = crate::codec::narrow::NARROW
        .iter()
        .map(|narrow: &Narrow| narrow.name)
        .collect();
    Error::unsupported(format!(
        "data type `{}` is not read by this version",
        brief(value)
    ))
    .hint(format!(
        "types that are read: bool, int8 to int64, uint8 to uint64, float16 to float64, complex64, complex128, {}, \
         string, bytes, fixed_length_utf32, null_terminated_bytes, raw_bytes, r*, numpy.datetime64, \
         numpy.timedelta64, struct",
        narrow.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numpy_codes_keep_their_byte_order() {
        let read = |code: &str| {
            from_v2(&json!(code)).map(|stored| (stored.dtype.name(), stored.element.is_swapped))
        };
        assert_eq!(read(">i4").unwrap(), ("int32".to_owned(), true));
        assert_eq!(read("|i1").unwrap(), ("int8".to_owned(), false));
        assert_eq!(
            read("<M8[25s]").unwrap(),
            ("datetime64[25s]".to_owned(), false)
        );
        assert_eq!(read(">U3").unwrap(), ("<U3".to_owned(), true));
        assert_eq!(read(">c8").unwrap(), ("complex64".to_owned(), true));
        assert_eq!(read("|V5").unwrap(), ("V5".to_owned(), false));
        for bad in ["<q9", "", "<", "M8[", "<S99999999999", "é"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn structured_sizes_add_up() {
        let fields = json!([["p", "<f4", [3]], ["q", [["a", "|b1"], ["b", "<i8"]]]]);
        assert_eq!(from_v2(&fields).unwrap().dtype, DType::Opaque(21));
    }

    #[test]
    fn narrow_types_are_read_as_the_next_wider_ones() {
        let read =
            |name: &str| from_v3(&json!(name)).map(|stored| (stored.dtype, stored.element.size()));
        assert_eq!(read("int4").unwrap(), (DType::Int8, 1));
        assert_eq!(read("bfloat16").unwrap(), (DType::Float32, 2));
        assert_eq!(read("float8_e5m2").unwrap(), (DType::Float32, 1));
        assert_eq!(read("complex_float16").unwrap(), (DType::Complex64, 4));
        assert_eq!(read("complex_float64").unwrap(), (DType::Complex128, 16));
        for bad in [
            "int",
            "float",
            "complex",
            "complex_int4",
            "float7",
            "str",
            "",
        ] {
            let error = read(bad).unwrap_err();
            assert!(error.hint_text().unwrap().contains("bfloat16"), "{bad}");
        }
    }

    #[test]
    fn added_types_are_read_and_known_names_kept() {
        assert!(from_v3(&json!("test.sixths")).is_err());
        register_data_type("test.sixths", |_| Ok(DataType::from(DType::Int16))).unwrap();
        assert_eq!(from_v3(&json!("test.sixths")).unwrap().dtype, DType::Int16);
        for known in [
            "int8",
            "bfloat16",
            "string",
            "struct",
            "r16",
            "numpy.datetime64",
        ] {
            let error =
                register_data_type(known, |_| Ok(DataType::from(DType::Int16))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict, "{known}");
        }
    }
}
