//! Groups as they are stored elsewhere, written as they are.

use super::encode::{prepare_stored, prepare_variable};
use super::{NetcdfOptions, add_characters, add_recipe, filters, only_one_grows, write_spec};
use crate::labels::{Dataset, Variable};
use crate::output::Recipe;
use crate::session::Session;
use craton_core::{AttributeValue, Attributes, DType, Result, TimeKind};
use craton_format::netcdf::{FileSpec, GroupSpec, parent_of};
use craton_format::tree::Dimension;
use indexmap::IndexMap;
use std::path::Path;

/// A group as it is stored elsewhere.
pub(crate) struct RawGroup {
    /// Its path; `/` is the root.
    pub path: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// The dimensions that it defines, as far as that is known.
    pub dimensions: Vec<Dimension>,
    /// Its variables, without decoding.
    pub variables: IndexMap<String, Variable>,
}

/// Writes groups as they are stored, each after the one it lies in.
pub(crate) fn write_groups(
    groups: Vec<RawGroup>,
    path: &Path,
    options: &NetcdfOptions,
    recipe: &Recipe,
    session: &Session,
) -> Result<()> {
    let filters = filters(options)?;
    let mut spec = FileSpec::default();
    let mut nodes = Vec::new();
    for raw in groups {
        let mut group = GroupSpec {
            path: raw.path,
            attributes: raw.attributes,
            ..GroupSpec::default()
        };
        if group.path == "/" {
            add_recipe(&mut group.attributes, recipe, &Dataset::default())?;
        }
        let mut of_group = Vec::new();
        let mut characters = Vec::new();
        let mut lengths: IndexMap<String, u64> = IndexMap::new();
        for (name, variable) in &raw.variables {
            let prepared = match variable.dtype() {
                DType::Time(_) => prepare_variable(name, variable, true, options, session),
                _ => prepare_stored(name, variable, options, session),
            };
            let mut prepared = prepared.map_err(|error| error.in_variable(name))?;
            prepared.spec.filters.clone_from(&filters);
            for (dim, length) in variable.sizes() {
                lengths.entry(dim.to_owned()).or_insert(length);
            }
            characters.extend(prepared.characters);
            group.variables.push(prepared.spec);
            of_group.push(prepared.node);
        }
        group.dimensions = raw.dimensions;
        // Where nothing says which dimensions grow, those of times do.
        let is_told = !group.dimensions.is_empty();
        for (name, length) in lengths {
            let is_own = raw.variables.contains_key(&name);
            if is_defined(&spec, &group, &name, length, is_own) {
                continue;
            }
            let grows =
                length == 0 || (!is_told && raw.variables.get(&name).is_some_and(is_stored_time));
            group.dimensions.push(Dimension {
                name,
                length,
                is_unlimited: grows,
            });
        }
        add_characters(&mut group.dimensions, characters);
        if options.format.is_classic() {
            only_one_grows(&mut group.dimensions, &group.variables);
        }
        spec.groups.push(group);
        nodes.push(of_group);
    }
    write_spec(path, spec, nodes, options, session)
}

/// Whether a group, or one above it, defines a dimension of this length; a group that has a variable of that name
/// needs its own.
fn is_defined(spec: &FileSpec, group: &GroupSpec, name: &str, length: u64, is_own: bool) -> bool {
    let fits = |dimension: &Dimension| dimension.name == name && dimension.length == length;
    if group.dimensions.iter().any(fits) {
        return true;
    }
    if is_own {
        return false;
    }
    let mut path = group.path.as_str();
    while path != "/" {
        path = parent_of(path);
        let above = spec.groups.iter().find(|group| group.path == path);
        let mut known = above.into_iter().flat_map(|group| &group.dimensions);
        if let Some(nearest) = known.find(|dimension| dimension.name == name) {
            return fits(nearest);
        }
    }
    false
}

/// Whether an array of undecoded values holds times, by its units.
fn is_stored_time(variable: &Variable) -> bool {
    let units = variable.attributes.get("units");
    match variable.dtype() {
        DType::Time(time) => time.kind == TimeKind::Instant,
        _ => units
            .and_then(AttributeValue::as_text)
            .is_some_and(|units| units.contains(" since ")),
    }
}
