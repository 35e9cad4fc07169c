//! The fields of structured types, and reading one of them by itself.

use super::dtype::{self, DataType, unknown};
use crate::codec::{Codec, NumberType, Size};
use craton_core::{BufferMut, DType, Error, Pool, Result};
use serde_json::Value;

/// A field of a structured element.
#[derive(Debug, Clone)]
pub struct Field {
    /// The name; of fields in fields, with those around it before it.
    pub name: String,
    /// Bytes of the element before it.
    pub offset: usize,
    /// Bytes of it.
    pub size: usize,
    /// Its type. What is no plain type by itself (an array, a structure) is opaque.
    pub dtype: DType,
    /// Whether its numbers are in the other byte order.
    pub is_swapped: bool,
    /// What it is made of, of structures.
    pub(super) fields: Vec<Field>,
    /// How version 3 names its type.
    pub(super) data_type: Option<Value>,
}

impl Field {
    fn new(name: &str, stored: DataType, count: u64, value: &Value) -> Result<Self> {
        let item = stored
            .stored_size()
            .filter(|_| !stored.is_object && stored.codec.is_none());
        let item = item.ok_or_else(|| unknown(value))?;
        let size = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(item))
            .filter(|size| *size as u64 <= crate::LARGEST_ELEMENT)
            .ok_or_else(|| {
                Error::corrupt(format!("field `{name}` of a structured type is too large"))
            })?;
        let is_plain = size == item;
        Ok(Self {
            name: name.to_owned(),
            offset: 0,
            size,
            dtype: match u32::try_from(size) {
                Ok(size) if !is_plain => DType::Opaque(size),
                _ => stored.dtype,
            },
            is_swapped: is_plain && stored.element.is_swapped,
            fields: if is_plain { stored.fields } else { Vec::new() },
            data_type: None,
        })
    }
}

/// Fields one after the other, without padding.
fn placed(fields: impl Iterator<Item = Result<Field>>) -> Result<Vec<Field>> {
    let mut offset = 0;
    fields
        .map(|field| {
            let field = field?;
            let placed = Field { offset, ..field };
            offset += placed.size;
            Ok(placed)
        })
        .collect()
}

/// The fields of version 2: lists of a name, a type and perhaps a shape.
pub(super) fn from_v2(value: &Value) -> Result<Vec<Field>> {
    let fields = value.as_array().into_iter().flatten();
    placed(fields.map(|field| {
        let name = field.get(0).and_then(Value::as_str).unwrap_or_default();
        let stored = dtype::from_v2(field.get(1).ok_or_else(|| unknown(value))?)?;
        let lengths = match field.get(2) {
            None => Some(1),
            Some(Value::Array(lengths)) => lengths
                .iter()
                .try_fold(1u64, |count, length| count.checked_mul(length.as_u64()?)),
            Some(length) => length.as_u64(),
        };
        Field::new(name, stored, lengths.ok_or_else(|| unknown(value))?, value)
    }))
}

/// The fields of version 3.
pub(super) fn from_v3(value: &Value) -> Result<Vec<Field>> {
    let fields = value
        .get("configuration")
        .and_then(|options| options.get("fields"));
    let fields = fields
        .and_then(Value::as_array)
        .ok_or_else(|| unknown(value))?;
    placed(fields.iter().map(|field| {
        let (name, data_type) = match field {
            Value::Array(pair) => (pair.first(), pair.get(1)),
            _ => (field.get("name"), field.get("data_type")),
        };
        let name = name.and_then(Value::as_str).ok_or_else(|| unknown(value))?;
        let data_type = data_type.ok_or_else(|| unknown(value))?;
        let field = Field::new(name, dtype::from_v3(data_type)?, 1, value)?;
        Ok(Field {
            data_type: Some(data_type.clone()),
            ..field
        })
    }))
}

/// Every field that is a plain type, those inside others too, with the offset in the whole element.
#[must_use]
pub fn plain_fields(fields: &[Field]) -> Vec<Field> {
    let mut plain = Vec::new();
    for field in fields {
        for inner in plain_fields(&field.fields) {
            plain.push(Field {
                name: format!("{}.{}", field.name, inner.name),
                offset: field.offset + inner.offset,
                ..inner
            });
        }
        if !matches!(field.dtype, DType::Opaque(_)) {
            plain.push(field.clone());
        }
    }
    plain
}

/// Takes one field out of every element. What is around it is not kept, so it is only read.
#[derive(Debug, Clone)]
pub(super) struct Take {
    pub name: String,
    /// Bytes of a whole element.
    pub whole: usize,
    pub offset: usize,
    pub size: usize,
}

impl Codec for Take {
    fn label(&self) -> String {
        format!("field:{}", self.name)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain.map(|bytes| (bytes / self.size.max(1)).saturating_mul(self.whole))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let length = encoded.len() / self.whole * self.size;
        let Some(out) = out.get_mut(..length) else {
            return Ok(None);
        };
        let elements = encoded.chunks_exact(self.whole);
        for (element, out) in elements.zip(out.chunks_exact_mut(self.size.max(1))) {
            out.copy_from_slice(&element[self.offset..self.offset + self.size]);
        }
        Ok(Some(length))
    }

    fn is_elementwise(&self) -> bool {
        true
    }
}

/// Reverses the bytes of the numbers in structured elements.
#[derive(Debug, Clone)]
pub(super) struct SwapFields {
    whole: usize,
    /// Offset, length and bytes of each number, of runs of numbers.
    runs: Vec<(usize, usize, usize)>,
}

impl SwapFields {
    /// Reverses all numbers of more than one byte that `is_swapped` picks; `None` if there are none.
    pub fn new(
        fields: &[Field],
        whole: usize,
        is_swapped: impl Fn(&Field) -> bool,
    ) -> Option<Self> {
        let runs = plain_fields(fields).into_iter().filter_map(|field| {
            let size = NumberType::native(field.dtype).swap_size();
            (size > 1 && is_swapped(&field)).then_some((field.offset, field.size, size))
        });
        let runs: Vec<_> = runs.collect();
        (!runs.is_empty()).then_some(Self { whole, runs })
    }

    fn swap(&self, from: &[u8], to: &mut [u8]) {
        to.copy_from_slice(from);
        for element in to.chunks_exact_mut(self.whole) {
            for (offset, length, size) in &self.runs {
                let numbers = element[*offset..offset + length].chunks_exact_mut(*size);
                numbers.for_each(<[u8]>::reverse);
            }
        }
    }
}

impl Codec for SwapFields {
    fn label(&self) -> String {
        "bytes:big".to_owned()
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some(out) = out.get_mut(..encoded.len()) else {
            return Ok(None);
        };
        self.swap(encoded, out);
        Ok(Some(encoded.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let mut out = pool.take(plain.len())?;
        self.swap(plain, &mut out);
        Ok(out)
    }

    fn is_elementwise(&self) -> bool {
        true
    }
}
