//! Differences as text for people and as JSON.

use super::{Aspect, Diff, GroupDiff, MetadataDifference, ValueDifference};
use crate::output::repr::scalar_text;
use serde_json::{Value, json};
use std::fmt::Write;

/// Longer values of attributes are cut in the text form.
const LONGEST_VALUE: usize = 60;

impl Diff {
    /// One line for each difference, the first's side before the second's.
    #[must_use]
    pub fn to_text(&self) -> String {
        let [one, other] = &self.urls;
        let compared: usize = self.groups.iter().map(|group| group.compared.len()).sum();
        if self.is_equal() {
            let mut out =
                format!("no difference, in metadata and in the values of {compared} variables\n");
            out += &self.stored_text();
            return out;
        }
        let mut out = format!("a: {one}\nb: {other}\n");
        out += &self.stored_text();
        for group in &self.groups {
            // Writing into memory does not fail.
            let _ = group.write(&mut out, self.groups.len() > 1);
        }
        out
    }

    /// What two versions of a repository refer to, one line for each array of which chunks differ.
    fn stored_text(&self) -> String {
        let Some(stored) = &self.stored else {
            return String::new();
        };
        let mut out = String::new();
        for (to, from) in &stored.moved {
            out += &format!("moved: {from} in a is {to} in b\n");
        }
        for (path, counts) in &stored.arrays {
            let told = [
                (counts.changed, "changed"),
                (counts.added, "added"),
                (counts.removed, "removed"),
                (counts.kept, "the same"),
            ];
            let told = told.iter().filter(|(count, _)| *count > 0);
            let told: Vec<String> = told
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
            out += &format!("chunks of {path}: {}\n", told.join(", "));
        }
        out
    }

    /// `{"a", "b", "equal", "groups": [{"path", "metadata", "values", "compared", "skipped"}]}`, and of two versions of one
    /// repository `"stored": {"moved", "chunks"}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "a": self.urls[0],
            "b": self.urls[1],
            "equal": self.is_equal(),
            "groups": self.groups.iter().map(GroupDiff::to_json).collect::<Vec<_>>(),
        });
        if let Some(stored) = &self.stored {
            let chunks = stored.arrays.iter().map(|(path, counts)| {
                let counts = json!({
                    "added": counts.added,
                    "removed": counts.removed,
                    "changed": counts.changed,
                    "same": counts.kept,
                });
                (path.clone(), counts)
            });
            let chunks: serde_json::Map<String, Value> = chunks.collect();
            value["stored"] = json!({"moved": stored.moved, "chunks": chunks});
        }
        value
    }
}

impl GroupDiff {
    pub(crate) fn write(&self, out: &mut String, has_siblings: bool) -> std::fmt::Result {
        if self.metadata.is_empty() && self.values.is_empty() && self.skipped.is_empty() {
            return Ok(());
        }
        if has_siblings {
            writeln!(out, "\ngroup {}", self.path)?;
        }
        for difference in &self.metadata {
            writeln!(out, "{}", difference.to_text())?;
        }
        for (variable, reason) in &self.skipped {
            writeln!(out, "values of {variable} are not compared: {reason}")?;
        }
        self.values
            .iter()
            .try_for_each(|difference| difference.write(out))
    }

    pub(crate) fn to_json(&self) -> Value {
        let skipped = self
            .skipped
            .iter()
            .map(|(name, reason)| json!({"variable": name, "reason": reason}));
        json!({
            "path": self.path,
            "metadata": self.metadata.iter().map(MetadataDifference::to_json).collect::<Vec<_>>(),
            "values": self.values.iter().map(ValueDifference::to_json).collect::<Vec<_>>(),
            "compared": self.compared,
            "skipped": skipped.collect::<Vec<_>>(),
        })
    }
}

impl MetadataDifference {
    fn to_text(&self) -> String {
        let what = match (self.aspect, &self.variable) {
            (Aspect::Group | Aspect::Dimension | Aspect::Variable, _) => {
                format!("{} {}", self.aspect.name(), self.name)
            }
            (Aspect::Attribute, Some(variable)) => {
                format!("attribute {} of {variable}", self.name)
            }
            (Aspect::Attribute, None) => format!("attribute {}", self.name),
            (aspect, _) => format!("{} of {}", aspect.name(), self.name),
        };
        match (&self.one, &self.other) {
            (Some(one), Some(other)) => format!("{what}: {} | {}", short(one), short(other)),
            (Some(_), None) => format!("{what}: only in a"),
            (None, _) => format!("{what}: only in b"),
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "aspect": self.aspect.name(),
            "variable": self.variable,
            "name": self.name,
            "a": self.one,
            "b": self.other,
        })
    }
}

impl ValueDifference {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        write!(
            out,
            "{}: {} of {} values differ",
            self.variable, self.count, self.total
        )?;
        if let Some(absolute) = &self.max_absolute_text {
            write!(out, ", by at most {absolute}")?;
        }
        if let Some(relative) = self.max_relative {
            write!(out, " (relative {relative:.3e})")?;
        }
        let at = self.first.at.iter().map(|(dim, index, label)| match label {
            Some(label) => format!("{dim}={label} ({index})"),
            None => format!("{dim} {index}"),
        });
        let at: Vec<String> = at.collect();
        let (one, other) = (scalar_text(&self.first.one), scalar_text(&self.first.other));
        let place = match at.is_empty() {
            true => String::new(),
            false => format!("first at {}: ", at.join(", ")),
        };
        writeln!(out, "\n    {place}{} | {}", short(&one), short(&other))
    }

    fn to_json(&self) -> Value {
        let names = self.first.at.iter();
        let index: serde_json::Map<String, Value> = names
            .clone()
            .map(|(dim, index, _)| (dim.clone(), json!(index)))
            .collect();
        let labels: serde_json::Map<String, Value> = names
            .filter_map(|(dim, _, label)| Some((dim.clone(), json!(label.as_ref()?))))
            .collect();
        let infinite = |value: Option<f64>| match value {
            Some(value) if value.is_infinite() => json!("Infinity"),
            other => json!(other),
        };
        json!({
            "variable": self.variable,
            "count": self.count,
            "total": self.total,
            "max_absolute": infinite(self.max_absolute),
            "max_relative": infinite(self.max_relative),
            "first": {
                "index": index,
                "labels": labels,
                "a": scalar_text(&self.first.one),
                "b": scalar_text(&self.first.other),
            },
        })
    }
}

fn short(text: &str) -> String {
    let text = text.replace('\n', "\\n");
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
