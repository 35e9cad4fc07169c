"""Data behind URLs: the same datasets as from files, with `storage_options`, and no secret in what goes wrong."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import craton
import numpy as np
import pytest

xr = pytest.importorskip("xarray")
pytest.importorskip("zarr")
pytest.importorskip("h5netcdf")

from s3_server import S3Server  # noqa: E402


class _Files(BaseHTTPRequestHandler):
    """Files under a folder, with ranges, for those who know the word."""

    protocol_version = "HTTP/1.1"
    folder: Path
    word = None

    def do_HEAD(self):
        self._answer(has_body=False)

    def do_GET(self):
        self._answer(has_body=True)

    def log_message(self, *_):
        pass

    def _answer(self, has_body):
        path = self.folder / self.path.split("?")[0].lstrip("/")
        status, body, headers = 404, b"not here", {}
        if self.word is not None and self.headers.get("X-Word") != self.word:
            status, body = 403, b"who are you"
        elif path.is_file():
            status, body = 200, path.read_bytes()
            headers["ETag"] = f'"{len(body)}"'
            asked = self.headers.get("Range")
            if asked is not None:
                first, last = asked.removeprefix("bytes=").split("-")
                size = len(body)
                start = int(first) if first else size - int(last)
                end = min(int(last) + 1, size) if first and last else size
                status, body = 206, body[start:end]
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if has_body:
            self.wfile.write(body)


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = type("Files", (_Files,), {"folder": tmp_path})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()


def _dataset():
    values = np.arange(60 * 5 * 4, dtype="float32").reshape(60, 5, 4)
    values[7, 2] = np.nan
    return xr.Dataset(
        {"t2m": (("time", "lat", "lon"), values, {"units": "K"})},
        {"time": np.datetime64("2001-01-01", "ns") + np.arange(60) * np.timedelta64(1, "D"), "lat": np.arange(5.0)},
    )


def test_a_store_and_a_file_behind_a_url_are_those_on_disk(served):
    folder, url, _ = served
    expected = _dataset()
    expected.to_zarr(folder / "a.zarr", consolidated=True)
    expected.to_netcdf(folder / "a.nc", engine="h5netcdf", encoding={"t2m": {"chunksizes": (7, 5, 4), "zlib": True}})
    for name in ("a.zarr", "a.nc"):
        remote = craton.open_dataset(f"{url}/{name}")
        xr.testing.assert_identical(remote.compute().drop_encoding(), expected)
        mean = craton.eval("ds.t2m.mean('time')", f"{url}/{name}")
        np.testing.assert_allclose(mean, expected.t2m.mean("time"), rtol=1e-6)


def test_options_are_sent_and_never_shown(served):
    folder, url, handler = served
    _dataset().to_zarr(folder / "a.zarr", consolidated=True)
    handler.word = "canary-word"
    options = {"headers": {"X-Word": "canary-word"}}
    with pytest.raises(PermissionError) as raised:
        craton.open_dataset(f"{url}/a.zarr")
    assert "tried" in str(raised.value)
    dataset = craton.open_dataset(f"{url}/a.zarr?sig=canary-sig", storage_options=options)
    assert float(dataset.t2m.max()) == 1199.0
    assert float(craton.eval("ds.t2m.max()", f"{url}/a.zarr", storage_options=options)) == 1199.0
    shown = [repr(dataset), str(dataset.encoding), *(str(variable.encoding) for variable in dataset.variables.values())]
    shown.append(craton.explain("ds.t2m.max()", f"{url}/a.zarr?sig=canary-sig", storage_options=options))
    handler.word = "another"
    with pytest.raises(PermissionError) as raised:
        dataset.t2m.mean().compute()
    shown.append(str(raised.value))
    assert not any("canary" in text for text in shown)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_makes_connections_of_its_own(served):
    folder, url, _ = served
    _dataset().to_zarr(folder / "a.zarr", consolidated=True)
    dataset = craton.open_dataset(f"{url}/a.zarr")
    expected = float(dataset.t2m.sum())
    child = os.fork()
    if child == 0:
        os._exit(0 if float(dataset.t2m.sum()) == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_pattern_names_the_objects_of_a_bucket(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    bucket = S3Server()
    expected = _dataset()
    for name, part in [("y1", expected.isel(time=slice(0, 25))), ("y2", expected.isel(time=slice(25, None)))]:
        part.to_netcdf(tmp_path / f"{name}.nc", engine="h5netcdf")
        bucket.objects[f"run/{name}/t.nc"] = (tmp_path / f"{name}.nc").read_bytes()
    bucket.objects["run/y1/other.txt"] = b"no data"
    pattern = "s3://bucket/run/*/*.nc"
    opened = craton.open_dataset(pattern, storage_options=bucket.options)
    xr.testing.assert_identical(opened.compute(), expected)
    mean = craton.eval("ds.t2m.mean()", pattern, storage_options=bucket.options)
    np.testing.assert_allclose(mean, expected.t2m.mean())
    with pytest.raises(KeyError, match="nothing is named"):
        craton.open_dataset("s3://bucket/run/*/*.grib", storage_options=bucket.options)
    bucket.close()
