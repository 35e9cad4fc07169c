//! The tree itself: file lengths and sizes, paths that name a machine, and links between documents.

use std::path::{Component, Path, PathBuf};

use crate::workspace;

const LONGEST_FILE: usize = 900;
const LARGEST_FILE: u64 = 1 << 20;
const WRITTEN_BY_HAND: &[&str] = &["rs", "py", "pyi", "sh", "md", "toml", "js", "css", "html"];

/// First folders of paths that mean something on one machine only.
const MACHINE_FOLDERS: &[&str] = &["root", "home", "tmp", "work", "Users", "mnt"];

/// Endings of the files in `changes/` that tell users what is new.
const KINDS_OF_CHANGE: &[&str] = &["feature", "fix", "perf", "breaking", "docs"];

/// Everything wrong with `files`, as one line each.
pub fn faults(files: &[PathBuf]) -> Vec<String> {
    let root = workspace::root();
    let mut faults = Vec::new();
    for file in files {
        faults.extend(misnamed_change(file));
        faults.extend(too_large(&root, file));
        // Binary files have no lines to look at.
        let Ok(text) = std::fs::read_to_string(root.join(file)) else {
            continue;
        };
        faults.extend(too_long(file, &text));
        faults.extend(machine_paths(file, &text));
        if has_ending(file, &["md"]) {
            faults.extend(broken_links(&root, file, &text));
        }
    }
    faults
}

/// A download or a result that was added by accident; it would stay in the history for good.
fn too_large(root: &Path, file: &Path) -> Option<String> {
    let bytes = std::fs::metadata(root.join(file)).ok()?.len();
    (bytes > LARGEST_FILE).then(|| {
        format!(
            "{}: {bytes} bytes, more than {LARGEST_FILE}: keep it outside the project",
            file.display()
        )
    })
}

fn too_long(file: &Path, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let is_too_long = lines > LONGEST_FILE && has_ending(file, WRITTEN_BY_HAND);
    is_too_long.then(|| {
        format!(
            "{}: {lines} lines, more than {LONGEST_FILE}: split it",
            file.display()
        )
    })
}

/// A fragment in `changes/` that is not called `<slug>.<kind>.md`.
fn misnamed_change(file: &Path) -> Option<String> {
    let name = file.strip_prefix("changes").ok()?.to_str()?;
    let parts: Vec<&str> = name.split('.').collect();
    let is_well_named = name == "README.md"
        || matches!(parts[..], [slug, kind, "md"] if !slug.is_empty() && KINDS_OF_CHANGE.contains(&kind));
    (!is_well_named).then(|| {
        format!(
            "{}: not `<slug>.<{}>.md`",
            file.display(),
            KINDS_OF_CHANGE.join("|")
        )
    })
}

fn machine_paths(file: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(path) = machine_path(line) {
            let place = format!("{}:{}", file.display(), index + 1);
            faults.push(format!("{place}: `{path}` is a path of one machine"));
        }
    }
    faults
}

/// The first absolute path in `line` that starts at one of [`MACHINE_FOLDERS`] and goes on below it.
fn machine_path(line: &str) -> Option<&str> {
    for (start, _) in line.match_indices('/') {
        let (before, path) = line.split_at(start);
        let is_inside_longer_path = before.ends_with(|previous: char| {
            previous.is_alphanumeric()
                || matches!(previous, '/' | '.' | '_' | '-' | '~' | '}' | '*' | '%')
        });
        let end = path.find(|character: char| {
            character.is_whitespace()
                || matches!(character, '"' | '\'' | '`' | ')' | ']' | '>' | ',' | ';')
        });
        let path = &path[..end.unwrap_or(path.len())];
        let mut parts = path[1..].splitn(2, '/');
        let is_machine_folder = parts
            .next()
            .is_some_and(|first| MACHINE_FOLDERS.contains(&first));
        let goes_on = parts.next().is_some_and(|rest| !rest.is_empty());
        if !is_inside_longer_path && is_machine_folder && goes_on {
            return Some(path);
        }
    }
    None
}

fn broken_links(root: &Path, file: &Path, text: &str) -> Vec<String> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut faults = Vec::new();
    for (number, target) in links(text) {
        let path = target.split('#').next().unwrap_or("");
        let is_foreign = path.contains("://") || path.starts_with("mailto:");
        if path.is_empty() || is_foreign {
            continue;
        }
        let is_inside = stays_inside(&folder.join(path));
        if !is_inside || !root.join(folder).join(path).exists() {
            faults.push(format!(
                "{}:{number}: the link to `{target}` leads nowhere",
                file.display()
            ));
        }
    }
    faults
}

/// Targets of inline links outside code, with their line numbers.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_in_code = !is_in_code;
        }
        if is_in_code {
            continue;
        }
        for (start, opening) in line.match_indices("](") {
            let is_in_code_span = line[..start].matches('`').count() % 2 == 1;
            let rest = &line[start + opening.len()..];
            if let Some(end) = rest.find([')', ' '])
                && !is_in_code_span
            {
                found.push((index + 1, &rest[..end]));
            }
        }
    }
    found
}

fn stays_inside(path: &Path) -> bool {
    let mut depth = 0_i32;
    for component in path.components() {
        match component {
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            Component::Normal(_) => depth += 1,
            Component::RootDir | Component::Prefix(_) => return false,
        }
        if depth < 0 {
            return false;
        }
    }
    true
}

fn has_ending(file: &Path, endings: &[&str]) -> bool {
    file.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| endings.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_is_found() {
        let folder = tempfile::tempdir().unwrap();
        for (bytes, is_fault) in [(LARGEST_FILE, false), (LARGEST_FILE + 1, true)] {
            let file = std::fs::File::create(folder.path().join("wheel")).unwrap();
            file.set_len(bytes).unwrap();
            let fault = too_large(folder.path(), Path::new("wheel"));
            assert_eq!(fault.is_some(), is_fault, "{bytes} bytes");
        }
    }

    #[test]
    fn a_path_below_a_home_folder_is_found() {
        // Put together here, so that this file passes its own check.
        let path = ["", "home", "someone", "data.nc"].join("/");
        assert_eq!(
            machine_path(&format!("open(\"{path}\")")),
            Some(path.as_str())
        );
        assert_eq!(machine_path(&format!("file://{path}")), None);
    }

    #[test]
    fn urls_and_relative_paths_are_no_machine_paths() {
        for line in [
            "s3://bucket/work/a.zarr",
            "a/tmp/b",
            "/group/name",
            "~/home/x",
            "`/tmp`",
            "/ home",
        ] {
            assert_eq!(machine_path(line), None, "{line}");
        }
    }

    #[test]
    fn links_in_code_are_not_links() {
        let text = "[a](b.md) `[c](d.md)`\n```\n[e](f.md)\n```\n[g](h.md#i \"j\")";
        assert_eq!(links(text), [(1, "b.md"), (5, "h.md#i")]);
    }

    #[test]
    fn a_link_out_of_the_tree_is_broken() {
        assert!(stays_inside(Path::new("docs/../README.md")));
        assert!(!stays_inside(Path::new("docs/../../README.md")));
        assert!(!stays_inside(Path::new("/etc/hosts")));
    }

    #[test]
    fn a_change_is_named_by_its_kind() {
        for name in ["changes/README.md", "changes/a-b.fix.md", "docs/a.md"] {
            assert_eq!(misnamed_change(Path::new(name)), None);
        }
        for name in [
            "changes/a.md",
            "changes/a.feat.md",
            "changes/.fix.md",
            "changes/a.fix",
        ] {
            assert!(misnamed_change(Path::new(name)).is_some(), "{name}");
        }
    }

    #[test]
    fn only_files_written_by_hand_have_a_longest_length() {
        let long = "x\n".repeat(LONGEST_FILE + 1);
        assert!(too_long(Path::new("a.rs"), &long).is_some());
        assert!(too_long(Path::new("Cargo.lock"), &long).is_none());
    }
}
