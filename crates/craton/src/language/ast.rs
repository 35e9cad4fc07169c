//! What an expression says, as a tree.

use super::operator::{BinaryOperator, UnaryOperator};
use super::span::Span;

/// A whole text: names given to values, in order, then the expression that is the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// `name = value` lines; a name may be given again.
    pub assignments: Vec<Assignment>,
    /// The last expression.
    pub result: Expr,
}

/// `name = value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// The value.
    pub value: Expr,
}

/// One expression and where it stands. Brackets around it leave no node; its span holds them.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it says.
    pub node: Node,
    /// Where it stands.
    pub span: Span,
}

/// What an expression says.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `ds`
    Name(String),
    /// `1`, `"text"`, `None`
    Literal(Literal),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `(a, b)`, or `a, b` inside an index
    Tuple(Vec<Expr>),
    /// `{key: value}`
    Dict(Vec<(Expr, Expr)>),
    /// `object.name`
    Attribute {
        /// What stands before the dot.
        object: Box<Expr>,
        /// The name after it.
        name: String,
        /// Where that name stands.
        name_span: Span,
    },
    /// `function(positional, name=value)`
    Call {
        /// What is called: often an [`Node::Attribute`].
        function: Box<Expr>,
        /// The arguments without names.
        positional: Vec<Expr>,
        /// The arguments with names; no name twice.
        keywords: Vec<Keyword>,
    },
    /// `object[index]`; several indices are a [`Node::Tuple`].
    Index {
        /// What is indexed.
        object: Box<Expr>,
        /// What stands in the brackets.
        index: Box<Expr>,
    },
    /// `start:stop:step`, only as the index of a [`Node::Index`] or an item of its tuple
    Slice {
        /// Before the first colon.
        start: Option<Box<Expr>>,
        /// After it.
        stop: Option<Box<Expr>>,
        /// After the second colon.
        step: Option<Box<Expr>>,
    },
    /// `-x`
    Unary {
        /// The operator.
        operator: UnaryOperator,
        /// What it applies to.
        operand: Box<Expr>,
    },
    /// `a + b`
    Binary {
        /// The operator.
        operator: BinaryOperator,
        /// Where the operator stands.
        operator_span: Span,
        /// The left side.
        left: Box<Expr>,
        /// The right side.
        right: Box<Expr>,
    },
}

/// `name=value` in a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyword {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// The value.
    pub value: Expr,
}

/// A value written out. Numbers carry no sign: `-1` is a [`Node::Unary`].
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `None`
    None,
    /// `True` or `False`
    Bool(bool),
    /// `1`, `0x1f`, `1_000`
    Integer(u64),
    /// `1.5`, `1e3`; infinite where the number is too large for a double, as in Python
    Float(f64),
    /// `1j`
    Imaginary(f64),
    /// `"text"`
    Text(String),
    /// `...`
    Ellipsis,
}

impl Program {
    /// The same program with every span zero, for comparing what two texts say.
    #[must_use]
    pub fn without_spans(mut self) -> Self {
        for assignment in &mut self.assignments {
            assignment.name_span = Span::default();
            assignment.value.clear_spans();
        }
        self.result.clear_spans();
        self
    }
}

impl Expr {
    /// The name, if this is one.
    #[must_use]
    pub fn as_name(&self) -> Option<&str> {
        match &self.node {
            Node::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The text, if this is a string written out.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.node {
            Node::Literal(Literal::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// What stands in the brackets of an index, one item per comma.
    #[must_use]
    pub fn index_items(&self) -> &[Expr] {
        match &self.node {
            Node::Tuple(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    fn clear_spans(&mut self) {
        self.span = Span::default();
        match &mut self.node {
            Node::Name(_) | Node::Literal(_) => {}
            Node::List(items) | Node::Tuple(items) => items.iter_mut().for_each(Self::clear_spans),
            Node::Dict(items) => {
                for (key, value) in items {
                    key.clear_spans();
                    value.clear_spans();
                }
            }
            Node::Attribute {
                object, name_span, ..
            } => {
                *name_span = Span::default();
                object.clear_spans();
            }
            Node::Call {
                function,
                positional,
                keywords,
            } => {
                function.clear_spans();
                positional.iter_mut().for_each(Self::clear_spans);
                for keyword in keywords {
                    keyword.name_span = Span::default();
                    keyword.value.clear_spans();
                }
            }
            Node::Index { object, index } => {
                object.clear_spans();
                index.clear_spans();
            }
            Node::Slice { start, stop, step } => {
                for part in [start, stop, step].into_iter().flatten() {
                    part.clear_spans();
                }
            }
            Node::Unary { operand, .. } => operand.clear_spans(),
            Node::Binary {
                operator_span,
                left,
                right,
                ..
            } => {
                *operator_span = Span::default();
                left.clear_spans();
                right.clear_spans();
            }
        }
    }
}
