//! The groups beside the one that was opened: `ds["/group/name"]` reaches them.

use super::combine::{Combined, combine};
use super::{OpenOptions, Stored, StoredGroup, decode};
use crate::labels::{DataArray, DataTree, Dataset};
use crate::language::did_you_mean;
use crate::session::Session;
use craton_core::{Error, ErrorKind, Result};

/// Everything that lies at the URLs of a dataset.
#[derive(Debug)]
pub struct Groups {
    stored: Vec<Stored>,
    options: OpenOptions,
    skipped: Vec<(String, Error)>,
}

/// What stands at a path.
#[derive(Debug, Clone)]
pub enum Member {
    /// A group.
    Group(Dataset),
    /// An array, with the coordinates of its group.
    Array(DataArray),
}

impl Groups {
    pub(super) fn new(stored: Vec<Stored>, options: OpenOptions) -> Self {
        Self {
            stored,
            options,
            skipped: Vec::new(),
        }
    }

    /// Files that could not be read and were left out, with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[(String, Error)] {
        &self.skipped
    }

    /// The group that the first URL names, as stored.
    pub(crate) fn first(&self) -> Option<&StoredGroup> {
        self.stored.first()?.root().ok()
    }

    /// The paths of all groups; `/` is the root.
    #[must_use]
    pub fn paths(&self) -> Vec<&str> {
        let first = self.stored.first();
        first.map_or_else(Vec::new, |stored| {
            stored.groups.keys().map(String::as_str).collect()
        })
    }

    /// The group or array at `path`, which begins with `/` at the root of the file or store; of several files, combined.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] with near names; as [`open`](super::open).
    pub fn member(&self, path: &str, session: &Session) -> Result<Member> {
        let path = path.trim_end_matches('/');
        let is_group = path.is_empty() || self.paths().contains(&path);
        if is_group {
            return self.group(path, session).map(Member::Group);
        }
        let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
        let group = if group.is_empty() { "/" } else { group };
        let array = if self.paths().contains(&group) {
            self.group(group, session)?.array(name)
        } else {
            Err(Error::not_found(format!("nothing at `{path}`")))
        };
        let array = array.map_err(|error| match self.near(path) {
            Some(hint) if error.kind() == ErrorKind::NotFound => error.hint(hint),
            _ => error,
        });
        array.map(Member::Array)
    }

    /// All groups from the one that the URLs name on, in a tree.
    ///
    /// # Errors
    /// As [`Groups::member`]; [`ErrorKind::InvalidInput`] if the labels of a group are not those of the ones it lies in.
    pub fn tree(&self, session: &Session) -> Result<DataTree> {
        let root = self
            .stored
            .first()
            .map_or("/", |stored| stored.selected.as_str());
        let top = root.trim_end_matches('/');
        let inside = self.paths().into_iter().filter_map(|path| {
            let rest = path.strip_prefix(top)?;
            let rest = rest.trim_end_matches('/');
            match rest.is_empty() || rest.starts_with('/') {
                true => Some((if rest.is_empty() { "/" } else { rest }, path)),
                false => None,
            }
        });
        let nodes = inside.map(|(place, path)| {
            let mut group = self.group(path, session)?;
            group.groups = None;
            Ok((place.to_owned(), group))
        });
        DataTree::new(nodes.collect::<Result<Vec<_>>>()?)
    }

    /// A hint at groups and arrays with paths like `path`.
    fn near(&self, path: &str) -> Option<String> {
        let groups = self.stored.first()?.groups.iter();
        let paths: Vec<String> = groups
            .flat_map(|(group, members)| {
                let arrays = members.arrays.keys();
                let arrays =
                    arrays.map(move |name| format!("{}/{name}", group.trim_end_matches('/')));
                std::iter::once(group.clone()).chain(arrays)
            })
            .collect();
        did_you_mean(path, paths.iter().map(String::as_str))
    }

    /// The groups that the URLs themselves name, combined. Files that were left out before, or are now, are noted.
    pub(super) fn selected(
        &mut self,
        session: &Session,
        skipped: Vec<(String, Error)>,
    ) -> Result<Dataset> {
        let combined = self.combined(Stored::root, session)?;
        self.skipped = skipped;
        self.skipped.extend(combined.skipped);
        Ok(combined.dataset)
    }

    fn group(&self, path: &str, session: &Session) -> Result<Dataset> {
        let combined = self.combined(|stored| stored.group(path), session)?;
        Ok(combined.dataset)
    }

    fn combined<'a>(
        &'a self,
        group_of: impl Fn(&'a Stored) -> Result<&'a StoredGroup>,
        session: &Session,
    ) -> Result<Combined> {
        let groups = self.stored.iter().map(group_of);
        let groups = groups.collect::<Result<Vec<_>>>()?;
        match groups.as_slice() {
            [] => Err(Error::usage("no input was named")),
            [single] => Ok(Combined {
                dataset: decode::decode_group(single, self.options, session)?,
                skipped: Vec::new(),
            }),
            several => {
                let urls: Vec<String> = self
                    .stored
                    .iter()
                    .map(|stored| stored.url.clone())
                    .collect();
                combine(several, &urls, self.options, session)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::{Opened, open};
    use serde_json::json;
    use std::path::Path;

    /// A Zarr array of one chunk without compression.
    fn write_array(folder: &Path, name: &str, values: &[i32]) {
        let array = folder.join(name);
        std::fs::create_dir_all(array.join("c")).unwrap();
        let metadata = json!({
            "zarr_format": 3, "node_type": "array", "shape": [values.len()], "data_type": "int32",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [values.len()]}},
            "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "dimension_names": ["x"],
        });
        std::fs::write(array.join("zarr.json"), metadata.to_string()).unwrap();
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        std::fs::write(array.join("c/0"), bytes).unwrap();
    }

    fn write_group(folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let metadata = json!({"zarr_format": 3, "node_type": "group"});
        std::fs::write(folder.join("zarr.json"), metadata.to_string()).unwrap();
    }

    fn opened(folder: &Path, session: &Session) -> Dataset {
        let url = folder.display().to_string();
        match open(&[url], OpenOptions::default(), session).unwrap() {
            Opened::Dataset(dataset) => dataset,
            Opened::Array(_) => panic!("a store of groups is no array"),
        }
    }

    #[test]
    fn paths_reach_groups_and_their_arrays() {
        let folder = tempfile::tempdir().unwrap();
        write_group(folder.path());
        write_group(&folder.path().join("ocean"));
        write_array(folder.path(), "top", &[1, 2]);
        write_array(&folder.path().join("ocean"), "depth", &[3, 4, 5]);
        let session = Session::new(Some(1), None);
        let groups = opened(folder.path(), &session).groups.unwrap();
        let shape = |path: &str| match groups.member(path, &session).unwrap() {
            Member::Array(array) => array.variable.shape().to_vec(),
            Member::Group(group) => group.sizes().values().copied().collect(),
        };
        assert_eq!(shape("/top"), [2]);
        assert_eq!(shape("/ocean"), [3]);
        assert_eq!(shape("/ocean/"), [3]);
        assert_eq!(shape("/ocean/depth"), [3]);
        assert_eq!(shape("/"), [2]);
        for wrong in ["/ocaen", "/ocaen/depth", "/ocean/deep"] {
            let report = groups.member(wrong, &session).unwrap_err().report();
            assert!(report.contains("did you mean"), "{report}");
        }
    }
}
