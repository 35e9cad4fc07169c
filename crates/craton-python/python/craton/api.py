"""Questions to the engine, with xarray objects as answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from craton import _native
from craton.stores import pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy
    import xarray

    Url = str | os.PathLike[str]
    Labelled = xarray.DataArray | xarray.Dataset
    Given = Labelled | xarray.DataTree

__all__ = ["eval", "explain"]


def eval(
    expression: str,
    *inputs: Url | Given,
    raw: bool = False,
    memory: int | str | None = None,
    threads: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **named: Url | Iterable[Url] | Given,
) -> Labelled | xarray.DataTree:
    """Compute an expression over the data at URLs, or over xarray objects.

    Parameters
    ----------
    expression : str
        xarray code as text, over ``ds``, the names given to inputs, ``np`` and ``xr``: assignments to names, then one
        expression.
    *inputs : str, path, xarray.DataArray, xarray.Dataset or xarray.DataTree
        What to open as ``ds``. Several URLs are one dataset, combined by their coordinates; patterns such as
        ``"era5-*.nc"`` stand for the files that they name. An xarray object is ``ds`` as it is: what is lazy in it, as
        `craton.open_dataset` gives it, stays part of the plan, and nothing of it is loaded before.
    raw : bool, default: False
        Take stored values as they are, without CF decoding.
    memory : int or str, optional
        Bytes that the whole process may hold, or a size such as ``"2GiB"``; half of what is available by default.
    threads : int, optional
        Threads to compute on; all cores by default.
    storage_options : dict, optional
        How the stores behind URLs are reached, as for `open_dataset`.
    **named : str, path, an iterable of these, xarray.DataArray, xarray.Dataset or xarray.DataTree
        Further inputs, each under its name.

    Returns
    -------
    xarray.DataArray, xarray.Dataset or xarray.DataTree
        The computed answer. A number is an array without dimensions. Instants are ``datetime64``, or objects of cftime
        where the calendar is another one or dates lie before its reform.

    Raises
    ------
    KeyError
        If a named thing does not exist: a file, variable, dimension or label.
    ValueError
        If the expression is malformed, or an operation does not fit its values, or a file breaks its format's rules.
    NotImplementedError
        If something is legal but not done by this version.
    MemoryError
        If the work does not fit into ``memory``.
    OSError
        If reading fails.
    TypeError
        If an xarray object holds arrays that another library would have to load.

    See Also
    --------
    explain : What the same question would read and hold.

    Examples
    --------
    >>> craton.eval("ds.t2m.sel(lat=slice(60, 40)).mean('time')", "era5.zarr")  # doctest: +SKIP
    >>> craton.eval("a.tas.mean() - b.tas.mean()", a="one.nc", b="other.nc")  # doctest: +SKIP
    >>> ds = craton.open_dataset("era5.zarr")  # doctest: +SKIP
    >>> craton.eval("t2m.groupby('time.month') - normal", t2m=ds.t2m, normal="normal.nc")  # doctest: +SKIP
    """
    answer = _native.evaluate(expression, _inputs(inputs, named), raw, memory, threads, pairs(storage_options))
    return _labelled(answer)


def explain(
    expression: str,
    *inputs: Url | Given,
    raw: bool = False,
    memory: int | str | None = None,
    threads: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **named: Url | Iterable[Url] | Given,
) -> str:
    """Tell how an expression would be computed, and what that would read and hold; only metadata and labels are read.

    Parameters
    ----------
    expression, *inputs, raw, memory, threads, storage_options, **named
        As for `eval`.

    Returns
    -------
    str
        The plan, the rules that changed it, and the figures of each pipeline.

    Raises
    ------
    KeyError, ValueError, NotImplementedError, OSError
        As for `eval`.
    """
    return _native.explain(expression, _inputs(inputs, named), raw, memory, threads, pairs(storage_options))


def _inputs(
    unnamed: tuple[Url | Given, ...], named: Mapping[str, Url | Iterable[Url] | Given]
) -> dict[str, _native.Input]:
    inputs = {"ds": _input("ds", unnamed[0] if len(unnamed) == 1 else unnamed)} if unnamed else {}
    for name, value in named.items():
        if name in inputs:
            raise TypeError(f"`{name}` is given twice, once without its name")
        inputs[name] = _input(name, value)
    return inputs


def _input(name: str, value: Any) -> _native.Input:
    if isinstance(value, (str, os.PathLike)):
        return [os.fspath(value)]
    if _is_labelled(value):
        from craton.given import given

        return given(value)
    several = list(value) if isinstance(value, Iterable) and not hasattr(value, "dims") else [value]
    for url in several:
        if not isinstance(url, (str, os.PathLike)):
            kind = f"{type(url).__module__.partition('.')[0]}.{type(url).__qualname__}"
            raise TypeError(
                f"`{name}` is a {kind}; an input is a path, several of them, or one xarray.DataArray, Dataset or DataTree"
            )
    return [os.fspath(url) for url in several]


def _is_labelled(value: Any) -> bool:
    """Whether a value is an object of xarray, which nobody can hold before xarray is imported."""
    xarray = sys.modules.get("xarray")
    # Older xarray has no trees.
    kinds = [getattr(xarray, kind, None) for kind in ("DataArray", "Dataset", "DataTree")]
    return isinstance(value, tuple(kind for kind in kinds if kind is not None))


def _labelled(answer: _native.AnyAnswer) -> Labelled | xarray.DataTree:
    import xarray

    if "groups" in answer:
        return xarray.DataTree.from_dict({path: _one(group) for path, group in answer["groups"].items()})
    return _one(answer)


def _one(answer: _native.ArrayAnswer | _native.DatasetAnswer) -> Labelled:
    import xarray

    coords = {name: _variable(variable) for name, variable in answer["coords"].items()}
    stacked = {name: names for name in coords if (names := _levels(coords, name))}
    levels = {level: coords.pop(level) for names in stacked.values() for level in names}
    plain = {name: coord for name, coord in coords.items() if name not in stacked}
    labelled: Labelled
    if "variable" in answer:
        labelled = xarray.DataArray(_variable(answer["variable"]), coords=plain, name=answer["name"])
    else:
        variables = {name: _variable(variable) for name, variable in answer["variables"].items()}
        labelled = xarray.Dataset(variables, coords=plain, attrs=answer["attrs"])
    for dim, names in stacked.items():
        labelled = labelled.assign_coords(_multi_index(dim, {name: levels[name] for name in names}))
        for name in names:
            labelled.coords[name].attrs.update(levels[name].attrs)
    return labelled


def _levels(coords: Mapping[str, xarray.Variable], dim: str) -> list[str]:
    """Give the names of the levels of a stacked dimension; none where one of them is not there."""
    index = coords[dim]
    if index.dims != (dim,) or index.dtype.kind != "O" or "compress" not in index.attrs:
        return []
    names = index.attrs["compress"].split(" ")
    return names if all(name in coords and coords[name].dims == (dim,) for name in names) else []


def _multi_index(dim: str, levels: Mapping[str, xarray.Variable]) -> xarray.Coordinates:
    """Give the labels of a stacked dimension, each level's in the order in which they are met."""
    import pandas
    import xarray

    pairs = [pandas.factorize(level.values) for level in levels.values()]
    index = pandas.MultiIndex([labels for _, labels in pairs], [codes for codes, _ in pairs], names=list(levels))
    return xarray.Coordinates.from_pandas_multiindex(index, dim)


def _variable(parts: _native.Variable) -> xarray.Variable:
    import xarray

    dims, values, attrs, calendar = parts
    if calendar is not None:
        values = dates(values, *calendar)
    return xarray.Variable(dims, values, attrs)


# Units that cftime counts in, as parts of each other.
_PER_SECOND = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_SECONDS = {"D": 86_400, "h": 3_600, "m": 60, "s": 1}


def dates(counts: numpy.ndarray, unit: str, step: int, calendar: str) -> numpy.ndarray:
    """Give the dates that are `counts` of `step` units after 1970-01-01 in a calendar that NumPy lacks."""
    import numpy

    try:
        import cftime
    except ImportError as error:
        raise ImportError(f"dates in the calendar `{calendar}` need the package cftime") from error
    is_missing = counts == numpy.iinfo("int64").min
    whole = numpy.where(is_missing, 0, counts) * step
    # Microseconds are the finest that cftime has.
    if unit in _SECONDS:
        whole, name = whole * _SECONDS[unit], "seconds"
    elif unit == "ms":
        name = "milliseconds"
    else:
        whole, name = whole // (_PER_SECOND[unit] // 1_000_000), "microseconds"
    dates = cftime.num2date(whole, f"{name} since 1970-01-01", calendar=calendar, only_use_cftime_datetimes=True)
    dates = numpy.asarray(dates, dtype=object)
    if is_missing.any():
        dates = numpy.where(is_missing, numpy.nan, dates)
    return dates
