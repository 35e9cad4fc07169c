//! Sources, sinks and arrays in memory, and a small random generator, for the laws.

use craton_core::{
    ArrayMeta, AxisGrid, Block, BoxFuture, Buffer, ChunkRef, DType, Decode, Decoded, Error, Grid,
    Order, Pool, Result, Scalar, Sink, SinkChunks, Source,
};
use craton_exec::{Control, Engine};
use craton_kernels::fold::Reduction;
use craton_kernels::scan::{Cumulation, RollingKind};
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex};
use craton_plan::physical::{Output, Target, lower};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// The dtypes of the laws.
pub const DTYPES: [DType; 6] = [
    DType::Float32,
    DType::Float64,
    DType::Int16,
    DType::Int32,
    DType::UInt8,
    DType::Bool,
];

/// A splitmix generator: the same numbers for the same seed, everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
    pub fn flag(&mut self) -> bool {
        self.next() & 1 == 1
    }
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            order.swap(at, self.below(at + 1));
        }
        order
    }
    pub fn shape(&mut self, rank: usize) -> Vec<usize> {
        (0..rank)
            .map(|_| match self.below(12) {
                0 => 0,
                1 => 1,
                _ => 1 + self.below(9),
            })
            .collect()
    }
}

/// An array in C order, each value as a double.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

/// `value` as an element of `dtype` holds it.
pub fn rounded(dtype: DType, value: f64) -> f64 {
    if value.is_nan() {
        return value;
    }
    Scalar::from_f64(dtype, value).to_f64().unwrap()
}

impl Array {
    /// Distinct small whole numbers, some of them missing.
    pub fn random(random: &mut Random, dtype: DType, shape: &[usize]) -> Self {
        let has_missing = dtype.is_float() && random.flag();
        let values = (0..shape.iter().product::<usize>()).map(|at| {
            if has_missing && random.below(4) == 0 {
                return f64::NAN;
            }
            let value = match dtype {
                DType::Bool => random.below(2) as f64,
                DType::UInt8 => random.below(7) as f64,
                _ => random.below(15) as f64 - 7.0,
            };
            if random.below(3) == 0 && dtype != DType::Bool {
                (at % 11) as f64
            } else {
                value
            }
        });
        Self {
            dtype,
            shape: shape.to_vec(),
            values: values.collect(),
        }
    }

    /// An array whose element at each index is what `value` says.
    pub fn of(dtype: DType, shape: &[usize], mut value: impl FnMut(&[usize]) -> f64) -> Self {
        let values = indices(shape).map(|index| value(&index)).collect();
        Self {
            dtype,
            shape: shape.to_vec(),
            values,
        }
    }

    pub fn at(&self, index: &[usize]) -> f64 {
        let place = index
            .iter()
            .zip(&self.shape)
            .fold(0, |place, (at, length)| place * length + at);
        self.values[place]
    }

    pub fn extents(&self) -> Vec<u64> {
        self.shape.iter().map(|length| *length as u64).collect()
    }

    pub fn from_block(block: &Block) -> Self {
        Self {
            dtype: block.dtype(),
            shape: block.shape().to_vec(),
            values: block.scalars().map(|s| s.to_f64().unwrap()).collect(),
        }
    }

    /// Equal up to `tolerance`, relative to the value or to 1.
    pub fn check(&self, expected: &Array, tolerance: f64, what: &str) {
        assert_eq!(self.dtype, expected.dtype, "{what}");
        assert_eq!(self.shape, expected.shape, "{what}");
        for (at, (one, other)) in self.values.iter().zip(&expected.values).enumerate() {
            let is_close = one == other
                || one.is_nan() && other.is_nan()
                || (one - other).abs() <= tolerance * other.abs().max(1.0);
            assert!(
                is_close,
                "element {at} of {:?} is {one}, expected {other}: {}",
                self.shape,
                &what[..what.len().min(400)]
            );
        }
    }
}

/// The mean of squared distances from the mean; of nothing, NaN.
fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    squares.sum::<f64>() / count
}

/// Every index of a shape in C order.
pub fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let shape = shape.to_vec();
    (0..shape.iter().product::<usize>()).map(move |at| {
        let mut rest = at;
        let mut index = vec![0; shape.len()];
        for axis in (0..shape.len()).rev() {
            index[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        index
    })
}

/// How a [`ModelSource`] stores its chunks.
#[derive(Clone, Debug)]
pub struct Storage {
    pub grid: Grid,
    pub order: Order,
    pub is_swapped: bool,
    pub is_shuffled: bool,
    pub is_identity: bool,
}

impl Storage {
    /// Regular chunks in plain form.
    pub fn plain(shape: &[usize], chunks: &[u64]) -> Self {
        let extents: Vec<u64> = shape.iter().map(|length| *length as u64).collect();
        Self {
            grid: Grid::regular(&extents, chunks).unwrap(),
            order: Order::C,
            is_swapped: false,
            is_shuffled: false,
            is_identity: false,
        }
    }

    /// Any grid, any order, any byte form.
    pub fn random(random: &mut Random, shape: &[usize]) -> Self {
        let axes = shape
            .iter()
            .map(|length| random_axis(random, *length as u64))
            .collect();
        let order = if random.flag() {
            Order::C
        } else {
            Order::Permuted(random.order(shape.len()))
        };
        Self {
            grid: Grid { axes },
            order,
            is_swapped: random.below(3) == 0,
            is_shuffled: random.below(3) == 0,
            is_identity: random.below(3) == 0,
        }
    }
}

fn random_axis(random: &mut Random, extent: u64) -> AxisGrid {
    match random.below(4) {
        0 => AxisGrid::single(extent),
        1 => AxisGrid::regular(extent, 1 + random.below(4) as u64).unwrap(),
        2 => {
            let lengths: Vec<u64> = (0..extent).map(|_| 1 + random.below(4) as u64).collect();
            AxisGrid::from_lengths(extent, lengths).unwrap()
        }
        _ => {
            let mut grid = AxisGrid::default();
            while grid.extent() < extent {
                let length = (1 + random.below(4) as u64).min(extent - grid.extent());
                let skip = random.below(3) as u64;
                grid.push(1, length, length + skip + random.below(3) as u64, skip);
            }
            grid
        }
    }
}

static NEXT_URL: AtomicU64 = AtomicU64::new(0);

/// A stored array in memory that counts what is asked of it.
#[derive(Debug)]
pub struct ModelSource {
    meta: ArrayMeta,
    url: String,
    pub chunks: HashMap<Vec<u64>, (Buffer, Arc<ModelDecode>)>,
    pub locates: Mutex<HashMap<Vec<u64>, u64>>,
    pub fails_at: Option<Vec<u64>>,
    pub panics_at: Option<Vec<u64>>,
    pub on_locate: Option<Arc<Control>>,
}

#[derive(Debug)]
pub struct ModelDecode {
    decoded: Decoded,
    is_identity: bool,
    pub decodes: AtomicU64,
}

impl Decode for ModelDecode {
    fn decode(&self, encoded: &[u8], out: &mut [u8], _: &Pool) -> Result<Decoded> {
        self.decodes.fetch_add(1, Relaxed);
        if encoded.len() != out.len() {
            return Err(Error::corrupt("the chunk is too short"));
        }
        out.copy_from_slice(encoded);
        Ok(self.decoded.clone())
    }
    fn is_identity(&self) -> Option<Decoded> {
        self.is_identity.then(|| self.decoded.clone())
    }
}

impl ModelSource {
    /// Stores `array`. Chunks whose every element is the fill value (2) may be missing.
    pub fn new(array: &Array, storage: &Storage) -> Self {
        let fill = 2.0;
        let grid = &storage.grid;
        let counts: Vec<usize> = grid.shape().iter().map(|count| *count as usize).collect();
        let mut chunks = HashMap::new();
        for index in indices(&counts) {
            let index: Vec<u64> = index.iter().map(|at| *at as u64).collect();
            if let Some(bytes) = encode(array, storage, &index, fill) {
                let decoded = Decoded::Elements {
                    order: storage.order.clone(),
                    is_swapped: storage.is_swapped,
                    is_shuffled: storage.is_shuffled,
                };
                let decode = ModelDecode {
                    decoded,
                    is_identity: storage.is_identity,
                    decodes: AtomicU64::new(0),
                };
                chunks.insert(index, (Buffer::copy_of(&bytes).unwrap(), Arc::new(decode)));
            }
        }
        Self {
            meta: ArrayMeta {
                dtype: array.dtype,
                shape: array.extents(),
                grid: grid.clone(),
                fill_value: Scalar::from_f64(array.dtype, fill),
                dimension_names: vec![None; array.shape.len()],
                attributes: Default::default(),
                codecs: String::new(),
                shard_shape: None,
            },
            url: format!("model:{}", NEXT_URL.fetch_add(1, Relaxed)),
            chunks,
            locates: Mutex::default(),
            fails_at: None,
            panics_at: None,
            on_locate: None,
        }
    }

    /// Indices of the chunks located so far, and how often.
    pub fn located(&self) -> HashMap<Vec<u64>, u64> {
        self.locates.lock().unwrap().clone()
    }

    pub fn node(self: &Arc<Self>) -> NodeRef {
        ops::source(self.clone(), "").unwrap()
    }
}

/// The stored bytes of a chunk; `None` if every element is the fill value.
fn encode(array: &Array, storage: &Storage, index: &[u64], fill: f64) -> Option<Vec<u8>> {
    let chunk = storage.grid.chunk(index);
    let axes = match &storage.order {
        Order::C => (0..chunk.len()).collect(),
        Order::Permuted(axes) => axes.clone(),
    };
    let stored: Vec<usize> = axes
        .iter()
        .map(|axis| chunk[*axis].encoded as usize)
        .collect();
    let size = array.dtype.item_size().unwrap();
    let mut items = Vec::new();
    let mut is_fill = true;
    for at in indices(&stored) {
        let mut place = vec![0; chunk.len()];
        let mut is_inside = true;
        for (position, axis) in axes.iter().enumerate() {
            let chunk = chunk[*axis];
            let inside = (at[position] as u64).wrapping_sub(chunk.skip);
            is_inside &= inside < chunk.length;
            place[*axis] = chunk.start.wrapping_add(inside) as usize;
        }
        // Padding is garbage that no result may show.
        let value = if is_inside { array.at(&place) } else { 99.0 };
        is_fill &= !is_inside || value == fill;
        let mut item = Scalar::from_f64(array.dtype, value).bytes().to_vec();
        if storage.is_swapped {
            item.reverse();
        }
        items.push(item);
    }
    if is_fill {
        return None;
    }
    if !storage.is_shuffled {
        return Some(items.concat());
    }
    let bytes = (0..size).flat_map(|byte| items.iter().map(move |item| item[byte]));
    Some(bytes.collect())
}

impl Source for ModelSource {
    fn meta(&self) -> &ArrayMeta {
        &self.meta
    }
    fn locate<'a>(&'a self, index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>> {
        Box::pin(async move {
            *self
                .locates
                .lock()
                .unwrap()
                .entry(index.to_vec())
                .or_default() += 1;
            if let Some(control) = &self.on_locate {
                control.cancel();
            }
            if self.panics_at.as_deref() == Some(index) {
                panic!("this source panics by intent");
            }
            if self.fails_at.as_deref() == Some(index) {
                return Err(Error::corrupt("this chunk is damaged by intent"));
            }
            Ok(match self.chunks.get(index) {
                None => ChunkRef::Missing,
                Some((bytes, decode)) => ChunkRef::Inline {
                    bytes: bytes.clone(),
                    decode: decode.clone(),
                },
            })
        })
    }
    fn url(&self) -> &str {
        &self.url
    }
}

/// A stored array being written in memory.
#[derive(Debug)]
pub struct ModelSink {
    chunks: SinkChunks,
    pub begun: AtomicU64,
    pub committed: AtomicU64,
    /// Copies, so that nothing of the engine's memory is kept.
    pub puts: Mutex<Vec<(Vec<u64>, Array)>>,
}

impl ModelSink {
    pub fn new(grid: Grid) -> Arc<Self> {
        Arc::new(Self {
            chunks: SinkChunks { grid },
            begun: AtomicU64::new(0),
            committed: AtomicU64::new(0),
            puts: Mutex::default(),
        })
    }

    /// What was written; every chunk must have come exactly once and have the right shape.
    pub fn array(&self, dtype: DType, shape: &[usize]) -> Array {
        let mut out = Array::of(dtype, shape, |_| f64::INFINITY);
        let puts = self.puts.lock().unwrap();
        let mut seen: Vec<&Vec<u64>> = puts.iter().map(|(index, _)| index).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), puts.len(), "a chunk was put twice");
        assert_eq!(
            puts.len() as u64,
            self.chunks.grid.len(),
            "a chunk is left out"
        );
        for (index, block) in puts.iter() {
            let chunk = self.chunks.grid.chunk(index);
            let lengths: Vec<usize> = chunk.iter().map(|chunk| chunk.length as usize).collect();
            assert_eq!(block.shape, lengths);
            assert_eq!(block.dtype, dtype);
            for (at, value) in indices(&lengths).zip(&block.values) {
                let place = at
                    .iter()
                    .zip(&chunk)
                    .zip(shape)
                    .fold(0, |place, ((at, chunk), length)| {
                        place * length + at + chunk.start as usize
                    });
                out.values[place] = *value;
            }
        }
        out
    }
}

impl Sink for ModelSink {
    fn chunks(&self) -> &SinkChunks {
        &self.chunks
    }
    fn begin(&self) -> BoxFuture<'_, Result<()>> {
        self.begun.fetch_add(1, Relaxed);
        Box::pin(async { Ok(()) })
    }
    fn put<'a>(
        &'a self,
        index: &'a [u64],
        block: &'a Block,
        _: &'a Pool,
    ) -> BoxFuture<'a, Result<u64>> {
        self.puts
            .lock()
            .unwrap()
            .push((index.to_vec(), Array::from_block(block)));
        Box::pin(async { Ok(1) })
    }
    fn commit(&self) -> BoxFuture<'_, Result<()>> {
        self.committed.fetch_add(1, Relaxed);
        Box::pin(async { Ok(()) })
    }
}

/// An engine with plenty of memory.
pub fn engine(threads: usize) -> Engine {
    Engine::new(Some(threads), Some(8 << 30))
}

/// The values of one node.
pub fn try_run(node: &NodeRef, engine: &Engine) -> Result<Block> {
    let output = Output {
        node: node.clone(),
        target: Target::Keep,
    };
    let outputs = engine.run(&lower(&[output])?, &Control::default())?;
    Ok(outputs[0].clone().unwrap())
}

/// The values of one node, on as many threads.
pub fn run(node: &NodeRef, threads: usize) -> Block {
    try_run(node, &engine(threads)).unwrap()
}

/// Native bytes in C order.
pub fn bits(block: &Block) -> Vec<u8> {
    block.scalars().flat_map(|s| s.bytes().to_vec()).collect()
}

/// An array stored at random, and its node.
pub fn stored(random: &mut Random, array: &Array) -> (Arc<ModelSource>, NodeRef) {
    let storage = Storage::random(random, &array.shape);
    let source = Arc::new(ModelSource::new(array, &storage));
    let node = source.node();
    (source, node)
}

/// Fails the whole test run if `work` takes longer than `seconds`.
pub fn within(seconds: u64, work: impl FnOnce() + Send + 'static) {
    let worker = std::thread::spawn(work);
    let start = std::time::Instant::now();
    while !worker.is_finished() {
        assert!(start.elapsed().as_secs() < seconds, "the work hangs");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    if let Err(cause) = worker.join() {
        std::panic::resume_unwind(cause);
    }
}

/// The reduction of `values` (in order along the folded axes), as the doubles that the result holds.
pub fn fold(
    reduction: Reduction,
    dtype: DType,
    values: &[f64],
    options: ops::ReduceOptions,
) -> f64 {
    // Truth is not skipped: NaN is true, as for NumPy.
    let is_truth = matches!(reduction, Reduction::Any | Reduction::All);
    let skips = options.skip_missing && !is_truth;
    let kept: Vec<(usize, f64)> = values
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, value)| !(skips && value.is_nan()))
        .collect();
    let count = kept.len() as f64;
    let numbers = || kept.iter().map(|(_, value)| *value);
    let has_nan = numbers().any(f64::is_nan);
    let is_enough = !dtype.is_float() || kept.len() >= options.min_count as usize;
    let best = |is_better: fn(f64, f64) -> bool| {
        kept.iter().copied().reduce(|best, next| {
            let takes = !best.1.is_nan() && (next.1.is_nan() || is_better(next.1, best.1));
            if takes { next } else { best }
        })
    };
    let variance = || {
        if kept.len() <= options.ddof as usize {
            return f64::NAN;
        }
        let mean = numbers().sum::<f64>() / count;
        numbers().map(|value| (value - mean).powi(2)).sum::<f64>()
            / (count - f64::from(options.ddof))
    };
    match reduction {
        Reduction::Sum if is_enough => numbers().sum::<f64>() + 0.0,
        Reduction::Prod if dtype.is_float() && is_enough => numbers().product(),
        Reduction::Prod if is_enough => {
            let product = numbers().fold(1i64, |all, value| all.wrapping_mul(value as i64));
            if dtype.is_unsigned_integer() {
                product as u64 as f64
            } else {
                product as f64
            }
        }
        Reduction::Sum | Reduction::Prod => f64::NAN,
        Reduction::Mean => numbers().sum::<f64>() / count,
        Reduction::Var => variance(),
        Reduction::Std => variance().sqrt(),
        Reduction::Min | Reduction::Max if has_nan => f64::NAN,
        Reduction::Min => best(|one, other| one < other).map_or(f64::NAN, |best| best.1),
        Reduction::Max => best(|one, other| one > other).map_or(f64::NAN, |best| best.1),
        Reduction::ArgMin => best(|one, other| one < other).map_or(-1.0, |best| best.0 as f64),
        Reduction::ArgMax => best(|one, other| one > other).map_or(-1.0, |best| best.0 as f64),
        Reduction::Any => f64::from(u8::from(numbers().any(|value| value != 0.0))),
        Reduction::All => f64::from(u8::from(numbers().all(|value| value != 0.0))),
        Reduction::Count => values.iter().filter(|value| !value.is_nan()).count() as f64,
        Reduction::First => kept.first().map_or(f64::NAN, |first| first.1),
        Reduction::Last => kept.last().map_or(f64::NAN, |last| last.1),
    }
}

impl Array {
    /// Folds `axes` away into elements of `dtype`.
    pub fn reduce(
        &self,
        reduction: Reduction,
        axes: &[usize],
        options: ops::ReduceOptions,
        dtype: DType,
    ) -> Array {
        self.reduce_with(axes, dtype, |values| {
            fold(reduction, self.dtype, values, options)
        })
    }

    /// Folds `axes` away by any function of the values.
    pub fn reduce_with(&self, axes: &[usize], dtype: DType, fold: impl Fn(&[f64]) -> f64) -> Array {
        let keeps = |axis: &usize| !axes.contains(axis);
        let kept: Vec<usize> = (0..self.shape.len()).filter(keeps).collect();
        let shape: Vec<usize> = kept.iter().map(|axis| self.shape[*axis]).collect();
        let mut members = vec![Vec::new(); shape.iter().product()];
        for (index, value) in indices(&self.shape).zip(&self.values) {
            let place = kept
                .iter()
                .fold(0, |place, axis| place * self.shape[*axis] + index[*axis]);
            members[place].push(*value);
        }
        let values = members.iter().map(|all| {
            let value = fold(all);
            if dtype.is_float() {
                rounded(dtype, value)
            } else {
                value
            }
        });
        Array {
            dtype,
            values: values.collect(),
            shape,
        }
    }

    /// Folds the indices of `axis` with equal codes.
    pub fn group(
        &self,
        reduction: Reduction,
        axis: usize,
        codes: &[i64],
        count: usize,
        options: ops::ReduceOptions,
        dtype: DType,
    ) -> Array {
        let mut shape = self.shape.clone();
        shape[axis] = count;
        Array::of(dtype, &shape, |index| {
            let members: Vec<f64> = (0..self.shape[axis])
                .filter(|at| codes[*at] == index[axis] as i64)
                .map(|at| {
                    let mut place = index.to_vec();
                    place[axis] = at;
                    self.at(&place)
                })
                .collect();
            let places: Vec<usize> = (0..self.shape[axis])
                .filter(|at| codes[*at] == index[axis] as i64)
                .collect();
            let value = fold(reduction, self.dtype, &members, options);
            let is_place = matches!(reduction, Reduction::ArgMin | Reduction::ArgMax);
            let value = if is_place && value >= 0.0 {
                places[value as usize] as f64
            } else {
                value
            };
            if dtype.is_float() {
                rounded(dtype, value)
            } else {
                value
            }
        })
    }

    /// The windows of `window` indices that end at each index.
    pub fn rolling(
        &self,
        kind: RollingKind,
        axis: usize,
        window: usize,
        min_periods: usize,
        dtype: DType,
    ) -> Array {
        Array::of(dtype, &self.shape, |index| {
            let first = (index[axis] + 1).saturating_sub(window);
            let valid: Vec<f64> = (first..=index[axis])
                .map(|at| {
                    let mut place = index.to_vec();
                    place[axis] = at;
                    self.at(&place)
                })
                .filter(|value| !value.is_nan())
                .collect();
            let count = valid.len() as f64;
            let sum = valid.iter().sum::<f64>() + 0.0;
            let value = match kind {
                _ if valid.len() < min_periods => f64::NAN,
                RollingKind::Count => count,
                RollingKind::Sum => sum,
                RollingKind::Mean => sum / count,
                RollingKind::Prod => valid.iter().product(),
                RollingKind::Var => variance(&valid),
                RollingKind::Std => variance(&valid).sqrt(),
                _ if valid.is_empty() => f64::NAN,
                RollingKind::Min => valid.iter().copied().fold(f64::INFINITY, f64::min),
                RollingKind::Max => valid.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                RollingKind::Last => valid[valid.len() - 1],
                RollingKind::Median => {
                    let mut sorted = valid.clone();
                    sorted.sort_by(f64::total_cmp);
                    (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
                }
            };
            rounded(dtype, value)
        })
    }

    /// The running total along `axis`.
    pub fn cumulate(&self, kind: Cumulation, axis: usize, skips: bool, dtype: DType) -> Array {
        Array::of(dtype, &self.shape, |index| {
            let values = (0..=index[axis]).map(|at| {
                let mut place = index.to_vec();
                place[axis] = at;
                self.at(&place)
            });
            let mut values = values.filter(|value| !(skips && value.is_nan()));
            let value = match kind {
                Cumulation::Sum => values.sum::<f64>() + 0.0,
                Cumulation::Prod => values.product(),
                Cumulation::Last => values.rfind(|value| !value.is_nan()).unwrap_or(f64::NAN),
            };
            rounded(dtype, value)
        })
    }

    /// The elements at the listed indices of `axis`.
    pub fn gather(&self, axis: usize, list: &[u64]) -> Array {
        let mut shape = self.shape.clone();
        shape[axis] = list.len();
        Array::of(self.dtype, &shape, |index| {
            let mut place = index.to_vec();
            place[axis] = list[index[axis]] as usize;
            self.at(&place)
        })
    }

    /// The axes in another order.
    pub fn transpose(&self, axes: &[usize]) -> Array {
        let shape: Vec<usize> = axes.iter().map(|axis| self.shape[*axis]).collect();
        Array::of(self.dtype, &shape, |index| {
            let mut place = vec![0; axes.len()];
            for (at, axis) in index.iter().zip(axes) {
                place[*axis] = *at;
            }
            self.at(&place)
        })
    }

    /// `other` after this along `axis`.
    pub fn concat(&self, other: &Array, axis: usize) -> Array {
        let mut shape = self.shape.clone();
        shape[axis] += other.shape[axis];
        Array::of(self.dtype, &shape, |index| {
            let mut place = index.to_vec();
            if index[axis] < self.shape[axis] {
                return self.at(&place);
            }
            place[axis] -= self.shape[axis];
            other.at(&place)
        })
    }

    /// Two elements in the same place, by NumPy's broadcasting.
    pub fn zip(&self, other: &Array, dtype: DType, function: impl Fn(f64, f64) -> f64) -> Array {
        let rank = self.shape.len().max(other.shape.len());
        let length = |array: &Array, axis: usize| {
            let skip = rank - array.shape.len();
            if axis < skip {
                1
            } else {
                array.shape[axis - skip]
            }
        };
        let shape: Vec<usize> = (0..rank)
            .map(|axis| match (length(self, axis), length(other, axis)) {
                (1, other) => other,
                (one, _) => one,
            })
            .collect();
        let pick = |array: &Array, index: &[usize]| {
            let tail = &index[rank - array.shape.len()..];
            let place: Vec<usize> = tail
                .iter()
                .zip(&array.shape)
                .map(|(at, length)| if *length == 1 { 0 } else { *at })
                .collect();
            array.at(&place)
        };
        Array::of(dtype, &shape, |index| {
            rounded(dtype, function(pick(self, index), pick(other, index)))
        })
    }
}

/// Random picks along each axis, as the operator's argument, and what they take.
pub fn random_index(random: &mut Random, array: &Array) -> (Vec<AxisIndex>, Array) {
    let mut picks = Vec::new();
    let mut lists: Vec<Vec<usize>> = Vec::new();
    let mut is_kept = Vec::new();
    for length in &array.shape {
        if *length > 0 && random.below(5) == 0 {
            let at = random.below(*length);
            picks.push(AxisIndex::At(at as u64));
            lists.push(vec![at]);
            is_kept.push(false);
            continue;
        }
        let start = random.below(*length);
        let step = *random.pick(&[1i64, 1, 2, 3, -1, -2, 5]);
        let room = match (length, step > 0) {
            (0, _) => 0,
            (_, true) => (length - start).div_ceil(step as usize),
            (_, false) => start / step.unsigned_abs() as usize + 1,
        };
        let taken = if random.flag() {
            room
        } else {
            random.below(room + 1)
        };
        picks.push(AxisIndex::Range {
            start: start as u64,
            length: taken as u64,
            step,
        });
        lists.push(
            (0..taken)
                .map(|at| (start as i64 + at as i64 * step) as usize)
                .collect(),
        );
        is_kept.push(true);
    }
    let shape: Vec<usize> = lists
        .iter()
        .zip(&is_kept)
        .filter(|(_, kept)| **kept)
        .map(|(list, _)| list.len())
        .collect();
    let taken = Array::of(array.dtype, &shape, |index| {
        let mut index = index.iter();
        let place: Vec<usize> = lists
            .iter()
            .zip(&is_kept)
            .map(|(list, kept)| {
                if *kept {
                    list[*index.next().unwrap()]
                } else {
                    list[0]
                }
            })
            .collect();
        array.at(&place)
    });
    (picks, taken)
}
