//! `craton verify URL...`

use super::limits::Limits;
use crate::progress::Progress;
use clap::Args;
use craton::verify::verify;
use craton::{Error, Result};
use std::io::Write;

/// Read and decode every chunk, with the checksums that it has, and tell what is damaged.
#[derive(Args)]
#[command(after_help = "The exit code is that of the first damage.")]
pub struct Verify {
    /// What to look at: stores, files, repositories, or a group or array in one.
    #[arg(required = true)]
    urls: Vec<String>,
    /// Look for so many chunks of each array only, as far from each other as can be.
    #[arg(long, value_name = "CHUNKS", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: Limits,
}

impl Verify {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let session = self.limits.session(false);
        let mut first_error = None;
        for url in &self.urls {
            let progress = Progress::watch(&session);
            let verification = verify(url, self.sample, &session);
            drop(progress);
            let verification = verification?;
            let text = match self.json {
                true => verification.to_json().to_string(),
                false => verification.to_text(),
            };
            writeln!(std::io::stdout().lock(), "{}", text.trim_end())
                .map_err(|error| Error::io("cannot write to standard output", error))?;
            if first_error.is_none() {
                let error = verification.first_error();
                first_error = error
                    .map(|error| Error::new(error.kind(), format!("not all of `{url}` is whole")));
            }
        }
        first_error.map_or(Ok(()), Err)
    }
}
