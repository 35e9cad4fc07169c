//! `cargo xtask check`: what CI checks without running a test.

mod licences;
mod rooms;
mod tree;

use crate::process::{Result, cargo, run, say};
use crate::workspace;

/// Runs all checks; the quick ones report together, then cargo's own follow.
pub fn check() -> Result<()> {
    let before = workspace::changes()?;
    quick_checks()?;
    let root = workspace::root();
    run(cargo().args(["fmt", "--all", "--check"]).current_dir(&root))?;
    run(cargo()
        .args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
        .current_dir(&root))?;
    run(cargo()
        .args(["doc", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .current_dir(&root))?;
    if workspace::changes()? != before {
        return Err("the check changed the tree; `git status` shows where".into());
    }
    say("check passed");
    Ok(())
}

fn quick_checks() -> Result<()> {
    let metadata = workspace::metadata()?;
    let files = workspace::files()?;
    say(format!(
        "checking rooms, licences and {} files",
        files.len()
    ));
    let mut faults = rooms::wrong_arrows(&metadata);
    faults.extend(rooms::unclear_rooms(&files));
    faults.extend(licences::unwelcome(&metadata));
    faults.extend(tree::faults(&files));
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        eprintln!("  {fault}");
    }
    let noun = if faults.len() == 1 { "fault" } else { "faults" };
    Err(format!("{} {noun} in the tree, listed above", faults.len()))
}
