//! Stored variables one by one, for faces that put labels on them by rules of their own.

use super::decode::{mask_and_scale, raw_variable};
use super::stored::Stored;
use crate::cf::decoded_dtype;
use crate::labels::Variable;
use crate::lazy::Lazy;
use craton_core::Result;
use craton_format::detect::Format;

/// A variable as stored, with the facts of its storage.
#[derive(Debug, Clone)]
pub struct StoredVariable {
    /// Dimensions, attributes, and the stored values.
    pub variable: Variable,
    /// Elements of a stored chunk along each axis; `None` where the format has no chunks, or the array is one piece.
    pub chunks: Option<Vec<u64>>,
    /// Elements of a shard along each axis, where several chunks share an object.
    pub shards: Option<Vec<u64>>,
    /// The URL of the array.
    pub url: String,
}

/// What attributes of masks and packing say of the stored numbers.
const PACKING: [&str; 5] = [
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "_Unsigned",
];

impl Stored {
    /// The array `name` of the group at `path` as it is stored.
    ///
    /// # Errors
    /// As [`Stored::group`] and [`StoredGroup::array`], and if a dimension stands twice.
    ///
    /// [`StoredGroup::array`]: super::StoredGroup::array
    pub fn stored_variable(&self, path: &str, name: &str) -> Result<StoredVariable> {
        let source = self.group(path)?.array(name)?;
        let variable = raw_variable(source).map_err(|error| error.in_variable(name))?;
        let meta = source.meta();
        let axes = meta.grid.axes.iter().filter(|axis| !axis.is_empty());
        let chunks: Vec<u64> = axes.map(|axis| axis.chunk(0).encoded).collect();
        // What is in one piece without a filter may be no chunk at all; the two are read alike.
        let is_one_piece = chunks == meta.shape && meta.codecs.is_empty();
        let has_chunks = self.format != Format::NetCdf3 && !is_one_piece;
        Ok(StoredVariable {
            chunks: (has_chunks && chunks.len() == meta.shape.len()).then_some(chunks),
            shards: meta.shard_shape.clone(),
            url: source.url().to_owned(),
            variable,
        })
    }
}

impl StoredVariable {
    /// The numbers that the stored ones stand for, not computed: masked and unpacked if `unpacks`. If `keeps_times`
    /// is false, units of time mean nothing; if it is true, missing counts of time stay integers.
    ///
    /// # Errors
    /// What the attributes contradict.
    pub fn numbers(&self, unpacks: bool, keeps_times: bool) -> Result<Lazy> {
        let mut attributes = self.variable.attributes.clone();
        let hidden = PACKING.iter().filter(|_| !unpacks);
        for name in hidden.chain(["units"].iter().filter(|_| !keeps_times)) {
            attributes.shift_remove(*name);
        }
        let decoding = decoded_dtype(self.variable.dtype(), &attributes)?;
        mask_and_scale(&self.variable.node, &decoding).map(Lazy::from)
    }
}
