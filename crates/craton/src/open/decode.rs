//! CF decoding: masks and packing lazily, times and index coordinates at once.

use super::broken::keep_broken_indexes;
use super::{OpenOptions, StoredGroup};
use crate::calendar::{DecodedTimes, TimeDecoder, TimeValues, decode_durations};
use crate::cf::{CfDecoding, Missing, decoded_dtype};
use crate::labels::{Dataset, Variable};
use crate::session::Session;
use craton_core::{
    Attributes, Block, Buffer, DType, Error, ErrorKind, Result, Scalar, Source, TimeUnit,
};
use craton_kernels::binary::Binary;
use craton_plan::ops;
use craton_plan::{NodeRef, Work};
use indexmap::IndexMap;
use std::sync::Arc;

/// Times are decoded at once; more of them than this in one variable are not.
const MOST_TIMES: u64 = 50_000_000;

/// The dataset of a group.
///
/// A variable that cannot be decoded hides no other; asking for it gives its error.
///
/// # Errors
/// The error of an array that is a store of its own; [`ErrorKind::Cancelled`].
pub(super) fn decode_group(
    group: &StoredGroup,
    options: OpenOptions,
    session: &Session,
) -> Result<Dataset> {
    // An array that is a store of its own has no other name, so there is nothing else to show.
    if let Some(error) = group.broken.get("") {
        return Err(error.again());
    }
    let mut dataset = Dataset {
        attributes: group.attributes.clone(),
        broken: group.broken.clone(),
        ..Dataset::default()
    };
    let mut names_of_coords: Vec<String> = take_coordinates(&mut dataset.attributes, options);
    for (name, source) in &group.arrays {
        match decode_member(name, source, &group.arrays, options, session) {
            Ok(mut variable) => {
                names_of_coords.extend(take_coordinates(&mut variable.attributes, options));
                dataset.variables.insert(name.clone(), variable);
            }
            Err(error) => set_aside(&mut dataset, name, error)?,
        }
    }
    promote_coordinates(&mut dataset, &names_of_coords);
    load_indexes(&mut dataset, session)?;
    keep_broken_indexes(&mut dataset)?;
    note_units(&dataset, session);
    Ok(dataset)
}

/// Notes which units the values of each variable have, so that arithmetic can be followed.
pub(super) fn note_units(dataset: &Dataset, session: &Session) {
    for variable in dataset.variables.values().chain(dataset.coords.values()) {
        session.units().note(variable);
    }
}

/// One array of a group, decoded.
fn decode_member(
    name: &str,
    source: &Arc<dyn Source>,
    arrays: &IndexMap<String, Arc<dyn Source>>,
    options: OpenOptions,
    session: &Session,
) -> Result<Variable> {
    let mut stored = raw_variable(source)?;
    take_units_of_bounds(&mut stored.attributes, name, arrays, options);
    let joins = stored
        .dims
        .last()
        .is_some_and(|dim| is_of_characters(dim, arrays));
    match options.decodes_cf {
        true => decode(&stored, joins, session).map_err(|error| error.at(source.url())),
        false => Ok(stored),
    }
}

/// Whether a dimension does nothing but hold the characters of texts: it has no variable of its own, and is the last
/// one of character arrays only. Others are left as single characters, as xarray leaves them.
fn is_of_characters(dim: &str, arrays: &IndexMap<String, Arc<dyn Source>>) -> bool {
    let holds_texts = |source: &Arc<dyn Source>| {
        let meta = source.meta();
        let names: Vec<Option<&str>> = meta.dimension_names.iter().map(Option::as_deref).collect();
        let is_last =
            names.iter().rposition(|name| *name == Some(dim)) == names.len().checked_sub(1);
        let is_once = names.iter().filter(|name| **name == Some(dim)).count() == 1;
        !names.contains(&Some(dim))
            || (matches!(meta.dtype, DType::FixedBytes(_)) && is_last && is_once)
    };
    !arrays.contains_key(dim) && arrays.values().all(holds_texts)
}

/// Keeps `error` for whoever asks for `name`; the user's own stop goes on.
pub(super) fn set_aside(dataset: &mut Dataset, name: &str, error: Error) -> Result<()> {
    if error.kind() == ErrorKind::Cancelled {
        return Err(error);
    }
    let error = Arc::new(error.in_variable(name));
    dataset.broken.insert(name.to_owned(), error);
    Ok(())
}

/// The names in a `coordinates` attribute, which is removed.
pub(super) fn take_coordinates(attributes: &mut Attributes, options: OpenOptions) -> Vec<String> {
    if !options.decodes_cf {
        return Vec::new();
    }
    let Some(names) = attributes
        .get("coordinates")
        .and_then(|value| value.as_text())
        .map(str::to_owned)
    else {
        return Vec::new();
    };
    attributes.shift_remove("coordinates");
    names.split_whitespace().map(str::to_owned).collect()
}

/// Moves index coordinates and named ones out of the data variables.
pub(super) fn promote_coordinates(dataset: &mut Dataset, names: &[String]) {
    let is_coord = |name: &String, variable: &Variable| {
        variable.dims == [name.clone()] || names.contains(name)
    };
    let (coords, variables) = std::mem::take(&mut dataset.variables)
        .into_iter()
        .partition(|(name, variable)| is_coord(name, variable));
    dataset.variables = variables;
    dataset.coords = coords;
}

/// Coordinates of one dimension with more elements than this are read only when they are used, unless they are an index.
const MOST_LABELS: u64 = 100_000;

/// Labels that are read over a network at once.
const MOST_AT_ONCE: usize = 16;

/// Reads the index coordinates and the small ones of one dimension at most, all in one run: they are compared whenever
/// arrays meet.
pub(super) fn load_indexes(dataset: &mut Dataset, session: &Session) -> Result<()> {
    let names: Vec<String> = dataset
        .coords
        .iter()
        .filter(|(name, coord)| {
            let is_small =
                coord.dims.len() <= 1 && coord.shape().iter().product::<u64>() <= MOST_LABELS;
            (coord.dims == [(*name).clone()] || is_small)
                && !matches!(coord.node.work(), Work::Literal(_))
        })
        .map(|(name, _)| name.clone())
        .collect();
    let nodes: Vec<NodeRef> = names
        .iter()
        .map(|name| dataset.coords[name].node.clone())
        .collect();
    let blocks = if nodes.iter().any(is_remote) {
        compute_at_once(&nodes, session)
    } else {
        match session.compute(&nodes) {
            Ok(blocks) => blocks.into_iter().map(Ok).collect(),
            // One of them cannot be read: each alone tells which.
            Err(_) => nodes
                .iter()
                .map(|node| compute_one(node, session))
                .collect(),
        }
    };
    for (name, block) in names.iter().zip(blocks) {
        match block {
            Ok(block) => {
                if let Some(coord) = dataset.coords.get_mut(name) {
                    coord.node = ops::literal(block)?;
                }
            }
            Err(error) => {
                dataset.coords.shift_remove(name);
                set_aside(dataset, name, error)?;
            }
        }
    }
    Ok(())
}

fn compute_one(node: &NodeRef, session: &Session) -> Result<Block> {
    Ok(session.compute(std::slice::from_ref(node))?.remove(0))
}

/// Each on a thread of its own, because over a network each mostly waits.
fn compute_at_once(nodes: &[NodeRef], session: &Session) -> Vec<Result<Block>> {
    let parts = nodes.chunks(MOST_AT_ONCE).flat_map(|part| {
        std::thread::scope(|scope| {
            let compute = |node| scope.spawn(move || compute_one(node, session));
            let running: Vec<_> = part.iter().map(compute).collect();
            let panicked = |_| Err(Error::internal("reading labels panicked"));
            let joined = running
                .into_iter()
                .map(|one| one.join().unwrap_or_else(panicked));
            joined.collect::<Vec<_>>()
        })
    });
    parts.collect()
}

/// Whether values come over a network.
fn is_remote(node: &NodeRef) -> bool {
    let mut pending = vec![node];
    while let Some(node) = pending.pop() {
        match node.work() {
            Work::Source(source) if source.placement().is_remote => return true,
            _ => pending.extend(node.inputs()),
        }
    }
    false
}

/// A stored array under its own names, values as stored.
pub(crate) fn raw_variable(source: &Arc<dyn Source>) -> Result<Variable> {
    let meta = source.meta();
    let dims = (0..meta.shape.len())
        .map(|axis| {
            meta.dimension_names
                .get(axis)
                .cloned()
                .flatten()
                .unwrap_or_else(|| format!("dim_{axis}"))
        })
        .collect();
    Variable::new(
        dims,
        ops::source(source.clone(), version_of(source))?,
        meta.attributes.clone(),
    )
    .map_err(|error| error.at(source.url()))
}

/// What tells apart two states of an array: what its store says, else size and time of change of a local file.
fn version_of(source: &Arc<dyn Source>) -> String {
    if let Some(version) = source.version() {
        return version;
    }
    let path = source.url().split('!').next().unwrap_or_default();
    let Ok(facts) = std::fs::metadata(path) else {
        return String::new();
    };
    let changed = facts
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    format!(
        "{}-{}",
        facts.len(),
        changed.map_or(0, |time| time.as_nanos())
    )
}

/// Bounds of times need no units of their own: they have those of the times whose `bounds` names them.
pub(super) fn take_units_of_bounds(
    attributes: &mut Attributes,
    name: &str,
    arrays: &IndexMap<String, Arc<dyn Source>>,
    options: OpenOptions,
) {
    if !options.decodes_cf {
        return;
    }
    let text = |attributes: &Attributes, name: &str| {
        attributes
            .get(name)
            .and_then(|value| value.as_text())
            .map(str::to_owned)
    };
    let is_bounded = |of: &&Attributes| {
        text(of, "bounds").as_deref() == Some(name)
            && text(of, "units").is_some_and(|units| units.contains("since"))
    };
    let Some(times) = arrays
        .values()
        .map(|source| &source.meta().attributes)
        .find(is_bounded)
    else {
        return;
    };
    for name in ["units", "calendar"] {
        if let Some(value) = times.get(name) {
            attributes
                .entry(name.to_owned())
                .or_insert_with(|| value.clone());
        }
    }
}

/// Decodes one variable; arrays of characters become texts.
pub(super) fn decode_variable(stored: &Variable, session: &Session) -> Result<Variable> {
    decode(stored, true, session)
}

/// As [`decode_variable`]; characters become texts only if `joins`.
fn decode(stored: &Variable, joins: bool, session: &Session) -> Result<Variable> {
    let decoding = decoded_dtype(stored.dtype(), &stored.attributes)?;
    let mut attributes = stored.attributes.clone();
    for name in [
        "_FillValue",
        "missing_value",
        "scale_factor",
        "add_offset",
        "_Unsigned",
        "_Encoding",
    ] {
        attributes.shift_remove(name);
    }
    if joins
        && decoding.joins_characters
        && stored.dtype() == DType::FixedBytes(1)
        && !stored.dims.is_empty()
    {
        return join_characters(stored, attributes, session);
    }
    let node = mask_and_scale(&stored.node, &decoding)?;
    if decoding.time.is_some() || decoding.duration.is_some() {
        for name in ["units", "calendar", "dtype"] {
            attributes.shift_remove(name);
        }
        return times(stored, node, &decoding, attributes, session);
    }
    Variable::new(stored.dims.clone(), node, attributes)
}

/// The stored values, masked and unpacked; nothing is read.
pub(crate) fn mask_and_scale(stored: &NodeRef, decoding: &CfDecoding) -> Result<NodeRef> {
    let node = match decoding.reinterpreted {
        // A conversion between integers of one size keeps the bits.
        Some(dtype) => ops::cast(stored, dtype)?,
        None => stored.clone(),
    };
    if !node.dtype().is_numeric() {
        return Ok(node);
    }
    let mut is_missing: Option<NodeRef> = None;
    for fill in decoding
        .fill_values
        .iter()
        .filter(|fill| !fill.is_missing())
    {
        let equal = ops::binary(Binary::Equal, &node, &ops::scalar(fill.clone())?)?;
        is_missing = Some(match is_missing {
            Some(others) => ops::binary(Binary::LogicalOr, &others, &equal)?,
            None => equal,
        });
    }
    let mut values = ops::cast(&node, decoding.target)?;
    let missing = match decoding.missing {
        Missing::Nan => Some(Scalar::from_f64(decoding.target, f64::NAN)),
        Missing::SmallestInteger => Some(Scalar::from_i64(decoding.target, i64::MIN)),
        Missing::Unmasked | Missing::Null => None,
    };
    if let (Some(condition), Some(missing)) = (is_missing, missing) {
        values = ops::select(&condition, &ops::scalar(missing)?, &values)?;
    }
    if let Some(factor) = &decoding.scale_factor {
        values = ops::binary(Binary::Multiply, &values, &number(factor, decoding.target)?)?;
    }
    if let Some(offset) = &decoding.add_offset {
        values = ops::binary(Binary::Add, &values, &number(offset, decoding.target)?)?;
    }
    Ok(values)
}

fn number(value: &Scalar, dtype: DType) -> Result<NodeRef> {
    ops::cast(&ops::scalar(value.clone())?, dtype)
}

fn times(
    stored: &Variable,
    node: NodeRef,
    decoding: &CfDecoding,
    attributes: Attributes,
    session: &Session,
) -> Result<Variable> {
    let count: u64 = node.shape().iter().product();
    if count > MOST_TIMES {
        let message = format!("{count} times in one variable are more than are decoded at once");
        return Err(Error::unsupported(message).hint("`--raw` shows the stored numbers"));
    }
    let wanted = if node.dtype().is_float() {
        DType::Float64
    } else {
        DType::Int64
    };
    let block = session.compute(&[ops::cast(&node, wanted)?])?.remove(0);
    let integers: Vec<i64>;
    let floats: Vec<f64>;
    let values = if wanted == DType::Int64 {
        integers = block
            .scalars()
            .filter_map(|scalar| scalar.to_i64())
            .collect();
        TimeValues::Integers(&integers)
    } else {
        floats = block
            .scalars()
            .filter_map(|scalar| scalar.to_f64())
            .collect();
        TimeValues::Floats(&floats)
    };
    let decoded: DecodedTimes = match (&decoding.time, &decoding.duration) {
        (Some(time), _) => {
            TimeDecoder::new(&time.units, time.calendar.as_deref(), TimeUnit::Nanosecond)?
                .decode(values)?
        }
        (None, Some(duration)) => decode_durations(values, &duration.units, duration.resolution)?,
        (None, None) => return Err(Error::internal("times without units")),
    };
    let bytes: Vec<u8> = decoded
        .counts
        .iter()
        .flat_map(|count| count.to_ne_bytes())
        .collect();
    let block = Block::dense(
        DType::Time(decoded.time_type),
        block.shape().to_vec(),
        Buffer::copy_of(&bytes)?,
    )?;
    Variable::of_block(stored.dims.clone(), block, attributes)
}

/// Single characters along the last dimension become one string each.
fn join_characters(
    stored: &Variable,
    attributes: Attributes,
    session: &Session,
) -> Result<Variable> {
    let block = stored
        .values(session)?
        .to_contiguous(session.engine().pool())?;
    let bytes = block
        .as_contiguous()
        .ok_or_else(|| Error::internal("characters with gaps"))?;
    let (length, outer) = block
        .shape()
        .split_last()
        .map_or((1, &[][..]), |(length, outer)| (*length, outer));
    let joined = DType::FixedBytes(
        u32::try_from(length.max(1)).map_err(|_| Error::unsupported("very long strings"))?,
    );
    let joined = Block::dense(joined, outer.to_vec(), Buffer::copy_of(bytes)?)?;
    Variable::of_block(
        stored.dims[..stored.dims.len() - 1].to_vec(),
        joined,
        attributes,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_variable_hides_no_other_and_tells_its_own_error_when_asked_for() {
        let session = Session::new(Some(1), None);
        let broken = |name: &str| StoredGroup {
            broken: IndexMap::from([(
                name.to_owned(),
                Arc::new(Error::unsupported("codec `pickle` is refused")),
            )]),
            ..StoredGroup::default()
        };
        let dataset = decode_group(&broken("x"), OpenOptions::default(), &session).unwrap();
        let error = dataset.array("x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.report().contains("pickle"));
        let error = decode_group(&broken(""), OpenOptions::default(), &session).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
