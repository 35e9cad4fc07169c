//! Text to tokens: names, numbers, strings, symbols and the ends of lines.

use super::literal::{read_number, read_string, string_prefix};
use super::span::Span;
use craton_core::{Error, Result};

/// One word of the language.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Integer(u64),
    Float(f64),
    Imaginary(f64),
    Text(String),
    Symbol(&'static str),
    /// The end of a line outside brackets.
    Newline,
    End,
}

/// Longest first, so that `**=` is not read as `**` and `=`.
const SYMBOLS: [&str; 44] = [
    "**=", "//=", "<<=", ">>=", "...", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "->", "+=",
    "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", ":=", "+", "-", "*", "/", "%", "@", "&", "|",
    "^", "~", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":",
];
const MORE_SYMBOLS: [&str; 3] = [".", ";", "="];

pub(super) struct Lexer<'a> {
    source: &'a str,
    position: usize,
    tokens: Vec<(Token, Span)>,
    open_brackets: Vec<(&'static str, usize)>,
}

/// All tokens of `source`, the last one [`Token::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<(Token, Span)>> {
    let mut lexer = Lexer {
        source,
        position: 0,
        tokens: Vec::new(),
        open_brackets: Vec::new(),
    };
    while let Some(letter) = lexer.rest().chars().next() {
        lexer.step(letter)?;
    }
    if let Some((bracket, at)) = lexer.open_brackets.last() {
        let span = Span::new(*at, at + 1);
        return Err(span.error(source, format!("`{bracket}` is never closed")));
    }
    let end = Span::new(source.len(), source.len());
    lexer.tokens.push((Token::End, end));
    Ok(lexer.tokens)
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.position..]
    }

    fn push(&mut self, token: Token, length: usize) {
        let start = self.position;
        self.position += length;
        self.tokens.push((token, Span::new(start, self.position)));
    }

    fn step(&mut self, letter: char) -> Result<()> {
        let rest = self.rest();
        match letter {
            '\n' if self.open_brackets.is_empty() => self.push(Token::Newline, 1),
            '#' => self.position += rest.find('\n').unwrap_or(rest.len()),
            '\\' => return self.line_continuation(),
            _ if letter.is_whitespace() || letter == '\u{feff}' => {
                self.position += letter.len_utf8();
            }
            '"' | '\'' => return self.string(0),
            '0'..='9' => return self.number(),
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                return self.number();
            }
            _ if is_name_start(letter) => return self.name_or_string(),
            _ => return self.symbol(letter),
        }
        Ok(())
    }

    fn line_continuation(&mut self) -> Result<()> {
        for end in ["\\\n", "\\\r\n"] {
            if self.rest().starts_with(end) {
                self.position += end.len();
                return Ok(());
            }
        }
        let span = Span::new(self.position, self.position + 1);
        Err(span
            .error(self.source, "unexpected `\\`")
            .hint("a backslash continues a line only as its very last character"))
    }

    fn number(&mut self) -> Result<()> {
        let (token, length) = read_number(self.source, self.position)?;
        self.push(token, length);
        Ok(())
    }

    fn string(&mut self, prefix_length: usize) -> Result<()> {
        let (text, length) = read_string(self.source, self.position, prefix_length)?;
        self.push(Token::Text(text), length);
        Ok(())
    }

    fn name_or_string(&mut self) -> Result<()> {
        let rest = self.rest();
        let length = rest
            .find(|letter: char| !is_name_part(letter))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        if after.starts_with(['"', '\'']) && string_prefix(name).is_some() {
            return self.string(length);
        }
        self.push(Token::Name(name.to_owned()), length);
        Ok(())
    }

    fn symbol(&mut self, letter: char) -> Result<()> {
        let rest = self.rest();
        if let Some(error) = self.foreign_symbol(letter) {
            return Err(error);
        }
        let known = SYMBOLS.iter().chain(&MORE_SYMBOLS);
        let Some(symbol) = known.copied().find(|symbol| rest.starts_with(symbol)) else {
            let span = Span::new(self.position, self.position + letter.len_utf8());
            let shown = letter.escape_debug();
            return Err(span.error(self.source, format!("unexpected character `{shown}`")));
        };
        self.match_bracket(symbol)?;
        self.push(Token::Symbol(symbol), symbol.len());
        Ok(())
    }

    fn match_bracket(&mut self, symbol: &'static str) -> Result<()> {
        let opener = match symbol {
            "(" | "[" | "{" => {
                self.open_brackets.push((symbol, self.position));
                return Ok(());
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            _ => return Ok(()),
        };
        match self.open_brackets.pop() {
            Some((open, _)) if open == opener => Ok(()),
            other => {
                let span = Span::new(self.position, self.position + 1);
                let problem = match other {
                    Some((open, _)) => format!("`{symbol}` does not close `{open}`"),
                    None => format!("`{symbol}` closes nothing"),
                };
                Err(span.error(self.source, problem))
            }
        }
    }

    /// Signs of other languages and of word processors, with what to write instead.
    fn foreign_symbol(&self, letter: char) -> Option<Error> {
        let rest = self.rest();
        let (length, hint) = match letter {
            '&' if rest.starts_with("&&") => {
                (2, "write `(a) & (b)`, with brackets around each side")
            }
            '|' if rest.starts_with("||") => {
                (2, "write `(a) | (b)`, with brackets around each side")
            }
            '!' if !rest.starts_with("!=") => (1, "write `~x` for an array, `not x` for one value"),
            '<' if rest.starts_with("<>") => (2, "write `!=`"),
            '?' => (1, "write `xr.where(condition, a, b)`"),
            '“' | '”' | '„' | '‘' | '’' => {
                (letter.len_utf8(), "use the straight quotes `\"` or `'`")
            }
            '−' | '–' | '—' => (letter.len_utf8(), "use the plain minus `-`"),
            '×' | '·' => (letter.len_utf8(), "write `*`"),
            _ => return None,
        };
        let span = Span::new(self.position, self.position + length);
        let shown = span.text(self.source);
        Some(
            span.error(self.source, format!("unexpected `{shown}`"))
                .hint(hint),
        )
    }
}

fn is_name_start(letter: char) -> bool {
    letter == '_' || letter.is_alphabetic()
}

pub(super) fn is_name_part(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}
