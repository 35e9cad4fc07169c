//! `craton eval EXPR [NAME=]URL...`

use crate::interrupt::cancel_on_interrupt;
use crate::progress::Progress;
use clap::Args;
use craton::answer::{Answer, AnswerOptions, Question};
use craton::mistakes::check_words;
use craton::open::Keep;
use craton::size::parse_size;
use craton::{Error, Result, Session};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Compute an expression over the data at URLs.
#[derive(Args)]
pub struct Eval {
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
    /// Where the answer goes, by its ending: .zarr, .nc, .csv, .json, .png, .svg; or icechunk+PATH@BRANCH.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print a single value bare.
    #[arg(long)]
    value: bool,
    /// Take stored values as they are, without CF decoding.
    #[arg(long)]
    raw: bool,
    /// Print the plan and what it will read, then the answer and what was read.
    #[arg(long)]
    explain: bool,
    /// Print the plan and stop.
    #[arg(long)]
    dry_run: bool,
    /// Memory for the whole process, such as 2GiB; half of what is available by default.
    #[arg(long, value_parser = parse_size)]
    memory: Option<u64>,
    /// Threads; all cores by default.
    #[arg(long)]
    threads: Option<usize>,
    /// Refuse to read more than this.
    #[arg(long, value_parser = parse_size)]
    max_read: Option<u64>,
    /// Where files overlap, take each label once: from the file that is named first, or last.
    #[arg(long, value_name = "first|last", value_parser = parse_keep)]
    keep: Option<Keep>,
    /// Leave files out that cannot be read, and list them.
    #[arg(long)]
    skip_bad: bool,
    /// Let slices take nothing, which is an error otherwise.
    #[arg(long)]
    allow_empty: bool,
    /// Replace the output if it exists.
    #[arg(long)]
    overwrite: bool,
    /// Chunks of a .zarr or .nc output, such as time=24,lat=-1.
    #[arg(long)]
    chunks: Option<String>,
    /// Shards of a .zarr output, such as time=240,lat=-1; rounded up to whole chunks.
    #[arg(long)]
    shards: Option<String>,
    /// Codec of a .zarr output, such as zstd:3, or of a .nc output, such as zlib:4,fletcher32.
    #[arg(long)]
    codec: Option<String>,
    /// Format of a .nc output: netcdf4, classic, 64bit-offset or cdf5.
    #[arg(long)]
    format: Option<String>,
    /// Append to the .zarr output that is there, along this dimension.
    #[arg(long, value_name = "DIM")]
    append_dim: Option<String>,
    /// Write into a region of the .zarr output that is there, such as time=0:24,lat=auto; auto finds it by the labels.
    #[arg(long)]
    region: Option<String>,
    /// What the commit says, where the output is a branch of an Icechunk repository; the expression by default.
    #[arg(short, long)]
    message: Option<String>,
}

impl Eval {
    /// Runs the command.
    pub fn run(mut self) -> Result<()> {
        let expression = expression_of(
            self.expression.take(),
            self.file.as_deref(),
            &mut self.inputs,
        )?;
        if let Some(list) = &self.list {
            self.inputs.extend(inputs_of(list)?);
        }
        let session = Session::new(self.threads, self.memory).allowing_empty(self.allow_empty);
        cancel_on_interrupt(&session);
        let mut question = Question::new(&expression, &self.inputs, self.raw);
        question.options.keep = self.keep;
        question.options.skips_bad = self.skip_bad;
        let answer = Answer::plan(&question, &session)?;
        for warning in answer.warnings() {
            say(&warning);
        }
        let mut out = std::io::stdout().lock();
        let options = AnswerOptions {
            is_json: self.json,
            is_bare: self.value || !out.is_terminal(),
            may_replace: self.overwrite,
            chunks: self.chunks.clone(),
            shards: self.shards.clone(),
            codec: self.codec.clone(),
            format: self.format.clone(),
            append_dim: self.append_dim.clone(),
            region: self.region.clone(),
            message: self.message.clone(),
        };
        if self.explain || self.dry_run {
            let text = match &self.output {
                Some(path) => answer.explain_writing(path, &options, &session)?,
                None => answer.explain(&session)?,
            };
            out.write_all(text.as_bytes()).map_err(stdout_error)?;
        }
        if let Some(limit) = self.max_read {
            answer.check_reads(limit, &session)?;
        }
        if self.dry_run {
            return Ok(());
        }
        let progress = Progress::watch(&session);
        match &self.output {
            Some(path) => {
                answer.write_to(path, &options, &session)?;
                drop(progress);
            }
            None => answer.print(&mut progress.until_written(out), &options, &session)?,
        }
        for remark in answer.remarks(&session) {
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
        }
        Ok(())
    }
}

/// The expression as typed, or of a file; with a file, the first word is an input.
pub(super) fn expression_of(
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
pub(super) fn inputs_of(list: &Path) -> Result<Vec<String>> {
    let text = read_text(list, "the list of inputs")?;
    let lines = text.lines().map(str::trim);
    Ok(lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect())
}

fn parse_keep(text: &str) -> Result<Keep, String> {
    match text {
        "first" => Ok(Keep::First),
        "last" => Ok(Keep::Last),
        other => Err(format!("`{other}` is neither `first` nor `last`")),
    }
}

/// Talk goes to standard error; nothing can be done if even that is gone.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn stdout_error(error: std::io::Error) -> Error {
    Error::io("cannot write to standard output", error)
}
