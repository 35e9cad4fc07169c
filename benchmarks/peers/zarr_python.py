"""zarr-python: it reads chunks, numpy adds them."""

import os

import numpy as np
import zarr

from peers import loops
from workloads import STORED

FORMATS = {
    *STORED,
    "zarr-v3-sharded",
    "many-variables",
    "groups-200",
}
WORKLOADS = {"mean", "area", "anomaly-std", "anomaly-write", "point", "info", "remote-info", "read", "write"}
VERSION = zarr.__version__

zarr.config.set({"async.concurrency": 4 * loops.CORES, "threading.max_workers": loops.CORES})


def _open(store):
    group = zarr.open_group(store, mode="r")
    array = group["t2m"]
    return group, array, loops.bounds(array.shape[0], array.chunks[0])


def _read(array):
    return lambda start, stop: array[start:stop]


def mean(store, out):
    _, array, rows = _open(store)
    return loops.mean(_read(array), rows)


def area(store, out):
    group, array, rows = _open(store)
    return loops.area(_read(array), rows, group["lat"][:])


def anomaly_std(store, out):
    group, array, rows = _open(store)
    return loops.anomaly_std(_read(array), rows, loops.months(group["time"][:]))


def anomaly_write(store, out):
    group, array, rows = _open(store)
    target = zarr.create_group(out, zarr_format=3)
    codec = [zarr.codecs.ZstdCodec(level=3)]
    anomaly = target.create_array(
        "anomaly", shape=array.shape, chunks=(24, 361, 720), dtype="f4", compressors=codec, fill_value=float("nan")
    )

    def write(start, stop, block):
        anomaly[start:stop] = block

    means = loops.anomaly_write(_read(array), rows, loops.months(group["time"][:]), write)
    climatology = target.create_array(
        "climatology", shape=means.shape, chunks=(1, 361, 720), dtype="f4", compressors=codec, fill_value=float("nan")
    )
    climatology[:] = means.astype(np.float32)


def point(store, out):
    _, array, _ = _open(store)
    return array[:, 100, 200]


def info(store, out, **options):
    group = zarr.open_group(store, mode="r", **options)
    for name, member in sorted(group.members(max_depth=None)):
        about = (member.shape, member.dtype, member.chunks) if isinstance(member, zarr.Array) else ()
        print(name, *about, dict(member.attrs))


def remote_info(store, out):
    info(store, out, storage_options={"anon": True, "endpoint_url": os.environ["CRATON_BENCH_ENDPOINT"]})


def read(store, out):
    return zarr.open_array(f"{store}/t2m", mode="r")[:]


def prepare_write(store):
    return read(store, None)


def write(store, out, values):
    """As it is stored in `store`, but anew."""
    like = zarr.open_array(f"{store}/t2m", mode="r")
    group = zarr.create_group(out, zarr_format=like.metadata.zarr_format)
    more = {} if like.shards is None else {"shards": like.shards}
    array = group.create_array(
        "t2m",
        shape=like.shape,
        dtype=like.dtype,
        chunks=like.chunks,
        compressors=like.compressors or None,
        fill_value=like.fill_value,
        **more,
    )
    array[:] = values
