//! Dimensions in another order, new ones, fewer ones, other names.

use super::{DataArray, Dataset, Variable};
use craton_core::{Error, Result};
use craton_plan::ops::{self, AxisIndex, broadcast_axes};

impl DataArray {
    /// The dimensions in the order `dims`; reversed if there are none. `...` is not allowed here.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if a name is no dimension or one is left out.
    pub fn transpose(&self, dims: &[String]) -> Result<Self> {
        let reversed: Vec<String> = self.dims().iter().rev().cloned().collect();
        let dims = if dims.is_empty() {
            reversed.as_slice()
        } else {
            dims
        };
        for dim in dims {
            self.axis(dim)?;
        }
        if dims.len() != self.dims().len() {
            let message = format!(
                "`transpose` needs all of the dimensions {:?}, in some order",
                self.dims()
            );
            return Err(Error::invalid(message));
        }
        Ok(self.with_variable(self.variable.transposed(dims)?))
    }

    /// Without the dimensions of length 1, or those of `dims`, which must have length 1.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if one of `dims` is longer.
    pub fn squeeze(&self, dims: Option<&[String]>) -> Result<Self> {
        let all: Vec<String> = self
            .variable
            .sizes()
            .filter(|(_, length)| *length == 1)
            .map(|(dim, _)| dim.to_owned())
            .collect();
        let dims = dims.unwrap_or(&all);
        for dim in dims {
            let length = self.variable.shape()[self.axis(dim)?];
            if length != 1 {
                return Err(Error::invalid(format!(
                    "cannot squeeze dimension `{dim}` of length {length}"
                )));
            }
        }
        self.map_variables(|variable| {
            let axes: Vec<AxisIndex> = variable
                .sizes()
                .map(|(dim, length)| {
                    if dims.iter().any(|other| other == dim) {
                        AxisIndex::At(0)
                    } else {
                        AxisIndex::all(length)
                    }
                })
                .collect();
            let kept = variable
                .dims
                .iter()
                .filter(|dim| !dims.contains(dim))
                .cloned()
                .collect();
            Variable::new(
                kept,
                ops::index(&variable.node, &axes)?,
                variable.attributes.clone(),
            )
        })
    }

    /// With a new first dimension of length 1.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if the dimension exists.
    pub fn expand_dims(&self, dim: &str) -> Result<Self> {
        let mut dims = self.dims().to_vec();
        dims.insert(0, dim.to_owned());
        let mut shape = self.variable.shape().to_vec();
        shape.insert(0, 1);
        let axes: Vec<usize> = (1..dims.len()).collect();
        let node = broadcast_axes(&self.variable.node, &shape, &axes)?;
        let variable = Variable::new(dims, node, self.variable.attributes.clone())?;
        let mut array = Self {
            variable,
            ..self.clone()
        };
        if let Some(scalar) = self.coords.get(dim).filter(|coord| coord.dims.is_empty()) {
            let node = broadcast_axes(&scalar.node, &[1], &[])?;
            let index = Variable::new(vec![dim.to_owned()], node, scalar.attributes.clone())?;
            array.coords.insert(dim.to_owned(), index);
        }
        Ok(array)
    }

    /// Another name for the array.
    #[must_use]
    pub fn renamed(&self, name: Option<String>) -> Self {
        Self {
            name,
            ..self.clone()
        }
    }

    /// A dataset with this array as its only variable.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] without a name.
    pub fn to_dataset(&self, name: Option<&str>) -> Result<Dataset> {
        let name = name.map(str::to_owned).or_else(|| self.name.clone());
        let name = name.ok_or_else(|| {
            Error::invalid("an array without a name cannot become a dataset")
                .hint("`.rename(\"name\")` gives it one")
        })?;
        Dataset::from_arrays([(name, self.clone())])
    }
}
