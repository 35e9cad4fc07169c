"""Functions of elements that are more than one operator."""

from __future__ import annotations

from typing import Any

import numpy

from craton.array import Array, binary, full, operands, remember, unary
from craton.axes import label_with, unsupported
from craton.functions.table import MOST_PIECES, numpys


@numpys("where")
def where(condition: Any, x: Any = None, y: Any = None) -> Array:
    if x is None or y is None:
        raise unsupported("`numpy.where` of a condition alone, whose result only the values tell,")
    one, other = operands(x, y)
    dtype = numpy.result_type(one.dtype, other.dtype)
    condition = Array.of(condition).astype(bool)
    one, other = one.astype(dtype), other.astype(dtype)
    node = condition._node.select(one._node, other._node)
    result = Array(node, label_with(tuple(node.shape), condition, one, other))
    if dtype.kind in "fc" and result.shape == other.shape and condition.token == unary("isnan", other).token:
        zeros = {full(shape, 0, dtype).token for shape in (other.shape, ())}
        remember(result, "_filled", other if one.token in zeros else None)
    return result


@numpys("clip")
def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None) -> Array:
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    result = Array.of(a)
    if out is not None:
        raise unsupported("`numpy.clip` with `out`")
    if low is not None:
        result = binary("maximum", result, low)
    return result if high is None else binary("minimum", result, high)


@numpys("isclose")
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    one, other = operands(a, b)
    if one.dtype.kind in "mM":
        raise unsupported("`numpy.isclose` of times")
    # As NumPy does, so that truth values can be compared too.
    other = other.astype(numpy.result_type(other.dtype, 1.0))
    near = (abs(one - other) <= atol + rtol * abs(other)) & unary("isfinite", other) | (one == other)
    return near | (unary("isnan", one) & unary("isnan", other)) if equal_nan else near


@numpys("isin")
def _isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, **_kind: Any) -> Array:
    values = numpy.unique(numpy.asarray(test_elements))
    if len(values) > MOST_PIECES:
        raise unsupported(f"`numpy.isin` of {len(values)} values (at most {MOST_PIECES})")
    array = Array.of(element)
    found = full(array.shape, False, bool)
    for value in values:
        found = found | (array == value)
    return ~found if invert else found


@numpys("round", "around")
def _round(a: Any, decimals: int = 0, out: None = None) -> Array:
    array = Array.of(a)
    if array.dtype.kind not in "fc":
        if decimals < 0:
            raise unsupported("rounding of integers to tens")
        return array
    if decimals == 0:
        return unary("rint", array)
    scale = 10.0 ** abs(decimals)
    return unary("rint", array * scale) / scale if decimals > 0 else unary("rint", array / scale) * scale


@numpys("unravel_index")
def _unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Array, ...]:
    rest, places = Array.of(indices), []
    for length in reversed(shape):
        places.insert(0, rest % length)
        rest = rest // length
    return tuple(places) if order == "C" else tuple(reversed(places))


@numpys("real")
def _real(val: Any) -> Array:
    return Array.of(val).real


@numpys("imag")
def _imag(val: Any) -> Array:
    return Array.of(val).imag


@numpys("nan_to_num")
def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    array = Array.of(x)
    if array.dtype.kind != "f":
        return array
    limits = numpy.finfo(array.dtype)
    out = where(unary("isnan", array), nan, array)
    out = where(out == numpy.inf, limits.max if posinf is None else posinf, out)
    return where(out == -numpy.inf, limits.min if neginf is None else neginf, out).astype(array.dtype)
