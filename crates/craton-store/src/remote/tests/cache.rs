//! What is kept of remote objects on this machine, by the requests that are made.

use super::{RemoteStore, bounded, numbers, open, read};
use crate::server::WebServer;
use craton_core::ByteRange;

/// The statuses that reading the chunks once gives: how many bytes came with each answer.
fn sent(server: &WebServer, work: impl FnOnce()) -> Vec<usize> {
    server.forget();
    work();
    server
        .requests()
        .iter()
        .map(|request| request.sent)
        .collect()
}

struct Place {
    server: WebServer,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let server = WebServer::start();
        server.insert("x/zarr.json", "{}");
        server.insert("x/c/0", numbers(5000));
        server.insert("x/a.nc", numbers(300_000));
        let folder = tempfile::tempdir().unwrap();
        Self { server, folder }
    }

    fn open(&self, more: &[&str]) -> RemoteStore {
        let folder = format!("cache={}", self.folder.path().display());
        let all = [&[folder.as_str()], more].concat();
        open(&self.server.url("x"), &all).unwrap().0
    }
}

#[test]
fn an_object_that_is_kept_is_only_asked_about() {
    let place = Place::new();
    let chunk = |store: &RemoteStore| read(store, "x/c/0", ByteRange::Whole).unwrap().unwrap();
    let store = place.open(&[]);
    assert_eq!(
        sent(&place.server, || assert_eq!(chunk(&store), numbers(5000))),
        [5000]
    );
    let again = place.open(&[]);
    assert_eq!(
        sent(&place.server, || assert_eq!(chunk(&again), numbers(5000))),
        [0]
    );
    // A change is noticed, and kept in turn.
    place.server.insert("x/c/0", numbers(4000));
    let later = place.open(&[]);
    assert_eq!(
        sent(&place.server, || assert_eq!(chunk(&later), numbers(4000))),
        [4000]
    );
    assert_eq!(
        sent(&place.server, || assert_eq!(chunk(&later), numbers(4000))),
        [0]
    );
}

#[test]
fn parts_of_an_object_whose_state_is_known_need_no_request() {
    let place = Place::new();
    let parts = |store: &RemoteStore| {
        for (offset, length) in [(100_000, 50), (200_000, 70_000), (299_990, 10)] {
            let found = read(store, "x/a.nc", bounded(offset, length))
                .unwrap()
                .unwrap();
            let (start, end) = (offset as usize, (offset + length) as usize);
            assert_eq!(found, numbers(300_000)[start..end]);
        }
    };
    let store = place.open(&[]);
    assert_eq!(sent(&place.server, || parts(&store)), [50, 70_000, 10]);
    // The first part is asked about; that tells the state of all.
    let again = place.open(&[]);
    assert_eq!(sent(&place.server, || parts(&again)), [0]);
    // Another state is read anew, every part of it.
    place.server.insert("x/a.nc", numbers(300_000));
    let later = place.open(&[]);
    assert_eq!(sent(&place.server, || parts(&later)), [50, 70_000, 10]);
}

#[test]
fn what_is_believed_for_a_while_needs_no_request() {
    let place = Place::new();
    let chunk = |store: &RemoteStore| read(store, "x/c/0", ByteRange::Whole).unwrap().unwrap();
    chunk(&place.open(&[]));
    place.server.insert("x/c/0", numbers(4000));
    let store = place.open(&["cache_for=3600"]);
    assert_eq!(
        sent(&place.server, || assert_eq!(chunk(&store), numbers(5000))),
        [0; 0]
    );
}

#[test]
fn damaged_entries_are_read_again() {
    let place = Place::new();
    let chunk = |store: &RemoteStore| read(store, "x/c/0", ByteRange::Whole).unwrap().unwrap();
    chunk(&place.open(&[]));
    let mut entries = Vec::new();
    for folder in std::fs::read_dir(place.folder.path()).unwrap() {
        entries.extend(
            std::fs::read_dir(folder.unwrap().path())
                .unwrap()
                .map(|entry| entry.unwrap().path()),
        );
    }
    assert_eq!(entries.len(), 1);
    let mut bytes = std::fs::read(&entries[0]).unwrap();
    let last = bytes.len() - 7;
    bytes[last] ^= 1;
    std::fs::write(&entries[0], bytes).unwrap();
    let store = place.open(&[]);
    assert_eq!(
        sent(&place.server, || assert_eq!(chunk(&store), numbers(5000))),
        [5000]
    );
    assert_eq!(
        sent(&place.server, || assert_eq!(chunk(&store), numbers(5000))),
        [0]
    );
}

#[test]
fn nothing_is_kept_unless_asked_for_and_no_secret_is_in_a_name() {
    let place = Place::new();
    let (store, _) = open(&place.server.url("x"), &[]).unwrap();
    read(&store, "x/c/0", ByteRange::Whole).unwrap();
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
    let url = place
        .server
        .url("x?sig=canary")
        .replace("http://", "http://canary:canary@");
    let folder = format!("cache={}", place.folder.path().display());
    let (store, _) = open(&url, &[&folder, "header.X-Key=canary"]).unwrap();
    read(&store, "x/c/0", ByteRange::Whole).unwrap();
    let mut found = 0;
    for folder in std::fs::read_dir(place.folder.path()).unwrap() {
        for entry in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = entry.unwrap().path();
            assert!(!path.display().to_string().contains("canary"));
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(6).any(|six| six == b"canary"));
            found += 1;
        }
    }
    assert_eq!(found, 1);
}

#[test]
fn a_cache_that_is_too_small_or_cannot_be_written_changes_nothing() {
    let place = Place::new();
    let chunk = |store: &RemoteStore| read(store, "x/c/0", ByteRange::Whole).unwrap().unwrap();
    for more in [
        &["cache_size=4kB"][..],
        &["cache_size=0"],
        &["cache=/dev/null/nowhere"],
    ] {
        let store = place.open(more);
        assert_eq!(
            sent(&place.server, || assert_eq!(chunk(&store), numbers(5000))),
            [5000]
        );
        assert_eq!(
            sent(&place.server, || assert_eq!(chunk(&store), numbers(5000))),
            [5000]
        );
    }
    assert!(open(&place.server.url("x"), &["cache=/tmp", "cache_size=plenty"]).is_err());
}
