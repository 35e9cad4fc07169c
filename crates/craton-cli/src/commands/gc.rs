//! `craton gc REPO`

use clap::Args;
use craton::history::{Collecting, Garbage, Repository, garbage_to_json};
use craton::moment::parse_moment;
use craton::size::show_size;
use craton::{Error, Result};
use std::io::Write;
use std::time::SystemTime;

/// Remove what no branch or tag of an Icechunk repository leads to any more: snapshots, manifests and chunks.
#[derive(Args)]
pub struct Gc {
    /// The repository.
    repository: String,
    /// Take snapshots committed before this out of the history first, but for those that a branch or tag points at: an age
    /// such as `30d`, or a date
    #[arg(long, value_name = "WHEN", value_parser = parse_moment)]
    expire_before: Option<SystemTime>,
    /// Leave what was written after this: it may belong to a commit in the making
    #[arg(long, value_name = "WHEN", default_value = "1d", value_parser = parse_moment)]
    written_before: SystemTime,
    /// Do it; without, what would happen is told.
    #[arg(long)]
    yes: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Gc {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let (repository, _) = Repository::open(&self.repository)?;
        let garbage = repository.collect(Collecting {
            expire_before: self.expire_before,
            written_before: self.written_before,
            is_dry_run: !self.yes,
        })?;
        let text = match self.json {
            true => garbage_to_json(&garbage, !self.yes).to_string(),
            false => self.told(&garbage),
        };
        writeln!(std::io::stdout().lock(), "{text}")
            .map_err(|error| Error::io("cannot write to standard output", error))
    }

    fn told(&self, garbage: &Garbage) -> String {
        let verb = if self.yes { "removed" } else { "would remove" };
        let mut text = String::new();
        if self.expire_before.is_some() {
            let verb = if self.yes { "left" } else { "would leave" };
            text += &format!("{} snapshots {verb} the history\n", garbage.expired.len());
        }
        text += &format!(
            "{verb} {} chunks, {} manifests, {} snapshots, {} transaction logs: {}",
            garbage.chunks,
            garbage.manifests,
            garbage.snapshots,
            garbage.transaction_logs,
            show_size(garbage.bytes)
        );
        if !self.yes {
            let more = match garbage.expired.is_empty() {
                true => "",
                false => "; what only those that leave the history lead to is not counted",
            };
            text += &format!("\n`--yes` does it{more}");
        }
        text
    }
}
