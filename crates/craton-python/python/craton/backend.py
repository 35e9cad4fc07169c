"""The engine as a backend of xarray: `xarray.open_dataset(path, engine="craton")`.

xarray decides by attributes what each variable becomes, as with every backend. The numbers are then Craton's own plans,
masked and unpacked in the engine. Dates and texts are decoded by xarray when they are used, from what Craton reads.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy
import xarray
from xarray.backends import AbstractDataStore, BackendArray, BackendEntrypoint
from xarray.backends.store import StoreBackendEntrypoint
from xarray.coding.strings import create_vlen_dtype
from xarray.core import indexing

from craton import _native
from craton.array import Array
from craton.stores import pairs, public_url

__all__ = ["CratonBackendEntrypoint"]

# Coordinates of one axis at most and of no more labels than this are read at once: they are compared whenever arrays
# meet.
_MOST_LABELS = 100_000


class StoredValues(BackendArray):
    """The stored values of one variable; each indexing reads what it asks for."""

    def __init__(self, node: _native.Node, dtype: numpy.dtype) -> None:
        self.array, self.dtype, self.shape = Array(node), dtype, tuple(node.shape)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        support = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, support, self._read)

    def _read(self, key: tuple[Any, ...]) -> numpy.ndarray:
        array = self.array
        # From the last axis to the first, because a single index takes its axis away.
        for axis in reversed(range(len(key))):
            array = array[(slice(None),) * axis + (key[axis],)]
        return array.compute()


class StoredGroup(AbstractDataStore):
    """One group of a file, with what xarray calls attributes and encoding."""

    def __init__(self, file: _native.StoredFile, group: str, drop: set[str]) -> None:
        self.file, self.group = file, group
        variables, broken = file.variables(group)
        self.facts = {name: facts for name, facts in variables.items() if name not in drop}
        for name, report in broken:
            if name not in drop:
                warnings.warn(f"variable {name!r} cannot be read and is left out: {report}", UserWarning, stacklevel=6)

    def get_attrs(self) -> dict[str, Any]:
        return self.file.attributes(self.group)

    def get_variables(self) -> dict[str, xarray.Variable]:
        return {name: self._variable(facts) for name, facts in self.facts.items()}

    def _variable(self, facts: _native.StoredFacts) -> xarray.Variable:
        dims, chunks, shape = facts["dims"], facts["chunks"], tuple(facts["node"].shape)
        encoding: dict[str, Any] = {} if self.file.is_zarr else {"source": self.file.url, "original_shape": shape}
        if chunks is not None:
            encoding["preferred_chunks"] = dict(zip(dims, chunks, strict=True))
            encoding["chunks" if self.file.is_zarr else "chunksizes"] = chunks
            if facts["shards"] is not None:
                encoding["shards"] = facts["shards"]
        texts = {"str": str, "bytes": bytes}.get(facts["dtype"])
        dtype = numpy.dtype(facts["dtype"]) if texts is None else create_vlen_dtype(texts)
        encoding["dtype"] = dtype if texts is None else texts
        data = indexing.LazilyIndexedArray(StoredValues(facts["node"], dtype))
        return xarray.Variable(dims, data, facts["attrs"], encoding)

    def get_encoding(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        pass


class CratonBackendEntrypoint(BackendEntrypoint):
    """Files and stores read by Craton: Zarr 2 and 3, netCDF-3, netCDF-4 and HDF5."""

    description = "Open Zarr, netCDF and HDF5 in Craton, as lazy craton.Array"
    open_dataset_parameters = (
        "filename_or_obj",
        "mask_and_scale",
        "decode_times",
        "decode_timedelta",
        "use_cftime",
        "concat_characters",
        "decode_coords",
        "drop_variables",
        "group",
        "storage_options",
    )
    supports_groups = True

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Leave files to the other engines unless Craton is asked for by name, or active."""
        return False

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        group: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> xarray.Dataset:
        """Open one group."""
        url = url_of(filename_or_obj)
        file = _native.StoredFile(url, pairs(storage_options))
        path = file.selected if group is None else "/" + group.strip("/")
        dataset = _dataset(file, path, options)
        if "://" in url:
            # xarray would keep the URL as it was given, with the signature it may carry.
            dataset.encoding["source"] = public_url(url)
        return dataset

    def open_groups_as_dict(
        self,
        filename_or_obj: Any,
        *,
        group: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, xarray.Dataset]:
        """Open every group from one on, by path."""
        file = _native.StoredFile(url_of(filename_or_obj), pairs(storage_options))
        top = (file.selected if group is None else "/" + group.strip("/")).rstrip("/")
        inside = [path for path in file.groups if f"{path.rstrip('/')}/".startswith(f"{top}/")]
        return {path[len(top) :] or "/": _dataset(file, path, options) for path in inside}

    def open_datatree(self, filename_or_obj: Any, **options: Any) -> xarray.DataTree:
        """Open every group as a tree."""
        return xarray.DataTree.from_dict(self.open_groups_as_dict(filename_or_obj, **options))


def url_of(path: Any) -> str:
    """Give the URL of what a user names.

    Raises
    ------
    TypeError
        If it is no path: an opened file, bytes, or a store object.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"a path is needed, this is a {type(path).__qualname__}; craton opens files and stores by name")
    url = os.path.expanduser(os.fspath(path))
    # xarray takes `icechunk+PATH` for a path in the working folder.
    here = os.path.join(os.getcwd(), "icechunk+")
    return url[len(here) - len("icechunk+") :] if url.startswith(here) else url


def _dataset(file: _native.StoredFile, group: str, options: dict[str, Any]) -> xarray.Dataset:
    drop = options.get("drop_variables") or ()
    store = StoredGroup(file, group, {drop} if isinstance(drop, str) else set(drop))
    dataset = StoreBackendEntrypoint().open_dataset(
        store, **{name: value for name, value in options.items() if value is not None}
    )
    for name, variable in dataset.variables.items():
        if variable.dims == (name,):
            continue
        if name in dataset.coords and variable.ndim < 2 and variable.size <= _MOST_LABELS:
            variable.load()
        elif variable.dtype.kind in "biufc":
            array = _numbers(store, name, variable, options)
            if array is not None:
                variable.data = array
    return dataset


def _numbers(store: StoredGroup, name: str, variable: xarray.Variable, options: dict[str, Any]) -> Array | None:
    """Give the plan of a variable's numbers; None where the engine reads its attributes otherwise than xarray."""
    unpacks = _option(options, "mask_and_scale", name)
    # Missing counts of time stay integers where they become dates or durations, and only there.
    for keeps_times in (bool(_option(options, "decode_times", name)), False):
        node = store.file.numbers(store.group, name, bool(unpacks), keeps_times)
        if node.dtype == variable.dtype.name and tuple(node.shape) == variable.shape:
            return Array(node)
    return None


def _option(options: dict[str, Any], option: str, name: str) -> Any:
    value = options.get(option)
    if isinstance(value, Mapping):
        value = value.get(name)
    return True if value is None else value
