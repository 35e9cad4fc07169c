//! Which coordinates belong to which variables, as the CF conventions write it.

use crate::labels::{Dataset, Variable, levels_of};
use craton_core::{AttributeValue, Attributes, Error, Result};

/// Refuses stacked dimensions, for whose labels files have no form.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] with the ways out.
pub(super) fn check_unstacked(dataset: &Dataset) -> Result<()> {
    let coords = &dataset.coords;
    match coords.keys().find(|dim| levels_of(coords, dim).is_some()) {
        None => Ok(()),
        Some(dim) => Err(
            Error::unsupported(format!("writing the stacked dimension `{dim}`")).hint(format!(
                "`.unstack(\"{dim}\")` makes dimensions of its levels, `.reset_index(\"{dim}\")` keeps them as coordinates"
            )),
        ),
    }
}

pub(super) fn is_index(name: &str, coord: &Variable) -> bool {
    coord.dims == [name]
}

/// The coordinates of a data variable that its dimensions do not name.
pub(super) fn coordinate_names(
    dataset: &Dataset,
    name: &str,
    variable: &Variable,
) -> Option<AttributeValue> {
    if dataset.coords.contains_key(name) {
        return None;
    }
    let belongs = |(name, coord): &(&String, &Variable)| {
        !is_index(name, coord) && coord.dims.iter().all(|dim| variable.dims.contains(dim))
    };
    let names: Vec<&str> = dataset
        .coords
        .iter()
        .filter(belongs)
        .map(|(name, _)| name.as_str())
        .collect();
    (!names.is_empty()).then(|| AttributeValue::Text(names.join(" ")))
}

/// The dataset's attributes, with coordinates that belong to no variable.
pub(super) fn attributes(dataset: &Dataset) -> Attributes {
    let mut attributes = dataset.attributes.clone();
    let has_variable = |coord: &Variable| {
        dataset
            .variables
            .values()
            .any(|variable| coord.dims.iter().all(|dim| variable.dims.contains(dim)))
    };
    let alone =
        |(name, coord): &(&String, &Variable)| !is_index(name, coord) && !has_variable(coord);
    let names: Vec<&str> = dataset
        .coords
        .iter()
        .filter(alone)
        .map(|(name, _)| name.as_str())
        .collect();
    if !names.is_empty() {
        attributes.insert(
            "coordinates".to_owned(),
            AttributeValue::Text(names.join(" ")),
        );
    }
    attributes
}
