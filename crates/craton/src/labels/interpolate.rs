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
    /// What SciPy takes no value for: missing values along one dimension, at points what the pieces go on as.
    Unstated,
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
struct Axes {
    axes: Vec<Axis>,
    targets: Vec<NewLabels>,
}

/// One dimension: its labels in ascending order, and the new ones.
#[derive(Clone)]
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

impl Axes {
    fn new(
        sizes: &IndexMap<String, u64>,
        coords: &IndexMap<String, Variable>,
        targets: &[NewLabels],
        session: &Session,
    ) -> Result<Self> {
        let index = |dim: &String| coords.get(dim).filter(|coord| coord.dims == [dim.clone()]);
        check_labels(targets, index)?;
        let mut axes: Vec<Axis> = Vec::new();
        for (dim, target) in targets {
            let Some(length) = sizes.get(dim) else {
                let dims: Vec<String> = sizes.keys().cloned().collect();
                return Err(no_dimension(dim, &dims));
            };
            axes.push(Axis::new(
                dim,
                *length,
                index(dim),
                &target.variable,
                session,
            )?);
        }
        Ok(Self {
            axes,
            targets: targets.to_vec(),
        })
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
        for (dim, target) in &self.targets {
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
        for group in groups(&own) {
            let has = |dim: &String| changed.axis(dim).is_some();
            let has_own = |axis: &Axis| axis.dims.iter().any(|dim| *dim != axis.dim && has(dim));
            changed = match group.as_slice() {
                [axis] if !has_own(axis) => axis.change(&changed, how)?,
                several => at_points(several, &changed, how)?,
            };
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

/// That new labels lie at the same labels as the values, along dimensions that both have.
fn check_labels<'a>(
    targets: &[NewLabels],
    index: impl Fn(&String) -> Option<&'a Variable>,
) -> Result<()> {
    for (dim, target) in targets {
        for (along, labels) in &target.coords {
            let is_replaced = targets.iter().any(|(own, _)| own == along);
            let there = index(along).filter(|_| labels.dims == [along.clone()] && !is_replaced);
            if there.is_some_and(|there| there.node.hash() != labels.node.hash()) {
                let message = format!(
                    "the new labels of `{dim}` have other labels along `{along}` than the values"
                );
                return Err(Error::invalid(message).hint("select the same labels from both first"));
            }
        }
    }
    Ok(())
}

/// Axes whose new labels share dimensions, directly or by way of others: they change together.
fn groups<'a>(axes: &[&'a Axis]) -> Vec<Vec<&'a Axis>> {
    let mut groups: Vec<Vec<&Axis>> = Vec::new();
    for axis in axes {
        let shares = |group: &Vec<&Axis>| {
            let mut dims = group.iter().flat_map(|other| &other.dims);
            dims.any(|dim| axis.dims.contains(dim))
        };
        let (with, without): (Vec<_>, Vec<_>) = groups.into_iter().partition(shares);
        groups = without;
        groups.push(with.into_iter().flatten().chain([*axis]).collect());
    }
    groups
}

/// A variable that has all of these dimensions and numbers, at points: new labels that share dimensions with each other,
/// or with values that stay where they are along those.
fn at_points(axes: &[&Axis], variable: &Variable, how: Interpolation) -> Result<Variable> {
    let place = |dim: &str| variable.axis(dim).unwrap_or_default();
    let mut own: Vec<&Axis> = axes.to_vec();
    own.sort_by_key(|axis| place(&axis.dim));
    let mut sizes: IndexMap<String, u64> = IndexMap::new();
    for (dim, length) in own
        .iter()
        .flat_map(|axis| axis.dims.iter().zip(&axis.shape))
    {
        let is_own = own.iter().any(|axis| axis.dim == *dim);
        let there = variable.axis(dim).filter(|_| !is_own);
        let there = there.map(|at| variable.shape()[at]);
        let known = sizes.insert(dim.clone(), *length).or(there);
        if let Some(known) = known.filter(|known| known != length) {
            let message = format!("new labels along `{dim}` of the lengths {length} and {known}");
            return Err(Error::invalid(message));
        }
    }
    let spread: Vec<Axis> = own.iter().map(|axis| axis.spread(&sizes)).collect();
    let is_point = own.len() > 1;
    let outside = match how.outside {
        Outside::Unstated if is_point => Outside::Extrapolated,
        Outside::Unstated => Outside::Missing,
        Outside::Filled(below, above) if is_point && below.to_bits() != above.to_bits() => {
            let message = format!("points outside are filled with {below} and {above}");
            return Err(Error::invalid(message).hint("a point takes one `fill_value`"));
        }
        stated => stated,
    };
    // Each axis of the values that points are along, with where on it they lie.
    let mut all: Vec<(usize, Between)> = Vec::new();
    for axis in &spread {
        let extrapolates = outside == Outside::Extrapolated;
        let between = match how.method {
            InterpolationMethod::Linear if is_point => axis.between_points(extrapolates),
            InterpolationMethod::Linear => {
                let is_exact = is_exact(variable.dtype()) && !extrapolates;
                axis.between(is_exact, extrapolates)
            }
            InterpolationMethod::Nearest => {
                Between::exactly(axis.wanted.iter().map(|wanted| axis.nearest(*wanted)))
            }
            InterpolationMethod::Cubic => {
                let message = "splines at points, whose new labels share a dimension";
                return Err(Error::unsupported(message).hint("`method=\"linear\"` takes points"));
            }
        };
        all.push((place(&axis.dim), between));
    }
    // Values that have a dimension of the new labels stay where they are along it.
    for (dim, positions) in positions(&sizes) {
        let is_own = own.iter().any(|axis| axis.dim == dim);
        if let Some(at) = variable.axis(&dim).filter(|_| !is_own) {
            all.push((at, Between::exactly(positions)));
        }
    }
    let is_each = all.len() > own.len();
    all.sort_by_key(|(at, _)| *at);
    let (at, betweens): (Vec<usize>, Vec<Between>) = all.into_iter().unzip();
    let mut changed = match how.method {
        InterpolationMethod::Nearest => {
            let lists = betweens.into_iter().map(|between| Arc::from(between.lower));
            let taken = ops::points(&variable.node, &at, &lists.collect::<Vec<Arc<[u64]>>>())?;
            ops::cast(&taken, nearest_dtype(taken.dtype()))?
        }
        _ => ops::interpolate_points(&variable.node, &at, &betweens)?,
    };
    if is_each && variable.dtype().is_float() {
        // xarray goes through such values one by one, into an array of their own type.
        changed = ops::cast(&changed, variable.dtype())?;
    }
    for axis in &spread {
        changed = axis.with_outside(&changed, at[0], Interpolation { outside, ..how })?;
    }
    let is_left = |axis: &usize| !at[1..].contains(axis);
    let dims = variable.dims.iter().enumerate();
    let dims = dims.filter(|(axis, _)| is_left(axis));
    let dims = dims.map(|(_, dim)| dim.clone()).collect();
    let left = Variable::new(dims, changed.clone(), variable.attributes.clone())?;
    let placed = spread[0].placed(&left, at[0], &changed)?;
    // New dimensions stand where the first of their labels was.
    let mut order: Vec<String> = Vec::new();
    for dim in &variable.dims {
        let axis = own.iter().find(|axis| axis.dim == *dim);
        let dims = axis.map_or(std::slice::from_ref(dim), |axis| axis.dims.as_slice());
        let new: Vec<String> = dims
            .iter()
            .filter(|dim| !order.contains(dim))
            .cloned()
            .collect();
        order.extend(new);
    }
    placed.transposed(&order)
}

/// For each dimension where along it the elements of an array of these sizes lie, in C order.
fn positions(sizes: &IndexMap<String, u64>) -> impl Iterator<Item = (String, Vec<u64>)> {
    let count: u64 = sizes.values().product();
    sizes.iter().enumerate().map(move |(axis, (dim, length))| {
        let inner: u64 = sizes.values().skip(axis + 1).product();
        let along = (0..count).map(|at| at / inner.max(1) % length.max(&1));
        (dim.clone(), along.collect())
    })
}

/// Whether SciPy leaves lines through values of `dtype` along one axis to NumPy, which looks at one value only where a
/// label is met exactly.
fn is_exact(dtype: DType) -> bool {
    dtype == DType::Float64 || dtype.is_integer()
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
                let is_exact = node.shape().len() == 1 && is_exact(node.dtype()) && !extrapolates;
                ops::interpolate(node, at, &self.between(is_exact, extrapolates))?
            }
            InterpolationMethod::Nearest => {
                let nearest = self.wanted.iter().map(|wanted| self.nearest(*wanted));
                let taken = ops::gather(node, at, nearest.collect::<Vec<_>>())?;
                ops::cast(&taken, nearest_dtype(node.dtype()))?
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
        let changed = self.with_outside(&changed, at, how)?;
        self.placed(variable, at, &changed)
    }

    /// The same with new labels for every element of an array of these sizes.
    fn spread(&self, sizes: &IndexMap<String, u64>) -> Self {
        let count: u64 = sizes.values().product();
        let mut places = vec![0; usize::try_from(count).unwrap_or_default()];
        for (dim, positions) in positions(sizes) {
            if let Some(axis) = self.dims.iter().position(|own| *own == dim) {
                let stride: u64 = self.shape[axis + 1..].iter().product();
                for (place, position) in places.iter_mut().zip(positions) {
                    *place += position * stride;
                }
            }
        }
        Self {
            wanted: places
                .iter()
                .map(|place| self.wanted[*place as usize])
                .collect(),
            dims: sizes.keys().cloned().collect(),
            shape: sizes.values().copied().collect(),
            ..self.clone()
        }
    }

    /// The values, with what stands at new labels outside.
    fn with_outside(&self, changed: &NodeRef, at: usize, how: Interpolation) -> Result<NodeRef> {
        let is_nearest = how.method == InterpolationMethod::Nearest;
        match how.outside {
            Outside::Missing | Outside::Unstated if is_nearest => {
                self.filled(changed, at, f64::NAN, |_| true)
            }
            // Lines and splines are missing there already, or go on.
            Outside::Missing | Outside::Unstated | Outside::Extrapolated => Ok(changed.clone()),
            Outside::Filled(below, above) => {
                let first = self.places[0];
                let changed = self.filled(changed, at, below, |wanted| wanted < first)?;
                self.filled(&changed, at, above, |wanted| wanted >= first)
            }
        }
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

    /// As [`Axis::between`], for points, of which SciPy looks at the label and the one above it where one is met exactly.
    fn between_points(&self, extrapolates: bool) -> Between {
        let mut between = Between::default();
        let index = |at: usize| self.order.as_ref().map_or(at as u64, |order| order[at]);
        let last = self.places.len() - 1;
        for wanted in self.wanted.iter().copied() {
            let above = self.places.partition_point(|place| *place <= wanted);
            let upper = above.clamp(1, last.max(1)).min(last);
            let lower = upper.saturating_sub(1);
            let (from, to) = (self.places[lower], self.places[upper]);
            let is_known = self.is_inside(wanted) || extrapolates;
            let fraction = if !is_known {
                f64::NAN
            } else if lower == upper {
                0.0
            } else {
                (wanted - from) / (to - from)
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
