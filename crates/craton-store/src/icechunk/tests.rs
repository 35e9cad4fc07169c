//! Repositories that the `icechunk` crate writes, read and changed.

use super::*;
use crate::remote::tests::{options, s3};
use craton_core::{ByteRange, Pool, ReadRanges};
use icechunk::Store;
use icechunk::new_local_filesystem_storage;
use tokio::sync::RwLock;

const LENGTH: usize = 600;

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

/// The bytes of a chunk: those of another version differ.
fn bytes(version: u8) -> Vec<u8> {
    (0..LENGTH).map(|at| (at as u8) ^ version).collect()
}

fn array(length: usize) -> String {
    format!(
        r#"{{"zarr_format": 3, "node_type": "array", "shape": [{}], "data_type": "uint8",
            "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [{length}]}}}},
            "chunk_key_encoding": {{"name": "default"}}, "fill_value": 7, "codecs": [{{"name": "bytes"}}]}}"#,
        2 * length
    )
}

/// A repository of two commits on `main`: of an array with a chunk of its own, and of one with a chunk in a manifest.
fn write(folder: &Path) {
    wait(async {
        let storage = new_local_filesystem_storage(folder).await.unwrap();
        let repository = Repository::create(storage).execute().await.unwrap();
        for version in [1, 2] {
            let session = repository.writable_session(MAIN).await.unwrap();
            let session = Arc::new(RwLock::new(session));
            let store = Store::from_session(session.clone()).await;
            let group = br#"{"zarr_format": 3, "node_type": "group"}"#.to_vec();
            let mut objects = vec![
                ("g/big/c/0", bytes(version)),
                ("g/small/c/0", vec![version; 3]),
            ];
            if version == 1 {
                let metadata = [
                    ("zarr.json", group.clone()),
                    ("g/zarr.json", group),
                    ("g/big/zarr.json", array(LENGTH).into_bytes()),
                    ("g/small/zarr.json", array(3).into_bytes()),
                ];
                objects.splice(0..0, metadata);
            }
            for (key, bytes) in objects {
                store.set(key, bytes.into()).await.unwrap();
            }
            let message = format!("version {version}");
            let mut session = session.write().await;
            session.commit(&message).execute().await.unwrap();
        }
    });
}

fn repository() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    write(&path);
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn settings() -> StoreSettings {
    StoreSettings::default()
}

fn saying(message: &str) -> Committing {
    Committing {
        message: message.to_owned(),
        ..Committing::default()
    }
}

fn opened(path: &str, version: Option<&str>) -> Result<IcechunkStore> {
    wait(IcechunkStore::open(path, version, &settings()))
}

fn read(store: &IcechunkStore, location: &str, range: ByteRange) -> Result<Option<Vec<u8>>> {
    let read = wait(store.read(location, range, &Pool::unlimited()))?;
    Ok(read.map(|bytes| bytes.to_vec()))
}

#[test]
fn a_version_reads_like_the_store_that_it_is() {
    let (_folder, path) = repository();
    let store = opened(&path, None).unwrap();
    let all = bytes(2);
    let of = |location, range| read(&store, location, range).unwrap();
    let part = |offset, length| ByteRange::Bounded { offset, length };
    assert_eq!(of("g/big/c/0", ByteRange::Whole), Some(all.clone()));
    assert_eq!(of("g/big/c/0", part(5, 10)), Some(all[5..15].to_vec()));
    assert_eq!(
        of("g/big/c/0", ByteRange::Suffix(4)),
        Some(all[LENGTH - 4..].to_vec())
    );
    assert_eq!(of("g/big/c/0", part(LENGTH as u64, 0)), Some(vec![]));
    assert_eq!(of("g/small/c/0", part(1, 2)), Some(vec![2, 2]));
    for absent in [
        "g/big/c/1",
        "g/none/c/0",
        "g/none/zarr.json",
        ".zgroup",
        "g",
        "",
    ] {
        assert_eq!(of(absent, ByteRange::Whole), None, "{absent}");
        assert_eq!(wait(store.size(absent)).unwrap(), None, "{absent}");
    }
    assert_eq!(wait(store.size("g/big/c/0")).unwrap(), Some(LENGTH as u64));
    assert_eq!(wait(store.list("")).unwrap(), ["g/", "zarr.json"]);
    assert_eq!(
        wait(store.list("g")).unwrap(),
        ["big/", "small/", "zarr.json"]
    );
    for outside in [
        part(LENGTH as u64, 1),
        part(u64::MAX, 2),
        ByteRange::Suffix(601),
    ] {
        let error = read(&store, "g/big/c/0", outside).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{outside:?}");
    }
    assert_eq!(store.keeper().unwrap(), "Icechunk, branch main");
}

#[test]
fn versions_are_read_by_branch_tag_and_id() {
    let (_folder, path) = repository();
    let repository = wait(IcechunkRepository::open(&path)).unwrap();
    let history = wait(repository.history(MAIN)).unwrap();
    let messages: Vec<&str> = history.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(
        messages,
        ["version 2", "version 1", "Repository initialized"]
    );
    let first = history[1].id.as_str();
    wait(repository.create_branch("dev/a", first)).unwrap();
    wait(repository.create_tag("v1", first)).unwrap();
    for version in [first, "v1", "dev/a"] {
        let store = opened(&path, Some(version)).unwrap();
        assert_eq!(store.snapshot(), first);
        let read = read(&store, "g/big/c/0", ByteRange::Whole).unwrap();
        assert_eq!(read, Some(bytes(1)), "{version}");
    }
    let error = opened(&path, Some("v2")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .hint_text()
            .unwrap()
            .contains("`dev/a`, `main`; tags: `v1`"),
        "{error:?}"
    );
}

#[test]
fn a_branch_and_a_tag_of_one_name_must_agree() {
    let (_folder, path) = repository();
    let repository = wait(IcechunkRepository::open(&path)).unwrap();
    let first = wait(repository.history(MAIN)).unwrap()[1].id.clone();
    wait(repository.create_tag("x", MAIN)).unwrap();
    wait(repository.create_branch("x", MAIN)).unwrap();
    opened(&path, Some("x")).unwrap();
    wait(repository.reset_branch("x", &first)).unwrap();
    let error = opened(&path, Some("x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hint_text().unwrap().contains(&first), "{error:?}");
}

#[test]
fn names_are_made_moved_and_deleted() {
    let (_folder, path) = repository();
    let repository = wait(IcechunkRepository::open(&path)).unwrap();
    let tip = wait(repository.branch(MAIN)).unwrap();
    let first = wait(repository.history(MAIN)).unwrap()[1].id.clone();
    let kind = |result: Result<()>| result.unwrap_err().kind();
    wait(repository.create_tag("v1", &first)).unwrap();
    assert_eq!(
        kind(wait(repository.create_tag("v1", MAIN)).map(drop)),
        ErrorKind::Conflict
    );
    assert_eq!(
        kind(wait(repository.create_branch(MAIN, MAIN)).map(drop)),
        ErrorKind::Conflict
    );
    wait(repository.delete_tag("v1")).unwrap();
    assert_eq!(kind(wait(repository.delete_tag("v1"))), ErrorKind::NotFound);
    assert_eq!(
        kind(wait(repository.create_tag("v1", MAIN)).map(drop)),
        ErrorKind::Conflict
    );
    assert_eq!(
        kind(wait(repository.delete_branch(MAIN))),
        ErrorKind::InvalidInput
    );
    assert_eq!(
        kind(wait(repository.delete_branch("no"))),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(wait(repository.reset_branch("no", MAIN)).map(drop)),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(wait(repository.reset_branch(MAIN, "no")).map(drop)),
        ErrorKind::NotFound
    );
    let moved = wait(repository.reset_branch(MAIN, &first)).unwrap();
    assert_eq!(moved, (tip, first.clone()));
    assert_eq!(wait(repository.branches()).unwrap()[MAIN], first);
}

#[test]
fn damaged_objects_are_named() {
    for folder in ["chunks", "manifests", "snapshots", "repo"] {
        for keeps in [None, Some(2), Some(3)] {
            let (_folder, path) = repository();
            damage(&Path::new(&path).join(folder), keeps);
            let opened = opened(&path, None);
            let read = opened.and_then(|store| read(&store, "g/big/c/0", ByteRange::Whole));
            let error = read.unwrap_err();
            let report = error.report();
            assert!(report.contains(&path), "{report}");
            // Without its `repo` a folder is no repository.
            if (folder, keeps) != ("repo", None) {
                assert_eq!(
                    error.kind(),
                    ErrorKind::Corrupt,
                    "{folder} {keeps:?}: {report}"
                );
                assert!(report.contains(folder), "{folder} {keeps:?}: {report}");
            }
        }
    }
}

/// Removes a file or all files of a folder, or leaves their first half (2) or two thirds (3).
fn damage(place: &Path, keeps: Option<usize>) {
    if place.is_dir() {
        for entry in std::fs::read_dir(place).unwrap() {
            damage(&entry.unwrap().path(), keeps);
        }
        return;
    }
    let bytes = std::fs::read(place).unwrap();
    match keeps {
        None => std::fs::remove_file(place).unwrap(),
        Some(2) => std::fs::write(place, &bytes[..bytes.len() / 2]).unwrap(),
        Some(_) => std::fs::write(place, &bytes[..bytes.len() / 3 * 2]).unwrap(),
    }
}

#[test]
fn a_commit_shows_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").to_str().unwrap().to_owned();
    let group = r#"{"zarr_format": 3, "node_type": "group"}"#;
    // What is dropped leaves nothing, not even a repository.
    let writer = IcechunkWriter::begin(&path, None, &settings()).unwrap();
    writer.set("zarr.json", group.into()).unwrap();
    drop(writer);
    assert!(!Path::new(&path).exists());
    let writer = IcechunkWriter::begin(&path, None, &settings()).unwrap();
    writer.set("zarr.json", group.into()).unwrap();
    writer
        .set("x/zarr.json", array(LENGTH).into_bytes())
        .unwrap();
    writer.set("x/c/0", bytes(9)).unwrap();
    let id = writer.commit_session(&saying("a result")).unwrap();
    drop(writer);
    let store = opened(&path, None).unwrap();
    assert_eq!(store.snapshot(), id);
    assert_eq!(
        read(&store, "x/c/0", ByteRange::Whole).unwrap(),
        Some(bytes(9))
    );
    // The next state begins empty, and one that is dropped changes nothing.
    let writer = IcechunkWriter::begin(&path, Some(MAIN), &settings()).unwrap();
    writer.set("zarr.json", group.into()).unwrap();
    drop(writer);
    let repository = wait(IcechunkRepository::open(&path)).unwrap();
    assert_eq!(wait(repository.branch(MAIN)).unwrap(), id);
    // Of two that begin at once the second finds the branch moved.
    let writers = [(); 2].map(|()| IcechunkWriter::begin(&path, None, &settings()).unwrap());
    for writer in &writers {
        writer.set("zarr.json", group.into()).unwrap();
    }
    let second = writers[0].commit_session(&saying("one")).unwrap();
    let error = writers[1].commit_session(&saying("other")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(wait(repository.branch(MAIN)).unwrap(), second);
    let store = opened(&path, None).unwrap();
    assert_eq!(wait(store.list("")).unwrap(), ["zarr.json"]);
}

#[test]
fn whoever_makes_a_repository_at_once_with_others_commits_or_is_told() {
    let group = r#"{"zarr_format": 3, "node_type": "group"}"#;
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").to_str().unwrap().to_owned();
        let commit = || {
            let writer = IcechunkWriter::begin(&path, None, &settings())?;
            writer.set("zarr.json", group.into())?;
            writer.set("x/zarr.json", array(LENGTH).into_bytes())?;
            writer.set("x/c/0", bytes(1))?;
            writer.commit_session(&saying("mine"))
        };
        let outcomes: Vec<Result<String>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(commit)).collect();
            let ended = threads.into_iter().map(|thread| thread.join().unwrap());
            ended.collect()
        });
        let (committed, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        for error in refused.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), ErrorKind::Conflict, "round {round}: {error}");
            let words = "somebody else has committed";
            assert!(error.message().contains(words), "round {round}: {error}");
        }
        let repository = wait(IcechunkRepository::open(&path)).unwrap();
        assert!(!committed.is_empty());
        let history = wait(repository.history(MAIN)).unwrap();
        assert_eq!(history.len(), committed.len() + 1, "round {round}");
    }
}

#[test]
fn commits_go_to_branches_that_are_there() {
    let (folder, path) = repository();
    let repository = wait(IcechunkRepository::open(&path)).unwrap();
    wait(repository.create_tag("v1", MAIN)).unwrap();
    let kind = |path: &str, branch| {
        IcechunkWriter::begin(path, branch, &settings())
            .unwrap_err()
            .kind()
    };
    let change = |path: &str, branch| {
        let begun = IcechunkWriter::begin_change(path, branch, &settings());
        begun.unwrap_err().kind()
    };
    assert_eq!(change(&path, Some("v1")), ErrorKind::Usage);
    assert_eq!(change(&path, Some("no")), ErrorKind::NotFound);
    let absent = folder.path().join("absent");
    assert_eq!(change(absent.to_str().unwrap(), None), ErrorKind::NotFound);
    assert!(!absent.exists());
    assert_eq!(kind(&path, Some("v1")), ErrorKind::Usage);
    assert_eq!(kind(&path, Some("no")), ErrorKind::NotFound);
    let other = folder.path().join("other").to_str().unwrap().to_owned();
    assert_eq!(kind(&other, Some("no")), ErrorKind::NotFound);
    assert!(!Path::new(&other).exists());
    std::fs::create_dir(&other).unwrap();
    std::fs::write(format!("{other}/x"), "x").unwrap();
    assert_eq!(kind(&other, None), ErrorKind::Conflict);
    assert!(Path::new(&other).join("x").exists());
}

#[test]
fn a_change_begins_with_what_is_there() {
    let (_folder, path) = repository();
    let repository = wait(IcechunkRepository::open(&path)).unwrap();
    let before = wait(repository.branch(MAIN)).unwrap();
    let writers = [(); 2].map(|()| IcechunkWriter::begin_change(&path, None, &settings()).unwrap());
    for writer in &writers {
        let there = writer.get("g/small/zarr.json").unwrap();
        assert_eq!(there, Some(array(3).into_bytes()));
        assert_eq!(writer.get("g/none/zarr.json").unwrap(), None);
        writer.set("g/big/c/1", bytes(9)).unwrap();
        writer.delete("g/small/c/0").unwrap();
        // What is not there need not be taken away.
        writer.delete("g/small/c/1").unwrap();
        writer.delete("g/small/c/1000").unwrap();
    }
    // Nothing shows yet, and what a change follows can be read by its name.
    assert_eq!(wait(repository.branch(MAIN)).unwrap(), before);
    let url = writers[0].parent_url();
    assert_eq!(url, format!("icechunk+{path}@{before}"));
    let after = writers[0].commit_session(&saying("one")).unwrap();
    let error = writers[1].commit_session(&saying("other")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(wait(repository.branch(MAIN)).unwrap(), after);
    let store = opened(&path, None).unwrap();
    let whole = |location| read(&store, location, ByteRange::Whole).unwrap();
    assert_eq!(whole("g/big/c/0"), Some(bytes(2)));
    assert_eq!(whole("g/big/c/1"), Some(bytes(9)));
    assert_eq!(whole("g/small/c/0"), None);
}

#[test]
fn changes_of_several_at_once_are_kept_or_named() {
    let (_folder, path) = repository();
    let begin = || IcechunkWriter::begin_change(&path, None, &settings()).unwrap();
    let whole = |location| {
        let store = opened(&path, None).unwrap();
        read(&store, location, ByteRange::Whole).unwrap()
    };
    let solved = |message, on_conflict| Committing {
        on_conflict: Some(on_conflict),
        ..saying(message)
    };
    // Chunks of their own, of one array.
    let writers = [(); 2].map(|()| begin());
    writers[0].set("g/big/c/0", bytes(10)).unwrap();
    writers[1].set("g/big/c/1", bytes(11)).unwrap();
    for writer in &writers {
        writer
            .commit_session(&solved("disjoint", OnConflict::Fail))
            .unwrap();
    }
    assert_eq!(whole("g/big/c/0"), Some(bytes(10)));
    assert_eq!(whole("g/big/c/1"), Some(bytes(11)));
    for (on_conflict, expected) in [
        (OnConflict::Fail, bytes(20)),
        (OnConflict::Ours, bytes(21)),
        (OnConflict::Theirs, bytes(20)),
    ] {
        let writers = [(); 2].map(|()| begin());
        writers[0].set("g/big/c/0", bytes(20)).unwrap();
        writers[1].set("g/big/c/0", bytes(21)).unwrap();
        writers[1].set("g/small/c/0", vec![8; 3]).unwrap();
        writers[0].commit_session(&saying("theirs")).unwrap();
        let committed = writers[1].commit_session(&solved("ours", on_conflict));
        if on_conflict == OnConflict::Fail {
            let error = committed.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert!(error.message().contains("a chunk of `/g/big`"), "{error}");
            assert!(error.report().contains("--on-conflict"), "{error}");
        } else {
            committed.unwrap();
            assert_eq!(whole("g/small/c/0"), Some(vec![8; 3]));
        }
        assert_eq!(whole("g/big/c/0"), Some(expected), "{on_conflict:?}");
    }
    // What one makes longer the other cannot write to.
    let writers = [(); 2].map(|()| begin());
    writers[0]
        .set(
            "g/big/zarr.json",
            array(LENGTH).replace("1200", "1800").into_bytes(),
        )
        .unwrap();
    writers[1].set("g/big/c/1", bytes(30)).unwrap();
    writers[0].commit_session(&saying("longer")).unwrap();
    let committed = writers[1].commit_session(&solved("ours", OnConflict::Ours));
    let error = committed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error.message().contains("the metadata of `/g/big`"),
        "{error}"
    );
}

/// The same in every place: made by the first commit, read at versions, moved, collected, and of two commits at once one.
fn is_a_home(url: &str, settings: &StoreSettings) {
    let group = r#"{"zarr_format": 3, "node_type": "group"}"#;
    let open = |version| wait(IcechunkStore::open(url, version, settings));
    let repository = || wait(IcechunkRepository::open_with(url, settings));
    assert_eq!(repository().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(open(None).unwrap_err().kind(), ErrorKind::NotFound);
    let change = IcechunkWriter::begin_change(url, None, settings);
    assert_eq!(change.unwrap_err().kind(), ErrorKind::NotFound);
    let writer = IcechunkWriter::begin(url, None, settings).unwrap();
    writer.set("zarr.json", group.into()).unwrap();
    let metadata = array(LENGTH).into_bytes();
    writer.set("x/zarr.json", metadata).unwrap();
    writer.set("x/c/0", bytes(1)).unwrap();
    let first = writer.commit_session(&saying("first")).unwrap();
    let writers =
        [(); 2].map(|()| IcechunkWriter::begin_change(url, Some(MAIN), settings).unwrap());
    for (at, writer) in writers.iter().enumerate() {
        writer.set("x/c/0", bytes(2 + at as u8)).unwrap();
    }
    let second = writers[0].commit_session(&saying("second")).unwrap();
    let error = writers[1].commit_session(&saying("lost")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{}", error.report());
    for (version, values) in [(None, 2), (Some(first.as_str()), 1)] {
        let store = open(version).unwrap();
        let read = read(&store, "x/c/0", ByteRange::Whole).unwrap();
        assert_eq!(read, Some(bytes(values)));
        assert_eq!(wait(store.list("")).unwrap(), ["x/", "zarr.json"]);
        assert_eq!(read_absent(&store), None);
    }
    let repository = repository().unwrap();
    let messages = wait(repository.history(MAIN)).unwrap().into_iter();
    let messages: Vec<String> = messages.map(|one| one.message).collect();
    assert_eq!(messages, ["second", "first", "Repository initialized"]);
    wait(repository.create_tag("v1", &first)).unwrap();
    let moved = wait(repository.reset_branch(MAIN, &first)).unwrap();
    assert_eq!(moved, (second.clone(), first.clone()));
    let now = SystemTime::now() + std::time::Duration::from_secs(60);
    let collecting = |is_dry_run| Collecting {
        expire_before: None,
        written_before: now,
        is_dry_run,
    };
    let told = wait(repository.collect(collecting(true))).unwrap();
    assert!(open(Some(&second)).is_ok());
    assert_eq!(wait(repository.collect(collecting(false))).unwrap(), told);
    // The second commit, and the one that was lost.
    assert_eq!((told.snapshots, told.chunks), (2, 2));
    assert_eq!(open(Some(&second)).unwrap_err().kind(), ErrorKind::NotFound);
    let store = open(Some("v1")).unwrap();
    let whole = read(&store, "x/c/0", ByteRange::Whole).unwrap();
    assert_eq!(whole, Some(bytes(1)));
}

fn read_absent(store: &IcechunkStore) -> Option<Vec<u8>> {
    read(store, "x/c/1", ByteRange::Whole).unwrap()
}

#[test]
fn a_folder_is_a_home() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    is_a_home(path.to_str().unwrap(), &settings());
}

#[test]
fn memory_is_a_home() {
    is_a_home("memory://a-home-of-results/r", &settings());
}

#[test]
fn an_object_store_is_a_home() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("bucket")).unwrap();
    let (_runtime, endpoint) = s3::start(folder.path());
    let mut texts = s3::with_keys(&endpoint);
    let given = |texts: &[String]| settings().with(&options(&s3::as_texts(texts)));
    is_a_home("s3://bucket/deep/r", &given(&texts));
    texts[2] = "secret=canary-of-another".to_owned();
    let refused = given(&texts);
    let error = wait(IcechunkRepository::open_with(
        "s3://bucket/deep/r",
        &refused,
    ))
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission, "{}", error.report());
    assert!(!error.report().contains("canary"), "{}", error.report());
}
