//! Attributes and methods of arrays, datasets, groups, windows.

use super::arguments::{Arguments, Matched};
use super::index::{mask_positions, position};
use super::{Value, functions, quantile};
use crate::labels::{
    self, DataArray, Dataset, GroupBy, GroupKey, Label, LabelSelection, Method, ReduceArguments,
    Rolling, Variable, Weighted, date_part,
};
use crate::language::did_you_mean;
use crate::session::Session;
use craton_core::{DType, Error, Result};
use craton_kernels::fold::Reduction;
use craton_kernels::scan::{Cumulation, RollingKind};
use craton_kernels::unary::Unary;
use craton_plan::ops;

/// Methods of arrays and datasets, for hints.
const METHODS: &[&str] = &[
    "sel",
    "isel",
    "mean",
    "sum",
    "min",
    "max",
    "std",
    "var",
    "count",
    "median",
    "quantile",
    "prod",
    "any",
    "all",
    "argmin",
    "argmax",
    "first",
    "last",
    "groupby",
    "weighted",
    "rolling",
    "where",
    "fillna",
    "isnull",
    "notnull",
    "clip",
    "astype",
    "round",
    "transpose",
    "squeeze",
    "expand_dims",
    "rename",
    "cumsum",
    "cumprod",
    "diff",
    "to_dataset",
    "drop_vars",
    "chunk",
    "compute",
    "load",
    "isin",
    "assign",
    "copy",
];

/// `object.name`.
pub(super) fn attribute(object: &Value, name: &str, session: &Session) -> Result<Value> {
    match (object, name) {
        (Value::Array(array), "dt") if matches!(array.variable.dtype(), DType::Time(_)) => {
            Ok(Value::Dates(array.clone()))
        }
        (Value::Array(array), "dt") => Err(Error::invalid(format!(
            "`.dt` of {} values, which are no dates",
            array.variable.dtype()
        ))),
        (Value::Dates(array), part) => date_array(array, part, session),
        (Value::Array(array), "T") => array.transpose(&[]).map(Value::Array),
        (Value::Array(array), "values" | "data") => Ok(Value::Array(array.clone())),
        (Value::Array(array), "size") => {
            Ok(integer(array.variable.shape().iter().product::<u64>()))
        }
        (Value::Array(array), "ndim") => Ok(integer(array.dims().len() as u64)),
        (Value::Array(array), "shape") => Ok(Value::Tuple(
            array
                .variable
                .shape()
                .iter()
                .map(|length| integer(*length))
                .collect(),
        )),
        (Value::Array(array), "dims") => Ok(Value::Tuple(
            array.dims().iter().cloned().map(Value::Text).collect(),
        )),
        (Value::Array(array), "sizes") => Ok(sizes(array.variable.sizes())),
        (Value::Dataset(dataset), "sizes") => {
            let all = dataset.sizes();
            Ok(sizes(
                all.iter().map(|(dim, length)| (dim.as_str(), *length)),
            ))
        }
        (Value::Array(array), name) if array.coords.contains_key(name) => {
            let mut coord = array.with_variable(array.coords[name].clone());
            coord.name = Some(name.to_owned());
            Ok(Value::Array(coord))
        }
        (Value::Dataset(dataset), name) => dataset
            .array(name)
            .map(Value::Array)
            .map_err(|error| is_method(name, error)),
        (Value::Namespace(namespace), name) => functions::constant(*namespace, name),
        (other, name) => Err(is_method(
            name,
            Error::usage(format!("{} has no attribute `{name}`", other.kind())),
        )),
    }
}

fn is_method(name: &str, error: Error) -> Error {
    if METHODS.contains(&name) {
        return Error::usage(format!("`{name}` is a method"))
            .hint(format!("call it: `.{name}(…)`"));
    }
    error
}

fn integer(value: u64) -> Value {
    Value::Number(
        craton_core::Scalar::from_i64(DType::Int64, i64::try_from(value).unwrap_or(i64::MAX)),
        super::value::WeakKind::Int,
    )
}

fn sizes<'a>(sizes: impl Iterator<Item = (&'a str, u64)>) -> Value {
    Value::Dict(
        sizes
            .map(|(dim, length)| (Value::Text(dim.to_owned()), integer(length)))
            .collect(),
    )
}

/// The part of each date as an array.
fn date_array(array: &DataArray, part: &str, session: &Session) -> Result<Value> {
    let block = date_part(
        &array.variable.values(session)?,
        array.variable.dtype(),
        part,
    )?;
    let variable = Variable::of_block(
        array.dims().to_vec(),
        block,
        array.variable.attributes.clone(),
    )?;
    Ok(Value::Array(
        array.with_variable(variable).renamed(Some(part.to_owned())),
    ))
}

/// `object.name(arguments)`.
pub(super) fn call(
    object: &Value,
    name: &str,
    arguments: Arguments,
    session: &Session,
) -> Result<Value> {
    match object {
        Value::Array(_) | Value::Dataset(_) | Value::ArrayGroup(_) | Value::DatasetGroup(_)
            if quantile::NAMES.contains(&name) =>
        {
            quantile::call(object, name, arguments)
        }
        Value::Array(_) | Value::Dataset(_) => labelled(object, name, arguments, session),
        Value::ArrayGroup(groups) => {
            let (reduction, arguments) = reduction_call(name, arguments)?;
            groups.reduce(reduction, &arguments).map(Value::Array)
        }
        Value::DatasetGroup(groups) => {
            let (reduction, arguments) = reduction_call(name, arguments)?;
            groups.reduce(reduction, &arguments).map(Value::Dataset)
        }
        Value::Rolling(rolling) => {
            arguments.bind(name, &[], false)?;
            let kind = RollingKind::from_name(name).ok_or_else(|| {
                unknown(
                    name,
                    &["sum", "mean", "min", "max", "count"],
                    "rolling windows",
                )
            })?;
            rolling.reduce(kind).map(Value::Array)
        }
        Value::Weighted(weighted) => {
            let matched = arguments.bind(name, &["dim", "skipna", "keep_attrs"], false)?;
            let arguments = ReduceArguments {
                dims: matched.texts("dim")?,
                skipna: matched.bool("skipna")?,
                keep_attrs: matched.bool("keep_attrs")?,
                ..ReduceArguments::default()
            };
            weighted.reduce(name, &arguments).map(Value::Array)
        }
        Value::Several(dataset, parts) => several(dataset, parts, name, &arguments, session),
        Value::Text(_)
        | Value::Number(..)
        | Value::List(_)
        | Value::Tuple(_)
        | Value::Dict(_)
        | Value::None
        | Value::Slice(_)
        | Value::Dates(_)
        | Value::Namespace(_) => Err(Error::usage(format!(
            "{} has no method `{name}`",
            object.kind()
        ))),
    }
}

fn several(
    dataset: &Dataset,
    parts: &[(String, Value)],
    name: &str,
    arguments: &Arguments,
    session: &Session,
) -> Result<Value> {
    let mut arrays = Vec::new();
    for (variable, part) in parts {
        let arguments = Arguments {
            positional: arguments.positional.clone(),
            keywords: arguments.keywords.clone(),
        };
        match call(part, name, arguments, session).map_err(|error| error.in_variable(variable))? {
            Value::Array(array) => arrays.push((variable.clone(), array)),
            other => {
                return Err(Error::internal(format!(
                    "{} where an array was expected",
                    other.kind()
                )));
            }
        }
    }
    let mut out = Dataset::from_arrays(arrays)?;
    out.attributes = dataset.attributes.clone();
    Ok(Value::Dataset(out))
}

fn unknown(name: &str, known: &[&str], of: &str) -> Error {
    let error = Error::usage(format!("{of} have no method `{name}`"));
    match did_you_mean(name, known.iter().copied()) {
        Some(hint) => error.hint(hint),
        None => error.hint(format!("there are {}", known.join(", "))),
    }
}

fn reduction_call(name: &str, arguments: Arguments) -> Result<(Reduction, ReduceArguments)> {
    let names: Vec<&str> = Reduction::ALL
        .iter()
        .map(|reduction| reduction.name())
        .chain(quantile::NAMES)
        .collect();
    let reduction = Reduction::from_name(name).ok_or_else(|| unknown(name, &names, "groups"))?;
    Ok((reduction, reduce_arguments(name, arguments)?))
}

fn reduce_arguments(name: &str, arguments: Arguments) -> Result<ReduceArguments> {
    let matched = arguments.bind(
        name,
        &["dim", "skipna", "ddof", "min_count", "keep_attrs"],
        false,
    )?;
    Ok(ReduceArguments {
        dims: matched.texts("dim")?,
        skipna: matched.bool("skipna")?,
        ddof: u32::try_from(matched.count("ddof")?.unwrap_or(0))
            .map_err(|_| Error::usage("`ddof` is too large"))?,
        min_count: u32::try_from(matched.count("min_count")?.unwrap_or(0))
            .map_err(|_| Error::usage("`min_count` is too large"))?,
        keep_attrs: matched.bool("keep_attrs")?,
    })
}

fn labelled(object: &Value, name: &str, arguments: Arguments, session: &Session) -> Result<Value> {
    if let Some(reduction) = Reduction::from_name(name) {
        let arguments = reduce_arguments(name, arguments)?;
        return match object {
            Value::Dataset(dataset) => dataset.reduce(reduction, &arguments).map(Value::Dataset),
            other => other.map_arrays(name, |array| array.reduce(reduction, &arguments)),
        };
    }
    match name {
        "isel" => {
            let matched = arguments.bind(name, &["indexers", "drop", "missing_dims"], true)?;
            let drops = matched.bool("drop")?.unwrap_or(false);
            select(
                object,
                &selections(&matched, "indexers")?,
                |array, dim, value| {
                    let mut out = array.select_positions(dim, &position(value, session)?)?;
                    if drops {
                        let is_lost = |name: &String, coord: &Variable| {
                            coord.dims.is_empty() && !array.coords[name].dims.is_empty()
                        };
                        out.coords.retain(|name, coord| !is_lost(name, coord));
                    }
                    Ok(out)
                },
            )
        }
        "sel" => sel(object, arguments, session),
        "groupby" => groupby(object, arguments, session),
        "rolling" => rolling(object, arguments),
        "weighted" => {
            let matched = arguments.bind(name, &["weights"], false)?;
            let Value::Array(weights) = matched.need("weights")? else {
                return Err(Error::usage("weights must be an array"));
            };
            each(object, |array| {
                Ok(Value::Weighted(Weighted {
                    array: array.clone(),
                    weights: weights.clone(),
                }))
            })
        }
        "where" => {
            let matched = arguments.bind(name, &["cond", "other", "drop"], false)?;
            if matched.bool("drop")? == Some(true) {
                return Err(Error::unsupported("`where(…, drop=True)`")
                    .hint("leave `drop` out; `.sel` narrows the axes"));
            }
            let Value::Array(condition) = matched.need("cond")? else {
                return Err(Error::usage("a condition must be an array"));
            };
            let other = matched.get("other").map(Value::as_operand).transpose()?;
            object.map_arrays(name, |array| {
                labels::where_(array, condition, other.as_ref())
            })
        }
        "fillna" => {
            let matched = arguments.bind(name, &["value"], false)?;
            let value = matched.need("value")?.as_operand()?;
            object.map_arrays(name, |array| fillna(array, &value))
        }
        "isnull" => {
            arguments.bind(name, &["keep_attrs"], false)?;
            object.map_arrays(name, |array| {
                let valid = labels::unary(Unary::NotNan, array, true)?;
                labels::unary(Unary::LogicalNot, &valid, true)
            })
        }
        "notnull" => {
            arguments.bind(name, &["keep_attrs"], false)?;
            object.map_arrays(name, |array| labels::unary(Unary::NotNan, array, true))
        }
        "clip" => {
            let matched = arguments.bind(name, &["min", "max", "keep_attrs"], false)?;
            let (low, high) = (
                matched.get("min").map(Value::as_operand).transpose()?,
                matched.get("max").map(Value::as_operand).transpose()?,
            );
            object.map_arrays(name, |array| {
                functions::clip(array, low.as_ref(), high.as_ref())
            })
        }
        "astype" => {
            let matched = arguments.bind(name, &["dtype"], false)?;
            let dtype = matched
                .text("dtype")?
                .ok_or_else(|| Error::usage("`astype` needs a dtype"))?;
            let dtype = functions::dtype(dtype)?;
            object.map_arrays(name, |array| {
                Ok(array.with_variable(
                    array
                        .variable
                        .with_node(ops::cast(&array.variable.node, dtype)?)?,
                ))
            })
        }
        "cumsum" | "cumprod" => {
            let matched = arguments.bind(name, &["dim", "skipna"], false)?;
            let kind = Cumulation::from_name(name)
                .ok_or_else(|| Error::internal("an unnamed cumulation"))?;
            let dims = matched.texts("dim")?;
            let skipna = matched.bool("skipna")?;
            object.map_arrays(name, |array| {
                let dims = dims.clone().unwrap_or_else(|| array.dims().to_vec());
                dims.iter().try_fold(array.clone(), |array, dim| {
                    array.cumulate(kind, dim, skipna)
                })
            })
        }
        "diff" => {
            let matched = arguments.bind(name, &["dim", "n", "label"], false)?;
            let dim = matched
                .text("dim")?
                .ok_or_else(|| Error::usage("`diff` needs a dimension"))?
                .to_owned();
            let times = matched.count("n")?.unwrap_or(1);
            let takes_lower = matched.text("label")? == Some("lower");
            object.map_arrays(name, |array| {
                (0..times).try_fold(array.clone(), |array, _| {
                    functions::diff(&array, &dim, takes_lower)
                })
            })
        }
        "round" => {
            let matched = arguments.bind(name, &["decimals"], false)?;
            if matched.count("decimals")?.unwrap_or(0) != 0 {
                return Err(Error::unsupported("rounding to decimals")
                    .hint("scale, `.round()`, scale back"));
            }
            object.map_arrays(name, |array| labels::unary(Unary::Rint, array, true))
        }
        "transpose" => {
            let is_name_or_dots =
                |dim: &&Value| dim.as_text().is_some() || matches!(dim, Value::None);
            if let Some(other) = arguments
                .positional
                .iter()
                .find(|dim| !is_name_or_dots(dim))
            {
                return Err(Error::usage(format!(
                    "`transpose` takes names of dimensions, not {}",
                    other.kind()
                )));
            }
            let names: Vec<&str> = arguments
                .positional
                .iter()
                .filter_map(Value::as_text)
                .collect();
            object.map_arrays(name, |array| {
                // `...` stands for all dimensions that are not named.
                let rest = || {
                    array
                        .dims()
                        .iter()
                        .filter(|dim| !names.contains(&dim.as_str()))
                        .cloned()
                };
                let dims = arguments
                    .positional
                    .iter()
                    .flat_map(|dim| match dim.as_text() {
                        Some(dim) => vec![dim.to_owned()],
                        None => rest().collect(),
                    });
                array.transpose(&dims.collect::<Vec<_>>())
            })
        }
        "squeeze" => {
            let matched = arguments.bind(name, &["dim", "drop"], false)?;
            let dims = matched.texts("dim")?;
            let drops = matched.bool("drop")?.unwrap_or(false);
            object.map_arrays(name, |array| {
                let mut out = array.squeeze(dims.as_deref())?;
                if drops {
                    out.coords.retain(|_, coord| !coord.dims.is_empty());
                }
                Ok(out)
            })
        }
        "expand_dims" => {
            let matched = arguments.bind(name, &["dim"], false)?;
            let dims = matched.texts("dim")?.unwrap_or_default();
            object.map_arrays(name, |array| {
                dims.iter()
                    .rev()
                    .try_fold(array.clone(), |array, dim| array.expand_dims(dim))
            })
        }
        "rename" => rename(object, arguments),
        "to_dataset" => {
            let matched = arguments.bind(name, &["name"], false)?;
            match object {
                Value::Array(array) => array.to_dataset(matched.text("name")?).map(Value::Dataset),
                other => Ok(other.clone()),
            }
        }
        "drop_vars" => {
            let matched = arguments.bind(name, &["names"], false)?;
            drop_vars(object, &matched.texts("names")?.unwrap_or_default())
        }
        "chunk" => {
            // A label only: the engine tiles by what is stored, and writers ask for chunks themselves.
            arguments.bind(name, &["chunks"], true)?;
            Ok(object.clone())
        }
        "compute" | "load" | "copy" | "persist" => {
            arguments.bind(name, &[], false)?;
            Ok(object.clone())
        }
        "assign" => assign(object, arguments),
        "isin" => {
            let matched = arguments.bind(name, &["test_elements"], false)?;
            let items = matched
                .need("test_elements")?
                .items()
                .map(<[Value]>::to_vec)
                .unwrap_or_default();
            object.map_arrays(name, |array| functions::isin(array, &items))
        }
        _ => Err(unknown(
            name,
            METHODS,
            if matches!(object, Value::Dataset(_)) {
                "datasets"
            } else {
                "arrays"
            },
        )),
    }
}

fn each(object: &Value, make: impl Fn(&DataArray) -> Result<Value>) -> Result<Value> {
    match object {
        Value::Array(array) => make(array),
        Value::Dataset(dataset) => {
            let parts = dataset.arrays()?.into_iter().map(|array| {
                let name = array.name.clone().unwrap_or_default();
                Ok((name, make(&array)?))
            });
            Ok(Value::Several(
                dataset.clone(),
                parts.collect::<Result<_>>()?,
            ))
        }
        other => Err(Error::usage(format!(
            "this does not work on {}",
            other.kind()
        ))),
    }
}

/// Dimension and what is taken of it, from a dict argument and keywords.
fn selections(matched: &Matched, dict: &str) -> Result<Vec<(String, Value)>> {
    let mut all = Vec::new();
    if let Some(value) = matched.get(dict) {
        let Value::Dict(pairs) = value else {
            return Err(Error::usage(format!("`{dict}` must be a dict")));
        };
        for (key, value) in pairs {
            let key = key
                .as_text()
                .ok_or_else(|| Error::usage("dimensions are named by texts"))?;
            all.push((key.to_owned(), value.clone()));
        }
    }
    all.extend(matched.others.iter().cloned());
    Ok(all)
}

fn select(
    object: &Value,
    selections: &[(String, Value)],
    take: impl Fn(&DataArray, &str, &Value) -> Result<DataArray>,
) -> Result<Value> {
    let mut out = object.clone();
    for (dim, value) in selections {
        out = match &out {
            Value::Dataset(dataset) => {
                Value::Dataset(dataset.select(dim, |array| take(array, dim, value))?)
            }
            other => other.map_arrays("a selection", |array| take(array, dim, value))?,
        };
    }
    Ok(out)
}

fn sel(object: &Value, arguments: Arguments, session: &Session) -> Result<Value> {
    let matched = arguments.bind("sel", &["indexers", "method", "tolerance", "drop"], true)?;
    let method = match matched.text("method")? {
        None => Method::Exact,
        Some("nearest") => Method::Nearest,
        Some("pad" | "ffill") => Method::Pad,
        Some("backfill" | "bfill") => Method::Backfill,
        Some(other) => {
            let message = format!("no method `{other}` of selection");
            return Err(
                Error::usage(message).hint("there are nearest, pad, ffill, backfill and bfill")
            );
        }
    };
    let tolerance = matched.number("tolerance")?;
    let drops = matched.bool("drop")?.unwrap_or(false);
    let chosen = selections(&matched, "indexers")?;
    select(object, &chosen, |array, dim, value| {
        if let Some(positions) = mask_positions(value, session)? {
            return array.select_positions(dim, &positions);
        }
        let mut out = array.select_labels(
            dim,
            &label_selection(value, session)?,
            method,
            tolerance,
            session,
        )?;
        if drops && out.variable.axis(dim).is_none() {
            out.coords.shift_remove(dim);
        }
        Ok(out)
    })
}

fn label_selection(value: &Value, session: &Session) -> Result<LabelSelection> {
    Ok(match value {
        Value::Slice(parts) => {
            let part = |part: &Value| match part {
                Value::None => Ok(None),
                other => label(other, session).map(Some),
            };
            LabelSelection::Slice(part(&parts[0])?, part(&parts[1])?, parts[2].as_i64())
        }
        Value::List(items) => LabelSelection::List(
            items
                .iter()
                .map(|item| label(item, session))
                .collect::<Result<_>>()?,
        ),
        Value::Array(array) if !array.dims().is_empty() => {
            let labels = array.variable.values(session)?;
            LabelSelection::List(labels.scalars().map(scalar_label).collect())
        }
        other => LabelSelection::At(label(other, session)?),
    })
}

fn scalar_label(scalar: craton_core::Scalar) -> Label {
    match scalar.to_text() {
        Some(text) => Label::Text(text),
        None => Label::Number(scalar),
    }
}

fn label(value: &Value, session: &Session) -> Result<Label> {
    match value {
        Value::Number(number, _) => Ok(Label::Number(number.clone())),
        Value::Text(text) => Ok(Label::Text(text.clone())),
        Value::Array(array) if array.dims().is_empty() => {
            let value = array.variable.values(session)?.get(0);
            value
                .map(scalar_label)
                .ok_or_else(|| Error::internal("a scalar without a value"))
        }
        other => Err(Error::usage(format!(
            "a label must be a number or a text, not {}",
            other.kind()
        ))),
    }
}

fn groupby(object: &Value, arguments: Arguments, session: &Session) -> Result<Value> {
    let matched = arguments.bind("groupby", &["group"], false)?;
    let key = |coords: &dyn Fn(&str) -> Result<Variable>| match matched.need("group")? {
        Value::Text(text) => {
            let (name, part) = match text.split_once('.') {
                Some((name, part)) => (name, Some(part)),
                None => (text.as_str(), None),
            };
            GroupKey::new(name, part, &coords(name)?, session)
        }
        Value::Array(array) => {
            let name = array.name.clone().unwrap_or_else(|| "group".to_owned());
            GroupKey::new(&name, None, &array.variable, session)
        }
        other => Err(Error::usage(format!("groups by {}", other.kind()))),
    };
    match object {
        Value::Array(array) => {
            let coord = |name: &str| match array.coords.get(name) {
                Some(coord) => Ok(coord.clone()),
                None => Err(Error::not_found(format!(
                    "no coordinate `{name}` to group by"
                ))),
            };
            Ok(Value::ArrayGroup(GroupBy {
                object: array.clone(),
                key: key(&coord)?,
            }))
        }
        Value::Dataset(dataset) => {
            let coord = |name: &str| dataset.array(name).map(|array| array.variable);
            Ok(Value::DatasetGroup(GroupBy {
                object: dataset.clone(),
                key: key(&coord)?,
            }))
        }
        other => Err(Error::usage(format!(
            "`groupby` does not work on {}",
            other.kind()
        ))),
    }
}

fn rolling(object: &Value, arguments: Arguments) -> Result<Value> {
    let matched = arguments.bind("rolling", &["dim", "min_periods", "center"], true)?;
    let windows = selections(&matched, "dim")?;
    let [(dim, window)] = windows.as_slice() else {
        return Err(Error::usage(
            "`rolling` takes one dimension with its window: `rolling(time=30)`",
        ));
    };
    let window = window
        .as_i64()
        .and_then(|window| usize::try_from(window).ok())
        .filter(|window| *window > 0);
    let window = window.ok_or_else(|| Error::usage("a window must be a whole number above 0"))?;
    let (min_periods, center) = (
        matched.count("min_periods")?,
        matched.bool("center")?.unwrap_or(false),
    );
    let make = |array: &DataArray| {
        Value::Rolling(Rolling {
            array: array.clone(),
            dim: dim.clone(),
            window,
            min_periods,
            center,
        })
    };
    match object {
        Value::Dataset(dataset) => {
            let with_dim = dataset
                .arrays()?
                .into_iter()
                .filter(|array| array.variable.axis(dim).is_some());
            let parts = with_dim
                .map(|array| (array.name.clone().unwrap_or_default(), make(&array)))
                .collect();
            Ok(Value::Several(dataset.clone(), parts))
        }
        other => each(other, |array| {
            array.axis(dim)?;
            Ok(make(array))
        }),
    }
}

fn fillna(array: &DataArray, value: &labels::Operand) -> Result<DataArray> {
    let valid = labels::unary(Unary::NotNan, array, false)?;
    let filled = labels::where_(array, &valid, Some(value))?;
    // Labels that only one side has would be lost, where xarray keeps the array's.
    if array.variable.sizes().any(|(dim, length)| {
        filled
            .variable
            .axis(dim)
            .is_none_or(|axis| filled.variable.shape()[axis] != length)
    }) {
        return Err(
            Error::unsupported("filling with an array that lacks some of the labels")
                .hint("select the labels that both have first"),
        );
    }
    Ok(filled)
}

fn rename(object: &Value, arguments: Arguments) -> Result<Value> {
    if let (Value::Array(array), [Value::Text(name)]) = (object, arguments.positional.as_slice()) {
        return Ok(Value::Array(array.renamed(Some(name.clone()))));
    }
    let matched = arguments.bind("rename", &["names"], true)?;
    let names: Vec<(String, String)> = selections(&matched, "names")?
        .into_iter()
        .map(|(old, new)| match new.as_text() {
            Some(new) => Ok((old, new.to_owned())),
            None => Err(Error::usage("a new name must be a text")),
        })
        .collect::<Result<_>>()?;
    match object {
        Value::Array(array) => array.rename(&names).map(Value::Array),
        Value::Dataset(dataset) => {
            let new = |name: &str| {
                names
                    .iter()
                    .find(|(old, _)| old == name)
                    .map_or_else(|| name.to_owned(), |(_, new)| new.clone())
            };
            let mut arrays = Vec::new();
            for array in dataset.arrays()? {
                let name = new(array.name.as_deref().unwrap_or_default());
                arrays.push((name, array.rename(&names)?));
            }
            let mut out = Dataset::from_arrays(arrays)?;
            out.attributes = dataset.attributes.clone();
            Ok(Value::Dataset(out))
        }
        other => Err(Error::usage(format!(
            "`rename` does not work on {}",
            other.kind()
        ))),
    }
}

fn drop_vars(object: &Value, names: &[String]) -> Result<Value> {
    match object {
        Value::Array(array) => {
            let mut out = array.clone();
            for name in names {
                if out.coords.shift_remove(name).is_none() {
                    return Err(Error::not_found(format!("no coordinate `{name}`")));
                }
            }
            Ok(Value::Array(out))
        }
        Value::Dataset(dataset) => {
            let mut out = dataset.clone();
            for name in names {
                if out.variables.shift_remove(name).is_none()
                    && out.coords.shift_remove(name).is_none()
                {
                    dataset.array(name)?;
                }
            }
            Ok(Value::Dataset(out))
        }
        other => Err(Error::usage(format!(
            "`drop_vars` does not work on {}",
            other.kind()
        ))),
    }
}

fn assign(object: &Value, arguments: Arguments) -> Result<Value> {
    let Value::Dataset(dataset) = object else {
        return Err(Error::usage("`assign` works on datasets"));
    };
    let matched = arguments.bind("assign", &["variables"], true)?;
    let mut arrays: Vec<(String, DataArray)> = dataset
        .arrays()?
        .into_iter()
        .map(|array| (array.name.clone().unwrap_or_default(), array))
        .collect();
    for (name, value) in selections(&matched, "variables")? {
        let array = value.to_array(vec![name.clone()])?;
        arrays.retain(|(known, _)| *known != name);
        arrays.push((name, array));
    }
    let mut out = Dataset::from_arrays(arrays)?;
    out.attributes = dataset.attributes.clone();
    Ok(Value::Dataset(out))
}
