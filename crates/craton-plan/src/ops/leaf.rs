//! Where values come from: stored arrays, values at hand, constants.

use super::entry;
use crate::axis_map::AxisMap;
use crate::node::{Canonical, Meta, Node, NodeRef};
use crate::operator::{Operator, OperatorEntry, ShapeOfWork, Work};
use craton_core::block::element_count;
use craton_core::{Block, Error, Pool, Result, Scalar, Source};
use std::sync::Arc;

pub(super) const SOURCE: OperatorEntry = entry(
    "source",
    "url, version",
    ShapeOfWork::Leaf,
    "A stored array, read chunk by chunk.",
);
pub(super) const LITERAL: OperatorEntry = entry(
    "literal",
    "values",
    ShapeOfWork::Leaf,
    "Values at hand, named by their content.",
);
pub(super) const FULL: OperatorEntry = entry(
    "full",
    "value, shape",
    ShapeOfWork::Leaf,
    "One value, everywhere.",
);

/// A stored array. `version` tells apart what the URL held at different times (an etag, a size and time).
///
/// # Errors
/// None at present; the result is a `Result` like that of every operator.
pub fn source(source: Arc<dyn Source>, version: impl Into<Arc<str>>) -> Result<NodeRef> {
    Node::apply(
        SourceLeaf {
            source,
            version: version.into(),
        },
        Vec::new(),
    )
}

/// The values of a block.
///
/// # Errors
/// [`craton_core::ErrorKind::Budget`] if packing the block needs more memory than there is.
pub fn literal(block: Block) -> Result<NodeRef> {
    let block = if block.as_constant().is_some() {
        block
    } else {
        block.to_contiguous(&Pool::unlimited())?
    };
    Node::apply(
        Literal {
            block: Arc::new(block),
        },
        Vec::new(),
    )
}

/// `value` in every place of `shape`.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the shape has more elements than fit.
pub fn full(value: Scalar, shape: &[u64]) -> Result<NodeRef> {
    Node::apply(
        Full {
            value,
            shape: shape.to_vec(),
        },
        Vec::new(),
    )
}

#[derive(Debug, Clone)]
struct SourceLeaf {
    source: Arc<dyn Source>,
    version: Arc<str>,
}

impl Operator for SourceLeaf {
    fn name(&self) -> &'static str {
        SOURCE.name
    }
    fn infer(&self, _: &[&Meta]) -> Result<Meta> {
        let meta = self.source.meta();
        Ok(Meta::new(meta.shape.clone(), meta.dtype))
    }
    fn demand(&self, _: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        Vec::new()
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::Source(self.source.clone())
    }
    fn canonical(&self, out: &mut Canonical) {
        out.text(self.source.url()).text(&self.version);
    }
    fn describe(&self) -> String {
        self.source.url().to_owned()
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Literal {
    block: Arc<Block>,
}

impl Operator for Literal {
    fn name(&self) -> &'static str {
        LITERAL.name
    }
    fn infer(&self, _: &[&Meta]) -> Result<Meta> {
        let shape = self
            .block
            .shape()
            .iter()
            .map(|length| *length as u64)
            .collect();
        Ok(Meta::new(shape, self.block.dtype()))
    }
    fn demand(&self, _: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        Vec::new()
    }
    fn work(&self, _: &[&Meta], _: &Meta) -> Work {
        Work::Literal(self.block.clone())
    }
    fn canonical(&self, out: &mut Canonical) {
        match (
            self.block.as_contiguous(),
            self.block.as_strings(),
            self.block.as_constant(),
        ) {
            (Some(bytes), _, _) => out.bytes(bytes),
            (_, Some(strings), _) => out
                .list(strings.offsets.iter().copied())
                .bytes(&strings.bytes),
            (_, _, Some(value)) => out.bytes(value.bytes()),
            _ => out,
        };
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}

#[derive(Debug, Clone)]
struct Full {
    value: Scalar,
    shape: Vec<u64>,
}

impl Operator for Full {
    fn name(&self) -> &'static str {
        FULL.name
    }
    fn infer(&self, _: &[&Meta]) -> Result<Meta> {
        let lengths: Option<Vec<usize>> = self
            .shape
            .iter()
            .map(|length| usize::try_from(*length).ok())
            .collect();
        if lengths.as_deref().and_then(element_count).is_none() {
            return Err(Error::invalid(format!(
                "an array of shape {:?} has too many elements",
                self.shape
            )));
        }
        Ok(Meta::new(self.shape.clone(), self.value.dtype()))
    }
    fn demand(&self, _: &[&Meta], _: &Meta) -> Vec<Vec<AxisMap>> {
        Vec::new()
    }
    #[allow(clippy::cast_possible_truncation, reason = "checked in `infer`")]
    fn work(&self, _: &[&Meta], output: &Meta) -> Work {
        let shape = output.shape.iter().map(|length| *length as usize).collect();
        Work::Literal(Arc::new(Block::constant(self.value.clone(), shape)))
    }
    fn canonical(&self, out: &mut Canonical) {
        out.bytes(self.value.bytes());
    }
    fn describe(&self) -> String {
        self.value.to_string()
    }
    fn clone_box(&self) -> Box<dyn Operator> {
        Box::new(self.clone())
    }
}
