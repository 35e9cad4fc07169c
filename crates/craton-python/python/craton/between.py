"""xarray's steps along a dimension, on lazy arrays: values between labels, gaps filled, ranks."""

from __future__ import annotations

from typing import Any

import numpy

from craton.array import Array
from craton.axes import unsupported

__all__ = ["STEPS", "pushed"]


def _interpolated(
    data: Array, *coords: Any, interp_func: Any, interp_kwargs: dict[str, Any], result_coord_core_dims: Any
) -> Array:
    """Do what `xarray.core.missing._interpnd` does along the last axis, without computing."""
    if len(coords) != 2:
        raise unsupported("`interp` along several dimensions at once by this method or from point to point")
    options = dict(interp_kwargs)
    method = options.pop("method", None)
    fill = options.pop("fill_value", None)
    extrapolates = isinstance(fill, str) and fill == "extrapolate"
    options.pop("bounds_error", None)
    if method not in _METHODS or options or not (fill is None or extrapolates):
        raise unsupported(f"`interp` by `{method or interp_func.__name__}` with {dict(interp_kwargs)}")
    places, wanted = (numpy.asarray(one) for one in coords)
    shape = data.shape[:-1] + wanted.shape
    wanted = wanted.reshape(-1)
    if places.dtype.kind in "mM":
        first = places.min()
        unit = (places - first).dtype
        places = (places - first).astype("float64")
        wanted = (wanted - first).astype(unit).astype("float64")
    places, wanted = places.astype("float64"), wanted.astype("float64")
    if data.dtype.kind not in "iufc":
        raise unsupported(f"`interp` of {data.dtype}")
    with numpy.errstate(all="ignore"):
        result = _METHODS[method](data, places, wanted, extrapolates)
    return result.reshape(shape)


def _linear(data: Array, places: numpy.ndarray, wanted: numpy.ndarray, extrapolates: bool) -> Array:
    last = len(places) - 1
    upper = numpy.clip(numpy.searchsorted(places, wanted), min(1, last), last)
    lower = numpy.maximum(upper - 1, 0)
    fraction = (wanted - places[lower]) / (places[upper] - places[lower])
    if not extrapolates:
        fraction[~_inside(places, wanted)] = numpy.nan
    axis = data.ndim - 1
    return Array(data._node.interpolate(axis, lower.tolist(), upper.tolist(), fraction.tolist()))


def _nearest(data: Array, places: numpy.ndarray, wanted: numpy.ndarray, extrapolates: bool) -> Array:
    middles = places[1:] / 2 + places[:-1] / 2
    at = numpy.clip(numpy.searchsorted(middles, wanted), 0, len(places) - 1)
    if data.dtype.kind not in "fc":
        data = data.astype("float64")
    taken = data[..., at]
    inside = _inside(places, wanted)
    if extrapolates or inside.all():
        return taken
    return numpy.where(inside, taken, data.dtype.type(numpy.nan))


def _cubic(data: Array, places: numpy.ndarray, wanted: numpy.ndarray, extrapolates: bool) -> Array:
    return Array(data._node.spline(data.ndim - 1, places.tolist(), wanted.tolist(), extrapolates))


def _inside(places: numpy.ndarray, wanted: numpy.ndarray) -> numpy.ndarray:
    return (wanted >= places[0]) & (wanted <= places[-1])


_METHODS = {"linear": _linear, "nearest": _nearest, "cubic": _cubic}


def _ranked(data: Array, axis: int = -1) -> Array:
    return Array(data._node.order("rank", axis % data.ndim))


# By the name of the function that `xarray.apply_ufunc` is given.
STEPS = {"_interpnd": _interpolated, "nanrankdata": _ranked, "rankdata": _ranked}


def pushed(original: Any) -> Any:
    """Fill gaps forward in the plan, where xarray would have another library do it."""

    def push(array: Any, n: int | None, axis: int, **options: Any) -> Any:
        if not isinstance(array, Array):
            return original(array, n, axis, **options)
        axis %= array.ndim
        limit = None if n is None or n >= array.shape[axis] else n
        return Array(array._node.fill(axis, True, limit))

    return push
