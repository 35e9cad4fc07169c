//! `zfp` of Zarr v3 and `zfpy` of numcodecs: the same compression of one to four axes, without and with a header.

use super::numbers::NumberType;
use super::{Codec, Options, Place, Size, Stage, aligned};
use craton_core::{BufferMut, DType, Error, ErrorKind, Pool, Result};
use std::sync::Arc;
use zfp_rs::{
    ZfpBitStream, ZfpConfig, ZfpDimensionality, ZfpField, ZfpFieldMut, ZfpHeaderMask, ZfpScalar,
    ZfpScalarType, ZfpStreamAlignment,
};

/// Bits of the longest header.
const HEADER: usize = 148;

/// Blocks of four numbers along each axis.
#[derive(Debug, Clone)]
pub struct Zfp {
    element: NumberType,
    mode: Mode,
    /// Elements along each axis, the fastest first; those of a header where chunks differ.
    lengths: Option<Vec<usize>>,
    has_header: bool,
}

#[derive(Debug, Clone, Copy)]
enum Mode {
    Reversible,
    Rate(f64),
    Precision(u32),
    Accuracy(f64),
    Expert {
        bits: (u32, u32),
        precision: u32,
        exponent: i32,
    },
}

impl Zfp {
    /// The type that the numbers are compressed as.
    fn scalar(&self) -> ZfpScalarType {
        match self.element.dtype {
            DType::Float64 => ZfpScalarType::F64,
            DType::Int64 | DType::UInt64 | DType::Time(_) => ZfpScalarType::I64,
            dtype if dtype.is_float() => ZfpScalarType::F32,
            _ => ZfpScalarType::I32,
        }
    }

    fn config(&self, rank: usize) -> Result<ZfpConfig> {
        let unusable = |cause| {
            Error::new(
                ErrorKind::InvalidInput,
                "the options of `zfp` cannot be used",
            )
            .caused_by(cause)
        };
        Ok(match self.mode {
            Mode::Reversible => ZfpConfig::reversible(),
            Mode::Precision(precision) => ZfpConfig::fixed_precision(precision),
            Mode::Accuracy(tolerance) => ZfpConfig::fixed_accuracy(tolerance),
            Mode::Rate(rate) => {
                let axes = match rank {
                    1 => ZfpDimensionality::D1,
                    2 => ZfpDimensionality::D2,
                    3 => ZfpDimensionality::D3,
                    _ => ZfpDimensionality::D4,
                };
                let alignment = ZfpStreamAlignment::Unaligned;
                ZfpConfig::fixed_rate(rate, self.scalar(), axes, alignment).map_err(unusable)?
            }
            Mode::Expert {
                bits: (least, most),
                precision,
                exponent,
            } => ZfpConfig::expert(least, most, precision, exponent).map_err(unusable)?,
        })
    }

    /// Four lengths, the fastest first; 0 where there is no axis.
    fn padded(lengths: &[usize]) -> [usize; 4] {
        std::array::from_fn(|axis| lengths.get(axis).copied().unwrap_or(0))
    }

    fn decode_as<T: ZfpScalar>(&self, encoded: &[u8], out: &mut [T]) -> Result<usize> {
        let damaged = || Error::corrupt("cannot decode zfp");
        let no_room = || Error::new(ErrorKind::Budget, "no memory to decode zfp");
        let mut stream = ZfpBitStream::from_bytes(encoded).map_err(|_| no_room())?;
        let (config, lengths) = if self.has_header {
            let header = stream.read_header(ZfpHeaderMask::FULL);
            let header = header.map_err(|cause| damaged().caused_by(cause))?;
            let (Some(config), Some(field)) = (header.config, header.metadata) else {
                return Err(damaged());
            };
            if field.scalar_type != T::SCALAR_TYPE {
                let message = format!(
                    "a zfp header of {:?} for {}",
                    field.scalar_type, self.element
                );
                return Err(Error::corrupt(message));
            }
            (config, field.dims)
        } else {
            let lengths = self.lengths.as_deref().unwrap_or_default();
            (self.config(lengths.len())?, Self::padded(lengths))
        };
        let mut used = lengths.iter().take_while(|length| **length > 0);
        let count = used.try_fold(1usize, |count, length| count.checked_mul(*length));
        let count = count.ok_or_else(damaged)?;
        let Some(out) = out.get_mut(..count) else {
            return Ok(count);
        };
        let field = ZfpFieldMut::new(out, lengths);
        let mut field = field.map_err(|cause| damaged().caused_by(cause))?;
        let done = stream.decompress(&config, &mut field);
        done.map_err(|cause| damaged().caused_by(cause))?;
        Ok(count)
    }

    fn encode_as<T: ZfpScalar>(&self, numbers: &[T], pool: &Pool) -> Result<BufferMut> {
        let lengths = self.lengths.as_deref().filter(|lengths| {
            lengths.len() <= 4 && lengths.iter().product::<usize>() == numbers.len()
        });
        let Some(lengths) = lengths else {
            let message = "codec `zfp` compresses chunks of one to four axes that are all alike";
            return Err(Error::invalid(message));
        };
        let failed =
            |cause: &dyn std::error::Error| Error::invalid(format!("cannot encode zfp: {cause}"));
        let config = self.config(lengths.len())?;
        let lengths = Self::padded(lengths);
        let most = config.maximum_size(T::SCALAR_TYPE, lengths);
        let most = most.ok_or_else(|| Error::invalid("a chunk is too large for `zfp`"))?;
        let mut stream = ZfpBitStream::new(most + HEADER).map_err(|cause| failed(&cause))?;
        let field = ZfpField::new(numbers, lengths).map_err(|cause| failed(&cause))?;
        if self.has_header {
            let written = stream.write_header(&config, &field.metadata(), ZfpHeaderMask::FULL);
            written.map_err(|cause| failed(&cause))?;
        }
        let length = stream
            .compress(&config, &field)
            .map_err(|cause| failed(&cause))?;
        super::copied(&stream.as_bytes()[..length], pool)
    }

    /// Decodes numbers of a narrower type from those that stand for them.
    fn decode_narrow<T: ZfpScalar>(
        &self,
        encoded: &[u8],
        out: &mut [u8],
        demote: impl Fn(T, &mut [u8]),
    ) -> Result<Option<usize>> {
        let size = self.element.size();
        let mut wide = vec![T::default(); out.len() / size];
        let count = self.decode_as(encoded, &mut wide)?;
        let Some(out) = out.get_mut(..count * size) else {
            return Ok(None);
        };
        for (number, out) in wide.into_iter().zip(out.chunks_exact_mut(size)) {
            demote(number, out);
        }
        Ok(Some(out.len()))
    }

    /// How far integers of fewer bits are moved up, and what is taken from unsigned ones before.
    fn promotion(&self) -> (u32, i64) {
        let bits = match self.element.narrow {
            Some(narrow) => narrow.bits(),
            None => u32::try_from(self.element.size() * 8).unwrap_or(32),
        };
        if bits >= 32 {
            return (0, 0);
        }
        let is_unsigned = self.element.range().is_some_and(|(low, _)| low == 0);
        (31 - bits, if is_unsigned { 1 << (bits - 1) } else { 0 })
    }

    fn is_plain(&self) -> bool {
        let dtype = self.element.dtype;
        self.element.narrow.is_none()
            && matches!(
                dtype,
                DType::Int32 | DType::Int64 | DType::Float32 | DType::Float64 | DType::Time(_)
            )
    }
}

impl Codec for Zfp {
    fn label(&self) -> String {
        let name = if self.has_header { "zfpy" } else { "zfp" };
        match self.mode {
            Mode::Reversible => format!("{name}:reversible"),
            Mode::Rate(rate) => format!("{name}:rate:{rate}"),
            Mode::Precision(precision) => format!("{name}:precision:{precision}"),
            Mode::Accuracy(tolerance) => format!("{name}:accuracy:{tolerance}"),
            Mode::Expert { .. } => format!("{name}:expert"),
        }
    }

    fn encoded_size(&self, plain: Size) -> Size {
        // Blocks are padded to four along each axis, and expert modes may pad each to 4 KiB.
        let blocks = plain.most() / self.element.size() + 1;
        Size::AtMost(blocks.saturating_mul(4096).saturating_add(HEADER))
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], pool: &Pool) -> Result<Option<usize>> {
        let size = self.element.size();
        if self.is_plain() {
            let room = out.len() / size;
            let count = match self.scalar() {
                ZfpScalarType::I32 => {
                    aligned::with_mut(out, pool, |out| self.decode_as::<i32>(encoded, out))
                }
                ZfpScalarType::I64 => {
                    aligned::with_mut(out, pool, |out| self.decode_as::<i64>(encoded, out))
                }
                ZfpScalarType::F32 => {
                    aligned::with_mut(out, pool, |out| self.decode_as::<f32>(encoded, out))
                }
                ZfpScalarType::F64 => {
                    aligned::with_mut(out, pool, |out| self.decode_as::<f64>(encoded, out))
                }
            }?;
            return Ok((count <= room).then_some(count * size));
        }
        let (element, (by, offset)) = (self.element, self.promotion());
        let integer = |number: i64, out: &mut [u8]| {
            let (low, high) = element.range().unwrap_or_default();
            let number = i128::from((number >> by) + offset).clamp(low, high);
            let number = i64::try_from(number).unwrap_or(0);
            element.write(super::numbers::Number::Integer(number), out);
        };
        match self.scalar() {
            ZfpScalarType::I64 => self.decode_narrow(encoded, out, integer),
            ZfpScalarType::I32 => {
                self.decode_narrow(encoded, out, |number: i32, out| integer(number.into(), out))
            }
            _ => self.decode_narrow(encoded, out, |number: f32, out| {
                element.write(super::numbers::Number::Float(number.into()), out);
            }),
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "promoted numbers fit")]
    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        if self.is_plain() {
            return match self.scalar() {
                ZfpScalarType::I32 => aligned::with(plain, |all| self.encode_as::<i32>(all, pool)),
                ZfpScalarType::I64 => aligned::with(plain, |all| self.encode_as::<i64>(all, pool)),
                ZfpScalarType::F32 => aligned::with(plain, |all| self.encode_as::<f32>(all, pool)),
                ZfpScalarType::F64 => aligned::with(plain, |all| self.encode_as::<f64>(all, pool)),
            }?;
        }
        let (element, (by, offset)) = (self.element, self.promotion());
        let numbers = plain
            .chunks_exact(element.size())
            .map(|bytes| element.read(bytes));
        if self.scalar() == ZfpScalarType::F32 {
            let wide: Vec<f32> = numbers
                .map(|number| number.to_f64(element) as f32)
                .collect();
            return self.encode_as(&wide, pool);
        }
        let most = match self.scalar() {
            ZfpScalarType::I64 => i64::MAX,
            _ => i64::from(i32::MAX),
        };
        let promote = |number| match number {
            // Unsigned numbers of the full width have no room for their upper half.
            super::numbers::Number::Integer(value) if (by > 0 || value >= 0) && value <= most => {
                Ok((value - offset) << by)
            }
            _ => Err(Error::invalid(format!(
                "`zfp` cannot hold all values of {element}"
            ))),
        };
        let wide: Vec<i64> = numbers.map(promote).collect::<Result<_>>()?;
        if self.scalar() == ZfpScalarType::I64 {
            return self.encode_as(&wide, pool);
        }
        let wide: Vec<i32> = wide.into_iter().map(|number| number as i32).collect();
        self.encode_as(&wide, pool)
    }
}

/// Reads the metadata of `zfp`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let mode = match options.text("mode")? {
        Some("reversible") => Mode::Reversible,
        Some("fixed_rate") => Mode::Rate(options.number("rate")?),
        Some("fixed_accuracy") => Mode::Accuracy(options.number("tolerance")?),
        Some("fixed_precision") => {
            let precision = options.integer("precision", 0..=i64::from(u32::MAX), None)?;
            Mode::Precision(u32::try_from(precision).unwrap_or(64))
        }
        Some("expert") => {
            let bits = |name: &str| {
                let bits = options.integer(name, 0..=i64::from(u32::MAX), None)?;
                Ok::<u32, Error>(u32::try_from(bits).unwrap_or(u32::MAX))
            };
            let exponent = options.integer("minexp", -16495..=16272, None)?;
            Mode::Expert {
                bits: (bits("minbits")?, bits("maxbits")?),
                precision: bits("maxprec")?,
                exponent: i32::try_from(exponent).unwrap_or(0),
            }
        }
        other => {
            let wanted =
                "`reversible`, `fixed_rate`, `fixed_precision`, `fixed_accuracy` or `expert`";
            let found = other.map_or(serde_json::Value::Null, serde_json::Value::from);
            return Err(options.wrong("mode", &found, wanted));
        }
    };
    let element = place.element;
    let is_number = element.is_real() && element.dtype != DType::Bool;
    if !is_number && !matches!(element.dtype, DType::Time(_)) {
        return Err(unsupported("zfp", element));
    }
    let codec = Zfp {
        element,
        mode,
        lengths: lengths(place),
        has_header: false,
    };
    // Without a header, the shape is known from the chunk or not at all.
    if codec
        .lengths
        .as_ref()
        .is_none_or(|lengths| lengths.len() > 4)
    {
        let message = "codec `zfp` of chunks that differ in shape or have more than four axes";
        return Err(Error::unsupported(message));
    }
    Ok(Stage::Elements(Arc::new(codec)))
}

/// Reads the metadata of `zfpy`.
pub(super) fn zfpy(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let number = |name: &str| options.get(name).map_or(Ok(-1.0), |_| options.number(name));
    let mode = match options.integer("mode", 2..=5, Some(4))? {
        2 => Mode::Rate(number("rate")?),
        3 => {
            let precision = options.integer("precision", -1..=64, Some(-1))?;
            Mode::Precision(u32::try_from(precision).unwrap_or(64))
        }
        // A tolerance below 0 is how its writer asks for no loss.
        4 if number("tolerance")? >= 0.0 => Mode::Accuracy(number("tolerance")?),
        _ => Mode::Reversible,
    };
    let element = place.element;
    let codec = Zfp {
        element,
        mode,
        lengths: lengths(place),
        has_header: true,
    };
    if !codec.is_plain() || element.is_swapped || matches!(element.dtype, DType::Time(_)) {
        return Err(unsupported("zfpy", element));
    }
    Ok(Stage::Elements(Arc::new(codec)))
}

fn lengths(place: &Place<'_>) -> Option<Vec<usize>> {
    let shape = place.shape?;
    Some(match shape {
        [] => vec![1],
        axes => axes.iter().rev().copied().collect(),
    })
}

fn unsupported(name: &str, element: NumberType) -> Error {
    Error::unsupported(format!("codec `{name}` of {element}"))
        .hint("integers and floats of 32 and 64 bits are compressed")
}
