"""The places where xarray asks for the kind of array by name, each told about `craton.Array`.

Nothing changes for any other array: each function first asks whether Craton's arrays are in play, and else is xarray's
own. They are put in when there is a first array that xarray could meet, not on import.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy

from craton.array import Array
from craton.between import pushed

__all__ = ["install"]

# What the engine's moving windows compute, by the name of xarray's function.
_WINDOWS = {
    "sum": "sum",
    "_mean": "mean",
    "mean": "mean",
    "min": "min",
    "max": "max",
    "count": "count",
    "_count": "count",
    "std": "std",
    "var": "var",
    "median": "median",
    "prod": "prod",
}

_installed = False


def install() -> None:
    """Put the hooks in, once, if there is an xarray to meet."""
    global _installed
    if _installed or "xarray" not in sys.modules:
        return
    _installed = True
    from xarray import Dataset
    from xarray.backends import api
    from xarray.computation.rolling import DataArrayRolling
    from xarray.core import missing
    from xarray.core.groupby import GroupBy
    from xarray.core.resample import Resample

    api._protect_dataset_variables_inplace = _unprotected(api._protect_dataset_variables_inplace)
    GroupBy._flox_reduce = _without_flox(GroupBy._flox_reduce)
    GroupBy._flox_scan = _without_flox(GroupBy._flox_scan)
    Resample._flox_reduce = _without_flox(Resample._flox_reduce)
    Dataset.chunk = _labelled(Dataset.chunk)
    DataArrayRolling._array_reduce = _windowed(DataArrayRolling._array_reduce)
    missing.push = pushed(missing.push)


def _unprotected(original: Any) -> Any:
    """Arrays that nothing can change need no wrapper against changes, which would hide that they are lazy."""

    @functools.wraps(original)
    def protect(dataset: Any, cache: bool) -> None:
        kept = {}
        if holds_arrays(dataset):
            # What Craton has read belongs to nobody else.
            variables = dataset.variables.items()
            kept = {name: one._data for name, one in variables if isinstance(one._data, (Array, numpy.ndarray))}
        original(dataset, cache)
        for name, values in kept.items():
            dataset.variables[name].data = values

    return protect


def holds_arrays(labelled: Any) -> bool:
    """Tell whether a dataset or array holds lazy arrays of Craton."""
    variables = labelled._variables.values() if hasattr(labelled, "_variables") else [labelled.variable]
    return any(isinstance(variable._data, Array) for variable in variables)


def _without_flox(original: Any) -> Any:
    """flox takes arrays apart itself; xarray's own way through the groups becomes one grouped reduction in the plan."""

    @functools.wraps(original)
    def reduce(self: Any, dim: Any, *, keep_attrs: bool | None = None, **options: Any) -> Any:
        if not holds_arrays(self._obj):
            return original(self, dim, keep_attrs=keep_attrs, **options)
        from xarray.core import duck_array_ops

        name = options.pop("func")
        if name == "quantile":
            return _grouped_quantile(self, options["q"], dim, keep_attrs, options.get("skipna"))
        function = getattr(duck_array_ops, name)
        # How flox fills, and how it is to work.
        for option in ("fill_value", "method"):
            options.pop(option, None)
        result = self.reduce(function, dim=dim, keep_attrs=keep_attrs, **options)
        # Several groupings leave their dimensions behind the others, where flox puts them in their place.
        return self._restore_dim_order(result) if len(self.groupers) > 1 and hasattr(result, "name") else result

    return reduce


def _grouped_quantile(groups: Any, q: Any, dim: Any, keep_attrs: bool | None, skipna: bool | None) -> Any:
    """What xarray does without flox, with the coordinates that it keeps with flox."""
    over = groups._group_dim if dim is None else dim
    quantile = type(groups._obj).quantile
    result = groups.map(quantile, shortcut=False, q=q, dim=over, keep_attrs=keep_attrs, skipna=skipna)
    return result.assign_coords({name: one for name, one in groups._obj.coords.items() if not one.dims})


def _labelled(original: Any) -> Any:
    """Chunks of a lazy array are its label; another chunk manager would wrap it in lazy arrays of its own."""

    @functools.wraps(original)
    def chunk(self: Any, *args: Any, chunked_array_type: Any = None, **options: Any) -> Any:
        if not holds_arrays(self):
            return original(self, *args, chunked_array_type=chunked_array_type, **options)
        labelled = original(self, *args, chunked_array_type="craton", **options)
        if chunked_array_type in (None, "craton"):
            return labelled
        for variable in labelled.variables.values():
            if isinstance(variable._data, Array):
                variable.data = variable._data.to_dask()
        return labelled

    return chunk


def _windowed(original: Any) -> Any:
    """A moving statistic that the engine has is one operator, rather than a view of all windows."""

    @functools.wraps(original)
    def reduce(self: Any, array_agg_func: Any, *args: Any, **options: Any) -> Any:
        data = self.obj.variable._data
        if not isinstance(data, Array):
            return original(self, array_agg_func, *args, **options)
        asked = options.get("rolling_agg_func") or array_agg_func
        kind = _WINDOWS.get(asked.__name__)
        has_more = not set(options) <= _OPTIONS
        if kind is None or has_more or self.ndim != 1 or data.dtype.kind not in "iufb":
            # Bottleneck and numbagg compute on NumPy's arrays only, which leaves xarray's own view of all windows.
            left = {**options, "bottleneck_move_func": None, "numbagg_move_func": None}
            return original(self, array_agg_func, *args, **left)
        return _rolled(self, data, kind, options.get("keep_attrs"))

    return reduce


_OPTIONS = {
    "bottleneck_move_func",
    "numbagg_move_func",
    "rolling_agg_func",
    "keep_attrs",
    "fillna",
    "sliding_window_view_kwargs",
}


def _rolled(rolling: Any, data: Array, kind: str, keep_attrs: bool | None) -> Any:
    axis = rolling.obj.get_axis_num(rolling.dim[0])
    window = rolling.window[0]
    # A centred window ends later than its label, so as many indices are put behind the end, and taken off the start.
    later = (window - 1) // 2 if rolling.center[0] else 0
    if data.dtype.kind != "f":
        data = data.astype("float64")
    widths = [(0, later if at == axis else 0) for at in range(data.ndim)]
    padded = numpy.pad(data, widths, constant_values=numpy.nan)
    rolled = Array(padded._node.rolling(kind, axis, window, rolling.min_periods))
    rolled = rolled[(slice(None),) * axis + (slice(later, None),)]
    attrs = rolling.obj.attrs if rolling._get_keep_attrs(keep_attrs) else {}
    return rolling.obj.__class__(rolled, rolling.obj.coords, attrs=attrs, name=rolling.obj.name)
