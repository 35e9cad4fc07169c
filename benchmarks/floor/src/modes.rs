//! What is done with the chunks: each mode is one or two passes over all of them by all threads.

use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::Result;
use crate::codec::Decoder;
use crate::fold;
use crate::store::{Chunk, Store};

#[derive(Clone, Copy)]
pub enum Mode {
    Decode,
    Sum,
    Area,
    DecodeTwice,
    DecodeTwiceEncode,
    Point([usize; 2]),
    Read,
    Write,
}

impl Mode {
    pub fn parse(name: &str) -> Result<Self> {
        let refuse = || {
            format!(
                "unknown mode `{name}`: decode, sum, area, decode-twice, decode-twice-encode, read, write or point=LAT,LON"
            )
        };
        Ok(match name {
            "decode" => Self::Decode,
            "sum" => Self::Sum,
            "area" => Self::Area,
            "decode-twice" => Self::DecodeTwice,
            "decode-twice-encode" => Self::DecodeTwiceEncode,
            "read" => Self::Read,
            "write" => Self::Write,
            _ => {
                let (lat, lon) = name
                    .strip_prefix("point=")
                    .and_then(|pair| pair.split_once(','))
                    .ok_or_else(refuse)?;
                Self::Point([
                    lat.parse().map_err(|_| refuse())?,
                    lon.parse().map_err(|_| refuse())?,
                ])
            }
        })
    }
}

/// The reduced numbers and what it took.
#[derive(Default)]
pub struct Answer {
    pub values: Vec<f64>,
    pub bytes_read: u64,
    pub bytes_decoded: u64,
    pub bytes_encoded: u64,
}

/// One thread's decoder and buffers, made once.
struct Worker {
    decoder: Decoder,
    encoded: Vec<u8>,
    decoded: Vec<f32>,
    result: Vec<f64>,
    written: Vec<u8>,
}

#[derive(Default)]
struct Counters {
    read: AtomicU64,
    decoded: AtomicU64,
    encoded: AtomicU64,
}

/// Runs `mode` over all chunks; for a point, over those that hold it.
pub fn run(store: &mut Store, mode: Mode, threads: usize) -> Result<Answer> {
    if let Mode::Point([lat, lon]) = mode {
        store.chunks.retain(|chunk| chunk.holds(lat, lon));
    }
    let store = &*store;
    let counters = Counters::default();
    let cells = store.shape[1] * store.shape[2];
    let steps = store.shape[0];
    let values = match mode {
        Mode::Decode => pass(store, threads, 0, &counters, |_, _| Ok(()))?,
        Mode::DecodeTwice => {
            pass(store, threads, 0, &counters, |_, _| Ok(()))?;
            pass(store, threads, 0, &counters, |_, _| Ok(()))?
        }
        Mode::Sum => mean(store, threads, cells, &counters)?,
        Mode::Area => area(store, threads, &counters)?,
        Mode::DecodeTwiceEncode => {
            let mean = mean(store, threads, cells, &counters)?;
            encode_anomaly(store, threads, &mean, &counters)?;
            mean
        }
        Mode::Read | Mode::Write => return Err("whole arrays are not passed over".to_string()),
        Mode::Point([lat, lon]) => pass(store, threads, steps, &counters, |group, worker| {
            pick(store, group, worker, lat, lon);
            Ok(())
        })?,
    };
    Ok(Answer {
        values,
        bytes_read: counters.read.into_inner(),
        bytes_decoded: counters.decoded.into_inner(),
        bytes_encoded: counters.encoded.into_inner(),
    })
}

fn mean(store: &Store, threads: usize, cells: usize, counters: &Counters) -> Result<Vec<f64>> {
    let mut sum = pass(store, threads, cells, counters, |group, worker| {
        // Thin chunks of one box lie one after another in the buffer and are folded together.
        let steps = group
            .iter()
            .map(|chunk| chunk.stop[0] - chunk.start[0])
            .sum();
        fold::add_over_time(store, &group[0], &worker.decoded, steps, &mut worker.result);
        Ok(())
    })?;
    sum.iter_mut()
        .for_each(|value| *value /= store.shape[0] as f64);
    Ok(sum)
}

fn area(store: &Store, threads: usize, counters: &Counters) -> Result<Vec<f64>> {
    let rows = store.shape[1];
    let weights: Vec<f64> = (0..rows)
        .map(|row| {
            (90.0 - 180.0 * row as f64 / (rows - 1) as f64)
                .to_radians()
                .cos()
        })
        .collect();
    let total = weights.iter().sum::<f64>() * store.shape[2] as f64;
    let mut series = pass(store, threads, store.shape[0], counters, |group, worker| {
        for (chunk, decoded) in group
            .iter()
            .zip(worker.decoded.chunks(store.chunk_bytes() / 4))
        {
            fold::add_over_area(store, chunk, decoded, &weights, &mut worker.result);
        }
        Ok(())
    })?;
    series.iter_mut().for_each(|value| *value /= total);
    Ok(series)
}

fn encode_anomaly(store: &Store, threads: usize, mean: &[f64], counters: &Counters) -> Result<()> {
    if store.chunk_shape[1..] != store.shape[1..] {
        return Err("encoding wants chunks that span the map".to_string());
    }
    let mean: Vec<f32> = mean.iter().map(|value| *value as f32).collect();
    pass(store, threads, 0, counters, |_, worker| {
        fold::subtract(&mut worker.decoded, &mean);
        let bytes = fold::bytes_of(&mut worker.decoded);
        worker
            .written
            .resize(zstd_safe::compress_bound(bytes.len()), 0);
        let size = zstd_safe::compress(&mut worker.written[..], bytes, 3)
            .map_err(|code| format!("zstd: error {code}"))?;
        counters.encoded.fetch_add(size as u64, Ordering::Relaxed);
        Ok(())
    })?;
    Ok(())
}

fn pick(store: &Store, group: &[Chunk], worker: &mut Worker, lat: usize, lon: usize) {
    // Only chunks that hold the point are in the store by now.
    let [_, rows, columns] = store.chunk_shape;
    let chunk_length = store.chunk_bytes() / 4;
    for (chunk, decoded) in group.iter().zip(worker.decoded.chunks(chunk_length)) {
        let at = (lat - chunk.start[1]) * columns + lon - chunk.start[2];
        for step in chunk.start[0]..chunk.stop[0] {
            let value = decoded[(step - chunk.start[0]) * rows * columns + at];
            worker.result[step] = f64::from(value);
        }
    }
}

/// Chunks that one task decodes together: one, or eight where a chunk holds a single step, so that the
/// accumulators are walked once for all of them.
fn groups(store: &Store) -> Vec<&[Chunk]> {
    let size = if store.chunk_shape[0] == 1 { 8 } else { 1 };
    store.chunks.chunks(size).collect()
}

/// Decodes every chunk once, gives each group to `consume`, and returns the sum of the threads' results.
fn pass(
    store: &Store,
    threads: usize,
    result_length: usize,
    counters: &Counters,
    consume: impl Fn(&[Chunk], &mut Worker) -> Result<()> + Sync,
) -> Result<Vec<f64>> {
    let groups = groups(store);
    let next = AtomicUsize::new(0);
    let total = Mutex::new(vec![0.0; result_length]);
    let work = || -> Result<()> {
        let mut worker = new_worker(store, &groups, result_length)?;
        while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
            decode_group(store, group, &mut worker, counters)?;
            consume(group, &mut worker)?;
        }
        let mut total = total.lock().map_err(|_| "a thread panicked")?;
        total
            .iter_mut()
            .zip(&worker.result)
            .for_each(|(total, value)| *total += value);
        Ok(())
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        handles
            .into_iter()
            .try_for_each(|handle| handle.join().map_err(|_| "a thread panicked")?)
    })?;
    total
        .into_inner()
        .map_err(|_| "a thread panicked".to_string())
}

fn new_worker(store: &Store, groups: &[&[Chunk]], result_length: usize) -> Result<Worker> {
    let largest = store
        .chunks
        .iter()
        .map(|chunk| chunk.size)
        .max()
        .unwrap_or(0);
    let together = groups.iter().map(|group| group.len()).max().unwrap_or(0);
    Ok(Worker {
        decoder: Decoder::new(store.codec, store.chunk_bytes())?,
        encoded: vec![0; largest],
        decoded: vec![0.0; together * store.chunk_bytes() / 4],
        result: vec![0.0; result_length],
        written: Vec::new(),
    })
}

fn decode_group(
    store: &Store,
    group: &[Chunk],
    worker: &mut Worker,
    counters: &Counters,
) -> Result<()> {
    let chunk_length = store.chunk_bytes() / 4;
    for (chunk, decoded) in group
        .iter()
        .zip(worker.decoded.chunks_exact_mut(chunk_length))
    {
        let encoded = &mut worker.encoded[..chunk.size];
        store.files[chunk.file]
            .read_exact_at(encoded, chunk.offset)
            .map_err(|error| format!("cannot read a chunk: {error}"))?;
        worker.decoder.decode(encoded, fold::bytes_of(decoded))?;
        counters
            .read
            .fetch_add(chunk.size as u64, Ordering::Relaxed);
        counters
            .decoded
            .fetch_add(store.chunk_bytes() as u64, Ordering::Relaxed);
    }
    Ok(())
}
