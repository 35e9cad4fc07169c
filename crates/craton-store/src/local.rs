//! Files of the local file system, read by `pread` and written under a temporary name first.

use craton_core::{BoxFuture, BufferMut, ByteRange, Error, Pool, ReadRanges, Result};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Objects are files under one folder; locations are paths relative to it.
///
/// Futures are ready at once: a read blocks the caller, which is meant to be an I/O thread or a worker
/// that wants these very bytes. Files are never mapped, because a file cut by somebody else would then
/// kill the process.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: PathBuf,
}

impl LocalStore {
    /// The files under `root`, which need not exist yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder that locations are relative to.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of `location`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if it is absolute or leads out of the root.
    pub fn path_of(&self, location: &str) -> Result<PathBuf> {
        let relative = Path::new(location);
        let stays_inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !stays_inside {
            let message = format!(
                "location `{location}` is not a path inside `{}`",
                self.root.display()
            );
            return Err(Error::invalid(message).hint("locations are relative and have no `..`"));
        }
        Ok(if location.is_empty() {
            self.root.clone()
        } else {
            self.root.join(relative)
        })
    }

    fn open(&self, location: &str) -> Result<Option<(File, u64)>> {
        let path = self.path_of(location)?;
        let failed = |cause| Error::io(format!("cannot open `{}`", path.display()), cause);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(cause) if is_absent(&cause) => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        };
        let metadata = file.metadata().map_err(failed)?;
        Ok((!metadata.is_dir()).then_some((file, metadata.len())))
    }

    fn read_now(&self, location: &str, range: ByteRange, pool: &Pool) -> Result<Option<BufferMut>> {
        let Some((file, size)) = self.open(location)? else {
            return Ok(None);
        };
        let bytes = checked_range(range, size).map_err(|error| error.at(self.url_of(location)))?;
        let length = usize::try_from(bytes.end - bytes.start)
            .map_err(|_| Error::internal("range longer than memory"))?;
        let mut buffer = pool.take(length)?;
        read_exact_at(&file, &mut buffer, bytes.start).map_err(|cause| {
            Error::io(format!("cannot read `{}`", self.url_of(location)), cause)
                .at(self.url_of(location))
                .in_bytes(bytes)
        })?;
        Ok(Some(buffer))
    }

    /// Reads a whole object into `out`, which it must fill; `false` if it does not exist.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if it has another length; errors of the file system.
    pub fn read_into(&self, location: &str, out: &mut [u8]) -> Result<bool> {
        let Some((file, size)) = self.open(location)? else {
            return Ok(false);
        };
        let url = || self.url_of(location);
        if size != out.len() as u64 {
            let message = format!("an object of {size} bytes instead of {}", out.len());
            return Err(Error::corrupt(message).at(url()));
        }
        read_exact_at(&file, out, 0)
            .map_err(|cause| Error::io(format!("cannot read `{}`", url()), cause).at(url()))?;
        Ok(true)
    }

    fn list_now(&self, prefix: &str) -> Result<Vec<String>> {
        let path = self.path_of(prefix)?;
        let failed = |cause| Error::io(format!("cannot list `{}`", path.display()), cause);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(cause) if is_absent(&cause) => return Ok(Vec::new()),
            Err(cause) => return Err(failed(cause)),
        };
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for entry in entries {
            let entry = entry.map_err(failed)?;
            // Names that are no text cannot be locations.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if is_folder(&entry) {
                folders.push(name + "/");
            } else {
                files.push(name);
            }
        }
        folders.sort_unstable();
        files.sort_unstable();
        folders.extend(files);
        Ok(folders)
    }

    /// Writes a whole file so that nobody ever sees half of it. Missing folders are made.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Io`] or [`craton_core::ErrorKind::Permission`]; nothing is left behind.
    pub fn write_atomic(&self, location: &str, bytes: &[u8]) -> Result<()> {
        let mut part = self.begin(location)?;
        part.append(bytes)?;
        part.commit()
    }

    /// Begins a file that is written piece by piece and shows under its name when it is whole.
    ///
    /// # Errors
    /// As [`LocalStore::write_atomic`].
    pub fn begin(&self, location: &str) -> Result<PartFile> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let path = self.path_of(location)?;
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::invalid(format!("`{location}` does not name a file")));
        };
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = name.to_string_lossy();
        let temporary = folder.join(format!(".{name}.{}-{number}.part", std::process::id()));
        let file = create_new(&temporary, folder)
            .map_err(|cause| Error::io(format!("cannot write `{}`", path.display()), cause))?;
        Ok(PartFile {
            file,
            temporary,
            path,
            is_whole: false,
        })
    }

    /// Makes a folder and those above it.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn create_dir(&self, location: &str) -> Result<()> {
        let path = self.path_of(location)?;
        fs::create_dir_all(&path)
            .map_err(|cause| Error::io(format!("cannot make folder `{}`", path.display()), cause))
    }

    /// Renames a file or folder; an existing folder at `to` must be empty.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (source, target) = (self.path_of(from)?, self.path_of(to)?);
        fs::rename(&source, &target).map_err(|cause| {
            let message = format!(
                "cannot rename `{}` to `{}`",
                source.display(),
                target.display()
            );
            Error::io(message, cause)
        })
    }

    /// Removes a file or a folder with all that is in it; absent ones are no error.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn remove_tree(&self, location: &str) -> Result<()> {
        let path = self.path_of(location)?;
        // Symbolic links are removed, not followed.
        let removed = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(cause) => Err(cause),
        };
        match removed {
            Err(cause) if !is_absent(&cause) => Err(Error::io(
                format!("cannot remove `{}`", path.display()),
                cause,
            )),
            _ => Ok(()),
        }
    }
}

impl ReadRanges for LocalStore {
    fn read<'a>(
        &'a self,
        location: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>> {
        Box::pin(async move { self.read_now(location, range, pool) })
    }

    fn size<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Option<u64>>> {
        Box::pin(async move { Ok(self.open(location)?.map(|(_, size)| size)) })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move { self.list_now(prefix) })
    }

    fn url_of(&self, location: &str) -> String {
        if location.is_empty() {
            self.root.display().to_string()
        } else {
            self.root.join(location).display().to_string()
        }
    }
}

/// The bytes of `range` within an object of `size` bytes.
pub(crate) fn checked_range(range: ByteRange, size: u64) -> Result<std::ops::Range<u64>> {
    let bytes = range.resolve(size);
    let is_inside = match range {
        ByteRange::Suffix(length) => length <= size,
        _ => bytes.end <= size && bytes.start <= bytes.end,
    };
    if is_inside {
        return Ok(bytes);
    }
    let wanted = match range {
        ByteRange::Suffix(length) => format!("the last {length} bytes"),
        _ => format!("bytes {}..{}", bytes.start, bytes.end),
    };
    Err(Error::corrupt(format!("{wanted} lie outside an object of {size} bytes")).in_bytes(bytes))
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn is_folder(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
        Ok(kind) => kind.is_dir(),
        Err(_) => false,
    }
}

fn create_new(path: &Path, folder: &Path) -> io::Result<File> {
    match File::create_new(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            File::create_new(path)
        }
        other => other,
    }
}

/// A file under a temporary name; it is removed unless it is committed.
#[derive(Debug)]
pub struct PartFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    is_whole: bool,
}

impl PartFile {
    /// Writes `bytes` after what is there.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|cause| Error::io(format!("cannot write `{}`", self.path.display()), cause))
    }

    /// Shows the file under its name.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn commit(mut self) -> Result<()> {
        fs::rename(&self.temporary, &self.path)
            .map_err(|cause| Error::io(format!("cannot write `{}`", self.path.display()), cause))?;
        self.is_whole = true;
        Ok(())
    }
}

impl PartFile {
    /// Shows the file under its name if nothing has that name; says whether it does.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn commit_new(self) -> Result<bool> {
        // A second name, unlike a new one, never replaces. The first is removed when this is dropped.
        match fs::hard_link(&self.temporary, &self.path) {
            Ok(()) => Ok(true),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(cause) => {
                let message = format!("cannot write `{}`", self.path.display());
                Err(Error::io(message, cause))
            }
        }
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.is_whole {
            // Best effort: the error that led here is the one to tell.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(not(unix))]
pub(crate) fn read_exact_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::ErrorKind;
    use futures_util::FutureExt;

    #[test]
    fn locations_never_lead_out_of_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path());
        for location in ["../x", "a/../../x", "/etc/passwd", "a/.."] {
            let error = store.path_of(location).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{location}");
        }
    }

    #[test]
    fn reads_agree_with_the_model_in_many_threads() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path());
        let model = crate::contract::model(7);
        for (location, bytes) in &model {
            store.write_atomic(location, bytes).unwrap();
        }
        std::thread::scope(|scope| {
            for seed in 0..4 {
                let (store, model) = (&store, &model);
                scope.spawn(move || {
                    crate::contract::check(store, model, seed)
                        .now_or_never()
                        .unwrap();
                });
            }
        });
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path());
        store.create_dir("taken/below").unwrap();
        assert!(store.write_atomic("taken", b"x").is_err());
        assert_eq!(store.list_now("").unwrap(), ["taken/"]);
        store.remove_tree("taken").unwrap();
        store.remove_tree("taken").unwrap();
        assert_eq!(store.list_now("").unwrap(), [""; 0]);
    }

    #[test]
    fn folders_and_names_below_files_are_absent() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path());
        store.write_atomic("a/b", b"x").unwrap();
        let pool = Pool::unlimited();
        for location in ["a", "a/b/c", "z"] {
            let read = store
                .read(location, ByteRange::Whole, &pool)
                .now_or_never()
                .unwrap();
            assert!(read.unwrap().is_none(), "{location}");
        }
    }
}
