//! `bitround`: numbers whose last bits are rounded away; there is nothing to undo.

use super::numbers::NumberType;
use super::{Codec, Options, Place, Size, Stage};
use craton_core::{BufferMut, DType, Error, Pool, Result};
use std::sync::Arc;

/// Floats with fewer bits of mantissa, integers with fewer digits after their first.
#[derive(Debug, Clone, Copy)]
pub struct BitRound {
    keep: u32,
    element: NumberType,
}

impl Codec for BitRound {
    fn label(&self) -> String {
        format!("bitround:{}", self.keep)
    }

    fn encoded_size(&self, plain: Size) -> Size {
        plain
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _pool: &Pool) -> Result<Option<usize>> {
        let Some(out) = out.get_mut(..encoded.len()) else {
            return Ok(None);
        };
        out.copy_from_slice(encoded);
        Ok(Some(encoded.len()))
    }

    fn encode(&self, plain: &[u8], pool: &Pool) -> Result<BufferMut> {
        let part = self.element.part();
        let mantissa = self.element.mantissa();
        if mantissa.is_some_and(|bits| self.keep > bits) {
            let message = format!("codec `bitround` cannot keep {} bits of {part}", self.keep);
            return Err(Error::invalid(message));
        }
        let mut out = pool.take(plain.len())?;
        out.copy_from_slice(plain);
        for number in out.chunks_exact_mut(part.size()) {
            let mut wide = [0; 8];
            let wide = &mut wide[..number.len()];
            wide.copy_from_slice(number);
            // Little-endian from here on.
            if part.is_swapped != cfg!(target_endian = "big") {
                wide.reverse();
            }
            let mut bits = [0; 8];
            bits[..wide.len()].copy_from_slice(wide);
            let bits = u64::from_le_bytes(bits);
            let rounded = match mantissa {
                Some(mantissa) => self.round_float(bits, mantissa, part),
                None => self.round_integer(bits, part),
            };
            wide.copy_from_slice(&rounded.to_le_bytes()[..number.len()]);
            if part.is_swapped != cfg!(target_endian = "big") {
                wide.reverse();
            }
            number.copy_from_slice(wide);
        }
        Ok(out)
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn is_nothing_to_decode(&self) -> bool {
        true
    }
}

impl BitRound {
    /// To the nearest, ties to even. A carry goes on into the exponent, as it should.
    fn round_float(self, bits: u64, mantissa: u32, part: NumberType) -> u64 {
        let width = u32::try_from(part.size() * 8).unwrap_or(64);
        let magnitude = bits & (u64::MAX >> (65 - width));
        let infinity = (u64::MAX >> (65 - width)) >> mantissa << mantissa;
        // Rounding NaN could make it a number.
        if magnitude > infinity {
            return bits;
        }
        round_off(bits, mantissa - self.keep)
    }

    /// The digits after the first one that is set, of the magnitude.
    fn round_integer(self, bits: u64, part: NumberType) -> u64 {
        let width = u32::try_from(part.size() * 8).unwrap_or(64);
        let is_signed = !part.dtype.is_unsigned_integer();
        let value = (bits << (64 - width)).cast_signed() >> (64 - width);
        let is_negative = is_signed && value < 0;
        // The smallest integer has no positive twin, and is also how a missing time is written.
        if is_negative && value == i64::MIN >> (64 - width) {
            return bits;
        }
        let magnitude = if is_negative {
            value.unsigned_abs()
        } else {
            bits
        };
        let digits = 64 - magnitude.leading_zeros();
        let rounded = round_off(magnitude, digits.saturating_sub(self.keep));
        let most = u64::MAX >> (64 - width + u32::from(is_signed));
        let rounded = if rounded > most || rounded < magnitude >> 1 {
            // There is no room for the carry.
            let cut = digits.saturating_sub(self.keep);
            magnitude >> cut << cut
        } else {
            rounded
        };
        if is_negative {
            rounded.wrapping_neg()
        } else {
            rounded
        }
    }
}

/// `bits` without the last `cut`, rounded to the nearest, ties to even.
fn round_off(bits: u64, cut: u32) -> u64 {
    match cut {
        0 => bits,
        64.. => 0,
        _ => {
            let half = (1u64 << (cut - 1)) - 1;
            bits.wrapping_add((bits >> cut & 1) + half) >> cut << cut
        }
    }
}

impl NumberType {
    /// Bits of the mantissa, of floats.
    fn mantissa(self) -> Option<u32> {
        let format = match self.narrow {
            Some(narrow) => narrow.format(),
            None => super::exact::Format::of(self.part().dtype),
        };
        format.map(|format| format.mantissa)
    }
}

/// Reads the metadata of `bitround`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let keep = options.integer("keepbits", 0..=64, None)?;
    let element = place.element;
    let dtype = element.dtype;
    let is_number = dtype.is_numeric() && dtype != DType::Bool || matches!(dtype, DType::Time(_));
    // numcodecs knows floats only, and takes integers for their bits.
    let is_registered = place.is_native && options.codec() == "bitround";
    if !is_number || !(is_registered || element.part().dtype.is_float()) {
        return Err(Error::unsupported(format!("codec `bitround` of {element}")));
    }
    let codec = BitRound {
        keep: u32::try_from(keep).unwrap_or(0),
        element,
    };
    Ok(Stage::Numbers(Arc::new(codec), element))
}
