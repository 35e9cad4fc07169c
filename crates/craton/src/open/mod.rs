//! From URLs to labelled datasets: detect, read metadata, decode by CF, combine by coordinates.

mod broken;
mod combine;
mod decode;
#[cfg(test)]
mod fuzz;
mod groups;
mod pattern;
mod stored;
mod variables;

pub(crate) use decode::{mask_and_scale, raw_variable};
pub use groups::{Groups, Member};
pub use pattern::expand;
pub use stored::{Stored, StoredGroup, open_stored, open_stored_with};
pub use variables::StoredVariable;

use crate::labels::{DataArray, Dataset};
use crate::session::Session;
use craton_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::sync::Arc;

/// How stored values become what the user sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whether masks, packing and times are decoded by the CF conventions.
    pub decodes_cf: bool,
    /// Which file gives a label that several have; an error if `None`.
    pub keep: Option<Keep>,
    /// Whether files that cannot be read are left out.
    pub skips_bad: bool,
}

/// Which of several files gives a label that more than one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The one that was named first.
    First,
    /// The one that was named last.
    Last,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            decodes_cf: true,
            keep: None,
            skips_bad: false,
        }
    }
}

impl OpenOptions {
    /// As recipes note them.
    #[must_use]
    pub(crate) fn to_json(self) -> Value {
        json!({
            "decode_cf": self.decodes_cf,
            "keep": self.keep.map(Keep::name),
            "skip_bad": self.skips_bad,
        })
    }

    /// What [`OpenOptions::to_json`] noted, the default where nothing was; `None` if it is anything else.
    #[must_use]
    pub(crate) fn from_json(noted: Option<&Value>) -> Option<Self> {
        let Some(noted) = noted else {
            return Some(Self::default());
        };
        let keep = noted.get("keep").and_then(Value::as_str);
        Some(Self {
            decodes_cf: noted.get("decode_cf")?.as_bool()?,
            keep: match keep {
                None => None,
                Some(name) => Some(Keep::from_name(name)?),
            },
            skips_bad: noted.get("skip_bad")?.as_bool()?,
        })
    }
}

impl Keep {
    /// `first` or `last`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// What has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::First, Self::Last]
            .into_iter()
            .find(|keep| keep.name() == name)
    }
}

/// What a URL is.
#[derive(Debug, Clone)]
pub enum Opened {
    /// A group, as a dataset.
    Dataset(Dataset),
    /// A URL that names one array.
    Array(DataArray),
}

/// Opens URLs together as one dataset, combined along the dimension in which their coordinates differ.
/// A single URL that names one array (`PATH!/array`, or an array's own folder) opens as that array.
///
/// # Errors
/// [`craton_core::ErrorKind::NotFound`] if there is nothing at a URL; what formats report; what decoding and
/// combining refuse, with the URL named.
/// # Cost
/// Reads metadata and the index coordinates.
pub fn open(urls: &[String], options: OpenOptions, session: &Session) -> Result<Opened> {
    let (stored, skipped) = open_all(urls, options, session)?;
    if let [single] = stored.as_slice()
        && let Some(name) = &single.array
    {
        let dataset = decode::decode_group(single.root()?, options, session)?;
        return dataset.array(name).map(Opened::Array);
    }
    let mut groups = Groups::new(stored, options);
    let mut dataset = groups.selected(session, skipped)?;
    dataset.groups = Some(Arc::new(groups));
    Ok(Opened::Dataset(dataset))
}

/// A URL that is left out, and why.
type Skipped = (String, Error);

/// What lies at each URL. Those that cannot be opened are left out if the options allow it, but not all of them.
fn open_all(
    urls: &[String],
    options: OpenOptions,
    session: &Session,
) -> Result<(Vec<Stored>, Vec<Skipped>)> {
    let stores = session.stores()?;
    let (mut stored, mut skipped) = (Vec::new(), Vec::new());
    for url in urls {
        match open_stored_with(url, &stores) {
            Ok(opened) => stored.push(opened),
            Err(error) if options.skips_bad && error.kind() != ErrorKind::Cancelled => {
                skipped.push((url.clone(), error.at(url)));
            }
            Err(error) => return Err(error),
        }
    }
    match (stored.is_empty(), skipped.pop()) {
        (true, Some((_, error))) => Err(error),
        (_, last) => {
            skipped.extend(last);
            Ok((stored, skipped))
        }
    }
}

/// Opens one group of an opened file as a dataset.
///
/// # Errors
/// As [`open`].
pub fn open_group(
    stored: &Stored,
    path: &str,
    options: OpenOptions,
    session: &Session,
) -> Result<Dataset> {
    decode::decode_group(stored.group(path)?, options, session)
}
