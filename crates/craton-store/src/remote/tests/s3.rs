//! An S3 server that checks signatures, on this machine.

use super::{bounded, numbers, open, options, read};
use crate::StoreSettings;
use crate::contract;
use crate::pattern::expand;
use craton_core::{ByteRange, ErrorKind, ReadRanges, Result};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const KEY: &str = "canary-access-key";
const SECRET: &str = "canary-secret-key";

/// A server over the folders (buckets) of `root`, and its endpoint.
pub(crate) fn start(root: &Path) -> (Runtime, String) {
    let runtime = Runtime::new().unwrap();
    let mut builder = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
    builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let service = builder.build();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move {
        let server = Builder::new(TokioExecutor::new());
        while let Ok((socket, _)) = listener.accept().await {
            let served = server.serve_connection(TokioIo::new(socket), service.clone());
            tokio::spawn(served.into_owned());
        }
    });
    (runtime, endpoint)
}

pub(crate) fn with_keys(endpoint: &str) -> Vec<String> {
    vec![
        format!("endpoint={endpoint}"),
        format!("key={KEY}"),
        format!("secret={SECRET}"),
    ]
}

pub(crate) fn as_texts(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

#[test]
fn reads_sizes_and_listings_agree_with_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let model: std::collections::BTreeMap<String, Vec<u8>> = contract::model(9);
    for (name, bytes) in &model {
        let path = folder.path().join("bucket").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let (_runtime, endpoint) = start(folder.path());
    let options = with_keys(&endpoint);
    let (store, root) = open("s3://bucket", &as_texts(&options)).unwrap();
    assert_eq!(
        (root.as_str(), store.url_of("a/b")),
        ("", "s3://bucket/a/b".to_owned())
    );
    // Not the whole suite: this server takes folders of its disk for objects, which no bucket has.
    for (name, bytes) in &model {
        let size = bytes.len() as u64;
        assert_eq!(
            pollster::block_on(store.size(name)).unwrap(),
            Some(size),
            "{name}"
        );
        assert_eq!(
            read(&store, name, ByteRange::Whole).unwrap().as_ref(),
            Some(bytes)
        );
        for (offset, length) in [(0, size), (size / 3, size / 2), (size / 2, size - size / 2)] {
            let part = &bytes[offset as usize..(offset + length) as usize];
            assert_eq!(
                read(&store, name, bounded(offset, length))
                    .unwrap()
                    .unwrap(),
                part
            );
        }
        let end = ByteRange::Suffix(size / 2);
        assert_eq!(
            read(&store, name, end).unwrap().unwrap(),
            bytes[(size - size / 2) as usize..]
        );
        assert!(read(&store, name, bounded(size, 1)).is_err());
        assert!(read(&store, name, ByteRange::Suffix(size + 1)).is_err());
    }
    assert_eq!(
        read(&store, "folder/absent", ByteRange::Whole).unwrap(),
        None
    );
    assert_eq!(pollster::block_on(store.size("absent")).unwrap(), None);
    let list = |prefix: &str| pollster::block_on(store.list(prefix)).unwrap();
    assert_eq!(list(""), ["folder.d/", "folder/", "empty", "one"]);
    assert_eq!(list("folder"), ["deep/", "odd name ü", "two"]);
    assert_eq!(list("absent"), [""; 0]);
}

#[test]
fn wrong_and_missing_keys_are_denied_with_what_was_tried() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("bucket")).unwrap();
    std::fs::write(folder.path().join("bucket/a"), numbers(1000)).unwrap();
    let (_runtime, endpoint) = start(folder.path());
    let good = with_keys(&endpoint);
    let (store, root) = open("s3://bucket/a", &as_texts(&good)).unwrap();
    assert_eq!(
        read(&store, &root, bounded(10, 20)).unwrap().unwrap(),
        numbers(1000)[10..30]
    );
    let mut wrong = good.clone();
    wrong[2] = "secret=canary-of-another".to_owned();
    let unsigned = vec![good[0].clone(), "anon=true".to_owned()];
    for (options, tried) in [(wrong, "the key that was given"), (unsigned, "unsigned")] {
        let (store, root) = open("s3://bucket/a", &as_texts(&options)).unwrap();
        let error = read(&store, &root, ByteRange::Whole).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Permission, "{error}");
        let report = error.report();
        assert!(
            report.contains(tried) && report.contains("--store anon=true"),
            "{report}"
        );
        let shown = format!("{report} {error:?} {store:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn patterns_are_matched_level_by_level() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "run1/day/b.nc",
        "run1/day/a.nc",
        "run1/day/a.txt",
        "run2/day/c.nc",
        "run2/night/d.nc",
        "other/day/e.nc",
        "run3.nc",
        "s1.zarr/zarr.json",
        "s2.zarr/zarr.json",
        "odd/[x]*.nc",
    ] {
        let path = folder.path().join("bucket").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"x").unwrap();
    }
    let (_runtime, endpoint) = start(folder.path());
    let keys = with_keys(&endpoint);
    let settings = StoreSettings::default().with(&options(&as_texts(&keys)));
    let found = |pattern: &str| -> Result<Vec<String>> {
        pollster::block_on(expand(&format!("s3://bucket/{pattern}"), &settings))
    };
    let named = |names: &[&str]| -> Vec<String> {
        names
            .iter()
            .map(|name| format!("s3://bucket/{name}"))
            .collect()
    };
    assert_eq!(
        found("run1/day/*.nc").unwrap(),
        named(&["run1/day/a.nc", "run1/day/b.nc"])
    );
    assert_eq!(
        found("run*/day/[bc].*").unwrap(),
        named(&["run1/day/b.nc", "run2/day/c.nc"])
    );
    assert_eq!(found("*/night/d.nc").unwrap(), named(&["run2/night/d.nc"]));
    assert_eq!(found("*.zarr").unwrap(), named(&["s1.zarr", "s2.zarr"]));
    assert_eq!(
        found("s*.zarr!/t").unwrap(),
        named(&["s1.zarr!/t", "s2.zarr!/t"])
    );
    assert_eq!(
        found("absent/*.nc").unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(found("**/a.nc").unwrap_err().kind(), ErrorKind::Unsupported);
    let nowhere = pollster::block_on(expand("s3://*/a.nc", &settings));
    assert_eq!(nowhere.unwrap_err().kind(), ErrorKind::Usage);
}
