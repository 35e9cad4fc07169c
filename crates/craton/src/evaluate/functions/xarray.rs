//! The functions of `xr`.

use super::first_array;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, Receiver, method};
use crate::evaluate::value::WeakKind;
use crate::labels::{self, DataArray, Dataset, Operand, Variable, binary, unary};
use crate::session::Session;
use craton_core::{Attributes, DType, Error, Result, Scalar};
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
        "concat",
        XARRAY,
        "objs, dim",
        "Arrays one after the other along a dimension, which may be new.",
        &["xr.concat([ds.t2m.isel(time=0), ds.t2m.isel(time=-1)], \"time\")"],
        |call| concat(call.need("objs")?, call.need_text("dim")?, call.session),
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
    call.only("dtype", "")?;
    call.need("other")?.map_arrays(call.name(), |array| {
        let value = Scalar::from_f64(array.variable.dtype(), value);
        let node = ops::full(value, array.variable.shape())?;
        Ok(array.with_variable(array.variable.with_node(node)?))
    })
}

fn data_array(call: &Call<'_>) -> Result<Value> {
    call.only("coords", "")?;
    call.only("attrs", "")?;
    let one = || vec!["dim_0".to_owned()];
    let dims = call.texts("dims")?.unwrap_or_else(one);
    let array = call.need("data")?.to_array(dims)?;
    let name = call.text("name")?.map(str::to_owned);
    Ok(Value::Array(array.renamed(name)))
}

fn select(call: &Call<'_>) -> Result<Value> {
    let (condition, x, y) = (call.need("cond")?, call.need("x")?, call.need("y")?);
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

fn dataset(call: &Call<'_>) -> Result<Value> {
    call.only("coords", "")?;
    call.only("attrs", "")?;
    let Value::Dict(pairs) = call.need("data_vars")? else {
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
