//! Reductions by dimension name.

use super::{DataArray, Dataset, Variable};
use craton_core::{Attributes, DType, Error, Result};
use craton_kernels::fold::Reduction;
use craton_kernels::scan::Cumulation;
use craton_plan::ops::{self, ReduceOptions};

/// How to reduce.
#[derive(Debug, Clone, Default)]
pub struct ReduceArguments {
    /// Dimensions; all of them if `None`.
    pub dims: Option<Vec<String>>,
    /// Whether missing values are skipped; by xarray's default for the dtype if `None`.
    pub skipna: Option<bool>,
    /// Delta degrees of freedom.
    pub ddof: u32,
    /// Valid values needed.
    pub min_count: u32,
    /// Whether attributes stay.
    pub keep_attrs: Option<bool>,
}

impl ReduceArguments {
    pub(super) fn options(&self, dtype: DType) -> ReduceOptions {
        let by_default = dtype.is_float() || dtype.is_complex() || matches!(dtype, DType::Time(_));
        ReduceOptions {
            skip_missing: self.skipna.unwrap_or(by_default),
            ddof: self.ddof,
            min_count: self.min_count,
        }
    }
}

impl DataArray {
    /// Folds dimensions away.
    ///
    /// # Missing values
    /// Skipped for floats, complex and times unless `skipna` says otherwise; a mean, variance or extremum is
    /// missing where nothing is left.
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for unknown dimensions, [`craton_core::ErrorKind::InvalidInput`]
    /// where the reduction is not defined.
    pub fn reduce(&self, reduction: Reduction, arguments: &ReduceArguments) -> Result<Self> {
        let dims = arguments
            .dims
            .clone()
            .unwrap_or_else(|| self.dims().to_vec());
        let axes = dims
            .iter()
            .map(|dim| self.axis(dim))
            .collect::<Result<Vec<_>>>()?;
        if matches!(reduction, Reduction::ArgMin | Reduction::ArgMax)
            && dims.len() > 1
            && axes.len() < self.dims().len()
        {
            return Err(Error::unsupported(format!(
                "`{}` over several of more dimensions",
                reduction.name()
            )));
        }
        let options = arguments.options(self.variable.dtype());
        let node = ops::reduce(reduction, &self.variable.node, &axes, options)?;
        let kept = self
            .dims()
            .iter()
            .filter(|dim| !dims.contains(dim))
            .cloned()
            .collect();
        // xarray keeps attributes through reductions since 2025.11.
        let attributes = match arguments.keep_attrs {
            Some(false) => Attributes::new(),
            _ => self.variable.attributes.clone(),
        };
        Ok(self.with_variable(Variable::new(kept, node, attributes)?))
    }

    /// Running totals along a dimension.
    ///
    /// # Errors
    /// As [`DataArray::reduce`].
    pub fn cumulate(&self, kind: Cumulation, dim: &str, skipna: Option<bool>) -> Result<Self> {
        let axis = self.axis(dim)?;
        let skips = skipna.unwrap_or(self.variable.dtype().is_float());
        let node = ops::cumulate(kind, &self.variable.node, axis, skips)?;
        Ok(self.with_variable(self.variable.with_node(node)?))
    }
}

impl Dataset {
    /// Folds dimensions of every data variable away; variables without them stay.
    ///
    /// # Errors
    /// As [`DataArray::reduce`].
    pub fn reduce(&self, reduction: Reduction, arguments: &ReduceArguments) -> Result<Self> {
        let all: Vec<String> = self.sizes().keys().cloned().collect();
        let dims = arguments.dims.clone().unwrap_or(all);
        let mut reduced = self.map_arrays(&dims, |array| {
            let own: Vec<String> = dims
                .iter()
                .filter(|dim| array.dims().contains(dim))
                .cloned()
                .collect();
            // Nothing to fold leaves the values and their dtype alone, as in xarray.
            let keeps_values = matches!(
                reduction,
                Reduction::Sum
                    | Reduction::Mean
                    | Reduction::Min
                    | Reduction::Max
                    | Reduction::Prod
            );
            if own.is_empty()
                && !array.dims().is_empty()
                && keeps_values
                && arguments.keep_attrs != Some(false)
            {
                return Ok(array.clone());
            }
            array.reduce(
                reduction,
                &ReduceArguments {
                    dims: Some(own),
                    ..arguments.clone()
                },
            )
        })?;
        if arguments.keep_attrs == Some(false) {
            reduced.attributes.clear();
        }
        Ok(reduced)
    }
}
