"""The engine's stores as a store of zarr-python."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.abc.store import Store as AbstractStore
from zarr.core.buffer import Buffer
from zarr.core.buffer.core import default_buffer_prototype

from craton import _native
from craton.stores import pairs, public_url

if TYPE_CHECKING:
    from zarr.core.buffer import BufferPrototype

__all__ = ["Store"]

T = TypeVar("T")

# Requests of one process that wait for a network at once.
_AT_ONCE = 64


class Store(AbstractStore):
    """What lies at a URL, as zarr-python takes stores.

    Parameters
    ----------
    url : str or path
        A folder, ``memory://NAME``, ``s3://``, ``gs://``, ``az://``, ``abfs://``; to read only, a web server, a ZIP archive, or an
        Icechunk repository at a version, ``icechunk+PATH@VERSION``.
    storage_options : dict, optional
        How the store behind a URL is reached, as for `craton.open_dataset`.
    read_only : bool, optional
        Whether writing is refused. By default wherever the place cannot be written to. A place that is opened to be read is
        taken to stay as it is: an object that changes while it is read is an error.

    Examples
    --------
    >>> store = craton.zarr.Store("s3://bucket/era5.zarr", storage_options={"anon": True})  # doctest: +SKIP
    >>> zarr.open_group(store, mode="r")  # doctest: +SKIP
    """

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(
        self,
        url: str | os.PathLike[str],
        *,
        storage_options: Mapping[str, Any] | None = None,
        read_only: bool | None = None,
    ) -> None:
        self.url = os.fspath(url)
        self._options = dict(storage_options or {})
        can_be_written = _native.can_be_written(self.url)
        if read_only is None:
            read_only = not can_be_written
        elif not read_only and not can_be_written:
            raise ValueError(f"{public_url(self.url)!r} can only be read: files, web servers, archives and repositories")
        super().__init__(read_only=read_only)
        self._opened: _native.Store | None = None
        self._opening = threading.Lock()

    # How it is told from others, copied, and shown --------------------------------------------------------------

    def with_read_only(self, read_only: bool = False) -> Store:
        """Give the same place, to be read or to be written."""
        return type(self)(self.url, storage_options=self._options, read_only=read_only)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._key() == self._key()

    def __hash__(self) -> int:
        return hash((self.url, self.read_only))

    def _key(self) -> tuple[Any, ...]:
        return self.url, self._options, self.read_only

    def __reduce__(self) -> Any:
        return _made, (self.url, self._options, self.read_only)

    def __str__(self) -> str:
        return public_url(self.url)

    def __repr__(self) -> str:
        return f"craton.zarr.Store({str(self)!r})"

    # Opening ----------------------------------------------------------------------------------------------------

    def _objects(self) -> _native.Store:
        """Give the engine's store; it is opened by whoever asks first."""
        with self._opening:
            if self._opened is None:
                try:
                    self._opened = _native.Store(self.url, not self.read_only, pairs(self._options))
                except KeyError as error:
                    raise FileNotFoundError(str(error.args[0])) from None
            return self._opened

    async def _open(self) -> None:
        await super()._open()
        try:
            await _in_thread(self._objects)
        except BaseException:
            self._is_open = False
            raise

    async def _call(self, method: Callable[..., T], *arguments: Any) -> T:
        objects = self._opened
        if objects is None:
            objects = await _in_thread(self._objects)
        self._is_open = True
        return await _in_thread(method, objects, *arguments)

    # Reading ----------------------------------------------------------------------------------------------------

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Give an object's bytes, or those of a range of it."""
        bounds: tuple[int | None, ...]
        match byte_range:
            case None:
                bounds = (None, None, None)
            case RangeByteRequest(start, end):
                bounds = (start, end, None)
            case OffsetByteRequest(offset):
                bounds = (offset, None, None)
            case SuffixByteRequest(suffix):
                bounds = (None, None, suffix)
            case _:
                raise TypeError(f"Unexpected byte_range, got {byte_range}.")
        got = await self._call(_native.Store.get, key, *bounds)
        if got is None:
            return None
        prototype = default_buffer_prototype() if prototype is None else prototype
        return prototype.buffer.from_array_like(np.frombuffer(got, dtype="B"))

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Give the bytes of several ranges, all at once."""
        return await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges))

    async def exists(self, key: str) -> bool:
        """Tell whether there is an object."""
        return await self._call(_native.Store.size, key) is not None

    async def getsize(self, key: str) -> int:
        """Give the bytes of an object."""
        size = await self._call(_native.Store.size, key)
        if size is None:
            raise FileNotFoundError(key)
        return size

    # Listing ----------------------------------------------------------------------------------------------------

    async def list(self) -> AsyncIterator[str]:
        """Give the names of all objects."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Give the names of all objects in a folder, and in those below it."""
        folders = [prefix.strip("/")]
        while folders:
            listed = await asyncio.gather(*(self._call(_native.Store.list, folder) for folder in folders))
            below = []
            for folder, names in zip(folders, listed, strict=True):
                for name in names:
                    path = f"{folder}/{name}" if folder else name
                    if name.endswith("/"):
                        below.append(path.rstrip("/"))
                    else:
                        yield path
            folders = below

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Give the names of what lies directly in a folder."""
        for name in await self._call(_native.Store.list, prefix.strip("/")):
            yield name.rstrip("/")

    # Writing ----------------------------------------------------------------------------------------------------

    async def set(self, key: str, value: Buffer) -> None:
        """Write an object."""
        await self._put(key, value, may_replace=True)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Write an object if there is none."""
        await self._put(key, value, may_replace=False)

    async def _put(self, key: str, value: Buffer, *, may_replace: bool) -> None:
        self._check_writable()
        if not isinstance(value, Buffer):
            raise TypeError(f"`value` must be a Buffer instance. Got an instance of {type(value)} instead.")
        await self._call(_native.Store.put, key, np.ascontiguousarray(value.as_numpy_array()), may_replace)

    async def delete(self, key: str) -> None:
        """Remove an object, if there is one."""
        self._check_writable()
        await self._call(_native.Store.remove, key)

    async def delete_dir(self, prefix: str) -> None:
        """Remove all objects in a folder, and in those below it."""
        self._check_writable()
        keys = [key async for key in self.list_prefix(prefix)]
        await asyncio.gather(*map(self.delete, keys))


Store.__module__ = "craton.zarr"


def _made(url: str, options: Mapping[str, Any], read_only: bool) -> Store:
    return Store(url, storage_options=options, read_only=read_only)


_waiting: tuple[int, ThreadPoolExecutor] | None = None


async def _in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Run what waits for a store on a thread that may wait; there are enough for many requests at once."""
    global _waiting
    process = os.getpid()
    if _waiting is None or _waiting[0] != process:
        # Threads do not come along into a forked process.
        _waiting = process, ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="craton-store")
    return await asyncio.get_running_loop().run_in_executor(_waiting[1], work, *arguments)
