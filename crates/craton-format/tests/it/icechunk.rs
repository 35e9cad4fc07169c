//! Icechunk repositories that other releases of icechunk wrote, of both versions of the format.

use crate::real_zarr::has_facts;
use crate::support::{corpus, facts, now, read_url, unpack};
use craton_core::{ByteRange, ErrorKind, Pool, ReadRanges};
use craton_store::{IcechunkRepository, IcechunkStore, StoreSettings};
use serde_json::Value;
use std::path::Path;

const REPOSITORIES: [&str; 4] = [
    "test-repo-v1",
    "test-repo-v2",
    "split-repo-v2",
    "expire-repo-v1-by-1.1.21",
];

/// The folder in an unpacked archive that is the repository.
fn repository(folder: &Path) -> String {
    let mut inside = std::fs::read_dir(folder).unwrap();
    let only = inside.next().unwrap().unwrap().path();
    only.to_str().unwrap().to_owned()
}

#[test]
fn every_version_of_every_repository_has_the_known_facts() {
    let mut checked = 0;
    for name in REPOSITORIES {
        let Some(archive) = corpus(&format!("real/icechunk/{name}.tar.gz")) else {
            return;
        };
        let facts = facts(&format!("icechunk/{name}.tar.gz")).unwrap()["facts"].clone();
        let folder = unpack(&archive);
        let path = repository(folder.path());
        let opened = now(IcechunkRepository::open(&path)).unwrap();
        let pointers = |found: &Value| serde_json::from_value(found.clone()).unwrap();
        assert_eq!(
            now(opened.branches()).unwrap(),
            pointers(&facts["branches"]),
            "{name}"
        );
        assert_eq!(
            now(opened.tags()).unwrap(),
            pointers(&facts["tags"]),
            "{name}"
        );
        for (version, expected) in facts.as_object().unwrap() {
            let Some((_, version)) = version.split_once(':') else {
                continue;
            };
            let history = now(opened.history(version)).unwrap();
            let history: Vec<[String; 2]> = history
                .into_iter()
                .map(|one| [one.id, one.message])
                .collect();
            let ancestry: Vec<[String; 2]> =
                serde_json::from_value(expected["ancestry"].clone()).unwrap();
            assert_eq!(history, ancestry, "{name} {version}");
            checked += check_arrays(&format!("icechunk+{path}@{version}"), &expected["arrays"]);
        }
    }
    assert!(checked >= 8, "{checked}");
}

fn check_arrays(url: &str, arrays: &Value) -> usize {
    let mut checked = 0;
    for (array, expected) in arrays.as_object().unwrap() {
        let url = format!("{url}!{array}");
        let read = read_url(&url);
        if expected.get("reader_error").is_some() {
            let error = read.unwrap_err();
            assert!(
                format!("{error:?}").contains("not authorised"),
                "{url}: {error:?}"
            );
            continue;
        }
        let (shape, values) = read.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let declared: Vec<u64> = serde_json::from_value(expected["shape"].clone()).unwrap();
        assert_eq!(shape, declared, "{url}");
        assert!(has_facts(&values, expected), "{url}");
        checked += 1;
    }
    checked
}

#[test]
fn damaged_repositories_end_in_errors_that_name_the_object() {
    for (name, folder) in [
        ("snapshot_flipped", "snapshots"),
        ("manifest_cut", "manifests"),
        ("chunk_missing", "chunks"),
    ] {
        let Some(archive) = corpus(&format!("bad/icechunk/{name}.tar.gz")) else {
            return;
        };
        let unpacked = unpack(&archive);
        let path = repository(unpacked.path());
        let store = now(IcechunkStore::open(&path, None, &StoreSettings::default())).unwrap();
        let chunk = "group1/big_chunks/c/0/1";
        let read = now(store.read(chunk, ByteRange::Whole, &Pool::unlimited()));
        let error = read.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error:?}");
        let object = format!("{path}/{folder}/");
        assert!(
            error.report().contains(&object),
            "{name}: {}",
            error.report()
        );
        let whole = read_url(&format!("{path}!/group1/big_chunks"));
        assert!(whole.is_err(), "{name}");
    }
}

#[test]
fn versions_that_are_not_there_are_answered_with_those_that_are() {
    let Some(archive) = corpus("real/icechunk/test-repo-v2.tar.gz") else {
        return;
    };
    let folder = unpack(&archive);
    let path = repository(folder.path());
    let error = read_url(&format!("icechunk+{path}@nothing")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(format!("{error:?}").contains("my-branch"), "{error:?}");
    let error = read_url(&format!("icechunk+{path}/nowhere")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
