//! Arithmetic by name.

use super::align::{align, expand_all, merge_coords};
use super::{DataArray, Variable};
use craton_core::{Attributes, DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::cast::cast;
use craton_kernels::promote::{WeakScalar, promote_weak};
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops;

/// One side of an operation.
#[derive(Clone, Debug)]
pub enum Operand {
    /// An array.
    Array(DataArray),
    /// A Python number, which takes the array's dtype where it can.
    Number(Scalar, WeakKind),
}

/// Which Python number it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakKind {
    /// `True`
    Bool,
    /// `1`
    Int,
    /// `1.0`
    Float,
    /// `1j`
    Complex,
    /// A value whose dtype is its own, such as a time.
    Strong,
}

impl WeakKind {
    pub(super) fn weak(self) -> Option<WeakScalar> {
        Some(match self {
            Self::Bool => WeakScalar::Bool,
            Self::Int => WeakScalar::Int,
            Self::Float => WeakScalar::Float,
            Self::Complex => WeakScalar::Complex,
            Self::Strong => return None,
        })
    }
}

/// `function` of both sides: aligned by label, broadcast by name, NumPy's result dtype. Of the attributes those stay in
/// which the arrays do not contradict each other.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where labels, shapes or dtypes do not fit.
pub fn binary(function: Binary, left: &Operand, right: &Operand) -> Result<DataArray> {
    match (left, right) {
        (Operand::Array(left), Operand::Array(right)) => {
            let both = align(&[left, right])?;
            let (dims, nodes) = expand_all(&[&both[0].variable, &both[1].variable])?;
            let node = ops::binary(function, &nodes[0], &nodes[1])?;
            let name = left
                .name
                .clone()
                .filter(|name| Some(name) == right.name.as_ref());
            let attributes =
                agreed_attributes(&left.variable.attributes, &right.variable.attributes);
            let variable = Variable::new(dims, node, attributes)?;
            Ok(DataArray {
                name,
                variable,
                coords: merge_coords(&both),
            })
        }
        (Operand::Array(array), Operand::Number(number, kind)) => {
            let is_negative = number.to_i64().is_some_and(|number| number < 0);
            if function == Binary::Power && array.variable.dtype().is_integer() && is_negative {
                let message =
                    format!("integers to the negative power {number}, which gives no integers");
                return Err(Error::invalid(message).hint("a float exponent gives floats"));
            }
            let number = as_operand(number, *kind, array.variable.dtype(), function)?;
            with_values(array, ops::binary(function, &array.variable.node, &number)?)
        }
        (Operand::Number(number, kind), Operand::Array(array)) => {
            let number = as_operand(number, *kind, array.variable.dtype(), function)?;
            with_values(array, ops::binary(function, &number, &array.variable.node)?)
        }
        (Operand::Number(left, _), Operand::Number(right, _)) => {
            let node = ops::binary(
                function,
                &ops::scalar(left.clone())?,
                &ops::scalar(right.clone())?,
            )?;
            Ok(DataArray::new(Variable::new(
                Vec::new(),
                node,
                Attributes::new(),
            )?))
        }
    }
}

fn with_values(array: &DataArray, node: NodeRef) -> Result<DataArray> {
    Ok(array.with_variable(array.variable.with_node(node)?))
}

/// The attributes of both without those that differ.
pub(crate) fn agreed_attributes(one: &Attributes, other: &Attributes) -> Attributes {
    let agrees =
        |(name, value): &(&String, &_)| other.get(*name).is_none_or(|theirs| theirs == *value);
    let further = other.iter().filter(|(name, _)| !one.contains_key(*name));
    one.iter()
        .filter(agrees)
        .chain(further)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The number in the dtype that NumPy 2 gives it beside an array of `dtype`.
fn as_operand(number: &Scalar, kind: WeakKind, dtype: DType, function: Binary) -> Result<NodeRef> {
    let Some(weak) = kind.weak() else {
        return ops::scalar(number.clone());
    };
    let target = promote_weak(dtype, weak).ok_or_else(|| {
        Error::invalid(format!(
            "`{}` is not defined for {dtype} and the number {number}",
            function.name()
        ))
    })?;
    let converted = convert(number, target);
    let fits = !target.is_integer() || converted.to_f64() == number.to_f64();
    if !fits {
        return Err(
            Error::invalid(format!("the number {number} does not fit {target}")).hint(format!(
                "convert the array first: `.astype(\"{}\")`",
                "int64"
            )),
        );
    }
    ops::scalar(converted)
}

/// `number` as `dtype`, integers exactly.
pub(crate) fn convert(number: &Scalar, dtype: DType) -> Scalar {
    let of_parts = cast(number.dtype(), dtype).filter(|_| number.dtype().is_complex());
    if let (Some(convert), Some(size)) = (of_parts, dtype.item_size()) {
        let mut bytes = vec![0; size];
        convert(number.bytes(), &mut bytes);
        return Scalar::from_bytes(dtype, &bytes);
    }
    match number.to_i64() {
        Some(value) if dtype.is_integer() => Scalar::from_i64(dtype, value),
        _ => Scalar::from_f64(dtype, number.to_f64().unwrap_or(f64::NAN)),
    }
}

/// `function` of each value. Attributes stay, as with xarray's `keep_attrs` for functions.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where NumPy raises for this dtype.
pub fn unary(function: Unary, array: &DataArray, keeps_attributes: bool) -> Result<DataArray> {
    let node = ops::unary(function, &array.variable.node)?;
    let attributes = if keeps_attributes {
        array.variable.attributes.clone()
    } else {
        Attributes::new()
    };
    Ok(array.with_variable(Variable::new(array.dims().to_vec(), node, attributes)?))
}

/// `array` where `condition` holds, else `other` (missing if `None`).
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where labels, shapes or dtypes do not fit.
pub fn where_(
    array: &DataArray,
    condition: &DataArray,
    other: Option<&Operand>,
) -> Result<DataArray> {
    let mut arrays = vec![array, condition];
    if let Some(Operand::Array(other)) = other {
        arrays.push(other);
    }
    let aligned = align(&arrays)?;
    let variables: Vec<&Variable> = aligned.iter().map(|array| &array.variable).collect();
    let (dims, nodes) = expand_all(&variables)?;
    let dtype = nodes[0].dtype();
    let (values, replacement) = match other {
        Some(Operand::Array(_)) => (nodes[0].clone(), nodes[2].clone()),
        Some(Operand::Number(number, kind)) => {
            let target = kind
                .weak()
                .and_then(|weak| promote_weak(dtype, weak))
                .unwrap_or(number.dtype());
            (
                ops::cast(&nodes[0], target)?,
                ops::scalar(convert(number, target))?,
            )
        }
        None => {
            let target = missing_dtype(dtype);
            (ops::cast(&nodes[0], target)?, ops::scalar(missing(target))?)
        }
    };
    let node = ops::select(&nodes[1], &values, &replacement)?;
    let variable = Variable::new(dims, node, array.variable.attributes.clone())?;
    Ok(DataArray {
        name: array.name.clone(),
        variable,
        coords: merge_coords(&aligned),
    })
}

/// The dtype in which values of `dtype` can be missing, as xarray promotes.
pub(crate) fn missing_dtype(dtype: DType) -> DType {
    match dtype {
        DType::Int8 | DType::Int16 | DType::UInt8 | DType::UInt16 => DType::Float32,
        DType::Bool | DType::Int32 | DType::Int64 | DType::UInt32 | DType::UInt64 => DType::Float64,
        other => other,
    }
}

/// NaN or NaT.
pub(crate) fn missing(dtype: DType) -> Scalar {
    match dtype {
        DType::Time(_) => Scalar::from_i64(dtype, i64::MIN),
        _ => Scalar::from_f64(dtype, f64::NAN),
    }
}
