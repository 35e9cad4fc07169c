//! Regular expressions as Python's `re` has them.

use craton_core::{Error, Result};
use fancy_regex::{Captures, Regex};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Patterns of one call, each compiled once.
pub(super) struct Patterns {
    /// Letters of flags that hold for all of them.
    flags: String,
    known: RefCell<HashMap<String, Rc<Pattern>>>,
}

impl Patterns {
    /// `flags` are the numbers of Python's `re`, added up.
    pub(super) fn new(flags: i64, ignores_case: bool) -> Result<Self> {
        let letters = [(2, 'i'), (8, 'm'), (16, 's'), (64, 'x')];
        let known: i64 = letters.iter().map(|(number, _)| number).sum::<i64>() | 32;
        if flags & !known != 0 {
            return Err(Error::unsupported(format!("the flags {flags} of a pattern")).hint(
                "there are 2 (ignore case), 8 (multiline), 16 (dot matches all) and 64 (verbose), added up",
            ));
        }
        let flags = flags | if ignores_case { 2 } else { 0 };
        let letters = letters.iter().filter(|(number, _)| flags & number != 0);
        Ok(Self {
            flags: letters.map(|(_, letter)| letter).collect(),
            known: RefCell::default(),
        })
    }

    pub(super) fn get(&self, text: &str) -> Result<Rc<Pattern>> {
        if let Some(pattern) = self.known.borrow().get(text) {
            return Ok(pattern.clone());
        }
        let pattern = Rc::new(Pattern::compile(text, &self.flags)?);
        self.known
            .borrow_mut()
            .insert(text.to_owned(), pattern.clone());
        Ok(pattern)
    }
}

/// One compiled pattern.
pub(super) struct Pattern {
    text: String,
    regex: Regex,
}

impl Pattern {
    fn compile(text: &str, flags: &str) -> Result<Self> {
        let translated = translated(text, flags.contains('m'));
        let whole = match flags {
            "" => translated,
            flags => format!("(?{flags}){translated}"),
        };
        let regex = Regex::new(&whole)
            .map_err(|error| Error::invalid(format!("the pattern `{text}`: {error}")))?;
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }

    /// How many groups it has.
    pub(super) fn groups(&self) -> usize {
        self.regex.captures_len().saturating_sub(1)
    }

    /// The first match.
    pub(super) fn search<'a>(&self, text: &'a str) -> Result<Option<Captures<'a>>> {
        self.from(text, 0)
    }

    fn from<'a>(&self, text: &'a str, place: usize) -> Result<Option<Captures<'a>>> {
        let found = self.regex.captures_from_pos(text, place);
        found.map_err(|error| Error::invalid(format!("the pattern `{}`: {error}", self.text)))
    }

    /// All matches that do not overlap. An empty one may follow another at once, as in Python.
    pub(super) fn all<'a>(&self, text: &'a str) -> Result<Vec<Captures<'a>>> {
        let mut all = Vec::new();
        let (mut place, mut last_empty) = (0, None);
        while let Some(found) = self.from(text, place)? {
            let range = found.get(0).map_or(0..0, |whole| whole.range());
            let is_empty = range.is_empty();
            if is_empty && last_empty == Some(range.end) {
                // The same once more: a character on.
                let Some(next) = text[range.end..].chars().next() else {
                    break;
                };
                place = range.end + next.len_utf8();
                last_empty = None;
                continue;
            }
            place = range.end;
            last_empty = is_empty.then_some(range.end);
            all.push(found);
        }
        Ok(all)
    }

    /// `text` with matches replaced as `template` says, at most `most` of them if that is not negative.
    pub(super) fn replaced(&self, text: &str, template: &str, most: i64) -> Result<String> {
        let pieces = self.pieces(template)?;
        let (mut out, mut done) = (String::new(), 0);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        for found in self.all(text)?.iter().take(most) {
            let range = found.get(0).map_or(0..0, |whole| whole.range());
            out.push_str(&text[done..range.start]);
            for piece in &pieces {
                match piece {
                    Piece::Text(text) => out.push_str(text),
                    Piece::Group(group) => {
                        out.push_str(found.get(*group).map_or("", |group| group.as_str()));
                    }
                }
            }
            done = range.end;
        }
        out.push_str(&text[done..]);
        Ok(out)
    }

    /// What a template says: `\1` and `\g<name>` are groups.
    fn pieces(&self, template: &str) -> Result<Vec<Piece>> {
        let bad = |what: String| {
            Err(Error::invalid(format!(
                "the replacement `{template}`: {what}"
            )))
        };
        let (mut pieces, mut rest) = (Vec::new(), template);
        while let Some((before, after)) = rest.split_once('\\') {
            pieces.push(Piece::Text(before.to_owned()));
            let mut characters = after.chars();
            let escaped = characters.next();
            rest = characters.as_str();
            pieces.push(match escaped {
                Some('g') => {
                    let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
                    let Some((name, after)) = named else {
                        return bad("after `\\g` the name of a group in `<>` is missing".to_owned());
                    };
                    rest = after;
                    match self.group(name) {
                        Some(group) => Piece::Group(group),
                        None => return bad(format!("the pattern has no group `{name}`")),
                    }
                }
                Some(digit @ '1'..='9') => {
                    let mut name = digit.to_string();
                    if let Some(second) = rest.chars().next().filter(char::is_ascii_digit) {
                        name.push(second);
                        rest = &rest[1..];
                    }
                    match self.group(&name) {
                        Some(group) => Piece::Group(group),
                        None => return bad(format!("the pattern has no group {name}")),
                    }
                }
                Some('n') => Piece::Text("\n".to_owned()),
                Some('t') => Piece::Text("\t".to_owned()),
                Some('\\') => Piece::Text("\\".to_owned()),
                Some(other) if other.is_ascii_alphanumeric() => {
                    return bad(format!("`\\{other}` has no meaning"));
                }
                Some(other) => Piece::Text(format!("\\{other}")),
                None => return bad("it ends in `\\`".to_owned()),
            });
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(pieces)
    }

    fn group(&self, name: &str) -> Option<usize> {
        match name.parse() {
            Ok(number) => (number <= self.groups()).then_some(number),
            Err(_) => self
                .regex
                .capture_names()
                .position(|known| known == Some(name)),
        }
    }
}

enum Piece {
    Text(String),
    Group(usize),
}

/// A pattern of Python in the words of the crate that matches: `$` and `\Z`, and what only the crate gives a meaning.
fn translated(text: &str, is_multiline: bool) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    // Within `[…]`: how many characters of the set there were.
    let mut in_set: Option<usize> = None;
    while let Some(character) = characters.next() {
        match (character, &mut in_set) {
            ('\\', set) => {
                if let Some(count) = set {
                    *count += 1;
                }
                match characters.next() {
                    Some('Z') => out.push_str("\\z"),
                    Some(plain @ ('<' | '>')) => out.push(plain),
                    Some(other) => out.extend(['\\', other]),
                    None => out.push('\\'),
                }
            }
            ('[', None) => {
                out.push('[');
                in_set = Some(0);
                if characters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            ('$', None) if !is_multiline => out.push_str("(?=\\n?\\z)"),
            (other, None) => out.push(other),
            (']', Some(1..)) => {
                out.push(']');
                in_set = None;
            }
            (other, Some(count)) => {
                let follows_dash = other == '-' && out.ends_with('-') && *count > 1;
                if matches!(other, '[' | ']' | '&' | '~') || follows_dash {
                    out.push('\\');
                }
                out.push(other);
                *count += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pattern: &str, text: &str) -> Vec<String> {
        let pattern = Patterns::new(0, false).unwrap().get(pattern).unwrap();
        let all = pattern.all(text).unwrap();
        all.iter().map(|found| found[0].to_owned()).collect()
    }

    #[test]
    fn matches_are_those_of_python() {
        assert_eq!(all("a*", "baac"), ["", "aa", "", ""]);
        assert_eq!(all("a$", "aba\n"), ["a"]);
        assert_eq!(all(r"a\Z", "aba\n"), Vec::<String>::new());
        assert_eq!(all("[[]", "a[b"), ["["]);
        assert_eq!(all("[]a]", "a]b"), ["a", "]"]);
        assert_eq!(all("[a&&b]", "a&b"), ["a", "&", "b"]);
        assert_eq!(all("[+--]", "+,-."), ["+", ",", "-"]);
        assert_eq!(all(r"\<a\>", "<a>"), ["<a>"]);
        assert_eq!(all(r"(?<=b)a|(c)\1", "ba ca cc"), ["a", "cc"]);
    }

    #[test]
    fn a_replacement_names_groups() {
        let patterns = Patterns::new(0, true).unwrap();
        let pattern = patterns.get(r"(?P<one>b)(a)").unwrap();
        let replaced = |template, most| pattern.replaced("xBAba", template, most);
        assert_eq!(
            replaced(r"<\2\g<one>\g<0>>\n", -1).unwrap(),
            "x<ABBA>\n<abba>\n"
        );
        assert_eq!(replaced(r"-", 1).unwrap(), "x-ba");
        assert_eq!(replaced(r"-", 0).unwrap(), "xBAba");
        for bad in [r"\3", r"\g<two>", r"\q", r"\", r"\g1"] {
            replaced(bad, -1).unwrap_err();
        }
        assert!(patterns.get("(").is_err());
        assert!(Patterns::new(256, false).is_err());
    }
}
