//! What `craton eval` and `craton plot` are asked, and how the question is worked on.

use super::limits::Limits;
use clap::Args;
use craton::answer::{Answer, Question};
use craton::mistakes::check_words;
use craton::open::Keep;
use craton::size::parse_size;
use craton::{Error, Result, Session};
use std::io::Write;
use std::path::{Path, PathBuf};

// No doc comments on these, which clap would show as the description of the command.
#[derive(Args)]
pub(super) struct Asked {
    /// The expression, over `ds` and the names given to inputs; `-` reads it from standard input.
    #[arg(required_unless_present = "file")]
    expression: Option<String>,
    /// What to open, each a URL or `NAME=URL`; several without a name are one dataset, `ds`.
    inputs: Vec<String>,
    /// Take more inputs from a list, one to a line; `-` reads it from standard input.
    #[arg(long = "inputs", value_name = "FILE|-")]
    list: Option<PathBuf>,
    /// Read the expression from a file.
    #[arg(short, long, value_name = "FILE.py")]
    file: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Work {
    /// Take stored values as they are, without CF decoding.
    #[arg(long)]
    raw: bool,
    /// Print the plan and what it will read, then the answer and what was read.
    #[arg(long)]
    pub(super) explain: bool,
    /// Print the plan and stop.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) limits: Limits,
    /// Refuse to read more than this.
    #[arg(long, value_parser = parse_size)]
    max_read: Option<u64>,
    /// Where files overlap, take each label once: from the file that is named first, or last.
    #[arg(long, value_name = "first|last", value_parser = parse_keep)]
    keep: Option<Keep>,
    /// Leave files out that cannot be read, and list them.
    #[arg(long)]
    skip_bad: bool,
}

impl Work {
    /// Opens what is asked about and plans the answer; what there is to warn of is said.
    pub(super) fn plan(&self, asked: Asked, session: &Session) -> Result<Answer> {
        let mut inputs = asked.inputs;
        let expression = expression_of(asked.expression, asked.file.as_deref(), &mut inputs)?;
        if let Some(list) = &asked.list {
            inputs.extend(inputs_of(list)?);
        }
        let mut question = Question::new(&expression, &inputs, self.raw);
        question.options.keep = self.keep;
        question.options.skips_bad = self.skip_bad;
        let answer = Answer::plan(&question, session)?;
        for warning in answer.warnings() {
            say(&warning);
        }
        Ok(answer)
    }

    /// Prints the plan if that is asked for, and checks what it reads; whether the work goes on.
    pub(super) fn begins(
        &self,
        answer: &Answer,
        session: &Session,
        explain: impl FnOnce() -> Result<String>,
    ) -> Result<bool> {
        if self.explain || self.dry_run {
            std::io::stdout()
                .lock()
                .write_all(explain()?.as_bytes())
                .map_err(stdout_error)?;
        }
        if let Some(limit) = self.max_read {
            answer.check_reads(limit, session)?;
        }
        Ok(!self.dry_run)
    }

    /// Says what is to be remarked on the answer, and what was read if that is asked for.
    pub(super) fn end(&self, answer: &Answer, session: &Session) {
        for remark in answer.remarks(session) {
            say(&remark);
        }
        if self.explain {
            let done = session.metrics();
            say(&format!(
                "read {} bytes in {} requests, decoded {} chunks to {} bytes, wrote {} bytes",
                done.bytes_read,
                done.requests,
                done.chunks_decoded,
                done.bytes_decoded,
                done.bytes_written
            ));
            let cache = craton::cache_use();
            if cache != craton::CacheUse::default() {
                say(&format!(
                    "the cache gave {} reads with {} bytes, {} with {} bytes were fetched",
                    cache.hits, cache.hit_bytes, cache.misses, cache.missed_bytes
                ));
            }
        }
    }
}

/// The expression as typed, or of a file; with a file, the first word is an input.
fn expression_of(
    typed: Option<String>,
    file: Option<&Path>,
    inputs: &mut Vec<String>,
) -> Result<String> {
    if let Some(path) = file {
        if let Some(input) = typed {
            inputs.insert(0, input);
        }
        return read_text(path, "the expression");
    }
    let text = typed.unwrap_or_default();
    if text == "-" {
        return read_text(Path::new("-"), "the expression");
    }
    check_words(&text, inputs)?;
    Ok(text)
}

/// What stands in a file, or on standard input if that is named `-`.
fn read_text(path: &Path, what: &str) -> Result<String> {
    let read = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| {
        Error::io(format!("cannot read {what}"), error).at(path.display().to_string())
    })
}

/// The inputs in a list; empty lines and lines that begin with `#` are none.
fn inputs_of(list: &Path) -> Result<Vec<String>> {
    let text = read_text(list, "the list of inputs")?;
    let lines = text.lines().map(str::trim);
    Ok(lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect())
}

fn parse_keep(text: &str) -> Result<Keep, String> {
    Keep::from_name(text).ok_or_else(|| format!("`{text}` is neither `first` nor `last`"))
}

/// Talk goes to standard error; nothing can be done if even that is gone.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

pub(super) fn stdout_error(error: std::io::Error) -> Error {
    Error::io("cannot write to standard output", error)
}
