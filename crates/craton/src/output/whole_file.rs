//! A file that is either whole under its name or not there.

use craton_core::{Error, ErrorKind, Result};
use craton_store::partial::temporary_beside;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Lets `fill` write a temporary file beside `path`, then gives it the name.
///
/// # Errors
/// [`ErrorKind::Conflict`] if something has the name already and `may_replace` is not set; failures to write. The
/// temporary file is removed then.
pub fn write_whole(
    path: &Path,
    may_replace: bool,
    fill: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    if path.exists() && !may_replace {
        let error = Error::new(ErrorKind::Conflict, "the output exists already")
            .at(path.display().to_string());
        return Err(error.hint("`--overwrite` replaces it"));
    }
    let failed = |error| Error::io("cannot write the output", error).at(path.display().to_string());
    let temporary = Temporary {
        path: temporary_beside(path),
    };
    let mut out = BufWriter::new(File::create(&temporary.path).map_err(failed)?);
    fill(&mut out)?;
    out.into_inner()
        .map_err(|error| failed(error.into_error()))?
        .sync_all()
        .map_err(failed)?;
    std::fs::rename(&temporary.path, path).map_err(failed)
}

/// Removed when dropped, unless it was renamed before.
struct Temporary {
    path: PathBuf,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone already after a rename; nothing to do if it cannot be removed.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let failed = write_whole(&path, false, |out| {
            out.write_all(b"half").unwrap();
            Err(Error::invalid("stop"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_existing_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        write_whole(&path, false, |out| {
            out.write_all(b"one").map_err(|error| Error::io("", error))
        })
        .unwrap();
        assert_eq!(
            write_whole(&path, false, |_| Ok(())).unwrap_err().kind(),
            ErrorKind::Conflict
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
    }
}
