//! What lies at a URL, in one form for all formats: groups of named arrays.

use crate::language::did_you_mean;
use craton_core::{Attributes, Error, ErrorKind, Result, Source};
use craton_format::detect::{Detected, Format, detect};
use craton_format::{hdf5, netcdf3, tree, zarr};
use craton_store::scheme::is_remote_url;
use craton_store::{IcechunkRepository, StoreSettings, public_url};
use indexmap::IndexMap;
use std::sync::Arc;

/// The groups at a URL.
#[derive(Debug)]
pub struct Stored {
    /// The URL as written.
    pub url: String,
    /// The format.
    pub format: Format,
    /// What keeps the objects, in words, where it is more than files.
    pub keeper: Option<String>,
    /// The snapshot that is read, of a repository.
    pub snapshot: Option<String>,
    /// Groups by path; `/` is the root.
    pub groups: IndexMap<String, StoredGroup>,
    /// The group that the URL names.
    pub selected: String,
    /// The array in that group, if the URL names one.
    pub array: Option<String>,
}

/// A group as stored.
#[derive(Debug, Default)]
pub struct StoredGroup {
    /// Attributes.
    pub attributes: Attributes,
    /// The dimensions that it defines, where the format has such things.
    pub dimensions: Vec<tree::Dimension>,
    /// Arrays by name.
    pub arrays: IndexMap<String, Arc<dyn Source>>,
    /// Members that cannot be read, by name.
    pub broken: IndexMap<String, Arc<Error>>,
}

impl Stored {
    /// Whether this is a Zarr store, of any version.
    #[must_use]
    pub fn is_zarr(&self) -> bool {
        matches!(self.format, Format::Zarr2 | Format::Zarr3)
    }

    /// The group that the URL names.
    ///
    /// # Errors
    /// As [`Stored::group`].
    pub fn root(&self) -> Result<&StoredGroup> {
        self.group(&self.selected)
    }

    /// The group at `path`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] with near names.
    pub fn group(&self, path: &str) -> Result<&StoredGroup> {
        let path = format!("/{}", path.trim_matches('/'));
        self.groups.get(&path).ok_or_else(|| {
            let error = Error::not_found(format!("no group `{path}`")).at(&self.url);
            match did_you_mean(&path, self.groups.keys().map(String::as_str)) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
    }
}

/// Opens what lies at `url`: a store, a file, or `FILE!/path` for a member of one.
///
/// # Errors
/// [`craton_core::ErrorKind::NotFound`] if there is nothing; what the format reports.
pub fn open_stored(url: &str) -> Result<Stored> {
    open_stored_with(url, &StoreSettings::current()?)
}

/// As [`open_stored`], with settings for stores.
///
/// # Errors
/// As [`open_stored`].
pub fn open_stored_with(url: &str, settings: &StoreSettings) -> Result<Stored> {
    let shown = public_url(url);
    let _span = tracing::debug_span!("open", url = %shown).entered();
    let (file, member) = split_member(url);
    let detected = match pollster::block_on(detect(file, settings)) {
        Ok(detected) => detected,
        Err(error) => return in_repository(url, error, settings),
    };
    let keeper = detected.store.keeper();
    let snapshot = keeper.as_ref().and(detected.store.version(&detected.root));
    let url = shown.as_str();
    let mut groups = IndexMap::new();
    match detected.format {
        Format::Zarr2 | Format::Zarr3 => {
            let opened = zarr::open_hierarchy(detected.store.clone(), &detected.root);
            match (pollster::block_on(opened), member) {
                (Ok(node), _) => collect_zarr(url, node, &mut groups),
                // A store that cannot be listed may still be asked for a name.
                (Err(error), Some(member)) if error.kind() == ErrorKind::Unsupported => {
                    collect_named(url, &detected, member, error, &mut groups)?;
                }
                (Err(error), _) => return Err(error),
            }
        }
        Format::Hdf5 => {
            let file = pollster::block_on(hdf5::open(detected.store, &detected.root))?;
            collect_tree(url, file.nodes, &mut groups);
        }
        Format::NetCdf3 => {
            let file = pollster::block_on(netcdf3::open(detected.store, &detected.root))?;
            collect_tree(url, file.nodes, &mut groups);
        }
    }
    let mut stored = Stored {
        url: url.to_owned(),
        format: detected.format,
        keeper,
        snapshot,
        groups,
        selected: "/".to_owned(),
        array: None,
    };
    match member {
        Some(member) => select_member(&mut stored, member)?,
        None => select_root_array(&mut stored),
    }
    Ok(stored)
}

/// What lies at `url` if that is an Icechunk repository behind a URL, which only questions to its store can tell; `error`
/// otherwise.
fn in_repository(url: &str, error: Error, settings: &StoreSettings) -> Result<Stored> {
    let may_be = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported);
    if !may_be || !is_remote_url(url) {
        return Err(error);
    }
    let (file, _) = split_member(url);
    match pollster::block_on(IcechunkRepository::open_with(file, settings)) {
        Ok(_) => open_stored_with(&format!("icechunk+{url}"), settings),
        Err(_) => Err(error),
    }
}

/// The member `member` of a Zarr store of which the names are not known.
fn collect_named(
    url: &str,
    detected: &Detected,
    member: &str,
    cause: Error,
    groups: &mut IndexMap<String, StoredGroup>,
) -> Result<()> {
    let path = member.trim_matches('/');
    let root = match detected.root.as_str() {
        "" => path.to_owned(),
        root => format!("{root}/{path}"),
    };
    let opened = pollster::block_on(zarr::open_hierarchy(detected.store.clone(), &root));
    let mut node = opened.map_err(|error| match error.kind() {
        ErrorKind::Unsupported => cause,
        _ => error,
    })?;
    let mut pending = vec![&mut node];
    while let Some(node) = pending.pop() {
        node.path = format!("/{path}{}", node.path.trim_end_matches('/'));
        pending.extend(&mut node.children);
    }
    collect_zarr(url, node, groups);
    Ok(())
}

/// `FILE!/path` into its parts; `X.zip!/inner` belongs to the store.
fn split_member(url: &str) -> (&str, Option<&str>) {
    match url.rsplit_once("!/") {
        Some((file, member)) if !file.to_ascii_lowercase().ends_with(".zip") => {
            (file, Some(member))
        }
        _ => (url, None),
    }
}

fn select_member(stored: &mut Stored, member: &str) -> Result<()> {
    let path = format!("/{}", member.trim_matches('/'));
    if stored.groups.contains_key(&path) {
        stored.selected = path;
        return Ok(());
    }
    let (group, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let group = if group.is_empty() { "/" } else { group };
    stored
        .group(group)?
        .array(name)
        .map_err(|error| error.at(&stored.url))?;
    stored.selected = group.to_owned();
    stored.array = Some(name.to_owned());
    Ok(())
}

/// A Zarr array's own folder opens as that array, named after the folder.
fn select_root_array(stored: &mut Stored) {
    if let Some(root) = stored.groups.get_mut("/")
        && let Some(array) = root.arrays.shift_remove("")
    {
        let name = stored
            .url
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or("array");
        let name = name.split('.').next().unwrap_or(name).to_owned();
        root.arrays.insert(name.clone(), array);
        stored.array = Some(name);
    }
}

impl StoredGroup {
    /// The array `name`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] with near names; the array's own error if it is broken.
    pub fn array(&self, name: &str) -> Result<&Arc<dyn Source>> {
        if let Some(error) = self.broken.get(name) {
            return Err(error.again().in_variable(name));
        }
        self.arrays.get(name).ok_or_else(|| {
            let error = Error::not_found(format!("no array `{name}`"));
            match did_you_mean(name, self.arrays.keys().map(String::as_str)) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
    }
}

fn parent_and_name(path: &str) -> (String, String) {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    (
        if parent.is_empty() {
            "/".to_owned()
        } else {
            parent.to_owned()
        },
        name.to_owned(),
    )
}

pub(super) fn collect_zarr(
    url: &str,
    root: zarr::Node,
    groups: &mut IndexMap<String, StoredGroup>,
) {
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        let (parent, name) = parent_and_name(&node.path);
        match node.kind {
            zarr::NodeKind::Group { attributes } => {
                groups.entry(node.path.clone()).or_default().attributes = attributes;
            }
            zarr::NodeKind::Array(array) => {
                groups.entry(parent).or_default().arrays.insert(name, array);
            }
            zarr::NodeKind::Broken(error) => {
                let group = groups.entry(parent).or_default();
                group.broken.insert(name, Arc::new(error.at(url)));
            }
        }
        pending.extend(node.children.into_iter().rev());
    }
}

fn collect_tree(url: &str, nodes: Vec<tree::Node>, groups: &mut IndexMap<String, StoredGroup>) {
    for node in nodes {
        let (parent, name) = parent_and_name(&node.path);
        match node.kind {
            tree::NodeKind::Group(group) => {
                let known = groups.entry(node.path).or_default();
                known.attributes = group.attributes;
                known.dimensions = group.dimensions;
            }
            tree::NodeKind::Array(source) => {
                groups
                    .entry(parent)
                    .or_default()
                    .arrays
                    .insert(name, source);
            }
            tree::NodeKind::Broken(error) => {
                let group = groups.entry(parent).or_default();
                group.broken.insert(name, Arc::new(error.at(url)));
            }
        }
    }
}
