//! Numbers held exactly, and rounded to any binary format: how `cast_value` and narrow types convert.

use super::numbers::{Number, NumberType};
use craton_core::DType;

/// A real number of any type of at most 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exact {
    /// Not a number.
    Nan,
    /// An infinity.
    Infinite {
        /// Whether it is the negative one.
        is_negative: bool,
    },
    /// `± significand × 2^exponent`.
    Finite {
        /// Whether the sign bit is set; zeros have a sign too.
        is_negative: bool,
        /// The digits.
        significand: u64,
        /// The power of two.
        exponent: i32,
    },
}

/// How a number between two representable ones is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, ties to the even one.
    NearestEven,
    /// To the nearest, ties away from zero.
    NearestAway,
    /// The one nearer to zero.
    TowardsZero,
    /// The larger one.
    TowardsPositive,
    /// The smaller one.
    TowardsNegative,
}

impl Rounding {
    /// The mode that `cast_value` calls `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "nearest-even" => Self::NearestEven,
            "nearest-away" => Self::NearestAway,
            "towards-zero" => Self::TowardsZero,
            "towards-positive" => Self::TowardsPositive,
            "towards-negative" => Self::TowardsNegative,
            _ => return None,
        })
    }

    /// Whether a magnitude goes up, of which the part cut off is this much of a step.
    fn goes_up(self, is_negative: bool, is_odd: bool, rest: Rest) -> bool {
        match self {
            Self::NearestEven => rest == Rest::MoreThanHalf || rest == Rest::Half && is_odd,
            Self::NearestAway => rest >= Rest::Half,
            Self::TowardsZero => false,
            Self::TowardsPositive => !is_negative && rest != Rest::Nothing,
            Self::TowardsNegative => is_negative && rest != Rest::Nothing,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rest {
    Nothing,
    LessThanHalf,
    Half,
    MoreThanHalf,
}

/// What the largest exponent and the sign bit mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Specials {
    /// Infinities and NaN, as IEEE 754 has them.
    Ieee,
    /// No infinities; all bits set is NaN.
    NanOnly,
    /// No infinities, no negative zero; its bits are the NaN.
    NanForNegativeZero,
    /// Neither infinities nor NaN.
    None,
    /// Powers of two without sign and zero; all bits set is NaN.
    PowersOfTwo,
}

/// A binary floating-point format of at most 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    /// Bits of the exponent.
    pub exponent: u32,
    /// Bits of the mantissa that are stored.
    pub mantissa: u32,
    /// What is added to exponents.
    pub bias: i32,
    /// What has no plain meaning.
    pub specials: Specials,
}

/// Why a number has no place in a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is too large, or too small for a type without such numbers.
    OutOfRange,
    /// It is NaN or infinite, and the type has no such number.
    NotFinite,
}

impl Format {
    /// IEEE 754's format with so many bits.
    #[must_use]
    pub const fn ieee(exponent: u32, mantissa: u32) -> Self {
        Self {
            exponent,
            mantissa,
            bias: (1 << (exponent - 1)) - 1,
            specials: Specials::Ieee,
        }
    }

    /// The format of a machine's float.
    #[must_use]
    pub fn of(dtype: DType) -> Option<Self> {
        Some(match dtype {
            DType::Float16 => Self::ieee(5, 10),
            DType::Float32 => Self::ieee(8, 23),
            DType::Float64 => Self::ieee(11, 52),
            _ => return None,
        })
    }

    const fn is_signed(self) -> bool {
        !matches!(self.specials, Specials::PowersOfTwo)
    }

    /// Bits of a number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.exponent + self.mantissa + self.is_signed() as u32
    }

    const fn sign_bit(self) -> u64 {
        if self.is_signed() {
            1 << (self.exponent + self.mantissa)
        } else {
            0
        }
    }

    /// The largest magnitude that is finite.
    const fn largest(self) -> u64 {
        let all = (1u64 << (self.exponent + self.mantissa)) - 1;
        match self.specials {
            Specials::Ieee => all - (1 << self.mantissa),
            Specials::NanOnly | Specials::PowersOfTwo => all - 1,
            Specials::NanForNegativeZero | Specials::None => all,
        }
    }

    /// The bits of NaN, if there is one.
    const fn nan(self) -> Option<u64> {
        let all = (1u64 << (self.exponent + self.mantissa)) - 1;
        match self.specials {
            Specials::Ieee => Some(all - ((1 << self.mantissa) - 1) + (1 << (self.mantissa - 1))),
            Specials::NanOnly | Specials::PowersOfTwo => Some(all),
            Specials::NanForNegativeZero => Some(self.sign_bit()),
            Specials::None => None,
        }
    }

    /// The number with these bits; higher ones do not count.
    #[must_use]
    pub fn read(self, bits: u64) -> Exact {
        let magnitude = bits & ((1 << (self.exponent + self.mantissa)) - 1);
        let is_negative = bits & self.sign_bit() != 0;
        if magnitude > self.largest() {
            let infinity = self.largest() + 1;
            return match self.specials {
                Specials::Ieee if magnitude == infinity => Exact::Infinite { is_negative },
                _ => Exact::Nan,
            };
        }
        if self.specials == Specials::NanForNegativeZero && is_negative && magnitude == 0 {
            return Exact::Nan;
        }
        let fraction = magnitude & ((1 << self.mantissa) - 1);
        // OK: at most 11 bits.
        let exponent = i32::try_from(magnitude >> self.mantissa).unwrap_or(0);
        let mantissa = i32::try_from(self.mantissa).unwrap_or(0);
        let is_subnormal = exponent == 0 && self.specials != Specials::PowersOfTwo;
        Exact::Finite {
            is_negative,
            significand: if is_subnormal {
                fraction
            } else {
                fraction | 1 << self.mantissa
            },
            exponent: exponent.max(i32::from(is_subnormal)) - self.bias - mantissa,
        }
    }

    /// The bits of `number`, rounded. What is beyond the finite numbers becomes infinite, or the largest one, where
    /// `may_clamp`.
    ///
    /// # Errors
    /// What kept it from having a place.
    pub fn write(self, number: Exact, rounding: Rounding, may_clamp: bool) -> Result<u64, Unfit> {
        let sign = |is_negative| if is_negative { self.sign_bit() } else { 0 };
        let (is_negative, significand, exponent) = match number {
            Exact::Nan => return self.nan().ok_or(Unfit::NotFinite),
            Exact::Infinite { is_negative } if self.specials == Specials::Ieee => {
                return Ok(sign(is_negative) | (self.largest() + 1));
            }
            Exact::Infinite { .. } => return Err(Unfit::NotFinite),
            Exact::Finite {
                is_negative,
                significand,
                exponent,
            } => (is_negative, significand, exponent),
        };
        let is_powers = self.specials == Specials::PowersOfTwo;
        if is_powers && (is_negative || significand == 0) {
            return if may_clamp {
                Ok(0)
            } else {
                Err(Unfit::OutOfRange)
            };
        }
        let magnitude = if significand == 0 {
            0
        } else {
            self.round(is_negative, significand, exponent, rounding)
        };
        if magnitude > self.largest() {
            return match self.specials {
                _ if !may_clamp => Err(Unfit::OutOfRange),
                Specials::Ieee => Ok(sign(is_negative) | (self.largest() + 1)),
                _ => Ok(sign(is_negative) | self.largest()),
            };
        }
        if magnitude == 0 && self.specials == Specials::NanForNegativeZero {
            return Ok(0);
        }
        Ok(sign(is_negative) | magnitude)
    }

    /// The bits of a magnitude, which grow with it and may be beyond the largest.
    fn round(self, is_negative: bool, significand: u64, exponent: i32, rounding: Rounding) -> u64 {
        let mantissa = i32::try_from(self.mantissa).unwrap_or(0);
        let top = 63 - i32::try_from(significand.leading_zeros()).unwrap_or(0) + exponent;
        let is_powers = self.specials == Specials::PowersOfTwo;
        let lowest = i32::from(!is_powers) - self.bias;
        // The power of two of the last digit that is kept.
        let last = top.max(lowest) - mantissa;
        let kept = shift(significand, last - exponent, is_negative, rounding);
        // One digit more than there is room for: a power of two, so nothing is lost.
        let (kept, last) = match kept >> (self.mantissa + 1) {
            0 => (kept, last),
            _ => (kept >> 1, last + 1),
        };
        let field = i64::from(last + mantissa + self.bias);
        let is_normal = kept >> self.mantissa != 0;
        match (is_powers, is_normal) {
            (true, _) => u64::try_from(field).unwrap_or(0),
            (false, false) => kept,
            (false, true) => {
                let field = u64::try_from(field).unwrap_or(0).min(1 << self.exponent);
                (field << self.mantissa) + (kept - (1 << self.mantissa))
            }
        }
    }
}

/// `value / 2^by`, rounded.
fn shift(value: u64, by: i32, is_negative: bool, rounding: Rounding) -> u64 {
    let Ok(by) = u32::try_from(by) else {
        // OK: only as many digits are asked for as fit.
        return value << by.unsigned_abs().min(63);
    };
    let (kept, rest) = match by {
        0 => (value, Rest::Nothing),
        1..=63 => {
            let (cut, half) = (value & ((1 << by) - 1), 1u64 << (by - 1));
            (value >> by, rest(cut, half))
        }
        64 => (0, rest(value, 1 << 63)),
        _ => (0, rest(value, u64::MAX).min(Rest::LessThanHalf)),
    };
    kept + u64::from(rounding.goes_up(is_negative, kept % 2 == 1, rest))
}

fn rest(cut: u64, half: u64) -> Rest {
    match cut.cmp(&half) {
        _ if cut == 0 => Rest::Nothing,
        std::cmp::Ordering::Less => Rest::LessThanHalf,
        std::cmp::Ordering::Equal => Rest::Half,
        std::cmp::Ordering::Greater => Rest::MoreThanHalf,
    }
}

impl Exact {
    /// The number that was read as one of `element`.
    #[must_use]
    pub fn of(number: Number, element: NumberType) -> Self {
        match number {
            Number::Float(value) => Format::ieee(11, 52).read(value.to_bits()),
            Number::Integer(value) if element.dtype == DType::UInt64 => Self::Finite {
                is_negative: false,
                significand: value.cast_unsigned(),
                exponent: 0,
            },
            Number::Integer(value) => Self::Finite {
                is_negative: value < 0,
                significand: value.unsigned_abs(),
                exponent: 0,
            },
        }
    }

    /// The integer that it is after rounding; `None` beyond 2^100, NaN and infinities.
    ///
    /// # Errors
    /// What kept it from being one.
    pub fn to_integer(self, rounding: Rounding) -> Result<i128, Unfit> {
        let Self::Finite {
            is_negative,
            significand,
            exponent,
        } = self
        else {
            return Err(Unfit::NotFinite);
        };
        let magnitude = match u32::try_from(exponent) {
            Ok(0..=36) => i128::from(significand) << exponent,
            Ok(_) if significand == 0 => 0,
            Ok(_) => return Err(Unfit::OutOfRange),
            Err(_) => i128::from(shift(significand, -exponent, is_negative, rounding)),
        };
        Ok(if is_negative { -magnitude } else { magnitude })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;
    use proptest::prelude::*;

    const DOUBLE: Format = Format::ieee(11, 52);

    proptest! {
        #[test]
        fn nearest_even_is_what_the_machine_does(bits in any::<u64>(), small in any::<u32>(), wide in any::<i64>()) {
            let (value, half) = (f64::from_bits(bits), Format::ieee(5, 10));
            let single = Format::ieee(8, 23).write(DOUBLE.read(bits), Rounding::NearestEven, true);
            prop_assert!(same(single.unwrap(), u64::from((value as f32).to_bits()), value.is_nan()));
            let narrow = f64::from(f32::from_bits(small));
            let exact = DOUBLE.read(narrow.to_bits());
            let written = half.write(exact, Rounding::NearestEven, true).unwrap();
            prop_assert!(same(written, u64::from(f16::from_f64(narrow).to_bits()), narrow.is_nan()));
            let exact = Exact::of(Number::Integer(wide), NumberType::native(DType::Int64));
            let written = DOUBLE.write(exact, Rounding::NearestEven, false).unwrap();
            prop_assert_eq!(written, (wide as f64).to_bits());
            prop_assert_eq!(exact.to_integer(Rounding::NearestEven).unwrap(), i128::from(wide));
        }

        #[test]
        fn what_a_format_holds_is_read_and_written_alike(bits in any::<u64>()) {
            for format in [DOUBLE, Format::ieee(8, 23), Format::ieee(5, 10), Format::ieee(8, 7), Format::ieee(5, 2)] {
                let bits = bits & (u64::MAX >> (64 - format.bits()));
                let exact = format.read(bits);
                if exact != Exact::Nan {
                    prop_assert_eq!(format.write(exact, Rounding::TowardsZero, false), Ok(bits));
                }
            }
        }
    }

    fn same(one: u64, other: u64, is_nan: bool) -> bool {
        one == other || is_nan
    }

    #[test]
    fn directions_round_as_they_are_called() {
        let value =
            |value: f64| Exact::of(Number::Float(value), NumberType::native(DType::Float64));
        let all = [
            (Rounding::NearestEven, [2, 2, -2, -2, 3]),
            (Rounding::NearestAway, [2, 3, -2, -3, 3]),
            (Rounding::TowardsZero, [1, 2, -1, -2, 2]),
            (Rounding::TowardsPositive, [2, 3, -1, -2, 3]),
            (Rounding::TowardsNegative, [1, 2, -2, -3, 2]),
        ];
        for (rounding, expected) in all {
            let rounded =
                [1.5, 2.5, -1.5, -2.5, 2.75].map(|x| value(x).to_integer(rounding).unwrap());
            assert_eq!(rounded, expected, "{rounding:?}");
        }
        assert_eq!(value(1e-300).to_integer(Rounding::TowardsPositive), Ok(1));
        assert_eq!(
            value(1e300).to_integer(Rounding::NearestEven),
            Err(Unfit::OutOfRange)
        );
        assert_eq!(
            value(f64::NAN).to_integer(Rounding::NearestEven),
            Err(Unfit::NotFinite)
        );
    }
}
