//! Results as Zarr stores: every variable computed in one run, visible under its name only when whole.

mod chunks;
mod encode;
mod planned;

pub use chunks::natural_chunks;

use super::recipe::Recipe;
use super::{Labelled, merged};
use crate::labels::{Dataset, Variable};
use crate::session::Session;
use chunks::layout;
use craton_core::{AttributeValue, Attributes, Error, Result, Scalar, Sink};
use craton_format::zarr::{ArraySpec, ZarrStoreWriter, parse_codecs};
use craton_plan::NodeRef;
use craton_plan::physical::Target;
use encode::{Encoded, encode};
use indexmap::IndexMap;
use planned::Planned;
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
    /// Codecs in words, such as `zstd:3`; see [`parse_codecs`].
    pub codec: String,
    /// Whether a Zarr store that is there may be replaced.
    pub may_replace: bool,
}

/// A length along a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many indices.
    Indices(u64),
    /// The whole dimension (`-1`).
    Whole,
}

impl Default for ZarrOptions {
    fn default() -> Self {
        Self {
            chunks: IndexMap::new(),
            shards: IndexMap::new(),
            codec: "zstd:3".to_owned(),
            may_replace: false,
        }
    }
}

/// The attribute of the root group that holds the [`Recipe`].
pub const RECIPE_ATTRIBUTE: &str = "craton_recipe";

/// Writes results and their coordinates as one Zarr store of version 3 at `path`.
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
    let dataset = merged(parts)?;
    check_dims(&dataset, options)?;
    let codecs = parse_codecs(&options.codec)?;
    let writer = ZarrStoreWriter::create(path, options.may_replace)?;
    let mut streamed: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    let mut held: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    for (name, variable) in dataset.coords.iter().chain(&dataset.variables) {
        let (node, sink) = add_array(&writer, &dataset, name, variable, options, &codecs, session)
            .map_err(|error| error.in_variable(name))?;
        if node.dtype().is_variable() {
            &mut held
        } else {
            &mut streamed
        }
        .push((node, sink));
    }
    writer.group("/", &group_attributes(&dataset, recipe))?;
    session.write(&streamed)?;
    write_held(&held, session)?;
    writer.commit()
}

/// What [`write_zarr`] would compute, and the chunks it would write, without writing anything.
///
/// # Errors
/// As [`write_zarr`], as far as they are known beforehand.
pub fn plan_zarr(
    parts: &[Labelled<'_>],
    options: &ZarrOptions,
    session: &Session,
) -> Result<Vec<(NodeRef, Target)>> {
    let dataset = merged(parts)?;
    check_dims(&dataset, options)?;
    let variables = dataset.coords.iter().chain(&dataset.variables);
    let planned = variables.map(|(name, variable)| {
        let node = encode(variable, session)?.node;
        let layout = layout(&variable.dims, &variable.node, node.dtype(), options);
        let objects = layout.shards.unwrap_or(layout.chunks);
        let sink = Planned::new(node.shape(), &objects).map_err(|error| error.in_variable(name))?;
        Ok((node, Target::Write(Arc::new(sink))))
    });
    planned
        .filter(|planned| !matches!(planned, Ok((node, _)) if node.dtype().is_variable()))
        .collect()
}

fn check_dims(dataset: &Dataset, options: &ZarrOptions) -> Result<()> {
    let sizes = dataset.sizes();
    let named = options.chunks.iter().chain(&options.shards);
    for (dim, length) in named {
        if !sizes.contains_key(dim) {
            let dims: Vec<&str> = sizes.keys().map(String::as_str).collect();
            let message = format!("chunks are given for `{dim}`, which is no dimension");
            return Err(Error::usage(message).hint(format!("dimensions are {}", dims.join(", "))));
        }
        if *length == Length::Indices(0) {
            return Err(Error::usage(format!("the chunk length of `{dim}` is 0")));
        }
    }
    Ok(())
}

/// Declares one array; gives what to compute for it, and where that goes.
fn add_array(
    writer: &ZarrStoreWriter,
    dataset: &Dataset,
    name: &str,
    variable: &Variable,
    options: &ZarrOptions,
    codecs: &[Value],
    session: &Session,
) -> Result<(NodeRef, Arc<dyn Sink>)> {
    let Encoded {
        node,
        attributes,
        fill_value,
    } = encode(variable, session)?;
    let layout = layout(&variable.dims, &variable.node, node.dtype(), options);
    let mut spec = ArraySpec::new(node.dtype(), node.shape().to_vec(), layout.chunks);
    spec.shards = layout.shards;
    spec.codecs = codecs.to_vec();
    spec.fill_value = fill_value.unwrap_or_else(|| Scalar::zero(node.dtype()));
    spec.dimension_names = variable.dims.iter().cloned().map(Some).collect();
    spec.attributes = attributes;
    if let Some(names) = coordinate_names(dataset, name, variable) {
        spec.attributes
            .entry("coordinates".to_owned())
            .or_insert(names);
    }
    let sink = writer.array(name, &spec)?;
    Ok((node, sink))
}

fn is_index(name: &str, coord: &Variable) -> bool {
    coord.dims == [name]
}

/// The coordinates of a data variable that its dimensions do not name.
fn coordinate_names(dataset: &Dataset, name: &str, variable: &Variable) -> Option<AttributeValue> {
    if dataset.coords.contains_key(name) {
        return None;
    }
    let belongs = |(name, coord): &(&String, &Variable)| {
        !is_index(name, coord) && coord.dims.iter().all(|dim| variable.dims.contains(dim))
    };
    let names: Vec<&str> = dataset
        .coords
        .iter()
        .filter(belongs)
        .map(|(name, _)| name.as_str())
        .collect();
    (!names.is_empty()).then(|| AttributeValue::Text(names.join(" ")))
}

/// The dataset's attributes, with coordinates that belong to no variable, and the recipe.
fn group_attributes(dataset: &Dataset, recipe: &Recipe) -> Attributes {
    let mut attributes = dataset.attributes.clone();
    let has_variable = |coord: &Variable| {
        dataset
            .variables
            .values()
            .any(|variable| coord.dims.iter().all(|dim| variable.dims.contains(dim)))
    };
    let alone =
        |(name, coord): &(&String, &Variable)| !is_index(name, coord) && !has_variable(coord);
    let names: Vec<&str> = dataset
        .coords
        .iter()
        .filter(alone)
        .map(|(name, _)| name.as_str())
        .collect();
    if !names.is_empty() {
        attributes.insert(
            "coordinates".to_owned(),
            AttributeValue::Text(names.join(" ")),
        );
    }
    let recipe = recipe.to_json(dataset);
    attributes.insert(RECIPE_ATTRIBUTE.to_owned(), AttributeValue::Json(recipe));
    attributes
}

/// Computes texts together and hands them to their sinks chunk by chunk: the engine streams only
/// elements of fixed size.
fn write_held(held: &[(NodeRef, Arc<dyn Sink>)], session: &Session) -> Result<()> {
    let nodes: Vec<NodeRef> = held.iter().map(|(node, _)| node.clone()).collect();
    for ((_, sink), block) in held.iter().zip(super::slabs::compute_all(&nodes, session)?) {
        pollster::block_on(sink.begin())?;
        encode::put_texts(&block, &**sink, session.engine().pool())?;
        pollster::block_on(sink.commit())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
