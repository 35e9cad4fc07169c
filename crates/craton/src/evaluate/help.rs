//! What `craton help expr` says, from the registry.

use super::registry::{Entry, Receiver, entries};
use crate::language::did_you_mean;
use craton_core::{Error, Result};
use std::fmt::Write;

const INTRODUCTION: &str = "\
Expressions are the xarray code that people write: `ds` and the names given to inputs, `np`, `xr`,
literals, operators, methods, `name = …` lines before the last one, which is the answer.

    craton eval 'ds.t2m.mean(\"time\")' FILE
    craton help expr mean        a method or function, with examples
    craton help expr GroupBy     all methods of one kind of value
";

/// The help for a method, function or kind of value; for the whole language if `name` is `None`.
///
/// # Errors
/// [`craton_core::ErrorKind::Usage`] with near names if nothing is called so.
pub fn help(name: Option<&str>) -> Result<String> {
    let Some(name) = name else {
        return Ok(overview());
    };
    let name = name.trim_end_matches("()");
    if let Some(receiver) = receiver_named(name) {
        return Ok(list(receiver));
    }
    let (owner, last) = match name.rsplit_once('.') {
        Some((owner, last)) => (receiver_named(owner), last),
        None => (None, name),
    };
    let found: Vec<&Entry> = entries()
        .filter(|entry| entry.name == last || entry.aliases.contains(&last))
        .filter(|entry| owner.is_none_or(|owner| entry.receivers.contains(&owner)))
        .collect();
    if found.is_empty() {
        let names = entries()
            .map(|entry| entry.name)
            .chain(Receiver::ALL.map(Receiver::name));
        let error = Error::usage(format!("no method or function is called `{name}`"));
        return Err(match did_you_mean(last, names) {
            Some(hint) => error.hint(hint),
            None => error.hint("`craton help expr` lists all there are"),
        });
    }
    let texts: Vec<String> = found.into_iter().map(describe).collect();
    Ok(texts.join("\n"))
}

fn receiver_named(name: &str) -> Option<Receiver> {
    let mut all = Receiver::ALL.into_iter();
    all.find(|receiver| !name.is_empty() && receiver.name() == name)
}

fn overview() -> String {
    let mut text = INTRODUCTION.to_owned();
    for receiver in Receiver::ALL {
        text.push('\n');
        text.push_str(&list(receiver));
    }
    text
}

fn title(receiver: Receiver) -> &'static str {
    match receiver {
        Receiver::Builtin => "functions",
        receiver => receiver.name(),
    }
}

fn list(receiver: Receiver) -> String {
    let own = || entries().filter(|entry| entry.receivers.contains(&receiver));
    let width = own().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut text = format!("{}\n", title(receiver));
    for entry in own() {
        let _ = writeln!(text, "  {:width$}  {}", entry.name, entry.doc);
    }
    text
}

fn describe(entry: &Entry) -> String {
    let mut text = String::new();
    for receiver in entry.receivers {
        let dot = if *receiver == Receiver::Builtin {
            ""
        } else {
            "."
        };
        let brackets = match entry.signature {
            Some(signature) => format!("({signature})"),
            None => String::new(),
        };
        let _ = writeln!(text, "{}{dot}{}{brackets}", receiver.name(), entry.name);
    }
    let _ = writeln!(text, "\n  {}", entry.doc);
    if !entry.aliases.is_empty() {
        let _ = writeln!(text, "  Also called {}.", entry.aliases.join(", "));
    }
    text.push('\n');
    for example in entry.examples {
        let _ = writeln!(text, "    craton eval '{example}' FILE");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_on_a_name_shows_signature_sentence_and_examples() {
        let text = help(Some("isel")).unwrap();
        assert!(text.starts_with("DataArray.isel(indexers=None, drop=False"));
        assert!(text.contains("craton eval 'ds.isel(time=0)' FILE"));
        assert!(help(Some("Rolling")).unwrap().contains("mean"));
        assert!(help(Some("np.deg2rad")).unwrap().contains("np.radians(x)"));
        assert!(help(None).unwrap().contains("GroupBy"));
    }

    #[test]
    fn an_unknown_name_offers_near_ones() {
        let error = help(Some("maen")).unwrap_err();
        let hint = error.hint_text().unwrap_or_default();
        assert!(hint.starts_with("did you mean `mean`"), "{hint}");
    }
}
