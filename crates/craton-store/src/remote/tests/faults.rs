//! Servers that fail: what passes is tried again, what stays is an error of the right kind, and nothing is wrong in silence.

use super::{bounded, numbers, open, read};
use crate::RemoteStore;
use crate::server::{Fault, WebServer};
use craton_core::{ByteRange, ErrorKind, ReadRanges};
use std::time::{Duration, Instant};

const SIZE: usize = 300_000;

fn server_and_store() -> (WebServer, RemoteStore, String) {
    let server = WebServer::start();
    server.insert("data/a.nc", numbers(SIZE));
    let (store, root) = open(&server.url("data/a.nc"), &["timeout=0.4", "retries=3"]).unwrap();
    server.forget();
    (server, store, root)
}

#[test]
fn what_passes_is_tried_again() {
    for fault in [
        Fault::Status(429),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Drop,
        Fault::Cut,
        Fault::Stall,
        Fault::StallBody,
    ] {
        let (server, store, root) = server_and_store();
        server.fail("a.nc", fault, 2);
        let found = read(&store, &root, bounded(100_000, 150_000));
        assert_eq!(
            found.unwrap().unwrap(),
            numbers(SIZE)[100_000..250_000],
            "{fault:?}"
        );
        assert!(
            (3..=4).contains(&server.requests().len()),
            "{fault:?}: {:?}",
            server.requests()
        );
        server.fail("a.nc", fault, 1);
        assert_eq!(
            read(&store, &root, ByteRange::Whole).unwrap().unwrap(),
            numbers(SIZE)
        );
    }
}

#[test]
fn what_stays_is_an_error_in_bounded_time() {
    for (fault, kind) in [
        (Fault::Status(429), ErrorKind::Io),
        (Fault::Status(500), ErrorKind::Io),
        (Fault::Drop, ErrorKind::Io),
        (Fault::Cut, ErrorKind::Io),
        (Fault::Stall, ErrorKind::Io),
        (Fault::Short, ErrorKind::Io),
        (Fault::OtherRange, ErrorKind::Io),
        (Fault::Status(401), ErrorKind::Permission),
        (Fault::Status(403), ErrorKind::Permission),
        (Fault::Status(400), ErrorKind::Io),
    ] {
        let (server, store, root) = server_and_store();
        server.fail("a.nc", fault, 1000);
        let start = Instant::now();
        let error = read(&store, &root, bounded(100_000, 150_000)).unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
        assert!(start.elapsed() < Duration::from_secs(30), "{fault:?}");
        assert!(
            server.requests().len() <= 16,
            "{fault:?}: {}",
            server.requests().len()
        );
        assert_eq!(
            error.context().url,
            Some(server.url("data/a.nc")),
            "{error}"
        );
    }
}

#[test]
fn an_object_that_goes_missing_is_absent_only_before_it_was_seen() {
    let (server, store, root) = server_and_store();
    server.fail("never/there", Fault::Status(404), 1);
    assert_eq!(read(&store, "never/there", ByteRange::Whole).unwrap(), None);
    server.fail("a.nc", Fault::Status(404), 1);
    let error = read(&store, &root, bounded(100_000, 10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[test]
fn content_that_changes_between_two_requests_is_an_error() {
    let (server, store, root) = server_and_store();
    read(&store, &root, bounded(100_000, 10)).unwrap();
    server.fail("a.nc", Fault::Change, 1);
    let error = read(&store, &root, bounded(100_010, 10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.message().contains("changed while"), "{error}");
    let sent = server.requests();
    assert!(
        sent.iter()
            .all(|request| request.headers.contains_key("if-match")),
        "{sent:?}"
    );
    // Opened again, it is the new one.
    let (store, root) = open(&server.url("data/a.nc"), &[]).unwrap();
    let changed: Vec<u8> = numbers(SIZE).iter().map(|byte| byte ^ 0x55).collect();
    assert_eq!(
        read(&store, &root, bounded(100_000, 50)).unwrap().unwrap(),
        changed[100_000..100_050]
    );
}

#[test]
fn bytes_beyond_the_end_are_an_error() {
    let (_server, store, root) = server_and_store();
    for range in [
        bounded(SIZE as u64 - 5, 6),
        bounded(SIZE as u64 + 5, 6),
        bounded(u64::MAX - 1, 10),
        ByteRange::Suffix(SIZE as u64 + 1),
    ] {
        let error = read(&store, &root, range).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{range:?}: {error}");
    }
}

#[test]
fn nobody_at_the_other_end_is_an_error_with_its_cause() {
    let url = WebServer::start().url("a.nc");
    let start = Instant::now();
    let (store, root) = open(&url, &["timeout=0.5", "retries=1"]).unwrap();
    let error = read(&store, &root, ByteRange::Whole).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(store.is_remote());
}

#[test]
fn no_secret_is_in_any_error() {
    let server = WebServer::start();
    server.insert("a", numbers(100));
    let secrets = [
        "password=canary-pass",
        "token=canary-token",
        "header.X-Key=canary-key",
        "user=me",
    ];
    let url = server
        .url("a?sig=canary-sig")
        .replace("http://", "http://me:canary-url@");
    for status in [400, 401, 403, 500] {
        server.forget_faults();
        server.fail("a", Fault::Status(status), 100);
        let (store, root) = open(&url, &[&secrets[..], &["retries=1"]].concat()).unwrap();
        let error = read(&store, &root, ByteRange::Whole).unwrap_err();
        let mut shown = format!("{error:?} {store:?} {}", error.report());
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            shown.push_str(&format!("{error} {error:?}"));
            cause = error.source();
        }
        assert!(
            !shown.contains("canary") && !shown.contains("bWU6"),
            "{shown}"
        );
    }
}
