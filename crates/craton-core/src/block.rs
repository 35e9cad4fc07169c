//! A decoded piece of an array in memory.

use crate::{Buffer, DType, Error, Pool, Result, Scalar};

/// Decoded values: strided over a shared buffer, one repeated value, or strings.
#[derive(Clone, Debug)]
pub struct Block {
    dtype: DType,
    shape: Vec<usize>,
    data: Data,
}

#[derive(Clone, Debug)]
enum Data {
    Dense {
        buffer: Buffer,
        offset: usize,
        strides: Vec<isize>,
    },
    Constant(Scalar),
    Strings(Strings),
}

/// Texts (or byte strings) of any length in C order; missing ones are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// `offsets[i]..offsets[i + 1]` are the bytes of element `i`.
    pub offsets: Vec<u64>,
    /// All bytes, one element after the other.
    pub bytes: Vec<u8>,
}

impl Strings {
    /// Strings from an iterator of byte slices.
    pub fn from_items<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut strings = Self {
            offsets: vec![0],
            bytes: Vec::new(),
        };
        for item in items {
            strings.push(item);
        }
        strings
    }

    /// Appends one element.
    pub fn push(&mut self, item: &[u8]) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.bytes.extend_from_slice(item);
        self.offsets.push(self.bytes.len() as u64);
    }

    /// Count of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of element `index`; empty past the end.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "offsets index memory we hold"
    )]
    pub fn get(&self, index: usize) -> &[u8] {
        match (self.offsets.get(index), self.offsets.get(index + 1)) {
            (Some(start), Some(end)) => &self.bytes[*start as usize..*end as usize],
            _ => &[],
        }
    }
}

/// C-order element strides of `shape`.
#[must_use]
pub fn c_strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1isize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1) as isize;
    }
    strides
}

/// How many elements `shape` has, if that fits.
#[must_use]
pub fn element_count(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |count, length| count.checked_mul(*length))
}

impl Block {
    /// A C-order block over a whole buffer.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] if the buffer is too short, or the dtype varies in length.
    pub fn dense(dtype: DType, shape: Vec<usize>, buffer: Buffer) -> Result<Self> {
        let strides = c_strides(&shape);
        Self::strided(dtype, shape, buffer, 0, strides)
    }

    /// A block over part of a buffer: `offset` and `strides` count elements.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] if an element would lie outside the buffer.
    pub fn strided(
        dtype: DType,
        shape: Vec<usize>,
        buffer: Buffer,
        offset: usize,
        strides: Vec<isize>,
    ) -> Result<Self> {
        let size = dtype
            .item_size()
            .ok_or_else(|| Error::internal("dense block of strings"))?;
        let (lowest, highest) = reach(&shape, &strides)
            .ok_or_else(|| Error::internal(format!("block of shape {shape:?} overflows")))?;
        let first = offset as i128 + lowest;
        let last = offset as i128 + highest;
        let is_empty = shape.contains(&0);
        if !is_empty && (first < 0 || (last + 1) * size as i128 > buffer.len() as i128) {
            let message = format!(
                "block of shape {shape:?} and strides {strides:?} reaches past its {} bytes",
                buffer.len()
            );
            return Err(Error::internal(message));
        }
        Ok(Self {
            dtype,
            shape,
            data: Data::Dense {
                buffer,
                offset,
                strides,
            },
        })
    }

    /// A block in which every element is `value`.
    #[must_use]
    pub fn constant(value: Scalar, shape: Vec<usize>) -> Self {
        Self {
            dtype: value.dtype(),
            shape,
            data: Data::Constant(value),
        }
    }

    /// A C-order block of strings.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] if the count of strings is not that of the shape.
    pub fn strings(dtype: DType, shape: Vec<usize>, strings: Strings) -> Result<Self> {
        if element_count(&shape) != Some(strings.len()) || !dtype.is_variable() {
            let message = format!("{} strings do not fill shape {shape:?}", strings.len());
            return Err(Error::internal(message));
        }
        Ok(Self {
            dtype,
            shape,
            data: Data::Strings(strings),
        })
    }

    /// A C-order copy of native-endian `bytes`.
    ///
    /// # Errors
    /// As [`Block::dense`].
    pub fn from_bytes(dtype: DType, shape: Vec<usize>, bytes: &[u8]) -> Result<Self> {
        Self::dense(dtype, shape, Buffer::copy_of(bytes)?)
    }

    /// The dtype.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }
    /// Elements along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// Elements in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// The repeated value, if this is a constant block.
    #[must_use]
    pub fn as_constant(&self) -> Option<&Scalar> {
        match &self.data {
            Data::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The strings, if this holds strings.
    #[must_use]
    pub fn as_strings(&self) -> Option<&Strings> {
        match &self.data {
            Data::Strings(strings) => Some(strings),
            _ => None,
        }
    }

    /// Buffer, offset and strides (in elements), if this is dense.
    #[must_use]
    pub fn as_dense(&self) -> Option<(&Buffer, usize, &[isize])> {
        match &self.data {
            Data::Dense {
                buffer,
                offset,
                strides,
            } => Some((buffer, *offset, strides)),
            _ => None,
        }
    }

    /// The bytes of a dense C-order block without gaps.
    #[must_use]
    pub fn as_contiguous(&self) -> Option<&[u8]> {
        let (buffer, offset, strides) = self.as_dense()?;
        let is_c_order = c_strides(&self.shape)
            .iter()
            .zip(strides)
            .zip(&self.shape)
            .all(|((expected, stride), length)| *length <= 1 || expected == stride);
        let size = self.dtype.item_size()?;
        if self.is_empty() {
            return Some(&[]);
        }
        is_c_order.then(|| &buffer[offset * size..(offset + self.len()) * size])
    }

    /// The same elements as a C-order block without gaps; shares memory where it already is one.
    /// Constants are written out.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Budget`] if `pool` cannot lend the memory.
    pub fn to_contiguous(&self, pool: &Pool) -> Result<Self> {
        if matches!(self.data, Data::Strings(_)) || self.as_contiguous().is_some() {
            return Ok(self.clone());
        }
        if let (Data::Constant(value), true) = (&self.data, self.dtype.is_variable()) {
            let items = std::iter::repeat_n(value.bytes(), self.len());
            return Self::strings(self.dtype, self.shape.clone(), Strings::from_items(items));
        }
        let size = self
            .dtype
            .item_size()
            .ok_or_else(|| Error::internal("dense block of strings"))?;
        let length = element_count(&self.shape)
            .and_then(|count| count.checked_mul(size))
            .ok_or_else(|| Error::internal("block too large"))?;
        let mut out = pool.take(length)?;
        match &self.data {
            Data::Constant(value) => fill_with(&mut out, value.bytes()),
            Data::Dense {
                buffer,
                offset,
                strides,
            } => {
                pack(buffer, *offset, strides, &self.shape, size, &mut out);
            }
            Data::Strings(_) => {}
        }
        Self::dense(self.dtype, self.shape.clone(), out.freeze())
    }

    /// The element at C-order position `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Scalar> {
        if index >= self.len() {
            return None;
        }
        match &self.data {
            Data::Constant(value) => Some(value.clone()),
            Data::Strings(strings) => Some(Scalar::from_bytes(self.dtype, strings.get(index))),
            Data::Dense {
                buffer,
                offset,
                strides,
            } => {
                let size = self.dtype.item_size()?;
                let mut rest = index;
                let mut at = *offset as isize;
                for axis in (0..self.shape.len()).rev() {
                    at += (rest % self.shape[axis]) as isize * strides[axis];
                    rest /= self.shape[axis];
                }
                let start = usize::try_from(at).ok()? * size;
                Some(Scalar::from_bytes(self.dtype, &buffer[start..start + size]))
            }
        }
    }

    /// Every element in C order.
    pub fn scalars(&self) -> impl Iterator<Item = Scalar> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// The same elements under another dtype of the same size (a view of times as integers, say).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] if the sizes differ.
    pub fn reinterpret(&self, dtype: DType) -> Result<Self> {
        if dtype.item_size() != self.dtype.item_size() {
            return Err(Error::internal(format!(
                "cannot view {} as {dtype}",
                self.dtype
            )));
        }
        let data = match &self.data {
            Data::Constant(value) => Data::Constant(Scalar::from_bytes(dtype, value.bytes())),
            other => other.clone(),
        };
        Ok(Self {
            dtype,
            shape: self.shape.clone(),
            data,
        })
    }

    /// The same elements in another shape of as many; needs a C-order block or a constant.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] if counts differ or the block has gaps.
    pub fn reshape(&self, shape: Vec<usize>) -> Result<Self> {
        let fits = element_count(&shape) == Some(self.len());
        let data = match &self.data {
            Data::Dense { buffer, offset, .. } if fits && self.as_contiguous().is_some() => {
                Data::Dense {
                    buffer: buffer.clone(),
                    offset: *offset,
                    strides: c_strides(&shape),
                }
            }
            Data::Constant(_) | Data::Strings(_) if fits => self.data.clone(),
            _ => {
                return Err(Error::internal(format!(
                    "cannot reshape {:?} to {shape:?}",
                    self.shape
                )));
            }
        };
        Ok(Self {
            dtype: self.dtype,
            shape,
            data,
        })
    }
}

/// The lowest and highest element offset that a strided shape touches, relative to its first element.
fn reach(shape: &[usize], strides: &[isize]) -> Option<(i128, i128)> {
    if shape.len() != strides.len() {
        return None;
    }
    let mut bounds = (0i128, 0i128);
    for (length, stride) in shape.iter().zip(strides) {
        let far = i128::from(u64::try_from((*length).saturating_sub(1)).ok()?)
            .checked_mul(*stride as i128)?;
        if far < 0 {
            bounds.0 += far;
        } else {
            bounds.1 += far;
        }
    }
    Some(bounds)
}

/// Fills `out` with copies of `item`, doubling what is there already.
pub fn fill_with(out: &mut [u8], item: &[u8]) {
    if item.iter().all(|byte| *byte == item[0]) {
        out.fill(item.first().copied().unwrap_or(0));
        return;
    }
    let mut done = item.len().min(out.len());
    out[..done].copy_from_slice(&item[..done]);
    while done < out.len() {
        let more = done.min(out.len() - done);
        out.copy_within(..more, done);
        done += more;
    }
}

/// Copies strided elements of `size` bytes into C order.
fn pack(
    from: &[u8],
    offset: usize,
    strides: &[isize],
    shape: &[usize],
    size: usize,
    out: &mut [u8],
) {
    let Some((&row_length, outer)) = shape.split_last() else {
        out[..size].copy_from_slice(&from[offset * size..(offset + 1) * size]);
        return;
    };
    let row_stride = strides[shape.len() - 1];
    let rows: usize = outer.iter().product();
    let mut index = vec![0usize; outer.len()];
    for row in 0..rows {
        let start: isize = index
            .iter()
            .zip(strides)
            .map(|(at, stride)| *at as isize * stride)
            .sum::<isize>()
            + offset as isize;
        let to = &mut out[row * row_length * size..(row + 1) * row_length * size];
        if row_stride == 1 {
            let start = start as usize * size;
            to.copy_from_slice(&from[start..start + row_length * size]);
        } else {
            for (step, item) in to.chunks_exact_mut(size).enumerate() {
                let at = (start + step as isize * row_stride) as usize * size;
                item.copy_from_slice(&from[at..at + size]);
            }
        }
        for axis in (0..outer.len()).rev() {
            index[axis] += 1;
            if index[axis] < outer[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arange(count: i32) -> Buffer {
        let bytes: Vec<u8> = (0..count).flat_map(i32::to_ne_bytes).collect();
        Buffer::copy_of(&bytes).unwrap()
    }

    fn integers(block: &Block) -> Vec<i64> {
        block
            .scalars()
            .filter_map(|scalar| scalar.to_i64())
            .collect()
    }

    #[test]
    fn a_transposed_view_packs_to_c_order() {
        let block = Block::strided(DType::Int32, vec![3, 2], arange(6), 0, vec![1, 3]).unwrap();
        assert_eq!(integers(&block), [0, 3, 1, 4, 2, 5]);
        assert_eq!(
            integers(&block.to_contiguous(&Pool::unlimited()).unwrap()),
            [0, 3, 1, 4, 2, 5]
        );
    }

    #[test]
    fn a_reversed_view_starts_at_its_offset() {
        let block = Block::strided(DType::Int32, vec![4], arange(4), 3, vec![-1]).unwrap();
        assert_eq!(
            integers(&block.to_contiguous(&Pool::unlimited()).unwrap()),
            [3, 2, 1, 0]
        );
    }

    #[test]
    fn a_block_past_its_buffer_is_refused() {
        assert!(Block::dense(DType::Int32, vec![7], arange(6)).is_err());
        assert!(Block::strided(DType::Int32, vec![4], arange(4), 2, vec![-1]).is_err());
    }

    #[test]
    fn constants_are_written_out() {
        let block = Block::constant(Scalar::from_i64(DType::Int16, 258), vec![2, 3]);
        assert_eq!(
            integers(&block.to_contiguous(&Pool::unlimited()).unwrap()),
            [258; 6]
        );
    }
}
