//! Broken and hostile files through the command: in time, in little memory, with a reason that names the place.

use crate::outcome::{Outcome, corpus, craton, unpack};
use serde_json::Value;
use std::path::Path;

const LONGEST: f64 = 1.0;
const MOST_MEMORY: u64 = 256 << 20;

/// Exit codes of errors that foreign bytes may lead to: not found, invalid, corrupt, unsupported, too large, not allowed.
const CLEAN: [i32; 6] = [3, 4, 5, 6, 7, 9];

/// Checks what holds of every run on a bad file.
fn checked(outcome: Outcome, what: &str) -> Outcome {
    let Outcome { code, stderr, .. } = &outcome;
    assert!(
        outcome.processor_seconds < LONGEST,
        "{what}: {} s",
        outcome.processor_seconds
    );
    assert!(
        outcome.peak_bytes < MOST_MEMORY,
        "{what}: {} bytes",
        outcome.peak_bytes
    );
    let code = code.unwrap_or_else(|| panic!("{what} was ended by a signal"));
    assert!(
        code == 0 || CLEAN.contains(&code),
        "{what}: exit code {code}\n{stderr}"
    );
    assert!(!stderr.contains("panicked"), "{what}: {stderr}");
    assert!(
        stderr.len() < 10_000,
        "{what}: {} bytes of talk",
        stderr.len()
    );
    assert_eq!(code != 0, stderr.starts_with("error: "), "{what}: {stderr}");
    outcome
}

/// `info`, then all values of every group: the runs that failed, and whether anything at all was left out.
fn everything(path: &str) -> (Vec<Outcome>, String) {
    let info = checked(craton(&["info", "--json", path]), path);
    let mut talk = info.stderr.clone();
    if info.code != Some(0) {
        return (vec![info], talk);
    }
    let found: Value = serde_json::from_str(&info.stdout).unwrap();
    let mut failed = Vec::new();
    for group in found["groups"].as_array().unwrap() {
        let group = group["path"].as_str().unwrap();
        let place = if group == "/" {
            path.to_owned()
        } else {
            format!("{path}!{group}")
        };
        let outcome = checked(craton(&["eval", "ds", "--json", &place]), &place);
        talk += &outcome.stderr;
        if outcome.code != Some(0) {
            failed.push(outcome);
        }
    }
    (failed, talk)
}

/// Files that are whole as far as they can be read, or whose outcome nothing prescribes.
fn may_be_whole(file: &str, expected: &str) -> bool {
    let whole = [
        "opens",
        "reads",
        "any clean outcome",
        "listing works",
        "must not read outside",
    ];
    let best_effort = expected.starts_with("error or best effort");
    best_effort
        || whole.iter().any(|start| expected.starts_with(start))
        || file.contains("numrecs_stream")
}

#[test]
fn every_bad_file_ends_as_its_manifest_says() {
    let Some(root) = corpus("bad") else { return };
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(root.join("manifest.json")).unwrap()).unwrap();
    let mut cases = 0;
    for entry in manifest.as_array().unwrap() {
        let (file, expected) = (
            entry["file"].as_str().unwrap(),
            entry["expect"].as_str().unwrap(),
        );
        let is_read = [
            "zarr/",
            "netcdf3/",
            "hdf5/",
            "icechunk/",
            "real/netcdf",
            "real/hdf5",
        ];
        if !is_read.iter().any(|start| file.starts_with(start)) {
            continue;
        }
        cases += 1;
        let folder = tempfile::tempdir().unwrap();
        let path = match file.ends_with(".tar.gz") {
            true => unpack(&root.join(file), folder.path()),
            false => root.join(file),
        };
        let (failed, talk) = everything(path.to_str().unwrap());
        let is_told = !failed.is_empty() || talk.contains("warning: ");
        assert!(
            is_told || may_be_whole(file, expected),
            "{file} reads whole"
        );
        // What is too large to print is no fault of the file.
        if is_told && !talk.contains("are printed") {
            let name = Path::new(file).file_name().unwrap().to_str().unwrap();
            assert!(talk.contains(name), "{file} is not named: {talk}");
        }
        if expected == "must refuse, never unpickle" {
            assert_eq!(failed[0].code, Some(6), "{talk}");
        }
        if expected.contains("checksum error") {
            assert!(
                talk.to_lowercase().contains("crc") || talk.contains("checksum"),
                "{file}: {talk}"
            );
        }
    }
    assert_eq!(cases, 38 + 16 + 23 + 3 + 3);
}

fn values(path: &Path) -> Vec<i64> {
    let text = craton(&["eval", "ds", "--json", path.to_str().unwrap()]).good();
    let found: Value = serde_json::from_str(&text).unwrap();
    found["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_i64().unwrap())
        .collect()
}

#[test]
fn odd_but_legal_stores_are_read() {
    let Some(root) = corpus("bad/zarr") else {
        return;
    };
    assert_eq!(
        values(&root.join("v3_may_ignore")),
        (0..16).collect::<Vec<_>>()
    );
    let shared = values(&root.join("v3_shard_overlap"));
    assert!(
        shared.chunks(4).all(|four| four == &shared[..4]),
        "{shared:?}"
    );
}

#[test]
fn a_damaged_chunk_is_named_and_leaves_the_others_readable() {
    let Some(root) = corpus("bad/hdf5") else {
        return;
    };
    for name in ["bad_deflate.h5", "bad_fletcher32.h5"] {
        let path = root.join(name);
        let path = path.to_str().unwrap();
        let info: Value = serde_json::from_str(&craton(&["info", "--json", path]).good()).unwrap();
        let arrays = info["groups"][0]["variables"].as_object().unwrap();
        let (mut read, mut damaged) = (0, 0);
        for (array, facts) in arrays {
            let (length, chunk) = (
                facts["shape"][0].as_u64().unwrap(),
                facts["chunks"][0].as_u64().unwrap(),
            );
            let dim = facts["dims"][0].as_str().unwrap();
            for start in (0..length).step_by(chunk as usize) {
                let part = format!(
                    "ds[\"{array}\"].isel({dim}=slice({start}, {}))",
                    (start + chunk).min(length)
                );
                let outcome = checked(craton(&["eval", &part, "--json", path]), name);
                if outcome.code == Some(0) {
                    read += 1;
                    continue;
                }
                damaged += 1;
                let report = outcome.bad(5);
                for part in ["chunk (", array.as_str(), name] {
                    assert!(report.contains(part), "{name}: no `{part}` in {report}");
                }
            }
        }
        assert!(
            damaged == 1 && read > 0,
            "{name}: {damaged} damaged, {read} read"
        );
    }
}

#[test]
fn a_huge_array_without_chunks_gives_slices_and_refuses_the_whole() {
    let Some(path) = corpus("bad/hdf5/huge_declared.h5") else {
        return;
    };
    let path = path.to_str().unwrap();
    let point = "ds.x.isel(phony_dim_0=-1, phony_dim_1=5)";
    let value = craton(&["eval", point, "--value", path]);
    assert_eq!(checked(value, path).good().trim(), "0.0");
    for whole in [&["ds.x", "--json"][..], &["ds.x.mean()"]] {
        let refused = checked(craton(&[&["eval"], whole, &[path]].concat()), path);
        assert_eq!(refused.stdout, "");
        refused.bad(7);
    }
}

#[test]
fn a_store_of_more_chunks_than_can_be_counted_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = r#"{"zarr_format": 3, "node_type": "array", "shape": [1048576, 1048576, 1048577],
        "data_type": "int8", "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 1, 2]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
        "codecs": [{"name": "bytes"}], "dimension_names": ["a", "b", "c"]}"#;
    std::fs::write(folder.path().join("zarr.json"), metadata).unwrap();
    let path = folder.path().to_str().unwrap();
    let one = checked(craton(&["eval", "ds[7, 8, 9]", path]), path);
    assert_eq!(one.good().trim(), "0");
    checked(craton(&["eval", "ds.sum()", path]), path).bad(7);
    let beyond = metadata.replace("1048576", "4194304");
    std::fs::write(folder.path().join("zarr.json"), beyond).unwrap();
    checked(craton(&["eval", "ds[7, 8, 9]", path]), path).bad(7);
}

#[test]
fn links_lead_in_circles_and_outside_to_nothing() {
    let Some(root) = corpus("bad/hdf5") else {
        return;
    };
    for name in [
        "group_cycle.h5",
        "softlink_cycle.h5",
        "external_traversal.h5",
    ] {
        let path = root.join(name);
        let info = checked(craton(&["info", path.to_str().unwrap()]), name);
        let text = info.good();
        assert!(
            !text.contains("root:"),
            "{name} shows a file of the system: {text}"
        );
    }
}
