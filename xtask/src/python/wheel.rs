//! The wheel: the extension module with the `craton` program beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::{Environment, remove_folder};
use crate::process::{Result, cargo, output, run, say};
use crate::workspace;

/// Builds program and wheel in release mode; gives the wheel's path.
pub fn build(environment: &Environment) -> Result<PathBuf> {
    place_program(&build_program()?)?;
    let folder = folder()?;
    remove_folder(&folder)?;
    let mut maturin = Command::new(environment.program("maturin"));
    maturin
        .args([
            "build",
            "--release",
            "--strip",
            "--locked",
            "--quiet",
            "--interpreter",
        ])
        .arg(environment.python())
        .arg("--out")
        .arg(&folder)
        .current_dir(workspace::root().join("crates/craton-python"));
    run(environment.activate(&mut maturin)?)?;
    last_built()
}

/// The wheel that [`build`] left behind.
pub fn last_built() -> Result<PathBuf> {
    let folder = folder()?;
    let entries = fs::read_dir(&folder).map(|entries| entries.flatten().collect::<Vec<_>>());
    let wheel = entries
        .unwrap_or_default()
        .into_iter()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "whl"));
    wheel.ok_or_else(|| "no wheel has been built: `cargo xtask python` builds one".into())
}

/// Builds the `craton` program in release mode; gives its path.
pub fn build_program() -> Result<PathBuf> {
    run(cargo()
        .args(["build", "--release", "--locked", "--package", "craton-cli"])
        .current_dir(workspace::root()))?;
    Ok(workspace::target_dir()?
        .join("release")
        .join(program_name()))
}

fn program_name() -> String {
    format!("craton{}", std::env::consts::EXE_SUFFIX)
}

fn folder() -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join("wheels"))
}

/// Copies the program to where maturin picks up a wheel's scripts. The wheel carries the program itself, because a
/// Python console script would spend several times the program's own start on starting Python.
fn place_program(program: &Path) -> Result<()> {
    let scripts = workspace::root().join("crates/craton-python/craton.data/scripts");
    let place = scripts.join(program_name());
    fs::create_dir_all(&scripts)
        .and_then(|()| fs::copy(program, &place))
        .map_err(|error| format!("cannot copy the program to {}: {error}", place.display()))?;
    if let Err(message) = output(Command::new("strip").arg(&place)) {
        say(format!(
            "the wheel carries the program with its symbols: {message}"
        ));
    }
    Ok(())
}
