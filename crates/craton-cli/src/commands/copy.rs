//! `craton copy SRC DST`

use super::limits::Limits;
use crate::progress::Progress;
use clap::Args;
use craton::Result;
use craton::answer::AnswerOptions;
use std::io::Write;
use std::path::PathBuf;

/// Copy a file or store into another format, or with other chunks; values and attributes stay as they are stored.
#[derive(Args)]
pub struct Copy {
    /// What to copy: a file, a store, or `FILE!/group` for a part of one.
    source: String,
    /// Where the copy goes; its ending names the format: .zarr, .nc, .csv, .json; or icechunk+PATH@BRANCH.
    target: PathBuf,
    /// Chunks of a .zarr or .nc copy, such as time=24,lat=-1; those of the source by default.
    #[arg(long)]
    chunks: Option<String>,
    /// Shards of a .zarr copy, such as time=240,lat=-1; rounded up to whole chunks.
    #[arg(long)]
    shards: Option<String>,
    /// Codecs of a .zarr copy, such as zstd:3 or a chain in JSON, or of a .nc copy, such as zlib:4,fletcher32.
    #[arg(long)]
    codec: Option<String>,
    /// Format of a .nc copy: netcdf4, classic, 64bit-offset or cdf5.
    #[arg(long)]
    format: Option<String>,
    /// What the commit says, where the target is a branch of an Icechunk repository.
    #[arg(short, long)]
    message: Option<String>,
    /// Let the commit take the place of the branch's newest one in the history.
    #[arg(long)]
    amend: bool,
    /// Replace the target if it exists.
    #[arg(long)]
    overwrite: bool,
    /// Leave out variables that cannot be read, and say which.
    #[arg(long)]
    skip_broken: bool,
    #[command(flatten)]
    limits: Limits,
}

impl Copy {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let session = self.limits.session(false);
        let options = AnswerOptions {
            may_replace: self.overwrite,
            chunks: self.chunks,
            shards: self.shards,
            codec: self.codec,
            format: self.format,
            message: self.message,
            amends: self.amend,
            ..AnswerOptions::default()
        };
        let progress = Progress::watch(&session);
        let copied = craton::copy::copy(
            &self.source,
            &self.target,
            &options,
            self.skip_broken,
            &session,
        );
        drop(progress);
        for warning in copied? {
            // Nothing can be done if even standard error is gone.
            let _ = writeln!(std::io::stderr(), "{warning}");
        }
        Ok(())
    }
}
