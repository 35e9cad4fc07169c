//! What netCDF makes of an HDF5 file: variables in groups, and the dimensions they share.
//!
//! Pure: works on objects that are read already. Dimension scales become dimensions; datasets without
//! scales get anonymous ones, numbered as the netCDF library numbers them.

use super::links::Target;
use super::object::{Dataset, Object};
use crate::tree::{Dimension, Group};
use craton_core::{Error, Result};
use std::collections::{HashMap, HashSet};

/// One soft link may lead over this many others. A budget rather than a depth, because links that each
/// name the next one twice would double the work at every step.
const MOST_HOPS: u32 = 256;
/// The netCDF library renames variables that would be mistaken for coordinates.
const RENAMED: &str = "_nc4_non_coord_";

/// The objects of a file by address.
pub type Objects = HashMap<u64, Result<Object>>;

/// One member of the finished tree, before sources are made.
#[derive(Debug)]
pub enum Member<'a> {
    /// A group.
    Group(Group),
    /// A variable: its dataset, the names of its axes, and its shape in netCDF, where unlimited axes are
    /// as long as the longest variable along them.
    Variable {
        dataset: &'a Dataset,
        names: Vec<String>,
        shape: Vec<u64>,
    },
    /// Something that cannot be read.
    Broken(Error),
}

/// A group while dimensions are being matched.
struct Scope<'a> {
    path: String,
    parent: Option<usize>,
    children: Vec<usize>,
    group: Group,
    variables: Vec<Variable<'a>>,
    dimensions: Vec<Axis>,
    broken: Vec<(String, Error)>,
}

struct Variable<'a> {
    name: String,
    dataset: &'a Dataset,
    /// The dimension of each axis: group and position.
    axes: Vec<Option<(usize, usize)>>,
}

struct Axis {
    id: i64,
    scale: Option<u64>,
    dimension: Dimension,
}

struct Builder<'a> {
    objects: &'a Objects,
    scopes: Vec<Scope<'a>>,
    visited: HashSet<u64>,
    next_id: i64,
    root: u64,
}

/// Every member with its path: each group, then its variables, then the groups below it.
pub fn members(objects: &Objects, root: u64) -> Result<Vec<(String, Member<'_>)>> {
    let mut builder = Builder {
        objects,
        scopes: Vec::new(),
        visited: HashSet::new(),
        next_id: 0,
        root,
    };
    if let Some(Err(error)) = objects.get(&root) {
        return Err(error.again());
    }
    builder.read_groups(root);
    builder.match_dimensions();
    builder.measure_unlimited();
    Ok(builder.finish())
}

fn join(path: &str, name: &str) -> String {
    if path == "/" {
        format!("/{name}")
    } else {
        format!("{path}/{name}")
    }
}

impl<'a> Builder<'a> {
    /// Reads groups depth first, each one's datasets before the groups below it.
    fn read_groups(&mut self, root: u64) {
        self.visited.insert(root);
        let mut pending = vec![(root, "/".to_owned(), None)];
        while let Some((address, path, parent)) = pending.pop() {
            let Some(Ok(Object::Group { links, attributes })) = self.objects.get(&address) else {
                continue;
            };
            let number = self.scopes.len();
            if let Some(parent) = parent {
                let parent: &mut Scope<'_> = &mut self.scopes[parent];
                parent.children.push(number);
            }
            self.scopes.push(Scope {
                path: path.clone(),
                parent,
                children: Vec::new(),
                group: Group {
                    attributes: attributes.clone(),
                    dimensions: Vec::new(),
                },
                variables: Vec::new(),
                dimensions: Vec::new(),
                broken: Vec::new(),
            });
            let mut below = Vec::new();
            for link in links {
                match self.follow(address, &link.target, &mut { MOST_HOPS }) {
                    Ok(target) => self.read_member(number, &link.name, target, &mut below),
                    Err(error) => self.scopes[number]
                        .broken
                        .push((join(&path, &link.name), error)),
                }
            }
            let below = below.into_iter().rev();
            pending.extend(below.map(|(address, path)| (address, path, Some(number))));
        }
    }

    fn read_member(
        &mut self,
        group: usize,
        name: &str,
        target: u64,
        below: &mut Vec<(u64, String)>,
    ) {
        let path = join(&self.scopes[group].path, name);
        match self.objects.get(&target) {
            Some(Ok(Object::Dataset(dataset))) => self.read_dataset(group, name, target, dataset),
            // A group that was shown already is not shown again, so that cycles end.
            Some(Ok(Object::Group { .. })) => {
                if self.visited.insert(target) {
                    below.push((target, path));
                }
            }
            Some(Ok(Object::NamedType)) => {}
            Some(Err(error)) => self.scopes[group].broken.push((path, error.again())),
            None => {
                let error = Error::corrupt(format!("no object at address {target}"));
                self.scopes[group].broken.push((path, error));
            }
        }
    }

    /// The object that a link leads to.
    fn follow(&self, group: u64, target: &Target, hops: &mut u32) -> Result<u64> {
        match target {
            Target::Hard(address) => Ok(*address),
            Target::Soft(path) => self.resolve(group, path, hops),
            Target::External { file, path } => {
                let message =
                    format!("a link to `{path}` in another file, `{file}`, is not followed");
                Err(Error::unsupported(message).hint("open that file by its own name"))
            }
            Target::UserDefined(kind) => Err(Error::unsupported(format!(
                "a link of user-defined kind {kind}"
            ))),
        }
    }

    fn resolve(&self, group: u64, path: &str, hops: &mut u32) -> Result<u64> {
        let Some(left) = hops.checked_sub(1) else {
            let message = format!("soft links that lead to `{path}` go in a circle");
            return Err(Error::corrupt(message));
        };
        *hops = left;
        let mut at = if path.starts_with('/') {
            self.root
        } else {
            group
        };
        for part in path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
        {
            let links = match self.objects.get(&at) {
                Some(Ok(Object::Group { links, .. })) => links.as_slice(),
                _ => &[],
            };
            let link = links.iter().find(|link| link.name == part);
            let link = link.ok_or_else(|| {
                Error::not_found(format!(
                    "a soft link leads to `{path}`, but there is no `{part}`"
                ))
            })?;
            at = self.follow(at, &link.target, hops)?;
        }
        Ok(at)
    }

    fn read_dataset(&mut self, group: usize, name: &str, address: u64, dataset: &'a Dataset) {
        let scales = &dataset.scales;
        let own = scales
            .is_scale
            .then(|| self.add_scale(group, name, address, dataset));
        if scales.is_dimension_only {
            return;
        }
        let mut axes = vec![None; dataset.shape.len()];
        if let (Some(own), Some(first)) = (own, axes.first_mut()) {
            *first = Some(own);
        }
        let name = name
            .strip_prefix(RENAMED)
            .filter(|name| !name.is_empty())
            .unwrap_or(name)
            .to_owned();
        self.scopes[group].variables.push(Variable {
            name,
            dataset,
            axes,
        });
    }

    fn add_scale(
        &mut self,
        group: usize,
        name: &str,
        address: u64,
        dataset: &Dataset,
    ) -> (usize, usize) {
        let dimension = Dimension {
            name: name.to_owned(),
            length: dataset.shape.first().copied().unwrap_or(1),
            is_unlimited: dataset.is_unlimited(0),
        };
        self.add_dimension(group, dimension, dataset.scales.dimension_id, Some(address))
    }

    fn add_dimension(
        &mut self,
        group: usize,
        dimension: Dimension,
        id: Option<i64>,
        scale: Option<u64>,
    ) -> (usize, usize) {
        let id = id.filter(|id| *id >= 0).unwrap_or(self.next_id);
        self.next_id = self.next_id.max(id.saturating_add(1));
        let dimensions = &mut self.scopes[group].dimensions;
        dimensions.push(Axis {
            id,
            scale,
            dimension,
        });
        (group, dimensions.len() - 1)
    }

    /// Gives every axis its dimension. Groups below come first, as in the netCDF library, because that
    /// decides the numbers of anonymous dimensions.
    fn match_dimensions(&mut self) {
        let mut order = Vec::new();
        let mut pending = vec![(0, false)];
        while let Some((group, is_done)) = pending.pop() {
            if is_done {
                order.push(group);
                continue;
            }
            pending.push((group, true));
            let Some(scope) = self.scopes.get(group) else {
                return;
            };
            pending.extend(scope.children.iter().rev().map(|child| (*child, false)));
        }
        for group in order {
            for variable in 0..self.scopes[group].variables.len() {
                self.match_variable(group, variable);
            }
        }
    }

    fn match_variable(&mut self, group: usize, variable: usize) {
        let dataset = self.scopes[group].variables[variable].dataset;
        for axis in 0..dataset.shape.len() {
            if self.scopes[group].variables[variable].axes[axis].is_some()
                && dataset.scales.coordinates.is_empty()
            {
                continue;
            }
            let by_id = dataset
                .scales
                .coordinates
                .get(axis)
                .and_then(|id| self.find(group, |axis| axis.id == *id));
            let scales = dataset.scales.list.get(axis).map_or(&[][..], Vec::as_slice);
            let by_scale = scales
                .first()
                .and_then(|scale| self.find(group, |axis| axis.scale == Some(*scale)));
            let own = self.scopes[group].variables[variable].axes[axis];
            let fits = |found: &(usize, usize)| self.fits(*found, dataset, axis);
            let found = by_id.filter(fits).or(by_scale.filter(fits)).or(own);
            let found = match found {
                Some(found) => found,
                None => {
                    let used = self.scopes[group].variables[variable].axes.clone();
                    self.anonymous(group, dataset, axis, &used)
                }
            };
            self.scopes[group].variables[variable].axes[axis] = Some(found);
        }
    }

    /// Whether a dimension can be that of an axis: lengths may differ only where both may grow.
    fn fits(&self, (group, position): (usize, usize), dataset: &Dataset, axis: usize) -> bool {
        let dimension = &self.scopes[group].dimensions[position].dimension;
        dimension.is_unlimited || dataset.shape.get(axis) == Some(&dimension.length)
    }

    /// The nearest dimension in this group or those above it.
    fn find(&self, group: usize, is_it: impl Fn(&Axis) -> bool) -> Option<(usize, usize)> {
        let mut scope = Some(group);
        while let Some(number) = scope {
            if let Some(position) = self.scopes[number].dimensions.iter().position(&is_it) {
                return Some((number, position));
            }
            scope = self.scopes[number].parent;
        }
        // A scale in a group that is not above: legal HDF5, and the file says that it belongs here.
        (0..self.scopes.len()).find_map(|number| {
            let position = self.scopes[number].dimensions.iter().position(&is_it)?;
            Some((number, position))
        })
    }

    /// A dimension of this group with the right length that the variable has on no other axis, made if
    /// there is none.
    fn anonymous(
        &mut self,
        group: usize,
        dataset: &Dataset,
        axis: usize,
        used: &[Option<(usize, usize)>],
    ) -> (usize, usize) {
        let (length, is_unlimited) = (dataset.shape[axis], dataset.is_unlimited(axis));
        let mut numbered = self.scopes[group].dimensions.iter().enumerate();
        let found = numbered.find(|(position, axis)| {
            let dimension = &axis.dimension;
            (dimension.length, dimension.is_unlimited) == (length, is_unlimited)
                && !used.contains(&Some((group, *position)))
        });
        if let Some((position, _)) = found {
            return (group, position);
        }
        let name = format!("phony_dim_{}", self.next_id);
        let dimension = Dimension {
            name,
            length,
            is_unlimited,
        };
        self.add_dimension(group, dimension, None, None)
    }

    /// An unlimited dimension is as long as the longest variable along it.
    fn measure_unlimited(&mut self) {
        let mut lengths: HashMap<(usize, usize), u64> = HashMap::new();
        for variable in self.scopes.iter().flat_map(|scope| &scope.variables) {
            for (axis, length) in variable.axes.iter().zip(&variable.dataset.shape) {
                if let Some(axis) = axis {
                    let longest = lengths.entry(*axis).or_default();
                    *longest = (*longest).max(*length);
                }
            }
        }
        for (number, scope) in self.scopes.iter_mut().enumerate() {
            for (position, axis) in scope.dimensions.iter_mut().enumerate() {
                if axis.dimension.is_unlimited {
                    axis.dimension.length = lengths.get(&(number, position)).copied().unwrap_or(0);
                }
            }
        }
    }

    fn finish(self) -> Vec<(String, Member<'a>)> {
        let mut members = Vec::new();
        for scope in &self.scopes {
            let mut numbered: Vec<&Axis> = scope.dimensions.iter().collect();
            numbered.sort_by_key(|axis| axis.id);
            let mut group = scope.group.clone();
            group.dimensions = numbered
                .into_iter()
                .map(|axis| axis.dimension.clone())
                .collect();
            members.push((scope.path.clone(), Member::Group(group)));
            for variable in &scope.variables {
                let (names, shape) = self.axes_of(variable);
                let member = Member::Variable {
                    dataset: variable.dataset,
                    names,
                    shape,
                };
                members.push((join(&scope.path, &variable.name), member));
            }
        }
        for scope in self.scopes {
            members.extend(
                scope
                    .broken
                    .into_iter()
                    .map(|(path, error)| (path, Member::Broken(error))),
            );
        }
        members
    }

    fn axes_of(&self, variable: &Variable<'_>) -> (Vec<String>, Vec<u64>) {
        let dimensions = variable.axes.iter().flatten();
        let dimensions = dimensions
            .map(|(group, position)| &self.scopes[*group].dimensions[*position].dimension);
        let stored = &variable.dataset.shape;
        dimensions
            .zip(stored)
            .map(|(dimension, stored)| {
                let length = if dimension.is_unlimited {
                    dimension.length.max(*stored)
                } else {
                    *stored
                };
                (dimension.name.clone(), length)
            })
            .unzip()
    }
}
