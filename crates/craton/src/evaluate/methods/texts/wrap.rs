//! Texts in lines of a width, as Python's `textwrap` makes them.

use super::{TEXTS, Texts};
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, method};
use craton_core::{DType, Error, Result, Scalar};
use fancy_regex::Regex;

pub(in crate::evaluate::methods) const ENTRIES: &[Entry] = &[method(
    "wrap",
    TEXTS,
    "width, *, initial_indent='', subsequent_indent='', expand_tabs=True, replace_whitespace=True, \
     break_long_words=True, drop_whitespace=True, break_on_hyphens=True, tabsize=8",
    "Each text in lines of at most so many characters.",
    &["ds.time.dt.strftime(\"%d of %B %Y\").str.wrap(8)"],
    |call| {
        let wrapper = Wrapper::of(call)?;
        Texts::of(call, &["width"])?.map(DType::Utf8, |text, beside| {
            let width = beside.need_whole(0)?;
            let width = usize::try_from(width).ok().filter(|width| *width > 0);
            let width = width.ok_or_else(|| Error::invalid("the width must be above 0"))?;
            let lines = wrapper.lines(wrapper.chunks(text)?, width);
            Ok(Scalar::from_text(&lines.join("\n")))
        })
    },
)];

/// Where a text may be broken: at white space, and behind hyphens and before dashes within words. It is that of
/// `textwrap.TextWrapper`, each match a chunk.
const AT_HYPHENS: &str = r#"(?x)
    [\t\n\x0b\x0c\r\ ]+
  | (?<=[\w!"'&.,?]) -{2,} (?=\w)
  | [^\t\n\x0b\x0c\r\ ]+? (?:
        -(?: (?<=[^\d\W]{2}-) | (?<=[^\d\W]-[^\d\W]-)) (?= [^\d\W] -? [^\d\W])
      | (?=[\t\n\x0b\x0c\r\ ]|\z)
      | (?<=[\w!"'&.,?]) (?=-{2,}\w)
    )"#;
const AT_SPACES: &str = r"[\t\n\x0b\x0c\r ]+";

/// How texts are broken.
struct Wrapper {
    first_indent: String,
    indent: String,
    expands_tabs: bool,
    replaces_spaces: bool,
    breaks_words: bool,
    drops_spaces: bool,
    breaks_hyphens: bool,
    tab: usize,
    breaks: Regex,
}

impl Wrapper {
    fn of(call: &Call<'_>) -> Result<Self> {
        let text = |name| Ok::<_, Error>(call.text(name)?.unwrap_or_default().to_owned());
        let is_on = |name| Ok::<_, Error>(call.bool(name)?.unwrap_or(true));
        let breaks_hyphens = is_on("break_on_hyphens")?;
        let breaks = if breaks_hyphens {
            AT_HYPHENS
        } else {
            AT_SPACES
        };
        Ok(Self {
            first_indent: text("initial_indent")?,
            indent: text("subsequent_indent")?,
            expands_tabs: is_on("expand_tabs")?,
            replaces_spaces: is_on("replace_whitespace")?,
            breaks_words: is_on("break_long_words")?,
            drops_spaces: is_on("drop_whitespace")?,
            breaks_hyphens,
            tab: call.count("tabsize")?.unwrap_or(8),
            breaks: Regex::new(breaks)
                .map_err(|cause| Error::internal("the pattern of words").caused_by(cause))?,
        })
    }

    /// A text in the pieces between which lines may end.
    fn chunks(&self, text: &str) -> Result<Vec<Vec<char>>> {
        let mut text = text.to_owned();
        if self.expands_tabs {
            text = with_tabs_expanded(&text, self.tab);
        }
        if self.replaces_spaces {
            text = text.replace(['\t', '\n', '\x0b', '\x0c', '\r'], " ");
        }
        let mut chunks = Vec::new();
        let mut at = 0;
        for found in self.breaks.find_iter(&text) {
            let found =
                found.map_err(|cause| Error::invalid("a text of words").caused_by(cause))?;
            chunks.push(&text[at..found.start()]);
            chunks.push(found.as_str());
            at = found.end();
        }
        chunks.push(&text[at..]);
        chunks.retain(|chunk| !chunk.is_empty());
        Ok(chunks.iter().map(|chunk| chunk.chars().collect()).collect())
    }

    fn lines(&self, chunks: Vec<Vec<char>>, width: usize) -> Vec<String> {
        let is_space = |chunk: &[char]| chunk.iter().all(|letter| letter.is_whitespace());
        // The next chunk comes last.
        let mut rest: Vec<Vec<char>> = chunks.into_iter().rev().collect();
        let mut lines: Vec<String> = Vec::new();
        while let Some(next) = rest.last() {
            let indent = if lines.is_empty() {
                &self.first_indent
            } else {
                &self.indent
            };
            let room = width as i64 - indent.chars().count() as i64;
            if self.drops_spaces && !lines.is_empty() && is_space(next) {
                rest.pop();
            }
            let (mut line, mut length): (Vec<Vec<char>>, usize) = (Vec::new(), 0);
            while let Some(chunk) = rest.pop_if(|chunk| (length + chunk.len()) as i64 <= room) {
                length += chunk.len();
                line.push(chunk);
            }
            if rest.last().is_some_and(|chunk| chunk.len() as i64 > room) {
                self.break_word(&mut rest, &mut line, length, room);
            }
            if self.drops_spaces {
                line.pop_if(|chunk| is_space(chunk));
            }
            if !line.is_empty() {
                lines.push(indent.chars().chain(line.into_iter().flatten()).collect());
            }
        }
        lines
    }

    /// Puts what fits of a chunk that fits on no line onto this one; all of it where words stay whole.
    fn break_word(
        &self,
        rest: &mut Vec<Vec<char>>,
        line: &mut Vec<Vec<char>>,
        length: usize,
        room: i64,
    ) {
        let Some(word) = rest.last_mut() else {
            return;
        };
        if !self.breaks_words {
            if line.is_empty() {
                line.extend(rest.pop());
            }
            return;
        }
        // One character at least, or there would be no end of lines.
        let left = if room < 1 {
            1
        } else {
            (room as usize).saturating_sub(length)
        };
        let mut end = left.min(word.len());
        if self.breaks_hyphens && word.len() > left {
            let hyphen = word[..end].iter().rposition(|letter| *letter == '-');
            let hyphen = hyphen.filter(|at| word[..*at].iter().any(|letter| *letter != '-'));
            end = hyphen.map_or(end, |at| at + 1);
        }
        line.push(word.drain(..end).collect());
    }
}

/// Tabs as spaces up to the next place that `size` divides.
fn with_tabs_expanded(text: &str, size: usize) -> String {
    let (mut expanded, mut column) = (String::new(), 0);
    for letter in text.chars() {
        match letter {
            '\t' if size == 0 => {}
            '\t' => {
                let count = size - column % size;
                expanded.extend(std::iter::repeat_n(' ', count));
                column += count;
            }
            '\n' | '\r' => {
                expanded.push(letter);
                column = 0;
            }
            letter => {
                expanded.push(letter);
                column += 1;
            }
        }
    }
    expanded
}
