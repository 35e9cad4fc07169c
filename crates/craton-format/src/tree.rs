//! The tree of groups and arrays that a file of several arrays holds.

use craton_core::{Attributes, Error, Source};
use std::sync::Arc;

/// One group or array.
#[derive(Debug)]
pub struct Node {
    /// Its path: `/` for the root, `/group/array` below.
    pub path: String,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Debug)]
pub enum NodeKind {
    /// A group.
    Group(Group),
    /// An array.
    Array(Arc<dyn Source>),
    /// Something that is there but cannot be read; the rest of the file can.
    Broken(Error),
}

/// A group's own facts; its members are nodes with longer paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// Its attributes.
    pub attributes: Attributes,
    /// The dimensions it defines, in the order in which netCDF numbers them.
    pub dimensions: Vec<Dimension>,
}

/// A named axis that arrays share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// Its length.
    pub length: u64,
    /// Whether it may grow.
    pub is_unlimited: bool,
}
