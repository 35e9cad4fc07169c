//! `craton replay OUT...`

use super::limits::Limits;
use crate::progress::Progress;
use clap::Args;
use craton::replay::{Verdict, replay};
use craton::{Error, Result};
use std::io::Write;
use std::process::ExitCode;

/// Compute results again by the recipes that they carry, and compare every value with what is stored.
#[derive(Args)]
#[command(after_help = "The exit code is 1 if a result is not identical.")]
pub struct Replay {
    /// Results that `craton eval -o` or `craton copy` wrote: `.zarr`, `.nc` or repositories.
    #[arg(required = true)]
    urls: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: Limits,
}

impl Replay {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode> {
        let session = self.limits.session(false);
        let mut all_identical = true;
        for url in &self.urls {
            let progress = Progress::watch(&session);
            let replayed = replay(url, &session);
            drop(progress);
            let replayed = replayed?;
            all_identical &= replayed.verdict() == Verdict::Identical;
            let text = match self.json {
                true => replayed.to_json().to_string(),
                false => replayed.to_text(),
            };
            writeln!(std::io::stdout().lock(), "{}", text.trim_end())
                .map_err(|error| Error::io("cannot write to standard output", error))?;
        }
        Ok(ExitCode::from(u8::from(!all_identical)))
    }
}
