//! `cargo xtask test`: every test there is.

use crate::process::{Result, cargo, run, say};
use crate::{python, workspace};

/// Runs the Rust tests, then the Python lanes.
pub fn test() -> Result<()> {
    match std::env::var("CRATON_CORPUS") {
        Ok(corpus) => say(format!(
            "CRATON_CORPUS is set, corpus tests run on `{corpus}`"
        )),
        Err(_) => say("CRATON_CORPUS is not set: the corpus tests do not run"),
    }
    run(cargo()
        .args(["test", "--workspace"])
        // A snapshot that differs is a failure, and the tree stays as it was.
        .env("INSTA_UPDATE", "no")
        .current_dir(workspace::root()))?;
    python::python()
}
