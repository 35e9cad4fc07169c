//! A file that is written in pieces at any place, from any thread, and shows under its name when it is whole.

use crate::partial::temporary_beside;
use craton_core::{Error, ErrorKind, Result};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A file being written beside its name. It is removed if it is dropped before [`PlacedFile::commit`].
#[derive(Debug)]
pub struct PlacedFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    may_replace: bool,
}

impl PlacedFile {
    /// Begins a file that will be at `target`. `may_replace` allows a file that is there to be replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if something is at `target`; errors of the file system.
    pub fn create(target: impl AsRef<Path>, may_replace: bool) -> Result<Self> {
        let target = target.as_ref().to_owned();
        check_target(&target, may_replace)?;
        if target.file_name().is_none() {
            let message = format!("`{}` does not name a file", target.display());
            return Err(Error::usage(message));
        }
        let temporary = temporary_beside(&target);
        let file = File::create_new(&temporary).map_err(|cause| failed(&target, cause))?;
        Ok(Self {
            file,
            temporary,
            target,
            may_replace,
        })
    }

    /// Writes `bytes` from `offset` on; the file grows as needed.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        write_all_at(&self.file, bytes, offset).map_err(|cause| failed(&self.target, cause))
    }

    /// Makes the file at least `length` bytes long; what was not written is zero.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn extend_to(&self, length: u64) -> Result<()> {
        let failed = |cause| failed(&self.target, cause);
        if self.file.metadata().map_err(failed)?.len() < length {
            self.file.set_len(length).map_err(failed)?;
        }
        Ok(())
    }

    /// Makes the file visible under its name.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if something has appeared there; errors of the file system. What was under the name
    /// before is there still.
    pub fn commit(self) -> Result<()> {
        let failed = |cause| failed(&self.target, cause);
        self.file.sync_all().map_err(failed)?;
        check_target(&self.target, self.may_replace)?;
        fs::rename(&self.temporary, &self.target).map_err(failed)
    }
}

impl Drop for PlacedFile {
    fn drop(&mut self) {
        // Nothing is there any more after a commit.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn failed(target: &Path, cause: io::Error) -> Error {
    Error::io(format!("cannot write `{}`", target.display()), cause)
}

fn check_target(target: &Path, may_replace: bool) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(target) else {
        return Ok(());
    };
    let conflict = |message: String| Error::new(ErrorKind::Conflict, message);
    if metadata.is_dir() {
        let message = format!("`{}` is a folder", target.display());
        return Err(conflict(message).hint("choose another name"));
    }
    if may_replace {
        return Ok(());
    }
    let message = format!("`{}` exists already", target.display());
    Err(conflict(message).hint("choose another name, or `--overwrite` it"))
}

#[cfg(unix)]
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect()
    }

    #[test]
    fn pieces_in_any_order_make_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let file = PlacedFile::create(&target, false).unwrap();
        std::thread::scope(|scope| {
            for piece in (0..8u8).rev() {
                let file = &file;
                scope.spawn(move || file.write_at(&[piece; 3], u64::from(piece) * 3).unwrap());
            }
        });
        assert!(!target.exists());
        file.extend_to(26).unwrap();
        file.commit().unwrap();
        let mut expected: Vec<u8> = (0..8u8).flat_map(|piece| [piece; 3]).collect();
        expected.extend([0, 0]);
        assert_eq!(fs::read(&target).unwrap(), expected);
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_dropped_file_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        fs::write(&target, "old").unwrap();
        let refused = PlacedFile::create(&target, false).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        let file = PlacedFile::create(&target, true).unwrap();
        file.write_at(b"half", 0).unwrap();
        drop(file);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["out"]);
    }
}
