//! Names for outputs that are not whole yet, and what killed processes left under such names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A hidden name beside `target` that no other writer has. What processes that are gone left beside it is removed.
///
/// The name holds machine and process, so that only what this machine can know to be dead is taken for dead.
#[must_use]
pub fn temporary_beside(target: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.{}-", machine());
    remove_leftovers(target, &prefix);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    target.with_file_name(format!("{prefix}{}-{number}.part", std::process::id()))
}

/// Lets two files or folders of one file system change names at once; says whether this system can. Where it cannot, nothing
/// has happened.
///
/// # Errors
/// Errors of the file system.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub fn exchange(one: &Path, other: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(cause) if [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP].contains(&cause) => Ok(false),
        Err(cause) => Err(cause.into()),
    }
}

/// As above, where no system call does it.
///
/// # Errors
/// None.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub fn exchange(_one: &Path, _other: &Path) -> io::Result<bool> {
    Ok(false)
}

fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim()
        .replace(|letter: char| !letter.is_ascii_alphanumeric(), "_")
}

fn remove_leftovers(target: &Path, prefix: &str) {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(prefix)?.strip_suffix(".part"))
            .and_then(|rest| rest.split_once('-')?.0.parse::<u32>().ok());
        if process.is_some_and(is_gone) {
            let path = entry.path();
            // What cannot be removed stays hidden, and harms nobody.
            let _ = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
        }
    }
}

/// Whether no process has this number, as far as the system tells.
fn is_gone(process: u32) -> bool {
    let processes = Path::new("/proc");
    processes.join("self").exists() && !processes.join(process.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_folders_change_names() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        for (path, text) in [(&one, "1"), (&other, "2")] {
            fs::create_dir(path).unwrap();
            fs::write(path.join("text"), text).unwrap();
        }
        let read = |path: &Path| fs::read_to_string(path.join("text")).unwrap();
        let expected = match exchange(&one, &other).unwrap() {
            true => ("2", "1"),
            false => ("1", "2"),
        };
        assert_eq!((read(&one).as_str(), read(&other).as_str()), expected);
        let absent = folder.path().join("absent");
        assert!(!exchange(&one, &absent).unwrap_or(false));
        assert_eq!(read(&one), expected.0);
    }

    #[test]
    fn only_leftovers_of_dead_processes_and_of_the_same_name_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.zarr");
        let mine = temporary_beside(&target);
        let named = |name: &str| {
            mine.with_file_name(
                mine.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .replace("out.zarr", name),
            )
        };
        // Process numbers end well below this one.
        let of_dead = |path: &Path| {
            let text = path
                .to_string_lossy()
                .replace(&format!("-{}-", std::process::id()), "-4000000000-");
            PathBuf::from(text)
        };
        let (dead, of_another) = (of_dead(&mine), of_dead(&named("other.zarr")));
        let elsewhere = folder
            .path()
            .join(".out.zarr.another_machine-4000000000-0.part");
        for path in [&mine, &dead, &of_another, &elsewhere] {
            fs::create_dir(path).unwrap();
        }
        let next = temporary_beside(&target);
        assert_ne!(next, mine);
        assert!(mine.exists() && of_another.exists() && elsewhere.exists());
        assert_eq!(dead.exists(), !Path::new("/proc/self").exists());
    }
}
