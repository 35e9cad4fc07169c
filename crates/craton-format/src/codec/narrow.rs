//! Types of numbers that no machine has: integers of 2 and 4 bits, floats of 4 to 16. They are read as the next type
//! that holds every value of them.

use super::exact::{Exact, Format, Rounding, Specials, Unfit};
use super::numbers::Number;
use craton_core::DType;

/// A number of few bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Narrow {
    /// Zarr's name.
    pub name: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Signed(u32),
    Unsigned(u32),
    Float(Format),
}

const fn float(
    name: &'static str,
    exponent: u32,
    mantissa: u32,
    bias: i32,
    specials: Specials,
) -> Narrow {
    let format = Format {
        exponent,
        mantissa,
        bias,
        specials,
    };
    Narrow {
        name,
        kind: Kind::Float(format),
    }
}

/// Every narrow type.
pub const NARROW: &[Narrow] = &[
    Narrow {
        name: "int2",
        kind: Kind::Signed(2),
    },
    Narrow {
        name: "int4",
        kind: Kind::Signed(4),
    },
    Narrow {
        name: "uint2",
        kind: Kind::Unsigned(2),
    },
    Narrow {
        name: "uint4",
        kind: Kind::Unsigned(4),
    },
    float("bfloat16", 8, 7, 127, Specials::Ieee),
    float("float4_e2m1fn", 2, 1, 1, Specials::None),
    float("float6_e2m3fn", 2, 3, 1, Specials::None),
    float("float6_e3m2fn", 3, 2, 3, Specials::None),
    float("float8_e3m4", 3, 4, 3, Specials::Ieee),
    float("float8_e4m3", 4, 3, 7, Specials::Ieee),
    float("float8_e4m3b11fnuz", 4, 3, 11, Specials::NanForNegativeZero),
    float("float8_e4m3fn", 4, 3, 7, Specials::NanOnly),
    float("float8_e4m3fnuz", 4, 3, 8, Specials::NanForNegativeZero),
    float("float8_e5m2", 5, 2, 15, Specials::Ieee),
    float("float8_e5m2fnuz", 5, 2, 16, Specials::NanForNegativeZero),
    float("float8_e8m0fnu", 8, 0, 127, Specials::PowersOfTwo),
    // Half precision is a machine's type; only pairs of it are not.
    float("float16", 5, 10, 15, Specials::Ieee),
];

impl Narrow {
    /// The type that Zarr calls `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        NARROW.iter().find(|narrow| narrow.name == name).copied()
    }

    /// Bits that count.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self.kind {
            Kind::Signed(bits) | Kind::Unsigned(bits) => bits,
            Kind::Float(format) => format.bits(),
        }
    }

    /// Bytes of one number where nothing packs it.
    #[must_use]
    pub fn size(self) -> usize {
        if self.bits() > 8 { 2 } else { 1 }
    }

    /// The machine's type that holds every value of this one.
    #[must_use]
    pub fn dtype(self) -> DType {
        match self.kind {
            Kind::Signed(_) => DType::Int8,
            Kind::Unsigned(_) => DType::UInt8,
            Kind::Float(_) => DType::Float32,
        }
    }

    /// The floating-point format, if it is one.
    #[must_use]
    pub fn format(self) -> Option<Format> {
        match self.kind {
            Kind::Float(format) => Some(format),
            _ => None,
        }
    }

    /// The smallest and largest integer, if this is a type of integers.
    #[must_use]
    pub fn range(self) -> Option<(i64, i64)> {
        match self.kind {
            Kind::Signed(bits) => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
            Kind::Unsigned(bits) => Some((0, (1 << bits) - 1)),
            Kind::Float(_) => None,
        }
    }

    /// The number with these bits; higher ones do not count.
    #[must_use]
    pub fn read(self, bits: u16) -> Number {
        match self.kind {
            Kind::Signed(width) => {
                let unused = 16 - width;
                Number::Integer(i64::from((bits << unused).cast_signed() >> unused))
            }
            Kind::Unsigned(width) => Number::Integer(i64::from(bits & ((1 << width) - 1))),
            Kind::Float(format) => {
                let exact = format.read(u64::from(bits));
                // OK: every narrow format is within single precision.
                let wide = Format::ieee(11, 52).write(exact, Rounding::NearestEven, true);
                Number::Float(wide.map_or(f64::NAN, f64::from_bits))
            }
        }
    }

    /// The bits of a number, rounded.
    ///
    /// # Errors
    /// What kept it from having a place.
    pub fn write(self, number: Exact, rounding: Rounding, may_clamp: bool) -> Result<u16, Unfit> {
        let bits = match self.kind {
            Kind::Float(format) => format.write(number, rounding, may_clamp)?,
            Kind::Signed(width) | Kind::Unsigned(width) => {
                let whole = number.to_integer(rounding);
                let (low, high) = self.range().unwrap_or_default();
                let (low, high) = (i128::from(low), i128::from(high));
                let whole = match whole {
                    Ok(whole) if (low..=high).contains(&whole) => whole,
                    Ok(whole) if may_clamp => whole.clamp(low, high),
                    Ok(_) => return Err(Unfit::OutOfRange),
                    Err(unfit) => return Err(unfit),
                };
                // Two's complement in the lower bits.
                u64::try_from(whole & ((1 << width) - 1)).unwrap_or(0)
            }
        };
        Ok(u16::try_from(bits).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_formats() {
        let read = |name: &str, bits| match Narrow::from_name(name).unwrap().read(bits) {
            Number::Integer(value) => value as f64,
            Number::Float(value) => value,
        };
        for (name, bits, value) in [
            ("int4", 0xf8, -8.0),
            ("uint2", 0xff, 3.0),
            ("bfloat16", 0x3fc0, 1.5),
            ("bfloat16", 0xff80, f64::NEG_INFINITY),
            ("float4_e2m1fn", 0b0111, 6.0),
            ("float4_e2m1fn", 0b1001, -0.5),
            ("float6_e2m3fn", 0b01_1111, 7.5),
            ("float6_e3m2fn", 0b01_1111, 28.0),
            ("float8_e3m4", 0x6f, 15.5),
            ("float8_e4m3fn", 0x7e, 448.0),
            ("float8_e4m3", 0x77, 240.0),
            ("float8_e5m2", 0x7b, 57344.0),
            ("float8_e5m2", 0x7c, f64::INFINITY),
            ("float8_e4m3fnuz", 0x7f, 240.0),
            ("float8_e4m3b11fnuz", 0x7f, 30.0),
            ("float8_e5m2fnuz", 0x7f, 57344.0),
            ("float8_e8m0fnu", 127, 1.0),
            ("float8_e8m0fnu", 0, 2f64.powi(-127)),
        ] {
            assert_eq!(read(name, bits), value, "{name} {bits:#x}");
        }
        for (name, bits) in [
            ("float8_e4m3fn", 0xff),
            ("float8_e4m3fnuz", 0x80),
            ("float8_e8m0fnu", 255),
        ] {
            assert!(read(name, bits).is_nan(), "{name}");
        }
    }

    #[test]
    fn every_value_is_written_as_it_was_read() {
        for narrow in NARROW {
            for bits in 0..1u32 << narrow.bits() {
                let bits = u16::try_from(bits).unwrap();
                let number = narrow.read(bits);
                if matches!(number, Number::Float(value) if value.is_nan()) {
                    continue;
                }
                let exact = Exact::of(number, super::super::NumberType::native(narrow.dtype()));
                let written = narrow.write(exact, Rounding::TowardsZero, false);
                assert_eq!(written, Ok(bits), "{} {bits:#x}", narrow.name);
            }
        }
    }
}
