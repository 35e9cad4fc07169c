//! `craton eval EXPR [NAME=]URL...`

use super::asked::{Asked, Work};
use crate::progress::Progress;
use clap::Args;
use craton::Result;
use craton::answer::AnswerOptions;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Compute an expression over the data at URLs.
#[derive(Args)]
pub struct Eval {
    #[command(flatten)]
    asked: Asked,
    /// Where the answer goes, by its ending: .zarr, .nc, .csv, .json, .png, .svg; or icechunk+PATH@BRANCH.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print a single value bare.
    #[arg(long)]
    value: bool,
    #[command(flatten)]
    work: Work,
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
    /// Codecs of a .zarr output, such as zstd:3 or a chain in JSON, or of a .nc output, such as zlib:4,fletcher32.
    #[arg(long)]
    codec: Option<String>,
    /// Format of a .nc output: netcdf4, classic, 64bit-offset or cdf5.
    #[arg(long)]
    format: Option<String>,
    /// Append to the .zarr or icechunk+ output that is there, along this dimension.
    #[arg(long, value_name = "DIM")]
    append_dim: Option<String>,
    /// Write into a region of the .zarr or icechunk+ output that is there, such as time=0:24,lat=auto; auto finds it by the labels.
    #[arg(long)]
    region: Option<String>,
    /// What the commit says, where the output is a branch of an Icechunk repository; the expression by default.
    #[arg(short, long)]
    message: Option<String>,
    /// Let the commit take the place of the branch's newest one in the history.
    #[arg(long)]
    amend: bool,
    /// Whose values a chunk has that somebody else changed since this began: fail (the default), ours or theirs.
    #[arg(long, value_name = "fail|ours|theirs")]
    on_conflict: Option<String>,
}

impl Eval {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let session = self.work.limits.session(self.allow_empty);
        let answer = self.work.plan(self.asked, &session)?;
        let out = std::io::stdout();
        let options = AnswerOptions {
            is_json: self.json,
            is_bare: self.value || !out.is_terminal(),
            may_replace: self.overwrite,
            chunks: self.chunks,
            shards: self.shards,
            codec: self.codec,
            format: self.format,
            append_dim: self.append_dim,
            region: self.region,
            message: self.message,
            amends: self.amend,
            on_conflict: self.on_conflict,
            ..AnswerOptions::default()
        };
        let explain = || match &self.output {
            Some(path) => answer.explain_writing(path, &options, &session),
            None => answer.explain(&session),
        };
        if !self.work.begins(&answer, &session, explain)? {
            return Ok(());
        }
        let progress = Progress::watch(&session);
        match &self.output {
            Some(path) => {
                answer.write_to(path, &options, &session)?;
                drop(progress);
            }
            None => answer.print(&mut progress.until_written(out.lock()), &options, &session)?,
        }
        self.work.end(&answer, &session);
        Ok(())
    }
}
