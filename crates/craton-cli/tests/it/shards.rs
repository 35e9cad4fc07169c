//! `--shards` reaches the store that is written.

use crate::data::write_weather;
use crate::outcome::craton;
use serde_json::Value;

#[test]
fn shards_are_written_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("w.zarr"), folder.path().join("s.zarr"));
    write_weather(&data);
    let (data, target) = (data.to_str().unwrap(), out.to_str().unwrap());
    let options = [
        "--chunks",
        "time=10,lat=4,lon=5",
        "--shards",
        "time=25,lat=-1,lon=10",
        "-o",
        target,
    ];
    craton(&[&["eval", "ds", data], &options[..]].concat()).good();
    let metadata: Value =
        serde_json::from_slice(&std::fs::read(out.join("t2m/zarr.json")).unwrap()).unwrap();
    let codec = &metadata["codecs"][0];
    assert_eq!(codec["name"], "sharding_indexed");
    assert_eq!(
        codec["configuration"]["chunk_shape"],
        serde_json::json!([10, 4, 5])
    );
    // Rounded up to whole chunks.
    assert_eq!(
        metadata["chunk_grid"]["configuration"]["chunk_shape"],
        serde_json::json!([30, 12, 10])
    );
    let objects = std::fs::read_dir(out.join("t2m/c")).unwrap().count();
    assert_eq!(objects, 4, "97 days in shards of 30");
    let text = |path: &str| craton(&["eval", "ds[['t2m', 'tp']]", path, "--json"]).good();
    let (before, after): (Value, Value) = (
        serde_json::from_str(&text(data)).unwrap(),
        serde_json::from_str(&text(target)).unwrap(),
    );
    for name in ["t2m", "tp"] {
        assert_eq!(
            before["variables"][name]["data"],
            after["variables"][name]["data"]
        );
    }
    assert!(craton(&["info", target]).good().contains("shards of"));
}

#[test]
fn outputs_without_shards_refuse_them() {
    let folder = tempfile::tempdir().unwrap();
    write_weather(folder.path());
    let path = folder.path().to_str().unwrap();
    for option in ["--shards", "--chunks"] {
        let printed = craton(&["eval", "ds.t2m.mean()", path, option, "time=10"]);
        assert!(printed.bad(2).contains(option));
    }
    let out = folder.path().join("o.json");
    let written = craton(&[
        "eval",
        "ds.t2m",
        path,
        "-o",
        out.to_str().unwrap(),
        "--codec",
        "zstd:3",
    ]);
    assert!(written.bad(2).contains("--codec") && !out.exists());
}
