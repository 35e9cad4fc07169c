//! Tokens to expressions, by Python's precedence.

use super::ast::{Expr, Keyword, Literal, Node};
use super::lexer::Token;
use super::operator::{BinaryOperator, UnaryOperator, binding};
use super::refuse;
use super::span::Span;
use super::{MAX_HEIGHT, MAX_NESTING, MAX_NODES};
use craton_core::{Error, Result};

/// An expression and how far its deepest leaf is below it.
struct Tall {
    expr: Expr,
    height: usize,
    /// Whether brackets stand around it, so that it is no link of a chained comparison.
    is_bracketed: bool,
}

pub(super) struct Parser<'a> {
    source: &'a str,
    tokens: Vec<(Token, Span)>,
    position: usize,
    nesting: usize,
    nodes: usize,
}

impl<'a> Parser<'a> {
    /// A parser at the first of `tokens`, the last of which is [`Token::End`].
    pub(super) fn new(source: &'a str, tokens: Vec<(Token, Span)>) -> Self {
        Self {
            source,
            tokens,
            position: 0,
            nesting: 0,
            nodes: 0,
        }
    }

    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    pub(super) fn error(&self, span: Span, problem: impl AsRef<str>) -> Error {
        span.error(self.source, problem)
    }

    /// The next token, without taking it.
    pub(super) fn peek(&self) -> (&Token, Span) {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> (&Token, Span) {
        let end = Span::new(self.source.len(), self.source.len());
        self.tokens
            .get(self.position + ahead)
            .map_or((&Token::End, end), |(token, span)| (token, *span))
    }

    /// Takes the next token; the end is never taken.
    pub(super) fn advance(&mut self) -> (Token, Span) {
        let end = Span::new(self.source.len(), self.source.len());
        let taken = self
            .tokens
            .get_mut(self.position)
            .map_or((Token::End, end), |(token, span)| {
                (std::mem::replace(token, Token::End), *span)
            });
        self.position += 1;
        taken
    }

    fn at_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek().0, Token::Symbol(found) if *found == symbol)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.at_symbol(symbol);
        if found {
            self.position += 1;
        }
        found
    }

    /// Skips line ends and semicolons; false at the end of the text.
    pub(super) fn skip_line_ends(&mut self) -> bool {
        while matches!(self.peek().0, Token::Newline | Token::Symbol(";")) {
            self.position += 1;
        }
        !matches!(self.peek().0, Token::End)
    }

    /// The error for a token that cannot stand here, where `expected` could.
    pub(super) fn unexpected(&self, expected: &str) -> Error {
        if let Some(error) = refuse::continuation(self) {
            return error;
        }
        let (token, span) = self.peek();
        let found = match token {
            Token::End => "the end of the text".to_owned(),
            Token::Newline => "the end of the line".to_owned(),
            _ => format!("`{}`", shorten(span.text(self.source))),
        };
        let error = self.error(span, format!("expected {expected}, found {found}"));
        match token {
            Token::Symbol("=") => error.hint("`==` compares; `name=value` stands only in a call"),
            Token::Newline => error.hint("brackets around an expression let it run over lines"),
            _ => error,
        }
    }

    fn node(&mut self, node: Node, span: Span, below: usize) -> Result<Tall> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let problem = format!("the expression has more than {MAX_NODES} parts");
            return Err(self.error(span, problem));
        }
        let height = below + 1;
        if height > MAX_HEIGHT {
            let problem = format!("the expression is more than {MAX_HEIGHT} operations deep");
            return Err(self
                .error(span, problem)
                .hint("give its parts names with `name = …` lines"));
        }
        Ok(Tall {
            expr: Expr { node, span },
            height,
            is_bracketed: false,
        })
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting == MAX_NESTING {
            let (_, span) = self.peek();
            let problem = format!("the expression is nested more than {MAX_NESTING} deep");
            return Err(self
                .error(span, problem)
                .hint("give its parts names with `name = …` lines"));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    /// One expression, or several with commas between, which are a tuple.
    pub(super) fn expression_or_tuple(&mut self) -> Result<Expr> {
        let start = self.peek().1;
        let first = self.expression()?;
        if !self.at_symbol(",") {
            return Ok(first.expr);
        }
        let ends = |parser: &Self| match parser.peek().0 {
            Token::Newline | Token::End => true,
            Token::Symbol(symbol) => matches!(*symbol, ";" | "="),
            _ => false,
        };
        let (items, below) = self.items_after(first, Self::expression, ends)?;
        let span = items.last().map_or(start, |last| start.to(last.span));
        Ok(self.node(Node::Tuple(items), span, below)?.expr)
    }

    /// The items after `first` while commas follow, and the height of the tallest of all.
    fn items_after(
        &mut self,
        first: Tall,
        read: impl Fn(&mut Self) -> Result<Tall>,
        ends: impl Fn(&Self) -> bool,
    ) -> Result<(Vec<Expr>, usize)> {
        let mut below = first.height;
        let mut items = vec![first.expr];
        while self.take_symbol(",") && !ends(self) {
            let item = read(self)?;
            below = below.max(item.height);
            items.push(item.expr);
        }
        Ok((items, below))
    }

    fn expression(&mut self) -> Result<Tall> {
        self.nested(|parser| {
            let expr = parser.binary(binding::OR)?;
            match refuse::continuation(parser) {
                Some(error) => Err(error),
                None => Ok(expr),
            }
        })
    }

    /// Operands joined by operators that bind at least as tightly as `least`.
    fn binary(&mut self, least: u8) -> Result<Tall> {
        let mut left = self.unary(least)?;
        while let Some(operator) = self.next_operator() {
            if operator.binding() < least {
                break;
            }
            let operator_span = self.peek().1;
            self.check_not_chained(&left, operator, operator_span)?;
            self.advance();
            let right = self.nested_operand(operator)?;
            let below = left.height.max(right.height);
            let span = left.expr.span.to(right.expr.span);
            let (left_side, right_side) = (Box::new(left.expr), Box::new(right.expr));
            let node = Node::Binary {
                operator,
                operator_span,
                left: left_side,
                right: right_side,
            };
            left = self.node(node, span, below)?;
        }
        Ok(left)
    }

    fn next_operator(&self) -> Option<BinaryOperator> {
        match self.peek().0 {
            Token::Symbol(symbol) => BinaryOperator::from_symbol(symbol),
            Token::Name(word) if word == "and" || word == "or" => BinaryOperator::from_symbol(word),
            _ => None,
        }
    }

    fn nested_operand(&mut self, operator: BinaryOperator) -> Result<Tall> {
        match operator {
            // `2 ** -1` and `2 ** 3 ** 2` read their right side as a whole.
            BinaryOperator::Power => self.nested(|parser| parser.binary(binding::UNARY)),
            // All others group from the left; this recursion ends after the levels of precedence.
            _ => self.binary(operator.binding() + 1),
        }
    }

    fn check_not_chained(&self, left: &Tall, operator: BinaryOperator, span: Span) -> Result<()> {
        if !operator.is_comparison() || left.is_bracketed {
            return Ok(());
        }
        let Node::Binary {
            operator: first,
            left: a,
            right: b,
            ..
        } = &left.expr.node
        else {
            return Ok(());
        };
        if !first.is_comparison() {
            return Ok(());
        }
        let text = |expr: &Expr| shorten(expr.span.text(self.source));
        let right_of = |expr: &Expr| match &expr.node {
            Node::Binary {
                operator,
                left,
                right,
                ..
            } if matches!(operator, BinaryOperator::BitAnd | BinaryOperator::BitOr) => {
                Some((operator.symbol(), text(left), text(right)))
            }
            _ => None,
        };
        let hint = match right_of(b) {
            Some((joint, b_left, b_right)) => format!(
                "`{joint}` binds tighter than comparisons: `({} {} {b_left}) {joint} ({b_right} {} …)`",
                text(a),
                first.symbol(),
                operator.symbol()
            ),
            None => format!(
                "write `({} {} {b}) & ({b} {} …)`",
                text(a),
                first.symbol(),
                operator.symbol(),
                b = text(b)
            ),
        };
        Err(self
            .error(span, "chained comparison is not part of this language")
            .hint(hint))
    }

    fn unary(&mut self, least: u8) -> Result<Tall> {
        let (token, span) = self.peek();
        let operator = match token {
            Token::Symbol("*" | "**") => return Err(refuse::unpacking(self)),
            Token::Symbol(symbol) => UnaryOperator::from_symbol(symbol),
            Token::Name(word) if word == "not" => Some(UnaryOperator::Not),
            _ => None,
        };
        let Some(operator) = operator else {
            return self.postfix();
        };
        if operator == UnaryOperator::Not && least > binding::NOT {
            let error = self.error(span, "`not` cannot stand right after an operator");
            return Err(error.hint("put brackets around it: `(not x)`"));
        }
        self.advance();
        // `-x ** 2` is `-(x ** 2)`, because `**` binds tighter than the sign.
        let operand = self.nested(|parser| parser.binary(operator.binding()))?;
        let whole = span.to(operand.expr.span);
        let node = Node::Unary {
            operator,
            operand: Box::new(operand.expr),
        };
        self.node(node, whole, operand.height)
    }

    /// An operand with its attributes, calls and indices.
    fn postfix(&mut self) -> Result<Tall> {
        let mut object = self.atom()?;
        loop {
            let (Token::Symbol(symbol), _) = self.peek() else {
                return Ok(object);
            };
            object = match *symbol {
                "." => self.attribute(object)?,
                "(" => self.call(object)?,
                "[" => self.index(object)?,
                _ => return Ok(object),
            };
        }
    }

    fn attribute(&mut self, object: Tall) -> Result<Tall> {
        self.advance();
        let (token, span) = self.peek();
        match token {
            Token::Name(word) if word.starts_with('_') => {
                return Err(self
                    .error(
                        span,
                        "attribute names that begin with `_` are not part of this language",
                    )
                    .hint("use the public name; `ds[\"_name\"]` reaches a variable"));
            }
            Token::Name(word) if refuse::is_keyword(word) => {
                let problem = format!("the keyword `{word}` cannot be an attribute");
                let hint = format!("write `[\"{word}\"]`");
                return Err(self.error(span, problem).hint(hint));
            }
            Token::Name(_) => {}
            _ => return Err(self.unexpected("a name after `.`")),
        }
        let (token, name_span) = self.advance();
        let Token::Name(name) = token else {
            return Err(Error::internal("a peeked name was no name"));
        };
        let span = object.expr.span.to(name_span);
        let node = Node::Attribute {
            object: Box::new(object.expr),
            name,
            name_span,
        };
        self.node(node, span, object.height)
    }

    fn call(&mut self, function: Tall) -> Result<Tall> {
        self.advance();
        let mut below = function.height;
        let mut positional = Vec::new();
        let mut keywords: Vec<Keyword> = Vec::new();
        while !self.at_symbol(")") {
            if self.at_keyword_argument() {
                let (keyword, height) = self.keyword_argument(&keywords)?;
                below = below.max(height);
                keywords.push(keyword);
            } else {
                let start = self.peek().1;
                let argument = self.expression()?;
                if !keywords.is_empty() {
                    return Err(self
                        .error(start, "positional argument after `name=value`")
                        .hint("give it a name, or move it to the front"));
                }
                below = below.max(argument.height);
                positional.push(argument.expr);
            }
            if !self.take_symbol(",") {
                break;
            }
        }
        let end = self.close(")")?;
        let span = function.expr.span.to(end);
        let node = Node::Call {
            function: Box::new(function.expr),
            positional,
            keywords,
        };
        self.node(node, span, below)
    }

    fn at_keyword_argument(&self) -> bool {
        matches!(
            (self.peek().0, self.peek_at(1).0),
            (Token::Name(_), Token::Symbol("="))
        )
    }

    fn keyword_argument(&mut self, earlier: &[Keyword]) -> Result<(Keyword, usize)> {
        let (token, name_span) = self.advance();
        self.advance();
        let Token::Name(name) = token else {
            return Err(Error::internal("a peeked name was no name"));
        };
        if refuse::is_keyword(&name) {
            let problem = format!("the keyword `{name}` cannot be the name of an argument");
            return Err(self.error(name_span, problem));
        }
        if earlier.len() >= 256 {
            // OK to refuse: looking for repeats among more names would not be linear.
            return Err(self.error(name_span, "a call with more than 256 named arguments"));
        }
        if earlier.iter().any(|keyword| keyword.name == name) {
            return Err(self.error(name_span, format!("the argument `{name}` is given twice")));
        }
        let value = self.expression()?;
        Ok((
            Keyword {
                name,
                name_span,
                value: value.expr,
            },
            value.height,
        ))
    }

    fn close(&mut self, bracket: &str) -> Result<Span> {
        if self.at_symbol(bracket) {
            return Ok(self.advance().1);
        }
        Err(self.unexpected(&format!("`,` or `{bracket}`")))
    }

    fn index(&mut self, object: Tall) -> Result<Tall> {
        self.advance();
        if self.at_symbol("]") {
            let span = self.peek().1;
            return Err(self
                .error(span, "empty index")
                .hint("`[...]` takes everything"));
        }
        let first = self.nested(Self::subscript)?;
        let index = if self.at_symbol(",") {
            let start = first.expr.span;
            let (items, below) = self.items_after(
                first,
                |parser| parser.nested(Self::subscript),
                |parser| parser.at_symbol("]"),
            )?;
            let span = items.last().map_or(start, |last| start.to(last.span));
            self.node(Node::Tuple(items), span, below)?
        } else {
            first
        };
        let end = self.close("]")?;
        let span = object.expr.span.to(end);
        let below = object.height.max(index.height);
        let (object, index) = (Box::new(object.expr), Box::new(index.expr));
        self.node(Node::Index { object, index }, span, below)
    }

    /// An expression, or a slice `start:stop:step` with any part left away.
    fn subscript(&mut self) -> Result<Tall> {
        let first_span = self.peek().1;
        let start = self.slice_part()?;
        if !self.at_symbol(":") {
            return start.ok_or_else(|| self.unexpected("an index"));
        }
        let mut end = self.advance().1;
        let stop = self.slice_part()?;
        let mut step = None;
        if self.at_symbol(":") {
            end = self.advance().1;
            step = self.slice_part()?;
        }
        let parts = [&start, &stop, &step];
        let below = parts
            .iter()
            .filter_map(|part| part.as_ref().map(|part| part.height))
            .max();
        let span = parts
            .iter()
            .filter_map(|part| part.as_ref().map(|part| part.expr.span))
            .fold(first_span.to(end), Span::to);
        let boxed = |part: Option<Tall>| part.map(|part| Box::new(part.expr));
        let node = Node::Slice {
            start: boxed(start),
            stop: boxed(stop),
            step: boxed(step),
        };
        self.node(node, span, below.unwrap_or(0))
    }

    fn slice_part(&mut self) -> Result<Option<Tall>> {
        match self.peek().0 {
            Token::Symbol(":" | "," | "]") => Ok(None),
            _ => self.expression().map(Some),
        }
    }

    fn atom(&mut self) -> Result<Tall> {
        if let Some(error) = refuse::construct(self) {
            return Err(error);
        }
        match self.peek().0 {
            Token::Symbol("(") => return self.bracketed(),
            Token::Symbol("[") => return self.list(),
            Token::Symbol("{") => return self.dict(),
            Token::Symbol("...") => {}
            Token::Name(word) if word == "and" || word == "or" => {
                return Err(self.unexpected("a value"));
            }
            Token::Symbol(_) | Token::Newline | Token::End => {
                return Err(self.unexpected("a value"));
            }
            _ => {}
        }
        let (token, span) = self.advance();
        let node = match token {
            Token::Name(name) => return self.name(name, span),
            Token::Integer(value) => Node::Literal(Literal::Integer(value)),
            Token::Float(value) => Node::Literal(Literal::Float(value)),
            Token::Imaginary(value) => Node::Literal(Literal::Imaginary(value)),
            Token::Text(text) => return self.text(text, span),
            _ => Node::Literal(Literal::Ellipsis),
        };
        self.node(node, span, 0)
    }

    fn name(&mut self, name: String, span: Span) -> Result<Tall> {
        if name.starts_with("__") {
            return Err(self.error(
                span,
                "names that begin with `__` are not part of this language",
            ));
        }
        let node = match name.as_str() {
            "True" => Node::Literal(Literal::Bool(true)),
            "False" => Node::Literal(Literal::Bool(false)),
            "None" => Node::Literal(Literal::None),
            _ => Node::Name(name),
        };
        self.node(node, span, 0)
    }

    /// Strings next to each other are one string.
    fn text(&mut self, mut text: String, mut span: Span) -> Result<Tall> {
        while matches!(self.peek().0, Token::Text(_)) {
            let (token, next_span) = self.advance();
            if let Token::Text(next) = token {
                text.push_str(&next);
            }
            span = span.to(next_span);
        }
        self.node(Node::Literal(Literal::Text(text)), span, 0)
    }

    fn bracketed(&mut self) -> Result<Tall> {
        let open = self.advance().1;
        if self.at_symbol(")") {
            let span = open.to(self.advance().1);
            return self.node(Node::Tuple(Vec::new()), span, 0);
        }
        let first = self.expression()?;
        if !self.at_symbol(",") {
            let span = open.to(self.close(")")?);
            let node = first.expr.node;
            return Ok(Tall {
                expr: Expr { node, span },
                height: first.height,
                is_bracketed: true,
            });
        }
        let (items, below) =
            self.items_after(first, Self::expression, |parser| parser.at_symbol(")"))?;
        let span = open.to(self.close(")")?);
        self.node(Node::Tuple(items), span, below)
    }

    fn list(&mut self) -> Result<Tall> {
        let open = self.advance().1;
        if self.at_symbol("]") {
            let span = open.to(self.advance().1);
            return self.node(Node::List(Vec::new()), span, 0);
        }
        let first = self.expression()?;
        let (items, below) =
            self.items_after(first, Self::expression, |parser| parser.at_symbol("]"))?;
        let span = open.to(self.close("]")?);
        self.node(Node::List(items), span, below)
    }

    fn dict(&mut self) -> Result<Tall> {
        let open = self.advance().1;
        let mut below = 0;
        let mut items = Vec::new();
        while !self.at_symbol("}") {
            let key = self.expression()?;
            if !self.at_symbol(":") {
                if self.at_symbol(",") || self.at_symbol("}") {
                    let error = self.error(open, "set is not part of this language");
                    return Err(error.hint("write a list `[…]`"));
                }
                return Err(self.unexpected("`:` after a key"));
            }
            self.advance();
            let value = self.expression()?;
            below = below.max(key.height).max(value.height);
            items.push((key.expr, value.expr));
            if !self.take_symbol(",") {
                break;
            }
        }
        let span = open.to(self.close("}")?);
        self.node(Node::Dict(items), span, below)
    }
}

/// `text`, cut where it would fill a hint.
fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    let line = text.lines().next().unwrap_or_default();
    if line.len() == text.len() && text.chars().count() <= MOST {
        return text.to_owned();
    }
    let cut: String = line.chars().take(MOST).collect();
    format!("{cut}…")
}
