//! `craton log REPO`

use clap::Args;
use craton::history::{Names, Pointers, Repository, Snapshot};
use craton::{Error, Result};
use serde_json::json;
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
        let snapshots = repository.history(&version)?;
        let names = repository.names()?;
        let text = match self.json {
            true => {
                let line = |one: &Snapshot| {
                    json!({
                        "id": one.id,
                        "parent": one.parent,
                        "time": one.time,
                        "message": one.message,
                        "branches": at(&names.branches, &one.id),
                        "tags": at(&names.tags, &one.id),
                        "properties": one.properties,
                    })
                };
                json!(snapshots.iter().map(line).collect::<Vec<_>>()).to_string()
            }
            false => snapshots
                .iter()
                .map(|one| line(one, &names))
                .collect::<Vec<_>>()
                .join("\n"),
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

/// The names that point at a snapshot.
fn at<'a>(names: &'a Pointers, snapshot: &str) -> Vec<&'a str> {
    let here = names.iter().filter(|(_, id)| *id == snapshot);
    here.map(|(name, _)| name.as_str()).collect()
}
