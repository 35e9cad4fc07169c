"""`craton verify`: every chunk is looked for, and damage is found wherever it is made."""

import os
import random
from pathlib import Path

import numpy as np
import pytest
from program import craton as program
from program import craton_json

xr = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr")

CORRUPT = 5


def _field(*shape):
    return np.random.default_rng(len(shape)).random(shape)


@pytest.fixture
def store(tmp_path):
    """Arrays of 24 chunks, of 6 shards of 4 inner chunks, of texts, below a group, and one that was half written."""
    path = tmp_path / "store.zarr"
    root = zarr.open_group(path, mode="w", zarr_format=3)
    root.create_array("plain", shape=(8, 9, 10), chunks=(2, 3, 5), dtype="f8")[:] = _field(8, 9, 10)
    root.create_array("sharded", shape=(6, 8), chunks=(1, 2), shards=(2, 4), dtype="f4")[:] = _field(6, 8)
    half = root.create_array("half", shape=(10,), chunks=(1,), dtype="i4", fill_value=-1)
    half[:4] = np.arange(4)
    root.create_group("below").create_array("empty", shape=(0, 5), chunks=(1, 5), dtype="i2")
    root["below"].create_array("scalar", shape=(), dtype="i8")[()] = 7
    return path


def _damaged(*arguments):
    program("verify", *arguments, code=CORRUPT)
    return craton_json("verify", *arguments, code=None)


def _arrays(answer):
    return {array["path"]: array for array in answer["arrays"]}


def test_what_is_whole_is_counted(store):
    answer = craton_json("verify", store)
    assert answer["is_whole"]
    counts = {path: (a["chunks"], a["looked_for"], a["whole"], a["absent"], a["damaged"]) for path, a in _arrays(answer).items()}
    assert counts == {
        "plain": (24, 24, 24, 0, 0),
        "sharded": (24, 24, 24, 0, 0),
        "half": (10, 10, 4, 6, 0),
        "below/empty": (0, 0, 0, 0, 0),
        "below/scalar": (1, 1, 1, 0, 0),
    }
    stored = sum(file.stat().st_size for file in (store / "plain" / "c").rglob("*") if file.is_file())
    assert _arrays(answer)["plain"]["bytes"] == stored
    text = program("verify", store)
    assert "half: 10 chunks, 4 whole" in text
    assert "6 not stored: fill values" in text


def test_a_group_or_an_array_alone(store):
    assert list(_arrays(craton_json("verify", f"{store}!/below"))) == ["below/empty", "below/scalar"]
    assert list(_arrays(craton_json("verify", f"{store}!/plain"))) == ["plain"]


@pytest.mark.parametrize("sample", [1, 2, 5, 24, 1000])
def test_a_sample_reaches_from_end_to_end(store, sample):
    (store / "plain" / "c" / "3" / "2" / "1").write_bytes(b"nonsense")
    answer = _arrays(craton_json("verify", store, "--sample", sample, code=None))["plain"]
    assert answer["looked_for"] == min(sample, 24)
    assert answer["damaged"] == (sample > 1)


def test_each_damaged_chunk_is_named_and_the_others_are_counted(store):
    chunks = store / "plain" / "c"
    (chunks / "1" / "2" / "0").write_bytes((chunks / "1" / "2" / "0").read_bytes()[:-9])
    (chunks / "3" / "0" / "1").write_bytes(b"")
    shard = store / "sharded" / "c" / "2" / "1"
    # The index at the end has a checksum.
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    answer = _damaged(store)
    assert not answer["is_whole"]
    plain, sharded = (_arrays(answer)[name] for name in ("plain", "sharded"))
    assert [failure["chunk"] for failure in plain["failures"]] == [[1, 2, 0], [3, 0, 1]]
    assert (plain["whole"], plain["damaged"]) == (22, 2)
    assert str(chunks / "1" / "2" / "0") in plain["failures"][0]["error"]
    assert (sharded["whole"], sharded["damaged"]) == (20, 4)
    message = program("verify", store, code=CORRUPT)
    assert "is whole" in message


def test_metadata_that_cannot_be_read_hide_nothing_else(store):
    (store / "half" / "zarr.json").write_text("{")
    answer = _damaged(store)
    assert [part["path"] for part in answer["broken"]] == ["half"]
    assert _arrays(answer)["plain"]["whole"] == 24


def test_checksums_of_netcdf_files_are_looked_at(tmp_path):
    netCDF4 = pytest.importorskip("netCDF4")
    path, values = tmp_path / "file.nc", (_field(20, 30) * 1000).astype("i4")
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("y", 20)
        file.createDimension("x", 30)
        file.createVariable("plain", "i4", ("y", "x"), chunksizes=(5, 30))[:] = values
        file.createVariable("sums", "i4", ("y", "x"), chunksizes=(5, 30), fletcher32=True)[:] = values + 5000
    assert craton_json("verify", path)["is_whole"]
    raw = path.read_bytes()
    at = raw.index((values + 5000)[5:10].tobytes())
    path.write_bytes(raw[: at + 40] + bytes([raw[at + 40] ^ 1]) + raw[at + 41 :])
    answer = _damaged(path)
    assert [failure["chunk"] for failure in _arrays(answer)["sums"]["failures"]] == [[1, 0]]
    assert _arrays(answer)["plain"]["damaged"] == 0


def test_chunks_that_a_repository_lost_are_found(tmp_path):
    icechunk = pytest.importorskip("icechunk")
    path = tmp_path / "repository"
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(path)))
    session = repository.writable_session("main")
    zarr.open_group(session.store, mode="w").create_array("a", shape=(40, 100), chunks=(10, 100), dtype="f8")[:] = _field(40, 100)
    session.commit("one")
    assert craton_json("verify", path)["is_whole"]
    random.Random(1).choice(list((path / "chunks").rglob("*"))).unlink()
    answer = craton_json("verify", path, code=None)
    assert (_arrays(answer)["a"]["whole"], _arrays(answer)["a"]["damaged"]) == (3, 1)


def test_more_chunks_than_can_be_looked_for_are_sampled(tmp_path):
    zarr.open_group(tmp_path / "huge.zarr", mode="w").create_array("a", shape=(2**40,), chunks=(1,), dtype="i1")
    assert "--sample" in program("verify", tmp_path / "huge.zarr", code=7)
    assert craton_json("verify", tmp_path / "huge.zarr", "--sample", 1000)["arrays"][0]["absent"] == 1000


@pytest.mark.skipif("CRATON_CORPUS" not in os.environ, reason="CRATON_CORPUS is not set: the real files are not read")
def test_every_real_file_is_whole():
    files = sorted(Path(os.environ["CRATON_CORPUS"], "real").rglob("*.nc"))
    assert len(files) > 10
    for file in files:
        answer = craton_json("verify", file, "--memory", "1GiB")
        assert answer["is_whole"], file
        assert all(array["looked_for"] == array["chunks"] for array in answer["arrays"])
