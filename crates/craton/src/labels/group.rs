//! Groups of labels: by parts of dates, or by a coordinate's values.

use super::stack::{Mixture, split_axis};
use super::{
    DataArray, Dataset, Fill, Operand, ReduceArguments, Variable, binary, missing, missing_dtype,
};
use crate::calendar::{Component, component, season};
use crate::session::Session;
use craton_core::{Attributes, Block, Buffer, DType, Error, Result, Scalar, Strings};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_plan::NodeRef;
use craton_plan::ops::{self, ReduceOptions};
use indexmap::IndexMap;
use std::sync::Arc;

/// An array or dataset split along one dimension.
#[derive(Clone, Debug)]
pub struct GroupBy<T> {
    /// What is split.
    pub object: T,
    /// How.
    pub key: GroupKey,
}

/// Which group each index of a dimension belongs to.
#[derive(Clone, Debug)]
pub struct GroupKey {
    /// The name of the groups' own dimension.
    pub name: String,
    /// The dimension that is split.
    pub dim: String,
    /// The dimensions that are one, `dim`, while they are split together; none where one is split by itself.
    pub stacked: Vec<(String, u64)>,
    /// The group of each index; negative for none.
    pub codes: Arc<[i64]>,
    /// The label of each group, or of each value of the first of several keys.
    pub labels: Variable,
    /// The labels of further keys; a group is one combination of labels then, the last key's running fastest.
    pub further: Vec<Variable>,
    /// Whether the groups are steps of time.
    pub is_resampled: bool,
}

impl GroupKey {
    /// Groups of the values of `coord`: `name` as in `time.month` takes a part of dates. Several dimensions of a
    /// coordinate, such as a mask of regions, are split together.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if the coordinate has no dimension or no such part.
    pub fn new(
        coord_name: &str,
        part: Option<&str>,
        coord: &Variable,
        session: &Session,
    ) -> Result<Self> {
        let (dim, stacked) = split_dims(coord_name, coord)?;
        let values = coord.values(session)?;
        let values = match part {
            Some(part) => date_part(&values, coord.dtype(), part)?,
            None => values,
        };
        let name = part.unwrap_or(coord_name).to_owned();
        let (codes, labels) = factorise(&values)?;
        // A part of dates is another quantity than the dates, of which their attributes speak.
        let attributes = if part.is_some() {
            Attributes::new()
        } else {
            coord.attributes.clone()
        };
        let labels = Variable::of_block(vec![name.clone()], labels, attributes)?;
        Ok(Self {
            name,
            dim,
            stacked,
            codes: codes.into(),
            labels,
            further: Vec::new(),
            is_resampled: false,
        })
    }

    /// Groups of every combination of labels of several keys. Where they run along different dimensions, all of these are
    /// split together.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] for dimensions of too many points.
    pub fn of_several(keys: &[Self]) -> Result<Self> {
        let Some((first, others)) = keys.split_first() else {
            return Err(Error::usage("groups by nothing"));
        };
        let mut all = first.clone();
        if others.is_empty() {
            return Ok(all);
        }
        let mut sizes: IndexMap<String, u64> = IndexMap::new();
        sizes.extend(keys.iter().flat_map(Self::split));
        let mixture = Mixture::new(sizes.into_iter().collect())?;
        if let [(dim, _)] = mixture.dims.as_slice() {
            all.dim.clone_from(dim);
        } else {
            all.dim = stacked_name(&mixture.dims);
            all.stacked.clone_from(&mixture.dims);
        }
        let mut codes: Option<Vec<i64>> = None;
        for key in keys {
            let own: Vec<u64> = key.codes.iter().map(|code| code.cast_unsigned()).collect();
            let own = mixture.spread(&key.split(), &own)?;
            let own = own.iter().map(|code| code.cast_signed());
            let count = key.count() as i64;
            codes = Some(match codes {
                None => own.collect(),
                Some(before) => {
                    let both = before.into_iter().zip(own);
                    both.map(|(one, other)| match (one, other) {
                        (one, other) if one < 0 || other < 0 => -1,
                        (one, other) => one * count + other,
                    })
                    .collect()
                }
            });
        }
        all.codes = codes.unwrap_or_default().into();
        all.further = others.iter().map(|key| key.labels.clone()).collect();
        Ok(all)
    }

    /// The dimensions that are split.
    fn split(&self) -> Vec<(String, u64)> {
        match self.stacked.as_slice() {
            [] => vec![(self.dim.clone(), self.codes.len() as u64)],
            several => several.to_vec(),
        }
    }

    /// Groups of values between edges; `labels` name them.
    ///
    /// # Errors
    /// As [`GroupKey::new`].
    pub fn binned(
        name: &str,
        coord: &Variable,
        edges: &[f64],
        labels: Variable,
        is_right: bool,
        includes_lowest: bool,
        session: &Session,
    ) -> Result<Self> {
        let (dim, stacked) = split_dims(name, coord)?;
        let code = |value: f64| {
            let before = if is_right {
                edges.partition_point(|edge| *edge < value)
            } else {
                edges.partition_point(|edge| *edge <= value)
            };
            let is_first = is_right && includes_lowest && edges.first() == Some(&value);
            match before as i64 - 1 {
                _ if is_first => 0,
                _ if value.is_nan() => -1,
                bin if bin + 1 >= edges.len() as i64 => -1,
                bin => bin,
            }
        };
        let values = coord.values(session)?;
        let numbers: Option<Vec<f64>> = values.scalars().map(|one| one.to_f64()).collect();
        let numbers =
            numbers.ok_or_else(|| Error::invalid(format!("`{name}` holds no numbers to bin")))?;
        let codes: Vec<i64> = numbers.into_iter().map(code).collect();
        Ok(Self {
            name: labels.dims[0].clone(),
            dim,
            stacked,
            codes: codes.into(),
            labels,
            further: Vec::new(),
            is_resampled: false,
        })
    }

    pub(super) fn count(&self) -> usize {
        let length = |labels: &Variable| labels.shape().first().map_or(0, |one| *one as usize);
        let further: usize = self.further.iter().map(length).product();
        length(&self.labels) * further
    }

    /// For each group, whether some index belongs to it.
    pub(super) fn is_occupied(&self) -> Vec<bool> {
        let mut is_occupied = vec![false; self.count()];
        for code in self.codes.iter() {
            let place = usize::try_from(*code).ok();
            if let Some(place) = place.and_then(|place| is_occupied.get_mut(place)) {
                *place = true;
            }
        }
        is_occupied
    }

    /// The dimension of combinations as one dimension a key.
    pub(super) fn by_key(&self, variable: &Variable) -> Result<Variable> {
        let axis = variable
            .axis(&self.name)
            .ok_or_else(|| Error::internal("groups without their dimension"))?;
        let levels = || std::iter::once(&self.labels).chain(&self.further);
        let lengths: Vec<u64> = levels().map(|level| level.shape()[0]).collect();
        let node = split_axis(&variable.node, axis, &lengths)?;
        let names = levels().map(|level| level.dims[0].clone());
        let mut dims = variable.dims.clone();
        dims.splice(axis..=axis, names);
        Variable::new(dims, node, variable.attributes.clone())
    }
}

/// The dimension that groups of `coord` split, and those that are stacked for it.
fn split_dims(name: &str, coord: &Variable) -> Result<(String, Vec<(String, u64)>)> {
    match coord.dims.as_slice() {
        [] => Err(Error::invalid(format!(
            "groups by `{name}`, which is one value"
        ))),
        [dim] => Ok((dim.clone(), Vec::new())),
        _ => {
            let sizes = coord.sizes().map(|(dim, length)| (dim.to_owned(), length));
            let sizes: Vec<(String, u64)> = sizes.collect();
            Ok((stacked_name(&sizes), sizes))
        }
    }
}

/// The name that xarray gives to dimensions that it stacks for itself.
fn stacked_name(sizes: &[(String, u64)]) -> String {
    let names: Vec<&str> = sizes.iter().map(|(dim, _)| dim.as_str()).collect();
    format!("stacked_{}", names.join("_"))
}

/// The part `part` of every date.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the values are no dates or there is no such part.
pub fn date_part(values: &Block, dtype: DType, part: &str) -> Result<Block> {
    let DType::Time(time) = dtype else {
        return Err(Error::invalid(format!(
            "`.{part}` of {dtype} values, which are no dates"
        )));
    };
    let shape = values.shape().to_vec();
    let counts: Vec<i64> = values
        .scalars()
        .filter_map(|scalar| scalar.to_i64())
        .collect();
    if part == "season" {
        let season = |count: &i64| {
            component(*count, time, Component::Month).map_or("nan", |month| season(month as u8))
        };
        let names: Vec<&str> = counts.iter().map(season).collect();
        return Block::strings(
            DType::Utf8,
            shape,
            Strings::from_items(names.iter().map(|name| name.as_bytes())),
        );
    }
    let which = Component::from_name(part).ok_or_else(|| {
        let names: Vec<&str> = Component::names().collect();
        Error::usage(format!("dates have no part `{part}`"))
            .hint(format!("there are {}", names.join(", ")))
    })?;
    let numbers: Vec<u8> = counts
        .iter()
        .flat_map(|count| component(*count, time, which).unwrap_or(-1).to_ne_bytes())
        .collect();
    Block::dense(DType::Int64, shape, Buffer::copy_of(&numbers)?)
}

/// A code per value, and the distinct values in ascending order, or in their own where that is a strict descent.
/// Missing values get -1.
fn factorise(values: &Block) -> Result<(Vec<i64>, Block)> {
    let scalars: Vec<Scalar> = values.scalars().collect();
    let is_missing = |scalar: &Scalar| scalar.is_missing();
    let descends = scalars
        .windows(2)
        .all(|pair| compare(&pair[0], &pair[1]).is_gt());
    if descends && !scalars.iter().any(is_missing) {
        return Ok(((0..scalars.len() as i64).collect(), values.clone()));
    }
    let mut distinct: Vec<&Scalar> = scalars
        .iter()
        .filter(|scalar| !is_missing(scalar))
        .collect();
    distinct.sort_by(|one, other| compare(one, other));
    distinct.dedup();
    let code = |scalar: &Scalar| match is_missing(scalar) {
        true => -1,
        false => distinct.partition_point(|other| compare(other, scalar).is_lt()) as i64,
    };
    let codes = scalars.iter().map(code).collect();
    let labels = if values.dtype().is_variable() {
        let strings = Strings::from_items(distinct.iter().map(|scalar| scalar.bytes()));
        Block::strings(values.dtype(), vec![distinct.len()], strings)?
    } else {
        let bytes: Vec<u8> = distinct
            .iter()
            .flat_map(|scalar| scalar.bytes())
            .copied()
            .collect();
        Block::from_bytes(values.dtype(), vec![distinct.len()], &bytes)?
    };
    Ok((codes, labels))
}

/// The order of two scalars: of numbers by value, of others by their bytes.
pub(super) fn compare(one: &Scalar, other: &Scalar) -> std::cmp::Ordering {
    match (one.to_i64(), other.to_i64()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => match (one.to_f64(), other.to_f64()) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => one.bytes().cmp(other.bytes()),
        },
    }
}

impl GroupBy<DataArray> {
    /// One value per group, along the groups' dimensions in place of the split one.
    ///
    /// # Missing values
    /// As in [`DataArray::reduce`]; where some group holds no index at all, a group without valid values is missing
    /// whatever the reduction.
    /// # Errors
    /// As [`DataArray::reduce`].
    pub fn reduce(&self, reduction: Reduction, arguments: &ReduceArguments) -> Result<DataArray> {
        if !self.key.stacked.is_empty() {
            return self.flat(arguments)?.reduce(
                reduction,
                &ReduceArguments {
                    dims: None,
                    ..arguments.clone()
                },
            );
        }
        let dim = &self.key.dim;
        let own = &self.object.variable;
        let axis = self.object.axis(dim)?;
        let others: Vec<String> = arguments
            .dims
            .iter()
            .flatten()
            .filter(|other| *other != dim)
            .cloned()
            .collect();
        let node = if others.is_empty() {
            self.reduced(reduction, &own.node, axis, arguments)?
        } else {
            self.reduced_over(reduction, axis, &others, arguments)?
        };
        let mut dims: Vec<String> = own.dims.clone();
        let kept_axis = own.dims[..axis]
            .iter()
            .filter(|dim| !others.contains(dim))
            .count();
        dims.retain(|dim| !others.contains(dim));
        dims[kept_axis] = self.key.name.clone();
        let attributes = match arguments.keep_attrs {
            Some(false) => Attributes::new(),
            _ => own.attributes.clone(),
        };
        let reduced = Variable::new(dims, node, attributes)?;
        self.labelled(reduced)
    }

    /// The same groups of an array in which the dimensions that are split together are one.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] if other dimensions are to be reduced than those that are split.
    pub(super) fn flat(&self, arguments: &ReduceArguments) -> Result<Self> {
        let key = &self.key;
        let is_split = |dim: &String| key.stacked.iter().any(|(own, _)| own == dim);
        if let Some(dims) = &arguments.dims {
            let is_all = key.stacked.iter().all(|(own, _)| dims.contains(own));
            if !is_all || !dims.iter().all(is_split) {
                let message = format!("groups along {:?} reduced over {dims:?}", self.dims_split());
                return Err(Error::unsupported(message)
                    .hint("leave `dim` out, and reduce other dimensions in a step of their own"));
            }
        }
        let mixture = Mixture::new(key.stacked.clone())?;
        let mut object = self.object.clone();
        object.variable = mixture.stacked(&self.object.variable, &key.dim)?;
        object
            .coords
            .retain(|_, coord| !coord.dims.iter().any(is_split));
        let key = GroupKey {
            stacked: Vec::new(),
            ..key.clone()
        };
        Ok(Self { object, key })
    }

    fn dims_split(&self) -> Vec<&str> {
        let names = self.key.stacked.iter().map(|(dim, _)| dim.as_str());
        names.collect()
    }

    /// What the groups gave, with its labels; several keys make a dimension each.
    pub(super) fn labelled(&self, reduced: Variable) -> Result<DataArray> {
        let key = &self.key;
        let mut array = self.object.clone();
        array
            .coords
            .retain(|_, coord| coord.axis(&key.dim).is_none());
        let mut array = array.with_variable(key.by_key(&reduced)?);
        for labels in std::iter::once(&key.labels).chain(&key.further) {
            array.coords.insert(labels.dims[0].clone(), labels.clone());
        }
        Ok(array)
    }

    fn reduced(
        &self,
        reduction: Reduction,
        node: &NodeRef,
        axis: usize,
        arguments: &ReduceArguments,
    ) -> Result<NodeRef> {
        let (codes, count) = (&self.key.codes, self.key.count());
        let mut options = arguments.options(node.dtype());
        let is_occupied = self.key.is_occupied();
        if is_occupied.iter().all(|one| *one) {
            return ops::group_reduce(reduction, node, axis, codes.clone(), count, options);
        }
        // Groups without any index are put in after: the engine folds only those that have some.
        let mut places: Vec<Option<u64>> = Vec::new();
        let mut next = 0;
        for is_occupied in &is_occupied {
            places.push(is_occupied.then_some(next));
            next += u64::from(*is_occupied);
        }
        let compact = |code: &i64| match usize::try_from(*code).ok().and_then(|at| places.get(at)) {
            Some(Some(place)) => *place as i64,
            _ => -1,
        };
        let codes: Vec<i64> = codes.iter().map(compact).collect();
        if matches!(reduction, Reduction::Sum | Reduction::Prod) {
            options.min_count = options.min_count.max(1);
        }
        let mut reduced = ops::group_reduce(reduction, node, axis, codes, next as usize, options)?;
        let kind = missing_dtype(reduced.dtype());
        if reduction == Reduction::Count {
            let zero = ops::scalar(Scalar::zero(reduced.dtype()))?;
            let some = ops::binary(Binary::NotEqual, &reduced, &zero)?;
            let nothing = ops::scalar(missing(kind))?;
            reduced = ops::select(&some, &ops::cast(&reduced, kind)?, &nothing)?;
        }
        let dims: Vec<String> = (0..reduced.shape().len())
            .map(|at| at.to_string())
            .collect();
        let variable = Variable::new(dims, reduced, Attributes::new())?;
        let filled = variable.at_places(&axis.to_string(), &places, &Fill::Missing)?;
        Ok(filled.node)
    }

    /// Groups over the split dimension and others beside it.
    fn reduced_over(
        &self,
        reduction: Reduction,
        axis: usize,
        others: &[String],
        arguments: &ReduceArguments,
    ) -> Result<NodeRef> {
        let own = &self.object.variable;
        let axes: Vec<usize> = others
            .iter()
            .map(|dim| self.object.axis(dim))
            .collect::<Result<_>>()?;
        let after = axis - axes.iter().filter(|other| **other < axis).count();
        let skips = arguments.options(own.dtype()).skip_missing;
        let fold = |reduction: Reduction, node: &NodeRef| {
            let options = ReduceOptions {
                skip_missing: skips,
                ..ReduceOptions::default()
            };
            ops::reduce(reduction, node, &axes, options)
        };
        let group = |reduction: Reduction, node: &NodeRef| {
            let arguments = ReduceArguments {
                dims: None,
                ..arguments.clone()
            };
            self.reduced(reduction, node, after, &arguments)
        };
        match reduction {
            Reduction::Sum if arguments.min_count == 0 => {
                group(Reduction::Sum, &fold(Reduction::Sum, &own.node)?)
            }
            Reduction::Min | Reduction::Max | Reduction::Any | Reduction::All => {
                group(reduction, &fold(reduction, &own.node)?)
            }
            Reduction::Count => group(Reduction::Sum, &fold(Reduction::Count, &own.node)?),
            Reduction::Mean => {
                let wide = ops::cast(&own.node, DType::Float64)?;
                let sum = group(Reduction::Sum, &fold(Reduction::Sum, &wide)?)?;
                let valid = if skips {
                    own.node.clone()
                } else {
                    // Every value counts, missing ones too.
                    ops::full(Scalar::zero(DType::Float64), own.shape())?
                };
                let count = group(Reduction::Sum, &fold(Reduction::Count, &valid)?)?;
                let mean = ops::binary(Binary::Divide, &sum, &count)?;
                let dtype = if own.dtype().is_float() {
                    own.dtype()
                } else {
                    DType::Float64
                };
                ops::cast(&mean, dtype)
            }
            _ => Err(Error::unsupported(format!(
                "a grouped `{}` over further dimensions",
                reduction.name()
            ))
            .hint("reduce the other dimensions in a step of their own")),
        }
    }

    /// Each value with its group's value of `other`: `x.groupby("time.month") - climatology`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if `other` lacks the groups' dimension or some group's label.
    pub fn binary(
        &self,
        function: Binary,
        other: &DataArray,
        is_reversed: bool,
        session: &Session,
    ) -> Result<DataArray> {
        let GroupKey {
            name,
            dim,
            codes,
            labels,
            further,
            ..
        } = &self.key;
        if !further.is_empty() {
            return Err(Error::unsupported("arithmetic of groups by several keys"));
        }
        let axis = other.axis(name)?;
        let index = other.index(name).ok_or_else(|| {
            Error::invalid(format!("the right side has no labels along `{name}`"))
        })?;
        let theirs: Vec<Scalar> = index.values(session)?.scalars().collect();
        let ours: Vec<Scalar> = labels.values(session)?.scalars().collect();
        let places: Option<Vec<u64>> = ours
            .iter()
            .map(|label| {
                theirs
                    .iter()
                    .position(|their| compare(their, label).is_eq())
                    .map(|place| place as u64)
            })
            .collect();
        let places = places.ok_or_else(|| {
            Error::invalid(format!("the right side lacks some labels of `{name}`"))
        })?;
        let taken: Option<Vec<u64>> = codes
            .iter()
            .map(|code| usize::try_from(*code).ok().map(|code| places[code]))
            .collect();
        let taken = taken.ok_or_else(|| {
            Error::invalid(format!("some `{dim}` belong to no group of `{name}`"))
        })?;
        let mut order: Vec<String> = other.dims().to_vec();
        order.retain(|other| other != name);
        let node = ops::gather(&other.variable.node, axis, taken)?;
        let mut dims = other.dims().to_vec();
        dims[axis].clone_from(dim);
        let taken = Variable::new(dims, node, other.variable.attributes.clone())?;
        let codes: Vec<u64> = codes
            .iter()
            .map(|code| u64::try_from(*code).unwrap_or(0))
            .collect();
        let group_label = Variable::new(
            vec![dim.clone()],
            ops::gather(&labels.node, 0, codes)?,
            labels.attributes.clone(),
        )?;
        let (taken, group_label) = match self.key.stacked.as_slice() {
            [] => (taken, group_label),
            several => {
                let mixture = Mixture::new(several.to_vec())?;
                order.push(dim.clone());
                let last = taken.transposed(&order)?;
                (mixture.unstacked(&last)?, mixture.unstacked(&group_label)?)
            }
        };
        let mut spread = other.with_variable(taken);
        if let Some(time) = self.object.index(dim) {
            spread.coords.insert(dim.clone(), time.clone());
        }
        let (left, right) = (Operand::Array(self.object.clone()), Operand::Array(spread));
        let mut result = if is_reversed {
            binary(function, &right, &left)?
        } else {
            binary(function, &left, &right)?
        };
        // xarray leaves the group of each index as a coordinate.
        if name != dim {
            result.coords.insert(name.clone(), group_label);
        }
        result.name = self
            .object
            .name
            .clone()
            .filter(|name| Some(name) == other.name.as_ref());
        Ok(result)
    }
}

impl GroupBy<Dataset> {
    /// One value per group for every variable along the split dimension.
    ///
    /// # Errors
    /// As [`DataArray::reduce`].
    pub fn reduce(&self, reduction: Reduction, arguments: &ReduceArguments) -> Result<Dataset> {
        self.map_groups(|groups| groups.reduce(reduction, arguments))
    }

    /// Applies `change` to the groups of every variable along the split dimension; others stay.
    pub(super) fn map_groups(
        &self,
        change: impl Fn(&GroupBy<DataArray>) -> Result<DataArray>,
    ) -> Result<Dataset> {
        let dims: Vec<String> = self.key.split().into_iter().map(|(dim, _)| dim).collect();
        self.object.map_arrays(&dims, |array| {
            if !dims.iter().any(|dim| array.variable.axis(dim).is_some()) {
                return Ok(array.clone());
            }
            change(&GroupBy {
                object: array.clone(),
                key: self.key.clone(),
            })
        })
    }
}
