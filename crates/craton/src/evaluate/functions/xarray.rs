//! The functions of `xr`.

use super::{dtype, first_array};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::methods::{attributes_of, chosen, over_datasets, variable_of};
use crate::evaluate::registry::{Entry, Receiver, method};
use crate::evaluate::value::WeakKind;
use crate::labels::{self, DataArray, Dataset, Operand, Variable, binary, unary};
use crate::session::Session;
use craton_core::{Attributes, Block, DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::unary::Unary;
use craton_plan::ops;

const XARRAY: &[Receiver] = &[Receiver::Xarray];

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "where",
        &[Receiver::Xarray, Receiver::Numpy],
        "cond, x, y, keep_attrs=None",
        "`x` where a condition holds, `y` elsewhere.",
        &[
            "xr.where(ds.t2m > 280, 1, 0)",
            "np.where(ds.t2m > 280, ds.t2m, 280)",
        ],
        select,
    ),
    method(
        "Dataset",
        XARRAY,
        "data_vars=None, coords=None, attrs=None",
        "A dataset of arrays by name.",
        &["xr.Dataset({\"mean\": ds.t2m.mean(\"time\"), \"max\": ds.t2m.max(\"time\")})"],
        dataset,
    ),
    method(
        "DataArray",
        XARRAY,
        "data, coords=None, dims=None, name=None, attrs=None",
        "An array of a number or a list.",
        &["xr.DataArray([1, 2, 3], dims=\"level\")"],
        data_array,
    ),
    method(
        "map_over_datasets",
        XARRAY,
        "func, *args",
        "What a function of `np` or `xr` makes of the dataset of every group of a tree.",
        &["xr.map_over_datasets(np.sqrt, ds.tree)"],
        |call| {
            let tree = call.positional.first();
            over_datasets(call, tree.unwrap_or(&Value::None))
        },
    ),
    method(
        "zeros_like",
        XARRAY,
        "other, dtype=None",
        "An array or dataset of the same shape that holds 0.",
        &["xr.zeros_like(ds.t2m)"],
        |call| full_like(call, 0.0),
    ),
    method(
        "ones_like",
        XARRAY,
        "other, dtype=None",
        "An array or dataset of the same shape that holds 1.",
        &["xr.ones_like(ds.t2m)"],
        |call| full_like(call, 1.0),
    ),
    method(
        "full_like",
        XARRAY,
        "other, fill_value, dtype=None",
        "An array or dataset of the same shape that holds one value.",
        &["xr.full_like(ds.t2m, 273.15)"],
        |call| match call.number("fill_value")? {
            Some(value) => full_like(call, value),
            None => Err(Error::usage("`full_like` needs a value")),
        },
    ),
];

fn full_like(call: &Call<'_>, value: f64) -> Result<Value> {
    let dtype = call.text("dtype")?.map(dtype).transpose()?;
    call.need("other")?.map_arrays(call.name(), |array| {
        let value = Scalar::from_f64(dtype.unwrap_or(array.variable.dtype()), value);
        let node = ops::full(value, array.variable.shape())?;
        Ok(array.with_variable(array.variable.with_node(node)?))
    })
}

fn data_array(call: &Call<'_>) -> Result<Value> {
    let data = match call.need("data")? {
        Value::Array(array) => array.variable.clone(),
        other => other.to_variable()?,
    };
    let rank = data.shape().len();
    let mut pairs: Vec<(String, Value)> = Vec::new();
    let mut names: Option<Vec<String>> = call.texts("dims")?;
    match call.get("coords") {
        None => {}
        Some(Value::Dict(own)) => {
            for (name, value) in own {
                let name = name
                    .as_text()
                    .ok_or_else(|| Error::usage("a coordinate is named by a text"))?;
                pairs.push((name.to_owned(), value.clone()));
            }
        }
        Some(other) => {
            let wrong = || Error::usage("`coords` is a dict, or a list of (dimension, labels)");
            for item in other.items().ok_or_else(wrong)? {
                let Some([name, labels, ..]) = item.items() else {
                    return Err(wrong());
                };
                let name = name.as_text().ok_or_else(wrong)?;
                pairs.push((name.to_owned(), labels.clone()));
            }
            names.get_or_insert_with(|| pairs.iter().map(|(name, _)| name.clone()).collect());
        }
    }
    let dims = names.unwrap_or_else(|| (0..rank).map(|at| format!("dim_{at}")).collect());
    if dims.len() != rank {
        let message = format!("{} names of dimensions for {rank}", dims.len());
        return Err(Error::invalid(message));
    }
    let attributes = match call.get("attrs") {
        Some(Value::Dict(pairs)) => attributes_of(pairs)?,
        _ => Attributes::new(),
    };
    let mut out = DataArray::new(Variable::new(dims, data.node, attributes)?);
    out.name = call.text("name")?.map(str::to_owned);
    for (name, value) in pairs {
        let (coord, _) = variable_of(call, &name, &value)?;
        check_lengths(&name, &coord, out.variable.sizes())?;
        out.coords.insert(name, coord.at_hand(call.session)?);
    }
    Ok(Value::Array(out))
}

/// That a coordinate runs along dimensions that are there, with their lengths.
fn check_lengths<'a>(
    name: &str,
    coord: &Variable,
    sizes: impl Iterator<Item = (&'a str, u64)>,
) -> Result<()> {
    let sizes: Vec<(&str, u64)> = sizes.collect();
    for (dim, length) in coord.sizes() {
        if !sizes.contains(&(dim, length)) {
            let message =
                format!("`{name}` has {length} values along `{dim}`; there are {sizes:?}");
            return Err(Error::invalid(message));
        }
    }
    Ok(())
}

fn select(call: &Call<'_>) -> Result<Value> {
    let (condition, x, y) = (call.need("cond")?, call.need("x")?, call.need("y")?);
    let mut out = where_(condition, x, y, call.session)?;
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

fn where_(
    condition: &Value,
    if_true: &Value,
    if_false: &Value,
    session: &Session,
) -> Result<Value> {
    let condition = condition.to_array(Vec::new())?;
    match if_true {
        Value::Array(array) => chosen(array, &condition, Some(if_false), session).map(Value::Array),
        Value::Text(text) => {
            let block = Block::constant(Scalar::from_text(text), Vec::new());
            let text = Variable::of_block(Vec::new(), block, Attributes::new())?;
            chosen(&DataArray::new(text), &condition, Some(if_false), session).map(Value::Array)
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

fn dataset(call: &Call<'_>) -> Result<Value> {
    let mut arrays = Vec::new();
    for (argument, is_coord) in [("coords", true), ("data_vars", false)] {
        match call.get(argument) {
            None => {}
            Some(Value::Dict(pairs)) => {
                for (name, value) in pairs {
                    let name = name
                        .as_text()
                        .ok_or_else(|| Error::usage("a variable's name must be a text"))?;
                    let (variable, array) = variable_of(call, name, value)?;
                    let array = array.unwrap_or_else(|| DataArray::new(variable));
                    arrays.push((name.to_owned(), array, is_coord));
                }
            }
            Some(other) => {
                let message = format!("`{argument}` is a dict, not {}", other.kind());
                return Err(Error::usage(message));
            }
        }
    }
    let plain = arrays
        .iter()
        .map(|(name, array, _)| (name.clone(), array.clone()));
    let mut out = Dataset::from_arrays(plain)?;
    for (name, _, _) in arrays.iter().filter(|(_, _, is_coord)| *is_coord) {
        if let Some(variable) = out.variables.shift_remove(name) {
            out.coords.insert(name.clone(), variable);
        }
    }
    if let Some(Value::Dict(pairs)) = call.get("attrs") {
        out.attributes = attributes_of(pairs)?;
    }
    Ok(Value::Dataset(out))
}
