//! `craton reset REPO BRANCH VERSION`

use clap::Args;
use craton::history::Repository;
use craton::{Error, Result};
use serde_json::json;
use std::io::Write;

/// Point a branch of an Icechunk repository at another version.
#[derive(Args)]
pub struct Reset {
    /// The repository.
    repository: String,
    /// The branch that moves.
    branch: String,
    /// The branch, tag or snapshot that it points at from now on.
    to: String,
    /// Do it; without, what would happen is told.
    #[arg(long)]
    yes: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Reset {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let (repository, _) = Repository::open(&self.repository)?;
        let (before, after) = repository.reset(&self.branch, &self.to, self.yes)?;
        let text = match self.json {
            true => json!({"branch": self.branch, "from": before, "to": after}).to_string(),
            false => format!("{} points at {after}; it pointed at {before}", self.branch),
        };
        writeln!(std::io::stdout().lock(), "{text}")
            .map_err(|error| Error::io("cannot write to standard output", error))
    }
}
