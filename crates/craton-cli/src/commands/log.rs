//! `craton log REPO`

use clap::Args;
use craton::history::{Names, Repository, Snapshot, at};
use craton::{Error, Result};
use std::io::Write;

/// Show the history of an Icechunk repository: its snapshots, newest first, with branches and tags.
#[derive(Args)]
pub struct Log {
    /// The repository, and with `@` the branch, tag or snapshot to begin at; `main` without.
    repository: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Log {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let (repository, version) = Repository::open(&self.repository)?;
        let text = match self.json {
            true => repository.log(&version)?.to_string(),
            false => {
                let names = repository.names()?;
                let snapshots = repository.history(&version)?;
                let lines = snapshots.iter().map(|one| line(one, &names));
                lines.collect::<Vec<_>>().join("\n")
            }
        };
        writeln!(std::io::stdout().lock(), "{text}")
            .map_err(|error| Error::io("cannot write to standard output", error))
    }
}

/// One snapshot for people; of the message, its first line.
fn line(one: &Snapshot, names: &Names) -> String {
    let branches = at(&names.branches, &one.id).into_iter();
    let branches = branches.map(|name| format!("branch {name}"));
    let tags = at(&names.tags, &one.id).into_iter();
    let tags = tags.map(|name| format!("tag {name}"));
    let names: Vec<String> = branches.chain(tags).collect();
    let names = match names.is_empty() {
        true => String::new(),
        false => format!("({}) ", names.join(", ")),
    };
    let message = one.message.lines().next().unwrap_or_default();
    format!("{}  {}  {names}{message}", one.id, one.time)
}
