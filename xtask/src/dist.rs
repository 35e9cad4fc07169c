//! `cargo xtask dist`: what a user downloads, in `dist/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Result, cargo, output, run, say};
use crate::{python, workspace};

/// Puts the wheel and the program into `dist/` and prints their sizes.
pub fn dist() -> Result<()> {
    let folder = workspace::root().join("dist");
    fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let wheel = python::build_wheel()?;
    let program = static_program().or_else(|message| {
        say(format!("no static program here: {message}"));
        python::build_program()
    })?;
    let wheel = place(&wheel, &folder)?;
    let program = place(&program, &folder)?;
    if let Err(message) = output(Command::new("strip").arg(&program)) {
        say(format!("the program keeps its symbols: {message}"));
    }
    run(Command::new(&program).arg("--version"))?;
    say_links(&program);
    for file in [&wheel, &program] {
        say(format!("{}: {}", file.display(), size(file)?));
    }
    Ok(())
}

/// The program with the C library linked in, where the target can do that.
fn static_program() -> Result<PathBuf> {
    let host = host()?;
    if !host.contains("-linux-") {
        return Err(format!("`{host}` has no static C library"));
    }
    // With an explicit target the flag does not reach build scripts and macros, which must stay dynamic.
    let variable = format!(
        "CARGO_TARGET_{}_RUSTFLAGS",
        host.replace('-', "_").to_uppercase()
    );
    run(cargo()
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "craton-cli",
            "--target",
            &host,
        ])
        .env(variable, "-C target-feature=+crt-static")
        .current_dir(workspace::root()))?;
    Ok(workspace::target_dir()?
        .join(host)
        .join("release")
        .join("craton"))
}

fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = output(Command::new(rustc).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc names no host".into())
}

fn place(file: &Path, folder: &Path) -> Result<PathBuf> {
    let Some(name) = file.file_name() else {
        return Err(format!("{} has no file name", file.display()));
    };
    let target = folder.join(name);
    fs::copy(file, &target)
        .map_err(|error| format!("cannot copy {} to dist: {error}", file.display()))?;
    Ok(target)
}

fn say_links(program: &Path) {
    // ldd fails on a static program on some systems, and says so in its words.
    match output(Command::new("ldd").arg(program)) {
        Ok(links) => say(format!(
            "what the program links at run time:\n{}",
            links.trim_end()
        )),
        Err(message) => say(format!("what the program links at run time: {message}")),
    }
}

fn size(file: &Path) -> Result<String> {
    let meta = fs::metadata(file)
        .map_err(|error| format!("cannot look at {}: {error}", file.display()))?;
    Ok(format!("{:.2} MB", meta.len() as f64 / 1e6))
}
