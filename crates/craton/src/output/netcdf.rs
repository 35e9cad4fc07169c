//! Results as netCDF files: every variable computed in one run, visible under its name only when whole.

mod encode;
mod groups;

pub(crate) use groups::{RawGroup, write_groups};

use super::chunks::{Length, check_dims};
use super::members::{self, check_unstacked, coordinate_names, is_index};
use super::planned::{Planned, Writing};
use super::recipe::Recipe;
use super::stored::StoredForms;
use super::texts::write_held;
use super::zarr::RECIPE_ATTRIBUTE;
use super::{Labelled, groups_of, named_by_path};
use crate::info::ArrayInfo;
use crate::labels::Dataset;
use crate::session::Session;
use craton_core::{AttributeValue, Attributes, DType, Result, Sink, TimeKind};
use craton_format::netcdf::{
    FileSpec, Filter, GroupSpec, NetcdfFormat, NetcdfWriter, VariableSpec, parse_filters,
};
use craton_format::tree::Dimension;
use craton_plan::NodeRef;
use craton_plan::physical::Target;
use encode::prepare_variable;
use indexmap::IndexMap;
use std::path::Path;
use std::sync::Arc;

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetcdfOptions {
    /// Which of netCDF's formats.
    pub format: NetcdfFormat,
    /// Chunk lengths by dimension; others follow the source, or make chunks of about 16 MiB.
    pub chunks: IndexMap<String, Length>,
    /// Filters in words, such as `zlib:4`; see [`parse_filters`].
    pub codec: String,
    /// Whether a file that is there may be replaced.
    pub may_replace: bool,
    /// What is kept of how the inputs are stored.
    pub stored: StoredForms,
}

impl Default for NetcdfOptions {
    fn default() -> Self {
        Self {
            format: NetcdfFormat::default(),
            chunks: IndexMap::new(),
            codec: "zlib:4".to_owned(),
            may_replace: false,
            stored: StoredForms::default(),
        }
    }
}

/// Writes results and their coordinates as one netCDF file at `path`.
///
/// Times are numbers with CF units and calendar, in those of the inputs where these keep every time; a selection of
/// packed values is written as it is stored. The dimensions that may grow are those of the inputs and of times.
///
/// # Errors
/// [`craton_core::ErrorKind::Conflict`] if something is at `path` already, or names clash;
/// [`craton_core::ErrorKind::Usage`] if an option names no dimension; unsupported for types that the format lacks;
/// what computing and writing report. Nothing is left under the final name then.
/// # Cost
/// All variables are computed together, sharing scans, with memory for the chunks under way. Texts are held whole.
pub fn write_netcdf(
    parts: &[Labelled<'_>],
    path: &Path,
    options: &NetcdfOptions,
    recipe: &Recipe,
    session: &Session,
) -> Result<()> {
    let groups = groups_of(parts)?;
    check_dims(&groups, options.chunks.iter())?;
    let (mut specs, mut values) = (Vec::new(), Vec::new());
    for (place, dataset) in &groups {
        let (mut group, nodes) = prepare(dataset, options, session)?;
        group.path.clone_from(place);
        group.attributes = members::attributes(dataset);
        if place == "/" {
            add_recipe(&mut group.attributes, recipe, &named_by_path(&groups))?;
        }
        specs.push(group);
        values.push(nodes);
    }
    write_spec(path, FileSpec { groups: specs }, values, options, session)
}

/// What [`write_netcdf`] would do at `path`, without writing anything.
///
/// # Errors
/// As [`write_netcdf`], as far as they are known beforehand.
pub fn plan_netcdf(
    parts: &[Labelled<'_>],
    path: &Path,
    options: &NetcdfOptions,
    session: &Session,
) -> Result<Writing> {
    let groups = groups_of(parts)?;
    check_dims(&groups, options.chunks.iter())?;
    let mut writing = Writing::default();
    let format = match options.format.is_classic() {
        true => "a new netCDF file of the classic kind",
        false => "a new netCDF file",
    };
    let instead = match path.exists() {
        true => " in place of what is there",
        false => "",
    };
    writing.text = format!("writes {}, {format}{instead}\n", path.display());
    for (place, dataset) in &groups {
        let (group, nodes) = prepare(dataset, options, session)?;
        for (variable, node) in group.variables.iter().zip(nodes) {
            let name = format!("{}/{}", place.trim_end_matches('/'), variable.name);
            // Classic files have no chunks.
            let chunks = match options.format.is_classic() {
                true => node.shape(),
                false => &variable.chunks,
            };
            let name = name.trim_start_matches('/');
            let mut array = ArrayInfo::planned(name, variable.dtype, node.shape(), chunks)?;
            array.dims.clone_from(&variable.dims);
            if !variable.filters.is_empty() {
                array.codecs.clone_from(&options.codec);
            }
            writing.tell(&array)?;
            if !node.dtype().is_variable() {
                let sink = Planned::new(node.shape(), &variable.chunks)
                    .map_err(|error| error.in_variable(&variable.name))?;
                writing.outputs.push((node, Target::Write(Arc::new(sink))));
            }
        }
    }
    Ok(writing)
}

/// Writes everything that `spec` names; `nodes` are the values of each group's variables.
fn write_spec(
    path: &Path,
    spec: FileSpec,
    nodes: Vec<Vec<NodeRef>>,
    options: &NetcdfOptions,
    session: &Session,
) -> Result<()> {
    let names: Vec<(String, String)> = spec
        .groups
        .iter()
        .flat_map(|group| {
            let variables = group.variables.iter();
            variables.map(|variable| (group.path.clone(), variable.name.clone()))
        })
        .collect();
    let writer = NetcdfWriter::create(path, options.format, spec, options.may_replace)?;
    let mut streamed: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    let mut held: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    for ((group, name), node) in names.iter().zip(nodes.into_iter().flatten()) {
        let sink = writer.sink(group, name)?;
        let is_held = node.dtype().is_variable();
        if is_held { &mut held } else { &mut streamed }.push((node, sink));
    }
    session.write(&streamed)?;
    write_held(&held, session)?;
    drop((streamed, held));
    writer.commit()
}

/// The group of a dataset without its attributes, and the values of its variables.
fn prepare(
    dataset: &Dataset,
    options: &NetcdfOptions,
    session: &Session,
) -> Result<(GroupSpec, Vec<NodeRef>)> {
    let mut group = GroupSpec {
        path: "/".to_owned(),
        ..GroupSpec::default()
    };
    check_unstacked(dataset)?;
    let filters = filters(options)?;
    let mut nodes = Vec::new();
    let mut characters = Vec::new();
    for (name, variable) in dataset.coords.iter().chain(&dataset.variables) {
        let is_index = is_index(name, variable);
        let mut prepared = prepare_variable(name, variable, is_index, options, session)
            .map_err(|error| error.in_variable(name))?;
        prepared.spec.filters.clone_from(&filters);
        if let Some(names) = coordinate_names(dataset, name, variable) {
            let attributes = &mut prepared.spec.attributes;
            attributes.entry("coordinates".to_owned()).or_insert(names);
        }
        characters.extend(prepared.characters);
        group.variables.push(prepared.spec);
        nodes.push(prepared.node);
    }
    group.dimensions = dimensions(dataset, &group.variables, options);
    add_characters(&mut group.dimensions, characters);
    Ok((group, nodes))
}

/// The filters of chunks: those that were asked for, or deflate; none in classic files.
fn filters(options: &NetcdfOptions) -> Result<Vec<Filter>> {
    if options.format.is_classic() {
        return Ok(Vec::new());
    }
    parse_filters(&options.codec)
}

fn add_characters(dimensions: &mut Vec<Dimension>, characters: Vec<Dimension>) {
    for dimension in characters {
        if dimensions.iter().all(|known| known.name != dimension.name) {
            dimensions.push(dimension);
        }
    }
}

/// The dimensions of a dataset. Those that grow: of the inputs, of times, and those without indices; of classic files one
/// that comes first wherever it is.
fn dimensions(
    dataset: &Dataset,
    variables: &[VariableSpec],
    options: &NetcdfOptions,
) -> Vec<Dimension> {
    let is_time = |name: &str| {
        let coord = dataset.coords.get(name);
        let coord = coord.filter(|coord| is_index(name, coord));
        coord.is_some_and(
            |coord| matches!(coord.dtype(), DType::Time(time) if time.kind == TimeKind::Instant),
        )
    };
    let grows = |name: &String, length: u64| {
        length == 0 || is_time(name) || options.stored.unlimited.contains(name)
    };
    let mut dimensions: Vec<Dimension> = dataset
        .sizes()
        .into_iter()
        .map(|(name, length)| Dimension {
            is_unlimited: grows(&name, length),
            name,
            length,
        })
        .collect();
    if options.format.is_classic() {
        only_one_grows(&mut dimensions, variables);
    }
    dimensions
}

/// Classic files have one dimension that grows, which is the first of every variable that has it.
fn only_one_grows(dimensions: &mut [Dimension], variables: &[VariableSpec]) {
    let mut has_one = false;
    for dimension in dimensions
        .iter_mut()
        .filter(|dimension| dimension.is_unlimited)
    {
        let is_first = variables.iter().all(|variable| {
            variable
                .dims
                .iter()
                .skip(1)
                .all(|dim| *dim != dimension.name)
        });
        dimension.is_unlimited = is_first && !has_one;
        has_one |= dimension.is_unlimited;
    }
}

/// Adds the recipe, and a line of `history` as other programs write it: the newest first.
fn add_recipe(attributes: &mut Attributes, recipe: &Recipe, dataset: &Dataset) -> Result<()> {
    let line = recipe.history_line();
    let history = match attributes.get("history").and_then(AttributeValue::as_text) {
        Some(earlier) => format!("{line}\n{earlier}"),
        None => line,
    };
    attributes.insert("history".to_owned(), AttributeValue::Text(history));
    attributes.insert(
        RECIPE_ATTRIBUTE.to_owned(),
        AttributeValue::Text(recipe.to_text(dataset)?),
    );
    Ok(())
}

#[cfg(test)]
mod tests;
