//! Labelled answers as plain Python structures, and such structures as inputs.

use craton::answer::Labelled;
use craton::labels::{DataArray, DataTree, Dataset, Variable};
use craton_core::{AttributeValue, Attributes, Block, DType, Error, Numbers};
use indexmap::IndexMap;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::array::to_numpy;
use crate::dtype::{from_name, has_other_calendar};
use crate::failure::to_exception;
use crate::node::Node;

/// What a name of an expression stands for.
#[derive(FromPyObject)]
pub(crate) enum Input {
    Urls(Vec<String>),
    Given(Given),
}

/// What Python has opened already.
#[derive(FromPyObject)]
pub(crate) enum Given {
    Array {
        #[pyo3(item)]
        name: Option<String>,
        #[pyo3(item)]
        variable: GivenVariable,
        #[pyo3(item)]
        coords: IndexMap<String, GivenVariable>,
    },
    #[pyo3(transparent)]
    Dataset(GivenDataset),
    Tree {
        #[pyo3(item)]
        groups: IndexMap<String, GivenDataset>,
    },
}

/// A dataset, or a group of a tree.
#[derive(FromPyObject)]
pub(crate) struct GivenDataset {
    #[pyo3(item)]
    variables: IndexMap<String, GivenVariable>,
    #[pyo3(item)]
    coords: IndexMap<String, GivenVariable>,
    #[pyo3(item)]
    attrs: IndexMap<String, GivenAttribute>,
}

/// Dimensions, values, attributes.
type GivenVariable = (Vec<String>, Py<Node>, IndexMap<String, GivenAttribute>);

/// Numbers with their dtype and whether they are one, or JSON.
#[derive(FromPyObject)]
pub(crate) enum GivenAttribute {
    Numbers(String, bool, Vec<u8>),
    #[pyo3(transparent)]
    Json(String),
}

impl Given {
    pub(crate) fn labelled(self) -> PyResult<Labelled> {
        match self {
            Self::Array {
                name,
                variable,
                coords,
            } => Ok(Labelled::Array(DataArray {
                name,
                variable: from_tuple(variable)?,
                coords: from_tuples(coords)?,
            })),
            Self::Dataset(given) => given.dataset().map(Labelled::Dataset),
            Self::Tree { groups } => {
                let groups = groups.into_iter();
                let groups = groups.map(|(path, given)| Ok((path, given.dataset()?)));
                let tree = DataTree::new(groups.collect::<PyResult<Vec<_>>>()?);
                tree.map(Labelled::Tree)
                    .map_err(|error| to_exception(&error))
            }
        }
    }
}

impl GivenDataset {
    fn dataset(self) -> PyResult<Dataset> {
        Ok(Dataset {
            variables: from_tuples(self.variables)?,
            coords: from_tuples(self.coords)?,
            attributes: from_attributes(self.attrs)?,
            ..Dataset::default()
        })
    }
}

fn from_tuples(given: IndexMap<String, GivenVariable>) -> PyResult<IndexMap<String, Variable>> {
    given
        .into_iter()
        .map(|(name, given)| Ok((name, from_tuple(given)?)))
        .collect()
}

fn from_tuple((dims, node, attributes): GivenVariable) -> PyResult<Variable> {
    let node = node.get().lazy.node().clone();
    Variable::new(dims, node, from_attributes(attributes)?).map_err(|error| to_exception(&error))
}

fn from_attributes(given: IndexMap<String, GivenAttribute>) -> PyResult<Attributes> {
    given
        .into_iter()
        .map(|(name, value)| {
            let value = from_attribute(value).map_err(|error| to_exception(&error))?;
            Ok((name, value))
        })
        .collect()
}

fn from_attribute(given: GivenAttribute) -> craton::Result<AttributeValue> {
    match given {
        GivenAttribute::Json(text) => {
            let value = serde_json::from_str(&text)
                .map_err(|error| Error::invalid("an attribute is not JSON").caused_by(error))?;
            Ok(AttributeValue::from_json(&value))
        }
        GivenAttribute::Numbers(dtype, is_scalar, bytes) => Ok(AttributeValue::Numbers(Numbers {
            dtype: from_name(&dtype)?,
            is_scalar,
            bytes,
        })),
    }
}

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
        Labelled::Tree(tree) => {
            let groups = PyDict::new(py);
            for (path, own) in tree.nodes() {
                let group = PyDict::new(py);
                group.set_item("variables", variables(&mut own.variables.iter())?)?;
                group.set_item("coords", variables(&mut own.coords.iter())?)?;
                group.set_item("attrs", attributes(py, &own.attributes)?)?;
                groups.set_item(path, group)?;
            }
            out.set_item("groups", groups)?;
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
            let array = to_numpy(py, block.map_err(|error| to_exception(&error))?)?;
            // An empty index turns an array without dimensions into a number, and leaves others as they are.
            array.get_item(PyTuple::empty(py))
        }
    }
}
