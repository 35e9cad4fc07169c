//! What an expression may stand for.

use crate::labels::{
    Coarsening, DataArray, DataTree, Dataset, GroupBy, Operand, Rolling, Variable, Weighted,
};
use craton_core::{
    AttributeValue, Attributes, Block, Buffer, DType, Error, Result, Scalar, Strings,
};
use craton_plan::ops::{AxisIndex, index};

pub use crate::labels::WeakKind;

/// A value of the language.
#[derive(Clone, Debug)]
pub enum Value {
    /// An array.
    Array(DataArray),
    /// A dataset.
    Dataset(Dataset),
    /// A dataset and the groups below it.
    Tree(DataTree),
    /// `array.groupby(…)`
    ArrayGroup(GroupBy<DataArray>),
    /// `dataset.groupby(…)`
    DatasetGroup(GroupBy<Dataset>),
    /// `array.coarsen(…)` and `dataset.coarsen(…)`
    Coarsen(Box<Value>, Coarsening),
    /// `array.rolling(…)`
    Rolling(Rolling),
    /// `array.weighted(…)`
    Weighted(Weighted),
    /// `dataset.rolling(…)` and `dataset.weighted(…)`: one per variable.
    Several(Dataset, Vec<(String, Value)>),
    /// `array.dt`
    Dates(DataArray),
    /// `array.str`
    Texts(DataArray),
    /// A number.
    Number(Scalar, WeakKind),
    /// A text.
    Text(String),
    /// `None`
    None,
    /// `...`
    Ellipsis,
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
    /// `np.sqrt`, named and not called
    Function(Namespace, String),
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

/// The dimensions of values that have no names for them, as `np` makes them.
pub(super) fn plain_dims(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("axis {at}")).collect()
}

/// Whether a variable has no names for its dimensions.
pub(super) fn is_plain(variable: &Variable) -> bool {
    !variable.dims.is_empty() && variable.dims == plain_dims(variable.dims.len())
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
            Self::Tree(_) => "a tree of datasets",
            Self::ArrayGroup(_) | Self::DatasetGroup(_) => "groups",
            Self::Coarsen(..) => "blocks of labels",
            Self::Rolling(_) => "rolling windows",
            Self::Weighted(_) => "a weighted array",
            Self::Several(..) => "windows or weights of a dataset",
            Self::Dates(_) => "the parts of dates",
            Self::Texts(_) => "the methods of texts",
            Self::Number(..) => "a number",
            Self::Text(_) => "a text",
            Self::None => "None",
            Self::Ellipsis => "`...`",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dict",
            Self::Slice(_) => "a slice",
            Self::Namespace(_) => "a namespace",
            Self::Function(..) => "a function that is not called",
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

    /// As [`Value::as_operand`]; a text beside dates is a date, and values without names of dimensions have those of
    /// the array beside them, by place.
    pub(crate) fn as_operand_beside(&self, other: &Value) -> Result<Operand> {
        if let (Self::Array(plain), Self::Array(other)) = (self, other)
            && is_plain(&plain.variable)
            && !is_plain(&other.variable)
        {
            let (own, theirs) = (plain.dims().len(), other.dims().len());
            if own > theirs {
                let message = format!("{own} dimensions without names beside {:?}", other.dims());
                return Err(Error::invalid(message).hint("`xr.DataArray(…, dims=…)` names them"));
            }
            let shape = &other.variable.shape()[theirs - own..];
            let pairs = || plain.variable.shape().iter().zip(shape);
            if pairs().any(|(own, their)| own != their && *own != 1) {
                let message = format!(
                    "values of the shape {:?} beside {shape:?}",
                    plain.variable.shape()
                );
                return Err(Error::invalid(message));
            }
            // One index stands beside any number of them.
            let is_kept: Vec<bool> = pairs().map(|(own, their)| own == their).collect();
            let taken = pairs().map(|(own, their)| match own == their {
                true => AxisIndex::all(*own),
                false => AxisIndex::At(0),
            });
            let node = index(&plain.variable.node, &taken.collect::<Vec<_>>())?;
            let dims = other.dims()[theirs - own..].iter().zip(is_kept);
            let dims = dims
                .filter(|(_, is_kept)| *is_kept)
                .map(|(dim, _)| dim.clone());
            let named = Variable::new(dims.collect(), node, Attributes::new())?;
            return Ok(Operand::Array(
                DataArray::new(named).renamed(other.name.clone()),
            ));
        }
        let Self::Array(array) = other else {
            return self.as_operand();
        };
        if let Self::Array(moment) = self
            && matches!(moment.variable.dtype(), DType::Time(_))
            && moment.dims().is_empty()
            && moment.coords.is_empty()
            && moment.name.is_none()
        {
            // A moment written down, as `np.datetime64` makes it, is a number beside the array: it has no name to clash.
            return Ok(Operand::Array(moment.clone().renamed(array.name.clone())));
        }
        let text = match self {
            Self::Text(text) => text,
            // As NumPy takes lists: by place.
            Self::List(_) | Self::Tuple(_) => {
                let values = self.to_variable()?;
                let dims = plain_dims(values.dims.len());
                let values = Variable::new(dims, values.node, Attributes::new())?;
                return Self::Array(DataArray::new(values)).as_operand_beside(other);
            }
            _ => return self.as_operand(),
        };
        let DType::Time(time) = array.variable.dtype() else {
            let block = Block::constant(Scalar::from_text(text), Vec::new());
            let text = Variable::of_block(Vec::new(), block, Attributes::new())?;
            let text = DataArray::new(text).renamed(array.name.clone());
            return Ok(Operand::Array(text));
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
            Self::Tree(tree) => tree
                .map(|node| node.whole.map_arrays(&[], &change))
                .map(Value::Tree),
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
        let is_bool = |item: &Value| matches!(item, Self::Number(_, WeakKind::Bool));
        let of_time = |item: &Value| match item {
            Self::Number(number, WeakKind::Strong) => {
                Some(number.dtype()).filter(|dtype| matches!(dtype, DType::Time(_)))
            }
            _ => None,
        };
        let dtype = if let Some(time) = items.first().and_then(of_time) {
            if items.iter().any(|item| of_time(item) != Some(time)) {
                return Err(Error::invalid("times of different kinds in one list"));
            }
            time
        } else if !items.is_empty() && items.iter().all(is_bool) {
            DType::Bool
        } else if is_integer {
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
            let number = match number.dtype() == dtype {
                true => number.clone(),
                false => crate::labels::convert(number, dtype),
            };
            bytes.extend_from_slice(number.bytes());
        }
        Block::dense(dtype, vec![items.len()], Buffer::copy_of(&bytes)?)
    }

    /// A number, or a list of numbers or of lists, as values without names of dimensions.
    pub(crate) fn to_variable(&self) -> Result<Variable> {
        let mut shape = Vec::new();
        let mut level = self;
        while let Some(items) = level.items() {
            shape.push(items.len());
            match items.first() {
                Some(first) => level = first,
                None => break,
            }
        }
        if shape.len() < 2 {
            let dims = (0..shape.len()).map(|at| format!("dim_{at}")).collect();
            return self.to_array(dims).map(|array| array.variable);
        }
        let mut flat = Vec::new();
        self.flatten(&shape, &mut flat)?;
        let block = Self::List(flat).to_block()?;
        if block.dtype().is_variable() {
            return Err(Error::unsupported("texts in lists of lists"));
        }
        let bytes: Vec<u8> = block
            .scalars()
            .flat_map(|scalar| scalar.bytes().to_vec())
            .collect();
        let block = Block::from_bytes(block.dtype(), shape.clone(), &bytes)?;
        let dims = (0..shape.len()).map(|at| format!("dim_{at}")).collect();
        Variable::of_block(dims, block, Attributes::new())
    }

    fn flatten(&self, shape: &[usize], flat: &mut Vec<Value>) -> Result<()> {
        match (shape.split_first(), self.items()) {
            (None, None) => flat.push(self.clone()),
            (Some((length, rest)), Some(items)) if items.len() == *length => {
                for item in items {
                    item.flatten(rest, flat)?;
                }
            }
            _ => return Err(Error::invalid("lists within a list differ in length")),
        }
        Ok(())
    }

    /// An attribute as a value, if the language has such values.
    pub(crate) fn of_attribute(attribute: &AttributeValue) -> Option<Self> {
        if let Some(text) = attribute.as_text() {
            return Some(Self::Text(text.to_owned()));
        }
        let number = |number: Scalar| {
            let kind = WeakKind::Strong;
            Self::Number(number, kind)
        };
        match attribute {
            AttributeValue::Numbers(numbers) if numbers.is_scalar => {
                numbers.scalars().next().map(number)
            }
            AttributeValue::Numbers(numbers) => {
                Some(Self::List(numbers.scalars().map(number).collect()))
            }
            AttributeValue::Texts(texts) => {
                Some(Self::List(texts.iter().cloned().map(Self::Text).collect()))
            }
            _ => None,
        }
    }

    /// The value as an attribute.
    pub(crate) fn to_attribute(&self) -> Result<AttributeValue> {
        match self {
            Self::Text(text) => Ok(AttributeValue::Text(text.clone())),
            Self::Number(number, _) => Ok(AttributeValue::number(number.dtype(), number.bytes())),
            Self::List(_) | Self::Tuple(_) => {
                if let Some(texts) = self.as_texts() {
                    return Ok(AttributeValue::Texts(texts));
                }
                let block = self.to_block()?;
                let bytes: Vec<u8> = block
                    .scalars()
                    .flat_map(|scalar| scalar.bytes().to_vec())
                    .collect();
                Ok(AttributeValue::Numbers(craton_core::Numbers {
                    dtype: block.dtype(),
                    is_scalar: false,
                    bytes,
                }))
            }
            other => Err(Error::usage(format!("an attribute of {}", other.kind()))),
        }
    }

    /// As [`Value::to_block`]; texts are dates where `beside` is a type of dates.
    pub(crate) fn to_block_beside(&self, beside: Option<DType>) -> Result<Block> {
        let (Some(dtype @ DType::Time(time)), Some(texts)) = (beside, self.as_texts()) else {
            return self.to_block();
        };
        let mut counts = Vec::new();
        for text in texts {
            let (date, _) = crate::calendar::parse_range(&text, time.calendar)?;
            let count = crate::calendar::count_from_date(date, time.calendar, time.unit)?;
            counts.push(Scalar::from_i64(dtype, count));
        }
        crate::labels::block_of(dtype, &counts)
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
