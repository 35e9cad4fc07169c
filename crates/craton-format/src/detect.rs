//! Which format lies at a URL.

use craton_core::{ByteRange, Error, Pool, ReadRanges, Result};
use craton_store::StoreSettings;
use futures_util::future::join_all;
use std::sync::Arc;

/// A format that can be told from names or first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A Zarr store of version 2.
    Zarr2,
    /// A Zarr store of version 3.
    Zarr3,
    /// A netCDF classic file (CDF-1, CDF-2 or CDF-5).
    NetCdf3,
    /// An HDF5 file, netCDF4 included.
    Hdf5,
}

/// Where a format was found.
#[derive(Debug, Clone)]
pub struct Detected {
    /// What it is.
    pub format: Format,
    /// The store that holds it.
    pub store: Arc<dyn ReadRanges>,
    /// The folder or object in that store.
    pub root: String,
}

/// Names that tell a Zarr store, and its version. Version 3 comes first, because a folder may be both.
const ZARR_NAMES: [(&str, Format); 4] = [
    ("zarr.json", Format::Zarr3),
    (".zmetadata", Format::Zarr2),
    (".zgroup", Format::Zarr2),
    (".zarray", Format::Zarr2),
];

const HDF5_MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Where else an HDF5 file may begin, after a user block.
const HDF5_LATER: [u64; 6] = [512, 1024, 2048, 4096, 8192, 16384];

/// Formats that are known but not read, by their first bytes, with the way out.
const NOT_READ: [(&[u8], &str); 7] = [
    (b"\x1f\x8b", "the file is gzip-compressed; unpack it first"),
    (b"BZh", "the file is bzip2-compressed; unpack it first"),
    (b"GRIB", "this is a GRIB file"),
    (b"II*\0", "this is a TIFF file"),
    (b"MM\0*", "this is a TIFF file"),
    (b"SIMPLE  =", "this is a FITS file"),
    (b"\x0e\x03\x13\x01", "this is an HDF4 file"),
];

/// Finds the format at `url`.
///
/// # Errors
/// As [`craton_store::open_store_with`] and [`detect_in`].
pub async fn detect(url: &str, settings: &StoreSettings) -> Result<Detected> {
    let (store, root) = craton_store::open_store_with(url, settings).await?;
    let format = detect_in(&*store, &root).await?;
    Ok(Detected {
        format,
        store,
        root,
    })
}

/// Finds the format of the folder or object at `root`.
///
/// # Errors
/// [`craton_core::ErrorKind::NotFound`] if a folder holds no store, [`craton_core::ErrorKind::Unsupported`] if an
/// object is of no known format.
pub async fn detect_in(store: &dyn ReadRanges, root: &str) -> Result<Format> {
    // A folder's names come first: web servers show a page for a folder, as if it were an object.
    let asked = ZARR_NAMES.map(|(name, _)| {
        let location = match root {
            "" => name.to_owned(),
            root => format!("{root}/{name}"),
        };
        async move { store.size(&location).await }
    });
    let mut failed = None;
    for ((_, format), size) in ZARR_NAMES.iter().zip(join_all(asked).await) {
        match size {
            Ok(Some(_)) => return Ok(*format),
            Ok(None) => {}
            // Another of the names may be allowed.
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if !root.is_empty() {
        match store.size(root).await {
            Ok(Some(size)) => return detect_object(store, root, size).await,
            Ok(None) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let url = store.url_of(root);
    let names: Vec<&str> = ZARR_NAMES.iter().map(|(name, _)| *name).collect();
    let error = Error::not_found(format!(
        "no store at `{url}`: none of {} is there",
        names.join(", ")
    ))
    .at(url);
    let there = store.list(root).await.unwrap_or_default();
    let shown: Vec<&str> = there.iter().take(8).map(String::as_str).collect();
    Err(if there.is_empty() {
        error
    } else {
        error.hint(format!("there is: {}", shown.join(", ")))
    })
}

async fn detect_object(store: &dyn ReadRanges, root: &str, size: u64) -> Result<Format> {
    let length = size.min(16);
    let first = bytes_at(store, root, 0, length).await?;
    if first.starts_with(HDF5_MAGIC) {
        return Ok(Format::Hdf5);
    }
    if matches!(first[..], [b'C', b'D', b'F', 1 | 2 | 5, ..]) {
        return Ok(Format::NetCdf3);
    }
    let known = NOT_READ.iter().find(|(magic, _)| first.starts_with(magic));
    if known.is_none() {
        for offset in HDF5_LATER.into_iter().filter(|offset| offset + 8 <= size) {
            if bytes_at(store, root, offset, 8).await? == HDF5_MAGIC {
                return Ok(Format::Hdf5);
            }
        }
    }
    let url = store.url_of(root);
    let shown: Vec<String> = first.iter().map(|byte| format!("{byte:02x}")).collect();
    let message = match size {
        0 => format!("`{url}` is empty"),
        _ => format!(
            "`{url}` is of no format that is read: it begins with {}",
            shown.join(" ")
        ),
    };
    let hint = known.map_or(
        "Zarr stores, netCDF and HDF5 files are read",
        |(_, hint)| hint,
    );
    Err(Error::unsupported(message).at(url).hint(hint))
}

async fn bytes_at(store: &dyn ReadRanges, root: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
    let range = ByteRange::Bounded { offset, length };
    let read = store.read(root, range, &Pool::unlimited()).await?;
    read.map(|bytes| bytes.to_vec())
        .ok_or_else(|| Error::not_found(format!("`{root}` has gone")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::ErrorKind;
    use craton_store::MemoryStore;
    use futures_util::FutureExt;

    fn of(name: &str, bytes: &[u8]) -> Result<Format> {
        let store = MemoryStore::default();
        store.insert(name, bytes);
        let root = if name.contains('/') {
            name.split('/').next().unwrap()
        } else {
            name
        };
        detect_in(&store, root).now_or_never().unwrap()
    }

    #[test]
    fn formats_are_told_by_names_and_first_bytes() {
        assert_eq!(of("a/zarr.json", b"{}").unwrap(), Format::Zarr3);
        assert_eq!(of("a/.zarray", b"{}").unwrap(), Format::Zarr2);
        assert_eq!(of("a", b"CDF\x05rest").unwrap(), Format::NetCdf3);
        assert_eq!(of("a", HDF5_MAGIC).unwrap(), Format::Hdf5);
        let mut later = vec![0; 512];
        later.extend(HDF5_MAGIC);
        assert_eq!(of("a", &later).unwrap(), Format::Hdf5);
    }

    #[test]
    fn unknown_things_are_described() {
        let error = of("a", b"GRIB....").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("47 52 49 42"), "{error}");
        assert_eq!(of("a", b"").unwrap_err().kind(), ErrorKind::Unsupported);
        let error = of("a/readme", b"").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains(".zgroup"), "{error}");
    }
}
