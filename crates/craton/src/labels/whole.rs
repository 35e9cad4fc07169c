//! A dataset as one thing: what is done to all of its variables and coordinates alike.

use super::data_array::no_dimension;
use super::{DataArray, Dataset, Variable};
use craton_core::{Error, Result};

/// The name of an array's own values while it passes for a dataset; no variable is called so.
const OWN: &str = "<this array>";

impl Dataset {
    /// The index coordinate of a dimension, if it has one.
    #[must_use]
    pub fn index(&self, dim: &str) -> Option<&Variable> {
        self.coords.get(dim).filter(|coord| coord.dims == [dim])
    }

    /// Every coordinate, then every data variable.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Variable)> {
        self.coords.iter().chain(&self.variables)
    }

    /// A coordinate or variable, by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.coords.get(name).or_else(|| self.variables.get(name))
    }

    /// The length of a dimension.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] with near names.
    pub fn length(&self, dim: &str) -> Result<u64> {
        let sizes = self.sizes();
        let found = sizes.get(dim).copied();
        found.ok_or_else(|| {
            let dims: Vec<String> = sizes.keys().cloned().collect();
            no_dimension(dim, &dims)
        })
    }

    /// Applies `change` to every variable and coordinate; values at hand stay at hand. The groups of the files are
    /// no longer its own then.
    ///
    /// # Errors
    /// What `change` reports, with the variable named.
    pub fn map_all(&self, change: impl Fn(&str, &Variable) -> Result<Variable>) -> Result<Self> {
        let apply = |(name, variable): (&String, &Variable)| {
            let changed = change(name, variable).and_then(|changed| changed.settled());
            let changed = changed.map_err(|error| error.in_variable(name))?;
            Ok((name.clone(), changed))
        };
        Ok(Self {
            variables: self.variables.iter().map(apply).collect::<Result<_>>()?,
            coords: self.coords.iter().map(apply).collect::<Result<_>>()?,
            attributes: self.attributes.clone(),
            broken: self.broken.clone(),
            groups: None,
        })
    }
}

impl DataArray {
    /// Does to the array and its coordinates what `change` does to a dataset.
    ///
    /// # Errors
    /// What `change` reports.
    pub fn through_dataset(
        &self,
        change: impl FnOnce(&Dataset) -> Result<Dataset>,
    ) -> Result<Self> {
        let changed = change(&self.as_dataset())?;
        Self::from_dataset(self.name.clone(), changed)
    }

    /// The array as the only variable of a dataset, under a name that nothing else has.
    pub(crate) fn as_dataset(&self) -> Dataset {
        let mut dataset = Dataset {
            coords: self.coords.clone(),
            ..Dataset::default()
        };
        dataset
            .variables
            .insert(OWN.to_owned(), self.variable.clone());
        dataset
    }

    /// Undoes [`DataArray::as_dataset`].
    pub(crate) fn from_dataset(name: Option<String>, mut dataset: Dataset) -> Result<Self> {
        let variable = dataset.variables.shift_remove(OWN);
        Ok(Self {
            name,
            variable: variable.ok_or_else(|| Error::internal("an array lost its values"))?,
            coords: dataset.coords,
        })
    }
}
