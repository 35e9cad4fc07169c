//! The functions of `np`.

use super::first_array;
use crate::evaluate::arguments::Call;
use crate::evaluate::methods::{clip, decimals, rounded};
use crate::evaluate::registry::{Entry, Receiver, method};
use crate::evaluate::value::WeakKind;
use crate::evaluate::{Value, combine};
use crate::labels::{DataArray, unary};
use craton_core::{Error, Result};
use craton_kernels::binary::Binary;
use craton_kernels::unary::Unary;

const NUMPY: &[Receiver] = &[Receiver::Numpy];

pub(super) const ENTRIES: &[Entry] = &[
    one(
        "negative",
        "The negative of each value.",
        &["np.negative(ds.t2m)"],
    ),
    one("positive", "Each value as it is.", &["np.positive(ds.t2m)"]),
    one(
        "absolute",
        "The absolute value of each value.",
        &["np.absolute(ds.t2m - 280)"],
    )
    .also(&["abs"]),
    one(
        "sign",
        "-1, 0 or 1 for values below, at and above 0.",
        &["np.sign(ds.t2m - 280)"],
    ),
    one("sqrt", "The square root.", &["np.sqrt(ds.t2m)"]),
    one("cbrt", "The cube root.", &["np.cbrt(ds.t2m)"]),
    one("square", "The square.", &["np.square(ds.t2m)"]),
    one(
        "reciprocal",
        "One divided by each value.",
        &["np.reciprocal(ds.t2m)"],
    ),
    one("exp", "The exponential.", &["np.exp(ds.tp)"]),
    one(
        "exp2",
        "Two to the power of each value.",
        &["np.exp2(ds.tp)"],
    ),
    one(
        "expm1",
        "The exponential less 1, exact near 0.",
        &["np.expm1(ds.tp)"],
    ),
    one("log", "The natural logarithm.", &["np.log(ds.t2m)"]),
    one("log2", "The logarithm to base 2.", &["np.log2(ds.t2m)"]),
    one("log10", "The logarithm to base 10.", &["np.log10(ds.t2m)"]),
    one(
        "log1p",
        "The natural logarithm of 1 and each value, exact near 0.",
        &["np.log1p(ds.tp)"],
    ),
    one(
        "sin",
        "The sine of radians.",
        &["np.sin(np.deg2rad(ds.lat))"],
    ),
    one(
        "cos",
        "The cosine of radians.",
        &["np.cos(np.deg2rad(ds.lat))"],
    ),
    one(
        "tan",
        "The tangent of radians.",
        &["np.tan(np.deg2rad(ds.lat))"],
    ),
    one(
        "arcsin",
        "The inverse sine, in radians.",
        &["np.arcsin(ds.lat / 90)"],
    )
    .also(&["asin"]),
    one(
        "arccos",
        "The inverse cosine, in radians.",
        &["np.arccos(ds.lat / 90)"],
    )
    .also(&["acos"]),
    one(
        "arctan",
        "The inverse tangent, in radians.",
        &["np.arctan(ds.lat)"],
    )
    .also(&["atan"]),
    one("sinh", "The hyperbolic sine.", &["np.sinh(ds.tp)"]),
    one("cosh", "The hyperbolic cosine.", &["np.cosh(ds.tp)"]),
    one("tanh", "The hyperbolic tangent.", &["np.tanh(ds.tp)"]),
    one(
        "arcsinh",
        "The inverse hyperbolic sine.",
        &["np.arcsinh(ds.tp)"],
    )
    .also(&["asinh"]),
    one(
        "arccosh",
        "The inverse hyperbolic cosine.",
        &["np.arccosh(ds.t2m)"],
    )
    .also(&["acosh"]),
    one(
        "arctanh",
        "The inverse hyperbolic tangent.",
        &["np.arctanh(ds.lat / 100)"],
    )
    .also(&["atanh"]),
    one(
        "degrees",
        "Radians as degrees.",
        &["np.degrees(np.pi * ds.tp)"],
    )
    .also(&["rad2deg"]),
    one("radians", "Degrees as radians.", &["np.radians(ds.lat)"]).also(&["deg2rad"]),
    one("floor", "The whole number below.", &["np.floor(ds.t2m)"]),
    one("ceil", "The whole number above.", &["np.ceil(ds.t2m)"]),
    one(
        "trunc",
        "The whole number towards 0.",
        &["np.trunc(ds.t2m)"],
    )
    .also(&["fix"]),
    one(
        "rint",
        "The nearest whole number; halves become even.",
        &["np.rint(ds.t2m)"],
    ),
    one("isnan", "Whether each value is NaN.", &["np.isnan(ds.t2m)"]),
    one(
        "isfinite",
        "Whether each value is neither infinite nor NaN.",
        &["np.isfinite(ds.t2m)"],
    ),
    one(
        "isinf",
        "Whether each value is infinite.",
        &["np.isinf(ds.t2m)"],
    ),
    one(
        "logical_not",
        "Whether each value is false.",
        &["np.logical_not(ds.t2m > 280)"],
    ),
    one(
        "invert",
        "Every bit turned round; of conditions, whether they do not hold.",
        &["np.invert(ds.t2m > 280)"],
    )
    .also(&["bitwise_not", "bitwise_invert"]),
    one("real", "The real part.", &["np.real(ds.t2m)"]),
    one("imag", "The imaginary part.", &["np.imag(ds.t2m)"]),
    one(
        "conjugate",
        "The complex conjugate.",
        &["np.conjugate(ds.t2m)"],
    )
    .also(&["conj"]),
    two("add", "The sum.", &["np.add(ds.t2m, 1)"]),
    two(
        "subtract",
        "The difference.",
        &["np.subtract(ds.t2m, 273.15)"],
    ),
    two("multiply", "The product.", &["np.multiply(ds.t2m, 2)"]),
    two("divide", "The quotient.", &["np.divide(ds.t2m, 2)"]).also(&["true_divide"]),
    two(
        "floor_divide",
        "The quotient rounded down.",
        &["np.floor_divide(ds.t2m, 10)"],
    ),
    two(
        "remainder",
        "What division leaves, with the divisor's sign.",
        &["np.remainder(ds.t2m, 10)"],
    )
    .also(&["mod"]),
    two(
        "power",
        "The first to the power of the second.",
        &["np.power(ds.t2m, 2)"],
    )
    .also(&["pow"]),
    two(
        "maximum",
        "The greater of both; missing where one is.",
        &["np.maximum(ds.t2m, 280)"],
    ),
    two(
        "minimum",
        "The lesser of both; missing where one is.",
        &["np.minimum(ds.t2m, 280)"],
    ),
    two(
        "fmax",
        "The greater of both; the other where one is missing.",
        &["np.fmax(ds.t2m, 280)"],
    ),
    two(
        "fmin",
        "The lesser of both; the other where one is missing.",
        &["np.fmin(ds.t2m, 280)"],
    ),
    two(
        "arctan2",
        "The angle of a point, in radians, from its second and first coordinate.",
        &["np.arctan2(ds.t2m, ds.tp)"],
    )
    .also(&["atan2"]),
    two(
        "hypot",
        "The length of the hypotenuse.",
        &["np.hypot(ds.t2m, ds.tp)"],
    ),
    two(
        "copysign",
        "The first with the sign of the second.",
        &["np.copysign(ds.t2m, ds.lat)"],
    ),
    two(
        "equal",
        "Whether both are equal.",
        &["np.equal(ds.t2m, 280)"],
    ),
    two(
        "not_equal",
        "Whether both differ.",
        &["np.not_equal(ds.t2m, 280)"],
    ),
    two(
        "less",
        "Whether the first is less.",
        &["np.less(ds.t2m, 280)"],
    ),
    two(
        "less_equal",
        "Whether the first is not greater.",
        &["np.less_equal(ds.t2m, 280)"],
    ),
    two(
        "greater",
        "Whether the first is greater.",
        &["np.greater(ds.t2m, 280)"],
    ),
    two(
        "greater_equal",
        "Whether the first is not less.",
        &["np.greater_equal(ds.t2m, 280)"],
    ),
    two(
        "logical_and",
        "Whether both are true.",
        &["np.logical_and(ds.t2m > 280, ds.lat > 0)"],
    ),
    two(
        "logical_or",
        "Whether one is true.",
        &["np.logical_or(ds.t2m > 280, ds.lat > 0)"],
    ),
    two(
        "logical_xor",
        "Whether just one is true.",
        &["np.logical_xor(ds.t2m > 280, ds.lat > 0)"],
    ),
    two(
        "bitwise_and",
        "The bits that both have.",
        &["np.bitwise_and(ds.t2m > 280, ds.lat > 0)"],
    ),
    two(
        "bitwise_or",
        "The bits that one has.",
        &["np.bitwise_or(ds.t2m > 280, ds.lat > 0)"],
    ),
    two(
        "bitwise_xor",
        "The bits that just one has.",
        &["np.bitwise_xor(ds.t2m > 280, ds.lat > 0)"],
    ),
    two(
        "left_shift",
        "The bits moved up.",
        &["np.left_shift(ds.time.dt.month, 1)"],
    ),
    two(
        "right_shift",
        "The bits moved down.",
        &["np.right_shift(ds.time.dt.month, 1)"],
    ),
    method(
        "round",
        NUMPY,
        "a, decimals=0",
        "The values rounded to so many decimals; halves become even.",
        &["np.round(ds.t2m, 1)"],
        |call| {
            let decimals = decimals(call)?;
            match call.need("a")? {
                number @ Value::Number(..) if decimals == 0 => of_number(Unary::Rint, number),
                value => value.map_arrays(call.name(), |array| rounded(array, decimals)),
            }
        },
    ),
    method(
        "clip",
        NUMPY,
        "a, a_min=None, a_max=None",
        "The values, none lower than `a_min` or higher than `a_max`.",
        &["np.clip(ds.t2m, 250, 300)"],
        |call| {
            let bound = |name: &str| call.get(name).map(Value::as_operand).transpose();
            let (low, high) = (bound("a_min")?, bound("a_max")?);
            let values = call.need("a")?;
            values.map_arrays(call.name(), |array| {
                clip(array, low.as_ref(), high.as_ref())
            })
        },
    ),
];

const fn one(name: &'static str, doc: &'static str, examples: &'static [&'static str]) -> Entry {
    method(name, NUMPY, "x", doc, examples, of_one)
}

const fn two(name: &'static str, doc: &'static str, examples: &'static [&'static str]) -> Entry {
    method(name, NUMPY, "x1, x2", doc, examples, of_two)
}

fn of_one(call: &Call<'_>) -> Result<Value> {
    let function = Unary::from_name(call.name())
        .ok_or_else(|| Error::internal(format!("no function `{}`", call.name())))?;
    match call.need("x")? {
        number @ Value::Number(..) => of_number(function, number),
        value => value.map_arrays(call.name(), |array| unary(function, array, true)),
    }
}

/// A number stays a number.
fn of_number(function: Unary, number: &Value) -> Result<Value> {
    let array = unary(function, &number.to_array(Vec::new())?, false)?;
    let (node, _) = craton_plan::rules::optimise(&array.variable.node)?;
    let craton_plan::Work::Literal(block) = node.work() else {
        return Ok(Value::Array(array));
    };
    let value = block
        .get(0)
        .ok_or_else(|| Error::internal("a function of a number gave nothing"))?;
    let kind = if value.dtype().is_float() {
        WeakKind::Float
    } else {
        WeakKind::Strong
    };
    Ok(Value::Number(value, kind))
}

fn of_two(call: &Call<'_>) -> Result<Value> {
    let function = Binary::from_name(call.name())
        .ok_or_else(|| Error::internal(format!("no function `{}`", call.name())))?;
    let (one, other) = (call.need("x1")?, call.need("x2")?);
    let combined = combine(function, one, other, call.session)?;
    Ok(match (combined, first_array(&[one, other])) {
        (Value::Array(out), Some(first)) => Value::Array(named_after(out, first)),
        (combined, _) => combined,
    })
}

/// With name and attributes of `first`, as NumPy's functions leave them, unlike operators.
fn named_after(out: DataArray, first: &DataArray) -> DataArray {
    let mut out = out.renamed(first.name.clone());
    out.variable
        .attributes
        .clone_from(&first.variable.attributes);
    out
}
