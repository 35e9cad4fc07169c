//! Finds the groups and arrays of a Zarr store; a broken one never hides the others.

use super::{ZarrArray, v2, v3};
use crate::json;
use craton_core::{Attributes, ByteRange, Error, ErrorKind, Pool, ReadRanges, Result};
use futures_util::future::join3;
use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Metadata documents larger than this are refused.
const LARGEST_DOCUMENT: u64 = 1 << 30;
/// Groups nested deeper than this are not entered: links may lead in circles.
const DEEPEST: usize = 64;
/// A store with more nodes than this is refused.
const MOST_NODES: usize = 1 << 20;
/// Metadata reads that are under way at once.
const AT_ONCE: usize = 64;

/// A group or array, with what lies under it.
#[derive(Debug)]
pub struct Node {
    /// The path from the opened root: `/`, `/group`, `/group/array`.
    pub path: String,
    /// What it is.
    pub kind: NodeKind,
    /// What lies directly under it, sorted by path.
    pub children: Vec<Node>,
}

/// What a node is.
#[derive(Debug)]
pub enum NodeKind {
    /// A group.
    Group {
        /// The group's attributes.
        attributes: Attributes,
    },
    /// An array.
    Array(Arc<ZarrArray>),
    /// Something whose metadata cannot be used, and why.
    Broken(Error),
}

impl Node {
    /// The last part of the path; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// This node and all under it, parents before children.
    #[must_use]
    pub fn walk(&self) -> Vec<&Node> {
        let mut nodes = vec![self];
        let mut at = 0;
        while at < nodes.len() {
            let children = &nodes[at].children;
            nodes.splice(at + 1..at + 1, children);
            at += 1;
        }
        nodes
    }

    /// The node at `path`, which may begin with `/` or not.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Node> {
        let mut node = self;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            node = node.children.iter().find(|child| child.name() == part)?;
        }
        Some(node)
    }

    /// The array here, if this is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&Arc<ZarrArray>> {
        match &self.kind {
            NodeKind::Array(array) => Some(array),
            _ => None,
        }
    }
}

/// Opens the group or array at `prefix`: from consolidated metadata where there are any, else by listing.
///
/// # Errors
/// [`ErrorKind::NotFound`] if there are no Zarr metadata at `prefix`; errors of reading the root's own.
/// Errors of other nodes are [`NodeKind::Broken`].
pub async fn open_hierarchy(store: Arc<dyn ReadRanges>, prefix: &str) -> Result<Node> {
    let walker = Walker {
        store,
        root: prefix.trim_matches('/').to_owned(),
        pool: Pool::unlimited(),
        nodes: AtomicUsize::new(0),
    };
    let denied = match walker.document("", "zarr.json").await {
        Ok(Some(document)) => return walker.open_v3(document).await,
        Ok(None) => None,
        // Some stores deny what does not exist.
        Err(error) if error.kind() == ErrorKind::Permission => Some(error),
        Err(error) => return Err(error),
    };
    if let Some(document) = walker.document("", ".zmetadata").await.unwrap_or(None)
        && let Some(metadata) = document.get("metadata").and_then(Value::as_object)
    {
        return Ok(walker.consolidated_v2(metadata));
    }
    match walker.node_v2("", 0).await? {
        Some(node) => Ok(node),
        None => match denied {
            Some(denied) => Err(denied),
            None => Err(walker.nothing_found().await),
        },
    }
}

struct Walker {
    store: Arc<dyn ReadRanges>,
    root: String,
    pool: Pool,
    nodes: AtomicUsize,
}

impl Walker {
    /// The store's name for `name` in the node at `path`.
    fn location(&self, path: &str, name: &str) -> String {
        [self.root.as_str(), path, name]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/")
    }

    async fn document(&self, path: &str, name: &str) -> Result<Option<Value>> {
        let location = self.location(path, name);
        let read = self
            .store
            .read(&location, ByteRange::Whole, &self.pool)
            .await;
        let place = |error: Error| error.at(self.store.url_of(&location));
        let Some(bytes) = read.map_err(place)? else {
            return Ok(None);
        };
        if bytes.len() as u64 > LARGEST_DOCUMENT {
            return Err(place(Error::unsupported(format!(
                "metadata of {} bytes are too large",
                bytes.len()
            ))));
        }
        json::parse(&bytes).map(Some).map_err(place)
    }

    async fn nothing_found(&self) -> Error {
        let url = self.store.url_of(&self.root);
        let message = format!(
            "no Zarr store at `{url}`: neither `zarr.json`, `.zmetadata`, `.zgroup` nor `.zarray`"
        );
        let error = Error::not_found(message);
        let names = self.store.list(&self.root).await.unwrap_or_default();
        let folders: Vec<&str> = names
            .iter()
            .filter(|name| name.ends_with('/'))
            .map(String::as_str)
            .collect();
        match folders[..] {
            [] => error,
            [only] => error.hint(format!(
                "it may lie inside the folder `{}`",
                only.trim_end_matches('/')
            )),
            _ => error.hint(format!(
                "folders there: {}",
                folders[..folders.len().min(8)].join(", ")
            )),
        }
    }

    /// The children of the group at `path`, each opened by `open`.
    async fn children<'a, F>(
        &'a self,
        path: &str,
        depth: usize,
        open: impl Fn(String) -> F,
    ) -> Result<Vec<Node>>
    where
        F: Future<Output = Option<Node>> + 'a,
    {
        let names = self.store.list(&self.location(path, "")).await?;
        let folders = names
            .iter()
            .filter_map(|name| name.strip_suffix('/'))
            .filter(|name| !name.starts_with('.'));
        let paths: Vec<String> = folders.map(|name| join(path, name)).collect();
        let count = self.nodes.fetch_add(paths.len(), Ordering::Relaxed) + paths.len();
        if depth >= DEEPEST || count > MOST_NODES {
            let message = format!(
                "groups nest deeper than {DEEPEST}, or there are more than {MOST_NODES} nodes"
            );
            return Err(Error::unsupported(message));
        }
        let opened = stream::iter(paths.into_iter().map(open)).buffered(AT_ONCE);
        Ok(opened.filter_map(std::future::ready).collect().await)
    }

    fn array(&self, path: &str, described: Result<super::Description>) -> Node {
        let location = self.location(path, "");
        let path = path.to_owned();
        let array = match described {
            Ok(description) => ZarrArray::new(self.store.clone(), &location, description),
            Err(error) => {
                return Node {
                    kind: NodeKind::Broken(self.name_array(error, &path)),
                    path: format!("/{path}"),
                    children: Vec::new(),
                };
            }
        };
        // Each field of structured elements is an array beside the whole one: `/obs.temperature`.
        let of_field = |(name, array): (String, ZarrArray)| Node {
            path: match path.as_str() {
                "" => format!("/{name}"),
                path => format!("/{path}.{name}"),
            },
            kind: NodeKind::Array(Arc::new(array)),
            children: Vec::new(),
        };
        Node {
            children: array.fields().into_iter().map(of_field).collect(),
            kind: NodeKind::Array(Arc::new(array)),
            path: format!("/{path}"),
        }
    }

    fn name_array(&self, error: Error, path: &str) -> Error {
        let url = self.store.url_of(&self.location(path, ""));
        let message = format!("cannot open array `/{path}`");
        Error::new(error.kind(), message)
            .in_variable(format!("/{path}"))
            .at(url)
            .caused_by(error)
    }

    fn broken(path: &str, error: Error) -> Node {
        let kind = NodeKind::Broken(error.in_variable(format!("/{path}")));
        Node {
            path: format!("/{path}"),
            kind,
            children: Vec::new(),
        }
    }

    // Version 3 ------------------------------------------------------------------------------------------

    async fn open_v3(&self, document: Value) -> Result<Node> {
        if v3::is_array(&document)? {
            return Ok(self.array("", v3::describe(&document)));
        }
        let consolidated = document
            .get("consolidated_metadata")
            .and_then(|value| value.get("metadata"));
        match consolidated.and_then(Value::as_object) {
            Some(metadata) => Ok(self.consolidated_v3(&document, metadata)),
            None => self.group_v3("", &document, 0).await,
        }
    }

    async fn group_v3(&self, path: &str, document: &Value, depth: usize) -> Result<Node> {
        let open = |child: String| async move { Box::pin(self.node_v3(child, depth + 1)).await };
        let children = self.children(path, depth, open).await?;
        Ok(Node {
            path: format!("/{path}"),
            kind: group_kind_v3(document),
            children,
        })
    }

    async fn node_v3(&self, path: String, depth: usize) -> Option<Node> {
        let node = async {
            let Some(document) = self.document(&path, "zarr.json").await? else {
                return Ok(None);
            };
            if v3::is_array(&document)? {
                return Ok(Some(self.array(&path, v3::describe(&document))));
            }
            self.group_v3(&path, &document, depth).await.map(Some)
        };
        node.await
            .unwrap_or_else(|error| Some(Self::broken(&path, error)))
    }

    fn consolidated_v3(&self, root: &Value, metadata: &Map<String, Value>) -> Node {
        let mut nodes = BTreeMap::new();
        for (path, document) in metadata {
            let path = path.trim_matches('/');
            let node = match v3::is_array(document) {
                Ok(true) => self.array(path, v3::describe(document)),
                Ok(false) => Node {
                    path: format!("/{path}"),
                    kind: group_kind_v3(document),
                    children: Vec::new(),
                },
                Err(error) => Self::broken(path, error),
            };
            nodes.insert(path.to_owned(), node);
        }
        let root = Node {
            path: "/".to_owned(),
            kind: group_kind_v3(root),
            children: Vec::new(),
        };
        nodes.insert(String::new(), root);
        assemble(nodes)
    }

    // Version 2 ------------------------------------------------------------------------------------------

    async fn node_v2(&self, path: &str, depth: usize) -> Result<Option<Node>> {
        // Asked for together: over a network that is one wait instead of three.
        let (array, group, attrs) = join3(
            self.document(path, ".zarray"),
            self.document(path, ".zgroup"),
            self.document(path, ".zattrs"),
        )
        .await;
        if let Some(document) = array? {
            let described = attrs.and_then(|attrs| v2::describe(&document, attrs.as_ref()));
            return Ok(Some(self.array(path, described)));
        }
        if group?.is_none() {
            return Ok(None);
        }
        let attrs = attrs?;
        let open = |child: String| async move {
            let opened = Box::pin(self.node_v2(&child, depth + 1)).await;
            opened.unwrap_or_else(|error| Some(Self::broken(&child, error)))
        };
        let children = self.children(path, depth, open).await?;
        let kind = NodeKind::Group {
            attributes: v2::group_attributes(attrs.as_ref()),
        };
        Ok(Some(Node {
            path: format!("/{path}"),
            kind,
            children,
        }))
    }

    fn consolidated_v2(&self, metadata: &Map<String, Value>) -> Node {
        let mut nodes = BTreeMap::new();
        for (key, document) in metadata {
            let (path, name) = key.rsplit_once('/').unwrap_or(("", key));
            let attrs = || metadata.get(&join(path, ".zattrs"));
            let node = match name {
                ".zarray" => self.array(path, v2::describe(document, attrs())),
                ".zgroup" => {
                    let kind = NodeKind::Group {
                        attributes: v2::group_attributes(attrs()),
                    };
                    Node {
                        path: format!("/{path}"),
                        kind,
                        children: Vec::new(),
                    }
                }
                _ => continue,
            };
            nodes.insert(path.to_owned(), node);
        }
        assemble(nodes)
    }
}

fn group_kind_v3(document: &Value) -> NodeKind {
    let attributes = document.get("attributes").and_then(Value::as_object);
    NodeKind::Group {
        attributes: json::attributes(attributes, |_| false),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}

/// Puts nodes under their parents; groups that nobody described are made without attributes.
fn assemble(mut nodes: BTreeMap<String, Node>) -> Node {
    let paths: Vec<String> = nodes.keys().cloned().collect();
    for path in paths {
        let mut rest = path.as_str();
        while !rest.is_empty() {
            rest = rest.rsplit_once('/').map_or("", |(parent, _)| parent);
            nodes
                .entry(rest.to_owned())
                .or_insert_with(|| empty_group(rest));
        }
    }
    // Deepest first, so that every node is whole before it moves under its parent.
    let mut paths: Vec<String> = nodes
        .keys()
        .filter(|path| !path.is_empty())
        .cloned()
        .collect();
    paths.sort_by_key(|path| std::cmp::Reverse(path.matches('/').count()));
    for path in paths {
        let Some(mut node) = nodes.remove(&path) else {
            continue;
        };
        node.children
            .sort_by(|one, other| one.path.cmp(&other.path));
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if let Some(parent) = nodes.get_mut(parent) {
            parent.children.push(node);
        }
    }
    let mut root = nodes.remove("").unwrap_or_else(|| empty_group(""));
    root.children
        .sort_by(|one, other| one.path.cmp(&other.path));
    root
}

fn empty_group(path: &str) -> Node {
    let kind = NodeKind::Group {
        attributes: Attributes::new(),
    };
    Node {
        path: format!("/{path}"),
        kind,
        children: Vec::new(),
    }
}

impl NodeKind {
    /// The error, if this is broken.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Broken(error) => Some(error),
            _ => None,
        }
    }

    /// The kind of the error, if this is broken.
    #[must_use]
    pub fn error_kind(&self) -> Option<ErrorKind> {
        self.error().map(Error::kind)
    }
}
