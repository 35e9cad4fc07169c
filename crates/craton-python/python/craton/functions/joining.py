"""Arrays side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from craton.array import Array, full, operands
from craton.axes import axes_of, axis_of, unsupported
from craton.functions.table import numpys
from craton.functions.transposing import moveaxis
from craton.indexing import gather


@numpys("expand_dims")
def expand_dims(a: Any, axis: Any) -> Array:
    array = Array.of(a)
    count = array.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    new = axes_of(axis, count)
    return array[tuple(None if at in new else slice(None) for at in range(count))]


_GROUPED = {"sum", "prod", "mean", "var", "std", "min", "max", "any", "all"}


@numpys("concatenate", "concat")
def concatenate(
    arrays: Sequence[Any], axis: int | None = 0, out: None = None, *, dtype: Any = None, **_casting: Any
) -> Array:
    parts = operands(*arrays)
    if axis is None:
        parts, axis = [one.reshape(-1) for one in parts], 0
    dtype = numpy.result_type(*(one.dtype for one in parts)) if dtype is None else numpy.dtype(dtype)
    at = axis_of(axis, parts[0].ndim)
    grouped = _grouped(parts, at, dtype)
    if grouped is not None:
        return grouped
    node = type(parts[0]._node).concat([one.astype(dtype)._node for one in parts], at)
    labels = [one._label for one in parts if one._label is not None]
    return Array(node, labels[0] if labels else None)


def _grouped(parts: list[Array], at: int, dtype: numpy.dtype) -> Array | None:
    """Give one grouped reduction for the reductions of parts of one array, put side by side along `at`."""
    if any(one._group is None or one._group[-1] != at or one.dtype != dtype for one in parts):
        return None
    parent, axis, _, kind, skips, ddof, _ = parts[0]._group
    # Places and ends depend on where a value stands among the taken ones.
    if kind not in _GROUPED:
        return None
    codes = numpy.full(parent.shape[axis], -1)
    for code, one in enumerate(parts):
        other, along, indices, *how, _ = one._group
        if other is not parent or along != axis or how != [kind, skips, ddof] or numpy.any(codes[indices] >= 0):
            return None
        if len(numpy.unique(indices)) < len(indices):
            return None
        codes[indices] = code
    if len(parts) < 2 or len(numpy.unique(codes[codes >= 0])) < len(parts):
        return None
    node = parent._node.group_reduce(kind, axis, codes.tolist(), len(parts), skips, ddof, 0)
    return moveaxis(Array(node), axis, at)


@numpys("stack")
def stack(arrays: Sequence[Any], axis: int = 0, out: None = None, **options: Any) -> Array:
    parts = [Array.of(one) for one in arrays]
    return concatenate([expand_dims(one, axis) for one in parts], axis_of(axis, parts[0].ndim + 1), **options)


@numpys("pad")
def _pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0, **options: Any) -> Array:
    array = Array.of(array)
    widths = numpy.broadcast_to(numpy.asarray(pad_width), (array.ndim, 2)).tolist()
    if mode == "constant":
        values = numpy.broadcast_to(numpy.asarray(constant_values), (array.ndim, 2))
        for at, (before, after) in enumerate(widths):
            parts = [array]
            if before:
                parts.insert(0, _filled(array, at, before, values[at, 0]))
            if after:
                parts.append(_filled(array, at, after, values[at, 1]))
            array = concatenate(parts, axis=at) if len(parts) > 1 else array
        return array
    if mode not in {"edge", "wrap", "reflect", "symmetric"} or options.get("reflect_type", "even") != "even":
        raise unsupported(f"`numpy.pad` of mode {mode!r}")
    for at, (before, after) in enumerate(widths):
        if before or after:
            array = gather(array, at, numpy.pad(numpy.arange(array.shape[at]), (before, after), mode=mode))
    return array


def _filled(array: Array, axis: int, count: int, value: Any) -> Array:
    shape = [count if at == axis else length for at, length in enumerate(array.shape)]
    return full(shape, numpy.asarray(value).astype(array.dtype), array.dtype)


@numpys("roll")
def _roll(a: Any, shift: int, axis: int) -> Array:
    array = Array.of(a)
    at = axis_of(axis, array.ndim)
    length = array.shape[at]
    by = shift % length if length else 0
    before = (slice(None),) * at
    return concatenate([array[(*before, slice(length - by, None))], array[(*before, slice(length - by))]], axis=at)
