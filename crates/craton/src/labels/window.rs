//! Sliding windows and weights.

use super::align::{align, expand_all, merge_coords};
use super::{
    DataArray, Fill, Operand, PositionSelection, ReduceArguments, Variable, binary, unary,
};
use craton_core::{DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::promote::promote;
use craton_kernels::scan::RollingKind;
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops::{self, ReduceOptions};

/// Windows of fixed length along one dimension.
#[derive(Clone, Debug)]
pub struct Rolling {
    /// What slides.
    pub array: DataArray,
    /// The dimension.
    pub dim: String,
    /// Indices in a window.
    pub window: usize,
    /// Further dimensions with the lengths of their windows.
    pub further: Vec<(String, usize)>,
    /// Valid values needed; the window's length if `None`.
    pub min_periods: Option<usize>,
    /// Whether the label sits in the middle of its window rather than at the end.
    pub center: bool,
}

impl Rolling {
    /// A statistic of each window.
    ///
    /// # Missing values
    /// Missing where fewer than `min_periods` values are valid.
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if the window does not fit.
    pub fn reduce(&self, kind: RollingKind) -> Result<DataArray> {
        if !self.further.is_empty() {
            return self.reduce_all(kind);
        }
        let axis = self.array.axis(&self.dim)?;
        let length = self.array.variable.shape()[axis];
        let min_periods = self.min_periods.unwrap_or(self.window);
        let node = &self.array.variable.node;
        let rolled = if self.center {
            // The window of index i ends `after` later: pad the end with missing values, then drop the start.
            let after = (self.window / 2).min(usize::try_from(length).unwrap_or(usize::MAX)) as u64;
            let after = if self.window.is_multiple_of(2) {
                after.saturating_sub(1)
            } else {
                after
            };
            let dtype = super::arithmetic::missing_dtype(node.dtype());
            let mut shape = self.array.variable.shape().to_vec();
            shape[axis] = after;
            let padding = ops::full(super::arithmetic::missing(dtype), &shape)?;
            let padded = ops::concat(&[ops::cast(node, dtype)?, padding], axis)?;
            let rolled = ops::rolling(kind, &padded, axis, self.window, min_periods)?;
            let taken: Vec<ops::AxisIndex> = (0..shape.len())
                .map(|other| {
                    let own = self.array.variable.shape()[other];
                    let start = if other == axis { after } else { 0 };
                    ops::AxisIndex::Range {
                        start,
                        length: own,
                        step: 1,
                    }
                })
                .collect();
            ops::index(&rolled, &taken)?
        } else {
            ops::rolling(kind, node, axis, self.window, min_periods)?
        };
        Ok(self
            .array
            .with_variable(self.array.variable.with_node(rolled)?))
    }
}

impl Rolling {
    /// The windows along one of the dimensions alone.
    fn along(&self, array: DataArray, at: usize) -> Self {
        let (dim, window) = match at.checked_sub(1) {
            None => (self.dim.clone(), self.window),
            Some(at) => self.further[at].clone(),
        };
        Self {
            array,
            dim,
            window,
            further: Vec::new(),
            min_periods: Some(1),
            center: self.center,
        }
    }

    /// Windows of several dimensions: one dimension after the other, then hidden where too few values are valid.
    fn reduce_all(&self, kind: RollingKind) -> Result<DataArray> {
        let count = self.further.len() + 1;
        let further: usize = self.further.iter().map(|(_, window)| window).product();
        let needed = self.min_periods.unwrap_or(self.window * further);
        let slide = |array: DataArray, kind: RollingKind| {
            (0..count).try_fold(array, |array, at| self.along(array, at).reduce(kind))
        };
        let valid = unary(Unary::NotNan, &self.array, false)?;
        let ones = valid.with_variable(
            valid
                .variable
                .with_node(ops::cast(&valid.variable.node, DType::Float64)?)?,
        );
        let counts = slide(ones, RollingKind::Sum)?;
        if kind == RollingKind::Count {
            let mut out = counts;
            out.variable.attributes = self.array.variable.attributes.clone();
            return Ok(out);
        }
        let values = match kind {
            RollingKind::Mean => {
                let wide = &self.array.variable;
                let wide = wide.with_node(ops::cast(&wide.node, DType::Float64)?)?;
                let sum = slide(self.array.with_variable(wide), RollingKind::Sum)?;
                let mean = ops::binary(Binary::Divide, &sum.variable.node, &counts.variable.node)?;
                let dtype = super::missing_dtype(self.array.variable.dtype());
                sum.with_variable(sum.variable.with_node(ops::cast(&mean, dtype)?)?)
            }
            kind => slide(self.array.clone(), kind)?,
        };
        let needed = ops::scalar(Scalar::from_f64(DType::Float64, needed as f64))?;
        let enough = ops::binary(Binary::GreaterEqual, &counts.variable.node, &needed)?;
        let missing = ops::scalar(super::missing(values.variable.dtype()))?;
        let node = ops::select(&enough, &values.variable.node, &missing)?;
        Ok(values.with_variable(values.variable.with_node(node)?))
    }

    /// The dimensions of the windows, and their lengths.
    pub fn windows(&self) -> impl Iterator<Item = (&str, usize)> {
        let further = self.further.iter();
        let further = further.map(|(dim, window)| (dim.as_str(), *window));
        std::iter::once((self.dim.as_str(), self.window)).chain(further)
    }

    /// The windows themselves, along new last dimensions, of every so many indices; `fill` stands where a window reaches
    /// over the start or end. Names and strides are those of [`Rolling::windows`], in order.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if a name is a dimension already.
    /// # Cost
    /// Nothing is copied: each index of a window is a view of the values.
    pub fn construct(&self, names: &[String], strides: &[usize], fill: &Fill) -> Result<DataArray> {
        let mut out = self.array.clone();
        for ((dim, window), name) in self.windows().zip(names) {
            out = self.construct_along(&out, dim, window, name, fill)?;
        }
        for ((dim, _), stride) in self.windows().zip(strides) {
            if *stride != 1 {
                let step = i64::try_from(*stride).unwrap_or(i64::MAX);
                let strided = PositionSelection::Slice(None, None, Some(step));
                out = out.select_positions(dim, &strided)?;
            }
        }
        Ok(out)
    }

    fn construct_along(
        &self,
        array: &DataArray,
        dim: &str,
        window: usize,
        name: &str,
        fill: &Fill,
    ) -> Result<DataArray> {
        let length = array.variable.shape()[array.axis(dim)?] as i64;
        let before = match self.center {
            true => window / 2,
            false => window - 1,
        } as i64;
        let (dtype, _) = array.variable.fill(fill)?;
        let part = |at: i64| {
            let place = |index: i64| u64::try_from(index).ok().filter(|at| *at < length as u64);
            let places: Vec<Option<u64>> = (0..length)
                .map(|index| place(index - before + at))
                .collect();
            let moved = array.variable.at_places(dim, &places, fill)?;
            ops::cast(&moved.node, dtype)
        };
        let parts: Vec<NodeRef> = (0..window as i64).map(part).collect::<Result<_>>()?;
        let node = ops::stack(&parts, array.dims().len())?;
        let dims = [array.dims(), &[name.to_owned()]].concat();
        let attributes = array.variable.attributes.clone();
        Ok(array.with_variable(Variable::new(dims, node, attributes)?))
    }
}

/// Reductions in which each value counts as much as its weight.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// What is reduced.
    pub array: DataArray,
    /// The weights, along some of its dimensions.
    pub weights: DataArray,
}

impl Weighted {
    /// The weighted sum, mean, or sum of weights over dimensions (all if `None`).
    ///
    /// # Missing values
    /// A missing value takes its weight out of the sum of weights; the mean is missing where that is zero.
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] where labels, dimensions or the statistic do not fit.
    pub fn reduce(&self, statistic: &str, arguments: &ReduceArguments) -> Result<DataArray> {
        if matches!(statistic, "std" | "var" | "sum_of_squares") {
            return self.spread(statistic, arguments);
        }
        let both = align(&[&self.array, &self.weights])?;
        let (dims, nodes) = expand_all(&[&both[0].variable, &both[1].variable])?;
        let folded = arguments
            .dims
            .clone()
            .unwrap_or_else(|| self.array.dims().to_vec());
        let axes: Vec<usize> = folded
            .iter()
            .map(|dim| {
                dims.iter()
                    .position(|other| other == dim)
                    .ok_or_else(|| super::data_array::no_dimension(dim, &dims))
            })
            .collect::<Result<_>>()?;
        let dtype = promote(nodes[0].dtype(), nodes[1].dtype()).ok_or_else(|| {
            Error::invalid(format!(
                "weights of {} for {}",
                nodes[1].dtype(),
                nodes[0].dtype()
            ))
        })?;
        let dtype = if dtype.is_float() {
            dtype
        } else {
            DType::Float64
        };
        let skips = arguments.skipna.unwrap_or(nodes[0].dtype().is_float());
        let options = ReduceOptions {
            skip_missing: skips,
            ..ReduceOptions::default()
        };
        // Along dimensions that the weights do not have, values are folded first and weighted after: the
        // same products of sums with far fewer multiplications. All of it in doubles, rounded once at the end.
        let has_weights = |axis: &usize| both[1].variable.dims.contains(&dims[*axis]);
        let (weighted, free): (Vec<usize>, Vec<usize>) = axes.into_iter().partition(has_weights);
        let left: Vec<usize> = (0..dims.len())
            .filter(|axis| !free.contains(axis))
            .collect();
        let left_dims: Vec<String> = left.iter().map(|axis| dims[*axis].clone()).collect();
        let left_shape: Vec<u64> = left.iter().map(|axis| nodes[0].shape()[*axis]).collect();
        let weights = both[1].variable.expanded_to(&left_dims, &left_shape)?;
        let weights = ops::cast(&weights, DType::Float64)?;
        let outer: Vec<usize> = (0..left.len())
            .filter(|place| weighted.contains(&left[*place]))
            .collect();
        let weigh = |node: NodeRef| {
            let product = ops::binary(
                Binary::Multiply,
                &ops::cast(&node, DType::Float64)?,
                &weights,
            )?;
            ops::reduce(Reduction::Sum, &product, &outer, options)
        };
        let weighted_sum = || {
            let values = ops::cast(&nodes[0], DType::Float64)?;
            weigh(match free.is_empty() {
                true => values,
                false => ops::reduce(Reduction::Sum, &values, &free, options)?,
            })
        };
        let sum_of_weights = || {
            let total = weigh(match free.is_empty() {
                true => ops::unary(Unary::NotNan, &nodes[0])?,
                false => ops::reduce(Reduction::Count, &nodes[0], &free, options)?,
            })?;
            let zero = ops::scalar(Scalar::zero(DType::Float64))?;
            let is_valid = ops::binary(Binary::NotEqual, &total, &zero)?;
            let missing = ops::scalar(Scalar::from_f64(DType::Float64, f64::NAN))?;
            ops::select(&is_valid, &total, &missing)
        };
        let node = match statistic {
            "sum" => weighted_sum()?,
            "sum_of_weights" => sum_of_weights()?,
            "mean" => ops::binary(Binary::Divide, &weighted_sum()?, &sum_of_weights()?)?,
            other => {
                return Err(
                    Error::unsupported(format!("the weighted statistic `{other}`"))
                        .hint("there are `mean`, `sum` and `sum_of_weights`"),
                );
            }
        };
        let node = ops::cast(&node, dtype)?;
        let kept = dims
            .iter()
            .filter(|dim| !folded.contains(dim))
            .cloned()
            .collect();
        let attributes = match arguments.keep_attrs {
            Some(false) => craton_core::Attributes::new(),
            _ => self.array.variable.attributes.clone(),
        };
        let variable = Variable::new(kept, node, attributes)?;
        let mut array = self.array.clone();
        array.coords = merge_coords(&both);
        Ok(array.with_variable(variable))
    }
}

impl Weighted {
    /// The weighted sum of squared differences from the weighted mean, the variance, or its root.
    fn spread(&self, statistic: &str, arguments: &ReduceArguments) -> Result<DataArray> {
        let of = |array: DataArray| Operand::Array(array);
        let mean = self.reduce("mean", arguments)?;
        let apart = binary(Binary::Subtract, &of(self.array.clone()), &of(mean))?;
        let squares = binary(Binary::Multiply, &of(apart.clone()), &of(apart))?;
        let squares = Self {
            array: squares,
            weights: self.weights.clone(),
        };
        let mut out = squares.reduce("sum", arguments)?;
        if statistic != "sum_of_squares" {
            let weights = self.reduce("sum_of_weights", arguments)?;
            out = binary(Binary::Divide, &of(out), &of(weights))?;
        }
        if statistic == "std" {
            out = unary(Unary::Sqrt, &out, false)?;
        }
        out.name.clone_from(&self.array.name);
        out.variable.attributes = match arguments.keep_attrs {
            Some(false) => craton_core::Attributes::new(),
            _ => self.array.variable.attributes.clone(),
        };
        Ok(out)
    }
}
