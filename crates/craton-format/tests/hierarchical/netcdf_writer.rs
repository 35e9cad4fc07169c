//! netCDF files that are written read back: any chunks, any format, groups, texts, attributes.

use crate::reading::{Values, array, indices, now, read_all};
use craton_core::{
    AttributeValue, Attributes, Block, DType, ErrorKind, Numbers, Pool, Scalar, Sink, Strings,
};
use craton_format::netcdf::{
    FileSpec, Filter, GroupSpec, NetcdfFormat, NetcdfWriter, VariableSpec, parse_filters,
};
use craton_format::tree::{Dimension, Node, NodeKind};
use craton_format::{hdf5, netcdf3};
use craton_store::LocalStore;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

fn dimension(name: &str, length: u64, is_unlimited: bool) -> Dimension {
    Dimension {
        name: name.to_owned(),
        length,
        is_unlimited,
    }
}

fn variable(name: &str, dtype: DType, dims: &[&str], chunks: &[u64]) -> VariableSpec {
    VariableSpec {
        name: name.to_owned(),
        dtype,
        dims: dims.iter().map(|dim| (*dim).to_owned()).collect(),
        chunks: chunks.to_vec(),
        fill_value: None,
        attributes: Attributes::new(),
        filters: Vec::new(),
    }
}

fn root(dimensions: Vec<Dimension>, variables: Vec<VariableSpec>) -> FileSpec {
    FileSpec {
        groups: vec![GroupSpec {
            path: "/".to_owned(),
            dimensions,
            variables,
            ..GroupSpec::default()
        }],
    }
}

/// Numbers that tell places apart, with a run of the fill value.
fn values(count: usize) -> Vec<i64> {
    (0..count)
        .map(|at| {
            if at % 7 < 3 {
                99
            } else {
                (at as i64 * 5 + 1) % 120
            }
        })
        .collect()
}

fn bytes_of(dtype: DType, values: &[i64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| Scalar::from_i64(dtype, *value).bytes().to_vec())
        .collect()
}

/// Puts every chunk, the last one first.
fn put_all(sink: &dyn Sink, dtype: DType, shape: &[u64], values: &[i64]) {
    let pool = Pool::unlimited();
    now(sink.begin()).unwrap();
    let grid = &sink.chunks().grid;
    for index in indices(&grid.shape()).into_iter().rev() {
        let chunk = grid.chunk(&index);
        let lengths: Vec<u64> = chunk.iter().map(|axis| axis.length).collect();
        let chosen: Vec<i64> = indices(&lengths)
            .iter()
            .map(|within| {
                let at = within
                    .iter()
                    .zip(&chunk)
                    .zip(shape)
                    .fold(0, |at, ((within, axis), length)| {
                        at * length + axis.start + within
                    });
                values[at as usize]
            })
            .collect();
        let lengths = lengths.iter().map(|length| *length as usize).collect();
        let block = if dtype.is_variable() {
            let texts: Vec<String> = chosen.iter().map(|value| text_of(*value)).collect();
            let strings = Strings::from_items(texts.iter().map(String::as_bytes));
            Block::strings(dtype, lengths, strings).unwrap()
        } else {
            Block::from_bytes(dtype, lengths, &bytes_of(dtype, &chosen)).unwrap()
        };
        now(sink.put(&index, &block, &pool)).unwrap();
    }
    now(sink.commit()).unwrap();
}

fn text_of(value: i64) -> String {
    match value {
        99 => String::new(),
        value => format!("größe {value}"),
    }
}

fn read(path: &Path, format: NetcdfFormat) -> Vec<Node> {
    let store = Arc::new(LocalStore::new(path.parent().unwrap()));
    let name = path.file_name().unwrap().to_str().unwrap();
    if format.is_classic() {
        now(netcdf3::open(store, name)).unwrap().nodes
    } else {
        now(hdf5::open(store, name)).unwrap().nodes
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

const FORMATS: [NetcdfFormat; 4] = [
    NetcdfFormat::Netcdf4,
    NetcdfFormat::Classic,
    NetcdfFormat::Offset64,
    NetcdfFormat::Cdf5,
];

const DTYPES: [DType; 5] = [
    DType::Int8,
    DType::Int16,
    DType::Int32,
    DType::Float32,
    DType::Float64,
];

/// Length, chunk and whether it grows of each axis.
fn cases() -> impl Strategy<Value = (Vec<(u64, u64)>, bool, usize, usize, usize)> {
    (
        prop::collection::vec((1u64..9, 1u64..6), 0..4),
        any::<bool>(),
        0..FORMATS.len(),
        0..DTYPES.len(),
        0..5usize,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_written_reads_back((axes, grows, format, dtype, filters) in cases()) {
        let words = ["none", "zlib:4", "zlib:1,noshuffle,fletcher32", "shuffle", "zstd:3,fletcher32"];
        let (format, dtype) = (FORMATS[format], DTYPES[dtype]);
        let names: Vec<String> = (0..axes.len()).map(|axis| format!("d{axis}")).collect();
        let dims: Vec<&str> = names.iter().map(String::as_str).collect();
        let shape: Vec<u64> = axes.iter().map(|axis| axis.0).collect();
        let chunks: Vec<u64> = axes.iter().map(|axis| axis.1).collect();
        let dimensions = axes.iter().zip(&names).enumerate();
        let dimensions = dimensions
            .map(|(at, (axis, name))| dimension(name, axis.0, grows && at == 0))
            .collect();
        // A second record variable, because the only one is laid out in another way.
        let mut first = variable("first", dtype, &dims, &chunks);
        first.fill_value = Some(Scalar::from_i64(dtype, 99));
        if !format.is_classic() {
            first.filters = parse_filters(words[filters]).unwrap();
        }
        let second = variable("second", DType::Int16, &dims, &chunks);
        let variables = if filters % 2 == 0 { vec![first, second] } else { vec![first] };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.nc");
        let has_second = variables.len() > 1;
        let writer = NetcdfWriter::create(&path, format, root(dimensions, variables), false).unwrap();
        let values = values(shape.iter().product::<u64>() as usize);
        put_all(&*writer.sink("/", "first").unwrap(), dtype, &shape, &values);
        if has_second {
            put_all(&*writer.sink("/", "second").unwrap(), DType::Int16, &shape, &values);
        }
        prop_assert!(!path.exists());
        writer.commit().unwrap();
        prop_assert_eq!(super::netcdf_writer::names(folder.path()), ["out.nc"]);
        let nodes = read(&path, format);
        let source = array(&nodes, "/first").unwrap();
        prop_assert_eq!(&source.meta().shape, &shape);
        prop_assert_eq!(source.meta().dtype, dtype);
        prop_assert_eq!(
            source.meta().dimension_names.iter().flatten().map(String::as_str).collect::<Vec<_>>(),
            dims
        );
        prop_assert_eq!(&source.meta().fill_value, &Scalar::from_i64(dtype, 99));
        prop_assert_eq!(read_all(&**source).unwrap(), Values::Bytes(bytes_of(dtype, &values)));
        if has_second {
            let source = array(&nodes, "/second").unwrap();
            prop_assert_eq!(read_all(&**source).unwrap(), Values::Bytes(bytes_of(DType::Int16, &values)));
        }
    }
}

#[test]
fn an_index_of_many_chunks_has_several_levels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.nc");
    let shape = [4200, 3];
    let mut many = variable("many", DType::Int32, &["x", "y"], &[1, 2]);
    many.filters = vec![Filter::Shuffle, Filter::Deflate(1)];
    let spec = root(
        vec![dimension("x", 4200, true), dimension("y", 3, false)],
        vec![many],
    );
    let writer = NetcdfWriter::create(&path, NetcdfFormat::Netcdf4, spec, false).unwrap();
    let values: Vec<i64> = (0..4200 * 3).collect();
    put_all(
        &*writer.sink("/", "many").unwrap(),
        DType::Int32,
        &shape,
        &values,
    );
    writer.commit().unwrap();
    let nodes = read(&path, NetcdfFormat::Netcdf4);
    let source = array(&nodes, "/many").unwrap();
    assert_eq!(
        read_all(&**source).unwrap(),
        Values::Bytes(bytes_of(DType::Int32, &values))
    );
}

fn attributes() -> Attributes {
    let numbers = |dtype: DType, values: &[i64], is_scalar| {
        AttributeValue::Numbers(Numbers {
            dtype,
            is_scalar,
            bytes: bytes_of(dtype, values),
        })
    };
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    Attributes::from_iter([
        ("units".to_owned(), text("K")),
        ("empty".to_owned(), text("")),
        ("größe".to_owned(), text("Höhe über Grund")),
        ("long".to_owned(), text(&"x".repeat(200_000))),
        (
            "list".to_owned(),
            AttributeValue::Texts(vec!["a".to_owned(), "ß".to_owned(), String::new()]),
        ),
        ("one".to_owned(), numbers(DType::Int16, &[-3], true)),
        (
            "some".to_owned(),
            numbers(DType::Float64, &[1, 2, 3], false),
        ),
        ("wide".to_owned(), numbers(DType::Int64, &[1 << 40], true)),
        ("small".to_owned(), numbers(DType::UInt8, &[200], true)),
    ])
}

#[test]
fn groups_texts_and_attributes_of_every_kind_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.nc");
    let mut names = variable("station", DType::Utf8, &["station"], &[4]);
    names.attributes = attributes();
    let below = variable("deep", DType::Utf8, &["station", "level"], &[3, 2]);
    let scalar = variable("height", DType::Float64, &[], &[]);
    // A variable that would be taken for the coordinate of a dimension of its name.
    let odd = variable("level", DType::Int32, &["station"], &[10]);
    let spec = FileSpec {
        groups: vec![
            GroupSpec {
                path: "/".to_owned(),
                attributes: attributes(),
                dimensions: vec![dimension("station", 10, false)],
                variables: vec![names],
            },
            GroupSpec {
                path: "/model".to_owned(),
                dimensions: vec![dimension("level", 3, true)],
                variables: vec![below, scalar, odd],
                ..GroupSpec::default()
            },
            GroupSpec {
                path: "/model/empty".to_owned(),
                ..GroupSpec::default()
            },
        ],
    };
    let writer = NetcdfWriter::create(&path, NetcdfFormat::Netcdf4, spec, false).unwrap();
    let put = |group: &str, name: &str, dtype, shape: &[u64]| {
        let count = shape.iter().product::<u64>() as usize;
        put_all(
            &*writer.sink(group, name).unwrap(),
            dtype,
            shape,
            &values(count),
        );
    };
    put("/", "station", DType::Utf8, &[10]);
    put("/model", "deep", DType::Utf8, &[10, 3]);
    put("/model", "height", DType::Float64, &[]);
    put("/model", "level", DType::Int32, &[10]);
    writer.commit().unwrap();
    let nodes = read(&path, NetcdfFormat::Netcdf4);
    let paths: Vec<&str> = nodes.iter().map(|node| node.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/",
            "/station",
            "/model",
            "/model/deep",
            "/model/height",
            "/model/level",
            "/model/empty"
        ]
    );
    let NodeKind::Group(group) = &nodes[0].kind else {
        panic!("the root is a group");
    };
    assert_eq!(group.attributes, attributes());
    assert_eq!(group.dimensions, [dimension("station", 10, false)]);
    let station = array(&nodes, "/station").unwrap();
    assert_eq!(station.meta().attributes, attributes());
    let texts = |count| {
        let texts = values(count).into_iter().map(text_of);
        Values::Texts(texts.map(String::into_bytes).collect())
    };
    assert_eq!(read_all(&**station).unwrap(), texts(10));
    let deep = array(&nodes, "/model/deep").unwrap();
    assert_eq!(read_all(&**deep).unwrap(), texts(30));
    let level = array(&nodes, "/model/level").unwrap();
    assert_eq!(level.meta().dimension_names, [Some("station".to_owned())]);
}

#[test]
fn numbers_that_do_not_fit_a_classic_file_are_an_error_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.nc");
    let spec = || {
        let wide = variable("wide", DType::Int64, &["x"], &[3]);
        root(vec![dimension("x", 3, false)], vec![wide])
    };
    let pool = Pool::unlimited();
    let writer = NetcdfWriter::create(&path, NetcdfFormat::Classic, spec(), false).unwrap();
    let sink = writer.sink("/", "wide").unwrap();
    let block = |values: &[i64]| {
        Block::from_bytes(DType::Int64, vec![3], &bytes_of(DType::Int64, values)).unwrap()
    };
    let error = now(sink.put(&[0], &block(&[1, 1 << 40, 3]), &pool)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.report().contains("cdf5"), "{}", error.report());
    drop((sink, writer));
    assert_eq!(names(folder.path()), [""; 0]);
    let writer = NetcdfWriter::create(&path, NetcdfFormat::Cdf5, spec(), false).unwrap();
    let values = [1, 1 << 40, 3];
    put_all(
        &*writer.sink("/", "wide").unwrap(),
        DType::Int64,
        &[3],
        &values,
    );
    writer.commit().unwrap();
    let nodes = read(&path, NetcdfFormat::Cdf5);
    let wide = array(&nodes, "/wide").unwrap();
    assert_eq!(
        read_all(&**wide).unwrap(),
        Values::Bytes(bytes_of(DType::Int64, &values))
    );
}

#[test]
fn what_a_format_cannot_hold_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.nc");
    let refused = |format, spec: FileSpec| {
        let error = NetcdfWriter::create(&path, format, spec, false).unwrap_err();
        assert_eq!(names(folder.path()), [""; 0]);
        error.kind()
    };
    let text = root(
        vec![dimension("x", 3, false)],
        vec![variable("t", DType::Utf8, &["x"], &[3])],
    );
    assert_eq!(refused(NetcdfFormat::Classic, text), ErrorKind::Unsupported);
    let long = root(
        vec![dimension("x", 1 << 30, false)],
        vec![
            variable("a", DType::Float32, &["x"], &[1 << 20]),
            variable("b", DType::Float32, &["x"], &[1 << 20]),
        ],
    );
    assert_eq!(
        refused(NetcdfFormat::Classic, long.clone()),
        ErrorKind::Unsupported
    );
    let huge = root(
        vec![dimension("x", 1 << 40, false)],
        vec![variable("a", DType::Float32, &["x"], &[1 << 40])],
    );
    assert_eq!(refused(NetcdfFormat::Netcdf4, huge), ErrorKind::Unsupported);
    let second = root(
        vec![dimension("x", 3, true), dimension("y", 3, true)],
        vec![variable("a", DType::Float32, &["x", "y"], &[3, 3])],
    );
    assert_eq!(
        refused(NetcdfFormat::Offset64, second),
        ErrorKind::Unsupported
    );
    let slash = root(Vec::new(), vec![variable("a/b", DType::Float32, &[], &[])]);
    assert_eq!(
        refused(NetcdfFormat::Netcdf4, slash),
        ErrorKind::InvalidInput
    );
    let lost = root(
        Vec::new(),
        vec![variable("a", DType::Float32, &["x"], &[1])],
    );
    assert_eq!(
        refused(NetcdfFormat::Netcdf4, lost),
        ErrorKind::InvalidInput
    );
}
