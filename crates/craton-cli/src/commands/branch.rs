//! `craton branch REPO [NAME]` and `craton tag REPO [NAME]`

use clap::Args;
use craton::history::{Pointers, Repository};
use craton::{Error, Result};
use serde_json::json;
use std::io::Write;

/// What both commands take.
#[derive(Args)]
pub struct Named {
    /// The repository, and with `@` the version that a new name points at; `main` without.
    repository: String,
    /// The name to make; without, all are listed.
    name: Option<String>,
    /// Delete this name. Snapshots stay until garbage is collected.
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    delete: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// List, make or delete the branches of an Icechunk repository.
#[derive(Args)]
pub struct Branch {
    #[command(flatten)]
    named: Named,
}

/// List, make or delete the tags of an Icechunk repository.
#[derive(Args)]
pub struct Tag {
    #[command(flatten)]
    named: Named,
}

impl Branch {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        self.named.run(
            |repository| Ok(repository.names()?.branches),
            Repository::create_branch,
            Repository::delete_branch,
        )
    }
}

impl Tag {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        self.named.run(
            |repository| Ok(repository.names()?.tags),
            Repository::create_tag,
            Repository::delete_tag,
        )
    }
}

impl Named {
    fn run(
        self,
        list: impl Fn(&Repository) -> Result<Pointers>,
        create: impl Fn(&Repository, &str, &str) -> Result<String>,
        delete: impl Fn(&Repository, &str) -> Result<()>,
    ) -> Result<()> {
        let (repository, version) = Repository::open(&self.repository)?;
        let shown = match (&self.name, &self.delete) {
            (Some(name), _) => {
                let id = create(&repository, name, &version)?;
                Pointers::from([(name.clone(), id)])
            }
            (None, Some(name)) => {
                delete(&repository, name)?;
                return match self.json {
                    true => print(&(json!({"deleted": name}).to_string() + "\n")),
                    false => Ok(()),
                };
            }
            (None, None) => list(&repository)?,
        };
        let text = match self.json {
            true => json!(shown).to_string() + "\n",
            false => shown
                .iter()
                .map(|(name, id)| format!("{id}  {name}\n"))
                .collect(),
        };
        print(&text)
    }
}

fn print(text: &str) -> Result<()> {
    write!(std::io::stdout().lock(), "{text}")
        .map_err(|error| Error::io("cannot write to standard output", error))
}
