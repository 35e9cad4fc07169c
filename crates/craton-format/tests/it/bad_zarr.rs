//! Broken and hostile Zarr stores end as the list beside them says.

use crate::machine::processor_seconds;
use crate::support::{Values, corpus, open, read};
use craton_core::{ErrorKind, Source};
use craton_format::zarr::NodeKind;
use serde_json::Value;

#[test]
fn every_bad_store_ends_as_the_manifest_says() {
    let Some(root) = corpus("bad") else { return };
    let manifest = std::fs::read(root.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut cases = 0;
    for entry in manifest.as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        if !file.starts_with("zarr/") {
            continue;
        }
        cases += 1;
        let before = processor_seconds();
        let outcome = outcome(root.join(file).to_str().unwrap());
        let taken = processor_seconds() - before;
        assert!(taken < 1.0, "{file} took {taken} s");
        match entry["expect"].as_str().unwrap() {
            "opens and reads 0..15" => {
                assert_eq!(integers(outcome), (0..16).collect::<Vec<_>>(), "{file}")
            }
            "reads the first four values four times" => {
                let values = integers(outcome);
                assert!(values.chunks(4).all(|four| four == &values[..4]), "{file}");
            }
            "must refuse, never unpickle" => {
                assert_eq!(
                    outcome.unwrap_err().kind(),
                    ErrorKind::Unsupported,
                    "{file}"
                );
            }
            _ => {
                let error = outcome.expect_err(file);
                let expected = [
                    ErrorKind::Corrupt,
                    ErrorKind::Unsupported,
                    ErrorKind::NotFound,
                ];
                assert!(expected.contains(&error.kind()), "{file}: {error:?}");
            }
        }
    }
    assert_eq!(cases, 38);
}

fn outcome(url: &str) -> craton_core::Result<Values> {
    match open(url)?.kind {
        NodeKind::Array(array) => {
            assert!(array.meta().shape.iter().product::<u64>() < 1000);
            read(&*array)
        }
        NodeKind::Broken(error) => Err(error),
        NodeKind::Group { .. } => panic!("{url} is a group"),
    }
}

fn integers(outcome: craton_core::Result<Values>) -> Vec<i32> {
    match outcome.unwrap() {
        Values::Fixed(_, bytes) => bytes
            .chunks_exact(4)
            .map(|item| i32::from_ne_bytes(item.try_into().unwrap()))
            .collect(),
        Values::Strings(_) => panic!("strings"),
    }
}
