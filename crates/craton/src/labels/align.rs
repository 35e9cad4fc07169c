//! Bringing arrays to common dimensions: by name, never by position.

use super::{DataArray, Variable, check_calendars};
use crate::calendar::time_nanoseconds;
use craton_core::{DType, Error, Result};
use craton_plan::ops::gather;
use craton_plan::{NodeRef, Work};
use indexmap::IndexMap;
use std::collections::HashMap;

/// Arrays that have the same labels along every dimension they share: the labels common to all, in the first one's order.
///
/// Index coordinates at hand (they always are, after opening) are compared label by label. Dimensions without
/// labels must have equal lengths.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if lengths differ without labels, or no label is common.
pub(super) fn align(arrays: &[&DataArray]) -> Result<Vec<DataArray>> {
    let mut aligned: Vec<DataArray> = arrays.iter().map(|array| (*array).clone()).collect();
    let mut dims: Vec<String> = Vec::new();
    for array in arrays {
        dims.extend(
            array
                .dims()
                .iter()
                .filter(|dim| !dims.contains(dim))
                .cloned()
                .collect::<Vec<_>>(),
        );
    }
    for dim in dims {
        align_along(&dim, &mut aligned)?;
    }
    Ok(aligned)
}

fn align_along(dim: &str, arrays: &mut [DataArray]) -> Result<()> {
    let having: Vec<usize> = (0..arrays.len())
        .filter(|at| arrays[*at].variable.axis(dim).is_some())
        .collect();
    let Some((first, others)) = having.split_first() else {
        return Ok(());
    };
    let length = |array: &DataArray| {
        array
            .variable
            .axis(dim)
            .map(|axis| array.variable.shape()[axis])
    };
    let hash = |array: &DataArray| array.index(dim).map(|index| index.node.hash());
    let is_equal = others.iter().all(|at| {
        let (one, other) = (hash(&arrays[*first]), hash(&arrays[*at]));
        length(&arrays[*first]) == length(&arrays[*at])
            && (one == other || one.is_none() || other.is_none())
    });
    if is_equal {
        return Ok(());
    }
    for at in others {
        let indexes = [arrays[*first].index(dim), arrays[*at].index(dim)];
        if let [Some(one), Some(other)] = indexes {
            let names = [*first, *at].map(|at| match &arrays[at].name {
                Some(name) => format!("`{name}`"),
                None => "another array".to_owned(),
            });
            check_calendars(dim, [one.dtype(), other.dtype()], names)?;
        }
    }
    let labels: Option<Vec<Vec<Vec<u8>>>> = having
        .iter()
        .map(|at| arrays[*at].index(dim).and_then(labels_of))
        .collect();
    let Some(labels) = labels else {
        let lengths: Vec<_> = having
            .iter()
            .filter_map(|at| length(&arrays[*at]))
            .collect();
        let message = format!("dimension `{dim}` has lengths {lengths:?} and no labels to match");
        return Err(Error::invalid(message));
    };
    let places: Vec<HashMap<&[u8], u64>> = labels
        .iter()
        .map(|labels| {
            labels
                .iter()
                .enumerate()
                .map(|(at, label)| (label.as_slice(), at as u64))
                .collect()
        })
        .collect();
    let common: Vec<&Vec<u8>> = labels[0]
        .iter()
        .filter(|label| {
            places[1..]
                .iter()
                .all(|places| places.contains_key(label.as_slice()))
        })
        .collect();
    if common.is_empty() {
        let message = format!("the arrays have no label of `{dim}` in common");
        return Err(Error::invalid(message).hint(format!(
            "compare the coordinates, or assign one array's `{dim}` to the other"
        )));
    }
    for (at, places) in having.iter().zip(&places) {
        let indices: Vec<u64> = common
            .iter()
            .map(|label| places[label.as_slice()])
            .collect();
        arrays[*at] = take(&arrays[*at], dim, &indices)?;
    }
    Ok(())
}

/// The labels of an index at hand, as bytes; floats with one zero.
fn labels_of(index: &Variable) -> Option<Vec<Vec<u8>>> {
    let Work::Literal(block) = index.node.work() else {
        return None;
    };
    let nanoseconds = |scalar: &craton_core::Scalar| match index.dtype() {
        DType::Time(time) => time_nanoseconds(scalar.to_i64()?, time),
        _ => None,
    };
    let label = |scalar: craton_core::Scalar| match scalar.to_f64() {
        // One form for times of any resolution.
        _ if nanoseconds(&scalar).is_some() => nanoseconds(&scalar)
            .unwrap_or_default()
            .to_ne_bytes()
            .to_vec(),
        // One form for numbers of any dtype, so that labels match by value; times and text by their bytes.
        Some(value) if index.dtype().is_numeric() => (value + 0.0).to_ne_bytes().to_vec(),
        _ => scalar.bytes().to_vec(),
    };
    Some(block.scalars().map(label).collect())
}

/// The listed indices along `dim`, of the array and its coordinates.
pub(super) fn take(array: &DataArray, dim: &str, indices: &[u64]) -> Result<DataArray> {
    array.map_variables(|variable| match variable.axis(dim) {
        Some(axis) => variable.with_node(gather(&variable.node, axis, indices)?),
        None => Ok(variable.clone()),
    })
}

/// Dimensions and lengths of all arrays together, in the order in which they are met.
pub(super) fn common_dims(variables: &[&Variable]) -> (Vec<String>, Vec<u64>) {
    let mut sizes: IndexMap<String, u64> = IndexMap::new();
    for variable in variables {
        for (dim, length) in variable.sizes() {
            sizes.entry(dim.to_owned()).or_insert(length);
        }
    }
    sizes.into_iter().unzip()
}

/// Every variable's values over the common dimensions.
pub(super) fn expand_all(variables: &[&Variable]) -> Result<(Vec<String>, Vec<NodeRef>)> {
    let (dims, shape) = common_dims(variables);
    let nodes = variables
        .iter()
        .map(|variable| variable.expanded_to(&dims, &shape))
        .collect::<Result<_>>()?;
    Ok((dims, nodes))
}

/// The coordinates of all arrays; those that differ are left out, unless one is an index, which alignment made equal
/// and which stands above a single label of the same name.
pub(super) fn merge_coords(arrays: &[DataArray]) -> IndexMap<String, Variable> {
    let mut coords: IndexMap<String, Variable> = IndexMap::new();
    let mut conflicts: Vec<String> = Vec::new();
    for (name, coord) in arrays.iter().flat_map(|array| &array.coords) {
        match coords.get(name) {
            Some(known) if known.dims == [name.clone()] => {}
            Some(_) if coord.dims == [name.clone()] => {
                coords.insert(name.clone(), coord.clone());
                conflicts.retain(|conflict| conflict != name);
            }
            Some(known) if known.node.hash() != coord.node.hash() => conflicts.push(name.clone()),
            Some(_) => {}
            None => {
                coords.insert(name.clone(), coord.clone());
            }
        }
    }
    coords.retain(|name, _| !conflicts.contains(name));
    coords
}
