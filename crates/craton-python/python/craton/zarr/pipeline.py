"""The engine as a codec pipeline of zarr-python."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from zarr.abc.codec import CodecPipeline as AbstractPipeline
from zarr.abc.store import RangeByteRequest, SuffixByteRequest
from zarr.core.codec_pipeline import BatchedCodecPipeline
from zarr.core.config import config
from zarr.registry import register_pipeline
from zarr.storage import LocalStore, StorePath

from craton import _native
from craton.zarr.store import Store

if TYPE_CHECKING:
    from zarr.abc.codec import Codec
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer

    # A chunk's bytes, its form, which elements of it, where in the array, and whether the rest of it is of no account.
    Chunk = tuple[Any, ArraySpec, Any, Any, bool]

__all__ = ["CodecPipeline"]

T = TypeVar("T")


class CodecPipeline(AbstractPipeline):
    """Chunks decoded and encoded by the engine, many at once, straight from and into NumPy's memory.

    Named in zarr's configuration, not made by hand: see `craton.zarr`. What the engine does not know (a codec, elements of
    no fixed size, arrays of other libraries than NumPy) is left to zarr's own pipeline as a whole.

    Files of a `zarr.storage.LocalStore` are read and written without going through Python; of a shard only those inner
    chunks that are wanted. Other stores are asked through their own methods.
    """

    def __init__(self, codecs: Iterable[Codec], zarrs: BatchedCodecPipeline | None = None) -> None:
        self.codecs = tuple(codecs)
        self._zarrs = BatchedCodecPipeline.from_codecs(self.codecs) if zarrs is None else zarrs
        self._forms: dict[Any, _native.ObjectForm | None] = {}

    # What zarr asks of every pipeline ---------------------------------------------------------------------------

    @classmethod
    def from_codecs(cls, codecs: Iterable[Codec]) -> CodecPipeline:
        """Make the pipeline of these codecs."""
        return cls(codecs)

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> CodecPipeline:
        """Fill in what codecs leave to the array's type and shape."""
        zarrs = self._zarrs.evolve_from_array_spec(array_spec)
        return type(self)(zarrs, zarrs)

    @property
    def supports_partial_decode(self) -> bool:
        """Whether a part of a chunk can be read without the rest."""
        return self._zarrs.supports_partial_decode

    @property
    def supports_partial_encode(self) -> bool:
        """Whether a part of a chunk can be written without the rest."""
        return self._zarrs.supports_partial_encode

    def validate(self, **facts: Any) -> None:
        """Check that codecs and array fit each other."""
        self._zarrs.validate(**facts)

    def compute_encoded_size(self, byte_length: int, array_spec: ArraySpec) -> int:
        """Give the length of an encoded chunk, if every chunk has the same."""
        return self._zarrs.compute_encoded_size(byte_length, array_spec)

    async def decode(self, chunk_bytes_and_specs: Iterable[Any]) -> Iterable[NDBuffer | None]:
        """Decode chunks one by one, by zarr's own codecs."""
        return await self._zarrs.decode(chunk_bytes_and_specs)

    async def encode(self, chunk_arrays_and_specs: Iterable[Any]) -> Iterable[Buffer | None]:
        """Encode chunks one by one, by zarr's own codecs."""
        return await self._zarrs.encode(chunk_arrays_and_specs)

    async def read(
        self, batch_info: Iterable[Chunk], out: NDBuffer, drop_axes: tuple[int, ...] = ()
    ) -> tuple[Any, ...]:
        """Read chunks into an array."""
        chunks = list(batch_info)
        batch = self._batch(chunks, out, drop_axes, is_value=False)
        if batch is None:
            return await self._zarrs.read(chunks, out, drop_axes)
        folder = await _folder(chunks, writes=False)
        if folder is not None:
            there = await asyncio.to_thread(batch.read_folder, folder, _threads())
        else:
            there = await self._read_from_store(batch, chunks)
        return tuple({"status": "present" if one else "missing"} for one in there)

    async def write(
        self, batch_info: Iterable[Chunk], value: NDBuffer, drop_axes: tuple[int, ...] = ()
    ) -> None:
        """Write an array into chunks."""
        chunks = list(batch_info)
        batch = self._batch(chunks, value, drop_axes, is_value=True)
        if batch is None:
            return await self._zarrs.write(chunks, value, drop_axes)
        writes_empty = chunks[0][1].config.write_empty_chunks
        folder = await _folder(chunks, writes=True)
        if folder is not None:
            await asyncio.to_thread(batch.write_folder, folder, writes_empty, _threads())
        else:
            await _write_to_store(batch, chunks, writes_empty)
        return None

    # How it is done ---------------------------------------------------------------------------------------------

    def _batch(
        self, chunks: Sequence[Chunk], array: NDBuffer, drop_axes: tuple[int, ...], *, is_value: bool
    ) -> _native.Batch | None:
        """Give what the engine works on, or `None` if this is for zarr's own pipeline."""
        values = array.as_ndarray_like()
        if not chunks or type(values) is not np.ndarray:
            return None
        # Arrays with a regular grid have one and the same spec for all chunks.
        forms = {id(spec): spec for _, spec, *_ in chunks}
        forms = {name: self._form(spec) for name, spec in forms.items()}
        if any(form is None or (is_value and not form.can_be_written) for form in forms.values()):
            return None
        spec = chunks[0][1]
        dtype = spec.dtype.to_native_dtype()
        if values.dtype != dtype and (dtype.kind == "V" or values.dtype.newbyteorder() != dtype):
            # One field of a structure, for example.
            return None
        is_swapped = dtype.kind != "V" and not values.dtype.isnative
        items = [
            (getattr(place, "path", ""), forms[id(spec)], chunk, out, is_complete)
            for place, spec, chunk, out, is_complete in chunks
        ]
        return _native.Batch.of(items, values, list(drop_axes), is_swapped, is_value)

    def _form(self, spec: ArraySpec) -> _native.ObjectForm | None:
        """Give how chunks of this kind are stored, or `None` if the engine does not know."""
        try:
            fill = _fill_bytes(spec)
        except (TypeError, ValueError):
            return None
        key = (spec.shape, spec.dtype, fill, spec.order)
        try:
            return self._forms[key]
        except KeyError:
            form = self._forms[key] = _form(self.codecs, spec, fill)
            return form

    async def _read_from_store(self, batch: _native.Batch, chunks: Sequence[Chunk]) -> list[bool]:
        """Read chunks by the methods of their store."""
        threads = _threads()
        store = _one_store(chunks)
        if type(store) is Store:
            objects = await asyncio.to_thread(store._objects)
            return await asyncio.to_thread(batch.read_store, objects, threads)
        form = self._form(chunks[0][1])
        if form is not None and form.index is not None and isinstance(chunks[0][0], StorePath):
            return await _read_shards(batch, chunks, form.index, threads)
        there = []
        async for first, held in _fetched(chunks, [True] * len(chunks)):
            await asyncio.to_thread(batch.decode, first, held, threads)
            there += [bytes_ is not None for bytes_ in held]
        return there

    def __iter__(self) -> Iterator[Codec]:
        return iter(self.codecs)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.codecs == self.codecs

    def __hash__(self) -> int:
        return hash(self.codecs)

    def __reduce__(self) -> Any:
        return type(self), (self.codecs,)

    def __repr__(self) -> str:
        return f"craton.zarr.CodecPipeline({list(self.codecs)!r})"


# zarr's registry goes by this name, which is also the one that users write.
CodecPipeline.__module__ = "craton.zarr"
register_pipeline(CodecPipeline)


def _fill_bytes(spec: ArraySpec) -> bytes:
    dtype = spec.dtype.to_native_dtype()
    fill = spec.dtype.default_scalar() if spec.fill_value is None else spec.fill_value
    native = dtype if dtype.kind == "V" else dtype.newbyteorder("=")
    return np.asarray(fill, dtype=dtype).astype(native).tobytes()


def _form(codecs: Sequence[Codec], spec: ArraySpec, fill: bytes) -> _native.ObjectForm | None:
    form = _described(codecs, spec, fill)
    # Codecs of Python are better called by zarr itself.
    return None if form is None or "python:" in form.label else form


def _described(codecs: Sequence[Codec], spec: ArraySpec, fill: bytes) -> _native.ObjectForm | None:
    dtype = spec.dtype.to_native_dtype()
    is_version_3 = type(codecs[0]).__name__ != "V2Codec"
    if dtype.hasobject or dtype.kind == "T":
        return None
    if dtype.kind == "V" and is_version_3 and not dtype.isnative:
        # The engine takes structures as they lie in memory.
        return None
    shape = list(spec.shape)
    with contextlib.suppress(NotImplementedError, TypeError, ValueError, AttributeError):
        if is_version_3:
            described = [codec.to_dict() for codec in codecs]
            data_type = _json(spec.dtype.to_json(zarr_format=3))
            order = _write_order(codecs, spec)
            return _native.ObjectForm.version_3(data_type, _json(described), shape, fill, order)
        array = {
            "dtype": spec.dtype.to_json(zarr_format=2)["name"],
            "filters": [codec.get_config() for codec in codecs[0].filters or ()],
            "compressor": codecs[0].compressor and codecs[0].compressor.get_config(),
            "order": spec.order,
        }
        return _native.ObjectForm.version_2(_json(array), shape, fill)
    return None


def _write_order(codecs: Sequence[Codec], spec: ArraySpec) -> list[int] | None:
    """Give the order in which zarr writes the inner chunks of a shard, which its readers need not know."""
    for codec in codecs:
        if hasattr(codec, "subchunk_write_order") and hasattr(codec, "_subchunk_order_iter"):
            counts = tuple(outer // inner for outer, inner in zip(spec.shape, codec.chunk_shape, strict=True))
            indices = list(codec._subchunk_order_iter(counts, codec.subchunk_write_order))
            return np.ravel_multi_index(tuple(np.transpose(indices)), counts).tolist() if counts else [0]
        spec = codec.resolve_metadata(spec)
    return None


def _json(value: Any) -> str:
    return json.dumps(value, default=lambda other: getattr(other, "value", None) or other.item())


def _threads() -> int:
    """Give how many threads may work, by zarr's own settings."""
    for name in ("codec_pipeline.max_workers", "threading.max_workers"):
        with contextlib.suppress(TypeError, ValueError):
            return max(1, int(config.get(name, None)))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _one_store(chunks: Sequence[Chunk]) -> Any:
    """Give the one store that all chunks lie in, if there is one."""
    store = getattr(chunks[0][0], "store", None)
    is_one = all(type(place) is StorePath and place.store is store for place, *_ in chunks)
    return store if is_one else None


async def _folder(chunks: Sequence[Chunk], *, writes: bool) -> str | None:
    """Give the folder whose files all chunks are, if that is what they are."""
    store = _one_store(chunks)
    # A class derived from these may do something else.
    if type(store) not in (LocalStore, Store):
        return None
    if writes:
        store._check_writable()
    if not store._is_open:
        await store._open()
    root = store.root if isinstance(store, LocalStore) else store._objects().folder
    return None if root is None else str(root)


async def _together(work: Sequence[Awaitable[T]]) -> list[T]:
    """Wait for all, so many at a time as zarr's settings allow."""
    gate = asyncio.Semaphore(config.get("async.concurrency"))

    async def one(work: Awaitable[T]) -> T:
        async with gate:
            return await work

    return await asyncio.gather(*map(one, work))


async def _nothing() -> None:
    return None


async def _fetched(
    chunks: Sequence[Chunk], needed: Sequence[bool]
) -> AsyncIterator[tuple[int, list[Any]]]:
    """Give the bytes of those chunks that are needed, some at a time, while the next ones are on their way."""
    step = max(2 * config.get("async.concurrency"), 2 * _threads())

    def window(first: int) -> asyncio.Task[list[Any]]:
        part = zip(chunks[first : first + step], needed[first : first + step], strict=True)
        return asyncio.ensure_future(
            _together([place.get(prototype=spec.prototype) if need else _nothing() for (place, spec, *_), need in part])
        )

    ahead = window(0)
    try:
        for first in range(0, len(chunks), step):
            held = [None if one is None else one.as_numpy_array() for one in await ahead]
            if first + step < len(chunks):
                ahead = window(first + step)
            yield first, held
    finally:
        ahead.cancel()


async def _read_shards(
    batch: _native.Batch, chunks: Sequence[Chunk], index: tuple[bool, int], threads: int
) -> list[bool]:
    """Read the indexes of shards, then only those inner chunks that are wanted."""
    is_at_end, length = index
    request = SuffixByteRequest(length) if is_at_end else RangeByteRequest(0, length)
    indexes = await _together([place.get(spec.prototype, request) for place, spec, *_ in chunks])

    async def one(at: int, found: Any) -> bool:
        if found is None:
            await asyncio.to_thread(batch.decode, at, [None], 1)
            return False
        shard = await asyncio.to_thread(batch.locate, at, found.as_numpy_array())
        place, spec = chunks[at][:2]
        ranges = [RangeByteRequest(start, end) for start, end in shard.ranges]
        parts = await asyncio.gather(*(place.get(spec.prototype, part) for part in ranges))
        if any(part is None for part in parts):
            raise FileNotFoundError(f"{place} was removed while it was read")
        held = [part.as_numpy_array() for part in parts]
        await asyncio.to_thread(batch.decode_ranges, at, shard, held, threads)
        return True

    return await _together([one(at, found) for at, found in enumerate(indexes)])


async def _write_to_store(batch: _native.Batch, chunks: Sequence[Chunk], writes_empty: bool) -> None:
    """Write chunks by the methods of their store."""
    threads = _threads()

    async def put(at: int, encoded: Any) -> None:
        place, spec = chunks[at][:2]
        if encoded is None:
            await place.delete()
        else:
            await place.set(spec.prototype.buffer.from_array_like(np.frombuffer(encoded, dtype="B")))

    async for first, there in _fetched(chunks, batch.partial()):
        made = await asyncio.to_thread(batch.encode, first, there, writes_empty, threads)
        await _together([put(first + number, encoded) for number, encoded in enumerate(made)])
