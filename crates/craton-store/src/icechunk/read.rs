//! One version of a repository, read as the Zarr store that it holds.

use super::elsewhere::Elsewhere;
use super::place::Place;
use super::write::IcechunkWriter;
use super::{IcechunkRepository, MAIN, sessions};
use crate::local::checked_range;
use crate::remote::{StoreSettings, public_url};
use crate::runtime;
use craton_core::{BoxFuture, BufferMut, ByteRange, Error, ErrorKind, Pool, ReadRanges, Result};
use futures_util::StreamExt;
use icechunk::Store;
use icechunk::format::manifest::{ChunkPayload, VirtualChunkRef};
use icechunk::format::snapshot::NodeData;
use icechunk::format::{ByteRange as StoredBytes, ChunkIndices, Path};
use icechunk::repository::VersionInfo;
use icechunk::session::{Session, SessionErrorKind};
use icechunk::store::{ListDirItem, StoreError, StoreErrorKind};
use std::fmt;
use std::sync::Arc;
use tokio::sync::RwLock;

/// What a version says of a chunk.
enum Reference {
    /// Where it lies.
    To(ChunkPayload),
    /// That there is none.
    None,
    /// Nothing: it is no chunk, or an error that the crate tells when it is asked.
    Untold,
}

/// A version of a repository.
pub struct IcechunkStore {
    store: Arc<Store>,
    session: Arc<RwLock<Session>>,
    place: Place,
    /// Where chunks are read from that are objects of the repository, and what stands before their names there.
    chunks: Option<(Arc<dyn ReadRanges>, String)>,
    elsewhere: Elsewhere,
    /// Where the repository lies, as people see it.
    shown: String,
    /// The repository's URL and the version, as the user wrote them.
    url: String,
    snapshot: String,
    /// `Icechunk, branch main`.
    keeper: String,
}

impl IcechunkStore {
    /// The repository at `url`, at the branch, tag or snapshot `version`; at the branch `main` without.
    ///
    /// # Errors
    /// As [`IcechunkRepository::open`]; [`craton_core::ErrorKind::NotFound`] if there is no such version, with those
    /// that there are.
    pub async fn open(url: &str, version: Option<&str>, settings: &StoreSettings) -> Result<Self> {
        if let Some(writer) = sessions::find(url)? {
            return Ok(Self::of_session(&writer, settings));
        }
        let repository = IcechunkRepository::open_with(url, settings).await?;
        let name = version.unwrap_or(MAIN);
        let (kind, id) = repository.resolve(name).await?;
        let url = match version {
            Some(version) => format!("{}@{version}", repository.url()),
            None => repository.url().to_owned(),
        };
        let (inner, snapshot) = (repository.inner(), id.to_string());
        let opened = repository.ask(format!("open the snapshot `{snapshot}`"), async move {
            let session = inner.readonly_session(&VersionInfo::SnapshotId(id)).await?;
            let session = Arc::new(RwLock::new(session));
            Ok((Store::from_session(session.clone()).await, session))
        });
        let (store, session) = opened.await?;
        Ok(Self {
            store: Arc::new(store),
            session,
            place: repository.place().clone(),
            chunks: repository.place().chunks(),
            elsewhere: Elsewhere::of(repository.path(), settings),
            shown: public_url(repository.path()),
            url,
            snapshot,
            keeper: format!("Icechunk, {kind} {name}"),
        })
    }

    /// What a session holds by now.
    fn of_session(writer: &IcechunkWriter, settings: &StoreSettings) -> Self {
        let repository = &writer.repository;
        Self {
            store: writer.store.clone(),
            session: writer.session.clone(),
            place: repository.place().clone(),
            chunks: repository.place().chunks(),
            elsewhere: Elsewhere::of(repository.path(), settings),
            shown: public_url(repository.path()),
            url: writer.parent_url(),
            snapshot: writer.parent().to_owned(),
            keeper: "session of an Icechunk repository".to_owned(),
        }
    }

    /// The snapshot that is read.
    #[must_use]
    pub fn snapshot(&self) -> &str {
        &self.snapshot
    }

    async fn read_now(
        &self,
        location: &str,
        range: ByteRange,
        pool: &Pool,
    ) -> Result<Option<BufferMut>> {
        match self.reference(location).await? {
            Reference::None => return Ok(None),
            Reference::Untold => {}
            Reference::To(chunk) => {
                if let Some(read) = self.read_chunk(location, chunk, range, pool).await? {
                    return Ok(Some(read));
                }
            }
        }
        let Some(size) = self.size_by_crate(location).await? else {
            return Ok(None);
        };
        let part = checked_range(range, size).map_err(|error| error.at(self.url_of(location)))?;
        if part.is_empty() {
            return pool.take(0).map(Some);
        }
        let (store, key) = (self.store.clone(), location.to_owned());
        let wanted = StoredBytes::bounded(part.start, part.end);
        let got = runtime::run(async move { Ok(store.get(&key, &wanted).await) }).await?;
        let Some(bytes) = self.found(location, got).await? else {
            return Ok(None);
        };
        // Objects that were cut are read as far as they go.
        if bytes.len() as u64 != part.end - part.start {
            let why = format!(
                "{} of {} bytes are there",
                bytes.len(),
                part.end - part.start
            );
            let objects = self.objects_of(location).await?;
            return Err(self.damaged(location, &objects, |error| error.caused_by(why)));
        }
        let mut buffer = pool.take(bytes.len())?;
        buffer.copy_from_slice(&bytes);
        Ok(Some(buffer))
    }

    /// A chunk, straight from the manifest, the object or the file that it lies in; `None` if the crate must be asked.
    async fn read_chunk(
        &self,
        location: &str,
        reference: ChunkPayload,
        range: ByteRange,
        pool: &Pool,
    ) -> Result<Option<BufferMut>> {
        let part = checked_range(range, reference.length());
        let part = part.map_err(|error| error.at(self.url_of(location)))?;
        match (reference, &self.chunks) {
            (ChunkPayload::Ref(chunk), Some((objects, above))) => {
                let object = format!("chunks/{}", chunk.id);
                let name = format!("{above}{object}");
                let bytes = ByteRange::Bounded {
                    offset: chunk.offset.saturating_add(part.start),
                    length: part.end - part.start,
                };
                let why = match objects.read(&name, bytes, pool).await {
                    Ok(Some(read)) => return Ok(Some(read)),
                    Ok(None) => Error::corrupt("the object is missing"),
                    Err(error) => error,
                };
                let kind = why.kind();
                let damaged = self.damaged(location, &[object], |error| match kind {
                    ErrorKind::Corrupt => error.caused_by(why),
                    kind => {
                        let told = Error::new(kind, error.message());
                        match why.hint_text().map(str::to_owned) {
                            Some(hint) => told.caused_by(why).hint(hint),
                            None => told.caused_by(why),
                        }
                    }
                });
                Err(damaged)
            }
            (ChunkPayload::Inline(bytes), _) => {
                // Within what is held in memory, as was just seen.
                let held = bytes.slice(part.start as usize..part.end as usize);
                let mut buffer = pool.take(held.len())?;
                buffer.copy_from_slice(&held);
                Ok(Some(buffer))
            }
            (ChunkPayload::Virtual(chunk), _) => {
                let url = self.url_of_virtual(&chunk).await;
                let read = self.elsewhere.read(&url, &chunk, part, pool).await;
                read.map(Some)
                    .map_err(|error| self.of_virtual(location, error))
            }
            _ => Ok(None),
        }
    }

    /// Where the chunk at `location` lies.
    async fn reference(&self, location: &str) -> Result<Reference> {
        let Some((array, indices)) = chunk_of(location) else {
            return Ok(Reference::Untold);
        };
        let Ok(array) = Path::new(&format!("/{array}")) else {
            return Ok(Reference::Untold);
        };
        let (session, indices) = (self.session.clone(), ChunkIndices(indices));
        let look = move || {
            let (session, array, indices) = (session.clone(), array.clone(), indices.clone());
            async move {
                let session = session.read().await;
                match session.get_chunk_ref(&array, &indices).await {
                    Ok(Some(chunk)) => Reference::To(chunk),
                    Ok(None) => Reference::None,
                    Err(_) => Reference::Untold,
                }
            }
        };
        // What was looked up before is at hand.
        match runtime::at_once(look())? {
            Some(found) => Ok(found),
            None => runtime::run(async move { Ok(look().await) }).await,
        }
    }

    async fn size_now(&self, location: &str) -> Result<Option<u64>> {
        match self.reference(location).await? {
            Reference::To(chunk) => Ok(Some(chunk.length())),
            Reference::None => Ok(None),
            Reference::Untold => self.size_by_crate(location).await,
        }
    }

    async fn size_by_crate(&self, location: &str) -> Result<Option<u64>> {
        let (store, key) = (self.store.clone(), location.to_owned());
        let got = runtime::run(async move {
            Ok(match store.getsize(&key).await {
                // What is not there has no bytes there.
                Ok(0) => store
                    .exists(&key)
                    .await
                    .map(|is_there| is_there.then_some(0)),
                other => other.map(Some),
            })
        });
        Ok(self.found(location, got.await?).await?.flatten())
    }

    async fn list_now(&self, prefix: &str) -> Result<Vec<String>> {
        let (store, folder) = (self.store.clone(), prefix.trim_matches('/').to_owned());
        let listed = runtime::run(async move {
            let items = match store.list_dir_items(&folder).await {
                Ok(items) => items,
                Err(cause) => return Ok(Err(cause)),
            };
            let items: Vec<_> = items.collect().await;
            Ok(items
                .into_iter()
                .collect::<std::result::Result<Vec<_>, _>>())
        });
        let items = self.found(prefix, listed.await?).await?.unwrap_or_default();
        let (mut folders, mut objects) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                ListDirItem::Prefix(name) => folders.push(name.trim_matches('/').to_owned() + "/"),
                ListDirItem::Key(name) => objects.push(name),
            }
        }
        folders.sort_unstable();
        objects.sort_unstable();
        folders.extend(objects);
        Ok(folders)
    }

    /// What a request gave; `None` if there is no such object.
    async fn found<T>(
        &self,
        location: &str,
        got: std::result::Result<T, StoreError>,
    ) -> Result<Option<T>> {
        let cause = match got {
            Ok(got) => return Ok(Some(got)),
            Err(cause) if is_absent(&cause.kind) => return Ok(None),
            Err(cause) => cause.kind,
        };
        let objects = self.objects_of(location).await?;
        Err(self.damaged(location, &objects, |error| {
            self.place.explained(error, &cause)
        }))
    }

    fn damaged(
        &self,
        location: &str,
        objects: &[String],
        why: impl FnOnce(Error) -> Error,
    ) -> Error {
        let url = self.url_of(location);
        let objects = objects.iter();
        let objects: Vec<String> = objects
            .map(|object| format!("{}/{object}", self.shown))
            .collect();
        let object = match objects.is_empty() {
            true => url.clone(),
            false => objects.join(" or "),
        };
        let error = why(Error::corrupt(format!("cannot read `{url}`"))).at(object);
        match error.kind() {
            ErrorKind::Corrupt => error.hint(
                "an object of the repository is damaged or missing; other versions may be whole, `craton log` lists them",
            ),
            _ => error,
        }
    }

    /// The error of a chunk that lies outside the repository, with its place in it.
    fn of_virtual(&self, location: &str, error: Error) -> Error {
        let message = format!(
            "cannot read `{}`: {}",
            self.url_of(location),
            error.message()
        );
        let told =
            Error::new(error.kind(), message).at(error.context().url.clone().unwrap_or_default());
        match error.hint_text() {
            Some(hint) => told.hint(hint),
            None => told,
        }
    }

    /// The URL of the file in which a chunk lies that is outside the repository.
    async fn url_of_virtual(&self, chunk: &VirtualChunkRef) -> String {
        let Some((name, below)) = chunk.location.parse_vcc() else {
            return chunk.location.url().to_owned();
        };
        let session = self.session.read().await;
        let mut containers = session.config().virtual_chunk_containers();
        let container = containers.find(|one| one.name.as_deref() == Some(name));
        let prefix = container.map_or("", |container| container.url_prefix());
        format!("{}/{below}", prefix.trim_end_matches('/'))
    }

    async fn objects_of(&self, location: &str) -> Result<Vec<String>> {
        let (session, snapshot) = (self.session.clone(), self.snapshot.clone());
        let location = location.to_owned();
        runtime::run(
            async move { Ok(objects_of(&*session.read().await, &snapshot, &location).await) },
        )
        .await
    }
}

/// The objects of the repository that tell what is at `location`, or for virtual chunks the URL.
async fn objects_of(session: &Session, snapshot: &str, location: &str) -> Vec<String> {
    let Some((array, indices)) = chunk_of(location) else {
        return vec![format!("snapshots/{snapshot}")];
    };
    let Ok(array) = Path::new(&format!("/{array}")) else {
        return Vec::new();
    };
    let manifests = match session.get_node(&array).await.map(|node| node.node_data) {
        Ok(NodeData::Array { manifests, .. }) => manifests,
        Ok(NodeData::Group) => Vec::new(),
        Err(_) => return vec![format!("snapshots/{snapshot}")],
    };
    match session.get_chunk_ref(&array, &ChunkIndices(indices)).await {
        Ok(Some(ChunkPayload::Ref(chunk))) => vec![format!("chunks/{}", chunk.id)],
        Ok(Some(ChunkPayload::Virtual(chunk))) => vec![chunk.location.url().to_owned()],
        Ok(_) => Vec::new(),
        Err(_) => manifests
            .iter()
            .map(|manifest| format!("manifests/{}", manifest.object_id))
            .collect(),
    }
}

/// The array and the indices of a chunk's location, `ARRAY/c/0/1`.
fn chunk_of(location: &str) -> Option<(&str, Vec<u32>)> {
    let mut indices = Vec::new();
    let mut rest = location;
    loop {
        let (before, last) = rest.rsplit_once('/').unwrap_or(("", rest));
        match last.parse() {
            Ok(index) => indices.insert(0, index),
            Err(_) => return (last == "c").then_some((before, indices)),
        }
        rest = before;
    }
}

impl fmt::Debug for IcechunkStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("IcechunkStore");
        fields.field("url", &self.url).finish_non_exhaustive()
    }
}

impl ReadRanges for IcechunkStore {
    fn read<'a>(
        &'a self,
        location: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>> {
        Box::pin(self.read_now(location, range, pool))
    }

    fn size<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Option<u64>>> {
        Box::pin(self.size_now(location))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(self.list_now(prefix))
    }

    fn is_remote(&self) -> bool {
        matches!(self.place, Place::Remote(..))
    }

    fn url_of(&self, location: &str) -> String {
        match location {
            "" => self.url.clone(),
            location => format!("{}!/{location}", self.url),
        }
    }

    fn keeper(&self) -> Option<String> {
        Some(self.keeper.clone())
    }

    fn version(&self, _location: &str) -> Option<String> {
        Some(self.snapshot.clone())
    }
}

pub(super) fn is_absent(kind: &StoreErrorKind) -> bool {
    matches!(
        kind,
        StoreErrorKind::NotFound(_)
            // A name that is neither metadata nor a chunk; there is nothing else in a repository.
            | StoreErrorKind::InvalidKey { .. }
            | StoreErrorKind::SessionError(SessionErrorKind::NodeNotFound { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_told_from_other_names() {
        assert_eq!(chunk_of("a/c/0/12"), Some(("a", vec![0, 12])));
        assert_eq!(chunk_of("c/c/3"), Some(("c", vec![3])));
        assert_eq!(chunk_of("a/c"), Some(("a", vec![])));
        assert_eq!(chunk_of("c"), Some(("", vec![])));
        assert_eq!(chunk_of("a/zarr.json"), None);
        assert_eq!(chunk_of("0/1"), None);
        assert_eq!(chunk_of(""), None);
    }
}
