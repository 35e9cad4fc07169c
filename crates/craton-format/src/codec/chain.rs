//! All codecs of an array, decoded from the last to the first straight into the lent buffer.

use super::byteswap::ByteSwap;
use super::shuffle::Shuffle;
use super::{Codec, Reordering, Size, StringCodec, wrong_length};
use craton_core::{BufferMut, DType, Decode, Decoded, Error, Order, Pool, Result, Strings};
use std::sync::Arc;

/// A string chunk may decode to so many times its stored bytes, plus [`STRINGS_BASE`] and
/// [`STRINGS_EACH`] per element; deflate cannot grow more.
const STRINGS_GROWTH: usize = 1100;
const STRINGS_BASE: usize = 16 << 20;
const STRINGS_EACH: usize = 64;
/// The first guess for output of unknown length.
const FIRST_GUESS: usize = 64 << 10;

/// The codecs of one array's chunks.
///
/// A byte swap or byte shuffle that would be the last thing to undo is left undone and reported in
/// [`Decoded::Elements`], because the compute loop does it on the way.
#[derive(Debug, Clone)]
pub struct Chain {
    order: Order,
    /// Bytes of an element, and of the parts of one that a change of byte order reverses.
    item_size: usize,
    swap_size: usize,
    is_swapped: bool,
    is_shuffled: bool,
    /// What is undone, in the order of encoding: without what is left to the reader or changes nothing back.
    steps: Vec<Arc<dyn Codec>>,
    /// Everything, for encoding.
    all: Vec<Arc<dyn Codec>>,
    strings: Option<StringStage>,
}

/// The array-to-bytes codec of strings, and the shape of the chunk where axes are reordered.
#[derive(Debug, Clone)]
pub struct StringStage {
    /// The codec.
    pub codec: Arc<dyn StringCodec>,
    /// Elements along each logical axis of the chunk; nothing where chunks differ in shape, which then are in C order.
    pub shape: Option<Vec<usize>>,
}

impl Chain {
    /// A chain for elements of `dtype`, stored with their axes in `order`.
    /// `steps` are in the order of encoding.
    #[must_use]
    pub fn new(dtype: DType, order: Order, steps: Vec<Arc<dyn Codec>>) -> Self {
        let item_size = dtype.item_size();
        let all = steps;
        let undone = all.iter().filter(|step| !step.is_nothing_to_decode());
        let mut steps: Vec<Arc<dyn Codec>> = undone.cloned().collect();
        let reordering = |steps: &[Arc<dyn Codec>]| steps.first()?.reordering();
        let is_swapped = reordering(&steps) == Some(Reordering::Swap(dtype.swap_size()));
        steps.drain(..usize::from(is_swapped));
        let is_shuffled = match reordering(&steps) {
            Some(Reordering::Shuffle(size)) => Some(size) == item_size,
            _ => false,
        };
        steps.drain(..usize::from(is_shuffled));
        Self {
            order,
            item_size: item_size.unwrap_or(1),
            swap_size: dtype.swap_size(),
            is_swapped,
            is_shuffled,
            steps,
            all,
            strings: None,
        }
    }

    /// The same chain with `first` before it, for elements of `dtype`.
    #[must_use]
    pub fn with_first(&self, dtype: DType, first: Vec<Arc<dyn Codec>>) -> Self {
        let steps = first.into_iter().chain(self.all.iter().cloned());
        Self::new(dtype, self.order.clone(), steps.collect())
    }

    /// A chain for strings.
    #[must_use]
    pub fn of_strings(order: Order, stage: StringStage, steps: Vec<Arc<dyn Codec>>) -> Self {
        Self {
            strings: Some(stage),
            ..Self::new(DType::UInt8, order, steps)
        }
    }

    /// The codecs in words, in the order of encoding.
    #[must_use]
    pub fn label(&self) -> String {
        let mut parts = Vec::new();
        if let Order::Permuted(axes) = &self.order {
            parts.push(format!("transpose:{axes:?}").replace(' ', ""));
        }
        match &self.strings {
            Some(stage) => parts.push(stage.codec.label()),
            None if self
                .all
                .iter()
                .any(|step| step.label().starts_with("bytes")) => {}
            None => parts.push("bytes".to_owned()),
        }
        parts.extend(self.all.iter().map(|step| step.label()));
        parts.join(", ")
    }

    /// The number of bytes that `plain` bytes are encoded to.
    #[must_use]
    pub fn encoded_size(&self, plain: usize) -> Size {
        size_before(&self.steps, Size::Exact(plain), self.steps.len())
    }

    /// The order in which elements are stored.
    #[must_use]
    pub fn decoded_order(&self) -> &Order {
        &self.order
    }

    /// Undoes every step, giving `most` bytes or fewer.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if the bytes are damaged or decode to more.
    pub fn decode_unsized(&self, encoded: &[u8], most: usize, pool: &Pool) -> Result<BufferMut> {
        match self.undo(encoded, 0, Size::AtMost(most), pool)? {
            Some(done) => Ok(done),
            None => {
                let mut copy = pool.take(encoded.len())?;
                copy.copy_from_slice(encoded);
                Ok(copy)
            }
        }
    }

    /// Undoes every step straight into `out`, whose numbers are swapped if `is_swapped`. Axes stay in the stored order.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Corrupt`] if the bytes are damaged or do not fill `out` exactly.
    pub fn decode_elements(
        &self,
        encoded: &[u8],
        out: &mut [u8],
        is_swapped: bool,
        pool: &Pool,
    ) -> Result<()> {
        if self.strings.is_some() {
            return Err(Error::internal("numbers from a chain of strings"));
        }
        if self.is_shuffled {
            let mut grouped = pool.take(out.len())?;
            self.decode(encoded, &mut grouped, pool)?;
            Shuffle::new(self.item_size).decode(&grouped, out, pool)?;
        } else {
            self.decode(encoded, out, pool)?;
        }
        if self.is_swapped != is_swapped {
            ByteSwap::new(self.swap_size).swap_in_place(out);
        }
        Ok(())
    }

    /// Whether [`Chain::decode_elements`] would only copy.
    #[must_use]
    pub fn is_copy(&self, is_swapped: bool) -> bool {
        let is_copied = self.strings.is_none() && self.steps.is_empty() && !self.is_shuffled;
        is_copied && self.is_swapped == is_swapped
    }

    /// What a decoder leaves in the buffer.
    #[must_use]
    pub fn decoded(&self) -> Decoded {
        Decoded::Elements {
            order: self.order.clone(),
            is_swapped: self.is_swapped,
            is_shuffled: self.is_shuffled,
        }
    }

    /// Encodes the elements of one chunk, which lie in this chain's order of axes.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] for codecs that are only read.
    pub fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut done: Option<BufferMut> = None;
        for step in &self.all {
            let encoded = step.encode(done.as_deref().unwrap_or(plain), pool)?;
            done = Some(encoded);
        }
        match done {
            Some(encoded) => Ok(encoded),
            None => {
                let mut copy = pool.take(plain.len())?;
                copy.copy_from_slice(plain);
                Ok(copy)
            }
        }
    }

    /// Whether one element, such as the fill value, can be stored at all.
    ///
    /// # Errors
    /// That of the codec that has no place for it.
    pub fn check_element(&self, element: &[u8], pool: &Pool) -> Result<()> {
        let mut element = element.to_vec();
        for step in self.all.iter().take_while(|step| step.is_elementwise()) {
            element = step.encode(&element, pool)?.to_vec();
        }
        Ok(())
    }

    /// Encodes the strings of one chunk, which are in this chain's order of axes.
    ///
    /// # Errors
    /// As [`Chain::encode`], and if this chain is not one of strings.
    pub fn encode_strings(&self, strings: &Strings, pool: &Pool) -> Result<BufferMut> {
        match &self.strings {
            Some(stage) => self.encode(&stage.codec.encode(strings)?, pool),
            None => Err(Error::internal("strings for a chain of numbers")),
        }
    }

    /// Undoes every step but the first `keep`, into a buffer of its own; `plain` tells the size.
    fn undo(
        &self,
        encoded: &[u8],
        keep: usize,
        plain: Size,
        pool: &Pool,
    ) -> Result<Option<BufferMut>> {
        let mut done: Option<BufferMut> = None;
        for at in (keep..self.steps.len()).rev() {
            let size = size_before(&self.steps, plain, at);
            let input = done.as_deref().unwrap_or(encoded);
            let output = decode_step(&*self.steps[at], input, size, pool)?;
            done = Some(output);
        }
        Ok(done)
    }

    fn decode_strings(&self, stage: &StringStage, encoded: &[u8], pool: &Pool) -> Result<Strings> {
        let shape = stage.shape.as_deref();
        let count = shape.map(|shape| shape.iter().product::<usize>());
        let most = encoded
            .len()
            .saturating_mul(STRINGS_GROWTH)
            .saturating_add(STRINGS_BASE)
            .saturating_add(count.unwrap_or(0).saturating_mul(STRINGS_EACH));
        let plain = self.undo(encoded, 0, Size::AtMost(most), pool)?;
        let strings = stage
            .codec
            .decode(plain.as_deref().unwrap_or(encoded), count)?;
        Ok(match (&self.order, shape) {
            (Order::Permuted(axes), Some(shape)) => {
                super::permute::strings_to_c(&strings, shape, axes)
            }
            _ => strings,
        })
    }
}

impl Decode for Chain {
    fn decode(&self, encoded: &[u8], out: &mut [u8], pool: &Pool) -> Result<Decoded> {
        if let Some(stage) = &self.strings {
            return self
                .decode_strings(stage, encoded, pool)
                .map(Decoded::Strings);
        }
        let Some(first) = self.steps.first() else {
            if encoded.len() != out.len() {
                return Err(wrong_length("bytes", Some(encoded.len()), out.len()));
            }
            out.copy_from_slice(encoded);
            return Ok(self.decoded());
        };
        let input = self.undo(encoded, 1, Size::Exact(out.len()), pool)?;
        let expected = out.len();
        match first.decode(input.as_deref().unwrap_or(encoded), out, pool)? {
            Some(length) if length == expected => Ok(self.decoded()),
            actual => Err(wrong_length(&first.label(), actual, expected)),
        }
    }

    fn is_identity(&self) -> Option<Decoded> {
        let is_identity = self.strings.is_none() && self.steps.is_empty();
        is_identity.then(|| self.decoded())
    }
}

/// The size of the input of step `at`, where the first step takes `plain` bytes.
fn size_before(steps: &[Arc<dyn Codec>], plain: Size, at: usize) -> Size {
    steps[..at]
        .iter()
        .fold(plain, |size, step| step.encoded_size(size))
}

/// Decodes one step whose output has the given size into a lent buffer.
fn decode_step(step: &dyn Codec, encoded: &[u8], size: Size, pool: &Pool) -> Result<BufferMut> {
    let most = size.most();
    let mut room = match size {
        Size::Exact(exact) => exact,
        Size::AtMost(_) => {
            let likely = encoded.len().saturating_mul(4).max(FIRST_GUESS);
            // A claim is believed as far as this many times the input; beyond that room grows as it fills.
            let credible = encoded.len().saturating_mul(64).max(FIRST_GUESS);
            step.claimed_size(encoded)
                .map_or(likely, |claim| claim.min(credible))
                .min(most)
        }
    };
    loop {
        let mut out = pool.take(room)?;
        match step.decode(encoded, &mut out, pool)? {
            Some(length) => {
                if size == Size::Exact(length) || matches!(size, Size::AtMost(_)) {
                    out.truncate(length);
                    return Ok(out);
                }
                return Err(wrong_length(&step.label(), Some(length), most));
            }
            None if room >= most => return Err(wrong_length(&step.label(), None, most)),
            None => room = room.saturating_mul(4).min(most),
        }
    }
}
