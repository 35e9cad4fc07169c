//! The functions of `np` and `xr`, and the few built-in ones.

use super::arguments::Arguments;
use super::value::{Namespace, WeakKind};
use super::{Value, combine};
use crate::labels::{
    self, DataArray, Dataset, Operand, PositionSelection, Variable, binary, unary,
};
use crate::language::did_you_mean;
use crate::session::Session;
use craton_core::{Attributes, DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::unary::Unary;
use craton_plan::ops;

/// NumPy's other names of functions.
const ALIASES: &[(&str, &str)] = &[
    ("abs", "absolute"),
    ("deg2rad", "radians"),
    ("rad2deg", "degrees"),
    ("true_divide", "divide"),
    ("mod", "remainder"),
    ("pow", "power"),
    ("round", "rint"),
    ("acos", "arccos"),
    ("asin", "arcsin"),
    ("atan", "arctan"),
    ("conj", "conjugate"),
    ("fix", "trunc"),
    ("bitwise_not", "invert"),
    ("bitwise_invert", "invert"),
    ("acosh", "arccosh"),
    ("asinh", "arcsinh"),
    ("atanh", "arctanh"),
    ("atan2", "arctan2"),
];

/// `np.pi` and dtypes.
pub(super) fn constant(namespace: Namespace, name: &str) -> Result<Value> {
    let number = |value: f64| {
        Ok(Value::Number(
            Scalar::from_f64(DType::Float64, value),
            WeakKind::Float,
        ))
    };
    match (namespace, name) {
        (Namespace::Numpy, "pi") => number(std::f64::consts::PI),
        (Namespace::Numpy, "e") => number(std::f64::consts::E),
        (Namespace::Numpy, "nan") => number(f64::NAN),
        (Namespace::Numpy, "inf") => number(f64::INFINITY),
        (Namespace::Numpy, "newaxis") => Ok(Value::None),
        (Namespace::Numpy, name) if DType::from_name(name).is_some() => {
            Ok(Value::Text(name.to_owned()))
        }
        _ => Err(no_function(namespace, name)),
    }
}

/// The dtype that a text names.
pub(super) fn dtype(name: &str) -> Result<DType> {
    let short = match name {
        "f4" | "<f4" => "float32",
        "f8" | "<f8" => "float64",
        "i2" | "<i2" => "int16",
        "i4" | "<i4" => "int32",
        "i8" | "<i8" => "int64",
        "u1" => "uint8",
        "f2" => "float16",
        other => other,
    };
    DType::from_name(short).ok_or_else(|| {
        Error::usage(format!("no dtype `{name}`")).hint("such as `float32`, `int64`, `bool`")
    })
}

fn no_function(namespace: Namespace, name: &str) -> Error {
    let prefix = if namespace == Namespace::Numpy {
        "np"
    } else {
        "xr"
    };
    let error = Error::usage(format!("`{prefix}` has no function `{name}` here"));
    let names = || {
        let numpy = Unary::ALL
            .iter()
            .map(|function| function.name())
            .chain(Binary::ALL.iter().map(|function| function.name()));
        let numpy = numpy
            .chain(ALIASES.iter().map(|(alias, _)| *alias))
            .chain(["where", "clip", "pi"]);
        let xarray = [
            "where",
            "Dataset",
            "DataArray",
            "concat",
            "zeros_like",
            "ones_like",
            "full_like",
        ];
        if namespace == Namespace::Numpy {
            numpy.collect::<Vec<_>>()
        } else {
            xarray.to_vec()
        }
    };
    match did_you_mean(name, names()) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// `np.name(arguments)` or `xr.name(arguments)`.
pub(super) fn call(
    namespace: Namespace,
    name: &str,
    arguments: Arguments,
    session: &Session,
) -> Result<Value> {
    match (namespace, name) {
        (_, "where") => {
            let matched = arguments.bind(name, &["cond", "x", "y", "keep_attrs"], false)?;
            let (condition, x, y) = (
                matched.need("cond")?,
                matched.need("x")?,
                matched.need("y")?,
            );
            let mut out = where_(condition, x, y)?;
            if let Value::Array(array) = out {
                out = Value::Array(ordered_like(array, &[condition, x, y])?);
            }
            if let (Value::Array(out), Some(first)) = (&mut out, first_array(&[condition, x, y])) {
                out.name.clone_from(&first.name);
                // The attributes speak of the first choice, never of the condition.
                out.variable.attributes = match x {
                    Value::Array(x) => x.variable.attributes.clone(),
                    _ => Attributes::new(),
                };
            }
            Ok(out)
        }
        (Namespace::Numpy, "clip") => {
            let matched = arguments.bind(name, &["a", "a_min", "a_max"], false)?;
            let low = matched.get("a_min").map(Value::as_operand).transpose()?;
            let high = matched.get("a_max").map(Value::as_operand).transpose()?;
            matched
                .need("a")?
                .map_arrays(name, |array| clip(array, low.as_ref(), high.as_ref()))
        }
        (Namespace::Xarray, "Dataset") => dataset(arguments),
        (Namespace::Xarray, "DataArray") => {
            let matched = arguments.bind(name, &["data", "dims", "name"], false)?;
            let dims = matched
                .texts("dims")?
                .unwrap_or_else(|| vec!["dim_0".to_owned()]);
            let array = matched.need("data")?.to_array(dims)?;
            Ok(Value::Array(
                array.renamed(matched.text("name")?.map(str::to_owned)),
            ))
        }
        (Namespace::Xarray, "concat") => {
            let matched = arguments.bind(name, &["objs", "dim"], false)?;
            let dim = matched
                .text("dim")?
                .ok_or_else(|| Error::usage("`concat` needs a dimension"))?;
            concat(matched.need("objs")?, dim, session)
        }
        (Namespace::Xarray, "zeros_like" | "ones_like" | "full_like") => {
            let matched = arguments.bind(name, &["other", "fill_value"], false)?;
            let value = match name {
                "zeros_like" => 0.0,
                "ones_like" => 1.0,
                _ => matched
                    .number("fill_value")?
                    .ok_or_else(|| Error::usage("`full_like` needs a value"))?,
            };
            matched.need("other")?.map_arrays(name, |array| {
                let node = ops::full(
                    Scalar::from_f64(array.variable.dtype(), value),
                    array.variable.shape(),
                )?;
                Ok(array.with_variable(array.variable.with_node(node)?))
            })
        }
        (Namespace::Numpy, name) => elementwise(name, arguments, session),
        (Namespace::Xarray, name) => Err(no_function(namespace, name)),
    }
}

fn elementwise(name: &str, arguments: Arguments, session: &Session) -> Result<Value> {
    let name = ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(name, |(_, full)| *full);
    if let Some(function) = Unary::from_name(name) {
        let matched = arguments.bind(name, &["x"], false)?;
        return match matched.need("x")? {
            number @ Value::Number(..) => {
                let array = unary(function, &number.to_array(Vec::new())?, false)?;
                let (node, _) = craton_plan::rules::optimise(&array.variable.node)?;
                match node.work() {
                    craton_plan::Work::Literal(block) => {
                        let value = block.get(0).ok_or_else(|| {
                            Error::internal("a function of a number gave nothing")
                        })?;
                        let kind = if value.dtype().is_float() {
                            WeakKind::Float
                        } else {
                            WeakKind::Strong
                        };
                        Ok(Value::Number(value, kind))
                    }
                    _ => Ok(Value::Array(array)),
                }
            }
            value => value.map_arrays(name, |array| unary(function, array, true)),
        };
    }
    if let Some(function) = Binary::from_name(name) {
        let matched = arguments.bind(name, &["x1", "x2"], false)?;
        let (one, other) = (matched.need("x1")?, matched.need("x2")?);
        let combined = combine(function, one, other, session)?;
        return Ok(match (combined, first_array(&[one, other])) {
            (Value::Array(out), Some(first)) => Value::Array(named_after(out, first)),
            (combined, _) => combined,
        });
    }
    Err(no_function(Namespace::Numpy, name))
}

/// `slice(…)` and `abs(…)`.
pub(super) fn builtin(name: &str, arguments: Arguments) -> Result<Value> {
    match name {
        "slice" => {
            let mut parts = arguments.positional.into_iter();
            match (
                parts.next(),
                parts.next(),
                parts.next(),
                parts.next(),
                arguments.keywords.len(),
            ) {
                (Some(stop), None, _, _, 0) => Ok(Value::slice(Value::None, stop, Value::None)),
                (Some(start), Some(stop), step, None, 0) => {
                    Ok(Value::slice(start, stop, step.unwrap_or(Value::None)))
                }
                _ => Err(Error::usage(
                    "`slice` takes a stop, or a start and a stop, and perhaps a step",
                )),
            }
        }
        "abs" => {
            let matched = arguments.bind(name, &["x"], false)?;
            matched
                .need("x")?
                .map_arrays(name, |array| unary(Unary::Absolute, array, true))
        }
        _ => Err(Error::usage(format!("there is no function `{name}`"))
            .hint("functions are methods, or in `np` and `xr`")),
    }
}

fn first_array<'a>(values: &[&'a Value]) -> Option<&'a DataArray> {
    values.iter().find_map(|value| {
        if let Value::Array(array) = value {
            Some(array)
        } else {
            None
        }
    })
}

/// With the dimensions in the order in which `values` bring them, all of which must have kept their lengths.
fn ordered_like(out: DataArray, values: &[&Value]) -> Result<DataArray> {
    let mut dims: Vec<String> = Vec::new();
    for value in values {
        let Value::Array(array) = value else { continue };
        for (dim, length) in array.variable.sizes() {
            if out.variable.shape()[out.axis(dim)?] != length {
                let message = format!("`where` of arrays with different labels along `{dim}`");
                return Err(
                    Error::invalid(message).hint("select the same labels from all of them first")
                );
            }
            if !dims.iter().any(|known| known == dim) {
                dims.push(dim.to_owned());
            }
        }
    }
    if dims.is_empty() {
        Ok(out)
    } else {
        out.transpose(&dims)
    }
}

/// With name and attributes of `first`, as NumPy's functions leave them, unlike operators.
fn named_after(out: DataArray, first: &DataArray) -> DataArray {
    let mut out = out.renamed(first.name.clone());
    out.variable
        .attributes
        .clone_from(&first.variable.attributes);
    out
}

fn where_(condition: &Value, if_true: &Value, if_false: &Value) -> Result<Value> {
    let condition = condition.to_array(Vec::new())?;
    match if_true {
        Value::Array(array) => {
            labels::where_(array, &condition, Some(&if_false.as_operand()?)).map(Value::Array)
        }
        Value::Number(..) => {
            // Through the other branch, with the condition turned round, so that dtypes promote alike.
            let inverse = unary(Unary::LogicalNot, &condition, false)?;
            let base = match if_false {
                Value::Array(array) => array.clone(),
                other => {
                    let scalar = other.to_array(Vec::new())?;
                    binary(
                        Binary::Multiply,
                        &Operand::Array(scalar),
                        &Operand::Number(Scalar::from_i64(DType::Int64, 1), WeakKind::Int),
                    )?
                }
            };
            labels::where_(&base, &inverse, Some(&if_true.as_operand()?)).map(Value::Array)
        }
        other => Err(Error::usage(format!("`where` of {}", other.kind()))),
    }
}

/// No lower than `low`, no higher than `high`; attributes stay.
pub(super) fn clip(
    array: &DataArray,
    low: Option<&Operand>,
    high: Option<&Operand>,
) -> Result<DataArray> {
    let mut out = array.clone();
    for (function, bound) in [(Binary::Maximum, low), (Binary::Minimum, high)] {
        if let Some(bound) = bound {
            out = binary(function, &Operand::Array(out), bound)?;
        }
    }
    out.variable.attributes = array.variable.attributes.clone();
    out.name.clone_from(&array.name);
    Ok(out)
}

/// Each value less the one before, along `dim`.
pub(super) fn diff(array: &DataArray, dim: &str, takes_lower: bool) -> Result<DataArray> {
    let later = array.select_positions(dim, &PositionSelection::Slice(Some(1), None, None))?;
    let earlier = array.select_positions(dim, &PositionSelection::Slice(None, Some(-1), None))?;
    let node = ops::binary(
        Binary::Subtract,
        &later.variable.node,
        &earlier.variable.node,
    )?;
    let base = if takes_lower { earlier } else { later };
    Ok(base.with_variable(Variable::new(
        array.dims().to_vec(),
        node,
        array.variable.attributes.clone(),
    )?))
}

/// Whether each value is one of `items`.
pub(super) fn isin(array: &DataArray, items: &[Value]) -> Result<DataArray> {
    let mut found: Option<DataArray> = None;
    for item in items {
        let equal = binary(
            Binary::Equal,
            &Operand::Array(array.clone()),
            &item.as_operand()?,
        )?;
        found = Some(match found {
            Some(others) => binary(
                Binary::LogicalOr,
                &Operand::Array(others),
                &Operand::Array(equal),
            )?,
            None => equal,
        });
    }
    match found {
        Some(found) => Ok(found.renamed(array.name.clone())),
        None => {
            let node = ops::full(Scalar::zero(DType::Bool), array.variable.shape())?;
            Ok(array.with_variable(array.variable.with_node(node)?))
        }
    }
}

fn dataset(arguments: Arguments) -> Result<Value> {
    let matched = arguments.bind("Dataset", &["data_vars"], false)?;
    let Value::Dict(pairs) = matched.need("data_vars")? else {
        return Err(Error::usage(
            "`xr.Dataset` takes a dict of names and arrays",
        ));
    };
    let arrays = pairs.iter().map(|(name, value)| {
        let name = name
            .as_text()
            .ok_or_else(|| Error::usage("a variable's name must be a text"))?;
        Ok((name.to_owned(), value.to_array(vec![name.to_owned()])?))
    });
    Dataset::from_arrays(arrays.collect::<Result<Vec<_>>>()?).map(Value::Dataset)
}

fn concat(objects: &Value, dim: &str, session: &Session) -> Result<Value> {
    let items = objects
        .items()
        .ok_or_else(|| Error::usage("`concat` takes a list of arrays"))?;
    let arrays: Option<Vec<&DataArray>> = items
        .iter()
        .map(|item| {
            if let Value::Array(array) = item {
                Some(array)
            } else {
                None
            }
        })
        .collect();
    let arrays = arrays
        .filter(|arrays| !arrays.is_empty())
        .ok_or_else(|| Error::usage("`concat` takes a list of arrays"))?;
    let mut parts: Vec<DataArray> = Vec::new();
    for array in arrays {
        parts.push(if array.variable.axis(dim).is_some() {
            array.clone()
        } else {
            array.expand_dims(dim)?
        });
    }
    let first = parts[0].clone();
    let axis = first.axis(dim)?;
    let nodes = parts.iter().map(|part| {
        part.variable
            .transposed(first.dims())
            .map(|variable| variable.node)
    });
    let node = ops::concat(&nodes.collect::<Result<Vec<_>>>()?, axis)?;
    let mut out = first.with_variable(Variable::new(
        first.dims().to_vec(),
        node,
        first.variable.attributes.clone(),
    )?);
    for (name, coord) in &first.coords {
        if coord.axis(dim).is_some() {
            let pieces: Option<Vec<_>> = parts
                .iter()
                .map(|part| part.coords.get(name).map(|coord| coord.node.clone()))
                .collect();
            match pieces {
                Some(pieces) => {
                    let axis = coord.axis(dim).unwrap_or(0);
                    let node = session.compute(&[ops::concat(&pieces, axis)?])?.remove(0);
                    out.coords
                        .insert(name.clone(), coord.with_node(ops::literal(node)?)?);
                }
                None => {
                    out.coords.shift_remove(name);
                }
            }
        }
    }
    Ok(Value::Array(out))
}
