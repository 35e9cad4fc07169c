//! Points: positions along several dimensions taken together.

use super::select::Labels;
use super::stack::{Mixture, split_axis};
use super::{Dataset, Distance, Label, Method, Variable};
use crate::session::Session;
use craton_core::{Error, Result};
use craton_plan::ops;
use indexmap::IndexMap;
use std::sync::Arc;

/// What is taken of one dimension: a position for each point of an array, whose dimensions take its place.
#[derive(Clone, Debug)]
pub struct Pointwise {
    /// The dimension that is taken from.
    pub dim: String,
    /// Positions along it, of the array's points in C order.
    pub positions: Vec<u64>,
    /// Names and lengths of the array's dimensions.
    pub dims: Vec<(String, u64)>,
    /// Coordinates of the array, which the result gets.
    pub coords: IndexMap<String, Variable>,
}

impl Dataset {
    /// The positions of labels, one each.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for labels that are not there; [`craton_core::ErrorKind::InvalidInput`] for
    /// labels that stand there more than once.
    pub fn label_places(
        &self,
        dim: &str,
        wanted: &[Label],
        method: Method,
        tolerance: Option<Distance>,
        session: &Session,
    ) -> Result<Vec<u64>> {
        self.length(dim)?;
        let index = self
            .index(dim)
            .ok_or_else(|| Error::invalid(format!("dimension `{dim}` has no labels")))?;
        let labels = Labels::of(dim, index, session)?;
        let place = |label: &Label| match labels.find(label, method, tolerance)?.places()[..] {
            [only] => Ok(only),
            _ => Err(Error::invalid(format!(
                "the label {} stands more than once along `{dim}`",
                label.text()
            ))),
        };
        wanted.iter().map(place).collect()
    }

    /// The points of every variable that has some of the dimensions; arrays of points that share a dimension go
    /// together along it.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for unknown dimensions; [`craton_core::ErrorKind::InvalidInput`] for positions
    /// outside, arrays that share a dimension but not its length, or a dimension that the variable has already.
    pub fn select_points(&self, points: &[Pointwise]) -> Result<Self> {
        for one in points {
            self.length(&one.dim)?;
        }
        let mut out = self.map_all(|name, variable| {
            at_points(variable, points).map_err(|error| error.in_variable(name))
        })?;
        for (name, coord) in points.iter().flat_map(|one| &one.coords) {
            if !out.coords.contains_key(name) && !out.variables.contains_key(name) {
                out.coords.insert(name.clone(), coord.clone());
            }
        }
        Ok(out)
    }
}

fn at_points(variable: &Variable, points: &[Pointwise]) -> Result<Variable> {
    let of = |dim: &str| points.iter().find(|one| one.dim == dim);
    let taken: Vec<(usize, &Pointwise)> = variable
        .dims
        .iter()
        .enumerate()
        .filter_map(|(axis, dim)| Some((axis, of(dim)?)))
        .collect();
    let Some((first, _)) = taken.first().copied() else {
        return Ok(variable.clone());
    };
    let mut sizes: IndexMap<String, u64> = IndexMap::new();
    for (dim, length) in taken.iter().flat_map(|(_, one)| &one.dims) {
        let known = *sizes.entry(dim.clone()).or_insert(*length);
        if known != *length {
            let message = format!("points along `{dim}` number {known} and {length}");
            return Err(Error::invalid(message));
        }
    }
    let is_kept = |dim: &&String| of(dim).is_none();
    if let Some(dim) = variable
        .dims
        .iter()
        .filter(is_kept)
        .find(|dim| sizes.contains_key(*dim))
    {
        let message = format!("points along `{dim}`, which the variable has already");
        return Err(Error::invalid(message).hint("give the points' dimension another name"));
    }
    let mixture = Mixture::new(sizes.into_iter().collect())?;
    let lists = taken
        .iter()
        .map(|(_, one)| mixture.spread(&one.dims, &one.positions));
    let lists: Vec<Arc<[u64]>> = lists.collect::<Result<_>>()?;
    let axes: Vec<usize> = taken.iter().map(|(axis, _)| *axis).collect();
    let node = match (axes.as_slice(), lists.as_slice()) {
        ([axis], [list]) => ops::gather(&variable.node, *axis, list.clone())?,
        _ => ops::points(&variable.node, &axes, &lists)?,
    };
    let lengths: Vec<u64> = mixture.dims.iter().map(|(_, length)| *length).collect();
    let node = split_axis(&node, first, &lengths)?;
    let (mut dims, mut order): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let new = || mixture.dims.iter().map(|(dim, _)| dim.clone());
    for (axis, dim) in variable.dims.iter().enumerate() {
        match of(dim) {
            None => dims.push(dim.clone()),
            Some(_) if axis == first => dims.extend(new()),
            Some(_) => {}
        }
        let own = match of(dim) {
            None => vec![dim.clone()],
            Some(one) => one.dims.iter().map(|(dim, _)| dim.clone()).collect(),
        };
        for dim in own {
            if !order.contains(&dim) {
                order.push(dim);
            }
        }
    }
    let taken = Variable::new(dims, node, variable.attributes.clone())?;
    let taken = if order == taken.dims {
        taken
    } else {
        taken.transposed(&order)?
    };
    taken.settled()
}
