//! Bringing datasets to the same labels: by any join, or to labels that are given.

use super::group::compare;
use super::places::block_of;
use super::{Dataset, Distance, Fill, Label, Method, Variable, find_places};
use crate::session::Session;
use craton_core::{Attributes, DType, Error, Result, Scalar};
use craton_kernels::promote::promote;
use std::collections::HashMap;

/// Which labels stay where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// None may differ.
    Exact,
    /// Those of all, in the first one's order.
    Inner,
    /// Those of any, in ascending order.
    Outer,
    /// The first one's.
    Left,
    /// The last one's.
    Right,
    /// The first one's in place of all others, which must have as many.
    Override,
}

impl Join {
    /// The join that xarray calls `name`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] with the names there are.
    pub fn from_name(name: &str) -> Result<Self> {
        Ok(match name {
            "exact" => Self::Exact,
            "inner" => Self::Inner,
            "outer" => Self::Outer,
            "left" => Self::Left,
            "right" => Self::Right,
            "override" => Self::Override,
            other => {
                return Err(Error::usage(format!("no join is called `{other}`"))
                    .hint("there are exact, inner, outer, left, right and override"));
            }
        })
    }
}

/// A label as a key for looking up: numbers by value whatever their type, others by their bytes.
fn key(scalar: &Scalar) -> Vec<u8> {
    match scalar.to_f64() {
        Some(value) if scalar.dtype().is_numeric() => (value + 0.0).to_ne_bytes().to_vec(),
        _ => scalar.bytes().to_vec(),
    }
}

/// Datasets with the same labels along every dimension but `excluded` ones.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where lengths differ without labels, labels differ under
/// [`Join::Exact`], or nothing is in common under [`Join::Inner`].
pub fn align_datasets(
    datasets: &[Dataset],
    join: Join,
    excluded: &[String],
    fill: &Fill,
    session: &Session,
) -> Result<Vec<Dataset>> {
    let mut aligned = datasets.to_vec();
    let mut dims: Vec<String> = Vec::new();
    for dataset in datasets {
        let further = dataset.sizes().into_keys();
        let is_new = |dim: &String| !dims.contains(dim) && !excluded.contains(dim);
        let further: Vec<String> = further.filter(is_new).collect();
        dims.extend(further);
    }
    for dim in dims {
        align_dim(&mut aligned, &dim, join, fill, session)?;
    }
    Ok(aligned)
}

fn align_dim(
    datasets: &mut [Dataset],
    dim: &str,
    join: Join,
    fill: &Fill,
    session: &Session,
) -> Result<()> {
    let sizes: Vec<Option<u64>> = datasets
        .iter()
        .map(|dataset| dataset.sizes().get(dim).copied())
        .collect();
    let indexed: Vec<usize> = (0..datasets.len())
        .filter(|at| datasets[*at].index(dim).is_some())
        .collect();
    let conflict = || {
        let lengths: Vec<u64> = sizes.iter().flatten().copied().collect();
        Error::invalid(format!(
            "dimension `{dim}` has lengths {lengths:?} and not all have labels to match"
        ))
    };
    let Some(first) = indexed.first() else {
        let mut lengths = sizes.iter().flatten();
        let one = lengths.next();
        return if lengths.all(|length| Some(length) == one) {
            Ok(())
        } else {
            Err(conflict())
        };
    };
    let mut labels = Vec::new();
    for at in &indexed {
        if let Some(index) = datasets[*at].index(dim) {
            labels.push(index.values(session)?.scalars().collect::<Vec<Scalar>>());
        }
    }
    let keys: Vec<Vec<Vec<u8>>> = labels
        .iter()
        .map(|labels| labels.iter().map(key).collect())
        .collect();
    let first_index = datasets[*first].index(dim).cloned();
    let Some(first_index) = first_index else {
        return Ok(());
    };
    let is_equal = keys[1..].iter().all(|other| *other == keys[0]);
    let target = if is_equal {
        None
    } else {
        joined(dim, join, &labels, &keys, datasets, &indexed)?
    };
    let length = target
        .as_ref()
        .map_or(first_index.shape()[0], |(_, scalars)| scalars.len() as u64);
    let is_free = |at: &usize| !indexed.contains(at);
    if let Some(at) = (0..datasets.len())
        .filter(is_free)
        .find(|at| sizes[*at].is_some_and(|size| size != length))
    {
        return Err(conflict().hint(format!(
            "give number {at} of them labels with `.assign_coords({dim}=…)`"
        )));
    }
    let Some((index, scalars)) = target else {
        if join == Join::Override && !is_equal {
            for at in indexed {
                datasets[at]
                    .coords
                    .insert(dim.to_owned(), first_index.clone());
            }
        }
        return Ok(());
    };
    let wanted: Vec<Vec<u8>> = scalars.iter().map(key).collect();
    for (at, own) in indexed.iter().zip(&keys) {
        if *own == wanted {
            continue;
        }
        let places = places_of(dim, own, &wanted)?;
        let mut moved = datasets[*at].at_places(dim, &places, fill)?;
        let attributes = datasets[*at]
            .index(dim)
            .map_or_else(Attributes::new, |own| own.attributes.clone());
        let mut index = index.clone();
        index.attributes = attributes;
        moved.coords.insert(dim.to_owned(), index);
        datasets[*at] = moved;
    }
    Ok(())
}

/// The labels to bring all to, as index and scalars; `None` if nothing has to move.
fn joined(
    dim: &str,
    join: Join,
    labels: &[Vec<Scalar>],
    keys: &[Vec<Vec<u8>>],
    datasets: &[Dataset],
    indexed: &[usize],
) -> Result<Option<(Variable, Vec<Scalar>)>> {
    let dtypes = indexed
        .iter()
        .filter_map(|at| datasets[*at].index(dim).map(Variable::dtype));
    let dtype = dtypes
        .map(Some)
        .reduce(|one, other| match (one?, other?) {
            (one, other) if one == other => Some(one),
            (one, other) => promote(one, other),
        })
        .flatten();
    let dtype = dtype.ok_or_else(|| {
        Error::invalid(format!(
            "the labels of `{dim}` are of kinds that do not compare"
        ))
        .hint("different calendars or units of time are converted first")
    })?;
    let scalars: Vec<Scalar> = match join {
        Join::Exact => {
            let message = format!("the labels of `{dim}` differ, and `join=\"exact\"` allows none");
            return Err(Error::invalid(message)
                .hint("`join=\"inner\"` keeps what is common, `\"outer\"` all labels"));
        }
        Join::Override => {
            if labels.iter().any(|other| other.len() != labels[0].len()) {
                let message = format!("`join=\"override\"` needs as many labels of `{dim}` in all");
                return Err(Error::invalid(message));
            }
            return Ok(None);
        }
        Join::Left => labels[0].clone(),
        Join::Right => labels[labels.len() - 1].clone(),
        Join::Inner => {
            let others: Vec<HashMap<&[u8], ()>> = keys[1..]
                .iter()
                .map(|keys| keys.iter().map(|key| (key.as_slice(), ())).collect())
                .collect();
            let is_common = |key: &[u8]| others.iter().all(|other| other.contains_key(key));
            let own = labels[0].iter().zip(&keys[0]);
            let common: Vec<Scalar> = own
                .filter(|(_, key)| is_common(key))
                .map(|(scalar, _)| scalar.clone())
                .collect();
            if common.is_empty() {
                let message = format!("nothing along `{dim}` has a label in all");
                return Err(Error::invalid(message).hint("`join=\"outer\"` keeps all labels"));
            }
            common
        }
        Join::Outer => {
            let mut all: Vec<Scalar> = Vec::new();
            let mut seen: HashMap<&[u8], ()> = HashMap::new();
            for (scalar, key) in labels.iter().flatten().zip(keys.iter().flatten()) {
                if seen.insert(key, ()).is_none() {
                    all.push(scalar.clone());
                }
            }
            all.sort_by(compare);
            all
        }
    };
    let cast: Vec<Scalar> = scalars
        .iter()
        .map(|scalar| match scalar.dtype() == dtype {
            true => scalar.clone(),
            false => super::convert(scalar, dtype),
        })
        .collect();
    let block = block_of(dtype, &cast)?;
    let index = Variable::of_block(vec![dim.to_owned()], block, Attributes::new())?;
    Ok(Some((index, cast)))
}

fn places_of(dim: &str, own: &[Vec<u8>], wanted: &[Vec<u8>]) -> Result<Vec<Option<u64>>> {
    let mut places: HashMap<&[u8], u64> = HashMap::new();
    for (at, key) in own.iter().enumerate() {
        if places.insert(key, at as u64).is_some() {
            let message = format!("a label of `{dim}` stands there twice, so none can be matched");
            return Err(Error::invalid(message).hint(format!(
                "`.drop_duplicates(\"{dim}\")` keeps the first of each"
            )));
        }
    }
    Ok(wanted
        .iter()
        .map(|key| places.get(key.as_slice()).copied())
        .collect())
}

impl Dataset {
    /// The dataset at other labels of an indexed dimension; missing where there is none.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] without labels, or if one stands there twice.
    pub fn reindex(
        &self,
        dim: &str,
        target: &Variable,
        method: Method,
        tolerance: Option<Distance>,
        fill: &Fill,
        session: &Session,
    ) -> Result<Self> {
        let length = self.length(dim)?;
        let Some(index) = self.index(dim) else {
            if target.shape() == [length] {
                let mut out = self.clone();
                out.coords.insert(dim.to_owned(), target.clone());
                return Ok(out);
            }
            let message = format!("dimension `{dim}` has no labels to find others among");
            return Err(
                Error::invalid(message).hint(format!("`.assign_coords({dim}=…)` gives it some"))
            );
        };
        let own: Vec<Scalar> = index.values(session)?.scalars().collect();
        let wanted: Vec<Scalar> = target.values(session)?.scalars().collect();
        let own_keys: Vec<Vec<u8>> = own.iter().map(key).collect();
        let wanted_keys: Vec<Vec<u8>> = wanted.iter().map(key).collect();
        let mut places = places_of(dim, &own_keys, &wanted_keys)?;
        let is_time = |dtype| matches!(dtype, DType::Time(_));
        if is_time(index.dtype()) && is_time(target.dtype()) && index.dtype() != target.dtype() {
            let message = format!("labels of `{dim}` in another unit or calendar of time");
            return Err(Error::unsupported(message));
        }
        if method != Method::Exact {
            let labels: Vec<Label> = wanted.iter().cloned().map(Label::Number).collect();
            places = find_places(dim, index, &labels, method, tolerance, session)?;
        }
        let mut out = if own_keys == wanted_keys {
            self.clone()
        } else {
            self.at_places(dim, &places, fill)?
        };
        let mut target = target.clone();
        target.attributes = index.attributes.clone();
        out.coords.insert(dim.to_owned(), target);
        Ok(out)
    }
}
