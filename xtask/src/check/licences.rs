//! Licences of everything that is linked in: permissive ones only.

use serde_json::Value;

/// Licences that ask for no more than a notice.
const WELCOME: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "bzip2-1.0.6",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "NCSA",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Packages, of any platform, whose licence cannot be met with [`WELCOME`] ones.
pub fn unwelcome(metadata: &Value) -> Vec<String> {
    let Some(packages) = metadata["packages"].as_array() else {
        return vec!["cargo's metadata lists no packages".into()];
    };
    packages.iter().filter_map(fault_of).collect()
}

fn fault_of(package: &Value) -> Option<String> {
    let name = package["name"].as_str().unwrap_or("?");
    let version = package["version"].as_str().unwrap_or("?");
    match package["license"].as_str() {
        Some(licence) if is_welcome(licence) => None,
        Some(licence) => Some(format!(
            "`{name}` {version} has the licence `{licence}`, not a permissive one"
        )),
        None => Some(format!("`{name}` {version} names no licence")),
    }
}

/// Whether an SPDX expression can be satisfied. `AND` binds tighter than `OR`; `/` is the old way to write `OR`.
fn is_welcome(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest) == Some(true) && rest.is_empty()
}

// Each of these takes its words off the front; `None` is an expression that cannot be read.

fn any_of(words: &mut &[&str]) -> Option<bool> {
    let mut welcome = all_of(words)?;
    while take(words, "OR") {
        welcome |= all_of(words)?;
    }
    Some(welcome)
}

fn all_of(words: &mut &[&str]) -> Option<bool> {
    let mut welcome = one(words)?;
    while take(words, "AND") {
        welcome &= one(words)?;
    }
    Some(welcome)
}

fn one(words: &mut &[&str]) -> Option<bool> {
    if take(words, "(") {
        let inner = any_of(words)?;
        return take(words, ")").then_some(inner);
    }
    let name = next(words)?;
    if take(words, "WITH") {
        let exception = next(words)?;
        return Some(WELCOME.contains(&format!("{name} WITH {exception}").as_str()));
    }
    Some(WELCOME.contains(&name))
}

fn next<'a>(words: &mut &[&'a str]) -> Option<&'a str> {
    let (word, rest) = words.split_first()?;
    *words = rest;
    Some(word)
}

fn take(words: &mut &[&str], expected: &str) -> bool {
    match words.split_first() {
        Some((word, rest)) if *word == expected => {
            *words = rest;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_permissive_choice_is_enough() {
        assert!(is_welcome("MIT OR Apache-2.0"));
        assert!(is_welcome("GPL-3.0 OR MIT"));
        assert!(is_welcome("MIT/Apache-2.0"));
        assert!(is_welcome("Apache-2.0 WITH LLVM-exception OR GPL-2.0"));
    }

    #[test]
    fn every_part_of_a_conjunction_counts() {
        assert!(is_welcome("(MIT OR GPL-2.0) AND Unicode-3.0"));
        assert!(!is_welcome("MIT AND LGPL-3.0"));
        assert!(!is_welcome("MIT AND (LGPL-3.0 OR MPL-2.0)"));
    }

    #[test]
    fn what_cannot_be_read_is_not_welcome() {
        for expression in [
            "",
            "(MIT",
            "MIT)",
            "MIT OR",
            "Apache-2.0 WITH",
            "Proprietary",
            "MIT MIT",
        ] {
            assert!(!is_welcome(expression), "{expression}");
        }
    }
}
