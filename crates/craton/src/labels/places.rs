//! Values at listed places along a dimension, and missing values where there is no place.

use super::arithmetic::{convert, missing, missing_dtype};
use super::{Dataset, Operand, Variable};
use craton_core::{Block, Buffer, DType, Error, Result, Scalar, Strings};
use craton_kernels::promote::promote_weak;
use craton_plan::ops;

/// What stands where there is no place.
#[derive(Clone, Debug, Default)]
pub enum Fill {
    /// NaN or NaT.
    #[default]
    Missing,
    /// A number.
    Number(Operand),
}

impl Variable {
    /// The values at `places` along `dim`; a variable without the dimension stays as it is.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] for texts that would be missing and are not at hand.
    pub fn at_places(&self, dim: &str, places: &[Option<u64>], fill: &Fill) -> Result<Self> {
        let Some(axis) = self.axis(dim) else {
            return Ok(self.clone());
        };
        if places.iter().all(Option::is_some) {
            let list: Vec<u64> = places.iter().flatten().copied().collect();
            return self.with_node(ops::gather(&self.node, axis, list)?);
        }
        let (dtype, value) = self.fill(fill)?;
        let mut shape = self.shape().to_vec();
        let is_empty = shape[axis] == 0;
        shape[axis] = places.len() as u64;
        let filling = ops::full(value, &shape)?;
        if is_empty || places.iter().all(Option::is_none) {
            return self.with_node(filling);
        }
        let list: Vec<u64> = places.iter().map(|place| place.unwrap_or(0)).collect();
        let values = ops::gather(&ops::cast(&self.node, dtype)?, axis, list)?;
        let flags: Vec<u8> = places
            .iter()
            .map(|place| u8::from(place.is_some()))
            .collect();
        let flags = Block::dense(DType::Bool, vec![flags.len()], Buffer::copy_of(&flags)?)?;
        let flags = ops::broadcast_axes(&ops::literal(flags)?, &shape, &[axis])?;
        self.with_node(ops::select(&flags, &values, &filling)?)
    }

    /// The dtype in which values and filling lie side by side, and the filling.
    pub(super) fn fill(&self, fill: &Fill) -> Result<(DType, Scalar)> {
        let dtype = self.dtype();
        match fill {
            Fill::Missing if dtype.is_variable() => Ok((dtype, Scalar::from_text(""))),
            Fill::Missing => {
                let dtype = missing_dtype(dtype);
                Ok((dtype, missing(dtype)))
            }
            Fill::Number(Operand::Number(number, kind)) => {
                let target = kind.weak().and_then(|weak| promote_weak(dtype, weak));
                let target = target.unwrap_or(number.dtype());
                Ok((target, convert(number, target)))
            }
            Fill::Number(Operand::Array(_)) => Err(Error::usage("a filling must be a number")),
        }
    }
}

impl Dataset {
    /// Every variable and coordinate at `places` along `dim`.
    ///
    /// # Errors
    /// As [`Variable::at_places`].
    pub fn at_places(&self, dim: &str, places: &[Option<u64>], fill: &Fill) -> Result<Self> {
        self.map_all(|_, variable| variable.at_places(dim, places, fill))
    }
}

/// A block of scalars of one dtype, along one dimension.
pub(crate) fn block_of(dtype: DType, scalars: &[Scalar]) -> Result<Block> {
    if dtype.is_variable() {
        let strings = Strings::from_items(scalars.iter().map(Scalar::bytes));
        return Block::strings(dtype, vec![scalars.len()], strings);
    }
    let bytes: Vec<u8> = scalars
        .iter()
        .flat_map(|scalar| scalar.bytes())
        .copied()
        .collect();
    Block::from_bytes(dtype, vec![scalars.len()], &bytes)
}

/// Doubles as a variable along `dim`.
pub(crate) fn doubles(dim: &str, values: &[f64]) -> Result<Variable> {
    let scalars: Vec<Scalar> = values
        .iter()
        .map(|value| Scalar::from_f64(DType::Float64, *value))
        .collect();
    let block = block_of(DType::Float64, &scalars)?;
    Variable::of_block(vec![dim.to_owned()], block, craton_core::Attributes::new())
}
