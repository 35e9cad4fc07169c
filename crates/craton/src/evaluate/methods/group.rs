//! Splitting into groups.

use super::not_on;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, method};
use crate::labels::{GroupBy, GroupKey, Variable, doubles};
use craton_core::{Block, DType, Error, Result, Strings};

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "groupby",
        LABELLED,
        "group",
        "Groups by a part of dates or by values, or by several; then reduce them, or combine each with its group's result.",
        &[
            "ds.t2m.groupby(\"time.month\").mean()",
            "ds.t2m.groupby(\"time.month\") - ds.t2m.groupby(\"time.month\").mean()",
            "ds.t2m.groupby([\"time.year\", \"time.season\"]).max()",
        ],
        groupby,
    ),
    method(
        "groupby_bins",
        LABELLED,
        "group, bins, right=True, labels=None, precision=3, include_lowest=False",
        "Groups of the values of a coordinate between edges.",
        &["ds.t2m.groupby_bins(\"lat\", [-90, 0, 90], labels=[\"south\", \"north\"]).mean()"],
        groupby_bins,
    ),
];

/// The coordinate or variable that is grouped by.
fn coordinate(call: &Call<'_>, name: &str) -> Result<Variable> {
    match call.object {
        Value::Array(array) => match array.coords.get(name) {
            Some(coord) => Ok(coord.clone()),
            None if array.variable.axis(name).is_some() => {
                let length = array.variable.shape()[array.axis(name)?];
                let places: Vec<f64> = (0..length).map(|at| at as f64).collect();
                let mut places = doubles(name, &places)?;
                places.node = craton_plan::ops::cast(&places.node, DType::Int64)?;
                Ok(places)
            }
            None => Err(Error::not_found(format!(
                "no coordinate `{name}` to group by"
            ))),
        },
        Value::Dataset(dataset) => dataset.array(name).map(|array| array.variable),
        _ => Err(not_on(call)),
    }
}

fn key(call: &Call<'_>, group: &Value) -> Result<GroupKey> {
    match group {
        Value::Text(text) => {
            let (name, part) = match text.split_once('.') {
                Some((name, part)) => (name, Some(part)),
                None => (text.as_str(), None),
            };
            GroupKey::new(name, part, &coordinate(call, name)?, call.session)
        }
        Value::Array(array) => {
            let name = array.name.clone().unwrap_or_else(|| "group".to_owned());
            GroupKey::new(&name, None, &array.variable, call.session)
        }
        Value::List(items) | Value::Tuple(items) => {
            let keys = items.iter().map(|item| key(call, item));
            GroupKey::of_several(&keys.collect::<Result<Vec<_>>>()?)
        }
        other => Err(Error::usage(format!("groups by {}", other.kind()))),
    }
}

fn groups(call: &Call<'_>, key: GroupKey) -> Result<Value> {
    match call.object {
        Value::Array(array) => Ok(Value::ArrayGroup(GroupBy {
            object: array.clone(),
            key,
        })),
        Value::Dataset(dataset) => Ok(Value::DatasetGroup(GroupBy {
            object: dataset.clone(),
            key,
        })),
        _ => Err(not_on(call)),
    }
}

fn groupby(call: &Call<'_>) -> Result<Value> {
    groups(call, key(call, call.need("group")?)?)
}

fn groupby_bins(call: &Call<'_>) -> Result<Value> {
    let (name, coord) = match call.need("group")? {
        Value::Text(name) => (name.clone(), coordinate(call, name)?),
        Value::Array(array) => {
            let name = array.name.clone().unwrap_or_else(|| "group".to_owned());
            (name, array.variable.clone())
        }
        other => return Err(Error::usage(format!("bins of {}", other.kind()))),
    };
    let is_right = call.bool("right")?.unwrap_or(true);
    let edges = edges(call, &coord, is_right)?;
    let dim = format!("{name}_bins");
    let count = edges.len().saturating_sub(1);
    let block = match call.get("labels") {
        Some(labels) => labels.to_block()?,
        None => {
            let precision = call.count("precision")?.unwrap_or(3);
            let texts = interval_texts(&edges, is_right, precision);
            let texts = Strings::from_items(texts.iter().map(String::as_bytes));
            Block::strings(DType::Utf8, vec![count], texts)?
        }
    };
    if block.len() != count {
        let message = format!("{} labels for {count} bins", block.len());
        return Err(Error::invalid(message));
    }
    let labels = Variable::of_block(vec![dim], block, coord.attributes.clone())?;
    let lowest = call.is_true("include_lowest")?;
    let key = GroupKey::binned(
        &name,
        &coord,
        &edges,
        labels,
        is_right,
        lowest,
        call.session,
    )?;
    groups(call, key)
}

fn edges(call: &Call<'_>, coord: &Variable, is_right: bool) -> Result<Vec<f64>> {
    let bins = call.need("bins")?;
    let wrong = || Error::usage("`bins` is a number of bins, or a list of ascending edges");
    let Some(count) = bins.as_i64() else {
        let block = match bins {
            Value::Array(array) => array.variable.values(call.session)?,
            other => other.to_block()?,
        };
        let edges: Option<Vec<f64>> = block.scalars().map(|edge| edge.to_f64()).collect();
        let edges = edges.ok_or_else(wrong)?;
        if edges.len() < 2 || edges.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(wrong());
        }
        return Ok(edges);
    };
    if !(1..=1_000_000).contains(&count) {
        return Err(wrong());
    }
    let values: Vec<f64> = coord
        .values(call.session)?
        .scalars()
        .filter_map(|value| value.to_f64())
        .filter(|value| !value.is_nan())
        .collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let step = (high - low) / count as f64;
    let mut edges: Vec<f64> = (0..=count).map(|at| low + step * at as f64).collect();
    // As in pandas the outermost value is let in by a thousandth of the range.
    let margin = (high - low) * 0.001;
    let last = edges.len() - 1;
    edges[last] = high;
    if is_right {
        edges[0] -= margin;
    } else {
        edges[last] += margin;
    }
    Ok(edges)
}

/// Bins as texts: `(0, 10]`.
fn interval_texts(edges: &[f64], is_right: bool, precision: usize) -> Vec<String> {
    let are_whole = edges.iter().all(|edge| edge.fract() == 0.0);
    let text = |edge: f64| {
        if are_whole {
            return format!("{edge}");
        }
        let scale = 10f64.powi(i32::try_from(precision).unwrap_or(3));
        format!("{:?}", (edge * scale).round() / scale)
    };
    let pair = |pair: &[f64]| match is_right {
        true => format!("({}, {}]", text(pair[0]), text(pair[1])),
        false => format!("[{}, {})", text(pair[0]), text(pair[1])),
    };
    edges.windows(2).map(pair).collect()
}
