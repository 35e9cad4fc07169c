"""What craton writes, read by the other implementations of Zarr, and the other way round: equal in every element."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from program import craton as program
from readers_of_zarr import NUMBERS, READERS

import craton

zarr = pytest.importorskip("zarr")
xr = pytest.importorskip("xarray")

TABLE = Path(__file__).parents[3] / "docs" / "zarr.md"
BEGIN, END = "<!-- readers: made by test_readers.py -->", "<!-- readers: end -->"
TRANSPOSE = {"name": "transpose", "configuration": {"order": [1, 0]}}
# What is asked of the program -> the type that is written with it.
CHAINS = {
    "no codec": ("float32", ["--codec", "none"]),
    "zstd": ("float32", ["--codec", "zstd:3"]),
    "gzip": ("int16", ["--codec", "gzip:5"]),
    "blosc, lz4": ("uint16", ["--codec", "blosc:lz4:5:shuffle"]),
    "zstd and crc32c": ("float32", ["--codec", "zstd:3,crc32c"]),
    "shards": ("float32", ["--shards", "y=10,x=8"]),
    "shards of zstd": ("int16", ["--codec", "zstd:1", "--shards", "y=15,x=4"]),
    "transposed in shards": (
        "float32",
        ["--codec", json.dumps([TRANSPOSE, {"name": "zstd", "configuration": {"level": 1, "checksum": False}}]), "--shards", "y=10,x=8"],
    ),
}
SHAPE, CHUNKS = (13, 10), (5, 4)


def _values(dtype):
    """Distinct values, with the odd ones of floats, and a chunk of nothing but zeros, which is not stored."""
    count = np.arange(1, np.prod(SHAPE) + 1)
    if dtype == "bool":
        values = count % 3 == 0
    elif dtype.startswith("complex"):
        values = (count - 1j * count).astype(dtype)
    elif dtype.startswith("float"):
        values = (count / 8).astype(dtype)
        values[:4] = [np.nan, np.inf, -np.inf, -0.0]
    else:
        limits = np.iinfo(dtype)
        values = (count % 120).astype(dtype)
        values[:2] = [limits.min, limits.max]
    values = values.reshape(SHAPE)
    values[5:10, 4:8] = 0
    return values


def _source(path, values, names=("y", "x"), **options):
    """An array that zarr-python wrote."""
    group = zarr.open_group(path, mode="w")
    options = {"chunks": CHUNKS[: values.ndim], "dtype": values.dtype, **options} if values.ndim else {"dtype": values.dtype}
    group.create_array("v", shape=values.shape, dimension_names=names[: values.ndim], **options)[...] = values
    return path


def _number(dtype, *options):
    def write(folder):
        values = _values(dtype)
        source = _source(folder / "source.zarr", values)
        program("copy", source, folder / "target.zarr", "--chunks", "y=5,x=4", *options)
        return folder / "target.zarr" / "v", values

    return write


def _scalar(folder):
    values = np.float64(2.5)
    xr.Dataset({"v": ((), values)}).to_zarr(folder / "source.zarr", consolidated=False)
    program("copy", folder / "source.zarr", folder / "target.zarr")
    return folder / "target.zarr" / "v", values


def _nested(folder):
    values = _values("int32")
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"title": "root"}), "/a/b": xr.Dataset({"v": (("y", "x"), values)})})
    tree.to_zarr(folder / "source.zarr", consolidated=False)
    program("copy", folder / "source.zarr", folder / "target.zarr")
    return folder / "target.zarr" / "a" / "b" / "v", values


def _computed(folder):
    """Missing values are NaN in what is computed."""
    values = _values("float32")
    values[~np.isfinite(values)] = np.nan
    xr.Dataset({"v": (("y", "x"), values)}).to_zarr(folder / "source.zarr", consolidated=False)
    program("eval", "ds.v * 2", folder / "source.zarr", "-o", folder / "target.zarr")
    return folder / "target.zarr" / "v", values * 2


def _times(folder):
    """Times are numbers with units, as CF has them."""
    hours = np.arange(48, dtype="int64") * 7
    time = np.datetime64("2000-01-01", "ns") + hours * np.timedelta64(1, "h")
    encoding = {"time": {"units": "hours since 2000-01-01", "dtype": "int64"}}
    xr.Dataset(coords={"time": time}).to_zarr(folder / "source.zarr", encoding=encoding, consolidated=False)
    program("eval", "ds", folder / "source.zarr", "-o", folder / "target.zarr")
    with xr.open_zarr(folder / "target.zarr", consolidated=False, chunks=None) as found:
        np.testing.assert_array_equal(found.time, time)
    return folder / "target.zarr" / "time", hours


def _texts(folder):
    values = np.array(["a", "bé", "", "a longer text"], dtype=object)
    source = _source(folder / "source.zarr", values, dtype="string", chunks=(3,))
    program("copy", source, folder / "target.zarr")
    return folder / "target.zarr" / "v", values


FEATURES = {
    **{dtype: _number(dtype) for dtype in NUMBERS},
    **{name: _number(dtype, *options) for name, (dtype, options) in CHAINS.items()},
    "no axes": _scalar,
    "groups in groups": _nested,
    "missing values, computed": _computed,
    "times": _times,
    "texts": _texts,
}


def _same(actual, expected):
    actual = np.asarray(actual)
    if expected.dtype == object:
        assert [str(text) for text in np.ravel(actual)] == list(np.ravel(expected))
        return
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(actual, expected)
    if expected.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(actual), np.signbit(expected))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Each feature's array as craton wrote it, and its values."""
    return {feature: write(tmp_path_factory.mktemp("written")) for feature, write in FEATURES.items()}


def _what_is_read(reader, written):
    """The features that a reader reads. What it has no word for it may refuse; another value would be worse."""
    paths = [path for path, _ in written.values()]
    read = set()
    for (feature, (_, values)), actual in zip(written.items(), READERS[reader](paths), strict=True):
        if actual is not None:
            _same(actual, values)
            read.add(feature)
    return read


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize("reader", READERS)
def test_readers_see_every_value_that_craton_writes(reader, written):
    read = _what_is_read(reader, written)
    # What is written by default, of the types that each of them has.
    assert {"int16", "uint8", "float32", "groups in groups", "missing values, computed"} <= read, read
    missing = {name for name in CHAINS if "shards" in name or "crc32c" in name} if reader == "GDAL" else set()
    assert set(CHAINS) - missing <= read, read


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_the_table_of_readers_is_what_the_tests_find(written):
    """`CRATON_WRITE_DOCS=1` writes the table into the document."""
    read = {reader: _what_is_read(reader, written) for reader in READERS}
    lines = [f"| written | {' | '.join(READERS)} |", f"|---{'|---' * len(READERS)}|"]
    for feature in FEATURES:
        lines.append(f"| {feature} | {' | '.join('yes' if feature in read[reader] else '–' for reader in READERS)} |")
    made = "\n".join(lines)
    text = TABLE.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    whole = f"{before}{BEGIN}\n{made}\n{END}{after}"
    if os.environ.get("CRATON_WRITE_DOCS"):
        TABLE.write_text(whole)
    assert text == whole, "docs/zarr.md is out of date: run this with CRATON_WRITE_DOCS=1"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("consolidated", [True, False])
def test_stores_of_xarray_are_read_consolidated_or_not(version, consolidated, tmp_path):
    dataset = xr.Dataset(
        {"v": (("time", "x"), np.arange(48, dtype="f4").reshape(12, 4) / 7), "scalar": ((), 2.5), "name": ("x", ["a", "bé", "", "d"])},
        {"time": np.datetime64("2000-02-27", "ns") + np.arange(12) * np.timedelta64(6, "h")},
    )
    dataset["v"][3, 2] = np.nan
    path, copy = tmp_path / "s.zarr", tmp_path / "t.zarr"
    encoding = {"v": {"dtype": "int16", "scale_factor": 0.01, "_FillValue": np.int16(-1), "chunks": (5, 3)}}
    dataset.to_zarr(path, zarr_format=version, consolidated=consolidated, encoding=encoding)
    expected = xr.open_zarr(path, consolidated=consolidated, chunks=None).load()
    xr.testing.assert_identical(craton.open_dataset(str(path)).load(), expected)
    program("copy", path, copy)
    copied = xr.open_zarr(copy, consolidated=False, chunks=None).load()
    copied.attrs.pop("craton_recipe")
    xr.testing.assert_equal(copied, expected)
    assert np.isnan(copied.v[3, 2])


@pytest.mark.parametrize("codec", ['["zstd"]', '["gzip", "crc32c"]', '["blosc"]', '["delta", "zstd"]'])
def test_codecs_that_are_only_named_are_written_with_their_options(codec, tmp_path):
    values = _values("int32")
    program("copy", _source(tmp_path / "s.zarr", values), tmp_path / "t.zarr", "--codec", codec)
    for reader in ("zarr-python", "TensorStore") if "delta" not in codec else ("zarr-python",):
        (actual,) = READERS[reader]([tmp_path / "t.zarr" / "v"])
        assert actual is not None, reader
        _same(actual, values)
