//! Datasets in a tree, as the groups of a file: labels of a group hold for all that is below it.

use super::{Dataset, Variable};
use craton_core::{Error, Result};
use indexmap::IndexMap;

/// Datasets by path: `/` is the root, `/a/b` lies in `/a`. Every group that another lies in is there, before it.
#[derive(Clone, Debug)]
pub struct DataTree {
    nodes: IndexMap<String, Dataset>,
}

impl DataTree {
    /// A tree of datasets by path, with an empty one wherever a group is not given. Labels that a group has above it
    /// already are taken once.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if a group has a dimension whose labels or length differ from those above.
    pub fn new(given: impl IntoIterator<Item = (String, Dataset)>) -> Result<Self> {
        let mut given: Vec<(String, Dataset)> = given.into_iter().collect();
        given.sort_by_key(|(path, _)| depth(path));
        let mut tree = Self {
            nodes: IndexMap::from([("/".to_owned(), Dataset::default())]),
        };
        for (path, dataset) in given {
            for above in ancestors(&path) {
                tree.nodes.entry(above.to_owned()).or_default();
            }
            tree.insert(path, dataset)?;
        }
        Ok(tree)
    }

    fn insert(&mut self, path: String, mut dataset: Dataset) -> Result<()> {
        let sizes = dataset.sizes();
        for (name, label) in self.inherited(&path) {
            let differs = |what: String| {
                let message = format!("the group `{path}` and one above it differ in {what}");
                Error::invalid(message).hint("`ds[\"/group\"]` takes each group by itself")
            };
            match dataset.index(&name) {
                Some(own) if own.node.hash() == label.node.hash() => {
                    dataset.coords.shift_remove(&name);
                }
                Some(_) => return Err(differs(format!("the labels of `{name}`"))),
                None => {
                    let (own, above) = (sizes.get(&name), label.shape()[0]);
                    if let Some(own) = own.filter(|own| **own != above) {
                        return Err(differs(format!(
                            "the length of `{name}`: {own} and {above}"
                        )));
                    }
                }
            }
        }
        self.nodes.insert(path, dataset);
        Ok(())
    }

    /// The labels that groups above `path` give to their dimensions.
    fn inherited(&self, path: &str) -> IndexMap<String, Variable> {
        let mut labels = IndexMap::new();
        // The nearest group counts.
        for above in ancestors(path).rev() {
            for (name, coord) in self
                .nodes
                .get(above)
                .into_iter()
                .flat_map(|node| &node.coords)
            {
                if coord.dims == [name.clone()] && !labels.contains_key(name) {
                    labels.insert(name.clone(), coord.clone());
                }
            }
        }
        labels
    }

    /// Path and own dataset of every group, each after the one it lies in.
    pub fn nodes(&self) -> impl Iterator<Item = (&String, &Dataset)> {
        self.nodes.iter()
    }

    /// The dataset at a path, with the labels that hold for it.
    #[must_use]
    pub fn dataset(&self, path: &str) -> Option<Dataset> {
        let mut dataset = self.nodes.get(path)?.clone();
        for (name, label) in self.inherited(path) {
            dataset.coords.entry(name).or_insert(label);
        }
        Some(dataset)
    }

    /// The group at `path` and all below it, as a tree of its own.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is none.
    pub fn subtree(&self, path: &str) -> Result<Self> {
        let root = self.dataset(path).ok_or_else(|| {
            let paths: Vec<&str> = self.nodes.keys().map(String::as_str).collect();
            Error::not_found(format!("no group `{path}`; there are {}", paths.join(", ")))
        })?;
        let below = self.nodes.iter().filter_map(|(other, dataset)| {
            let rest = match path {
                "/" => other.as_str(),
                _ => other
                    .strip_prefix(path)
                    .filter(|rest| rest.starts_with('/'))?,
            };
            (rest != "/").then(|| (rest.to_owned(), dataset.clone()))
        });
        Self::new(std::iter::once(("/".to_owned(), root)).chain(below))
    }

    /// The groups that `keeps` says, and those that they lie in, which are empty where it does not.
    ///
    /// # Errors
    /// As [`DataTree::new`].
    pub fn filtered(&self, keeps: impl Fn(&str) -> bool) -> Result<Self> {
        let kept = self.nodes.keys().filter(|path| keeps(path));
        Self::new(kept.filter_map(|path| Some((path.clone(), self.dataset(path)?))))
    }

    /// Applies `change` to every group, with the labels that hold for it and those that its own variables run along.
    ///
    /// # Errors
    /// What `change` reports, with the group named; as [`DataTree::new`].
    pub fn map(&self, change: impl Fn(Node<'_>) -> Result<Dataset>) -> Result<Self> {
        let changed = self.nodes.iter().map(|(path, own)| {
            let whole = self.dataset(path).unwrap_or_default();
            let node = Node {
                path,
                own,
                whole: &whole,
            };
            let changed =
                change(node).map_err(|error| error.in_variable(path.trim_end_matches('/')));
            Ok((path.clone(), changed?))
        });
        Self::new(changed.collect::<Result<Vec<_>>>()?)
    }

    /// Combines the groups of two trees that have the same.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if groups differ; what `combine` reports.
    pub fn zip(
        &self,
        other: &Self,
        combine: impl Fn(&Dataset, &Dataset) -> Result<Dataset>,
    ) -> Result<Self> {
        let has_all = |one: &Self, other: &Self| {
            one.nodes
                .keys()
                .find(|path| !other.nodes.contains_key(*path))
                .cloned()
        };
        if let Some(path) = has_all(self, other).or_else(|| has_all(other, self)) {
            let message = format!("only one of the trees has a group `{path}`");
            return Err(Error::invalid(message));
        }
        self.map(|node| combine(node.whole, &other.dataset(node.path).unwrap_or_default()))
    }
}

/// A group of a tree while it is changed.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Its path.
    pub path: &'a str,
    /// What lies in it.
    pub own: &'a Dataset,
    /// That, with the labels from above.
    pub whole: &'a Dataset,
}

fn depth(path: &str) -> usize {
    path.split('/').filter(|part| !part.is_empty()).count()
}

/// The groups that the one at `path` lies in, the root first.
fn ancestors(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    let inner = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
    let root = (path != "/").then_some("/");
    root.into_iter().chain(inner.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::doubles;

    fn dataset(labels: &[f64]) -> Dataset {
        let mut dataset = Dataset::default();
        dataset
            .coords
            .insert("x".to_owned(), doubles("x", labels).unwrap());
        dataset
    }

    #[test]
    fn groups_above_are_named_from_the_root() {
        let above = |path| ancestors(path).collect::<Vec<_>>();
        assert_eq!(above("/"), Vec::<&str>::new());
        assert_eq!(above("/a"), ["/"]);
        assert_eq!(above("/a/b/c"), ["/", "/a", "/a/b"]);
    }

    #[test]
    fn labels_hold_below_and_are_taken_once() {
        let given = [("/a/b", dataset(&[1.0, 2.0])), ("/", dataset(&[1.0, 2.0]))];
        let tree = DataTree::new(given.map(|(path, one)| (path.to_owned(), one))).unwrap();
        assert_eq!(tree.nodes.keys().collect::<Vec<_>>(), ["/", "/a", "/a/b"]);
        assert!(tree.nodes["/a/b"].coords.is_empty());
        assert!(tree.dataset("/a").unwrap().coords.contains_key("x"));
        let alone = tree.subtree("/a").unwrap();
        assert!(alone.nodes["/"].coords.contains_key("x"));
        assert!(alone.nodes["/b"].coords.is_empty());
    }

    #[test]
    fn other_labels_below_are_an_error() {
        let given = [("/a", dataset(&[1.0])), ("/", dataset(&[1.0, 2.0]))];
        let error = DataTree::new(given.map(|(path, one)| (path.to_owned(), one))).unwrap_err();
        assert!(error.to_string().contains("`/a`"), "{error}");
    }
}
