//! `craton move REPO FROM TO`

use clap::Args;
use craton::history::Repository;
use craton::{Error, Result};
use serde_json::json;
use std::io::Write;

/// Give an array or a group of an Icechunk repository another path, as one commit; no chunk is touched.
#[derive(Args)]
pub struct Move {
    /// The repository, and with `@` the branch; `main` without.
    repository: String,
    /// The path of the array or group, such as `/surface/t2m`.
    from: String,
    /// Its new path, in a group that is there.
    to: String,
    /// What the commit says.
    #[arg(short, long)]
    message: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Move {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let (repository, branch) = Repository::open(&self.repository)?;
        let message = self.message.as_deref();
        let id = repository.relocate(&branch, &self.from, &self.to, message)?;
        let text = match self.json {
            true => json!({"from": self.from, "to": self.to, "branch": branch, "snapshot": id})
                .to_string(),
            false => format!("{} is now {}, in {id} of {branch}", self.from, self.to),
        };
        writeln!(std::io::stdout().lock(), "{text}")
            .map_err(|error| Error::io("cannot write to standard output", error))
    }
}
