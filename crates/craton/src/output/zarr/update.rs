//! Results written into a Zarr store that is there: appended along a dimension, or into a region.
//!
//! What is written must fit what is there: names, dimensions, types, packing, units, calendars, and the coordinates
//! that are there already. Values go through the encoding of the stored arrays.

mod encode;
mod labels;

use super::super::members::check_unstacked;
use super::super::planned::{Planned, Writing};
use super::super::recipe::Recipe;
use super::super::texts::write_held;
use super::super::{Labelled, merged};
use super::{CommitOptions, RECIPE_ATTRIBUTE, is_repository};
use crate::info::ArrayInfo;
use crate::labels::{Dataset, Variable};
use crate::open::{OpenOptions, StoredGroup, open_group, open_stored_with};
use crate::session::Session;
use craton_core::{
    AttributeValue, Attributes, DType, Error, ErrorKind, Grid, Result, Sink, Source,
};
use craton_format::zarr::ZarrStoreUpdate;
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex};
use craton_plan::physical;
use craton_store::scheme::repository_and_version;
use encode::encode_like;
use indexmap::IndexMap;
use labels::{are_equal, check_order, found};
use serde_json::{Map, Value, json};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Where in a store results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Behind what is there, along this dimension.
    Append(String),
    /// Over what is there: indices by dimension, or found by the labels where `None`.
    Region(IndexMap<String, Option<Range<u64>>>),
}

/// The attribute of the root group that tells of the last change.
pub const CHANGE_ATTRIBUTE: &str = "craton_recipe_last_change";

/// Writes results into the Zarr store at `path`, or into what the branch holds that `icechunk+PATH@BRANCH` names, as one
/// commit.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] or [`ErrorKind::Conflict`] if results do not fit what is there; what computing and
/// writing report. The store is as before then.
pub fn update_zarr(
    parts: &[Labelled<'_>],
    path: &Path,
    place: &Place,
    commit: &CommitOptions,
    recipe: &Recipe,
    session: &Session,
) -> Result<()> {
    let dataset = merged(parts)?;
    check_unstacked(&dataset)?;
    let repository = path.to_str().filter(|_| is_repository(path));
    let update = match repository {
        None => ZarrStoreUpdate::open(path)?,
        Some(url) => {
            let (path, branch) = repository_and_version(url);
            let mut how = commit.of(CHANGE_ATTRIBUTE, recipe, &dataset);
            how.on_conflict = Some(commit.on_conflict);
            ZarrStoreUpdate::open_in_repository(&path, branch.as_deref(), how, &session.stores()?)?
        }
    };
    let stored = open_stored_with(&update.url(), &session.stores()?)?;
    let group = stored.root()?;
    let there = open_group(&stored, "/", OpenOptions::default(), session)?;
    let target = Target::of(&dataset, &there, place, session)?;
    target.check_members(&dataset, group)?;
    let mut streamed: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    let mut held: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    for (name, variable) in dataset.coords.iter().chain(&dataset.variables) {
        let objects = |name: &str| update.object_shape(name);
        let written = target
            .piece(name, variable, group, &there, session, objects)
            .and_then(|piece| piece.map(|piece| piece.begin(name, &update)).transpose())
            .map_err(|error| error.in_variable(name))?;
        if let Some((node, sink)) = written {
            let is_held = node.dtype().is_variable();
            if is_held { &mut held } else { &mut streamed }.push((node, sink));
        }
    }
    session.write(&streamed)?;
    write_held(&held, session)?;
    // In a repository the history tells of each change, and attributes of the root would be changed by all.
    if repository.is_none() {
        update.set_attributes(change(&update, recipe, &dataset)?)?;
    }
    update.commit()
}

/// What [`update_zarr`] would do, without changing anything.
///
/// # Errors
/// As [`update_zarr`], as far as they are known beforehand.
pub fn plan_update(
    parts: &[Labelled<'_>],
    path: &Path,
    place: &Place,
    session: &Session,
) -> Result<Writing> {
    let dataset = merged(parts)?;
    check_unstacked(&dataset)?;
    if !is_repository(path) {
        ZarrStoreUpdate::check(path)?;
    }
    let stored = open_stored_with(&path.display().to_string(), &session.stores()?)?;
    let group = stored.root()?;
    let there = open_group(&stored, "/", OpenOptions::default(), session)?;
    let target = Target::of(&dataset, &there, place, session)?;
    target.check_members(&dataset, group)?;
    let mut writing = Writing {
        text: format!(
            "writes into {}, which keeps its chunks and codecs: {}\n",
            path.display(),
            target.in_words()
        ),
        ..Writing::default()
    };
    let mut kept: Vec<&str> = Vec::new();
    for (name, variable) in dataset.coords.iter().chain(&dataset.variables) {
        let source = group.array(name)?;
        // Whole objects are written: chunks, or shards.
        let lengths = source.meta().grid.axes.iter().enumerate();
        let shards = source.meta().shard_shape.as_ref();
        let objects = lengths.map(|(axis, lengths)| {
            let in_shard = shards.and_then(|shards| shards.get(axis));
            lengths.largest_encoded().max(1) * in_shard.copied().unwrap_or(1)
        });
        let objects: Vec<u64> = objects.collect();
        let piece = target
            .piece(name, variable, group, &there, session, |_| {
                Ok(objects.clone())
            })
            .map_err(|error| error.in_variable(name))?;
        let Some(piece) = piece else {
            kept.push(name);
            continue;
        };
        let mut array = ArrayInfo::of_source(name, &**source);
        array.shape.clone_from(&piece.shape);
        array.chunk_count = Grid::regular(&array.shape, &array.chunks)?.len();
        array.attributes.clear();
        writing.tell(&array)?;
        if !piece.node.dtype().is_variable() {
            let sink = Planned::new(piece.node.shape(), &objects)?;
            let sink = physical::Target::Write(Arc::new(sink));
            writing.outputs.push((piece.node, sink));
        }
    }
    if !kept.is_empty() {
        writing.text += &format!("    as they are there: {}\n", kept.join(", "));
    }
    Ok(writing)
}

/// The first recipe stays; of the changes the last is told, and how many there were.
fn change(
    update: &ZarrStoreUpdate,
    recipe: &Recipe,
    dataset: &Dataset,
) -> Result<Map<String, Value>> {
    let earlier = update.attribute(CHANGE_ATTRIBUTE)?;
    let count = earlier.and_then(|earlier| earlier["count"].as_u64());
    let recipe = recipe.to_json(dataset);
    let mut attributes = Map::new();
    if update.attribute(RECIPE_ATTRIBUTE)?.is_none() {
        attributes.insert(RECIPE_ATTRIBUTE.to_owned(), recipe.clone());
    }
    let change = json!({"count": count.unwrap_or(0).saturating_add(1), "recipe": recipe});
    attributes.insert(CHANGE_ATTRIBUTE.to_owned(), change);
    Ok(attributes)
}

/// Where results go, by dimension.
struct Target {
    /// Indices along dimensions that are not covered whole.
    ranges: IndexMap<String, Range<u64>>,
    /// The dimension that becomes longer.
    appended: Option<String>,
}

impl Target {
    fn of(dataset: &Dataset, there: &Dataset, place: &Place, session: &Session) -> Result<Self> {
        let sizes = there.sizes();
        let new_sizes = dataset.sizes();
        let length = |sizes: &IndexMap<String, u64>, dim: &str, where_: &str| {
            sizes.get(dim).copied().ok_or_else(|| {
                let dims: Vec<&str> = sizes.keys().map(String::as_str).collect();
                Error::usage(format!("{where_} no dimension `{dim}`"))
                    .hint(format!("dimensions are {}", dims.join(", ")))
            })
        };
        let mut ranges = IndexMap::new();
        match place {
            Place::Append(dim) => {
                let old = length(&sizes, dim, "the store has")?;
                let new = length(&new_sizes, dim, "the result has")?;
                check_order(dim, dataset, there, session)?;
                ranges.insert(dim.clone(), old..old + new);
            }
            Place::Region(region) => {
                for (dim, range) in region {
                    let (old, new) = (
                        length(&sizes, dim, "the store has")?,
                        length(&new_sizes, dim, "the result has")?,
                    );
                    let range = match range {
                        Some(range) => range.clone(),
                        None => found(dim, dataset, there, session)?,
                    };
                    if range.start > range.end || range.end > old || range.end - range.start != new
                    {
                        let message = format!(
                            "the region {}:{} of `{dim}` for {new} indices; the store has {old}",
                            range.start, range.end
                        );
                        return Err(Error::invalid(message)
                            .hint(format!("`--region {dim}=auto` finds it by the labels")));
                    }
                    ranges.insert(dim.clone(), range);
                }
            }
        }
        let appended = match place {
            Place::Append(dim) => Some(dim.clone()),
            Place::Region(_) => None,
        };
        Ok(Self { ranges, appended })
    }

    /// Every result must be in the store, and everything that grows in the result.
    fn check_members(&self, dataset: &Dataset, group: &StoredGroup) -> Result<()> {
        let has =
            |name: &str| dataset.coords.contains_key(name) || dataset.variables.contains_key(name);
        for name in dataset.coords.keys().chain(dataset.variables.keys()) {
            group.array(name).map_err(|error| {
                Error::new(error.kind(), format!("the store has no variable `{name}`"))
                    .hint("drop it with `.drop_vars(…)`, or write a new store")
            })?;
        }
        let Some(dim) = &self.appended else {
            return Ok(());
        };
        let grows = |source: &Arc<dyn Source>| {
            let mut names = source.meta().dimension_names.iter().flatten();
            names.any(|name| name == dim)
        };
        let lacking: Vec<&str> = group
            .arrays
            .iter()
            .filter(|(name, source)| grows(source) && !has(name))
            .map(|(name, _)| name.as_str())
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let message = format!(
            "`{dim}` would become longer, but nothing is given for {}",
            lacking.join(", ")
        );
        Err(Error::invalid(message).hint("append to all variables along it together"))
    }

    /// Where results go, for people.
    fn in_words(&self) -> String {
        let ranges = self.ranges.iter();
        let ranges = ranges.map(|(dim, range)| format!("{dim} {}:{}", range.start, range.end));
        let ranges: Vec<String> = ranges.collect();
        match &self.appended {
            Some(_) => format!("{} behind what is there", ranges.join(", ")),
            None => format!("the region {}", ranges.join(", ")),
        }
    }

    /// Checks one variable; gives the piece of the store that it becomes, unless the store has it already. `objects` tells
    /// the lengths of the objects of an array.
    fn piece(
        &self,
        name: &str,
        variable: &Variable,
        group: &StoredGroup,
        there: &Dataset,
        session: &Session,
        objects: impl FnOnce(&str) -> Result<Vec<u64>>,
    ) -> Result<Option<Piece>> {
        let source = group.array(name)?;
        let stored = crate::open::raw_variable(source)?;
        if stored.dims.len() != variable.shape().len() && !is_text(variable) {
            let message = format!(
                "{} axes, and {} in the store",
                variable.dims.len(),
                stored.dims.len()
            );
            return Err(Error::invalid(message));
        }
        if stored.dims != variable.dims {
            let message = format!(
                "dimensions {:?}, and {:?} in the store",
                variable.dims, stored.dims
            );
            return Err(Error::invalid(message).hint("`.transpose(…)` orders them alike"));
        }
        check_attributes(&variable.attributes, &stored.attributes)?;
        let is_touched = variable
            .dims
            .iter()
            .any(|dim| self.ranges.contains_key(dim));
        let is_label = variable.dims == [name] && self.appended.as_deref() != Some(name);
        if !is_touched || is_label {
            self.check_same(name, variable, there, session)?;
            return Ok(None);
        }
        for (dim, (new, old)) in variable
            .dims
            .iter()
            .zip(variable.shape().iter().zip(stored.shape()))
        {
            if !self.ranges.contains_key(dim) && new != old {
                let message = format!("`{dim}` has {new} indices, and {old} in the store");
                return Err(Error::invalid(message));
            }
        }
        let encoded = encode_like(variable, source, session)?;
        self.merge(&stored, &encoded, &objects(name)?).map(Some)
    }

    /// What is there and does not change must be the same in the result.
    fn check_same(
        &self,
        name: &str,
        variable: &Variable,
        there: &Dataset,
        session: &Session,
    ) -> Result<()> {
        let known = there.array(name)?.variable;
        let cut: Vec<AxisIndex> = known
            .sizes()
            .map(|(dim, length)| match self.ranges.get(dim) {
                Some(range) if self.appended.as_deref() != Some(dim) => AxisIndex::Range {
                    start: range.start,
                    length: range.end - range.start,
                    step: 1,
                },
                _ => AxisIndex::all(length),
            })
            .collect();
        let known = known.with_node(ops::index(&known.node, &cut)?)?;
        if known.shape() == variable.shape() && are_equal(&known, variable, session)? {
            return Ok(());
        }
        let message = format!("`{name}` differs from that in the store");
        Err(Error::new(ErrorKind::Conflict, message)
            .hint("select the same labels, or drop it with `.drop_vars(…)` if the store is right"))
    }

    /// The new values with as much of the old ones around them as whole objects need.
    fn merge(&self, stored: &Variable, encoded: &NodeRef, objects: &[u64]) -> Result<Piece> {
        let mut shape = stored.shape().to_vec();
        let mut wanted = Vec::new();
        for (axis, dim) in stored.dims.iter().enumerate() {
            let range = self.ranges.get(dim).cloned().unwrap_or(0..shape[axis]);
            shape[axis] = shape[axis].max(range.end);
            wanted.push(range);
        }
        let whole: Vec<Range<u64>> = wanted
            .iter()
            .zip(objects)
            .zip(&shape)
            .map(|((range, object), length)| {
                let object = (*object).max(1);
                let end = range.end.div_ceil(object).saturating_mul(object);
                range.start / object * object..end.min(*length)
            })
            .collect();
        let node = surrounded(&stored.node, encoded, &wanted, &whole, 0, &[])?;
        let first = whole.iter().zip(objects);
        Ok(Piece {
            node,
            grows: shape != stored.shape(),
            shape,
            first: first
                .map(|(range, object)| range.start / (*object).max(1))
                .collect(),
            lengths: whole.iter().map(|range| range.end - range.start).collect(),
        })
    }
}

/// Whole objects of an array of the store.
struct Piece {
    node: NodeRef,
    /// The array's shape once it is written, and whether that is another than before.
    shape: Vec<u64>,
    grows: bool,
    /// The first object along each axis, and how many elements there are from its beginning on.
    first: Vec<u64>,
    lengths: Vec<u64>,
}

impl Piece {
    /// What to compute, and the sink of the objects.
    fn begin(self, name: &str, update: &ZarrStoreUpdate) -> Result<(NodeRef, Arc<dyn Sink>)> {
        if self.grows {
            update.resize(name, &self.shape)?;
        }
        let sink = update.part(name, &self.first, &self.lengths)?;
        Ok((self.node, sink))
    }
}

/// `new`, which stands at `wanted`, with the old values that lie around it in `whole`; axes before `axis` are cut to
/// `before` already.
fn surrounded(
    old: &NodeRef,
    new: &NodeRef,
    wanted: &[Range<u64>],
    whole: &[Range<u64>],
    axis: usize,
    before: &[Range<u64>],
) -> Result<NodeRef> {
    let Some((range, around)) = wanted.get(axis).zip(whole.get(axis)) else {
        return Ok(new.clone());
    };
    let with = |range: Range<u64>| [before, &[range]].concat();
    let middle = surrounded(old, new, wanted, whole, axis + 1, &with(range.clone()))?;
    let piece = |range: Range<u64>| {
        let cuts = with(range);
        let cuts: Vec<AxisIndex> = cuts
            .iter()
            .chain(&whole[axis + 1..])
            .map(|range| AxisIndex::Range {
                start: range.start,
                length: range.end - range.start,
                step: 1,
            })
            .collect();
        ops::index(old, &cuts)
    };
    let mut pieces = Vec::new();
    if around.start < range.start {
        pieces.push(piece(around.start..range.start)?);
    }
    pieces.push(middle);
    if range.end < around.end {
        pieces.push(piece(range.end..around.end)?);
    }
    ops::concat(&pieces, axis)
}

fn is_text(variable: &Variable) -> bool {
    matches!(
        variable.dtype(),
        DType::Utf8 | DType::FixedUtf8(_) | DType::FixedBytes(_)
    )
}

/// Units must not differ: numbers of two units in one array are wrong in silence. Where arithmetic left them unknown,
/// the asker knows them.
fn check_attributes(new: &Attributes, stored: &Attributes) -> Result<()> {
    let text = |attributes: &Attributes| {
        let units = attributes.get("units").and_then(AttributeValue::as_text);
        units
            .filter(|units| !units.contains(" since ") && *units != "unknown")
            .map(str::to_owned)
    };
    match (text(new), text(stored)) {
        (Some(new), Some(stored)) if new != stored => Err(Error::invalid(format!(
            "units `{new}`, and `{stored}` in the store"
        ))
        .hint("convert the values first")),
        _ => Ok(()),
    }
}

/// `time=0:24,lat=auto`, or `auto` for every dimension with labels of `dims`.
///
/// # Errors
/// [`ErrorKind::Usage`] for anything else.
pub fn parse_region(text: &str, dims: &[String]) -> Result<IndexMap<String, Option<Range<u64>>>> {
    if text.trim() == "auto" {
        return Ok(dims.iter().map(|dim| (dim.clone(), None)).collect());
    }
    let part = |part: &str| {
        let (dim, range) = part.split_once('=')?;
        if range == "auto" {
            return Some((dim.to_owned(), None));
        }
        let (start, stop) = range.split_once(':')?;
        Some((
            dim.to_owned(),
            Some(start.parse().ok()?..stop.parse().ok()?),
        ))
    };
    let parts = text.split(',').map(str::trim);
    parts
        .map(|text| {
            part(text).ok_or_else(|| {
                Error::usage(format!("`{text}` is no region"))
                    .hint("write `time=0:24,lat=auto`, or `auto`")
            })
        })
        .collect()
}
