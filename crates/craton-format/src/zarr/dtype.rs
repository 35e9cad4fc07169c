//! Element types as both versions of Zarr name them.

use crate::LARGEST_ELEMENT as LARGEST;
use crate::codec::NumberType;
use crate::codec::options::brief;
use craton_core::{Calendar, DType, Error, Result, TimeKind, TimeType, TimeUnit};
use serde_json::Value;

/// An element type and whether its numbers are in the other byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    pub dtype: DType,
    pub is_swapped: bool,
    /// Whether this is `|O`, whose meaning the first filter tells.
    pub is_object: bool,
}

/// A version 2 type: NumPy's code, or a list of fields.
pub(super) fn from_v2(value: &Value) -> Result<Stored> {
    let plain = |dtype| Stored {
        dtype,
        is_swapped: false,
        is_object: false,
    };
    if value.is_array() {
        return Ok(plain(DType::Opaque(structured_size(value)?)));
    }
    let code = value.as_str().ok_or_else(|| unknown(value))?;
    if let Some(number) = NumberType::from_code(code) {
        let NumberType { dtype, is_swapped } = number;
        return Ok(Stored {
            dtype,
            is_swapped,
            is_object: false,
        });
    }
    let order = code.chars().next().filter(|first| "<>|=".contains(*first));
    let kind = &code[order.map_or(0, char::len_utf8)..];
    if kind == "O" {
        return Ok(Stored {
            is_object: true,
            ..plain(DType::Utf8)
        });
    }
    let dtype = coded(kind).ok_or_else(|| unknown(value))?;
    let is_swapped = dtype.swap_size() > 1 && (order == Some('>')) != cfg!(target_endian = "big");
    Ok(Stored {
        dtype,
        is_swapped,
        is_object: false,
    })
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

/// Bytes of one structured element: the fields one after the other, without padding.
fn structured_size(fields: &Value) -> Result<u32> {
    let mut size = 0u64;
    for field in fields.as_array().into_iter().flatten() {
        let (Some(dtype), repeat) = (field.get(1), field.get(2)) else {
            return Err(unknown(fields));
        };
        let item = from_v2(dtype)?;
        let item = item
            .dtype
            .item_size()
            .filter(|_| !item.is_object)
            .ok_or_else(|| unknown(fields))?;
        let count = match repeat {
            None => 1,
            Some(Value::Array(lengths)) => lengths.iter().try_fold(1u64, |count, length| {
                length
                    .as_u64()
                    .and_then(|length| count.checked_mul(length))
                    .ok_or_else(|| unknown(fields))
            })?,
            Some(length) => length.as_u64().ok_or_else(|| unknown(fields))?,
        };
        size = count
            .checked_mul(item as u64)
            .and_then(|more| size.checked_add(more))
            .unwrap_or(u64::MAX);
    }
    bounded(size, fields)
}

fn bounded(size: u64, value: &Value) -> Result<u32> {
    u32::try_from(size)
        .ok()
        .filter(|_| (1..=LARGEST).contains(&size))
        .ok_or_else(|| Error::corrupt(format!("data type `{}` has {size} bytes", brief(value))))
}

/// A version 3 type: a name, or a name with a configuration.
pub(super) fn from_v3(value: &Value) -> Result<DType> {
    let name = value
        .as_str()
        .or_else(|| value.get("name")?.as_str())
        .ok_or_else(|| unknown(value))?;
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
    let is_number = DType::from_name(name)
        .filter(|dtype| !matches!(name, "int" | "float" | "complex" | "str") && dtype.is_numeric());
    if let Some(dtype) = is_number {
        return Ok(dtype);
    }
    match name {
        "string" => Ok(DType::Utf8),
        "variable_length_bytes" | "bytes" => Ok(DType::Bytes),
        "fixed_length_utf32" => Ok(DType::FixedUtf8(length(4)?)),
        "null_terminated_bytes" => Ok(DType::FixedBytes(length(1)?)),
        "raw_bytes" => Ok(DType::Opaque(length(1)?)),
        "numpy.datetime64" | "numpy.timedelta64" => {
            let unit = option("unit")
                .and_then(Value::as_str)
                .ok_or_else(|| unknown(value))?;
            let step = option("scale_factor").map_or(Some(1), Value::as_u64);
            let step = step
                .and_then(|step| u32::try_from(step).ok())
                .ok_or_else(|| unknown(value))?;
            time_type(name == "numpy.datetime64", unit, step).ok_or_else(|| unknown(value))
        }
        "struct" | "structured" => {
            let mut size = 0u64;
            for (_, dtype) in fields(value).ok_or_else(|| unknown(value))? {
                let item = from_v3(dtype)?.item_size().ok_or_else(|| unknown(value))?;
                size = size.saturating_add(item as u64);
            }
            Ok(DType::Opaque(bounded(size, value)?))
        }
        _ => match name
            .strip_prefix('r')
            .and_then(|bits| bits.parse::<u64>().ok())
        {
            Some(bits) if bits % 8 == 0 => Ok(DType::Opaque(bounded(bits / 8, value)?)),
            _ => Err(unknown(value)),
        },
    }
}

/// Names and types of a version 3 struct's fields.
pub(super) fn fields(value: &Value) -> Option<Vec<(&str, &Value)>> {
    let fields = value.get("configuration")?.get("fields")?.as_array()?;
    fields
        .iter()
        .map(|field| match field {
            Value::Array(pair) => Some((pair.first()?.as_str()?, pair.get(1)?)),
            _ => Some((field.get("name")?.as_str()?, field.get("data_type")?)),
        })
        .collect()
}

fn unknown(value: &Value) -> Error {
    Error::unsupported(format!(
        "data type `{}` is not read by this version",
        brief(value)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numpy_codes_keep_their_byte_order() {
        let read = |code: &str| {
            from_v2(&json!(code)).map(|stored| (stored.dtype.name(), stored.is_swapped))
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
}
