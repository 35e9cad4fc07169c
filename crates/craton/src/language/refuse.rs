//! Python that this language leaves out: what each construct is called, and the way without it.

use super::lexer::Token;
use super::parser::Parser;
use craton_core::{Error, Result};

/// Words that cannot be names, with what they begin and what to write instead.
/// An empty name of the construct marks the words that this language does use.
const KEYWORDS: [(&str, &str, &str); 35] = [
    ("True", "", ""),
    ("False", "", ""),
    ("None", "", ""),
    ("and", "", ""),
    ("or", "", ""),
    ("not", "", ""),
    (
        "lambda",
        "lambda",
        "write the operation itself; methods such as `.mean()` apply to whole arrays",
    ),
    (
        "if",
        "`if`",
        "write `xr.where(condition, a, b)` or `a.where(condition, b)`",
    ),
    ("elif", "`elif`", "write `xr.where(condition, a, b)`"),
    ("else", "`else`", "write `xr.where(condition, a, b)`"),
    (
        "for",
        "loop or comprehension",
        "operations apply to whole arrays; use `.groupby`, `.rolling` or `xr.concat`",
    ),
    ("while", "loop", "operations apply to whole arrays"),
    ("in", "`in`", "write `a.isin([…])`"),
    (
        "is",
        "`is`",
        "write `a == b`, or `a.isnull()` for missing values",
    ),
    ("import", "import", "`ds`, `np` and `xr` are already there"),
    ("from", "import", "`ds`, `np` and `xr` are already there"),
    (
        "def",
        "function definition",
        "name the steps with `name = …` lines",
    ),
    (
        "class",
        "class definition",
        "name the steps with `name = …` lines",
    ),
    ("return", "`return`", "the last line is the answer"),
    ("yield", "`yield`", "the last line is the answer"),
    (
        "with",
        "`with` block",
        "options are arguments of the operation or of the command",
    ),
    ("as", "`as`", "write `name = value`"),
    ("try", "`try` block", "errors stop the work"),
    ("except", "`except`", "errors stop the work"),
    ("finally", "`finally`", "errors stop the work"),
    ("raise", "`raise`", "errors come from the operations"),
    ("assert", "`assert`", "look at the answer instead"),
    ("del", "`del`", "use `.drop_vars(…)`; names cost nothing"),
    ("pass", "`pass`", "leave the line away"),
    ("break", "`break`", "there are no loops"),
    ("continue", "`continue`", "there are no loops"),
    ("global", "`global`", "all names are in one place"),
    ("nonlocal", "`nonlocal`", "all names are in one place"),
    ("async", "`async`", "work is parallel by itself"),
    ("await", "`await`", "work is parallel by itself"),
];

/// Whether `word` cannot be a name.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|(keyword, ..)| *keyword == word)
}

/// Whether `symbol` is `+=` or one of its kin.
pub(super) fn is_augmented_assignment(symbol: &str) -> bool {
    symbol.len() > 1 && symbol.ends_with('=') && !matches!(symbol, "==" | "!=" | "<=" | ">=" | ":=")
}

/// The error for the next token, if it begins a construct that is left out.
pub(super) fn construct(parser: &Parser<'_>) -> Option<Error> {
    let (token, span) = parser.peek();
    let (name, hint) = match token {
        Token::Name(word) => KEYWORDS
            .iter()
            .find(|(keyword, name, _)| keyword == word && !name.is_empty())
            .map(|(_, name, hint)| (*name, *hint))?,
        Token::Symbol(":=") => ("walrus `:=`", "write `name = value` on a line of its own"),
        Token::Symbol("->") => ("`->`", "functions cannot be defined here"),
        _ => return None,
    };
    let problem = format!("{name} is not part of this language");
    Some(parser.error(span, problem).hint(hint))
}

/// The error for a construct that may follow an expression: `a if c else b`, `x for x in y`, `x := 1`.
pub(super) fn continuation(parser: &Parser<'_>) -> Option<Error> {
    let (token, span) = parser.peek();
    match token {
        Token::Name(word) if word == "if" => Some(
            parser
                .error(span, "conditional expression is not part of this language")
                .hint("write `xr.where(condition, a, b)` or `a.where(condition, b)`"),
        ),
        Token::Name(word) if word == "for" || word == "async" => Some(
            parser
                .error(span, "comprehension is not part of this language")
                .hint("operations apply to whole arrays; write lists out"),
        ),
        Token::Name(word) if word == "not" => Some(
            parser
                .error(span, "`not in` is not part of this language")
                .hint("write `~a.isin([…])`"),
        ),
        _ => construct(parser),
    }
}

/// Fails if the next line begins as a statement that is left out.
pub(super) fn statement(parser: &Parser<'_>) -> Result<()> {
    let (token, span) = parser.peek();
    match token {
        Token::Symbol("@") => Err(parser
            .error(span, "decorator is not part of this language")
            .hint("functions cannot be defined here")),
        Token::Symbol(".") => Err(parser
            .error(span, "a line cannot begin with `.`")
            .hint("put brackets around a chain that runs over lines: `(ds.t2m\\n .mean())`")),
        _ => construct(parser).map_or(Ok(()), Err),
    }
}

/// The error for `*` or `**` before an operand.
pub(super) fn unpacking(parser: &Parser<'_>) -> Error {
    let (_, span) = parser.peek();
    parser
        .error(
            span,
            "unpacking with `*` or `**` is not part of this language",
        )
        .hint("write the values out")
}
