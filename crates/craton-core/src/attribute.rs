//! Attributes of arrays and groups, with the type they were stored in.

use crate::DType;
use crate::scalar::Scalar;
use indexmap::IndexMap;
use serde_json::Value;

/// Attributes in stored order.
pub type Attributes = IndexMap<String, AttributeValue>;

/// One attribute's value. Formats with typed attributes keep their type; JSON formats keep their JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// A string.
    Text(String),
    /// A list of strings.
    Texts(Vec<String>),
    /// Numbers of one dtype.
    Numbers(Numbers),
    /// Anything else that JSON can say: nested lists, maps, null, booleans.
    Json(Value),
}

/// Numbers of one dtype, native endian.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// The type of each number.
    pub dtype: DType,
    /// Whether this is one number rather than a list of one.
    pub is_scalar: bool,
    /// The numbers' bytes, one after the other.
    pub bytes: Vec<u8>,
}

impl Numbers {
    /// The numbers, one [`Scalar`] each.
    pub fn scalars(&self) -> impl Iterator<Item = Scalar> + '_ {
        let size = self.dtype.item_size().unwrap_or(1).max(1);
        self.bytes
            .chunks_exact(size)
            .map(|bytes| Scalar::from_bytes(self.dtype, bytes))
    }
}

impl AttributeValue {
    /// The value of a JSON document: strings and numbers become typed, the rest stays JSON.
    #[must_use]
    pub fn from_json(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(value), _, _) => Self::number(DType::Int64, &value.to_ne_bytes()),
                (_, Some(value), _) => Self::number(DType::UInt64, &value.to_ne_bytes()),
                (_, _, Some(value)) => Self::number(DType::Float64, &value.to_ne_bytes()),
                _ => Self::Json(value.clone()),
            },
            Value::Array(items) if !items.is_empty() => Self::from_json_list(items),
            other => Self::Json(other.clone()),
        }
    }

    fn from_json_list(items: &[Value]) -> Self {
        let whole = || Self::Json(Value::Array(items.to_vec()));
        if let Some(texts) = items.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
            return Self::Texts(texts.into_iter().map(str::to_owned).collect());
        }
        if let Some(values) = items.iter().map(Value::as_i64).collect::<Option<Vec<_>>>() {
            let bytes = values
                .iter()
                .flat_map(|value| value.to_ne_bytes())
                .collect();
            return Self::Numbers(Numbers {
                dtype: DType::Int64,
                is_scalar: false,
                bytes,
            });
        }
        match items.iter().map(Value::as_f64).collect::<Option<Vec<_>>>() {
            Some(values) => {
                let bytes = values
                    .iter()
                    .flat_map(|value| value.to_ne_bytes())
                    .collect();
                Self::Numbers(Numbers {
                    dtype: DType::Float64,
                    is_scalar: false,
                    bytes,
                })
            }
            None => whole(),
        }
    }

    /// One number of `dtype` from its native-endian bytes.
    #[must_use]
    pub fn number(dtype: DType, bytes: &[u8]) -> Self {
        Self::Numbers(Numbers {
            dtype,
            is_scalar: true,
            bytes: bytes.to_vec(),
        })
    }

    /// The text, if this is one string.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The first number as a scalar of its stored type, if this holds numbers.
    #[must_use]
    pub fn as_scalar(&self) -> Option<Scalar> {
        match self {
            Self::Numbers(numbers) => numbers.scalars().next(),
            _ => None,
        }
    }

    /// The first number as `f64`, if this holds numbers.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.as_scalar()?.to_f64()
    }

    /// JSON for this value; NaN and infinities become `null`, `"Infinity"` and `"-Infinity"`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.clone()),
            Self::Texts(texts) => texts.iter().cloned().map(Value::String).collect(),
            Self::Json(value) => value.clone(),
            Self::Numbers(numbers) => {
                let mut values = numbers.scalars().map(|scalar| scalar.to_json());
                if numbers.is_scalar {
                    values.next().unwrap_or(Value::Null)
                } else {
                    Value::Array(values.collect())
                }
            }
        }
    }
}
