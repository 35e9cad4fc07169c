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
    /// Waits until no other process that asks for it has the right.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`] if the folder may not be written, [`ErrorKind::Unsupported`] where the file system has no
    /// locks.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let folder = folder.display();
        let mut how = OpenOptions::new();
        let file = how.create(true).truncate(false).write(true).open(&path);
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
        Ok(Self { _file: file })
    }
}
