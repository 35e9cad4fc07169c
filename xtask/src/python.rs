//! `cargo xtask python` and `wheel`: the Python package, built, installed and tested.
//!
//! The main lane is Python 3.12 or later with every peer that the tests compare with; the short lane is 3.11, the oldest
//! Python that the wheel supports; the newest lane is the latest Python after the main lane's, for a few tests. Each has
//! its own locked requirements and its own private environment.

mod environment;
mod interpreter;
mod lane;
mod wheel;

use std::path::Path;
use std::process::Command;

pub use environment::Environment;
use interpreter::Interpreter;
use lane::{Lane, lanes};
pub use wheel::build_program;

use crate::process::{Result, run, say};
use crate::workspace;

/// Builds the wheel once and runs the Python tests in every lane that this machine has.
pub fn python() -> Result<()> {
    let lanes = lanes()?;
    let mut wheel = None;
    for lane in &lanes {
        let environment = Environment::prepare(lane)?;
        let wheel = match &wheel {
            Some(wheel) => wheel,
            // One wheel serves all lanes: it is built against the stable ABI of the oldest Python.
            None => wheel.insert(wheel::build(&environment)?),
        };
        environment.install(wheel)?;
        say(format!("running the Python tests on {lane}"));
        let package = workspace::root().join("crates/craton-python");
        let mut pytest = Command::new(environment.python());
        pytest
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
            .args(lane.tests())
            .current_dir(package);
        run(environment.activate(&mut pytest)?)?;
    }
    Ok(())
}

/// Builds the wheel; gives its path.
pub fn build_wheel() -> Result<std::path::PathBuf> {
    wheel::build(&Environment::prepare(&best_lane()?)?)
}

/// The main lane's environment with a fresh wheel in it.
pub fn ready_environment() -> Result<Environment> {
    let environment = Environment::prepare(&best_lane()?)?;
    environment.install(&wheel::build(&environment)?)?;
    Ok(environment)
}

/// Installs the last built wheel the way a user would, without cargo on the path, and runs it.
pub fn try_wheel() -> Result<()> {
    let wheel = wheel::last_built()?;
    let interpreter = best_lane()?.interpreter;
    say(format!(
        "trying the wheel in an empty environment on {interpreter}"
    ));
    let folder = workspace::target_dir()?.join("empty-environment");
    environment::remove_folder(&folder)?;
    let outcome = try_wheel_in(&folder, &interpreter, &wheel);
    environment::remove_folder(&folder)?;
    outcome
}

fn try_wheel_in(folder: &Path, interpreter: &Interpreter, wheel: &Path) -> Result<()> {
    let environment = Environment::create(folder, interpreter)?;
    let path = environment::path_without_cargo()?;
    run(environment
        .pip()
        .arg("install")
        .arg(wheel)
        .env("PATH", &path))?;
    let isolated = |program: &str| {
        let mut command = Command::new(environment.program(program));
        command
            .current_dir(folder)
            .env("PATH", &path)
            .env_remove("PYTHONPATH");
        command
    };
    run(isolated("craton").arg("--version"))?;
    run(isolated("python").args([
        "-c",
        "import craton; print('import craton', craton.__version__)",
    ]))
}

fn best_lane() -> Result<Lane> {
    match lanes()?.into_iter().next() {
        Some(first) => Ok(first),
        None => Err("no Python 3.11 or later found; CRATON_PYTHON names one".into()),
    }
}
