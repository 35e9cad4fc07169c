//! What `--explain` and `--dry-run` say.

use crate::data::{Floats, noise, write_group, write_weather};
use crate::outcome::{craton, shown};
use serde_json::json;

#[test]
fn plans_are_told_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.zarr");
    write_weather(&path);
    let path = path.to_str().unwrap();
    for (name, expression, option) in [
        ("mean", "ds.t2m.mean('time')", "--dry-run"),
        (
            "anomaly",
            "ds.t2m.groupby('time.month') - ds.t2m.groupby('time.month').mean()",
            "--dry-run",
        ),
        (
            "rolling",
            "ds.t2m.rolling(time=5).mean().mean(['lat', 'lon'])",
            "--dry-run",
        ),
        (
            "weighted",
            "ds.t2m.weighted(np.cos(np.deg2rad(ds.lat))).mean(['lat', 'lon'])",
            "--dry-run",
        ),
        (
            "selection",
            "ds.t2m.sel(time=slice('2000-02', '2000-03'), lat=slice(30, -10)).isel(lon=[1, 5, 2])",
            "--dry-run",
        ),
        ("point", "ds.t2m.isel(time=3, lat=4, lon=5)", "--explain"),
        (
            "two_outputs",
            "xr.Dataset({'mean': ds.t2m.mean('time'), 'max': ds.t2m.max('time')})",
            "--dry-run",
        ),
        ("running_total", "ds.tp.cumsum('time')", "--dry-run"),
        ("misaligned_chunks", "(ds.t2m * ds.tp).mean()", "--explain"),
        ("packed", "ds.tp.max()", "--explain"),
        ("constant", "1 + 2 * 3", "--explain"),
    ] {
        let outcome = craton(&[
            "eval",
            expression,
            path,
            option,
            "--threads",
            "2",
            "--memory",
            "512MiB",
        ]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        insta::assert_snapshot!(name, shown(&outcome, folder.path()));
    }
}

#[test]
fn many_files_are_one_source() {
    let folder = tempfile::tempdir().unwrap();
    let part = |name: &str, value: fn(usize) -> f32| {
        let array = |name, dims, shape, chunks| Floats {
            name,
            dims,
            shape,
            chunks,
            attributes: json!({}),
            value: noise,
        };
        let time = Floats {
            attributes: json!({"units": "days since 2000-01-01"}),
            value,
            ..array("time", &["time"], &[6], &[6])
        };
        write_group(
            &folder.path().join(name),
            &[time, array("v", &["time", "x"], &[6, 10], &[4, 10])],
        );
    };
    part("a.zarr", |day| day as f32);
    part("b.zarr", |day| 6.0 + day as f32);
    part("c.zarr", |day| 12.0 + day as f32);
    let pattern = folder.path().join("*.zarr");
    let outcome = craton(&[
        "eval",
        "ds.v.mean('time')",
        pattern.to_str().unwrap(),
        "--explain",
        "--threads",
        "2",
        "--memory",
        "512MiB",
    ]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    insta::assert_snapshot!("many_files", shown(&outcome, folder.path()));
}

#[test]
fn texts_are_told_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.zarr");
    std::fs::create_dir_all(path.join("c")).unwrap();
    let metadata = json!({"zarr_format": 3, "node_type": "array", "shape": [3], "data_type": "string",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [3]}}, "chunk_key_encoding": {"name": "default"},
        "fill_value": "", "codecs": [{"name": "vlen-utf8"}], "dimension_names": ["station"]});
    std::fs::write(path.join("zarr.json"), metadata.to_string()).unwrap();
    let mut bytes = 3_u32.to_le_bytes().to_vec();
    for text in ["Uccle", "De Bilt", "Šmarna gora"] {
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.bytes());
    }
    std::fs::write(path.join("c/0"), bytes).unwrap();
    let outcome = craton(&[
        "eval",
        "ds.isel(station=slice(None, None, -1))",
        path.to_str().unwrap(),
        "--explain",
        "--threads",
        "1",
        "--memory",
        "512MiB",
    ]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    insta::assert_snapshot!("texts", shown(&outcome, folder.path()));
}

#[test]
fn what_is_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.zarr");
    write_weather(&path);
    let (input, out) = (path.to_str().unwrap(), folder.path().join("out.zarr"));
    let out = out.to_str().unwrap();
    let told = |name: &str, arguments: &[&str]| {
        let limits = ["--threads", "2", "--memory", "512MiB"];
        let outcome = craton(&[&["eval"], arguments, &limits[..]].concat());
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        insta::assert_snapshot!(name, shown(&outcome, folder.path()));
    };
    let first = "ds[['t2m']].isel(time=slice(0, 50))";
    told("new_store", &[first, input, "-o", out, "--explain"]);
    let asked = ["-o", out, "--dry-run", "--overwrite", "--codec", "zstd:7"];
    let cut = ["--chunks", "time=10,lat=5", "--shards", "time=20"];
    told(
        "new_store_as_asked",
        &[&[first, input], &asked[..], &cut].concat(),
    );
    let rest = "ds[['t2m']].isel(time=slice(50, None))";
    told(
        "append",
        &[rest, input, "-o", out, "--append-dim", "time", "--explain"],
    );
    let part = "ds[['t2m']].isel(time=slice(3, 7)) * 2";
    told(
        "region",
        &[part, input, "-o", out, "--region", "time=auto", "--dry-run"],
    );
    let file = folder.path().join("out.nc");
    told(
        "new_file",
        &[first, input, "-o", file.to_str().unwrap(), "--dry-run"],
    );
}
