//! All values into memory at once, and from there into files: what a reader and a writer of whole arrays cannot be faster than.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

use crate::Result;
use crate::codec::{Codec, Decoder, Encoder};
use crate::fold;
use crate::store::{Chunk, Store};

/// The whole array in C order, in memory that is touched for the first time here.
pub fn read(store: &Store, threads: usize) -> Result<Vec<f32>> {
    let cells = store.shape[1] * store.shape[2];
    let mut values = vec![0.0f32; store.shape[0] * cells];
    with_huge_pages(&mut values);
    let thickness = store.chunk_shape[0];
    let mut slabs: Vec<_> = values
        .chunks_mut(thickness * cells)
        .map(|slab| (slab, Vec::new()))
        .collect();
    for chunk in &store.chunks {
        slabs[chunk.start[0] / thickness].1.push(chunk);
    }
    let largest = store.chunks.iter().map(|chunk| chunk.size).max();
    let queue = Mutex::new(slabs.into_iter());
    on_all(threads, || {
        let mut decoder = Decoder::new(store.codec, store.chunk_bytes())?;
        let mut encoded = vec![0; largest.unwrap_or(0)];
        let mut decoded = vec![0.0; store.chunk_bytes() / 4];
        while let Some((slab, chunks)) = next(&queue)? {
            for chunk in chunks {
                let encoded = &mut encoded[..chunk.size];
                let is_whole = fold::bytes_of(slab).len() == store.chunk_bytes();
                match (store.codec, is_whole) {
                    (Codec::Plain, true) => read_into(store, chunk, fold::bytes_of(slab))?,
                    (_, true) => {
                        read_into(store, chunk, encoded)?;
                        decoder.decode(encoded, fold::bytes_of(slab))?;
                    }
                    (_, false) => {
                        read_into(store, chunk, encoded)?;
                        decoder.decode(encoded, fold::bytes_of(&mut decoded))?;
                        for_rows(store, chunk, |inside, outside, length| {
                            slab[outside..outside + length]
                                .copy_from_slice(&decoded[inside..inside + length]);
                        });
                    }
                }
            }
        }
        Ok(())
    })?;
    Ok(values)
}

/// Encodes the array and writes it into one file for each of those that it came from. Of shards the index has no
/// checksum.
pub fn write(store: &Store, values: &[f32], threads: usize, folder: &Path) -> Result<()> {
    let failed = |error| format!("cannot write into `{}`: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(failed)?;
    let cells = store.shape[1] * store.shape[2];
    let files = store.chunks.chunk_by(|one, other| one.file == other.file);
    let queue = Mutex::new(files);
    on_all(threads, || {
        let mut encoder = Encoder::new(store.codec, store.chunk_bytes())?;
        let mut decoded = vec![f32::NAN; store.chunk_bytes() / 4];
        let mut shard = Vec::new();
        while let Some(chunks) = next(&queue)? {
            let path = folder.join(chunks[0].file.to_string());
            shard.clear();
            let mut index = Vec::new();
            for chunk in chunks {
                let slab = &values[chunk.start[0] * cells..chunk.stop[0] * cells];
                let raw = if size_of_val(slab) == store.chunk_bytes() {
                    bytes(slab)
                } else {
                    decoded.fill(f32::NAN);
                    for_rows(store, chunk, |inside, outside, length| {
                        decoded[inside..inside + length]
                            .copy_from_slice(&slab[outside..outside + length]);
                    });
                    bytes(&decoded)
                };
                let encoded = encoder.encode(raw)?;
                if !store.is_sharded {
                    std::fs::write(&path, encoded).map_err(failed)?;
                    continue;
                }
                index.extend((shard.len() as u64).to_le_bytes());
                index.extend((encoded.len() as u64).to_le_bytes());
                shard.extend(encoded);
            }
            if store.is_sharded {
                shard.extend(index);
                std::fs::write(&path, &shard).map_err(failed)?;
            }
        }
        Ok(())
    })
}

/// Where the rows of a chunk lie in it and in the slab of the array, in numbers, and how long they are.
fn for_rows(store: &Store, chunk: &Chunk, mut copy: impl FnMut(usize, usize, usize)) {
    let [_, rows, columns] = store.chunk_shape;
    let width = chunk.stop[2] - chunk.start[2];
    for step in 0..chunk.stop[0] - chunk.start[0] {
        for row in 0..chunk.stop[1] - chunk.start[1] {
            let outside = (step * store.shape[1] + chunk.start[1] + row) * store.shape[2];
            copy(
                (step * rows + row) * columns,
                outside + chunk.start[2],
                width,
            );
        }
    }
}

fn read_into(store: &Store, chunk: &Chunk, bytes: &mut [u8]) -> Result<()> {
    store.files[chunk.file]
        .read_exact_at(bytes, chunk.offset)
        .map_err(|error| format!("cannot read a chunk: {error}"))
}

fn next<T: Iterator>(queue: &Mutex<T>) -> Result<Option<T::Item>> {
    Ok(queue.lock().map_err(|_| "a thread panicked")?.next())
}

fn on_all(threads: usize, work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        handles
            .into_iter()
            .try_for_each(|handle| handle.join().map_err(|_| "a thread panicked")?)
    })
}

/// As NumPy asks for its arrays.
fn with_huge_pages(values: &mut [f32]) {
    const PAGE: usize = 4096;
    let start = values.as_mut_ptr() as usize;
    let aligned = start.next_multiple_of(PAGE);
    let length = size_of_val(values).saturating_sub(aligned - start);
    // SAFETY: the range lies in the memory of `values`, of which it changes nothing; a refusal does not matter.
    unsafe { libc::madvise(aligned as *mut libc::c_void, length, libc::MADV_HUGEPAGE) };
}

fn bytes(numbers: &[f32]) -> &[u8] {
    // SAFETY: bytes have no other values than any, and the length is that of the same memory.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}
