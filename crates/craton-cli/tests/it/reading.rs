//! One point costs one chunk, counted from outside.

use crate::data::{Floats, noise, write_group};
use crate::outcome::{corpus, craton};
use serde_json::json;
use std::path::Path;

/// What the system tells the program of itself varies by so many bytes from run to run.
const SLACK: u64 = 8 << 10;

/// Bytes read, where the system counts them, and chunks decoded by a whole run.
fn whole_cost(expression: &str, path: &Path) -> (Option<u64>, u64) {
    let path = path.to_str().unwrap();
    let options = ["--value", "--explain", "--threads", "2"];
    let outcome = craton(&[&["eval", expression, path], &options[..]].concat());
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let told = outcome
        .stderr
        .lines()
        .find(|line| line.starts_with("read "));
    let decoded = told.unwrap().split("decoded ").nth(1).unwrap();
    let decoded = decoded.split(' ').next().unwrap().parse().unwrap();
    (outcome.bytes_read, decoded)
}

/// What computing `expression` costs beyond starting and opening the file, which reads metadata and labels.
fn cost(expression: &str, path: &Path) -> (Option<u64>, u64) {
    let (opened, computed) = (whole_cost("0", path), whole_cost(expression, path));
    let bytes = computed.0.zip(opened.0);
    (
        bytes.map(|(computed, opened)| computed.saturating_sub(opened)),
        computed.1 - opened.1,
    )
}

fn write_cube(folder: &Path) {
    write_group(
        folder,
        &[Floats {
            name: "v",
            dims: &["t", "y", "x"],
            shape: &[40, 100, 120],
            chunks: &[8, 50, 60],
            attributes: json!({}),
            value: noise,
        }],
    );
}

const POINT: &str = "ds.v.isel(t=17, y=60, x=61)";
const CHUNK: u64 = 8 * 50 * 60 * 4;

fn check_value(path: &Path) {
    let value: f32 = craton(&["eval", POINT, path.to_str().unwrap(), "--value"])
        .good()
        .trim()
        .parse()
        .unwrap();
    assert_eq!(value, noise((17 * 100 + 60) * 120 + 61));
}

#[test]
fn one_point_of_a_zarr_array_reads_one_chunk() {
    let folder = tempfile::tempdir().unwrap();
    write_cube(folder.path());
    check_value(folder.path());
    let (bytes, decoded) = cost(POINT, folder.path());
    assert_eq!(decoded, 1);
    if let Some(bytes) = bytes {
        assert!(
            CHUNK.abs_diff(bytes) < SLACK,
            "{bytes} bytes for a chunk of {CHUNK}"
        );
    }
}

#[test]
fn one_point_of_a_shard_reads_its_index_and_one_inner_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, sharded) = (folder.path().join("p.zarr"), folder.path().join("s.zarr"));
    write_cube(&plain);
    let options = [
        "--chunks",
        "t=8,y=50,x=60",
        "--shards",
        "t=40,y=100,x=120",
        "-o",
        sharded.to_str().unwrap(),
    ];
    craton(&[&["eval", "ds", plain.to_str().unwrap()], &options[..]].concat()).good();
    check_value(&sharded);
    let (bytes, decoded) = cost(POINT, &sharded);
    assert_eq!(decoded, 1);
    let index = 5 * 2 * 2 * 16 + 4;
    if let Some(bytes) = bytes {
        assert!(
            bytes < CHUNK + index + SLACK,
            "{bytes} bytes for an inner chunk of at most {CHUNK}"
        );
        assert!(bytes > CHUNK / 2);
    }
}

#[test]
fn one_point_of_a_netcdf4_file_reads_one_chunk_and_the_index() {
    let Some(path) = corpus("real/netcdf4/iris-test-data/small_theta_colpex.nc") else {
        return;
    };
    // Six chunks of one time each.
    let chunk = 10 * 83 * 83 * 4;
    let (bytes, decoded) = cost("ds.air_potential_temperature.isel(time=4)[3, 2, 1]", &path);
    assert_eq!(decoded, 1);
    if let Some(bytes) = bytes {
        // The index of chunks is read in pieces of 64 KiB.
        assert!(
            bytes + SLACK > chunk && bytes < chunk + (128 << 10),
            "{bytes} bytes for a chunk of {chunk}"
        );
    }
}
