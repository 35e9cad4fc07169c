//! `craton convert-metadata PATH --to v3`

use clap::{Args, ValueEnum};
use craton::convert::{Conversion, Converting, convert_metadata};
use craton::{Error, Result};
use serde_json::json;
use std::io::Write;

/// Write the metadata of a Zarr store as those of the other version, beside those that are there. Chunks are not touched.
#[derive(Args)]
pub struct ConvertMetadata {
    /// The folder of the store.
    path: String,
    /// The version to be.
    #[arg(long, value_name = "VERSION")]
    to: Version,
    /// Remove the metadata of the other version afterwards.
    #[arg(long)]
    remove_old: bool,
    /// Do it; without, what would happen is told.
    #[arg(long)]
    yes: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Version {
    /// `.zarray`, `.zgroup`, `.zattrs`.
    V2,
    /// `zarr.json`.
    V3,
}

impl ConvertMetadata {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let version = match self.to {
            Version::V2 => 2,
            Version::V3 => 3,
        };
        let asked = Converting {
            version,
            is_dry_run: !self.yes,
            removes_old: self.remove_old,
        };
        let conversion = convert_metadata(&self.path, asked)?;
        let text = match self.json {
            true => json!({
                "dry_run": !self.yes,
                "version": version,
                "groups": conversion.groups,
                "arrays": conversion.arrays,
                "written": conversion.written,
                "removed": conversion.removed,
            })
            .to_string(),
            false => self.told(&conversion, version),
        };
        writeln!(std::io::stdout().lock(), "{text}")
            .map_err(|error| Error::io("cannot write to standard output", error))
    }

    fn told(&self, conversion: &Conversion, version: u8) -> String {
        let wrote = if self.yes { "wrote" } else { "would write" };
        let mut text = format!(
            "{wrote} Zarr {version} metadata of {} and {} in {}",
            counted(conversion.groups.len(), "group"),
            counted(conversion.arrays.len(), "array"),
            counted(conversion.written.len(), "file")
        );
        if self.remove_old {
            let removed = if self.yes { "removed" } else { "would remove" };
            let files = counted(conversion.removed.len(), "file");
            text += &format!("\n{removed} {files} of the other version");
        }
        if !self.yes {
            text += "\n`--yes` does it";
        }
        text
    }
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
