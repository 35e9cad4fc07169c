//! `diff`, `info --stats`, `info --check`, and units that arithmetic made stale.

use crate::data::{Floats, index, noise, write_group, write_weather};
use crate::outcome::{corpus, craton, shown};
use serde_json::{Value, json};
use std::path::Path;

/// One field over two rows, with values and attributes to choose.
fn write_field(folder: &Path, units: &str, value: fn(usize) -> f32) {
    let field = Floats {
        name: "t",
        dims: &["y", "x"],
        shape: &[2, 3],
        chunks: &[1, 2],
        attributes: json!({"units": units, "long_name": "temperature"}),
        value,
    };
    let rows = index(
        &"y",
        &[2],
        json!({"units": "m", "long_name": "row"}),
        |row| 10.0 * row as f32,
    );
    write_group(folder, &[rows, field]);
}

#[test]
fn diff_tells_metadata_then_values_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    write_field(&folder.path().join("a.zarr"), "K", |number| number as f32);
    write_field(
        &folder.path().join("b.zarr"),
        "degC",
        |number| match number {
            4 => 4.5,
            5 => f32::NAN,
            number => number as f32,
        },
    );
    let (a, b) = (path("a.zarr"), path("b.zarr"));
    let outcome = craton(&["diff", &a, &b]);
    insta::assert_snapshot!("diff", shown(&outcome, folder.path()));
    assert_eq!(craton(&["diff", &a, &a]).code, Some(0));
    assert_eq!(craton(&["diff", &a, &b, "--atol", "1"]).code, Some(1));
    let json: Value = serde_json::from_str(&craton(&["diff", &a, &b, "--json"]).stdout).unwrap();
    let difference = &json["groups"][0]["values"][0];
    assert_eq!(difference["count"], 2);
    assert_eq!(difference["max_absolute"], 0.5);
    assert_eq!(difference["first"]["index"], json!({"y": 1, "x": 1}));
    craton(&["diff", &a, &path("nowhere.zarr")]).bad(3);
}

#[test]
fn diff_streams_within_its_budget() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, value: fn(usize) -> f32| {
        let field = Floats {
            name: "f",
            dims: &["n", "m"],
            shape: &[64, 131_072],
            chunks: &[1, 131_072],
            attributes: json!({}),
            value,
        };
        write_group(&folder.path().join(name), &[field]);
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let a = write("a.zarr", |number| number as f32);
    let b = write("b.zarr", |number| {
        if number == 8_388_607 {
            0.0
        } else {
            number as f32
        }
    });
    let outcome = craton(&[
        "diff",
        &a,
        &b,
        "--json",
        "--memory",
        "40MiB",
        "--threads",
        "1",
    ]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    // Both arrays have 32 MiB.
    assert!(outcome.peak_bytes < 48 << 20, "{}", outcome.peak_bytes);
    let json: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        json["groups"][0]["values"][0]["first"]["index"],
        json!({"n": 63, "m": 131_071})
    );
}

#[test]
fn statistics_come_in_one_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.zarr");
    write_weather(&path);
    let path = path.to_str().unwrap();
    let outcome = craton(&["info", "--stats", path]);
    insta::assert_snapshot!("stats", shown(&outcome, folder.path()));
    // Each of the two fields has 97 × 11 × 13 values of 4 bytes.
    if let Some(read) = outcome.bytes_read {
        assert!(read < 2 * 97 * 11 * 13 * 4 + 300_000, "{read}");
    }
    let json: Value =
        serde_json::from_str(&craton(&["info", "--stats", "--json", path]).good()).unwrap();
    let stats = &json["groups"][0]["variables"]["t2m"]["stats"];
    let values: Vec<f64> = (0..97 * 11 * 13)
        .filter(|number| number % 9 != 4)
        .map(|number| f64::from(250.0 + 50.0 * noise(number)))
        .collect();
    assert_eq!(stats["missing"], 97 * 11 * 13 - values.len());
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    assert!(
        (stats["mean"].as_f64().unwrap() - mean).abs() < 1e-9,
        "{stats}"
    );
}

#[test]
fn statistics_of_real_files_are_those_of_other_readers() {
    let Some(root) = corpus("real") else { return };
    let facts = std::fs::read(root.join("expected.json")).unwrap();
    let facts: Value = serde_json::from_slice(&facts).unwrap();
    let mut compared = 0;
    for (file, entry) in facts["files"].as_object().unwrap() {
        let is_read = file.starts_with("netcdf3/") || file.starts_with("netcdf4/");
        let variables = entry["facts"]["netcdf"]["groups"]["/"]["variables"].as_object();
        let Some(variables) = variables.filter(|_| is_read) else {
            continue;
        };
        let path = root.join(file);
        let outcome = craton(&["info", "--stats", "--json", path.to_str().unwrap()]);
        let Ok(found) = serde_json::from_str::<Value>(&outcome.stdout) else {
            continue;
        };
        for (name, expected) in variables {
            let stats = &found["groups"][0]["variables"][name]["stats"];
            let expected = &expected["decoded"];
            // Sums of values that cancel are as exact as the values, not as the sum.
            let scale = ["min", "max"].map(|end| stats[end].as_f64().unwrap_or(0.0).abs());
            let slack = 1e-5 * scale[0].max(scale[1]).max(1e-30);
            for fold in ["min", "mean", "max"] {
                let (one, other) = (expected[fold].as_f64(), stats[fold].as_f64());
                let is_close = |(one, other): (f64, f64)| (one - other).abs() <= slack;
                assert!(
                    one.zip(other).is_none_or(is_close),
                    "{file} {name} {fold}: {one:?} {other:?}"
                );
                compared += usize::from(one.is_some() && other.is_some());
            }
            let missing = expected["n_nan"].as_u64();
            let is_told = stats["missing"].is_u64();
            assert!(
                !is_told || missing.is_none_or(|missing| stats["missing"] == missing),
                "{file} {name}: {stats}"
            );
        }
    }
    assert!(compared > 1000, "only {compared} figures were compared");
}

#[test]
fn checks_name_rule_variable_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.zarr");
    let lat = index(
        &"lat",
        &[4],
        json!({"units": "degrees_north", "long_name": "latitude"}),
        |row| 120.0 - 40.0 * row as f32,
    );
    let time = index(
        &"time",
        &[5],
        json!({"units": "days since 2000-01-01", "calendar": "lunar", "standard_name": "time"}),
        |day| [0.0, 1.0, 2.0, 6.0, 7.0][day],
    );
    let field = Floats {
        name: "t",
        dims: &["lat", "time"],
        shape: &[4, 5],
        chunks: &[4, 5],
        attributes: json!({"units": "Kelvins of heat", "standard_name": "air_temperature", "coordinates": "hight",
            "cell_methods": "time: meen", "valid_range": [400, 100]}),
        value: |number| number as f32,
    };
    write_group(&path, &[lat, time, field]);
    let outcome = craton(&["info", "--check", path.to_str().unwrap()]);
    insta::assert_snapshot!("check", shown(&outcome, folder.path()));
    let json = craton(&["info", "--check", "--json", path.to_str().unwrap()]);
    assert_eq!(json.code, Some(1));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let found = &json["check"];
    let count = found["errors"].as_u64().unwrap() + found["warnings"].as_u64().unwrap();
    assert_eq!(found["findings"].as_array().unwrap().len() as u64, count);
}

#[test]
fn no_real_file_breaks_a_check() {
    let Some(root) = corpus("real") else { return };
    for folder in ["netcdf3", "netcdf4"] {
        let mut files: Vec<_> = Vec::new();
        for sub in std::fs::read_dir(root.join(folder)).unwrap() {
            let sub = sub.unwrap().path();
            if sub.is_dir() {
                files.extend(
                    std::fs::read_dir(sub)
                        .unwrap()
                        .map(|file| file.unwrap().path()),
                );
            }
        }
        files.sort();
        for file in files.iter().step_by(4) {
            let outcome = craton(&["info", "--check", file.to_str().unwrap()]);
            assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
            assert!(
                outcome.code.is_some_and(|code| code <= 10),
                "{}",
                file.display()
            );
        }
    }
}

#[test]
fn stale_units_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.zarr");
    write_weather(&path);
    let path = path.to_str().unwrap();
    let units = |expression: &str| {
        let text = craton(&["eval", expression, "--json", path]).good();
        let value: Value = serde_json::from_str(&text).unwrap();
        value["attrs"]["units"].as_str().map(str::to_owned)
    };
    for (expression, expected) in [
        ("ds.t2m.isel(time=0)", "K"),
        ("ds.t2m.isel(time=0) ** 2", "K2"),
        ("ds.t2m.mean('time') - 273.15", "degC"),
        ("ds.t2m.isel(time=0) * 1000", "unknown"),
        (
            "ds.t2m.weighted(np.cos(np.deg2rad(ds.lat))).mean(['lat', 'lon'])",
            "K",
        ),
        ("ds.t2m.isel(time=0).to_units('degC')", "degC"),
        (
            "ds.t2m.groupby('time.month') - ds.t2m.groupby('time.month').mean()",
            "K",
        ),
    ] {
        assert_eq!(units(expression).as_deref(), Some(expected), "{expression}");
    }
    let error = craton(&["eval", "ds.t2m + ds.t2m.to_units('degC')", path]);
    assert!(
        error.bad(4).contains(".to_units(\"K\")"),
        "{}",
        error.stderr
    );
    let mixed = craton(&["eval", "ds.t2m - ds.tp", path]);
    assert!(
        mixed.bad(4).contains("measure different things"),
        "{}",
        mixed.stderr
    );
    let explained = craton(&["eval", "ds.t2m ** 2", "--dry-run", path]).good();
    assert!(
        explained.contains("units of t2m: K2, no longer K"),
        "{explained}"
    );
}

#[test]
fn mistakes_of_typing_are_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.zarr");
    write_weather(&path);
    let path = path.to_str().unwrap();
    let told = |arguments: &[&str]| {
        let outcome = craton(arguments);
        outcome.bad(2).to_owned()
    };
    let swapped = told(&["eval", path, "ds.t2m.mean"]);
    assert!(swapped.contains("were the arguments swapped?"), "{swapped}");
    let split = told(&["eval", "ds.t2m", "-", "ds.t2m.mean()", path]);
    assert!(split.contains("'ds.t2m - ds.t2m.mean()'"), "{split}");
    let bare = told(&["eval", "ds[t2m].mean()", path]);
    assert!(bare.contains("write `\"t2m\"`"), "{bare}");
}

/// What is proposed instead of a question that reads too much; each of them is accepted and reads what is said of it.
fn proposed(expression: &str, path: &str, limit: &str) -> Vec<String> {
    let outcome = craton(&["eval", expression, path, "--max-read", limit]);
    let report = outcome.bad(7).to_owned();
    let parts: Vec<&str> = report.split('`').collect();
    let is_proposal = |pair: &&[&str]| pair[0].starts_with("ds = ");
    let proposals = parts.windows(2).filter(is_proposal).map(|pair| {
        let told = pair[1].trim_start_matches(" reads up to ");
        let bytes: u64 = told.split(' ').next().unwrap().parse().unwrap();
        let exactly = bytes.to_string();
        craton(&["eval", pair[0], path, "--max-read", limit, "--json"]).good();
        craton(&["eval", pair[0], path, "--max-read", &exactly, "--dry-run"]).good();
        let less = (bytes - 1).to_string();
        craton(&["eval", pair[0], path, "--max-read", &less]).bad(7);
        pair[0].to_owned()
    });
    proposals.collect()
}

#[test]
fn what_is_proposed_instead_of_reading_too_much_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.zarr");
    write_weather(&path);
    let path = path.to_str().unwrap();
    let all = proposed("ds.t2m.mean('time')", path, "20kB");
    assert!(all[0].contains("slice("), "{all:?}");
    // The first labels do not have the last one.
    let last = "ds.t2m - ds.t2m.isel(time=slice(-1, None)).mean('time')";
    assert!(!proposed(last, path, "20kB").is_empty());
}

#[test]
fn longitudes_by_another_name_are_offered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.zarr");
    write_weather(&path);
    let outcome = craton(&[
        "eval",
        "ds.t2m.sel(lon=slice(-340, -300))",
        path.to_str().unwrap(),
    ]);
    assert!(
        outcome.bad(4).contains("`slice(20, 60)`"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_answer_without_a_valid_value_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.zarr");
    write_weather(&path);
    let path = path.to_str().unwrap();
    let nothing = "ds.t2m.where(ds.t2m > 1e9)";
    let told = |arguments: &[&str]| {
        let outcome = craton(arguments);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        outcome.stderr
    };
    let mean = told(&["eval", &format!("{nothing}.mean()"), path]);
    assert_eq!(mean, "warning: the value of `t2m` is missing\n");
    let field = told(&["eval", &format!("{nothing}.mean('time')"), path]);
    assert_eq!(field, "warning: all 143 values of `t2m` are missing\n");
    let out = folder.path().join("out.zarr");
    let written = told(&["eval", nothing, path, "-o", out.to_str().unwrap()]);
    assert_eq!(written, "warning: all 13871 values of `t2m` are missing\n");
    assert_eq!(told(&["eval", "ds.t2m.mean('time')", path]), "");
    let empty = "ds.t2m.sel(lat=slice(-20, 20)).mean()";
    craton(&["eval", empty, path]).bad(4);
    let empty = told(&["eval", empty, path, "--allow-empty"]);
    assert!(
        empty.contains("`mean` in `t2m` is over 0 values"),
        "{empty}"
    );
}
