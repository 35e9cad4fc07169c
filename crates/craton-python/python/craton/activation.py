"""Craton under xarray's own functions, as long as one asks for it."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from typing import Any

from craton import _native

__all__ = ["activate", "active", "deactivate"]

# What `deactivate` puts back: object, attribute, value.
_BEFORE: list[tuple[Any, str, Any]] = []


def activate() -> None:
    """Let xarray open with Craton, until `deactivate`.

    `xarray.open_dataset`, `open_dataarray`, `open_datatree`, `open_groups`, `open_mfdataset` and `open_zarr` then give
    lazy `craton.Array` for local paths that Craton reads, where no ``engine`` is named; ``.chunk()`` makes arrays lazy
    in Craton. Everything else is as before. Calling it again changes nothing.
    """
    if _BEFORE:
        return
    import xarray
    from xarray.backends import plugins
    from xarray.core.options import OPTIONS

    _replace(plugins, "guess_engine", _guessing(plugins.guess_engine))
    _replace(xarray, "open_zarr", _opening_zarr(xarray.open_zarr))
    _BEFORE.append((OPTIONS, "chunk_manager", OPTIONS["chunk_manager"]))
    xarray.set_options(chunk_manager="craton")


def deactivate() -> None:
    """Leave xarray as it was before `activate`; what is opened stays lazy in Craton."""
    while _BEFORE:
        owner, name, value = _BEFORE.pop()
        if isinstance(owner, dict):
            owner[name] = value
        else:
            setattr(owner, name, value)


@contextlib.contextmanager
def active() -> Iterator[None]:
    """Let xarray open with Craton inside a ``with`` block.

    Examples
    --------
    >>> with craton.active():  # doctest: +SKIP
    ...     ds = xarray.open_dataset("era5.zarr")
    """
    was_active = bool(_BEFORE)
    activate()
    try:
        yield
    finally:
        if not was_active:
            deactivate()


def _replace(owner: Any, name: str, value: Any) -> None:
    _BEFORE.append((owner, name, getattr(owner, name)))
    setattr(owner, name, value)


def _reads(path: Any) -> bool:
    """Tell whether there is something at a local path that Craton opens."""
    if not isinstance(path, (str, os.PathLike)) or "://" in os.fspath(path):
        return False
    from craton.backend import url_of

    try:
        _native.StoredFile(url_of(path), [])
    except (KeyError, NotImplementedError, OSError, ValueError):
        return False
    return True


def _guessing(original: Any) -> Any:
    @functools.wraps(original)
    def guess_engine(store_spec: Any, *args: Any, **options: Any) -> Any:
        if not _reads(store_spec):
            return original(store_spec, *args, **options)
        from craton.backend import CratonBackendEntrypoint

        return CratonBackendEntrypoint

    return guess_engine


def _opening_zarr(original: Any) -> Any:
    known = {"group", "chunks", "drop_variables", "decode_cf", "mask_and_scale", "decode_times", "decode_timedelta"}
    known |= {"use_cftime", "concat_characters", "decode_coords", "consolidated"}

    @functools.wraps(original)
    def open_zarr(store: Any, **options: Any) -> Any:
        if not _reads(store) or not set(options) <= known:
            return original(store, **options)
        from craton.opening import open_dataset

        return open_dataset(store, **{"chunks": {}, **options})

    return open_zarr
