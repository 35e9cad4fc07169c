//! Element-wise operators: arithmetic, comparison, logic, functions, casts, choices.

use super::{broadcast, entry, full};
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{Operator, OperatorEntry, ShapeOfWork, Work};
use craton_core::{DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::program::Operation;
use craton_kernels::promote::promote;
use craton_kernels::unary::Unary;

pub(super) const UNARY: OperatorEntry = entry(
    "unary",
    "function",
    ShapeOfWork::Blockwise,
    "A function of each element.",
);
pub(super) const BINARY: OperatorEntry = entry(
    "binary",
    "function",
    ShapeOfWork::Blockwise,
    "A function of two elements in the same place.",
);
pub(super) const CAST: OperatorEntry = entry(
    "astype",
    "dtype",
    ShapeOfWork::Blockwise,
    "The same values as another dtype, as C converts.",
);
pub(super) const SELECT: OperatorEntry = entry(
    "where",
    "",
    ShapeOfWork::Blockwise,
    "One input's element where a condition holds, else the other's.",
);
pub(super) const FILL_MISSING: OperatorEntry = entry(
    "fillna",
    "",
    ShapeOfWork::Blockwise,
    "The second input's element where the first's is missing.",
);

/// `function` of each element, with NumPy's result dtype.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where NumPy raises for this dtype.
pub fn unary(function: Unary, input: &NodeRef) -> Result<NodeRef> {
    let (operand, _) = function.output(input.dtype()).ok_or_else(|| {
        Error::invalid(format!(
            "`{}` is not defined for {}",
            function.name(),
            input.dtype()
        ))
    })?;
    Node::apply(UnaryMap { function }, vec![cast(input, operand)?])
}

/// `function` of two inputs, broadcast against each other as NumPy does, with NumPy's result dtype.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where shapes do not broadcast or NumPy raises for these dtypes.
pub fn binary(function: Binary, left: &NodeRef, right: &NodeRef) -> Result<NodeRef> {
    let (operand, _) = function
        .output(left.dtype(), right.dtype())
        .ok_or_else(|| {
            Error::invalid(format!(
                "`{}` is not defined for {} and {}",
                function.name(),
                left.dtype(),
                right.dtype()
            ))
        })?;
    let shape = common_shape(&[left, right])?;
    let prepare =
        |input: &NodeRef| broadcast(&cast(input, operand_for(input.dtype(), operand))?, &shape);
    Node::apply(
        BinaryMap { function },
        vec![prepare(left)?, prepare(right)?],
    )
}

/// Times keep their own dtype: the operand dtype says only that both are 64-bit counts.
fn operand_for(own: DType, operand: DType) -> DType {
    if matches!(own, DType::Time(_)) {
        own
    } else {
        operand
    }
}

/// The values as `dtype`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where there is no conversion.
pub fn cast(input: &NodeRef, dtype: DType) -> Result<NodeRef> {
    if input.dtype() == dtype {
        return Ok(input.clone());
    }
    Node::apply(Cast { dtype }, vec![input.clone()])
}

/// `if_true` where `condition` holds, else `if_false`; all broadcast, the last two promoted.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where shapes or dtypes do not fit.
pub fn select(condition: &NodeRef, if_true: &NodeRef, if_false: &NodeRef) -> Result<NodeRef> {
    let dtype = common_dtype(if_true, if_false)?;
    let shape = common_shape(&[condition, if_true, if_false])?;
    let prepare = |input: &NodeRef, dtype| broadcast(&cast(input, dtype)?, &shape);
    let inputs = vec![
        prepare(condition, DType::Bool)?,
        prepare(if_true, dtype)?,
        prepare(if_false, dtype)?,
    ];
    Node::apply(Select, inputs)
}

/// `values`, with `replacement` where they are missing.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where shapes or dtypes do not fit.
pub fn fill_missing(values: &NodeRef, replacement: &NodeRef) -> Result<NodeRef> {
    let dtype = common_dtype(values, replacement)?;
    let shape = common_shape(&[values, replacement])?;
    let inputs = vec![
        broadcast(&cast(values, dtype)?, &shape)?,
        broadcast(&cast(replacement, dtype)?, &shape)?,
    ];
    Node::apply(FillMissing, inputs)
}

/// The values, no lower than `low` and no higher than `high`; missing values stay missing.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where shapes or dtypes do not fit.
pub fn clip(input: &NodeRef, low: Option<&NodeRef>, high: Option<&NodeRef>) -> Result<NodeRef> {
    let mut out = input.clone();
    if let Some(low) = low {
        out = binary(Binary::Maximum, &out, low)?;
    }
    if let Some(high) = high {
        out = binary(Binary::Minimum, &out, high)?;
    }
    Ok(out)
}

fn common_dtype(left: &NodeRef, right: &NodeRef) -> Result<DType> {
    let (left, right) = (left.dtype(), right.dtype());
    if left == right {
        return Ok(left);
    }
    promote(left, right)
        .ok_or_else(|| Error::invalid(format!("{left} and {right} have no common dtype")))
}

/// The shape that all inputs broadcast to, by NumPy's rule: align at the last axis, 1 stretches.
fn common_shape(inputs: &[&NodeRef]) -> Result<Vec<u64>> {
    let rank = inputs
        .iter()
        .map(|input| input.shape().len())
        .max()
        .unwrap_or(0);
    let mut shape = vec![1u64; rank];
    for input in inputs {
        let skip = rank - input.shape().len();
        for (common, length) in shape[skip..].iter_mut().zip(input.shape()) {
            match (*common, *length) {
                (_, 1) => {}
                (1, length) => *common = length,
                (common, length) if common == length => {}
                _ => {
                    let shapes: Vec<_> = inputs.iter().map(|input| input.shape()).collect();
                    return Err(Error::invalid(format!(
                        "shapes {shapes:?} do not broadcast"
                    )));
                }
            }
        }
    }
    Ok(shape)
}

fn identity_demand(inputs: &[&Meta]) -> Vec<Vec<AxisMap>> {
    inputs
        .iter()
        .map(|input| AxisMap::identity(input.shape.len()))
        .collect()
}

fn missing_kernel(name: &str, dtype: DType) -> Error {
    Error::internal(format!(
        "`{name}` has no kernel for {dtype}, though its dtype was accepted"
    ))
}

/// `Full` of `value`, for broadcasting: no axes.
///
/// # Errors
/// As [`full`].
pub fn scalar(value: Scalar) -> Result<NodeRef> {
    full(value, &[])
}

#[derive(Debug, Clone)]
struct UnaryMap {
    function: Unary,
}

impl Operator for UnaryMap {
    fn name(&self) -> &'static str {
        UNARY.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let dtype = inputs[0].dtype;
        let (operand, output) = self
            .function
            .output(dtype)
            .ok_or_else(|| missing_kernel(self.function.name(), dtype))?;
        if operand != dtype || self.function.kernel(dtype).is_none() {
            return Err(missing_kernel(self.function.name(), dtype));
        }
        Ok(Meta::new(inputs[0].shape.clone(), output))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        identity_demand(inputs)
    }
    fn work(&self, inputs: &[&Meta], output: &Meta) -> Work {
        Work::Map(Operation::unary(
            self.function,
            inputs[0].dtype,
            output.dtype,
        ))
    }
    fn canonical(&self, out: &mut Canonical) {
        out.text(self.function.name());
    }
    fn describe(&self) -> String {
        self.function.name().to_owned()
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct BinaryMap {
    function: Binary,
}

impl Operator for BinaryMap {
    fn name(&self) -> &'static str {
        BINARY.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let (left, right) = (inputs[0].dtype, inputs[1].dtype);
        let (operand, output) = self
            .function
            .output(left, right)
            .ok_or_else(|| missing_kernel(self.function.name(), left))?;
        if self.function.kernel(operand).is_none() {
            return Err(missing_kernel(self.function.name(), operand));
        }
        Ok(Meta::new(inputs[0].shape.clone(), output))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        identity_demand(inputs)
    }
    fn work(&self, inputs: &[&Meta], output: &Meta) -> Work {
        let operand = self
            .function
            .output(inputs[0].dtype, inputs[1].dtype)
            .map_or(inputs[0].dtype, |both| both.0);
        Work::Map(Operation::binary(self.function, operand, output.dtype))
    }
    fn canonical(&self, out: &mut Canonical) {
        out.text(self.function.name());
    }
    fn describe(&self) -> String {
        self.function.name().to_owned()
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Cast {
    dtype: DType,
}

impl Operator for Cast {
    fn name(&self) -> &'static str {
        CAST.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        let from = inputs[0].dtype;
        if craton_kernels::cast::cast(from, self.dtype).is_none() {
            return Err(Error::invalid(format!(
                "cannot convert {from} to {}",
                self.dtype
            )));
        }
        Ok(Meta::new(inputs[0].shape.clone(), self.dtype))
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        identity_demand(inputs)
    }
    fn work(&self, inputs: &[&Meta], _: &Meta) -> Work {
        Work::Map(Operation::cast(inputs[0].dtype, self.dtype))
    }
    fn canonical(&self, out: &mut Canonical) {
        out.text(&self.dtype.name());
    }
    fn describe(&self) -> String {
        self.dtype.name()
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Select;

impl Operator for Select {
    fn name(&self) -> &'static str {
        SELECT.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        Ok(inputs[1].clone())
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        identity_demand(inputs)
    }
    fn work(&self, _: &[&Meta], output: &Meta) -> Work {
        Work::Map(Operation::select(output.dtype))
    }
    fn canonical(&self, _: &mut Canonical) {}
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct FillMissing;

impl Operator for FillMissing {
    fn name(&self) -> &'static str {
        FILL_MISSING.name
    }
    fn infer(&self, inputs: &[&Meta]) -> Result<Meta> {
        Ok(inputs[0].clone())
    }
    fn demand(&self, inputs: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        identity_demand(inputs)
    }
    fn work(&self, _: &[&Meta], output: &Meta) -> Work {
        Work::Map(Operation::fill_missing(output.dtype))
    }
    fn canonical(&self, _: &mut Canonical) {}
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
