//! One at a time for changes of a repository in a folder: files cannot be replaced only if they are still what was read,
//! as objects of S3 can, so of two changes at the same moment one would be lost.

use craton_core::{Error, ErrorKind, Result};
use std::fs::{File, OpenOptions};
use std::path::Path;

pub(super) const NAME: &str = ".craton.lock";

/// The right to change the repository in a folder. It ends with the value, or with the process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// As [`Lock::of`], where the folder may not be there yet, or is taken away right now by another who has the right.
    ///
    /// # Errors
    /// As [`Lock::of`]; a folder that was made for it is not left.
    pub(super) fn of_new(folder: &Path) -> Result<Self> {
        loop {
            std::fs::create_dir_all(folder).map_err(|cause| {
                let folder = folder.display();
                Error::io(format!("cannot make the repository `{folder}`"), cause)
            })?;
            match Self::of(folder) {
                Err(_) if !folder.exists() => {}
                // Only where nothing is in it, which is what removing a folder asks for.
                locked => return locked.inspect_err(|_| drop(std::fs::remove_dir(folder))),
            }
        }
    }

    /// Waits until no other process that asks for it has the right.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`] if the folder may not be written, [`ErrorKind::Unsupported`] where the file system has no
    /// locks.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        loop {
            let file = Self::waited_for(folder, &path)?;
            // Whoever had the right before may have taken the repository away, and the file with it.
            if is_still_at(&file, &path) {
                return Ok(Self { _file: file });
            }
        }
    }

    fn waited_for(folder: &Path, path: &Path) -> Result<File> {
        let folder = folder.display();
        let mut how = OpenOptions::new();
        let file = how.create(true).truncate(false).write(true).open(path);
        let file = file.map_err(|cause| {
            let message = format!("cannot change the repository `{folder}`");
            let kind = match cause.kind() {
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    ErrorKind::Permission
                }
                _ => ErrorKind::Io,
            };
            Error::new(kind, message).caused_by(cause)
        })?;
        file.lock().map_err(|cause| {
            let message = format!("the file system of `{folder}` has no locks");
            Error::unsupported(message)
                .caused_by(cause)
                .hint("commit to a repository on another file system, and copy it")
        })?;
        Ok(file)
    }
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |facts: std::io::Result<std::fs::Metadata>| {
        facts.ok().map(|facts| (facts.dev(), facts.ino()))
    };
    let held = place(file.metadata());
    held.is_some() && held == place(path.metadata())
}

/// Files that are open stay where they are.
#[cfg(not(unix))]
fn is_still_at(_: &File, _: &Path) -> bool {
    true
}
