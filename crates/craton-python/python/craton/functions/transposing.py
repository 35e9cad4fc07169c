"""The same elements under other axes and indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from craton.array import Array
from craton.axes import axes_of, axis_of
from craton.functions.table import numpys
from craton.indexing import gather


@numpys("broadcast_to")
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Array:
    return Array.of(array).broadcast_to(shape if isinstance(shape, Sequence) else (shape,))


@numpys("broadcast_arrays")
def _broadcast_arrays(*arrays: Any, subok: bool = False) -> tuple[Array, ...]:
    shape = numpy.broadcast_shapes(*(one.shape for one in map(Array.of, arrays)))
    return tuple(Array.of(one).broadcast_to(shape) for one in arrays)


@numpys("transpose", "permute_dims")
def _transpose(a: Any, axes: Any = None) -> Array:
    return Array.of(a).transpose(*([] if axes is None else [tuple(axes)]))


@numpys("moveaxis")
def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    array = Array.of(a)
    sources, places = axes_of(source, array.ndim), axes_of(destination, array.ndim)
    order = [axis for axis in range(array.ndim) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return array.transpose(order)


@numpys("swapaxes")
def _swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    array = Array.of(a)
    order = list(range(array.ndim))
    one, other = axis_of(axis1, array.ndim), axis_of(axis2, array.ndim)
    order[one], order[other] = order[other], order[one]
    return array.transpose(order)


@numpys("squeeze")
def _squeeze(a: Any, axis: Any = None) -> Array:
    return Array.of(a).squeeze(axis)


@numpys("atleast_1d")
def _atleast_1d(a: Any) -> Array:
    array = Array.of(a)
    return array if array.ndim else array[None]


@numpys("flip")
def _flip(m: Any, axis: Any = None) -> Array:
    array = Array.of(m)
    axes = axes_of(axis, array.ndim)
    return array[tuple(slice(None, None, -1) if at in axes else slice(None) for at in range(array.ndim))]


@numpys("diff")
def _diff(a: Any, n: int = 1, axis: int = -1) -> Array:
    array = Array.of(a)
    before = (slice(None),) * axis_of(axis, array.ndim)
    for _ in range(n):
        later, earlier = array[(*before, slice(1, None))], array[(*before, slice(None, -1))]
        array = later != earlier if array.dtype.kind == "b" else later - earlier
    return array


@numpys("take")
def _take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Array:
    array = Array.of(a)
    if axis is None:
        array, axis = array.reshape(-1), 0
    indices = numpy.asarray(indices)
    before = (slice(None),) * axis_of(axis, array.ndim)
    return array[(*before, int(indices) if indices.ndim == 0 else indices)]


@numpys("repeat")
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Array:
    array = Array.of(a)
    if axis is None:
        array, axis = array.reshape(-1), 0
    at = axis_of(axis, array.ndim)
    return gather(array, at, numpy.repeat(numpy.arange(array.shape[at]), repeats))


@numpys("tile")
def _tile(A: Any, reps: Any) -> Array:
    array = Array.of(A)
    reps = (reps,) if isinstance(reps, int) else tuple(reps)
    ndim = max(len(reps), array.ndim)
    array = array[(None,) * (ndim - array.ndim)]
    for at, count in enumerate((1,) * (ndim - len(reps)) + reps):
        array = gather(array, at, numpy.tile(numpy.arange(array.shape[at]), count))
    return array
