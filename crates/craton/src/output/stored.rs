//! How the inputs store what a result holds: a selection of packed values is written as it is stored.

use super::encode::TimeEncoding;
use crate::calendar::TimeUnits;
use crate::cf::decoded_dtype;
use crate::labels::{Dataset, Variable};
use crate::open::{StoredGroup, mask_and_scale};
use craton_core::{AttributeValue, Attributes, Calendar, Result, Source};
use craton_plan::{NodeRef, Work};
use indexmap::IndexMap;
use std::sync::Arc;

/// The attributes that say how numbers are packed.
const PACKING: [&str; 5] = [
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "_Unsigned",
];

/// What results keep of how their inputs are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredForms {
    /// Units, calendar and type of times, by name of variable.
    pub times: IndexMap<String, TimeEncoding>,
    /// Dimensions that may grow.
    pub unlimited: Vec<String>,
}

impl StoredForms {
    /// Adds what `dataset`, as it was opened, tells; what is known already stays.
    pub fn add(&mut self, dataset: &Dataset) {
        let Some(group) = dataset.groups.as_ref().and_then(|groups| groups.first()) else {
            return;
        };
        self.add_group(group);
    }

    /// Adds what a stored group tells.
    pub fn add_group(&mut self, group: &StoredGroup) {
        for (name, source) in &group.arrays {
            if let Some(times) = times_of(source) {
                self.times.entry(name.clone()).or_insert(times);
            }
        }
        for dimension in &group.dimensions {
            if dimension.is_unlimited && !self.unlimited.contains(&dimension.name) {
                self.unlimited.push(dimension.name.clone());
            }
        }
    }
}

/// How an array of times is stored; `None` if it is packed or no array of times.
fn times_of(source: &Arc<dyn Source>) -> Option<TimeEncoding> {
    let meta = source.meta();
    let text = |name: &str| meta.attributes.get(name).and_then(AttributeValue::as_text);
    let units = text("units")?;
    let calendar = match text("calendar") {
        Some(name) => Calendar::from_name(name)?,
        None => Calendar::Standard,
    };
    let is_packed = ["scale_factor", "add_offset"]
        .iter()
        .any(|name| meta.attributes.contains_key(*name));
    (!is_packed && units.contains("since") && TimeUnits::parse(units).is_ok()).then(|| {
        TimeEncoding {
            units: units.to_owned(),
            calendar,
            dtype: meta.dtype,
        }
    })
}

/// The values of `variable` as they are stored, with the attributes that decode them: if it is a packed or masked
/// array, or a selection of one, and nothing was computed with it.
///
/// # Errors
/// None in practice: the same views were applied before.
pub(super) fn stored_form(variable: &Variable) -> Result<Option<(NodeRef, Attributes)>> {
    let mut views: Vec<&NodeRef> = Vec::new();
    let mut decoded = &variable.node;
    while let ([input], Work::View) = (decoded.inputs(), decoded.work()) {
        views.push(decoded);
        decoded = input;
    }
    let Some((node, source)) = source_of(decoded) else {
        return Ok(None);
    };
    let mut packing = source.meta().attributes.clone();
    packing.retain(|name, _| PACKING.contains(&name.as_str()));
    if packing.is_empty() {
        return Ok(None);
    }
    let decoding = decoded_dtype(node.dtype(), &packing)?;
    if mask_and_scale(node, &decoding)?.hash() != decoded.hash() {
        return Ok(None);
    }
    let mut stored = node.clone();
    for view in views.iter().rev() {
        stored = view.with_inputs(vec![stored])?;
    }
    let mut attributes = variable.attributes.clone();
    attributes.extend(packing);
    Ok(Some((stored, attributes)))
}

/// The only stored array under a short chain of element-wise work.
fn source_of(node: &NodeRef) -> Option<(&NodeRef, Arc<dyn Source>)> {
    let mut found: Option<(&NodeRef, Arc<dyn Source>)> = None;
    let mut pending = vec![node];
    // Masking and unpacking are a few steps each; longer chains are computed.
    for _ in 0..256 {
        let Some(node) = pending.pop() else {
            break;
        };
        match node.work() {
            Work::Source(source) => match &found {
                Some((known, _)) if known.hash() != node.hash() => return None,
                _ => found = Some((node, source)),
            },
            _ => pending.extend(node.inputs()),
        }
    }
    if pending.is_empty() { found } else { None }
}
