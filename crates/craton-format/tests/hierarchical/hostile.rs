//! Damaged and hostile files: an error or a value, in time, never a panic.

use crate::machine::processor_seconds;
use crate::reading::{now, read_all};
use craton_core::{ErrorKind, ReadRanges};
use craton_format::tree::{Node, NodeKind};
use craton_format::{hdf5, netcdf3};
use craton_store::{LocalStore, MemoryStore};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

fn open(store: Arc<dyn ReadRanges>, name: &str) -> craton_core::Result<Vec<Node>> {
    if name.contains("netcdf3") || name.ends_with(".cdf") {
        return now(netcdf3::open(store, name)).map(|file| file.nodes);
    }
    now(hdf5::open(store, name)).map(|file| file.nodes)
}

/// Reads whatever can be read; how many arrays were whole, and what went wrong.
fn read_everything(nodes: &[Node]) -> (usize, Vec<ErrorKind>) {
    let (mut whole, mut wrong) = (0, Vec::new());
    for node in nodes {
        match &node.kind {
            NodeKind::Group(_) => {}
            NodeKind::Broken(error) => wrong.push(error.kind()),
            NodeKind::Array(source) => match read_all(source.as_ref()) {
                Ok(_) => whole += 1,
                Err(error) => wrong.push(error.kind()),
            },
        }
    }
    (whole, wrong)
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("CRATON_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("CRATON_CORPUS is not set: this test did not run");
    }
    folder
}

/// Files that are whole as far as they can be read, or whose outcome nothing prescribes.
fn may_read_whole(name: &str) -> bool {
    name.contains("fuzz")
        || [
            "group_cycle",
            "numrecs_stream",
            "bad_cdf5_begin",
            "byteshuffle",
            // Every byte that matters is whole: the C library reads it too.
            "ref_test_corrupt_magic",
        ]
        .iter()
        .any(|part| name.contains(part))
}

#[test]
fn bad_files_give_errors_in_time() {
    let Some(corpus) = corpus() else { return };
    let mut names = Vec::new();
    for folder in ["hdf5", "netcdf3", "real"] {
        for entry in std::fs::read_dir(corpus.join("bad").join(folder)).unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy());
            if !name.starts_with("real/") || name.contains("hdf5__") || name.contains("netcdf") {
                names.push(name);
            }
        }
    }
    assert!(names.len() >= 42, "{}", names.len());
    let store: Arc<dyn ReadRanges> = Arc::new(LocalStore::new(corpus.join("bad")));
    for name in names {
        let before = processor_seconds();
        let outcome = open(store.clone(), &name).map(|nodes| read_everything(&nodes));
        let taken = processor_seconds() - before;
        assert!(taken < 1.0, "{name} took {taken} s");
        match outcome {
            Err(error) => assert_ne!(error.kind(), ErrorKind::Internal, "{name}: {error:?}"),
            Ok((_, wrong)) => {
                assert!(!wrong.contains(&ErrorKind::Internal), "{name}");
                assert!(
                    may_read_whole(&name) || !wrong.is_empty(),
                    "{name} reads whole"
                );
            }
        }
    }
}

#[test]
fn a_damaged_chunk_leaves_the_others_readable() {
    let Some(corpus) = corpus() else { return };
    let store: Arc<dyn ReadRanges> = Arc::new(LocalStore::new(corpus.join("bad/hdf5")));
    for name in ["bad_deflate.h5", "bad_fletcher32.h5"] {
        let nodes = open(store.clone(), name).unwrap();
        let mut outcomes = Vec::new();
        for node in &nodes {
            let NodeKind::Array(source) = &node.kind else {
                continue;
            };
            for index in crate::reading::indices(&source.meta().grid.shape()) {
                outcomes.push(
                    crate::reading::read_chunk(source.as_ref(), &index)
                        .map_err(|error| error.kind()),
                );
            }
        }
        let damaged = outcomes
            .iter()
            .filter(|outcome| **outcome == Err(ErrorKind::Corrupt))
            .count();
        assert_eq!(damaged, 1, "{name}");
        assert!(
            outcomes.len() > 1
                && outcomes.iter().filter(|outcome| outcome.is_ok()).count() == outcomes.len() - 1
        );
    }
}

/// A CDF-1 file: `t` unlimited with two records, and two record variables of one short each.
fn classic_file() -> Vec<u8> {
    let mut bytes = b"CDF\x01".to_vec();
    let mut word = |value: u32| bytes.extend(value.to_be_bytes());
    for value in [
        2,
        0x0a,
        1,
        1,
        u32::from_be_bytes(*b"t\0\0\0"),
        0,
        0,
        0,
        0x0b,
        2,
    ] {
        word(value);
    }
    for (name, begin) in [(b"a\0\0\0", 120), (b"b\0\0\0", 124)] {
        for value in [1, u32::from_be_bytes(*name), 1, 0, 0, 0, 3, 4, begin] {
            word(value);
        }
    }
    bytes.resize(120, 0);
    for value in [1u16, 0, 10, 0, 2, 0, 20, 0] {
        bytes.extend(value.to_be_bytes());
    }
    bytes
}

#[test]
fn interleaved_records_are_read_one_by_one() {
    let store = MemoryStore::new(BTreeMap::from([("small.cdf".to_owned(), classic_file())]));
    let nodes = open(Arc::new(store), "small.cdf").unwrap();
    for (path, expected) in [("/a", [1i16, 2]), ("/b", [10, 20])] {
        let source = crate::reading::array(&nodes, path).unwrap();
        let expected: Vec<u8> = expected.into_iter().flat_map(i16::to_ne_bytes).collect();
        assert_eq!(
            read_all(source.as_ref()).unwrap(),
            crate::reading::Values::Bytes(expected)
        );
    }
}

#[test]
fn a_streaming_record_count_comes_from_the_length_of_the_file() {
    let mut bytes = classic_file();
    bytes[4..8].fill(0xff);
    let store = MemoryStore::new(BTreeMap::from([("small.cdf".to_owned(), bytes)]));
    let nodes = open(Arc::new(store), "small.cdf").unwrap();
    assert_eq!(
        crate::reading::array(&nodes, "/a").unwrap().meta().shape,
        [2]
    );
}
