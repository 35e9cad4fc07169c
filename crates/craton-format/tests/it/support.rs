//! Reads whole arrays the plain way, and `.npy` files, for comparison.

use craton_core::block::element_count;
use craton_core::{
    Block, Buffer, ChunkRef, DType, Decode, Decoded, Error, MissingMeans, Order, Pool, Result,
    Source,
};
use craton_format::codec::{Codec, NumberType, shuffle::Shuffle};
use craton_format::zarr::{Node, open_hierarchy};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Waits for what is ready at once over local files.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

/// What an independent reader found in a file of the corpus.
pub fn facts(file: &str) -> Option<Value> {
    let path = corpus("real/expected.json")?;
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    Some(all["files"][file].clone())
}

/// The folder of foreign files, if this run has one.
pub fn corpus(part: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("CRATON_CORPUS") else {
        println!("did not run: CRATON_CORPUS is not set");
        return None;
    };
    let path = PathBuf::from(root).join(part);
    assert!(path.exists(), "CRATON_CORPUS lacks {part}");
    Some(path)
}

/// Unpacks a `.tar.gz` into a fresh folder.
pub fn unpack(archive: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = std::io::BufReader::new(std::fs::File::open(archive).unwrap());
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(folder.path())
        .unwrap();
    folder
}

/// Opens a path, URL or ZIP member as a hierarchy.
pub fn open(url: &str) -> Result<Node> {
    let (store, root) = now(craton_store::open_store(url))?;
    now(open_hierarchy(store, &root))
}

/// The values of an array: native C-order bytes, or strings.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    Fixed(DType, Vec<u8>),
    Strings(Vec<Vec<u8>>),
}

/// Opens `url` and reads every value of the array there.
pub fn read_url(url: &str) -> Result<(Vec<u64>, Values)> {
    let node = open(url)?;
    match node.kind {
        craton_format::zarr::NodeKind::Array(array) => {
            Ok((array.meta().shape.clone(), read(&*array)?))
        }
        craton_format::zarr::NodeKind::Broken(error) => Err(error),
        craton_format::zarr::NodeKind::Group { .. } => panic!("{url} is a group"),
    }
}

/// Every value of `source`, chunk by chunk.
pub fn read(source: &dyn Source) -> Result<Values> {
    let meta = source.meta();
    let shape: Vec<usize> = meta.shape.iter().map(|length| *length as usize).collect();
    let count = element_count(&shape).unwrap();
    let size = meta.dtype.item_size().unwrap_or(0);
    let mut fixed = vec![0u8; count * size];
    let mut strings = vec![
        Vec::new();
        if size == 0 && meta.dtype.is_variable() {
            count
        } else {
            0
        }
    ];
    let pool = Pool::unlimited();
    for index in indices(&meta.grid.shape()) {
        let chunk = meta.grid.chunk(&index);
        let stored: Vec<usize> = chunk.iter().map(|axis| axis.encoded as usize).collect();
        let block = read_chunk(source, &index, &stored, &pool)?;
        let lengths: Vec<u64> = chunk.iter().map(|axis| axis.length).collect();
        for inside in indices(&lengths) {
            let (mut from, mut to) = (0, 0);
            for axis in 0..shape.len() {
                from = from * stored[axis] + (inside[axis] + chunk[axis].skip) as usize;
                to = to * shape[axis] + (chunk[axis].start + inside[axis]) as usize;
            }
            let value = block.get(from).unwrap();
            if meta.dtype.is_variable() {
                strings[to] = value.bytes().to_vec();
            } else {
                fixed[to * size..][..size].copy_from_slice(value.bytes());
            }
        }
    }
    Ok(if meta.dtype.is_variable() {
        Values::Strings(strings)
    } else {
        Values::Fixed(meta.dtype, fixed)
    })
}

/// One chunk as a block of its stored shape.
pub fn read_chunk(
    source: &dyn Source,
    index: &[u64],
    stored: &[usize],
    pool: &Pool,
) -> Result<Block> {
    let meta = source.meta();
    let fill = || Block::constant(meta.fill_value.clone(), stored.to_vec());
    let (bytes, decode) = match now(source.locate(index))? {
        ChunkRef::Missing => return Ok(fill()),
        ChunkRef::Inline { bytes, decode } => (bytes, decode),
        ChunkRef::Stored(place) => match now(place.store.read(&place.location, place.range, pool))?
        {
            Some(bytes) => (bytes.freeze(), place.decode),
            None if place.if_missing == MissingMeans::FillValue => return Ok(fill()),
            None => return Err(Error::not_found(format!("chunk {index:?} has gone"))),
        },
    };
    decode_block(&*decode, &bytes, meta.dtype, stored, pool)
}

/// Decodes and undoes what the decoder left.
pub fn decode_block(
    decode: &dyn Decode,
    encoded: &[u8],
    dtype: DType,
    stored: &[usize],
    pool: &Pool,
) -> Result<Block> {
    let size = dtype.item_size().unwrap_or(0);
    let mut out = pool.take(element_count(stored).unwrap() * size)?;
    let decoded = decode.decode(encoded, &mut out, pool)?;
    if let Some(identity) = decode.is_identity() {
        assert_eq!((&identity, encoded), (&decoded, &out[..]));
    }
    let (order, is_swapped, is_shuffled) = match decoded {
        Decoded::Strings(strings) => return Block::strings(dtype, stored.to_vec(), strings),
        Decoded::Elements {
            order,
            is_swapped,
            is_shuffled,
        } => (order, is_swapped, is_shuffled),
    };
    if is_shuffled {
        let shuffled = out.to_vec();
        Shuffle::new(size).decode(&shuffled, &mut out, pool)?;
    }
    if is_swapped {
        out.chunks_exact_mut(dtype.swap_size())
            .for_each(<[u8]>::reverse);
    }
    let axes = match order {
        Order::C => (0..stored.len()).collect(),
        Order::Permuted(axes) => axes,
    };
    let mut strides = vec![0isize; stored.len()];
    let mut stride = 1;
    for axis in axes.iter().rev() {
        strides[*axis] = stride;
        stride *= stored[*axis] as isize;
    }
    let block = Block::strided(dtype, stored.to_vec(), out.freeze(), 0, strides)?;
    block.to_contiguous(pool)
}

/// Every index below `shape`, last axis fastest.
pub fn indices(shape: &[u64]) -> Vec<Vec<u64>> {
    let mut all = vec![Vec::new()];
    for length in shape {
        all = all
            .into_iter()
            .flat_map(|index| {
                (0..*length).map(move |position| index.iter().copied().chain([position]).collect())
            })
            .collect();
    }
    all
}

/// The shape and native C-order bytes of a `.npy` file; structured types are only bytes.
pub fn npy(bytes: &[u8]) -> (Vec<u64>, Option<NumberType>, Vec<u8>) {
    assert!(bytes.starts_with(b"\x93NUMPY"));
    let start = if bytes[6] == 1 { 10 } else { 12 };
    let length = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let header = std::str::from_utf8(&bytes[start..start + length]).unwrap();
    let field = |name: &str| {
        let at = header.find(&format!("'{name}':")).unwrap() + name.len() + 3;
        header[at..].trim_start()
    };
    let shape = field("shape")
        .trim_start_matches('(')
        .split(')')
        .next()
        .unwrap();
    let shape: Vec<u64> = shape
        .split(',')
        .filter_map(|length| length.trim().parse().ok())
        .collect();
    let code = field("descr")
        .trim_start_matches('\'')
        .split('\'')
        .next()
        .unwrap();
    let mut data = bytes[start + length..].to_vec();
    let count = shape.iter().product::<u64>() as usize;
    let item = data.len().checked_div(count).unwrap_or(1);
    let number = NumberType::from_code(code);
    if code.starts_with('>') {
        let part = match &code[1..2] {
            "U" => 4,
            "c" => item / 2,
            _ => item,
        };
        data.chunks_exact_mut(part).for_each(<[u8]>::reverse);
    }
    if field("fortran_order").starts_with("True") {
        let stored: Vec<usize> = shape.iter().map(|length| *length as usize).collect();
        let mut strides = vec![0isize; stored.len()];
        let mut stride = 1;
        for (axis, length) in stored.iter().enumerate() {
            strides[axis] = stride;
            stride *= *length as isize;
        }
        let buffer = Buffer::copy_of(&data).unwrap();
        let block = Block::strided(DType::Opaque(item as u32), stored, buffer, 0, strides).unwrap();
        data = block
            .to_contiguous(&Pool::unlimited())
            .unwrap()
            .as_contiguous()
            .unwrap()
            .to_vec();
    }
    (shape, number, data)
}

/// Whether two arrays of fixed elements hold the same values: NaN equals NaN, and 0 equals -0.
pub fn same(dtype: DType, one: &[u8], other: &[u8], tolerance: f64) -> bool {
    if one == other {
        return true;
    }
    let part = match dtype {
        DType::Complex64 => DType::Float32,
        DType::Complex128 => DType::Float64,
        other => other,
    };
    if !part.is_float() || one.len() != other.len() {
        return false;
    }
    let numbers = |bytes: &[u8]| -> Vec<f64> {
        let size = part.item_size().unwrap();
        bytes
            .chunks_exact(size)
            .map(|item| {
                craton_core::Scalar::from_bytes(part, item)
                    .to_f64()
                    .unwrap()
            })
            .collect()
    };
    numbers(one).into_iter().zip(numbers(other)).all(|(a, b)| {
        a == b
            || (a.is_nan() && b.is_nan())
            || (a - b).abs() <= tolerance * b.abs().max(f64::MIN_POSITIVE)
    })
}

/// NumPy's code and the bytes of a `.npy` file as they lie there.
pub fn npy_stored(bytes: &[u8]) -> (String, Vec<u8>) {
    let start = if bytes[6] == 1 { 10 } else { 12 };
    let length = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let header = std::str::from_utf8(&bytes[start..start + length]).unwrap();
    let code = header
        .split("'descr': '")
        .nth(1)
        .unwrap_or("")
        .split('\'')
        .next()
        .unwrap();
    (code.to_owned(), bytes[start + length..].to_vec())
}
