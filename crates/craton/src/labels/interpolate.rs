//! `interp`: values between the labels of dimensions, as xarray's `interp` gives them.

use super::data_array::no_dimension;
use super::{DataArray, Dataset, Variable};
use crate::session::Session;
use craton_core::{Block, DType, Error, Result, Scalar};
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex, Between};
use indexmap::IndexMap;
use std::sync::Arc;

/// How values between labels come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterpolationMethod {
    /// On the straight line between both neighbours.
    Linear,
    /// As the closer neighbour; in the middle as the lower one.
    Nearest,
    /// On the cubic spline through all values.
    Cubic,
}

impl InterpolationMethod {
    /// The method that xarray calls `name`.
    ///
    /// # Errors
    ///
    /// [`craton_core::ErrorKind::Unsupported`] for the other methods of SciPy.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "linear" | "slinear" => Ok(Self::Linear),
            "nearest" => Ok(Self::Nearest),
            "cubic" => Ok(Self::Cubic),
            other => Err(
                Error::unsupported(format!("interpolation by the method `{other}`"))
                    .hint("there are linear, nearest and cubic"),
            ),
        }
    }
}

/// What stands at labels beyond the first and the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outside {
    /// Missing values.
    Missing,
    /// What the first and the last piece go on as.
    Extrapolated,
    /// One value below, another above.
    Filled(f64, f64),
}

/// The arguments of an interpolation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interpolation {
    /// How.
    pub method: InterpolationMethod,
    /// What stands outside.
    pub outside: Outside,
}

/// The new labels of a dimension: the coordinate of that name in the result, and what comes with it. A label alone takes
/// the dimension away; labels along another dimension put that in its place.
pub type NewLabels = (String, DataArray);

impl DataArray {
    /// The values at new labels, one dimension after the other.
    ///
    /// # Missing values
    /// Missing where a neighbour is; with splines where any value along the dimension is.
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for unknown dimensions; [`craton_core::ErrorKind::InvalidInput`] for values
    /// that are no numbers, labels that stand twice, too few labels.
    /// # Cost
    /// Reads the chunks around the new labels, once. Splines need all values along the dimension.
    /// # Source
    /// SciPy's `interp1d` and `interpn`, in whose order of arithmetic it is done.
    pub fn interpolate(
        &self,
        targets: &[NewLabels],
        how: Interpolation,
        session: &Session,
    ) -> Result<Self> {
        if !is_interpolated(self.variable.dtype()) {
            let message = format!(
                "there is nothing between values of {}",
                self.variable.dtype()
            );
            return Err(Error::invalid(message)
                .hint("`.sel(…, method=\"nearest\")` takes values as they are"));
        }
        let sizes = self
            .variable
            .sizes()
            .map(|(dim, length)| (dim.to_owned(), length));
        let axes = Axes::new(&sizes.collect(), &self.coords, targets, session)?;
        let variable = axes
            .change(&self.variable, how)?
            .ok_or_else(|| Error::internal("a variable that was lost"))?;
        let mut out = Self::new(variable);
        out.name.clone_from(&self.name);
        out.coords = axes.coords(&self.coords, how)?;
        let dims = &out.variable.dims;
        out.coords
            .retain(|_, coord| coord.dims.iter().all(|dim| dims.contains(dim)));
        Ok(out)
    }
}

impl Dataset {
    /// As [`DataArray::interpolate`], of every variable. Variables without numbers, such as names of stations, are taken
    /// from the nearest label, or left out where new labels lie along other dimensions.
    ///
    /// # Errors
    /// As [`DataArray::interpolate`].
    pub fn interpolate(
        &self,
        targets: &[NewLabels],
        how: Interpolation,
        session: &Session,
    ) -> Result<Self> {
        let axes = Axes::new(&self.sizes(), &self.coords, targets, session)?;
        let mut out = Self {
            attributes: self.attributes.clone(),
            coords: axes.coords(&self.coords, how)?,
            ..Self::default()
        };
        for (name, variable) in &self.variables {
            let changed = axes
                .change(variable, how)
                .map_err(|error| error.in_variable(name))?;
            if let Some(changed) = changed {
                out.variables.insert(name.clone(), changed);
            }
        }
        Ok(out)
    }
}

fn is_interpolated(dtype: DType) -> bool {
    dtype.is_float() || dtype.is_integer() || dtype.is_complex() || matches!(dtype, DType::Time(_))
}

/// The dimensions that are interpolated, in order.
struct Axes<'a> {
    axes: Vec<Axis>,
    targets: &'a [NewLabels],
}

/// One dimension: its labels in ascending order, and the new ones.
struct Axis {
    dim: String,
    /// The index of each label in ascending order, where it differs from its place.
    order: Option<Vec<u64>>,
    places: Vec<f64>,
    wanted: Vec<f64>,
    /// The dimensions of the new labels, and their lengths.
    dims: Vec<String>,
    shape: Vec<u64>,
}

impl<'a> Axes<'a> {
    fn new(
        sizes: &IndexMap<String, u64>,
        coords: &IndexMap<String, Variable>,
        targets: &'a [NewLabels],
        session: &Session,
    ) -> Result<Self> {
        let mut axes: Vec<Axis> = Vec::new();
        for (dim, target) in targets {
            let Some(length) = sizes.get(dim) else {
                let dims: Vec<String> = sizes.keys().cloned().collect();
                return Err(no_dimension(dim, &dims));
            };
            let index = coords.get(dim).filter(|coord| coord.dims == [dim.clone()]);
            let axis = Axis::new(dim, *length, index, &target.variable, session)?;
            let is_there = |own: &String| own != dim && sizes.contains_key(own);
            let is_shared = |other: &&Axis| {
                other.dims != axis.dims && other.dims.iter().any(|own| axis.dims.contains(own))
            };
            let shared = axis.dims.iter().find(|own| is_there(own));
            let shared = shared.or_else(|| axes.iter().find(is_shared)?.dims.first());
            if let Some(shared) = shared {
                let message = format!(
                    "new labels of `{dim}` along `{shared}`, which other labels or values have too"
                );
                return Err(Error::unsupported(message).hint(
                    "give lists of labels, or points: arrays that all have one new dimension",
                ));
            }
            axes.push(axis);
        }
        Ok(Self { axes, targets })
    }

    /// The coordinates of the result: those that are there, changed, and those of the new labels.
    fn coords(
        &self,
        coords: &IndexMap<String, Variable>,
        how: Interpolation,
    ) -> Result<IndexMap<String, Variable>> {
        let mut out = IndexMap::new();
        for (name, coord) in coords {
            let target = self.targets.iter().find(|(dim, _)| dim == name);
            let changed = match target {
                Some((_, target)) => Some(target.variable.clone()),
                None => self
                    .change(coord, how)
                    .map_err(|error| error.in_variable(name))?,
            };
            if let Some(changed) = changed {
                out.insert(name.clone(), changed);
            }
        }
        for (dim, target) in self.targets {
            out.insert(dim.clone(), target.variable.clone());
            for (name, coord) in &target.coords {
                out.entry(name.clone()).or_insert_with(|| coord.clone());
            }
        }
        Ok(out)
    }

    /// A variable at the new labels; nothing where it has no numbers, and no nearest label to take one from.
    fn change(&self, variable: &Variable, how: Interpolation) -> Result<Option<Variable>> {
        let own: Vec<&Axis> = self
            .axes
            .iter()
            .filter(|axis| variable.axis(&axis.dim).is_some())
            .collect();
        if own.is_empty() {
            return Ok(Some(variable.clone()));
        }
        let dtype = variable.dtype();
        if !is_interpolated(dtype) {
            if own.iter().any(|axis| axis.dims != [axis.dim.clone()]) {
                return Ok(None);
            }
            let taken = own.iter().try_fold(variable.node.clone(), |node, axis| {
                let at = variable.axis(&axis.dim).unwrap_or_default();
                ops::gather(&node, at, axis.nearest_labels())
            });
            return variable.with_node(taken?).map(Some);
        }
        let is_time = matches!(dtype, DType::Time(_));
        let mut changed = if is_time {
            variable.with_node(counts_of(&variable.node)?)?
        } else {
            variable.clone()
        };
        let mut left = own.as_slice();
        while let Some((axis, rest)) = left.split_first() {
            // New labels along one dimension of their own are points, whose axes change together.
            let is_point = |other: &&&Axis| !axis.dims.is_empty() && other.dims == axis.dims;
            let points: Vec<&Axis> = own.iter().filter(is_point).copied().collect();
            changed = match points.len() {
                0 | 1 => axis.change(&changed, how)?,
                _ if points[0].dim != axis.dim => changed,
                _ => at_points(&points, &changed, how)?,
            };
            left = rest;
        }
        if is_time {
            let times = times_of(&changed.node, dtype)?;
            changed = changed.with_node(times)?;
        }
        Ok(Some(changed))
    }
}

/// Times as doubles, NaN where there is none.
fn counts_of(node: &NodeRef) -> Result<NodeRef> {
    let counts = ops::cast(&ops::cast(node, DType::Int64)?, DType::Float64)?;
    let missing = ops::scalar(Scalar::from_f64(DType::Float64, f64::NAN))?;
    ops::select(&ops::unary(Unary::NotNan, node)?, &counts, &missing)
}

/// Undoes [`counts_of`], to the nearest count.
fn times_of(node: &NodeRef, dtype: DType) -> Result<NodeRef> {
    let counts = ops::cast(&ops::unary(Unary::Rint, node)?, DType::Int64)?;
    let missing = ops::scalar(super::arithmetic::missing(dtype))?;
    let is_valid = ops::unary(Unary::NotNan, node)?;
    ops::select(&is_valid, &ops::cast(&counts, dtype)?, &missing)
}

/// A variable that has all of these dimensions and numbers, at points along one new dimension.
fn at_points(axes: &[&Axis], variable: &Variable, how: Interpolation) -> Result<Variable> {
    let mut own: Vec<(usize, &Axis)> = axes
        .iter()
        .map(|axis| (variable.axis(&axis.dim).unwrap_or_default(), *axis))
        .collect();
    own.sort_by_key(|(at, _)| *at);
    let at: Vec<usize> = own.iter().map(|(at, _)| *at).collect();
    let first = own[0].1;
    let changed = match (how.method, how.outside) {
        (InterpolationMethod::Linear, Outside::Missing) => {
            let betweens = own.iter().map(|(_, axis)| axis.between(false, false));
            ops::interpolate_points(&variable.node, &at, &betweens.collect::<Vec<_>>())?
        }
        (InterpolationMethod::Nearest, Outside::Missing) => {
            let nearest = own.iter().map(|(_, axis)| {
                let indices = axis.wanted.iter().map(|wanted| axis.nearest(*wanted));
                Arc::<[u64]>::from(indices.collect::<Vec<u64>>())
            });
            let taken = ops::points(&variable.node, &at, &nearest.collect::<Vec<_>>())?;
            let taken = ops::cast(&taken, nearest_dtype(taken.dtype()))?;
            let mut axes = own.iter();
            axes.try_fold(taken, |taken, (_, axis)| {
                axis.filled(&taken, at[0], f64::NAN, |_| true)
            })?
        }
        _ => {
            let message = "points on splines, or with a `fill_value`";
            return Err(Error::unsupported(message).hint("`method=\"linear\"` takes points"));
        }
    };
    let is_gone = |axis: &usize| at[1..].contains(axis);
    let dims = variable.dims.iter().enumerate();
    let dims = dims
        .filter(|(axis, _)| !is_gone(axis))
        .map(|(_, dim)| dim.clone());
    let left = Variable::new(dims.collect(), changed.clone(), variable.attributes.clone())?;
    first.placed(&left, at[0], &changed)
}

/// Whole numbers become doubles, because there may be missing values.
fn nearest_dtype(dtype: DType) -> DType {
    if dtype.is_integer() {
        DType::Float64
    } else {
        dtype
    }
}

impl Axis {
    fn new(
        dim: &str,
        length: u64,
        index: Option<&Variable>,
        target: &Variable,
        session: &Session,
    ) -> Result<Self> {
        let wanted = target.values(session)?;
        let (labels, base) = match index {
            Some(index) if index.dtype() != target.dtype() && is_time(index, target) => {
                let message = format!(
                    "the new labels of `{dim}` are {}, its labels {}",
                    target.dtype(),
                    index.dtype()
                );
                return Err(
                    Error::invalid(message).hint("dates are written as texts: \"2000-01-01\"")
                );
            }
            Some(index) => {
                let block = index.values(session)?;
                let first = block.scalars().filter_map(|label| label.to_i64()).min();
                let base = if is_time(index, index) {
                    first.unwrap_or(0)
                } else {
                    0
                };
                (numbers(&block, base, dim)?, base)
            }
            None => ((0..length).map(|at| at as f64).collect(), 0),
        };
        let mut order: Vec<u64> = (0..length).collect();
        order.sort_by(|one, other| labels[*one as usize].total_cmp(&labels[*other as usize]));
        let places: Vec<f64> = order.iter().map(|at| labels[*at as usize]).collect();
        if places.is_empty() {
            return Err(Error::invalid(format!(
                "dimension `{dim}` has no labels to interpolate between"
            )));
        }
        if let Some(pair) = places.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("the label {} of `{dim}` stands twice", pair[0]);
            return Err(Error::invalid(message)
                .hint(format!("`.groupby(\"{dim}\").mean()` makes one of them")));
        }
        Ok(Self {
            dim: dim.to_owned(),
            order: (!order.iter().copied().eq(0..length)).then_some(order),
            places,
            wanted: numbers(&wanted, base, dim)?,
            dims: target.dims.clone(),
            shape: target.shape().to_vec(),
        })
    }

    /// A variable that has this dimension and numbers, at the new labels.
    fn change(&self, variable: &Variable, how: Interpolation) -> Result<Variable> {
        let at = variable.axis(&self.dim).unwrap_or_default();
        let node = &variable.node;
        let extrapolates = how.outside == Outside::Extrapolated;
        let changed = match how.method {
            InterpolationMethod::Linear => {
                // SciPy leaves lines to NumPy, which looks at one value only where a label is met exactly.
                let is_exact = node.shape().len() == 1
                    && (node.dtype() == DType::Float64 || node.dtype().is_integer())
                    && !extrapolates;
                ops::interpolate(node, at, &self.between(is_exact, extrapolates))?
            }
            InterpolationMethod::Nearest => {
                let nearest = self.wanted.iter().map(|wanted| self.nearest(*wanted));
                let taken = ops::gather(node, at, nearest.collect::<Vec<_>>())?;
                let taken = ops::cast(&taken, nearest_dtype(node.dtype()))?;
                match extrapolates {
                    true => taken,
                    false => self.filled(&taken, at, f64::NAN, |_| true)?,
                }
            }
            InterpolationMethod::Cubic => {
                let ordered = match &self.order {
                    Some(order) => ops::gather(node, at, order.as_slice())?,
                    None => node.clone(),
                };
                let (places, wanted) = (self.places.as_slice(), self.wanted.as_slice());
                ops::spline(&ordered, at, places, wanted, extrapolates)
                    .map_err(|error| error.in_variable(&self.dim))?
            }
        };
        let changed = match how.outside {
            Outside::Filled(below, above) => {
                let first = self.places[0];
                let changed = self.filled(&changed, at, below, |wanted| wanted < first)?;
                self.filled(&changed, at, above, |wanted| wanted >= first)?
            }
            _ => changed,
        };
        self.placed(variable, at, &changed)
    }

    /// Whether there is a label on both sides.
    fn is_inside(&self, wanted: f64) -> bool {
        self.places[0] <= wanted && wanted <= self.places[self.places.len() - 1]
    }

    /// Between which indices each new label lies.
    fn between(&self, is_exact: bool, extrapolates: bool) -> Between {
        let mut between = Between::default();
        let index = |at: usize| self.order.as_ref().map_or(at as u64, |order| order[at]);
        let last = self.places.len() - 1;
        for wanted in self.wanted.iter().copied() {
            let after = self.places.partition_point(|place| *place < wanted);
            let upper = after.clamp(1, last.max(1)).min(last);
            let lower = upper.saturating_sub(1);
            let is_met = after <= last && self.places[after] == wanted;
            let (lower, upper, fraction) = if !self.is_inside(wanted) && !extrapolates {
                (lower, lower, f64::NAN)
            } else if is_met && is_exact {
                (after, after, 0.0)
            } else {
                let (from, to) = (self.places[lower], self.places[upper]);
                (lower, upper, (wanted - from) / (to - from))
            };
            between.lower.push(index(lower));
            between.upper.push(index(upper));
            between.fraction.push(fraction);
        }
        between
    }

    /// The index of the closer label; in the middle the lower one.
    fn nearest(&self, wanted: f64) -> u64 {
        let last = self.places.len() - 1;
        let after = self
            .places
            .partition_point(|place| *place < wanted)
            .min(last);
        let lower = after.saturating_sub(1);
        let middle = self.places[lower] / 2.0 + self.places[after] / 2.0;
        let at = if wanted <= middle { lower } else { after };
        self.order.as_ref().map_or(at as u64, |order| order[at])
    }

    /// The index of the label that pandas finds nearest to each new one: in the middle the higher one.
    fn nearest_labels(&self) -> Vec<u64> {
        let last = self.places.len() - 1;
        let nearest = |wanted: &f64| {
            let after = self
                .places
                .partition_point(|place| place < wanted)
                .min(last);
            let lower = after.saturating_sub(1);
            let is_lower = wanted - self.places[lower] < self.places[after] - wanted;
            let at = if is_lower { lower } else { after };
            self.order.as_ref().map_or(at as u64, |order| order[at])
        };
        self.wanted.iter().map(nearest).collect()
    }

    /// The values, with `fill` at new labels outside of which `is_filled` holds.
    fn filled(
        &self,
        node: &NodeRef,
        at: usize,
        fill: f64,
        is_filled: impl Fn(f64) -> bool,
    ) -> Result<NodeRef> {
        let keeps = |wanted: &f64| self.is_inside(*wanted) || !is_filled(*wanted);
        let keeps: Vec<u8> = self
            .wanted
            .iter()
            .map(|wanted| u8::from(keeps(wanted)))
            .collect();
        if keeps.iter().all(|keeps| *keeps == 1) {
            return Ok(node.clone());
        }
        let keeps = Block::from_bytes(DType::Bool, vec![keeps.len()], &keeps)?;
        let keeps = ops::broadcast_axes(&ops::literal(keeps)?, node.shape(), &[at])?;
        let fill = ops::scalar(Scalar::from_f64(node.dtype(), fill))?;
        ops::select(&keeps, node, &fill)
    }

    /// `changed` with the dimensions of the new labels in the place of this one.
    fn placed(&self, variable: &Variable, at: usize, changed: &NodeRef) -> Result<Variable> {
        let mut dims = variable.dims.clone();
        let node = match self.dims.as_slice() {
            [dim] => {
                dims[at].clone_from(dim);
                changed.clone()
            }
            [] => {
                dims.remove(at);
                let whole = changed.shape().iter().map(|length| AxisIndex::all(*length));
                let mut picks: Vec<AxisIndex> = whole.collect();
                picks[at] = AxisIndex::At(0);
                ops::index(changed, &picks)?
            }
            several => {
                dims.splice(at..=at, several.iter().cloned());
                self.unfolded(changed, at)?
            }
        };
        Variable::new(dims, node, variable.attributes.clone())
    }

    /// The axis of the new labels, which lie in C order along it, as the axes they have.
    fn unfolded(&self, changed: &NodeRef, at: usize) -> Result<NodeRef> {
        let inner: u64 = self.shape[1..].iter().product();
        let rows = (0..self.shape[0]).map(|row| {
            let whole = changed.shape().iter().map(|length| AxisIndex::all(*length));
            let mut picks: Vec<AxisIndex> = whole.collect();
            picks[at] = AxisIndex::Range {
                start: row * inner,
                length: inner,
                step: 1,
            };
            ops::index(changed, &picks)
        });
        let rows = ops::stack(&rows.collect::<Result<Vec<_>>>()?, at)?;
        let rest = Self {
            dim: self.dim.clone(),
            order: None,
            places: Vec::new(),
            wanted: Vec::new(),
            dims: Vec::new(),
            shape: self.shape[1..].to_vec(),
        };
        if rest.shape.len() > 1 {
            return rest.unfolded(&rows, at + 1);
        }
        Ok(rows)
    }
}

fn is_time(one: &Variable, other: &Variable) -> bool {
    [one, other]
        .iter()
        .any(|variable| matches!(variable.dtype(), DType::Time(_)))
}

/// Labels as doubles, times counted from `base`.
fn numbers(block: &Block, base: i64, dim: &str) -> Result<Vec<f64>> {
    let number = |label: Scalar| match label.dtype() {
        DType::Time(_) => label
            .to_i64()
            .map_or(f64::NAN, |count| (count - base) as f64),
        _ => label.to_f64().unwrap_or(f64::NAN),
    };
    let dtype = block.dtype();
    if !dtype.is_numeric() && !matches!(dtype, DType::Time(_)) {
        return Err(Error::invalid(format!(
            "there is nothing between labels of `{dim}`, which are {dtype}"
        )));
    }
    Ok(block.scalars().map(number).collect())
}
