//! The table from URL schemes to stores.

use crate::remote::{RemoteStore, StoreSettings};
use crate::{LocalStore, ZipStore};
use craton_core::{ByteRange, Error, Pool, ReadRanges, Result};
use std::path::Path;
use std::sync::Arc;

/// A store and the prefix or object in it that a URL names.
pub type Opened = (Arc<dyn ReadRanges>, String);

/// How a scheme is opened.
#[derive(Clone, Copy)]
enum Open {
    /// As a path of this machine.
    File,
    /// Over the network.
    Remote,
}

/// What each scheme means; plain paths have none.
const SCHEMES: &[(&str, Open)] = &[
    ("file", Open::File),
    ("http", Open::Remote),
    ("https", Open::Remote),
    ("s3", Open::Remote),
    ("s3a", Open::Remote),
    ("s3n", Open::Remote),
    ("gs", Open::Remote),
    ("gcs", Open::Remote),
    ("az", Open::Remote),
    ("azure", Open::Remote),
    ("abfs", Open::Remote),
    ("abfss", Open::Remote),
    ("adl", Open::Remote),
    ("wasb", Open::Remote),
    ("wasbs", Open::Remote),
];

/// The store that holds `url`, and where in it `url` points, with the settings of
/// `craton.toml` and those given to the process.
///
/// # Errors
/// As [`open_store_with`].
pub async fn open_store(url: &str) -> Result<Opened> {
    open_store_with(url, &StoreSettings::current()?).await
}

/// The store that holds `url`, and where in it `url` points.
///
/// Takes plain paths, `file://` URLs, URLs of web servers and object stores, and members of ZIP archives
/// (`X.zip!/inner`). A file that is a ZIP archive opens as the store of its members.
///
/// # Errors
/// [`craton_core::ErrorKind::NotFound`] if nothing is there, [`craton_core::ErrorKind::Unsupported`] for
/// schemes this build does not read.
pub async fn open_store_with(url: &str, settings: &StoreSettings) -> Result<Opened> {
    let (outer, member) = match url.split_once("!/") {
        Some((outer, member)) => (outer, Some(member)),
        None => (url, None),
    };
    let (store, root) = open_outer(outer, settings).await?;
    match member {
        Some(member) => {
            let zip = ZipStore::open(store, &root).await?;
            Ok((Arc::new(zip), member.trim_matches('/').to_owned()))
        }
        None if is_zip(&*store, &root).await? => {
            let zip = ZipStore::open(store, &root).await?;
            Ok((Arc::new(zip), String::new()))
        }
        None => Ok((store, root)),
    }
}

/// Whether `url` names something of another machine.
#[must_use]
pub fn is_remote_url(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| matches!(scheme_of(scheme), Some(Open::Remote)))
}

fn scheme_of(scheme: &str) -> Option<Open> {
    let lower = scheme.to_ascii_lowercase();
    let found = SCHEMES.iter().find(|(name, _)| *name == lower);
    found.map(|(_, open)| *open)
}

async fn open_outer(url: &str, settings: &StoreSettings) -> Result<Opened> {
    let Some((scheme, _)) = url.split_once("://") else {
        return open_path(url);
    };
    match scheme_of(scheme) {
        Some(Open::File) => open_file_url(url),
        Some(Open::Remote) => {
            let (store, root) = RemoteStore::open(url, &settings.options_for(url)).await?;
            Ok((Arc::new(store), root))
        }
        None => {
            let message = format!("URL scheme `{scheme}` is not known");
            Err(Error::unsupported(message).hint(
                "plain paths, `file://`, `http(s)://`, `s3://`, `gs://`, `az://`, `abfs://` and `X.zip!/inner` are read",
            ))
        }
    }
}

fn open_file_url(url: &str) -> Result<Opened> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    open_path(&percent_decode(path))
}

fn open_path(path: &str) -> Result<Opened> {
    let failed = |cause| {
        let error = Error::io(format!("cannot open `{path}`"), cause);
        if path.is_empty() {
            error.hint("the path is empty")
        } else {
            error
        }
    };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Ok((Arc::new(LocalStore::new(path)), String::new()));
    }
    let file = Path::new(path);
    let (Some(folder), Some(name)) = (
        file.parent(),
        file.file_name().and_then(|name| name.to_str()),
    ) else {
        return Err(Error::usage(format!("`{path}` does not name a file")));
    };
    Ok((Arc::new(LocalStore::new(folder)), name.to_owned()))
}

async fn is_zip(store: &dyn ReadRanges, root: &str) -> Result<bool> {
    // Over a network only names tell: a store may deny, or show a page for, what is only the beginning of names.
    let may_be = !store.is_remote() || root.to_ascii_lowercase().ends_with(".zip");
    if root.is_empty() || !may_be || store.size(root).await?.is_none_or(|size| size < 22) {
        return Ok(false);
    }
    let range = ByteRange::Bounded {
        offset: 0,
        length: 4,
    };
    let magic = store.read(root, range, &Pool::unlimited()).await?;
    Ok(magic.is_some_and(|magic| matches!(&magic[..], b"PK\x03\x04" | b"PK\x05\x06")))
}

pub(crate) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::ErrorKind;
    use futures_util::FutureExt;

    fn open(url: &str) -> Result<Opened> {
        open_store(url).now_or_never().unwrap()
    }

    #[test]
    fn folders_and_files_open_by_path_and_by_url() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        std::fs::write(folder.path().join("a b.nc"), b"x").unwrap();
        assert_eq!(open(path).unwrap().1, "");
        assert_eq!(open(&format!("{path}/a b.nc")).unwrap().1, "a b.nc");
        assert_eq!(
            open(&format!("file://{path}/a%20b.nc")).unwrap().1,
            "a b.nc"
        );
    }

    #[test]
    fn unknown_schemes_are_named() {
        let error = open("gopher://x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("gopher"), "{error}");
        assert!(is_remote_url("S3://b/x") && !is_remote_url("file:///x") && !is_remote_url("a/b"));
    }

    #[test]
    fn a_path_that_does_not_exist_is_not_found() {
        assert_eq!(
            open("no/such/path.zarr").unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
}
