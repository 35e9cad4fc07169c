//! Trees back to text, with the fewest brackets; reading the text gives the same tree.

use super::ast::{Expr, Literal, Node, Program};
use super::operator::{BinaryOperator, UnaryOperator, binding};
use std::fmt::{self, Display, Write};

/// How tightly literals, names and bracketed things hold together.
const ATOM: u8 = binding::POSTFIX + 1;

impl Program {
    /// The program as text, one statement a line, comments gone.
    #[must_use]
    pub fn to_source(&self) -> String {
        self.to_string()
    }
}

impl Expr {
    /// The expression as text on one line.
    #[must_use]
    pub fn to_source(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for assignment in &self.assignments {
            writeln!(out, "{} = {}", assignment.name, assignment.value)?;
        }
        self.result.fmt(out)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::Name(name) => out.write_str(name),
            Node::Literal(literal) => literal.fmt(out),
            Node::List(items) => {
                out.write_char('[')?;
                write_items(out, items)?;
                out.write_char(']')
            }
            Node::Tuple(items) => {
                out.write_char('(')?;
                write_tuple(out, items)?;
                out.write_char(')')
            }
            Node::Dict(items) => write_dict(out, items),
            Node::Attribute { object, name, .. } => {
                write_object(out, object)?;
                write!(out, ".{name}")
            }
            Node::Call {
                function,
                positional,
                keywords,
            } => {
                write_object(out, function)?;
                out.write_char('(')?;
                write_items(out, positional)?;
                for (at, keyword) in keywords.iter().enumerate() {
                    let comma = if at == 0 && positional.is_empty() {
                        ""
                    } else {
                        ", "
                    };
                    write!(out, "{comma}{}={}", keyword.name, keyword.value)?;
                }
                out.write_char(')')
            }
            Node::Index { object, index } => {
                write_object(out, object)?;
                out.write_char('[')?;
                write_index(out, index)?;
                out.write_char(']')
            }
            Node::Slice { start, stop, step } => {
                let part = |part: &Option<Box<Expr>>| {
                    part.as_ref()
                        .map_or_else(|| "None".to_owned(), |part| part.to_string())
                };
                write!(
                    out,
                    "slice({}, {}, {})",
                    part(start),
                    part(stop),
                    part(step)
                )
            }
            Node::Unary { operator, operand } => {
                let gap = if *operator == UnaryOperator::Not {
                    " "
                } else {
                    ""
                };
                write!(out, "{}{gap}", operator.symbol())?;
                write_operand(out, operand, operator.binding())
            }
            Node::Binary {
                operator,
                left,
                right,
                ..
            } => write_binary(out, *operator, left, right),
        }
    }
}

fn tightness(expr: &Expr) -> u8 {
    match &expr.node {
        Node::Unary { operator, .. } => operator.binding(),
        Node::Binary { operator, .. } => operator.binding(),
        Node::Attribute { .. } | Node::Call { .. } | Node::Index { .. } => binding::POSTFIX,
        _ => ATOM,
    }
}

fn write_operand(out: &mut fmt::Formatter<'_>, expr: &Expr, least: u8) -> fmt::Result {
    if tightness(expr) < least {
        write!(out, "({expr})")
    } else {
        expr.fmt(out)
    }
}

fn write_binary(
    out: &mut fmt::Formatter<'_>,
    operator: BinaryOperator,
    left: &Expr,
    right: &Expr,
) -> fmt::Result {
    let own = operator.binding();
    let (left_least, right_least) = match operator {
        // `**` groups from the right, and its right side may carry a sign.
        BinaryOperator::Power => (own + 1, binding::UNARY),
        _ if operator.is_comparison() => (own + 1, own + 1),
        _ => (own, own + 1),
    };
    write_operand(out, left, left_least)?;
    write!(out, " {} ", operator.symbol())?;
    write_operand(out, right, right_least)
}

/// What stands before a dot, a call or an index. A number needs brackets: `1.real` is no attribute.
fn write_object(out: &mut fmt::Formatter<'_>, object: &Expr) -> fmt::Result {
    let is_number = matches!(
        object.node,
        Node::Literal(Literal::Integer(_) | Literal::Float(_) | Literal::Imaginary(_))
    );
    if is_number {
        return write!(out, "({object})");
    }
    write_operand(out, object, binding::POSTFIX)
}

fn write_items(out: &mut fmt::Formatter<'_>, items: &[Expr]) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(out, "{comma}{item}")?;
    }
    Ok(())
}

fn write_tuple(out: &mut fmt::Formatter<'_>, items: &[Expr]) -> fmt::Result {
    write_items(out, items)?;
    if items.len() == 1 {
        out.write_char(',')?;
    }
    Ok(())
}

fn write_dict(out: &mut fmt::Formatter<'_>, items: &[(Expr, Expr)]) -> fmt::Result {
    out.write_char('{')?;
    for (at, (key, value)) in items.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(out, "{comma}{key}: {value}")?;
    }
    out.write_char('}')
}

fn write_index(out: &mut fmt::Formatter<'_>, index: &Expr) -> fmt::Result {
    let items = match &index.node {
        Node::Tuple(items) if !items.is_empty() => items,
        _ => return write_index_item(out, index),
    };
    for (at, item) in items.iter().enumerate() {
        out.write_str(if at == 0 { "" } else { ", " })?;
        write_index_item(out, item)?;
    }
    if items.len() == 1 {
        out.write_char(',')?;
    }
    Ok(())
}

fn write_index_item(out: &mut fmt::Formatter<'_>, item: &Expr) -> fmt::Result {
    let Node::Slice { start, stop, step } = &item.node else {
        return item.fmt(out);
    };
    if let Some(start) = start {
        start.fmt(out)?;
    }
    out.write_char(':')?;
    if let Some(stop) = stop {
        stop.fmt(out)?;
    }
    if let Some(step) = step {
        write!(out, ":{step}")?;
    }
    Ok(())
}

impl fmt::Display for Literal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => out.write_str("None"),
            Self::Bool(true) => out.write_str("True"),
            Self::Bool(false) => out.write_str("False"),
            Self::Integer(value) => value.fmt(out),
            Self::Float(value) => write_float(out, *value),
            Self::Imaginary(value) => {
                write_float(out, *value)?;
                out.write_char('j')
            }
            Self::Text(text) => write_text(out, text),
            Self::Ellipsis => out.write_str("..."),
        }
    }
}

fn write_float(out: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    if value.is_infinite() {
        // No literal says infinity; this one is too large for a double and becomes it.
        return out.write_str("1e999");
    }
    write!(out, "{value:?}")
}

fn write_text(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\t' => out.write_str("\\t")?,
            '\r' => out.write_str("\\r")?,
            _ if letter.is_control() => write!(out, "\\u{:04x}", u32::from(letter))?,
            _ => out.write_char(letter)?,
        }
    }
    out.write_char('"')
}
