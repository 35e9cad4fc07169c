//! What is written reads back, and nothing is left of what was not finished.

use crate::support::{Values, indices, now, open, read};
use craton_core::{
    AttributeValue, Attributes, Block, DType, ErrorKind, Grid, Pool, Scalar, Sink, Source, Strings,
};
use craton_format::zarr::{ArraySpec, ZarrStoreWriter, parse_codecs};
use proptest::prelude::*;
use serde_json::json;

const CODECS: [&str; 8] = [
    "none",
    "zstd:3",
    "gzip:1",
    "zlib:6",
    "blosc:lz4:5:shuffle",
    "blosc:zstd:3:bitshuffle",
    "shuffle:4,zstd:1,crc32c",
    "crc32c",
];

/// The part of an array's values that lies in one chunk.
fn cut(dtype: DType, values: &[i64], shape: &[u64], grid: &Grid, index: &[u64]) -> Block {
    let chunk = grid.chunk(index);
    let lengths: Vec<u64> = chunk.iter().map(|axis| axis.length).collect();
    let chosen: Vec<i64> = indices(&lengths)
        .iter()
        .map(|inside| {
            let at = inside
                .iter()
                .zip(&chunk)
                .zip(shape)
                .fold(0, |at, ((inside, axis), length)| {
                    at * length + axis.start + inside
                });
            values[at as usize]
        })
        .collect();
    let lengths = lengths.iter().map(|length| *length as usize).collect();
    if dtype == DType::Utf8 {
        let texts: Vec<String> = chosen.iter().map(|value| text_of(*value)).collect();
        return Block::strings(
            dtype,
            lengths,
            Strings::from_items(texts.iter().map(String::as_bytes)),
        )
        .unwrap();
    }
    let bytes: Vec<u8> = chosen
        .iter()
        .flat_map(|value| Scalar::from_i64(dtype, *value).bytes().to_vec())
        .collect();
    Block::from_bytes(dtype, lengths, &bytes).unwrap()
}

fn text_of(value: i64) -> String {
    if value == 7 {
        String::new()
    } else {
        format!("v{value}")
    }
}

fn write_all(sink: &dyn Sink, dtype: DType, values: &[i64], shape: &[u64]) -> u64 {
    let grid = &sink.chunks().grid;
    let pool = Pool::unlimited();
    now(sink.begin()).unwrap();
    let written = indices(&grid.shape())
        .iter()
        .map(|index| now(sink.put(index, &cut(dtype, values, shape, grid, index), &pool)).unwrap())
        .sum();
    now(sink.commit()).unwrap();
    written
}

fn cases() -> impl Strategy<Value = (Vec<u64>, Vec<u64>, Option<Vec<u64>>)> {
    prop::collection::vec((1u64..9, 1u64..5, 1u64..4), 0..4).prop_flat_map(|axes| {
        let shape = axes.iter().map(|axis| axis.0).collect::<Vec<_>>();
        let chunks = axes.iter().map(|axis| axis.1).collect::<Vec<_>>();
        let shards: Vec<u64> = axes.iter().map(|axis| axis.1 * axis.2).collect();
        (Just(shape), Just(chunks), prop::option::of(Just(shards)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn written_arrays_read_back(
        (shape, chunks, shards) in cases(),
        codec in 0usize..CODECS.len(),
        dtype in prop::sample::select(vec![DType::UInt8, DType::Int32, DType::Float64, DType::Complex64, DType::Utf8, DType::FixedUtf8(3)]),
        is_transposed in any::<bool>(),
        constant in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.zarr");
        let writer = ZarrStoreWriter::create(&target, false).unwrap();
        let count: u64 = shape.iter().product();
        let values: Vec<i64> = (0..count as i64).map(|value| if constant { 7 } else { value % 100 }).collect();
        let mut codecs = parse_codecs(CODECS[codec]).unwrap();
        if is_transposed {
            let order: Vec<usize> = (0..shape.len()).rev().collect();
            codecs.insert(0, json!({"name": "transpose", "configuration": {"order": order}}));
        }
        let fill_value = if dtype == DType::Utf8 { Scalar::from_text("") } else { Scalar::from_i64(dtype, 7) };
        let spec = ArraySpec { codecs: Some(codecs), shards, fill_value, ..ArraySpec::new(dtype, shape.clone(), chunks.clone()) };
        let sink = writer.array("group/values", &spec).unwrap();
        let written = write_all(&*sink, dtype, &values, &shape);
        prop_assert!(!target.exists());
        writer.commit().unwrap();
        let root = open(target.to_str().unwrap()).unwrap();
        let array = root.find("group/values").unwrap().as_array().unwrap();
        prop_assert_eq!(&array.meta().shape, &shape);
        let has_text_fill = dtype == DType::Utf8 || !matches!(dtype, DType::FixedUtf8(_));
        prop_assert!(!constant || !has_text_fill || written == 0);
        match read(&**array).unwrap() {
            Values::Strings(actual) => {
                let expected: Vec<Vec<u8>> = values.iter().map(|value| text_of(*value).into_bytes()).collect();
                prop_assert_eq!(actual, expected);
            }
            Values::Fixed(_, actual) => {
                let expected: Vec<u8> = values.iter().flat_map(|value| Scalar::from_i64(dtype, *value).bytes().to_vec()).collect();
                prop_assert_eq!(actual, expected);
            }
        }
        // Nothing but the store is left.
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn attributes_names_and_fill_values_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a.zarr");
    let writer = ZarrStoreWriter::create(&target, false).unwrap();
    let mut attributes = Attributes::new();
    attributes.insert("units".to_owned(), AttributeValue::Text("K".to_owned()));
    attributes.insert(
        "levels".to_owned(),
        AttributeValue::from_json(&json!([1, 2])),
    );
    writer.group("/", &attributes).unwrap();
    let mut spec = ArraySpec::new(DType::Float32, vec![4], vec![2]);
    spec.dimension_names = vec![Some("time".to_owned())];
    spec.fill_value = Scalar::from_f64(DType::Float32, f64::NAN);
    spec.attributes = attributes.clone();
    writer.array("t", &spec).unwrap();
    assert_eq!(
        writer.array("t", &spec).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(
        writer.array("t/below", &spec).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(
        writer.array("../out", &spec).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    spec.shards = Some(vec![3]);
    assert_eq!(
        writer.array("u", &spec).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    writer.commit().unwrap();
    let root = open(target.to_str().unwrap()).unwrap();
    let array = root.find("t").unwrap().as_array().unwrap();
    assert_eq!(array.meta().attributes, attributes);
    assert_eq!(array.meta().dimension_names, [Some("time".to_owned())]);
    assert!(array.meta().fill_value.is_missing());
    assert_eq!(array.meta().codecs, "bytes, blosc:zstd:1:bitshuffle");
}

#[test]
fn an_unfinished_store_leaves_nothing_and_a_target_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a.zarr");
    let spec = ArraySpec::new(DType::Int32, vec![4], vec![2]);
    let writer = ZarrStoreWriter::create(&target, false).unwrap();
    let sink = writer.array("x", &spec).unwrap();
    write_all(&*sink, DType::Int32, &[1, 2, 3, 4], &[4]);
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let block = Block::from_bytes(DType::Int32, vec![2], &[1; 8]).unwrap();
    assert!(now(sink.put(&[0], &block, &Pool::unlimited())).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("notes.txt"), "precious").unwrap();
    assert_eq!(
        ZarrStoreWriter::create(&target, false).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(
        ZarrStoreWriter::create(&target, true).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    std::fs::write(target.join("zarr.json"), "{}").unwrap();
    ZarrStoreWriter::create(&target, true)
        .unwrap()
        .commit()
        .unwrap();
    assert!(!target.join("notes.txt").exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_place_that_cannot_be_written_is_a_clean_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let error = ZarrStoreWriter::create(folder.path().join("file/a.zarr"), false).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Io | ErrorKind::NotFound),
        "{error:?}"
    );
    let error = ZarrStoreWriter::create(folder.path().join("no/such/a.zarr"), false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
