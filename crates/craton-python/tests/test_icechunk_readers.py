"""Icechunk for Python, of the version that the lane has, and Craton read what the other wrote: all of it."""

import datetime
import os

import craton
import numpy as np
import pytest
from program import craton as program
from program import craton_json

icechunk = pytest.importorskip("icechunk")
xr = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr")

import repositories  # noqa: E402
from readers_of_zarr import NUMBERS  # noqa: E402
from repositories import CHUNKS, EVERY, INLINE, KEEP_AS_STORED, SPEC_VERSIONS, values_of  # noqa: E402

SOME = ["int16", "float64", "str"]
each_format = pytest.mark.parametrize("spec_version", SPEC_VERSIONS)


@pytest.fixture(scope="module", params=SPEC_VERSIONS)
def written(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("icechunk") / "r"
    return path, repositories.write_every_kind(path, request.param)


def _arrays(group):
    """Each array below the group, by its path."""
    return {path: member for path, member in group.members(max_depth=None) if isinstance(member, zarr.Array)}


def _assert_same(actual, expected, message):
    """Bit by bit, but texts, which have no bits in common."""
    expected = np.asarray(expected)
    if expected.dtype.kind in "OT":
        np.testing.assert_array_equal(np.asarray(actual).astype(object), expected.astype(object), err_msg=message)
    else:
        assert actual.dtype == expected.dtype, message
        assert actual.shape == expected.shape, message
        assert np.asarray(actual).tobytes() == expected.tobytes(), message


def test_there_is_every_kind_of_chunk(written):
    """What the others stand on."""
    _, repository = written
    session = repository.readonly_session(tag="v 1")
    for name in NUMBERS:
        found = [repositories.kind_of_chunk(session, f"/{name}", place) for place in [(1, 1), (2, 2)]]
        size = np.dtype(name).itemsize * np.prod(CHUNKS)
        assert found == ["inline" if size <= INLINE else "native", "uninitialized"], name


def test_every_value_of_every_version_is_read(written):
    path, repository = written
    versions = repositories.versions(repository)
    assert len(versions) == 2 + 3 + 4
    for name, snapshot in versions:
        url = f"icechunk+{path}@{name}"
        arrays = _arrays(repositories.group_at(repository, snapshot))
        assert len(arrays) == len(NUMBERS) + 6
        opened = {
            group: craton.open_dataset(url, group=group or None, mask_and_scale=False)
            for group in {place.rpartition("/")[0] for place in arrays}
        }
        for place, array in arrays.items():
            group, _, variable = place.rpartition("/")
            _assert_same(opened[group][variable].values, array[...], f"{place} at {name}")


def test_groups_attributes_and_decoded_values_are_those_of_xarray(written):
    path, repository = written
    for name, snapshot in repositories.versions(repository):
        tree = craton.open_datatree(f"icechunk+{path}@{name}")
        members = repositories.group_at(repository, snapshot).members(max_depth=None)
        groups = {f"/{place}" for place, member in members if isinstance(member, zarr.Group)}
        assert set(tree.groups) == {"/"} | groups
        for place in tree.groups:
            expected = repositories.dataset_at(repository, snapshot, place)
            xr.testing.assert_identical(tree[place].to_dataset(inherit=False).load(), expected)


def _printed(values):
    """Nested lists in which nothing stands for NaN, and two numbers for a complex one."""
    values = np.asarray(values)
    if values.dtype.kind == "c":
        values = np.stack([values.real, values.imag], axis=-1)
    return np.where(values == values, values.astype(object), None).tolist()


def test_the_program_prints_every_value(written):
    path, repository = written
    for name, snapshot in repositories.versions(repository):
        answer = craton_json("eval", "ds", f"icechunk+{path}@{name}", "--raw")
        root = repositories.group_at(repository, snapshot)
        expected = {place: array for place, array in _arrays(root).items() if "/" not in place}
        assert set(answer["variables"]) == set(expected)
        for place, array in expected.items():
            assert answer["variables"][place]["data"] == _printed(array[...]), f"{place} at {name}"


def test_the_program_tells_what_there_is(written):
    path, repository = written
    for name, snapshot in repositories.versions(repository):
        found = {}
        for group in craton_json("info", f"icechunk+{path}@{name}")["groups"]:
            for variable, one in group["variables"].items():
                found[f"{group['path']}/{variable}".lstrip("/")] = tuple(one["shape"])
        arrays = _arrays(repositories.group_at(repository, snapshot))
        assert found == {place: array.shape for place, array in arrays.items()}


def _same_history(path, repository, start, asked):
    lines = craton_json("log", f"icechunk+{path}@{start}")
    expected = list(repository.ancestry(**asked))
    told = [(line["id"], line["parent"], line["message"], line["properties"]) for line in lines]
    assert told == [(one.id, one.parent_id, one.message, one.metadata) for one in expected]
    times = [np.datetime64(line["time"].removesuffix("Z"), "us") for line in lines]
    assert times == [np.datetime64(one.written_at.replace(tzinfo=None), "us") for one in expected]
    branches, tags = repositories.names(repository)
    for kind, names in [("branches", branches), ("tags", tags)]:
        for line in lines:
            assert line[kind] == sorted(name for name, snapshot in names.items() if snapshot == line["id"])
    return [line["message"] for line in lines]


def _same_histories(path):
    """From every version on, and the names; gives the messages of the branch main."""
    repository = repositories.opened(path)
    branches, tags = repositories.names(repository)
    assert craton_json("branch", path) == craton.branch(path) == branches
    assert craton_json("tag", path) == craton.tag(path) == tags
    for tag in tags:
        _same_history(path, repository, tag, {"tag": tag})
    for snapshot in {*branches.values(), *tags.values()}:
        _same_history(path, repository, snapshot, {"snapshot_id": snapshot})
    messages = {branch: _same_history(path, repository, branch, {"branch": branch}) for branch in branches}
    return messages["main"]


def test_history_and_names_are_told_alike(written):
    path, _ = written
    assert _same_histories(path) == ["grow", "change\n\nin more lines: é", "begin", "Repository initialized"]


def _field(times=7, first=0, dtypes=SOME):
    """Variables as xarray has them, along a dimension that can grow."""
    variables = {dtype: (("t", "x"), values_of(dtype, (times, 10), first), {"units": "1"}) for dtype in dtypes}
    return xr.Dataset(variables, {"t": np.arange(times) * 2 + first, "x": np.linspace(1, 0, 10)}, {"title": "fields"})


def _by_icechunk(folder, path, branch, part, message, **way):
    mode = {} if way else {"mode": "w"}
    repositories.commit(
        repositories.opened(path), branch, message, lambda store: part.to_zarr(store, **mode, **way, **KEEP_AS_STORED)
    )


def _by_module(folder, path, branch, part, message, **way):
    craton.to_icechunk(part, path, branch=branch, message=message, **way)


def _by_program(folder, path, branch, part, message, **way):
    source = folder / f"{message}.zarr"
    part.to_zarr(source, **KEEP_AS_STORED)
    options = ["--append-dim", way["append_dim"]] if "append_dim" in way else []
    if "region" in way:
        options = ["--region", ",".join(f"{name}={one.start}:{one.stop}" for name, one in way["region"].items())]
    program("eval", "ds", source, "-o", f"icechunk+{path}@{branch}", "-m", message, *options)


FACES = {"module": _by_module, "program": _by_program}


def _begun(path, spec_version, dtypes=SOME):
    """A repository with one commit of icechunk's and xarray's."""
    config = icechunk.RepositoryConfig(inline_chunk_threshold_bytes=INLINE)
    repository = repositories.create(path, spec_version, config=config)
    repository.save_config()
    begun, chunks = _field(dtypes=dtypes), {"chunks": CHUNKS, "compressors": None}
    options = {"encoding": {dtype: chunks for dtype in dtypes if dtype != "str"}, **KEEP_AS_STORED}
    repositories.commit(repository, "main", "begin", lambda store: begun.to_zarr(store, **options))
    return repository


def _read(path, version="main"):
    """What icechunk and xarray read, which Craton reads too; without what tells how it came about."""
    repository = repositories.opened(path)
    snapshot = dict(repositories.versions(repository))[version]
    expected = repositories.dataset_at(repository, snapshot)
    xr.testing.assert_identical(craton.open_dataset(f"icechunk+{path}@{version}").load(), expected)
    for name in ("craton_recipe", "craton_recipe_last_change"):
        expected.attrs.pop(name, None)
    return expected


@each_format
@pytest.mark.parametrize("face", FACES)
def test_what_craton_commits_is_read_by_icechunk(tmp_path, face, spec_version):
    path, write = tmp_path / "r", FACES[face]
    first = _begun(path, spec_version, EVERY).lookup_branch("main")
    begun, more = _field(dtypes=EVERY), _field(4, 70, EVERY)
    write(tmp_path, path, "main", more, "append", append_dim="t")
    grown = xr.concat([begun, more], "t")
    xr.testing.assert_identical(_read(path), grown)

    part = grown.isel(t=slice(2, 6), x=slice(1, 5)).copy(deep=True).drop_vars(["t", "x"])
    for dtype in part.data_vars:
        part[dtype][:] = part[dtype].values[::-1, ::-1]
    write(tmp_path, path, "main", part, "region", region={"t": slice(2, 6), "x": slice(1, 5)})
    changed = grown.copy(deep=True)
    for dtype in part.data_vars:
        changed[dtype][2:6, 1:5] = part[dtype]
    xr.testing.assert_identical(_read(path), changed)
    repository = repositories.opened(path)
    region, append = list(repository.ancestry(branch="main"))[:2]
    difference = repository.diff(from_snapshot_id=append.id, to_snapshot_id=region.id)
    assert not difference.new_arrays | difference.deleted_arrays | difference.deleted_groups
    touched = {name: sorted(map(list, chunks)) for name, chunks in difference.updated_chunks.items()}
    assert {name: touched[f"/{name}"] for name in NUMBERS} == dict.fromkeys(NUMBERS, [[0, 0], [0, 1], [1, 0], [1, 1]])
    assert set(touched) == {f"/{name}" for name in part.data_vars}

    whole, last = _field(3, 40), _field(2, 90)
    write(tmp_path, path, "main", whole, "whole")
    xr.testing.assert_identical(_read(path), whole)
    assert _same_histories(path) == ["whole", "region", "append", "begin", "Repository initialized"]
    # Every state there ever was is there, and icechunk goes on from the last one.
    for version, expected in [(first, begun), (append.id, grown), (region.id, changed)]:
        xr.testing.assert_identical(_read(path, version), expected)
    _by_icechunk(tmp_path, path, "main", last, "icechunk again", append_dim="t")
    xr.testing.assert_identical(_read(path), xr.concat([whole, last], "t"))
    assert craton.verify(path)["is_whole"]


@each_format
def test_names_that_craton_makes_and_moves_are_icechunks(tmp_path, spec_version):
    path = tmp_path / "r"
    repository = _begun(path, spec_version)
    first = repository.lookup_branch("main")
    program("branch", path, "by program")
    craton.branch(path, "by-module")
    program("tag", path, "v1")
    craton.tag(path, "v2")
    craton.tag(path, "gone")
    craton.tag(path, delete="gone")
    _same_histories(path)
    again = repositories.opened(path)
    branches = dict.fromkeys(["main", "by program", "by-module"], first)
    assert repositories.names(again) == (branches, dict.fromkeys(["v1", "v2"], first))
    with pytest.raises(icechunk.IcechunkError):
        again.create_tag("gone", first)
    # Both commit to a branch that the other made, or moved.
    again.create_branch("by icechunk", first)
    for branch, write in [("by program", _by_icechunk), ("by-module", _by_icechunk), ("by icechunk", _by_module)]:
        write(tmp_path, path, branch, _field(2, 70), branch, append_dim="t")
        xr.testing.assert_identical(_read(path, branch), xr.concat([_field(), _field(2, 70)], "t"))
    newest = repositories.opened(path).lookup_branch("by program")
    craton.reset(path, "main", "by program")
    assert repositories.opened(path).lookup_branch("main") == newest
    program("reset", path, "main", "v1", "--yes")
    assert repositories.opened(path).lookup_branch("main") == first
    repositories.opened(path).reset_branch("main", newest)
    craton.branch(path, delete="by program")
    repositories.opened(path).delete_branch("by icechunk")
    assert set(repositories.names(repositories.opened(path))[0]) == {"main", "by-module"}
    assert _same_histories(path)[0] == "by program"


@each_format
def test_changes_of_both_at_once_are_brought_together(tmp_path, spec_version):
    path = tmp_path / "r"
    _begun(path, spec_version)

    def region(start, stop, value):
        part = xr.Dataset({"int16": (("t", "x"), np.full((stop - start, 10), value, "int16"), {"units": "1"})})
        return part, {"t": slice(start, stop)}

    def icechunks(value, rows):
        session = repositories.opened(path).writable_session("main")
        zarr.open_group(session.store, mode="r+")["int16"][rows] = value
        return session

    expected = _field().int16.values.copy()
    # Icechunk comes second, in other chunks and then in the same ones.
    session = icechunks(-1, slice(6, 7))
    part, where = region(0, 3, -2)
    craton.to_icechunk(part, path, region=where, message="craton")
    with pytest.raises(icechunk.ConflictError):
        session.commit("icechunk")
    session.commit("icechunk", rebase_with=icechunk.ConflictDetector())
    expected[6:7], expected[0:3] = -1, -2
    np.testing.assert_array_equal(_read(path).int16, expected)
    session = icechunks(-3, slice(0, 1))
    part, where = region(0, 3, -4)
    craton.to_icechunk(part, path, region=where, message="craton")
    with pytest.raises(icechunk.RebaseFailedError):
        session.commit("icechunk", rebase_with=icechunk.ConflictDetector())
    expected[0:3] = -4
    np.testing.assert_array_equal(_read(path).int16, expected)
    # Craton comes second.
    own = craton.session(path)
    part, where = region(3, 6, -5)
    own.write(part, region=where)
    icechunks(-6, slice(6, 7)).commit("icechunk")
    own.commit("craton")
    expected[3:6], expected[6:7] = -5, -6
    np.testing.assert_array_equal(_read(path).int16, expected)
    own = craton.session(path)
    part, where = region(3, 6, -7)
    own.write(part, region=where)
    icechunks(-8, slice(5, 6)).commit("icechunk")
    with pytest.raises(RuntimeError, match="changed the same"):
        own.commit("craton")
    expected[5:6] = -8
    np.testing.assert_array_equal(_read(path).int16, expected)
    assert _same_histories(path)[:5] == ["icechunk", "craton", "icechunk", "craton", "icechunk"]


@each_format
def test_forks_fill_what_icechunk_reads(tmp_path, spec_version):
    path = tmp_path / "r"
    _begun(path, spec_version)
    session = craton.session(path)
    later = _field(6, 70)
    session.write(later, append_dim="t")
    forks = [(session.fork(), start) for start in (0, 6)]
    for fork, start in forks:
        rows = slice(start, start + 6)
        part = xr.concat([_field(), later], "t").isel(t=rows)[["float64"]].drop_vars(["t", "x"]) * -1
        part.float64.attrs["units"] = "1"
        fork.write(part, region={"t": rows})
    session.merge(*[fork for fork, _ in forks])
    session.commit("together")
    expected = xr.concat([_field(), later], "t")
    expected.float64[:12] *= -1
    xr.testing.assert_identical(_read(path), expected)
    assert _same_histories(path) == ["together", "begin", "Repository initialized"]


@each_format
def test_garbage_that_either_collects_is_nothing_of_the_others(tmp_path, spec_version):
    path = tmp_path / "r"
    _begun(path, spec_version)
    craton.tag(path, "kept")
    for number, write in enumerate([_by_module, _by_icechunk, _by_program, _by_icechunk, _by_module]):
        write(tmp_path, path, "main", _field(1, 70 + number), f"commit {number}", append_dim="t")
    messages = _same_histories(path)[::-1]
    ids = {one["message"]: one["id"] for one in craton.log(path)}
    grown = xr.concat([_field(), *[_field(1, 70 + number) for number in range(5)]], "t")
    expected = {"kept": _field(), "main": grown, ids["commit 2"]: grown.isel(t=slice(0, 10))}

    def all_is_there():
        for version, values in expected.items():
            xr.testing.assert_identical(_read(path, version), values)
        assert craton.verify(path)["is_whole"]
        return _same_histories(path)[::-1]

    def now():
        return datetime.datetime.now(datetime.UTC)

    assert (
        all_is_there() == messages == ["Repository initialized", "begin", *[f"commit {number}" for number in range(5)]]
    )
    collected = repositories.opened(path).garbage_collect(now())
    assert (collected.chunks_deleted, collected.manifests_deleted, collected.snapshots_deleted) == (0, 0, 0)
    # What was on top is garbage, and in the middle history goes.
    craton.reset(path, "main", ids["commit 3"])
    expected["main"] = grown.isel(t=slice(0, 11))
    told = craton.gc(path, written_before="0s")
    collected = repositories.opened(path).garbage_collect(now())
    assert collected.snapshots_deleted == told["snapshots"] == 1
    assert (collected.chunks_deleted, collected.manifests_deleted) == (told["chunks"], told["manifests"])
    assert all_is_there() == messages[:-1]
    expired = repositories.opened(path).expire_snapshots(now())
    assert ids["commit 2"] in expired
    del expected[ids["commit 2"]]
    assert all_is_there()[-1] == "commit 3"
    told = repositories.opened(path).garbage_collect(now(), dry_run=True)
    done = craton.gc(path, written_before="0s", dry_run=False)
    assert told.snapshots_deleted == done["snapshots"] == 3
    assert (told.chunks_deleted, told.manifests_deleted) == (done["chunks"], done["manifests"])
    assert all_is_there()[-1] == "commit 3"
    collected = repositories.opened(path).garbage_collect(now())
    assert (collected.chunks_deleted, collected.manifests_deleted, collected.snapshots_deleted) == (0, 0, 0)


def test_a_repository_that_craton_makes_is_for_icechunk_2(tmp_path):
    craton.to_icechunk(_field(), tmp_path / "r", chunks={"t": 3})
    if repositories.IS_FIRST:
        with pytest.raises(icechunk.IcechunkError, match="v2 format"):
            repositories.opened(tmp_path / "r")
        return
    xr.testing.assert_identical(_read(tmp_path / "r"), _field())
    _by_icechunk(tmp_path, tmp_path / "r", "main", _field(2, 70), "more", append_dim="t")
    xr.testing.assert_identical(_read(tmp_path / "r"), xr.concat([_field(), _field(2, 70)], "t"))
    assert _same_histories(tmp_path / "r") == ["more", "craton.to_icechunk", "Repository initialized"]


@pytest.mark.skipif(repositories.IS_FIRST, reason="Icechunk 1 does not change a repository to version 2 of the format")
def test_what_both_wrote_is_read_in_version_2_of_the_format(tmp_path):
    path = tmp_path / "r"
    repository = repositories.write_every_kind(path, 1)
    craton.to_icechunk(_field(4), path, message="by module")
    craton.branch(f"icechunk+{path}@v 1", "made")
    program("tag", f"{path}@beside", "made too")
    versions = repositories.versions(repository)
    before = {name: repositories.dataset_at(repository, snapshot) for name, snapshot in versions}
    history = [one | {"properties": None} for one in craton.log(path)]
    icechunk.upgrade_icechunk_repository(repositories.opened(path), dry_run=False)
    for name, expected in before.items():
        xr.testing.assert_identical(craton.open_dataset(f"icechunk+{path}@{name}").load(), expected)
    _same_histories(path)
    # What icechunk itself notes of the first snapshot is another thing there.
    assert [one | {"properties": None} for one in craton.log(path)] == history
    craton.to_icechunk(_field(3, 40), path, append_dim="t")
    xr.testing.assert_identical(_read(path), xr.concat([_field(4), _field(3, 40)], "t"))


WRITERS = {"icechunk": _by_icechunk, **FACES}


@each_format
@pytest.mark.parametrize("seed", range(3))
def test_a_walk_of_all_writers_leaves_every_state_readable(tmp_path, seed, spec_version):
    """Commits of each kind by each writer in any order on several branches; every version is kept beside it."""
    path, draw = tmp_path / "r", np.random.default_rng(seed)
    repository = repositories.create(path, spec_version)
    begun = xr.Dataset({"v": (("t", "x"), np.arange(24, dtype="int32").reshape(4, 6))})
    options = {"encoding": {"v": {"chunks": (2, 4)}}, **KEEP_AS_STORED}
    repositories.commit(repository, "main", "begin", lambda store: begun.to_zarr(store, **options))
    state = {"main": begun}
    kept = {}

    def change(before, number):
        """A dataset to write, where it goes, and what is there then."""
        times, across = before.sizes["t"], before.sizes["x"]
        kind = draw.choice(["append", "region", "region", "whole"])
        if kind == "region":
            start, left = int(draw.integers(times)), int(draw.integers(across))
            rows = slice(start, int(draw.integers(start + 1, times + 1)))
            columns = slice(left, int(draw.integers(left + 1, across + 1)))
            part = before.isel(t=rows, x=columns) * 0 + np.int32(1000 * number)
            after = before.copy(deep=True)
            after.v[rows, columns] = part.v
            return part, {"region": {"t": rows, "x": columns}}, after
        shape = (int(draw.integers(1, 6)), across if kind == "append" else int(draw.integers(1, 9)))
        part = xr.Dataset({"v": (("t", "x"), np.arange(np.prod(shape), dtype="int32").reshape(shape) + 1000 * number)})
        return (part, {"append_dim": "t"}, xr.concat([before, part], "t")) if kind == "append" else (part, {}, part)

    for number in range(1, 13):
        branch, writer = draw.choice(sorted(state)), draw.choice(sorted(WRITERS))
        part, way, state[branch] = change(state[branch], number)
        WRITERS[writer](tmp_path, path, str(branch), part, f"{number}", **way)
        kept[repositories.opened(path).lookup_branch(branch)] = state[branch]
        if draw.random() < 0.3:
            name = f"name{number}"
            craton.branch(f"icechunk+{path}@{branch}", name)
            state[name] = state[branch]
        if draw.random() < 0.3:
            repositories.opened(path).create_tag(f"tag{number}", repositories.opened(path).lookup_branch(branch))
            kept[f"tag{number}"] = state[branch]
    for version, expected in {**kept, **state}.items():
        np.testing.assert_array_equal(_read(path, version).v, expected.v, err_msg=version)
    _same_histories(path)
    assert craton.verify(path)["is_whole"]


@each_format
def test_chunks_in_other_files_are_read_where_that_is_authorised(tmp_path, spec_version):
    path, data = tmp_path / "r", tmp_path / "data"
    data.mkdir()
    values = np.arange(60, dtype="<i4").reshape(10, 6)
    (data / "first.bin").write_bytes(b"head" + values[:6].tobytes())
    (data / "second.bin").write_bytes(values[6:].tobytes())
    os.utime(data / "second.bin", (1_000_000_000, 1_000_000_000))
    prefix = f"file://{data}/"
    repository = repositories.create(path, spec_version, config=repositories.config_of_files(prefix, data))
    repository.save_config()

    def point(store):
        root = zarr.open_group(store, mode="w", zarr_format=3)
        plain = {"fill_value": -1, "compressors": None, "filters": None}
        root.create_array("v", shape=(14, 6), chunks=(2, 6), dtype="<i4", dimension_names=("t", "x"), **plain)
        root.create_array("own", data=values, chunks=(2, 6), dimension_names=("s", "x"))
        told = datetime.datetime.fromtimestamp(1_000_000_000, datetime.UTC)
        places = [("first.bin", 4 + 48 * number, None) for number in range(3)]
        places += [("second.bin", 48 * number, told) for number in range(2)]
        chunks = [
            icechunk.VirtualChunkSpec([number, 0], prefix + name, start, 48, last_updated_at_checksum=checksum)
            for number, (name, start, checksum) in enumerate(places)
        ]
        assert not store.set_virtual_refs("v", chunks)
        root["v"][12:13] = -5

    repositories.commit(repository, "main", "references", point)
    allow = {"authorize_virtual_chunk_access": str(data)}
    expected = np.full((14, 6), -1, "i4")
    expected[:10], expected[12] = values, -5

    def agree():
        allowed = repositories.opened(path, authorize_virtual_chunk_access=repositories.authorised(prefix))
        root = repositories.group_at(allowed, allowed.lookup_branch("main"))
        np.testing.assert_array_equal(root["v"][:], expected)
        np.testing.assert_array_equal(craton.open_dataset(path, storage_options=allow).v.load(), expected)
        answer = craton_json("eval", "ds.v", path, "--store", f"authorize_virtual_chunk_access={prefix}")
        assert answer["data"] == expected.tolist()

    agree()
    for options in ({}, {"authorize_virtual_chunk_access": str(tmp_path / "other")}):
        opened = craton.open_dataset(path, storage_options=options)
        np.testing.assert_array_equal(opened.own.load(), values)
        with pytest.raises(PermissionError, match=r"(?s)(first|second)\.bin.*not authorised"):
            opened.v.load()
    # Commits beside them, into them and after them leave the rest where they are.
    write = {"storage_options": allow}
    part = xr.Dataset({"own": (("s", "x"), values + 1)})
    craton.to_icechunk(part, path, region={"s": slice(0, 10), "x": slice(0, 6)}, **write)
    agree()
    part = xr.Dataset({"v": (("t", "x"), np.full((3, 6), 1000, "i4"))})
    craton.to_icechunk(part, path, region={"t": slice(3, 6), "x": slice(0, 6)}, **write)
    expected[3:6] = 1000
    agree()
    craton.to_icechunk(part, path, append_dim="t", **write)
    expected = np.concatenate([expected, part.v.values])
    agree()
    session = repositories.opened(path).readonly_session("main")
    kinds = [repositories.kind_of_chunk(session, "/v", (number, 0)) for number in range(7)]
    assert kinds == ["virtual", *["inline"] * 2, *["virtual"] * 2, "uninitialized", "inline"]
    places = session.all_virtual_chunk_locations()
    assert sorted(places) == [f"{prefix}{name}.bin" for name in ("first", "second", "second")]
    (data / "second.bin").write_bytes(values[6:].tobytes())
    with pytest.raises(RuntimeError, match=r"second\.bin.*was changed"):
        craton.open_dataset(path, storage_options=allow).v.load()
