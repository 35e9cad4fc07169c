"""Questions to the engine, with xarray objects as answers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from craton import _native
from craton.stores import pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    import numpy
    import xarray

    Url = str | os.PathLike[str]

__all__ = ["eval", "explain"]


def eval(
    expression: str,
    *urls: Url,
    raw: bool = False,
    memory: int | None = None,
    threads: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **named: Url | Iterable[Url],
) -> xarray.DataArray | xarray.Dataset:
    """Compute an expression over the data at URLs.

    Parameters
    ----------
    expression : str
        xarray code as text, over ``ds``, the names given to inputs, ``np`` and ``xr``: assignments to names, then one
        expression.
    *urls : str or path
        What to open as ``ds``. Several are one dataset, combined by their coordinates; patterns such as
        ``"era5-*.nc"`` stand for the files that they name.
    raw : bool, default: False
        Take stored values as they are, without CF decoding.
    memory : int, optional
        Bytes that the whole process may hold; half of what is available by default.
    threads : int, optional
        Threads to compute on; all cores by default.
    storage_options : dict, optional
        How the stores behind URLs are reached, as for `open_dataset`.
    **named : str, path, or an iterable of these
        Further inputs, each under its name.

    Returns
    -------
    xarray.DataArray or xarray.Dataset
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

    See Also
    --------
    explain : What the same question would read and hold.

    Examples
    --------
    >>> craton.eval("ds.t2m.sel(lat=slice(60, 40)).mean('time')", "era5.zarr")  # doctest: +SKIP
    >>> craton.eval("a.tas.mean() - b.tas.mean()", a="one.nc", b="other.nc")  # doctest: +SKIP
    """
    answer = _native.evaluate(expression, _inputs(urls, named), raw, memory, threads, pairs(storage_options))
    return _labelled(answer)


def explain(
    expression: str,
    *urls: Url,
    raw: bool = False,
    memory: int | None = None,
    threads: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **named: Url | Iterable[Url],
) -> str:
    """Tell how an expression would be computed, and what that would read and hold; only metadata and labels are read.

    Parameters
    ----------
    expression, *urls, raw, memory, threads, storage_options, **named
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
    return _native.explain(expression, _inputs(urls, named), raw, memory, threads, pairs(storage_options))


def _inputs(urls: tuple[Url, ...], named: Mapping[str, Url | Iterable[Url]]) -> dict[str, list[str]]:
    inputs = {"ds": [os.fspath(url) for url in urls]} if urls else {}
    for name, value in named.items():
        several = [value] if isinstance(value, (str, os.PathLike)) else value
        inputs.setdefault(name, []).extend(os.fspath(url) for url in several)
    return inputs


def _labelled(answer: _native.AnyAnswer) -> xarray.DataArray | xarray.Dataset:
    import xarray

    coords = {name: _variable(variable) for name, variable in answer["coords"].items()}
    if "variable" in answer:
        variable = _variable(answer["variable"])
        return xarray.DataArray(variable, coords=coords, name=answer["name"])
    variables = {name: _variable(variable) for name, variable in answer["variables"].items()}
    return xarray.Dataset(variables, coords=coords, attrs=answer["attrs"])


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
