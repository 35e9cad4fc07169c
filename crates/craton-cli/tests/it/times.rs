//! Files whose times differ in reference, unit, calendar, or overlap.

use crate::data::{Floats, index, write_group};
use crate::outcome::craton;
use serde_json::{Value, json};
use std::path::Path;

/// A file of `x` over the given times, which begin with the value `start`.
fn write(
    folder: &Path,
    units: &str,
    calendar: &str,
    times: fn(usize) -> f32,
    value: fn(usize) -> f32,
) {
    let attributes = json!({"units": units, "calendar": calendar, "bounds": "time_bnds"});
    write_group(
        folder,
        &[
            index(&"time", &[3], attributes, times),
            Floats {
                name: "time_bnds",
                dims: &["time", "bnds"],
                shape: &[3, 2],
                chunks: &[3, 2],
                attributes: json!({}),
                value: |number| (number / 2 + number % 2) as f32,
            },
            Floats {
                name: "x",
                dims: &["time"],
                shape: &[3],
                chunks: &[3],
                attributes: json!({"units": "K"}),
                value,
            },
        ],
    );
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }
}

fn values(text: &str) -> Vec<String> {
    let json: Value = serde_json::from_str(text).unwrap();
    let data = json["data"].as_array().unwrap();
    data.iter()
        .map(|value| value.to_string().trim_matches('"').to_owned())
        .collect()
}

#[test]
fn references_and_units_may_differ_among_files() {
    let files = Files::new();
    write(
        &files.file("a"),
        "days since 2000-01-01",
        "standard",
        |day| day as f32,
        |day| day as f32,
    );
    write(
        &files.file("b"),
        "hours since 2000-01-04",
        "gregorian",
        |day| 24.0 * day as f32,
        |day| 3.0 + day as f32,
    );
    let (a, b) = (files.url("a"), files.url("b"));
    let times = craton(&["eval", "ds.time", "--json", &b, &a]).good();
    let expected: Vec<String> = (1..7)
        .map(|day| format!("2000-01-0{day}T00:00:00"))
        .collect();
    assert_eq!(values(&times), expected);
    assert_eq!(
        values(&craton(&["eval", "ds.x", "--json", &b, &a]).good()),
        ["0.0", "1.0", "2.0", "3.0", "4.0", "5.0"]
    );
    // Bounds count in the units of the times of their own file: the second ones are hours after 4 January.
    let bounds = craton(&["eval", "ds.time_bnds.isel(bnds=1)", "--json", &a, &b]).good();
    assert_eq!(
        values(&bounds)[3..],
        [
            "2000-01-04T01:00:00",
            "2000-01-04T02:00:00",
            "2000-01-04T03:00:00"
        ]
    );
}

#[test]
fn calendars_never_combine_by_accident() {
    let files = Files::new();
    write(
        &files.file("a"),
        "days since 2000-01-01",
        "standard",
        |day| day as f32,
        |day| day as f32,
    );
    write(
        &files.file("b"),
        "days since 2001-01-01",
        "noleap",
        |day| day as f32,
        |day| day as f32,
    );
    let (a, b) = (files.url("a"), files.url("b"));
    let outcome = craton(&["eval", "ds.x.mean()", &a, &b]);
    let report = outcome.bad(4);
    for part in ["noleap", "convert_calendar(\"standard\")", "/a`", "/b`"] {
        assert!(report.contains(part), "{part} is not in {report}");
    }
    let (named_a, named_b) = (format!("a={a}"), format!("b={b}"));
    let apart = craton(&["eval", "(a.x - b.x).mean()", &named_a, &named_b]);
    assert!(
        apart.bad(4).contains("convert_calendar"),
        "{}",
        apart.stderr
    );
    let joined = "xr.concat([a.x, b.x.convert_calendar('standard')], 'time').time";
    let joined = craton(&["eval", joined, "--json", &named_a, &named_b]).good();
    assert_eq!(values(&joined)[3], "2001-01-01T00:00:00");
}

#[test]
fn the_gap_of_1582_lies_between_two_files() {
    let files = Files::new();
    write(
        &files.file("a"),
        "days since 1582-10-01",
        "standard",
        |day| day as f32,
        |day| day as f32,
    );
    write(
        &files.file("b"),
        "days since 1582-10-15",
        "standard",
        |day| day as f32,
        |day| day as f32,
    );
    let (a, b) = (files.url("a"), files.url("b"));
    let times = craton(&["eval", "ds.time", "--json", &a, &b]).good();
    let expected = [
        "1582-10-01",
        "1582-10-02",
        "1582-10-03",
        "1582-10-15",
        "1582-10-16",
        "1582-10-17",
    ];
    assert_eq!(
        values(&times),
        expected.map(|day| format!("{day}T00:00:00"))
    );
}

#[test]
fn overlapping_files_are_listed_and_resolved() {
    let files = Files::new();
    write(
        &files.file("a"),
        "days since 2000-01-01",
        "standard",
        |day| day as f32,
        |day| day as f32,
    );
    write(
        &files.file("b"),
        "days since 2000-01-03",
        "standard",
        |day| day as f32,
        |day| 10.0 + day as f32,
    );
    let (a, b) = (files.url("a"), files.url("b"));
    let outcome = craton(&["eval", "ds.x", "--json", &a, &b]);
    let report = outcome.bad(4);
    for part in [
        "1 label",
        "/a` (2000-01-01T00:00:00 to 2000-01-03",
        "/b`",
        "--keep first",
    ] {
        assert!(report.contains(part), "{part} is not in {report}");
    }
    let kept =
        |keep: &str| values(&craton(&["eval", "ds.x", "--json", "--keep", keep, &a, &b]).good());
    assert_eq!(kept("first"), ["0.0", "1.0", "2.0", "11.0", "12.0"]);
    assert_eq!(kept("last"), ["0.0", "1.0", "10.0", "11.0", "12.0"]);
    // The same file twice.
    let twice = craton(&["eval", "ds.x", "--json", &a, &a]);
    assert!(
        twice.bad(4).contains("same coordinates"),
        "{}",
        twice.stderr
    );
    let once = craton(&["eval", "ds.x", "--json", "--keep", "first", &a, &a]).good();
    assert_eq!(values(&once), ["0.0", "1.0", "2.0"]);
}

#[test]
fn a_broken_file_among_many_is_named_or_left_out() {
    let files = Files::new();
    write(
        &files.file("a"),
        "days since 2000-01-01",
        "standard",
        |day| day as f32,
        |day| day as f32,
    );
    write(
        &files.file("b"),
        "moons since 2000-01-01",
        "standard",
        |day| day as f32,
        |day| day as f32,
    );
    write(
        &files.file("c"),
        "days since 2000-02-01",
        "standard",
        |day| day as f32,
        |day| 10.0 + day as f32,
    );
    std::fs::write(files.file("d.nc"), "no file").unwrap();
    let [a, b, c, d] = ["a", "b", "c", "d.nc"].map(|name| files.url(name));
    let outcome = craton(&["eval", "ds.x", "--json", &a, &b, &c]);
    assert!(
        outcome.code != Some(0) && outcome.stderr.contains(&b),
        "{}",
        outcome.stderr
    );
    assert!(
        craton(&["eval", "ds.x", "--json", &a, &c, &d])
            .stderr
            .contains(&d)
    );
    let outcome = craton(&["eval", "ds.x", "--json", "--skip-bad", &a, &b, &c, &d]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(values(&outcome.stdout).len(), 6);
    for part in [b.as_str(), d.as_str(), "2 of 4 files are left out"] {
        assert!(
            outcome.stderr.contains(part),
            "{part} is not in {}",
            outcome.stderr
        );
    }
    let none = craton(&["eval", "ds.x", "--skip-bad", &d]);
    assert_ne!(none.code, Some(0));
}

#[test]
fn units_differ_among_files_with_the_conversion_to_write() {
    let files = Files::new();
    write(
        &files.file("a"),
        "days since 2000-01-01",
        "standard",
        |day| day as f32,
        |day| day as f32,
    );
    write(
        &files.file("b"),
        "days since 2000-02-01",
        "standard",
        |day| day as f32,
        |day| day as f32,
    );
    let metadata = files.file("b").join("x/zarr.json");
    let text = std::fs::read_to_string(&metadata).unwrap();
    std::fs::write(&metadata, text.replace("\"K\"", "\"degC\"")).unwrap();
    let outcome = craton(&["eval", "ds.x", &files.url("a"), &files.url("b")]);
    let report = outcome.bad(4);
    for part in ["`K`", "`degC`", "b.x.to_units(\"K\")"] {
        assert!(report.contains(part), "{part} is not in {report}");
    }
}
