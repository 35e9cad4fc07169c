//! From codec metadata to shards and chains.

use super::dtype::DataType;
use super::fields::SwapFields;
use crate::codec::byteswap::ByteSwap;
use crate::codec::chain::StringStage;
use crate::codec::permute::Permute;
use crate::codec::{
    self, Chain, Codec, Kind, NumberType, Options, Place, Size, Stage, StringCodec,
};
use craton_core::block::element_count;
use craton_core::{DType, Error, Order, Result};
use serde_json::{Value, json};
use std::sync::Arc;

/// Shards, from the outermost, and the chain of the innermost chunks.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Levels of shards; none for plain chunks.
    pub(super) levels: Vec<ShardLevel>,
    /// The codecs of an innermost chunk.
    pub(super) chain: Arc<Chain>,
    /// Elements of an innermost chunk along each logical axis.
    pub(super) chunk: Vec<u64>,
    /// The codecs in words.
    pub(super) label: String,
}

impl Layout {
    /// The most bytes that a shard of the level at `depth` can have without codecs around it.
    pub(super) fn largest_shard(&self, depth: usize, item_size: usize) -> usize {
        let chunk = self.chunk.iter().try_fold(1usize, |count, length| {
            count.checked_mul(usize::try_from(*length).ok()?)
        });
        let chunk = chunk
            .and_then(|count| count.checked_mul(item_size))
            .unwrap_or(usize::MAX);
        let innermost = self.chain.encoded_size(chunk).most();
        self.levels[depth..]
            .iter()
            .rev()
            .fold(innermost, |inner, level| {
                let index = usize::try_from(level.index_length(level.count)).unwrap_or(usize::MAX);
                inner.saturating_mul(level.count).saturating_add(index)
            })
    }
}

/// One level of shards.
#[derive(Debug, Clone)]
pub(super) struct ShardLevel {
    /// Elements of one shard along each logical axis; of the largest, where they differ.
    pub shape: Vec<u64>,
    /// Elements of one inner chunk along each logical axis.
    pub inner: Vec<u64>,
    /// Logical axes in the order in which inner chunks are counted.
    pub axes: Vec<usize>,
    /// Inner chunks in the largest shard.
    pub count: usize,
    /// The codecs of the index.
    pub index: Chain,
    /// Whether the index follows the inner chunks.
    pub is_at_end: bool,
    /// Codecs around the whole shard.
    pub wrapping: Option<Chain>,
}

impl ShardLevel {
    /// Inner chunks in a shard of this shape.
    pub fn count_in(&self, shape: &[u64]) -> usize {
        let counts = shape.iter().zip(&self.inner);
        // OK: no shard has more than the largest, whose count fits.
        counts.fold(1, |count, (outer, inner)| {
            count * usize::try_from(outer / inner).unwrap_or(usize::MAX)
        })
    }

    /// Bytes of the encoded index of so many inner chunks.
    pub fn index_length(&self, count: usize) -> u64 {
        self.index.encoded_size(count.saturating_mul(16)).most() as u64
    }
}

/// An index of more inner chunks than this is refused.
const MOST_INNER_CHUNKS: u64 = 1 << 26;
/// Metadata that nest shards deeper than this are refused.
const MOST_LEVELS: usize = 8;

/// What is known while codecs are read from the first to the last.
struct Builder {
    dtype: DType,
    fields: Vec<super::fields::Field>,
    /// Elements of the present chunk along each logical axis.
    chunk: Vec<u64>,
    /// Logical axes in the order in which they are stored so far.
    axes: Vec<usize>,
    /// Elements along each axis as they are stored so far; nothing where chunks differ.
    shape: Option<Vec<usize>>,
    /// The axes are those of the chunk, only in another order.
    has_axes: bool,
    steps: Vec<Arc<dyn Codec>>,
    labels: Vec<String>,
    strings: Option<Arc<dyn StringCodec>>,
    levels: Vec<ShardLevel>,
    /// The type of elements where the next codec stands.
    present: NumberType,
    has_bytes: bool,
}

/// The layout of a version 3 array. `is_variable_grid` where chunks differ in shape; `chunk` is the largest then.
pub(super) fn from_v3(
    codecs: &Value,
    data_type: &DataType,
    chunk: &[u64],
    is_variable_grid: bool,
) -> Result<Layout> {
    let mut builder = Builder::new(data_type, chunk, is_variable_grid);
    builder.read_v3(codecs)?;
    builder.finish()
}

/// The layout of a version 2 array.
pub(super) fn from_v2(
    filters: &[Value],
    compressor: Option<&Value>,
    data_type: &DataType,
    is_fortran: bool,
    chunk: &[u64],
) -> Result<Layout> {
    let mut builder = Builder::new(data_type, chunk, false);
    if is_fortran {
        builder.axes.reverse();
        builder.shape.iter_mut().for_each(|shape| shape.reverse());
    }
    if data_type.element.is_swapped {
        builder.push(Arc::new(ByteSwap::new(data_type.element.swap_size())));
    }
    builder.has_bytes = !data_type.is_object;
    for value in filters.iter().chain(compressor) {
        let options = Options::from_v2(value)?;
        match codec::build(&options, &builder.place(false))? {
            Stage::Bytes(step) | Stage::Elements(step) if builder.has_bytes => builder.push(step),
            Stage::Numbers(step, changed) if builder.has_bytes => builder.filter(step, changed),
            Stage::Strings(codec) if data_type.is_object && builder.strings.is_none() => {
                builder.strings = Some(codec);
                builder.has_bytes = true;
            }
            _ => {
                let message = format!(
                    "codec `{}` cannot stand here for type {}",
                    options.codec(),
                    data_type.element
                );
                return Err(Error::corrupt(message));
            }
        }
    }
    if !builder.has_bytes {
        let message = "an array of objects has no filter that says what they are";
        return Err(Error::corrupt(message).hint(
            "`vlen-utf8`, `vlen-bytes`, `vlen-array`, `json2`, `msgpack2` and `categorize` are read",
        ));
    }
    builder.finish()
}

/// The codecs of a version 3 array with the one that turns the array into bytes, which is put in where it is missing.
pub(super) fn completed(
    codecs: &[Value],
    data_type: &DataType,
    chunk: &[u64],
) -> Result<Vec<Value>> {
    let mut builder = Builder::new(data_type, chunk, false);
    let mut all = Vec::with_capacity(codecs.len() + 1);
    for value in codecs {
        let value = super::writer::completed(value, builder.present);
        let options = Options::from_v3(&value)?;
        let mut stage = codec::build(&options, &builder.place(true))?;
        if stage.kind() == Kind::BytesToBytes && !builder.has_bytes {
            all.push(builder.complete()?);
            stage = codec::build(&options, &builder.place(true))?;
        }
        if matches!(stage, Stage::Sharding) {
            let error = Error::usage("`sharding_indexed` is none of the codecs of a chunk");
            return Err(error.hint("ask for shards by their shape"));
        }
        builder.apply_v3(stage, &options)?;
        all.push(value);
    }
    if !builder.has_bytes {
        all.push(builder.complete()?);
    }
    Ok(all)
}

impl Builder {
    /// Adds the plainest codec that turns the array into bytes here.
    fn complete(&mut self) -> Result<Value> {
        let value = match self.dtype {
            DType::Utf8 => json!({"name": "vlen-utf8"}),
            DType::Bytes => json!({"name": "vlen-bytes"}),
            _ if self.present.swap_size() == 1 => json!({"name": "bytes"}),
            _ => json!({"name": "bytes", "configuration": {"endian": "little"}}),
        };
        let options = Options::from_v3(&value)?;
        let stage = codec::build(&options, &self.place(true))?;
        self.apply_v3(stage, &options)?;
        Ok(value)
    }

    fn new(data_type: &DataType, chunk: &[u64], is_variable_grid: bool) -> Self {
        let mut builder = Self {
            dtype: data_type.dtype,
            fields: data_type.fields.clone(),
            chunk: chunk.to_vec(),
            axes: (0..chunk.len()).collect(),
            shape: (!is_variable_grid).then(|| lengths(chunk)),
            has_axes: true,
            steps: Vec::new(),
            labels: Vec::new(),
            strings: None,
            levels: Vec::new(),
            present: data_type.element,
            has_bytes: false,
        };
        if let Some(codec) = &data_type.codec {
            builder.push(codec.clone());
        }
        builder
    }

    fn place(&self, is_native: bool) -> Place<'_> {
        Place {
            element: self.present,
            rank: self.shape.as_ref().map_or(self.chunk.len(), Vec::len),
            shape: self.shape.as_deref(),
            is_native,
        }
    }

    fn push(&mut self, step: Arc<dyn Codec>) {
        self.labels.push(step.label());
        self.steps.push(step);
    }

    /// Adds a filter of numbers, which leaves elements of type `changed`.
    fn filter(&mut self, step: Arc<dyn Codec>, changed: NumberType) {
        // Packed bits are fewer elements than there were, along one axis.
        if let Some(shape) = &mut self.shape
            && let Some(count) = element_count(shape)
            && let Some(plain) = count.checked_mul(self.present.size())
            && plain > 0
            && let Size::Exact(stored) = step.encoded_size(Size::Exact(plain))
            && stored / changed.size() != count
        {
            *shape = vec![stored / changed.size()];
            self.has_axes = false;
        }
        self.present = changed;
        self.push(step);
    }

    fn read_v3(&mut self, codecs: &Value) -> Result<()> {
        let list = codecs.as_array().filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| Error::corrupt("`codecs` is no list of codecs"))?;
        for (at, value) in list.iter().enumerate() {
            let options = Options::from_v3(value)?;
            match codec::build(&options, &self.place(true))? {
                Stage::Sharding => return self.shard(&options, &list[at + 1..]),
                stage => self.apply_v3(stage, &options)?,
            }
        }
        if self.has_bytes {
            return Ok(());
        }
        Err(
            Error::corrupt("`codecs` have none that turns the array into bytes")
                .hint("one of `bytes`, `vlen-utf8`, `vlen-bytes`, `sharding_indexed` is needed"),
        )
    }

    fn apply_v3(&mut self, stage: Stage, options: &Options<'_>) -> Result<()> {
        let out_of_place = || {
            let message = format!("codec `{}` cannot stand at this place", options.codec());
            Error::corrupt(message).hint(
                "first array codecs, then one that turns the array into bytes, then bytes codecs",
            )
        };
        match stage {
            Stage::Transpose(order) if !self.has_bytes => self.transpose(&order),
            Stage::Reshape(shape) if !self.has_bytes => {
                self.labels
                    .push(format!("reshape:{shape:?}").replace(' ', ""));
                self.shape = Some(shape);
                self.has_axes = false;
                Ok(())
            }
            Stage::Numbers(step, changed) if !self.has_bytes && !self.dtype.is_variable() => {
                self.filter(step, changed);
                Ok(())
            }
            Stage::Endian(is_big) if !self.has_bytes && !self.dtype.is_variable() => {
                self.has_bytes = true;
                self.endian(is_big)
            }
            Stage::Elements(step) if !self.has_bytes && !self.dtype.is_variable() => {
                self.has_bytes = true;
                self.push(step);
                Ok(())
            }
            Stage::Strings(codec) if !self.has_bytes && self.dtype.is_variable() => {
                self.has_bytes = true;
                self.labels.push(codec.label());
                self.strings = Some(codec);
                Ok(())
            }
            Stage::Bytes(step) if self.has_bytes => {
                self.push(step);
                Ok(())
            }
            _ => Err(out_of_place()),
        }
    }

    /// Whether the axes may still be put in order by whoever reads, after all that is undone here.
    fn may_leave_axes(&self) -> bool {
        self.has_axes && self.steps.iter().all(|step| step.is_elementwise())
    }

    fn transpose(&mut self, order: &[usize]) -> Result<()> {
        self.labels
            .push(format!("transpose:{order:?}").replace(' ', ""));
        if self.may_leave_axes() {
            self.axes = order.iter().map(|axis| self.axes[*axis]).collect();
            if let Some(shape) = &mut self.shape {
                *shape = order.iter().map(|axis| shape[*axis]).collect();
            }
            return Ok(());
        }
        // A filter stands before: the axes must be put back before it is undone.
        let Some(shape) = &mut self.shape else {
            return Err(Error::unsupported(
                "a transpose after a filter, with chunks of several shapes",
            ));
        };
        let stored = order.iter().map(|axis| shape[*axis]).collect();
        self.steps.push(Arc::new(Permute {
            shape: std::mem::replace(shape, stored),
            axes: order.to_vec(),
            item_size: self.present.size(),
        }));
        Ok(())
    }

    fn endian(&mut self, is_big: Option<bool>) -> Result<()> {
        let size = self.present.swap_size();
        let is_swapped = is_big.is_some_and(|is_big| is_big != cfg!(target_endian = "big"));
        if is_big.is_none() && size > 1 {
            let message = format!(
                "codec `bytes` lacks its option `endian`, which {} needs",
                self.present
            );
            return Err(Error::corrupt(message).hint("accepted: `little`, `big`"));
        }
        if is_swapped
            && let DType::Opaque(whole) = self.dtype
            && let Some(swap) = SwapFields::new(&self.fields, whole as usize, |_| true)
        {
            self.push(Arc::new(swap));
        } else if is_swapped && size > 1 {
            self.push(Arc::new(ByteSwap::new(size)));
        } else {
            self.labels.push("bytes".to_owned());
        }
        Ok(())
    }

    /// Goes into a shard; `after` are codecs around the whole shard.
    fn shard(&mut self, options: &Options<'_>, after: &[Value]) -> Result<()> {
        if self.has_bytes || !self.may_leave_axes() {
            let message = "shards after a codec that mixes their elements are not read";
            return Err(Error::unsupported(message));
        }
        if self.levels.len() == MOST_LEVELS {
            return Err(Error::unsupported(format!(
                "shards nest deeper than {MOST_LEVELS}"
            )));
        }
        let empty = Value::Null;
        let inner =
            crate::json::lengths(options.get("chunk_shape").unwrap_or(&empty), "chunk_shape")?;
        let stored: Vec<u64> = self.axes.iter().map(|axis| self.chunk[*axis]).collect();
        let divides = inner.len() == stored.len()
            && stored
                .iter()
                .zip(&inner)
                .all(|(outer, inner)| *inner > 0 && outer.is_multiple_of(*inner));
        if !divides {
            let message =
                format!("inner chunks of shape {inner:?} do not divide shards of shape {stored:?}");
            return Err(Error::corrupt(message));
        }
        let count = stored
            .iter()
            .zip(&inner)
            .try_fold(1u64, |count, (outer, inner)| {
                count.checked_mul(outer / inner)
            })
            .filter(|count| *count <= MOST_INNER_CHUNKS)
            .ok_or_else(|| {
                Error::unsupported(format!(
                    "a shard of shape {stored:?} has too many chunks of {inner:?}"
                ))
            })?;
        let count = usize::try_from(count).map_err(|_| Error::unsupported("shard too large"))?;
        let index = index_chain(options, count)?;
        let is_at_end = match options.text("index_location")? {
            None | Some("end") => true,
            Some("start") => false,
            Some(other) => {
                let message =
                    format!("option `index_location` of codec `sharding_indexed` is `{other}`");
                return Err(Error::corrupt(message).hint("accepted: `start`, `end`"));
            }
        };
        // Inner chunks are alike, whatever the shards are.
        self.shape = Some(lengths(&inner));
        let mut logical = self.chunk.clone();
        for (axis, length) in self.axes.iter().zip(&inner) {
            logical[*axis] = *length;
        }
        self.levels.push(ShardLevel {
            shape: std::mem::replace(&mut self.chunk, logical.clone()),
            inner: logical,
            axes: self.axes.clone(),
            count,
            index,
            is_at_end,
            wrapping: wrapping_chain(after)?,
        });
        self.labels
            .push(format!("sharding:{inner:?}").replace(' ', ""));
        self.read_v3(options.get("codecs").unwrap_or(&empty))?;
        self.labels.extend(
            after
                .iter()
                .filter_map(|value| Some(Options::from_v3(value).ok()?.codec().to_owned())),
        );
        Ok(())
    }

    fn finish(self) -> Result<Layout> {
        let chunk: Option<Vec<usize>> = self
            .chunk
            .iter()
            .map(|length| usize::try_from(*length).ok())
            .collect();
        let bytes = chunk.as_deref().and_then(|chunk| {
            element_count(chunk)?.checked_mul(self.dtype.item_size().unwrap_or(16).max(1))
        });
        let Some((chunk, _)) = chunk.zip(bytes.filter(|bytes| isize::try_from(*bytes).is_ok()))
        else {
            let message = format!("chunks of shape {:?} are larger than memory", self.chunk);
            return Err(Error::corrupt(message));
        };
        let order = if self.axes.is_sorted() {
            Order::C
        } else {
            Order::Permuted(self.axes)
        };
        let chain = match self.strings {
            Some(_) if self.shape.is_none() && order != Order::C => {
                return Err(Error::unsupported(
                    "transposed strings in chunks of several shapes are not read",
                ));
            }
            Some(codec) => {
                let shape = self.shape.is_some().then_some(chunk);
                Chain::of_strings(order, StringStage { codec, shape }, self.steps)
            }
            None => Chain::new(self.dtype, order, self.steps),
        };
        let label = if self.labels.is_empty() {
            chain.label()
        } else {
            self.labels.join(", ")
        };
        Ok(Layout {
            levels: self.levels,
            chain: Arc::new(chain),
            chunk: self.chunk,
            label,
        })
    }
}

/// Lengths in memory; one that does not fit makes the whole chunk too large, which is found at the end.
fn lengths(chunk: &[u64]) -> Vec<usize> {
    chunk
        .iter()
        .map(|length| usize::try_from(*length).unwrap_or(usize::MAX))
        .collect()
}

/// The codecs of a shard's index.
fn index_chain(options: &Options<'_>, count: usize) -> Result<Chain> {
    let Some(codecs) = options.get("index_codecs") else {
        return Err(Error::corrupt(
            "codec `sharding_indexed` lacks its option `index_codecs`",
        ));
    };
    let shape = [count as u64, 2];
    let layout = from_v3(codecs, &DataType::from(DType::UInt64), &shape, false)?;
    let has_plain_order = layout.chain.decoded_order() == &Order::C;
    match layout.chain.encoded_size(count * 16) {
        Size::Exact(_) if layout.levels.is_empty() && has_plain_order => {
            Ok(Arc::unwrap_or_clone(layout.chain))
        }
        _ => Err(Error::unsupported(
            "a shard index with codecs of varying length is not read",
        )),
    }
}

fn wrapping_chain(after: &[Value]) -> Result<Option<Chain>> {
    if after.is_empty() {
        return Ok(None);
    }
    let mut steps = Vec::new();
    for value in after {
        let options = Options::from_v3(value)?;
        match codec::build(&options, &Place::of_bytes())? {
            Stage::Bytes(step) => steps.push(step),
            _ => {
                let message = format!(
                    "codec `{}` cannot stand after `sharding_indexed`",
                    options.codec()
                );
                return Err(Error::corrupt(message));
            }
        }
    }
    Ok(Some(Chain::new(DType::UInt8, Order::C, steps)))
}
