"""Arrays drawn at random go from each implementation of Zarr to each, bit by bit."""

import json

import numpy as np
import pytest
from program import craton as program

import craton

pytest.importorskip("hypothesis", reason="the short lane does not draw arrays")
zarr = pytest.importorskip("zarr")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from readers_of_zarr import NUMBERS, tensorstore, zarr_python, zarrs  # noqa: E402

COMPRESSORS = {
    "none": [],
    "zstd:1": [{"name": "zstd", "configuration": {"level": 1, "checksum": False}}],
    "gzip:1": [{"name": "gzip", "configuration": {"level": 1}}],
    "blosc:zstd:1:bitshuffle": [{"name": "blosc", "configuration": {"cname": "zstd", "clevel": 1, "shuffle": "bitshuffle"}}],
    "zstd:1,crc32c": [{"name": "zstd", "configuration": {"level": 1, "checksum": False}}, {"name": "crc32c"}],
}


@st.composite
def _arrays(draw):
    """Values of any bits, with chunks that need not divide the array, perhaps in shards."""
    dtype = np.dtype(draw(st.sampled_from(NUMBERS)))
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    chunks = [draw(st.integers(1, length)) for length in shape]
    shards = [chunk * draw(st.integers(1, 3)) for chunk in chunks] if draw(st.booleans()) else None
    bits = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).integers(0, 256, int(np.prod(shape)) * dtype.itemsize, dtype="u1")
    if dtype == bool:
        bits %= 2
    return bits.view(dtype).reshape(shape), chunks, shards, draw(st.sampled_from(sorted(COMPRESSORS)))


def _written_by_tensorstore(path, values, chunks, shards, codec, names):
    ts = pytest.importorskip("tensorstore")
    codecs = [{"name": "bytes", "configuration": {"endian": "little"}}, *json.loads(json.dumps(COMPRESSORS[codec]))]
    for one in codecs:
        if one["name"] == "blosc":
            one["configuration"] |= {"typesize": values.dtype.itemsize, "blocksize": 0}
    if shards:
        index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
        inside = {"chunk_shape": chunks, "codecs": codecs, "index_codecs": index, "index_location": "start"}
        codecs = [{"name": "sharding_indexed", "configuration": inside}]
    metadata = {
        "shape": values.shape,
        "data_type": values.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shards or chunks}},
        "codecs": codecs,
        "dimension_names": names,
    }
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path / "v")}, "metadata": metadata}
    ts.open(spec, create=True).result().write(values).result()
    (path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')


def _bits_of_craton(path):
    return np.asarray(craton.open_dataset(str(path), mask_and_scale=False).v.values).tobytes()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(_arrays())
def test_arrays_of_any_kind_go_from_each_to_each(tmp_path_factory, drawn):
    pytest.importorskip("zarrs")
    values, chunks, shards, codec = drawn
    folder = tmp_path_factory.mktemp("any")
    names = ["a", "b", "c"][: values.ndim]
    expected = values.tobytes()
    _written_by_tensorstore(folder / "source.zarr", values, chunks, shards, codec, names)
    assert _bits_of_craton(folder / "source.zarr") == expected
    options = ["--chunks", ",".join(f"{name}={chunk}" for name, chunk in zip(names, chunks, strict=True)), "--codec", codec]
    if shards:
        options += ["--shards", ",".join(f"{name}={shard}" for name, shard in zip(names, shards, strict=True))]
    target = folder / "target.zarr"
    program("copy", folder / "source.zarr", target, *options)
    for read in (zarr_python, zarrs, tensorstore):
        assert np.asarray(read(target / "v")).tobytes() == expected, read
    # The zarrs crate writes other values into the store that craton made.
    turned = values[::-1].copy()
    with zarr.config.set({"codec_pipeline": {"path": "zarrs.ZarrsCodecPipeline", "strict": True}}):
        zarr.open_array(target / "v", mode="r+")[...] = turned
    assert _bits_of_craton(target) == turned.tobytes()
