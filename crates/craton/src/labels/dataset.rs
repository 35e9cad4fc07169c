//! Variables that share dimensions and coordinates.

use super::data_array::no_dimension;
use super::{DataArray, Variable};
use crate::language::did_you_mean;
use crate::open::Groups;
use craton_core::{Attributes, Error, Result};
use indexmap::IndexMap;
use std::sync::Arc;

/// Variables, coordinates and attributes.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// Data variables by name.
    pub variables: IndexMap<String, Variable>,
    /// Coordinates by name.
    pub coords: IndexMap<String, Variable>,
    /// Attributes of the whole.
    pub attributes: Attributes,
    /// Stored variables that cannot be read, by name. They hide no other variable; asking for one gives its error.
    pub broken: IndexMap<String, Arc<Error>>,
    /// The other groups at its URLs, of a dataset as it was opened.
    pub groups: Option<Arc<Groups>>,
}

impl Dataset {
    /// Name and length of every dimension, in the order in which they are met.
    #[must_use]
    pub fn sizes(&self) -> IndexMap<String, u64> {
        let mut sizes = IndexMap::new();
        for variable in self.coords.values().chain(self.variables.values()) {
            for (dim, length) in variable.sizes() {
                sizes.entry(dim.to_owned()).or_insert(length);
            }
        }
        sizes
    }

    /// The variable or coordinate `name` with the coordinates along its dimensions.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] with near names.
    pub fn array(&self, name: &str) -> Result<DataArray> {
        let found = self.variables.get(name).or_else(|| self.coords.get(name));
        let variable = found.ok_or_else(|| self.no_variable(name))?.clone();
        let keeps = |coord: &Variable| coord.dims.iter().all(|dim| variable.dims.contains(dim));
        let coords = self.coords.iter().filter(|(_, coord)| keeps(coord));
        let coords = coords
            .map(|(name, coord)| (name.clone(), coord.clone()))
            .collect();
        Ok(DataArray {
            name: Some(name.to_owned()),
            variable,
            coords,
        })
    }

    fn no_variable(&self, name: &str) -> Error {
        if let Some(error) = self.broken.get(name) {
            return error.again().in_variable(name);
        }
        let names = || {
            self.variables
                .keys()
                .chain(self.coords.keys())
                .map(String::as_str)
        };
        let all: Vec<&str> = names().collect();
        let error = Error::not_found(match all.as_slice() {
            [] => format!("no variable `{name}`; there are none here"),
            all => format!("no variable `{name}`; there are {}", all.join(", ")),
        });
        let paths = self
            .groups
            .as_ref()
            .map_or_else(Vec::new, |groups| groups.paths());
        match (
            did_you_mean(name, names()),
            paths.iter().find(|path| **path != "/"),
        ) {
            (Some(hint), _) => error.hint(hint),
            (None, Some(path)) => error.hint(format!(
                "groups are reached by their path, such as `ds[\"{path}\"]`; there are {}",
                paths.join(", ")
            )),
            (None, None) => error,
        }
    }

    /// Every data variable as an array.
    ///
    /// # Errors
    /// None in practice: every name exists.
    pub fn arrays(&self) -> Result<Vec<DataArray>> {
        self.variables.keys().map(|name| self.array(name)).collect()
    }

    /// A dataset of arrays, which must agree on the coordinates they share.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if dimension lengths or coordinates differ.
    pub fn from_arrays(arrays: impl IntoIterator<Item = (String, DataArray)>) -> Result<Self> {
        let mut dataset = Self::default();
        for (name, array) in arrays {
            let sizes = dataset.sizes();
            for (dim, length) in array.variable.sizes() {
                if let Some(other) = sizes.get(dim).filter(|other| **other != length) {
                    return Err(Error::invalid(format!(
                        "dimension `{dim}` has length {length} in `{name}` and {other} before"
                    )));
                }
            }
            for (coord_name, coord) in array.coords {
                if coord_name == name {
                    continue;
                }
                match dataset.coords.get(&coord_name) {
                    Some(known) if known.node.hash() != coord.node.hash() => {
                        let message = format!(
                            "coordinate `{coord_name}` of `{name}` differs from that of other variables"
                        );
                        return Err(
                            Error::invalid(message).hint("select the same labels from both first")
                        );
                    }
                    Some(_) => {}
                    None => {
                        dataset.coords.insert(coord_name, coord);
                    }
                }
            }
            if array.variable.dims == [name.clone()] {
                dataset.coords.insert(name, array.variable);
            } else {
                dataset.variables.insert(name, array.variable);
            }
        }
        Ok(dataset)
    }

    /// Applies `change` to every data variable that has all of `dims`; others stay as they are.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if a dimension exists nowhere; what `change` reports, with the variable named.
    pub fn map_arrays(
        &self,
        dims: &[String],
        change: impl Fn(&DataArray) -> Result<DataArray>,
    ) -> Result<Self> {
        let sizes = self.sizes();
        if let Some(dim) = dims.iter().find(|dim| !sizes.contains_key(*dim)) {
            return Err(no_dimension(
                dim,
                &sizes.keys().cloned().collect::<Vec<_>>(),
            ));
        }
        let mut out = Self {
            attributes: self.attributes.clone(),
            ..Self::default()
        };
        for name in self.variables.keys() {
            let array = self.array(name)?;
            let changed = change(&array).map_err(|error| error.in_variable(name))?;
            out.coords.extend(changed.coords);
            out.variables.insert(name.clone(), changed.variable);
        }
        for (name, coord) in &self.coords {
            let touches = coord.dims.iter().any(|dim| dims.contains(dim));
            if !touches && !out.coords.contains_key(name) {
                out.coords.insert(name.clone(), coord.clone());
            }
        }
        Ok(out)
    }
}
