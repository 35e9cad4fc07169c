//! Labelled answers as plain Python structures.

use craton::answer::Labelled;
use craton::labels::Variable;
use craton_core::{AttributeValue, Attributes, Block, DType};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::array::to_numpy;
use crate::dtype::has_other_calendar;

/// The answer with its blocks, which come in the order of [`Labelled::nodes`].
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    labelled: &Labelled,
    blocks: Vec<Block>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut blocks = blocks.into_iter();
    let mut variables = |part: &mut dyn Iterator<Item = (&String, &Variable)>| {
        let out = PyDict::new(py);
        for ((name, variable), block) in part.zip(&mut blocks) {
            out.set_item(name, to_tuple(py, variable, block)?)?;
        }
        PyResult::Ok(out)
    };
    let out = PyDict::new(py);
    match labelled {
        Labelled::Array(array) => {
            let own = String::new();
            let only = variables(&mut std::iter::once((&own, &array.variable)))?;
            out.set_item("name", array.name.as_deref())?;
            out.set_item("variable", only.get_item("")?)?;
            out.set_item("coords", variables(&mut array.coords.iter())?)?;
        }
        Labelled::Dataset(dataset) => {
            out.set_item("variables", variables(&mut dataset.variables.iter())?)?;
            out.set_item("coords", variables(&mut dataset.coords.iter())?)?;
            out.set_item("attrs", attributes(py, &dataset.attributes)?)?;
        }
    }
    Ok(out)
}

/// Dimensions, values, attributes, and unit and calendar of counted instants.
fn to_tuple<'py>(
    py: Python<'py>,
    variable: &Variable,
    block: Block,
) -> PyResult<Bound<'py, PyTuple>> {
    let calendar = calendar_of(block.dtype());
    let dims = PyTuple::new(py, &variable.dims)?;
    (
        dims,
        to_numpy(py, block)?,
        attributes(py, &variable.attributes)?,
        calendar,
    )
        .into_pyobject(py)
}

/// Unit, step and calendar of instants that NumPy cannot name.
pub(crate) fn calendar_of(dtype: DType) -> Option<(&'static str, u32, &'static str)> {
    match dtype {
        DType::Time(time) if has_other_calendar(dtype) => {
            Some((time.unit.code(), time.step, time.calendar.name()))
        }
        _ => None,
    }
}

pub(crate) fn attributes<'py>(
    py: Python<'py>,
    attributes: &Attributes,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, value) in attributes {
        out.set_item(name, attribute(py, value)?)?;
    }
    Ok(out)
}

fn attribute<'py>(py: Python<'py>, value: &AttributeValue) -> PyResult<Bound<'py, PyAny>> {
    match value {
        AttributeValue::Text(text) => Ok(text.into_pyobject(py)?.into_any()),
        AttributeValue::Texts(texts) => Ok(PyList::new(py, texts)?.into_any()),
        AttributeValue::Json(json) => py
            .import("json")?
            .call_method1("loads", (json.to_string(),)),
        AttributeValue::Numbers(numbers) => {
            let count = numbers.scalars().count();
            let shape = if numbers.is_scalar {
                Vec::new()
            } else {
                vec![count]
            };
            let block = Block::from_bytes(numbers.dtype, shape, &numbers.bytes);
            let array = to_numpy(
                py,
                block.map_err(|error| crate::failure::to_exception(&error))?,
            )?;
            // An empty index turns an array without dimensions into a number, and leaves others as they are.
            array.get_item(PyTuple::empty(py))
        }
    }
}
