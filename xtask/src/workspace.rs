//! Where things are: the tree's root, its files, cargo's view of it, and the caches.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{Result, cargo, output};

/// The root of the tree that this program was built from.
pub fn root() -> PathBuf {
    // `cargo run` sets the variable anew, so a copy of the tree that shares a build cache is not mistaken for this one.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or(manifest.clone(), Path::to_path_buf)
}

/// `cargo metadata`, with all dependencies resolved.
pub fn metadata() -> Result<Value> {
    let text = output(
        cargo()
            .args(["metadata", "--format-version=1", "--locked"])
            .current_dir(root()),
    )?;
    serde_json::from_str(&text).map_err(|error| format!("cannot read cargo's metadata: {error}"))
}

/// Cargo's build folder, wherever it was put.
pub fn target_dir() -> Result<PathBuf> {
    let text = output(
        cargo()
            .args(["metadata", "--format-version=1", "--no-deps"])
            .current_dir(root()),
    )?;
    let metadata: Value = serde_json::from_str(&text)
        .map_err(|error| format!("cannot read cargo's metadata: {error}"))?;
    match metadata["target_directory"].as_str() {
        Some(path) => Ok(PathBuf::from(path)),
        None => Err("cargo's metadata names no target directory".into()),
    }
}

/// Every file that is or could be committed, relative to the root; symbolic links are left out.
pub fn files() -> Result<Vec<PathBuf>> {
    let listing = output(git().args(["ls-files", "-z", "-co", "--exclude-standard"]))?;
    let root = root();
    let is_plain_file = |path: &PathBuf| {
        root.join(path)
            .symlink_metadata()
            .is_ok_and(|meta| meta.is_file())
    };
    let mut files: Vec<PathBuf> = listing
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(is_plain_file)
        .collect();
    files.sort();
    Ok(files)
}

/// What git sees as changed or new; equal before and after a chore that leaves the tree alone.
pub fn changes() -> Result<String> {
    let status = output(git().args(["status", "--porcelain"]))?;
    let difference = output(git().args(["diff", "--no-ext-diff"]))?;
    Ok(status + &difference)
}

/// The folder for what is worth keeping between runs and between clones.
pub fn cache_dir() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(base) => PathBuf::from(base),
        None => home()?.join(".cache"),
    };
    Ok(base.join("craton"))
}

/// The home folder.
pub fn home() -> Result<PathBuf> {
    match std::env::home_dir() {
        Some(home) => Ok(home),
        None => Err("there is no home folder: set HOME or XDG_CACHE_HOME".into()),
    }
}

fn git() -> Command {
    let mut git = Command::new("git");
    git.current_dir(root());
    git
}
