//! Where a piece of text stands, and errors that show it.

use craton_core::Error;

/// A range of bytes in the source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// Characters of a line that a snippet shows around the place.
const SNIPPET_BEFORE: usize = 60;
const SNIPPET_WIDTH: usize = 100;

impl Span {
    /// The bytes `start..end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// The text under this span; empty if the span does not fit `source`.
    #[must_use]
    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or_default()
    }

    /// Line and column of the first byte, both from 1; columns count characters.
    #[must_use]
    pub fn line_and_column(self, source: &str) -> (usize, usize) {
        let before = source.get(..self.start).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = 1 + before.matches('\n').count();
        (line, 1 + before[line_start..].chars().count())
    }

    /// A usage error that says `problem`, the line and column, and shows the place under a caret.
    #[must_use]
    pub fn error(self, source: &str, problem: impl AsRef<str>) -> Error {
        let (line, column) = self.line_and_column(source);
        let problem = problem.as_ref();
        let snippet = self.snippet(source, column);
        Error::usage(format!(
            "{problem} at line {line}, column {column}\n{snippet}"
        ))
    }

    fn snippet(self, source: &str, column: usize) -> String {
        let start = self.start.min(source.len());
        let line_start = source[..floor_boundary(source, start)]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let line = source[line_start..].lines().next().unwrap_or_default();
        let skipped = (column - 1).saturating_sub(SNIPPET_BEFORE);
        // Tabs and control characters would move the caret or the reader's terminal.
        let shown: String = line
            .chars()
            .skip(skipped)
            .take(SNIPPET_WIDTH)
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .collect();
        let offset = column - 1 - skipped;
        let room = shown.chars().count().saturating_sub(offset).max(1);
        let carets = self.text(source).chars().count().clamp(1, room);
        format!(
            "    {}\n    {}{}",
            shown.trim_end(),
            " ".repeat(offset),
            "^".repeat(carets)
        )
    }
}

fn floor_boundary(source: &str, mut at: usize) -> usize {
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_line_column_and_caret() {
        let source = "a = 1\nb = é + oops";
        let at = source.find("oops").unwrap();
        let error = Span::new(at, at + 4).error(source, "unknown name `oops`");
        assert_eq!(
            error.message(),
            "unknown name `oops` at line 2, column 9\n    b = é + oops\n            ^^^^"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let source = format!("{}!{}", "x".repeat(5000), "y".repeat(5000));
        let error = Span::new(5000, 5001).error(&source, "no");
        assert!(error.message().len() < 400);
        let lines: Vec<&str> = error.message().lines().collect();
        assert_eq!(lines[1].find('!'), lines[2].find('^'));
    }

    #[test]
    fn any_span_gives_an_error_and_never_a_panic() {
        for source in ["", "é", "\n\n", "a\té"] {
            for start in 0..6 {
                for end in 0..6 {
                    let _ = Span::new(start, end).error(source, "x");
                }
            }
        }
    }
}
