//! Datasets put together: one after the other, side by side, or as their coordinates say.

use super::arithmetic::agreed_attributes;
use super::group::compare;
use super::{Dataset, Fill, Join, Variable, align_datasets};
use crate::session::Session;
use craton_core::{Attributes, DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::promote::promote;
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops::{self, ReduceOptions, broadcast_axes};
use indexmap::{IndexMap, IndexSet};

/// Which of the variables that lack the dimension are concatenated too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// None.
    Minimal,
    /// Those that differ.
    Different,
    /// All.
    All,
    /// Those named.
    Named(Vec<String>),
}

/// When variables of one name may stand for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    /// Always: the first is taken.
    Override,
    /// Where all values are equal.
    Equals,
    /// Where values that both have are equal; each fills the other's gaps.
    NoConflicts,
    /// Where values, names and attributes are equal.
    Identical,
}

/// Which attributes the result has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CombineAttributes {
    /// The first one's.
    Override,
    /// None.
    Drop,
    /// Those of all that do not contradict each other.
    DropConflicts,
    /// Those of all, which may not contradict each other.
    NoConflicts,
    /// Those of each, which must be the same.
    Identical,
}

/// How to concatenate.
#[derive(Clone, Debug)]
pub struct Concat {
    /// The dimension, which may be new.
    pub dim: String,
    /// Labels of a new dimension.
    pub labels: Option<Variable>,
    /// Which variables without the dimension; by xarray's rule if `None`.
    pub data_vars: Which,
    /// Which coordinates without the dimension.
    pub coords: Which,
    /// When those that are not concatenated may differ.
    pub compat: Compat,
    /// Which labels of other dimensions stay.
    pub join: Join,
    /// What stands where labels are missing.
    pub fill: Fill,
    /// Which attributes.
    pub attributes: CombineAttributes,
}

/// The attributes of several as one.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where the rule allows no difference.
pub fn combine_attributes(all: &[&Attributes], rule: CombineAttributes) -> Result<Attributes> {
    let Some((first, others)) = all.split_first() else {
        return Ok(Attributes::new());
    };
    match rule {
        CombineAttributes::Drop => Ok(Attributes::new()),
        CombineAttributes::Override => Ok((*first).clone()),
        CombineAttributes::Identical => match others.iter().all(|other| other == first) {
            true => Ok((*first).clone()),
            false => Err(Error::invalid(
                "attributes differ, and `identical` allows none",
            )),
        },
        CombineAttributes::NoConflicts | CombineAttributes::DropConflicts => {
            let mut dropped: IndexSet<String> = IndexSet::new();
            let mut out = (*first).clone();
            for other in others {
                for (name, value) in out.iter() {
                    if other.get(name).is_some_and(|theirs| theirs != value) {
                        dropped.insert(name.clone());
                    }
                }
                out = agreed_attributes(&out, other);
            }
            if let (Some(name), CombineAttributes::NoConflicts) = (dropped.first(), rule) {
                return Err(Error::invalid(format!("the attribute `{name}` differs")));
            }
            let keeps = |name: &String| !dropped.contains(name);
            Ok(out.into_iter().filter(|(name, _)| keeps(name)).collect())
        }
    }
}

/// Whether all values are equal, missing ones to each other; plans that are the same need no reading.
fn is_equal(one: &Variable, other: &Variable, session: &Session) -> Result<bool> {
    if one.dims != other.dims || one.shape() != other.shape() {
        return Ok(false);
    }
    if one.node.hash() == other.node.hash() {
        return Ok(true);
    }
    if one.dtype().is_variable() || !one.dtype().is_numeric() {
        let (one, other) = (one.values(session)?, other.values(session)?);
        return Ok(one.scalars().eq(other.scalars()));
    }
    let Ok(equal) = ops::binary(Binary::Equal, &one.node, &other.node) else {
        return Ok(false);
    };
    all_of(&equal_or(&equal, one, other, Binary::LogicalAnd)?, session)
}

/// `equal`, or both (or either) missing.
fn equal_or(
    equal: &craton_plan::NodeRef,
    one: &Variable,
    other: &Variable,
    both: Binary,
) -> Result<craton_plan::NodeRef> {
    let missing = |variable: &Variable| {
        let valid = ops::unary(Unary::NotNan, &variable.node)?;
        ops::unary(Unary::LogicalNot, &valid)
    };
    let missing = ops::binary(both, &missing(one)?, &missing(other)?)?;
    ops::binary(Binary::LogicalOr, equal, &missing)
}

fn all_of(condition: &craton_plan::NodeRef, session: &Session) -> Result<bool> {
    let axes: Vec<usize> = (0..condition.shape().len()).collect();
    let all = ops::reduce(Reduction::All, condition, &axes, ReduceOptions::default())?;
    let value = session.compute(&[all])?.remove(0).get(0);
    Ok(value.and_then(|value| value.to_i64()) == Some(1))
}

/// One variable for several of one name.
fn unique(
    name: &str,
    variables: &[&Variable],
    compat: Compat,
    rule: CombineAttributes,
    session: &Session,
) -> Result<Variable> {
    let mut out = variables[0].clone();
    let conflict = |hint: &str| {
        let message = format!("`{name}` differs from one to the other");
        Error::invalid(message).hint(hint)
    };
    for other in &variables[1..] {
        match compat {
            Compat::Override => {}
            _ if is_equal(&out, other, session)? => {
                let is_same = out.attributes == other.attributes;
                if compat == Compat::Identical && !is_same {
                    return Err(conflict("`compat=\"equals\"` ignores attributes"));
                }
            }
            Compat::Equals | Compat::Identical => {
                return Err(conflict("`compat=\"override\"` takes the first"));
            }
            Compat::NoConflicts => {
                if out.dims != other.dims || out.shape() != other.shape() {
                    return Err(conflict("`compat=\"override\"` takes the first"));
                }
                let equal = ops::binary(Binary::Equal, &out.node, &other.node)?;
                if !all_of(&equal_or(&equal, &out, other, Binary::LogicalOr)?, session)? {
                    return Err(conflict("`compat=\"override\"` takes the first"));
                }
                out = out.with_node(ops::fill_missing(&out.node, &other.node)?)?;
            }
        }
    }
    let attributes: Vec<&Attributes> = variables.iter().map(|one| &one.attributes).collect();
    out.attributes = combine_attributes(&attributes, rule)?;
    Ok(out)
}

/// Datasets one after the other along a dimension.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where labels, coordinates or attributes do not fit together.
pub fn concat(datasets: &[Dataset], how: &Concat, session: &Session) -> Result<Dataset> {
    let dim = how.dim.as_str();
    if datasets.is_empty() {
        return Err(Error::invalid("nothing to concatenate"));
    }
    let mut parts = align_datasets(
        datasets,
        how.join,
        std::slice::from_ref(&how.dim),
        &how.fill,
        session,
    )?;
    let is_coord = |name: &str| parts.iter().any(|part| part.coords.contains_key(name));
    let is_known = is_coord(dim) || parts.iter().any(|part| part.variables.contains_key(dim));
    let has_dim = |part: &Dataset| part.sizes().contains_key(dim);
    if is_known && !parts.iter().any(has_dim) {
        parts = parts
            .iter()
            .map(|part| part.expand_dim(dim))
            .collect::<Result<_>>()?;
    }
    let exists = parts.iter().any(has_dim);
    let lengths: Vec<u64> = parts
        .iter()
        .map(|part| part.sizes().get(dim).copied().unwrap_or(1))
        .collect();
    let mut sizes: IndexMap<String, u64> = IndexMap::new();
    for part in &parts {
        sizes.extend(part.sizes());
    }
    let over = concat_over(&parts, dim, exists, how, session)?;
    let mut names: IndexSet<String> = IndexSet::new();
    let mut coord_names: IndexSet<String> = IndexSet::new();
    for part in &parts {
        names.extend(part.all().map(|(name, _)| name.clone()));
        coord_names.extend(part.coords.keys().cloned());
    }
    let attributes: Vec<&Attributes> = parts.iter().map(|part| &part.attributes).collect();
    let mut out = Dataset {
        attributes: combine_attributes(&attributes, how.attributes)?,
        ..Dataset::default()
    };
    for name in names {
        let having: Vec<Option<&Variable>> = parts.iter().map(|part| part.get(&name)).collect();
        let present: Vec<&Variable> = having.iter().flatten().copied().collect();
        let joined = if over.contains(&name) {
            let missing = having.iter().any(Option::is_none);
            if missing && coord_names.contains(&name) {
                let message = format!("the coordinate `{name}` is not in all of them");
                return Err(Error::invalid(message));
            }
            let lengths = (dim, lengths.as_slice());
            concat_variable(&having, lengths, &sizes, how)?
        } else {
            let rule = how.attributes;
            let compat = if present.iter().all(|one| one.dims == [name.clone()]) {
                Compat::Override
            } else {
                how.compat
            };
            unique(&name, &present, compat, rule, session)?
        };
        if coord_names.contains(&name) {
            let joined = match joined.dims == [name.clone()] {
                true => joined.at_hand(session)?,
                false => joined,
            };
            out.coords.insert(name, joined);
        } else {
            out.variables.insert(name, joined);
        }
    }
    if let Some(labels) = &how.labels {
        out.coords.insert(how.dim.clone(), labels.clone());
    }
    Ok(out)
}

/// The names of all variables to concatenate.
fn concat_over(
    parts: &[Dataset],
    dim: &str,
    exists: bool,
    how: &Concat,
    session: &Session,
) -> Result<IndexSet<String>> {
    let mut over: IndexSet<String> = IndexSet::new();
    for part in parts {
        let having = part.all().filter(|(_, one)| one.axis(dim).is_some());
        over.extend(having.map(|(name, _)| name.clone()));
    }
    if exists && parts.iter().any(|part| part.get(dim).is_some()) {
        over.insert(dim.to_owned());
    }
    for (which, is_coord) in [(&how.data_vars, false), (&how.coords, true)] {
        let family = |part: &Dataset| -> Vec<String> {
            let names = if is_coord {
                part.coords.keys()
            } else {
                part.variables.keys()
            };
            let sizes = part.sizes();
            let is_index = |name: &&String| is_coord && sizes.contains_key(*name);
            names.filter(|name| !is_index(name)).cloned().collect()
        };
        match which {
            Which::Minimal => {}
            Which::All => over.extend(parts.iter().flat_map(family)),
            Which::Named(names) => over.extend(names.iter().cloned()),
            Which::Different => {
                for name in family(&parts[0]) {
                    let variables: Vec<&Variable> =
                        parts.iter().filter_map(|part| part.get(&name)).collect();
                    if variables.len() == 1 {
                        break;
                    }
                    if variables.len() != parts.len() {
                        let message = format!("`{name}` is not in all of them");
                        return Err(Error::invalid(message)
                            .hint("`coords=\"minimal\"` leaves such coordinates alone"));
                    }
                    for other in &variables[1..] {
                        if !over.contains(&name) && !is_equal(variables[0], other, session)? {
                            over.insert(name.clone());
                        }
                    }
                }
            }
        }
    }
    Ok(over)
}

fn concat_variable(
    having: &[Option<&Variable>],
    (dim, lengths): (&str, &[u64]),
    sizes: &IndexMap<String, u64>,
    how: &Concat,
) -> Result<Variable> {
    let present: Vec<&Variable> = having.iter().flatten().copied().collect();
    let mut dims: IndexSet<String> = IndexSet::new();
    for variable in &present {
        dims.extend(variable.dims.iter().cloned());
    }
    if !dims.contains(dim) {
        dims.shift_insert(0, dim.to_owned());
    }
    let dims: Vec<String> = dims.into_iter().collect();
    let axis = dims.iter().position(|one| one == dim).unwrap_or(0);
    let mut nodes = Vec::new();
    let mut places: Vec<Option<u64>> = Vec::new();
    let mut next = 0;
    for (variable, length) in having.iter().zip(lengths) {
        let Some(variable) = variable else {
            places.extend((0..*length).map(|_| None));
            continue;
        };
        let shape: Vec<u64> = dims
            .iter()
            .map(|one| match one == dim {
                true => *length,
                false => sizes.get(one).copied().unwrap_or(1),
            })
            .collect();
        nodes.push(variable.expanded_to(&dims, &shape)?);
        places.extend((next..next + length).map(Some));
        next += length;
    }
    let attributes: Vec<&Attributes> = present.iter().map(|one| &one.attributes).collect();
    let attributes = combine_attributes(&attributes, how.attributes)?;
    let joined = ops::concat(&of_one_dtype(nodes)?, axis)?;
    let joined = Variable::new(dims, joined, attributes)?;
    if places.iter().all(Option::is_some) {
        return Ok(joined);
    }
    joined.at_places(dim, &places, &how.fill)
}

/// Numbers of several types in the one that holds them all, as NumPy's promotion has it.
fn of_one_dtype(nodes: Vec<NodeRef>) -> Result<Vec<NodeRef>> {
    let dtypes: Vec<DType> = nodes.iter().map(|node| node.dtype()).collect();
    // What has no common type is refused where it is put together, by the names of both.
    if !dtypes.iter().all(|dtype| dtype.is_numeric()) {
        return Ok(nodes);
    }
    let common = dtypes.iter().copied().map(Some);
    match common.reduce(|one, other| promote(one?, other?)).flatten() {
        Some(common) => nodes.iter().map(|node| ops::cast(node, common)).collect(),
        None => Ok(nodes),
    }
}

/// Datasets side by side, with the labels of `join`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] where variables of one name may not stand for each other.
pub fn merge(
    datasets: &[Dataset],
    compat: Compat,
    join: Join,
    fill: &Fill,
    attributes: CombineAttributes,
    session: &Session,
) -> Result<Dataset> {
    let parts = align_datasets(datasets, join, &[], fill, session)?;
    let all: Vec<&Attributes> = parts.iter().map(|part| &part.attributes).collect();
    let mut out = Dataset {
        attributes: combine_attributes(&all, attributes)?,
        ..Dataset::default()
    };
    let mut names: IndexSet<String> = IndexSet::new();
    for part in &parts {
        names.extend(part.all().map(|(name, _)| name.clone()));
    }
    for name in names {
        let having: Vec<&Variable> = parts.iter().filter_map(|part| part.get(&name)).collect();
        // An index was made equal by alignment.
        let rule = if having.iter().any(|one| one.dims == [name.clone()]) {
            Compat::Override
        } else {
            compat
        };
        let one = unique(&name, &having, rule, attributes, session)?;
        if parts.iter().any(|part| part.coords.contains_key(&name)) {
            out.coords.insert(name, one);
        } else {
            out.variables.insert(name, one);
        }
    }
    Ok(out)
}

/// Datasets combined as their index coordinates say: concatenated along those that differ, in their order, and merged
/// where they hold other variables.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if coordinates give no order.
pub fn combine_by_coords(
    datasets: &[Dataset],
    compat: Compat,
    how: &Concat,
    session: &Session,
) -> Result<Dataset> {
    let mut groups: IndexMap<Vec<String>, Vec<Dataset>> = IndexMap::new();
    for dataset in datasets {
        let mut names: Vec<String> = dataset.variables.keys().cloned().collect();
        names.sort();
        groups.entry(names).or_default().push(dataset.clone());
    }
    let mut combined = Vec::new();
    for group in groups.into_values() {
        combined.push(combine_group(group, how, session)?);
    }
    match combined.as_slice() {
        [only] => Ok(only.clone()),
        _ => merge(
            &combined,
            compat,
            how.join,
            &how.fill,
            how.attributes,
            session,
        ),
    }
}

fn combine_group(group: Vec<Dataset>, how: &Concat, session: &Session) -> Result<Dataset> {
    let [first, ..] = group.as_slice() else {
        return Err(Error::invalid("nothing to combine"));
    };
    let mut parts = group.clone();
    let mut was_combined = group.len() == 1;
    for dim in first.sizes().into_keys() {
        if first.index(&dim).is_none() {
            continue;
        }
        let firsts = |part: &Dataset| -> Result<Vec<Scalar>> {
            let index = part.index(&dim).ok_or_else(|| {
                Error::invalid(format!("not all of them have labels along `{dim}`"))
            })?;
            Ok(index.values(session)?.scalars().collect())
        };
        let labels = parts.iter().map(firsts).collect::<Result<Vec<_>>>()?;
        if labels.iter().all(|other| *other == labels[0]) {
            continue;
        }
        was_combined = true;
        // Those with the same first label lie beside each other along another dimension.
        let mut order: Vec<usize> = (0..parts.len()).collect();
        let descends = labels
            .iter()
            .find(|own| own.len() > 1)
            .is_some_and(|own| compare(&own[0], &own[own.len() - 1]).is_gt());
        let start = |at: &usize| labels[*at].first();
        order.sort_by(|one, other| match (start(one), start(other)) {
            (Some(one), Some(other)) if descends => compare(other, one),
            (Some(one), Some(other)) => compare(one, other),
            _ => std::cmp::Ordering::Equal,
        });
        let others = |at: usize| -> Result<Vec<Vec<Scalar>>> {
            let dims = first.sizes().into_keys().filter(|other| *other != dim);
            let indexes = dims.filter_map(|other| parts[at].index(&other).cloned());
            indexes
                .map(|index| Ok(index.values(session)?.scalars().collect()))
                .collect()
        };
        let mut rows: Vec<(Vec<Vec<Scalar>>, Vec<Dataset>)> = Vec::new();
        for at in order {
            let key = others(at)?;
            match rows.iter_mut().find(|(known, _)| *known == key) {
                Some((_, row)) => row.push(parts[at].clone()),
                None => rows.push((key, vec![parts[at].clone()])),
            }
        }
        let along = Concat {
            dim: dim.clone(),
            ..how.clone()
        };
        parts = rows
            .into_iter()
            .map(|(_, row)| concat(&row, &along, session))
            .collect::<Result<_>>()?;
        for part in &parts {
            check_monotonic(part, &dim, session)?;
        }
    }
    if !was_combined {
        return Err(Error::invalid(
            "no coordinate differs, so nothing says how they lie to each other",
        )
        .hint("`xr.concat` takes the dimension"));
    }
    match parts.as_slice() {
        [only] => Ok(only.clone()),
        _ => Err(Error::invalid("the coordinates make no complete grid")),
    }
}

fn check_monotonic(part: &Dataset, dim: &str, session: &Session) -> Result<()> {
    let Some(index) = part.index(dim) else {
        return Ok(());
    };
    let labels: Vec<Scalar> = index.values(session)?.scalars().collect();
    let pairs = || labels.windows(2).map(|pair| compare(&pair[0], &pair[1]));
    if pairs().all(|order| order.is_lt()) || pairs().all(|order| order.is_gt()) {
        return Ok(());
    }
    let message = format!("the labels of `{dim}` overlap, so they give no order");
    Err(Error::invalid(message).hint("select parts that do not overlap"))
}

impl Dataset {
    /// With a new first dimension of length 1 in every variable, and in the coordinate of that name.
    pub(crate) fn expand_dim(&self, dim: &str) -> Result<Self> {
        let mut out = self.clone();
        let expand = |variable: &Variable| {
            let mut shape = variable.shape().to_vec();
            shape.insert(0, 1);
            let axes: Vec<usize> = (1..shape.len()).collect();
            let node = broadcast_axes(&variable.node, &shape, &axes)?;
            let dims = [vec![dim.to_owned()], variable.dims.clone()].concat();
            Variable::new(dims, node, variable.attributes.clone())?.settled()
        };
        for variable in out.variables.values_mut() {
            *variable = expand(variable)?;
        }
        if let Some(coord) = out.coords.get_mut(dim) {
            *coord = expand(coord)?;
        }
        Ok(out)
    }
}
