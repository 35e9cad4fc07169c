//! Metadata of both versions, consolidated metadata, and shard indexes.

use crate::exercise::exercise;
use crate::machine::{damage, fuzz};
use craton_core::ReadRanges;
use craton_store::MemoryStore;
use std::sync::Arc;

const PLAIN: &str = r#"{"zarr_format":3,"node_type":"array","shape":[10,7],"data_type":"int32",
"chunk_grid":{"name":"regular","configuration":{"chunk_shape":[4,3]}},"chunk_key_encoding":{"name":"default"},
"fill_value":-1,"codecs":[{"name":"transpose","configuration":{"order":[1,0]}},{"name":"bytes","configuration":{"endian":"big"}},
{"name":"zstd","configuration":{"level":1}}],"dimension_names":["y",null],"attributes":{"a":NaN,"b":[1,[2.5,"x"],{"c":null}]}}"#;
const SHARDED: &str = r#"{"zarr_format":3,"node_type":"array","shape":[8],"data_type":"uint8",
"chunk_grid":{"name":"regular","configuration":{"chunk_shape":[8]}},"fill_value":0,"codecs":[{"name":"sharding_indexed",
"configuration":{"chunk_shape":[2],"codecs":["bytes"],"index_codecs":[{"name":"bytes","configuration":{"endian":"little"}}],
"index_location":"end"}}]}"#;
const RUNS: &str = r#"{"zarr_format":3,"node_type":"array","shape":[10],"data_type":{"name":"fixed_length_utf32",
"configuration":{"length_bytes":8}},"chunk_grid":{"name":"rectilinear","configuration":{"kind":"inline","chunk_shapes":[[[3,2],4]]}},
"fill_value":"x","codecs":[{"name":"bytes","configuration":{"endian":"little"}}]}"#;
const STRINGS: &str = r#"{"zarr_format":3,"node_type":"array","shape":[3],"data_type":"string","chunk_grid":{"name":"regular",
"configuration":{"chunk_shape":[2]}},"chunk_key_encoding":{"name":"v2","configuration":{"separator":"/"}},"fill_value":"",
"codecs":[{"name":"vlen-utf8"}],"storage_transformers":[]}"#;
const TIMES: &str = r#"{"zarr_format":2,"shape":[6,2],"chunks":[4,2],"dtype":"<M8[10s]","order":"F","fill_value":"NaT",
"filters":[{"id":"delta","dtype":"<i8","astype":"<i4"},{"id":"shuffle","elementsize":4}],
"compressor":{"id":"blosc","cname":"zstd","clevel":5,"shuffle":2},"dimension_separator":"/"}"#;
const RECORDS: &str = r#"{"zarr_format":2,"shape":[4],"chunks":[2],"dtype":[["a","<i4"],["b","|S3",[2]]],"order":"C",
"fill_value":"AAAAAAAAAAAA","filters":null,"compressor":null}"#;
const COMPLEX: &str = r#"{"zarr_format":2,"shape":[4],"chunks":[3],"dtype":">c16","order":"C","fill_value":["NaN",-0.5],
"filters":[],"compressor":{"id":"zlib","level":1}}"#;

/// What stands in metadata, in places where it should not.
const PIECES: [&str; 46] = [
    "0",
    "1",
    "-1",
    "2",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "1e308",
    "0.5",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "NaN",
    "Infinity",
    "\"0x7fc00000\"",
    "[[1,4294967296]]",
    "int8",
    "float16",
    "complex64",
    "string",
    "bytes",
    "r24",
    "numpy.datetime64",
    "struct",
    "sharding_indexed",
    "transpose",
    "vlen-bytes",
    "gzip",
    "blosc",
    "crc32c",
    "packbits",
    "regular",
    "rectilinear",
    "default",
    "v2",
    "start",
    "end",
    "little",
    "must_understand",
    "configuration",
    "<U67108864",
    "|V1000000",
    "<U4000000000",
    "|V0",
];

fn shard() -> Vec<u8> {
    let mut bytes = vec![1, 2, 3, 4, 5, 6];
    for entry in [[0_u64, 2], [2, 2], [u64::MAX, u64::MAX], [4, 2]] {
        bytes.extend(entry.iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes
}

/// A store of these documents, with some bytes under every key that a chunk may have.
fn store(documents: &[(&str, Vec<u8>)]) -> Arc<dyn ReadRanges> {
    let store = MemoryStore::default();
    for key in ["c/0", "c/0/0", "0/0", "0", "c/1", "1"] {
        store.insert(key, shard());
    }
    for (name, bytes) in documents {
        store.insert(*name, bytes.clone());
    }
    Arc::new(store)
}

#[test]
fn zarr_2_metadata() {
    fuzz("zarr_2_metadata", 3000, |random| {
        let text = random.of(&[TIMES, RECORDS, COMPLEX]);
        let attributes = br#"{"units":"K","_ARRAY_DIMENSIONS":["y","x"],"scale":[1,2.5]}"#;
        let documents = [
            (".zarray", damage(text.as_bytes(), &PIECES, random)),
            (".zattrs", damage(attributes, &PIECES, random)),
        ];
        exercise(&store(&documents), "");
    });
}

#[test]
fn zarr_3_metadata() {
    for text in [PLAIN, SHARDED, RUNS, STRINGS] {
        let store = MemoryStore::default();
        store.insert("zarr.json", text);
        let root =
            crate::exercise::now(craton_format::zarr::open_hierarchy(Arc::new(store), "")).unwrap();
        assert!(root.as_array().is_some(), "{text}: {:?}", root.kind.error());
    }
    fuzz("zarr_3_metadata", 4000, |random| {
        let text = random.of(&[PLAIN, SHARDED, RUNS, STRINGS]);
        exercise(
            &store(&[("zarr.json", damage(text.as_bytes(), &PIECES, random))]),
            "",
        );
    });
}

#[test]
fn consolidated_metadata() {
    let json = |text: &str| {
        serde_json::from_str::<serde_json::Value>(&text.replace("NaN,", "1,")).unwrap()
    };
    let new = serde_json::json!({"zarr_format": 3, "node_type": "group", "attributes": {"coordinates": "t"},
        "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": {
            "t": json(STRINGS), "group": {"zarr_format": 3, "node_type": "group"}, "group/plain": json(PLAIN),
            "group/deep/runs": json(RUNS), "s": json(SHARDED)}}});
    let old = serde_json::json!({"zarr_consolidated_format": 1, "metadata": {".zgroup": {"zarr_format": 2},
        ".zattrs": {"title": "x"}, "t/.zarray": json(TIMES), "t/.zattrs": {"_ARRAY_DIMENSIONS": ["a", "b"]},
        "g/.zgroup": {"zarr_format": 2}, "g/c/.zarray": json(COMPLEX)}});
    let (new, old) = (new.to_string(), old.to_string());
    let paths = [
        "/",
        "..",
        "../x",
        "group/plain",
        "a//b",
        ".zarray",
        ".zgroup",
        "t/t/t/t",
    ];
    let pieces: Vec<&str> = PIECES.into_iter().chain(paths).collect();
    assert_eq!(
        exercise(&store(&[("zarr.json", new.clone().into())]), ""),
        0
    );
    fuzz("consolidated_metadata", 2000, |random| {
        let documents = if random.below(2) == 0 {
            vec![("zarr.json", damage(new.as_bytes(), &pieces, random))]
        } else {
            let metadata = damage(old.as_bytes(), &pieces, random);
            vec![
                (".zgroup", br#"{"zarr_format":2}"#.to_vec()),
                (".zmetadata", metadata),
            ]
        };
        exercise(&store(&documents), "");
    });
}

#[test]
fn shard_indexes() {
    let good = store(&[("zarr.json", SHARDED.into()), ("c/0", shard())]);
    assert_eq!(
        exercise(&good, ""),
        4,
        "three chunks, and the last of them again"
    );
    fuzz("shard_indexes", 5000, |random| {
        let mut text = SHARDED.to_owned();
        if random.below(2) == 0 {
            text = text.replace("\"end\"", "\"start\"");
        }
        if random.below(4) == 0 {
            text = text.replace("\"little\"}}]", "\"little\"}},\"crc32c\"]");
        }
        exercise(
            &store(&[
                ("zarr.json", text.into()),
                ("c/0", damage(&shard(), &[], random)),
            ]),
            "",
        );
    });
}
