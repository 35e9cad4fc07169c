//! From codec metadata to shards and chains.

use crate::codec::byteswap::ByteSwap;
use crate::codec::chain::StringStage;
use crate::codec::permute::Permute;
use crate::codec::{self, Chain, Codec, NumberType, Options, Place, Stage, StringCodec};
use craton_core::block::element_count;
use craton_core::{DType, Error, Order, Result};
use serde_json::Value;
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

/// One level of shards.
#[derive(Debug, Clone)]
pub(super) struct ShardLevel {
    /// Elements of one shard along each logical axis.
    pub shape: Vec<u64>,
    /// Elements of one inner chunk along each logical axis.
    pub inner: Vec<u64>,
    /// Logical axes in the order in which inner chunks are counted.
    pub axes: Vec<usize>,
    /// Inner chunks in a shard.
    pub count: usize,
    /// The codecs of the index.
    pub index: Chain,
    /// Bytes of the encoded index.
    pub index_length: u64,
    /// Whether the index follows the inner chunks.
    pub is_at_end: bool,
    /// Codecs around the whole shard, and the most bytes that a shard can have inside them.
    pub wrapping: Option<Chain>,
}

/// An index of more inner chunks than this is refused.
const MOST_INNER_CHUNKS: u64 = 1 << 26;
/// Metadata that nest shards deeper than this are refused.
const MOST_LEVELS: usize = 8;

/// What is known while codecs are read from the first to the last.
struct Builder {
    dtype: DType,
    /// Elements of the present chunk along each logical axis.
    chunk: Vec<u64>,
    /// Logical axes in the order in which they are stored so far.
    axes: Vec<usize>,
    steps: Vec<Arc<dyn Codec>>,
    labels: Vec<String>,
    strings: Option<Arc<dyn StringCodec>>,
    levels: Vec<ShardLevel>,
    /// The type of numbers where the next codec stands, as far as filters changed it.
    present: NumberType,
    has_bytes: bool,
    is_variable_grid: bool,
}

/// The layout of a version 3 array. `is_variable_grid` where chunks differ in shape.
pub(super) fn from_v3(
    codecs: &Value,
    dtype: DType,
    chunk: &[u64],
    is_variable_grid: bool,
) -> Result<Layout> {
    let mut builder = Builder::new(dtype, chunk, is_variable_grid);
    builder.read_v3(codecs)?;
    builder.finish()
}

/// The layout of a version 2 array.
pub(super) fn from_v2(
    filters: &[Value],
    compressor: Option<&Value>,
    stored: super::dtype::Stored,
    is_fortran: bool,
    chunk: &[u64],
) -> Result<Layout> {
    let mut builder = Builder::new(stored.dtype, chunk, false);
    if is_fortran {
        builder.axes.reverse();
    }
    if stored.is_swapped {
        builder.push(Arc::new(ByteSwap::new(stored.dtype.swap_size())));
    }
    builder.has_bytes = !stored.is_object;
    for value in filters.iter().chain(compressor) {
        let options = Options::from_v2(value)?;
        let place = builder.place(false);
        match codec::build(&options, &place)? {
            Stage::Bytes(step, _) if builder.has_bytes => builder.push(step),
            Stage::Strings(codec) if stored.is_object && builder.strings.is_none() => {
                builder.strings = Some(codec);
                builder.has_bytes = true;
            }
            _ => {
                let message = format!(
                    "codec `{}` cannot stand here for type {}",
                    options.codec(),
                    stored.dtype
                );
                return Err(Error::corrupt(message));
            }
        }
    }
    if !builder.has_bytes {
        let message = "an array of objects has no filter that says what they are";
        return Err(Error::corrupt(message).hint("`vlen-utf8` and `vlen-bytes` are read"));
    }
    builder.finish()
}

impl Builder {
    fn new(dtype: DType, chunk: &[u64], is_variable_grid: bool) -> Self {
        Self {
            dtype,
            chunk: chunk.to_vec(),
            axes: (0..chunk.len()).collect(),
            steps: Vec::new(),
            labels: Vec::new(),
            strings: None,
            levels: Vec::new(),
            present: NumberType::native(dtype),
            has_bytes: false,
            is_variable_grid,
        }
    }

    fn place(&self, is_native: bool) -> Place {
        Place {
            dtype: self.dtype,
            rank: self.chunk.len(),
            is_native,
        }
    }

    fn push(&mut self, step: Arc<dyn Codec>) {
        self.labels.push(step.label());
        if !step.is_nothing_to_decode() {
            self.steps.push(step);
        }
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
            Stage::Endian(is_big) if !self.has_bytes && !self.dtype.is_variable() => {
                self.has_bytes = true;
                self.endian(is_big)
            }
            Stage::Strings(codec) if !self.has_bytes && self.dtype.is_variable() => {
                self.has_bytes = true;
                self.labels.push(codec.label());
                self.strings = Some(codec);
                Ok(())
            }
            // A filter of numbers before `bytes`; a codec of bytes after it.
            Stage::Bytes(step, changed) if !self.has_bytes => {
                let is_filter = changed.is_some() || step.is_nothing_to_decode();
                if !is_filter {
                    return Err(out_of_place());
                }
                self.present = changed.unwrap_or(self.present);
                self.push(step);
                Ok(())
            }
            Stage::Bytes(step, None) => {
                self.push(step);
                Ok(())
            }
            _ => Err(out_of_place()),
        }
    }

    fn transpose(&mut self, order: &[usize]) -> Result<()> {
        let stored: Vec<usize> = order.iter().map(|axis| self.axes[*axis]).collect();
        self.labels
            .push(format!("transpose:{order:?}").replace(' ', ""));
        if self.steps.is_empty() {
            self.axes = stored;
            return Ok(());
        }
        // A filter stands before: the axes must be put back before it is undone.
        if self.is_variable_grid {
            return Err(Error::unsupported(
                "a transpose after a filter, with chunks of several shapes",
            ));
        }
        let shape = self
            .axes
            .iter()
            .map(|axis| usize::try_from(self.chunk[*axis]).unwrap_or(usize::MAX));
        let item_size = self.present.dtype.item_size().unwrap_or(1);
        self.steps.push(Arc::new(Permute {
            shape: shape.collect(),
            axes: order.to_vec(),
            item_size,
        }));
        Ok(())
    }

    fn endian(&mut self, is_big: Option<bool>) -> Result<()> {
        let size = self.present.dtype.swap_size();
        let is_swapped = is_big.is_some_and(|is_big| is_big != cfg!(target_endian = "big"));
        if is_big.is_none() && size > 1 {
            let message = format!(
                "codec `bytes` lacks its option `endian`, which {} needs",
                self.present.dtype
            );
            return Err(Error::corrupt(message).hint("accepted: `little`, `big`"));
        }
        if is_swapped && matches!(self.dtype, DType::Opaque(_)) && is_big == Some(true) {
            return Err(Error::unsupported(
                "big-endian structured elements are not read",
            ));
        }
        if is_swapped && size > 1 {
            self.push(Arc::new(ByteSwap::new(size)));
        } else {
            self.labels.push("bytes".to_owned());
        }
        Ok(())
    }

    /// Goes into a shard; `after` are codecs around the whole shard.
    fn shard(&mut self, options: &Options<'_>, after: &[Value]) -> Result<()> {
        if self.has_bytes || !self.steps.is_empty() || self.is_variable_grid {
            let message = "shards after a number filter, or of several shapes, are not read";
            return Err(Error::unsupported(message));
        }
        if self.levels.len() == MOST_LEVELS {
            return Err(Error::unsupported(format!(
                "shards nest deeper than {MOST_LEVELS}"
            )));
        }
        let empty = Value::Null;
        let inner =
            super::json::lengths(options.get("chunk_shape").unwrap_or(&empty), "chunk_shape")?;
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
        let (index, index_length) = index_chain(options, count)?;
        let is_at_end = match options.text("index_location")? {
            None | Some("end") => true,
            Some("start") => false,
            Some(other) => {
                let message =
                    format!("option `index_location` of codec `sharding_indexed` is `{other}`");
                return Err(Error::corrupt(message).hint("accepted: `start`, `end`"));
            }
        };
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
            index_length,
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
            Some(_) if self.is_variable_grid => {
                return Err(Error::unsupported(
                    "strings in chunks of several shapes are not read",
                ));
            }
            Some(codec) => Chain::of_strings(
                order,
                StringStage {
                    codec,
                    shape: chunk,
                },
                self.steps,
            ),
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

/// The codecs of a shard's index, and its encoded length.
fn index_chain(options: &Options<'_>, count: usize) -> Result<(Chain, u64)> {
    let Some(codecs) = options.get("index_codecs") else {
        return Err(Error::corrupt(
            "codec `sharding_indexed` lacks its option `index_codecs`",
        ));
    };
    let shape = [count as u64, 2];
    let layout = from_v3(codecs, DType::UInt64, &shape, false)?;
    let has_plain_order = layout.chain.decoded_order() == &Order::C;
    match layout.chain.encoded_size(count * 16) {
        codec::Size::Exact(length) if layout.levels.is_empty() && has_plain_order => {
            let chain = Arc::unwrap_or_clone(layout.chain);
            Ok((chain, length as u64))
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
        let place = Place {
            dtype: DType::UInt8,
            rank: 1,
            is_native: true,
        };
        match codec::build(&options, &place)? {
            Stage::Bytes(step, None) => steps.push(step),
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
