//! What is written is what is read again.

use super::super::testing::{floats, session, temperatures, texts, times, variable};
use super::*;
use crate::labels::{DataArray, Variable};
use crate::open::{OpenOptions, Opened, open};
use crate::output::TimeEncoding;
use craton_core::{Block, Calendar, ErrorKind, TimeUnit};

const FORMATS: [NetcdfFormat; 4] = [
    NetcdfFormat::Netcdf4,
    NetcdfFormat::Classic,
    NetcdfFormat::Offset64,
    NetcdfFormat::Cdf5,
];

fn read(path: &Path) -> Dataset {
    let urls = [path.to_str().unwrap().to_owned()];
    match open(&urls, OpenOptions::default(), &session()).unwrap() {
        Opened::Dataset(dataset) => dataset,
        Opened::Array(array) => panic!("one array: {array:?}"),
    }
}

fn write(array: &DataArray, path: &Path, options: &NetcdfOptions) -> Result<()> {
    let recipe = Recipe {
        expression: "ds.t2m".into(),
        ..Recipe::default()
    };
    let parts = [Labelled::Array(array)];
    write_netcdf(&parts, path, options, &recipe, &session())
}

fn shown(variable: &Variable) -> Vec<String> {
    let values = variable.values(&session()).unwrap();
    let shown = |value| super::super::repr::short_text(&value);
    values
        .scalars()
        .map(|value| value.to_text().unwrap_or_else(|| shown(value)))
        .collect()
}

#[test]
fn an_array_is_read_again_from_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let array = temperatures();
    for format in FORMATS {
        let path = folder.path().join("out.nc");
        let options = NetcdfOptions {
            format,
            may_replace: true,
            ..NetcdfOptions::default()
        };
        write(&array, &path, &options).unwrap();
        let read = read(&path);
        let found = &read.variables["t2m"];
        assert_eq!(shown(found), shown(&array.variable), "{format:?}");
        assert_eq!(found.dims, ["time", "station"]);
        assert_eq!(found.attributes["units"].as_text(), Some("K"));
        for name in ["time", "station", "height"] {
            let (found, there) = (&read.coords[name], &array.coords[name]);
            assert_eq!(shown(found), shown(there), "{name} of {format:?}");
        }
        let recipe = read.attributes[RECIPE_ATTRIBUTE].as_text().unwrap();
        assert!(recipe.contains("\"expression\":\"ds.t2m\""), "{recipe}");
        let history = read.attributes["history"].as_text().unwrap();
        assert!(history.ends_with("eval 'ds.t2m' "), "{history}");
        let group = read.groups.as_ref().unwrap().first().unwrap();
        let growing: Vec<&str> = group
            .dimensions
            .iter()
            .filter(|dimension| dimension.is_unlimited)
            .map(|dimension| dimension.name.as_str())
            .collect();
        assert_eq!(growing, ["time"], "{format:?}");
    }
}

#[test]
fn times_of_model_calendars_and_missing_ones_survive_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let hours = times(&[i64::MIN, 6, 30], TimeUnit::Hour, Calendar::Day360);
    let mut array = DataArray::new(variable(&["x"], hours));
    array.name = Some("when".into());
    for format in FORMATS {
        let path = folder.path().join(format!("{format:?}.nc"));
        let options = NetcdfOptions {
            format,
            ..NetcdfOptions::default()
        };
        write(&array, &path, &options).unwrap();
        let found = shown(&read(&path).variables["when"]);
        assert_eq!(
            found,
            ["NaT", "1970-01-01T06:00:00", "1970-01-02T06:00:00"],
            "{format:?}"
        );
    }
}

#[test]
fn times_keep_the_units_of_the_input_where_those_keep_them() {
    let folder = tempfile::tempdir().unwrap();
    let stored = TimeEncoding {
        units: "days since 1850-01-01".to_owned(),
        calendar: Calendar::Standard,
        dtype: DType::Int32,
    };
    let mut options = NetcdfOptions::default();
    options.stored.times.insert("time".to_owned(), stored);
    let units = |hours: &[i64], name: &str| {
        let block = times(hours, TimeUnit::Hour, Calendar::ProlepticGregorian);
        let mut array = DataArray::new(variable(&["time"], block));
        array.name = Some("time".into());
        let path = folder.path().join(name);
        write(&array, &path, &options).unwrap();
        let urls = [path.to_str().unwrap().to_owned()];
        let raw = OpenOptions {
            decodes_cf: false,
            ..OpenOptions::default()
        };
        let Opened::Dataset(dataset) = open(&urls, raw, &session()).unwrap() else {
            panic!("a file is a dataset");
        };
        let time = &dataset.coords["time"];
        let units = time.attributes["units"].as_text().unwrap().to_owned();
        (units, time.dtype())
    };
    let kept = units(&[0, 24, 48], "whole.nc");
    assert_eq!(kept, ("days since 1850-01-01".to_owned(), DType::Int32));
    let finer = units(&[0, 6], "finer.nc");
    assert_eq!(finer, ("hours since 1970-01-01".to_owned(), DType::Int64));
}

#[test]
fn what_netcdf_lacks_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.nc");
    let complex = Block::from_bytes(DType::Complex128, vec![1], &[0; 16]).unwrap();
    let mut array = DataArray::new(variable(&["x"], complex));
    array.name = Some("z".into());
    let error = write(&array, &path, &NetcdfOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.report().contains(".real"), "{}", error.report());
    let options = NetcdfOptions {
        chunks: IndexMap::from([("lat".to_owned(), Length::Indices(3))]),
        ..NetcdfOptions::default()
    };
    let error = write(&temperatures(), &path, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_empty_dimension_may_grow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.nc");
    let mut array = DataArray::new(variable(&["x", "y"], floats(&[], &[0, 3])));
    array.name = Some("v".into());
    let names = variable(&["y"], texts(&["a", "", "größe"]));
    array.coords.insert("y".to_owned(), names);
    for format in FORMATS {
        let options = NetcdfOptions {
            format,
            may_replace: true,
            ..NetcdfOptions::default()
        };
        write(&array, &path, &options).unwrap();
        let read = read(&path);
        assert_eq!(read.variables["v"].shape(), [0, 3], "{format:?}");
        assert_eq!(shown(&read.coords["y"]), ["a", "", "größe"], "{format:?}");
    }
}
