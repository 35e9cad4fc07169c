//! `craton info URL...`

use super::limits::Limits;
use crate::progress::Progress;
use clap::Args;
use craton::check::{Report, Severity, check};
use craton::info::Info as Facts;
use craton::open::{expand, open_stored_with};
use craton::{Error, Result, StoreSettings};
use serde_json::Value;
use std::io::Write;
use std::process::ExitCode;

/// Show what lies at URLs.
#[derive(Args)]
#[command(
    after_help = "With `--check` the exit code is 1 if there are errors; warnings alone leave it at 0."
)]
pub struct Info {
    /// What to look at.
    #[arg(required = true)]
    urls: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Add minimum, mean, maximum and the count of missing and infinite values, of every variable in one scan.
    #[arg(long)]
    stats: bool,
    /// Check units, calendars, coordinates, axes and types of attributes by the CF conventions.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    limits: Limits,
}

impl Info {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode> {
        let mut first_error = None;
        let mut has_errors = false;
        let session = (self.stats || self.check).then(|| self.limits.session(false));
        let settings = StoreSettings::current()?;
        let urls = self.urls.iter().map(|url| expand(url, &settings));
        for url in urls.collect::<Result<Vec<_>>>()?.concat() {
            let stored = open_stored_with(&url, &settings)?;
            let mut facts = Facts::of_stored(&stored)?;
            let mut report = None;
            if let Some(session) = &session {
                let progress = Progress::watch(session);
                if self.stats {
                    let error = facts.add_statistics(&stored, session)?;
                    first_error = first_error.or(error);
                }
                if self.check {
                    report = Some(check(&stored, session)?);
                }
                drop(progress);
            }
            self.print(&facts, report.as_ref())?;
            has_errors |= report.is_some_and(|report| report.count(Severity::Error) > 0);
        }
        match first_error {
            Some(error) => Err(error),
            None if has_errors => Ok(ExitCode::from(1)),
            None => Ok(ExitCode::SUCCESS),
        }
    }

    fn print(&self, facts: &Facts, report: Option<&Report>) -> Result<()> {
        let text = match (report, self.json) {
            (Some(report), true) => {
                let mut json = facts.to_json();
                if let Value::Object(json) = &mut json {
                    json.insert("check".to_owned(), report.to_json());
                }
                json.to_string()
            }
            (None, true) => facts.to_json().to_string(),
            (Some(report), false) if self.stats => facts.to_text() + &report.to_text(),
            (Some(report), false) => report.to_text(),
            (None, false) => facts.to_text(),
        };
        writeln!(std::io::stdout().lock(), "{}", text.trim_end())
            .map_err(|error| Error::io("cannot write to standard output", error))
    }
}
