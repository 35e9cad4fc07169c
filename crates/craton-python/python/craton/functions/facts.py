"""Arrays like others, and what can be told without computing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from craton.array import Array, full, unary
from craton.axes import axes_of
from craton.functions.elements import isclose
from craton.functions.table import FUNCTIONS, numpys


def _like(value: Any) -> Callable[..., Array]:
    def like(a: Any, *args: Any, dtype: Any = None, shape: Any = None, **_options: Any) -> Array:
        # `full_like` has its value before the dtype; the others begin with the dtype.
        given, rest = (args[0], args[1:]) if value is None and args else (value, args)
        if value is None and not args:
            given = _options["fill_value"]
        dtype = rest[0] if rest else dtype
        array = Array.of(a)
        shape = array.shape if shape is None else shape
        dtype = array.dtype if dtype is None else numpy.dtype(dtype)
        made = full((shape,) if isinstance(shape, int) else shape, numpy.asarray(given).astype(dtype), dtype)
        return Array(made._node, array._label) if made.shape == array.shape else made

    return like


FUNCTIONS |= {"full_like": _like(None), "zeros_like": _like(0), "ones_like": _like(1), "empty_like": _like(0)}


@numpys("result_type")
def _result_type(*arrays_and_dtypes: Any) -> numpy.dtype:
    return numpy.result_type(*(one.dtype if isinstance(one, Array) else one for one in arrays_and_dtypes))


@numpys("can_cast")
def _can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    return numpy.can_cast(from_.dtype if isinstance(from_, Array) else from_, to, casting)


@numpys("shape")
def _shape(a: Any) -> tuple[int, ...]:
    return Array.of(a).shape


@numpys("ndim")
def _ndim(a: Any) -> int:
    return Array.of(a).ndim


@numpys("size")
def _size(a: Any, axis: Any = None) -> int:
    array = Array.of(a)
    return math.prod(array.shape[at] for at in axes_of(axis, array.ndim))


@numpys("copy")
def _copy(a: Any, **_options: Any) -> Array:
    return Array.of(a)


@numpys("astype")
def _astype(x: Any, dtype: Any, /, **_options: Any) -> Array:
    return Array.of(x).astype(dtype)


@numpys("iscomplexobj")
def _iscomplexobj(x: Any) -> bool:
    return Array.of(x).dtype.kind == "c"


@numpys("isrealobj")
def _isrealobj(x: Any) -> bool:
    return Array.of(x).dtype.kind != "c"


@numpys("may_share_memory", "shares_memory")
def _shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    return False


@numpys("allclose")
def _allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    return bool(FUNCTIONS["all"](isclose(a, b, rtol, atol, equal_nan)))


@numpys("array_equal")
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    one, other = Array.of(a1), Array.of(a2)
    if one.shape != other.shape:
        return False
    same = one == other
    if equal_nan and one.dtype.kind in "fc" and other.dtype.kind in "fc":
        same = same | (unary("isnan", one) & unary("isnan", other))
    return bool(FUNCTIONS["all"](same))
