"""The engine as a chunk manager of xarray, through which `.compute()`, `.load()`, `.persist()` and writers reach it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy
from xarray.core.indexing import ImplicitToExplicitIndexingAdapter
from xarray.namedarray.parallelcompat import ChunkManagerEntrypoint

from craton import _native
from craton.array import Array, full
from craton.asked import check_asked
from craton.axes import label_of, unsupported
from craton.between import STEPS

__all__ = ["CratonManager"]

# What a writer takes at once.
_SLAB_BYTES = 64 << 20


class CratonManager(ChunkManagerEntrypoint[Array]):
    """Computes `craton.Array`, several together so that what they share is read once."""

    array_cls = Array
    available = True

    def __init__(self) -> None:
        pass

    def is_chunked_array(self, data: Any) -> bool:
        return isinstance(data, Array)

    def chunks(self, data: Array) -> tuple[tuple[int, ...], ...]:
        return data.chunks

    def normalize_chunks(
        self, chunks: Any, shape: Any = None, limit: Any = None, dtype: Any = None, previous_chunks: Any = None
    ) -> tuple[tuple[int, ...], ...]:
        before = (
            tuple(one[0] if isinstance(one, tuple) else one for one in previous_chunks) if previous_chunks else None
        )
        label = label_of(chunks, tuple(shape), before)
        return Array(_native.Node.full("bool", b"\0", tuple(shape)), label).chunks

    def from_array(self, data: Any, chunks: Any, **_dask_options: Any) -> Any:
        if isinstance(data, ImplicitToExplicitIndexingAdapter):
            data = data.get_duck_array()
        # Texts and objects are held, by plans no less than here.
        if data.dtype.kind in "OT" or data.dtype.names:
            return data
        return Array.of(data).rechunk(chunks)

    def rechunk(self, data: Array, chunks: Any, **_options: Any) -> Array:
        return data.rechunk(chunks)

    def compute(self, *data: Any, memory: int | str | None = None, threads: int | None = None) -> tuple[Any, ...]:
        """Compute arrays together, if the user asks for it; what is computed already stays as it is.

        Raises
        ------
        TypeError
            If a function of xarray asks that was not told to load: its result depends on values.
        """
        lazy = [one for one in data if isinstance(one, Array)]
        check_asked(lazy)
        done = iter(_native.compute([one._node for one in lazy], memory, threads))
        return tuple(next(done) if isinstance(one, Array) else one for one in data)

    def persist(self, *data: Any, memory: int | str | None = None, threads: int | None = None) -> tuple[Any, ...]:
        """Compute arrays together and keep them as lazy arrays of values at hand."""
        lazy = [one for one in data if isinstance(one, Array)]
        done = iter(_native.compute([one._node for one in lazy], memory, threads))
        return tuple(Array.of(next(done)).rechunk(one.chunks) if isinstance(one, Array) else one for one in data)

    @property
    def array_api(self) -> Any:
        return _Creation

    def reduction(
        self,
        arr: Array,
        func: Any,
        combine_func: Any = None,
        aggregate_func: Any = None,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
    ) -> Array:
        """Give the first or last valid values, which is what xarray asks for; no other function is run."""
        name = getattr(getattr(func, "keywords", {}).get("op"), "__name__", None)
        if name not in {"nanfirst", "nanlast"} or keepdims:
            raise unsupported("a reduction by a Python function")
        node = arr._node.reduce(name.removeprefix("nan"), [axis % arr.ndim], True, 0)
        return Array(node)

    def apply_gufunc(self, func: Any, signature: str, *args: Any, **kwargs: Any) -> Any:
        if getattr(getattr(func, "func", func), "__qualname__", "") == "Variable.quantile.<locals>._wrapper":
            # xarray's own step around `numpy.quantile`, which comes this way only where dask is not installed.
            return func(*args)
        step = STEPS.get(_name(func))
        if step is not None and isinstance(args[0], Array) and not kwargs.get("vectorize"):
            return step(*args, **getattr(func, "keywords", {}))
        raise unsupported(f"`xarray.apply_ufunc` of the Python function `{_name(func)}`")

    def map_blocks(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        raise unsupported(f"the Python function `{_name(func)}`")

    def blockwise(self, func: Any, out_ind: Any, *args: Any, **kwargs: Any) -> Any:
        raise unsupported(f"the Python function `{_name(func)}`")

    def scan(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        raise unsupported(f"a scan by the Python function `{_name(func)}`")

    def unify_chunks(self, *args: Any, **kwargs: Any) -> tuple[dict[Any, Any], list[Any]]:
        arrays = list(args[::2])
        chunks: dict[Any, Any] = {}
        for array, names in zip(arrays, args[1::2], strict=True):
            if isinstance(array, Array):
                chunks.update(zip(names, array.chunks, strict=True))
        return chunks, arrays

    def shuffle(self, x: Array, indexer: Sequence[Sequence[int]], axis: int, chunks: Any) -> Array:
        order = numpy.concatenate([numpy.asarray(one, dtype="int64") for one in indexer])
        return x[(slice(None),) * axis + (order,)]

    def store(
        self, sources: Any, targets: Any, *, compute: bool = True, regions: Any = None, **_dask_options: Any
    ) -> None:
        """Write arrays slab by slab, each computed in bounded memory.

        Raises
        ------
        NotImplementedError
            If writing is to be put off (``compute=False``).
        """
        if not compute:
            raise unsupported("a write that is put off (`compute=False`)")
        several = isinstance(sources, Iterable) and not isinstance(sources, Array)
        pairs = list(zip(sources, targets, strict=True)) if several else [(sources, targets)]
        if not isinstance(regions, list):
            regions = [regions] * len(pairs)
        for (source, target), region in zip(pairs, regions, strict=True):
            for slab in _slabs(source, getattr(target, "chunks", None)):
                target[_within(region, slab, source.ndim)] = source[slab].compute()


class _Creation:
    """What xarray makes arrays by, under dask's signatures."""

    @staticmethod
    def full(shape: Any, fill_value: Any, dtype: Any = None, chunks: Any = None, **_options: Any) -> Array:
        made = full(shape, fill_value, dtype)
        return made if chunks is None else made.rechunk(chunks)


def _slabs(array: Array, stored: tuple[int, ...] | None) -> list[tuple[slice, ...]]:
    """Cut along the first axis, at boundaries of the chunks that are written, else of labelled ones."""
    if not array.ndim:
        return [()]
    row = math.prod(array.shape[1:]) * array.dtype.itemsize
    chunk = stored[0] if stored else array.chunks[0][0]
    rows = max(1, _SLAB_BYTES // max(1, row))
    if chunk and rows > chunk:
        rows -= rows % chunk
    elif stored or chunk < array.shape[0]:
        rows = chunk
    return [(slice(start, min(start + rows, array.shape[0])),) for start in range(0, array.shape[0], rows)]


def _within(region: tuple[slice, ...] | None, slab: tuple[slice, ...], ndim: int) -> tuple[slice, ...]:
    if region is None:
        return slab + (slice(None),) * (ndim - len(slab))
    if not slab:
        return region
    first = region[0].start or 0
    return (slice(first + slab[0].start, first + slab[0].stop), *region[1:])


def _name(function: Any) -> str:
    inner = getattr(function, "func", function)
    return getattr(inner, "__name__", type(inner).__name__)
