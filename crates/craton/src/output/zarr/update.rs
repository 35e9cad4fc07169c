//! Results written into a Zarr store that is there: appended along a dimension, or into a region.
//!
//! What is written must fit what is there: names, dimensions, types, packing, units, calendars, and the coordinates
//! that are there already. Values go through the encoding of the stored arrays.

use super::super::recipe::Recipe;
use super::super::texts::{to_strings, write_held};
use super::super::{Labelled, merged};
use super::RECIPE_ATTRIBUTE;
use crate::calendar::{EncodedTimes, encode_times};
use crate::cf::{CfDecoding, decoded_dtype};
use crate::labels::{Dataset, Variable};
use crate::open::{OpenOptions, StoredGroup, decode_fill, open_group, open_stored};
use crate::session::Session;
use craton_core::{
    AttributeValue, Attributes, Block, Calendar, DType, Error, ErrorKind, Result, Scalar, Sink,
    Source,
};
use craton_format::zarr::ZarrStoreUpdate;
use craton_kernels::binary::Binary;
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex};
use indexmap::IndexMap;
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

/// Writes results into the Zarr store at `path`.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] or [`ErrorKind::Conflict`] if results do not fit what is there; what computing and
/// writing report. The store is as before then.
pub fn update_zarr(
    parts: &[Labelled<'_>],
    path: &Path,
    place: &Place,
    recipe: &Recipe,
    session: &Session,
) -> Result<()> {
    let dataset = merged(parts)?;
    let url = path.display().to_string();
    let update = ZarrStoreUpdate::open(path)?;
    let stored = open_stored(&url)?;
    let group = stored.root()?;
    let there = open_group(&stored, "/", OpenOptions::default(), session)?;
    let target = Target::of(&dataset, &there, place, session)?;
    target.check_members(&dataset, group)?;
    let mut streamed: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    let mut held: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    for (name, variable) in dataset.coords.iter().chain(&dataset.variables) {
        let written = target
            .write(name, variable, group, &there, &update, session)
            .map_err(|error| error.in_variable(name))?;
        if let Some((node, sink)) = written {
            let is_held = node.dtype().is_variable();
            if is_held { &mut held } else { &mut streamed }.push((node, sink));
        }
    }
    session.write(&streamed)?;
    write_held(&held, session)?;
    update.set_attributes(change(&update, recipe, &dataset)?)?;
    update.commit()
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
        let has = |name: &str| {
            dataset.coords.contains_key(name) || dataset.variables.contains_key(name)
        };
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

    /// Checks one variable; gives what to compute for it and where that goes, unless the store has it already.
    fn write(
        &self,
        name: &str,
        variable: &Variable,
        group: &StoredGroup,
        there: &Dataset,
        update: &ZarrStoreUpdate,
        session: &Session,
    ) -> Result<Option<(NodeRef, Arc<dyn Sink>)>> {
        let source = group.array(name)?;
        let stored = crate::open::raw_variable(source)?;
        if stored.dims.len() != variable.shape().len() && !is_text(variable) {
            let message = format!("{} axes, and {} in the store", variable.dims.len(), stored.dims.len());
            return Err(Error::invalid(message));
        }
        if stored.dims != variable.dims {
            let message = format!("dimensions {:?}, and {:?} in the store", variable.dims, stored.dims);
            return Err(Error::invalid(message).hint("`.transpose(…)` orders them alike"));
        }
        check_attributes(&variable.attributes, &stored.attributes)?;
        let is_touched = variable.dims.iter().any(|dim| self.ranges.contains_key(dim));
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
        self.merge(name, &stored, &encoded, update).map(Some)
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

    /// The new values with as much of the old ones around them as whole objects need, and the sink of those objects.
    fn merge(
        &self,
        name: &str,
        stored: &Variable,
        encoded: &NodeRef,
        update: &ZarrStoreUpdate,
    ) -> Result<(NodeRef, Arc<dyn Sink>)> {
        let objects = update.object_shape(name)?;
        let mut shape = stored.shape().to_vec();
        let mut wanted = Vec::new();
        for (axis, dim) in stored.dims.iter().enumerate() {
            let range = self.ranges.get(dim).cloned().unwrap_or(0..shape[axis]);
            shape[axis] = shape[axis].max(range.end);
            wanted.push(range);
        }
        let whole: Vec<Range<u64>> = wanted
            .iter()
            .zip(&objects)
            .zip(&shape)
            .map(|((range, object), length)| {
                let object = (*object).max(1);
                let end = range.end.div_ceil(object).saturating_mul(object);
                range.start / object * object..end.min(*length)
            })
            .collect();
        let node = surrounded(&stored.node, encoded, &wanted, &whole, 0, &[])?;
        if shape != stored.shape() {
            update.resize(name, &shape)?;
        }
        let first: Vec<u64> = whole
            .iter()
            .zip(&objects)
            .map(|(range, object)| range.start / (*object).max(1))
            .collect();
        let lengths: Vec<u64> = whole.iter().map(|range| range.end - range.start).collect();
        Ok((node, update.part(name, &first, &lengths)?))
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

/// Units must not differ: numbers of two units in one array are wrong in silence.
fn check_attributes(new: &Attributes, stored: &Attributes) -> Result<()> {
    let text = |attributes: &Attributes| {
        let units = attributes.get("units").and_then(AttributeValue::as_text);
        units.filter(|units| !units.contains(" since ")).map(str::to_owned)
    };
    match (text(new), text(stored)) {
        (Some(new), Some(stored)) if new != stored => {
            Err(Error::invalid(format!("units `{new}`, and `{stored}` in the store"))
                .hint("convert the values first"))
        }
        _ => Ok(()),
    }
}

fn are_equal(one: &Variable, other: &Variable, session: &Session) -> Result<bool> {
    let (one, other) = (one.values(session)?, other.values(session)?);
    let text = |block: &Block| -> Vec<Option<String>> {
        block.scalars().map(|value| value.to_text()).collect()
    };
    if one.dtype() != other.dtype() {
        let are_texts = |block: &Block| block.scalars().all(|value| value.to_text().is_some());
        if are_texts(&one) && are_texts(&other) {
            return Ok(text(&one) == text(&other));
        }
        // Labels of two precisions are equal if their numbers are.
        let number = |block: &Block| -> Vec<Option<f64>> {
            block.scalars().map(|value| value.to_f64()).collect()
        };
        let are_plain = one.dtype().is_numeric() && other.dtype().is_numeric();
        return Ok(are_plain && number(&one) == number(&other));
    }
    let same = |one: &Scalar, other: &Scalar| {
        one == other || (one.is_missing() && other.is_missing()) || is_equal_float(one, other)
    };
    Ok(one
        .scalars()
        .zip(other.scalars())
        .all(|(one, other)| same(&one, &other)))
}

/// Zeros of both signs are equal.
fn is_equal_float(one: &Scalar, other: &Scalar) -> bool {
    one.dtype().is_float() && one.to_f64() == other.to_f64()
}

/// Labels that are appended must go on in the order of those that are there.
fn check_order(dim: &str, dataset: &Dataset, there: &Dataset, session: &Session) -> Result<()> {
    let (Some(old), Some(new)) = (there.coords.get(dim), dataset.coords.get(dim)) else {
        return Ok(());
    };
    if old.dims != [dim] || new.dims != [dim] {
        return Ok(());
    }
    let (old, new) = (old.values(session)?, new.values(session)?);
    let number = |block: &Block| -> Option<Vec<f64>> {
        block
            .scalars()
            .map(|value| value.to_f64().or_else(|| Some(value.to_i64()? as f64)))
            .collect()
    };
    let is_time = |block: &Block| matches!(block.dtype(), DType::Time(_));
    if is_time(&old) != is_time(&new) {
        return Err(Error::invalid(format!(
            "`{dim}` holds `{}`, and `{}` in the store",
            new.dtype(),
            old.dtype()
        )));
    }
    if let (DType::Time(old), DType::Time(new)) = (old.dtype(), new.dtype())
        && (old.unit, old.step, old.calendar) != (new.unit, new.step, new.calendar)
    {
        // Counts do not compare; the encoding tells whether calendars fit.
        return Ok(());
    }
    let (Some(old), Some(new)) = (number(&old), number(&new)) else {
        return Ok(());
    };
    let rises = |values: &[f64]| values.windows(2).all(|pair| pair[0] < pair[1]);
    let falls = |values: &[f64]| values.windows(2).all(|pair| pair[0] > pair[1]);
    let all = [old.as_slice(), new.as_slice()].concat();
    let fits = match old.len() {
        0 => true,
        1 => rises(&all) || falls(&all) || !(rises(&new) || falls(&new)),
        _ if rises(&old) => rises(&all),
        _ if falls(&old) => falls(&all),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let message = format!("the labels of `{dim}` do not follow those in the store");
    Err(Error::new(ErrorKind::Conflict, message)
        .hint(format!("select what comes after them, or write over them with `--region {dim}=auto`")))
}

/// Where the labels of a dimension stand in the store.
fn found(dim: &str, dataset: &Dataset, there: &Dataset, session: &Session) -> Result<Range<u64>> {
    let labels = |of: &Dataset| match of.coords.get(dim).filter(|coord| coord.dims == [dim]) {
        Some(coord) => Ok(coord.clone()),
        None => Err(Error::usage(format!(
            "`{dim}` has no labels to find its region by"
        ))
        .hint(format!("write `--region {dim}=START:STOP`"))),
    };
    let (old, new) = (labels(there)?, labels(dataset)?);
    let length = new.shape().first().copied().unwrap_or(0);
    let all = old.shape().first().copied().unwrap_or(0);
    let first_new = new.values(session)?.get(0);
    let starts: Vec<u64> = old
        .values(session)?
        .scalars()
        .enumerate()
        .filter(|(_, label)| first_new.as_ref().is_some_and(|first| is_same_label(first, label)))
        .map(|(at, _)| at as u64)
        .collect();
    for start in starts {
        if start + length > all {
            continue;
        }
        let cut = ops::index(&old.node, &[AxisIndex::Range { start, length, step: 1 }])?;
        if are_equal(&old.with_node(cut)?, &new, session)? {
            return Ok(start..start + length);
        }
    }
    let message = format!("the labels of `{dim}` are no region of those in the store");
    Err(Error::new(ErrorKind::Conflict, message)
        .hint("a region is a run of neighbours in the order of the store; new labels are appended"))
}

fn is_same_label(one: &Scalar, other: &Scalar) -> bool {
    one == other
        || one.to_f64().is_some_and(|one| other.to_f64() == Some(one))
        || one.to_text().is_some_and(|one| other.to_text() == Some(one))
}

/// The values of `variable` as the array at `source` stores its own.
fn encode_like(
    variable: &Variable,
    source: &Arc<dyn Source>,
    session: &Session,
) -> Result<NodeRef> {
    let meta = source.meta();
    let mut attributes = meta.attributes.clone();
    decode_fill(meta.dtype, &mut attributes);
    let decoding = decoded_dtype(meta.dtype, &attributes)?;
    let misfit = |stored: &str| {
        Error::invalid(format!("values of `{}`, and `{stored}` in the store", variable.dtype()))
            .hint(format!("`.astype(\"{stored}\")` converts them"))
    };
    match (variable.dtype(), meta.dtype) {
        (DType::Time(new), DType::Time(old)) if new == old => Ok(variable.node.clone()),
        (DType::Time(_), _) => encode_times_like(variable, &decoding, meta.dtype, session),
        (DType::FixedUtf8(_), DType::Utf8) => ops::literal(to_strings(&variable.values(session)?)?),
        (new, old) if decoding.time.is_none() && decoding.duration.is_none() => {
            if new == old && decoding.target == old {
                return fill_missing(&variable.node, &decoding);
            }
            if new != decoding.target {
                return Err(misfit(&decoding.target.to_string()));
            }
            pack(&variable.node, &decoding, old)
        }
        (_, _) => Err(misfit("datetime64[ns]")),
    }
}

/// NaN becomes the fill value, where there is one that is a number.
fn fill_missing(node: &NodeRef, decoding: &CfDecoding) -> Result<NodeRef> {
    match decoding.fill_values.first() {
        Some(fill) if node.dtype().is_float() && !fill.is_missing() => {
            let fill = ops::cast(&ops::scalar(fill.clone())?, node.dtype())?;
            ops::fill_missing(node, &fill)
        }
        _ => Ok(node.clone()),
    }
}

/// Unpacking undone: less the offset, by the factor, rounded, missing values filled.
fn pack(node: &NodeRef, decoding: &CfDecoding, stored: DType) -> Result<NodeRef> {
    if decoding.reinterpreted.is_some() {
        return Err(Error::unsupported("integers of the other signedness (`_Unsigned`)"));
    }
    let mut values = node.clone();
    let number = |value: &Scalar| ops::cast(&ops::scalar(value.clone())?, node.dtype());
    if let Some(offset) = &decoding.add_offset {
        values = ops::binary(Binary::Subtract, &values, &number(offset)?)?;
    }
    if let Some(factor) = &decoding.scale_factor {
        values = ops::binary(Binary::Divide, &values, &number(factor)?)?;
    }
    values = fill_missing(&values, decoding)?;
    if stored.is_integer() && values.dtype().is_float() {
        values = ops::unary(Unary::Rint, &values)?;
    }
    ops::cast(&values, stored)
}

fn encode_times_like(
    variable: &Variable,
    decoding: &CfDecoding,
    stored: DType,
    session: &Session,
) -> Result<NodeRef> {
    let DType::Time(time) = variable.dtype() else {
        return Err(Error::internal("times are no times"));
    };
    let Some(known) = &decoding.time else {
        let message = format!("times of `{time}`, and `{stored}` in the store");
        return Err(Error::invalid(message));
    };
    let calendar = match &known.calendar {
        Some(name) => Calendar::from_name(name)
            .ok_or_else(|| Error::unsupported(format!("the calendar `{name}`")))?,
        None => Calendar::Standard,
    };
    let block = variable.values(session)?;
    let counts: Vec<i64> = block.scalars().filter_map(|value| value.to_i64()).collect();
    let units = &known.units;
    let values = encode_times(&counts, time, units, calendar).map_err(|error| {
        Error::invalid(format!("times of calendar `{}` do not fit the store", time.calendar.name()))
            .caused_by(error)
            .hint("`.convert_calendar(…)` changes calendars")
    })?;
    let scalars: Option<Vec<Scalar>> = match values {
        EncodedTimes::Floats(values) if stored == DType::Float64 => {
            let scalar = |value: &f64| Scalar::from_f64(stored, *value);
            Some(values.iter().map(scalar).collect())
        }
        EncodedTimes::Floats(_) => None,
        EncodedTimes::Integers(values) => {
            let scalar = |value: &i64| {
                if *value == i64::MIN {
                    return decoding.fill_values.first().and_then(|fill| {
                        let fill = fill.to_i64()?;
                        Some(Scalar::from_i64(stored, fill))
                    });
                }
                let scalar = Scalar::from_i64(stored, *value);
                let back = scalar.to_i64().map_or_else(|| scalar.to_f64(), |back| Some(back as f64));
                (back == Some(*value as f64)).then_some(scalar)
            };
            values.iter().map(scalar).collect()
        }
    };
    let scalars = scalars.ok_or_else(|| {
        Error::invalid(format!("a time is no `{stored}` of `{units}`, as the store has them"))
            .hint("write a new store, which takes units that keep every time")
    })?;
    let bytes: Vec<u8> = scalars.iter().flat_map(|value| value.bytes()).copied().collect();
    ops::literal(Block::from_bytes(stored, block.shape().to_vec(), &bytes)?)
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
