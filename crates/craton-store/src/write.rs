//! Whole objects written and removed, wherever they lie.

use crate::remote::{RemoteStore, StoreSettings};
use crate::scheme::{Named, named};
use crate::{LocalStore, MemoryStore};
use craton_core::{BoxFuture, Error, ReadRanges, Result};
use std::sync::Arc;

/// Writes and removes whole objects. Nobody ever sees half of one.
pub trait WriteObjects: ReadRanges {
    /// Writes an object, if it `may_replace` what is there; says whether it was written.
    fn put<'a>(
        &'a self,
        location: &'a str,
        bytes: &'a [u8],
        may_replace: bool,
    ) -> BoxFuture<'a, Result<bool>>;

    /// Removes an object; an absent one is no error.
    fn remove<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<()>>;
}

/// A store that can be written, and where in it `url` points. Nothing needs to be there yet.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] for what is only read: web servers, archives, repositories, and files.
pub async fn open_to_write(
    url: &str,
    settings: &StoreSettings,
) -> Result<(Arc<dyn WriteObjects>, String)> {
    let refused = |what: &str| {
        Err(
            Error::unsupported(format!("{what} are not written object by object"))
                .at(crate::public_url(url))
                .hint("open it to read only"),
        )
    };
    match named(url)? {
        Named::Path(path) if std::path::Path::new(&path).is_file() => refused("files"),
        Named::Path(path) => Ok((Arc::new(LocalStore::new(path)), String::new())),
        Named::Memory(name) => Ok((MemoryStore::named(&name), String::new())),
        Named::Repository => refused("repositories"),
        Named::Member => refused("members of archives"),
        Named::Remote => {
            let options = settings.options_for(url);
            let (store, root) = RemoteStore::open_to_write(url, &options).await?;
            Ok((Arc::new(store), root))
        }
    }
}

/// Whether [`open_to_write`] may open `url`, as far as the URL itself tells.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] for unknown schemes.
pub fn can_be_written(url: &str) -> Result<bool> {
    Ok(match named(url)? {
        Named::Path(path) => !std::path::Path::new(&path).is_file(),
        Named::Memory(_) => true,
        Named::Repository | Named::Member => false,
        Named::Remote => !url.to_ascii_lowercase().starts_with("http"),
    })
}

impl WriteObjects for LocalStore {
    fn put<'a>(
        &'a self,
        location: &'a str,
        bytes: &'a [u8],
        may_replace: bool,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut part = self.begin(location)?;
            part.append(bytes)?;
            match may_replace {
                true => part.commit().map(|()| true),
                false => part.commit_new(),
            }
        })
    }

    fn remove<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.remove_tree(location) })
    }
}

impl WriteObjects for MemoryStore {
    fn put<'a>(
        &'a self,
        location: &'a str,
        bytes: &'a [u8],
        may_replace: bool,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.insert_if(location, bytes, may_replace)) })
    }

    fn remove<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            MemoryStore::remove(self, location);
            Ok(())
        })
    }
}
