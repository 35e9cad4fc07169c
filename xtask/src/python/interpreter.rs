//! Finding the Pythons of this machine.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{Result, output};
use crate::workspace;

/// Names to try on the path. The first stands first because its requirements are the ones locked.
const NAMES: &[&str] = &[
    "python3.12",
    "python3.13",
    "python3.14",
    "python3.11",
    "python3",
    "python",
];

/// A Python that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpreter {
    /// The program itself, not a shim that picks one.
    pub program: PathBuf,
    /// As `3.12.1`.
    pub full_version: String,
    version: (u32, u32),
}

impl Interpreter {
    /// Major and minor version.
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// An interpreter of `version` that is nowhere.
    #[cfg(test)]
    pub fn of(version: (u32, u32)) -> Self {
        Self {
            program: format!("python{}.{}", version.0, version.1).into(),
            full_version: format!("{}.{}.0", version.0, version.1),
            version,
        }
    }

    fn ask(program: PathBuf) -> Option<Self> {
        // The wheel is for the stable ABI, which has no form without the lock; of others, previews seldom have wheels.
        let question = "import sys, sysconfig, venv, ensurepip\n\
            print(sys.executable)\n\
            print('.'.join(map(str, sys.version_info[:3])))\n\
            print(sys.implementation.name == 'cpython')\n\
            print(sys.version_info.releaselevel == 'final')\n\
            print(not sysconfig.get_config_var('Py_GIL_DISABLED'))";
        let answer = output(Command::new(program).args(["-I", "-c", question])).ok()?;
        let mut lines = answer.lines();
        let (program, full_version) = (lines.next()?, lines.next()?);
        let takes_wheels = lines.all(|line| line == "True");
        let mut parts = full_version.split('.').map(str::parse);
        let version = (parts.next()?.ok()?, parts.next()?.ok()?);
        let found = Self {
            program: program.into(),
            full_version: full_version.into(),
            version,
        };
        takes_wheels.then_some(found)
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Python {}", self.full_version)
    }
}

/// CPythons that can make environments, the preferred ones first; `CRATON_PYTHON` alone if it is set.
pub fn find_all() -> Result<Vec<Interpreter>> {
    if let Some(chosen) = std::env::var_os("CRATON_PYTHON") {
        return match Interpreter::ask(chosen.clone().into()) {
            Some(found) => Ok(vec![found]),
            None => Err(format!(
                "CRATON_PYTHON = `{}` is not a released CPython with a global lock, venv and pip",
                chosen.to_string_lossy()
            )),
        };
    }
    let on_path = NAMES.iter().map(PathBuf::from);
    let mut found: Vec<Interpreter> = on_path
        .chain(pyenv_programs())
        .filter_map(Interpreter::ask)
        .collect();
    // Stable, so that among equals the one found first wins.
    found.sort_by_key(|one| preference(one.version));
    found.dedup_by_key(|one| one.version);
    Ok(found)
}

/// 3.12 first, whose requirements are locked; then later ones in order; then the rest.
fn preference(version: (u32, u32)) -> (bool, u32, u32) {
    (version < super::lane::MAIN, version.0, version.1)
}

/// Pythons that pyenv has built but not put on the path.
fn pyenv_programs() -> Vec<PathBuf> {
    let Ok(home) = workspace::home() else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(home.join(".pyenv/versions")) else {
        return Vec::new();
    };
    let mut programs: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path().join("bin/python"))
        .collect();
    // Latest patch release first, as far as names tell.
    programs.sort_by(|left, right| right.cmp(left));
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_3_12_is_preferred_then_later_ones() {
        let mut versions = vec![(3, 9), (3, 14), (3, 11), (3, 13), (3, 12)];
        versions.sort_by_key(|version| preference(*version));
        assert_eq!(versions, [(3, 12), (3, 13), (3, 14), (3, 9), (3, 11)]);
    }
}
