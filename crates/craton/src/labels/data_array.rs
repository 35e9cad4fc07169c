//! One variable with its coordinates.

use super::Variable;
use crate::language::did_you_mean;
use craton_core::{Error, Result};
use indexmap::IndexMap;

/// A variable, its name, and the coordinates along its dimensions.
#[derive(Clone, Debug)]
pub struct DataArray {
    /// The name, if it has one.
    pub name: Option<String>,
    /// Values, dimensions, attributes.
    pub variable: Variable,
    /// Coordinates by name; each has only dimensions of the variable.
    pub coords: IndexMap<String, Variable>,
}

impl DataArray {
    /// An array without name or coordinates.
    #[must_use]
    pub fn new(variable: Variable) -> Self {
        Self {
            name: None,
            variable,
            coords: IndexMap::new(),
        }
    }

    /// Dimension names.
    #[must_use]
    pub fn dims(&self) -> &[String] {
        &self.variable.dims
    }

    /// The axis of a dimension.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] with near names.
    pub fn axis(&self, dim: &str) -> Result<usize> {
        self.variable
            .axis(dim)
            .ok_or_else(|| no_dimension(dim, self.dims()))
    }

    /// The index coordinate of a dimension, if it has one.
    #[must_use]
    pub fn index(&self, dim: &str) -> Option<&Variable> {
        self.coords.get(dim).filter(|coord| coord.dims == [dim])
    }

    /// The same array with another variable; coordinates whose dimensions are gone are dropped.
    #[must_use]
    pub fn with_variable(&self, variable: Variable) -> Self {
        let keeps = |coord: &Variable| coord.dims.iter().all(|dim| variable.dims.contains(dim));
        let coords = self.coords.iter().filter(|(_, coord)| keeps(coord));
        let coords = coords
            .map(|(name, coord)| (name.clone(), coord.clone()))
            .collect();
        Self {
            name: self.name.clone(),
            variable,
            coords,
        }
    }

    /// Applies `change` to the variable and to every coordinate; values at hand stay at hand.
    ///
    /// # Errors
    /// What `change` reports.
    pub fn map_variables(&self, change: impl Fn(&Variable) -> Result<Variable>) -> Result<Self> {
        let coords = self
            .coords
            .iter()
            .map(|(name, coord)| Ok((name.clone(), change(coord)?.settled()?)));
        Ok(Self {
            name: self.name.clone(),
            variable: change(&self.variable)?.settled()?,
            coords: coords.collect::<Result<_>>()?,
        })
    }
}

/// A dimension that does not exist, with near names.
pub(super) fn no_dimension(dim: &str, dims: &[String]) -> Error {
    let error = Error::not_found(format!("no dimension `{dim}`; there are {dims:?}"));
    match did_you_mean(dim, dims.iter().map(String::as_str)) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
