//! Which Python runs which tests, with which packages.

use std::fmt;
use std::path::PathBuf;

use super::interpreter::{self, Interpreter};
use crate::process::{Result, say};
use crate::workspace;

const OLDEST: (u32, u32) = (3, 11);
/// The Python whose requirements are locked for the main lane.
pub const MAIN: (u32, u32) = (3, 12);
/// The latest Python for which all that is locked for the newest lane comes as wheels.
const LATEST: (u32, u32) = (3, 14);

/// A Python with its locked requirements and its tests.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// The Python.
    pub interpreter: Interpreter,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Main,
    Short,
    Newest,
}

impl Lane {
    /// The file of locked requirements.
    pub fn requirements(&self) -> PathBuf {
        let python = match self.kind {
            Kind::Main => "3.12",
            Kind::Short => "3.11",
            Kind::Newest => "3.13",
        };
        let name = format!("crates/craton-python/tests/requirements-{python}.txt");
        workspace::root().join(name)
    }

    /// What pytest is to run, relative to the package.
    pub fn tests(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Main | Kind::Short => &["tests"],
            // What the Python and its packages could change; all else is the other lanes'.
            Kind::Newest => &["tests/test_package.py", "tests/test_icechunk_readers.py"],
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            Kind::Main => "main",
            Kind::Short => "short",
            Kind::Newest => "newest",
        };
        write!(f, "{}, the {name} lane", self.interpreter)
    }
}

/// The lanes for which this machine has a Python, the main one first.
pub fn lanes() -> Result<Vec<Lane>> {
    let lanes = choose(interpreter::find_all()?);
    let Some(first) = lanes.first() else {
        return Err("no Python 3.11 or later found; CRATON_PYTHON names one".into());
    };
    let has = |kind| lanes.iter().any(|lane| lane.kind == kind);
    if !has(Kind::Main) {
        say("no Python 3.12 or later here: the short lane on 3.11 is the only lane");
    } else {
        if !has(Kind::Short) {
            say("no Python 3.11 here: the short lane does not run");
        }
        if !has(Kind::Newest) {
            say(format!(
                "no Python later than {}, up to {}.{}, is here: the newest lane does not run",
                first.interpreter.full_version, LATEST.0, LATEST.1
            ));
        }
    }
    Ok(lanes)
}

/// The lanes of what was found, preferred ones first.
fn choose(mut found: Vec<Interpreter>) -> Vec<Lane> {
    let main = found
        .iter()
        .position(|one| one.version() >= MAIN)
        .map(|place| found.remove(place));
    let newest = main.as_ref().and_then(|main| {
        let later = found
            .iter()
            .filter(|one| one.version() > main.version() && one.version() <= LATEST);
        later.max_by_key(|one| one.version()).cloned()
    });
    let short = found.into_iter().find(|one| one.version() == OLDEST);
    [
        (main, Kind::Main),
        (short, Kind::Short),
        (newest, Kind::Newest),
    ]
    .into_iter()
    .filter_map(|(interpreter, kind)| {
        Some(Lane {
            interpreter: interpreter?,
            kind,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(versions: &[(u32, u32)]) -> Vec<(Kind, (u32, u32))> {
        let found = versions.iter().map(|version| Interpreter::of(*version));
        let lanes = choose(found.collect());
        let pairs = lanes
            .iter()
            .map(|one| (one.kind, one.interpreter.version()));
        pairs.collect()
    }

    #[test]
    fn the_newest_lane_is_the_latest_python_after_the_main_one() {
        assert_eq!(
            chosen(&[(3, 12), (3, 13), (3, 14), (3, 11)]),
            [
                (Kind::Main, (3, 12)),
                (Kind::Short, (3, 11)),
                (Kind::Newest, (3, 14))
            ]
        );
        assert_eq!(
            chosen(&[(3, 13), (3, 14), (3, 15)]),
            [(Kind::Main, (3, 13)), (Kind::Newest, (3, 14))]
        );
    }

    #[test]
    fn without_a_later_python_there_is_no_newest_lane() {
        assert_eq!(
            chosen(&[(3, 14), (3, 10), (3, 11)]),
            [(Kind::Main, (3, 14)), (Kind::Short, (3, 11))]
        );
        assert_eq!(chosen(&[(3, 9), (3, 11)]), [(Kind::Short, (3, 11))]);
        assert_eq!(chosen(&[(3, 9), (3, 10)]), []);
    }
}
