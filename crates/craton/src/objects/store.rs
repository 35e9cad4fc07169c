//! A store of named objects, for callers that bring their own idea of what the objects mean.

use craton_core::{Buffer, ByteRange, Error, ErrorKind, Pool, ReadRanges, Result};
use craton_store::scheme::local_path;
use craton_store::{StoreSettings, WriteObjects, open_store_with, open_to_write, public_url};
use pollster::block_on;
use std::path::PathBuf;
use std::sync::Arc;

/// Objects under a URL.
#[derive(Debug, Clone)]
pub struct Store {
    reads: Arc<dyn ReadRanges>,
    writes: Option<Arc<dyn WriteObjects>>,
    /// What stands before every location, without a `/` at the end.
    root: String,
    folder: Option<PathBuf>,
    url: String,
}

/// Which bytes of an object are wanted; those past its end are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// All.
    Whole,
    /// From the first up to, and without, the second.
    Between(u64, u64),
    /// From here on.
    From(u64),
    /// The last so many.
    Last(u64),
}

impl Store {
    /// Opens what lies at `url`, for writing too where `writes`. Then nothing needs to be there yet.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if nothing is there to be read; [`ErrorKind::Unsupported`] for what is only read.
    pub fn open(url: &str, writes: bool, settings: &StoreSettings) -> Result<Self> {
        let path = local_path(url).map(PathBuf::from);
        let shown = public_url(url);
        if writes {
            let (store, root) = block_on(open_to_write(url, settings))?;
            return Ok(Self {
                reads: store.clone(),
                writes: Some(store),
                root,
                folder: path,
                url: shown,
            });
        }
        let (reads, root) = block_on(open_store_with(url, settings))?;
        // Over a network a folder may have bytes too, such as a page that lists it.
        let may_be_object = !root.is_empty() && !reads.is_remote();
        let is_object = may_be_object && block_on(reads.size(&root))?.is_some();
        if is_object {
            let message = format!("`{shown}` is one object, and no folder of objects");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let is_plain = !reads.is_remote() && reads.keeper().is_none();
        Ok(Self {
            reads,
            writes: None,
            root,
            folder: path.filter(|path| is_plain && path.is_dir()),
            url: shown,
        })
    }

    /// The URL, without secrets.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether objects can be written.
    #[must_use]
    pub fn can_be_written(&self) -> bool {
        self.writes.is_some()
    }

    /// The folder whose files the objects are, if that is what they are.
    #[must_use]
    pub fn folder(&self) -> Option<&PathBuf> {
        self.folder.as_ref()
    }

    /// How objects are read, and what stands before their locations.
    #[must_use]
    pub fn reads(&self) -> &dyn ReadRanges {
        &*self.reads
    }

    /// The name in the store of `location`.
    #[must_use]
    pub fn name(&self, location: &str) -> String {
        match (self.root.as_str(), location) {
            ("", location) => location.to_owned(),
            (root, "") => root.to_owned(),
            (root, location) => format!("{root}/{location}"),
        }
    }

    /// Bytes of an object; `None` if it does not exist.
    ///
    /// # Errors
    /// Those of the store.
    pub fn get(&self, location: &str, asked: Asked) -> Result<Option<Buffer>> {
        let name = self.name(location);
        let read = |range| {
            let read = block_on(self.reads.read(&name, range, &Pool::unlimited()));
            Ok::<_, Error>(read?.map(craton_core::BufferMut::freeze))
        };
        let size = || block_on(self.reads.size(&name));
        let first = match asked {
            Asked::Whole => return read(ByteRange::Whole),
            Asked::Between(start, end) => Some(ByteRange::Bounded {
                offset: start,
                length: end.saturating_sub(start),
            }),
            Asked::Last(count) => Some(ByteRange::Suffix(count)),
            Asked::From(_) => None,
        };
        // Mostly they are there; only if not is it asked how many are.
        match first.map(read) {
            Some(Err(error)) if error.kind() != ErrorKind::Corrupt => return Err(error),
            Some(Ok(read)) => return Ok(read),
            _ => {}
        }
        let Some(size) = size()? else {
            return Ok(None);
        };
        let (start, end) = match asked {
            Asked::Whole => (0, size),
            Asked::Between(start, end) => (start, end),
            Asked::From(start) => (start, size),
            Asked::Last(count) => (size.saturating_sub(count), size),
        };
        let (start, end) = (start.min(size), end.min(size));
        read(ByteRange::Bounded {
            offset: start,
            length: end.saturating_sub(start),
        })
    }

    /// Bytes of an object; `None` if it does not exist.
    ///
    /// # Errors
    /// Those of the store.
    pub fn size(&self, location: &str) -> Result<Option<u64>> {
        block_on(self.reads.size(&self.name(location)))
    }

    /// The names directly under `prefix`; those of folders end in `/`.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list(&self, prefix: &str) -> Result<Vec<String>> {
        block_on(self.reads.list(&self.name(prefix.trim_matches('/'))))
    }

    /// Writes an object, if it `may_replace` what is there; says whether it was written.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`] if the store was opened to read only; those of the store.
    pub fn put(&self, location: &str, bytes: &[u8], may_replace: bool) -> Result<bool> {
        block_on(self.writes()?.put(&self.name(location), bytes, may_replace))
    }

    /// Removes an object; an absent one is no error.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn remove(&self, location: &str) -> Result<()> {
        block_on(self.writes()?.remove(&self.name(location)))
    }

    fn writes(&self) -> Result<&dyn WriteObjects> {
        self.writes.as_deref().ok_or_else(|| {
            let message = format!("`{}` was opened to read only", self.url);
            Error::new(ErrorKind::Permission, message)
        })
    }
}
