"""How repositories are laid out: moved nodes, manifests for large arrays, and what differs between versions."""

import craton
import numpy as np
import pytest
from program import craton as program
from program import craton_json

xr = pytest.importorskip("xarray")
icechunk = pytest.importorskip("icechunk", minversion="2")
zarr = pytest.importorskip("zarr")

from crash import bucket_storage  # noqa: E402
from s3_server import S3Server  # noqa: E402


def _repository(path):
    return icechunk.Repository.open(icechunk.local_filesystem_storage(str(path)))


def _tree(path):
    tree = xr.DataTree.from_dict(
        {
            "/": xr.Dataset({"top": ("x", np.arange(6.0))}),
            "/old": xr.Dataset({"t": (("x", "y"), np.arange(24.0).reshape(6, 4))}),
            "/old/deep": xr.Dataset({"u": ("z", np.arange(3))}),
            "/new": xr.Dataset({"v": ("w", [1, 2])}),
        }
    )
    craton.to_icechunk(tree, path, chunks={"x": 2})
    return tree


def test_groups_and_arrays_are_moved(tmp_path):
    path = tmp_path / "results"
    tree = _tree(path)
    before = {file.name for file in (path / "chunks").iterdir()} if (path / "chunks").exists() else set()
    answer = craton_json("move", path, "/old", "/new/old", "-m", "moved")
    assert answer["snapshot"] == craton.log(path)[0]["id"]
    assert craton.log(path)[0]["message"] == "moved"
    craton.move(path, "top", "/new/old/top")
    session = _repository(path).readonly_session("main")
    group = zarr.open_group(session.store, mode="r")
    np.testing.assert_array_equal(group["new/old/t"][:], tree["/old/t"].values)
    np.testing.assert_array_equal(group["new/old/deep/u"][:], tree["/old/deep/u"].values)
    np.testing.assert_array_equal(group["new/old/top"][:], tree["/top"].values)
    assert "old" not in group and "top" not in group
    after = {file.name for file in (path / "chunks").iterdir()} if (path / "chunks").exists() else set()
    assert after == before
    assert craton.verify(path)["is_whole"]
    found = craton.diff(f"icechunk+{path}@{craton.log(path)[1]['id']}", f"icechunk+{path}@main")
    assert found["stored"] == {"moved": {"/new/old/top": "/top"}, "chunks": {}}


@pytest.mark.parametrize(
    "source, target, error, words",
    [
        ("/none", "/new/none", KeyError, "no array or group `/none`"),
        ("/old", "/new", RuntimeError, "there already"),
        ("/old", "/old/deep/old", ValueError, "lies in it"),
        ("/old", "/nowhere/old", KeyError, "no group `/nowhere`"),
        ("/old", "/top/old", ValueError, "is an array"),
        ("/", "/new/root", ValueError, "root"),
    ],
)
def test_what_cannot_be_moved(tmp_path, source, target, error, words):
    path = tmp_path / "results"
    _tree(path)
    with pytest.raises(error, match=words):
        craton.move(path, source, target)
    assert len(craton.log(path)) == 2


def test_version_1_has_no_form_for_it(tmp_path):
    storage = icechunk.local_filesystem_storage(str(tmp_path / "old"))
    repository = icechunk.Repository.create(storage, spec_version=1)
    session = repository.writable_session("main")
    xr.Dataset({"t": ("x", np.arange(4.0))}).to_zarr(session.store, zarr_format=3, consolidated=False)
    session.commit("old")
    with pytest.raises(NotImplementedError, match="version 1 of the format"):
        craton.move(tmp_path / "old", "t", "u")


def test_large_arrays_have_several_manifests(tmp_path):
    path = tmp_path / "results"
    # Chunks of nothing but fill values are not stored.
    values = (np.arange(300_000) % 250 + 1).astype("u1")
    dataset = xr.Dataset({"large.1": ("x", values), "small": ("y", values[:20])})
    craton.to_icechunk(dataset, path, chunks={"x": 1, "y": 1})
    repository = _repository(path)
    snapshot = repository.lookup_branch("main")
    counts = sorted(one.num_chunk_refs for one in repository.list_manifest_files(snapshot))
    # Of one array three, none of them above 131072.
    assert counts == [20, 300_000 - 2 * 131_072, 131_072, 131_072]
    rules = repr(repository.config.manifest.splitting)
    assert "131072" in rules and "small" not in rules
    np.testing.assert_array_equal(craton.open_dataset(path)["large.1"].compute(), values)
    # What is appended leaves the manifests before it as they are, whoever appends.
    before = {one.id for one in repository.list_manifest_files(snapshot)}
    craton.to_icechunk(dataset[["large.1"]].isel(x=slice(0, 10)), path, append_dim="x")
    session = _repository(path).writable_session("main")
    array = zarr.open_array(session.store, path="large.1")
    array.resize((300_020,))
    array[300_010:] = 7
    session.commit("by zarr")
    repository = _repository(path)
    after = {one.id: one.num_chunk_refs for one in repository.list_manifest_files(repository.lookup_branch("main"))}
    assert len(before & set(after)) == 3
    assert sorted(after.values()) == [20, 300_020 - 2 * 131_072, 131_072, 131_072]
    expected = np.concatenate([values, values[:10], np.full(10, 7, "u1")])
    np.testing.assert_array_equal(craton.open_dataset(path)["large.1"].compute(), expected)


def test_rules_of_others_are_kept(tmp_path):
    path = tmp_path / "results"
    splitting = icechunk.ManifestSplittingConfig.from_dict(
        {icechunk.ManifestSplitCondition.AnyArray(): {icechunk.ManifestSplitDimCondition.Any(): 100_000}}
    )
    config = icechunk.RepositoryConfig(manifest=icechunk.ManifestConfig(splitting=splitting))
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(path)), config)
    repository.save_config()
    craton.to_icechunk(xr.Dataset({"t": ("x", np.ones(150_000, "u1"))}), path, chunks={"x": 1})
    repository = _repository(path)
    counts = [one.num_chunk_refs for one in repository.list_manifest_files(repository.lookup_branch("main"))]
    assert sorted(counts) == [50_000, 100_000]
    assert repr(repository.config.manifest.splitting) == repr(splitting)


@pytest.mark.parametrize("place", ["folder", "bucket"])
@pytest.mark.parametrize("version", [1, 2])
def test_rules_change_nothing_else_of_the_configuration(tmp_path, place, version):
    server = S3Server()
    is_bucket = place == "bucket"
    path = "icechunk+s3://bucket/results" if is_bucket else str(tmp_path / "results")
    options = {"storage_options": server.options} if is_bucket else {}
    storage = bucket_storage(server, "results") if is_bucket else icechunk.local_filesystem_storage(path)
    theirs = icechunk.RepositoryConfig(get_partial_values_concurrency=7)
    theirs.storage = icechunk.StorageSettings(minimum_size_for_multipart_upload=123_456_789)
    repository = icechunk.Repository.create(storage, theirs, spec_version=version)
    repository.save_config()
    before = icechunk.Repository.fetch_config(storage)
    values = np.ones(150_000, "u1")
    craton.to_icechunk(xr.Dataset({"t": ("x", values)}), path, chunks={"x": 1}, **options)
    after = icechunk.Repository.fetch_config(storage)
    assert after.manifest.splitting is not None and "131072" in repr(after.manifest.splitting)
    assert repr(after.storage) == repr(before.storage) and "123456789" in repr(after.storage)
    assert after.get_partial_values_concurrency == 7
    np.testing.assert_array_equal(craton.open_dataset(path, **options).t.compute(), values)
    server.close()


def test_chunks_that_differ_are_counted(tmp_path):
    path = tmp_path / "results"
    values = np.arange(40.0).reshape(10, 4)
    dataset = xr.Dataset({"a": (("x", "y"), values), "b": (("x", "y"), -values), "c": ("z", np.arange(3))}, {"x": np.arange(10)})
    craton.to_icechunk(dataset, path, chunks={"x": 3})
    craton.tag(path, "before")
    part = xr.Dataset({"a": (("x", "y"), values[:3] * 2)})
    craton.to_icechunk(part, path, region={"x": slice(0, 3)})
    one, other = f"icechunk+{path}@before", f"icechunk+{path}@main"
    found = craton.diff(one, other)
    assert found["stored"]["chunks"] == {"/a": {"added": 0, "removed": 0, "changed": 1, "same": 3}}
    # Counts agree with what icechunk says of the same two.
    repository = _repository(path)
    theirs = repository.diff(from_tag="before", to_branch="main")
    assert {name: len(chunks) for name, chunks in theirs.updated_chunks.items()} == {"/a": 1}
    (group,) = found["groups"]
    assert [(one["variable"], one["count"]) for one in group["values"]] == [("a", 11)]
    assert sorted(group["compared"]) == ["a", "b", "c", "x"]
    assert "chunks of /a: 1 changed, 3 the same" in program("diff", one, other, code=1)
    # Of what is stored the same nothing is read: not even that a chunk is gone is seen.
    more = dataset.isel(x=slice(0, 2)).assign_coords(x=[10, 11])
    craton.to_icechunk(more[["a", "b"]], path, append_dim="x")
    counts = craton.diff(one, other)["stored"]["chunks"]
    assert counts["/a"] == {"added": 0, "removed": 0, "changed": 2, "same": 2}
    assert counts["/x"]["changed"] == 1
    # The other way round, and of versions neither of which comes before the other.
    craton.branch(f"icechunk+{path}@before", "side")
    craton.to_icechunk(part + 1, path, region={"x": slice(0, 3)}, branch="side")
    counts = craton.diff(f"icechunk+{path}@side", other)["stored"]["chunks"]
    assert counts["/a"]["changed"] == 2
    assert craton.diff(one, one)["equal"] is True
    assert craton.diff(one, one)["stored"] == {"moved": {}, "chunks": {}}


def test_files_are_compared_too(tmp_path):
    dataset = xr.Dataset({"a": ("x", [1.0, 2.0, np.nan])})
    dataset.to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
    (dataset + 1e-9).to_zarr(tmp_path / "b.zarr", zarr_format=3, consolidated=False)
    found = craton.diff(tmp_path / "a.zarr", tmp_path / "b.zarr")
    assert not found["equal"]
    assert found["groups"][0]["values"][0]["count"] == 2
    assert "stored" not in found
    assert craton.diff(tmp_path / "a.zarr", tmp_path / "b.zarr", atol=1e-6)["equal"]
