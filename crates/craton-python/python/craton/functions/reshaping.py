"""Axes cut and put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from craton.array import Array, full
from craton.axes import axes_of, unsupported
from craton.functions.joining import concatenate, stack
from craton.functions.table import check_pieces, numpys


@numpys("reshape")
def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Array:
    array = Array.of(a)
    shape = [shape] if isinstance(shape, int) else list(shape)
    if shape.count(-1) > 1 or order not in "CA":
        raise unsupported(f"a reshape to {shape} in order {order!r}")
    if -1 in shape:
        rest = math.prod(length for length in shape if length != -1)
        shape[shape.index(-1)] = array.size // rest if rest else 0
    if math.prod(shape) != array.size:
        raise ValueError(f"shape {array.shape} has {array.size} elements, {tuple(shape)} has {math.prod(shape)}")
    if array.size == 0:
        return full(shape, numpy.zeros((), array.dtype), array.dtype)
    array = array.squeeze()
    place, made = 0, []
    for before, after in _matched(array.shape, [length for length in shape if length != 1]):
        for _ in before[1:]:
            array = _merge(array, place)
        for length in after[:-1]:
            array = _split(array, place, length)
            place += 1
        place += bool(after)
        made += after
    old = [at for at, length in enumerate(shape) if length != 1]
    return array if len(old) == len(shape) else array.broadcast_to(shape, old)


def _matched(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Give the axes in runs of equal counts of elements."""
    old, new, runs = list(old), list(new), []
    while old:
        before, after = [old.pop(0)], [new.pop(0)]
        while math.prod(before) != math.prod(after):
            if math.prod(before) < math.prod(after):
                before.append(old.pop(0))
            else:
                after.append(new.pop(0))
        runs.append((before, after))
    return runs


def _merge(array: Array, axis: int) -> Array:
    """Make one axis of an axis and the next."""
    check_pieces(array.shape[axis], "a reshape that takes an axis apart")
    before = (slice(None),) * axis
    return concatenate([array[(*before, at)] for at in range(array.shape[axis])], axis=axis)


def _split(array: Array, axis: int, length: int) -> Array:
    """Make two axes of one, the first of some length."""
    inner = array.shape[axis] // length
    before = (slice(None),) * axis
    if inner <= length:
        check_pieces(inner, "a reshape that cuts an axis")
        return stack([array[(*before, slice(at, None, inner))] for at in range(inner)], axis=axis + 1)
    check_pieces(length, "a reshape that cuts an axis")
    return stack([array[(*before, slice(at * inner, (at + 1) * inner))] for at in range(length)], axis=axis)


@numpys("ravel")
def _ravel(a: Any, order: str = "C") -> Array:
    return reshape(a, (-1,), order)


@numpys("sliding_window_view")
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None, **_options: Any) -> Array:
    array = Array.of(x)
    windows = [window_shape] if isinstance(window_shape, int) else list(window_shape)
    for window, at in zip(windows, axes_of(axis, array.ndim), strict=True):
        check_pieces(window, "a window cut")
        count = array.shape[at] - window + 1
        if count < 0:
            raise ValueError(f"a window of {window} is longer than axis {at}, which has {array.shape[at]} elements")
        before = (slice(None),) * at
        array = stack([array[(*before, slice(first, first + count))] for first in range(window)], axis=array.ndim)
    return array
