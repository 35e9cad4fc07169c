//! Groups of labels: by parts of dates, or by a coordinate's values.

use super::{DataArray, Dataset, Operand, ReduceArguments, Variable, binary};
use crate::calendar::{Component, component, season};
use crate::session::Session;
use craton_core::{Attributes, Block, Buffer, DType, Error, Result, Scalar, Strings};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_plan::ops;
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
    /// The group of each index; negative for none.
    pub codes: Arc<[i64]>,
    /// The label of each group.
    pub labels: Variable,
}

impl GroupKey {
    /// Groups of the values of `coord`, which runs along one dimension: `name` as in `time.month` takes a part of dates.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if the coordinate is not one-dimensional or has no such part.
    pub fn new(
        coord_name: &str,
        part: Option<&str>,
        coord: &Variable,
        session: &Session,
    ) -> Result<Self> {
        let [dim] = coord.dims.as_slice() else {
            return Err(Error::unsupported(format!(
                "groups by `{coord_name}`, which has {} dimensions",
                coord.dims.len()
            )));
        };
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
            dim: dim.clone(),
            codes: codes.into(),
            labels,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.labels
            .shape()
            .first()
            .map_or(0, |length| *length as usize)
    }
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

fn compare(one: &Scalar, other: &Scalar) -> std::cmp::Ordering {
    match (one.to_i64(), other.to_i64()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => match (one.to_f64(), other.to_f64()) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => one.bytes().cmp(other.bytes()),
        },
    }
}

impl GroupBy<DataArray> {
    /// One value per group, along the groups' dimension in place of the split one.
    ///
    /// # Errors
    /// As [`DataArray::reduce`].
    pub fn reduce(&self, reduction: Reduction, arguments: &ReduceArguments) -> Result<DataArray> {
        let GroupKey {
            name,
            dim,
            codes,
            labels,
        } = &self.key;
        let axis = self.object.axis(dim)?;
        let options = arguments.options(self.object.variable.dtype());
        let node = ops::group_reduce(
            reduction,
            &self.object.variable.node,
            axis,
            codes.clone(),
            self.key.count(),
            options,
        )?;
        let mut dims = self.object.dims().to_vec();
        dims[axis] = name.clone();
        let attributes = match arguments.keep_attrs {
            Some(false) => Attributes::new(),
            _ => self.object.variable.attributes.clone(),
        };
        let mut array = self
            .object
            .with_variable(Variable::new(dims.clone(), node, attributes)?);
        array.coords.insert(name.clone(), labels.clone());
        // Other dimensions of the reduction are folded after the groups.
        let others: Vec<String> = arguments
            .dims
            .iter()
            .flatten()
            .filter(|other| *other != dim)
            .cloned()
            .collect();
        if others.is_empty() {
            return Ok(array);
        }
        if !matches!(
            reduction,
            Reduction::Sum | Reduction::Min | Reduction::Max | Reduction::Any | Reduction::All
        ) {
            return Err(Error::unsupported(format!(
                "a grouped `{}` over further dimensions",
                reduction.name()
            ))
            .hint("reduce the other dimensions in a step of their own"));
        }
        array.reduce(
            reduction,
            &ReduceArguments {
                dims: Some(others),
                ..arguments.clone()
            },
        )
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
        } = &self.key;
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
        let mut dims = other.dims().to_vec();
        dims[axis] = dim.clone();
        let node = ops::gather(&other.variable.node, axis, taken.clone())?;
        let mut spread = other.with_variable(Variable::new(
            dims,
            node,
            other.variable.attributes.clone(),
        )?);
        let group_label = Variable::new(
            vec![dim.clone()],
            ops::gather(&labels.node, 0, {
                let codes: Vec<u64> = codes
                    .iter()
                    .map(|code| u64::try_from(*code).unwrap_or(0))
                    .collect();
                codes
            })?,
            Attributes::new(),
        );
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
            result.coords.insert(name.clone(), group_label?);
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
        self.object
            .map_arrays(std::slice::from_ref(&self.key.dim), |array| {
                if array.variable.axis(&self.key.dim).is_none() {
                    return Ok(array.clone());
                }
                change(&GroupBy {
                    object: array.clone(),
                    key: self.key.clone(),
                })
            })
    }
}
