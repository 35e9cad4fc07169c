//! What does not fit into memory is put aside in a temporary file, as Blosc packs it fastest.

use craton_core::{BufferMut, DType, Decode, Order, Pool, Result, Spill, SpillFile};
use craton_format::codec::blosc::Blosc;
use craton_format::codec::{Chain, Codec};
use craton_store::ScratchFile;
use std::path::Path;
use std::sync::Arc;

/// LZ4 at its fastest behind a shuffle of bytes: about a third of packed fields remains, at the speed of a copy.
const LEVEL: i32 = 1;
const BYTES: i32 = 1;

/// A temporary file in `TMPDIR`, else in the system's folders for such files.
#[derive(Debug)]
pub(crate) struct OnDisk;

impl OnDisk {
    fn codec(dtype: DType) -> Result<Blosc> {
        // Blosc shuffles elements of at most 255 bytes.
        let size = dtype.item_size().filter(|size| *size < 256).unwrap_or(1);
        Blosc::new("lz4", LEVEL, BYTES, size)
    }
}

impl Spill for OnDisk {
    fn open(&self, bytes: u64) -> Option<Arc<dyn SpillFile>> {
        let first = std::env::temp_dir();
        // Where `/tmp` lies in memory, this one seldom does.
        let folders = [first.as_path(), Path::new("/var/tmp")];
        let file = ScratchFile::create(folders, bytes)?;
        Some(Arc::new(file))
    }

    fn pack(&self, elements: &[u8], dtype: DType, pool: &Pool) -> Result<BufferMut> {
        Self::codec(dtype)?.encode(elements, pool)
    }

    fn unpack(&self, dtype: DType) -> Result<Arc<dyn Decode>> {
        let codec = Arc::new(Self::codec(dtype)?);
        Ok(Arc::new(Chain::new(dtype, Order::C, vec![codec])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::ByteRange;

    #[test]
    fn elements_come_back_from_the_file() {
        let pool = Pool::unlimited();
        for dtype in [
            DType::UInt8,
            DType::Float32,
            DType::Complex128,
            DType::Opaque(300),
        ] {
            let elements: Vec<u8> = (0..30_000u32).map(|at| (at % 251) as u8).collect();
            let file = OnDisk.open(1 << 20).unwrap();
            let packed = OnDisk.pack(&elements, dtype, &pool).unwrap();
            let range = ByteRange::Bounded {
                offset: file.append(&packed).unwrap(),
                length: packed.len() as u64,
            };
            let read = pollster::block_on(file.read("", range, &pool)).unwrap();
            let mut out = pool.take(elements.len()).unwrap();
            let unpack = OnDisk.unpack(dtype).unwrap();
            unpack.decode(&read.unwrap(), &mut out, &pool).unwrap();
            assert_eq!(&out[..], elements, "{dtype}");
        }
    }
}
