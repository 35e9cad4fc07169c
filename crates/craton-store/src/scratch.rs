//! A file without a name, for bytes that a run puts aside: whatever ends the process, nothing of it stays.

use craton_core::source::BoxFuture;
use craton_core::{BufferMut, ByteRange, Error, Pool, ReadRanges, Result, SpillFile};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One part in so many of what a disk has free is left to others.
const LEFT_FREE: u64 = 10;

/// Such a file, and how much was written to it.
#[derive(Debug)]
pub struct ScratchFile {
    file: File,
    folder: PathBuf,
    end: AtomicU64,
}

impl ScratchFile {
    /// A file in the first of `folders` that lies on a disk with room for `bytes`; `None` if there is none. A file
    /// system in memory is no such disk.
    #[must_use]
    pub fn create<'a>(folders: impl IntoIterator<Item = &'a Path>, bytes: u64) -> Option<Self> {
        folders.into_iter().find_map(|folder| {
            let free = free_on_disk(folder)?;
            if bytes > free - free / LEFT_FREE {
                return None;
            }
            Some(Self {
                file: tempfile::tempfile_in(folder).ok()?,
                folder: folder.to_owned(),
                end: AtomicU64::new(0),
            })
        })
    }

    fn failed(&self, verb: &str, cause: std::io::Error) -> Error {
        let message = format!(
            "cannot {verb} a temporary file in `{}`",
            self.folder.display()
        );
        Error::io(message, cause)
            .hint("`TMPDIR` names another folder for what does not fit into memory")
    }
}

/// Bytes that a folder's disk has left; `None` where it is none, or nobody knows.
#[cfg(target_os = "linux")]
fn free_on_disk(folder: &Path) -> Option<u64> {
    /// tmpfs and ramfs, by the numbers that Linux gives them.
    const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];
    let facts = rustix::fs::statfs(folder).ok()?;
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        reason = "the types differ between processors"
    )]
    let (kind, blocks, size) = (
        facts.f_type as i64,
        facts.f_bavail as u64,
        facts.f_bsize as u64,
    );
    (!IN_MEMORY.contains(&kind)).then_some(blocks.saturating_mul(size))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn free_on_disk(folder: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

#[cfg(not(unix))]
fn free_on_disk(_folder: &Path) -> Option<u64> {
    None
}

impl SpillFile for ScratchFile {
    fn append(&self, bytes: &[u8]) -> Result<u64> {
        let offset = self.end.fetch_add(bytes.len() as u64, Relaxed);
        crate::placed::write_all_at(&self.file, bytes, offset)
            .map_err(|cause| self.failed("write", cause))?;
        Ok(offset)
    }
}

impl ReadRanges for ScratchFile {
    fn read<'a>(
        &'a self,
        _location: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>> {
        Box::pin(async move {
            let bytes = range.resolve(self.end.load(Relaxed));
            let length = usize::try_from(bytes.end - bytes.start)
                .map_err(|_| Error::internal("range longer than memory"))?;
            let mut buffer = pool.take(length)?;
            crate::local::read_exact_at(&self.file, &mut buffer, bytes.start)
                .map_err(|cause| self.failed("read", cause))?;
            Ok(Some(buffer))
        })
    }

    fn size<'a>(&'a self, _location: &'a str) -> BoxFuture<'a, Result<Option<u64>>> {
        Box::pin(async move { Ok(Some(self.end.load(Relaxed))) })
    }

    fn list<'a>(&'a self, _prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move { Ok(Vec::new()) })
    }

    fn url_of(&self, _location: &str) -> String {
        format!("a temporary file in {}", self.folder.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_append_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = ScratchFile::create([folder.path()], 1 << 10).unwrap();
        let pieces: Vec<(u64, u8)> = std::thread::scope(|scope| {
            let append = |piece: u8| {
                let file = &file;
                scope.spawn(move || (file.append(&[piece; 5]).unwrap(), piece))
            };
            let threads: Vec<_> = (0..8).map(append).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let pool = Pool::unlimited();
        for (offset, piece) in pieces {
            let range = ByteRange::Bounded { offset, length: 5 };
            let bytes = pollster::block_on(file.read("", range, &pool))
                .unwrap()
                .unwrap();
            assert_eq!(&bytes[..], [piece; 5]);
        }
    }

    #[test]
    fn it_has_no_name_and_needs_room() {
        let folder = tempfile::tempdir().unwrap();
        let file = ScratchFile::create([folder.path()], 1).unwrap();
        file.append(b"x").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(ScratchFile::create([folder.path()], u64::MAX).is_none());
        let absent = folder.path().join("absent");
        let folders = [absent.as_path(), folder.path()];
        assert!(ScratchFile::create(folders, 1).is_some());
        assert!(ScratchFile::create([absent.as_path()], 1).is_none());
    }
}
