//! Virtual chunks: bytes of files outside the repository, read only where that is authorised.
//!
//! A repository may point at any file, so a stranger's repository must not make this process read what its user can. What
//! may be read is said by prefixes of URLs in the option `authorize_virtual_chunk_access`.

use crate::local::LocalStore;
use crate::remote::{RemoteStore, StoreSettings};
use crate::scheme::{local_path, percent_decode};
use craton_core::{BufferMut, ByteRange, Error, ErrorKind, Pool, ReadRanges, Result};
use icechunk::format::manifest::{Checksum, VirtualChunkRef};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::sync::Mutex;

const OPTION: &str = "authorize_virtual_chunk_access";

/// What may be read outside the repository.
pub(super) struct Elsewhere {
    prefixes: Vec<Prefix>,
    settings: StoreSettings,
    /// The stores of prefixes that were used, and the folder in each.
    stores: Mutex<HashMap<usize, Opened>>,
}

/// A prefix, as it was written.
#[derive(Debug)]
enum Prefix {
    Folder(String),
    Url(String),
}

#[derive(Clone)]
enum Opened {
    Local(Arc<LocalStore>),
    Remote(Arc<RemoteStore>, String),
}

impl Elsewhere {
    /// What `settings` authorise for the repository at `url`.
    pub(super) fn of(url: &str, settings: &StoreSettings) -> Self {
        let options = settings.options_for(url);
        let given = options.get(OPTION).unwrap_or_default().split(',');
        let prefixes = given.map(str::trim).filter(|prefix| !prefix.is_empty());
        let prefixes = prefixes.map(Prefix::of);
        Self {
            prefixes: prefixes.collect(),
            settings: settings.clone(),
            stores: Mutex::default(),
        }
    }

    /// The bytes `part` of a chunk that lies at `url`.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`] where it is not authorised, [`ErrorKind::Conflict`] if the file is another than the
    /// repository was told of, [`ErrorKind::Corrupt`] if it is gone or too short.
    pub(super) async fn read(
        &self,
        url: &str,
        chunk: &VirtualChunkRef,
        part: Range<u64>,
        pool: &Pool,
    ) -> Result<BufferMut> {
        let Some((which, location)) =
            self.prefixes
                .iter()
                .enumerate()
                .find_map(|(which, prefix)| {
                    let location = prefix.location(url)?;
                    Some((which, location))
                })
        else {
            return Err(refused(url));
        };
        let (store, location) = match self.store(which).await? {
            Opened::Local(store) => {
                check_modified(url, chunk)?;
                (store as Arc<dyn ReadRanges>, location)
            }
            Opened::Remote(store, root) => {
                let location = format!("{root}/{location}").trim_matches('/').to_owned();
                let read = read_part(&*store, &location, url, chunk, part, pool).await?;
                check_object(&store, &location, url, chunk)?;
                return Ok(read);
            }
        };
        read_part(&*store, &location, url, chunk, part, pool).await
    }

    async fn store(&self, which: usize) -> Result<Opened> {
        let mut stores = self.stores.lock().await;
        if let Some(known) = stores.get(&which) {
            return Ok(known.clone());
        }
        let opened = match &self.prefixes[which] {
            // Of the root nothing is left without the `/` at its end.
            Prefix::Folder(folder) => {
                Opened::Local(Arc::new(LocalStore::new(format!("{folder}/"))))
            }
            Prefix::Url(url) => {
                let options = self.settings.options_for(url);
                let (store, root) = RemoteStore::open_unseen(url, &options).await?;
                Opened::Remote(Arc::new(store), root)
            }
        };
        stores.insert(which, opened.clone());
        Ok(opened)
    }
}

impl Prefix {
    /// A relative path begins at the current folder, because repositories name files by whole paths.
    fn of(text: &str) -> Self {
        let Some(path) = local_path(text) else {
            return Self::Url(text.trim_end_matches('/').to_owned());
        };
        let whole = std::path::absolute(&path).ok();
        let whole = whole.and_then(|whole| whole.into_os_string().into_string().ok());
        Self::Folder(whole.unwrap_or(path).trim_end_matches('/').to_owned())
    }

    /// Where below it `url` lies, if it does.
    fn location(&self, url: &str) -> Option<String> {
        let below = match self {
            Self::Folder(folder) => {
                let path = local_path(url)?;
                path.strip_prefix(folder.as_str()).map(str::to_owned)
            }
            Self::Url(prefix) => {
                let below = url.strip_prefix(prefix.as_str())?;
                Some(percent_decode(below.split(['?', '#']).next()?))
            }
        }?;
        let below = below.strip_prefix('/')?;
        let leads_out = below.split('/').any(|part| matches!(part, "." | ".."));
        (!leads_out && !below.is_empty()).then(|| below.to_owned())
    }
}

async fn read_part(
    store: &dyn ReadRanges,
    location: &str,
    url: &str,
    chunk: &VirtualChunkRef,
    part: Range<u64>,
    pool: &Pool,
) -> Result<BufferMut> {
    let offset = chunk.offset.checked_add(part.start);
    let range = offset.map(|offset| ByteRange::Bounded {
        offset,
        length: part.end - part.start,
    });
    let range = range.ok_or_else(|| Error::corrupt("a virtual chunk beyond every file").at(url))?;
    let read = store.read(location, range, pool).await?;
    read.ok_or_else(|| {
        Error::corrupt(format!("`{url}`, in which virtual chunks lie, is gone"))
            .at(url)
            .hint("the repository names the file by this URL; put it back there")
    })
}

/// Whether the file is still the one that the repository was told of.
fn check_modified(url: &str, chunk: &VirtualChunkRef) -> Result<()> {
    let Some(Checksum::LastModified(told)) = &chunk.checksum else {
        return Ok(());
    };
    let path = local_path(url).unwrap_or_default();
    let modified = Path::new(&path).metadata().and_then(|file| file.modified());
    let seconds = modified
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    match seconds {
        Some(at) if at.as_secs() > u64::from(told.0) => Err(changed(url)),
        _ => Ok(()),
    }
}

/// As [`check_modified`], of an object of which a part was read.
fn check_object(
    store: &RemoteStore,
    location: &str,
    url: &str,
    chunk: &VirtualChunkRef,
) -> Result<()> {
    let plain = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
    let is_same = match (&chunk.checksum, store.told_of(location)) {
        (Some(Checksum::ETag(told)), Some((Some(etag), _))) => plain(&told.0) == plain(&etag),
        (Some(Checksum::LastModified(told)), Some((_, modified))) => modified <= i64::from(told.0),
        _ => true,
    };
    if is_same { Ok(()) } else { Err(changed(url)) }
}

fn changed(url: &str) -> Error {
    let message = format!("`{url}` was changed since the repository was told of the chunks in it");
    Error::new(ErrorKind::Conflict, message)
        .at(url)
        .hint("its chunks must be told to the repository anew")
}

fn refused(url: &str) -> Error {
    let message = format!("a virtual chunk lies at `{url}`, which is not authorised");
    let folder = url.rsplit_once('/').map_or(url, |(folder, _)| folder);
    Error::new(ErrorKind::Permission, message).at(url).hint(format!(
        "a repository may point at any file; `--store {OPTION}={folder}` allows what lies there (in Python \
         `storage_options={{\"{OPTION}\": \"{folder}\"}}`)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::tests::options;
    use icechunk::format::manifest::VirtualChunkLocation;

    #[test]
    fn the_root_of_all_folders_is_read_from_there() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"0123456789").unwrap();
        let settings = StoreSettings::default().with(&options(&[&format!("{OPTION}=/")]));
        let elsewhere = Elsewhere::of("r", &settings);
        let url = format!("file://{}", file.path().display());
        let chunk = VirtualChunkRef {
            location: VirtualChunkLocation::from_url(&url).unwrap(),
            offset: 2,
            length: 6,
            checksum: None,
        };
        let pool = Pool::unlimited();
        let read = elsewhere.read(&url, &chunk, 1..4, &pool);
        assert_eq!(&pollster::block_on(read).unwrap()[..], b"345");
    }

    #[test]
    fn a_prefix_ends_where_a_name_does() {
        let folder = Prefix::of("file:///data/");
        let bucket = Prefix::of("s3://bucket/data/");
        let of = |prefix: &Prefix, url: &str| prefix.location(url);
        assert_eq!(of(&folder, "file:///data/a%20b.nc").unwrap(), "a b.nc");
        assert_eq!(of(&bucket, "s3://bucket/data/x/a.nc").unwrap(), "x/a.nc");
        for url in [
            "file:///data2/a.nc",
            "file:///data/../etc/passwd",
            "file:///data/%2e%2e/etc/passwd",
            "file:///data",
            "s3://bucket/data/a.nc",
        ] {
            assert_eq!(of(&folder, url), None, "{url}");
        }
        for root in ["/", "file:///"] {
            let below = of(&Prefix::of(root), "file:///data/a.nc");
            assert_eq!(below.unwrap(), "data/a.nc", "{root}");
        }
        let here = std::env::current_dir().unwrap();
        let url = format!("file://{}/below/a.nc", here.display());
        assert_eq!(of(&Prefix::of("below"), &url).unwrap(), "a.nc");
        for url in [
            "s3://bucket/data2/a.nc",
            "s3://bucket/data/../a.nc",
            "s3://bucket/data/%2E%2E/a.nc",
            "s3://bucket2/data/a.nc",
            "gs://bucket/data/a.nc",
        ] {
            assert_eq!(of(&bucket, url), None, "{url}");
        }
    }
}
