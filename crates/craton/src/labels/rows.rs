//! The values of several arrays side by side, computed now: for texts and dates, of which there are few.

use super::align::{align, common_dims, merge_coords};
use super::{DataArray, Variable, block_of};
use craton_core::block::c_strides;
use craton_core::{Attributes, Block, DType, Error, Result, Scalar};
use indexmap::IndexMap;

use crate::session::Session;

/// One row for each element of the shape that arrays have together, and the labels of what is made of the rows.
pub(crate) struct Rows {
    name: Option<String>,
    dims: Vec<String>,
    shape: Vec<usize>,
    coords: IndexMap<String, Variable>,
    /// Those of the first array.
    attributes: Attributes,
    /// The values of each array, and how far apart they lie along each dimension.
    columns: Vec<(Block, Vec<usize>)>,
}

impl Rows {
    /// The rows of arrays that have the same labels, as functions of xarray need them; the first one gives the name.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if labels differ; what reading the values reports.
    pub(crate) fn of(arrays: &[&DataArray], session: &Session) -> Result<Self> {
        let mut rows = Self::of_common_labels(arrays, session)?;
        rows.name = arrays.first().and_then(|first| first.name.clone());
        let has_all = |array: &&DataArray| {
            let mut sizes = array.variable.sizes();
            sizes.all(|(dim, length)| rows.length(dim) == Some(length as usize))
        };
        match arrays.iter().all(has_all) {
            true => Ok(rows),
            false => Err(
                Error::invalid("the arrays have different labels along a dimension")
                    .hint("`xr.align` gives them the same ones"),
            ),
        }
    }

    /// The rows of arrays at the labels that all have, as arithmetic takes them.
    ///
    /// # Errors
    /// As [`Rows::of`], if no label is common.
    pub(crate) fn of_common_labels(arrays: &[&DataArray], session: &Session) -> Result<Self> {
        let aligned = align(arrays)?;
        let variables: Vec<&Variable> = aligned.iter().map(|array| &array.variable).collect();
        let (dims, shape) = common_dims(&variables);
        let column = |variable: &&Variable| {
            let block = variable.values(session)?;
            let strides = c_strides(block.shape());
            let step = |dim: &String| {
                variable
                    .axis(dim)
                    .map_or(0, |axis| strides[axis].unsigned_abs())
            };
            Ok((block, dims.iter().map(step).collect()))
        };
        let columns = variables.iter().map(column).collect::<Result<_>>()?;
        let name = arrays.first().and_then(|first| first.name.clone());
        let is_common = arrays.iter().all(|array| array.name == name);
        Ok(Self {
            name: name.filter(|_| is_common),
            shape: shape.into_iter().map(|length| length as usize).collect(),
            coords: merge_coords(&aligned),
            attributes: variables
                .first()
                .map_or_else(Attributes::new, |first| first.attributes.clone()),
            columns,
            dims,
        })
    }

    fn length(&self, dim: &str) -> Option<usize> {
        let axis = self.dims.iter().position(|known| known == dim)?;
        Some(self.shape[axis])
    }

    /// The rows in C order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Vec<Scalar>> + '_ {
        let count: usize = self.shape.iter().product();
        (0..count).map(|position| {
            let mut rest = position;
            let mut index = vec![0; self.shape.len()];
            for axis in (0..self.shape.len()).rev() {
                index[axis] = rest % self.shape[axis];
                rest /= self.shape[axis];
            }
            let place = |steps: &[usize]| index.iter().zip(steps).map(|(at, step)| at * step).sum();
            let values = self.columns.iter();
            values
                .filter_map(|(block, steps)| block.get(place(steps)))
                .collect()
        })
    }

    /// What was made of each row, as an array: one value each, or as many as `further` dimensions have elements.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Internal`] if values are too many or too few.
    pub(crate) fn array(
        &self,
        dtype: DType,
        values: &[Scalar],
        further: &[(&str, usize)],
    ) -> Result<DataArray> {
        let (mut dims, mut shape) = (self.dims.clone(), self.shape.clone());
        for (dim, length) in further {
            dims.push((*dim).to_owned());
            shape.push(*length);
        }
        let block = block_of(dtype, values)?.reshape(shape)?;
        Ok(DataArray {
            name: self.name.clone(),
            variable: Variable::of_block(dims, block, self.attributes.clone())?,
            coords: self.coords.clone(),
        })
    }
}
