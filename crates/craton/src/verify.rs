//! Whether all that lies at a URL can be read: every chunk is located, read and decoded, with the checksums that it has.

use crate::open::open_stored_with;
use crate::session::Session;
use crate::size::show_size;
use craton_core::{Error, ErrorKind, Grid, Result, Source};
use craton_exec::Seen;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// More chunks than these are not looked for: it would take most of an hour to find that none is there.
const MOST_CHUNKS: u64 = 1 << 30;
/// Failures that are told of one array; all are counted.
const MOST_TOLD: usize = 20;

/// What became of the chunks at a URL.
#[derive(Debug)]
pub struct Verification {
    /// The URL as written.
    pub url: String,
    /// Its arrays, in stored order.
    pub arrays: Vec<VerifiedArray>,
    /// Parts that could not be opened at all, and why.
    pub broken: Vec<(String, Arc<Error>)>,
}

/// What became of the chunks of one array.
#[derive(Debug)]
pub struct VerifiedArray {
    /// Its path in the store.
    pub path: String,
    /// Chunks that the grid has.
    pub chunks: u64,
    /// Those that were looked for.
    pub looked_for: u64,
    /// Those of them that are stored, and whole.
    pub whole: u64,
    /// Those that are not stored, and stand for fill values.
    pub absent: u64,
    /// Bytes of those that are whole, as stored.
    pub bytes: u64,
    /// Those that are damaged, or whose place cannot be read.
    pub damaged: u64,
    /// The first of these by index, and why.
    pub failures: Vec<(Vec<u64>, Error)>,
}

/// Looks for every chunk at `url`, or for `sample` of each array, which are as far from each other as can be.
///
/// # Errors
/// As [`open_stored_with`]; [`craton_core::ErrorKind::Budget`] if a chunk does not fit;
/// [`craton_core::ErrorKind::Cancelled`]. Damage is no error here: the answer tells it.
/// # Cost
/// Reads and decodes each chunk once; a chunk a thread is in memory.
pub fn verify(url: &str, sample: Option<u64>, session: &Session) -> Result<Verification> {
    let stored = open_stored_with(url, &session.stores()?)?;
    // Whether the group lies below the one that the URL names.
    let is_below = |path: &str| {
        let rest = path.strip_prefix(stored.selected.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_wanted = |name: &str| stored.array.as_ref().is_none_or(|array| array == name);
    let mut verification = Verification {
        url: url.to_owned(),
        arrays: Vec::new(),
        broken: Vec::new(),
    };
    for (path, group) in stored.groups.iter().filter(|(path, _)| is_below(path)) {
        let path = |name: &str| format!("{}/{name}", path.trim_matches('/'));
        let path = |name: &str| path(name).trim_start_matches('/').to_owned();
        for (name, error) in group.broken.iter().filter(|(name, _)| is_wanted(name)) {
            verification.broken.push((path(name), error.clone()));
        }
        for (name, source) in group.arrays.iter().filter(|(name, _)| is_wanted(name)) {
            let array = of_array(path(name), source, sample, session)?;
            verification.arrays.push(array);
        }
        if stored.array.is_some() {
            break;
        }
    }
    Ok(verification)
}

fn of_array(
    path: String,
    source: &Arc<dyn Source>,
    sample: Option<u64>,
    session: &Session,
) -> Result<VerifiedArray> {
    let grid = &source.meta().grid;
    let chunks = grid.len();
    let looked_for = sample.map_or(chunks, |sample| sample.min(chunks));
    if looked_for > MOST_CHUNKS {
        let message = format!("`{path}` has {chunks} chunks, too many to look for each");
        return Err(Error::new(ErrorKind::Budget, message)
            .at(source.url())
            .hint("a sample tells something too: `--sample 1000`"));
    }
    let array = Mutex::new(VerifiedArray {
        path: path.clone(),
        chunks,
        looked_for,
        whole: 0,
        absent: 0,
        bytes: 0,
        damaged: 0,
        failures: Vec::new(),
    });
    let chunk = |number: u64| {
        // Evenly from the first to the last, in more digits than the product has.
        let apart = u128::from(chunks.saturating_sub(1)) * u128::from(number);
        let at = apart / u128::from(looked_for.saturating_sub(1).max(1));
        index_of(grid, u64::try_from(at).unwrap_or(chunks))
    };
    let tell = |index: Vec<u64>, seen: Result<Seen>| {
        let mut array = array.lock().unwrap_or_else(PoisonError::into_inner);
        match seen {
            Ok(Seen::Absent) => array.absent += 1,
            Ok(Seen::Whole { stored }) => {
                array.whole += 1;
                array.bytes += stored;
            }
            Err(error) => {
                array.damaged += 1;
                let at = array.failures.partition_point(|(other, _)| *other < index);
                array.failures.insert(at, (index, error));
                array.failures.truncate(MOST_TOLD);
            }
        }
    };
    let engine = session.engine();
    let control = session.control();
    let done = engine.verify(source, looked_for, chunk, &control, tell);
    done.map_err(|error| error.in_variable(&path))?;
    Ok(array.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The index of chunk `number`, in C order.
fn index_of(grid: &Grid, mut number: u64) -> Vec<u64> {
    let mut index: Vec<u64> = grid
        .shape()
        .iter()
        .rev()
        .map(|count| {
            let at = number % count.max(&1);
            number /= count.max(&1);
            at
        })
        .collect();
    index.reverse();
    index
}

impl Verification {
    /// The first thing that is wrong.
    #[must_use]
    pub fn first_error(&self) -> Option<&Error> {
        let broken = self.broken.iter().map(|(_, error)| error.as_ref());
        let damaged = self.arrays.iter().flat_map(|array| &array.failures);
        broken.chain(damaged.map(|(_, error)| error)).next()
    }

    /// For people: a line for each array, and the reports of what is wrong.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.url);
        for (path, error) in &self.broken {
            text += &format!("{path}: cannot be opened\n{}\n", indented(&error.report()));
        }
        for array in &self.arrays {
            text += &array.line();
            for (_, error) in &array.failures {
                text += &format!("{}\n", indented(&error.report()));
            }
            let more = array.damaged - array.failures.len() as u64;
            if more > 0 {
                text += &format!("    and {more} more\n");
            }
        }
        text
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let broken = self.broken.iter();
        let broken = broken.map(|(path, error)| json!({"path": path, "error": error.report()}));
        let arrays = self.arrays.iter().map(|array| {
            let failures = array.failures.iter();
            let failures =
                failures.map(|(chunk, error)| json!({"chunk": chunk, "error": error.report()}));
            json!({
                "path": array.path,
                "chunks": array.chunks,
                "looked_for": array.looked_for,
                "whole": array.whole,
                "absent": array.absent,
                "bytes": array.bytes,
                "damaged": array.damaged,
                "failures": failures.collect::<Vec<_>>(),
            })
        });
        json!({
            "url": self.url,
            "is_whole": self.first_error().is_none(),
            "broken": broken.collect::<Vec<_>>(),
            "arrays": arrays.collect::<Vec<_>>(),
        })
    }
}

impl VerifiedArray {
    fn line(&self) -> String {
        let of = match self.looked_for == self.chunks {
            true => String::new(),
            false => format!(" of {} (a sample)", self.chunks),
        };
        let mut line = format!("{}: {} chunks{of}", self.path, self.looked_for);
        line += &format!(", {} whole ({})", self.whole, show_size(self.bytes));
        if self.absent > 0 {
            line += &format!(", {} not stored: fill values", self.absent);
        }
        if self.damaged > 0 {
            line += &format!(", {} DAMAGED", self.damaged);
        }
        line + "\n"
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("    {line}"));
    lines.collect::<Vec<_>>().join("\n")
}
