//! Datasets with damaged attributes and dimension names: opened, described and printed, or refused.

use super::stored::collect_zarr;
use super::{OpenOptions, Stored, decode::decode_group};
use crate::fuzzing::{Random, damage, fuzz};
use crate::info::Info;
use crate::output::repr::{ReprOptions, repr_dataset};
use crate::session::Session;
use craton_core::ErrorKind;
use craton_format::detect::Format;
use craton_store::MemoryStore;
use indexmap::IndexMap;
use std::sync::Arc;

/// Attributes that mean something to CF, with values of every kind.
const ATTRIBUTES: [&str; 14] = [
    r#""units":"days since 2000-01-01","calendar":"noleap""#,
    r#""units":"hours","dtype":"timedelta64[ms]""#,
    r#""scale_factor":0.5,"add_offset":[273.15]"#,
    r#""_FillValue":3,"missing_value":[4,5]"#,
    r#""_FillValue":"AAAAAAAA+H8=""#,
    r#""_Unsigned":"true""#,
    r#""_Unsigned":"false","_FillValue":-1"#,
    r#""coordinates":"t u  v""#,
    r#""bounds":"u","units":"minutes since 1970-01-01""#,
    r#""_Encoding":"utf-8","dtype":"bool""#,
    r#""dtype":"timedelta64[as]","units":"days""#,
    r#""long_name":"a\nb\u0000","flag_values":[1,2,null]"#,
    r#""grid_mapping":{"a":[1]},"valid_range":[true]"#,
    r#""_FillValue":"x","scale_factor":"x""#,
];
const PIECES: [&str; 26] = [
    "t",
    "u",
    "v",
    "x",
    "0",
    "-1",
    "1e308",
    "5e-324",
    "18446744073709551615",
    "null",
    "true",
    "[]",
    "{}",
    "[1]",
    "NaN",
    "units",
    "days since 0-0-0",
    "_FillValue",
    "scale_factor",
    "add_offset",
    "calendar",
    "coordinates",
    "bounds",
    "dtype",
    "_Unsigned",
    "360_day",
];
const TYPES: [&str; 12] = [
    "int8",
    "uint8",
    "int16",
    "int32",
    "uint64",
    "int64",
    "float32",
    "float64",
    "bool",
    "complex64",
    "string",
    "r8",
];

fn attributes(random: &mut Random) -> String {
    let parts: Vec<&str> = (0..random.below(3))
        .map(|_| random.of(&ATTRIBUTES))
        .collect();
    let text = format!("{{{}}}", parts.join(","));
    let damaged = damage(text.as_bytes(), &PIECES, random);
    // What is no JSON never gets as far as CF.
    match String::from_utf8(damaged) {
        Ok(damaged) if serde_json::from_str::<serde_json::Value>(&damaged).is_ok() => damaged,
        _ => text,
    }
}

fn array(random: &mut Random) -> String {
    let names = ["t", "u", "x", "é", ""];
    let mut name = || match random.below(8) {
        0 => "null".to_owned(),
        _ => format!("{:?}", random.of(&names)),
    };
    let dims = [name(), name()];
    let (dims, shape) = match random.below(3) {
        0 => (String::new(), "[]"),
        1 => (dims[0].clone(), "[4]"),
        _ => (dims.join(","), ["[4,2]", "[4,4]", "[0,2]"][random.below(3)]),
    };
    let (dtype, chunks) = (random.of(&TYPES), shape.replace('0', "1"));
    let codec = match dtype {
        "string" => r#"{"name":"vlen-utf8"}"#,
        _ => r#"{"name":"bytes","configuration":{"endian":"little"}}"#,
    };
    let fill = match dtype {
        "string" => "\"\"",
        "bool" => "false",
        "complex64" => "[0,0]",
        "r8" => "[0]",
        _ => ["0", "3", "100"][random.below(3)],
    };
    format!(
        r#"{{"zarr_format":3,"node_type":"array","shape":{shape},"data_type":"{dtype}","chunk_grid":{{"name":"regular",
"configuration":{{"chunk_shape":{chunks}}}}},"chunk_key_encoding":{{"name":"default"}},"fill_value":{fill},"codecs":[{codec}],
"dimension_names":[{dims}],"attributes":{}}}"#,
        attributes(random)
    )
}

/// A group of four arrays, some with bytes.
fn store(random: &mut Random) -> MemoryStore {
    let store = MemoryStore::default();
    let group = format!(
        r#"{{"zarr_format":3,"node_type":"group","attributes":{}}}"#,
        attributes(random)
    );
    store.insert("zarr.json", group);
    for name in ["t", "u", "v", "w"] {
        store.insert(format!("{name}/zarr.json"), array(random));
        for key in ["c", "c/0", "c/0/0"] {
            let length = [4, 8, 16, 32, 64, 128][random.below(6)];
            let bytes: Vec<u8> = (0..length)
                .map(|_| random.next() as u8 >> (random.below(2) * 4))
                .collect();
            store.insert(format!("{name}/{key}"), bytes);
        }
    }
    store
}

#[test]
fn attributes_and_dimensions() {
    let session = Session::new(Some(1), Some(256 << 20));
    let mut opened = 0;
    fuzz("attributes_and_dimensions", 1500, |random| {
        let Ok(root) = pollster::block_on(craton_format::zarr::open_hierarchy(
            Arc::new(store(random)),
            "",
        )) else {
            return;
        };
        let mut groups = IndexMap::new();
        collect_zarr("memory", root, &mut groups);
        let stored = Stored {
            url: "memory".to_owned(),
            format: Format::Zarr3,
            keeper: None,
            snapshot: None,
            groups,
            selected: "/".to_owned(),
            array: None,
        };
        if let Ok(info) = Info::of_stored(&stored) {
            assert!(!info.to_text().is_empty() && info.to_json().is_object());
        }
        let options = OpenOptions {
            decodes_cf: random.below(4) != 0,
            ..OpenOptions::default()
        };
        let dataset = stored
            .root()
            .and_then(|group| decode_group(group, options, &session));
        let dataset = dataset.expect("no member keeps a group from being opened");
        opened += dataset.variables.len();
        for name in dataset.variables.keys().chain(dataset.coords.keys()) {
            assert!(dataset.array(name).is_ok());
        }
        let shown = repr_dataset(&dataset, &ReprOptions::default(), &session);
        let json = crate::output::json::write_dataset(&dataset, &session, &mut Vec::new());
        for error in [shown.err(), json.err()].into_iter().flatten() {
            assert_ne!(error.kind(), ErrorKind::Internal, "{error:?}");
        }
    });
    assert!(opened > 1000, "{opened} variables opened");
}
