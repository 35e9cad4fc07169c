//! `craton replay OUT...`

use crate::interrupt::cancel_on_interrupt;
use crate::progress::Progress;
use clap::Args;
use craton::replay::{Verdict, replay};
use craton::size::parse_size;
use craton::{Error, Result, Session};
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
    /// Memory for the whole process, such as 2GiB; half of what is available by default.
    #[arg(long, value_parser = parse_size)]
    memory: Option<u64>,
    /// Threads; all cores by default.
    #[arg(long)]
    threads: Option<usize>,
}

impl Replay {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode> {
        let session = Session::new(self.threads, self.memory);
        cancel_on_interrupt(&session);
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
