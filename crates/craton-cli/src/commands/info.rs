//! `craton info URL...`

use clap::Args;
use craton::{Error, Result};
use std::io::Write;

/// Show what lies at URLs.
#[derive(Args)]
pub struct Info {
    /// What to look at.
    #[arg(required = true)]
    urls: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Info {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        for url in &self.urls {
            let info = craton::info::info(url)?;
            let text = if self.json {
                info.to_json().to_string()
            } else {
                info.to_text()
            };
            writeln!(out, "{}", text.trim_end())
                .map_err(|error| Error::io("cannot write to standard output", error))?;
        }
        Ok(())
    }
}
