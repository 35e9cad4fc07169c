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
    for name in ["a.zarr", "a.csv"] {
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
