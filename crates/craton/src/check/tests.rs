use super::*;
use serde_json::json;
use std::path::Path;

/// A Zarr array of doubles in one chunk.
fn write(folder: &Path, name: &str, dims: &[&str], values: &[f64], attributes: &serde_json::Value) {
    let shape: Vec<usize> = match dims.len() {
        1 => vec![values.len()],
        _ => vec![values.len() / 2, 2],
    };
    let array = folder.join(name);
    let key: Vec<&str> = dims.iter().map(|_| "0").collect();
    let chunk = array.join("c").join(key.join("/"));
    std::fs::create_dir_all(chunk.parent().unwrap()).unwrap();
    let metadata = json!({
        "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": "float64",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "dimension_names": dims, "attributes": attributes,
    });
    std::fs::write(array.join("zarr.json"), metadata.to_string()).unwrap();
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    std::fs::write(chunk, bytes).unwrap();
}

fn store(attributes: &serde_json::Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let metadata = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
    std::fs::write(folder.path().join("zarr.json"), metadata.to_string()).unwrap();
    folder
}

fn findings(folder: &Path) -> Vec<(String, &'static str, &'static str)> {
    let stored = crate::open::open_stored(folder.to_str().unwrap()).unwrap();
    let report = check(&stored, &Session::new(Some(1), None)).unwrap();
    let line = |finding: &Finding| {
        let variable = finding.variable.clone().unwrap_or_default();
        (variable, finding.severity.name(), finding.rule)
    };
    report.findings.iter().map(line).collect()
}

#[test]
fn a_file_that_keeps_the_conventions_has_no_findings() {
    let folder = store(&json!({"Conventions": "CF-1.11"}));
    let time = json!({"units": "days since 2000-01-01", "calendar": "noleap", "standard_name": "time", "bounds": "time_bnds"});
    write(
        folder.path(),
        "time",
        &["time"],
        &[15.0, 45.0, 74.0, 105.0],
        &time,
    );
    write(
        folder.path(),
        "time_bnds",
        &["time", "bnds"],
        &[0.0, 31.0, 31.0, 59.0, 59.0, 90.0, 90.0, 120.0],
        &json!({}),
    );
    let tas = json!({"units": "K", "standard_name": "air_temperature", "cell_methods": "time: mean (interval: 1 day)"});
    write(folder.path(), "tas", &["time"], &[1.0, 2.0, 3.0, 4.0], &tas);
    assert_eq!(findings(folder.path()), []);
}

#[test]
fn every_broken_convention_is_found_at_its_variable() {
    let folder = store(&json!({}));
    let of = |name: &str, values: &[f64], attributes: serde_json::Value| {
        write(folder.path(), name, &[name], values, &attributes);
    };
    let time = |units: &str, calendar: &str| json!({"units": units, "calendar": calendar, "long_name": "t"});
    of(
        "gap",
        &[0.0, 1.0, 2.0, 5.0, 6.0],
        time("days since 2000-01-01", "standard"),
    );
    of(
        "twice",
        &[0.0, 1.0, 1.0, 2.0],
        time("days since 2000-01-01", "standard"),
    );
    of(
        "turned",
        &[0.0, 1.0, 3.0, 2.0],
        time("days since 2000-01-01", "standard"),
    );
    of("moon", &[0.0, 1.0], time("days since 2000-01-01", "lunar"));
    of("leap", &[0.0, 1.0], time("days since 2001-02-29", "noleap"));
    of(
        "lat",
        &[-91.0, 0.0],
        json!({"units": "degrees_north", "long_name": "l"}),
    );
    of(
        "lon",
        &[0.0, 361.0],
        json!({"units": "degrees_east", "long_name": "l"}),
    );
    of(
        "hole",
        &[0.0, f64::NAN],
        json!({"units": "m", "long_name": "l"}),
    );
    let data = |name: &str, attributes: serde_json::Value| {
        write(folder.path(), name, &["x"], &[1.0, 2.0], &attributes);
    };
    data(
        "unit",
        json!({"units": "furlong per moon", "long_name": "l"}),
    );
    data(
        "wrong",
        json!({"units": "m", "standard_name": "air_temperature"}),
    );
    data(
        "free",
        json!({"units": "m", "standard_name": "Air Temperature"}),
    );
    data(
        "far",
        json!({"units": "m", "long_name": "l", "coordinates": "lat nowhere"}),
    );
    data(
        "unbound",
        json!({"units": "m", "long_name": "l", "bounds": "nowhere"}),
    );
    data(
        "flag",
        json!({"long_name": "l", "flag_values": [1, 2], "flag_meanings": "one"}),
    );
    data(
        "method",
        json!({"units": "m", "long_name": "l", "cell_methods": "x: meen"}),
    );
    data(
        "axis",
        json!({"units": "m", "long_name": "l", "axis": "Q", "positive": "left"}),
    );
    data(
        "valid",
        json!({"units": "m", "long_name": "l", "valid_range": [2, 1]}),
    );
    data(
        "scale",
        json!({"units": "m", "long_name": "l", "scale_factor": 0}),
    );
    data("bare", json!({}));
    let found = findings(folder.path());
    let expected = [
        ("", "warning", "conventions"),
        ("axis", "error", "axis"),
        ("axis", "error", "axis"),
        ("bare", "warning", "description"),
        ("bare", "warning", "units"),
        ("far", "error", "coordinates"),
        ("far", "error", "coordinates"),
        ("flag", "error", "flags"),
        ("free", "error", "standard_name"),
        ("gap", "warning", "gaps"),
        ("hole", "error", "missing_labels"),
        ("lat", "error", "range"),
        ("leap", "error", "calendar"),
        ("lon", "error", "range"),
        ("method", "error", "cell_methods"),
        ("moon", "error", "calendar"),
        ("scale", "error", "packing"),
        ("turned", "error", "monotonic"),
        ("twice", "error", "monotonic"),
        ("unbound", "error", "bounds"),
        ("unit", "error", "units"),
        ("valid", "error", "valid_range"),
        ("wrong", "error", "standard_name"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(variable, severity, rule)| ((*variable).to_owned(), *severity, *rule))
        .collect();
    let mut found: Vec<_> = found;
    found.sort();
    assert_eq!(found, expected);
}
