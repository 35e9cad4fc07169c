//! What is written is what is read again.

use super::super::testing::{attributes, floats, session, temperatures, texts, times, variable};
use super::*;
use crate::labels::DataArray;
use crate::open::{OpenOptions, Opened, open};
use craton_core::{Block, Calendar, DType, ErrorKind, TimeUnit};
use std::path::PathBuf;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("craton-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn store(&self) -> PathBuf {
        self.0.join("out.zarr")
    }
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read(path: &Path) -> Dataset {
    let urls = [path.to_str().unwrap().to_owned()];
    match open(&urls, OpenOptions::default(), &session()).unwrap() {
        Opened::Dataset(dataset) => dataset,
        Opened::Array(array) => panic!("one array: {array:?}"),
    }
}

fn write(array: &DataArray, path: &Path, options: &ZarrOptions) -> Result<()> {
    let recipe = Recipe {
        expression: "ds.t2m".into(),
        ..Recipe::default()
    };
    write_zarr(
        &[Labelled::Array(array)],
        path,
        options,
        &recipe,
        &session(),
    )
}

fn shown(variable: &Variable) -> Vec<String> {
    variable
        .values(&session())
        .unwrap()
        .scalars()
        .map(|value| value.to_string())
        .collect()
}

#[test]
fn an_array_is_read_again_with_coordinates_and_recipe() {
    let folder = Folder::new("again");
    let array = temperatures();
    write(&array, &folder.store(), &ZarrOptions::default()).unwrap();
    let read = read(&folder.store());
    assert_eq!(shown(&read.variables["t2m"]), shown(&array.variable));
    assert_eq!(read.variables["t2m"].dims, ["time", "station"]);
    assert_eq!(
        read.variables["t2m"].attributes["units"].as_text(),
        Some("K")
    );
    assert_eq!(
        shown(&read.coords["station"]),
        shown(&array.coords["station"])
    );
    assert_eq!(shown(&read.coords["height"]), ["2.0"]);
    let days: Vec<String> = read.coords["time"]
        .values(&session())
        .unwrap()
        .scalars()
        .map(|value| super::super::repr::short_text(&value))
        .collect();
    assert_eq!(days, ["2000-01-01", "2000-01-02"]);
    let recipe = read.attributes[RECIPE_ATTRIBUTE].to_json();
    assert_eq!(recipe["expression"], "ds.t2m");
    assert_eq!(
        recipe["plans"]["t2m"],
        array.variable.node.hash().to_string()
    );
    assert_eq!(folder.names(), ["out.zarr"]);
}

#[test]
fn times_of_model_calendars_and_missing_ones_survive() {
    let folder = Folder::new("times");
    let hours = times(&[i64::MIN, 6, 30], TimeUnit::Hour, Calendar::Day360);
    let mut array = DataArray::new(variable(&["x"], hours));
    array.name = Some("when".into());
    write(&array, &folder.store(), &ZarrOptions::default()).unwrap();
    let back = read(&folder.store());
    let text: Vec<String> = back.variables["when"]
        .values(&session())
        .unwrap()
        .scalars()
        .map(|value| super::super::repr::short_text(&value))
        .collect();
    assert_eq!(text, ["NaT", "1970-01-01T06:00:00", "1970-01-02T06:00:00"]);
}

#[test]
fn chunks_and_shards_are_as_asked() {
    let folder = Folder::new("chunks");
    let values: Vec<f64> = (0..240).map(f64::from).collect();
    let mut array = DataArray::new(variable(&["y", "x"], floats(&values, &[12, 20])));
    array.name = Some("v".into());
    let options = ZarrOptions {
        chunks: IndexMap::from([
            ("y".into(), Length::Indices(5)),
            ("x".into(), Length::Whole),
        ]),
        shards: IndexMap::from([("y".into(), Length::Indices(6))]),
        codec: Some("blosc:zstd:3,crc32c".into()),
        ..ZarrOptions::default()
    };
    write(&array, &folder.store(), &options).unwrap();
    let text = std::fs::read_to_string(folder.store().join("v/zarr.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        document["chunk_grid"]["configuration"]["chunk_shape"],
        serde_json::json!([10, 20])
    );
    assert_eq!(document["dimension_names"], serde_json::json!(["y", "x"]));
    assert_eq!(
        shown(&read(&folder.store()).variables["v"]),
        shown(&array.variable)
    );
}

#[test]
fn a_failure_leaves_nothing_and_what_is_there_is_kept() {
    let folder = Folder::new("failure");
    let options = ZarrOptions {
        codec: Some("lossy".into()),
        ..ZarrOptions::default()
    };
    assert_eq!(
        write(&temperatures(), &folder.store(), &options)
            .unwrap_err()
            .kind(),
        ErrorKind::Usage
    );
    let options = ZarrOptions {
        chunks: IndexMap::from([("lat".into(), Length::Whole)]),
        ..ZarrOptions::default()
    };
    assert_eq!(
        write(&temperatures(), &folder.store(), &options)
            .unwrap_err()
            .kind(),
        ErrorKind::Usage
    );
    assert!(folder.names().is_empty());
    let options = ZarrOptions::default();
    write(&temperatures(), &folder.store(), &options).unwrap();
    assert_eq!(
        write(&temperatures(), &folder.store(), &options)
            .unwrap_err()
            .kind(),
        ErrorKind::Conflict
    );
    let options = ZarrOptions {
        may_replace: true,
        ..options
    };
    write(&temperatures(), &folder.store(), &options).unwrap();
    assert_eq!(folder.names(), ["out.zarr"]);
}

#[test]
fn texts_in_several_chunks_and_scalars_survive() {
    let folder = Folder::new("texts");
    let mut dataset = Dataset::default();
    dataset.variables.insert(
        "names".into(),
        variable(&["x"], texts(&["a", "", "ccc", "d", "e"])),
    );
    let one = Block::constant(craton_core::Scalar::from_i64(DType::Int16, 7), vec![]);
    dataset.variables.insert("seven".into(), variable(&[], one));
    dataset
        .variables
        .insert("none".into(), variable(&["y"], floats(&[], &[0])));
    dataset.attributes = attributes(&[("title", "texts")]);
    let options = ZarrOptions {
        chunks: IndexMap::from([("x".into(), Length::Indices(2))]),
        ..ZarrOptions::default()
    };
    let parts = [Labelled::Dataset(&dataset)];
    write_zarr(
        &parts,
        &folder.store(),
        &options,
        &Recipe::default(),
        &session(),
    )
    .unwrap();
    let back = read(&folder.store());
    assert_eq!(
        shown(&back.variables["names"]),
        ["\"a\"", "\"\"", "\"ccc\"", "\"d\"", "\"e\""]
    );
    assert_eq!(shown(&back.variables["seven"]), ["7"]);
    assert_eq!(back.variables["none"].shape(), [0]);
    assert_eq!(back.attributes["title"].as_text(), Some("texts"));
}

#[test]
fn a_copy_keeps_the_chunks_of_its_source() {
    let folder = Folder::new("copy");
    let values: Vec<f64> = (0..1 << 18).map(f64::from).collect();
    let mut array = DataArray::new(variable(&["y", "x"], floats(&values, &[512, 512])));
    array.name = Some("v".into());
    let options = ZarrOptions {
        chunks: IndexMap::from([("y".into(), Length::Indices(256))]),
        ..ZarrOptions::default()
    };
    write(&array, &folder.store(), &options).unwrap();
    let node = read(&folder.store()).variables["v"].node.clone();
    assert_eq!(natural_chunks(&node), Some(vec![256, 512]));
    let doubled = craton_plan::ops::binary(
        craton_kernels::binary::Binary::Add,
        &node,
        &craton_plan::ops::scalar(craton_core::Scalar::from_f64(DType::Float64, 2.0)).unwrap(),
    )
    .unwrap();
    assert_eq!(natural_chunks(&doubled), Some(vec![256, 512]));
    let turned = craton_plan::ops::transpose(&doubled, &[1, 0]).unwrap();
    assert_eq!(natural_chunks(&turned), Some(vec![512, 256]));
}
