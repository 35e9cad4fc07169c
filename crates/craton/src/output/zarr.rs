//! Results as Zarr stores: every variable computed in one run, visible under its name only when whole.

mod encode;
mod update;

pub use super::chunks::{Length, natural_chunks};
pub use update::{CHANGE_ATTRIBUTE, Place, parse_region, plan_update, update_zarr};

use super::chunks::{check_dims, layout};
use super::encode::{Encoded, TimeEncoding};
use super::members::{self, check_unstacked, coordinate_names};
use super::planned::{Planned, Writing};
use super::recipe::Recipe;
use super::texts::write_held;
use super::{Labelled, groups_of, named_by_path};
use crate::labels::{Dataset, Variable};
use crate::session::Session;
use craton_core::{AttributeValue, Attributes, Result, Scalar, Sink};
use craton_format::zarr::{ArraySpec, ZarrStoreWriter, compressors, parse_codecs};
use craton_plan::NodeRef;
use craton_plan::physical::Target;
use craton_store::icechunk::{Committing, OnConflict};
use craton_store::scheme::repository_and_version;
use encode::encode;
use indexmap::IndexMap;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// How a store is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZarrOptions {
    /// Chunk lengths by dimension; others follow the source, or make chunks of about 16 MiB.
    pub chunks: IndexMap<String, Length>,
    /// Shard lengths by dimension, rounded up to whole chunks; if empty, chunks are not put into shards.
    pub shards: IndexMap<String, Length>,
    /// Codecs in words, such as `zstd:3`, see [`parse_codecs`]; what suits the values if none are named.
    pub codec: Option<String>,
    /// Whether a Zarr store that is there may be replaced.
    pub may_replace: bool,
    /// How a commit is made, in a repository.
    pub commit: CommitOptions,
    /// Whether of data only the arrays are made, without values.
    pub skips_values: bool,
    /// How the inputs store their times, by name of variable: results keep that where they can.
    pub times: IndexMap<String, TimeEncoding>,
}

/// How a commit is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitOptions {
    /// What it says; the recipe's question without.
    pub message: Option<String>,
    /// Whether it takes the place of the branch's newest commit in the history.
    pub is_amended: bool,
    /// Whose values a chunk has that somebody else changed meanwhile, where what is there is only changed.
    pub on_conflict: OnConflict,
}

impl CommitOptions {
    /// The commit of what `recipe` asks; `name` is that of the recipe among what is noted with it.
    fn of(&self, name: &str, recipe: &Recipe, written: &Dataset) -> Committing {
        let message = self.message.clone();
        Committing {
            message: message.unwrap_or_else(|| format!("craton {}", recipe.asked())),
            properties: [(name.to_owned(), recipe.to_json(written))].into(),
            is_amended: self.is_amended,
            on_conflict: None,
        }
    }
}

impl Default for ZarrOptions {
    fn default() -> Self {
        Self {
            chunks: IndexMap::new(),
            shards: IndexMap::new(),
            codec: None,
            may_replace: false,
            commit: CommitOptions::default(),
            skips_values: false,
            times: IndexMap::new(),
        }
    }
}

/// The attribute of the root group that holds the [`Recipe`].
pub const RECIPE_ATTRIBUTE: &str = "craton_recipe";

/// Whether a path is that of a branch of a repository, `icechunk+PATH@BRANCH`.
pub(crate) fn is_repository(path: &Path) -> bool {
    path.to_str()
        .is_some_and(|path| path.starts_with("icechunk+"))
}

/// Begins the store at `path`, or the next state of the branch that it names.
pub(crate) fn begin(
    path: &Path,
    options: &ZarrOptions,
    recipe: &Recipe,
    written: &Dataset,
    session: &Session,
) -> Result<ZarrStoreWriter> {
    match path.to_str().filter(|_| is_repository(path)) {
        None => ZarrStoreWriter::create(path, options.may_replace),
        Some(url) => {
            let (path, branch) = repository_and_version(url);
            let how = options.commit.of(RECIPE_ATTRIBUTE, recipe, written);
            ZarrStoreWriter::create_in_repository(&path, branch.as_deref(), how, &session.stores()?)
        }
    }
}

/// Writes results and their coordinates as one Zarr store of version 3 at `path`, or as the next state of the branch of an
/// Icechunk repository that `icechunk+PATH@BRANCH` names.
///
/// Times are stored as 64-bit integers with CF units and calendar, texts as Zarr's `string`.
///
/// # Errors
/// [`craton_core::ErrorKind::Conflict`] if something is at `path` already, or names clash;
/// [`craton_core::ErrorKind::Usage`] if an option names no dimension; what computing and writing report. Nothing
/// is left under the final name then.
/// # Cost
/// All variables are computed together, sharing scans, with memory for the chunks under way. Texts are held whole.
pub fn write_zarr(
    parts: &[Labelled<'_>],
    path: &Path,
    options: &ZarrOptions,
    recipe: &Recipe,
    session: &Session,
) -> Result<()> {
    let groups = groups_of(parts)?;
    check_dims(&groups, options.chunks.iter().chain(&options.shards))?;
    let codecs = options.codec.as_deref().map(parse_codecs).transpose()?;
    let named = named_by_path(&groups);
    let writer = begin(path, options, recipe, &named, session)?;
    let mut streamed: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    let mut held: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    for (group, dataset) in &groups {
        check_unstacked(dataset)?;
        for (name, variable) in dataset.coords.iter().chain(&dataset.variables) {
            let place = (group.as_str(), name.as_str());
            let (node, sink) = add_array(
                &writer,
                dataset,
                place,
                variable,
                options,
                codecs.as_deref(),
                session,
            )
            .map_err(|error| error.in_variable(name))?;
            if options.skips_values && dataset.variables.contains_key(name) {
                continue;
            }
            if node.dtype().is_variable() {
                &mut held
            } else {
                &mut streamed
            }
            .push((node, sink));
        }
        let attributes = match group.as_str() {
            "/" => group_attributes(dataset, &named, recipe),
            _ => members::attributes(dataset),
        };
        writer.group(group, &attributes)?;
    }
    session.write(&streamed)?;
    write_held(&held, session)?;
    writer.commit()
}

/// What [`write_zarr`] would do at `path`, without writing anything.
///
/// # Errors
/// As [`write_zarr`], as far as they are known beforehand.
pub fn plan_zarr(
    parts: &[Labelled<'_>],
    path: &Path,
    options: &ZarrOptions,
    session: &Session,
) -> Result<Writing> {
    let groups = groups_of(parts)?;
    check_dims(&groups, options.chunks.iter().chain(&options.shards))?;
    let codecs = options.codec.as_deref().map(parse_codecs).transpose()?;
    let mut writing = Writing::default();
    let shown = path.display();
    writing.text = match (is_repository(path), path.exists()) {
        (true, _) => format!("writes the next state of {shown}, with new arrays\n"),
        (false, false) => format!("writes {shown}, a new Zarr store\n"),
        (false, true) => format!("writes {shown}, a new Zarr store in place of what is there\n"),
    };
    for (group, dataset) in &groups {
        check_unstacked(dataset)?;
        for (name, variable) in dataset.coords.iter().chain(&dataset.variables) {
            plan_array(dataset, name, variable, options, codecs.as_deref(), session)
                .and_then(|(node, spec)| {
                    let name = format!("{group}/{name}");
                    writing.tell_spec(name.trim_start_matches('/'), &spec)?;
                    if !node.dtype().is_variable() {
                        let objects = spec.shards.as_ref().unwrap_or(&spec.chunks);
                        let sink = Planned::new(node.shape(), objects)?;
                        writing.outputs.push((node, Target::Write(Arc::new(sink))));
                    }
                    Ok(())
                })
                .map_err(|error| error.in_variable(name))?;
        }
    }
    Ok(writing)
}

/// The values of a variable as Zarr stores them, and everything of its array but chunks and codecs.
pub(crate) fn raw_spec(
    name: &str,
    variable: &Variable,
    options: &ZarrOptions,
    session: &Session,
) -> Result<(NodeRef, ArraySpec)> {
    let Encoded {
        node,
        attributes,
        fill_value,
    } = encode(variable, options.times.get(name), session)?;
    let mut spec = ArraySpec::new(node.dtype(), node.shape().to_vec(), node.shape().to_vec());
    spec.fill_value = fill_value.unwrap_or_else(|| Scalar::zero(node.dtype()));
    spec.dimension_names = variable.dims.iter().cloned().map(Some).collect();
    spec.attributes = attributes;
    Ok((node, spec))
}

/// Declares one array; gives what to compute for it, and where that goes.
fn add_array(
    writer: &ZarrStoreWriter,
    dataset: &Dataset,
    (group, name): (&str, &str),
    variable: &Variable,
    options: &ZarrOptions,
    codecs: Option<&[Value]>,
    session: &Session,
) -> Result<(NodeRef, Arc<dyn Sink>)> {
    let (node, spec) = plan_array(dataset, name, variable, options, codecs, session)?;
    let sink = match group {
        "/" => writer.array(name, &spec)?,
        group => writer.array(&format!("{group}/{name}"), &spec)?,
    };
    Ok((node, sink))
}

/// What to compute for one array, and how it is stored.
fn plan_array(
    dataset: &Dataset,
    name: &str,
    variable: &Variable,
    options: &ZarrOptions,
    codecs: Option<&[Value]>,
    session: &Session,
) -> Result<(NodeRef, ArraySpec)> {
    let (node, mut spec) = raw_spec(name, variable, options, session)?;
    let lengths = (&options.chunks, &options.shards);
    let layout = layout(&variable.dims, &variable.node, node.dtype(), lengths);
    (spec.chunks, spec.shards) = (layout.chunks, layout.shards);
    set_codecs(&mut spec, codecs, dataset.coords.contains_key(name));
    if let Some(names) = coordinate_names(dataset, name, variable) {
        spec.attributes
            .entry("coordinates".to_owned())
            .or_insert(names);
    }
    Ok((node, spec))
}

/// Gives an array the codecs that were asked for. Coordinates keep their values: codecs that change arrays are for data.
pub(crate) fn set_codecs(spec: &mut ArraySpec, codecs: Option<&[Value]>, is_coordinate: bool) {
    spec.codecs = codecs.map(|codecs| match is_coordinate {
        true => compressors(codecs),
        false => codecs.to_vec(),
    });
    // NaN is only what floats are filled with where nobody says otherwise; codecs that pack them may have no place for it.
    if !spec.attributes.contains_key("_FillValue") && !spec.holds_fill_value() {
        spec.fill_value = Scalar::zero(spec.dtype);
    }
}

/// The dataset's attributes, and the recipe of all that is written.
fn group_attributes(dataset: &Dataset, written: &Dataset, recipe: &Recipe) -> Attributes {
    let mut attributes = members::attributes(dataset);
    let recipe = recipe.to_json(written);
    attributes.insert(RECIPE_ATTRIBUTE.to_owned(), AttributeValue::Json(recipe));
    attributes
}

#[cfg(test)]
mod tests;
