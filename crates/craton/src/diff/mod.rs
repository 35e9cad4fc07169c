//! What differs between two URLs: first what they say of themselves, then their values.
//!
//! Takes two URLs of any formats; gives a [`Diff`]. Values stream through the engine, whatever their size.

mod metadata;
mod report;
mod values;

pub use metadata::{Aspect, MetadataDifference};
pub use values::{Place, ValueDifference};

use crate::history::{Difference, Repository};
use crate::labels::Dataset;
use crate::open::{OpenOptions, Stored, open_group, open_stored_with};
use crate::session::Session;
use craton_core::{Error, Result};
use craton_store::StoreSettings;
use craton_store::scheme::repository_and_version;

/// The attribute in which the program itself notes how an output came about.
const RECIPE: &str = "craton_recipe";

/// What counts as a difference.
#[derive(Debug, Clone, Default)]
pub struct DiffOptions {
    /// How both are opened.
    pub open: OpenOptions,
    /// Values may differ by this part of the second one.
    pub rtol: f64,
    /// Values may differ by this much.
    pub atol: f64,
    /// Attributes of these names are not compared.
    pub ignored_attributes: Vec<String>,
}

impl DiffOptions {
    fn ignores(&self, attribute: &str) -> bool {
        attribute == RECIPE || self.ignored_attributes.iter().any(|name| name == attribute)
    }
}

/// All differences between two URLs.
#[derive(Debug, Clone)]
pub struct Diff {
    /// Both URLs as written.
    pub urls: [String; 2],
    /// The groups of both, those without differences too.
    pub groups: Vec<GroupDiff>,
    /// Of two versions of one repository, what differs in what they refer to.
    pub stored: Option<Difference>,
}

/// The differences between two groups.
#[derive(Debug, Clone)]
pub struct GroupDiff {
    /// The path below the group that the URL names.
    pub path: String,
    /// In what they say of themselves.
    pub metadata: Vec<MetadataDifference>,
    /// In values, by variable.
    pub values: Vec<ValueDifference>,
    /// Variables whose values were compared.
    pub compared: Vec<String>,
    /// Variables of both whose values could not be compared, and why.
    pub skipped: Vec<(String, String)>,
}

impl Diff {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.groups
            .iter()
            .all(|group| group.metadata.is_empty() && group.values.is_empty())
    }
}

/// Compares what lies at two URLs, as decoded.
///
/// The second is the reference of relative tolerances. NaN equals NaN. The note of how an output came about, which
/// the program itself writes, is not compared.
///
/// # Errors
/// As [`crate::open::open_stored`]; the error of a variable that cannot be read on either side; what computing reports.
/// # Cost
/// Every value of both is read once, where shapes and dtypes allow to compare them. Of two versions of one repository with
/// the same metadata only arrays are read of which chunks differ.
pub fn diff(one: &str, other: &str, options: &DiffOptions, session: &Session) -> Result<Diff> {
    let stores = session.stores()?;
    let sides = [Side::open(one, &stores)?, Side::open(other, &stores)?];
    let stored = between_versions([one, other], &sides, &stores)?;
    let mut paths = sides[0].paths();
    for path in sides[1].paths() {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let mut groups = Vec::new();
    for path in paths {
        let [one, other] = [
            sides[0].group(&path, options, session)?,
            sides[1].group(&path, options, session)?,
        ];
        groups.push(match (one, other) {
            (Some(one), Some(other)) => {
                let inside = format!("{}{}", sides[1].prefix(), path.trim_end_matches('/'));
                let is_kept = |name: &str| match &stored {
                    Some(stored) if stored.is_only_in_chunks => {
                        !stored.arrays.contains_key(&format!("{inside}/{name}"))
                    }
                    _ => false,
                };
                of_groups(path, &one, &other, is_kept, options, session)?
            }
            (one, _) => GroupDiff::only(path, one.is_some()),
        });
    }
    Ok(Diff {
        urls: [one.to_owned(), other.to_owned()],
        groups,
        stored,
    })
}

/// Compares two datasets at hand.
///
/// # Errors
/// As [`diff`].
pub fn diff_datasets(
    one: &Dataset,
    other: &Dataset,
    options: &DiffOptions,
    session: &Session,
) -> Result<GroupDiff> {
    of_groups("/".to_owned(), one, other, |_| false, options, session)
}

/// What differs in what two versions of one repository refer to; `None` if they are anything else.
fn between_versions(
    urls: [&str; 2],
    sides: &[Side; 2],
    stores: &StoreSettings,
) -> Result<Option<Difference>> {
    let is_repository = |side: &Side| {
        let keeper = side.stored.keeper.as_deref();
        keeper.is_some_and(|keeper| keeper.starts_with("Icechunk"))
    };
    let place = |url: &str| url.split("!/").next().unwrap_or(url).to_owned();
    let places = urls.map(place);
    let [(one, _), (other, _)] = [&places[0], &places[1]].map(|url| repository_and_version(url));
    let [before, after] = [&sides[0], &sides[1]].map(|side| side.stored.snapshot.as_deref());
    let (Some(before), Some(after)) = (before, after) else {
        return Ok(None);
    };
    if one != other
        || !sides.iter().all(is_repository)
        || sides[0].selected() != sides[1].selected()
    {
        return Ok(None);
    }
    // By the snapshots that are open, wherever the branches are by now.
    let (repository, _) = Repository::open_with(&places[0], stores)?;
    repository.difference(before, after).map(Some)
}

/// `is_kept` tells which variables are stored as they were, so that their values need not be read.
fn of_groups(
    path: String,
    one: &Dataset,
    other: &Dataset,
    is_kept: impl Fn(&str) -> bool,
    options: &DiffOptions,
    session: &Session,
) -> Result<GroupDiff> {
    let mut group = GroupDiff {
        path,
        metadata: metadata::differences(one, other, options),
        values: Vec::new(),
        compared: Vec::new(),
        skipped: Vec::new(),
    };
    for name in one.coords.keys().chain(one.variables.keys()) {
        if !other.coords.contains_key(name) && !other.variables.contains_key(name) {
            continue;
        }
        let (one, other) = (one.array(name)?, other.array(name)?);
        match values::obstacle(&one, &other) {
            Some(reason) => group.skipped.push((name.clone(), reason)),
            None if is_kept(name) => group.compared.push(name.clone()),
            None => {
                let found = values::difference(name, &one, &other, options, session);
                group
                    .values
                    .extend(found.map_err(|error| error.in_variable(name))?);
                group.compared.push(name.clone());
            }
        }
    }
    Ok(group)
}

impl GroupDiff {
    fn only(path: String, is_first: bool) -> Self {
        let metadata = vec![MetadataDifference::only(
            Aspect::Group,
            None,
            &path,
            is_first,
        )];
        Self {
            path,
            metadata,
            values: Vec::new(),
            compared: Vec::new(),
            skipped: Vec::new(),
        }
    }
}

/// One of the two.
struct Side {
    stored: Stored,
}

impl Side {
    fn open(url: &str, stores: &StoreSettings) -> Result<Self> {
        let stored = open_stored_with(url, stores)?;
        stored.root()?;
        Ok(Self { stored })
    }

    /// What the URL names in the store.
    fn selected(&self) -> (&str, Option<&str>) {
        (&self.stored.selected, self.stored.array.as_deref())
    }

    fn prefix(&self) -> &str {
        self.stored.selected.trim_end_matches('/')
    }

    /// The paths of groups below the one that the URL names; of an array only the group in which it stands alone.
    fn paths(&self) -> Vec<String> {
        if self.stored.array.is_some() {
            return vec!["/".to_owned()];
        }
        let below = |path: &String| match path.strip_prefix(self.prefix())? {
            "" | "/" => Some("/".to_owned()),
            rest if rest.starts_with('/') => Some(rest.to_owned()),
            _ => None,
        };
        self.stored.groups.keys().filter_map(below).collect()
    }

    /// The group at `path` below the one that the URL names, if there is one.
    fn group(
        &self,
        path: &str,
        options: &DiffOptions,
        session: &Session,
    ) -> Result<Option<Dataset>> {
        if !self.paths().iter().any(|known| known == path) {
            return Ok(None);
        }
        let whole = format!("{}{path}", self.prefix());
        let named = |error: Error| error.at(&self.stored.url);
        let mut dataset = open_group(&self.stored, &whole, options.open, session).map_err(named)?;
        if let Some(name) = &self.stored.array {
            let array = dataset.array(name).map_err(named)?;
            return Dataset::from_arrays([(ARRAY.to_owned(), array)]).map(Some);
        }
        if let Some((name, error)) = dataset.broken.first() {
            return Err(named(error.again().in_variable(name)));
        }
        dataset.groups = None;
        Ok(Some(dataset))
    }
}

/// Arrays that URLs name are compared under one name, whatever their own.
const ARRAY: &str = "array";

#[cfg(test)]
mod tests;
