//! Runs expressions: the xarray code that people write, over labelled arrays, lazily.

mod arguments;
mod functions;
mod help;
mod index;
mod methods;
mod registry;
#[cfg(test)]
mod tests;
mod value;

pub use help::help;
pub use value::Value;

use crate::labels::{self, DataArray, Dataset, Operand};
use crate::language::{
    self, BinaryOperator, Expr, Literal, Node, Span, UnaryOperator, did_you_mean,
};
use crate::session::Session;
use arguments::Arguments;
use craton_core::{DType, Error, ErrorKind, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::unary::Unary;
use std::collections::HashMap;
use value::{Namespace, WeakKind};

/// The names that an expression may use.
#[derive(Debug, Default)]
pub struct Scope {
    names: HashMap<String, Value>,
}

impl Scope {
    /// Gives a name to a value.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) {
        self.names.insert(name.into(), value);
    }
}

/// The value of `source`: its assignments in order, then its last expression. Nothing but what labels need is read.
///
/// # Errors
/// [`ErrorKind::Usage`] for what the language does not have, with a caret; what operations refuse.
pub fn evaluate(source: &str, scope: Scope, session: &Session) -> Result<Value> {
    let program = language::parse(source)?;
    let mut evaluator = Evaluator {
        source,
        scope,
        session,
    };
    for assignment in &program.assignments {
        let value = evaluator.value(&assignment.value)?;
        evaluator.scope.insert(assignment.name.clone(), value);
    }
    evaluator.value(&program.result)
}

struct Evaluator<'a> {
    source: &'a str,
    scope: Scope,
    session: &'a Session,
}

impl Evaluator<'_> {
    fn value(&self, expr: &Expr) -> Result<Value> {
        match &expr.node {
            Node::Name(name) => self.name(name, expr.span),
            Node::Literal(literal) => Ok(literal_value(literal)),
            Node::List(items) => Ok(Value::List(self.values(items)?)),
            Node::Tuple(items) => Ok(Value::Tuple(self.values(items)?)),
            Node::Dict(items) => {
                let pair = |(key, value): &(Expr, Expr)| Ok((self.value(key)?, self.value(value)?));
                Ok(Value::Dict(items.iter().map(pair).collect::<Result<_>>()?))
            }
            Node::Attribute {
                object,
                name,
                name_span,
            } => {
                let object = self.value(object)?;
                methods::attribute(&object, name, self.session)
                    .map_err(|error| self.placed(error, *name_span))
            }
            Node::Call {
                function,
                positional,
                keywords,
            } => {
                let mut arguments = Arguments {
                    positional: self.values(positional)?,
                    keywords: Vec::new(),
                };
                for keyword in keywords {
                    arguments
                        .keywords
                        .push((keyword.name.clone(), self.value(&keyword.value)?));
                }
                self.call(function, arguments, expr.span)
            }
            Node::Index { object, index } => {
                let object = self.value(object)?;
                let items = index
                    .index_items()
                    .iter()
                    .map(|item| self.value(item))
                    .collect::<Result<_>>()?;
                index::index(&object, items, self.session)
                    .map_err(|error| self.placed(error, index.span))
            }
            Node::Slice { start, stop, step } => {
                let part = |part: &Option<Box<Expr>>| match part {
                    Some(part) => self.value(part),
                    None => Ok(Value::None),
                };
                Ok(Value::slice(part(start)?, part(stop)?, part(step)?))
            }
            Node::Unary { operator, operand } => {
                let operand = self.value(operand)?;
                unary(*operator, &operand).map_err(|error| self.placed(error, expr.span))
            }
            Node::Binary {
                operator,
                operator_span,
                left,
                right,
            } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                binary(*operator, &left, &right, self.session)
                    .map_err(|error| self.placed(error, *operator_span))
            }
        }
    }

    fn values(&self, items: &[Expr]) -> Result<Vec<Value>> {
        items.iter().map(|item| self.value(item)).collect()
    }

    fn name(&self, name: &str, span: Span) -> Result<Value> {
        if let Some(value) = self.scope.names.get(name) {
            return Ok(value.clone());
        }
        if let Some(namespace) = Namespace::from_name(name) {
            return Ok(Value::Namespace(namespace));
        }
        // Python's types, where a dtype is wanted.
        let dtype = match name {
            "float" => Some("float64"),
            "int" => Some("int64"),
            "bool" => Some("bool"),
            _ => None,
        };
        if let Some(dtype) = dtype {
            return Ok(Value::Text(dtype.to_owned()));
        }
        let error = span.error(self.source, format!("the name `{name}` has no value"));
        let names = || {
            self.scope
                .names
                .keys()
                .map(String::as_str)
                .chain(["np", "xr"])
        };
        Err(match did_you_mean(name, names()) {
            Some(hint) => error.hint(hint),
            None => {
                let mut all: Vec<&str> = names().collect();
                all.sort_unstable();
                error.hint(format!("there are {}", all.join(", ")))
            }
        })
    }

    fn call(&self, function: &Expr, arguments: Arguments, span: Span) -> Result<Value> {
        match &function.node {
            Node::Attribute {
                object,
                name,
                name_span,
            } => {
                let object = self.value(object)?;
                let called = match &object {
                    Value::Namespace(namespace) => {
                        functions::call(*namespace, name, arguments, self.session)
                    }
                    object => methods::call(object, name, arguments, self.session),
                };
                called.map_err(|error| self.placed(error, *name_span))
            }
            Node::Name(name) => functions::builtin(name, arguments, self.session)
                .map_err(|error| self.placed(error, function.span)),
            _ => Err(span.error(
                self.source,
                "this is no method or function that can be called",
            )),
        }
    }

    /// Usage errors gain the place in the text; others speak of data and stay as they are.
    fn placed(&self, error: Error, span: Span) -> Error {
        if error.kind() != ErrorKind::Usage || error.message().contains('^') {
            return error;
        }
        let placed = span.error(self.source, error.message());
        match error.hint_text() {
            Some(hint) => placed.hint(hint),
            None => placed,
        }
    }
}

fn literal_value(literal: &Literal) -> Value {
    match literal {
        Literal::None => Value::None,
        Literal::Ellipsis => Value::Ellipsis,
        Literal::Bool(value) => Value::bool(*value),
        Literal::Integer(value) => match i64::try_from(*value) {
            Ok(value) => Value::Number(Scalar::from_i64(DType::Int64, value), WeakKind::Int),
            Err(_) => Value::Number(
                Scalar::from_bytes(DType::UInt64, &value.to_ne_bytes()),
                WeakKind::Strong,
            ),
        },
        Literal::Float(value) => {
            Value::Number(Scalar::from_f64(DType::Float64, *value), WeakKind::Float)
        }
        Literal::Imaginary(value) => {
            let bytes: Vec<u8> = [0f64, *value]
                .iter()
                .flat_map(|part| part.to_ne_bytes())
                .collect();
            Value::Number(
                Scalar::from_bytes(DType::Complex128, &bytes),
                WeakKind::Complex,
            )
        }
        Literal::Text(text) => Value::Text(text.clone()),
    }
}

fn unary(operator: UnaryOperator, operand: &Value) -> Result<Value> {
    let function = match operator {
        UnaryOperator::Negate => Unary::Negative,
        UnaryOperator::Plus => Unary::Positive,
        UnaryOperator::Invert => Unary::Invert,
        UnaryOperator::Not => {
            let truth = operand.as_bool();
            let truth = truth.ok_or_else(|| {
                Error::usage("`not` of an array").hint("`~` inverts each element")
            })?;
            return Ok(Value::bool(!truth));
        }
    };
    match operand {
        Value::Number(number, _) if number.dtype().is_complex() => of_number(function, operand),
        Value::Number(number, kind) if function == Unary::Negative => Ok(Value::Number(
            match number.to_i64() {
                Some(value) => Scalar::from_i64(DType::Int64, value.wrapping_neg()),
                None => Scalar::from_f64(DType::Float64, -number.to_f64().unwrap_or(f64::NAN)),
            },
            if *kind == WeakKind::Bool {
                WeakKind::Int
            } else {
                *kind
            },
        )),
        Value::Number(..) if function == Unary::Positive => Ok(operand.clone()),
        _ => operand.map_arrays("an operator", |array| labels::unary(function, array, true)),
    }
}

fn binary(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
    session: &Session,
) -> Result<Value> {
    if let Value::Texts(_) = left {
        return methods::operator_of_texts(operator, left, right, session);
    }
    let function = match operator {
        BinaryOperator::Add => Binary::Add,
        BinaryOperator::Subtract => Binary::Subtract,
        BinaryOperator::Multiply => Binary::Multiply,
        BinaryOperator::Divide => Binary::Divide,
        BinaryOperator::FloorDivide => Binary::FloorDivide,
        BinaryOperator::Remainder => Binary::Remainder,
        BinaryOperator::Power => Binary::Power,
        BinaryOperator::Equal => Binary::Equal,
        BinaryOperator::NotEqual => Binary::NotEqual,
        BinaryOperator::Less => Binary::Less,
        BinaryOperator::LessEqual => Binary::LessEqual,
        BinaryOperator::Greater => Binary::Greater,
        BinaryOperator::GreaterEqual => Binary::GreaterEqual,
        BinaryOperator::BitAnd => Binary::BitwiseAnd,
        BinaryOperator::BitOr => Binary::BitwiseOr,
        BinaryOperator::BitXor => Binary::BitwiseXor,
        BinaryOperator::ShiftLeft => Binary::LeftShift,
        BinaryOperator::ShiftRight => Binary::RightShift,
        BinaryOperator::MatrixMultiply => {
            let (Value::Array(one), Value::Array(other)) = (left, right) else {
                return Err(Error::usage("`@` is there for two arrays"));
            };
            return DataArray::dot(&[one, other], None, false).map(Value::Array);
        }
        other => {
            let way = match other.symbol() {
                "and" => "`&` works on each element, with brackets round both sides",
                "or" => "`|` works on each element, with brackets round both sides",
                _ => "compare or combine the arrays by other operators",
            };
            return Err(Error::usage(format!(
                "the operator `{}` is not defined here",
                other.symbol()
            ))
            .hint(way));
        }
    };
    combine(function, left, right, session)
}

/// `function` of two values, whatever they are.
pub(crate) fn combine(
    function: Binary,
    left: &Value,
    right: &Value,
    session: &Session,
) -> Result<Value> {
    match (left, right) {
        (Value::ArrayGroup(groups), Value::Array(other)) => groups
            .binary(function, other, false, session)
            .map(Value::Array),
        (Value::Array(other), Value::ArrayGroup(groups)) => groups
            .binary(function, other, true, session)
            .map(Value::Array),
        (Value::DatasetGroup(groups), Value::Dataset(other)) => {
            let of = |name: &str, array| {
                labels::GroupBy {
                    object: array,
                    key: groups.key.clone(),
                }
                .binary(function, &other.array(name)?, false, session)
            };
            let arrays = groups.object.arrays()?.into_iter().filter_map(|array| {
                let name = array.name.clone()?;
                other
                    .variables
                    .contains_key(&name)
                    .then(|| of(&name, array).map(|array| (name, array)))
            });
            Dataset::from_arrays(arrays.collect::<Result<Vec<_>>>()?).map(Value::Dataset)
        }
        (Value::Tree(one), Value::Tree(other)) => one
            .zip(other, |one, other| {
                let (one, other) = (Value::Dataset(one.clone()), Value::Dataset(other.clone()));
                dataset_of(combine(function, &one, &other, session)?)
            })
            .map(Value::Tree),
        (Value::Tree(tree), other) => tree
            .map(|node| {
                let own = Value::Dataset(node.whole.clone());
                dataset_of(combine(function, &own, other, session)?)
            })
            .map(Value::Tree),
        (other, Value::Tree(tree)) => tree
            .map(|node| {
                let own = Value::Dataset(node.whole.clone());
                dataset_of(combine(function, other, &own, session)?)
            })
            .map(Value::Tree),
        (Value::Dataset(one), Value::Dataset(other)) => {
            let common = one
                .variables
                .keys()
                .filter(|name| other.variables.contains_key(*name));
            let arrays = common.map(|name| {
                let (one, other) = (
                    Operand::Array(one.array(name)?),
                    Operand::Array(other.array(name)?),
                );
                Ok((name.clone(), operands(function, &one, &other, session)?))
            });
            let mut out = Dataset::from_arrays(arrays.collect::<Result<Vec<_>>>()?)?;
            out.attributes = labels::agreed_attributes(&one.attributes, &other.attributes);
            Ok(Value::Dataset(out))
        }
        (Value::Dataset(_), other) => left.map_arrays("an operator", |array| {
            array_of(combine(
                function,
                &Value::Array(array.clone()),
                other,
                session,
            )?)
        }),
        (other, Value::Dataset(_)) => right.map_arrays("an operator", |array| {
            array_of(combine(
                function,
                other,
                &Value::Array(array.clone()),
                session,
            )?)
        }),
        (Value::Number(one, one_kind), Value::Number(other, other_kind)) => {
            numbers(function, one, *one_kind, other, *other_kind)
        }
        (Value::Text(one), Value::Text(other))
            if matches!(function, Binary::Equal | Binary::NotEqual) =>
        {
            Ok(Value::bool((one == other) == (function == Binary::Equal)))
        }
        (left, right) => {
            let (left, right) = (
                left.as_operand_beside(right)?,
                right.as_operand_beside(left)?,
            );
            operands(function, &left, &right, session).map(Value::Array)
        }
    }
}

/// `function` of arrays and numbers, of which texts are computed at once.
fn operands(
    function: Binary,
    left: &Operand,
    right: &Operand,
    session: &Session,
) -> Result<DataArray> {
    if left.is_textual() || right.is_textual() {
        return labels::binary_of_texts(function, left, right, session);
    }
    session.units().check_operands(function, left, right)?;
    labels::binary(function, left, right)
}

fn array_of(value: Value) -> Result<DataArray> {
    match value {
        Value::Array(array) => Ok(array),
        other => Err(Error::usage(format!(
            "{} where an array is needed",
            other.kind()
        ))),
    }
}

fn dataset_of(value: Value) -> Result<Dataset> {
    match value {
        Value::Dataset(dataset) => Ok(dataset),
        other => Err(Error::usage(format!(
            "{} where a dataset is needed",
            other.kind()
        ))),
    }
}

/// Python's arithmetic of two plain numbers.
fn numbers(
    function: Binary,
    one: &Scalar,
    one_kind: WeakKind,
    other: &Scalar,
    other_kind: WeakKind,
) -> Result<Value> {
    let result = labels::binary(
        function,
        &Operand::Number(one.clone(), one_kind),
        &Operand::Number(other.clone(), other_kind),
    )?;
    number(result)
}

/// `function` of a plain number.
fn of_number(function: Unary, value: &Value) -> Result<Value> {
    number(labels::unary(function, &value.to_array(Vec::new())?, true)?)
}

/// What came of plain numbers, as a plain number.
fn number(result: DataArray) -> Result<Value> {
    let (node, _) = craton_plan::rules::optimise(&result.variable.node)?;
    match node.work() {
        craton_plan::Work::Literal(block) => {
            let value = block
                .get(0)
                .ok_or_else(|| Error::internal("arithmetic of numbers gave nothing"))?;
            let kind = match value.dtype() {
                DType::Bool => WeakKind::Bool,
                dtype if dtype.is_integer() => WeakKind::Int,
                dtype if dtype.is_float() => WeakKind::Float,
                dtype if dtype.is_complex() => WeakKind::Complex,
                _ => WeakKind::Strong,
            };
            Ok(Value::Number(value, kind))
        }
        _ => Ok(Value::Array(result)),
    }
}
