//! The metadata of a Zarr store in the other version, beside those that are there; chunks stay as they are.

use craton_core::{ByteRange, Error, ErrorKind, Pool, ReadRanges, Result};
use craton_format::zarr::convert;
use craton_store::LocalStore;
use craton_store::scheme::local_path;
use pollster::block_on;
use serde_json::{Map, Value, json};
use std::fs;

/// Groups nested deeper than this are not entered: links may lead in circles.
const DEEPEST: usize = 64;

/// What is asked of a conversion.
#[derive(Debug, Clone, Copy)]
pub struct Converting {
    /// The version to be: 2 or 3.
    pub version: u8,
    /// Tell only what would be done.
    pub is_dry_run: bool,
    /// Remove the metadata of the other version afterwards.
    pub removes_old: bool,
}

/// What a conversion did, or would do.
#[derive(Debug, Clone, Default)]
pub struct Conversion {
    /// Groups, by path.
    pub groups: Vec<String>,
    /// Arrays, by path.
    pub arrays: Vec<String>,
    /// Files with new metadata.
    pub written: Vec<String>,
    /// Files with metadata of the other version that are removed.
    pub removed: Vec<String>,
}

/// Writes the metadata of every group and array under `url` as those of another version of Zarr. All are converted before
/// any is written, and the root comes last, so that readers see the store in one version or the other.
///
/// # Errors
/// [`ErrorKind::NotFound`] if there are no metadata of the version to convert from, [`ErrorKind::Conflict`] if there are
/// some of the other, [`ErrorKind::Unsupported`] if they cannot be said in the other version (which node, and why).
pub fn convert_metadata(url: &str, asked: Converting) -> Result<Conversion> {
    let path = local_path(url).filter(|_| !url.contains("!/"));
    let path =
        path.ok_or_else(|| Error::unsupported("metadata are converted in folders only").at(url))?;
    let converter = Converter {
        store: LocalStore::new(path),
        to_3: asked.version == 3,
    };
    let mut work = Work::default();
    converter
        .node("", 0, &mut work)
        .map_err(|error| error.at(url))?;
    if work.done.written.is_empty() {
        let names = if converter.to_3 {
            "`.zgroup` or `.zarray`"
        } else {
            "`zarr.json`"
        };
        return Err(Error::not_found(format!("no {names} at `{url}`")));
    }
    converter.consolidate(&mut work)?;
    if asked.removes_old {
        work.done.removed.clone_from(&work.old);
    }
    if !asked.is_dry_run {
        converter.write(&work, asked.removes_old)?;
    }
    Ok(work.done)
}

#[derive(Default)]
struct Work {
    done: Conversion,
    /// New documents by location, children before their parents.
    documents: Vec<(String, Value)>,
    old: Vec<String>,
    is_consolidated: bool,
}

struct Converter {
    store: LocalStore,
    to_3: bool,
}

impl Converter {
    fn document(&self, path: &str, name: &str) -> Result<Option<Value>> {
        let location = join(path, name);
        let pool = Pool::unlimited();
        let bytes = block_on(self.store.read(&location, ByteRange::Whole, &pool))?;
        let parsed = bytes.map(|bytes| convert::parse(&bytes)).transpose();
        parsed.map_err(|error| error.at(self.store.url_of(&location)))
    }

    /// Converts the node at `path` and those under it, if it is one.
    fn node(&self, path: &str, depth: usize, work: &mut Work) -> Result<()> {
        let named = |error: Error| {
            let message = format!("cannot convert the metadata of `/{path}`");
            Error::new(error.kind(), message)
                .in_variable(format!("/{path}"))
                .caused_by(error)
        };
        let (made, old, is_group) = if self.to_3 {
            let (array, group) = (
                self.document(path, ".zarray")?,
                self.document(path, ".zgroup")?,
            );
            let attrs = self.document(path, ".zattrs")?;
            let made = match (&array, &group) {
                (Some(array), _) => convert::array_to_v3(array, attrs.as_ref()).map_err(named)?,
                (None, Some(_)) => convert::group_to_v3(attrs.as_ref()),
                (None, None) => return Ok(()),
            };
            let names = [".zarray", ".zgroup", ".zattrs"];
            let is_there = [array.is_some(), group.is_some(), attrs.is_some()];
            let old = names
                .into_iter()
                .zip(is_there)
                .filter(|(_, is_there)| *is_there);
            let old: Vec<&str> = old.map(|(name, _)| name).collect();
            (vec![("zarr.json", made)], old, array.is_none())
        } else {
            let Some(document) = self.document(path, "zarr.json")? else {
                return Ok(());
            };
            let is_group = document["node_type"] != "array";
            let made = if is_group {
                work.is_consolidated |=
                    path.is_empty() && !document["consolidated_metadata"].is_null();
                let (group, attrs) = convert::group_to_v2(&document);
                vec![(".zattrs", attrs), (".zgroup", group)]
            } else {
                let (array, attrs) = convert::array_to_v2(&document).map_err(named)?;
                vec![(".zattrs", attrs), (".zarray", array)]
            };
            (made, vec!["zarr.json"], is_group)
        };
        if is_group {
            if depth == DEEPEST {
                return Err(Error::unsupported(format!(
                    "groups nest deeper than {DEEPEST}"
                )));
            }
            for name in block_on(self.store.list(path))? {
                if let Some(folder) = name.strip_suffix('/').filter(|name| !name.starts_with('.')) {
                    self.node(&join(path, folder), depth + 1, work)?;
                }
            }
        }
        let nodes = if is_group {
            &mut work.done.groups
        } else {
            &mut work.done.arrays
        };
        nodes.push(format!("/{path}"));
        for (name, document) in made {
            let location = join(path, name);
            if block_on(self.store.size(&location))?.is_some() {
                let message = format!("there is a `{location}` already");
                return Err(Error::new(ErrorKind::Conflict, message).hint(
                    "the store has metadata of both versions; remove those that are not wanted",
                ));
            }
            work.done.written.push(location.clone());
            work.documents.push((location, document));
        }
        work.old
            .extend(old.into_iter().map(|name| join(path, name)));
        Ok(())
    }

    /// Consolidated metadata are made anew where there were some.
    fn consolidate(&self, work: &mut Work) -> Result<()> {
        if self.to_3 {
            if block_on(self.store.size(".zmetadata"))?.is_none() {
                return Ok(());
            }
            work.old.push(".zmetadata".to_owned());
            let children = work.documents.iter().filter_map(|(location, document)| {
                let path = location.strip_suffix("/zarr.json")?;
                Some((path.to_owned(), document.clone()))
            });
            let metadata: Map<String, Value> = children.collect();
            if let Some((_, root)) = work.documents.last_mut() {
                root["consolidated_metadata"] =
                    json!({"kind": "inline", "must_understand": false, "metadata": metadata});
            }
        } else if work.is_consolidated {
            let metadata: Map<String, Value> = work.documents.iter().cloned().collect();
            let document = json!({"zarr_consolidated_format": 1, "metadata": metadata});
            work.done.written.push(".zmetadata".to_owned());
            work.documents.push((".zmetadata".to_owned(), document));
        }
        Ok(())
    }

    fn write(&self, work: &Work, removes_old: bool) -> Result<()> {
        let mut written: Vec<&str> = Vec::new();
        for (location, document) in &work.documents {
            let text = convert::to_text(document)?;
            if let Err(error) = self.store.write_atomic(location, &text) {
                // What was written before says nothing without the root; the failure tells where to look.
                for location in written {
                    let _ = self.store.path_of(location).map(fs::remove_file);
                }
                return Err(error);
            }
            written.push(location);
        }
        if removes_old {
            // The root first: without it nobody looks at the others.
            for location in work.old.iter().rev() {
                let path = self.store.path_of(location)?;
                fs::remove_file(&path).map_err(|cause| {
                    Error::io(format!("cannot remove `{}`", path.display()), cause)
                })?;
            }
        }
        Ok(())
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}
