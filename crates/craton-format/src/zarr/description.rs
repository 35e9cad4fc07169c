//! What the metadata of an array of either version say.

use super::fields::Field;
use super::layout::Layout;
use craton_core::{Attributes, DType, Grid, Scalar};

/// An array as its metadata describe it, before anything but metadata is read.
#[derive(Debug, Clone)]
pub struct Description {
    /// The version of Zarr, 2 or 3.
    pub version: u8,
    /// The type of elements.
    pub dtype: DType,
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// The innermost chunks.
    pub grid: Grid,
    /// The objects: outermost chunks or shards.
    pub objects: Grid,
    /// How an object's index becomes its name.
    pub keys: KeyEncoding,
    /// The value of missing chunks.
    pub fill_value: Scalar,
    /// Whether the metadata give a fill value; version 2 may have `null`.
    pub has_fill_value: bool,
    /// The names of axes.
    pub dimension_names: Vec<Option<String>>,
    /// The array's attributes.
    pub attributes: Attributes,
    /// Shards and codecs.
    pub layout: Layout,
    /// The fields of structured elements.
    pub fields: Vec<Field>,
}

/// How a chunk's index becomes the name of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyEncoding {
    /// Whether names begin with `c`, as in version 3's default.
    pub has_prefix: bool,
    /// `/` or `.`.
    pub separator: char,
}

impl KeyEncoding {
    /// The name of the object at `index`, below the array's own name.
    #[must_use]
    pub fn key(self, index: &[u64]) -> String {
        let mut key = String::with_capacity(2 + index.len() * 4);
        if self.has_prefix {
            key.push('c');
        }
        for position in index {
            if !key.is_empty() {
                key.push(self.separator);
            }
            key.push_str(&position.to_string());
        }
        if key.is_empty() {
            // The one chunk of an array without axes.
            key.push('0');
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_keys_follow_the_encoding() {
        let key = |has_prefix, separator, index: &[u64]| {
            KeyEncoding {
                has_prefix,
                separator,
            }
            .key(index)
        };
        assert_eq!(key(true, '/', &[1, 20]), "c/1/20");
        assert_eq!(key(true, '.', &[1, 20]), "c.1.20");
        assert_eq!(key(false, '.', &[1, 20]), "1.20");
        assert_eq!(key(true, '/', &[]), "c");
        assert_eq!(key(false, '/', &[]), "0");
    }
}
