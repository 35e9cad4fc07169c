//! Outputs that fail, or whose writer is killed, leave nothing under the final name.

use crate::data::{Floats, noise, write_group, write_weather};
use crate::outcome::{command, craton, kill, run};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::{Duration, Instant};

fn names_in(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_that_may_not_grow_is_an_error_that_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("w.zarr");
    write_weather(&data);
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    for (name, options) in [
        ("a.zarr", &["--codec", "zstd:1"][..]),
        ("a.csv", &[]),
        ("a.json", &[]),
        ("a.nc", &["--codec", "none"]),
        ("b.nc", &["--format", "classic"]),
    ] {
        let target = out.join(name);
        let mut limited = command(&[
            "eval",
            "ds.t2m",
            data.to_str().unwrap(),
            "-o",
            target.to_str().unwrap(),
        ]);
        limited.args(options);
        let limit = || {
            let limit = libc::rlimit {
                rlim_cur: 4096,
                rlim_max: 4096,
            };
            // SAFETY: both calls are allowed between fork and exec, and touch only the new process.
            let is_set = unsafe {
                libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
                libc::setrlimit(libc::RLIMIT_FSIZE, &limit) == 0
            };
            if is_set {
                Ok(())
            } else {
                Err(std::io::Error::last_os_error())
            }
        };
        // SAFETY: the closure allocates nothing.
        unsafe { limited.pre_exec(limit) };
        // The talk goes to files, too, but it is short.
        let outcome = run(limited);
        let report = outcome.bad(8);
        assert!(report.contains(name), "{report}");
        assert_eq!(names_in(&out), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_an_error_that_names_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("w.zarr");
    write_weather(&data);
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    // SAFETY: asks for a number.
    let is_root = unsafe { libc::geteuid() } == 0;
    let program = folder.path().join("craton");
    if is_root {
        // Root may write everywhere, so another user runs a copy that it can reach.
        std::fs::copy(env!("CARGO_BIN_EXE_craton"), &program).unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).unwrap();
    for name in ["a.zarr", "a.csv", "a.nc"] {
        let target = locked.join(name);
        let mut refused = command(&[]);
        if is_root {
            refused = std::process::Command::new(&program);
            refused.uid(65_534).gid(65_534);
        }
        refused.args([
            "eval",
            "ds.t2m",
            data.to_str().unwrap(),
            "-o",
            target.to_str().unwrap(),
        ]);
        let outcome = run(refused);
        let report = outcome.bad(9);
        assert!(report.contains(name), "{report}");
        assert_eq!(names_in(&locked), Vec::<String>::new());
    }
}

#[test]
fn a_killed_writer_leaves_nothing_under_the_name_and_the_next_one_tidies_up() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d.zarr");
    let array = |name, dims, shape| Floats {
        name,
        dims,
        shape,
        chunks: shape,
        attributes: json!({}),
        value: noise,
    };
    write_group(
        &data,
        &[array("a", &["x"], &[4000]), array("b", &["y"], &[5000])],
    );
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let (data, target) = (data.to_str().unwrap(), out.join("o.zarr"));
    // Slow on purpose: 80 MB at a high level of compression.
    let mut slow = command(&["eval", "ds.a + ds.b", data, "-o", target.to_str().unwrap()]);
    slow.args(["--codec", "zstd:19", "--chunks", "x=20,y=5000"]);
    let mut child = slow.spawn().unwrap();
    let (start, mut has_begun) = (Instant::now(), false);
    while !has_begun {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "nothing is being written"
        );
        std::thread::sleep(Duration::from_millis(5));
        has_begun = names_in(&out).iter().any(|name| {
            out.join(name).join("result").exists() || out.join(name).join("c").exists()
        });
        has_begun |= start.elapsed() > Duration::from_secs(1) && !names_in(&out).is_empty();
    }
    kill(libc::pid_t::try_from(child.id()).unwrap());
    assert_eq!(
        child.wait().unwrap().code(),
        None,
        "the writer was not killed in time"
    );
    let left = names_in(&out);
    assert!(
        !target.exists() && left.len() == 1 && left[0].ends_with(".part"),
        "{left:?}"
    );
    craton(&["eval", "ds.a", data, "-o", target.to_str().unwrap()]).good();
    assert_eq!(names_in(&out), ["o.zarr"]);
    craton(&["eval", "ds", target.to_str().unwrap()]).good();
}

#[test]
fn a_killed_writer_of_a_file_leaves_nothing_under_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d.zarr");
    let array = |name, dims, shape| Floats {
        name,
        dims,
        shape,
        chunks: shape,
        attributes: json!({}),
        value: noise,
    };
    write_group(
        &data,
        &[array("a", &["x"], &[4000]), array("b", &["y"], &[5000])],
    );
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let (data, target) = (data.to_str().unwrap(), out.join("o.nc"));
    // Slow on purpose: 80 MB at a high level of compression.
    let mut slow = command(&["eval", "ds.a + ds.b", data, "-o", target.to_str().unwrap()]);
    slow.args(["--codec", "zlib:9", "--chunks", "x=20,y=5000"]);
    let mut child = slow.spawn().unwrap();
    let start = Instant::now();
    let has_grown = || {
        let mut names = names_in(&out).into_iter();
        names.any(|name| {
            std::fs::metadata(out.join(name)).is_ok_and(|metadata| metadata.len() > 1 << 16)
        })
    };
    while !has_grown() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "nothing is being written"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    kill(libc::pid_t::try_from(child.id()).unwrap());
    assert_eq!(
        child.wait().unwrap().code(),
        None,
        "the writer was not killed in time"
    );
    let left = names_in(&out);
    assert!(
        !target.exists() && left.len() == 1 && left[0].ends_with(".part"),
        "{left:?}"
    );
    craton(&["eval", "ds.a", data, "-o", target.to_str().unwrap()]).good();
    assert_eq!(names_in(&out), ["o.nc"]);
    craton(&["eval", "ds", target.to_str().unwrap()]).good();
}

/// Every file below a folder with its bytes.
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_append_that_fails_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("w.zarr");
    write_weather(&data);
    let data = data.to_str().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let target = out.join("o.zarr");
    let target = target.to_str().unwrap();
    let first = "ds.t2m.isel(time=slice(0, 25))";
    let rest = "ds.t2m.isel(time=slice(25, None))";
    craton(&["eval", first, data, "-o", target]).good();
    let before = contents(&out);
    let mut limited = command(&["eval", rest, data, "-o", target, "--append-dim", "time"]);
    let limit = || {
        let limit = libc::rlimit {
            rlim_cur: 2048,
            rlim_max: 2048,
        };
        // SAFETY: both calls are allowed between fork and exec, and touch only the new process.
        let is_set = unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            libc::setrlimit(libc::RLIMIT_FSIZE, &limit) == 0
        };
        if is_set {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error())
        }
    };
    // SAFETY: the closure allocates nothing.
    unsafe { limited.pre_exec(limit) };
    run(limited).bad(8);
    assert_eq!(contents(&out), before);
    craton(&["eval", rest, data, "-o", target, "--append-dim", "time"]).good();
    let values = |path: &str| craton(&["eval", "ds.t2m", path, "--json"]).good();
    let data_of = |json: String| -> serde_json::Value {
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        value["data"].clone()
    };
    assert_eq!(data_of(values(target)), data_of(values(data)));
    assert_eq!(names_in(&out), ["o.zarr"]);
}
