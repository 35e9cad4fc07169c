//! Runs the command and measures it from outside.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A run that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(120);

/// What a run left behind.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Seconds of all its threads together, in user and system.
    pub processor_seconds: f64,
    /// The most bytes that were resident.
    pub peak_bytes: u64,
    /// Bytes that it read by system calls, where the system tells.
    pub bytes_read: Option<u64>,
}

impl Outcome {
    /// The standard output of a run that must have gone well.
    pub fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The report of a run that must have ended with `code`.
    pub fn bad(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        &self.stderr
    }
}

/// The command with these arguments.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_craton"));
    command.args(arguments).env_remove("RUST_BACKTRACE");
    command
}

/// Runs the command with these arguments.
pub fn craton(arguments: &[&str]) -> Outcome {
    run(command(arguments))
}

/// Runs any command.
#[allow(
    clippy::zombie_processes,
    reason = "`wait4` reaps it, because it tells what was used"
)]
pub fn run(mut command: Command) -> Outcome {
    // Files rather than pipes: nobody has to read them while the command runs.
    let (mut out, mut err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(err.try_clone().unwrap());
    let child = command.spawn().unwrap();
    let process = libc::pid_t::try_from(child.id()).unwrap();
    let peak = await_end(process);
    let bytes_read = bytes_read(process);
    let (code, usage) = reap(process);
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Outcome {
        code,
        stdout: text_of(&mut out),
        stderr: text_of(&mut err),
        processor_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        // What `wait4` tells of a short run; Linux counts in KiB, others in bytes.
        peak_bytes: peak
            .unwrap_or(usage.ru_maxrss as u64 * if cfg!(target_os = "linux") { 1024 } else { 1 }),
        bytes_read,
    }
}

/// Waits until the process has ended, and leaves its figures to be read; gives the most memory that it was seen to hold.
///
/// Linux carries the parent's own peak over into what `wait4` tells of a child, and other tests make this parent large.
fn await_end(process: libc::pid_t) -> Option<u64> {
    let start = Instant::now();
    let mut peak = None;
    loop {
        // SAFETY: an all-zero `siginfo_t` is valid, and the call writes nothing else.
        let mut facts: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let flags = libc::WEXITED | libc::WNOWAIT | libc::WNOHANG;
        // SAFETY: as above; the process is a child of this one that nobody else waits for.
        let result = unsafe { libc::waitid(libc::P_PID, process as libc::id_t, &mut facts, flags) };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
        // SAFETY: the field exists for every signal that `waitid` reports, and is 0 where it reports none.
        if unsafe { facts.si_pid() } == process {
            return peak;
        }
        peak = peak_so_far(process).or(peak);
        if start.elapsed() > LONGEST {
            kill(process);
            panic!("the command hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The most bytes that a running process has held, where the system tells.
fn peak_so_far(process: libc::pid_t) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Ends a process at once.
pub fn kill(process: libc::pid_t) {
    // SAFETY: sends a signal to a child of this process.
    unsafe { libc::kill(process, libc::SIGKILL) };
}

fn reap(process: libc::pid_t) -> (Option<i32>, libc::rusage) {
    let mut status = 0;
    // SAFETY: an all-zero `rusage` is valid, and the call fills it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both places outlive the call; the child has ended and is reaped only here.
    let reaped = unsafe { libc::wait4(process, &mut status, 0, &mut usage) };
    assert_eq!(reaped, process, "{}", std::io::Error::last_os_error());
    let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
    (code, usage)
}

fn bytes_read(process: libc::pid_t) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("rchar: ")?.parse().ok())
}

fn text_of(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The folder of foreign files, if this run has one.
pub fn corpus(part: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("CRATON_CORPUS") else {
        println!("did not run: CRATON_CORPUS is not set");
        return None;
    };
    let path = PathBuf::from(root).join(part);
    assert!(path.exists(), "CRATON_CORPUS lacks {part}");
    Some(path)
}

/// The folder in a packed one of the corpus, unpacked under `folder`.
pub fn unpack(archive: &Path, folder: &Path) -> PathBuf {
    let folder = folder.join(archive.file_name().unwrap());
    let packed = flate2::read::GzDecoder::new(File::open(archive).unwrap());
    tar::Archive::new(packed).unpack(&folder).unwrap();
    let mut inside = std::fs::read_dir(folder).unwrap();
    inside.next().unwrap().unwrap().path()
}

/// Everything that a person sees of a run, without what differs between machines.
pub fn shown(outcome: &Outcome, folder: &Path) -> String {
    let mut text = outcome.stdout.clone();
    if !outcome.stderr.is_empty() {
        text += &format!("[standard error]\n{}", outcome.stderr);
    }
    text += &format!("[exit code {}]\n", outcome.code.unwrap_or(-1));
    let text = text.replace(folder.to_str().unwrap(), "[TMP]");
    // The hash of a plan holds the place of its sources and their time of change.
    let without_hash = |line: &str| match line.starts_with("plan of ") {
        true => line
            .rsplit_once("  ")
            .map_or(line.to_owned(), |(start, _)| format!("{start}  [HASH]")),
        false => line.trim_end().to_owned(),
    };
    // The summary of an estimate follows the machine's memory layout.
    let lines = text.lines().filter(|line| !line.starts_with("in all: "));
    lines.map(|line| without_hash(line) + "\n").collect()
}
