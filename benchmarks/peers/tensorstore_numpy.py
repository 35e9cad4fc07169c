"""TensorStore: it reads chunks with its own threads, numpy adds them."""

import importlib.metadata
import json
import pathlib

import numpy as np
import tensorstore as ts

from peers import loops
from workloads import STORED

FORMATS = {*STORED, "zarr-v3-sharded"}
WORKLOADS = {"mean", "area", "anomaly-std", "anomaly-write", "point", "read", "write"}
VERSION = importlib.metadata.version("tensorstore")

# No cache: every chunk is wanted once a pass.
CONTEXT = ts.Context({"data_copy_concurrency": {"limit": loops.CORES}, "cache_pool": {"total_bytes_limit": 0}})


def _array(store, name):
    driver = "zarr3" if (pathlib.Path(store) / name / "zarr.json").exists() else "zarr"
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": f"{store}/{name}"}}
    return ts.open(spec, context=CONTEXT, read=True).result()


def _open(store):
    array = _array(store, "t2m")
    return array, loops.bounds(array.shape[0], array.chunk_layout.read_chunk.shape[0])


def _read(array):
    return lambda start, stop: array[start:stop].read(order="C").result()


def mean(store, out):
    array, rows = _open(store)
    return loops.mean(_read(array), rows)


def area(store, out):
    array, rows = _open(store)
    return loops.area(_read(array), rows, _array(store, "lat").read().result())


def _months(store):
    return loops.months(_array(store, "time").read().result())


def anomaly_std(store, out):
    array, rows = _open(store)
    return loops.anomaly_std(_read(array), rows, _months(store))


def _create(path, shape, chunk_shape):
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": path},
        "metadata": {
            "shape": shape,
            "data_type": "float32",
            "fill_value": "NaN",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk_shape}},
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "zstd", "configuration": {"level": 3}}],
        },
    }
    return ts.open(spec, context=CONTEXT, create=True, delete_existing=True).result()


def anomaly_write(store, out):
    array, rows = _open(store)
    anomaly = _create(f"{out}/anomaly", list(array.shape), [24, 361, 720])

    def write(start, stop, block):
        anomaly[start:stop].write(block, can_reference_source_data_indefinitely=True).result()

    means = loops.anomaly_write(_read(array), rows, _months(store), write)
    climatology = _create(f"{out}/climatology", list(means.shape), [1, 361, 720])
    climatology.write(means.astype(np.float32)).result()
    group = {"zarr_format": 3, "node_type": "group", "attributes": {}}
    (pathlib.Path(out) / "zarr.json").write_text(json.dumps(group))


def point(store, out):
    array, _ = _open(store)
    return array[:, 100, 200].read().result()


def read(store, out):
    return _array(store, "t2m").read(order="C").result()


def prepare_write(store):
    return read(store, None)


def write(store, out, values):
    """As it is stored in `store`, but anew."""
    like = _array(store, "t2m")
    spec = {**like.spec().to_json(), "kvstore": {"driver": "file", "path": f"{out}/t2m"}}
    # Attributes may be of a kind that this one does not write, and are nothing to measure.
    spec.get("metadata", {}).pop("attributes", None)
    array = ts.open(spec, context=CONTEXT, create=True, delete_existing=True).result()
    array.write(values, can_reference_source_data_indefinitely=True).result()
    is_v3 = like.spec().to_json()["driver"] == "zarr3"
    name = "zarr.json" if is_v3 else ".zgroup"
    group = {"zarr_format": 3, "node_type": "group", "attributes": {}} if is_v3 else {"zarr_format": 2}
    (pathlib.Path(out) / name).write_text(json.dumps(group))
