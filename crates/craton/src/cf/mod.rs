//! What a variable's attributes make of its stored numbers, by the rules of xarray.
//!
//! Takes a stored dtype and attributes; gives a [`CfDecoding`] that says what to do. Never reads a value.

mod packing;
#[cfg(test)]
mod tests;

pub use packing::float_for_packing;

use crate::calendar::CfUnit;
use craton_core::{AttributeValue, Attributes, DType, Error, Result, Scalar, TimeUnit};

/// How stored values become what the user sees, in this order: reinterpret, mask, scale, name times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CfDecoding {
    /// The integer type of the other signedness that the stored bits mean (`_Unsigned`).
    pub reinterpreted: Option<DType>,
    /// Stored values that are missing (`_FillValue`, `missing_value`), in the dtype of their attribute,
    /// or of `reinterpreted`; never NaN.
    pub fill_values: Vec<Scalar>,
    /// What missing values become: NaN, or the smallest 64-bit integer where times follow.
    pub missing: Missing,
    /// The factor, in its own dtype.
    pub scale_factor: Option<Scalar>,
    /// The offset, in its own dtype.
    pub add_offset: Option<Scalar>,
    /// The dtype after masking and scaling, and before times are named.
    pub target: DType,
    /// The numbers are instants.
    pub time: Option<CfTime>,
    /// The numbers are durations.
    pub duration: Option<CfDuration>,
    /// The values are single characters: those along the last dimension form one string each.
    pub joins_characters: bool,
    /// Bytes are text in this encoding (`_Encoding`).
    pub text_encoding: Option<String>,
}

/// What a missing value becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Nothing is masked.
    Unmasked,
    /// NaN in `target`.
    Nan,
    /// `i64::MIN`, which the decoding of times turns to NaT.
    SmallestInteger,
    /// The null of text and bytes.
    Null,
}

/// Units and calendar of instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CfTime {
    /// `days since 2000-01-01`
    pub units: String,
    /// The calendar's name as stored; `None` is `standard`.
    pub calendar: Option<String>,
}

/// Unit and resolution of durations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CfDuration {
    /// `hours`
    pub units: String,
    /// The resolution asked for by `dtype = "timedelta64[…]"`: seconds to nanoseconds.
    pub resolution: TimeUnit,
}

/// The decoding of a variable of `stored` dtype with `attributes`.
///
/// # Missing values
/// `_FillValue` and `missing_value` both count, lists too, even if they differ.
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if `scale_factor` or `add_offset` is no single number, or the
/// variable is complex and packed.
/// # Source
/// CF Conventions 1.11, section 8.1 and 2.5.1; xarray 2026.9 where CF is silent.
pub fn decoded_dtype(stored: DType, attributes: &Attributes) -> Result<CfDecoding> {
    let text = |name: &str| attributes.get(name).and_then(AttributeValue::as_text);
    let is_packable = stored.is_numeric() || stored == DType::Bool;
    let number = |name| {
        if is_packable {
            packing_number(attributes, name)
        } else {
            Ok(None)
        }
    };
    let (scale_factor, add_offset) = (number("scale_factor")?, number("add_offset")?);
    let is_packed = scale_factor.is_some() || add_offset.is_some();
    if is_packed && stored.is_complex() {
        return Err(Error::invalid(format!(
            "cannot unpack `{stored}` with `scale_factor` or `add_offset`"
        ))
        .hint("`mask_and_scale=False` leaves the stored numbers"));
    }
    let (has_fill, mut fill_values) = fill_values(stored, attributes);
    let reinterpreted = text("_Unsigned").and_then(|claim| other_signedness(stored, claim));
    if let Some(dtype) = reinterpreted {
        reinterpret_fill(dtype, attributes, &mut fill_values);
    }
    let units = text("units").unwrap_or_default();
    let likeness = if is_packable {
        time_likeness(units)
    } else {
        TimeLike::No
    };
    let packing = |dtype: DType| {
        let dtypes = [&scale_factor, &add_offset].map(|number| number.as_ref().map(Scalar::dtype));
        float_for_packing(dtype, dtypes[0], dtypes[1])
    };

    let mut target = reinterpreted.unwrap_or(stored);
    let mut missing = Missing::Unmasked;
    if !fill_values.is_empty() {
        (target, missing) = match target {
            _ if is_packed => (packing(target), Missing::Nan),
            _ if likeness != TimeLike::No && target.is_integer() => {
                (DType::Int64, Missing::SmallestInteger)
            }
            _ => promoted(target),
        };
    }
    // Masking already chose the float; xarray chooses again for times, by the masked dtype.
    if is_packed && (!has_fill || likeness != TimeLike::No) {
        target = packing(target);
    }
    if text("dtype") == Some("bool") {
        (target, missing) = (DType::Bool, missing);
    }
    Ok(CfDecoding {
        reinterpreted,
        fill_values,
        missing,
        scale_factor,
        add_offset,
        target,
        time: (is_packable && units.contains("since")).then(|| CfTime {
            units: units.to_owned(),
            calendar: text("calendar").map(str::to_owned),
        }),
        duration: duration(units, text("dtype").unwrap_or_default()),
        joins_characters: stored == DType::FixedBytes(1),
        text_encoding: text("_Encoding").map(str::to_owned),
    })
}

/// A packing attribute as one number; a list of one counts.
fn packing_number(attributes: &Attributes, name: &str) -> Result<Option<Scalar>> {
    let Some(value) = attributes.get(name) else {
        return Ok(None);
    };
    if let AttributeValue::Numbers(numbers) = value {
        let mut scalars = numbers.scalars();
        if let (Some(only), None) = (scalars.next(), scalars.next()) {
            return Ok(Some(only));
        }
    }
    let shown: String = value.to_json().to_string().chars().take(60).collect();
    Err(
        Error::invalid(format!("attribute `{name}` is no single number: {shown}"))
            .hint("`mask_and_scale=False` leaves the stored numbers"),
    )
}

/// Whether a fill attribute counts at all, and the values to mask.
fn fill_values(stored: DType, attributes: &Attributes) -> (bool, Vec<Scalar>) {
    let mut has_fill = false;
    let mut values: Vec<Scalar> = Vec::new();
    for name in ["missing_value", "_FillValue"] {
        let Some(value) = attributes.get(name) else {
            continue;
        };
        let found: Vec<Scalar> = match value {
            AttributeValue::Numbers(numbers) => numbers.scalars().collect(),
            AttributeValue::Text(text) => vec![Scalar::from_text(text)],
            AttributeValue::Texts(texts) => {
                texts.iter().map(|text| Scalar::from_text(text)).collect()
            }
            AttributeValue::Json(_) => Vec::new(),
        };
        let found: Vec<Scalar> = found
            .into_iter()
            .filter(|value| !value.is_missing())
            .collect();
        // An integer cannot be NaN: such an attribute says nothing.
        has_fill |= !(found.is_empty() && stored.is_integer());
        for value in found {
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    (has_fill, values)
}

fn other_signedness(stored: DType, claim: &str) -> Option<DType> {
    Some(match (stored, claim) {
        (DType::Int8, "true") => DType::UInt8,
        (DType::Int16, "true") => DType::UInt16,
        (DType::Int32, "true") => DType::UInt32,
        (DType::Int64, "true") => DType::UInt64,
        (DType::UInt8, "false") => DType::Int8,
        (DType::UInt16, "false") => DType::Int16,
        (DType::UInt32, "false") => DType::Int32,
        (DType::UInt64, "false") => DType::Int64,
        _ => return None,
    })
}

/// `_FillValue` names stored bits, so it takes the new sign too; `missing_value` is left, as xarray does.
fn reinterpret_fill(dtype: DType, attributes: &Attributes, fill_values: &mut [Scalar]) {
    let Some(raw) = attributes
        .get("_FillValue")
        .and_then(AttributeValue::as_scalar)
    else {
        return;
    };
    for value in fill_values.iter_mut().filter(|value| **value == raw) {
        *value = match value.to_i64() {
            Some(number) => Scalar::from_i64(dtype, number),
            // Only the upper half of `uint64` is no `i64`; its bits are the number.
            None => Scalar::from_bytes(dtype, value.bytes()),
        };
    }
}

/// The dtype that can say "missing".
fn promoted(dtype: DType) -> (DType, Missing) {
    match dtype {
        _ if dtype.is_float() || dtype.is_complex() => (dtype, Missing::Nan),
        DType::Int8 | DType::Int16 | DType::UInt8 | DType::UInt16 => (DType::Float32, Missing::Nan),
        _ if dtype.is_integer() => (DType::Float64, Missing::Nan),
        DType::Bool => (DType::Bool, Missing::Unmasked),
        DType::Time(_) => (dtype, Missing::SmallestInteger),
        _ => (dtype, Missing::Null),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeLike {
    No,
    Instant,
    Duration,
}

fn is_duration_unit(units: &str) -> bool {
    let is_plain = CfUnit::from_name(units).is_some_and(|(_, is_plain)| is_plain);
    is_plain && units.ends_with('s') && units.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn time_likeness(units: &str) -> TimeLike {
    let has_both_sides = units
        .rfind(" since ")
        .is_some_and(|at| at > 0 && at + " since ".len() < units.len());
    match units {
        _ if has_both_sides => TimeLike::Instant,
        _ if !units.contains("since") && is_duration_unit(units) => TimeLike::Duration,
        _ => TimeLike::No,
    }
}

/// Durations are decoded only where the writer marked them: `hours` alone may be any quantity.
fn duration(units: &str, dtype: &str) -> Option<CfDuration> {
    let code = dtype.strip_prefix("timedelta64[")?.strip_suffix(']')?;
    let resolution = match TimeUnit::from_code(code)? {
        unit @ (TimeUnit::Millisecond | TimeUnit::Microsecond) => unit,
        TimeUnit::Generic => return None,
        TimeUnit::Nanosecond
        | TimeUnit::Picosecond
        | TimeUnit::Femtosecond
        | TimeUnit::Attosecond => TimeUnit::Nanosecond,
        _ => TimeUnit::Second,
    };
    is_duration_unit(units).then(|| CfDuration {
        units: units.to_owned(),
        resolution,
    })
}
