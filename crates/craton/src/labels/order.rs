//! Values in order along a dimension: ranks, and the places that would sort them.

use super::{DataArray, Dataset};
use craton_core::Result;
use craton_kernels::order::Ordering;
use craton_plan::ops;

impl DataArray {
    /// Ranks along a dimension, or the places that would sort it, or its values sorted.
    ///
    /// # Missing values
    /// They come last, and have no rank.
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for an unknown dimension; [`craton_core::ErrorKind::InvalidInput`] for values
    /// without an order.
    /// # Cost
    /// As a quantile: all values along the dimension are in memory at once, in several passes where they do not fit.
    pub fn ordered(&self, ordering: Ordering, dim: &str) -> Result<Self> {
        let axis = self.axis(dim)?;
        let node = ops::order(ordering, &self.variable.node, axis)?;
        Ok(self.with_variable(self.variable.with_node(node)?))
    }
}

impl Dataset {
    /// As [`DataArray::ordered`], of every variable along `dim`; others are left out.
    ///
    /// # Errors
    /// As [`DataArray::ordered`].
    pub fn ordered(&self, ordering: Ordering, dim: &str) -> Result<Self> {
        let mut along = self.clone();
        along
            .variables
            .retain(|_, variable| variable.axis(dim).is_some());
        let mut out = along.map_arrays(&[dim.to_owned()], |array| array.ordered(ordering, dim))?;
        for (name, coord) in &self.coords {
            out.coords
                .entry(name.clone())
                .or_insert_with(|| coord.clone());
        }
        Ok(out)
    }
}
