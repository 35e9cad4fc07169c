//! Findings as text for people and as JSON.

use super::{Finding, Report, Severity};
use serde_json::{Value, json};
use std::fmt::Write;

impl Report {
    /// Findings by variable, worst first, and how many there are.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("check {}\n", self.url);
        let has_groups = self.findings.iter().any(|finding| finding.group != "/");
        for finding in &self.findings {
            // Writing into memory does not fail.
            let _ = finding.write(&mut out, has_groups);
        }
        let number = |count: usize, noun: &str| match count {
            1 => format!("1 {noun}"),
            count => format!("{count} {noun}s"),
        };
        let _ = writeln!(
            out,
            "{} and {} in {}",
            number(self.count(Severity::Error), "error"),
            number(self.count(Severity::Warning), "warning"),
            number(self.variables, "variable"),
        );
        out
    }

    /// `{"url", "errors", "warnings", "variables", "findings": [{"rule", "severity", "group", "variable", "message",
    /// "hint"}]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "url": self.url,
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "variables": self.variables,
            "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Finding {
    fn write(&self, out: &mut String, has_groups: bool) -> std::fmt::Result {
        let group = match has_groups {
            true => format!("{}/", self.group.trim_end_matches('/')),
            false => String::new(),
        };
        let variable = self.variable.as_deref().unwrap_or("(all)");
        writeln!(
            out,
            "{} {group}{variable}: {} [{}]",
            self.severity.name(),
            self.message,
            self.rule
        )?;
        writeln!(out, "    {}", self.hint)
    }

    fn to_json(&self) -> Value {
        json!({
            "rule": self.rule,
            "severity": self.severity.name(),
            "group": self.group,
            "variable": self.variable,
            "message": self.message,
            "hint": self.hint,
        })
    }
}
