//! What an expression may stand for.

use crate::labels::{DataArray, Dataset, GroupBy, Operand, Rolling, Variable, Weighted};
use craton_core::{Attributes, Block, Buffer, DType, Error, Result, Scalar, Strings};

pub use crate::labels::WeakKind;

/// A value of the language.
#[derive(Clone, Debug)]
pub enum Value {
    /// An array.
    Array(DataArray),
    /// A dataset.
    Dataset(Dataset),
    /// `array.groupby(…)`
    ArrayGroup(GroupBy<DataArray>),
    /// `dataset.groupby(…)`
    DatasetGroup(GroupBy<Dataset>),
    /// `array.rolling(…)`
    Rolling(Rolling),
    /// `array.weighted(…)`
    Weighted(Weighted),
    /// `dataset.rolling(…)` and `dataset.weighted(…)`: one per variable.
    Several(Dataset, Vec<(String, Value)>),
    /// `array.dt`
    Dates(DataArray),
    /// A number.
    Number(Scalar, WeakKind),
    /// A text.
    Text(String),
    /// `None` and `...`
    None,
    /// `[a, b]`
    List(Vec<Value>),
    /// `(a, b)`
    Tuple(Vec<Value>),
    /// `{key: value}`
    Dict(Vec<(Value, Value)>),
    /// `slice(start, stop, step)`
    Slice(Box<[Value; 3]>),
    /// `np` and `xr`
    Namespace(Namespace),
}

/// A module of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// `np`
    Numpy,
    /// `xr`
    Xarray,
}

impl Namespace {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "np" => Some(Self::Numpy),
            "xr" => Some(Self::Xarray),
            _ => None,
        }
    }
}

impl Value {
    pub(crate) fn slice(start: Value, stop: Value, step: Value) -> Self {
        Self::Slice(Box::new([start, stop, step]))
    }

    pub(crate) fn bool(value: bool) -> Self {
        Self::Number(
            Scalar::from_f64(DType::Bool, f64::from(u8::from(value))),
            WeakKind::Bool,
        )
    }

    /// What this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Array(_) => "an array",
            Self::Dataset(_) => "a dataset",
            Self::ArrayGroup(_) | Self::DatasetGroup(_) => "groups",
            Self::Rolling(_) => "rolling windows",
            Self::Weighted(_) => "a weighted array",
            Self::Several(..) => "windows or weights of a dataset",
            Self::Dates(_) => "the parts of dates",
            Self::Number(..) => "a number",
            Self::Text(_) => "a text",
            Self::None => "None",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dict",
            Self::Slice(_) => "a slice",
            Self::Namespace(_) => "a namespace",
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Number(number, _) => Some(number.to_f64()? != 0.0),
            Self::None => Some(false),
            _ => None,
        }
    }

    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number, _) => number.to_i64(),
            _ => None,
        }
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number, _) => number.to_f64(),
            _ => None,
        }
    }

    pub(crate) fn items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// One text or a list of them.
    pub(crate) fn as_texts(&self) -> Option<Vec<String>> {
        match self {
            Self::Text(text) => Some(vec![text.clone()]),
            other => {
                let items = other.items()?.iter();
                items
                    .map(|item| item.as_text().map(str::to_owned))
                    .collect()
            }
        }
    }

    /// An array or number as one side of arithmetic.
    pub(crate) fn as_operand(&self) -> Result<Operand> {
        match self {
            Self::Array(array) => Ok(Operand::Array(array.clone())),
            Self::Number(number, kind) => Ok(Operand::Number(number.clone(), *kind)),
            other => Err(Error::usage(format!("arithmetic with {}", other.kind()))),
        }
    }

    /// As [`Value::as_operand`]; a text beside dates is a date.
    pub(crate) fn as_operand_beside(&self, other: &Value) -> Result<Operand> {
        let (Self::Text(text), Self::Array(array)) = (self, other) else {
            return self.as_operand();
        };
        let DType::Time(time) = array.variable.dtype() else {
            return Err(Error::unsupported("comparing text with an array"));
        };
        let (start, _) = crate::calendar::parse_range(text, time.calendar)?;
        let count = crate::calendar::count_from_date(start, time.calendar, time.unit)?;
        Ok(Operand::Number(
            Scalar::from_i64(array.variable.dtype(), count),
            WeakKind::Strong,
        ))
    }

    /// Applies `change` to an array, or to every variable of a dataset.
    pub(crate) fn map_arrays(
        &self,
        what: &str,
        change: impl Fn(&DataArray) -> Result<DataArray>,
    ) -> Result<Value> {
        match self {
            Self::Array(array) => change(array).map(Value::Array),
            Self::Dataset(dataset) => dataset.map_arrays(&[], change).map(Value::Dataset),
            other => Err(Error::usage(format!(
                "{what} does not work on {}",
                other.kind()
            ))),
        }
    }

    /// A list of numbers or texts as a block of one dimension.
    pub(crate) fn to_block(&self) -> Result<Block> {
        let items = self
            .items()
            .map_or_else(|| vec![self.clone()], <[Value]>::to_vec);
        if items.iter().all(|item| item.as_text().is_some()) && !items.is_empty() {
            let texts = items.iter().filter_map(Value::as_text).map(str::as_bytes);
            return Block::strings(DType::Utf8, vec![items.len()], Strings::from_items(texts));
        }
        let is_integer = items.iter().all(|item| item.as_i64().is_some());
        let dtype = if is_integer {
            DType::Int64
        } else {
            DType::Float64
        };
        let mut bytes = Vec::new();
        for item in &items {
            let Self::Number(number, _) = item else {
                return Err(Error::usage(format!(
                    "a list of numbers with {} in it",
                    item.kind()
                )));
            };
            bytes.extend_from_slice(crate::labels::convert(number, dtype).bytes());
        }
        Block::dense(dtype, vec![items.len()], Buffer::copy_of(&bytes)?)
    }

    /// A number or list as an array without labels.
    pub(crate) fn to_array(&self, dims: Vec<String>) -> Result<DataArray> {
        match self {
            Self::Array(array) => Ok(array.clone()),
            Self::Number(number, _) => {
                let node = craton_plan::ops::scalar(number.clone())?;
                Ok(DataArray::new(Variable::new(
                    Vec::new(),
                    node,
                    Attributes::new(),
                )?))
            }
            other => Ok(DataArray::new(Variable::of_block(
                dims,
                other.to_block()?,
                Attributes::new(),
            )?)),
        }
    }
}
