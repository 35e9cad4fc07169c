//! What people and programs see of a result: text, JSON, CSV, Zarr, netCDF.
//!
//! Takes labelled arrays; gives bytes. Results larger than memory pass through in slabs.

pub mod chunks;
pub mod csv;
mod encode;
pub mod json;
mod members;
pub mod netcdf;
mod numpy;
mod planned;
pub mod recipe;
pub mod repr;
pub(crate) mod slabs;
mod stored;
mod texts;
mod values;
pub mod whole_file;
pub mod zarr;

pub use encode::TimeEncoding;
pub use planned::Writing;
pub use recipe::{Recipe, RecipeInput};
pub use stored::StoredForms;
pub(crate) use texts::write_held;

use crate::labels::{DataArray, DataTree, Dataset};
use craton_core::{Error, Result};

/// What a question may give.
#[derive(Clone, Copy, Debug)]
pub enum Labelled<'a> {
    /// One array.
    Array(&'a DataArray),
    /// Several that share coordinates.
    Dataset(&'a Dataset),
    /// Datasets in groups.
    Tree(&'a DataTree),
}

/// The name under which an array without a name is written.
pub const UNNAMED: &str = "value";

/// Everything as one dataset; an array without a name is called [`UNNAMED`].
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if coordinates differ, or two arrays have one name.
pub fn merged(parts: &[Labelled<'_>]) -> Result<Dataset> {
    if let [Labelled::Dataset(dataset)] = parts {
        return Ok((*dataset).clone());
    }
    let mut arrays: Vec<(String, DataArray)> = Vec::new();
    let mut whole = Dataset::default();
    for part in parts {
        match part {
            Labelled::Array(array) => {
                let name = array.name.clone().unwrap_or_else(|| UNNAMED.to_owned());
                arrays.push((name, (*array).clone()));
            }
            Labelled::Dataset(dataset) => {
                for array in dataset.arrays()? {
                    arrays.push((array.name.clone().unwrap_or_default(), array));
                }
                whole.attributes.extend(dataset.attributes.clone());
                whole.coords.extend(dataset.coords.clone());
            }
            Labelled::Tree(_) => {
                return Err(Error::unsupported("a tree of datasets where one is written")
                    .hint("`.zarr` and `.nc` outputs have groups; `ds.tree[\"group\"].to_dataset()` is one"));
            }
        }
    }
    let twice = |at: &usize| arrays[..*at].iter().any(|(name, _)| *name == arrays[*at].0);
    if let Some(at) = (1..arrays.len()).find(twice) {
        let message = format!("two results are called `{}`", arrays[at].0);
        return Err(
            Error::invalid(message).hint("give one of them another name: `.rename(\"name\")`")
        );
    }
    let mut dataset = Dataset::from_arrays(arrays)?;
    dataset.attributes = whole.attributes;
    for (name, coord) in whole.coords {
        dataset.coords.entry(name).or_insert(coord);
    }
    Ok(dataset)
}

/// The datasets of the groups by path, the root first.
///
/// # Errors
/// As [`merged`].
pub(crate) fn groups_of(parts: &[Labelled<'_>]) -> Result<Vec<(String, Dataset)>> {
    if let [Labelled::Tree(tree)] = parts {
        let nodes = tree.nodes().map(|(path, own)| (path.clone(), own.clone()));
        return Ok(nodes.collect());
    }
    Ok(vec![("/".to_owned(), merged(parts)?)])
}

/// The variables of all groups under their paths, as the recipe names them.
pub(crate) fn named_by_path(groups: &[(String, Dataset)]) -> Dataset {
    let mut all = Dataset::default();
    for (path, dataset) in groups {
        for (name, variable) in &dataset.variables {
            let path = path.trim_matches('/');
            let name = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}/{name}")
            };
            all.variables.insert(name, variable.clone());
        }
    }
    all
}

#[cfg(test)]
pub(crate) mod testing;
