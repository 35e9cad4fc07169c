//! Stored arrays of which all chunks lie in one object, near or far, that counts how it is read.

use crate::support::*;
use craton_core::{
    ArrayMeta, BoxFuture, BufferMut, ByteRange, ChunkRef, Error, MissingMeans, Placement, Pool,
    ReadRanges, Result, Source, StoredRange,
};
use craton_plan::NodeRef;
use craton_plan::ops;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

/// One object.
#[derive(Debug, Default)]
pub struct Shelf {
    bytes: Vec<u8>,
    /// How long each read takes; for ever if `None`.
    latency: Option<Duration>,
    /// Bytes that cannot be read.
    pub damaged: Mutex<Option<Range<u64>>>,
    pub requests: AtomicU64,
    pub bytes_read: AtomicU64,
    pub longest: AtomicU64,
    at_once: AtomicU64,
    pub most_at_once: AtomicU64,
}

impl Shelf {
    async fn wait(&self) {
        if self.latency == Some(Duration::ZERO) {
            return;
        }
        let Some(latency) = self.latency else {
            return std::future::pending().await;
        };
        let is_done = Arc::new(AtomicBool::new(false));
        let mut has_begun = false;
        std::future::poll_fn(|context| {
            if is_done.load(SeqCst) {
                return Poll::Ready(());
            }
            if !has_begun {
                has_begun = true;
                let (is_done, waker) = (is_done.clone(), context.waker().clone());
                std::thread::spawn(move || {
                    std::thread::sleep(latency);
                    is_done.store(true, SeqCst);
                    waker.wake();
                });
            }
            Poll::Pending
        })
        .await;
    }

    async fn read_now(&self, range: ByteRange, pool: &Pool) -> Result<Option<BufferMut>> {
        self.requests.fetch_add(1, SeqCst);
        let now = self.at_once.fetch_add(1, SeqCst) + 1;
        self.most_at_once.fetch_max(now, SeqCst);
        self.wait().await;
        self.at_once.fetch_sub(1, SeqCst);
        let range = range.resolve(self.bytes.len() as u64);
        let damaged = self.damaged.lock().unwrap().clone();
        if damaged.is_some_and(|damaged| damaged.start < range.end && range.start < damaged.end) {
            return Err(Error::corrupt("these bytes are damaged by intent"));
        }
        let part = &self.bytes[range.start as usize..range.end as usize];
        let mut buffer = pool.take(part.len())?;
        buffer.copy_from_slice(part);
        self.bytes_read.fetch_add(part.len() as u64, SeqCst);
        self.longest.fetch_max(part.len() as u64, SeqCst);
        Ok(Some(buffer))
    }
}

impl ReadRanges for Shelf {
    fn read<'a>(
        &'a self,
        _: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>> {
        Box::pin(self.read_now(range, pool))
    }
    fn size<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<u64>>> {
        Box::pin(async { Ok(Some(self.bytes.len() as u64)) })
    }
    fn list<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn url_of(&self, location: &str) -> String {
        format!("shelf:{location}")
    }
}

/// A model of which the chunks lie on a shelf.
#[derive(Debug)]
pub struct Shelved {
    model: Arc<ModelSource>,
    pub shelf: Arc<Shelf>,
    pub places: HashMap<Vec<u64>, Range<u64>>,
    placement: Placement,
}

/// How chunks lie on their shelf.
pub struct Shelving {
    /// Bytes between neighbours, drawn up to this.
    pub gap: usize,
    pub placement: Placement,
    pub latency: Option<Duration>,
}

impl Shelved {
    /// Puts the chunks on a shelf, in an order that `random` decides if there are gaps.
    pub fn new(model: Arc<ModelSource>, shelving: &Shelving, random: &mut Random) -> Arc<Self> {
        let mut indices: Vec<&Vec<u64>> = model.chunks.keys().collect();
        indices.sort();
        if shelving.gap > 0 {
            let order = random.order(indices.len());
            indices = order.into_iter().map(|at| indices[at]).collect();
        }
        let (mut bytes, mut places) = (Vec::new(), HashMap::new());
        for index in indices {
            bytes.resize(bytes.len() + random.below(shelving.gap), 0xee);
            let start = bytes.len() as u64;
            bytes.extend_from_slice(&model.chunks[index].0);
            places.insert(index.clone(), start..bytes.len() as u64);
        }
        let shelf = Shelf {
            bytes,
            latency: shelving.latency,
            ..Shelf::default()
        };
        Arc::new(Self {
            model,
            shelf: Arc::new(shelf),
            places,
            placement: shelving.placement,
        })
    }

    pub fn node(self: &Arc<Self>) -> NodeRef {
        ops::source(self.clone(), "").unwrap()
    }

    pub fn located(&self) -> HashMap<Vec<u64>, u64> {
        self.model.located()
    }
}

impl Source for Shelved {
    fn meta(&self) -> &ArrayMeta {
        self.model.meta()
    }
    fn locate<'a>(&'a self, index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>> {
        Box::pin(async move {
            let ChunkRef::Inline { decode, .. } = self.model.locate(index).await? else {
                return Ok(ChunkRef::Missing);
            };
            let place = &self.places[index];
            Ok(ChunkRef::Stored(StoredRange {
                store: self.shelf.clone(),
                location: "all".into(),
                range: ByteRange::Bounded {
                    offset: place.start,
                    length: place.end - place.start,
                },
                if_missing: MissingMeans::Error,
                decode,
            }))
        })
    }
    fn url(&self) -> &str {
        self.model.url()
    }
    fn placement(&self) -> Placement {
        self.placement
    }
}
