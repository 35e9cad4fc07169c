//! Which labels come from which file, and in what order.

use super::{Files, InFile};
use crate::calendar::time_nanoseconds;
use crate::calendar::{date_from_count, iso_string};
use crate::labels::{Variable, check_calendars};
use crate::open::Keep;
use craton_core::{DType, Error, Result, Scalar};
use std::cmp::Ordering;
use std::collections::HashMap;

/// How many overlapping pairs of files an error lists.
const MOST_LISTED: usize = 10;
/// Labels of several files that alternate in more runs than this are not put together.
const MOST_RUNS: usize = 100_000;

/// Neighbouring labels of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The file.
    pub file: usize,
    /// Its first index.
    pub start: u64,
    /// How many.
    pub length: u64,
}

/// All labels, in order.
#[derive(Debug)]
pub(super) struct Order {
    pub runs: Vec<Run>,
    /// Whether each run is a whole file.
    pub is_whole: bool,
}

/// A label in a form in which files that store it differently agree.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Integer(i128),
    /// Bits that order as the floats do.
    Float(u64),
    Bytes(Vec<u8>),
}

/// The labels of one file.
struct Labels {
    file: usize,
    dtype: DType,
    keys: Vec<Key>,
    first: Scalar,
    last: Scalar,
}

impl Files<'_> {
    /// The files' labels along `dim` in order, each once.
    pub(super) fn order_along(&self, dim: &str) -> std::result::Result<Order, InFile> {
        let mut all = Vec::new();
        for at in 0..self.groups.len() {
            let index = self.index(dim, at)?.ok_or_else(|| {
                let error = Error::not_found(format!("no coordinate `{dim}`"));
                self.in_file(at, error)
            })?;
            let labels = labels_of(&index, at, self);
            let labels = labels.map_err(|error| self.in_file(at, error.in_variable(dim)))?;
            all.extend(labels);
        }
        self.check_dtypes(dim, &all)?;
        let everywhere = |error| InFile {
            at: usize::MAX,
            error,
        };
        order(dim, &all, self.options.keep, self.urls).map_err(everywhere)
    }

    fn check_dtypes(&self, dim: &str, all: &[Labels]) -> std::result::Result<(), InFile> {
        let Some(first) = all.first() else {
            return Ok(());
        };
        for labels in all {
            let (one, other) = (first.dtype, labels.dtype);
            let names = [&self.urls[first.file], &self.urls[labels.file]];
            check_calendars(dim, [one, other], names.map(|url| format!("`{url}`")))
                .map_err(|error| self.in_file(labels.file, error))?;
            let is_time = |dtype: DType| matches!(dtype, DType::Time(_));
            if one != other && !(is_time(one) && is_time(other)) {
                let message = format!(
                    "`{dim}` is {other} in `{}` and {one} in `{}`",
                    names[1], names[0]
                );
                let error = Error::invalid(message).hint(
                    "the labels of all files must be of one kind; convert one of the files first",
                );
                return Err(self.in_file(labels.file, error));
            }
        }
        Ok(())
    }
}

/// `None` of a file without labels, which has nothing to give.
fn labels_of(index: &Variable, file: usize, files: &Files<'_>) -> Result<Option<Labels>> {
    let values = index.values(files.session)?;
    let scalars: Vec<Scalar> = values.scalars().collect();
    let (Some(first), Some(last)) = (scalars.first(), scalars.last()) else {
        return Ok(None);
    };
    let keys = scalars.iter().map(key).collect();
    Ok(Some(Labels {
        file,
        dtype: index.dtype(),
        keys,
        first: first.clone(),
        last: last.clone(),
    }))
}

fn key(label: &Scalar) -> Key {
    if let DType::Time(time) = label.dtype()
        && let Some(nanoseconds) = label
            .to_i64()
            .and_then(|count| time_nanoseconds(count, time))
    {
        return Key::Integer(nanoseconds);
    }
    match (label.to_i64(), label.to_f64()) {
        (Some(value), _) => Key::Integer(value.into()),
        (None, Some(value)) => {
            // One zero; negative floats order backwards by their bits.
            let bits = (value + 0.0).to_bits();
            Key::Float(if bits >> 63 == 1 {
                !bits
            } else {
                bits | 1 << 63
            })
        }
        _ => Key::Bytes(label.bytes().to_vec()),
    }
}

fn compare(one: &Key, other: &Key) -> Ordering {
    match (one, other) {
        (Key::Integer(one), Key::Integer(other)) => one.cmp(other),
        (Key::Float(one), Key::Float(other)) => one.cmp(other),
        (Key::Bytes(one), Key::Bytes(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}

fn order(dim: &str, all: &[Labels], keep: Option<Keep>, urls: &[String]) -> Result<Order> {
    let is_text = matches!(
        all.first().and_then(|labels| labels.keys.first()),
        Some(Key::Bytes(_))
    );
    let descends = all.iter().any(|labels| {
        let (first, last) = (labels.keys.first(), labels.keys.last());
        first
            .zip(last)
            .is_some_and(|(first, last)| compare(first, last).is_gt())
    });
    let mut spans: Vec<(&Labels, &Key, &Key)> = Vec::new();
    for labels in all {
        let least = labels.keys.iter().min_by(|one, other| compare(one, other));
        let most = labels.keys.iter().max_by(|one, other| compare(one, other));
        if let (Some(least), Some(most)) = (least, most) {
            spans.push((labels, least, most));
        }
    }
    // Texts have no order of their own: files stay as they were named.
    if !is_text {
        spans.sort_by(|one, other| compare(one.1, other.1).then(one.0.file.cmp(&other.0.file)));
    }
    let counts = counts(all);
    let overlapping: Vec<(&Labels, &Labels)> = if is_text {
        repeating(all, &counts)
    } else {
        let pairs = spans.windows(2);
        pairs
            .filter(|pair| compare(pair[0].2, pair[1].1).is_ge())
            .map(|pair| (pair[0].0, pair[1].0))
            .collect()
    };
    if overlapping.is_empty() {
        let whole = |(labels, ..): &(&Labels, &Key, &Key)| Run {
            file: labels.file,
            start: 0,
            length: labels.keys.len() as u64,
        };
        let mut runs: Vec<Run> = spans.iter().map(whole).collect();
        if descends && !is_text {
            runs.reverse();
        }
        return Ok(Order {
            runs,
            is_whole: true,
        });
    }
    match keep {
        Some(keep) => merged(dim, all, keep, descends, is_text),
        None => Err(overlap(dim, &overlapping, &counts, urls)),
    }
}

/// How many times each label stands.
fn counts(all: &[Labels]) -> HashMap<&Key, usize> {
    let mut counts = HashMap::new();
    for key in all.iter().flat_map(|labels| &labels.keys) {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}

/// Neighbouring files of which the second has labels that stood before.
fn repeating<'a>(
    all: &'a [Labels],
    counts: &HashMap<&Key, usize>,
) -> Vec<(&'a Labels, &'a Labels)> {
    let repeats = |labels: &Labels| labels.keys.iter().any(|key| counts.get(key) > Some(&1));
    let having: Vec<&Labels> = all.iter().filter(|labels| repeats(labels)).collect();
    having.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

fn overlap(
    dim: &str,
    pairs: &[(&Labels, &Labels)],
    counts: &HashMap<&Key, usize>,
    urls: &[String],
) -> Error {
    let repeated = counts.values().filter(|count| **count > 1).count();
    let file = |labels: &Labels| {
        let (first, last) = (label_text(&labels.first), label_text(&labels.last));
        format!("`{}` ({first} to {last})", urls[labels.file])
    };
    let listed = pairs
        .iter()
        .take(MOST_LISTED)
        .map(|(one, other)| format!("{} and {}", file(one), file(other)));
    let mut listed = listed.collect::<Vec<_>>().join("; ");
    if pairs.len() > MOST_LISTED {
        listed += &format!("; and {} more pairs", pairs.len() - MOST_LISTED);
    }
    let what = match repeated {
        0 => "their labels alternate".to_owned(),
        1 => "1 label stands in more than one".to_owned(),
        count => format!("{count} labels stand in more than one"),
    };
    Error::invalid(format!("files overlap along `{dim}`: {what}"))
        .caused_by(Error::invalid(listed))
        .hint("leave one of them out; or take each label once: `--keep first` from the file named first, `--keep last` from the last")
}

fn label_text(label: &Scalar) -> String {
    match label.dtype() {
        DType::Time(time) => {
            let date = label
                .to_i64()
                .and_then(|count| date_from_count(count, time));
            date.map_or_else(|| "NaT".to_owned(), iso_string)
        }
        _ => label.to_text().unwrap_or_else(|| label.to_string()),
    }
}

/// Every label once, from the first or last of the files that have it.
fn merged(dim: &str, all: &[Labels], keep: Keep, descends: bool, is_text: bool) -> Result<Order> {
    let mut places: Vec<(&Key, usize, u64)> = Vec::new();
    for labels in all {
        let indices = labels.keys.iter().enumerate();
        places.extend(indices.map(|(at, key)| (key, labels.file, at as u64)));
    }
    if is_text {
        let mut seen: HashMap<&Key, (usize, u64)> = HashMap::new();
        for (key, file, at) in &places {
            let place = seen.entry(key).or_insert((*file, *at));
            if keep == Keep::Last {
                *place = (*file, *at);
            }
        }
        places.retain(|(key, file, at)| seen.get(key) == Some(&(*file, *at)));
    } else {
        // Stable, so that of one label the places stay in the order of files.
        places.sort_by(|one, other| compare(one.0, other.0));
        if keep == Keep::Last {
            places.reverse();
        }
        places.dedup_by(|later, earlier| later.0 == earlier.0);
        if descends != (keep == Keep::Last) {
            places.reverse();
        }
    }
    let mut runs: Vec<Run> = Vec::new();
    for (_, file, at) in places {
        match runs.last_mut() {
            Some(run) if run.file == file && run.start + run.length == at => run.length += 1,
            _ => runs.push(Run {
                file,
                start: at,
                length: 1,
            }),
        }
    }
    if runs.len() > MOST_RUNS {
        let message = format!(
            "the labels of `{dim}` alternate between files {} times",
            runs.len()
        );
        return Err(Error::unsupported(message).hint("sort them into files that follow each other"));
    }
    Ok(Order {
        runs,
        is_whole: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(file: usize, values: &[i64]) -> Labels {
        let scalar = |value: &i64| Scalar::from_i64(DType::Int64, *value);
        Labels {
            file,
            dtype: DType::Int64,
            keys: values.iter().map(|value| key(&scalar(value))).collect(),
            first: scalar(&values[0]),
            last: scalar(&values[values.len() - 1]),
        }
    }

    fn runs(all: &[Labels], keep: Option<Keep>) -> Vec<(usize, u64, u64)> {
        let urls: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let order = order("x", all, keep, &urls).unwrap();
        order
            .runs
            .iter()
            .map(|run| (run.file, run.start, run.length))
            .collect()
    }

    #[test]
    fn files_follow_each_other_whatever_their_order() {
        let all = [labels(0, &[7, 8]), labels(1, &[1, 2, 3]), labels(2, &[4])];
        assert_eq!(runs(&all, None), [(1, 0, 3), (2, 0, 1), (0, 0, 2)]);
        let all = [labels(0, &[3, 2, 1]), labels(1, &[9, 8])];
        assert_eq!(runs(&all, None), [(1, 0, 2), (0, 0, 3)]);
    }

    #[test]
    fn repeated_labels_come_from_the_first_or_last_file() {
        let all = [
            labels(0, &[1, 2, 3]),
            labels(1, &[3, 4, 5]),
            labels(2, &[2]),
        ];
        assert_eq!(runs(&all, Some(Keep::First)), [(0, 0, 3), (1, 1, 2)]);
        assert_eq!(
            runs(&all, Some(Keep::Last)),
            [(0, 0, 1), (2, 0, 1), (1, 0, 3)]
        );
        let all = [labels(0, &[3, 2, 1]), labels(1, &[5, 4, 3])];
        assert_eq!(runs(&all, Some(Keep::Last)), [(1, 0, 3), (0, 1, 2)]);
    }

    #[test]
    fn overlapping_files_are_listed() {
        let urls: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let all = [
            labels(0, &[1, 2, 3]),
            labels(1, &[3, 4]),
            labels(2, &[4, 5]),
        ];
        let report = order("x", &all, None, &urls).unwrap_err().report();
        for part in [
            "2 labels",
            "`a` (1 to 3) and `b` (3 to 4); `b` (3 to 4) and `c`",
            "--keep first",
        ] {
            assert!(report.contains(part), "{report}");
        }
    }
}
