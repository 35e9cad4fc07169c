//! Where extremes lie, and how values vary together.

use super::arithmetic::{missing, missing_dtype};
use super::{DataArray, Operand, ReduceArguments, Variable, WeakKind, binary, unary, where_};
use crate::session::Session;
use craton_core::{Attributes, Block, Buffer, DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::unary::Unary;
use craton_plan::ops::{self, ReduceOptions};

fn of(array: &DataArray) -> Operand {
    Operand::Array(array.clone())
}

impl DataArray {
    /// The label at which the least or greatest value along `dim` lies first.
    ///
    /// # Missing values
    /// Missing where all values are.
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] without labels.
    /// # Cost
    /// Reads the values once, and folds the labels in a second pass that reads nothing.
    pub fn label_of(
        &self,
        reduction: Reduction,
        dim: &str,
        arguments: &ReduceArguments,
        session: &Session,
    ) -> Result<Self> {
        let axis = self.axis(dim)?;
        let index = self.index(dim).ok_or_else(|| {
            Error::invalid(format!("dimension `{dim}` has no labels"))
                .hint("`.argmax` and `.argmin` give positions")
        })?;
        let index = index.at_hand(session)?;
        let kind = missing_dtype(index.dtype());
        if kind.is_variable() {
            return Err(Error::unsupported(
                "the extreme among labels that are texts",
            ));
        }
        let variable = &self.variable;
        let valid = ops::unary(Unary::NotNan, &variable.node)?;
        let any = ops::reduce(Reduction::Any, &valid, &[axis], ReduceOptions::default())?;
        let skips = arguments.options(variable.dtype()).skip_missing;
        // Where all are missing any position will do: it is masked below.
        let filled = if variable.dtype().is_float() && skips {
            let shape = variable.shape();
            let axes: Vec<usize> = (0..shape.len()).filter(|at| *at != axis).collect();
            let wide = ops::broadcast_axes(&any, shape, &axes)?;
            let zero = ops::scalar(Scalar::zero(variable.dtype()))?;
            ops::select(&wide, &variable.node, &zero)?
        } else {
            variable.node.clone()
        };
        let options = ReduceOptions {
            skip_missing: skips,
            ..ReduceOptions::default()
        };
        let position = ops::reduce(reduction, &filled, &[axis], options)?;
        let shape = variable.shape();
        let axes: Vec<usize> = (0..shape.len()).filter(|at| *at != axis).collect();
        let wide = ops::broadcast_axes(&position, shape, &axes)?;
        let places: Vec<u8> = (0..shape[axis] as i64).flat_map(i64::to_ne_bytes).collect();
        let places = Block::dense(
            DType::Int64,
            vec![shape[axis] as usize],
            Buffer::copy_of(&places)?,
        )?;
        let places = ops::broadcast_axes(&ops::literal(places)?, shape, &[axis])?;
        let is_there = ops::binary(Binary::Equal, &places, &ops::cast(&wide, DType::Int64)?)?;
        let labels = ops::broadcast_axes(&ops::cast(&index.node, kind)?, shape, &[axis])?;
        let nothing = ops::scalar(missing(kind))?;
        let chosen = ops::select(&is_there, &labels, &nothing)?;
        let skipping = ReduceOptions {
            skip_missing: true,
            ..ReduceOptions::default()
        };
        let label = ops::reduce(Reduction::Max, &chosen, &[axis], skipping)?;
        let node = if variable.dtype().is_float() || matches!(variable.dtype(), DType::Time(_)) {
            ops::select(&any, &label, &nothing)?
        } else {
            ops::cast(&label, index.dtype())?
        };
        let kept = self.dims().iter().filter(|other| *other != dim).cloned();
        let attributes = match arguments.keep_attrs {
            Some(false) => Attributes::new(),
            _ => variable.attributes.clone(),
        };
        let out = self.with_variable(Variable::new(kept.collect(), node, attributes)?);
        Ok(out.renamed(Some(dim.to_owned())))
    }

    /// The covariance of two arrays over dimensions, or with `is_corr` their correlation, where both have values.
    ///
    /// # Errors
    /// As [`binary`].
    pub fn covariance(
        one: &DataArray,
        other: &DataArray,
        dims: Option<&[String]>,
        ddof: u32,
        is_corr: bool,
    ) -> Result<Self> {
        let both = super::align::align(&[one, other])?;
        let valid = |array: &DataArray| unary(Unary::NotNan, array, false);
        let is_there = binary(
            Binary::LogicalAnd,
            &Operand::Array(valid(&both[0])?),
            &Operand::Array(valid(&both[1])?),
        )?;
        let one = where_(&both[0], &is_there, None)?;
        let other = where_(&both[1], &is_there, None)?;
        let arguments = ReduceArguments {
            dims: dims.map(<[String]>::to_vec),
            ..ReduceArguments::default()
        };
        let demeaned = |array: &DataArray| {
            let mean = array.reduce(Reduction::Mean, &arguments)?;
            binary(Binary::Subtract, &of(array), &of(&mean))
        };
        let product = binary(
            Binary::Multiply,
            &of(&demeaned(&one)?),
            &of(&demeaned(&other)?),
        )?;
        let sum = product.reduce(
            Reduction::Sum,
            &ReduceArguments {
                min_count: 1,
                ..arguments.clone()
            },
        )?;
        let count = is_there.reduce(Reduction::Sum, &arguments)?;
        let divisor = if is_corr { 0 } else { ddof };
        let freedom = Operand::Number(
            Scalar::from_i64(DType::Int64, i64::from(divisor)),
            WeakKind::Int,
        );
        let count = binary(Binary::Subtract, &of(&count), &freedom)?;
        let covariance = binary(Binary::Divide, &of(&sum), &of(&count))?;
        let mut out = if is_corr {
            let spread = |array: &DataArray| array.reduce(Reduction::Std, &arguments);
            let spreads = binary(Binary::Multiply, &of(&spread(&one)?), &of(&spread(&other)?))?;
            binary(Binary::Divide, &of(&covariance), &of(&spreads))?
        } else {
            covariance
        };
        out.name = one
            .name
            .clone()
            .filter(|name| Some(name) == other.name.as_ref());
        Ok(out)
    }
}
