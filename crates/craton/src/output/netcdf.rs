//! Results as netCDF files: every variable computed in one run, visible under its name only when whole.

use super::chunks::{Length, check_dims, layout};
use super::encode::{Encoded, FILL, encode_time};
use super::members::{self, coordinate_names, is_index};
use super::planned::Planned;
use super::recipe::Recipe;
use super::stored::{StoredForms, stored_form};
use super::texts::{to_strings, write_held};
use super::zarr::RECIPE_ATTRIBUTE;
use super::{Labelled, merged};
use crate::labels::{Dataset, Variable};
use crate::session::Session;
use craton_core::{AttributeValue, Attributes, Block, DType, Error, Result, Scalar, Sink, TimeKind};
use craton_format::netcdf::{
    FileSpec, Filter, GroupSpec, NetcdfFormat, NetcdfWriter, VariableSpec, parent_of, parse_filters,
};
use craton_format::tree::Dimension;
use craton_plan::NodeRef;
use craton_plan::ops::{cast, literal};
use craton_plan::physical::Target;
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

/// A variable that is ready to be written: its values, and all else.
struct Prepared {
    node: NodeRef,
    spec: VariableSpec,
    /// The dimension of the characters of texts, with its length.
    characters: Option<Dimension>,
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
    let dataset = merged(parts)?;
    check_dims(&dataset, options.chunks.iter())?;
    let (mut group, nodes) = prepare(&dataset, options, session)?;
    group.attributes = members::attributes(&dataset);
    add_recipe(&mut group.attributes, recipe, &dataset)?;
    let spec = FileSpec {
        groups: vec![group],
    };
    write_spec(path, spec, vec![nodes], options, session)
}

/// What [`write_netcdf`] would compute, and the chunks it would write, without writing anything.
///
/// # Errors
/// As [`write_netcdf`], as far as they are known beforehand.
pub fn plan_netcdf(
    parts: &[Labelled<'_>],
    options: &NetcdfOptions,
    session: &Session,
) -> Result<Vec<(NodeRef, Target)>> {
    let dataset = merged(parts)?;
    check_dims(&dataset, options.chunks.iter())?;
    let (group, nodes) = prepare(&dataset, options, session)?;
    let mut planned = Vec::new();
    for (variable, node) in group.variables.iter().zip(nodes) {
        if !node.dtype().is_variable() {
            let sink = Planned::new(node.shape(), &variable.chunks)
                .map_err(|error| error.in_variable(&variable.name))?;
            planned.push((node, Target::Write(Arc::new(sink))));
        }
    }
    Ok(planned)
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
            let grows = length == 0
                || (!is_told && raw.variables.get(&name).is_some_and(is_stored_time));
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
        coord.is_some_and(|coord| {
            matches!(coord.dtype(), DType::Time(time) if time.kind == TimeKind::Instant)
        })
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
    for dimension in dimensions.iter_mut().filter(|dimension| dimension.is_unlimited) {
        let is_first = variables
            .iter()
            .all(|variable| variable.dims.iter().skip(1).all(|dim| *dim != dimension.name));
        dimension.is_unlimited = is_first && !has_one;
        has_one |= dimension.is_unlimited;
    }
}

/// `variable` in types that the format has.
fn prepare_variable(
    name: &str,
    variable: &Variable,
    is_index: bool,
    options: &NetcdfOptions,
    session: &Session,
) -> Result<Prepared> {
    if let DType::Time(time) = variable.dtype() {
        let times = options.stored.times.get(name);
        let mut encoded = encode_time(variable, time, times, session)?;
        if options.format.is_classic() && options.format != NetcdfFormat::Cdf5 {
            encoded = narrow_times(encoded, session)?;
        }
        encoded.attributes.shift_remove(FILL);
        return Ok(laid_out(name, variable.dims.clone(), encoded, options));
    }
    if let Some((node, attributes)) = stored_form(variable)? {
        let stored = Variable::new(variable.dims.clone(), node, attributes)?;
        return prepare_stored(name, &stored, options, session);
    }
    if variable.dtype() == DType::FixedBytes(1) {
        return prepare_texts(name, variable, options, session);
    }
    let mut prepared = prepare_stored(name, variable, options, session)?;
    let is_float = prepared.spec.dtype.is_float();
    if is_float && !is_index && prepared.spec.fill_value.is_none() {
        prepared.spec.fill_value = Some(Scalar::from_f64(prepared.spec.dtype, f64::NAN));
    }
    Ok(prepared)
}

/// A variable without decoding or encoding, its `_FillValue` still an attribute.
fn prepare_stored(
    name: &str,
    variable: &Variable,
    options: &NetcdfOptions,
    session: &Session,
) -> Result<Prepared> {
    let mut attributes = variable.attributes.clone();
    let node = match variable.dtype() {
        DType::Bool => {
            attributes.insert("dtype".to_owned(), AttributeValue::Text("bool".to_owned()));
            cast(&variable.node, DType::Int8)?
        }
        DType::Float16 => cast(&variable.node, DType::Float32)?,
        DType::Utf8 if !options.format.is_classic() => variable.node.clone(),
        DType::FixedUtf8(_) if !options.format.is_classic() => {
            literal(to_strings(&variable.values(session)?)?)?
        }
        DType::Utf8 | DType::FixedUtf8(_) | DType::FixedBytes(2..) => {
            return prepare_texts(name, variable, options, session);
        }
        dtype if dtype.is_complex() => {
            return Err(Error::unsupported("netCDF has no complex numbers")
                .hint("write `.real` and `.imag` as two variables, or a `.zarr`"));
        }
        DType::Bytes | DType::Opaque(_) | DType::FixedBytes(0) => {
            let message = format!("netCDF has no type for `{}`", variable.dtype());
            return Err(Error::unsupported(message).hint("write a `.zarr` instead"));
        }
        _ => variable.node.clone(),
    };
    let fill_value = take_fill(&mut attributes, node.dtype());
    let encoded = Encoded {
        node,
        attributes,
        fill_value,
    };
    Ok(laid_out(name, variable.dims.clone(), encoded, options))
}

/// Texts as single characters along a dimension of their own, with the name that xarray gives it.
fn prepare_texts(
    name: &str,
    variable: &Variable,
    options: &NetcdfOptions,
    session: &Session,
) -> Result<Prepared> {
    let block = to_characters(&variable.values(session)?)?;
    let length = block.shape().last().map_or(1, |length| *length as u64);
    let characters = Dimension {
        name: format!("string{length}"),
        length,
        is_unlimited: false,
    };
    let mut attributes = variable.attributes.clone();
    attributes.shift_remove(FILL);
    if !matches!(variable.dtype(), DType::FixedBytes(_)) {
        attributes.insert("_Encoding".to_owned(), AttributeValue::Text("utf-8".to_owned()));
    }
    let encoded = Encoded {
        node: literal(block)?,
        attributes,
        fill_value: None,
    };
    let dims = [variable.dims.as_slice(), &[characters.name.clone()]].concat();
    let mut prepared = laid_out(name, dims, encoded, options);
    prepared.characters = Some(characters);
    Ok(prepared)
}

fn laid_out(
    name: &str,
    dims: Vec<String>,
    encoded: Encoded,
    options: &NetcdfOptions,
) -> Prepared {
    let dtype = encoded.node.dtype();
    let none = IndexMap::new();
    let layout = layout(&dims, &encoded.node, dtype, (&options.chunks, &none));
    let spec = VariableSpec {
        name: name.to_owned(),
        dtype,
        dims,
        chunks: layout.chunks,
        fill_value: encoded.fill_value,
        attributes: encoded.attributes,
        filters: Vec::new(),
    };
    Prepared {
        node: encoded.node,
        spec,
        characters: None,
    }
}

/// Takes `_FillValue` out of `attributes`, in the type of the values. One that no value can have, such as NaN of
/// integers, marks nothing as missing and is left out: netCDF wants the type of the values.
fn take_fill(attributes: &mut Attributes, dtype: DType) -> Option<Scalar> {
    let stated = attributes.shift_remove(FILL)?;
    if dtype == DType::FixedBytes(1) {
        let byte = stated.as_text()?.bytes().next()?;
        return Some(Scalar::from_bytes(dtype, &[byte]));
    }
    let value = stated.as_scalar()?;
    if dtype.is_float() {
        return value.to_f64().map(|value| Scalar::from_f64(dtype, value));
    }
    if !dtype.is_integer() || value.dtype() == dtype {
        return dtype.is_integer().then_some(value);
    }
    let wide = match value.to_i64() {
        Some(wide) => wide,
        #[allow(clippy::cast_possible_truncation, reason = "whole numbers only")]
        None => value.to_f64().filter(|value| value.fract() == 0.0)? as i64,
    };
    // Unsigned numbers are often stated as signed ones of the same bits.
    Some(Scalar::from_i64(dtype, wide))
}

/// Times for formats without 64-bit integers: as 32-bit ones where all fit, else as doubles.
fn narrow_times(encoded: Encoded, session: &Session) -> Result<Encoded> {
    if encoded.node.dtype() != DType::Int64 {
        return Ok(encoded);
    }
    let variable = Variable::new(
        (0..encoded.node.shape().len()).map(|axis| axis.to_string()).collect(),
        encoded.node.clone(),
        Attributes::new(),
    )?;
    let block = variable.values(session)?;
    let values: Vec<i64> = block.scalars().filter_map(|value| value.to_i64()).collect();
    let fits = values.iter().all(|value| i32::try_from(*value).is_ok());
    let dtype = if fits { DType::Int32 } else { DType::Float64 };
    let is_exact = |value: &i64| *value == i64::MIN || value.unsigned_abs() <= 1 << 53;
    if !values.iter().all(is_exact) {
        return Err(Error::unsupported("times too fine for numbers of this format")
            .hint("`--format cdf5` and `--format netcdf4` have 64-bit integers"));
    }
    let mut bytes = Vec::new();
    for value in &values {
        let scalar = match *value {
            i64::MIN => Scalar::from_f64(dtype, f64::NAN),
            value => Scalar::from_i64(dtype, value),
        };
        bytes.extend(scalar.bytes());
    }
    let mut attributes = encoded.attributes;
    attributes.shift_remove(FILL);
    let fill_value = encoded
        .fill_value
        .map(|_| Scalar::from_f64(DType::Float64, f64::NAN));
    Ok(Encoded {
        node: literal(Block::from_bytes(dtype, block.shape().to_vec(), &bytes)?)?,
        attributes,
        fill_value,
    })
}

/// Texts as single characters along a further axis, as many as the longest has bytes of UTF-8.
fn to_characters(block: &Block) -> Result<Block> {
    let texts: Vec<Vec<u8>> = block
        .scalars()
        .map(|value| match value.dtype() {
            DType::FixedBytes(_) => value.bytes().to_vec(),
            _ => value.to_text().unwrap_or_default().into_bytes(),
        })
        .collect();
    let length = match block.dtype() {
        DType::FixedBytes(length) => length as usize,
        _ => texts.iter().map(Vec::len).max().unwrap_or(0).max(1),
    };
    let mut bytes = Vec::with_capacity(texts.len() * length);
    for mut text in texts {
        text.resize(length, 0);
        bytes.extend(text);
    }
    let mut shape = block.shape().to_vec();
    shape.push(length);
    Block::from_bytes(DType::FixedBytes(1), shape, &bytes)
}

/// Adds the recipe, and a line of `history` as other programs write it: the newest first.
fn add_recipe(
    attributes: &mut Attributes,
    recipe: &Recipe,
    dataset: &Dataset,
) -> Result<()> {
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
