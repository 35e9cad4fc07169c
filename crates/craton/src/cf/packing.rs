//! The float that packed integers unpack to.

use craton_core::DType;

/// The dtype that `dtype` unpacks to, given the dtypes of `scale_factor` and `add_offset`.
///
/// Two factors of one float type decide, unless 32-bit integers would lose digits; a lone offset, or one of
/// another type, needs doubles; a lone factor decides alone. Without either, floats of four bytes hold what
/// has at most 24 bits.
#[must_use]
pub fn float_for_packing(
    dtype: DType,
    scale_factor: Option<DType>,
    add_offset: Option<DType>,
) -> DType {
    let size = dtype.item_size().unwrap_or(8);
    match (scale_factor, add_offset) {
        (Some(scale), Some(offset))
            if scale == offset && matches!(scale, DType::Float32 | DType::Float64) =>
        {
            if size == 4 && dtype.is_integer() {
                DType::Float64
            } else {
                scale
            }
        }
        (_, Some(_)) => DType::Float64,
        (Some(scale), None) => scale,
        (None, None) if size <= 4 && dtype.is_float() => DType::Float32,
        (None, None) if size <= 2 && dtype.is_integer() => DType::Float32,
        (None, None) => DType::Float64,
    }
}
