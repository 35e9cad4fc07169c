"""The other implementations of Zarr, each as a function from the folder of an array to its values."""

import json
import subprocess
from pathlib import Path

import npm_packages
import numpy as np
import pytest
import zarr

NUMBERS = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64"]


class Refused(Exception):
    """The reader has no such type or codec."""


def zarr_python(path):
    return zarr.open_array(path, mode="r")[...]


def zarrs(path):
    pytest.importorskip("zarrs")
    # Without the fallback to Python the pipeline refuses what the crate has not.
    with zarr.config.set({"codec_pipeline": {"path": "zarrs.ZarrsCodecPipeline", "strict": True}}):
        try:
            return zarr.open_array(path, mode="r")[...]
        except Exception as error:
            raise Refused from error


def tensorstore(path):
    ts = pytest.importorskip("tensorstore")
    try:
        store = ts.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}}).result()
    except ValueError as error:
        raise Refused from error
    return store.read().result()


def _gdal(path):
    rasterio = pytest.importorskip("rasterio")
    try:
        with rasterio.open(f'ZARR:"{path}"') as file:
            values = file.read(1)
    except (rasterio.errors.RasterioError, IndexError, KeyError) as error:
        raise Refused from error
    # A raster has two axes: what has one is a row.
    return values[0] if len(json.loads((path / "zarr.json").read_text())["shape"]) == 1 else values


def _neuroglancer(paths):
    """All in one go, since Node takes longer to begin than to read."""
    node, modules = npm_packages.installed("neuroglancer")
    command = [node, Path(__file__).with_name("neuroglancer.mjs"), modules, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    for path, line in zip(paths, done.stdout.splitlines(), strict=True):
        answer = json.loads(line)
        if "refused" in answer:
            yield None
            continue
        shape = json.loads((path / "zarr.json").read_text())["shape"]
        yield np.fromfile(path / "neuroglancer.bin", answer["dtype"]).reshape(shape)


def _one_by_one(read):
    def each(paths):
        for path in paths:
            try:
                yield read(path)
            except Refused:
                yield None

    return each


# Reader -> what it makes of each path: values, or nothing where it refuses.
READERS = {
    "zarr-python": _one_by_one(zarr_python),
    "zarrs": _one_by_one(zarrs),
    "TensorStore": _one_by_one(tensorstore),
    "GDAL": _one_by_one(_gdal),
    "Neuroglancer": _neuroglancer,
}
