//! Zarr stores, codec fixtures and ZIP archives of other projects.

use crate::support::{Values, corpus, facts, now, npy_stored, open, read, read_url, same, unpack};
use craton_core::{ByteRange, DType, ErrorKind, Order, Pool, Scalar, Source};
use craton_format::codec::{self, Chain, NumberType, Options, Place, Stage};
use serde_json::Value;
use std::path::Path;

#[test]
fn arrays_of_zarrs_have_the_known_facts() {
    let Some(archive) = corpus("real/zarr/zarrs/zarrs-testdata.tar.gz") else {
        return;
    };
    let facts = facts("zarr/zarrs/zarrs-testdata.tar.gz").unwrap();
    let folder = unpack(&archive);
    let (mut checked, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for (name, expected) in facts["facts"]["arrays"].as_object().unwrap() {
        let path = folder.path().join("zarrs-testdata").join(name);
        match read_url(path.to_str().unwrap()) {
            Ok((shape, values)) => {
                let declared: Vec<u64> = expected["shape"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|length| length.as_u64().unwrap())
                    .collect();
                if shape != declared || !has_facts(&values, expected) {
                    wrong.push(format!("{name}: {shape:?} {expected}"));
                }
                checked += 1;
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => refused.push(name.clone()),
            Err(error) => wrong.push(format!("{name}: {error:?}")),
        }
    }
    println!("{checked} arrays checked, refused: {refused:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        refused.iter().all(|name| name.contains("optional")),
        "{refused:?}"
    );
    assert!(checked >= 40, "{checked}");
}

pub fn has_facts(values: &Values, expected: &Value) -> bool {
    match values {
        Values::Strings(strings) => {
            let first = expected["first"]
                .as_array()
                .unwrap()
                .iter()
                .map(|text| text.as_str().unwrap().as_bytes());
            first
                .zip(strings)
                .all(|(expected, actual)| expected == actual)
        }
        Values::Fixed(dtype, bytes) => {
            let size = dtype.item_size().unwrap();
            let scalars: Vec<Scalar> = bytes
                .chunks_exact(size)
                .map(|item| Scalar::from_bytes(*dtype, item))
                .collect();
            let is_text = matches!(dtype, DType::FixedBytes(_) | DType::FixedUtf8(_));
            let equals = |scalar: &Scalar, expected: &Value| match expected {
                Value::String(text) if text == "NaN" && !is_text => scalar.is_missing(),
                Value::String(text) => scalar.to_text().as_deref() == Some(text),
                Value::Null => scalar.is_missing(),
                number => number.as_f64().is_none_or(|number| {
                    let actual = scalar.to_f64().unwrap();
                    (actual - number).abs() <= 1e-6 * number.abs()
                }),
            };
            let empty = Vec::new();
            let first = expected["first"].as_array().unwrap_or(&empty);
            let last = expected["last"].as_array().unwrap_or(&empty);
            let ends = scalars
                .iter()
                .zip(first)
                .all(|(scalar, expected)| equals(scalar, expected))
                && scalars
                    .iter()
                    .rev()
                    .zip(last.iter().rev())
                    .all(|(scalar, expected)| equals(scalar, expected));
            let mean = expected["mean"].as_f64().filter(|_| !is_text);
            let numbers: Vec<f64> = scalars
                .iter()
                .filter_map(Scalar::to_f64)
                .filter(|value| value.is_finite())
                .collect();
            let actual = numbers.iter().sum::<f64>() / numbers.len().max(1) as f64;
            ends && mean.is_none_or(|mean| (actual - mean).abs() <= 1e-5 * mean.abs().max(1.0))
        }
    }
}

#[test]
fn a_hierarchy_of_zarrs_lists_its_nodes() {
    let Some(archive) = corpus("real/zarr/zarrs/zarrs-testdata.tar.gz") else {
        return;
    };
    let folder = unpack(&archive);
    let root = open(
        folder
            .path()
            .join("zarrs-testdata/hierarchy.zarr")
            .to_str()
            .unwrap(),
    )
    .unwrap();
    let paths: Vec<&str> = root.walk().iter().map(|node| node.path.as_str()).collect();
    assert_eq!(&paths[..3], ["/", "/a", "/a/baz"]);
    assert!(root.walk().iter().all(|node| node.kind.error().is_none()));
}

#[test]
fn netcdf_c_archives_open_and_name_their_dimensions() {
    let Some(root) = corpus("real/zarr/netcdf-c") else {
        return;
    };
    let inner =
        |file: &str, folder: &str| format!("{}!/{folder}", root.join(file).to_str().unwrap());
    let node = open(&inner("ref_byte.zarr.zip", "ref_byte.zarr")).unwrap();
    let byte = node.find("byte").unwrap().as_array().unwrap();
    assert_eq!(
        (byte.meta().dtype.name().as_str(), byte.version()),
        ("uint8", 2)
    );
    assert!(matches!(read(&**byte).unwrap(), Values::Fixed(..)));
    let node = open(&inner("ref_oldformat.zip", "ref_oldformat")).unwrap();
    let pos = node.find("g1/pos").unwrap().as_array().unwrap();
    assert_eq!(
        pos.meta().dimension_names,
        [
            Some("_Anonymous_Dim_8".to_owned()),
            Some("_Anonymous_Dim_10".to_owned())
        ]
    );
    for (file, folder) in [
        ("ref_oldkeys.file.zip", "ref_oldkeys.file"),
        ("ref_quotes_orig.zip", "ref_quotes"),
    ] {
        let node = open(&inner(file, folder)).unwrap();
        assert!(node.walk().len() > 1, "{file}");
        for node in node.walk() {
            assert!(node.kind.error().is_none(), "{file}: {:?}", node.kind);
            if let Some(array) = node
                .as_array()
                .filter(|array| array.meta().grid.len() < 1000)
            {
                read(&**array).unwrap();
            }
        }
    }
    let error = open(root.join("ref_byte.zarr.zip").to_str().unwrap()).unwrap_err();
    assert!(
        error.hint_text().unwrap().contains("ref_byte.zarr"),
        "{error}"
    );
}

#[test]
fn zip_members_are_read_or_refused_by_name() {
    let Some(root) = corpus("real/zip/tensorstore") else {
        return;
    };
    let pool = Pool::unlimited();
    let read = |file: &str, member: &str| {
        let (store, _) = now(craton_store::open_store(root.join(file).to_str().unwrap()))?;
        now(store.read(member, ByteRange::Whole, &pool))
    };
    assert_eq!(
        read("data.zip", "data/bb.png").unwrap().unwrap().len(),
        106_351
    );
    let member = read("data_descriptor_store_compression.zip", "test_file")
        .unwrap()
        .unwrap();
    assert_eq!(member.len(), 11);
    let member = read("zip_deflate.zip", "firstsecond").unwrap().unwrap();
    assert_eq!(member.len(), 19);
    for file in ["zip_xz.zip", "zip_zstd.zip"] {
        let error = read(file, "abac-repeat.txt").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{file}");
    }
}

/// How far from the original values a codec that loses some may be.
fn tolerance(config: &Value) -> Option<f64> {
    let number = |name: &str| config[name].as_f64().unwrap();
    match config["id"].as_str().unwrap() {
        "quantize" => Some(10f64.powf(-number("digits"))),
        "fixedscaleoffset" => Some(1.0 / number("scale")),
        "astype" => Some(1.0),
        _ => None,
    }
}

#[test]
fn numcodecs_fixtures_decode_to_their_arrays() {
    let Some(archive) = corpus("real/numcodecs/numcodecs-fixtures.tar.gz") else {
        return;
    };
    let folder = unpack(&archive);
    let mut tally = Tally::default();
    visit(&folder.path().join("numcodecs-fixtures"), &mut tally);
    println!(
        "{} fixtures decoded; refused: {:?}",
        tally.equal, tally.refused
    );
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    let known = [
        "json",
        "shuffle:0",
        "json2",
        "msgpack2",
        "categorize",
        "json2, not compared",
        "msgpack2, not compared",
        "categorize, not compared",
        "vlen-array, not compared",
        "vlen-utf8, not compared",
        "vlen-bytes, not compared",
    ];
    assert!(
        tally
            .refused
            .keys()
            .all(|codec| known.contains(&codec.as_str())),
        "{:?}",
        tally.refused
    );
    assert!(tally.equal > 450, "{}", tally.equal);
}

#[derive(Default)]
struct Tally {
    equal: usize,
    refused: std::collections::BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// Folders that hold `array.NN.npy` beside `codec.MM`, at any depth.
fn visit(folder: &Path, tally: &mut Tally) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries.iter().filter(|path| path.is_dir()) {
        if !path.join("config.json").exists() {
            visit(path, tally);
            continue;
        }
        let config: Value =
            serde_json::from_slice(&std::fs::read(path.join("config.json")).unwrap()).unwrap();
        for encoded in std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            let name = encoded.file_name().unwrap().to_str().unwrap().to_owned();
            let Some(number) = name.strip_prefix("encoded.") else {
                continue;
            };
            let array = folder.join(format!("array.{}.npy", number.trim_end_matches(".dat")));
            if array.exists() {
                check_fixture(&config, &array, &encoded, tally);
            }
        }
    }
}

fn check_fixture(config: &Value, array: &Path, encoded: &Path, tally: &mut Tally) {
    let (code, expected) = npy_stored(&std::fs::read(array).unwrap());
    let id = config["id"].as_str().unwrap();
    let element = match NumberType::from_code(&code) {
        _ if code == "|O" => NumberType::native(DType::Utf8),
        Some(number) => number,
        // Times are integers to most codecs; texts and structures are bytes.
        None if code.contains(['M', 'm']) => NumberType::native(DType::Int64),
        None => NumberType::native(DType::Opaque(1)),
    };
    let options = Options::from_v2(config).unwrap();
    let place = Place {
        element,
        is_native: false,
        ..Place::of_bytes()
    };
    let stage = codec::build(&options, &place);
    let encoded_bytes = std::fs::read(encoded).unwrap();
    let pool = Pool::unlimited();
    let mut fail = |why: String| tally.wrong.push(format!("{}: {why}", encoded.display()));
    match stage {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            *tally.refused.entry(id.to_owned()).or_default() += 1;
        }
        // An element size of 0 is refused as damage, though its writer takes it to mean "no shuffle".
        Err(_) if id == "shuffle" && config["elementsize"] == 0 => {
            *tally.refused.entry("shuffle:0".to_owned()).or_default() += 1;
        }
        Err(error) => fail(format!("{error:?}")),
        // The expected strings are pickled, so only their count is checked.
        Ok(Stage::Strings(strings)) => match encoded_bytes.first_chunk::<4>() {
            Some(count) if id.starts_with("vlen") => {
                let count = u32::from_le_bytes(*count) as usize;
                match strings.decode(&encoded_bytes, Some(count)) {
                    Ok(decoded) if decoded.len() == count => tally.equal += 1,
                    other => fail(format!("{other:?}")),
                }
            }
            _ => {
                *tally
                    .refused
                    .entry(format!("{id}, not compared"))
                    .or_default() += 1
            }
        },
        Ok(Stage::Bytes(step) | Stage::Numbers(step, _) | Stage::Elements(step)) => {
            let chain = Chain::new(DType::UInt8, Order::C, vec![step]);
            let mut out = pool.take(expected.len()).unwrap();
            match craton_core::Decode::decode(&chain, &encoded_bytes, &mut out, &pool) {
                Err(error) => fail(format!("{error:?}")),
                Ok(_) if *out == *expected => tally.equal += 1,
                Ok(_) => match (tolerance(config), NumberType::from_code(&code)) {
                    (Some(tolerance), Some(number))
                        if is_close(number, &out, &expected, tolerance) =>
                    {
                        tally.equal += 1
                    }
                    _ => fail(format!("differs for {config} {code}")),
                },
            }
        }
        Ok(other) => fail(format!("{other:?}")),
    }
}

fn is_close(number: NumberType, one: &[u8], other: &[u8], tolerance: f64) -> bool {
    let size = number.size();
    same(number.dtype, one, other, 0.01)
        || one
            .chunks_exact(size)
            .zip(other.chunks_exact(size))
            .all(|(one, other)| {
                let value = |bytes| match number.read(bytes) {
                    codec::numbers::Number::Integer(value) => value as f64,
                    codec::numbers::Number::Float(value) => value,
                };
                (value(one) - value(other)).abs() <= tolerance
            })
}
