//! An array whose axes have names.

use crate::session::Session;
use craton_core::{Attributes, Block, DType, Error, Result, Scalar, Strings};
use craton_plan::ops::{broadcast_axes, literal, transpose};
use craton_plan::{NodeRef, Work};

/// A plan node with dimension names and attributes.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The name of each axis; no name twice.
    pub dims: Vec<String>,
    /// The values, not computed yet.
    pub node: NodeRef,
    /// Attributes.
    pub attributes: Attributes,
}

impl Variable {
    /// A variable over `node`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if names and axes differ in number, or a name stands twice.
    pub fn new(dims: Vec<String>, node: NodeRef, attributes: Attributes) -> Result<Self> {
        if dims.len() != node.shape().len() {
            let message = format!(
                "{} dimension names for {} axes",
                dims.len(),
                node.shape().len()
            );
            return Err(Error::invalid(message));
        }
        if let Some(name) = (1..dims.len())
            .map(|at| &dims[at])
            .find(|name| dims.iter().filter(|other| other == name).count() > 1)
        {
            return Err(Error::invalid(format!(
                "dimension `{name}` stands twice in {dims:?}"
            )));
        }
        Ok(Self {
            dims,
            node,
            attributes,
        })
    }

    /// A variable over values at hand.
    ///
    /// # Errors
    /// As [`Variable::new`].
    pub fn of_block(dims: Vec<String>, block: Block, attributes: Attributes) -> Result<Self> {
        Self::new(dims, literal(block)?, attributes)
    }

    /// The dtype.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.node.dtype()
    }

    /// Elements along each dimension.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        self.node.shape()
    }

    /// Name and length of each dimension.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.dims
            .iter()
            .map(String::as_str)
            .zip(self.shape().iter().copied())
    }

    /// The axis of dimension `name`.
    #[must_use]
    pub fn axis(&self, name: &str) -> Option<usize> {
        self.dims.iter().position(|dim| dim == name)
    }

    /// The same names and attributes over other values.
    ///
    /// # Errors
    /// As [`Variable::new`].
    pub fn with_node(&self, node: NodeRef) -> Result<Self> {
        Self::new(self.dims.clone(), node, self.attributes.clone())
    }

    /// The values with exactly the dimensions `dims` of lengths `shape`: transposed, and repeated along new ones.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if a dimension of this variable is not among `dims`.
    pub fn expanded_to(&self, dims: &[String], shape: &[u64]) -> Result<NodeRef> {
        let axes: Option<Vec<usize>> = self
            .dims
            .iter()
            .map(|dim| dims.iter().position(|other| other == dim))
            .collect();
        let axes =
            axes.ok_or_else(|| Error::invalid(format!("{:?} are not among {dims:?}", self.dims)))?;
        broadcast_axes(&self.node, shape, &axes)
    }

    /// The dimensions in the order `dims`, which names each of them once.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if a name is no dimension.
    pub fn transposed(&self, dims: &[String]) -> Result<Self> {
        let axes: Option<Vec<usize>> = dims.iter().map(|dim| self.axis(dim)).collect();
        let axes = axes.ok_or_else(|| {
            Error::not_found(format!("{dims:?} are not the dimensions {:?}", self.dims))
        })?;
        Self::new(
            dims.to_vec(),
            transpose(&self.node, &axes)?,
            self.attributes.clone(),
        )
    }

    /// A view of values at hand as values at hand: labels stay readable after a selection.
    ///
    /// # Errors
    /// As [`Variable::new`].
    pub fn settled(&self) -> Result<Self> {
        let [input] = self.node.inputs() else {
            return Ok(self.clone());
        };
        let (Work::View, Work::Literal(block)) = (self.node.work(), input.work()) else {
            return Ok(self.clone());
        };
        let demand = self
            .node
            .operator()
            .demand(&[input.meta()], self.node.meta());
        let shape: Vec<usize> = self.shape().iter().map(|length| *length as usize).collect();
        let count: usize = shape.iter().product();
        let place = |position: usize| -> Option<usize> {
            let mut rest = position;
            let mut index = vec![0u64; shape.len()];
            for axis in (0..shape.len()).rev() {
                index[axis] = (rest % shape[axis]) as u64;
                rest /= shape[axis];
            }
            demand[0]
                .iter()
                .zip(block.shape())
                .try_fold(0, |place, (map, length)| {
                    let at = map.index(map.axis().map_or(0, |axis| index[axis]))?;
                    Some(place * length + usize::try_from(at).ok()?)
                })
        };
        let values = (0..count).map(|position| block.get(place(position)?));
        let values: Option<Vec<Scalar>> = values.collect();
        let Some(values) = values else {
            return Ok(self.clone());
        };
        let taken = if self.dtype().is_variable() {
            let items = values.iter().map(|value| value.bytes());
            Block::strings(self.dtype(), shape, Strings::from_items(items))?
        } else {
            let bytes: Vec<u8> = values
                .iter()
                .flat_map(|value| value.bytes())
                .copied()
                .collect();
            Block::from_bytes(self.dtype(), shape, &bytes)?
        };
        self.with_node(literal(taken)?)
    }

    /// The same with its values computed now, so that labels can be read off it.
    ///
    /// # Errors
    /// As [`Variable::values`].
    pub fn at_hand(&self, session: &Session) -> Result<Self> {
        if self.is_at_hand() {
            return Ok(self.clone());
        }
        self.with_node(literal(self.values(session)?)?)
    }

    /// Whether the values need no reading.
    #[must_use]
    pub fn is_at_hand(&self) -> bool {
        matches!(self.node.work(), Work::Literal(_))
    }

    /// The values, computed now.
    ///
    /// # Errors
    /// Whatever reading and computing report.
    pub fn values(&self, session: &Session) -> Result<Block> {
        if let Work::Literal(block) = self.node.work() {
            return block.to_contiguous(session.engine().pool());
        }
        session
            .compute(std::slice::from_ref(&self.node))
            .map(|mut blocks| blocks.remove(0))
    }
}
