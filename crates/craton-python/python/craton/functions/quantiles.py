"""Medians and quantiles: whole columns, put in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from craton.array import Array
from craton.axes import axes_of, unsupported
from craton.functions.table import FUNCTIONS

# NumPy's arguments that say what is done anyway: values at hand are never overwritten.
_MEANS_NOTHING = {"overwrite_input"}


# NumPy's methods that take values as they are, and keep their type.
_TAKING = {"inverted_cdf", "closest_observation", "lower", "higher", "nearest"}


def _columns(
    array: Array, fractions: Sequence[float] | None, axes: list[int], skips: bool, method: str = "linear"
) -> Array:
    if array.dtype.kind not in "iufb":
        raise unsupported(f"a quantile of {array.dtype}")
    return Array(array._node.quantile(fractions, method, axes, skips))


def _keeping(result: Array, array: Array, axes: list[int], first: int) -> Array:
    """Give the reduced axes back with length 1, behind `first` axes that are new."""
    shape = [1 if at in axes else length for at, length in enumerate(array.shape)]
    places = [first + at for at in range(array.ndim) if at not in axes]
    return result.broadcast_to((*result.shape[:first], *shape), [*range(first), *places])


def _check(name: str, out: None, options: dict[str, Any]) -> None:
    for option, value in [("out", out), *options.items()]:
        if value is None or option in _MEANS_NOTHING:
            continue
        raise unsupported(f"`numpy.{name}` with `{option}`")


def _median(name: str, skips: bool) -> Callable[..., Array]:
    def median(a: Any, axis: Any = None, out: None = None, *, keepdims: Any = False, **options: Any) -> Array:
        _check(name, out, options)
        array = Array.of(a)
        axes = axes_of(axis, array.ndim)
        result = _columns(array, None, axes, skips)
        return _keeping(result, array, axes, 0) if keepdims is True else result

    return median


def _quantile(name: str, skips: bool) -> Callable[..., Array]:
    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        out: None = None,
        *,
        method: str = "linear",
        keepdims: Any = False,
        **options: Any,
    ) -> Array:
        _check(name, out, options)
        array = Array.of(a)
        fractions = numpy.asarray(q, dtype="float64")
        if fractions.ndim > 1:
            raise unsupported(f"`numpy.{name}` of fractions with {fractions.ndim} axes")
        axes = axes_of(axis, array.ndim)
        result = _columns(array, fractions.reshape(-1).tolist(), axes, skips, method)
        if isinstance(q, (int, float)) and array.dtype.kind == "f" and method not in _TAKING:
            # A number of Python's own has no precision of its own.
            result = result.astype(array.dtype)
        if not fractions.ndim:
            result = result[0]
        return _keeping(result, array, axes, fractions.ndim) if keepdims is True else result

    return quantile


for _prefix, _skips in (("", False), ("nan", True)):
    FUNCTIONS[f"{_prefix}median"] = _median(f"{_prefix}median", _skips)
    FUNCTIONS[f"{_prefix}quantile"] = _quantile(f"{_prefix}quantile", _skips)
