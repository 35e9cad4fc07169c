//! The rooms: which crate may depend on which, and whether each says what it is for.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::say;
use crate::workspace;

/// Each room and the rooms to its left that it may depend on. `exec` and `format` never meet.
const ARROWS: &[(&str, &[&str])] = &[
    ("craton-core", &[]),
    ("craton-kernels", &["craton-core"]),
    ("craton-store", &["craton-core"]),
    ("craton-plot", &["craton-core"]),
    ("craton-format", &["craton-core", "craton-store"]),
    ("craton-plan", &["craton-core", "craton-kernels"]),
    (
        "craton-exec",
        &[
            "craton-core",
            "craton-kernels",
            "craton-store",
            "craton-plan",
        ],
    ),
    (
        "craton",
        &[
            "craton-core",
            "craton-kernels",
            "craton-store",
            "craton-format",
            "craton-plan",
            "craton-exec",
            "craton-plot",
        ],
    ),
    ("craton-server", &["craton-core", "craton-plot", "craton"]),
    ("craton-python", &["craton-core", "craton"]),
    (
        "craton-cli",
        &["craton-core", "craton-plot", "craton-server", "craton"],
    ),
];

/// Dependencies between rooms that the table does not allow. Those of tests count too: a test that
/// needs a room to the right belongs in that room.
pub fn wrong_arrows(metadata: &Value) -> Vec<String> {
    let members = metadata["workspace_members"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let is_member = |package: &&Value| members.contains(&package["id"]);
    let mut faults = Vec::new();
    for package in array(&metadata["packages"]).iter().filter(is_member) {
        let name = text(&package["name"]);
        if !name.starts_with("craton") {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == name) else {
            faults.push(format!(
                "`{name}` is not in the table of rooms (xtask/src/check/rooms.rs)"
            ));
            continue;
        };
        for dependency in array(&package["dependencies"]) {
            let other = text(&dependency["name"]);
            let is_room = ARROWS.iter().any(|(room, _)| *room == other);
            if is_room && !allowed.contains(&other) {
                faults.push(wrong_arrow(name, other, dependency, allowed));
            }
        }
    }
    faults
}

fn wrong_arrow(name: &str, other: &str, dependency: &Value, allowed: &[&str]) -> String {
    let kind = match dependency["kind"].as_str() {
        Some(kind) => format!(" (as a {kind}-dependency)"),
        None => String::new(),
    };
    let accepted = if allowed.is_empty() {
        "nothing".into()
    } else {
        allowed.join(", ")
    };
    format!("`{name}` must not depend on `{other}`{kind}: it may use {accepted}")
}

/// Rooms whose first doc lines do not say what they take, give and never do.
pub fn unclear_rooms(files: &[PathBuf]) -> Vec<String> {
    let root = workspace::root();
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| is_crate_root(file)) {
        let Ok(source) = std::fs::read_to_string(root.join(file)) else {
            continue;
        };
        if is_library(file) && !source.lines().any(is_code) {
            say(format!(
                "{} holds no code yet, its doc is not checked",
                file.display()
            ));
            continue;
        }
        faults.extend(
            unclear(&source, is_library(file)).map(|what| format!("{}: {what}", file.display())),
        );
    }
    faults
}

fn unclear(source: &str, is_library: bool) -> Option<String> {
    let doc: String = source
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .collect();
    if doc.is_empty() {
        return Some("does not start with a `//!` doc".into());
    }
    let missing: Vec<&str> = ["Takes", "gives", "Never"]
        .into_iter()
        .filter(|word| is_library && !doc.contains(word))
        .collect();
    if missing.is_empty() {
        return None;
    }
    Some(format!(
        "its first doc lines do not say `{}`",
        missing.join("`, `")
    ))
}

/// `crates/<room>/src/lib.rs` or `main.rs`.
fn is_crate_root(file: &Path) -> bool {
    let parts: Vec<_> = file.iter().filter_map(|part| part.to_str()).collect();
    matches!(parts[..], ["crates", _, "src", "lib.rs" | "main.rs"])
}

fn is_library(file: &Path) -> bool {
    file.ends_with("lib.rs")
}

fn is_code(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("//")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one_package(name: &str, dependency: &str, kind: Value) -> Value {
        json!({
            "workspace_members": ["id"],
            "packages": [{
                "id": "id",
                "name": name,
                "dependencies": [{"name": dependency, "kind": kind}, {"name": "serde", "kind": null}],
            }],
        })
    }

    #[test]
    fn an_arrow_to_the_right_names_both_rooms() {
        let faults = wrong_arrows(&one_package("craton-exec", "craton-format", Value::Null));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].contains("`craton-exec` must not depend on `craton-format`"));
        let faults = wrong_arrows(&one_package("craton-core", "craton-plan", json!("dev")));
        assert!(
            faults[0].ends_with("(as a dev-dependency): it may use nothing"),
            "{faults:?}"
        );
    }

    #[test]
    fn arrows_to_the_left_are_welcome() {
        assert_eq!(
            wrong_arrows(&one_package("craton-format", "craton-store", Value::Null)),
            [""; 0]
        );
    }

    #[test]
    fn a_room_without_a_place_in_the_table_is_a_fault() {
        assert_eq!(
            wrong_arrows(&one_package("craton-attic", "serde", Value::Null)).len(),
            1
        );
    }

    #[test]
    fn the_table_has_no_circle() {
        for (index, (_, allowed)) in ARROWS.iter().enumerate() {
            for other in *allowed {
                let place = ARROWS.iter().position(|(room, _)| room == other);
                assert!(
                    place.is_some_and(|place| place < index),
                    "{other} stands to the right"
                );
            }
        }
    }

    #[test]
    fn a_room_says_what_it_takes_gives_and_never_does() {
        assert_eq!(
            unclear(
                "//! A.\n//!\n//! Takes b; gives c. Never d.\nfn e() {}",
                true
            ),
            None
        );
        assert!(unclear("//! Takes b; gives c.\nfn e() {}", true).is_some());
        assert!(unclear("fn e() {}", false).is_some());
    }
}
