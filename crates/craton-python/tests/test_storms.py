"""Commits to a bucket whose service is busy, gone, or has another clock: all or nothing, soon, with the reason."""

import collections
import json
import os
import subprocess
import time

import numpy as np
import pytest
from program import craton as program

xr = pytest.importorskip("xarray")
icechunk = pytest.importorskip("icechunk", minversion="2")
pytest.importorskip("zarr")

import crash  # noqa: E402
from s3_server import S3Server  # noqa: E402

TARGET = "s3://bucket/deep/results"
SECRET = "canary-secret"
# What the program takes for each request: three attempts, with pauses of 0.1 and 0.2 seconds and a little chance.
OPTIONS = ["--store", f"secret={SECRET}", "--store", "retries=2"]
# Commands that change the repository or read it, by name: arguments, and what of it is there afterwards.
SOURCE = "s.zarr"
TO = ["-o", f"icechunk+{TARGET}", "-m", "new"]
COMMANDS = {
    "commit": ["eval", "ds + 1", SOURCE, *TO, "--chunks", "t=2"],
    "append": ["eval", "ds.assign_coords(t=ds.t + 4)", SOURCE, *TO, "--append-dim", "t"],
    "gc": ["gc", TARGET, "--written-before", "0s", "--yes"],
    "read": ["eval", "ds.x.sum()", f"icechunk+{TARGET}", "--value"],
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A repository with garbage in it, as a bucket holds it, and the folder of its source."""
    folder = tmp_path_factory.mktemp("storms")
    values = np.random.default_rng(0).random((4, 20, 20))
    source = xr.Dataset({"x": (("t", "a", "b"), values)}, {"t": np.arange(4)})
    source.to_zarr(folder / SOURCE, zarr_format=3, consolidated=False)
    server = S3Server()
    reach = server.command_options
    for branch in ("main", "side"):
        if branch == "side":
            program("branch", TARGET, "side", *reach)
        to = f"icechunk+{TARGET}@{branch}"
        program("eval", "ds", folder / SOURCE, "-o", to, "-m", f"first of {branch}", "--chunks", "t=2", *reach)
    program("branch", TARGET, "--delete", "side", *reach)
    server.close()
    return folder, server.copy_of(), values


@pytest.fixture
def bucket(stored):
    server = S3Server()
    server.put_back(stored[1])
    yield server
    server.close()


def _run(server, stored, name, *options):
    """The command's answer, how long it took, and how many requests it made."""
    command = [str(stored[0] / SOURCE) if word == SOURCE else word for word in COMMANDS[name]]
    before, begun = len(server.log), time.monotonic()
    command = [crash._program(), *command, *server.command_options, *OPTIONS, *options]
    environment = os.environ | {"NO_PROXY": "127.0.0.1"}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    return answer, time.monotonic() - begun, len(server.log) - before


def _history(server):
    repository = icechunk.Repository.open(crash.bucket_storage(server, "deep/results"))
    return repository, [one.message for one in repository.ancestry(branch="main")]


def _check(server, stored, name, is_done):
    """What icechunk reads is the old state or the new one, whole, and committed once."""
    repository, messages = _history(server)
    values = xr.open_zarr(repository.readonly_session("main").store, consolidated=False).x.values
    expected = {"commit": stored[2] + 1, "append": np.concatenate([stored[2], stored[2]])}.get(name)
    if not is_done or expected is None:
        expected = stored[2]
    np.testing.assert_array_equal(values, expected)
    new = ["new"] if is_done and name in ("commit", "append") else []
    assert messages == [*new, "first of main", "Repository initialized"]


def _goes_on(server, stored):
    """The next commit works."""
    server.fault = lambda _method, _key: None
    answer, _, _ = _run(server, stored, "commit")
    assert answer.returncode == 0, answer.stderr
    assert _history(server)[1][0] == "new"


def _undisturbed(server, stored, name, known={}):  # noqa: B006
    """How many requests the command makes."""
    if name not in known:
        known[name] = _run(server, stored, name)[2]
        server.put_back(stored[1])
    return known[name]


@pytest.mark.parametrize(
    ("name", "fault"),
    [(name, fault) for name in ("append", "gc", "read") for fault in (503, "reset", "cut", "lost")],
)
def test_each_request_fails_once(stored, bucket, name, fault):
    count = _undisturbed(bucket, stored, name)
    seen = collections.Counter()

    def fail_first(method, key):
        seen[method, key] += 1
        return fault if seen[method, key] == 1 else None

    bucket.fault = fail_first
    answer, seconds, requests = _run(bucket, stored, name)
    bucket.fault = lambda _method, _key: None
    assert SECRET not in answer.stderr
    assert seconds < 30
    # Each was asked once more, and after a change whose outcome is not known, what is there.
    assert requests <= 2 * count + 6, seen.most_common(3)
    if (name, fault) == ("gc", "cut"):
        # Lists that are cut off are not asked for again; nothing was removed by half of one.
        assert "cannot collect garbage" in answer.stderr
        _check(bucket, stored, name, is_done=True)
        return
    assert answer.returncode == 0, answer.stderr
    if name == "read":
        assert float(answer.stdout) == pytest.approx(stored[2].sum())
    _check(bucket, stored, name, is_done=True)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (429, ("the server is busy",)),
        (403, ("was denied; tried: ",)),
        ("reset", ("cannot reach", "connection closed")),
    ],
)
def test_a_service_that_fails_from_some_request_on(stored, bucket, name, fault, words):
    """Expired credentials, a storm that does not end, a network that is gone: early and late in what a command asks."""
    count = _undisturbed(bucket, stored, name)
    for part in (0.3, 0.9):
        began = len(bucket.log)
        bucket.fault = lambda _method, _key, last=began + int(part * count): fault if len(bucket.log) >= last else None
        answer, seconds, requests = _run(bucket, stored, name)
        bucket.fault = lambda _method, _key: None
        if name == "gc" and answer.returncode == 0:
            # Nothing was left to do.
            continue
        assert answer.returncode != 0
        # What cannot be removed is told, but not why.
        is_told = any(one in answer.stderr for one in words)
        assert is_told or (name == "gc" and "stay for the next time" in answer.stderr), answer.stderr
        assert TARGET in answer.stderr
        assert SECRET not in answer.stderr
        # Several requests are under way at once, and each is tried a few times at most.
        assert requests < 4 * count, requests
        assert seconds < 30
        _check(bucket, stored, name, is_done=False)
    _goes_on(bucket, stored)


def test_no_network_in_the_middle_of_a_commit(stored):
    server = S3Server()
    server.put_back(stored[1])

    def unplug(method, key):
        if method == "PUT" and "/manifests/" in key:
            # Whoever answers this request cannot wait for itself to end.
            server._server.socket.close()
            return "reset"
        return None

    server.fault = unplug
    answer, seconds, _ = _run(server, stored, "commit")
    assert answer.returncode != 0
    assert "cannot reach `s3://bucket`" in answer.stderr, answer.stderr
    assert seconds < 30
    left = server.copy_of()
    server.close()
    another = S3Server()
    another.put_back(left)
    _check(another, stored, "commit", is_done=False)
    _goes_on(another, stored)
    another.close()


def test_a_commit_whose_answer_is_lost_is_no_conflict(stored, bucket):
    """The service did it, and the client asks again: somebody was first, says the second answer, who was itself."""
    lost = []

    def lose(method, key):
        if method == "PUT" and key.endswith("/repo") and not lost:
            lost.append(key)
            return "lost"
        return None

    bucket.fault = lose
    answer, _, _ = _run(bucket, stored, "append")
    assert lost
    assert answer.returncode == 0, answer.stderr
    _check(bucket, stored, "append", is_done=True)


@pytest.mark.parametrize("ahead", [-172_800, -3600, 3600])
def test_clocks_that_are_far_apart(stored, bucket, ahead):
    bucket.ahead = ahead
    answer, _, _ = _run(bucket, stored, "commit")
    assert answer.returncode != 0
    assert "clock" in answer.stderr, answer.stderr
    _check(bucket, stored, "commit", is_done=False)
    # Nothing that the history leads to is garbage by any clock, and reading does not ask for the time.
    assert _run(bucket, stored, "gc")[0].returncode == 0
    assert _run(bucket, stored, "read")[0].returncode == 0
    _check(bucket, stored, "read", is_done=True)
    bucket.ahead = 0.0
    _goes_on(bucket, stored)
    told = json.loads(program("verify", f"icechunk+{TARGET}", "--json", *bucket.command_options))
    assert told["is_whole"]
