//! The header of a classic file, and where each variable's values will be.

use super::types::{code, convert, stored, to_big_endian};
use crate::netcdf::{GroupSpec, NetcdfFormat, VariableSpec};
use crate::numbers::storable;
use crate::tree::Dimension;
use craton_core::{AttributeValue, Attributes, DType, Error, Numbers, Result, Scalar};

/// Where a variable's values are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The type that they are stored as.
    pub stored: DType,
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// The first value.
    pub begin: u64,
    /// Bytes from one record to the next, if the first axis is the one that grows.
    pub record: Option<u64>,
}

/// The header and the places it names.
#[derive(Debug)]
pub struct Layout {
    pub header: Vec<u8>,
    /// Bytes of the whole file.
    pub length: u64,
    pub variables: Vec<Place>,
}

/// How numbers of the header are written.
struct Writer {
    format: NetcdfFormat,
    bytes: Vec<u8>,
}

impl Writer {
    fn number(&mut self, value: u64, is_wide: bool) {
        let bytes = value.to_be_bytes();
        self.bytes.extend(&bytes[if is_wide { 0 } else { 4 }..]);
    }

    fn count(&mut self, value: u64) {
        self.number(value, self.format == NetcdfFormat::Cdf5);
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn name(&mut self, name: &str) {
        self.count(name.len() as u64);
        self.padded(name.as_bytes());
    }

    /// A list's tag and count; empty lists have no tag.
    fn tagged(&mut self, tag: u32, count: usize) {
        self.number(if count == 0 { 0 } else { u64::from(tag) }, false);
        self.count(count as u64);
    }

    fn attributes(&mut self, attributes: &[(String, Value)]) {
        self.tagged(0x0c, attributes.len());
        for (name, value) in attributes {
            self.name(name);
            self.number(u64::from(code(value.dtype)), false);
            self.count(value.count);
            self.padded(&value.bytes);
        }
    }
}

/// An attribute as it is stored.
struct Value {
    dtype: DType,
    count: u64,
    bytes: Vec<u8>,
}

impl Value {
    fn text(text: &str) -> Self {
        Self {
            dtype: DType::FixedBytes(1),
            count: text.len() as u64,
            bytes: text.as_bytes().to_vec(),
        }
    }

    fn numbers(numbers: &Numbers, format: NetcdfFormat) -> Result<Self> {
        let numbers = storable(numbers).ok_or_else(|| {
            Error::unsupported(format!("an attribute of `{}`", numbers.dtype))
                .hint("netCDF has integers, floats and texts")
        })?;
        let mut dtype = stored(numbers.dtype, format)?;
        let fits = |value: Scalar| convert(&value, dtype).is_some();
        if !numbers.scalars().all(fits) {
            // Wide integers that do not fit are doubles, if those hold them exactly.
            let is_exact = |value: Scalar| {
                value
                    .to_i64()
                    .is_some_and(|value| value.unsigned_abs() <= 1 << 53)
            };
            if !numbers.scalars().all(is_exact) {
                let message = format!(
                    "an attribute of `{}` too large for this format",
                    numbers.dtype
                );
                return Err(Error::unsupported(message)
                    .hint("`--format cdf5` and `--format netcdf4` have wider integers"));
            }
            dtype = DType::Float64;
        }
        let count = numbers.bytes.len() / numbers.dtype.item_size().unwrap_or(1).max(1);
        let mut bytes = vec![0; count * dtype.item_size().unwrap_or(1)];
        to_big_endian(&numbers.bytes, numbers.dtype, dtype, &mut bytes)?;
        Ok(Self {
            dtype,
            count: count as u64,
            bytes,
        })
    }
}

fn values(attributes: &Attributes, format: NetcdfFormat) -> Result<Vec<(String, Value)>> {
    let value = |(name, value): (&String, &AttributeValue)| {
        let value = match value {
            AttributeValue::Text(text) => Value::text(text),
            // There are no lists of texts here.
            AttributeValue::Texts(texts) => Value::text(&texts.join(", ")),
            AttributeValue::Json(json) => Value::text(&json.to_string()),
            AttributeValue::Numbers(numbers) => {
                Value::numbers(numbers, format).map_err(|error| {
                    Error::new(error.kind(), format!("cannot write attribute `{name}`"))
                        .caused_by(error)
                })?
            }
        };
        Ok((name.clone(), value))
    };
    attributes.iter().map(value).collect()
}

impl Layout {
    /// The layout of a file with one group.
    ///
    /// # Errors
    /// Invalid or unsupported if the format cannot hold it.
    pub fn of(root: &GroupSpec, format: NetcdfFormat) -> Result<Self> {
        let record = record_dimension(root)?;
        let mut places = Vec::new();
        for variable in &root.variables {
            let place = place(root, variable, record, format)
                .map_err(|error| error.in_variable(&variable.name))?;
            places.push(place);
        }
        // Offsets do not change the header's length.
        let length = header(root, &places, record, format)?.len() as u64;
        let end = arrange(&mut places, length);
        check_offsets(root, &places, format)?;
        let records = record.map_or(0, |record| root.dimensions[record].length);
        let per_record = places.iter().find_map(|place| place.record).unwrap_or(0);
        Ok(Self {
            header: header(root, &places, record, format)?,
            length: end + per_record * records,
            variables: places,
        })
    }
}

/// The dimension that grows. There is one at most, and it comes first in every variable that has it.
fn record_dimension(root: &GroupSpec) -> Result<Option<usize>> {
    let mut growing = (0..root.dimensions.len()).filter(|at| root.dimensions[*at].is_unlimited);
    let first = growing.next();
    if let Some(second) = growing.next() {
        let name = &root.dimensions[second].name;
        let message = format!("dimension `{name}` is a second one that may grow");
        return Err(Error::unsupported(message).hint("`--format netcdf4` allows several"));
    }
    let name = first.map(|at| &root.dimensions[at].name);
    let is_late =
        |variable: &&VariableSpec| variable.dims.iter().skip(1).any(|dim| Some(dim) == name);
    if let Some(variable) = root.variables.iter().find(is_late) {
        let message = format!(
            "the dimension that grows is not the first of `{}`",
            variable.name
        );
        return Err(Error::unsupported(message).hint("transpose it, or use `--format netcdf4`"));
    }
    Ok(first)
}

fn dimension<'a>(root: &'a GroupSpec, name: &str) -> Result<(usize, &'a Dimension)> {
    let mut dimensions = root.dimensions.iter().enumerate();
    let found = dimensions.find(|(_, dimension)| dimension.name == name);
    found.ok_or_else(|| Error::invalid(format!("there is no dimension `{name}`")))
}

/// A variable's place, before it is known where values begin.
fn place(
    root: &GroupSpec,
    variable: &VariableSpec,
    record: Option<usize>,
    format: NetcdfFormat,
) -> Result<Place> {
    let mut shape = Vec::new();
    let mut is_record = false;
    for (axis, name) in variable.dims.iter().enumerate() {
        let (number, dimension) = dimension(root, name)?;
        is_record |= axis == 0 && Some(number) == record;
        shape.push(dimension.length);
    }
    let place = Place {
        stored: stored(variable.dtype, format)?,
        shape,
        begin: 0,
        record: is_record.then_some(0),
    };
    place
        .bytes()
        .ok_or_else(|| Error::unsupported("a variable of impossible size"))?;
    Ok(place)
}

impl Place {
    /// Bytes of the values of one record, or of all; not padded.
    fn bytes(&self) -> Option<u64> {
        let inner = usize::from(self.record.is_some());
        let size = self.stored.item_size().unwrap_or(1) as u64;
        let bytes = self.shape[inner..]
            .iter()
            .try_fold(size, |bytes, length| bytes.checked_mul(*length))?;
        bytes.checked_next_multiple_of(4)?;
        // A file of all records must be addressable, too.
        bytes.checked_mul(self.shape.first().copied().unwrap_or(1).max(1))?;
        Some(bytes)
    }

    fn padded(&self) -> u64 {
        // OK because sizes were checked when the place was made.
        self.bytes().unwrap_or(0).next_multiple_of(4)
    }
}

/// Puts fixed variables behind the header, then the records; gives the end of the fixed part.
fn arrange(places: &mut [Place], header: u64) -> u64 {
    let mut at = header;
    for place in places.iter_mut().filter(|place| place.record.is_none()) {
        place.begin = at;
        at += place.padded();
    }
    let records: Vec<&Place> = places
        .iter()
        .filter(|place| place.record.is_some())
        .collect();
    let per_record = match records.as_slice() {
        // The only record variable is not padded: its records follow each other.
        [only] => only.bytes().unwrap_or(0),
        several => several.iter().map(|place| place.padded()).sum(),
    };
    let end = at;
    for place in places.iter_mut().filter(|place| place.record.is_some()) {
        place.begin = at;
        place.record = Some(per_record);
        at += place.padded();
    }
    end
}

fn check_offsets(root: &GroupSpec, places: &[Place], format: NetcdfFormat) -> Result<()> {
    if format == NetcdfFormat::Cdf5 {
        return Ok(());
    }
    let most_at = match format {
        NetcdfFormat::Classic => i32::MAX as u64,
        _ => i64::MAX as u64,
    };
    let hint = match format {
        NetcdfFormat::Classic => "`--format 64bit-offset` and `--format netcdf4` hold more",
        _ => "`--format cdf5` and `--format netcdf4` hold more",
    };
    // One variable may be longer: the last fixed one where there are no records, and the last of a record.
    const MOST: u64 = u32::MAX as u64 - 3;
    let has_records = places.iter().any(|place| place.record.is_some());
    let last = |place: &Place| {
        let same = places
            .iter()
            .rfind(|other| other.record.is_some() == place.record.is_some());
        same.is_some_and(|other| std::ptr::eq(other, place))
            && (place.record.is_some() || !has_records)
    };
    for (variable, place) in root.variables.iter().zip(places) {
        let is_too_long = place.padded() > MOST && !last(place);
        if place.begin > most_at || is_too_long {
            let message = "values do not fit this format of netCDF";
            return Err(Error::unsupported(message)
                .in_variable(&variable.name)
                .hint(hint));
        }
    }
    let too_long = root
        .dimensions
        .iter()
        .find(|dimension| dimension.length > i32::MAX as u64);
    match too_long {
        Some(dimension) => {
            let message = format!(
                "dimension `{}` of length {}",
                dimension.name, dimension.length
            );
            Err(Error::unsupported(message).hint(hint))
        }
        None => Ok(()),
    }
}

fn header(
    root: &GroupSpec,
    places: &[Place],
    record: Option<usize>,
    format: NetcdfFormat,
) -> Result<Vec<u8>> {
    let (version, has_wide_offsets) = match format {
        NetcdfFormat::Classic => (1, false),
        NetcdfFormat::Offset64 => (2, true),
        _ => (5, true),
    };
    let mut out = Writer {
        format,
        bytes: vec![b'C', b'D', b'F', version],
    };
    out.count(record.map_or(0, |record| root.dimensions[record].length));
    out.tagged(0x0a, root.dimensions.len());
    for (number, dimension) in root.dimensions.iter().enumerate() {
        out.name(&dimension.name);
        if dimension.length == 0 && Some(number) != record {
            let message = format!("dimension `{}` has no indices", dimension.name);
            return Err(Error::unsupported(message)
                .hint("classic netCDF allows that for one dimension, the one that grows"));
        }
        out.count(if Some(number) == record {
            0
        } else {
            dimension.length
        });
    }
    out.attributes(&values(&root.attributes, format)?);
    out.tagged(0x0b, root.variables.len());
    for (variable, place) in root.variables.iter().zip(places) {
        variable_header(root, variable, place, format, has_wide_offsets, &mut out)
            .map_err(|error| error.in_variable(&variable.name))?;
    }
    Ok(out.bytes)
}

fn variable_header(
    root: &GroupSpec,
    variable: &VariableSpec,
    place: &Place,
    format: NetcdfFormat,
    has_wide_offsets: bool,
    out: &mut Writer,
) -> Result<()> {
    out.name(&variable.name);
    out.count(variable.dims.len() as u64);
    for name in &variable.dims {
        out.count(dimension(root, name)?.0 as u64);
    }
    let mut attributes = Vec::new();
    if let Some(fill) = &variable.fill_value {
        let fill = convert(fill, place.stored).ok_or_else(|| {
            let message = format!("the fill value {fill} does not fit `{}`", place.stored);
            Error::unsupported(message).hint("`--format netcdf4` has wider integers")
        })?;
        let mut bytes = fill.bytes().to_vec();
        to_big_endian(fill.bytes(), place.stored, place.stored, &mut bytes)?;
        let value = Value {
            dtype: place.stored,
            count: 1,
            bytes,
        };
        attributes.push(("_FillValue".to_owned(), value));
    }
    attributes.extend(values(&variable.attributes, format)?);
    out.attributes(&attributes);
    out.number(u64::from(code(place.stored)), false);
    let size = place.padded();
    // The size is redundant; what does not fit is written as the largest number.
    out.count(if format == NetcdfFormat::Cdf5 {
        size
    } else {
        size.min(u64::from(u32::MAX))
    });
    out.number(place.begin, has_wide_offsets);
    Ok(())
}
