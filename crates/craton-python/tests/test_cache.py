"""What is kept of remote data on this machine: the requests that are saved, and several processes at once."""

import subprocess
import sys

import craton
import numpy as np
import pytest
from program import run_craton
from s3_server import S3Server

xr = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr")


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = S3Server()
    yield server
    server.close()


def _fill(bucket, values):
    store = craton_store(bucket)
    array = zarr.create_array(store, name="t", shape=values.shape, dtype="f4", chunks=(5, 40), dimension_names=["y", "x"])
    array[:] = values


def craton_store(bucket):
    import craton.zarr

    return craton.zarr.Store("s3://bucket/a.zarr", storage_options=bucket.options)


def _bodies(bucket):
    """How many chunks came with their bytes, and how many were only asked about."""
    chunks = [status for method, key, status in bucket.log if method == "GET" and "/c/" in key]
    return chunks.count(200), chunks.count(304)


VALUES = np.arange(60 * 40, dtype="f4").reshape(60, 40)


def test_chunks_are_fetched_once(bucket, tmp_path):
    _fill(bucket, VALUES)
    options = {**bucket.options, "cache": str(tmp_path / "cache")}
    for expected in ((12, 0), (0, 12)):
        bucket.log.clear()
        total = craton.eval("ds.t.sum()", "s3://bucket/a.zarr", storage_options=options)
        assert float(total) == VALUES.sum()
        assert _bodies(bucket) == expected
    # A chunk that is another one now is noticed.
    array = zarr.open_array(craton_store(bucket), path="t")
    array[7] = 0
    bucket.log.clear()
    total = craton.eval("ds.t.sum()", "s3://bucket/a.zarr", storage_options=options)
    assert float(total) == VALUES.sum() - VALUES[7].sum()
    assert _bodies(bucket) == (1, 11)


def test_nothing_is_kept_unless_asked_for(bucket, tmp_path, monkeypatch):
    _fill(bucket, VALUES)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        bucket.log.clear()
        craton.eval("ds.t.sum()", "s3://bucket/a.zarr", storage_options=bucket.options)
        assert _bodies(bucket) == (12, 0)
    assert list(tmp_path.iterdir()) == []


def test_the_environment_names_a_cache_too(bucket, tmp_path, monkeypatch):
    _fill(bucket, VALUES)
    monkeypatch.setenv("CRATON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CRATON_CACHE_SIZE", "1MB")
    for expected in ((12, 0), (0, 12)):
        bucket.log.clear()
        craton.eval("ds.t.sum()", "s3://bucket/a.zarr", storage_options=bucket.options)
        assert _bodies(bucket) == expected


def test_a_small_cache_stays_small_and_answers_stay_right(bucket, tmp_path):
    values = np.random.default_rng(0).normal(size=(60, 4000)).astype("f4")
    store = craton_store(bucket)
    array = zarr.create_array(store, name="t", shape=values.shape, dtype="f4", chunks=(1, 4000), dimension_names=["y", "x"])
    array[:] = values
    folder = tmp_path / "cache"
    options = {**bucket.options, "cache": str(folder), "cache_size": "200kB"}
    for _ in range(3):
        dataset = craton.open_dataset("s3://bucket/a.zarr", storage_options=options)
        np.testing.assert_array_equal(dataset.t.values, values)
        held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        assert 0 < held <= 200_000


def test_processes_share_a_cache_while_both_write_it(bucket, tmp_path):
    values = np.random.default_rng(1).normal(size=(120, 4000)).astype("f4")
    store = craton_store(bucket)
    array = zarr.create_array(store, name="t", shape=values.shape, dtype="f4", chunks=(1, 4000), dimension_names=["y", "x"])
    array[:] = values
    folder = tmp_path / "cache"
    # Too small for all chunks, so that entries are removed while others read them.
    options = {**bucket.options, "cache": str(folder), "cache_size": "800kB"}
    work = (
        "import craton, numpy, sys\n"
        f"options = {options!r}\n"
        "for _ in range(4):\n"
        "    dataset = craton.open_dataset('s3://bucket/a.zarr', storage_options=options)\n"
        "    print(float(dataset.t.astype('f8').sum()))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", work], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    expected = [f"{values.astype('f8').sum():.6f}"] * 4
    for process in processes:
        out, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        assert [f"{float(line):.6f}" for line in out.split()] == expected
    assert not list(folder.rglob("*.part"))


def test_the_command_tells_what_the_cache_did(bucket, tmp_path):
    _fill(bucket, VALUES)
    options = [f"--store={name}={value}" for name, value in bucket.options.items()]

    def run():
        arguments = ["eval", "ds.t.sum()", "s3://bucket/a.zarr", *options, "--explain", "--cache", tmp_path / "cache"]
        answer = run_craton(*arguments, "--cache-size", "10MB")
        assert answer.returncode == 0, answer.stderr
        return answer.stderr

    # Metadata are read besides the chunks.
    assert "the cache gave 0 reads with 0 bytes," in run()
    assert ", 0 with 0 bytes were fetched" in run()
