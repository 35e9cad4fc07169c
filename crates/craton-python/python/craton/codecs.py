"""Codecs written in Python, for arrays whose codec the engine does not have.

They are called one chunk at a time and hold the interpreter's lock, so they are a last resort; what tells of codecs calls
them ``python:NAME``.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import sys
from typing import Any

from craton import _native

__all__ = ["find", "register_codec"]

_registered: dict[str, type] = {}


def register_codec(name: str, codec: type) -> None:
    """Read arrays whose metadata name a codec by a class of Python.

    Codecs that are installed for numcodecs or zarr-python need not be registered.

    Parameters
    ----------
    name : str
        The ``id`` that version 2 of Zarr gives it, or the ``name`` of version 3.
    codec : type
        A class as numcodecs has them (``from_config``, ``decode``, ``encode``), or one as zarr-python has them, derived from
        `zarr.abc.codec.BytesBytesCodec`.

    Raises
    ------
    TypeError
        If the class is of neither kind.
    ValueError
        If the engine itself has a codec of that name.

    Examples
    --------
    >>> craton.register_codec("my.codec", MyCodec)  # doctest: +SKIP
    """
    if name.removeprefix("numcodecs.") in _native.codecs():
        raise ValueError(f"the codec {name!r} is there already")
    if not (hasattr(codec, "from_config") or hasattr(codec, "from_dict")):
        raise TypeError(f"{codec!r} is no codec: it has neither `from_config` nor `from_dict`")
    _registered[name] = codec


def find(name: str, options: str, is_version_3: bool) -> _Numcodecs | _Version3 | None:
    """Give what decodes and encodes bytes for the codec of this name and these options, if there is one; for the engine."""
    codec = _registered.get(name) or (_of_version_3(name) if is_version_3 else _of_version_2(name))
    if codec is None:
        return None
    configuration = json.loads(options)
    configuration.pop("id", None)
    if hasattr(codec, "from_config"):
        return _Numcodecs(codec.from_config(configuration))
    return _Version3(codec, name, configuration)


def _of_version_2(name: str) -> type | None:
    """Give the class that numcodecs has, or can have, for a codec."""
    if name == "pickle":
        return None
    registry = sys.modules.get("numcodecs.registry")
    if registry is not None and name in registry.codec_registry:
        return registry.codec_registry[name]
    points = importlib.metadata.entry_points(group="numcodecs.codecs", name=name)
    return next((point.load() for point in points), None)


def _of_version_3(name: str) -> type | None:
    """Give the class that zarr-python has, or can have, for a codec."""
    registry = sys.modules.get("zarr.registry")
    if registry is not None:
        try:
            return registry.get_codec_class(name)
        except (KeyError, ValueError):
            return None
    groups = ("zarr.codecs", f"zarr.codecs.{name}")
    points = [point for group in groups for point in importlib.metadata.entry_points(group=group)]
    return next((point.load() for point in points if point.name == name or point.group.endswith(f".{name}")), None)


class _Numcodecs:
    """A codec as numcodecs has them."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec

    def decode(self, data: bytes) -> bytes:
        return _bytes(self._codec.decode(data))

    def encode(self, data: bytes) -> bytes:
        return _bytes(self._codec.encode(data))


def _bytes(made: Any) -> bytes:
    if isinstance(made, bytes):
        return made
    import numpy as np

    array = np.asarray(made)
    if array.dtype.hasobject:
        raise TypeError("the codec gives objects, where bytes or numbers are needed")
    return array.tobytes(order="A")


class _Version3:
    """A codec of bytes as zarr-python has them."""

    def __init__(self, codec: Any, name: str, configuration: dict[str, Any]) -> None:
        from zarr.abc.codec import BytesBytesCodec
        from zarr.core.array_spec import ArrayConfig, ArraySpec
        from zarr.core.buffer import default_buffer_prototype
        from zarr.dtype import UInt8

        if not issubclass(codec, BytesBytesCodec):
            raise TypeError(f"{codec.__name__} is a codec of arrays; from Python only codecs of bytes are taken")
        self._prototype = default_buffer_prototype()
        config = ArrayConfig(order="C", write_empty_chunks=False)
        self._spec = ArraySpec((), UInt8(), 0, config, self._prototype)
        described = {"name": name, "configuration": configuration} if configuration else {"name": name}
        self._codec = codec.from_dict(described)

    def decode(self, data: bytes) -> bytes:
        return self._now("decode", data)

    def encode(self, data: bytes) -> bytes:
        return self._now("encode", data)

    def _now(self, method: str, data: bytes) -> bytes:
        """Call the codec and wait: threads of the engine run no loop."""
        given = self._prototype.buffer.from_bytes(data)
        at_once = getattr(self._codec, f"_{method}_sync", None)
        if at_once is not None:
            return at_once(given, self._spec).to_bytes()
        return asyncio.run(getattr(self._codec, f"_{method}_single")(given, self._spec)).to_bytes()
