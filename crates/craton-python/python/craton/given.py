"""xarray objects as inputs of expressions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy

from craton import _native
from craton.array import Array, name_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import xarray

__all__ = ["given"]

# cftime counts in these without loss.
_FINEST = "us"


def given(value: xarray.DataArray | xarray.Dataset | xarray.DataTree) -> _native.Given:
    """Give the parts of an xarray object: plans stay plans, values at hand become part of the plan.

    Raises
    ------
    TypeError
        If a variable is a lazy array of another library, or an attribute has no place in a file.
    NotImplementedError
        If the values of a variable, such as those of a MultiIndex, are not computed on.
    """
    import xarray

    if isinstance(value, xarray.DataArray):
        name = None if value.name is None else _text(value.name)
        variable = _variable(value.variable, name or "the array")
        return {"name": name, "variable": variable, "coords": _variables(value.coords)}
    if isinstance(value, xarray.Dataset):
        return _dataset(value, "the dataset")
    groups = {}
    for name, node in value.subtree_with_keys:
        path = "" if name == "." else name
        # A part of a tree stands alone: its root has the labels from above it, what is below has them from there.
        dataset = node.to_dataset(inherit=node is value)
        groups[f"/{path}"] = _dataset(dataset, f"the group `/{path}`", f"{path}/" if path else "")
    return {"groups": groups}


def _dataset(dataset: xarray.Dataset, owner: str, place: str = "") -> _native.GivenDataset:
    return {
        "variables": _variables(dataset.data_vars, place),
        "coords": _variables(dataset.coords, place),
        "attrs": _attributes(dataset.attrs, owner),
    }


def _variables(variables: Mapping[Hashable, xarray.DataArray], place: str = "") -> dict[str, _native.GivenVariable]:
    return {_text(name): _variable(array.variable, f"{place}{name}") for name, array in variables.items()}


def _text(name: Hashable) -> str:
    if not isinstance(name, str):
        raise TypeError(f"names are texts in an expression, this one is {name!r}; `.rename({{{name!r}: 'a name'}})`")
    return name


def _variable(variable: xarray.Variable, name: str) -> _native.GivenVariable:
    dims = tuple(_text(dim) for dim in variable.dims)
    try:
        return dims, _node(variable), _attributes(variable.attrs, f"`{name}`")
    except (NotImplementedError, TypeError) as error:
        raise type(error)(f"`{name}`: {error}") from error


def _node(variable: xarray.Variable) -> _native.Node:
    import pandas
    import xarray

    data = variable._data
    if isinstance(data, Array):
        return data._node
    if hasattr(data, "__dask_graph__"):
        raise TypeError(
            "the values are a dask array; `.compute()` it first, or open the data with `craton.open_dataset`"
        )
    if isinstance(variable, xarray.IndexVariable) and isinstance(variable.to_index(), pandas.MultiIndex):
        raise NotImplementedError("a MultiIndex is not computed on; `.reset_index(…)` takes it apart")
    if not (variable._in_memory or _is_ours(data)):
        raise TypeError(
            "the values are not loaded, and would be as a whole; open the data with `craton.open_dataset`, or `.load()` it"
        )
    values = numpy.asarray(variable.values)
    return _objects(values) if values.dtype.kind in "OT" else Array.of(values)._node


def _is_ours(data: Any) -> bool:
    """Whether a lazy array of xarray is one over a file that Craton opened: dates and texts."""
    from craton.backend import StoredValues

    while not isinstance(data, StoredValues):
        data = getattr(data, "array", None)
        if data is None:
            return False
    return True


def _objects(values: numpy.ndarray) -> _native.Node:
    """Texts of any length, or dates of cftime."""
    flat = values.ravel().tolist()
    if all(isinstance(value, str) for value in flat):
        return _native.Node.texts(values.shape, flat)
    calendars = {getattr(value, "calendar", None) for value in flat if value == value}
    if len(calendars) == 1 and None not in calendars:
        import cftime

        calendar = calendars.pop()
        missing = numpy.iinfo("int64").min
        units = "microseconds since 1970-01-01"
        counts = [cftime.date2num(value, units, calendar) if value == value else missing for value in flat]
        return _native.Node.instants(_FINEST, calendar, values.shape, numpy.asarray(counts, "int64").tobytes())
    kinds = sorted({type(value).__name__ for value in flat})
    raise NotImplementedError(
        f"values of the kinds {', '.join(kinds)} are not computed on; "
        "numbers, dates, durations and texts are"
    )


def _attributes(attributes: Mapping[Any, Any], owner: str) -> dict[str, _native.GivenAttribute]:
    return {_text(name): _attribute(value, f"attribute `{name}` of {owner}") for name, value in attributes.items()}


def _attribute(value: Any, what: str) -> _native.GivenAttribute:
    """Numbers of NumPy with their dtype, anything else as JSON."""
    if isinstance(value, (float, numpy.generic, numpy.ndarray)):
        numbers = numpy.asarray(value)
        if numbers.dtype.kind in "biufc" and numbers.ndim < 2:
            numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
            return name_of(numbers.dtype), numbers.ndim == 0, numbers.tobytes()
        value = numbers.tolist()
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} is a {type(value).__name__}; drop it, or make it a text: {error}") from error
