//! A whole array into memory, or from there into a store that is laid out as the one it came from, by the crate `zarrs`.
//!
//! `craton-peer-zarrs read|write STORE OUT`; gives a line of JSON as the floor does. It is written as the crate's
//! documentation writes and reads arrays; the crate decides on threads.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use zarrs::array::Array;
use zarrs::filesystem::FilesystemStore;

const PATH: &str = "/t2m";

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, store, out] = words.as_slice() else {
        return Err("usage: craton-peer-zarrs read|write STORE OUT".into());
    };
    let begun = Instant::now();
    let prepared = match mode.as_str() {
        "read" => None,
        "write" => Some((
            Array::open(Arc::new(FilesystemStore::new(store)?), PATH)?,
            read(store)?,
        )),
        _ => return Err(format!("there is no mode `{mode}`").into()),
    };
    let (import_seconds, before) = (begun.elapsed().as_secs_f64(), cpu_seconds());
    let started = Instant::now();
    let values = match prepared {
        None => read(store)?,
        Some((like, values)) => {
            write(&like, &values, out)?;
            values
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let own_cpu_seconds = cpu_seconds() - before;
    if mode == "read" {
        let column = values.iter().skip(100 * 720 + 200).step_by(361 * 720);
        let bytes: Vec<u8> = column
            .flat_map(|value| f64::from(*value).to_le_bytes())
            .collect();
        std::fs::write(format!("{out}.bin"), bytes)?;
    }
    let report = serde_json::json!({
        "import_seconds": import_seconds.max(1e-9),
        "seconds": seconds,
        "own_cpu_seconds": own_cpu_seconds,
        "peak_kib": peak_kib()?,
    });
    println!("{report}");
    Ok(())
}

fn read(store: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let array = Array::open(Arc::new(FilesystemStore::new(store)?), PATH)?;
    Ok(array.retrieve_array_subset(&array.subset_all())?)
}

fn write(like: &Array<FilesystemStore>, values: &[f32], out: &str) -> Result<(), Box<dyn Error>> {
    let store = Arc::new(FilesystemStore::new(out)?);
    let array = Array::new_with_metadata(store, PATH, like.metadata().clone())?;
    array.store_metadata()?;
    array.store_array_subset(&array.subset_all(), values)?;
    // The group that the other peers make, too.
    let (name, about) = match Path::new(out).join("t2m/zarr.json").exists() {
        true => ("zarr.json", r#"{"zarr_format": 3, "node_type": "group"}"#),
        false => (".zgroup", r#"{"zarr_format": 2}"#),
    };
    std::fs::write(Path::new(out).join(name), about)?;
    Ok(())
}

/// User and system time of all threads.
fn cpu_seconds() -> f64 {
    // SAFETY: `rusage` is plain numbers, for which all zeros is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a live, writable `rusage`.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    [usage.ru_utime, usage.ru_stime]
        .map(|time| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6)
        .iter()
        .sum()
}

fn peak_kib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line
        .ok_or("the process status has no `VmHWM`")?
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()?)
}
