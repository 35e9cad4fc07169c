//! The project's chores as one command: `cargo xtask check | test | python | wheel | bench | dist`.
//!
//! Takes the tree as it stands; gives a verdict and, for `dist`, files in `dist/`. Never edits a tracked file.

mod bench;
mod check;
mod dist;
mod process;
mod python;
mod test;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <chore>

  check    what CI checks without running tests: format, lints, docs, rooms, licences, links
  test     everything: cargo test --workspace, then the Python lanes
  python   builds the wheel and runs the Python tests in a private environment for each lane
  wheel    installs the wheel in an empty environment without cargo and runs it
  bench    runs benchmarks/run.py in the private environment; further arguments go to it
  dist     puts the wheel and the `craton` program into dist/";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = match arguments.split_first() {
        Some((chore, rest)) => (chore.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let outcome = match (chore, rest) {
        ("help" | "--help" | "-h", _) => {
            eprintln!("{USAGE}");
            Ok(())
        }
        ("bench", _) => bench::bench(rest),
        (_, [extra, ..]) => Err(format!(
            "`{chore}` takes no argument, got `{extra}`\n\n{USAGE}"
        )),
        ("check", _) => check::check(),
        ("test", _) => test::test(),
        ("python", _) => python::python(),
        ("wheel", _) => python::try_wheel(),
        ("dist", _) => dist::dist(),
        _ => Err(format!("there is no chore `{chore}`\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
