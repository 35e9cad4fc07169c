"""Opening files as xarray objects over lazy arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from craton import _native
from craton.stores import pairs

if TYPE_CHECKING:
    import xarray

    Url = str | os.PathLike[str]

__all__ = ["open", "open_dataset", "open_datatree"]

# xarray's names that change nothing here: plans are lazy without them, and metadata are found wherever they are.
_WITHOUT_MEANING = {"cache", "consolidated", "inline_array", "lock", "overwrite_encoded_chunks"}
_REFUSED = {
    "backend_kwargs": "name the options themselves",
    "chunked_array_type": "the arrays are craton.Array; `.to_dask()` of each gives dask's",
    "from_array_kwargs": "the arrays are craton.Array",
}
# What decoding several files together always does.
_DECODERS = ("mask_and_scale", "decode_times", "decode_timedelta", "use_cftime", "concat_characters", "decode_coords")


def open_dataset(
    paths: Url | Iterable[Url],
    *,
    group: str | None = None,
    chunks: Any = None,
    decode_cf: bool | None = None,
    mask_and_scale: bool | Mapping[str, bool] | None = None,
    decode_times: Any = None,
    decode_timedelta: Any = None,
    use_cftime: bool | Mapping[str, bool] | None = None,
    concat_characters: bool | Mapping[str, bool] | None = None,
    decode_coords: Any = None,
    drop_variables: str | Iterable[str] | None = None,
    create_default_indexes: bool = True,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> xarray.Dataset:
    """Open files or stores as a dataset whose numbers are lazy `craton.Array`.

    Only metadata and index coordinates are read. Names, attributes, encoding, dtypes and decoding are those of
    `xarray.open_dataset`. Operations stay lazy; ``.compute()``, ``.load()`` and ``.values`` compute in bounded memory.

    Parameters
    ----------
    paths : str, path, or an iterable of these
        What to open: a Zarr store, a netCDF or HDF5 file, or one group of either as ``FILE!/group``. Several, or a
        pattern such as ``"era5-*.nc"``, are one dataset, joined along the dimension in which their coordinates differ;
        attributes are the first one's.
    group : str, optional
        The group to open; the root by default.
    chunks : int, dict, "auto" or None
        A label that writers go by; it has no influence on computing. ``{}`` and "auto" label with the stored chunks.
    decode_cf, mask_and_scale, decode_times, decode_timedelta, use_cftime, concat_characters, decode_coords
        As for `xarray.open_dataset`. Several files are always decoded.
    drop_variables : str or iterable of str, optional
        Variables to leave out.
    create_default_indexes : bool, default: True
        Whether coordinates along their own dimension are read and become indexes.
    storage_options : dict, optional
        How the stores behind URLs are reached, by the names of ``--store`` or of fsspec: ``anon``, ``key``, ``secret``,
        ``profile``, ``endpoint_url``, ``requester_pays``, ``headers`` and others. ``craton.toml`` has what is not given.
    **options
        Further names of `xarray.open_dataset`: those without a meaning here are accepted, others refused by name.

    Returns
    -------
    xarray.Dataset
        Numbers are `craton.Array`. Dates and texts are read by xarray's own lazy arrays when they are used.

    Raises
    ------
    KeyError
        If there is nothing at a path, or no such group.
    NotImplementedError
        If an option or a format is not supported.
    ValueError
        If a file breaks its format's rules, or files do not fit together.

    Warns
    -----
    UserWarning
        For each variable that cannot be read, which is left out.

    Examples
    --------
    >>> ds = craton.open_dataset("era5.zarr")  # doctest: +SKIP
    >>> ds.t2m.groupby("time.month").mean().compute()  # doctest: +SKIP
    """
    import xarray

    from craton.backend import CratonBackendEntrypoint, url_of

    _check(options)
    urls = _urls(paths, storage_options)
    decoders = {
        "mask_and_scale": mask_and_scale,
        "decode_times": decode_times,
        "decode_timedelta": decode_timedelta,
        "use_cftime": use_cftime,
        "concat_characters": concat_characters,
        "decode_coords": decode_coords,
    }
    given: dict[str, Any] = {name: value for name, value in decoders.items() if value is not None}
    dataset = xarray.open_dataset(
        url_of(urls[0]),
        engine=CratonBackendEntrypoint,
        storage_options=storage_options,
        decode_cf=decode_cf,
        drop_variables=drop_variables,
        create_default_indexes=create_default_indexes,
        **({} if group is None else {"group": group}),
        **given,
    )
    if len(urls) > 1:
        named = [*given, *["group"] * (group is not None), *["decode_cf"] * (decode_cf is not None)]
        if named:
            raise NotImplementedError(f"`{named[0]}` for several files at once; open them one by one and combine them")
        dataset = _together(dataset, urls, storage_options)
    return dataset if chunks is None else _labelled(dataset, chunks)


def open_datatree(
    path: Url,
    *,
    group: str | None = None,
    chunks: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> xarray.DataTree:
    """Open all groups of a file or store as a tree of datasets whose numbers are lazy `craton.Array`.

    Parameters
    ----------
    path : str or path
        What to open.
    group : str, optional
        The group to begin at; the root by default.
    chunks, storage_options, **options
        As for `open_dataset`.

    Returns
    -------
    xarray.DataTree

    Raises
    ------
    KeyError, NotImplementedError, ValueError
        As for `open_dataset`; `ValueError` also where xarray's trees do not allow what the file holds.
    """
    import xarray

    from craton.backend import CratonBackendEntrypoint, url_of

    refused = {name: value for name, value in options.items() if name not in {*_DECODERS, *_PASSED}}
    _check(refused)
    options = {name: value for name, value in options.items() if name not in refused}
    tree = xarray.open_datatree(
        url_of(path),
        engine=CratonBackendEntrypoint,
        storage_options=storage_options,
        **({} if group is None else {"group": group}),
        **{name: value for name, value in options.items() if value is not None},
    )
    return tree if chunks is None else tree.map_over_datasets(lambda dataset: _labelled(dataset, chunks))


_PASSED = ("decode_cf", "drop_variables", "create_default_indexes")


def open(paths: Url | Iterable[Url], **options: Any) -> xarray.Dataset | xarray.DataArray:
    """Open a dataset, or the one array that the path names (``FILE!/array``); options as `open_dataset`."""
    dataset = open_dataset(paths, **options)
    storage_options = options.get("storage_options")
    urls = _urls(paths, storage_options)
    name = _native.StoredFile(urls[0], pairs(storage_options)).array if len(urls) == 1 else None
    return dataset if name is None else dataset[name]


def _check(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name == "engine" and value in (None, "craton"):
            continue
        if name in _WITHOUT_MEANING or (value is None and name in _REFUSED):
            continue
        if name == "engine":
            raise NotImplementedError(
                f"`engine={value!r}`: this opens with Craton; `xarray.open_dataset` has the others"
            )
        if name in _REFUSED:
            raise NotImplementedError(f"`{name}` is not supported: {_REFUSED[name]}")
        raise TypeError(f"`{name}` is no option of open_dataset")


def _urls(paths: Any, storage_options: Mapping[str, Any] | None) -> list[str]:
    from craton.backend import url_of

    several = [paths] if isinstance(paths, (str, os.PathLike)) or not isinstance(paths, Iterable) else list(paths)
    stores = pairs(storage_options)
    urls = [url for path in several for url in _native.expand(url_of(path), stores)]
    if not urls:
        raise ValueError("no path was given; at least one is needed")
    return urls


def _together(
    first: xarray.Dataset, urls: list[str], storage_options: Mapping[str, Any] | None
) -> xarray.Dataset:
    """Give the dataset of all files, with names, attributes and encoding of the first."""
    import xarray

    from craton.api import dates
    from craton.array import Array

    joined = _native.open_together(urls, pairs(storage_options))
    variables = {}
    for name, variable in first.variables.items():
        dims, stored, calendar = joined[str(name)]
        values: Any = stored
        if isinstance(stored, _native.Node):
            values = Array(stored)
        elif calendar is not None:
            values = dates(stored, *calendar)
        encoding = {key: value for key, value in variable.encoding.items() if key not in {"source", "original_shape"}}
        variables[name] = xarray.Variable(dims, values, variable.attrs, encoding)
    coords = {name: variables.pop(name) for name in first.coords}
    dataset = xarray.Dataset(variables, coords, first.attrs)
    dataset.encoding = {**first.encoding, "source": first.encoding.get("source", urls[0])}
    return dataset


def _labelled(dataset: xarray.Dataset, chunks: Any) -> xarray.Dataset:
    """Give the dataset with a chunk label on every lazy array."""
    from craton.array import Array

    dataset = dataset.copy(deep=False)
    for variable in dataset.variables.values():
        if isinstance(variable._data, Array):
            stored = variable.encoding.get("preferred_chunks", {})
            by_axis = {}
            for axis, dim in enumerate(variable.dims):
                asked = chunks.get(dim, stored.get(dim)) if isinstance(chunks, Mapping) else chunks
                by_axis[axis] = stored.get(dim, -1) if asked in (None, "auto") else asked
            variable.data = variable._data.rechunk(by_axis)
    return dataset
