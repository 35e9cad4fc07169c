//! The plan: an immutable graph of operators, hashed by content.

use crate::operator::{Operator, Work};
use craton_core::{DType, Error, ErrorKind, Result};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// What is known of a node's result before it is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// The type of each element.
    pub dtype: DType,
}

impl Meta {
    /// Shape and dtype.
    #[must_use]
    pub fn new(shape: Vec<u64>, dtype: DType) -> Self {
        Self { shape, dtype }
    }

    /// Bytes of the whole result, saturating; strings count 16 bytes each.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let size = self.dtype.item_size().unwrap_or(16) as u64;
        self.shape
            .iter()
            .fold(size, |bytes, length| bytes.saturating_mul(*length))
    }
}

/// The BLAKE3 hash of a plan's canonical bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanHash(pub [u8; 32]);

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A shared node.
pub type NodeRef = Arc<Node>;

/// One operator applied to its inputs.
pub struct Node {
    operator: Box<dyn Operator>,
    inputs: Vec<NodeRef>,
    meta: Meta,
    hash: PlanHash,
}

impl Node {
    /// Applies `operator`, checking shapes and dtypes.
    ///
    /// # Errors
    /// Whatever [`Operator::infer`] refuses; [`craton_core::ErrorKind::Budget`] for a result of more bytes than a
    /// signed 64-bit number can count, so that everything after this may multiply lengths.
    pub fn apply(operator: impl Operator + 'static, inputs: Vec<NodeRef>) -> Result<NodeRef> {
        Self::apply_boxed(Box::new(operator), inputs)
    }

    /// As [`Node::apply`], for an operator that is boxed already.
    ///
    /// # Errors
    /// As [`Node::apply`].
    pub fn apply_boxed(operator: Box<dyn Operator>, inputs: Vec<NodeRef>) -> Result<NodeRef> {
        let metas: Vec<&Meta> = inputs.iter().map(|input| input.meta()).collect();
        let meta = operator.infer(&metas)?;
        check_countable(&meta)?;
        let hash = canonical_hash(operator.as_ref(), &inputs, &meta);
        Ok(Arc::new(Self {
            operator,
            inputs,
            meta,
            hash,
        }))
    }

    /// The operator.
    #[must_use]
    pub fn operator(&self) -> &dyn Operator {
        self.operator.as_ref()
    }
    /// The inputs, in the operator's order.
    #[must_use]
    pub fn inputs(&self) -> &[NodeRef] {
        &self.inputs
    }
    /// Shape and dtype of the result.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }
    /// Elements along each axis of the result.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.meta.shape
    }
    /// The dtype of the result.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.meta.dtype
    }
    /// The hash of operator and inputs: equal for plans that mean the same work on the same data.
    #[must_use]
    pub fn hash(&self) -> PlanHash {
        self.hash
    }

    /// The work of this node.
    #[must_use]
    pub fn work(&self) -> Work {
        let metas: Vec<&Meta> = self.inputs.iter().map(|input| input.meta()).collect();
        self.operator.work(&metas, &self.meta)
    }

    /// Operators in the plan, each counted once however often its result is used.
    #[must_use]
    pub fn operations(&self) -> usize {
        let mut seen = HashSet::from([self.hash]);
        let mut pending: Vec<&Self> = vec![self];
        while let Some(node) = pending.pop() {
            let inputs = node.inputs.iter().map(|input| &**input);
            pending.extend(inputs.filter(|input| seen.insert(input.hash)));
        }
        seen.len()
    }

    /// This node with other inputs of the same meta.
    ///
    /// # Errors
    /// Whatever [`Operator::infer`] refuses.
    pub fn with_inputs(&self, inputs: Vec<NodeRef>) -> Result<NodeRef> {
        Self::apply_boxed(self.operator.clone_box(), inputs)
    }
}

fn check_countable(meta: &Meta) -> Result<()> {
    // Empty axes count as one, because lengths are multiplied in any order.
    let mut lengths = meta.shape.iter().map(|length| (*length).max(1));
    let item = meta.dtype.item_size().unwrap_or(16) as u64;
    let bytes = lengths.try_fold(item, |bytes, length| bytes.checked_mul(length));
    if bytes.is_some_and(|bytes| i64::try_from(bytes).is_ok()) {
        return Ok(());
    }
    let message = format!(
        "an array of {:?} {} has more bytes than can be counted",
        meta.shape, meta.dtype
    );
    Err(Error::new(ErrorKind::Budget, message)
        .hint("no machine can hold it; its lengths may be damaged"))
}

/// Long chains would otherwise be dropped by recursion as deep as the chain.
impl Drop for Node {
    fn drop(&mut self) {
        let mut pending = std::mem::take(&mut self.inputs);
        while let Some(node) = pending.pop() {
            if let Ok(mut node) = Arc::try_unwrap(node) {
                pending.append(&mut node.inputs);
            }
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {:?} {}",
            self.operator.name(),
            self.meta.shape,
            self.meta.dtype
        )
    }
}

/// Collects the canonical bytes of an operator's arguments.
#[derive(Default)]
pub struct Canonical {
    bytes: Vec<u8>,
}

impl Canonical {
    /// Appends bytes, with their length so that neighbours cannot run together.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
        self
    }
    /// Appends a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }
    /// Appends an integer.
    pub fn integer(&mut self, value: i64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }
    /// Appends a list of unsigned integers.
    pub fn list(&mut self, values: impl IntoIterator<Item = u64>) -> &mut Self {
        let bytes: Vec<u8> = values.into_iter().flat_map(u64::to_le_bytes).collect();
        self.bytes(&bytes)
    }
}

fn canonical_hash(operator: &dyn Operator, inputs: &[NodeRef], meta: &Meta) -> PlanHash {
    let mut canonical = Canonical::default();
    canonical
        .text(operator.name())
        .integer(i64::from(operator.version()));
    operator.canonical(&mut canonical);
    canonical
        .text(&meta.dtype.name())
        .list(meta.shape.iter().copied());
    for input in inputs {
        canonical.bytes(&input.hash.0);
    }
    PlanHash(*blake3::hash(&canonical.bytes).as_bytes())
}
