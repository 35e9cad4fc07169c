//! Functions without a namespace.

use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, Receiver, method};
use crate::evaluate::{Value, of_number};
use crate::labels::unary;
use craton_core::{Error, Result};
use craton_kernels::unary::Unary;

const BUILTIN: &[Receiver] = &[Receiver::Builtin];

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "slice",
        BUILTIN,
        "*bounds",
        "From a start to a stop, perhaps by a step; with labels both ends are included.",
        &[
            "ds.t2m.sel(lat=slice(60, 0))",
            "ds.t2m.isel(time=slice(None, 10, 2))",
        ],
        slice,
    ),
    method(
        "abs",
        BUILTIN,
        "x",
        "The absolute value of each value.",
        &["abs(ds.t2m - 280)"],
        |call| {
            let x = call.need("x")?;
            match x {
                Value::Number(..) => of_number(Unary::Absolute, x),
                _ => x.map_arrays("abs", |array| unary(Unary::Absolute, array, true)),
            }
        },
    ),
];

fn slice(call: &Call<'_>) -> Result<Value> {
    match call.positional.as_slice() {
        [stop] => Ok(Value::slice(Value::None, stop.clone(), Value::None)),
        [start, stop] => Ok(Value::slice(start.clone(), stop.clone(), Value::None)),
        [start, stop, step] => Ok(Value::slice(start.clone(), stop.clone(), step.clone())),
        _ => Err(Error::usage(
            "`slice` takes a stop, or a start and a stop, and perhaps a step",
        )),
    }
}
