//! Numbers of attributes as files with few types store them.

use craton_core::{DType, Numbers, Scalar};

/// The numbers in a type that netCDF has: truth values as bytes, half precision as single. `None` for other types.
pub(crate) fn storable(numbers: &Numbers) -> Option<Numbers> {
    let dtype = match numbers.dtype {
        DType::Bool => DType::Int8,
        DType::Float16 => DType::Float32,
        DType::Time(_) => DType::Int64,
        dtype if dtype.is_integer() || dtype.is_float() => return Some(numbers.clone()),
        _ => return None,
    };
    let convert = |value: Scalar| match dtype {
        DType::Float32 => value.to_f64().map(|value| Scalar::from_f64(dtype, value)),
        _ => value.to_i64().map(|value| Scalar::from_i64(dtype, value)),
    };
    let values: Option<Vec<Scalar>> = numbers.scalars().map(convert).collect();
    Some(Numbers {
        dtype,
        is_scalar: numbers.is_scalar,
        bytes: values?
            .iter()
            .flat_map(|value| value.bytes())
            .copied()
            .collect(),
    })
}
