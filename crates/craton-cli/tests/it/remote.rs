//! Data behind URLs: the same answers as from files, few waits for the network, and no secret anywhere.

use crate::data::{Floats, index, write_group, write_weather};
use crate::outcome::{command, craton, run};
use craton::server::{Fault, WebServer};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// A server with the weather under `w.zarr`, its metadata consolidated.
fn weather() -> (tempfile::TempDir, WebServer) {
    let folder = tempfile::tempdir().unwrap();
    write_weather(folder.path());
    consolidate(folder.path());
    let server = WebServer::start();
    server.insert_folder("w.zarr", folder.path());
    (folder, server)
}

/// Puts the metadata of all arrays into those of the group.
fn consolidate(folder: &Path) {
    let read = |path: &Path| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(path.join("zarr.json")).unwrap()).unwrap()
    };
    let mut arrays = serde_json::Map::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            arrays.insert(
                entry.file_name().into_string().unwrap(),
                read(&entry.path()),
            );
        }
    }
    let mut group = read(folder);
    group["consolidated_metadata"] =
        json!({"kind": "inline", "must_understand": false, "metadata": arrays});
    std::fs::write(folder.join("zarr.json"), group.to_string()).unwrap();
}

#[test]
fn answers_are_those_of_the_files() {
    let (folder, server) = weather();
    let (here, there) = (folder.path().to_str().unwrap(), server.url("w.zarr"));
    for expression in [
        "ds.t2m.mean('time')",
        "ds.tp.isel(time=slice(3, 40)).rolling(time=5).sum().max()",
        "ds.t2m.sel(lat=50, lon=15, time='2000-02-10')",
        "ds.groupby('time.month').mean()",
    ] {
        let local = craton(&["eval", expression, here, "--json"]).good();
        let remote = craton(&["eval", expression, &there, "--json"]).good();
        assert_eq!(local, remote, "{expression}");
    }
    assert_eq!(
        craton(&["info", here]).good().replace(here, ""),
        craton(&["info", &there]).good().replace(&there, "")
    );
}

#[test]
fn the_first_value_takes_few_waits_for_the_network() {
    let (_folder, server) = weather();
    server.set_latency(Duration::from_millis(250));
    let url = server.url("w.zarr");
    let value = craton(&["eval", "ds.t2m.isel(time=5, lat=3, lon=2)", &url, "--value"]);
    value.good();
    // What lies there, the coordinates, the value.
    assert!(server.serial_requests() <= 4, "{:#?}", server.requests());
}

#[test]
fn requests_and_bytes_are_told_as_they_were() {
    let (_folder, server) = weather();
    let url = server.url("w.zarr");
    let outcome = craton(&["eval", "ds.t2m.mean()", &url, "--explain", "--value"]);
    let last = outcome.stderr.lines().last().unwrap().to_owned();
    let chunks: Vec<_> = server
        .requests()
        .into_iter()
        .filter(|request| request.path.contains("/c/"))
        .collect();
    let bytes: usize = chunks.iter().map(|request| request.sent).sum();
    let expected = format!("read {bytes} bytes in {} requests", chunks.len());
    assert!(last.starts_with(&expected), "{last}: {expected}");
}

#[test]
fn two_hundred_groups_are_asked_for_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let group = json!({"zarr_format": 3, "node_type": "group", "attributes": {}});
    std::fs::write(folder.path().join("zarr.json"), group.to_string()).unwrap();
    for number in 0..200 {
        let name = format!("g{number:03}");
        let x = index(&"x", &[2], json!({}), |at| at as f32);
        write_group(&folder.path().join(name), &[x]);
    }
    let server = WebServer::start();
    server.insert_folder("many.zarr", folder.path());
    server.set_lists(true);
    // Long enough that requests under way together overlap on a busy machine, too.
    server.set_latency(Duration::from_millis(60));
    let text = craton(&["info", &server.url("many.zarr")]).good();
    assert!(text.contains("g199"), "{text}");
    // Beside those that tell what it is: per group its list and metadata, per array its metadata (and what lies below).
    let (all, serial) = (server.requests().len(), server.serial_requests());
    assert!(all >= 600 && serial <= all / 5, "{serial} of {all}");
}

#[test]
fn a_store_that_cannot_be_listed_is_asked_for_names() {
    let folder = tempfile::tempdir().unwrap();
    write_weather(folder.path());
    let server = WebServer::start();
    server.insert_folder("w.zarr", folder.path());
    server.fail("w.zarr/", Fault::Status(403), 100);
    let url = server.url("w.zarr");
    let report = craton(&["eval", "ds.t2m.mean()", &url]);
    assert!(report.bad(6).contains("URL!/name"), "{}", report.stderr);
    let local = craton(&[
        "eval",
        "ds.t2m.max()",
        folder.path().to_str().unwrap(),
        "--value",
    ])
    .good();
    let named = format!("{url}!/t2m");
    assert_eq!(
        craton(&["eval", "ds.max()", &named, "--value"]).good(),
        local
    );
}

#[test]
fn faults_on_the_way_are_overcome_or_told() {
    let (folder, server) = weather();
    let (here, url) = (folder.path().to_str().unwrap(), server.url("w.zarr"));
    let local = craton(&["eval", "ds.t2m.mean()", here, "--value"]).good();
    for fault in [Fault::Status(503), Fault::Drop, Fault::Cut, Fault::Stall] {
        server.fail("t2m/c/3/1/0", fault, 1);
        let remote = craton(&[
            "eval",
            "ds.t2m.mean()",
            &url,
            "--value",
            "--store",
            "timeout=1",
        ]);
        assert_eq!(remote.good(), local, "{fault:?}");
    }
    for (fault, code, word) in [
        (Fault::Status(403), 9, "denied"),
        (Fault::Status(500), 8, "500"),
        (Fault::Short, 5, "t2m/c/3/1/0"),
    ] {
        server.fail("t2m/c/3/1/0", fault, 100);
        let options = ["--store", "timeout=1", "--store", "retries=1"];
        let failed = craton(&[&["eval", "ds.t2m.mean()", &url], &options[..]].concat());
        let report = failed.bad(code).to_owned();
        assert!(report.contains(word) && report.contains("t2m"), "{report}");
        server.forget_faults();
    }
    // A chunk that is not there is the fill value, as on a disk.
    server.fail("t2m/c/3/1/0", Fault::Status(404), 1);
    craton(&["eval", "ds.t2m.mean()", &url, "--value"]).good();
}

#[test]
fn no_secret_is_in_any_output_error_log_plan_or_file() {
    let (folder, server) = weather();
    let url = server
        .url("w.zarr?sig=canary-sig")
        .replace("http://", "http://me:canary-url@");
    let out = folder.path().join("out.zarr");
    let config = folder.path().join("craton.toml");
    std::fs::write(
        &config,
        "[store.\"http://\"]\nheader.x-key = \"canary-config\"\n",
    )
    .unwrap();
    let options = [
        "--store",
        "header.X-Other=canary-option",
        "--store",
        "retries=1",
    ];
    let mut shown = String::new();
    let mut go = |arguments: &[&str]| {
        let mut command = command(&[arguments, &options[..]].concat());
        command
            .env("CRATON_LOG", "trace")
            .env("CRATON_CONFIG", &config);
        let outcome = run(command);
        shown.push_str(&outcome.stdout);
        shown.push_str(&outcome.stderr);
        outcome.code
    };
    let json = folder.path().join("out.json");
    let written = [out.to_str().unwrap(), json.to_str().unwrap()];
    assert_eq!(
        go(&["eval", "ds.t2m.mean('time')", &url, "--explain"]),
        Some(0)
    );
    assert_eq!(
        go(&["eval", "ds[['t2m']]", &url, "-o", written[0]]),
        Some(0)
    );
    assert_eq!(
        go(&["eval", "ds[['t2m']]", &url, "-o", written[1]]),
        Some(0)
    );
    assert_eq!(go(&["info", &url, "--json"]), Some(0));
    assert_eq!(go(&["eval", "ds.nothing", &url]), Some(3));
    server.fail("t2m/c/0/0/0", Fault::Status(403), 100);
    assert_eq!(go(&["eval", "ds.t2m.mean()", &url]), Some(9));
    server.forget_faults();
    server.fail("w.zarr/zarr.json", Fault::Status(500), 100);
    assert_eq!(go(&["eval", "ds.t2m.mean()", &url]), Some(8));
    let sent = server.requests();
    let key = |request: &craton::server::Request| request.headers.get("x-key").cloned();
    assert!(
        sent.iter()
            .all(|request| key(request).as_deref() == Some("canary-config"))
    );
    assert!(
        sent.iter()
            .all(|request| request.path.contains("canary-sig"))
    );
    let mut files = vec![out, json];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            shown.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        }
    }
    // The user's name and word as they are sent.
    for secret in ["canary", "bWU6Y2FuYXJ5LXVybA"] {
        let at = shown.find(secret);
        let around = at.map(|at| &shown[at.saturating_sub(200)..shown.len().min(at + 60)]);
        assert_eq!(around, None);
    }
}

#[test]
fn a_chunk_of_many_numbers_is_read_whole() {
    // Larger than any first look.
    let folder = tempfile::tempdir().unwrap();
    let dims = ["x", "y"];
    write_group(
        folder.path(),
        &[Floats {
            name: "large",
            dims: &dims,
            shape: &[4, 200_000],
            chunks: &[1, 200_000],
            attributes: json!({}),
            value: |at| (at % 1000) as f32,
        }],
    );
    consolidate(folder.path());
    let server = WebServer::start();
    server.insert_folder("l.zarr", folder.path());
    let mean = craton(&["eval", "ds.large.mean()", &server.url("l.zarr"), "--value"]);
    assert_eq!(mean.good().trim(), "499.5");
}

#[test]
fn a_pattern_names_all_that_a_server_lists() {
    let folder = tempfile::tempdir().unwrap();
    let server = WebServer::start();
    let days: [fn(usize) -> f32; 2] = [|at| at as f32, |at| 2.0 + at as f32];
    for (name, value) in ["a.zarr", "b.zarr"].into_iter().zip(days) {
        let time = index(
            &"time",
            &[2],
            json!({"units": "days since 2000-01-01"}),
            value,
        );
        write_group(&folder.path().join(name), &[time]);
        consolidate(&folder.path().join(name));
        server.insert_folder(&format!("d/{name}"), &folder.path().join(name));
    }
    let pattern = server.url("d/*.zarr");
    let report = craton(&["info", &pattern]);
    assert!(report.bad(3).contains("--inputs"), "{}", report.stderr);
    server.set_lists(true);
    let text = craton(&["info", &pattern]).good();
    assert!(
        text.contains("d/a.zarr") && text.contains("d/b.zarr"),
        "{text}"
    );
    assert_eq!(
        craton(&["eval", "ds.time.count()", &pattern, "--value"])
            .good()
            .trim(),
        "4"
    );
    let local = folder.path().join("*.zarr");
    let text = craton(&["info", local.to_str().unwrap()]).good();
    assert!(text.contains("a.zarr") && text.contains("b.zarr"), "{text}");
}
