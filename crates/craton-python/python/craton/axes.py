"""Axes, the chunk labels along them, and what is said where they do not do."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from craton.array import Array

__all__ = ["axes_of", "axis_of", "cut", "label_of", "label_with", "unsupported"]


def unsupported(what: str) -> NotImplementedError:
    """Give the error for what a lazy array cannot do, with the way out."""
    message = f"{what} is not done on a craton.Array; `.compute()` gives a NumPy array first, `.to_dask()` a dask array"
    return NotImplementedError(message)


def axis_of(axis: Any, ndim: int) -> int:
    """Give an axis counted from the front."""
    at = operator.index(axis)
    if not -ndim <= at < ndim:
        raise ValueError(f"axis {at} of an array with {ndim} axes")
    return at % ndim


def axes_of(axis: Any, ndim: int) -> list[int]:
    """Give axes counted from the front, each once; None is all of them."""
    if axis is None:
        return list(range(ndim))
    axes = [axis_of(one, ndim) for one in numpy.atleast_1d(numpy.asarray(axis))]
    if len(set(axes)) < len(axes):
        raise ValueError(f"an axis stands twice in {axis}")
    return axes


def label_with(shape: tuple[int, ...], *arrays: Array) -> tuple[int, ...] | None:
    """Give the label of a result of some shape: along each axis that of the first operand that has it whole."""
    if all(one._label is None for one in arrays):
        return None
    label = list(shape)
    for array in reversed(arrays):
        if array._label is not None:
            for back in range(1, array.ndim + 1):
                if array.shape[-back] == shape[-back]:
                    label[-back] = array._label[-back]
    return tuple(label)


def label_of(chunks: Any, shape: tuple[int, ...], before: tuple[int, ...] | None) -> tuple[int, ...]:
    """Give the label that a user's or xarray's `chunks` asks for."""
    before = shape if before is None else before
    if chunks is None or chunks == "auto":
        return before
    if isinstance(chunks, int):
        chunks = (chunks,) * len(shape)
    if isinstance(chunks, dict):
        by_axis = {axis_of(axis, len(shape)): value for axis, value in chunks.items()}
        chunks = [by_axis.get(axis) for axis in range(len(shape))]
    if len(chunks) != len(shape):
        raise ValueError(f"chunks {chunks} do not cut shape {shape}: one length for each axis is needed")
    label = []
    for chunk, length, own in zip(chunks, shape, before, strict=True):
        first = chunk[0] if isinstance(chunk, (tuple, list)) and chunk else chunk
        if first is None or first == "auto":
            first = own
        if first == -1:
            first = length
        if not isinstance(first, (int, numpy.integer)) or first < 0 or (first == 0 and length):
            raise ValueError(f"a chunk length of {first!r}; -1, None, 'auto' or a positive number is accepted")
        label.append(min(int(first), length))
    return tuple(label)


def cut(length: int, chunk: int) -> tuple[int, ...]:
    if length == 0:
        return (0,)
    whole, rest = divmod(length, chunk)
    return (chunk,) * whole + ((rest,) if rest else ())
