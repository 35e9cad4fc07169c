//! The table from URL schemes to stores.

use crate::icechunk::{IcechunkStore, is_repository};
use crate::remote::{RemoteStore, StoreSettings};
use crate::{LocalStore, MemoryStore, ZipStore};
use craton_core::{ByteRange, Error, Pool, ReadRanges, Result};
use std::path::Path;
use std::sync::Arc;

/// What stands before the URL of an Icechunk repository.
const ICECHUNK: &str = "icechunk+";

/// A store and the prefix or object in it that a URL names.
pub type Opened = (Arc<dyn ReadRanges>, String);

/// How a scheme is opened.
#[derive(Clone, Copy)]
enum Open {
    /// As a path of this machine.
    File,
    /// As a name of this process.
    Memory,
    /// Over the network.
    Remote,
}

/// What each scheme means; plain paths have none.
const SCHEMES: &[(&str, Open)] = &[
    ("file", Open::File),
    ("memory", Open::Memory),
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
/// (`X.zip!/inner`). A file that is a ZIP archive opens as the store of its members; a folder that is an Icechunk
/// repository, as what its branch `main` holds. `icechunk+PATH@VERSION` names another branch, a tag or a snapshot: what
/// stands behind the last `@`, so that an `@` in the path itself is written `%40`.
///
/// # Errors
/// [`craton_core::ErrorKind::NotFound`] if nothing is there, [`craton_core::ErrorKind::Unsupported`] for
/// schemes this build does not read.
pub async fn open_store_with(url: &str, settings: &StoreSettings) -> Result<Opened> {
    if let Some(repository) = url.strip_prefix(ICECHUNK) {
        let (path, version, member) = repository_parts(repository);
        let store = IcechunkStore::open(&path, version.as_deref(), settings).await?;
        return Ok((Arc::new(store), member));
    }
    let (outer, member) = match url.split_once("!/") {
        Some((outer, member)) => (outer, Some(member)),
        None => (url, None),
    };
    if let Some(folder) = local_path(outer).filter(|path| is_repository(Path::new(path))) {
        let store = IcechunkStore::open(&folder, None, settings).await?;
        let member = member.unwrap_or_default().trim_matches('/').to_owned();
        return Ok((Arc::new(store), member));
    }
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

/// What a URL names, as far as that decides how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Path(String),
    Memory(String),
    Remote,
    Repository,
    Member,
}

/// What `url` names.
///
/// # Errors
/// [`craton_core::ErrorKind::Unsupported`] for unknown schemes.
pub(crate) fn named(url: &str) -> Result<Named> {
    if url.starts_with(ICECHUNK) {
        return Ok(Named::Repository);
    }
    if url.contains("!/") {
        return Ok(Named::Member);
    }
    if let Some(path) = local_path(url) {
        return Ok(match is_repository(Path::new(&path)) {
            true => Named::Repository,
            false => Named::Path(path),
        });
    }
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    match scheme_of(scheme) {
        Some(Open::Memory) => Ok(Named::Memory(rest.trim_matches('/').to_owned())),
        Some(_) => Ok(Named::Remote),
        None => Err(unknown_scheme(scheme)),
    }
}

fn unknown_scheme(scheme: &str) -> Error {
    Error::unsupported(format!("URL scheme `{scheme}` is not known")).hint(
        "plain paths, `file://`, `memory://`, `http(s)://`, `s3://`, `gs://`, `az://`, `abfs://`, `X.zip!/inner` and \
         `icechunk+PATH@VERSION` are read",
    )
}

/// Whether `url` names something of another machine.
#[must_use]
pub fn is_remote_url(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| matches!(scheme_of(scheme), Some(Open::Remote)))
}

/// The path of a repository, with or without `icechunk+`, and the version after the last `@`.
///
/// A path that is there as it is written names no version.
#[must_use]
pub fn repository_and_version(url: &str) -> (String, Option<String>) {
    match url.strip_prefix(ICECHUNK) {
        None if Path::new(url).exists() => (url.to_owned(), None),
        rest => {
            let (path, version, _) = repository_parts(rest.unwrap_or(url));
            (path, version)
        }
    }
}

/// The URL of a version of the repository in the folder `path`: what [`repository_and_version`] takes apart.
#[must_use]
pub fn repository_url(path: &str, version: &str) -> String {
    let escaped = |text: &str| {
        let text = text.replace('%', "%25");
        text.replace('@', "%40").replace('!', "%21")
    };
    // What a URL escapes itself is left alone; its last `@` is that of the version.
    let path = match path.contains("://") {
        true => path.to_owned(),
        false => escaped(path),
    };
    format!("{ICECHUNK}{path}@{}", escaped(version))
}

/// The path of a repository, the version after the last `@`, and the member after `!/`.
fn repository_parts(url: &str) -> (String, Option<String>, String) {
    let (url, member) = url.split_once("!/").unwrap_or((url, ""));
    let (path, version) = match url.rsplit_once('@') {
        Some((path, version)) if !is_before_host(path, version) => {
            (path, Some(percent_decode(version)))
        }
        _ => (url, None),
    };
    let path = match path.contains("://") {
        true => local_path(path).unwrap_or_else(|| path.to_owned()),
        false => percent_decode(path),
    };
    (path, version, member.trim_matches('/').to_owned())
}

/// Whether an `@` between the two stands in front of a host: behind the container or the user of a URL.
fn is_before_host(before: &str, after: &str) -> bool {
    let (scheme, rest) = before.split_once("://").unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    let names_host = ["abfs", "wasb", "http"]
        .iter()
        .any(|start| scheme.starts_with(start));
    names_host && !rest.contains('/') && after.contains('/')
}

/// The path that a `file://` URL or a plain path names; nothing for URLs of other schemes.
#[must_use]
pub fn local_path(url: &str) -> Option<String> {
    match url.split_once("://") {
        None => Some(url.to_owned()),
        Some((scheme, rest)) if matches!(scheme_of(scheme), Some(Open::File)) => {
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            Some(percent_decode(path))
        }
        Some(_) => None,
    }
}

fn scheme_of(scheme: &str) -> Option<Open> {
    let lower = scheme.to_ascii_lowercase();
    let found = SCHEMES.iter().find(|(name, _)| *name == lower);
    found.map(|(_, open)| *open)
}

async fn open_outer(url: &str, settings: &StoreSettings) -> Result<Opened> {
    if let Some(path) = local_path(url) {
        return open_path(&path);
    }
    match named(url)? {
        Named::Memory(name) => Ok((MemoryStore::named(&name), String::new())),
        _ => {
            let (store, root) = RemoteStore::open(url, &settings.options_for(url)).await?;
            Ok((Arc::new(store), root))
        }
    }
}

fn open_path(path: &str) -> Result<Opened> {
    let failed = |cause| {
        let error = Error::io(format!("cannot open `{path}`"), cause);
        let (repository, _, _) = repository_parts(path);
        if path.is_empty() {
            error.hint("the path is empty")
        } else if is_repository(Path::new(&repository)) {
            error.hint(format!(
                "a version of a repository is named `{ICECHUNK}{path}`"
            ))
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
    fn the_url_of_a_version_is_taken_apart_again() {
        for (path, version) in [
            ("a/b", "main"),
            ("/100% @ home!/x", "a@b"),
            ("%40", "%21"),
            ("s3://bucket/a%20b@c/r", "main"),
        ] {
            let taken = repository_and_version(&repository_url(path, version));
            assert_eq!(taken, (path.to_owned(), Some(version.to_owned())));
        }
    }

    #[test]
    fn a_repository_is_named_with_a_version_and_a_member() {
        let parts = |url| repository_parts(url);
        let text = str::to_owned;
        assert_eq!(parts("a/b"), (text("a/b"), None, text("")));
        assert_eq!(parts("a/b@v1"), (text("a/b"), Some(text("v1")), text("")));
        assert_eq!(
            parts("a%40b@v@2!/g/x"),
            (text("a@b@v"), Some(text("2")), text("g/x"))
        );
        assert_eq!(
            parts("file:///a%20b@c/d"),
            (text("/a b"), Some(text("c/d")), text(""))
        );
        let container = "abfs://box@account.dfs.core.windows.net/a";
        assert_eq!(parts(container), (text(container), None, text("")));
        assert_eq!(
            parts("abfs://box@account.dfs.core.windows.net/a@dev/x!/g"),
            (text(container), Some(text("dev/x")), text("g"))
        );
        let user = "https://me:pw@host/a";
        assert_eq!(parts(user), (text(user), None, text("")));
        assert_eq!(
            parts("abfs://box@v1"),
            (text("abfs://box"), Some(text("v1")), text(""))
        );
        assert_eq!(
            parts("memory://box@dev/x"),
            (text("memory://box"), Some(text("dev/x")), text(""))
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
