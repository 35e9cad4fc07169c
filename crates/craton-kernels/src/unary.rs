//! Functions of one operand, elementwise, with NumPy's names and rules.

use crate::complex;
use crate::element::{
    Complex64, Complex128, NOT_A_TIME, TimeCount, Truth, dispatch, elements, elements_mut,
};
use crate::promote::{float_of, real_of};
use crate::real::{self, Real};
use crate::wide::{Width, wide_if};
use bytemuck::Pod;
use craton_core::{DType, TimeKind};

/// Reads elements of the operand type and writes as many of the result type.
pub type UnaryKernel = fn(input: &[u8], output: &mut [u8]);

/// Declares an enum of operations with the names by which people call them.
macro_rules! named_operations {
    ($(#[$attribute:meta])* $type:ident { $($variant:ident => $name:literal,)* }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the names say it")]
        pub enum $type {
            $($variant,)*
        }

        impl $type {
            /// All of them.
            pub const ALL: &[$type] = &[$($type::$variant,)*];

            /// The name by which people call it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)*
                }
            }

            /// The one called `name`.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}
pub(crate) use named_operations;

named_operations! {
    /// A function of one operand. Names are NumPy's; `NotNan` is xarray's `notnull`.
    Unary {
        Negative => "negative",
        Positive => "positive",
        Absolute => "absolute",
        Sign => "sign",
        Sqrt => "sqrt",
        Cbrt => "cbrt",
        Square => "square",
        Reciprocal => "reciprocal",
        Exp => "exp",
        Exp2 => "exp2",
        Expm1 => "expm1",
        Log => "log",
        Log2 => "log2",
        Log10 => "log10",
        Log1p => "log1p",
        Sin => "sin",
        Cos => "cos",
        Tan => "tan",
        Arcsin => "arcsin",
        Arccos => "arccos",
        Arctan => "arctan",
        Sinh => "sinh",
        Cosh => "cosh",
        Tanh => "tanh",
        Arcsinh => "arcsinh",
        Arccosh => "arccosh",
        Arctanh => "arctanh",
        Degrees => "degrees",
        Radians => "radians",
        Floor => "floor",
        Ceil => "ceil",
        Trunc => "trunc",
        Rint => "rint",
        IsNan => "isnan",
        IsFinite => "isfinite",
        IsInf => "isinf",
        NotNan => "notnull",
        LogicalNot => "logical_not",
        Invert => "invert",
        Real => "real",
        Imag => "imag",
        Conjugate => "conjugate",
    }
}

impl Unary {
    /// The type to cast the input to and the type of the result, by NumPy's rules; `None` where NumPy raises.
    #[must_use]
    pub fn output(self, dtype: DType) -> Option<(DType, DType)> {
        use Unary as U;
        match dtype {
            DType::Time(time) => return self.output_of_time(dtype, time.kind),
            _ if dtype.is_numeric() => {}
            _ => {
                let test = self == U::NotNan && dtype.item_size().is_some();
                return test.then_some((dtype, DType::Bool));
            }
        }
        // Loops that start at int8 take bools as such.
        let number = if dtype == DType::Bool {
            DType::Int8
        } else {
            dtype
        };
        let float = float_of(dtype);
        Some(match self {
            U::Negative | U::Positive | U::Sign if dtype == DType::Bool => return None,
            U::Negative | U::Positive | U::Sign => (dtype, dtype),
            U::Absolute | U::Real | U::Imag => (dtype, real_of(dtype)),
            U::Square | U::Reciprocal | U::Conjugate => (number, number),
            U::Floor | U::Ceil | U::Trunc | U::Cbrt | U::Degrees | U::Radians
                if dtype.is_complex() =>
            {
                return None;
            }
            U::Floor | U::Ceil | U::Trunc => (dtype, dtype),
            U::IsNan | U::IsFinite | U::IsInf | U::NotNan => (dtype, DType::Bool),
            U::LogicalNot => (DType::Bool, DType::Bool),
            U::Invert if dtype != DType::Bool && !dtype.is_integer() => return None,
            U::Invert => (dtype, dtype),
            _ => (float, float),
        })
    }

    fn output_of_time(self, dtype: DType, kind: TimeKind) -> Option<(DType, DType)> {
        match self {
            Unary::IsNan | Unary::IsFinite | Unary::IsInf | Unary::NotNan => {
                Some((dtype, DType::Bool))
            }
            Unary::Real | Unary::Imag => Some((dtype, dtype)),
            _ if kind == TimeKind::Instant => None,
            Unary::Negative | Unary::Positive | Unary::Absolute => Some((dtype, dtype)),
            Unary::Sign => Some((dtype, DType::Float64)),
            _ => None,
        }
    }

    /// The kernel for an operand type that [`Unary::output`] named.
    #[must_use]
    pub fn kernel(self, operand: DType) -> Option<UnaryKernel> {
        let kernel = match operand {
            DType::Bool => truth(self),
            DType::Float16 => half(self).or_else(|| float::<half::f16>(self)),
            DType::Float32 => single(self).or_else(|| float::<f32>(self)),
            DType::Float64 => double(self).or_else(|| float::<f64>(self)),
            DType::Complex64 => complex64(self),
            DType::Complex128 => complex128(self),
            DType::Time(_) => time(self),
            _ if self == Unary::NotNan && operand.item_size().is_some() => {
                Some(all_true as UnaryKernel)
            }
            _ => integer(self, operand),
        };
        kernel.or_else(|| structural(self, operand))
    }
}

fn all_true(_: &[u8], output: &mut [u8]) {
    output.fill(1);
}

fn all_zero(_: &[u8], output: &mut [u8]) {
    output.fill(0);
}

fn copy(input: &[u8], output: &mut [u8]) {
    output.copy_from_slice(input);
}

/// What is the same for every type.
fn structural(function: Unary, operand: DType) -> Option<UnaryKernel> {
    let real = !operand.is_complex();
    match function {
        Unary::Positive => Some(copy),
        Unary::Real | Unary::Conjugate if real => Some(copy),
        Unary::Imag if real => Some(all_zero),
        Unary::IsFinite if real => Some(all_true as UnaryKernel),
        Unary::IsNan | Unary::IsInf if real => Some(all_zero),
        Unary::Floor | Unary::Ceil | Unary::Trunc if real && !operand.is_float() => Some(copy),
        _ => None,
    }
}

#[inline(always)]
fn map<A: Width, R: Pod>(input: &[u8], output: &mut [u8], function: impl Fn(A) -> R) {
    wide_if(
        A::IS_WIDE,
        #[inline(always)]
        || {
            let output = elements_mut::<R>(output);
            for (output, input) in output.iter_mut().zip(elements::<A>(input)) {
                *output = function(*input);
            }
        },
    );
}

macro_rules! each {
    ($from:ty => $to:ty, |$value:ident| $body:expr) => {
        Some(|input: &[u8], output: &mut [u8]| {
            map::<$from, $to>(
                input,
                output,
                #[inline(always)]
                |$value| $body,
            );
        })
    };
}

/// As `each`, around a call, which wide vectors cannot help.
macro_rules! each_call {
    ($type:ty, |$value:ident| $body:expr) => {
        Some(|input: &[u8], output: &mut [u8]| {
            let output = elements_mut::<$type>(output);
            for (output, input) in output.iter_mut().zip(elements::<$type>(input)) {
                let $value = *input;
                *output = $body;
            }
        })
    };
}

fn truth(function: Unary) -> Option<UnaryKernel> {
    match function {
        Unary::LogicalNot | Unary::Invert => each!(Truth => Truth, |x| Truth(u8::from(x.0 == 0))),
        Unary::Absolute => Some(copy),
        Unary::NotNan => Some(all_true as UnaryKernel),
        _ => None,
    }
}

fn integer(function: Unary, operand: DType) -> Option<UnaryKernel> {
    match function {
        Unary::Absolute if operand.is_unsigned_integer() => return Some(copy),
        Unary::Absolute => {
            return dispatch!(operand, T => each!(T => T, |x| x.wrapping_abs()), None; signed);
        }
        Unary::Sign if operand.is_signed_integer() => {
            return dispatch!(operand, T => each!(T => T, |x| x.signum()), None; signed);
        }
        _ => {}
    }
    dispatch!(operand, T => match function {
        Unary::Negative => each!(T => T, |x| x.wrapping_neg()),
        Unary::Square => each!(T => T, |x| x.wrapping_mul(x)),
        Unary::Sign => each!(T => T, |x| T::from(x != 0)),
        Unary::Reciprocal => each!(T => T, |x| {
            // NumPy makes an integer of infinity: the lowest of 32 or 64 bits, of which the narrow types keep zeros.
            let of_zero = if size_of::<T>() < 4 { 0 } else { T::MIN };
            (1 as T).checked_div(x).unwrap_or(of_zero)
        }),
        Unary::Invert => each!(T => T, |x| !x),
        _ => None,
    }, None; integers)
}

/// Functions from `libm`, in the precision of the operand (halves in single precision).
fn float<F: Real>(function: Unary) -> Option<UnaryKernel> {
    match function {
        Unary::Sqrt => each!(F => F, |x| x.apply(f64::sqrt, f32::sqrt)),
        Unary::Cbrt => each_call!(F, |x| x.apply(libm::cbrt, libm::cbrtf)),
        Unary::Exp => each_call!(F, |x| x.apply(libm::exp, libm::expf)),
        Unary::Exp2 => each_call!(F, |x| x.apply(libm::exp2, libm::exp2f)),
        Unary::Expm1 => each_call!(F, |x| x.apply(libm::expm1, libm::expm1f)),
        Unary::Log => each_call!(F, |x| x.apply(libm::log, libm::logf)),
        Unary::Log2 => each_call!(F, |x| x.apply(libm::log2, libm::log2f)),
        Unary::Log10 => each_call!(F, |x| x.apply(libm::log10, libm::log10f)),
        Unary::Log1p => each_call!(F, |x| x.apply(libm::log1p, libm::log1pf)),
        Unary::Sin => each_call!(F, |x| x.apply(libm::sin, libm::sinf)),
        Unary::Cos => each_call!(F, |x| x.apply(libm::cos, libm::cosf)),
        Unary::Tan => each_call!(F, |x| x.apply(libm::tan, libm::tanf)),
        Unary::Arcsin => each_call!(F, |x| x.apply(libm::asin, libm::asinf)),
        Unary::Arccos => each_call!(F, |x| x.apply(libm::acos, libm::acosf)),
        Unary::Arctan => each_call!(F, |x| x.apply(libm::atan, libm::atanf)),
        Unary::Sinh => each_call!(F, |x| x.apply(libm::sinh, libm::sinhf)),
        Unary::Cosh => each_call!(F, |x| x.apply(libm::cosh, libm::coshf)),
        Unary::Tanh => each_call!(F, |x| x.apply(libm::tanh, libm::tanhf)),
        Unary::Arcsinh => each_call!(F, |x| x.apply(libm::asinh, libm::asinhf)),
        Unary::Arccosh => each_call!(F, |x| x.apply(arccosh, arccosh_single)),
        Unary::Arctanh => each_call!(F, |x| x.apply(libm::atanh, libm::atanhf)),
        _ => None,
    }
}

/// `libm` gives -inf for some values below 1, where there is no result.
fn arccosh(value: f64) -> f64 {
    if value < 1.0 {
        return f64::NAN;
    }
    libm::acosh(value)
}

fn arccosh_single(value: f32) -> f32 {
    if value < 1.0 {
        return f32::NAN;
    }
    libm::acoshf(value)
}

macro_rules! precision {
    ($name:ident, $float:ty, $bits:ty, $module:ident, $widen:expr, $narrow:expr, $exponent:expr) => {
        fn $name(function: Unary) -> Option<UnaryKernel> {
            const MAGNITUDE: $bits = <$bits>::MAX >> 1;
            match function {
                Unary::Negative => each!($float => $float, |x| <$float>::from_bits(x.to_bits() ^ !MAGNITUDE)),
                Unary::Absolute => each!($float => $float, |x| <$float>::from_bits(x.to_bits() & MAGNITUDE)),
                Unary::Sign => each!($float => $float, |x| $narrow(real::$module::sign($widen(x)))),
                Unary::Square => each!($float => $float, |x| $narrow($widen(x) * $widen(x))),
                Unary::Reciprocal => each!($float => $float, |x| $narrow(1.0 / $widen(x))),
                Unary::Degrees => each!($float => $float, |x| $narrow($widen(x) * (180.0 / std::f64::consts::PI) as real::$module::Float)),
                Unary::Radians => each!($float => $float, |x| $narrow($widen(x) * (std::f64::consts::PI / 180.0) as real::$module::Float)),
                Unary::Floor => each!($float => $float, |x| $narrow($widen(x).floor())),
                Unary::Ceil => each!($float => $float, |x| $narrow($widen(x).ceil())),
                Unary::Trunc => each!($float => $float, |x| $narrow($widen(x).trunc())),
                Unary::Rint => each!($float => $float, |x| $narrow($widen(x).round_ties_even())),
                Unary::IsNan => each!($float => u8, |x| u8::from(x.to_bits() & MAGNITUDE > $exponent)),
                Unary::IsInf => each!($float => u8, |x| u8::from(x.to_bits() & MAGNITUDE == $exponent)),
                Unary::IsFinite => each!($float => u8, |x| u8::from(x.to_bits() & MAGNITUDE < $exponent)),
                Unary::NotNan => each!($float => u8, |x| u8::from(x.to_bits() & MAGNITUDE <= $exponent)),
                _ => None,
            }
        }
    };
}
precision!(
    half,
    half::f16,
    u16,
    single,
    crate::element::widen,
    crate::element::narrow,
    0x7c00
);
precision!(
    single,
    f32,
    u32,
    single,
    std::convert::identity,
    std::convert::identity,
    0x7f80_0000
);
precision!(
    double,
    f64,
    u64,
    double,
    std::convert::identity,
    std::convert::identity,
    0x7ff0_0000_0000_0000
);

fn time(function: Unary) -> Option<UnaryKernel> {
    match function {
        // NaT is its own negative.
        Unary::Negative => each!(TimeCount => TimeCount, |x| TimeCount(x.0.wrapping_neg())),
        Unary::Absolute => each!(TimeCount => TimeCount, |x| TimeCount(x.0.wrapping_abs())),
        Unary::Sign => each!(TimeCount => f64, |x| {
            if x.0 == NOT_A_TIME { f64::NAN } else { x.0.signum() as f64 }
        }),
        Unary::IsNan => each!(TimeCount => u8, |x| u8::from(x.0 == NOT_A_TIME)),
        Unary::IsFinite | Unary::NotNan => each!(TimeCount => u8, |x| u8::from(x.0 != NOT_A_TIME)),
        _ => None,
    }
}

macro_rules! complex_functions {
    ($name:ident, $complex:ty, $part:ty) => {
        fn $name(function: Unary) -> Option<UnaryKernel> {
            type C = $complex;
            macro_rules! through_double {
                ($type:ty, $inner:path) => {
                    each!($type => $type, |z| {
                        let result = $inner(Complex128::new(z.re as f64, z.im as f64));
                        <$type>::new(result.re as $part, result.im as $part)
                    })
                };
            }
            match function {
                Unary::Negative => each!(C => C, |z| C::new(-z.re, -z.im)),
                Unary::Conjugate => each!(C => C, |z| C::new(z.re, -z.im)),
                Unary::Square => each!(C => C, |z| z * z),
                Unary::Rint => each!(C => C, |z| C::new(z.re.round_ties_even(), z.im.round_ties_even())),
                Unary::Absolute => each!(C => $part, |z| libm::hypot(z.re as f64, z.im as f64) as $part),
                Unary::Real => each!(C => $part, |z| z.re),
                Unary::Imag => each!(C => $part, |z| z.im),
                Unary::IsNan => each!(C => u8, |z| u8::from(z.re.is_nan() || z.im.is_nan())),
                Unary::NotNan => each!(C => u8, |z| u8::from(!z.re.is_nan() && !z.im.is_nan())),
                Unary::IsInf => each!(C => u8, |z| u8::from(z.re.is_infinite() || z.im.is_infinite())),
                Unary::IsFinite => each!(C => u8, |z| u8::from(z.re.is_finite() && z.im.is_finite())),
                Unary::Sign => through_double!(C, complex::sign),
                Unary::Sqrt => through_double!(C, complex::sqrt),
                Unary::Reciprocal => through_double!(C, complex::reciprocal),
                Unary::Exp => through_double!(C, complex::exp),
                Unary::Exp2 => through_double!(C, complex::exp2),
                Unary::Expm1 => through_double!(C, complex::expm1),
                Unary::Log => through_double!(C, complex::log),
                Unary::Log2 => through_double!(C, complex::log2),
                Unary::Log10 => through_double!(C, complex::log10),
                Unary::Log1p => through_double!(C, complex::log1p),
                Unary::Sin => through_double!(C, complex::sin),
                Unary::Cos => through_double!(C, complex::cos),
                Unary::Tan => through_double!(C, complex::tan),
                Unary::Arcsin => through_double!(C, complex::arcsin),
                Unary::Arccos => through_double!(C, complex::arccos),
                Unary::Arctan => through_double!(C, complex::arctan),
                Unary::Sinh => through_double!(C, complex::sinh),
                Unary::Cosh => through_double!(C, complex::cosh),
                Unary::Tanh => through_double!(C, complex::tanh),
                Unary::Arcsinh => through_double!(C, complex::arcsinh),
                Unary::Arccosh => through_double!(C, complex::arccosh),
                Unary::Arctanh => through_double!(C, complex::arctanh),
                _ => None,
            }
        }
    };
}
complex_functions!(complex64, Complex64, f32);
complex_functions!(complex128, Complex128, f64);
