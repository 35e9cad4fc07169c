//! Missing values filled from those around them: `ffill`, `bfill`, `interpolate_na`.

use super::DataArray;
use crate::session::Session;
use craton_core::{DType, Error, Result};
use craton_kernels::gaps::GapLimits;
use craton_plan::ops::{self, Direction};

/// The arguments of [`DataArray::interpolate_missing`].
#[derive(Clone, Debug, Default)]
pub struct GapArguments {
    /// The coordinate that says how far apart values are; `None` counts indices.
    pub coordinate: Option<String>,
    /// How far gaps are filled.
    pub limits: GapLimits,
}

impl DataArray {
    /// Missing values along a dimension filled with the last valid one before or the first after, so many of each gap.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for an unknown dimension; [`craton_core::ErrorKind::Unsupported`] for a limit
    /// on times.
    pub fn fill(&self, direction: Direction, dim: &str, limit: Option<usize>) -> Result<Self> {
        let axis = self.axis(dim)?;
        let node = ops::fill(&self.variable.node, axis, direction, limit)?;
        Ok(self.with_variable(self.variable.with_node(node)?))
    }

    /// Missing values along a dimension filled on the straight line between the valid ones around them.
    ///
    /// # Missing values
    /// Before the first valid value and after the last one they stay.
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for an unknown dimension or coordinate;
    /// [`craton_core::ErrorKind::InvalidInput`] for labels that do not ascend.
    pub fn interpolate_missing(
        &self,
        dim: &str,
        arguments: &GapArguments,
        session: &Session,
    ) -> Result<Self> {
        let axis = self.axis(dim)?;
        let length = self.variable.shape()[axis];
        let places = match &arguments.coordinate {
            None => (0..length).map(|at| at as f64).collect(),
            Some(name) => self.places_along(dim, name, session)?,
        };
        if let Some(pair) = places.windows(2).find(|pair| pair[0] >= pair[1]) {
            let message = format!(
                "the labels of `{dim}` do not ascend: {} comes before {}",
                pair[0], pair[1]
            );
            return Err(Error::invalid(message).hint(format!(
                "`.sortby(\"{dim}\")` puts them in order; `use_coordinate=False` counts values"
            )));
        }
        let node = ops::fill_gaps(&self.variable.node, axis, places, arguments.limits)?;
        Ok(self.with_variable(self.variable.with_node(node)?))
    }

    /// A coordinate along `dim` as doubles, times counted from the first; indices where the dimension has no labels.
    fn places_along(&self, dim: &str, name: &str, session: &Session) -> Result<Vec<f64>> {
        let length = self.variable.shape()[self.axis(dim)?];
        let Some(coord) = self.coords.get(name) else {
            if name == dim {
                return Ok((0..length).map(|at| at as f64).collect());
            }
            return Err(Error::not_found(format!("no coordinate `{name}`")));
        };
        if coord.dims != [dim.to_owned()] {
            let message = format!(
                "the coordinate `{name}` lies along {:?}, not `{dim}`",
                coord.dims
            );
            return Err(Error::invalid(message));
        }
        let labels = coord.values(session)?;
        let first = labels
            .scalars()
            .find_map(|label| label.to_i64())
            .unwrap_or(0);
        let place = |label: craton_core::Scalar| match label.dtype() {
            DType::Time(_) => label.to_i64().map(|count| (count - first) as f64),
            _ => label.to_f64(),
        };
        labels
            .scalars()
            .map(place)
            .collect::<Option<Vec<f64>>>()
            .ok_or_else(|| {
                Error::invalid(format!(
                    "the labels of `{name}` are {}, no places",
                    coord.dtype()
                ))
            })
    }
}
