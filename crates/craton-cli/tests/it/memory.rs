//! The budget bounds what the whole process holds, seen from outside.

use crate::data::{Floats, noise, write_group};
use crate::outcome::{Outcome, craton};
use serde_json::json;

const MIB: u64 = 1 << 20;

fn holds(outcome: Outcome, budget: u64, what: &str) {
    assert_eq!(outcome.code, Some(0), "{what}: {}", outcome.stderr);
    println!(
        "{what}: peak {} MiB of {} MiB, {:.1} s",
        outcome.peak_bytes / MIB,
        budget / MIB,
        outcome.processor_seconds
    );
    assert!(
        outcome.peak_bytes <= budget,
        "{what}: {} bytes are more than {budget}",
        outcome.peak_bytes
    );
}

#[test]
fn work_on_data_larger_than_the_budget_stays_within_it() {
    let folder = tempfile::tempdir().unwrap();
    let (seed, data) = (
        folder.path().join("seed.zarr"),
        folder.path().join("d.zarr"),
    );
    let array = |name, dims, shape| Floats {
        name,
        dims,
        shape,
        chunks: shape,
        attributes: json!({}),
        value: |number| (noise(number) * 64.0).floor(),
    };
    let time = Floats {
        attributes: json!({"units": "days since 2000-01-01"}),
        value: |day| day as f32,
        ..array("time", &["time"], &[730])
    };
    // The chunks of `a` decide in which pieces the sum is made.
    let a = Floats {
        chunks: &[10],
        ..array("a", &["time"], &[730])
    };
    write_group(&seed, &[time, a, array("b", &["lat", "lon"], &[360, 576])]);
    let (seed, data) = (seed.to_str().unwrap(), data.to_str().unwrap());
    // 730 times 360 times 576 numbers: 605 MB, a few times the budgets below.
    let bytes: u64 = 730 * 360 * 576 * 4;
    let write = ["eval", "xr.Dataset({'v': ds.a + ds.b})", seed, "-o", data];
    let options = [
        "--chunks",
        "time=10,lat=360,lon=576",
        "--codec",
        "zstd:1",
        "--memory",
        "192MiB",
        "--threads",
        "2",
    ];
    holds(
        craton(&[&write[..], &options].concat()),
        192 * MIB,
        "writing",
    );
    assert!(bytes > 4 * 128 * MIB);
    for (expression, budget) in [
        ("ds.v.mean('time').mean()", 128),
        ("ds.v.mean()", 128),
        ("ds.v.mean(['lat', 'lon']).max()", 128),
    ] {
        let memory = format!("{budget}MiB");
        let outcome = craton(&[
            "eval",
            expression,
            data,
            "--value",
            "--threads",
            "2",
            "--memory",
            &memory,
        ]);
        holds(outcome, budget * MIB, expression);
    }
    let out = folder.path().join("o.zarr");
    let anomaly = "ds.v.groupby('time.month') - ds.v.groupby('time.month').mean()";
    let options = [
        "-o",
        out.to_str().unwrap(),
        "--codec",
        "zstd:1",
        "--threads",
        "2",
        "--memory",
        "256MiB",
    ];
    holds(
        craton(&[&["eval", anomaly, data], &options[..]].concat()),
        256 * MIB,
        "anomaly",
    );
    // Maps into series: more passes than it pays to decode everything for, so values are put aside on disk.
    let series = folder.path().join("series.zarr");
    let series = series.to_str().unwrap();
    let rechunk = [
        "eval",
        "ds.v",
        data,
        "-o",
        series,
        "--chunks",
        "time=-1,lat=18,lon=64",
        "--codec",
        "zstd:1",
    ];
    let rechunk = [&rechunk[..], &["--threads", "2", "--memory", "192MiB"]].concat();
    let plan = craton(&[&rechunk[..], &["--dry-run"]].concat());
    let plan = plan.good();
    assert!(plan.contains("bytes aside on disk"), "{plan}");
    holds(craton(&rechunk), 192 * MIB, "rechunk");
    craton(&["diff", series, data]).good();
}
