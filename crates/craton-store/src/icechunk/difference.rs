//! What differs between two versions of a repository, told by what they refer to; no chunk is read.

use super::IcechunkRepository;
use crate::runtime;
use craton_core::{Error, Result};
use futures_util::TryStreamExt;
use icechunk::format::manifest::ChunkPayload;
use icechunk::format::snapshot::{NodeData, NodeSnapshot};
use icechunk::format::{ChunkIndices, NodeId, Path};
use icechunk::repository::VersionInfo;
use icechunk::session::{Session, SessionResult};
use std::collections::{BTreeMap, HashMap};

/// What differs between two versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Arrays of which chunks differ, by their paths; in the second version, if they were moved.
    pub arrays: BTreeMap<String, ChunkCounts>,
    /// Arrays and groups that have another path in the second version, with the path in the first.
    pub moved: BTreeMap<String, String>,
    /// Whether the metadata of all arrays and groups are the same, at the same paths.
    pub is_only_in_chunks: bool,
}

/// Chunks of an array, as two versions have them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChunkCounts {
    /// Only in the second.
    pub added: u64,
    /// Only in the first.
    pub removed: u64,
    /// In both, written anew between them; their values may be the same.
    pub changed: u64,
    /// The same in both.
    pub kept: u64,
}

impl IcechunkRepository {
    /// What differs between two versions.
    ///
    /// # Errors
    /// As [`IcechunkRepository::history`]; [`craton_core::ErrorKind::Corrupt`] if manifests cannot be read.
    /// # Cost
    /// Manifests of arrays are read where the versions have different ones, and the references of one array held.
    pub async fn difference(&self, one: &str, other: &str) -> Result<Difference> {
        let (one, other) = (self.snapshot(one).await?, self.snapshot(other).await?);
        let repository = self.inner();
        let open = |id| {
            let repository = repository.clone();
            let opened = async move {
                let version = VersionInfo::SnapshotId(id);
                repository.readonly_session(&version).await
            };
            self.ask("open the versions", opened)
        };
        let (one, other) = (open(one).await?, open(other).await?);
        let compared = runtime::run(async move { Ok(between(&one, &other).await) });
        compared.await?.map_err(|cause| {
            let error = Error::corrupt("cannot compare the versions");
            self.place().explained(error, &cause.kind).at(self.url())
        })
    }
}

async fn between(one: &Session, other: &Session) -> SessionResult<Difference> {
    let (first, second) = (nodes(one).await?, nodes(other).await?);
    let mut found = Difference {
        is_only_in_chunks: first.len() == second.len(),
        ..Difference::default()
    };
    for (id, now) in &second {
        let Some(before) = first.get(id) else {
            found.is_only_in_chunks = false;
            let counts = match &now.node_data {
                NodeData::Array { .. } => chunks(None, Some((other, &now.path))).await?,
                NodeData::Group => continue,
            };
            found.arrays.insert(now.path.to_string(), counts);
            continue;
        };
        found.is_only_in_chunks &= before.path == now.path && before.user_data == now.user_data;
        if before.path != now.path {
            let (from, to) = (before.path.to_string(), now.path.to_string());
            found.moved.insert(to, from);
        }
        if manifests(before) != manifests(now) {
            let before = Some((one, &before.path));
            let counts = chunks(before, Some((other, &now.path))).await?;
            found.arrays.insert(now.path.to_string(), counts);
        }
    }
    for (id, before) in &first {
        if matches!(before.node_data, NodeData::Array { .. }) && !second.contains_key(id) {
            found.is_only_in_chunks = false;
            let counts = chunks(Some((one, &before.path)), None).await?;
            // An array of the same path may have taken its place.
            let known = found.arrays.entry(before.path.to_string()).or_default();
            known.removed += counts.removed;
        }
    }
    found
        .arrays
        .retain(|_, counts| counts.added + counts.removed + counts.changed > 0);
    Ok(found)
}

async fn nodes(session: &Session) -> SessionResult<HashMap<NodeId, NodeSnapshot>> {
    let found = session.list_nodes(&Path::root()).await?;
    found
        .map(|node| node.map(|node| (node.id.clone(), node)))
        .collect()
}

/// The objects that say where the chunks of an array are.
fn manifests(node: &NodeSnapshot) -> Vec<String> {
    let NodeData::Array { manifests, .. } = &node.node_data else {
        return Vec::new();
    };
    let mut ids: Vec<String> = manifests
        .iter()
        .map(|one| format!("{} {:?}", one.object_id, one.extents))
        .collect();
    ids.sort_unstable();
    ids
}

type Array<'a> = Option<(&'a Session, &'a Path)>;

async fn chunks(before: Array<'_>, now: Array<'_>) -> SessionResult<ChunkCounts> {
    let mut known: HashMap<ChunkIndices, ChunkPayload> = HashMap::new();
    if let Some((session, path)) = before {
        let references = session.array_chunk_iterator(path).await;
        known = references
            .map_ok(|one| (one.coord, one.payload))
            .try_collect()
            .await?;
    }
    let mut counts = ChunkCounts::default();
    if let Some((session, path)) = now {
        let references = session.array_chunk_iterator(path).await;
        futures_util::pin_mut!(references);
        while let Some(one) = references.try_next().await? {
            match known.remove(&one.coord) {
                None => counts.added += 1,
                Some(before) if before == one.payload => counts.kept += 1,
                Some(_) => counts.changed += 1,
            }
        }
    }
    counts.removed = known.len() as u64;
    Ok(counts)
}
