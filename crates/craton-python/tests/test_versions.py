"""Commits from Python, appended, written into regions and whole: what icechunk for Python, zarr and xarray read of them."""

import subprocess
import sys

import craton
import numpy as np
import pytest
from program import craton as program
from s3_server import S3Server

xr = pytest.importorskip("xarray")
icechunk = pytest.importorskip("icechunk", minversion="2")
zarr = pytest.importorskip("zarr")


def _dataset(times=8, first=0):
    shape = (times, 5, 6)
    values = np.arange(np.prod(shape), dtype="float32").reshape(shape) + 30 * first
    values[1, 2, 3] = np.nan
    start = np.datetime64("2001-01-01", "ns") + first * np.timedelta64(6, "h")
    return xr.Dataset(
        {
            "t2m": (("time", "lat", "lon"), values, {"units": "K"}),
            "name": (("lat",), np.array(["a", "bb", "ccc", "", "é"], dtype=object)),
            "count": ((), np.int16(7)),
        },
        {"time": start + np.arange(times) * np.timedelta64(6, "h"), "lat": np.linspace(40, 0, 5), "lon": np.arange(6.0)},
        {"title": "versions"},
    )


def _repository(path):
    return icechunk.Repository.open(icechunk.local_filesystem_storage(str(path)))


def _read(path, branch="main"):
    """What icechunk and xarray read, without what tells how it came about."""
    dataset = xr.open_zarr(_repository(path).readonly_session(branch).store, consolidated=False).load()
    for name in ("craton_recipe", "craton_recipe_last_change"):
        dataset.attrs.pop(name, None)
    return dataset


def _write(path, dataset, **encoding):
    """A repository that icechunk and xarray write."""
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(path)))
    session = repository.writable_session("main")
    dataset.to_zarr(session.store, encoding=encoding, zarr_format=3, consolidated=False)
    session.commit("by xarray")
    return repository


def _messages(path, branch="main"):
    return [one.message for one in _repository(path).ancestry(branch=branch)]


@pytest.mark.parametrize("name", ["results", "100% @ home!"])
def test_lazy_and_held_arrays_are_one_commit(tmp_path, name):
    source, path = tmp_path / "source", tmp_path / name
    dataset = _dataset()
    _write(source, dataset, t2m={"chunks": (2, 5, 3)})
    opened = craton.open_dataset(source)
    lazy = opened.assign(celsius=opened.t2m - 273.15, held=("lat", np.arange(5)))
    assert isinstance(lazy.celsius.variable._data, craton.Array)
    # A path that is not there yet is read as a name, in which an `@` begins the version.
    url = f"icechunk+{str(path).replace('%', '%25').replace('@', '%40')}"
    craton.to_icechunk(lazy, url, message="both", chunks={"time": 3, "lat": -1}, codec="zstd:3")
    expected = dataset.assign(celsius=dataset.t2m - 273.15, held=("lat", np.arange(5)))
    actual = _read(path)
    xr.testing.assert_allclose(actual, expected)
    assert actual.t2m.attrs["units"] == "K"
    assert actual.attrs == dataset.attrs
    assert actual.t2m.encoding["chunks"][:2] == (3, 5)
    assert _messages(path)[0] == "both"
    assert len(_messages(path)) == 2
    xr.testing.assert_allclose(craton.open_dataset(url).load(), expected)


def test_what_a_commit_holds_takes_the_place_of_what_was_there(tmp_path):
    path = tmp_path / "results"
    craton.to_icechunk(_dataset(), path)
    craton.branch(path, "dev")
    craton.to_icechunk(_dataset().t2m.mean("time"), path, branch="dev")
    assert set(_read(path, "dev").data_vars) == {"t2m"}
    xr.testing.assert_identical(_read(path), _dataset())
    tree = xr.DataTree.from_dict({"/": _dataset()[["count"]], "/below": _dataset()[["name"]]})
    craton.to_icechunk(tree, path)
    store = _repository(path).readonly_session("main").store
    xr.testing.assert_identical(xr.open_zarr(store, group="below", consolidated=False).load().name, _dataset().name)
    with pytest.raises(NotImplementedError, match="gave `ds`"):
        craton.replay(path)


def test_a_commit_that_cannot_be_leaves_all_as_it_was(tmp_path):
    path = tmp_path / "results"
    wrong = xr.Dataset({"x": ("a", np.array([object(), 1]))})
    with pytest.raises(NotImplementedError, match="`x`"):
        craton.to_icechunk(wrong, path)
    assert not path.exists()
    craton.to_icechunk(_dataset(), path)
    for error, match, options in [
        (KeyError, "no version|no branch", {"branch": "absent"}),
        (ValueError, "without a name", {"branch": ""}),
        (ValueError, "chunk", {"chunks": {"time": 0}}),
        (ValueError, "nodim", {"chunks": {"nodim": 1}}),
        (ValueError, "exclude", {"append_dim": "time", "region": "auto"}),
        (ValueError, "start and stop", {"region": {"time": slice(None, 2)}}),
        (ValueError, "has no such thing", {"append_dim": "time", "chunks": {"time": 1}}),
    ]:
        with pytest.raises(error, match=match):
            craton.to_icechunk(_dataset(), path, **options)
    with pytest.raises(ValueError, match="named beside"):
        craton.to_icechunk(_dataset(), f"icechunk+{path}@main")
    assert len(_messages(path)) == 2
    xr.testing.assert_identical(_read(path), _dataset())


def test_history_and_names_are_icechunks(tmp_path):
    path = tmp_path / "results"
    for number in range(3):
        craton.to_icechunk(_dataset().assign(count=((), np.int16(number))), path, message=f"number {number}")
    history = craton.log(path)
    expected = list(_repository(path).ancestry(branch="main"))
    assert [one["id"] for one in history] == [one.id for one in expected]
    assert [one["message"] for one in history] == [one.message for one in expected]
    assert history[0]["branches"] == ["main"]
    second = history[1]["id"]
    assert craton.tag(f"icechunk+{path}@{second}", "v1") == {"v1": second}
    assert craton.branch(f"{path}@v1", "fix") == {"fix": second, "main": history[0]["id"]}
    assert _repository(path).lookup_branch("fix") == _repository(path).lookup_tag("v1") == second
    with pytest.raises(RuntimeError, match="already"):
        craton.branch(path, "v1")
    assert craton.branch(path, delete="fix") == {"main": history[0]["id"]}
    assert craton.reset(path, "main", "v1") == (history[0]["id"], second)
    assert _repository(path).lookup_branch("main") == second
    assert craton.tag(path, delete="v1") == {}
    with pytest.raises(KeyError, match="v1"):
        craton.log(f"{path}@v1")


def test_garbage_damage_and_replay(tmp_path):
    path, store = tmp_path / "results", tmp_path / "source.zarr"
    # Small chunks stand in manifests, these do not.
    large = xr.Dataset({"x": (("a", "b"), np.random.default_rng(0).random((100, 100)))})
    large.to_zarr(store, zarr_format=3)
    craton.to_icechunk(large + 1, path)
    program("eval", "ds * 2", store, "-o", f"icechunk+{path}")
    assert craton.replay(path)["verdict"] == "identical"
    whole = craton.verify(path)
    assert whole["is_whole"]
    assert [array["path"] for array in whole["arrays"]] == ["x"]
    first = craton.log(path)[-1]["id"]
    craton.branch(path, "other")
    craton.reset(path, "main", first)
    craton.branch(path, delete="other")
    files = {one for one in (path / "chunks").rglob("*") if one.is_file()}
    assert craton.gc(path)["chunks"] == 0
    told = craton.gc(path, written_before="0s")
    assert told["dry_run"]
    assert told["chunks"] == len(files) == 2
    assert craton.gc(path, written_before="0s", dry_run=False) == told | {"dry_run": False}
    assert not any(one.exists() for one in files)
    with pytest.raises(ValueError, match="no moment"):
        craton.gc(path, written_before="yesterday")
    craton.to_icechunk(large, path)
    for chunk in (path / "chunks").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(chunk.read_bytes()[:-9])
    damaged = craton.verify(path)
    assert not damaged["is_whole"]
    assert damaged["arrays"][0]["damaged"] == 1


ENCODINGS = {
    "chunks": {"t2m": {"chunks": (3, 5, 4)}},
    "shards": {"t2m": {"chunks": (1, 5, 2), "shards": (3, 5, 6)}},
    "packed": {"t2m": {"dtype": "int16", "scale_factor": 0.5, "_FillValue": -9, "chunks": (3, 5, 6)}},
}


def _as_stored(dataset, encoding):
    """The dataset with values of the type that the store is read as: nothing is converted on the way."""
    return dataset.assign(t2m=dataset.t2m.astype("float64")) if encoding == "packed" else dataset


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_appended_is_what_xarray_appends(tmp_path, encoding):
    path = tmp_path / "results"
    _write(path, _dataset(), **ENCODINGS[encoding])
    more = _as_stored(_dataset(5, 8), encoding)
    craton.to_icechunk(more, path, append_dim="time", message="more")
    with pytest.raises(NotImplementedError, match="appended to"):
        craton.replay(path)
    expected = xr.concat([_dataset(), more], "time", data_vars="minimal", coords="minimal", compat="equals")
    xr.testing.assert_identical(_read(path), expected)
    xr.testing.assert_identical(craton.open_dataset(path).load().drop_attrs(), expected.drop_attrs())
    assert _messages(path)[:2] == ["more", "by xarray"]
    # What was there before is still read, and xarray goes on from here.
    before = craton.log(path)[1]["id"]
    xr.testing.assert_identical(craton.open_dataset(f"icechunk+{path}@{before}").load(), _dataset())
    session = _repository(path).writable_session("main")
    last = _dataset(4, 13).drop_vars(["name", "count", "lat", "lon"])
    last.to_zarr(session.store, append_dim="time", zarr_format=3, consolidated=False)
    session.commit("the last")
    np.testing.assert_array_equal(craton.open_dataset(path).t2m.load(), np.concatenate([expected.t2m, last.t2m]))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_region_is_what_xarray_writes(tmp_path, encoding):
    source, path, peer = tmp_path / "source.zarr", tmp_path / "results", tmp_path / "peer"
    _write(path, _dataset(), **ENCODINGS[encoding])
    repository = _write(peer, _dataset(), **ENCODINGS[encoding])
    part = _dataset().isel(time=slice(2, 7), lon=slice(1, 4))[["t2m"]] * 2
    part.t2m.attrs["units"] = "K"
    part = _as_stored(part, encoding)
    part.to_zarr(source, zarr_format=3)
    session = repository.writable_session("main")
    region = {"time": slice(2, 7), "lon": slice(1, 4)}
    part.drop_vars(["time", "lat", "lon"]).to_zarr(session.store, region=region, zarr_format=3, consolidated=False)
    session.commit("a region")
    expected = _read(peer)
    assert not expected.identical(_dataset())
    program("eval", "ds", source, "-o", f"icechunk+{path}", "--region", "time=2:7,lon=auto", "-m", "first")
    xr.testing.assert_identical(_read(path), expected)
    craton.reset(path, "main", craton.log(path)[1]["id"])
    xr.testing.assert_identical(_read(path), _dataset())
    craton.to_icechunk(part, path, region=region | {"lon": "auto"})
    xr.testing.assert_identical(_read(path), expected)
    craton.to_icechunk(part, path, region="auto")
    xr.testing.assert_identical(_read(path), expected)


def test_chunks_of_fill_values_go(tmp_path):
    path = tmp_path / "results"
    _write(path, _dataset(), t2m={"chunks": (4, 5, 6)})
    nothing = _dataset().isel(time=slice(0, 4))[["t2m"]]
    nothing["t2m"] = nothing.t2m.astype("float32") * np.float32("nan")
    nothing.t2m.attrs["units"] = "K"
    craton.to_icechunk(nothing, path, region={"time": slice(0, 4)})
    assert np.isnan(_read(path).t2m[:4]).all()
    np.testing.assert_array_equal(_read(path).t2m[4:], _dataset().t2m[4:])
    array = zarr.open_group(_repository(path).readonly_session("main").store, mode="r")["t2m"]
    assert array.nchunks_initialized == 1


def test_what_does_not_fit_changes_nothing(tmp_path):
    path = tmp_path / "results"
    _write(path, _dataset())
    more = _dataset(5, 8)
    elsewhere = more.assign_coords(lat=more.lat + 1)
    celsius = more.copy()
    celsius["t2m"] = more.t2m.assign_attrs(units="degC")
    for dataset, options, match in [
        (_dataset(), {"append_dim": "time"}, "do not follow"),
        (more.isel(lat=slice(2)), {"append_dim": "time"}, "lat"),
        (elsewhere, {"append_dim": "time"}, "lat"),
        (celsius, {"append_dim": "time"}, "degC"),
        (more.rename(t2m="other"), {"append_dim": "time"}, "other"),
        (more, {"region": {"time": slice(0, 3)}}, "region"),
        (more, {"region": "auto"}, "region"),
    ]:
        with pytest.raises((ValueError, RuntimeError, KeyError), match=match):
            craton.to_icechunk(dataset, path, **options)
    for target in (tmp_path / "absent", tmp_path):
        with pytest.raises(KeyError, match="repository"):
            craton.to_icechunk(more, target, append_dim="time")
    assert not (tmp_path / "absent").exists()
    assert _messages(path) == ["by xarray", "Repository initialized"]
    xr.testing.assert_identical(_read(path), _dataset())


@pytest.fixture
def server():
    server = S3Server()
    yield server
    server.close()


def _peer(server, prefix):
    options = server.options
    storage = icechunk.s3_storage(
        bucket="bucket",
        prefix=prefix,
        endpoint_url=options["endpoint_url"],
        access_key_id="k",
        secret_access_key="s",
        region="us-east-1",
        allow_http=True,
        force_path_style=True,
    )
    return icechunk.Repository.open(storage)


def test_a_bucket_is_a_home_of_results(tmp_path, server):
    url, options = "icechunk+s3://bucket/deep/results", {"storage_options": server.options}
    with pytest.raises(KeyError, match="no Icechunk repository"):
        craton.log(url, **options)
    craton.to_icechunk(_dataset(), url, message="first", chunks={"time": 3}, **options)
    craton.to_icechunk(_dataset(5, 8), url, append_dim="time", message="second", **options)
    expected = xr.concat([_dataset(), _dataset(5, 8)], "time", data_vars="minimal", coords="minimal", compat="equals")
    peer = _peer(server, "deep/results")
    assert [one.message for one in peer.ancestry(branch="main")][:2] == ["second", "first"]
    read = xr.open_zarr(peer.readonly_session("main").store, consolidated=False).load()
    read.attrs.pop("craton_recipe")
    xr.testing.assert_identical(read, expected)
    first = craton.log(url, **options)[1]["id"]
    assert craton.tag(f"{url}@{first}", "v1", **options) == {"v1": first}
    xr.testing.assert_allclose(craton.open_dataset(f"{url}@v1", **options).load().drop_attrs(), _dataset().drop_attrs())
    xr.testing.assert_allclose(craton.open_dataset(url, **options).load().drop_attrs(), expected.drop_attrs())
    assert craton.verify(url, **options)["is_whole"]
    craton.reset(url, "main", "v1", **options)
    told = craton.gc(url, written_before="0s", dry_run=False, **options)
    assert told["snapshots"] == 1
    assert _peer(server, "deep/results").lookup_branch("main") == first
    wrong = server.options | {"endpoint_url": "http://127.0.0.1:1", "secret": "canary-secret"}
    with pytest.raises(OSError, match="127.0.0.1:1") as error:
        craton.log(url, storage_options=wrong | {"retries": 0})
    assert "canary" not in str(error.value)


STORE = """
import sys, numpy as np, xarray as xr, craton
url, number, options = sys.argv[1], int(sys.argv[2]), dict(part.split("=", 1) for part in sys.argv[3:])
part = xr.Dataset({"x": (("w", "a"), np.full((1, 6), number))})
craton.to_icechunk(part, url, region={"w": slice(number, number + 1)}, message=str(number), storage_options=options)
"""


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_ten_writers_at_once_lose_nothing(tmp_path, server, place):
    url, options = (str(tmp_path / "r"), {}) if place == "folder" else ("icechunk+s3://bucket/r", server.options)
    begun = xr.Dataset({"x": (("w", "a"), np.zeros((10, 6), "int64"))})
    craton.to_icechunk(begun, url, chunks={"w": 1}, storage_options=options)
    texts = [f"{name}={value}" for name, value in options.items()]
    running = [subprocess.Popen([sys.executable, "-c", STORE, url, str(number), *texts]) for number in range(10)]
    assert [one.wait() for one in running] == [0] * 10
    read = craton.open_dataset(url, storage_options=options).x.load()
    np.testing.assert_array_equal(read, np.arange(10)[:, None] * np.ones(6, int))
    messages = [one["message"] for one in craton.log(url, storage_options=options)]
    assert sorted(messages[:10], key=int) == [str(number) for number in range(10)]
    with pytest.raises(NotImplementedError, match="appended to, or a region"):
        craton.replay(url, storage_options=options)


def test_commits_are_amended_and_conflicts_named(tmp_path):
    path = tmp_path / "r"
    craton.to_icechunk(_dataset(), path, message="first")
    craton.to_icechunk(_dataset(), path, message="wrong", chunks={"time": 2})
    craton.to_icechunk(_dataset(5, 8), path, append_dim="time", message="right", amend=True)
    assert _messages(path) == ["right", "first", "Repository initialized"]
    assert _read(path).sizes["time"] == 13
    program("eval", "ds.count", path, "-o", f"icechunk+{path}", "-m", "only the count", "--amend")
    assert _messages(path) == ["only the count", "first", "Repository initialized"]
    assert set(_read(path).variables) == {"count"}
    for match, options in [
        ("no way out", {"region": "auto", "on_conflict": "both"}),
        ("keep what others commit", {"on_conflict": "ours"}),
    ]:
        with pytest.raises(ValueError, match=match):
            craton.to_icechunk(_dataset(), path, **options)


def test_the_history_says_how_each_state_came_about(tmp_path):
    path, source = tmp_path / "r", tmp_path / "s.zarr"
    _dataset().to_zarr(source, zarr_format=3)
    program("eval", "ds[['t2m']].isel(time=slice(4)) * 2", source, "-o", f"icechunk+{path}")
    program("eval", "ds[['t2m']].isel(time=slice(4, 8)) * 2", source, "-o", f"icechunk+{path}", "--append-dim", "time")
    second, first, _ = craton.log(path)
    assert first["properties"]["craton_recipe"]["expression"] == "ds[['t2m']].isel(time=slice(4)) * 2"
    change = second["properties"]["craton_recipe_last_change"]
    assert change["expression"] == "ds[['t2m']].isel(time=slice(4, 8)) * 2"
    assert change["inputs"][0]["url"] == str(source)
