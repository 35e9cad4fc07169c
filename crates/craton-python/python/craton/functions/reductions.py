"""Axes folded away, and running totals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from craton.array import Array, remember
from craton.axes import axes_of, axis_of, unsupported
from craton.functions.reshaping import reshape
from craton.functions.table import FUNCTIONS, numpys


def reduction(kind: str, skips: bool, folds_dtype: bool = False) -> Callable[..., Array]:
    def reduce(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        *,
        ddof: float = 0,
        keepdims: Any = False,
        **options: Any,
    ) -> Array:
        array = Array.of(a)
        given = {name: value for name, value in options.items() if value is not numpy._NoValue}
        if out is not None or given:
            raise unsupported(f"`numpy.{kind}` with `{'out' if out is not None else next(iter(given))}`")
        if int(ddof) != ddof:
            raise unsupported(f"`numpy.{kind}` with `ddof={ddof}`")
        if dtype is not None and folds_dtype:
            array = array.astype(dtype)
        axes = axes_of(axis, array.ndim)
        skipping = skips
        if kind == "sum" and array._filled is not None:
            # xarray's sum of valid values fills missing ones with 0 first.
            array, skipping = array._filled, True
        node = array._node.reduce(kind, axes, skipping, int(ddof))
        label = array._label and tuple(one for at, one in enumerate(array._label) if at not in axes)
        result = Array(node, label)
        if array._taken is not None and axes == [array._taken[1]]:
            remember(result, "_group", (*array._taken, kind, skipping, int(ddof), None))
        if keepdims is True:
            shape = [1 if at in axes else length for at, length in enumerate(array.shape)]
            result = result.broadcast_to(shape, [at for at in range(array.ndim) if at not in axes])
        return result if dtype is None else result.astype(dtype)

    reduce.__name__ = kind
    return reduce


for _kind in ("sum", "prod", "mean", "var", "std", "min", "max", "any", "all"):
    FUNCTIONS[_kind] = reduction(_kind, False, _kind in {"sum", "prod", "mean", "var", "std"})
    if _kind not in {"any", "all"}:
        FUNCTIONS[f"nan{_kind}"] = reduction(_kind, True, _kind in {"sum", "prod", "mean", "var", "std"})
FUNCTIONS |= {"amin": FUNCTIONS["min"], "amax": FUNCTIONS["max"], "product": FUNCTIONS["prod"]}


def _place(kind: str, skips: bool) -> Callable[..., Array]:
    def place(a: Any, axis: int | None = None, out: None = None, *, keepdims: Any = False) -> Array:
        array = Array.of(a)
        if out is not None:
            raise unsupported(f"`numpy.{kind}` with `out`")
        if axis is None and array.ndim != 1:
            array = reshape(array, (-1,))
        at = axis_of(0 if axis is None else axis, array.ndim)
        return reduction(kind, skips)(array, axis=at, keepdims=keepdims)

    return place


for _kind in ("argmin", "argmax"):
    FUNCTIONS[_kind] = _place(_kind, False)
    FUNCTIONS[f"nan{_kind}"] = _place(_kind, True)


@numpys("count_nonzero")
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    return FUNCTIONS["sum"](Array.of(a).astype(bool), axis=axis, keepdims=keepdims)


@numpys("ptp")
def _ptp(a: Any, axis: Any = None) -> Array:
    return FUNCTIONS["max"](a, axis=axis) - FUNCTIONS["min"](a, axis=axis)


def _cumulation(kind: str, skips: bool) -> Callable[..., Array]:
    def cumulate(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
        array = Array.of(a)
        if out is not None:
            raise unsupported(f"`numpy.{kind}` with `out`")
        if dtype is not None:
            array = array.astype(dtype)
        if axis is None and array.ndim != 1:
            array = reshape(array, (-1,))
        at = axis_of(0 if axis is None else axis, array.ndim)
        return Array(array._node.cumulate(kind, at, skips), array._label)

    return cumulate


for _kind in ("cumsum", "cumprod"):
    FUNCTIONS[_kind] = _cumulation(_kind, False)
    FUNCTIONS[f"nan{_kind}"] = _cumulation(_kind, True)
