//! The functions of `np` and `xr`, and the few built-in ones, one file per namespace.

mod builtin;
mod combine;
mod create;
mod numpy;
mod xarray;

use super::Value;
use super::arguments::{Arguments, Call};
use super::registry::{self, Entry, Receiver};
use super::value::{Namespace, WeakKind};
use crate::labels::DataArray;
use crate::language::did_you_mean;
use crate::session::Session;
use craton_core::{DType, Error, Result, Scalar};

/// The families; a function is one entry in one of them.
pub(super) const FAMILIES: &[&[Entry]] = &[
    numpy::ENTRIES,
    xarray::ENTRIES,
    combine::ENTRIES,
    create::ENTRIES,
    builtin::ENTRIES,
];

/// The constants of `np`.
const CONSTANTS: [(&str, f64); 4] = [
    ("pi", std::f64::consts::PI),
    ("e", std::f64::consts::E),
    ("nan", f64::NAN),
    ("inf", f64::INFINITY),
];

/// `np.pi` and dtypes.
pub(super) fn constant(namespace: Namespace, name: &str) -> Result<Value> {
    let receiver = match namespace {
        Namespace::Xarray => return Err(registry::unknown(Receiver::Xarray, name)),
        Namespace::Numpy => Receiver::Numpy,
    };
    if let Some((_, value)) = CONSTANTS.iter().find(|(known, _)| *known == name) {
        let number = Scalar::from_f64(DType::Float64, *value);
        return Ok(Value::Number(number, WeakKind::Float));
    }
    if name == "newaxis" {
        return Ok(Value::None);
    }
    if DType::from_name(name).is_some() {
        return Ok(Value::Text(name.to_owned()));
    }
    let names = CONSTANTS.iter().map(|(known, _)| *known);
    Err(match did_you_mean(name, names) {
        Some(hint) => Error::usage(format!("`np` has no constant `{name}` here")).hint(hint),
        None => registry::unknown(receiver, name),
    })
}

/// The dtype that a text names.
pub(super) fn dtype(name: &str) -> Result<DType> {
    let short = match name {
        "f4" | "<f4" => "float32",
        "f8" | "<f8" => "float64",
        "i2" | "<i2" => "int16",
        "i4" | "<i4" => "int32",
        "i8" | "<i8" => "int64",
        "u1" => "uint8",
        "f2" => "float16",
        other => other,
    };
    DType::from_name(short).ok_or_else(|| {
        Error::usage(format!("no dtype `{name}`")).hint("such as `float32`, `int64`, `bool`")
    })
}

/// `np.name(arguments)` or `xr.name(arguments)`.
pub(super) fn call(
    namespace: Namespace,
    name: &str,
    arguments: Arguments,
    session: &Session,
) -> Result<Value> {
    let receiver = match namespace {
        Namespace::Numpy => Receiver::Numpy,
        Namespace::Xarray => Receiver::Xarray,
    };
    if let (Namespace::Numpy, Some(dtype)) = (namespace, DType::from_name(name)) {
        return number_of(dtype, &arguments);
    }
    run(
        receiver,
        &Value::Namespace(namespace),
        name,
        arguments,
        session,
    )
}

/// `np.float32(number)`: a number of that dtype, which it keeps beside others.
fn number_of(dtype: DType, arguments: &Arguments) -> Result<Value> {
    match (
        arguments.positional.as_slice(),
        arguments.keywords.is_empty(),
    ) {
        ([Value::Number(number, _)], true) if dtype.is_numeric() => {
            let number = crate::labels::convert(number, dtype);
            Ok(Value::Number(number, WeakKind::Strong))
        }
        _ => Err(
            Error::usage(format!("`np.{}` takes one number", dtype.name()))
                .hint("`.astype(…)` converts arrays"),
        ),
    }
}

/// `name(arguments)`.
pub(super) fn builtin(name: &str, arguments: Arguments, session: &Session) -> Result<Value> {
    run(Receiver::Builtin, &Value::None, name, arguments, session)
}

fn run(
    receiver: Receiver,
    object: &Value,
    name: &str,
    arguments: Arguments,
    session: &Session,
) -> Result<Value> {
    let entry = registry::find(receiver, name).ok_or_else(|| registry::unknown(receiver, name))?;
    Call::run(entry, name, object, arguments, session)
}

fn first_array<'a>(values: &[&'a Value]) -> Option<&'a DataArray> {
    values.iter().find_map(|value| {
        if let Value::Array(array) = value {
            Some(array)
        } else {
            None
        }
    })
}
