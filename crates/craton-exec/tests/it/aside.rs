//! A place in memory where runs put values aside.

use craton_core::{
    BoxFuture, BufferMut, ByteRange, DType, Decode, Decoded, Error, ErrorKind, Pool, ReadRanges,
    Result, Spill, SpillFile,
};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// Values put aside in memory, where there is room for so many bytes.
#[derive(Debug)]
pub struct ModelSpill {
    pub room: u64,
    /// Files opened.
    pub opened: AtomicU64,
    /// Whether nothing more can be written.
    pub is_full: bool,
}

impl ModelSpill {
    pub fn with_room(room: u64) -> Arc<Self> {
        Arc::new(Self {
            room,
            opened: AtomicU64::new(0),
            is_full: false,
        })
    }

    pub fn full() -> Arc<Self> {
        Arc::new(Self {
            room: u64::MAX,
            opened: AtomicU64::new(0),
            is_full: true,
        })
    }
}

impl Spill for ModelSpill {
    fn open(&self, bytes: u64) -> Option<Arc<dyn SpillFile>> {
        self.opened.fetch_add(1, Relaxed);
        let file = ModelFile {
            bytes: Mutex::default(),
            is_full: self.is_full,
        };
        (bytes <= self.room).then(|| Arc::new(file) as Arc<dyn SpillFile>)
    }

    fn pack(&self, elements: &[u8], _dtype: DType, pool: &Pool) -> Result<BufferMut> {
        let mut packed = pool.take(elements.len())?;
        for (packed, plain) in packed.iter_mut().zip(elements) {
            *packed = !plain;
        }
        Ok(packed)
    }

    fn unpack(&self, _dtype: DType) -> Result<Arc<dyn Decode>> {
        Ok(Arc::new(Inverted))
    }
}

/// Bytes of which every bit is the other one.
#[derive(Debug)]
struct Inverted;

impl Decode for Inverted {
    fn decode(&self, encoded: &[u8], out: &mut [u8], _: &Pool) -> Result<Decoded> {
        for (plain, packed) in out.iter_mut().zip(encoded) {
            *plain = !packed;
        }
        Ok(Decoded::native())
    }
}

#[derive(Debug)]
struct ModelFile {
    bytes: Mutex<Vec<u8>>,
    is_full: bool,
}

impl SpillFile for ModelFile {
    fn append(&self, bytes: &[u8]) -> Result<u64> {
        if self.is_full {
            return Err(Error::new(ErrorKind::Io, "no space is left"));
        }
        let mut all = self.bytes.lock().unwrap();
        let offset = all.len() as u64;
        all.extend_from_slice(bytes);
        Ok(offset)
    }
}

impl ReadRanges for ModelFile {
    fn read<'a>(
        &'a self,
        _location: &'a str,
        range: ByteRange,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Option<BufferMut>>> {
        Box::pin(async move {
            let all = self.bytes.lock().unwrap();
            let range = range.resolve(all.len() as u64);
            let part = &all[range.start as usize..range.end as usize];
            let mut buffer = pool.take(part.len())?;
            buffer.copy_from_slice(part);
            Ok(Some(buffer))
        })
    }

    fn size<'a>(&'a self, _location: &'a str) -> BoxFuture<'a, Result<Option<u64>>> {
        Box::pin(async move { Ok(Some(self.bytes.lock().unwrap().len() as u64)) })
    }

    fn list<'a>(&'a self, _prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move { Ok(Vec::new()) })
    }

    fn url_of(&self, _location: &str) -> String {
        "memory".to_owned()
    }
}
