//! Variables in the types that a format of netCDF has.

use super::super::chunks::layout;
use super::super::encode::{Encoded, FILL, encode_time};
use super::super::stored::stored_form;
use super::super::texts::to_strings;
use super::NetcdfOptions;
use crate::labels::Variable;
use crate::session::Session;
use craton_core::{AttributeValue, Attributes, Block, DType, Error, Result, Scalar};
use craton_format::netcdf::{NetcdfFormat, VariableSpec};
use craton_format::tree::Dimension;
use craton_plan::NodeRef;
use craton_plan::ops::{cast, literal};
use indexmap::IndexMap;

/// A variable that is ready to be written: its values, and all else.
pub(super) struct Prepared {
    pub node: NodeRef,
    pub spec: VariableSpec,
    /// The dimension of the characters of texts, with its length.
    pub characters: Option<Dimension>,
}

/// `variable` in types that the format has.
pub(super) fn prepare_variable(
    name: &str,
    variable: &Variable,
    is_index: bool,
    options: &NetcdfOptions,
    session: &Session,
) -> Result<Prepared> {
    if let DType::Time(time) = variable.dtype() {
        let times = options.stored.times.get(name);
        let mut encoded = encode_time(variable, time, times, session)?;
        if options.format.is_classic() && options.format != NetcdfFormat::Cdf5 {
            encoded = narrow_times(encoded, session)?;
        }
        encoded.attributes.shift_remove(FILL);
        return Ok(laid_out(name, variable.dims.clone(), encoded, options));
    }
    if let Some((node, attributes)) = stored_form(variable)? {
        let stored = Variable::new(variable.dims.clone(), node, attributes)?;
        return prepare_stored(name, &stored, options, session);
    }
    if variable.dtype() == DType::FixedBytes(1) {
        return prepare_texts(name, variable, options, session);
    }
    let mut prepared = prepare_stored(name, variable, options, session)?;
    let is_float = prepared.spec.dtype.is_float();
    if is_float && !is_index && prepared.spec.fill_value.is_none() {
        prepared.spec.fill_value = Some(Scalar::from_f64(prepared.spec.dtype, f64::NAN));
    }
    Ok(prepared)
}

/// A variable without decoding or encoding, its `_FillValue` still an attribute.
pub(super) fn prepare_stored(
    name: &str,
    variable: &Variable,
    options: &NetcdfOptions,
    session: &Session,
) -> Result<Prepared> {
    let mut attributes = variable.attributes.clone();
    let node = match variable.dtype() {
        DType::Bool => {
            attributes.insert("dtype".to_owned(), AttributeValue::Text("bool".to_owned()));
            cast(&variable.node, DType::Int8)?
        }
        DType::Float16 => cast(&variable.node, DType::Float32)?,
        DType::Utf8 if !options.format.is_classic() => variable.node.clone(),
        DType::FixedUtf8(_) if !options.format.is_classic() => {
            literal(to_strings(&variable.values(session)?)?)?
        }
        DType::Utf8 | DType::FixedUtf8(_) | DType::FixedBytes(2..) => {
            return prepare_texts(name, variable, options, session);
        }
        dtype if dtype.is_complex() => {
            return Err(Error::unsupported("netCDF has no complex numbers")
                .hint("write `.real` and `.imag` as two variables, or a `.zarr`"));
        }
        DType::Bytes | DType::Opaque(_) | DType::FixedBytes(0) => {
            let message = format!("netCDF has no type for `{}`", variable.dtype());
            return Err(Error::unsupported(message).hint("write a `.zarr` instead"));
        }
        _ => variable.node.clone(),
    };
    let fill_value = take_fill(&mut attributes, node.dtype());
    let encoded = Encoded {
        node,
        attributes,
        fill_value,
    };
    Ok(laid_out(name, variable.dims.clone(), encoded, options))
}

/// Texts as single characters along a dimension of their own, with the name that xarray gives it.
fn prepare_texts(
    name: &str,
    variable: &Variable,
    options: &NetcdfOptions,
    session: &Session,
) -> Result<Prepared> {
    let block = to_characters(&variable.values(session)?)?;
    let length = block.shape().last().map_or(1, |length| *length as u64);
    let characters = Dimension {
        name: format!("string{length}"),
        length,
        is_unlimited: false,
    };
    let mut attributes = variable.attributes.clone();
    attributes.shift_remove(FILL);
    if !matches!(variable.dtype(), DType::FixedBytes(_)) {
        attributes.insert(
            "_Encoding".to_owned(),
            AttributeValue::Text("utf-8".to_owned()),
        );
    }
    let encoded = Encoded {
        node: literal(block)?,
        attributes,
        fill_value: None,
    };
    let dims = [variable.dims.as_slice(), &[characters.name.clone()]].concat();
    let mut prepared = laid_out(name, dims, encoded, options);
    prepared.characters = Some(characters);
    Ok(prepared)
}

fn laid_out(name: &str, dims: Vec<String>, encoded: Encoded, options: &NetcdfOptions) -> Prepared {
    let dtype = encoded.node.dtype();
    let none = IndexMap::new();
    let layout = layout(&dims, &encoded.node, dtype, (&options.chunks, &none));
    let spec = VariableSpec {
        name: name.to_owned(),
        dtype,
        dims,
        chunks: layout.chunks,
        fill_value: encoded.fill_value,
        attributes: encoded.attributes,
        filters: Vec::new(),
    };
    Prepared {
        node: encoded.node,
        spec,
        characters: None,
    }
}

/// Takes `_FillValue` out of `attributes`, in the type of the values. One that no value can have, such as NaN of
/// integers, marks nothing as missing and is left out: netCDF wants the type of the values.
fn take_fill(attributes: &mut Attributes, dtype: DType) -> Option<Scalar> {
    let stated = attributes.shift_remove(FILL)?;
    if dtype == DType::FixedBytes(1) {
        let byte = stated.as_text()?.bytes().next()?;
        return Some(Scalar::from_bytes(dtype, &[byte]));
    }
    let value = stated.as_scalar()?;
    if dtype.is_float() {
        return value.to_f64().map(|value| Scalar::from_f64(dtype, value));
    }
    if !dtype.is_integer() || value.dtype() == dtype {
        return dtype.is_integer().then_some(value);
    }
    let wide = match value.to_i64() {
        Some(wide) => wide,
        #[allow(clippy::cast_possible_truncation, reason = "whole numbers only")]
        None => value.to_f64().filter(|value| value.fract() == 0.0)? as i64,
    };
    // Unsigned numbers are often stated as signed ones of the same bits.
    Some(Scalar::from_i64(dtype, wide))
}

/// Times for formats without 64-bit integers: as 32-bit ones where all fit, else as doubles.
fn narrow_times(encoded: Encoded, session: &Session) -> Result<Encoded> {
    if encoded.node.dtype() != DType::Int64 {
        return Ok(encoded);
    }
    let variable = Variable::new(
        (0..encoded.node.shape().len())
            .map(|axis| axis.to_string())
            .collect(),
        encoded.node.clone(),
        Attributes::new(),
    )?;
    let block = variable.values(session)?;
    let values: Vec<i64> = block.scalars().filter_map(|value| value.to_i64()).collect();
    let fits = values.iter().all(|value| i32::try_from(*value).is_ok());
    let dtype = if fits { DType::Int32 } else { DType::Float64 };
    let is_exact = |value: &i64| *value == i64::MIN || value.unsigned_abs() <= 1 << 53;
    if !values.iter().all(is_exact) {
        return Err(
            Error::unsupported("times too fine for numbers of this format")
                .hint("`--format cdf5` and `--format netcdf4` have 64-bit integers"),
        );
    }
    let mut bytes = Vec::new();
    for value in &values {
        let scalar = match *value {
            i64::MIN => Scalar::from_f64(dtype, f64::NAN),
            value => Scalar::from_i64(dtype, value),
        };
        bytes.extend(scalar.bytes());
    }
    let mut attributes = encoded.attributes;
    attributes.shift_remove(FILL);
    let fill_value = encoded
        .fill_value
        .map(|_| Scalar::from_f64(DType::Float64, f64::NAN));
    Ok(Encoded {
        node: literal(Block::from_bytes(dtype, block.shape().to_vec(), &bytes)?)?,
        attributes,
        fill_value,
    })
}

/// Texts as single characters along a further axis, as many as the longest has bytes of UTF-8.
fn to_characters(block: &Block) -> Result<Block> {
    let texts: Vec<Vec<u8>> = block
        .scalars()
        .map(|value| match value.dtype() {
            DType::FixedBytes(_) => value.bytes().to_vec(),
            _ => value.to_text().unwrap_or_default().into_bytes(),
        })
        .collect();
    let length = match block.dtype() {
        DType::FixedBytes(length) => length as usize,
        _ => texts.iter().map(Vec::len).max().unwrap_or(0).max(1),
    };
    let mut bytes = Vec::with_capacity(texts.len() * length);
    for mut text in texts {
        text.resize(length, 0);
        bytes.extend(text);
    }
    let mut shape = block.shape().to_vec();
    shape.push(length);
    Block::from_bytes(DType::FixedBytes(1), shape, &bytes)
}
