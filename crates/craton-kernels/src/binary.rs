//! Functions of two operands, elementwise, with NumPy's names and rules.

use crate::complex;
use crate::element::{
    Complex64, Complex128, NOT_A_TIME, TimeCount, Truth, dispatch, elements, elements_mut, narrow,
    one, widen,
};
use crate::promote::{duration_of, float_of, promote};
use crate::real;
use crate::unary::named_operations;
use crate::wide::{Width, wide_if};
use bytemuck::Pod;
use craton_core::{DType, TimeKind};
use half::f16;

named_operations! {
    /// A function of two operands. Names are NumPy's.
    Binary {
        Add => "add",
        Subtract => "subtract",
        Multiply => "multiply",
        Divide => "divide",
        FloorDivide => "floor_divide",
        Remainder => "remainder",
        Power => "power",
        Maximum => "maximum",
        Minimum => "minimum",
        Fmax => "fmax",
        Fmin => "fmin",
        Arctan2 => "arctan2",
        Hypot => "hypot",
        Copysign => "copysign",
        Equal => "equal",
        NotEqual => "not_equal",
        Less => "less",
        LessEqual => "less_equal",
        Greater => "greater",
        GreaterEqual => "greater_equal",
        LogicalAnd => "logical_and",
        LogicalOr => "logical_or",
        LogicalXor => "logical_xor",
        BitwiseAnd => "bitwise_and",
        BitwiseOr => "bitwise_or",
        BitwiseXor => "bitwise_xor",
        LeftShift => "left_shift",
        RightShift => "right_shift",
    }
}

/// One function in the three forms that broadcasting needs.
#[derive(Debug, Clone, Copy)]
pub struct BinaryKernel {
    /// As many elements on the left as on the right.
    pub both: fn(&[u8], &[u8], &mut [u8]),
    /// One element on the right.
    pub scalar_right: fn(&[u8], &[u8], &mut [u8]),
    /// One element on the left.
    pub scalar_left: fn(&[u8], &[u8], &mut [u8]),
}

impl Binary {
    fn is_comparison(self) -> bool {
        use Binary as B;
        matches!(
            self,
            B::Equal | B::NotEqual | B::Less | B::LessEqual | B::Greater | B::GreaterEqual
        )
    }

    fn is_logical(self) -> bool {
        matches!(self, Self::LogicalAnd | Self::LogicalOr | Self::LogicalXor)
    }

    /// The type that both operands are cast to and the type of the result, by NumPy's rules; `None` where NumPy
    /// raises, for times of different unit or calendar, and for durations scaled by floats or divided by numbers.
    #[must_use]
    pub fn output(self, left: DType, right: DType) -> Option<(DType, DType)> {
        use Binary as B;
        let is_time = |dtype: DType| matches!(dtype, DType::Time(_));
        let computes = |dtype: DType| dtype.is_numeric() || is_time(dtype);
        if self.is_logical() && computes(left) && computes(right) {
            // Truth is what counts, so both sides become bools, exactly.
            return Some((DType::Bool, DType::Bool));
        }
        if is_time(left) || is_time(right) {
            return self.output_of_times(left, right);
        }
        let common = promote(left, right)?;
        if !common.is_numeric() {
            let fixed = common.item_size().is_some() && !matches!(common, DType::Opaque(_));
            return (self.is_comparison() && fixed).then_some((common, DType::Bool));
        }
        let whole = common == DType::Bool || common.is_integer();
        // Loops that start at int8 take bools as such.
        let number = if common == DType::Bool {
            DType::Int8
        } else {
            common
        };
        let float = promote(float_of(left), float_of(right))?;
        Some(match self {
            B::Subtract if common == DType::Bool => return None,
            B::Divide if whole || common == DType::Float64 => (DType::Float64, DType::Float64),
            B::FloorDivide | B::Remainder | B::Arctan2 | B::Hypot | B::Copysign
                if common.is_complex() =>
            {
                return None;
            }
            B::FloorDivide | B::Remainder | B::Power => (number, number),
            B::Arctan2 | B::Hypot | B::Copysign => (float, float),
            B::BitwiseAnd | B::BitwiseOr | B::BitwiseXor if whole => (common, common),
            B::LeftShift | B::RightShift if whole => (number, number),
            B::BitwiseAnd | B::BitwiseOr | B::BitwiseXor | B::LeftShift | B::RightShift => {
                return None;
            }
            _ if self.is_comparison() => (common, DType::Bool),
            _ => (common, common),
        })
    }

    fn output_of_times(self, left: DType, right: DType) -> Option<(DType, DType)> {
        use Binary as B;
        use TimeKind::{Duration, Instant};
        let (DType::Time(first), DType::Time(second)) = (left, right) else {
            return self.output_of_time_and_number(left, right);
        };
        if duration_of(first) != duration_of(second) {
            return None;
        }
        let duration = DType::Time(duration_of(first));
        match (self, first.kind, second.kind) {
            (B::Add, Instant, Instant) | (B::Subtract, Duration, Instant) => None,
            (B::Add | B::Subtract, Instant, Duration) => Some((duration, left)),
            (B::Add, Duration, Instant) => Some((duration, right)),
            (B::Subtract, Instant, Instant) if left != right => None,
            (B::Add | B::Subtract, _, _) => Some((duration, duration)),
            _ if left != right => None,
            (B::Maximum | B::Minimum | B::Fmax | B::Fmin, _, _) => Some((left, left)),
            (B::Divide, Duration, _) => Some((left, DType::Float64)),
            (B::FloorDivide, Duration, _) => Some((left, DType::Int64)),
            (B::Remainder, Duration, _) => Some((left, left)),
            _ => self.is_comparison().then_some((left, DType::Bool)),
        }
    }

    /// NumPy counts whole numbers in the time's unit; a number casts to a duration as its 64-bit value.
    fn output_of_time_and_number(self, left: DType, right: DType) -> Option<(DType, DType)> {
        use Binary as B;
        let (DType::Time(time), number) = (match left {
            DType::Time(_) => (left, right),
            _ => (right, left),
        }) else {
            return None;
        };
        if number != DType::Bool && !number.is_integer() {
            return None;
        }
        let (result, duration) = (DType::Time(time), DType::Time(duration_of(time)));
        let is_duration = time.kind == TimeKind::Duration;
        match self {
            B::Add => Some((duration, result)),
            B::Subtract if is_duration || left == result => Some((duration, result)),
            B::Multiply if is_duration => Some((duration, result)),
            _ if !is_duration || number == DType::UInt64 => None,
            B::Maximum | B::Minimum | B::Fmax | B::Fmin => Some((duration, result)),
            _ => self.is_comparison().then_some((duration, DType::Bool)),
        }
    }

    /// The kernel for an operand type that [`Binary::output`] named.
    #[must_use]
    pub fn kernel(self, operand: DType) -> Option<BinaryKernel> {
        match operand {
            DType::Bool => truth(self),
            DType::Float16 => half(self),
            DType::Float32 => single(self),
            DType::Float64 => double(self),
            DType::Complex64 => complex64(self),
            DType::Complex128 => complex128(self),
            DType::Time(_) => time(self),
            _ => integer(self, operand),
        }
    }
}

#[inline(always)]
fn map_both<A: Width, R: Pod>(
    is_wide: bool,
    left: &[u8],
    right: &[u8],
    output: &mut [u8],
    function: impl Fn(A, A) -> R,
) {
    wide_if(
        A::IS_WIDE && is_wide,
        #[inline(always)]
        || {
            let inputs = elements::<A>(left).iter().zip(elements::<A>(right));
            for (output, (left, right)) in elements_mut::<R>(output).iter_mut().zip(inputs) {
                *output = function(*left, *right);
            }
        },
    );
}

#[inline(always)]
fn map_one<A: Width, R: Pod>(
    is_wide: bool,
    input: &[u8],
    output: &mut [u8],
    function: impl Fn(A) -> R,
) {
    wide_if(
        A::IS_WIDE && is_wide,
        #[inline(always)]
        || {
            let input = elements::<A>(input);
            for (output, input) in elements_mut::<R>(output).iter_mut().zip(input) {
                *output = function(*input);
            }
        },
    );
}

macro_rules! each {
    ($from:ty => $to:ty, |$left:ident, $right:ident| $body:expr) => {
        each!(true; $from => $to, |$left, $right| $body)
    };
    ($is_wide:literal; $from:ty => $to:ty, |$left:ident, $right:ident| $body:expr) => {
        Some(BinaryKernel {
            both: |left, right, output| {
                map_both::<$from, $to>(
                    $is_wide,
                    left,
                    right,
                    output,
                    #[inline(always)]
                    |$left: $from, $right: $from| $body,
                );
            },
            scalar_right: |left, right, output| {
                let $right: $from = one(right);
                map_one::<$from, $to>(
                    $is_wide,
                    left,
                    output,
                    #[inline(always)]
                    |$left: $from| $body,
                );
            },
            scalar_left: |left, right, output| {
                let $left: $from = one(left);
                map_one::<$from, $to>(
                    $is_wide,
                    right,
                    output,
                    #[inline(always)]
                    |$right: $from| $body,
                );
            },
        })
    };
}

/// As `each`, around a call or a division, which wide vectors cannot help.
macro_rules! each_call {
    ($type:ty, |$left:ident, $right:ident| $body:expr) => {
        each!(false; $type => $type, |$left, $right| $body)
    };
}

/// Comparisons that the language itself defines for `$type`, or `$otherwise`.
macro_rules! compare {
    ($function:expr, $type:ty, |$value:ident| $key:expr, $otherwise:expr) => {{
        #[inline(always)]
        fn key($value: $type) -> impl PartialOrd {
            $key
        }
        match $function {
            Binary::Equal => each!($type => u8, |a, b| u8::from(key(a) == key(b))),
            Binary::NotEqual => each!($type => u8, |a, b| u8::from(key(a) != key(b))),
            Binary::Less => each!($type => u8, |a, b| u8::from(key(a) < key(b))),
            Binary::LessEqual => each!($type => u8, |a, b| u8::from(key(a) <= key(b))),
            Binary::Greater => each!($type => u8, |a, b| u8::from(key(a) > key(b))),
            Binary::GreaterEqual => each!($type => u8, |a, b| u8::from(key(a) >= key(b))),
            _ => $otherwise,
        }
    }};
}

fn truth(function: Binary) -> Option<BinaryKernel> {
    use Binary as B;
    match function {
        B::Add | B::LogicalOr | B::BitwiseOr | B::Maximum | B::Fmax => {
            each!(Truth => u8, |a, b| u8::from(a.0 | b.0 != 0))
        }
        B::Multiply | B::LogicalAnd | B::BitwiseAnd | B::Minimum | B::Fmin => {
            each!(Truth => u8, |a, b| u8::from((a.0 != 0) & (b.0 != 0)))
        }
        B::LogicalXor | B::BitwiseXor => {
            each!(Truth => u8, |a, b| u8::from((a.0 != 0) ^ (b.0 != 0)))
        }
        _ => compare!(function, Truth, |x| x.0 != 0, None),
    }
}

/// Integer arithmetic that differs from the language's: division is floored and by zero gives 0, a power with a
/// negative exponent is 0 unless the base is 1 or -1, and shifts by the width or more shift everything out.
trait Whole: Pod {
    fn floor_divide(self, right: Self) -> Self;
    fn remainder(self, right: Self) -> Self;
    fn power(self, exponent: Self) -> Self;
    fn shift_left(self, count: Self) -> Self;
    fn shift_right(self, count: Self) -> Self;
}

macro_rules! whole {
    ($($type:ident),*; $is_signed:literal) => {$(
        impl Whole for $type {
            #[inline(always)]
            #[allow(unused_comparisons, reason = "one text for signed and unsigned")]
            fn floor_divide(self, right: Self) -> Self {
                if right == 0 {
                    return 0;
                }
                let quotient = self.wrapping_div(right);
                let rest = self.wrapping_rem(right);
                if rest != 0 && (rest < 0) != (right < 0) { quotient - 1 } else { quotient }
            }
            #[inline(always)]
            #[allow(unused_comparisons, reason = "one text for signed and unsigned")]
            fn remainder(self, right: Self) -> Self {
                if right == 0 {
                    return 0;
                }
                let rest = self.wrapping_rem(right);
                if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }
            }
            #[inline(always)]
            #[allow(unused_comparisons, reason = "one text for signed and unsigned")]
            fn power(self, exponent: Self) -> Self {
                if exponent < 0 {
                    let is_odd = exponent & 1 == 1;
                    let is_minus_one = $is_signed && self == (0 as $type).wrapping_sub(1);
                    return match self {
                        1 => 1,
                        _ if is_minus_one => if is_odd { self } else { 1 },
                        _ => 0,
                    };
                }
                let (mut result, mut square, mut left): ($type, $type, $type) = (1, self, exponent);
                while left > 0 {
                    if left & 1 == 1 {
                        result = result.wrapping_mul(square);
                    }
                    square = square.wrapping_mul(square);
                    left >>= 1;
                }
                result
            }
            #[inline(always)]
            fn shift_left(self, count: Self) -> Self {
                // A negative count is beyond any width, as in NumPy.
                let fits = (count as u64) < u64::from($type::BITS);
                if fits { self.wrapping_shl(count as u32) } else { 0 }
            }
            #[inline(always)]
            fn shift_right(self, count: Self) -> Self {
                // In two steps, because one shift cannot move all bits out.
                let fits = (count as u64) < u64::from($type::BITS);
                if fits { self.wrapping_shr(count as u32) } else { self.wrapping_shr($type::BITS - 1) >> 1 }
            }
        }
    )*};
}
whole!(i8, i16, i32, i64; true);
whole!(u8, u16, u32, u64; false);

fn integer(function: Binary, operand: DType) -> Option<BinaryKernel> {
    use Binary as B;
    dispatch!(operand, T => match function {
        B::Add => each!(T => T, |a, b| a.wrapping_add(b)),
        B::Subtract => each!(T => T, |a, b| a.wrapping_sub(b)),
        B::Multiply => each!(T => T, |a, b| a.wrapping_mul(b)),
        B::FloorDivide => each_call!(T, |a, b| Whole::floor_divide(a, b)),
        B::Remainder => each_call!(T, |a, b| Whole::remainder(a, b)),
        B::Power => each_call!(T, |a, b| Whole::power(a, b)),
        B::Maximum | B::Fmax => each!(T => T, |a, b| if a > b { a } else { b }),
        B::Minimum | B::Fmin => each!(T => T, |a, b| if a < b { a } else { b }),
        B::BitwiseAnd => each!(T => T, |a, b| a & b),
        B::BitwiseOr => each!(T => T, |a, b| a | b),
        B::BitwiseXor => each!(T => T, |a, b| a ^ b),
        B::LeftShift => each!(T => T, |a, b| Whole::shift_left(a, b)),
        B::RightShift => each!(T => T, |a, b| Whole::shift_right(a, b)),
        _ => compare!(function, T, |x| x, None),
    }, None; integers)
}

macro_rules! precision {
    ($name:ident, $float:ty, $module:ident, $widen:path, $narrow:path) => {
        fn $name(function: Binary) -> Option<BinaryKernel> {
            use Binary as B;
            use real::$module as of;
            type F = $float;
            match function {
                B::Add => each!(F => F, |a, b| $narrow($widen(a) + $widen(b))),
                B::Subtract => each!(F => F, |a, b| $narrow($widen(a) - $widen(b))),
                B::Multiply => each!(F => F, |a, b| $narrow($widen(a) * $widen(b))),
                B::Divide => each!(F => F, |a, b| $narrow($widen(a) / $widen(b))),
                B::FloorDivide => each_call!(F, |a, b| $narrow(of::floor_divide($widen(a), $widen(b)))),
                B::Remainder => each_call!(F, |a, b| $narrow(of::remainder($widen(a), $widen(b)))),
                B::Power => each_call!(F, |a, b| $narrow(of::power($widen(a), $widen(b)))),
                B::Maximum => each!(F => F, |a, b| $narrow(of::maximum($widen(a), $widen(b)))),
                B::Minimum => each!(F => F, |a, b| $narrow(of::minimum($widen(a), $widen(b)))),
                B::Fmax => each!(F => F, |a, b| $narrow(of::fmax($widen(a), $widen(b)))),
                B::Fmin => each!(F => F, |a, b| $narrow(of::fmin($widen(a), $widen(b)))),
                B::Arctan2 => each_call!(F, |a, b| $narrow(of::arctan2($widen(a), $widen(b)))),
                B::Hypot => each_call!(F, |a, b| $narrow(of::hypot($widen(a), $widen(b)))),
                B::Copysign => each!(F => F, |a, b| $narrow(of::copysign($widen(a), $widen(b)))),
                _ => compare!(function, F, |x| $widen(x), None),
            }
        }
    };
}
precision!(half, f16, single, widen, narrow);
precision!(
    single,
    f32,
    single,
    std::convert::identity,
    std::convert::identity
);
precision!(
    double,
    f64,
    double,
    std::convert::identity,
    std::convert::identity
);

macro_rules! complex_functions {
    ($name:ident, $complex:ty, $part:ty) => {
        fn $name(function: Binary) -> Option<BinaryKernel> {
            use Binary as B;
            type C = $complex;
            #[inline(always)]
            fn double(z: C) -> Complex128 {
                Complex128::new(z.re as f64, z.im as f64)
            }
            #[inline(always)]
            fn part(z: Complex128) -> C {
                C::new(z.re as $part, z.im as $part)
            }
            #[inline(always)]
            fn misses(z: C) -> bool {
                z.re.is_nan() || z.im.is_nan()
            }
            // Real parts decide, imaginary parts break ties.
            #[inline(always)]
            fn at_least(a: C, b: C) -> bool {
                (a.re, a.im) >= (b.re, b.im)
            }
            match function {
                B::Add => each!(C => C, |a, b| a + b),
                B::Subtract => each!(C => C, |a, b| a - b),
                B::Multiply => each!(C => C, |a, b| a * b),
                B::Divide => each!(C => C, |a, b| part(complex::divide(double(a), double(b)))),
                B::Power => each!(C => C, |a, b| part(complex::power(double(a), double(b)))),
                B::Maximum => each!(C => C, |a, b| if misses(a) || at_least(a, b) { a } else { b }),
                B::Minimum => each!(C => C, |a, b| if misses(a) || at_least(b, a) { a } else { b }),
                B::Fmax => each!(C => C, |a, b| if misses(b) || at_least(a, b) { a } else { b }),
                B::Fmin => each!(C => C, |a, b| if misses(b) || at_least(b, a) { a } else { b }),
                _ => compare!(function, C, |z| (z.re, z.im), None),
            }
        }
    };
}
complex_functions!(complex64, Complex64, f32);
complex_functions!(complex128, Complex128, f64);

/// NaT wherever an operand is, else `$result`.
macro_rules! unless_missing {
    ($a:ident, $b:ident, $result:expr) => {
        if $a.0 == NOT_A_TIME || $b.0 == NOT_A_TIME {
            NOT_A_TIME
        } else {
            $result
        }
    };
}

/// A count that NaT equals, precedes and follows nothing of.
struct OrderedTime(i64);

impl PartialEq for OrderedTime {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 && self.0 != NOT_A_TIME
    }
}

impl PartialOrd for OrderedTime {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        let comparable = self.0 != NOT_A_TIME && other.0 != NOT_A_TIME;
        comparable.then(|| self.0.cmp(&other.0))
    }
}

fn time(function: Binary) -> Option<BinaryKernel> {
    use Binary as B;
    type T = TimeCount;
    match function {
        B::Add => each!(T => i64, |a, b| unless_missing!(a, b, a.0.wrapping_add(b.0))),
        B::Subtract => each!(T => i64, |a, b| unless_missing!(a, b, a.0.wrapping_sub(b.0))),
        B::Multiply => each!(T => i64, |a, b| unless_missing!(a, b, a.0.wrapping_mul(b.0))),
        B::Remainder => each!(T => i64, |a, b| {
            if b.0 == 0 { NOT_A_TIME } else { unless_missing!(a, b, a.0.remainder(b.0)) }
        }),
        B::FloorDivide => each!(T => i64, |a, b| {
            if a.0 == NOT_A_TIME || b.0 == NOT_A_TIME { 0 } else { a.0.floor_divide(b.0) }
        }),
        B::Divide => each!(T => f64, |a, b| {
            if a.0 == NOT_A_TIME || b.0 == NOT_A_TIME { f64::NAN } else { a.0 as f64 / b.0 as f64 }
        }),
        B::Maximum => each!(T => i64, |a, b| unless_missing!(a, b, a.0.max(b.0))),
        B::Minimum => each!(T => i64, |a, b| unless_missing!(a, b, a.0.min(b.0))),
        // NaT is the lowest count, so the greatest ignores it by itself.
        B::Fmax => each!(T => i64, |a, b| a.0.max(b.0)),
        B::Fmin => each!(T => i64, |a, b| {
            if a.0 == NOT_A_TIME || (b.0 != NOT_A_TIME && b.0 < a.0) { b.0 } else { a.0 }
        }),
        _ => compare!(function, T, |x| OrderedTime(x.0), None),
    }
}
