//! `craton diff A B`

use super::limits::Limits;
use crate::progress::Progress;
use clap::Args;
use craton::diff::{DiffOptions, diff};
use craton::open::OpenOptions;
use craton::{Error, Result};
use std::io::Write;
use std::process::ExitCode;

/// Compare two URLs: metadata first, then values.
#[derive(Args)]
#[command(
    after_help = "Values that are missing in both are equal. Relative differences are told as |a - b| / max(|a|, |b|).\n\
                  The exit code is 0 if nothing differs and 1 if something does; errors have codes of their own."
)]
pub struct Diff {
    /// The first, of any format; `FILE!/path` for a group or an array in it.
    a: String,
    /// The second, to which `--rtol` refers.
    b: String,
    /// Allow values to differ by this part of the second one.
    #[arg(long, default_value_t = 0.0, value_parser = parse_tolerance)]
    rtol: f64,
    /// Allow values to differ by this much.
    #[arg(long, default_value_t = 0.0, value_parser = parse_tolerance)]
    atol: f64,
    /// Leave attributes of this name out; may be given several times.
    #[arg(long = "ignore-attribute", value_name = "NAME")]
    ignored: Vec<String>,
    /// Compare stored values as they are, without CF decoding.
    #[arg(long)]
    raw: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: Limits,
}

impl Diff {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode> {
        let session = self.limits.session(false);
        let options = DiffOptions {
            open: OpenOptions {
                decodes_cf: !self.raw,
                ..OpenOptions::default()
            },
            rtol: self.rtol,
            atol: self.atol,
            ignored_attributes: self.ignored,
        };
        let progress = Progress::watch(&session);
        let found = diff(&self.a, &self.b, &options, &session)?;
        drop(progress);
        let text = match self.json {
            true => found.to_json().to_string(),
            false => found.to_text(),
        };
        writeln!(std::io::stdout().lock(), "{}", text.trim_end())
            .map_err(|error| Error::io("cannot write to standard output", error))?;
        Ok(match found.is_equal() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(1),
        })
    }
}

fn parse_tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
        _ => Err(format!(
            "`{text}` is no tolerance; write a number from 0 on, such as 1e-6"
        )),
    }
}
