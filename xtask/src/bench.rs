//! `cargo xtask bench`: the benchmarks, with the built wheel and the peers beside it.

use std::process::Command;

use crate::process::{Result, run};
use crate::{python, workspace};

/// Runs `benchmarks/run.py` in the main lane's environment with `arguments`.
pub fn bench(arguments: &[String]) -> Result<()> {
    let script = workspace::root().join("benchmarks").join("run.py");
    if !script.is_file() {
        return Err("there is no benchmarks/run.py in this tree".into());
    }
    let environment = python::ready_environment()?;
    let mut command = Command::new(environment.python());
    command
        .arg(script)
        .args(arguments)
        .current_dir(workspace::root());
    run(environment.activate(&mut command)?)
}
