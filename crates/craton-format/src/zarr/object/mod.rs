//! One stored object, a chunk or a shard of chunks, read into and written from memory that somebody else owns.
//!
//! For callers that know themselves which objects they want and where each element goes, as zarr-python does. Whoever wants
//! arrays takes [`super::ZarrArray`].

mod memory;
mod pick;
mod shards;

pub use memory::Memory;
pub use pick::{Along, Pick, Points};
pub use shards::{Coded, NewShard, Part, Run, Wanted};

use super::dtype::{self, DataType};
use super::layout::{self, Layout};
use crate::codec::Chain;
use crate::codec::byteswap::ByteSwap;
use crate::gather::is_all;
use craton_core::block::{element_count, fill_with};
use craton_core::{Buffer, BufferMut, DType, Error, ErrorKind, Order, Pool, Result};
use memory::Elements;
use serde_json::Value;
use std::sync::OnceLock;

/// How the elements of one object are stored.
#[derive(Debug)]
pub struct ObjectForm {
    dtype: DType,
    shape: Vec<usize>,
    layout: Layout,
    /// Elements of an innermost chunk along each axis, and the bytes from one to the next as they are decoded.
    chunk: Vec<usize>,
    strides: Vec<usize>,
    size: usize,
    /// The fill value in native bytes.
    fill: Vec<u8>,
    can_be_written: OnceLock<bool>,
    /// The inner chunks of the outermost shard in the order in which they are written; in the order of the index if empty.
    write_order: Vec<usize>,
}

/// What is to be done with chunks that hold nothing but the fill value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// They are written like others.
    Written,
    /// They are left out.
    LeftOut,
}

impl ObjectForm {
    /// An object of `shape` elements of a version 3 type, with `codecs`. `fill` is the fill value's bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for types and codecs that are not read, or of no fixed size; [`ErrorKind::Corrupt`] for
    /// metadata that contradict themselves.
    pub fn version_3(
        data_type: &Value,
        codecs: &Value,
        shape: &[usize],
        fill: &[u8],
    ) -> Result<Self> {
        let stored = dtype::from_v3(data_type)?;
        let layout = layout::from_v3(codecs, &stored, &as_u64(shape), false)?;
        Self::new(&stored, layout, shape, fill)
    }

    /// An object of a version 2 array; `array` holds `dtype`, `filters`, `compressor` and `order` as `.zarray` does.
    ///
    /// # Errors
    /// As [`ObjectForm::version_3`].
    pub fn version_2(array: &Value, shape: &[usize], fill: &[u8]) -> Result<Self> {
        let stored = dtype::from_v2(&array["dtype"])?;
        let filters = array["filters"].as_array().map_or(&[][..], Vec::as_slice);
        let compressor = Some(&array["compressor"]).filter(|value| !value.is_null());
        let is_fortran = array["order"] == "F";
        let layout = layout::from_v2(filters, compressor, &stored, is_fortran, &as_u64(shape))?;
        Self::new(&stored, layout, shape, fill)
    }

    fn new(stored: &DataType, layout: Layout, shape: &[usize], fill: &[u8]) -> Result<Self> {
        let dtype = stored.dtype;
        if stored.codec.is_some() || !stored.fields.is_empty() {
            return Err(Error::unsupported(format!(
                "elements of {dtype} are stored as something else"
            )));
        }
        let size = dtype.item_size().filter(|size| *size > 0);
        let Some(size) = size.filter(|_| !dtype.is_variable()) else {
            return Err(Error::unsupported(format!(
                "elements of {dtype} have no fixed size"
            )));
        };
        if fill.len() != size {
            let message = format!("a fill value of {} bytes for {dtype}", fill.len());
            return Err(Error::invalid(message));
        }
        let chunk = lengths_of(&layout.chunk)?;
        let axes: Vec<usize> = match layout.chain.decoded_order() {
            Order::C => (0..chunk.len()).collect(),
            Order::Permuted(axes) => axes.clone(),
        };
        let mut strides = vec![0; chunk.len()];
        let mut stride = size;
        for &axis in axes.iter().rev() {
            strides[axis] = stride;
            stride *= chunk[axis];
        }
        Ok(Self {
            dtype,
            shape: shape.to_vec(),
            layout,
            chunk,
            strides,
            size,
            fill: fill.to_vec(),
            can_be_written: OnceLock::new(),
            write_order: Vec::new(),
        })
    }

    /// The same, with the inner chunks of a shard written in this order of their numbers.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] unless each inner chunk is named once.
    pub fn with_write_order(mut self, order: Vec<usize>) -> Result<Self> {
        let count = self.layout.levels.first().map_or(0, |level| level.count);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..count) {
            let message =
                format!("an order of writing names other chunks than the {count} of a shard");
            return Err(Error::invalid(message));
        }
        self.write_order = order;
        Ok(self)
    }

    /// The type of elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Elements along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The codecs in words.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.layout.label
    }

    /// Whether every codec is written, too.
    #[must_use]
    pub fn can_be_written(&self) -> bool {
        *self.can_be_written.get_or_init(|| {
            // A little tells: a codec that is only read says so before it looks at anything.
            let is_written = |chain: &Chain, bytes: &[u8]| {
                let tried = chain.encode(bytes, &Pool::unlimited());
                !tried.is_err_and(|error| error.kind() == ErrorKind::Unsupported)
            };
            let levels = &self.layout.levels;
            is_written(&self.layout.chain, &self.fill)
                && levels.iter().all(|level| {
                    let wrapping = level.wrapping.as_ref();
                    is_written(&level.index, &[0; 16])
                        && wrapping.is_none_or(|chain| is_written(chain, &[0; 16]))
                })
        })
    }

    /// How elements lie in a decoded innermost chunk.
    fn elements(&self) -> Elements<'_> {
        Elements {
            shape: &self.chunk,
            strides: &self.strides,
            size: self.size,
        }
    }

    /// Refuses picks that lead out of the object.
    fn check(&self, pick: &Pick) -> Result<()> {
        if pick.is_empty() || pick.places(&self.shape).is_some() {
            return Ok(());
        }
        Err(Error::internal("a selection leads out of its object"))
    }

    /// The shape of the pieces at `depth` levels of shards inside the object.
    fn shape_at(&self, depth: usize) -> Result<Vec<usize>> {
        match self.layout.levels.get(depth) {
            Some(level) => lengths_of(&level.shape),
            None => Ok(self.chunk.clone()),
        }
    }

    fn chunk_bytes(&self) -> Result<usize> {
        element_count(&self.chunk)
            .and_then(|count| count.checked_mul(self.size))
            .ok_or_else(|| Error::unsupported("chunks are larger than memory"))
    }

    /// Whether an object is one chunk whose bytes are its elements, so that they may be read straight into their places.
    #[must_use]
    pub fn is_plain(&self, memory: &Memory<'_>) -> bool {
        let chain = &self.layout.chain;
        self.layout.levels.is_empty() && chain.is_copy(memory.is_swapped())
    }

    /// The memory that a plain object's bytes go to, if they lie there as they do in the object.
    #[must_use]
    pub fn place<'a>(&self, pick: &Pick, memory: &Memory<'a>) -> Option<&'a mut [u8]> {
        memory.whole_mut(pick, &self.elements())
    }

    /// Puts the fill value to all places of `pick`, which lies in an object that is not there.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the pick leads out of the object or the memory.
    pub fn fill(&self, pick: &Pick, memory: &Memory<'_>) -> Result<()> {
        memory.fill(pick, &self.shape, &self.fill_in(memory))
    }

    /// The fill value in memory's byte order.
    fn fill_in(&self, memory: &Memory<'_>) -> Vec<u8> {
        let mut fill = self.fill.clone();
        if memory.is_swapped() {
            ByteSwap::new(self.dtype.swap_size()).swap_in_place(&mut fill);
        }
        fill
    }

    /// Decodes an object, and puts what is picked to its places.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if the bytes are damaged.
    pub fn read(
        &self,
        encoded: &[u8],
        pick: &Pick,
        memory: &Memory<'_>,
        pool: &Pool,
    ) -> Result<()> {
        self.check(pick)?;
        self.read_at(0, encoded, pick, memory, pool)
    }

    fn read_at(
        &self,
        depth: usize,
        encoded: &[u8],
        pick: &Pick,
        memory: &Memory<'_>,
        pool: &Pool,
    ) -> Result<()> {
        if let Some(level) = self.layout.levels.get(depth) {
            let shard = self.unwrapped(level, depth, encoded, pool)?;
            let shard = shard.as_deref().unwrap_or(encoded);
            let wanted = self.wanted_at(depth, level.index_of(shard)?, pick, pool)?;
            self.fill_missing_at(depth, &wanted, memory)?;
            return wanted.located(|piece, range| {
                let bytes = part(shard, range)?;
                let pick = wanted.cut.piece(piece);
                self.read_at(depth + 1, bytes, &pick, memory, pool)
            });
        }
        if let Some(out) = memory.whole_mut(pick, &self.elements()) {
            let chain = &self.layout.chain;
            return chain.decode_elements(encoded, out, memory.is_swapped(), pool);
        }
        let chunk = self.decoded(encoded, memory, pool)?;
        memory.put(pick, &chunk, &self.elements())
    }

    fn decoded(&self, encoded: &[u8], memory: &Memory<'_>, pool: &Pool) -> Result<BufferMut> {
        let mut chunk = pool.take(self.chunk_bytes()?)?;
        let chain = &self.layout.chain;
        chain.decode_elements(encoded, &mut chunk, memory.is_swapped(), pool)?;
        Ok(chunk)
    }

    /// Encodes an object anew: what is picked comes from memory, and the rest from what is there, if anything is. Gives
    /// `None` if the object is to be gone.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if what is there is damaged, [`ErrorKind::Unsupported`] for codecs that are only read.
    pub fn write(
        &self,
        there: Option<&[u8]>,
        pick: &Pick,
        memory: &Memory<'_>,
        empty: Empty,
        pool: &Pool,
    ) -> Result<Option<Buffer>> {
        self.check(pick)?;
        let written = self.write_at(0, there, pick, memory, empty, pool)?;
        Ok(written.map(BufferMut::freeze))
    }

    fn write_at(
        &self,
        depth: usize,
        there: Option<&[u8]>,
        pick: &Pick,
        memory: &Memory<'_>,
        empty: Empty,
        pool: &Pool,
    ) -> Result<Option<BufferMut>> {
        if depth < self.layout.levels.len() {
            return self.write_shard(depth, there, pick, memory, empty, pool);
        }
        if let Some(bytes) = memory.whole(pick, &self.elements())
            && !memory.is_swapped()
        {
            return self.encoded(bytes, empty, pool);
        }
        let mut chunk = match there.filter(|_| !pick.covers(&self.chunk)) {
            Some(there) => self.decoded(there, memory, pool)?,
            None => {
                let mut chunk = pool.take(self.chunk_bytes()?)?;
                if !pick.covers(&self.chunk) {
                    fill_with(&mut chunk, &self.fill_in(memory));
                }
                chunk
            }
        };
        memory.take(pick, &mut chunk, &self.elements())?;
        if memory.is_swapped() {
            ByteSwap::new(self.dtype.swap_size()).swap_in_place(&mut chunk);
        }
        self.encoded(&chunk, empty, pool)
    }

    fn encoded(&self, plain: &[u8], empty: Empty, pool: &Pool) -> Result<Option<BufferMut>> {
        if empty == Empty::LeftOut && is_all(plain, &self.fill) {
            return Ok(None);
        }
        self.layout.chain.encode(plain, pool).map(Some)
    }
}

fn as_u64(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|length| *length as u64).collect()
}

fn lengths_of(shape: &[u64]) -> Result<Vec<usize>> {
    let lengths = shape.iter().map(|length| usize::try_from(*length));
    lengths
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| Error::unsupported("chunks are larger than memory"))
}

/// A part of the bytes that are held.
fn part(bytes: &[u8], range: std::ops::Range<u64>) -> Result<&[u8]> {
    let ends = usize::try_from(range.start)
        .ok()
        .zip(usize::try_from(range.end).ok());
    ends.and_then(|(start, end)| bytes.get(start..end))
        .ok_or_else(|| {
            let message = format!(
                "an inner chunk lies outside its shard of {} bytes",
                bytes.len()
            );
            Error::corrupt(message).in_bytes(range)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::block::c_strides;
    use proptest::prelude::*;
    use serde_json::json;

    const SHAPE: [usize; 2] = [6, 8];

    fn forms() -> Vec<ObjectForm> {
        let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
        let big = json!({"name": "bytes", "configuration": {"endian": "big"}});
        let transpose = json!({"name": "transpose", "configuration": {"order": [1, 0]}});
        let shuffle = json!({"name": "numcodecs.shuffle", "configuration": {"elementsize": 4}});
        let index = json!([little, {"name": "crc32c"}]);
        let shard = |chunk: [u64; 2], codecs: Value, location: &str| {
            json!({"name": "sharding_indexed", "configuration": {
                "chunk_shape": chunk, "codecs": codecs, "index_codecs": index, "index_location": location,
            }})
        };
        let chains = [
            json!([little]),
            json!([big, {"name": "crc32c"}]),
            json!([transpose, big, shuffle, {"name": "zstd", "configuration": {"level": 1}}]),
            json!([shard(
                [2, 4],
                json!([transpose, little, {"name": "gzip", "configuration": {"level": 1}}]),
                "end"
            )]),
            json!([shard([4, 2], json!([big]), "start"), {"name": "crc32c"}]),
            json!([shard(
                [6, 4],
                json!([shard([3, 2], json!([little, {"name": "crc32c"}]), "start")]),
                "end"
            )]),
        ];
        let shape =
            |codecs: &Value| match codecs[0]["configuration"]["chunk_shape"] == json!([4, 2]) {
                true => vec![8, 8],
                false => SHAPE.to_vec(),
            };
        chains
            .iter()
            .map(|codecs| {
                let fill = 7i32.to_ne_bytes();
                ObjectForm::version_3(&json!("int32"), codecs, &shape(codecs), &fill).unwrap()
            })
            .collect()
    }

    /// A selection of one axis: its indices.
    fn indices(length: usize) -> impl Strategy<Value = Vec<usize>> {
        prop_oneof![
            (0..length, 1usize..4)
                .prop_map(move |(first, step)| (first..length).step_by(step).collect()),
            proptest::sample::subsequence((0..length).collect::<Vec<_>>(), 1..length)
                .prop_shuffle(),
        ]
    }

    fn pick_of(rows: &[usize], columns: &[usize], as_points: bool) -> Pick {
        let width = columns.len().cast_signed() * 4;
        if as_points {
            let all = rows
                .iter()
                .flat_map(|row| columns.iter().map(move |column| [*row, *column]));
            return Pick::Points(Points {
                indices: all.flatten().collect(),
                at: (0..rows.len() * columns.len())
                    .map(|at| at.cast_signed() * 4)
                    .collect(),
            });
        }
        let along = |list: &[usize], stride: isize| {
            let step = list.get(1).map_or(1, |second| second.wrapping_sub(list[0]));
            let is_even = list
                .windows(2)
                .all(|two| two[1] == two[0].wrapping_add(step));
            if is_even && step < 9 {
                return Along::Run {
                    first: list[0],
                    step,
                    count: list.len(),
                    at: 0,
                    stride,
                };
            }
            let pairs = list.iter().enumerate();
            Along::List(
                pairs
                    .map(|(at, index)| (*index, at.cast_signed() * stride))
                    .collect(),
            )
        };
        Pick::Box(vec![along(rows, width), along(columns, 4)])
    }

    fn memory(values: &mut [u8], is_swapped: bool) -> Memory<'_> {
        let length = values.len().cast_signed();
        // SAFETY: the slice is borrowed for as long as the memory lives.
        unsafe { Memory::new(values.as_mut_ptr(), 0, length, is_swapped) }
    }

    fn bytes(values: &[i32], is_swapped: bool) -> Vec<u8> {
        let swap = |value: &i32| {
            if is_swapped {
                value.swap_bytes()
            } else {
                *value
            }
        };
        values
            .iter()
            .flat_map(|value| swap(value).to_ne_bytes())
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_in_parts_is_read_in_parts(
            writes in proptest::collection::vec((indices(6), indices(8), any::<bool>(), any::<bool>()), 1..4),
            (rows, columns, as_points, is_swapped) in (indices(6), indices(8), any::<bool>(), any::<bool>()),
            is_written in any::<bool>(),
        ) {
            let empty = if is_written { Empty::Written } else { Empty::LeftOut };
            let pool = Pool::unlimited();
            for form in forms() {
                prop_assert!(form.can_be_written());
                let strides = c_strides(form.shape());
                let place = |row: &usize, column: &usize| row * strides[0].unsigned_abs() + column;
                let mut model = vec![7i32; form.shape().iter().product()];
                let mut stored: Option<Buffer> = None;
                for (number, (rows, columns, as_points, is_swapped)) in writes.iter().enumerate() {
                    let mut values = Vec::new();
                    for row in rows {
                        for column in columns {
                            // Every third is the fill value.
                            let value = if place(row, column) % 3 == 0 { 7 } else { (1000 * number + place(row, column)) as i32 };
                            model[place(row, column)] = value;
                            values.push(value);
                        }
                    }
                    let mut values = bytes(&values, *is_swapped);
                    let memory = memory(&mut values, *is_swapped);
                    let pick = pick_of(rows, columns, *as_points);
                    stored = form.write(stored.as_deref(), &pick, &memory, empty, &pool).unwrap();
                }
                let expected: Vec<i32> = rows
                    .iter()
                    .flat_map(|row| columns.iter().map(move |column| (row, column)))
                    .map(|(row, column)| model[place(row, column)])
                    .collect();
                let mut read = vec![0; expected.len() * 4];
                let pick = pick_of(&rows, &columns, as_points);
                match &stored {
                    Some(stored) => form.read(stored, &pick, &memory(&mut read, is_swapped), &pool).unwrap(),
                    None => form.fill(&pick, &memory(&mut read, is_swapped)).unwrap(),
                }
                prop_assert_eq!(read, bytes(&expected, is_swapped));
            }
        }
    }

    #[test]
    fn picks_that_lead_out_are_refused() {
        let pool = Pool::unlimited();
        let mut values = vec![0; 48 * 4];
        let form = &forms()[0];
        let run = |first, step, count, stride| Along::Run {
            first,
            step,
            count,
            at: 0,
            stride,
        };
        let stored = vec![0; 48 * 4];
        for pick in [
            Pick::Box(vec![run(0, 1, 7, 32), run(0, 1, 1, 4)]),
            Pick::Box(vec![run(0, 1, 6, 36), run(0, 1, 8, 4)]),
            Pick::Box(vec![run(0, usize::MAX, 3, 4), run(0, 1, 8, 4)]),
            Pick::Box(vec![run(0, 1, 6, isize::MIN), run(0, 1, 8, 4)]),
            Pick::Box(vec![run(0, 1, 6, -4), run(0, 1, 8, 4)]),
            Pick::Box(vec![run(0, 1, 6, 4)]),
            Pick::Points(Points {
                indices: vec![5, 8],
                at: vec![0],
            }),
            Pick::Points(Points {
                indices: vec![5, 7],
                at: vec![48 * 4 - 3],
            }),
            Pick::Points(Points {
                indices: vec![5],
                at: vec![0],
            }),
        ] {
            let memory = memory(&mut values, false);
            let error = form.read(&stored, &pick, &memory, &pool).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal, "{pick:?}");
            assert!(
                form.write(None, &pick, &memory, Empty::LeftOut, &pool)
                    .is_err()
            );
        }
    }

    #[test]
    fn codecs_that_lose_something_are_written_too() {
        let codecs = json!([
            {"name": "numcodecs.bitround", "configuration": {"keepbits": 4}},
            {"name": "bytes", "configuration": {"endian": "little"}},
        ]);
        let form = ObjectForm::version_3(&json!("float32"), &codecs, &[4], &[0; 4]).unwrap();
        assert!(form.can_be_written());
    }

    #[test]
    fn elements_that_are_stored_as_something_else_are_left_to_others() {
        let bytes = json!([{"name": "bytes", "configuration": {"endian": "little"}}]);
        let texts = json!([{"name": "vlen-utf8"}]);
        let structure = json!({"name": "structured", "configuration": {"fields": [["a", "int16"], ["b", "int16"]]}});
        for (data_type, codecs, size) in [
            (json!("string"), &texts, 0),
            (json!("bfloat16"), &bytes, 4),
            (json!("int4"), &bytes, 1),
            (structure, &bytes, 4),
        ] {
            let form = ObjectForm::version_3(&data_type, codecs, &[4], &vec![0; size]);
            assert!(form.is_err(), "{data_type}");
        }
    }
}
