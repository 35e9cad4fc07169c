"""Object stores, most by servers that others wrote: each holds plain Zarr and repositories, and loses nothing."""

import contextlib
import datetime
import itertools
import os
import subprocess
import threading
import time
from urllib.parse import urlencode

import craton
import numpy as np
import pytest
from program import craton as program
from program import craton_json, run_craton

xr = pytest.importorskip("xarray")
icechunk = pytest.importorskip("icechunk", minversion="2")
zarr = pytest.importorskip("zarr")
pytest.importorskip("craton.zarr")

import crash  # noqa: E402
import object_stores  # noqa: E402
from craton.zarr import Store  # noqa: E402

PREFIXES = (f"deep/r{number}" for number in itertools.count())
CHUNKS = {"time": 2, "lat": 10, "lon": 12}


@pytest.fixture(scope="module")
def start():
    """Gives the server of a name, which runs from then on."""
    known = {}
    with contextlib.ExitStack() as stack:

        def started(name):
            if name not in known:
                known[name] = stack.enter_context(object_stores.running(object_stores.SERVICES[name]))
            return known[name]

        yield started


@pytest.fixture(params=["moto", "Azurite", "own GCS"])
def service(request, start):
    return start(request.param)


def _dataset(version, times=6, first=0):
    """Values that hardly compress, so that chunks are objects of their own; they tell the version."""
    shape = (times, 20, 24)
    values = version + np.random.default_rng(version).random(shape)
    start = np.datetime64("2001-01-01", "ns") + first * np.timedelta64(1, "D")
    return xr.Dataset(
        {
            "t2m": (("time", "lat", "lon"), values, {"units": "K"}),
            "name": ("lat", np.array(["a", "", "é", "d"] * 5, dtype=object)),
        },
        {"time": start + np.arange(times) * np.timedelta64(1, "D"), "lat": np.linspace(90, -90, 20)},
        {"version": version},
    )


def _longer(version, later):
    """`version` with `later` behind it."""
    how = {"data_vars": "minimal", "coords": "minimal", "compat": "override", "combine_attrs": "override"}
    return xr.concat([version, later], "time", **how)


def _plain(dataset):
    """The dataset without what Craton notes in what it writes, and without encodings."""
    dataset = dataset.load().drop_encoding()
    dataset.attrs = {name: value for name, value in dataset.attrs.items() if not name.startswith("craton")}
    return dataset


def _by_icechunk(repository, **version):
    """What icechunk, zarr and xarray read."""
    return _plain(xr.open_zarr(repository.readonly_session(**version).store, consolidated=False))


def _by_craton(url, service):
    return _plain(craton.open_dataset(url, storage_options=service.options))


def _brought_here(service, prefix, folder):
    """All objects below, as files."""
    for name in service.names(prefix):
        path = folder / name.removeprefix(f"{prefix}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(service.get(name))
    return folder


# Plain Zarr ---------------------------------------------------------------------------------------------------------


def test_plain_zarr_is_written_overwritten_and_appended_to(service, tmp_path):
    prefix = next(PREFIXES)
    url = service.url(prefix)
    store = Store(url, storage_options=service.options)
    encoding = {"t2m": {"chunks": (1, 20, 24)}}

    def is_there(expected, folder, **how):
        xr.testing.assert_identical(_by_craton(url, service), expected)
        here = _brought_here(service, prefix, tmp_path / folder)
        xr.testing.assert_identical(_plain(xr.open_zarr(here, **how)), expected)
        part = expected.t2m.isel(lat=slice(3, 9))
        total = program("eval", "ds.t2m.isel(lat=slice(3, 9)).sum()", url, "--value", *service.command_options)
        assert float(total) == pytest.approx(float(part.sum()))

    first, second, more = _dataset(1, 8), _dataset(2), _dataset(3, 5, 6)
    first.to_zarr(store, encoding=encoding, zarr_format=2, consolidated=True)
    is_there(first, "first")
    program("copy", url, tmp_path / "copy.zarr", *service.command_options)
    xr.testing.assert_identical(_plain(xr.open_zarr(tmp_path / "copy.zarr")), first)
    second.to_zarr(store, mode="w", encoding=encoding, zarr_format=3, consolidated=False)
    is_there(second, "second", consolidated=False)
    more.drop_vars(["name", "lat"]).to_zarr(store, append_dim="time", zarr_format=3, consolidated=False)
    is_there(_longer(second, more).assign_attrs(version=3), "longer", consolidated=False)


def test_a_part_of_a_shard_is_read(service):
    url = service.url(next(PREFIXES))
    values = _dataset(1).t2m.values
    store = Store(url, storage_options=service.options)
    array = zarr.create_array(store, name="x", shape=values.shape, chunks=(1, 5, 6), shards=(2, 20, 24), dtype="f8")
    array[:] = values
    part = craton.eval("ds.isel(dim_0=3, dim_1=slice(4, 9))", f"{url}!/x", storage_options=service.options)
    np.testing.assert_array_equal(part, values[3, 4:9])
    again = zarr.open_array(store.with_read_only(True), path="x", mode="r")
    np.testing.assert_array_equal(again[1:4, 7], values[1:4, 7])


# Repositories -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    parts = {
        "first": _dataset(1),
        "second": _dataset(2),
        "more": _dataset(3, 4, 6),
        "part": _dataset(4).isel(time=slice(2, 4))[["t2m"]],
    }
    for name, part in parts.items():
        part.to_zarr(folder / f"{name}.zarr", zarr_format=3, consolidated=False)
    return {name: (folder / f"{name}.zarr", part) for name, part in parts.items()}


def test_a_repository_lives_in_every_store(service, inputs):
    prefix = next(PREFIXES)
    target, options = service.url(prefix), service.command_options
    to = f"icechunk+{target}"
    chunks = ["--chunks", ",".join(f"{name}={length}" for name, length in CHUNKS.items())]

    def write(name, branch, message, *more):
        program("eval", "ds", inputs[name][0], "-o", f"{to}@{branch}", "-m", message, *more, *options)

    program("copy", inputs["first"][0], to, "-m", "first", *chunks, *options)
    program("tag", target, "v1", *options)
    program("branch", f"{target}@v1", "dev", *options)
    write("more", "main", "longer", "--append-dim", "time")
    write("second", "dev", "wrong", *chunks)
    write("part", "dev", "right", "--region", "time=2:4", "--amend")
    first = inputs["first"][1]
    longer = _longer(first, inputs["more"][1])
    changed = inputs["second"][1].copy(deep=True)
    changed["t2m"][2:4] = inputs["part"][1].t2m
    told = craton_json("log", target, *options)
    states = {"main": longer, "v1": first, "dev": changed, told[0]["id"]: longer, told[1]["id"]: first}
    repository = icechunk.Repository.open(service.storage(prefix))
    names = {"v1": {"tag": "v1"}, "main": {"branch": "main"}, "dev": {"branch": "dev"}}
    for version, expected in states.items():
        xr.testing.assert_identical(_by_craton(f"{to}@{version}", service), expected)
        found = _by_icechunk(repository, **names.get(version, {"snapshot_id": version}))
        xr.testing.assert_identical(found, expected)
    # Without anything before it the URL is asked what it names.
    xr.testing.assert_identical(_by_craton(target, service), longer)
    for branch, messages in {"main": ["longer", "first"], "dev": ["right", "first"]}.items():
        lines = craton_json("log", f"{target}@{branch}", *options)
        assert [line["message"] for line in lines[:-1]] == messages
        assert [line["id"] for line in lines] == [one.id for one in repository.ancestry(branch=branch)]
    assert craton_json("tag", target, *options) == {"v1": told[1]["id"]}
    assert set(craton_json("branch", target, *options)) == {"main", "dev"}
    difference = craton_json("diff", f"{to}@v1", f"{to}@dev", *options, code=1)
    (group,) = difference["groups"]
    assert {line["variable"]: line["count"] for line in group["values"]} == {"t2m": first.t2m.size}
    # An array that takes the place of another has its own chunks; one that is made longer keeps those it had.
    assert difference["stored"]["chunks"]["/t2m"] == {"added": 12, "removed": 12, "changed": 0, "same": 0}
    difference = craton_json("diff", f"{to}@v1", f"{to}@main", *options, code=1)
    assert difference["stored"]["chunks"]["/t2m"] == {"added": 8, "removed": 0, "changed": 0, "same": 12}
    assert craton_json("diff", f"{to}@v1", f"{to}@{told[1]['id']}", *options)["equal"]
    program("reset", target, "main", "v1", "--yes", *options)
    program("branch", target, "--delete", "dev", *options)
    _collect(service, prefix, {"snapshots": 3})
    xr.testing.assert_identical(_by_craton(to, service), first)
    xr.testing.assert_identical(_by_icechunk(icechunk.Repository.open(service.storage(prefix)), branch="main"), first)
    assert craton_json("verify", to, *options)["is_whole"]
    write("second", "main", "after all")
    xr.testing.assert_identical(_by_craton(to, service), inputs["second"][1])


def _collect(service, prefix, expected):
    """Collects garbage, not before it was told what would go; exactly that goes."""
    kinds = {"chunks": "chunks", "manifests": "manifests", "snapshots": "snapshots", "transactions": "transaction_logs"}
    command = ["gc", service.url(prefix), *service.command_options]
    before = set(service.names(prefix))
    # Times are told in whole seconds, and what was written within this one is not known to be old.
    time.sleep(1.1)
    # Within the last day everything may belong to a commit in the making.
    assert craton_json(*command)["chunks"] == 0
    told = craton_json(*command, "--written-before", "0s")
    assert set(service.names(prefix)) == before
    done = craton_json(*command, "--written-before", "0s", "--yes")
    assert done == told | {"dry_run": False}
    gone = [name.removeprefix(f"{prefix}/").split("/")[0] for name in before - set(service.names(prefix))]
    counted = {kind: gone.count(folder) for folder, kind in kinds.items()}
    assert counted == {kind: done[kind] for kind in kinds.values()}
    assert counted["chunks"] > object_stores.PAGE
    assert counted | expected == counted
    assert craton_json(*command, "--written-before", "0s")["chunks"] == 0


def test_two_that_change_the_same_chunk_are_told_which(service, inputs):
    url, options = f"icechunk+{service.url(next(PREFIXES))}", {"storage_options": service.options}
    craton.to_icechunk(_dataset(1), url, chunks=CHUNKS, **options)
    part = inputs["part"][1].drop_vars(["time", "lat"])
    one, other = craton.session(url, **options), craton.session(url, **options)
    one.write(part, region={"time": slice(2, 4)})
    other.write(part + 1, region={"time": slice(2, 4)})
    one.commit("one")
    with pytest.raises(RuntimeError, match=r"(?s)changed the same.*t2m"):
        other.commit("other")
    np.testing.assert_array_equal(_by_craton(url, service).t2m[2:4], part.t2m)
    other.commit("other", on_conflict="ours")
    np.testing.assert_array_equal(_by_craton(url, service).t2m[2:4], part.t2m + 1)
    assert [line["message"] for line in craton.log(url, **options)][:2] == ["other", "one"]


def test_many_make_a_repository_and_one_is_first(service, inputs):
    url = f"icechunk+{service.url(next(PREFIXES))}"
    command = [crash._program(), "eval", "ds", inputs["first"][0], "-o", url, *service.command_options, "-m"]
    running = [subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE, text=True) for number in range(4)]
    told = [one.communicate(timeout=60)[1] for one in running]
    done = [str(number) for number, one in enumerate(running) if one.returncode == 0]
    # Whole states do not go on top of each other, so some are refused; nothing that was not refused is lost.
    assert done
    refused = [text for text, one in zip(told, running, strict=True) if one.returncode]
    assert [text for text in refused if "somebody else has committed" not in text] == []
    messages = [line["message"] for line in craton.log(url, storage_options=service.options)]
    assert sorted(messages[:-1]) == done


def test_ten_processes_and_icechunk_commit_at_once_and_nothing_is_lost(service, tmp_path):
    prefix = next(PREFIXES)
    url, source = f"icechunk+{service.url(prefix)}", tmp_path / "source.zarr"
    xr.Dataset({"x": (("w", "a"), np.zeros((12, 100)))}).to_zarr(source, zarr_format=3, consolidated=False)
    program("eval", "ds", source, "-o", url, "--chunks", "w=1", "-m", "begun", *service.command_options)
    failures = []

    def by_icechunk():
        try:
            repository = icechunk.Repository.open(service.storage(prefix))
            for row in (10, 11):
                session = repository.writable_session("main")
                zarr.open_group(session.store, mode="r+")["x"][row] = row + 1
                session.commit(f"row {row}", rebase_with=icechunk.BasicConflictSolver())
        except BaseException as cause:  # noqa: BLE001
            failures.append(cause)

    def command(row):
        expression, region = f"ds.isel(w=slice({row}, {row + 1})) + {row + 1}", f"w={row}:{row + 1}"
        words = ["eval", expression, source, "-o", url, "--region", region, "-m", f"row {row}"]
        return [crash._program(), *words, *service.command_options]

    beside = threading.Thread(target=by_icechunk)
    beside.start()
    running = [subprocess.Popen(command(row), stderr=subprocess.PIPE, text=True) for row in range(10)]
    told = [one.communicate(timeout=60)[1] for one in running]
    beside.join()
    assert not failures
    assert [one.returncode for one in running] == [0] * 10, told
    repository = icechunk.Repository.open(service.storage(prefix))
    messages = [one.message for one in repository.ancestry(branch="main")]
    assert sorted(messages[:12]) == sorted(f"row {row}" for row in range(12))
    assert messages[12:] == ["begun", "Repository initialized"]
    expected = np.repeat(np.arange(1.0, 13)[:, None], 100, axis=1)
    np.testing.assert_array_equal(_by_icechunk(repository, branch="main").x, expected)
    np.testing.assert_array_equal(_by_craton(url, service).x, expected)


@pytest.mark.parametrize("spec_version", [1, 2])
def test_icechunk_and_craton_take_turns(service, spec_version):
    prefix = next(PREFIXES)
    url, options = f"icechunk+{service.url(prefix)}", {"storage_options": service.options}
    repository = icechunk.Repository.create(service.storage(prefix), spec_version=spec_version)
    session = repository.writable_session("main")
    _dataset(1).to_zarr(session.store, zarr_format=3, consolidated=False)
    session.commit("by icechunk")
    craton.to_icechunk(_dataset(2, 4, 6), url, append_dim="time", message="by Craton", **options)
    session = repository.writable_session("main")
    zarr.open_group(session.store, mode="r+")["t2m"][3] = -1.0
    session.commit("by icechunk again")
    craton.tag(url, "end", **options)
    repository.create_branch("side", repository.lookup_tag("end"))
    craton.to_icechunk(_dataset(3), url, branch="side", message="by Craton again", **options)
    expected = _longer(_dataset(1), _dataset(2, 4, 6))
    expected["t2m"][3] = -1.0
    for version, state in [("main", expected), ("side", _dataset(3))]:
        xr.testing.assert_identical(_by_icechunk(repository, branch=version), state)
        xr.testing.assert_identical(_by_craton(f"{url}@{version}", service), state)
    history = craton.log(f"{url}@side", **options)
    messages = ["by Craton again", "by icechunk again", "by Craton", "by icechunk"]
    assert [line["message"] for line in history][:4] == messages
    # Each collects what the other left; what was written within this second is not known to be old.
    repository.delete_branch("side")
    time.sleep(1.1)
    assert craton.gc(url, written_before="0s", dry_run=False, **options)["snapshots"] == 1
    craton.branch(f"{url}@{history[2]['id']}", "side", **options)
    craton.to_icechunk(_dataset(4), url, branch="side", **options)
    craton.branch(url, delete="side", **options)
    done = repository.garbage_collect(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2))
    assert done.snapshots_deleted == 1
    xr.testing.assert_identical(_by_craton(url, service), expected)


# How they are reached -----------------------------------------------------------------------------------------------


def test_a_store_is_reached_by_what_its_configuration_says(service, inputs, tmp_path):
    target = service.url(next(PREFIXES))
    lines = "\n".join(f'{name} = "{value}"' for name, value in service.options.items())
    (tmp_path / "craton.toml").write_text(f'[store."{service.url("")}"]\n{lines}\n')
    environment = os.environ | {"CRATON_CONFIG": str(tmp_path / "craton.toml")}
    for words in (["copy", inputs["first"][0], f"icechunk+{target}"], ["verify", target]):
        answer = subprocess.run(
            [crash._program(), *words], capture_output=True, text=True, env=environment, check=False
        )
        assert answer.returncode == 0, answer.stderr


@pytest.fixture
def azurite(start):
    return start("Azurite")


def _given(azurite, **options):
    """Options of the program, with the server's place but without its key."""
    options = {"endpoint": azurite.endpoint, "account": object_stores.ACCOUNT, **options}
    return [word for name, value in options.items() for word in ("--store", f"{name}={value}")]


def test_azure_does_what_the_signature_allows(azurite, inputs):
    target, shared = "az://bucket/signed", object_stores.signature
    program("copy", inputs["first"][0], f"icechunk+{target}", *azurite.command_options)
    reading, writing = (_given(azurite, sas_token=urlencode(shared(rights))) for rights in ("rl", "rwlac"))
    total = program("eval", "ds.t2m.sum()", target, "--value", *reading)
    assert float(total) == pytest.approx(float(inputs["first"][1].t2m.sum()))
    assert craton_json("log", target, *reading)[0]["branches"] == ["main"]
    program("tag", target, "v1", *writing)
    wrong = object_stores.ACCOUNT_KEY.replace("Eby8", "Eby9")
    refused = {
        "another key": _given(azurite, account_key=wrong),
        "another signature": _given(azurite, sas_token=urlencode(shared("rl") | {"sig": "canary+canary="})),
        "none": _given(azurite, anon="true"),
    }
    for name, options in refused.items():
        answer = run_craton("log", target, *options)
        assert answer.returncode != 0, name
        assert "denied" in answer.stderr, answer.stderr
        assert not any(secret in answer.stderr for secret in (wrong, "canary"))
    answer = run_craton("tag", target, "v2", *reading)
    assert answer.returncode != 0
    assert "denied" in answer.stderr, answer.stderr
    assert set(craton_json("tag", target, *reading)) == {"v1"}


def test_the_account_may_stand_in_the_url(azurite, inputs):
    place = f"abfs://bucket@{object_stores.ACCOUNT}.dfs.core.windows.net"
    options = {"endpoint": azurite.endpoint, "account_key": object_stores.ACCOUNT_KEY}
    _dataset(1).to_zarr(Store(f"{place}/plain.zarr", storage_options=options), zarr_format=2, consolidated=True)
    found = craton.open_dataset(f"{place}/plain.zarr", storage_options=options)
    xr.testing.assert_identical(_plain(found), _dataset(1))
    target = f"{place}/in-url"
    craton.to_icechunk(_dataset(1), target, message="first", storage_options=options)
    given = _given(azurite, **options)
    program("branch", target, "dev", *given)
    program("eval", "ds", inputs["second"][0], "-o", f"icechunk+{target}@dev", "-m", "second", *given)
    for version, expected in {"": _dataset(1), "@dev": _dataset(2)}.items():
        found = craton.open_dataset(f"icechunk+{target}{version}", storage_options=options)
        xr.testing.assert_identical(_plain(found), expected)
    history = craton.log(f"{target}@dev", storage_options=options)
    assert [line["message"] for line in history][:2] == ["second", "first"]
    program("eval", "ds.drop_vars('name') * 2", f"icechunk+{target}@dev", "-o", f"icechunk+{target}", "-m", "doubled", *given)
    assert craton.replay(target, storage_options=options)["verdict"] == "identical"


def test_what_google_stores_is_read_from_another_server(start, inputs):
    """fake-gcs-server is read as the service is; what it holds was written to a service of our own."""
    own, other = start("own GCS"), start("fake-gcs-server")
    prefix = next(PREFIXES)
    plain, target = f"{prefix}/plain", f"gs://bucket/{prefix}/repository"
    _dataset(1).to_zarr(Store(own.url(plain), storage_options=own.options), zarr_format=2, consolidated=True)
    program("copy", inputs["first"][0], f"icechunk+{target}", "-m", "first", *own.command_options)
    program("tag", target, "v1", *own.command_options)
    craton.to_icechunk(_dataset(2), target, message="second", storage_options=own.options)
    for name in own.names(prefix):
        other.put(name, own.get(name))
    assert other.names(prefix) == own.names(prefix)
    xr.testing.assert_identical(_by_craton(other.url(plain), other), _dataset(1))
    xr.testing.assert_identical(_by_craton(f"icechunk+{target}@v1", other), _dataset(1))
    xr.testing.assert_identical(_by_craton(target, other), _dataset(2))
    history = craton.log(target, storage_options=other.options)
    assert [line["message"] for line in history][:2] == ["second", "first"]
    assert craton.verify(target, storage_options=other.options)["is_whole"]
    # It takes nothing that is written in this protocol, and nothing is taken to be written.
    answer = run_craton("tag", target, "v2", *other.command_options)
    assert answer.returncode != 0
    assert set(craton_json("tag", target, *other.command_options)) == {"v1"}
