"""What `array[key]` means, as NumPy reads it: slices, integers, lists along axes, points."""

from __future__ import annotations

import operator
from typing import Any

import numpy

from craton.array import Array, remember
from craton.axes import unsupported

__all__ = ["gather", "take"]

# A point is a piece of the plan of its own.
_MOST_POINTS = 2000


def take(array: Array, key: Any) -> Array:
    """Give `array[key]`."""
    key = _expanded(key if isinstance(key, tuple) else (key,), array.ndim)
    lists = [one for one in key if isinstance(one, numpy.ndarray)]
    if not lists:
        return _basic(array, key)
    # NumPy counts single indices beside lists as lists of one, which decides where the lists' axes go.
    key = [numpy.asarray(one) if type(one) is int else one for one in key]
    return _advanced(array, key)


def gather(array: Array, axis: int, indices: numpy.ndarray) -> Array:
    """Give the listed indices of one axis."""
    length = array.shape[axis]
    outside = (indices < -length) | (indices >= length)
    if outside.any():
        raise IndexError(f"index {indices[outside][0]} is outside axis {axis}, which has {length} elements")
    indices = numpy.where(indices < 0, indices + length, indices)
    steps = numpy.diff(indices)
    if len(indices) and not numpy.any(steps != (steps[0] if len(steps) else 1)) and (not len(steps) or steps[0]):
        step = int(steps[0]) if len(steps) else 1
        return _ranges(array, {axis: (int(indices[0]), len(indices), step)})
    label = array._label and tuple(
        min(one, len(indices)) or 1 if at == axis else one for at, one in enumerate(array._label)
    )
    result = Array(array._node.gather(axis, indices.tolist()), label)
    return remember(result, "_taken", (array, axis, indices))


def _expanded(key: tuple[Any, ...], ndim: int) -> list[Any]:
    """Give the key with one entry for each axis, beside `None` for new ones."""
    whole = []
    for one in key:
        if isinstance(one, Array):
            raise unsupported("indexing by a lazy array")
        if isinstance(one, (list, tuple)):
            one = numpy.asarray(one) if len(one) else numpy.empty(0, dtype=int)
        if isinstance(one, (numpy.ndarray, numpy.generic, bool)):
            one = numpy.asarray(one)
            if one.dtype.kind == "b":
                if one.ndim != 1:
                    raise unsupported("a mask of several axes, whose count of elements only the values tell,")
                (one,) = one.nonzero()
            if one.dtype.kind not in "iu":
                raise IndexError(f"indices are integers, and these are {one.dtype}")
            one = int(one) if one.ndim == 0 else one.astype("int64")
        elif one is not None and one is not Ellipsis and not isinstance(one, slice):
            one = operator.index(one)
        whole.append(one)
    used = sum(one is not None and one is not Ellipsis for one in whole)
    if used > ndim:
        raise IndexError(f"{used} indices for an array with {ndim} axes")
    # A comparison with `in` would compare arrays element by element.
    dots = [at for at, one in enumerate(whole) if one is Ellipsis]
    if len(dots) > 1:
        raise IndexError("`...` stands once in an index")
    at = dots[0] if dots else len(whole)
    return [*whole[:at], *[slice(None)] * (ndim - used), *whole[at + 1 :]]


def _basic(array: Array, key: list[Any]) -> Array:
    taken, label, new, axis, out = [], [], [], 0, 0
    for one in key:
        if one is None:
            new.append(out)
            out += 1
            continue
        length = array.shape[axis]
        chunk = length if array._label is None else array._label[axis]
        axis += 1
        if isinstance(one, slice):
            start, stop, step = one.indices(length)
            count = len(range(start, stop, step))
            taken.append((start if count else 0, count, step))
            label.append(max(1, min(chunk, count)))
            out += 1
            continue
        if not -length <= one < length:
            raise IndexError(f"index {one} is outside axis {axis - 1}, which has {length} elements")
        taken.append(one % length)
    selected = _of_one_axis(array, taken, None if array._label is None else tuple(label))
    if not new:
        return selected
    old = [at for at in range(out) if at not in new]
    shape = [1] * out
    for at, length in zip(old, selected.shape, strict=True):
        shape[at] = length
    return selected.broadcast_to(shape, old)


def _ranges(array: Array, ranges: dict[int, tuple[int, int, int]]) -> Array:
    taken = [ranges.get(at, (0, length, 1)) for at, length in enumerate(array.shape)]
    label = array._label and tuple(max(1, min(one, taken[at][1])) for at, one in enumerate(array._label))
    return _of_one_axis(array, taken, label)


def _of_one_axis(array: Array, taken: list[Any], label: tuple[int, ...] | None) -> Array:
    """Give what is taken, noting it where only one axis is touched."""
    result = Array(array._node.index(taken), label)
    touched = [axis for axis, length in enumerate(array.shape) if taken[axis] != (0, length, 1)]
    if len(touched) == 1 and isinstance(taken[touched[0]], tuple):
        start, count, step = taken[touched[0]]
        remember(result, "_taken", (array, touched[0], start + step * numpy.arange(count)))
    return result


def _advanced(array: Array, key: list[Any]) -> Array:
    """Index by lists, which together have axes of their own, beside slices."""
    if any(one is None for one in key):
        without = [one for one in key if one is not None]
        places = [at for at, one in enumerate(key) if one is None]
        if len([one for one in without if isinstance(one, numpy.ndarray)]) == 1:
            # One list keeps its place, so new axes can be put in afterwards.
            taken = _advanced(array, without)
            return _basic(taken, [None if at in places else slice(None) for at in range(len(key))])
        raise unsupported("an index of new axes and several lists")
    at_axes = [axis for axis, one in enumerate(key) if isinstance(one, numpy.ndarray)]
    lists = [key[axis] for axis in at_axes]
    array = _basic(array, [slice(None) if isinstance(one, numpy.ndarray) else one for one in key])
    if len(lists) == 1 and lists[0].ndim == 1:
        return gather(array, at_axes[0], lists[0])
    common = numpy.broadcast_shapes(*(one.shape for one in lists))
    # Lists side by side leave their axes where they stand, others put them first.
    together = at_axes[-1] - at_axes[0] == len(at_axes) - 1
    first = at_axes[0] if together else 0
    kept = [axis for axis in range(array.ndim) if axis not in at_axes]
    goes = {axis: (at if at < first else at + len(common)) for at, axis in enumerate(kept)}
    claims = [_claimed(one, len(common)) for one in lists]
    claimed = [axis for claim in claims for axis in claim]
    if len(set(claimed)) < len(claimed) or any(len(claim) > 1 for claim in claims):
        return _points(array, at_axes, lists, common, first)
    single = {}
    for axis, one, claim in zip(at_axes, lists, claims, strict=True):
        if claim:
            array = gather(array, axis, one.ravel())
            goes[axis] = first + claim[0]
        else:
            single[axis] = int(one.ravel()[0])
    array = _basic(array, [single.get(axis, slice(None)) for axis in range(array.ndim)])
    order = [goes[axis] for axis in sorted(goes)]
    shape = [1] * (len(kept) + len(common))
    for at, length in zip(order, array.shape, strict=True):
        shape[at] = length
    return array if order == list(range(len(shape))) else array.broadcast_to(shape, order)


def _claimed(one: numpy.ndarray, ndim: int) -> list[int]:
    return [at + ndim - one.ndim for at, length in enumerate(one.shape) if length != 1]


def _points(array: Array, axes: list[int], lists: list[numpy.ndarray], common: tuple[int, ...], first: int) -> Array:
    """Take points: the lists' elements belong together."""
    from craton.functions.joining import concatenate
    from craton.functions.reshaping import reshape

    columns = [numpy.broadcast_to(one, common).ravel() for one in lists]
    count = len(columns[0])
    if count > _MOST_POINTS:
        raise unsupported(f"selection of {count} points (at most {_MOST_POINTS} at once)")
    if count == 0:
        array = array[tuple(slice(0, 0) if axis in axes else slice(None) for axis in range(array.ndim))]
        kept = [length for axis, length in enumerate(array.shape) if axis not in axes]
        return reshape(array, (*kept[:first], *common, *kept[first:]))
    parts = []
    for point in zip(*columns, strict=True):
        at = dict(zip(axes, map(int, point), strict=True))
        one = _basic(array, [at.get(axis, slice(None)) for axis in range(array.ndim)])
        parts.append(one[(slice(None),) * first + (None,)])
    out = concatenate(parts, axis=first)
    return reshape(out, (*out.shape[:first], *common, *out.shape[first + 1 :]))
