"""zarr-python over the package icechunk: what a repository costs its usual readers and writers."""

import pathlib

import icechunk
import numpy as np
import zarr

from peers import loops

FORMATS = {"icechunk", "million-chunks", "native-chunks"}
WORKLOADS = {"mean", "read", "commit"}
VERSION = f"{icechunk.__version__}, zarr {zarr.__version__}"

zarr.config.set({"async.concurrency": 4 * loops.CORES, "threading.max_workers": loops.CORES})


def _open(store):
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(store))
    return zarr.open_group(repository.readonly_session("main").store, mode="r")["t2m"]


def read(store, out):
    return _open(store)[:]


def mean(store, out):
    array = _open(store)
    return loops.mean(lambda start, stop: array[start:stop], loops.bounds(array.shape[0], array.chunks[0]))


def prepare_commit(store):
    array = zarr.open_array(pathlib.Path(store) / "v", mode="r")
    return array[...], array.attrs["chunk"]


def commit(store, out, prepared):
    values, chunk = prepared
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(out))
    session = repository.writable_session("main")
    array = zarr.create_array(session.store, name="v", shape=values.shape, dtype=values.dtype, chunks=(1, chunk), compressors=None, fill_value=np.nan)
    array[...] = values
    session.commit("many chunks")
