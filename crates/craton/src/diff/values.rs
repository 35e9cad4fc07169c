//! Differences in values: how many, how large, and where the first is.

use super::DiffOptions;
use super::metadata::dtype_text;
use crate::labels::{DataArray, convert};
use crate::output::repr::scalar_text;
use crate::output::slabs::{budget, compute_all, cut, slabs};
use crate::session::Session;
use craton_core::{Block, DType, Error, Result, Scalar, TimeKind, TimeType};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::unary::Unary;
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex, ReduceOptions};

/// How the values of one variable differ.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueDifference {
    /// The variable.
    pub variable: String,
    /// How many values differ.
    pub count: u64,
    /// Of how many.
    pub total: u64,
    /// The largest `|a - b|`, where both are numbers; of times in words as an ISO 8601 duration.
    pub max_absolute: Option<f64>,
    /// As `max_absolute`, for people.
    pub max_absolute_text: Option<String>,
    /// The largest `|a - b| / max(|a|, |b|)`.
    pub max_relative: Option<f64>,
    /// The first differing value in C order.
    pub first: Place,
}

/// One element of a variable, in both.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Index and label (where there is one) by dimension.
    pub at: Vec<(String, u64, Option<String>)>,
    /// The first's value.
    pub one: Scalar,
    /// The second's value.
    pub other: Scalar,
}

/// Why the values of two arrays cannot be compared one by one, if they cannot.
pub(super) fn obstacle(one: &DataArray, other: &DataArray) -> Option<String> {
    let (one, other) = (&one.variable, &other.variable);
    if one.dims != other.dims {
        return Some("their dimensions differ".to_owned());
    }
    if one.shape() != other.shape() {
        return Some("their lengths differ".to_owned());
    }
    let (mine, theirs) = (one.dtype(), other.dtype());
    let is_number = |dtype: DType| dtype.is_numeric() || dtype == DType::Bool;
    let is_comparable = match (mine, theirs) {
        _ if is_number(mine) && is_number(theirs) => mine.is_complex() == theirs.is_complex(),
        _ => dtype_text(mine) == dtype_text(theirs),
    };
    (!is_comparable).then(|| format!("{mine} and {theirs} have no common order"))
}

/// The difference of two arrays without an [`obstacle`]; `None` if every value is equal.
pub(super) fn difference(
    name: &str,
    one: &DataArray,
    other: &DataArray,
    options: &DiffOptions,
    session: &Session,
) -> Result<Option<ValueDifference>> {
    let nodes = [&one.variable.node, &other.variable.node];
    let total: u64 = nodes[0].shape().iter().product();
    if total == 0 || nodes[0].hash() == nodes[1].hash() {
        return Ok(None);
    }
    let is_engine_type =
        |dtype: DType| dtype.is_numeric() || matches!(dtype, DType::Bool | DType::Time(_));
    let found = if is_engine_type(nodes[0].dtype()) {
        of_numbers(nodes, options, session)?
    } else {
        of_texts(nodes, session)?
    };
    let Some(found) = found else {
        return Ok(None);
    };
    let first = place(one, other, found.first, session)?;
    let duration = match nodes[0].dtype() {
        DType::Time(time) => Some(DType::Time(TimeType {
            kind: TimeKind::Duration,
            ..time
        })),
        _ => None,
    };
    let text = |value: f64| match duration {
        Some(duration) => scalar_text(&Scalar::from_f64(duration, value)),
        None => Scalar::from_f64(DType::Float64, value).to_string(),
    };
    Ok(Some(ValueDifference {
        variable: name.to_owned(),
        count: found.count,
        total,
        max_absolute: found.max_absolute,
        max_absolute_text: found.max_absolute.map(text),
        max_relative: found.max_relative,
        first,
    }))
}

struct Found {
    count: u64,
    /// The position in C order.
    first: u64,
    max_absolute: Option<f64>,
    max_relative: Option<f64>,
}

/// One scan of both with four folds.
fn of_numbers(
    [one, other]: [&NodeRef; 2],
    options: &DiffOptions,
    session: &Session,
) -> Result<Option<Found>> {
    let differs = differs(one, other, options)?;
    let mut wanted = vec![
        fold(Reduction::Sum, &ops::cast(&differs, DType::Int64)?)?,
        fold(Reduction::ArgMax, &ops::cast(&differs, DType::UInt8)?)?,
    ];
    if let Some(absolute) = absolute_difference(one, other)? {
        // What is equal within the tolerance says nothing of how far the others are apart.
        let nan = ops::scalar(Scalar::from_f64(DType::Float64, f64::NAN))?;
        let absolute = ops::select(&differs, &absolute, &nan)?;
        wanted.push(fold(Reduction::Max, &absolute)?);
        if !matches!(one.dtype(), DType::Time(_)) {
            let size = ops::binary(Binary::Maximum, &magnitude(one)?, &magnitude(other)?)?;
            let relative = ops::binary(Binary::Divide, &absolute, &size)?;
            wanted.push(fold(Reduction::Max, &relative)?);
        }
    }
    let blocks = session.compute(&wanted)?;
    let integer = |at: usize| -> Result<u64> {
        let value = blocks.get(at).and_then(|block| block.get(0)?.to_i64());
        value
            .and_then(|value| u64::try_from(value).ok())
            .ok_or_else(|| Error::internal("a count was computed to none"))
    };
    let number = |at: usize| {
        let value = blocks.get(at).and_then(|block| block.get(0)?.to_f64());
        value.filter(|value| !value.is_nan())
    };
    let count = integer(0)?;
    if count == 0 {
        return Ok(None);
    }
    Ok(Some(Found {
        count,
        first: integer(1)?,
        max_absolute: number(2),
        max_relative: number(3),
    }))
}

fn fold(reduction: Reduction, node: &NodeRef) -> Result<NodeRef> {
    let axes: Vec<usize> = (0..node.shape().len()).collect();
    ops::reduce(reduction, node, &axes, ReduceOptions::default())
}

/// Where both values are not the same, within the tolerances; missing ones are the same as each other.
fn differs(one: &NodeRef, other: &NodeRef, options: &DiffOptions) -> Result<NodeRef> {
    let and = |a: &NodeRef, b: &NodeRef| ops::binary(Binary::LogicalAnd, a, b);
    let or = |a: &NodeRef, b: &NodeRef| ops::binary(Binary::LogicalOr, a, b);
    let mut is_same = ops::binary(Binary::Equal, one, other)?;
    let may_miss = |node: &NodeRef| {
        node.dtype().is_float()
            || node.dtype().is_complex()
            || matches!(node.dtype(), DType::Time(_))
    };
    if may_miss(one) && may_miss(other) {
        let missing = and(
            &ops::unary(Unary::IsNan, one)?,
            &ops::unary(Unary::IsNan, other)?,
        )?;
        is_same = or(&is_same, &missing)?;
    }
    let has_tolerance = options.rtol > 0.0 || options.atol > 0.0;
    let is_number = one.dtype().is_numeric() && other.dtype().is_numeric();
    if has_tolerance
        && is_number
        && let Some(absolute) = absolute_difference(one, other)?
    {
        let scalar = |value: f64| ops::scalar(Scalar::from_f64(DType::Float64, value));
        let size = magnitude(other)?;
        let allowed = ops::binary(Binary::Multiply, &scalar(options.rtol)?, &size)?;
        let allowed = ops::binary(Binary::Add, &scalar(options.atol)?, &allowed)?;
        let is_close = ops::binary(Binary::LessEqual, &absolute, &allowed)?;
        // Everything would be close to an infinite value.
        let is_close = and(&is_close, &ops::unary(Unary::IsFinite, &size)?)?;
        is_same = or(&is_same, &is_close)?;
    }
    ops::unary(Unary::LogicalNot, &is_same)
}

/// `|a|` in double precision.
fn magnitude(node: &NodeRef) -> Result<NodeRef> {
    ops::cast(&ops::unary(Unary::Absolute, &wide(node)?)?, DType::Float64)
}

/// Wide enough that a difference neither wraps nor rounds more than once.
fn wide(node: &NodeRef) -> Result<NodeRef> {
    let dtype = if node.dtype().is_complex() {
        DType::Complex128
    } else {
        DType::Float64
    };
    ops::cast(node, dtype)
}

/// `|a - b|` in double precision; `None` of what has no difference.
fn absolute_difference(one: &NodeRef, other: &NodeRef) -> Result<Option<NodeRef>> {
    if one.dtype() == DType::Bool || other.dtype() == DType::Bool {
        return Ok(None);
    }
    if let (DType::Time(_), DType::Time(_)) = (one.dtype(), other.dtype()) {
        let difference = ops::unary(Unary::Absolute, &ops::binary(Binary::Subtract, one, other)?)?;
        let count = ops::cast(&difference, DType::Float64)?;
        let nan = ops::scalar(convert(
            &Scalar::from_f64(DType::Float64, f64::NAN),
            DType::Float64,
        ))?;
        let is_missing = ops::unary(Unary::IsNan, &difference)?;
        return ops::select(&is_missing, &nan, &count).map(Some);
    }
    let difference = ops::binary(Binary::Subtract, &wide(one)?, &wide(other)?)?;
    magnitude(&difference).map(Some)
}

/// Texts and the like are compared byte by byte, a slab at a time.
fn of_texts([one, other]: [&NodeRef; 2], session: &Session) -> Result<Option<Found>> {
    // Their length is not known before they are read; this much is ordinary.
    const ASSUMED: u64 = 64;
    let size = one.dtype().item_size().map_or(ASSUMED, |size| size as u64);
    let most = budget(session) / (2 * size.max(1));
    let (mut count, mut first, mut position) = (0, None, 0_u64);
    for ranges in slabs(one.shape(), most) {
        let blocks = compute_all(&[cut(one, &ranges)?, cut(other, &ranges)?], session)?;
        for at in 0..blocks[0].len() {
            if !is_same_text(&blocks[0], &blocks[1], at) {
                count += 1;
                first.get_or_insert(position);
            }
            position += 1;
        }
    }
    Ok(first.map(|first| Found {
        count,
        first,
        max_absolute: None,
        max_relative: None,
    }))
}

fn is_same_text(one: &Block, other: &Block, at: usize) -> bool {
    match (one.get(at), other.get(at)) {
        (Some(one), Some(other)) => match (one.to_text(), other.to_text()) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => one.bytes() == other.bytes(),
        },
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// The element at `position` in C order, with the labels of its dimensions.
fn place(one: &DataArray, other: &DataArray, position: u64, session: &Session) -> Result<Place> {
    let shape = one.variable.shape();
    let mut rest = position;
    let mut index = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        index[axis] = rest % shape[axis].max(1);
        rest /= shape[axis].max(1);
    }
    let point = |node: &NodeRef| {
        let axes: Vec<AxisIndex> = index.iter().map(|at| AxisIndex::At(*at)).collect();
        ops::index(node, &axes)
    };
    let mut wanted = vec![point(&one.variable.node)?, point(&other.variable.node)?];
    let labelled: Vec<usize> = (0..shape.len())
        .filter(|axis| one.index(&one.dims()[*axis]).is_some())
        .collect();
    for axis in &labelled {
        if let Some(label) = one.index(&one.dims()[*axis]) {
            wanted.push(ops::index(&label.node, &[AxisIndex::At(index[*axis])])?);
        }
    }
    let values: Vec<Scalar> = compute_all(&wanted, session)?
        .iter()
        .filter_map(|block| block.get(0))
        .collect();
    let value = |at: usize| {
        let value = values.get(at).cloned();
        value.ok_or_else(|| Error::internal("one value was computed to none"))
    };
    let label = |axis: usize| {
        let at = labelled.iter().position(|known| *known == axis)?;
        values.get(2 + at).map(scalar_text)
    };
    let dims = one.dims().iter().enumerate();
    Ok(Place {
        at: dims
            .map(|(axis, dim)| (dim.clone(), index[axis], label(axis)))
            .collect(),
        one: value(0)?,
        other: value(1)?,
    })
}
