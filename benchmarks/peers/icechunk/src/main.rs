//! Commits of many small chunks by the crate `icechunk` alone: the floor of whoever writes repositories through it.
//!
//! `craton-peer-icechunk STORE OUT`: STORE is a plain Zarr store whose array `v` is one uncompressed chunk of float32, of
//! which each row of `chunk` numbers becomes a chunk of OUT, a new repository. `chunk` is the attribute of that name.

use icechunk::{Repository, Store, new_local_filesystem_storage};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::RwLock;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Chunks that one task sets before it takes more.
const TOGETHER: usize = 256;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [store, out] = words.as_slice() else {
        return Err("usage: craton-peer-icechunk STORE OUT".into());
    };
    let array = Path::new(store).join("v");
    let metadata: serde_json::Value =
        serde_json::from_slice(&std::fs::read(array.join("zarr.json"))?)?;
    let chunk = metadata["attributes"]["chunk"]
        .as_u64()
        .ok_or("no attribute `chunk`")?;
    let values = std::fs::read(array.join("c/0/0"))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()?;
    runtime.block_on(write(
        metadata,
        values,
        usize::try_from(chunk)?,
        Path::new(out),
    ))
}

async fn write(
    mut metadata: serde_json::Value,
    values: Vec<u8>,
    chunk: usize,
    out: &Path,
) -> Result<()> {
    let columns = usize::try_from(metadata["shape"][1].as_u64().ok_or("no shape")?)?;
    let across = columns / chunk;
    metadata["chunk_grid"]["configuration"]["chunk_shape"] = serde_json::json!([1, chunk]);
    let storage = new_local_filesystem_storage(out).await?;
    let repository = Repository::create(storage).execute().await?;
    let session = Arc::new(RwLock::new(repository.writable_session("main").await?));
    let store = Arc::new(Store::from_session(session.clone()).await);
    let group = br#"{"zarr_format": 3, "node_type": "group"}"#.to_vec();
    store.set("zarr.json", group.into()).await?;
    store
        .set("v/zarr.json", serde_json::to_vec(&metadata)?.into())
        .await?;
    let values = Arc::new(values);
    let count = values.len() / (4 * chunk);
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (store, values, next) = (store.clone(), values.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let first = next.fetch_add(TOGETHER, std::sync::atomic::Ordering::Relaxed);
                    if first >= count {
                        return Ok(());
                    }
                    for number in first..(first + TOGETHER).min(count) {
                        let key = format!("v/c/{}/{}", number / across, number % across);
                        let bytes = values[number * 4 * chunk..(number + 1) * 4 * chunk].to_vec();
                        store.set(&key, bytes.into()).await?;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?
            .map_err(|error: icechunk::store::StoreError| error.to_string())?;
    }
    let mut session = session.write().await;
    session.commit("many chunks").execute().await?;
    Ok(())
}
