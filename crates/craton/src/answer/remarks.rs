//! What users are told beside an answer: what is missing from it, and what is odd about it.

use super::Answer;
use crate::evaluate::Value;
use crate::session::Session;
use craton_core::{Error, Result};
use craton_plan::NodeRef;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

impl Answer {
    /// What is missing from the answer: files that were left out, and from a dataset the variables of its inputs that
    /// cannot be read.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.skipped();
        if matches!(self.value, Value::Dataset(_)) {
            warnings.extend(self.unreadable());
        }
        warnings
    }

    /// One line for each file that was left out, and how many there are.
    fn skipped(&self) -> Vec<String> {
        let groups = self.inputs.iter().filter_map(|(_, value)| match value {
            Value::Dataset(dataset) => dataset.groups.clone(),
            _ => None,
        });
        let mut lines = Vec::new();
        for groups in groups {
            for (url, error) in groups.skipped() {
                let report = error.report();
                let report = report.trim_start_matches("error: ");
                lines.push(format!("warning: `{url}` is left out: {report}"));
            }
        }
        if !lines.is_empty() {
            let total: usize = self.question.inputs.values().map(Vec::len).sum();
            lines.push(format!(
                "warning: {} of {total} files are left out",
                lines.len()
            ));
        }
        lines
    }

    fn unreadable(&self) -> Vec<String> {
        let warning = |(name, error): &(String, Arc<Error>)| {
            let report = error.report();
            let report = report.trim_start_matches("error: ");
            format!("warning: variable `{name}` cannot be read and is left out: {report}")
        };
        self.broken.iter().map(warning).collect()
    }

    /// What is odd about the values of an answer that was computed: arrays in which nothing is valid, and reductions
    /// that had no values to reduce.
    #[must_use]
    pub fn remarks(&self, session: &Session) -> Vec<String> {
        let mut remarks = Vec::new();
        for (name, node) in self.nodes().unwrap_or_default() {
            if let Some(count) = session.all_missing(&node) {
                remarks.push(match count {
                    1 => format!("warning: the value of `{name}` is missing"),
                    count => format!("warning: all {count} values of `{name}` are missing"),
                });
            }
            if let Some((what, shape)) = reduction_of_nothing(&node) {
                remarks.push(format!(
                    "warning: `{what}` in `{name}` is over 0 values: its input has shape {shape:?}"
                ));
            }
        }
        remarks
    }

    /// A line for each array whose attribute `units` is not what its numbers are in.
    pub(super) fn stale_units(&self, session: &Session) -> Result<String> {
        let mut text = String::new();
        for (name, variable) in &self.labelled()?.variables() {
            let stored = variable
                .attributes
                .get("units")
                .and_then(|units| units.as_text());
            if let (Some(stored), Some(shown)) = (stored, session.units().shown(variable))
                && stored != shown
            {
                let _ = writeln!(text, "units of {name}: {shown}, no longer {stored}");
            }
        }
        Ok(text)
    }
}

/// A reduction below `root` that folds an axis without indices, in words, and the shape of its input.
fn reduction_of_nothing(root: &NodeRef) -> Option<(String, Vec<u64>)> {
    let mut seen = HashSet::new();
    let mut pending = vec![root.clone()];
    while let Some(node) = pending.pop() {
        if !seen.insert(node.hash()) {
            continue;
        }
        let is_reduction = node.operator().name() == "reduce";
        if let ([input], true) = (node.inputs(), is_reduction)
            && input.shape().contains(&0)
            && !node.shape().contains(&0)
        {
            let described = node.operator().describe();
            let word = described.split(' ').next().unwrap_or_default().to_owned();
            return Some((word, input.shape().to_vec()));
        }
        pending.extend(node.inputs().iter().cloned());
    }
    None
}
