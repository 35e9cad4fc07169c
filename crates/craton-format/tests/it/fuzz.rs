//! Damaged metadata, shard indices and chunks never panic, hang or ask for much memory.

use crate::support::{damage, fuzz, indices, now};
use craton_core::{ChunkRef, Pool, ReadRanges, Source};
use craton_format::zarr::{NodeKind, open_hierarchy};
use craton_store::MemoryStore;
use std::sync::Arc;

const PLAIN: &str = r#"{"zarr_format":3,"node_type":"array","shape":[10,7],"data_type":"int32",
"chunk_grid":{"name":"regular","configuration":{"chunk_shape":[4,3]}},"chunk_key_encoding":{"name":"default"},
"fill_value":-1,"codecs":[{"name":"transpose","configuration":{"order":[1,0]}},{"name":"bytes","configuration":{"endian":"big"}},
{"name":"zstd","configuration":{"level":1}}],"dimension_names":["y",null],"attributes":{"a":NaN}}"#;
const SHARDED: &str = r#"{"zarr_format":3,"node_type":"array","shape":[8],"data_type":"uint8",
"chunk_grid":{"name":"regular","configuration":{"chunk_shape":[8]}},"fill_value":0,"codecs":[{"name":"sharding_indexed",
"configuration":{"chunk_shape":[2],"codecs":["bytes"],"index_codecs":[{"name":"bytes","configuration":{"endian":"little"}}]}}]}"#;
const OLD: &str = r#"{"zarr_format":2,"shape":[6,2],"chunks":[4,2],"dtype":"<M8[10s]","order":"F","fill_value":"NaT",
"filters":[{"id":"delta","dtype":"<i8","astype":"<i4"},{"id":"shuffle","elementsize":4}],
"compressor":{"id":"blosc","cname":"zstd","clevel":5,"shuffle":2},"dimension_separator":"/"}"#;
const RUNS: &str = r#"{"zarr_format":3,"node_type":"array","shape":[10],"data_type":{"name":"fixed_length_utf32",
"configuration":{"length_bytes":8}},"chunk_grid":{"name":"rectilinear","configuration":{"kind":"inline","chunk_shapes":[[[3,2],4]]}},
"fill_value":"x","codecs":[{"name":"bytes","configuration":{"endian":"little"}}]}"#;

fn shard() -> Vec<u8> {
    let mut bytes = vec![1, 2, 3, 4, 5, 6];
    for entry in [[0u64, 2], [2, 2], [u64::MAX, u64::MAX], [4, 2]] {
        bytes.extend(entry.iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes
}

/// Opens and reads what can be opened, as long as it is small.
fn exercise(store: &Arc<MemoryStore>) -> usize {
    let pool = Pool::with_limit(64 << 20);
    let store: Arc<dyn ReadRanges> = store.clone();
    let Ok(root) = now(open_hierarchy(store, "")) else {
        return 0;
    };
    let mut chunks = 0;
    for node in root.walk() {
        let NodeKind::Array(array) = &node.kind else {
            continue;
        };
        if array.meta().grid.len() > 100 {
            continue;
        }
        for index in indices(&array.meta().grid.shape()) {
            let Ok(ChunkRef::Stored(place)) = now(array.locate(&index)) else {
                continue;
            };
            let stored: Option<u64> = array
                .meta()
                .grid
                .chunk(&index)
                .iter()
                .try_fold(1u64, |count, axis| count.checked_mul(axis.encoded));
            let size = array.meta().dtype.item_size().unwrap_or(0) as u64;
            let Some(length) = stored
                .and_then(|count| count.checked_mul(size))
                .filter(|length| *length < 1 << 20)
            else {
                continue;
            };
            if let Ok(Some(bytes)) = now(place.store.read(&place.location, place.range, &pool)) {
                let mut out = pool.take(length as usize).unwrap();
                let _ = place.decode.decode(&bytes, &mut out, &pool);
                chunks += 1;
            }
        }
    }
    chunks
}

#[test]
fn damaged_metadata_never_panic() {
    let cases = [
        ("zarr.json", PLAIN),
        ("zarr.json", SHARDED),
        (".zarray", OLD),
        ("zarr.json", RUNS),
    ];
    for (name, text) in cases {
        let store = Arc::new(MemoryStore::default());
        store.insert(name, text);
        let NodeKind::Array(_) = now(open_hierarchy(store, "")).unwrap().kind else {
            panic!("{text}")
        };
    }
    fuzz(2000, |random| {
        for (name, text) in cases {
            let store = Arc::new(MemoryStore::default());
            store.insert(name, damage(text.as_bytes(), random));
            for key in ["c/0", "c/0/0", "0/0", "c/1"] {
                store.insert(key, shard());
            }
            exercise(&store);
        }
    });
}

#[test]
fn damaged_shards_never_panic() {
    let good = Arc::new(MemoryStore::default());
    good.insert("zarr.json", SHARDED);
    good.insert("c/0", shard());
    assert_eq!(exercise(&good), 3);
    fuzz(3000, |random| {
        let store = Arc::new(MemoryStore::default());
        store.insert("zarr.json", SHARDED);
        store.insert("c/0", damage(&shard(), random));
        exercise(&store);
    });
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
