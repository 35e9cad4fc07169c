//! One variable of a classic netCDF file as a [`Source`].

use super::header::{Header, RawVariable};
use crate::pieces::{self, Plain};
use craton_core::{
    ArrayMeta, AxisGrid, BoxFuture, ByteRange, ChunkRef, DType, Error, Grid, MissingMeans,
    Placement, ReadRanges, Result, Scalar, Source, StoredRange,
};
use std::sync::Arc;

/// How records lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Records {
    /// How many there are.
    pub count: u64,
    /// Bytes from one record to the next.
    pub stride: u64,
    /// Whether a single variable has records, whose records then follow each other without padding.
    is_alone: bool,
}

impl Records {
    /// Measures the records of a file of `size` bytes.
    ///
    /// # Errors
    /// Corrupt if the header announces more records than the file can hold.
    pub fn of(header: &Header, size: u64) -> Result<Self> {
        let mut stride = 0u64;
        let mut begin = u64::MAX;
        let mut last_end = 0u64;
        let mut sizes = Vec::new();
        for variable in header
            .variables
            .iter()
            .filter(|variable| has_records(header, variable))
        {
            let bytes = record_bytes(header, variable)?;
            sizes.push(bytes);
            begin = begin.min(variable.begin);
            last_end = last_end.max(variable.begin.saturating_add(bytes));
            let padded = bytes.checked_next_multiple_of(4);
            let total = padded.and_then(|padded| stride.checked_add(padded));
            stride = total.ok_or_else(|| Error::corrupt("records of impossible size"))?;
        }
        let is_alone = sizes.len() == 1;
        if let ([only], true) = (sizes.as_slice(), is_alone) {
            stride = *only;
        }
        // All but the last record must be whole; the last needs no padding after its last variable.
        let fits = match (sizes.is_empty(), stride) {
            (true, _) => u64::MAX,
            (false, 0) => header.record_count.unwrap_or(0),
            (false, stride) => match size.checked_sub(last_end) {
                Some(room) => room / stride + 1,
                None => 0,
            },
        };
        let count = match header.record_count {
            // Without record variables nothing contradicts the count.
            Some(count) => count,
            None if sizes.is_empty() => 0,
            None => fits,
        };
        if count > fits {
            let message = format!(
                "the header announces {count} records of {stride} bytes from byte {begin}, \
                 but the file has {size} bytes, which hold {fits}"
            );
            return Err(Error::corrupt(message));
        }
        Ok(Self {
            count,
            stride,
            is_alone,
        })
    }
}

fn has_records(header: &Header, variable: &RawVariable) -> bool {
    variable
        .dimensions
        .first()
        .is_some_and(|first| Some(*first) == header.record_dimension)
}

/// Bytes of one record of a record variable, or of all of a fixed one, without padding.
fn record_bytes(header: &Header, variable: &RawVariable) -> Result<u64> {
    let item = variable.dtype.item_size().unwrap_or(1) as u64;
    let skipped = usize::from(has_records(header, variable));
    variable
        .dimensions
        .iter()
        .skip(skipped)
        .try_fold(item, |bytes, number| {
            bytes.checked_mul(header.dimensions.get(*number)?.length)
        })
        .ok_or_else(|| Error::corrupt(format!("variable `{}` of impossible size", variable.name)))
}

/// A variable.
#[derive(Debug)]
pub struct Netcdf3Array {
    store: Arc<dyn ReadRanges>,
    location: Arc<str>,
    url: String,
    meta: ArrayMeta,
    begin: u64,
    /// Bytes from one record to the next, where records of other variables lie between.
    stride: Option<u64>,
    item: u64,
    size: u64,
    decode: Arc<Plain>,
}

impl Netcdf3Array {
    /// The source of `variable` in a file of `size` bytes.
    ///
    /// # Errors
    /// Corrupt if its size is impossible.
    pub fn new(
        store: Arc<dyn ReadRanges>,
        location: Arc<str>,
        url: String,
        header: &Header,
        variable: &RawVariable,
        records: &Records,
        size: u64,
    ) -> Result<Self> {
        let item = variable.dtype.item_size().unwrap_or(1) as u64;
        let mut shape = Vec::new();
        let mut names = Vec::new();
        for number in &variable.dimensions {
            let dimension = header.dimensions.get(*number);
            let dimension = dimension
                .ok_or_else(|| Error::corrupt(format!("dimension {number} is missing")))?;
            let is_record = Some(*number) == header.record_dimension;
            shape.push(if is_record {
                records.count
            } else {
                dimension.length
            });
            names.push(Some(dimension.name.clone()));
        }
        let total = shape
            .iter()
            .try_fold(item, |bytes, length| bytes.checked_mul(*length));
        let total = total.ok_or_else(|| {
            Error::corrupt(format!(
                "a variable of shape {shape:?} holds more bytes than any file"
            ))
        })?;
        let is_interleaved = has_records(header, variable) && !records.is_alone;
        let grid = if is_interleaved {
            record_grid(&shape, item)
        } else {
            pieces::grid(&shape, item)
        };
        if !is_interleaved && variable.begin.checked_add(total).is_none() {
            return Err(Error::corrupt(format!(
                "values from byte {} on end beyond any file",
                variable.begin
            )));
        }
        Ok(Self {
            store,
            location,
            url,
            meta: ArrayMeta {
                dtype: variable.dtype,
                shape,
                grid,
                fill_value: default_fill(variable),
                dimension_names: names,
                attributes: variable.attributes.clone(),
                codecs: "big-endian".to_owned(),
                shard_shape: None,
            },
            begin: variable.begin,
            stride: is_interleaved.then_some(records.stride),
            item,
            size,
            decode: Arc::new(Plain {
                is_swapped: variable.dtype.swap_size() > 1 && cfg!(target_endian = "little"),
            }),
        })
    }

    /// The bytes of the piece at `index`.
    fn range(&self, index: &[u64]) -> Result<(u64, u64)> {
        let too_far = || Error::corrupt("values at an impossible place");
        let (Some(stride), Some((record, within))) = (self.stride, index.split_first()) else {
            let (first, count) = pieces::elements(&self.meta.grid, &self.meta.shape, index)?;
            let offset = first
                .checked_mul(self.item)
                .and_then(|first| first.checked_add(self.begin));
            return Ok((offset.ok_or_else(too_far)?, count.saturating_mul(self.item)));
        };
        let inner = Grid {
            axes: self.meta.grid.axes[1..].to_vec(),
        };
        let (first, count) = pieces::elements(&inner, &self.meta.shape[1..], within)?;
        let offset = record
            .checked_mul(stride)
            .and_then(|record| record.checked_add(self.begin))
            .and_then(|start| start.checked_add(first.checked_mul(self.item)?));
        Ok((offset.ok_or_else(too_far)?, count.saturating_mul(self.item)))
    }
}

/// One record at a time, each cut like an array of its own.
fn record_grid(shape: &[u64], item: u64) -> Grid {
    let Some((records, within)) = shape.split_first() else {
        return Grid::default();
    };
    let mut axes = vec![pieces::exact(*records, 1)];
    axes.extend(pieces::grid(within, item).axes);
    debug_assert_eq!(axes.iter().map(AxisGrid::extent).collect::<Vec<_>>(), shape);
    Grid { axes }
}

/// What netCDF-3 fills with: the `_FillValue` attribute where it fits, else the type's default.
fn default_fill(variable: &RawVariable) -> Scalar {
    let dtype = variable.dtype;
    let attribute = variable
        .attributes
        .get("_FillValue")
        .and_then(|value| value.as_scalar());
    if let Some(value) = attribute.filter(|value| value.dtype() == dtype) {
        return value;
    }
    match dtype {
        DType::Int8 => Scalar::from_i64(dtype, -127),
        DType::Int16 => Scalar::from_i64(dtype, -32767),
        DType::Int32 => Scalar::from_i64(dtype, -2_147_483_647),
        DType::UInt8 => Scalar::from_i64(dtype, 255),
        DType::UInt16 => Scalar::from_i64(dtype, 65535),
        DType::UInt32 => Scalar::from_i64(dtype, 4_294_967_295),
        DType::Int64 => Scalar::from_i64(dtype, -9_223_372_036_854_775_806),
        DType::UInt64 => Scalar::from_bytes(dtype, &18_446_744_073_709_551_614_u64.to_ne_bytes()),
        DType::Float32 | DType::Float64 => Scalar::from_f64(dtype, 9.969_209_968_386_869e36),
        _ => Scalar::zero(dtype),
    }
}

impl Source for Netcdf3Array {
    fn meta(&self) -> &ArrayMeta {
        &self.meta
    }

    fn locate<'a>(&'a self, index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>> {
        Box::pin(async move {
            let (offset, length) = self.range(index).map_err(|error| error.at(&self.url))?;
            let end = offset.saturating_add(length);
            if end > self.size {
                let message = format!(
                    "values reach to byte {end}, but the file ends at byte {}",
                    self.size
                );
                return Err(Error::corrupt(message)
                    .in_chunk(index)
                    .at(&self.url)
                    .in_bytes(offset..end));
            }
            Ok(ChunkRef::Stored(StoredRange {
                store: self.store.clone(),
                location: self.location.clone(),
                range: ByteRange::Bounded { offset, length },
                if_missing: MissingMeans::Error,
                decode: self.decode.clone(),
            }))
        })
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn version(&self) -> Option<String> {
        self.store.version(&self.location)
    }

    fn placement(&self) -> Placement {
        Placement {
            is_remote: self.store.is_remote(),
            shares_objects: true,
        }
    }
}
