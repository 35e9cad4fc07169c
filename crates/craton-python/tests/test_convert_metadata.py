"""`craton convert-metadata`: the metadata of the other version over the same chunks."""

import json

import numpy as np
import pytest
from program import craton as program
from program import craton_json, run_craton

zarr = pytest.importorskip("zarr")
xr = pytest.importorskip("xarray")
numcodecs = pytest.importorskip("numcodecs")


def _group(path):
    """A version 2 store of what version 3 has words for."""
    values = {
        "plain": np.arange(30, dtype="i4").reshape(5, 6),
        "big": np.arange(30, dtype=">f8").reshape(5, 6),
        "fortran": np.arange(30, dtype="<i2").reshape(5, 6),
        "packed": np.arange(30, dtype="f8").reshape(5, 6) / 4,
        "delta": np.arange(30, dtype="i8").reshape(5, 6),
        "flags": np.arange(30).reshape(5, 6) % 3 == 0,
        "shuffled": np.arange(30, dtype="f4").reshape(5, 6),
        "checked": np.arange(30, dtype="f4").reshape(5, 6),
        "times": np.arange(30).reshape(5, 6).astype("M8[s]"),
        "texts": np.array([["a", "bé"], ["", "long text"]], dtype=object),
        "fixed": np.array([["a", "bé"], ["", "cc"]], dtype="<U3"),
        "structured": np.zeros((2, 2), [("a", "<i4"), ("b", "<f8")]),
    }
    options = {
        "plain": {"compressor": numcodecs.Blosc("zstd", 3, -1), "fill_value": -9},
        "big": {"compressor": numcodecs.Zlib(3), "fill_value": np.nan},
        "fortran": {"compressor": numcodecs.LZ4(), "order": "F"},
        "packed": {"filters": [numcodecs.FixedScaleOffset(0, 4, "<f8", "<i2")], "compressor": numcodecs.GZip(1)},
        "delta": {"filters": [numcodecs.Delta("<i8")], "compressor": numcodecs.BZ2(1)},
        "flags": {"filters": [numcodecs.PackBits()], "compressor": None},
        "shuffled": {"filters": [numcodecs.Shuffle(4)], "compressor": numcodecs.LZMA(preset=1)},
        "checked": {"filters": [numcodecs.CRC32()], "compressor": numcodecs.Zstd(1)},
        "times": {"compressor": numcodecs.Zstd(1), "fill_value": 0},
        "texts": {"compressor": numcodecs.Zstd(1), "fill_value": ""},
        "fixed": {"compressor": numcodecs.Zstd(1)},
        "structured": {"compressor": numcodecs.Zstd(1)},
    }
    values["structured"]["a"] = [[1, 2], [3, 4]]
    if not hasattr(zarr.core.dtype, "Struct"):
        # Older zarr-python writes structures under a name of its own, which no specification has.
        del values["structured"]
    zarr.open_group(path, mode="w", zarr_format=2).attrs["title"] = "old"
    zarr.open_group(path, mode="a", zarr_format=2).create_group("below").attrs["x"] = [1, 2]
    for name, data in values.items():
        place = f"below/{name}" if name == "plain" else name
        dtype = "string" if name == "texts" else data.dtype
        array = zarr.create(
            store=path, path=place, shape=data.shape, chunks=(2, 2), dtype=dtype, zarr_format=2, overwrite=True, **options[name]
        )
        array.attrs["units"] = name
        array[...] = data
    return values


def test_values_are_read_by_zarr_python_from_both_versions(tmp_path):
    path = tmp_path / "s.zarr"
    values = _group(path)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    told = craton_json("convert-metadata", path, "--to", "v3")
    assert told["dry_run"] and len(told["arrays"]) == len(values) and told["groups"] == ["/below", "/"]
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before
    program("convert-metadata", path, "--to", "v3", "--remove-old", "--yes")
    assert not list(path.rglob(".z*"))
    group = zarr.open_group(path, mode="r", zarr_format=3)
    assert group.attrs["title"] == "old" and group["below"].attrs["x"] == [1, 2]
    for name, data in values.items():
        array = group["below/plain" if name == "plain" else name]
        assert array.metadata.zarr_format == 3 and array.attrs["units"] == name
        actual = array[...]
        if name == "texts":
            assert [[str(text) for text in row] for row in actual] == data.tolist()
        else:
            np.testing.assert_array_equal(actual, data)
    program("convert-metadata", path, "--to", "v2", "--remove-old", "--yes")
    assert not list(path.rglob("zarr.json"))
    group = zarr.open_group(path, mode="r", zarr_format=2)
    for name, data in values.items():
        actual = group["below/plain" if name == "plain" else name][...]
        if name == "texts":
            assert [[str(text) for text in row] for row in actual] == data.tolist()
        else:
            np.testing.assert_array_equal(actual, data)


def test_metadata_are_those_that_zarr_python_makes(tmp_path):
    migrate = pytest.importorskip("zarr.metadata.migrate_v3")
    from zarr.core.buffer import default_buffer_prototype
    from zarr.storage import StorePath

    path = tmp_path / "s.zarr"
    # Filters of bytes, texts and a shuffle that is left to Blosc are more than it converts.
    names = [name for name in _group(path) if name not in ("shuffled", "checked", "texts", "plain")]
    program("convert-metadata", path, "--to", "v3", "--yes")
    for name in names:
        store = zarr.storage.MemoryStore()
        source = zarr.open_array(path, path=name, mode="r", zarr_format=2)
        target = zarr.core.sync.sync(StorePath.open(store, path="", mode="a"))
        migrate.migrate_to_v3(source, target)
        document = zarr.core.sync.sync(store.get("zarr.json", default_buffer_prototype()))
        theirs = json.loads(document.to_bytes())
        ours = json.loads((path / name / "zarr.json").read_text())
        for part in ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "attributes"):
            assert ours[part] == theirs[part], (name, part)
        assert [codec["name"] for codec in ours["codecs"]] == [codec["name"] for codec in theirs["codecs"]], name


def test_datasets_of_xarray_stay_what_they_are(tmp_path):
    path = tmp_path / "s.zarr"
    expected = xr.Dataset(
        {
            "t": (("time", "x"), np.array([[1.5, np.nan, 3], [4, 5, 6]]), {"units": "K"}),
            "n": (("x",), np.array([1, -1, 3], "i2"), {}, {"_FillValue": np.int16(-1)}),
        },
        {"time": np.array(["2001-01-01", "2001-01-02"], "M8[ns]"), "x": [1, 2, 3]},
        {"title": "a dataset"},
    )
    expected.to_zarr(path, zarr_format=2, consolidated=True)
    expected = xr.open_zarr(path).load()
    program("convert-metadata", path, "--to", "v3", "--remove-old", "--yes")
    assert json.loads((path / "zarr.json").read_text())["consolidated_metadata"]
    xr.testing.assert_identical(xr.open_zarr(path).load(), expected)
    program("convert-metadata", path, "--to", "v2", "--remove-old", "--yes")
    assert (path / ".zmetadata").exists() and not list(path.rglob("zarr.json"))
    xr.testing.assert_identical(xr.open_zarr(path).load(), expected)


@pytest.mark.parametrize("name", ["Base64", "JSON", "MsgPack"])
def test_codecs_without_a_name_are_refused_and_nothing_is_written(name, tmp_path):
    if not hasattr(numcodecs, name):
        pytest.skip(f"numcodecs has no {name} here")
    codec = getattr(numcodecs, name)()
    path = tmp_path / "s.zarr"
    zarr.open_group(path, mode="w", zarr_format=2)
    zarr.create(store=path, path="good", shape=(4,), chunks=(2,), dtype="i4", zarr_format=2)
    array = zarr.create(store=path, path="odd", shape=(4,), chunks=(2,), dtype="i4", filters=[codec], zarr_format=2)
    array[...] = np.arange(4)
    before = sorted(path.rglob("*"))
    answer = run_craton("convert-metadata", path, "--to", "v3", "--yes")
    assert answer.returncode != 0 and codec.codec_id in answer.stderr and "/odd" in answer.stderr
    assert sorted(path.rglob("*")) == before


def test_what_version_2_has_no_words_for_is_refused(tmp_path):
    path = tmp_path / "s.zarr"
    group = zarr.open_group(path, mode="w")
    group.create_array("v", shape=(4,), chunks=(2,), shards=(4,), dtype="i4")
    answer = run_craton("convert-metadata", path, "--to", "v2", "--yes")
    assert answer.returncode != 0 and "shards" in answer.stderr
    group.create_array("v", shape=(4,), chunks=(2,), dtype="i4", overwrite=True)
    answer = run_craton("convert-metadata", path, "--to", "v2", "--yes")
    assert answer.returncode != 0 and "c/0/0" in answer.stderr
    assert run_craton("convert-metadata", tmp_path / "nothing", "--to", "v3").returncode != 0
    answer = run_craton("convert-metadata", path, "--to", "v3")
    assert answer.returncode != 0 and ".zarray" in answer.stderr


def test_metadata_of_both_versions_are_left_alone(tmp_path):
    path = tmp_path / "s.zarr"
    _group(path)
    program("convert-metadata", path, "--to", "v3", "--yes")
    answer = run_craton("convert-metadata", path, "--to", "v3", "--yes")
    assert answer.returncode != 0 and "already" in answer.stderr
