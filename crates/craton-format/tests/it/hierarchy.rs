//! What opening a hierarchy costs, and what a bad member does to the others.

use crate::support::now;
use craton_core::{ChunkRef, Source};
use craton_format::zarr::open_hierarchy;
use craton_store::MemoryStore;
use std::sync::Arc;

const PLAIN: &str = r#"{"zarr_format":3,"node_type":"array","shape":[10,7],"data_type":"int32",
"chunk_grid":{"name":"regular","configuration":{"chunk_shape":[4,3]}},"chunk_key_encoding":{"name":"default"},
"fill_value":-1,"codecs":[{"name":"transpose","configuration":{"order":[1,0]}},{"name":"bytes","configuration":{"endian":"big"}},
{"name":"zstd","configuration":{"level":1}}],"dimension_names":["y",null],"attributes":{"a":NaN}}"#;
const SHARDED: &str = r#"{"zarr_format":3,"node_type":"array","shape":[8],"data_type":"uint8",
"chunk_grid":{"name":"regular","configuration":{"chunk_shape":[8]}},"fill_value":0,"codecs":[{"name":"sharding_indexed",
"configuration":{"chunk_shape":[2],"codecs":["bytes"],"index_codecs":[{"name":"bytes","configuration":{"endian":"little"}}]}}]}"#;
fn shard() -> Vec<u8> {
    let mut bytes = vec![1, 2, 3, 4, 5, 6];
    for entry in [[0u64, 2], [2, 2], [u64::MAX, u64::MAX], [4, 2]] {
        bytes.extend(entry.iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes
}

#[test]
fn a_shard_index_is_read_once() {
    let store = Arc::new(MemoryStore::default());
    store.insert("zarr.json", SHARDED);
    store.insert("c/0", shard());
    let root = now(open_hierarchy(store.clone(), "")).unwrap();
    let before = store.requests();
    let array = root.as_array().unwrap();
    for index in 0..4 {
        let located = now(array.locate(&[index])).unwrap();
        assert_eq!(matches!(located, ChunkRef::Missing), index == 2);
    }
    assert_eq!(store.requests() - before, 1);
    assert_eq!(array.meta().shard_shape, Some(vec![4]));
}

#[test]
fn one_bad_array_hides_no_other() {
    let store = Arc::new(MemoryStore::default());
    store.insert("zarr.json", r#"{"zarr_format":3,"node_type":"group"}"#);
    store.insert("good/zarr.json", PLAIN);
    store.insert("bad/zarr.json", PLAIN.replace("int32", "int24"));
    store.insert("worse/zarr.json", "{");
    let root = now(open_hierarchy(store, "")).unwrap();
    assert_eq!(root.children.len(), 3);
    assert!(root.find("good").unwrap().as_array().is_some());
    assert!(
        root.find("bad")
            .unwrap()
            .kind
            .error()
            .unwrap()
            .to_string()
            .contains("int24")
    );
    assert!(root.find("/worse").unwrap().kind.error().is_some());
}

#[test]
fn consolidated_metadata_take_one_read_however_many_arrays() {
    let mut documents = serde_json::Map::new();
    let plain: serde_json::Value = serde_json::from_str(&PLAIN.replace("NaN", "1")).unwrap();
    for number in 0..1000 {
        documents.insert(format!("group/v{number}"), plain.clone());
    }
    let root = serde_json::json!({"zarr_format": 3, "node_type": "group", "attributes": {},
        "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": documents}});
    let store = Arc::new(MemoryStore::default());
    store.insert("zarr.json", root.to_string());
    let start = std::time::Instant::now();
    let root = now(open_hierarchy(store.clone(), "")).unwrap();
    println!("1000 arrays opened in {:?}", start.elapsed());
    assert_eq!((root.walk().len(), store.requests()), (1002, 1));
}
