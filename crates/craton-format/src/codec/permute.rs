//! `transpose`: axes stored in another order.

use super::{Codec, Options, Place, Size, Stage};
use craton_core::block::c_strides;
use craton_core::{BufferMut, Pool, Result, Strings};
use serde_json::Value;

/// Moves elements between orders of axes; used where the order cannot be left to the reader.
#[derive(Debug, Clone)]
pub struct Permute {
    /// Elements along each logical axis.
    pub shape: Vec<usize>,
    /// The logical axes in the order in which they are stored.
    pub axes: Vec<usize>,
    /// Bytes of one element.
    pub item_size: usize,
}

impl Codec for Permute {
    fn label(&self) -> String {
        format!("transpose:{:?}", self.axes).replace(' ', "")
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let count: usize = self.shape.iter().product();
        let Some(out) = out.get_mut(..count * self.item_size) else {
            return Ok(None);
        };
        if encoded.len() != out.len() {
            return Err(super::wrong_length(
                &self.label(),
                Some(encoded.len()),
                out.len(),
            ));
        }
        let size = self.item_size;
        let places = stored_places(&self.shape, &self.axes);
        for (to, from) in out.chunks_exact_mut(size.max(1)).zip(places) {
            to.copy_from_slice(&encoded[from * size..(from + 1) * size]);
        }
        Ok(Some(out.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let size = self.item_size;
        let count: usize = self.shape.iter().product();
        if plain.len() != count * size {
            let length = Some(plain.len());
            return Err(super::wrong_length(&self.label(), length, count * size));
        }
        let mut out = pool.take(plain.len())?;
        let places = stored_places(&self.shape, &self.axes);
        for (from, to) in plain.chunks_exact(size.max(1)).zip(places) {
            out[to * size..(to + 1) * size].copy_from_slice(from);
        }
        Ok(out)
    }
}

/// For each element in logical C order, its position in storage.
fn stored_places(shape: &[usize], axes: &[usize]) -> impl Iterator<Item = usize> {
    let stored_shape: Vec<usize> = axes.iter().map(|axis| shape[*axis]).collect();
    let mut strides = vec![0usize; shape.len()];
    for (axis, stride) in axes.iter().zip(c_strides(&stored_shape)) {
        strides[*axis] = stride.unsigned_abs();
    }
    let shape = shape.to_vec();
    let count: usize = shape.iter().product();
    (0..count).map(move |mut position| {
        let mut at = 0;
        for axis in (0..shape.len()).rev() {
            at += position % shape[axis] * strides[axis];
            position /= shape[axis];
        }
        at
    })
}

/// Strings in logical C order from strings in stored order.
#[must_use]
pub fn strings_to_c(strings: &Strings, shape: &[usize], axes: &[usize]) -> Strings {
    Strings::from_items(stored_places(shape, axes).map(|from| strings.get(from)))
}

/// Strings in stored order from strings in logical C order.
#[must_use]
pub fn strings_from_c(strings: &Strings, shape: &[usize], axes: &[usize]) -> Strings {
    let mut logical_of = vec![0; strings.len()];
    for (logical, stored) in stored_places(shape, axes).enumerate() {
        logical_of[stored] = logical;
    }
    Strings::from_items(logical_of.into_iter().map(|from| strings.get(from)))
}

/// Reads the metadata of `transpose`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let Some(value) = options.get("order") else {
        return Err(options.wrong("order", &Value::Null, "a list of axes"));
    };
    let list: Option<Vec<usize>> = match value {
        Value::String(text) if text == "C" => Some((0..place.rank).collect()),
        Value::String(text) if text == "F" => Some((0..place.rank).rev().collect()),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_u64().and_then(|axis| usize::try_from(axis).ok()))
            .collect(),
        _ => None,
    };
    let mut seen = vec![false; place.rank];
    let is_permutation = |list: &Vec<usize>| {
        list.len() == place.rank
            && list.iter().all(|axis| {
                seen.get_mut(*axis)
                    .is_some_and(|seen| !std::mem::replace(seen, true))
            })
    };
    match list.filter(is_permutation) {
        Some(axes) => Ok(Stage::Transpose(axes)),
        None => {
            let wanted = format!("each of the {} axes once", place.rank);
            Err(options.wrong("order", value, &wanted))
        }
    }
}
