"""The engine's stores as zarr-python's: zarr's own suite, and what each kind of place gives."""

import asyncio
import itertools
import zipfile

import numpy as np
import pytest

zarr = pytest.importorskip("zarr")
pytest.importorskip("zarr.testing.store")

import craton.zarr  # noqa: E402
from craton.zarr import Store  # noqa: E402
from s3_server import S3Server  # noqa: E402
from zarr.core.buffer import cpu, default_buffer_prototype  # noqa: E402
from zarr.testing.store import StoreTests  # noqa: E402


# zarr's suite is of coroutines, which one loop runs here.
class _Suite(StoreTests):
    store_cls = Store
    buffer_cls = cpu.Buffer

    async def set(self, store, key, value):
        await self._other(store).set(key, value)

    async def get(self, store, key):
        return await self._other(store).get(key, default_buffer_prototype())

    def _other(self, store):
        """The same place, seen by somebody else."""
        return store.with_read_only(False)

    @pytest.fixture
    def open_kwargs(self, store_kwargs):
        return store_kwargs

    @pytest.fixture
    def store(self, open_kwargs):
        return asyncio.run(self.store_cls.open(**open_kwargs))

    @pytest.fixture
    def store_not_open(self, store_kwargs):
        return self.store_cls(**store_kwargs)

    def test_store_repr(self, store):
        assert repr(store) == f"craton.zarr.Store({str(store)!r})"
        assert "canary" not in repr(store)

    def test_store_supports_writes(self, store):
        assert store.supports_writes

    def test_store_supports_listing(self, store):
        assert store.supports_listing


def _run(coroutine):
    """A test that is a coroutine as a plain one, with the same arguments."""
    import functools

    @functools.wraps(coroutine)
    def plain(*arguments, **named):
        return asyncio.run(coroutine(*arguments, **named))

    return plain


for _name in dir(StoreTests):
    _test = getattr(StoreTests, _name)
    if _name.startswith("test_") and asyncio.iscoroutinefunction(_test):
        _plain = _run(_test)
        _plain.pytestmark = getattr(_test, "pytestmark", [])
        setattr(_Suite, _name, _plain)


class TestLocal(_Suite):
    """In a folder."""

    @pytest.fixture
    def store_kwargs(self, tmp_path):
        return {"url": tmp_path / "store"} if (tmp_path / "store").mkdir() is None else None

    def _other(self, store):
        return zarr.storage.LocalStore(store.url)


class TestMemory(_Suite):
    """In memory under a name."""

    names = itertools.count()

    @pytest.fixture
    def store_kwargs(self):
        return {"url": f"memory://{next(self.names)}"}


class TestS3(_Suite):
    """In a bucket."""

    @pytest.fixture
    def store_kwargs(self, bucket):
        return {"url": "s3://bucket/a/b", "storage_options": bucket.options}


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = S3Server()
    yield server
    server.close()


def _fill(store):
    root = zarr.create_group(store)
    values = np.arange(60 * 40, dtype="f4").reshape(60, 40)
    for name, more in {"plain": {"chunks": (7, 40)}, "sharded": {"chunks": (5, 10), "shards": (20, 40)}}.items():
        array = root.create_array(name, shape=values.shape, dtype="f4", **more)
        array[:] = values
    return values


def _check(store, values):
    root = zarr.open_group(store, mode="r")
    assert sorted(root.array_keys()) == ["plain", "sharded"]
    for path in ("craton.zarr.CodecPipeline", "zarr.core.codec_pipeline.BatchedCodecPipeline"):
        with zarr.config.set({"codec_pipeline.path": path}):
            for name in ("plain", "sharded"):
                array = zarr.open_array(store, path=name, mode="r")
                np.testing.assert_array_equal(array[:], values)
                np.testing.assert_array_equal(array[11:33, 5], values[11:33, 5])
                np.testing.assert_array_equal(array.vindex[[0, 59, 33], [2, 39, 0]], values[[0, 59, 33], [2, 39, 0]])


@pytest.mark.parametrize("pipeline", ["craton.zarr.CodecPipeline", "zarr.core.codec_pipeline.BatchedCodecPipeline"])
def test_arrays_are_written_and_read_in_every_place(pipeline, tmp_path, bucket):
    places = {
        "folder": Store(tmp_path / "new" / "a.zarr"),
        "file-url": Store((tmp_path / "b c.zarr").as_uri()),
        "memory": Store(f"memory://{tmp_path.name}-{pipeline}"),
        "s3": Store("s3://bucket/a.zarr", storage_options=bucket.options),
    }
    for store in places.values():
        with zarr.config.set({"codec_pipeline.path": pipeline}):
            values = _fill(store)
        _check(store, values)
        _check(store.with_read_only(True), values)
    _check(zarr.storage.LocalStore(tmp_path / "new" / "a.zarr"), values)


def test_a_part_of_a_shard_is_read_from_a_bucket_by_ranges(bucket):
    store = Store("s3://bucket/a.zarr", storage_options=bucket.options)
    values = _fill(store)
    array = zarr.open_array(store.with_read_only(True), path="sharded", mode="r")
    bucket.log.clear()
    with zarr.config.set({"codec_pipeline.path": "craton.zarr.CodecPipeline"}):
        array = zarr.open_array(store.with_read_only(True), path="sharded", mode="r")
        bucket.log.clear()
        np.testing.assert_array_equal(array[3, 4:8], values[3, 4:8])
    # The index, and the one inner chunk.
    assert [(method, status) for method, _, status in bucket.log] == [("GET", 206), ("GET", 206)]


def test_archives_web_servers_and_repositories_are_read(tmp_path, bucket):
    values = _fill(zarr.storage.LocalStore(tmp_path / "a.zarr"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in (tmp_path / "a.zarr").rglob("*"):
            if path.is_file():
                archive.write(path, path.relative_to(tmp_path / "a.zarr").as_posix())
    archive = Store(tmp_path / "a.zip")
    assert archive.read_only
    _check(archive, values)
    with pytest.raises(ValueError, match="can only be read"):
        Store(tmp_path / "a.zip", read_only=False)
    with pytest.raises(ValueError, match="read-only mode"):
        asyncio.run(archive.delete("zarr.json"))
    assert Store("https://user:canary@host/a.zarr").read_only
    assert "canary" not in repr(Store("https://user:canary@host/a.zarr"))


def test_repositories_are_read_at_a_version(tmp_path):
    icechunk = pytest.importorskip("icechunk")
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(tmp_path / "repo")))
    session = repository.writable_session("main")
    values = _fill(session.store)
    session.commit("first")
    store = Store(f"icechunk+{tmp_path / 'repo'}@main")
    assert store.read_only
    _check(store, values)


def test_nothing_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        zarr.open_group(Store(tmp_path / "nothing", read_only=True), mode="r")
    with pytest.raises(NotImplementedError, match="gopher"):
        Store("gopher://host/a")
