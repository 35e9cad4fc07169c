//! Which type two operands meet in, by NumPy 2's rules (NEP 50).

use craton_core::{Calendar, DType, TimeKind, TimeType};

/// A Python scalar, which is weak: it takes the array's precision where its kind fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum WeakScalar {
    Bool,
    Int,
    Float,
    Complex,
}

/// The type that arrays of types `left` and `right` are both cast to, as `numpy.result_type`.
///
/// `None` where NumPy raises, for times of different unit, step or calendar, and for numbers with text.
#[must_use]
pub fn promote(left: DType, right: DType) -> Option<DType> {
    if left == right {
        return Some(left);
    }
    if left.is_numeric() && right.is_numeric() {
        return Some(promote_numbers(left, right));
    }
    match (left, right) {
        (DType::FixedBytes(left), DType::FixedBytes(right)) => {
            Some(DType::FixedBytes(left.max(right)))
        }
        (
            DType::FixedUtf8(left) | DType::FixedBytes(left),
            DType::FixedUtf8(right) | DType::FixedBytes(right),
        ) => Some(DType::FixedUtf8(left.max(right))),
        (DType::Utf8, DType::FixedUtf8(_)) | (DType::FixedUtf8(_), DType::Utf8) => {
            Some(DType::Utf8)
        }
        (DType::Bytes, DType::FixedBytes(_)) | (DType::FixedBytes(_), DType::Bytes) => {
            Some(DType::Bytes)
        }
        (DType::Time(left), DType::Time(right)) => {
            let instant = if left.kind == TimeKind::Instant {
                left
            } else {
                right
            };
            let same = duration_of(left) == duration_of(right) && left.kind != right.kind;
            same.then_some(DType::Time(instant))
        }
        (DType::Time(time), other) | (other, DType::Time(time))
            if time.kind == TimeKind::Duration && counts_units(other) =>
        {
            Some(DType::Time(time))
        }
        _ => None,
    }
}

/// The type that an array of type `array` and a Python scalar meet in.
#[must_use]
pub fn promote_weak(array: DType, scalar: WeakScalar) -> Option<DType> {
    if let DType::Time(time) = array {
        let counts = matches!(scalar, WeakScalar::Bool | WeakScalar::Int);
        return (time.kind == TimeKind::Duration && counts).then_some(array);
    }
    if !array.is_numeric() {
        return None;
    }
    let whole = array == DType::Bool || array.is_integer();
    Some(match scalar {
        WeakScalar::Bool => array,
        WeakScalar::Int if array == DType::Bool => DType::Int64,
        WeakScalar::Int => array,
        WeakScalar::Float if whole => DType::Float64,
        WeakScalar::Float => array,
        WeakScalar::Complex if whole => DType::Complex128,
        WeakScalar::Complex => complex_of(array),
    })
}

/// The type of a difference of instants of type `time`.
pub(crate) fn duration_of(time: TimeType) -> TimeType {
    TimeType {
        kind: TimeKind::Duration,
        calendar: Calendar::ProlepticGregorian,
        ..time
    }
}

/// Whether NumPy takes this for a count of a duration's units: its values fit 64 signed bits.
fn counts_units(dtype: DType) -> bool {
    dtype == DType::Bool || dtype.is_integer() && dtype != DType::UInt64
}

/// The real type that NumPy's floating-point functions compute a bool or integer in; other types stay.
pub(crate) fn float_of(dtype: DType) -> DType {
    match dtype {
        DType::Bool | DType::Int8 | DType::UInt8 => DType::Float16,
        DType::Int16 | DType::UInt16 => DType::Float32,
        DType::Int32 | DType::UInt32 | DType::Int64 | DType::UInt64 => DType::Float64,
        other => other,
    }
}

/// The type of the parts of a complex type; other types stay.
pub(crate) fn real_of(dtype: DType) -> DType {
    match dtype {
        DType::Complex64 => DType::Float32,
        DType::Complex128 => DType::Float64,
        other => other,
    }
}

fn complex_of(dtype: DType) -> DType {
    match dtype {
        DType::Float16 | DType::Float32 | DType::Complex64 => DType::Complex64,
        _ => DType::Complex128,
    }
}

fn promote_numbers(left: DType, right: DType) -> DType {
    if left == DType::Bool {
        return right;
    }
    if right == DType::Bool {
        return left;
    }
    if left.is_complex() || right.is_complex() {
        let real = promote(float_of(real_of(left)), float_of(real_of(right)));
        return complex_of(real.unwrap_or(DType::Float64));
    }
    if left.is_integer() && right.is_integer() {
        return promote_integers(left, right);
    }
    wider(float_of(left), float_of(right))
}

fn promote_integers(left: DType, right: DType) -> DType {
    let (signed, unsigned) = match (left.is_signed_integer(), right.is_signed_integer()) {
        (true, false) => (left, right),
        (false, true) => (right, left),
        _ => return wider(left, right),
    };
    // The smallest signed type that holds all of `unsigned`; for 64 bits NumPy leaves the integers.
    let holds = match unsigned {
        DType::UInt8 => DType::Int16,
        DType::UInt16 => DType::Int32,
        DType::UInt32 => DType::Int64,
        _ => return DType::Float64,
    };
    wider(signed, holds)
}

fn wider(left: DType, right: DType) -> DType {
    if left.item_size() >= right.item_size() {
        left
    } else {
        right
    }
}
