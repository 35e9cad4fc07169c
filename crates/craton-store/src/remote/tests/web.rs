//! Web servers.

use super::{bounded, numbers, open, read};
use crate::StoreSettings;
use crate::contract;
use crate::pattern::expand;
use crate::server::{Fault, WebServer};
use craton_core::{ByteRange, ErrorKind, ReadRanges};
use std::time::Duration;

#[test]
fn reads_sizes_and_listings_agree_with_the_model() {
    let server = WebServer::start();
    server.set_lists(true);
    let model = contract::model(5);
    for (name, bytes) in &model {
        server.insert(name.clone(), bytes.clone());
    }
    let (store, root) = open(&server.url(""), &[]).unwrap();
    assert_eq!(root, "");
    std::thread::scope(|scope| {
        for seed in 0..3 {
            let (store, model) = (&store, &model);
            scope.spawn(move || pollster::block_on(contract::check(store, model, seed)));
        }
    });
}

#[test]
fn what_lies_at_a_url_is_found_with_one_wait() {
    let server = WebServer::start();
    server.insert("data/x.zarr/zarr.json", "{}");
    server.insert("data/a b.nc", numbers(100_000));
    server.set_latency(Duration::from_millis(250));
    let (store, root) = open(&server.url("data/x.zarr"), &[]).unwrap();
    assert_eq!(root, "data/x.zarr");
    let document = read(&store, "data/x.zarr/zarr.json", ByteRange::Whole).unwrap();
    assert_eq!(document.unwrap(), b"{}");
    assert_eq!(
        read(&store, "data/x.zarr/.zgroup", ByteRange::Whole).unwrap(),
        None
    );
    assert_eq!(server.serial_requests(), 1, "{:?}", server.requests());
    server.forget();
    let (store, root) = open(&server.url("data/a%20b.nc"), &[]).unwrap();
    assert_eq!(root, "data/a b.nc");
    assert_eq!(
        pollster::block_on(store.size(&root)).unwrap(),
        Some(100_000)
    );
    let found = read(&store, &root, bounded(10, 60_000)).unwrap().unwrap();
    assert_eq!(found, numbers(100_000)[10..60_010]);
    assert_eq!(server.serial_requests(), 1);
    let found = read(&store, &root, bounded(60_000, 20_000))
        .unwrap()
        .unwrap();
    assert_eq!(found, numbers(100_000)[60_000..80_000]);
}

#[test]
fn users_tokens_and_headers_are_sent() {
    let server = WebServer::start();
    server.insert("a", "x");
    let url = server.url("a");
    let with_user = url.replace("http://", "http://me:open%20sesame@");
    let basic = "Basic bWU6b3BlbiBzZXNhbWU=";
    for (login, url, options) in [
        (basic, &with_user, vec![]),
        (basic, &url, vec!["user=me", "password=open sesame"]),
        ("Bearer abcdef", &url, vec!["token=abcdef"]),
        ("Odd one", &url, vec!["header.Authorization=Odd one"]),
    ] {
        server.set_login(login);
        let (store, root) = open(url, &options).unwrap();
        assert_eq!(
            read(&store, &root, ByteRange::Whole).unwrap().unwrap(),
            b"x"
        );
        assert_eq!(store.url_of(&root), server.url("a"));
        // Without it, access is denied, and the error says what was tried and what to do.
        let (store, root) = open(&server.url("a"), &["anon=true"]).unwrap();
        let error = read(&store, &root, ByteRange::Whole).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Permission);
        let report = error.report();
        assert!(
            report.contains("tried: no user") && report.contains("--store token"),
            "{report}"
        );
    }
}

#[test]
fn parameters_of_a_url_are_sent_and_not_shown() {
    let server = WebServer::start();
    server.insert("a.nc", numbers(10));
    let url = server.url("a.nc?X-Amz-Signature=canary-1234&x=canary-5678");
    let (store, root) = open(&url, &[]).unwrap();
    assert_eq!(
        read(&store, &root, ByteRange::Whole).unwrap().unwrap(),
        numbers(10)
    );
    let sent = server.requests();
    assert!(
        sent.iter()
            .any(|request| request.path.contains("a.nc?X-Amz-Signature=canary-1234"))
    );
    server.set_login("nobody");
    let error = read(&store, &root, bounded(2, 4)).map(|_| ());
    let error = error.and_then(|()| read(&store, "other", ByteRange::Whole).map(|_| ()));
    let shown = format!("{:?} {store:?} {}", error.unwrap_err(), store.url_of(&root));
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn a_server_that_lists_nothing_says_so() {
    let server = WebServer::start();
    server.insert("x.zarr/zarr.json", "{}");
    let (store, root) = open(&server.url("x.zarr"), &[]).unwrap();
    let error = pollster::block_on(store.list(&format!("{root}/t"))).unwrap_or_default();
    assert!(error.is_empty());
    for status in [403, 404] {
        server.fail("x.zarr/", crate::server::Fault::Status(status), 1);
        let error = pollster::block_on(store.list(&root)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.report().contains("consolidate"), "{error}");
    }
}

#[test]
fn a_server_without_ranges_still_gives_whole_objects() {
    let server = WebServer::start();
    server.set_ignores_ranges(true);
    server.insert("a", numbers(1000));
    let (store, root) = open(&server.url("a"), &[]).unwrap();
    assert_eq!(pollster::block_on(store.size(&root)).unwrap(), Some(1000));
    assert_eq!(
        read(&store, &root, ByteRange::Whole).unwrap().unwrap(),
        numbers(1000)
    );
    let error = read(&store, &root, bounded(5, 10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn patterns_are_matched_where_the_server_lists_folders() {
    let server = WebServer::start();
    for name in [
        "data/b 1.nc",
        "data/a 1.nc",
        "data/a 2.txt",
        "data/s.zarr/zarr.json",
    ] {
        server.insert(name, "x");
    }
    let found = |pattern: &str| {
        let settings = StoreSettings::default();
        pollster::block_on(expand(&server.url(pattern), &settings))
    };
    let error = found("data/*.nc").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.report().contains("--inputs"), "{}", error.report());
    server.fail("data/", Fault::Status(403), 1);
    let error = found("data/*.nc").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.report().contains("lists no folders"),
        "{}",
        error.report()
    );
    server.set_lists(true);
    let urls = [
        server.url("data/a%201.nc?k=1"),
        server.url("data/b%201.nc?k=1"),
    ];
    assert_eq!(found("data/*%201.nc?k=1").unwrap(), urls);
    assert_eq!(found("d*/*.zarr").unwrap(), [server.url("data/s.zarr")]);
}
