//! A line on the terminal while work goes on: what is done, how fast, how long still, and the memory in use.
//!
//! Nothing is drawn where standard error is no terminal, nor for work that ends within a second.

use craton::Session;
use craton::size::show_size;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long work goes on before anything is drawn.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is drawn anew.
const PERIOD: Duration = Duration::from_millis(200);

/// A line that is drawn until this is dropped.
pub struct Progress {
    drawer: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Watches the work of `session`.
    pub fn watch(session: &Session) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { drawer: None };
        }
        let control = session.control();
        let (stop, stopped) = channel();
        let drawer = std::thread::spawn(move || {
            if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let started = Instant::now() - PATIENCE;
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style());
            loop {
                let metrics = control.metrics();
                bar.set_length(metrics.tasks_total);
                bar.set_position(metrics.tasks_done);
                bar.set_message(describe(&metrics, started.elapsed()));
                if stopped.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout) {
                    bar.finish_and_clear();
                    return;
                }
            }
        });
        Self {
            drawer: Some((stop, drawer)),
        }
    }
}

impl Progress {
    /// A writer that removes the line before the first byte of the answer, which may go to the same terminal.
    pub fn until_written<W: Write>(self, out: W) -> UntilWritten<W> {
        UntilWritten {
            progress: Some(self),
            out,
        }
    }
}

/// See [`Progress::until_written`].
pub struct UntilWritten<W> {
    progress: Option<Progress>,
    out: W,
}

impl<W: Write> Write for UntilWritten<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.progress = None;
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, drawer)) = self.drawer.take() {
            drop(stop);
            // A drawer that failed leaves a line undrawn, nothing else.
            let _ = drawer.join();
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_bar} {percent:>3} %  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `1.2 GB read, 310.0 MB written, 96.1 MB in memory at most, 00:41 left`.
fn describe(metrics: &craton::Metrics, elapsed: Duration) -> String {
    let mut parts = vec![format!("{} read", show_size(metrics.bytes_read))];
    if metrics.bytes_written > 0 {
        parts.push(format!("{} written", show_size(metrics.bytes_written)));
    }
    parts.push(format!(
        "{} in memory at most",
        show_size(craton::peak_resident())
    ));
    if let Some(left) = time_left(metrics.tasks_done, metrics.tasks_total, elapsed) {
        parts.push(format!("{left} left"));
    }
    parts.join(", ")
}

/// `01:05`, once enough is done to tell.
fn time_left(done: u64, total: u64, elapsed: Duration) -> Option<String> {
    if done == 0 || total < done {
        return None;
    }
    let seconds = elapsed.as_secs_f64() * (total - done) as f64 / done as f64;
    let seconds = seconds.round() as u64;
    Some(format!("{:02}:{:02}", seconds / 60, seconds % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_from_what_is_done() {
        let elapsed = Duration::from_secs(10);
        assert_eq!(time_left(0, 8, elapsed), None);
        assert_eq!(time_left(2, 8, elapsed), Some("00:30".to_owned()));
        assert_eq!(time_left(1, 10, elapsed), Some("01:30".to_owned()));
        assert_eq!(time_left(8, 8, elapsed), Some("00:00".to_owned()));
    }

    #[test]
    fn the_line_tells_bytes_and_memory() {
        let metrics = craton::Metrics {
            bytes_read: 1_200_000_000,
            tasks_done: 1,
            tasks_total: 2,
            ..craton::Metrics::default()
        };
        let line = describe(&metrics, Duration::from_secs(61));
        assert!(line.starts_with("1.2 GB read, "), "{line}");
        assert!(line.ends_with(" in memory at most, 01:01 left"), "{line}");
    }
}
