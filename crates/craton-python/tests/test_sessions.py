"""Commits in several steps and by several processes: what icechunk for Python reads, and what is refused."""

import multiprocessing
import pickle

import craton
import numpy as np
import pytest
from s3_server import S3Server

xr = pytest.importorskip("xarray")
icechunk = pytest.importorskip("icechunk", minversion="2")


def _dataset(times=8):
    values = np.arange(times * 4 * 6, dtype="float32").reshape(times, 4, 6)
    return xr.Dataset(
        {"t": (("time", "lat", "lon"), values, {"units": "K"}), "name": ("lat", np.array(["a", "", "é", "d"], dtype=object))},
        {"time": np.arange(times) * 2, "lat": np.linspace(30, 0, 4)},
    )


def _read(path, branch="main"):
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(path)))
    dataset = xr.open_zarr(repository.readonly_session(branch).store, consolidated=False).load()
    dataset.attrs.clear()
    return dataset


def _write_region(arguments):
    """What another process does with a fork."""
    fork, start, stop = arguments
    part = _dataset()[["t"]].isel(time=slice(start, stop)) + 100
    fork.write(part.drop_vars(["time", "lat"]), region={"time": slice(start, stop)})
    return fork


def test_processes_write_one_commit_together(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = craton.session("results")
    session.write(_dataset(), compute=False, chunks={"time": 2, "lat": -1, "lon": -1})
    forks = [(session.fork(), start, start + 2) for start in range(0, 8, 2)]
    # New processes, in another folder: nothing of this one is known there.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        done = pool.map(_write_region, forks)
    monkeypatch.chdir(tmp_path)
    # Nothing shows before the commit.
    assert len(craton.log("results")) == 1
    session.merge(*done)
    assert session.url.startswith("icechunk+session://")
    identifier = session.commit("together")
    log = craton.log("results")
    assert [one["message"] for one in log][0] == "together"
    assert log[0]["id"] == identifier
    assert len(log) == 2
    assert len(log[0]["properties"]["craton_recipe_last_change"]) == 4
    expected = _dataset()
    expected["t"] = expected.t + 100
    actual = _read(tmp_path / "results")
    np.testing.assert_array_equal(actual.t, expected.t)
    np.testing.assert_array_equal(actual.time, expected.time)
    assert craton.verify("results")["is_whole"]
    with pytest.raises(KeyError, match="no such session"):
        session.commit("again")


def test_forks_of_a_store_behind_a_url(tmp_path):
    server = S3Server()
    try:
        session = craton.session("icechunk+s3://bucket/results", storage_options=server.options)
        session.write(_dataset(), compute=False, chunks={"time": 2, "lat": -1, "lon": -1})
        done = [pickle.loads(pickle.dumps(_write_region((session.fork(), at, at + 4)))) for at in (0, 4)]
        session.merge(*done)
        session.commit("together")
        # Without `icechunk+` the store is asked whether it is a repository.
        opened = craton.open_dataset("s3://bucket/results", storage_options=server.options).load()
        np.testing.assert_array_equal(opened.t, _dataset().t + 100)
    finally:
        server.close()


def test_several_steps_are_one_commit(tmp_path):
    path = tmp_path / "results"
    session = craton.session(path)
    session.write(_dataset(4))
    later = _dataset(8).isel(time=slice(4, None))
    session.write(later, append_dim="time")
    session.write(later[["t"]].isel(time=[0]).drop_vars(["time", "lat"]) * 0, region={"time": slice(2, 3)})
    # The session itself can be read, in the middle of it.
    np.testing.assert_array_equal(craton.open_dataset(session.url).t.isel(time=2).compute(), 0)
    session.commit("three steps")
    expected = _dataset().t.copy()
    expected[2] = 0
    np.testing.assert_array_equal(_read(path).t, expected)
    assert len(craton.log(path)) == 2


def test_what_forks_may_not_do(tmp_path):
    path = tmp_path / "results"
    craton.to_icechunk(_dataset(), path, chunks={"time": 4, "lat": -1, "lon": -1})
    session = craton.session(path)
    one, other, stranger = session.fork(), session.fork(), craton.session(path).fork()
    with pytest.raises(RuntimeError, match="was forked"):
        session.write(_dataset())
    with pytest.raises(ValueError, match="a fork writes regions"):
        one.write(_dataset())
    with pytest.raises(ValueError, match="append"):
        one.write(_dataset(), append_dim="time")
    with pytest.raises(ValueError, match="not committed itself"):
        one.commit("no")
    with pytest.raises(TypeError, match="stays in its process"):
        pickle.dumps(session)
    _write_region((one, 0, 2))
    _write_region((other, 2, 4))
    session.merge(one)
    # Both regions lie in one chunk: the later fork would take the values of the other away.
    with pytest.raises(RuntimeError, match=r"two forks wrote chunk 0/0/0(.|\n)*end where chunks end"):
        session.merge(other)
    with pytest.raises(ValueError, match="another session"):
        session.merge(stranger)
    session.commit("one of them")
    expected = _dataset().t.copy()
    expected[:2] += 100
    np.testing.assert_array_equal(_read(path).t, expected)


def test_nothing_of_a_failed_write_is_committed(tmp_path):
    path = tmp_path / "results"
    craton.to_icechunk(_dataset(), path)
    session = craton.session(path)
    session.write(_dataset() * 2)
    with pytest.raises(ValueError):
        session.write(_dataset()[["t"]].astype("f8"), region={"time": slice(0, 3)})
    with pytest.raises(RuntimeError, match="only a part of it is there"):
        session.commit("half")
    session.discard()
    np.testing.assert_array_equal(_read(path).t, _dataset().t)
    assert len(craton.log(path)) == 2


def test_a_session_and_a_commit_of_somebody_else(tmp_path):
    path = tmp_path / "results"
    craton.to_icechunk(_dataset(), path, chunks={"time": 2, "lat": -1, "lon": -1})
    first, second = craton.session(path), craton.session(path)
    _write_region((first, 0, 2))
    _write_region((second, 2, 4))
    first.commit("first")
    second.commit("second")
    third, fourth = craton.session(path), craton.session(path)
    third.write(_dataset()[["t"]].isel(time=slice(0, 2)).drop_vars(["time", "lat"]), region={"time": slice(0, 2)})
    _write_region((fourth, 0, 2))
    third.commit("third")
    with pytest.raises(RuntimeError, match="changed the same"):
        fourth.commit("fourth")
    # The session goes on after that.
    fourth.commit("fourth", on_conflict="ours")
    expected = _dataset().t.copy()
    expected[:4] += 100
    np.testing.assert_array_equal(_read(path).t, expected)


def test_a_discarded_session_leaves_nothing(tmp_path):
    session = craton.session(tmp_path / "new")
    session.write(_dataset())
    session.discard()
    assert not (tmp_path / "new").exists()
    memory = craton.session("icechunk+memory://sessions")
    with pytest.raises(NotImplementedError, match="in memory"):
        memory.fork()
    memory.write(_dataset())
    memory.commit("in memory")
    np.testing.assert_array_equal(craton.open_dataset("icechunk+memory://sessions").t.compute(), _dataset().t)
