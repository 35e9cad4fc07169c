//! Lines to a [`Program`].

use super::ast::{Assignment, Expr, Node, Program};
use super::lexer::Token;
use super::parser::Parser;
use super::refuse;
use super::span::Span;
use super::{MAX_SOURCE_BYTES, lexer};
use craton_core::{Error, Result};

/// Reads `source` as assignments and one final expression.
///
/// # Errors
/// [`craton_core::ErrorKind::Usage`] that names the construct, the line and column, shows the place,
/// and says what to write instead: for text that is no Python, for Python beyond this language
/// (loops, imports, lambdas, comprehensions), and for text beyond the limits of this module.
///
/// # Cost
/// Linear in the text; the call depth is bounded by [`super::MAX_NESTING`].
pub fn parse(source: &str) -> Result<Program> {
    if source.len() > MAX_SOURCE_BYTES {
        let problem = format!(
            "the expression is too long: {} bytes, at most {MAX_SOURCE_BYTES}",
            source.len()
        );
        return Err(Error::usage(problem));
    }
    let mut parser = Parser::new(source, lexer::tokens(source)?);
    let mut assignments = Vec::new();
    let mut result: Option<Expr> = None;
    while parser.skip_line_ends() {
        refuse::statement(&parser)?;
        if let Some(earlier) = &result {
            return Err(parser
                .error(earlier.span, "a value that nothing uses")
                .hint("only the last line is the answer; name this value, as in `x = …`"));
        }
        match statement(&mut parser)? {
            Statement::Assignment(assignment) => assignments.push(assignment),
            Statement::Result(expr) => result = Some(expr),
        }
        end_of_statement(&mut parser)?;
    }
    match (result, assignments.last()) {
        (Some(result), _) => Ok(Program {
            assignments,
            result,
        }),
        (None, Some(last)) => Err(parser
            .error(
                last.name_span,
                "the last line is an assignment, so there is no answer",
            )
            .hint(format!("add the line `{}`", last.name))),
        (None, None) => Err(Error::usage("the expression is empty")
            .hint("an expression reads like `ds.t2m.mean(\"time\")`")),
    }
}

enum Statement {
    Assignment(Assignment),
    Result(Expr),
}

fn statement(parser: &mut Parser<'_>) -> Result<Statement> {
    let target = parser.expression_or_tuple()?;
    let (token, span) = parser.peek();
    match token {
        Token::Symbol("=") => {}
        Token::Symbol(symbol) if refuse::is_augmented_assignment(symbol) => {
            let operator = symbol.trim_end_matches('=');
            let name = target.span.text(parser.source());
            let problem = format!("augmented assignment `{symbol}`");
            let hint = format!("write `{name} = {name} {operator} …`");
            return Err(parser.error(span, problem).hint(hint));
        }
        Token::Symbol(":") => {
            return Err(parser
                .error(span, "type annotation or block")
                .hint("write `name = value`, without a type"));
        }
        _ => return Ok(Statement::Result(target)),
    }
    let (name, name_span) = target_name(parser, target)?;
    parser.advance();
    let value = parser.expression_or_tuple()?;
    if let (Token::Symbol("="), span) = parser.peek() {
        return Err(parser
            .error(span, "chained assignment")
            .hint("write one line for each name"));
    }
    Ok(Statement::Assignment(Assignment {
        name,
        name_span,
        value,
    }))
}

fn target_name(parser: &Parser<'_>, target: Expr) -> Result<(String, Span)> {
    let (problem, hint) = match target.node {
        Node::Name(name) => return Ok((name, target.span)),
        Node::Index { .. } => (
            "assignment to an item",
            "values never change in place: use `.assign(name=…)`, `.assign_coords(…)` or `xr.where(…)`",
        ),
        Node::Attribute { .. } => (
            "assignment to an attribute",
            "values never change in place: use `.assign(…)`, `.assign_attrs(…)` or `.rename(…)`",
        ),
        Node::Tuple(_) | Node::List(_) => (
            "assignment to several names",
            "write one line for each name",
        ),
        Node::Binary { .. } | Node::Unary { .. } => (
            "assignment to an expression",
            "`==` compares; `=` gives a name to a value",
        ),
        _ => (
            "assignment to something that is no name",
            "write `name = value`",
        ),
    };
    Err(parser.error(target.span, problem).hint(hint))
}

fn end_of_statement(parser: &mut Parser<'_>) -> Result<()> {
    match parser.peek() {
        (Token::Newline | Token::Symbol(";") | Token::End, _) => Ok(()),
        _ => Err(parser.unexpected("an operator or the end of the line")),
    }
}
