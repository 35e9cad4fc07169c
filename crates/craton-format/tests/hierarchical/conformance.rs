//! Small files by h5py and netCDF4, with every value that those readers see.

use crate::reading::{Values, array, now, read_all};
use craton_core::{DType, ReadRanges, Scalar};
use craton_format::hdf5;
use craton_format::tree::NodeKind;
use craton_store::{LocalStore, MemoryStore};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/h5py")
}

fn expected() -> serde_json::Map<String, Value> {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn to_json(dtype: DType, values: &Values) -> Vec<Value> {
    match values {
        Values::Texts(texts) => texts
            .iter()
            .map(|text| json!(String::from_utf8_lossy(text)))
            .collect(),
        Values::Bytes(bytes) => bytes
            .chunks_exact(dtype.item_size().unwrap())
            .map(|bytes| Scalar::from_bytes(dtype, bytes).to_json())
            .collect(),
    }
}

fn is_same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        _ => {
            found == expected
                || found
                    .as_f64()
                    .zip(expected.as_f64())
                    .is_some_and(|(a, b)| (a - b).abs() <= b.abs() * 1e-6)
        }
    }
}

#[test]
fn every_value_is_what_h5py_sees() {
    let store: Arc<dyn ReadRanges> = Arc::new(LocalStore::new(folder()));
    let mut wrong = Vec::new();
    for (name, facts) in expected() {
        let file = now(hdf5::open(store.clone(), &name)).unwrap();
        for (path, fact) in facts["arrays"].as_object().unwrap() {
            let Some(source) = array(&file.nodes, path) else {
                wrong.push(format!("{name}{path} is missing"));
                continue;
            };
            let meta = source.meta();
            let shape = fact.get("netcdf_shape").unwrap_or(&fact["shape"]);
            if json!(meta.shape) != *shape || json!(meta.dtype.name()) != fact["dtype"] {
                wrong.push(format!(
                    "{name}{path} is {:?} {}, not {shape} {}",
                    meta.shape, meta.dtype, fact["dtype"]
                ));
                continue;
            }
            if let Some(names) = fact
                .get("dims")
                .filter(|names| json!(meta.dimension_names) != **names)
            {
                wrong.push(format!(
                    "{name}{path} has {:?}, not {names}",
                    meta.dimension_names
                ));
            }
            match read_all(source.as_ref()) {
                // netCDF shows unlimited axes longer than h5py does.
                Ok(_) if *shape != fact["shape"] => {}
                Ok(values) => {
                    if !is_same(&json!(to_json(meta.dtype, &values)), &fact["values"]) {
                        wrong.push(format!("{name}{path}: values differ"));
                    }
                }
                Err(error) => wrong.push(format!("{name}{path}: {error:?}")),
            }
        }
        for (path, dimensions) in facts["groups"].as_object().unwrap() {
            let found = file.nodes.iter().find_map(|node| match &node.kind {
                NodeKind::Group(group) if node.path == *path => Some(group),
                _ => None,
            });
            let found: Vec<Value> = found
                .map(|group| {
                    let each = group.dimensions.iter();
                    each.map(|one| json!([one.name, one.length, one.is_unlimited]))
                        .collect()
                })
                .unwrap_or_default();
            if json!(found) != *dimensions {
                wrong.push(format!(
                    "{name}{path} has dimensions {}, not {dimensions}",
                    json!(found)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn members_past_the_stored_extent_of_a_netcdf_variable_are_fill_values() {
    let store: Arc<dyn ReadRanges> = Arc::new(LocalStore::new(folder()));
    let file = now(hdf5::open(store, "netcdf4.nc")).unwrap();
    let source = array(&file.nodes, "/short").unwrap();
    let values = to_json(DType::Int32, &read_all(source.as_ref()).unwrap());
    let fill = -2_147_483_647;
    assert_eq!(
        json!(values),
        json!([0, 1, 2, 3, 4, 5, fill, fill, fill, fill, fill, fill])
    );
}

#[test]
fn a_dense_group_shows_members_and_attributes_as_they_were_added() {
    let store: Arc<dyn ReadRanges> = Arc::new(LocalStore::new(folder()));
    let file = now(hdf5::open(store, "groups_dense.h5")).unwrap();
    let names: Vec<&str> = file
        .nodes
        .iter()
        .filter_map(|node| node.path.strip_prefix("/g/"))
        .collect();
    assert_eq!((names.len(), names[0], names[59]), (60, "d59", "d00"));
    let group = file.nodes.iter().find(|node| node.path == "/g").unwrap();
    let NodeKind::Group(group) = &group.kind else {
        panic!("a group")
    };
    assert_eq!(group.attributes.len(), 41);
    assert_eq!(group.attributes.get_index(0).unwrap().0, "a39");
    assert_eq!(
        group.attributes["long"].as_text().map(str::len),
        Some(70_000)
    );
}

#[test]
fn a_group_that_contains_itself_is_shown_once() {
    let store: Arc<dyn ReadRanges> = Arc::new(LocalStore::new(folder()));
    let file = now(hdf5::open(store, "groups_old.h5")).unwrap();
    assert!(array(&file.nodes, "/soft").is_some());
    assert!(array(&file.nodes, "/g/below/again").is_some());
    assert_eq!(
        file.nodes
            .iter()
            .filter(|node| node.path.contains("/up"))
            .count(),
        0
    );
}

#[test]
fn a_chunk_index_is_read_once_and_not_at_open() {
    let bytes = std::fs::read(folder().join("many_earliest.h5")).unwrap();
    let memory = Arc::new(MemoryStore::new(BTreeMap::from([(
        "many.h5".to_owned(),
        bytes,
    )])));
    let store: Arc<dyn ReadRanges> = memory.clone();
    let file = now(hdf5::open(store, "many.h5")).unwrap();
    let opened = memory.requests();
    let source = array(&file.nodes, "/tree").unwrap();
    now(source.locate(&[0, 0])).unwrap();
    let located = memory.requests();
    assert!(located > opened);
    for row in 0..30 {
        now(source.locate(&[row, 20])).unwrap();
    }
    assert_eq!(memory.requests(), located);
}

#[test]
fn opening_may_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let store: Arc<dyn ReadRanges> = Arc::new(MemoryStore::new(BTreeMap::new()));
    is_send(&hdf5::open(store.clone(), "none"));
    is_send(&craton_format::netcdf3::open(store, "none"));
}
