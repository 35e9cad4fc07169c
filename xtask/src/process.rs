//! Running other programs, with their talk passed through and their failure named.

use std::process::{Command, Stdio};

/// A chore's outcome; the message is for a person.
pub type Result<T> = std::result::Result<T, String>;

/// Says on stderr what is happening.
pub fn say(message: impl AsRef<str>) {
    eprintln!("xtask: {}", message.as_ref());
}

/// Runs `command` with its output passed through.
pub fn run(command: &mut Command) -> Result<()> {
    let line = command_line(command);
    say(format!("running {line}"));
    let status = command
        .status()
        .map_err(|error| format!("cannot start {line}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{line} failed: {status}"))
    }
}

/// Runs `command` quietly; gives its stdout, or its stderr as the error.
pub fn output(command: &mut Command) -> Result<String> {
    let line = command_line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {line}: {error}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{line} failed: {}\n{}",
            output.status,
            complaint.trim_end()
        ));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{line} printed bytes that are not UTF-8"))
}

/// The cargo that started this program, so that toolchain choices carry over.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let mut line = String::from("`");
    for (index, word) in words.enumerate() {
        let word = word.to_string_lossy();
        // The program's folder says little and differs between machines.
        let word = if index == 0 {
            word.rsplit('/').next().unwrap_or(&word)
        } else {
            &word
        };
        if index > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    line.push('`');
    line
}
