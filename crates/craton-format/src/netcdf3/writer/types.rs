//! The types of classic files, and numbers converted to them.

use crate::netcdf::NetcdfFormat;
use craton_core::{DType, Error, Result, Scalar};

/// The type that elements of `dtype` are stored as: the narrowest that holds every value, except that 64-bit and
/// large unsigned integers become 32-bit ones, whose range is checked as they are written.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] for types without numbers or characters.
pub fn stored(dtype: DType, format: NetcdfFormat) -> Result<DType> {
    Ok(match dtype {
        DType::Int8
        | DType::Int16
        | DType::Int32
        | DType::Float32
        | DType::Float64
        | DType::FixedBytes(1) => dtype,
        _ if dtype.is_integer() && format == NetcdfFormat::Cdf5 => dtype,
        DType::UInt8 => DType::Int16,
        DType::UInt16 | DType::UInt32 | DType::UInt64 | DType::Int64 => DType::Int32,
        other => {
            return Err(
                Error::unsupported(format!("classic netCDF has no type for `{other}`"))
                    .hint("`--format netcdf4` has more types"),
            );
        }
    })
}

/// The number that stands for a type in the header.
pub fn code(dtype: DType) -> u32 {
    match dtype {
        DType::Int8 => 1,
        DType::FixedBytes(_) => 2,
        DType::Int16 => 3,
        DType::Int32 => 4,
        DType::Float32 => 5,
        DType::UInt8 => 7,
        DType::UInt16 => 8,
        DType::UInt32 => 9,
        DType::Int64 => 10,
        DType::UInt64 => 11,
        _ => 6,
    }
}

/// `value` in a stored type; `None` if it does not fit.
pub fn convert(value: &Scalar, stored: DType) -> Option<Scalar> {
    if value.dtype() == stored {
        return Some(value.clone());
    }
    if stored.is_integer() {
        let wide = value.to_i64()?;
        let converted = Scalar::from_i64(stored, wide);
        return (converted.to_i64() == Some(wide)).then_some(converted);
    }
    value.to_f64().map(|value| Scalar::from_f64(stored, value))
}

/// Native-endian bytes of `dtype` as big-endian ones of `stored`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if a number does not fit.
pub fn to_big_endian(bytes: &[u8], dtype: DType, stored: DType, out: &mut [u8]) -> Result<()> {
    let (from, to) = (
        dtype.item_size().unwrap_or(1).max(1),
        stored.item_size().unwrap_or(1).max(1),
    );
    if dtype == stored {
        out.copy_from_slice(bytes);
    } else {
        for (element, out) in bytes.chunks_exact(from).zip(out.chunks_exact_mut(to)) {
            let value = Scalar::from_bytes(dtype, element);
            let converted = convert(&value, stored).ok_or_else(|| {
                let message =
                    format!("{value} does not fit `{stored}`, the widest integer of this format");
                Error::invalid(message)
                    .hint("`--format cdf5` and `--format netcdf4` have wider ones")
            })?;
            out.copy_from_slice(converted.bytes());
        }
    }
    if cfg!(target_endian = "little") && to > 1 {
        out.chunks_exact_mut(to).for_each(<[u8]>::reverse);
    }
    Ok(())
}
