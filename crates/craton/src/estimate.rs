//! How long work may take, told before it begins.

use craton_exec::StageCost;
use craton_plan::physical::Stage;
use std::fmt::Write;

/// Bytes that one thread decodes and computes on in a second: what zstd-compressed floats took in the cases of
/// docs/design/001-execution.md, from 220 (rechunking) to 450 million (standard deviations).
const BYTES_PER_SECOND: f64 = 400e6;
/// Bytes that the process needs beside what stages hold.
const PROCESS: u64 = 13 << 20;

/// What all stages of a question need together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Estimate {
    chunks: u64,
    bytes_read: u64,
    bytes_decoded: u64,
    peak: u64,
    threads: u64,
}

impl Estimate {
    /// Nothing yet, for work on so many threads.
    pub(crate) fn on(threads: usize) -> Self {
        Self {
            threads: threads.max(1) as u64,
            ..Self::default()
        }
    }

    /// Stages run one after the other: bytes add up, the largest peak counts.
    pub(crate) fn add(&mut self, stage: &Stage, cost: &StageCost) {
        self.chunks = self.chunks.saturating_add(cost.chunks);
        self.bytes_read = self.bytes_read.saturating_add(cost.bytes_decoded);
        // What is put aside is packed and unpacked.
        let decoded = cost.bytes_decoded.saturating_add(cost.bytes_spilled);
        self.bytes_decoded = self.bytes_decoded.saturating_add(decoded);
        let tasks = self.threads.min(stage.task_count().max(1));
        let held = cost.bytes_per_task.saturating_mul(tasks);
        let peak = held
            .saturating_add(cost.bytes_shared)
            .saturating_add(PROCESS);
        self.peak = self.peak.max(peak);
    }

    /// One line.
    pub(crate) fn to_text(self) -> String {
        let mut text = String::new();
        // Writing into memory does not fail.
        let _ = write!(
            text,
            "in all: at most {} requests and {}, peak about {}, ",
            self.chunks,
            decimal(self.bytes_read),
            binary(self.peak)
        );
        let _ = writeln!(
            text,
            "{} on {} (estimate, at {} decoded a second by each)",
            duration(self.seconds()),
            match self.threads {
                1 => "1 thread".to_owned(),
                threads => format!("{threads} threads"),
            },
            decimal(BYTES_PER_SECOND as u64)
        );
        text
    }

    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    fn seconds(self) -> f64 {
        self.bytes_decoded as f64 / BYTES_PER_SECOND / self.threads as f64
    }
}

#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
fn decimal(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{value:.1} {}", units[unit]),
    }
}

fn binary(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// As people say it: nobody believes the second digit of an estimate.
fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds < 1.0 => "less than a second".to_owned(),
        _ if seconds < 90.0 => format!("about {seconds:.0} s"),
        _ if seconds < 5400.0 => format!("about {:.0} min", seconds / 60.0),
        _ => format!("about {:.0} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_add_up_and_the_largest_peak_counts() {
        let estimate = Estimate {
            chunks: 77,
            bytes_read: 1_921_328_640,
            bytes_decoded: 1_921_328_640,
            peak: 108 << 20,
            threads: 2,
        };
        assert_eq!(
            estimate.to_text(),
            "in all: at most 77 requests and 1.9 GB, peak about 108 MiB, about 2 s on 2 threads (estimate, at 400.0 MB decoded a second by each)\n"
        );
        assert_eq!(duration(0.2), "less than a second");
        assert_eq!(duration(7300.0), "about 2 h");
    }
}
