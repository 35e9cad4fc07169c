//! The same question gives the same bits: for any threads, budget and chunks that are only labels.

use crate::data::write_weather;
use crate::outcome::craton;
use std::collections::BTreeMap;
use std::path::Path;

/// Operations whose order of arithmetic could depend on who is first.
const EXPRESSIONS: [&str; 17] = [
    "ds.t2m.mean()",
    "ds.t2m.mean('time')",
    "ds.t2m.mean(['lat', 'lon'])",
    "ds.tp.sum('lon')",
    "ds.t2m.std('time')",
    "ds.t2m.var()",
    "ds.tp.min(['time', 'lat'])",
    "(ds.t2m * ds.tp).mean('time')",
    "ds.t2m.groupby('time.month') - ds.t2m.groupby('time.month').mean()",
    "ds.t2m.groupby('time.month').std()",
    "ds.t2m.rolling(time=5).mean().mean(['lat', 'lon'])",
    "ds.tp.cumsum('time').isel(lat=2)",
    "ds.t2m.where(ds.t2m > 270).count('time')",
    "ds.t2m.weighted(np.cos(np.deg2rad(ds.lat))).mean(['lat', 'lon'])",
    "ds.t2m.diff('time').mean('lat')",
    "xr.Dataset({'mean': ds.t2m.mean('time'), 'max': ds.t2m.max('time'), 'rain': ds.tp.sum('time')})",
    "ds.mean('time')",
];
const THREADS: [&str; 4] = ["1", "2", "3", "7"];
const BUDGETS: [&[&str]; 3] = [&[], &["--memory", "80MiB"], &["--memory", "300MiB"]];

fn eval(expression: &str, path: &Path, options: &[&str]) -> String {
    let path = path.to_str().unwrap();
    craton(&[&["eval", expression, path, "--json"], options].concat()).good()
}

#[test]
fn threads_and_budgets_change_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("w.zarr");
    write_weather(&plain);
    let sharded = folder.path().join("s.zarr");
    let options = [
        "--chunks",
        "time=9,lat=4,lon=5",
        "--shards",
        "time=36,lat=8,lon=15",
        "-o",
        sharded.to_str().unwrap(),
    ];
    craton(&[&["eval", "ds", plain.to_str().unwrap()], &options[..]].concat()).good();
    for expression in EXPRESSIONS {
        for path in [&plain, &sharded] {
            let expected = eval(expression, path, &["--threads", "1"]);
            assert!(expected.contains("data"), "{expected}");
            for (number, threads) in THREADS.iter().enumerate() {
                // Every budget with every number of threads over the expressions together.
                let budget = BUDGETS[(number + expression.len()) % BUDGETS.len()];
                let found = eval(
                    expression,
                    path,
                    &[&["--threads", threads], budget].concat(),
                );
                assert_eq!(
                    found, expected,
                    "`{expression}` with {threads} threads and {budget:?}"
                );
            }
        }
        let relabelled = expression.replace("ds.t2m", "ds.t2m.chunk({'time': 5, 'lat': 3})");
        let (expected, found) = (
            eval(expression, &plain, &[]),
            eval(&relabelled, &plain, &[]),
        );
        assert_eq!(found, expected, "`{relabelled}`");
    }
}

/// Every file of a store but its metadata, which hold the recipe.
fn files(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            files(&path, &name, found);
        } else if !name.ends_with("zarr.json") {
            found.insert(name, std::fs::read(path).unwrap());
        }
    }
}

#[test]
fn stores_are_written_alike_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("w.zarr");
    write_weather(&data);
    let questions = [
        (
            "ds.t2m.groupby('time.month') - ds.t2m.groupby('time.month').mean()",
            &["--chunks", "time=13,lat=5,lon=13"][..],
        ),
        (
            "xr.Dataset({'a': ds.t2m.rolling(time=4).mean(), 'b': ds.tp.cumsum('time')})",
            &["--shards", "time=97,lat=11,lon=13"],
        ),
    ];
    for (expression, options) in questions {
        let mut stores = Vec::new();
        for (number, threads) in THREADS.iter().enumerate() {
            let out = folder.path().join(format!("{number}.zarr"));
            let fixed = [
                "eval",
                expression,
                data.to_str().unwrap(),
                "-o",
                out.to_str().unwrap(),
                "--overwrite",
            ];
            craton(
                &[
                    &fixed[..],
                    &["--threads", threads],
                    options,
                    BUDGETS[number % 3],
                ]
                .concat(),
            )
            .good();
            let mut found = BTreeMap::new();
            files(&out, "", &mut found);
            stores.push(found);
        }
        assert!(stores[0].len() > 3);
        for store in &stores[1..] {
            assert!(*store == stores[0], "`{expression}`");
        }
    }
}
