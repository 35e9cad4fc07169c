//! What one element of an array is.

use std::fmt;

/// The type of one element. Missing values are NaN or NaT; there is no validity bitmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// Signed 8-bit integer.
    Int8,
    /// Signed 16-bit integer.
    Int16,
    /// Signed 32-bit integer.
    Int32,
    /// Signed 64-bit integer.
    Int64,
    /// Unsigned 8-bit integer.
    UInt8,
    /// Unsigned 16-bit integer.
    UInt16,
    /// Unsigned 32-bit integer.
    UInt32,
    /// Unsigned 64-bit integer.
    UInt64,
    /// IEEE half precision.
    Float16,
    /// IEEE single precision.
    Float32,
    /// IEEE double precision.
    Float64,
    /// Two `Float32`.
    Complex64,
    /// Two `Float64`.
    Complex128,
    /// A signed 64-bit count of units; `i64::MIN` is NaT.
    Time(TimeType),
    /// Bytes of fixed length, padded with NUL at the end (NumPy `S`).
    FixedBytes(u32),
    /// UTF-32 characters of fixed count in native endian, padded with NUL (NumPy `U`).
    FixedUtf8(u32),
    /// UTF-8 of any length.
    Utf8,
    /// Bytes of any length.
    Bytes,
    /// Structured or raw bytes that are carried, not computed on.
    Opaque(u32),
}

/// What the 64-bit count of a [`DType::Time`] means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeType {
    /// The unit counted.
    pub unit: TimeUnit,
    /// How many of `unit` one count is (NumPy's `datetime64[10s]`); 1 nearly always.
    pub step: u32,
    /// The calendar; durations use [`Calendar::ProlepticGregorian`].
    pub calendar: Calendar,
    /// An instant since 1970-01-01, or a duration.
    pub kind: TimeKind,
}

/// Instant or duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeKind {
    /// A count since 1970-01-01T00:00:00 in the calendar (NumPy `datetime64`).
    Instant,
    /// A length of time (NumPy `timedelta64`).
    Duration,
}

/// A unit of time, as NumPy names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TimeUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Picosecond,
    Femtosecond,
    Attosecond,
    /// NumPy's unit-less `datetime64`.
    Generic,
}

impl TimeUnit {
    /// NumPy's code: `Y`, `M`, `W`, `D`, `h`, `m`, `s`, `ms`, `us`, `ns`, `ps`, `fs`, `as`, `generic`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Year => "Y",
            Self::Month => "M",
            Self::Week => "W",
            Self::Day => "D",
            Self::Hour => "h",
            Self::Minute => "m",
            Self::Second => "s",
            Self::Millisecond => "ms",
            Self::Microsecond => "us",
            Self::Nanosecond => "ns",
            Self::Picosecond => "ps",
            Self::Femtosecond => "fs",
            Self::Attosecond => "as",
            Self::Generic => "generic",
        }
    }

    /// The unit of a NumPy code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        const ALL: [TimeUnit; 14] = [
            TimeUnit::Year,
            TimeUnit::Month,
            TimeUnit::Week,
            TimeUnit::Day,
            TimeUnit::Hour,
            TimeUnit::Minute,
            TimeUnit::Second,
            TimeUnit::Millisecond,
            TimeUnit::Microsecond,
            TimeUnit::Nanosecond,
            TimeUnit::Picosecond,
            TimeUnit::Femtosecond,
            TimeUnit::Attosecond,
            TimeUnit::Generic,
        ];
        ALL.into_iter().find(|unit| unit.code() == code)
    }
}

/// A CF calendar. Aliases (`gregorian`, `365_day`, `366_day`) are resolved by [`Calendar::from_name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are CF's")]
pub enum Calendar {
    Standard,
    ProlepticGregorian,
    Julian,
    NoLeap,
    AllLeap,
    Day360,
}

impl Calendar {
    /// CF's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::ProlepticGregorian => "proleptic_gregorian",
            Self::Julian => "julian",
            Self::NoLeap => "noleap",
            Self::AllLeap => "all_leap",
            Self::Day360 => "360_day",
        }
    }

    /// The calendar that CF calls `name`, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "standard" | "gregorian" => Self::Standard,
            "proleptic_gregorian" => Self::ProlepticGregorian,
            "julian" => Self::Julian,
            "noleap" | "365_day" => Self::NoLeap,
            "all_leap" | "366_day" => Self::AllLeap,
            "360_day" => Self::Day360,
            _ => return None,
        })
    }
}

impl DType {
    /// Bytes of one element, or `None` where elements vary in length.
    #[must_use]
    pub fn item_size(self) -> Option<usize> {
        Some(match self {
            Self::Bool | Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 | Self::Float16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64 | Self::UInt64 | Self::Float64 | Self::Complex64 | Self::Time(_) => 8,
            Self::Complex128 => 16,
            Self::FixedBytes(length) | Self::Opaque(length) => length as usize,
            Self::FixedUtf8(count) => count as usize * 4,
            Self::Utf8 | Self::Bytes => return None,
        })
    }

    /// Bytes of the parts that a byte swap reverses: 4 for `Complex64` and `FixedUtf8`, 1 for bytes.
    #[must_use]
    pub fn swap_size(self) -> usize {
        match self {
            Self::Complex64 | Self::FixedUtf8(_) => 4,
            Self::Complex128 => 8,
            Self::FixedBytes(_) | Self::Opaque(_) | Self::Utf8 | Self::Bytes => 1,
            other => other.item_size().unwrap_or(1),
        }
    }

    /// Whether this is an integer, signed or not.
    #[must_use]
    pub fn is_integer(self) -> bool {
        self.is_signed_integer() || self.is_unsigned_integer()
    }
    /// Whether this is a signed integer.
    #[must_use]
    pub fn is_signed_integer(self) -> bool {
        matches!(self, Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64)
    }
    /// Whether this is an unsigned integer.
    #[must_use]
    pub fn is_unsigned_integer(self) -> bool {
        matches!(
            self,
            Self::UInt8 | Self::UInt16 | Self::UInt32 | Self::UInt64
        )
    }
    /// Whether this is a real floating-point type.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float16 | Self::Float32 | Self::Float64)
    }
    /// Whether this is complex.
    #[must_use]
    pub fn is_complex(self) -> bool {
        matches!(self, Self::Complex64 | Self::Complex128)
    }
    /// Whether arithmetic is defined: bool, integers, floats, complex.
    #[must_use]
    pub fn is_numeric(self) -> bool {
        self == Self::Bool || self.is_integer() || self.is_float() || self.is_complex()
    }
    /// Whether elements are text or bytes of varying length, held as offsets and bytes.
    #[must_use]
    pub fn is_variable(self) -> bool {
        self.item_size().is_none()
    }

    /// NumPy's name, such as `float32`, `datetime64[ns]`, `<U5`, `S3`; `str` and `bytes` for variable lengths.
    #[must_use]
    pub fn name(self) -> String {
        self.to_string()
    }

    /// The numeric type that NumPy calls `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "int8" => Self::Int8,
            "int16" => Self::Int16,
            "int32" => Self::Int32,
            "int64" | "int" => Self::Int64,
            "uint8" => Self::UInt8,
            "uint16" => Self::UInt16,
            "uint32" => Self::UInt32,
            "uint64" => Self::UInt64,
            "float16" => Self::Float16,
            "float32" => Self::Float32,
            "float64" | "float" => Self::Float64,
            "complex64" => Self::Complex64,
            "complex128" | "complex" => Self::Complex128,
            "str" => Self::Utf8,
            _ => return None,
        })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bool => "bool",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::UInt8 => "uint8",
            Self::UInt16 => "uint16",
            Self::UInt32 => "uint32",
            Self::UInt64 => "uint64",
            Self::Float16 => "float16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
            Self::Utf8 => "str",
            Self::Bytes => "bytes",
            Self::FixedBytes(length) => return write!(f, "S{length}"),
            Self::FixedUtf8(count) => return write!(f, "<U{count}"),
            Self::Opaque(length) => return write!(f, "V{length}"),
            Self::Time(time) => return time.fmt(f),
        };
        f.write_str(name)
    }
}

impl fmt::Display for TimeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            TimeKind::Instant => "datetime64",
            TimeKind::Duration => "timedelta64",
        };
        let step = if self.step == 1 {
            String::new()
        } else {
            self.step.to_string()
        };
        write!(f, "{name}[{step}{}]", self.unit.code())?;
        match self.calendar {
            Calendar::Standard | Calendar::ProlepticGregorian => Ok(()),
            other => write!(f, " {}", other.name()),
        }
    }
}
