"""Killed, out of room, and beside others: outputs are whole, old or new. `crash.py` does more of it."""

import json
import os
import subprocess
import tarfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from program import craton as program
from program import run_craton

xr = pytest.importorskip("xarray")
icechunk = pytest.importorskip("icechunk", minversion="2")
zarr = pytest.importorskip("zarr")
pytest.importorskip("netCDF4")

import crash  # noqa: E402
import crash_works as works  # noqa: E402
from file_events import FileEvents  # noqa: E402
from s3_server import S3Server  # noqa: E402

SEED = int(os.environ.get("CRATON_CRASH_SEED", "0"))


@pytest.mark.parametrize(
    ("place", "only", "moments", "committers"),
    [
        ("folder", "overwrite a store,append to a store,region of a store,overwrite a file", 8, 0),
        ("folder", "make a repository,commit,gc", 6, 0),
        ("folder", "append", 2, 2),
        ("s3", "make a repository,region,gc", 6, 0),
        ("s3", "commit", 2, 2),
    ],
)
def test_whoever_is_killed_leaves_the_old_state_or_the_new_one(tmp_path, place, only, moments, committers):
    found = crash.crash_at(place, tmp_path, moments, SEED, committers, only).found
    assert sum(one.total() for one in found.values()) == moments


@pytest.mark.parametrize(
    ("name", "first", "last", "step"),
    [("overwrite a store", -40, 0, 6), ("append to a store", -150, 0, 20), ("make a repository", 4, 20, 3)],
)
def test_the_events_around_the_change_are_all_safe(tmp_path, name, first, last, step):
    """Where random moments hardly come: names given up and taken, metadata of one array after the other."""
    if not FileEvents.can_be_built():
        pytest.skip("needs Linux and a compiler")
    place = crash.Place(tmp_path, "folder")
    found = crash.Crash(place, SEED, 0)
    work = next(work for work in works.WORKS if work.name == name)
    found.measure(work)
    count = found.counted[name]
    base = count if last == 0 else 0
    for event in range(base + first, base + last, step):
        found.moment(work, event)
    assert found.found[name].total() == len(range(first, last, step))


def test_a_mixture_is_told_from_what_was_written(tmp_path):
    known = works.states()
    mixed = known["first"].copy(deep=True)
    mixed["tp"][4:8] = known["second"]["tp"].values[4:8]
    with pytest.raises(works.Violation, match="no version that ever was"):
        works.name_of(mixed, known)
    assert {works.name_of(state, known) for state in known.values()} == set(known)


def _weather(folder):
    values = np.random.default_rng(0).random((8, 50, 50))
    xr.Dataset({"x": (("t", "a", "b"), values)}).to_zarr(folder / "s.zarr", zarr_format=3, consolidated=False)
    return folder / "s.zarr"


@pytest.fixture
def events(tmp_path):
    if not FileEvents.can_be_built():
        pytest.skip("needs Linux and a compiler")
    return FileEvents(tmp_path)


@pytest.mark.parametrize("output", ["o.zarr", "o.nc", "icechunk+o"])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_full_disk_leaves_what_was_there(tmp_path, events, output, is_there):
    source, here = _weather(tmp_path), tmp_path / "here"
    here.mkdir()
    target = here / output.removeprefix("icechunk+")
    url = f"icechunk+{target}" if "+" in output else str(target)
    command = ["eval", "ds + 1", source, "-o", url, "--chunks", "t=2"]
    if is_there:
        program("eval", "ds", source, "-o", url)
        command += [] if "+" in output else ["--overwrite"]
    executable = crash._program()

    def run(room=None):
        environment = events.environment(full_after=room)
        whole = [executable, *map(str, command)]
        return subprocess.run(whole, capture_output=True, text=True, env=environment, check=False)

    # At the first byte, in the middle of the values, and at the last byte.
    whole = 8 * 50 * 50 * 8
    for room in (0, whole // 3):
        answer = run(room)
        assert answer.returncode != 0
        assert "No space left on device" in answer.stderr
        assert target.name in answer.stderr
        left = [path.name for path in here.iterdir()]
        assert left == ([target.name] if is_there else []), f"{left} after {room} bytes"
        if is_there:
            opened = _read(target)
            np.testing.assert_array_equal(opened, _read(source))
    assert run().returncode == 0
    last = events.counted()[1]
    np.testing.assert_array_equal(_read(target), _read(source) + 1)
    if not is_there and "+" not in output:
        program("eval", "ds", source, "-o", url, "--overwrite")
        command.append("--overwrite")
        assert run(last - 1).returncode != 0
        np.testing.assert_array_equal(_read(target), _read(source))


def _read(path):
    if path.suffix == ".nc":
        return xr.load_dataset(path, engine="netcdf4").x.values
    if path.suffix == ".zarr":
        return xr.open_zarr(path).x.values
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(path)))
    return xr.open_zarr(repository.readonly_session("main").store, consolidated=False).x.values


def test_craton_and_icechunk_commit_to_a_bucket_at_once(tmp_path):
    server = S3Server()
    url = "icechunk+s3://bucket/deep/results"
    xr.Dataset({"x": (("w", "a"), np.zeros((2, 400)))}).to_zarr(tmp_path / "s.zarr", zarr_format=3, consolidated=False)
    program("eval", "ds", tmp_path / "s.zarr", "-o", url, "-m", "begun", "--chunks", "w=1", *server.command_options)
    storage = crash.bucket_storage(server, "deep/results")
    # Between looking and changing there is time for the other.
    server.fault = lambda method, key: time.sleep(0.02) if (method, key) == ("PUT", "deep/results/repo") else None
    begun = threading.Barrier(2)

    def by_icechunk():
        repository = icechunk.Repository.open(storage)
        begun.wait()
        for number in range(1, 9):
            session = repository.writable_session("main")
            zarr.open_group(session.store, mode="r+")["x"][1] = number
            session.commit(f"icechunk {number}", rebase_with=icechunk.BasicConflictSolver())

    def by_craton():
        begun.wait()
        for number in range(1, 9):
            expression, region = f"ds.isel(w=slice(0, 1)) + {number}", "w=0:1"
            options = ["-m", f"craton {number}", "--region", region, *server.command_options]
            program("eval", expression, tmp_path / "s.zarr", "-o", url, *options)

    failures = []
    threads = [threading.Thread(target=_noting, args=(one, failures)) for one in (by_icechunk, by_craton)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    # They did meet: the later one was told so, and tried again.
    assert ("PUT", "deep/results/repo", 412) in server.log
    repository = icechunk.Repository.open(storage)
    messages = [one.message for one in repository.ancestry(branch="main")]
    for name in ("craton", "icechunk"):
        assert [one for one in messages if one.startswith(name)] == [f"{name} {number}" for number in range(8, 0, -1)]
    values = xr.open_zarr(repository.readonly_session("main").store, consolidated=False).x.values
    np.testing.assert_array_equal(values, np.full((2, 400), 8.0))
    server.close()


def _noting(work, failures):
    try:
        work()
    except BaseException as cause:  # noqa: BLE001
        failures.append(cause)


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_names_and_garbage_change_while_others_commit(tmp_path, place):
    """Six committers; beside them names come and go, another branch is amended and reset, and garbage is collected."""
    server = S3Server()
    options = server.command_options if place == "bucket" else []
    target = "s3://bucket/deep/r" if place == "bucket" else str(tmp_path / "r")
    url, source = f"icechunk+{target}", tmp_path / "s.zarr"
    xr.Dataset({"x": (("w", "a"), np.zeros((6, 400)))}).to_zarr(source, zarr_format=3, consolidated=False)
    program("eval", "ds", source, "-o", url, "--chunks", "w=1", *options)
    program("branch", target, "side", *options)
    first = json.loads(program("log", target, "--json", *options))[0]["id"]

    def committer(row):
        expression, region = f"ds.isel(w=slice({row}, {row + 1})) + {row + 1}", f"w={row}:{row + 1}"
        program("eval", expression, source, "-o", url, "--region", region, "-m", f"row {row}", *options)

    def names():
        for number in range(4):
            program("branch", target, f"b{number}", *options)
            program("tag", target, f"t{number}", *options)
            program("branch", target, "--delete", f"b{number}", *options)

    def side():
        program("eval", "ds + 9", source, "-o", f"{url}@side", "-m", "side", *options)
        program("eval", "ds + 8", source, "-o", f"{url}@side", "-m", "side, amended", "--amend", *options)
        program("reset", target, "side", first, "--yes", *options)
        program("gc", target, "--yes", *options)

    failures = []
    jobs = [lambda row=row: committer(row) for row in range(6)] + [names, side]
    threads = [threading.Thread(target=_noting, args=(job, failures)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    told = json.loads(program("log", target, "--json", *options))
    assert sorted(one["message"] for one in told[:6]) == [f"row {row}" for row in range(6)]
    branches, tags = (json.loads(program(kind, target, "--json", *options)) for kind in ("branch", "tag"))
    assert branches == {"main": told[0]["id"], "side": first}
    assert set(tags) == {f"t{number}" for number in range(4)}
    program("gc", target, "--written-before", "0s", "--yes", *options)
    program("verify", url, *options)
    largest = program("eval", "ds.x.max('a')", url, "--json", *options)
    assert json.loads(largest)["data"] == [1, 2, 3, 4, 5, 6]
    server.close()


def test_many_make_the_same_repository_and_all_commit(tmp_path):
    source, url = _weather(tmp_path), f"icechunk+{tmp_path / 'r'}"
    executable = crash._program()
    command = [executable, "eval", "ds", source, "-o", url, "-m"]
    running = [subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE, text=True) for number in range(6)]
    told = [one.communicate()[1] for one in running]
    done = [str(number) for number, one in enumerate(running) if one.returncode == 0]
    # Whole states do not go on top of each other, so some are refused; nothing that was not refused is lost.
    assert done
    assert all("somebody else has committed" in text for text, one in zip(told, running, strict=True) if one.returncode)
    messages = [one["message"] for one in json.loads(program("log", tmp_path / "r", "--json"))]
    assert sorted(messages[:-1]) == done


DAMAGE = {"chunk_missing": "chunks/", "manifest_cut": "manifests/", "snapshot_flipped": "snapshots/"}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_repositories_are_told_and_lose_nothing_more(tmp_path, name):
    corpus = os.environ.get("CRATON_CORPUS")
    if not corpus:
        pytest.skip("CRATON_CORPUS is not set")
    with tarfile.open(Path(corpus) / "bad" / "icechunk" / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    path = tmp_path / name

    def held():
        kept = path.rglob("*")
        return {one.relative_to(path): one.read_bytes() for one in kept if one.is_file() and one.name != ".craton.lock"}

    before = held()
    history = json.loads(program("log", path, "--json"))
    assert len(history) == 4
    # Each names what is damaged, but for lists of groups, which need no chunk.
    for command in (["verify", path], ["copy", f"icechunk+{path}!/group1/big_chunks", tmp_path / "out.zarr"]):
        answer = run_craton(*command)
        assert answer.returncode in (5, 9), answer.stdout + answer.stderr
        assert DAMAGE[name] in answer.stdout + answer.stderr or "not authorised" in answer.stderr
    assert not (tmp_path / "out.zarr").exists()
    # What cannot be read might lead to anything, so nothing is garbage.
    answer = run_craton("gc", path, "--written-before", "0s", "--yes")
    assert answer.returncode == (0 if name == "chunk_missing" else 8), answer.stderr
    if name != "chunk_missing":
        # Damage is met before anything leaves the history.
        answer = run_craton("gc", path, "--expire-before", "0s", "--written-before", "0s", "--yes")
        assert answer.returncode == 8, answer.stderr
        assert json.loads(program("log", path, "--json")) == history
    for command in (["info", path], ["eval", "ds", path, "--json"]):
        assert run_craton(*command).returncode == (5 if name == "snapshot_flipped" else 0)
    after = held()
    unchanged = {file for file in before if file.parts[0] != "repo"}
    assert all(after.get(file) == before[file] for file in unchanged)
    assert json.loads(program("log", path, "--json")) == history
