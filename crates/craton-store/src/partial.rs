//! Names for outputs that are not whole yet, and what killed processes left under such names.

use std::fs;
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
