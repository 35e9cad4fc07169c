//! Quantiles and medians by dimension name, of all labels or by group.

use super::align::{align, expand_all, merge_coords};
use super::arithmetic::missing_dtype;
use super::data_array::no_dimension;
use super::places::doubles;
use super::{DataArray, Dataset, GroupBy, ReduceArguments, Variable, Weighted};
use craton_core::{Attributes, Error, Result};
use craton_kernels::quantile::{QuantileMethod, Quantity};
use craton_plan::ops;
use indexmap::IndexMap;

/// The new dimension of several quantiles, and the coordinate of one.
const QUANTILE: &str = "quantile";

/// Which quantiles, and whether they were given as a list, which makes a dimension.
#[derive(Debug, Clone)]
pub enum Quantiles {
    /// The median, which leaves no label.
    Median,
    /// One quantile.
    One(f64, QuantileMethod),
    /// Quantiles along a new dimension.
    Several(Vec<f64>, QuantileMethod),
}

impl Quantiles {
    pub(super) fn quantity(&self) -> Quantity {
        match self {
            Self::Median => Quantity::Median,
            Self::One(fraction, method) => Quantity::Quantiles(vec![*fraction], *method),
            Self::Several(fractions, method) => Quantity::Quantiles(fractions.clone(), *method),
        }
    }

    /// Whether results are values as they are, of the values' own type.
    fn takes_values(&self) -> bool {
        match self {
            Self::Median => false,
            Self::One(_, method) | Self::Several(_, method) => method.takes_values(),
        }
    }

    fn is_linear(&self) -> bool {
        match self {
            Self::Median => true,
            Self::One(_, method) | Self::Several(_, method) => *method == QuantileMethod::Linear,
        }
    }

    /// The label of the results.
    fn coord(&self) -> Result<Option<Variable>> {
        match self {
            Self::Median => Ok(None),
            Self::One(fraction, _) => {
                let one = doubles(QUANTILE, &[*fraction])?;
                let node = ops::index(&one.node, &[ops::AxisIndex::At(0)])?;
                let label = Variable::new(Vec::new(), node, Attributes::new())?;
                label.settled().map(Some)
            }
            Self::Several(fractions, _) => doubles(QUANTILE, fractions).map(Some),
        }
    }

    /// The array of what the plan gives for `array`: quantiles first, then `dims`.
    fn label(
        &self,
        array: &DataArray,
        node: craton_plan::NodeRef,
        dims: Vec<String>,
        arguments: &ReduceArguments,
    ) -> Result<DataArray> {
        let attributes = match arguments.keep_attrs {
            Some(false) => Attributes::new(),
            _ => array.variable.attributes.clone(),
        };
        let (node, dims) = match self {
            Self::Median => (node, dims),
            Self::One(..) => {
                let rest = node.shape()[1..].iter();
                let rest = rest.map(|length| ops::AxisIndex::all(*length));
                let picks: Vec<_> = [ops::AxisIndex::At(0)].into_iter().chain(rest).collect();
                (ops::index(&node, &picks)?, dims)
            }
            Self::Several(..) => (node, [vec![QUANTILE.to_owned()], dims].concat()),
        };
        let mut out = array.with_variable(Variable::new(dims, node, attributes)?);
        if let Some(coord) = self.coord()? {
            out.coords.insert(QUANTILE.to_owned(), coord);
        }
        Ok(out)
    }
}

impl DataArray {
    /// The median or quantiles over dimensions; several quantiles lie along a new first dimension `quantile`.
    ///
    /// # Missing values
    /// Skipped for floats unless `skipna` says otherwise; missing where nothing is left.
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for unknown dimensions, [`craton_core::ErrorKind::InvalidInput`]
    /// for quantiles outside 0 to 1 and values without an order.
    /// # Cost
    /// Where not all values fit into memory, they are computed in several passes.
    pub fn quantile(&self, quantiles: &Quantiles, arguments: &ReduceArguments) -> Result<Self> {
        let all = || self.dims().to_vec();
        let reduced = arguments.dims.clone().unwrap_or_else(all);
        let axes = reduced
            .iter()
            .map(|dim| self.axis(dim))
            .collect::<Result<Vec<_>>>()?;
        let skips = arguments.options(self.variable.dtype()).skip_missing;
        let node = ops::quantile(&quantiles.quantity(), &self.variable.node, &axes, skips)?;
        let kept = self.dims().iter().filter(|dim| !reduced.contains(dim));
        let kept = kept.cloned().collect();
        let mut out = quantiles.label(self, node, kept, arguments)?;
        if !matches!(quantiles, Quantiles::Median) {
            drop_scalars(&mut out.coords);
        }
        Ok(out)
    }
}

/// xarray's quantiles lose coordinates without dimensions, its medians keep them.
fn drop_scalars(coords: &mut IndexMap<String, Variable>) {
    coords.retain(|name, coord| name == QUANTILE || !coord.dims.is_empty());
}

impl Dataset {
    /// The median or quantiles of every data variable that has some of the dimensions; others stay.
    ///
    /// # Errors
    /// As [`DataArray::quantile`].
    pub fn quantile(&self, quantiles: &Quantiles, arguments: &ReduceArguments) -> Result<Self> {
        let all: Vec<String> = self.sizes().keys().cloned().collect();
        let dims = arguments.dims.clone().unwrap_or(all);
        let mut out = self.map_arrays(&dims, |array| {
            let own = dims.iter().filter(|dim| array.dims().contains(dim));
            let own: Vec<String> = own.cloned().collect();
            if own.is_empty() && !array.dims().is_empty() {
                return Ok(array.clone());
            }
            let arguments = ReduceArguments {
                dims: Some(own),
                ..arguments.clone()
            };
            array.quantile(quantiles, &arguments)
        })?;
        if let Some(coord) = quantiles.coord()? {
            out.coords.insert(QUANTILE.to_owned(), coord);
            drop_scalars(&mut out.coords);
        }
        if arguments.keep_attrs == Some(false) {
            out.attributes.clear();
        }
        Ok(out)
    }
}

impl GroupBy<DataArray> {
    /// The median or quantiles of each group, along the groups' dimension in place of the split one; several
    /// quantiles lie along a new last dimension.
    ///
    /// # Errors
    /// As [`DataArray::quantile`]; [`craton_core::ErrorKind::Unsupported`] over further dimensions.
    pub fn quantile(
        &self,
        quantiles: &Quantiles,
        arguments: &ReduceArguments,
    ) -> Result<DataArray> {
        let key = &self.key;
        if !key.stacked.is_empty() {
            let arguments_left = ReduceArguments {
                dims: None,
                ..arguments.clone()
            };
            return self.flat(arguments)?.quantile(quantiles, &arguments_left);
        }
        let axis = self.object.axis(&key.dim)?;
        if arguments.dims.iter().flatten().any(|dim| *dim != key.dim) {
            let message = "a grouped median or quantile over further dimensions";
            return Err(Error::unsupported(message)
                .hint(format!("leave `dim` out, or give `dim=\"{}\"`", key.dim)));
        }
        let variable = &self.object.variable;
        // A group without values has no value of their type, unless that can be missing.
        let is_short = quantiles.takes_values() && key.is_occupied().contains(&false);
        let values = match is_short {
            true => ops::cast(&variable.node, missing_dtype(variable.dtype()))?,
            false => variable.node.clone(),
        };
        let node = ops::group_quantile(
            &quantiles.quantity(),
            &values,
            axis,
            key.codes.clone(),
            key.count(),
            arguments.options(variable.dtype()).skip_missing,
        )?;
        let mut dims = self.object.dims().to_vec();
        dims[axis] = key.name.clone();
        let mut out = quantiles.label(&self.object, node, dims, arguments)?;
        out.coords.retain(|_, coord| coord.axis(&key.dim).is_none());
        // flox, which has only the usual method, keeps what xarray's own quantiles lose.
        if !quantiles.is_linear() {
            drop_scalars(&mut out.coords);
        }
        out.variable = key.by_key(&out.variable)?;
        for labels in std::iter::once(&key.labels).chain(&key.further) {
            out.coords.insert(labels.dims[0].clone(), labels.clone());
        }
        if matches!(quantiles, Quantiles::Several(..)) {
            let last: Vec<String> = out.dims()[1..].to_vec();
            out = out.transpose(&[last, vec![QUANTILE.to_owned()]].concat())?;
        }
        Ok(out)
    }
}

impl GroupBy<Dataset> {
    /// The median or quantiles of each group, for every variable along the split dimension.
    ///
    /// # Errors
    /// As the array's.
    pub fn quantile(&self, quantiles: &Quantiles, arguments: &ReduceArguments) -> Result<Dataset> {
        self.map_groups(|array| array.quantile(quantiles, arguments))
    }
}

impl Weighted {
    /// Quantiles over dimensions (all of the array's if there are none), of values that count as much as their weights:
    /// several lie along a new first dimension `quantile`. As in xarray every dimension of length 1 is taken away.
    ///
    /// # Missing values
    /// Skipped with their weights unless `skipna` is false; missing where nothing with a weight is left.
    /// # Errors
    /// As [`DataArray::quantile`]; [`craton_core::ErrorKind::InvalidInput`] where labels do not fit.
    /// # Cost
    /// As an unweighted quantile, with 16 bytes for each value.
    /// # Source
    /// xarray's weighted quantiles: A. Akinshin, "Weighted quantile estimators" (2023), of type 7.
    pub fn quantile(&self, fractions: &[f64], arguments: &ReduceArguments) -> Result<DataArray> {
        let both = align(&[&self.array, &self.weights])?;
        let (dims, nodes) = expand_all(&[&both[0].variable, &both[1].variable])?;
        let all = || self.array.dims().to_vec();
        let folded = arguments.dims.clone().unwrap_or_else(all);
        let axis = |dim: &String| {
            let axis = dims.iter().position(|other| other == dim);
            axis.ok_or_else(|| no_dimension(dim, &dims))
        };
        let axes: Vec<usize> = folded.iter().map(axis).collect::<Result<_>>()?;
        let skips = arguments.skipna.unwrap_or(true);
        let node = ops::weighted_quantile(fractions, &nodes[0], &nodes[1], &axes, skips)?;
        let kept = dims.iter().filter(|dim| !folded.contains(dim)).cloned();
        let dims = std::iter::once(QUANTILE.to_owned()).chain(kept).collect();
        let attributes = match arguments.keep_attrs {
            Some(false) => Attributes::new(),
            _ => self.array.variable.attributes.clone(),
        };
        let mut array = self.array.clone();
        array.coords = merge_coords(&both);
        let mut out = array.with_variable(Variable::new(dims, node, attributes)?);
        let labels = doubles(QUANTILE, fractions)?;
        out.coords.insert(QUANTILE.to_owned(), labels);
        out.squeeze(None)
    }
}
