//! Mistakes of users and of data: what they are told.

use crate::data::{Floats, noise, write_group, write_weather};
use crate::outcome::{craton, shown};
use serde_json::json;
use std::path::Path;

/// Snapshots the outcome of `craton eval` on the weather data.
fn refuses(name: &str, expression: &str, options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    write_weather(&folder.path().join("w.zarr"));
    let path = folder.path().join("w.zarr");
    let arguments = [&["eval", expression, path.to_str().unwrap()], options].concat();
    let outcome = craton(&arguments);
    assert_ne!(outcome.code, Some(0));
    assert_eq!(outcome.stdout, "");
    insta::assert_snapshot!(name, shown(&outcome, folder.path()));
}

#[test]
fn mistakes_in_questions_are_told_with_the_way_out() {
    for (name, expression, options) in [
        ("unknown_variable", r#"ds["t2n"].mean()"#, &[][..]),
        ("unknown_attribute", "ds.t2n", &[]),
        ("unknown_dimension", r#"ds.t2m.mean("tme")"#, &[]),
        ("unknown_method", "ds.t2m.maen()", &[]),
        (
            "empty_selection_of_the_wrong_order",
            "ds.t2m.sel(lat=slice(-20, 20))",
            &[],
        ),
        (
            "empty_selection_out_of_range",
            "ds.t2m.sel(lon=slice(180, 270))",
            &[],
        ),
        (
            "label_that_is_not_there",
            r#"ds.t2m.sel(time="1999-12-31")"#,
            &[],
        ),
        ("label_between_others", "ds.t2m.sel(lat=42)", &[]),
        ("index_out_of_range", "ds.t2m.isel(time=97)", &[]),
        ("syntax", "ds.t2m.mean(", &[]),
        ("import", "import os", &[]),
        ("unknown_ending", "ds.t2m", &["-o", "out.tif"]),
        (
            "shards_of_a_table",
            "ds.t2m.mean()",
            &["-o", "out.csv", "--shards", "time=10"],
        ),
        ("budget_too_small", "ds.t2m.mean()", &["--memory", "1MiB"]),
        (
            "more_than_may_be_read",
            "ds.t2m.mean()",
            &["--max-read", "1kB"],
        ),
        (
            "no_length",
            "ds.t2m",
            &["-o", "out.zarr", "--chunks", "time"],
        ),
    ] {
        refuses(name, expression, options);
    }
}

#[test]
fn places_without_data_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let show = |path: &str| {
        let outcome = craton(&["eval", "ds", folder.path().join(path).to_str().unwrap()]);
        outcome.bad(3);
        shown(&outcome, folder.path())
    };
    insta::assert_snapshot!("missing_file", show("no.nc"));
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    std::fs::write(folder.path().join("photos/cat.png"), b"x").unwrap();
    insta::assert_snapshot!("folder_that_is_no_store", show("photos"));
    std::fs::write(folder.path().join("text.nc"), b"no netCDF at all").unwrap();
    let outcome = craton(&[
        "eval",
        "ds",
        folder.path().join("text.nc").to_str().unwrap(),
    ]);
    outcome.bad(6);
    insta::assert_snapshot!("file_of_no_format", shown(&outcome, folder.path()));
}

/// Twelve days of one variable, with times in `units`, and one variable with a repeated dimension.
fn write_odd(folder: &Path, units: &str) {
    let array = |name, dims, shape, chunks| Floats {
        name,
        dims,
        shape,
        chunks,
        attributes: json!({}),
        value: noise,
    };
    write_group(
        folder,
        &[
            Floats {
                attributes: json!({"units": units}),
                value: |day| day as f32,
                ..array("time", &["time"], &[12], &[12])
            },
            array("t2m", &["time", "y"], &[12, 3], &[5, 3]),
            array("covariance", &["y", "y"], &[3, 3], &[3, 3]),
        ],
    );
}

#[test]
fn a_variable_that_cannot_be_decoded_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.zarr");
    write_odd(&path, "days since the flood");
    let path = path.to_str().unwrap();
    let eval = |expression: &str, options: &[&str]| {
        craton(&[&["eval", expression, path], options].concat())
    };
    let expected: f64 = (0..36).map(|number| f64::from(noise(number))).sum::<f64>() / 36.0;
    let mean: f64 = eval("ds.t2m.mean()", &["--value"])
        .good()
        .trim()
        .parse()
        .unwrap();
    assert!((mean - expected).abs() < 1e-6);
    eval("ds.t2m.mean(\"time\")", &["--json"]).good();
    for (name, expression) in [
        ("undecodable_time", "ds.time"),
        ("selecting_by_undecodable_time", "ds.t2m.sel(time=\"2000\")"),
        ("repeated_dimension", "ds.covariance"),
    ] {
        let outcome = eval(expression, &[]);
        outcome.bad(4);
        insta::assert_snapshot!(name, shown(&outcome, folder.path()));
    }
    // The ways out that the errors name.
    eval("ds.t2m.drop_vars(\"time\")", &["--json"]).good();
    let raw = eval("ds", &["--raw"]);
    assert!(
        raw.stderr.contains("warning: variable `covariance`"),
        "{}",
        raw.stderr
    );
    assert!(raw.good().contains("time"));
    let info = craton(&["info", path]).good();
    assert!(
        info.contains("t2m") && info.contains("covariance"),
        "{info}"
    );
}

#[test]
fn a_full_place_for_the_answer_is_told() {
    if !Path::new("/dev/full").exists() {
        println!("did not run: there is no /dev/full");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write_weather(folder.path());
    let mut command = std::process::Command::new("sh");
    let text = format!(
        "exec '{}' eval ds.t2m --json '{}' > /dev/full",
        env!("CARGO_BIN_EXE_craton"),
        folder.path().display()
    );
    command.args(["-c", &text]);
    let outcome = crate::outcome::run(command);
    assert!(
        outcome.bad(8).contains("No space left"),
        "{}",
        outcome.stderr
    );
}
