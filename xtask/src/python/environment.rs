//! Private Python environments, kept in the cache folder so that a warm run is quick.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::interpreter::Interpreter;
use super::lane::Lane;
use crate::process::{Result, output, run, say};
use crate::workspace;

/// A virtual environment. While this value lives, no other run touches the folder.
pub struct Environment {
    folder: PathBuf,
    _lock: Option<File>,
}

impl Environment {
    /// The environment of `lane` with its locked requirements installed.
    pub fn prepare(lane: &Lane) -> Result<Self> {
        let interpreter = &lane.interpreter;
        let requirements = lane.requirements();
        let locked = fs::read_to_string(&requirements)
            .map_err(|error| format!("cannot read {}: {error}", requirements.display()))?;
        let cache = workspace::cache_dir()?;
        let name = format!(
            "venv-{}-{:016x}",
            interpreter.full_version,
            fingerprint(&locked, interpreter)
        );
        let folder = cache.join(&name);
        let lock = lock(&cache, &name)?;
        if !is_complete(&folder) {
            say(format!(
                "making the environment {name} from {}",
                requirements.display()
            ));
            remove_folder(&folder)?;
            let environment = Self::create(&folder, interpreter)?;
            // Everything is pinned, so there is nothing for pip to resolve, and nothing to compile.
            run(environment
                .pip()
                .args([
                    "install",
                    "--quiet",
                    "--no-deps",
                    "--only-binary",
                    ":all:",
                    "-r",
                ])
                .arg(&requirements))?;
            run(environment.pip().arg("check"))?;
            write(&completion_mark(&folder), "")?;
        }
        Ok(Self {
            folder,
            _lock: Some(lock),
        })
    }

    /// A new environment with nothing in it but pip.
    pub fn create(folder: &Path, interpreter: &Interpreter) -> Result<Self> {
        run(Command::new(&interpreter.program)
            .args(["-m", "venv"])
            .arg(folder))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            _lock: None,
        })
    }

    /// Replaces the installed wheel by `wheel`.
    pub fn install(&self, wheel: &Path) -> Result<()> {
        run(self
            .pip()
            .args([
                "install",
                "--quiet",
                "--no-deps",
                "--no-index",
                "--force-reinstall",
            ])
            .arg(wheel))
    }

    /// A program of this environment.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The environment's Python.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// The environment's pip, to be given its arguments.
    pub fn pip(&self) -> Command {
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "--disable-pip-version-check", "--no-input"]);
        pip.env_remove("PYTHONPATH");
        pip
    }

    /// Puts this environment's programs first for `command`.
    pub fn activate<'a>(&self, command: &'a mut Command) -> Result<&'a mut Command> {
        let own = self.folder.join("bin");
        let path = join_path(std::iter::once(own).chain(path_folders()))?;
        Ok(command
            .env("PATH", path)
            .env("VIRTUAL_ENV", &self.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("PYTHONPATH")
            .env_remove("PYTHONHOME"))
    }
}

fn fingerprint(locked: &str, interpreter: &Interpreter) -> u64 {
    let mut hasher = DefaultHasher::new();
    locked.hash(&mut hasher);
    interpreter.program.hash(&mut hasher);
    hasher.finish()
}

/// Whether the folder was filled to the end and its Python still runs.
fn is_complete(folder: &Path) -> bool {
    completion_mark(folder).is_file()
        && output(Command::new(folder.join("bin/python")).args(["-c", "import pip"])).is_ok()
}

fn completion_mark(folder: &Path) -> PathBuf {
    folder.join(".complete")
}

fn lock(cache: &Path, name: &str) -> Result<File> {
    let complain = |error| format!("cannot lock the cache folder {}: {error}", cache.display());
    fs::create_dir_all(cache).map_err(complain)?;
    let file = File::create(cache.join(format!("{name}.lock"))).map_err(complain)?;
    file.lock().map_err(complain)?;
    Ok(file)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Removes `folder` if it is there.
pub fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// `PATH` without the folders that hold cargo.
pub fn path_without_cargo() -> Result<OsString> {
    join_path(
        path_folders()
            .into_iter()
            .filter(|folder| !folder.join("cargo").exists()),
    )
}

fn path_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

fn join_path(folders: impl Iterator<Item = PathBuf>) -> Result<OsString> {
    std::env::join_paths(folders).map_err(|error| format!("cannot put PATH together: {error}"))
}
