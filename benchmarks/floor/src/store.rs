//! Where each chunk of a variable lies: Zarr version 2 and 3, sharded or not, and the netCDF4 files' index.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde_json::Value;

use crate::Result;
use crate::codec::{Codec, Inflate};

/// One encoded chunk and the box of the array that it holds, clipped to the array.
pub struct Chunk {
    pub file: usize,
    pub offset: u64,
    pub size: usize,
    pub start: [usize; 3],
    pub stop: [usize; 3],
}

impl Chunk {
    /// Whether the chunk has the column of the array at `lat` and `lon`.
    pub fn holds(&self, lat: usize, lon: usize) -> bool {
        (self.start[1]..self.stop[1]).contains(&lat) && (self.start[2]..self.stop[2]).contains(&lon)
    }
}

/// A variable as a list of encoded chunks, in storage order.
pub struct Store {
    pub codec: Codec,
    pub shape: [usize; 3],
    pub chunk_shape: [usize; 3],
    pub files: Vec<File>,
    pub chunks: Vec<Chunk>,
    pub is_sharded: bool,
}

impl Store {
    pub fn chunk_bytes(&self) -> usize {
        self.chunk_shape.iter().product::<usize>() * 4
    }
}

/// Opens `variable` of the store at `path`, whatever its format.
pub fn open(path: &Path, variable: &str, inflate: Inflate) -> Result<Store> {
    let array = path.join(variable);
    if path.join("chunks.json").exists() {
        open_netcdf(path, variable, inflate)
    } else if array.join("zarr.json").exists() {
        open_zarr_v3(&array)
    } else {
        open_zarr_v2(&array)
    }
}

fn read_json(path: &Path) -> Result<Value> {
    let bytes = std::fs::read(path)
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("`{}`: {error}", path.display()))
}

fn open_file(path: &Path) -> Result<(File, u64)> {
    let refuse = |error| format!("cannot open `{}`: {error}", path.display());
    let file = File::open(path).map_err(refuse)?;
    let size = file.metadata().map_err(refuse)?.len();
    Ok((file, size))
}

fn number(value: &Value) -> Result<usize> {
    value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| format!("expected a length, found `{value}`"))
}

fn triple(value: &Value) -> Result<[usize; 3]> {
    let numbers = value
        .as_array()
        .map_or(Ok(Vec::new()), |list| list.iter().map(number).collect())?;
    <[usize; 3]>::try_from(numbers).map_err(|_| format!("expected three lengths, found `{value}`"))
}

fn named(codec: &Value) -> Result<Codec> {
    match codec.as_str() {
        Some("zstd") => Ok(Codec::Zstd),
        Some("blosc") => Ok(Codec::Blosc),
        _ => Err(format!("expected `zstd` or `blosc`, found {codec}")),
    }
}

/// All positions of a grid in row-major order.
fn positions(counts: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..counts[0])
        .flat_map(move |i| (0..counts[1]).flat_map(move |j| (0..counts[2]).map(move |k| [i, j, k])))
}

fn each(function: impl Fn(usize) -> usize) -> [usize; 3] {
    [0, 1, 2].map(function)
}

/// A grid of files, each one chunk, named by `key`.
fn whole_files(
    array: &Path,
    shape: [usize; 3],
    chunk_shape: [usize; 3],
    codec: Codec,
    key: impl Fn([usize; 3]) -> String,
) -> Result<Store> {
    let mut store = Store {
        codec,
        shape,
        chunk_shape,
        files: Vec::new(),
        chunks: Vec::new(),
        is_sharded: false,
    };
    for position in positions(each(|axis| shape[axis].div_ceil(chunk_shape[axis]))) {
        let (file, size) = open_file(&array.join(key(position)))?;
        let start = each(|axis| position[axis] * chunk_shape[axis]);
        store.chunks.push(Chunk {
            file: store.files.len(),
            offset: 0,
            size: size as usize,
            start,
            stop: each(|axis| (start[axis] + chunk_shape[axis]).min(shape[axis])),
        });
        store.files.push(file);
    }
    Ok(store)
}

fn open_zarr_v2(array: &Path) -> Result<Store> {
    let metadata = read_json(&array.join(".zarray"))?;
    let codec = match &metadata["compressor"] {
        Value::Null => Codec::Plain,
        found => named(&found["id"])?,
    };
    whole_files(
        array,
        triple(&metadata["shape"])?,
        triple(&metadata["chunks"])?,
        codec,
        |p| format!("{}.{}.{}", p[0], p[1], p[2]),
    )
}

fn open_zarr_v3(array: &Path) -> Result<Store> {
    let metadata = read_json(&array.join("zarr.json"))?;
    let shape = triple(&metadata["shape"])?;
    let outer = triple(&metadata["chunk_grid"]["configuration"]["chunk_shape"])?;
    let key = |p: [usize; 3]| format!("c/{}/{}/{}", p[0], p[1], p[2]);
    let first = &metadata["codecs"][0];
    let is_sharded = first["name"] == "sharding_indexed";
    let codecs = if is_sharded {
        &first["configuration"]["codecs"]
    } else {
        &metadata["codecs"]
    };
    if codecs[0]["name"] != "bytes" {
        return Err(format!("expected the codec `bytes` first, found {codecs}"));
    }
    let codec = match codecs.get(1) {
        None => Codec::Plain,
        Some(found) => named(&found["name"])?,
    };
    let shards = whole_files(array, shape, outer, codec, key)?;
    if is_sharded {
        inner_chunks(shards, triple(&first["configuration"]["chunk_shape"])?)
    } else {
        Ok(shards)
    }
}

/// Reads each shard's index, which is at its end, and lists the inner chunks that hold part of the array.
fn inner_chunks(shards: Store, inner: [usize; 3]) -> Result<Store> {
    let counts = each(|axis| shards.chunk_shape[axis] / inner[axis]);
    // Two 8-byte numbers a chunk, then a checksum.
    let mut index = vec![0; counts.iter().product::<usize>() * 16 + 4];
    let mut chunks = Vec::new();
    for shard in &shards.chunks {
        let at = (shard.size as u64)
            .checked_sub(index.len() as u64)
            .ok_or("a shard is shorter than its index")?;
        shards.files[shard.file]
            .read_exact_at(&mut index, at)
            .map_err(|error| error.to_string())?;
        for (position, entry) in positions(counts).zip(index.chunks_exact(16)) {
            let start = each(|axis| shard.start[axis] + position[axis] * inner[axis]);
            let [offset, size] = [0, 8].map(|byte| {
                entry[byte..byte + 8]
                    .iter()
                    .rev()
                    .fold(0, |number, digit| number << 8 | u64::from(*digit))
            });
            if size == u64::MAX || (0..3).any(|axis| start[axis] >= shards.shape[axis]) {
                continue;
            }
            let stop = each(|axis| (start[axis] + inner[axis]).min(shards.shape[axis]));
            chunks.push(Chunk {
                file: shard.file,
                offset,
                size: size as usize,
                start,
                stop,
            });
        }
    }
    Ok(Store {
        chunk_shape: inner,
        chunks,
        is_sharded: true,
        ..shards
    })
}

fn open_netcdf(folder: &Path, variable: &str, inflate: Inflate) -> Result<Store> {
    let index = read_json(&folder.join("chunks.json"))?;
    let chunk_shape = triple(&index["chunk_shape"])?;
    let mut store = Store {
        codec: Codec::ShuffledZlib(inflate),
        shape: chunk_shape,
        chunk_shape,
        files: Vec::new(),
        chunks: Vec::new(),
        is_sharded: false,
    };
    let mut step = 0;
    for entry in index["files"]
        .as_array()
        .ok_or("the chunk index has no `files`")?
    {
        let name = entry["path"]
            .as_str()
            .ok_or("a file of the chunk index has no `path`")?;
        let rows = entry["chunks"][variable].as_array();
        for row in rows.ok_or_else(|| format!("`{name}` has no variable `{variable}`"))? {
            store.chunks.push(Chunk {
                file: store.files.len(),
                offset: number(&row[0])? as u64,
                size: number(&row[1])?,
                start: [step, 0, 0],
                stop: [step + 1, chunk_shape[1], chunk_shape[2]],
            });
            step += 1;
        }
        store.files.push(open_file(&folder.join(name))?.0);
    }
    store.shape[0] = step;
    Ok(store)
}
