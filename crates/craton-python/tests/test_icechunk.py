"""Icechunk repositories: every version that icechunk for Python and zarr write, read as they read it; names, made and moved."""

import datetime
import os
from concurrent.futures import ThreadPoolExecutor

import craton
import numpy as np
import pytest
from program import craton as program
from program import craton_json, run_craton
from s3_server import S3Server

xr = pytest.importorskip("xarray")
icechunk = pytest.importorskip("icechunk", minversion="2")
zarr = pytest.importorskip("zarr")

import repositories  # noqa: E402
from repositories import dataset_at, names, opened, versions  # noqa: E402


def _dataset(times, first=0):
    shape = (times, 6, 8)
    values = np.arange(np.prod(shape), dtype="float32").reshape(shape) + first
    values[0, 2, 3] = np.nan
    start = np.datetime64("2001-01-01", "ns") + first * np.timedelta64(1, "D")
    return xr.Dataset(
        {
            "t2m": (("time", "lat", "lon"), values, {"units": "K"}),
            "sharded": (("time", "lat", "lon"), values.astype("float64") * 3),
            "packed": (("time", "lat"), values[:, :, 1] + 0.25),
            "tiny": (("lat",), np.arange(6, dtype="int8")),
            "name": (("lat",), np.array(["a", "bb", "ccc", "", "é", "f"], dtype=object)),
            "scalar": ((), np.int16(7), {"note": "no dimensions"}),
        },
        {"time": start + np.arange(times) * np.timedelta64(6, "h"), "lat": np.linspace(50, 0, 6), "lon": np.arange(8.0)},
        {"title": "a repository"},
    )


ENCODING = {
    "t2m": {"chunks": (2, 3, 8)},
    "sharded": {"chunks": (1, 3, 4), "shards": (2, 6, 8)},
    "packed": {"dtype": "int16", "scale_factor": 0.5, "add_offset": 100.0, "_FillValue": -1, "chunks": (2, 6)},
}


def _write(path, spec_version):
    """A repository with several commits, a branch, a tag, an appended and a deleted array, and values of two versions."""
    # Chunks of more than 60 bytes are objects, others stand in manifests.
    config = icechunk.RepositoryConfig(inline_chunk_threshold_bytes=60)
    repository = repositories.create(path, spec_version, config=config)

    def commit(branch, message, change):
        session = repository.writable_session(branch)
        change(session.store)
        return session.commit(message, metadata={"by": "the test"})

    def zarr_options(**options):
        return {"zarr_format": 3, "consolidated": False, **options}

    first = commit("main", "first", lambda store: _dataset(4).to_zarr(store, encoding=ENCODING, **zarr_options()))
    repository.create_branch("dev.a", first)
    appended = _dataset(4, 1000).drop_vars(["tiny", "name", "scalar"])
    second = commit("main", "append", lambda store: appended.to_zarr(store, append_dim="time", **zarr_options()))
    repository.create_tag("v1", second)

    def change(store):
        group = zarr.open_group(store)
        group["t2m"][1:3] = -1.0
        group.attrs["title"] = "changed\nin two lines"

    commit("main", "change\n\nwith a body", change)

    def delete(store):
        group = zarr.open_group(store)
        del group["tiny"]
        group["sharded"][:2] = 5.0

    commit("main", "delete", delete)
    below = _dataset(4)
    below["t2m"] += 1000
    commit("dev.a", "group", lambda store: below.to_zarr(store, group="below", mode="w", **zarr_options()))
    return repository


@pytest.fixture(scope="module", params=[1, 2])
def written(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("icechunk") / "a repository"
    return path, _write(path, request.param)


def test_every_version_is_what_xarray_reads(written):
    path, repository = written
    found = versions(repository)
    assert len(found) == 3 + 4 + 1
    for name, snapshot in found:
        expected = dataset_at(repository, snapshot)
        url = f"icechunk+{path}@{name}"
        xr.testing.assert_identical(craton.open_dataset(url).load(), expected)
        xr.testing.assert_identical(xr.open_dataset(url, engine="craton").load(), expected)
        if "t2m" in expected:
            mean = craton.eval("ds.t2m.mean('time')", url)
            np.testing.assert_allclose(mean, expected.t2m.mean("time"), rtol=1e-6)
            total = craton.eval("ds.sharded.isel(lat=slice(1, 4), lon=5).sum()", url)
            np.testing.assert_allclose(total, expected.sharded.isel(lat=slice(1, 4), lon=5).sum(), rtol=1e-12)


def test_a_plain_path_is_the_branch_main(written):
    path, repository = written
    expected = dataset_at(repository, repository.lookup_branch("main"))
    xr.testing.assert_identical(craton.open_dataset(path).load(), expected)
    xr.testing.assert_identical(xr.open_dataset(path, engine="craton").load(), expected)
    facts = craton_json("info", path)
    assert facts["format"] == "Icechunk, branch main"
    variables = facts["groups"][0]["variables"]
    assert {name: tuple(one["shape"]) for name, one in variables.items()} == {
        name: variable.shape for name, variable in expected.variables.items()
    }
    assert "Icechunk, tag v1" in program("info", f"icechunk+{path}@v1")


def test_a_version_without_anything_is_told(written):
    path, repository = written
    *_, first = repository.ancestry(branch="main")
    with pytest.raises(KeyError, match="no store"):
        craton.open_dataset(f"icechunk+{path}@{first.id}")
    with pytest.raises(KeyError, match=r"(?s)no version `v0`.*`dev\.a`, `main`; tags: `v1`"):
        craton.open_dataset(f"icechunk+{path}@v0")


def test_groups_and_arrays_of_a_version(written):
    path, repository = written
    url = f"icechunk+{path}@dev.a"
    expected = dataset_at(repository, repository.lookup_branch("dev.a"), "below")
    xr.testing.assert_identical(craton.open_dataset(url, group="below").load(), expected)
    xr.testing.assert_identical(craton.open_dataset(f"{url}!/below").load(), expected)
    xr.testing.assert_identical(craton.open_datatree(url)["below"].to_dataset().load(), expected)
    array = craton.eval("ds", f"{url}!/below/t2m")
    np.testing.assert_array_equal(array, expected.t2m)


def test_what_is_opened_stays_when_the_branch_moves(tmp_path):
    repository = _write(tmp_path / "r", 2)
    opened = craton.open_dataset(tmp_path / "r")
    expected = dataset_at(repository, repository.lookup_branch("main"))
    session = repository.writable_session("main")
    zarr.open_group(session.store)["t2m"][:] = 99.0
    session.commit("later")
    xr.testing.assert_identical(opened.load(), expected)
    assert float(craton.open_dataset(tmp_path / "r").t2m.mean()) == 99.0


def test_the_history_is_the_repositorys(written):
    path, repository = written
    for name in repository.list_branches():
        lines = craton_json("log", f"{path}@{name}")
        expected = list(repository.ancestry(branch=name))
        assert [line["id"] for line in lines] == [one.id for one in expected]
        assert [line["parent"] for line in lines] == [one.parent_id for one in expected]
        assert [line["message"] for line in lines] == [one.message for one in expected]
        assert [line["properties"] for line in lines] == [one.metadata for one in expected]
        times = [np.datetime64(line["time"].removesuffix("Z"), "us") for line in lines]
        assert times == [np.datetime64(one.written_at.replace(tzinfo=None), "us") for one in expected]
        assert lines[0]["branches"] == [name]
    tagged = [line for line in craton_json("log", path) if line["tags"]]
    assert [line["tags"] for line in tagged] == [["v1"]]


@pytest.mark.parametrize("spec_version", [1, 2])
def test_names_that_craton_makes_are_icechunks(tmp_path, spec_version):
    path = tmp_path / "r"
    repository = _write(path, spec_version)

    def agree():
        branches, tags = names(opened(path))
        assert craton_json("branch", path) == branches
        assert craton_json("tag", path) == tags
        return branches, tags

    branches, tags = agree()
    program("branch", f"{path}@v1", "from-tag")
    program("tag", f"{path}@dev.a", "v2")
    program("tag", path, "v3")
    program("tag", path, "--delete", "v3")
    program("branch", path, "--delete", "dev.a")
    after = agree()
    expected = {"main": branches["main"], "from-tag": tags["v1"]}
    assert after == (expected, {"v1": tags["v1"], "v2": branches["dev.a"]})
    # Names are shared between branches and tags, and those of tags are never given again.
    for arguments in [("branch", path, "v1"), ("tag", path, "main"), ("tag", path, "v3"), ("branch", path, "main")]:
        program(*arguments, code=None)
        assert agree() == after, arguments
    program("branch", path, "--delete", "main", code=4)
    assert "would move" in program("reset", path, "main", "v1", code=2)
    assert agree() == after
    assert craton_json("reset", path, "main", "v1", "--yes") == {
        "branch": "main",
        "from": branches["main"],
        "to": tags["v1"],
    }
    assert agree()[0]["main"] == tags["v1"]
    xr.testing.assert_identical(craton.open_dataset(path).load(), dataset_at(repository, tags["v1"]))
    # What no name leads to any more is still read by its id.
    lost = craton.open_dataset(f"icechunk+{path}@{branches['main']}")
    xr.testing.assert_identical(lost.load(), dataset_at(repository, branches["main"]))


def _with_references(path, data, prefix, name=None):
    """A repository whose array points at the files in `data`."""
    repository = repositories.create(path, 2, config=repositories.config_of_files(prefix, data, name))
    # Named containers are found again by what is kept with the repository.
    repository.save_config()
    session = repository.writable_session("main")
    zarr.create_array(session.store, name="x", shape=(24,), chunks=(8,), dtype="<i4", compressors=None, filters=None)
    place = prefix if name is None else f"vcc://{name}/"
    for number, (file, offset) in enumerate([("a.bin", 0), ("a.bin", 32), ("b%20b.bin", 4)]):
        session.store.set_virtual_ref(f"x/c/{number}", f"{place}{file}", offset=offset, length=32)
    session.commit("references")


@pytest.mark.parametrize("name", [None, "there"])
def test_virtual_chunks_are_read_where_that_is_authorised(tmp_path, name):
    data, path = tmp_path / "data", tmp_path / "r"
    data.mkdir()
    values = np.arange(24, dtype="<i4")
    (data / "a.bin").write_bytes(values[:16].tobytes())
    (data / "b b.bin").write_bytes(b"head" + values[16:].tobytes())
    _with_references(path, data, f"file://{data}/", name)
    assert "24" in program("info", path)
    allow = "authorize_virtual_chunk_access"
    for elsewhere in [None, f"file://{data}2", f"{data}/a", str(tmp_path / "dat")]:
        options = {} if elsewhere is None else {allow: elsewhere}
        with pytest.raises(PermissionError, match=r"(?s)a\.bin.*not authorised.*--store authorize_virtual"):
            craton.eval("ds.x.sum()", path, storage_options=options)
    for prefix in [f"file://{data}", f"file://{data}/", str(data), f"s3://other,{tmp_path}"]:
        read = craton.open_dataset(path, storage_options={allow: prefix}).x.load()
        np.testing.assert_array_equal(read, values)
    assert program("eval", "ds.x.sum()", path, "--value", "--store", f"{allow}={data}").strip() == str(values.sum())
    (data / "a.bin").write_bytes(values[:9].tobytes())
    with pytest.raises(ValueError, match=r"a\.bin"):
        craton.eval("ds.x.sum()", path, storage_options={allow: str(data)})
    (data / "a.bin").unlink()
    with pytest.raises(ValueError, match=r"(?s)a\.bin.*is gone"):
        craton.eval("ds.x.sum()", path, storage_options={allow: str(data)})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_reads_manifests_over_connections_of_its_own():
    server = S3Server()
    url, options = "icechunk+s3://bucket/results", {"storage_options": server.options}
    values = np.random.default_rng(0).random((40, 50))
    craton.to_icechunk(xr.Dataset({"a": (("x", "y"), values), "b": (("x", "y"), -values)}), url, chunks={"x": 10}, **options)
    dataset = craton.open_dataset(url, **options)
    np.testing.assert_array_equal(dataset.a.compute(), values)
    child = os.fork()
    if child == 0:
        os._exit(0 if (dataset.b.compute().values == -values).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(dataset.b.compute(), -values)
    server.close()


def test_files_that_changed_since_are_refused(tmp_path):
    data, path = tmp_path / "data", tmp_path / "r"
    data.mkdir()
    file = data / "a.bin"
    file.write_bytes(np.arange(8, dtype="<i4").tobytes())
    os.utime(file, (1_000_000_000, 1_000_000_000))
    repository = repositories.create(path, 2, config=repositories.config_of_files(f"file://{data}/", data))
    session = repository.writable_session("main")
    zarr.create_array(session.store, name="x", shape=(8,), chunks=(8,), dtype="<i4", compressors=None, filters=None)
    told = datetime.datetime.fromtimestamp(1_000_000_001, datetime.UTC)
    session.store.set_virtual_ref("x/c/0", f"file://{data}/a.bin", offset=0, length=32, checksum=told)
    session.commit("a reference")
    options = {"authorize_virtual_chunk_access": str(data)}
    assert craton.eval("ds.x.sum()", path, storage_options=options) == 28
    os.utime(file, (1_000_000_002, 1_000_000_002))
    with pytest.raises(RuntimeError, match=r"a\.bin.*was changed"):
        craton.eval("ds.x.sum()", path, storage_options=options)


def test_results_of_the_program_are_commits_that_xarray_reads(tmp_path):
    dataset = _dataset(4)
    source, path = tmp_path / "source.zarr", tmp_path / "results"
    dataset.to_zarr(source, encoding=ENCODING, zarr_format=3, consolidated=False)
    stored = xr.open_zarr(source, consolidated=False).load()
    questions = {
        "ds": (stored, ()),
        "ds.t2m.mean('time')": (stored.t2m.mean("time").to_dataset(), ()),
        "ds[['sharded', 'name']]": (stored[["sharded", "name"]], ("--chunks", "time=1,lat=3", "--shards", "time=2,lat=6")),
        "ds.isel(lat=slice(1, 3))": (stored.isel(lat=slice(1, 3)), ("-m", "a part")),
    }
    for question, (_, options) in questions.items():
        program("eval", question, source, "-o", f"icechunk+{path}", *options)
    repository = opened(path)
    *commits, _ = repository.ancestry(branch="main")
    assert [one.message for one in commits][::-1] == [
        options[-1] if "-m" in options else f"craton eval '{question}'" for question, (_, options) in questions.items()
    ]
    for commit, (expected, _) in zip(reversed(commits), questions.values(), strict=True):
        actual = dataset_at(repository, commit.id)
        assert actual.attrs.pop("craton_recipe")["expression"]
        assert set(actual.variables) == set(expected.variables)
        for name in expected.variables:
            if expected[name].dtype.kind == "f":
                np.testing.assert_allclose(actual[name], expected[name], rtol=1e-6, err_msg=name)
            else:
                np.testing.assert_array_equal(actual[name], expected[name], err_msg=name)
            assert actual[name].attrs == expected[name].attrs
    # A repository is copied out, with what Python commits to it.
    session = repository.writable_session("main")
    zarr.open_group(session.store).attrs["title"] = "changed"
    session.commit("by Python")
    program("copy", path, tmp_path / "copy.zarr")
    copied = xr.open_zarr(tmp_path / "copy.zarr").load()
    assert copied.attrs["title"] == "changed"
    np.testing.assert_array_equal(copied.t2m, stored.t2m.isel(lat=slice(1, 3)))


def test_changes_at_the_same_moment_lose_nothing(tmp_path):
    source, path = tmp_path / "source.zarr", tmp_path / "results"
    _dataset(3).to_zarr(source, encoding=ENCODING, zarr_format=3, consolidated=False)
    program("copy", source, f"icechunk+{path}", "-m", "begin")
    branches = ["main", "a", "b", "c"]
    for name in branches[1:]:
        program("branch", path, name)
    rounds, expected = range(6), xr.open_zarr(source, consolidated=False).t2m.mean("time").values
    with ThreadPoolExecutor(len(branches) + 1) as pool:
        tags = pool.map(lambda number: program("tag", path, f"tag{number}"), rounds)

        def commit(branch):
            for number in rounds:
                program("eval", f"ds.t2m.mean('time') + {number}", source, "-o", f"icechunk+{path}@{branch}", "-m", f"{branch} {number}")

        list(pool.map(commit, branches))
        list(tags)
    repository = opened(path)
    for branch in branches:
        *messages, _, _ = [one.message for one in repository.ancestry(branch=branch)]
        assert messages[::-1] == [f"{branch} {number}" for number in rounds]
        np.testing.assert_allclose(dataset_at(repository, repository.lookup_branch(branch)).t2m, expected + 5, rtol=1e-6)
    assert repository.list_tags() == {f"tag{number}" for number in rounds}


def test_of_commits_to_one_branch_at_the_same_moment_none_is_lost(tmp_path):
    source, path = tmp_path / "source.zarr", tmp_path / "results"
    _dataset(3).to_zarr(source, encoding=ENCODING, zarr_format=3, consolidated=False)
    program("copy", source, f"icechunk+{path}", "-m", "begin")

    def commit(number):
        return run_craton("eval", f"ds.t2m + {number}", source, "-o", f"icechunk+{path}", "-m", f"commit {number}")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(commit, range(16)))
    refused = {number for number, answer in enumerate(answers) if answer.returncode}
    for number in refused:
        assert answers[number].returncode == 10
        assert "committed to the branch meanwhile" in answers[number].stderr
    repository = opened(path)
    *messages, _, _ = [one.message for one in repository.ancestry(branch="main")]
    assert sorted(messages) == sorted(f"commit {number}" for number in range(16) if number not in refused)
    assert len(messages) > 0


@pytest.mark.parametrize("spec_version", [1, 2])
def test_garbage_goes_and_nothing_else(tmp_path, spec_version):
    path = tmp_path / "results"
    repository = repositories.create(path, spec_version)
    ids = []
    for number in range(5):
        session = repository.writable_session("main")
        _store(_field(number), session)
        ids.append(session.commit(f"commit {number}"))
    repository.create_tag("kept", snapshot_id=ids[1])
    session = repository.writable_session("main")
    _store(_field(100), session)
    del session  # never committed
    program("reset", path, "main", ids[3], "--yes")
    before = _files(path)
    # Within the last day everything may belong to a commit in the making.
    assert craton_json("gc", path)["chunks"] == 0
    told = craton_json("gc", path, "--written-before", "0s")
    assert told["dry_run"]
    assert told["snapshots"] == 1
    assert told["chunks"] > 0
    assert told["bytes"] > 0
    assert _files(path) == before
    done = craton_json("gc", path, "--written-before", "0s", "--yes")
    assert done == told | {"dry_run": False}
    gone = before - _files(path)
    kinds = ("chunks", "manifests", "snapshots", "transactions")
    count = {kind: sum(one.startswith(f"{kind}/") for one in gone) for kind in kinds}
    assert count == {
        "chunks": done["chunks"],
        "manifests": done["manifests"],
        "snapshots": done["snapshots"],
        "transactions": done["transaction_logs"],
    }
    assert craton_json("gc", path, "--written-before", "0s")["chunks"] == 0
    assert "would remove 0 chunks" in program("gc", path)
    for at, number in ((ids[0], 0), (ids[1], 1), (ids[3], 3)):
        xr.testing.assert_equal(craton.open_dataset(f"icechunk+{path}@{at}").t2m.load(), _field(number))
    # History before now goes too, but for what names point at.
    told = craton_json("gc", path, "--expire-before", "0s", "--written-before", "0s")
    done = craton_json("gc", path, "--expire-before", "0s", "--written-before", "0s", "--yes")
    assert told["expired"] == done["expired"] == sorted([ids[0], ids[2]])
    assert done["snapshots"] == 2
    reopened = opened(path)
    assert [one.id for one in reopened.ancestry(branch="main")][:1] == [ids[3]]
    for at, number in (("kept", 1), ("main", 3)):
        xr.testing.assert_equal(craton.open_dataset(f"icechunk+{path}@{at}").t2m.load(), _field(number))
    assert "no version" in program("info", f"icechunk+{path}@{ids[2]}", code=3)


def _field(number):
    return xr.DataArray(np.random.default_rng(number).random((6, 20, 30)), dims=("time", "lat", "lon"), name="t2m")


def _store(array, session):
    array.to_dataset().to_zarr(session.store, mode="w", zarr_format=3, consolidated=False)


def _files(path):
    return {str(one.relative_to(path)) for one in path.rglob("*") if one.is_file() and not one.name.startswith(".")}
