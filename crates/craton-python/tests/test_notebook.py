"""What a notebook needs: a repr that tells the cost, progress that is seen, work beside an event loop and after fork."""

import asyncio
import os
import subprocess
import sys

import craton
import numpy
import pytest
from craton.progress import Progress, describe

xarray = pytest.importorskip("xarray")


@pytest.fixture
def stored(tmp_path):
    zarr = pytest.importorskip("zarr")
    group = zarr.create_group(tmp_path / "t.zarr")
    values = numpy.arange(40 * 6 * 8, dtype="f4").reshape(40, 6, 8)
    group.create_array("t", data=values, chunks=(10, 6, 8), dimension_names=("time", "y", "x"))
    return tmp_path / "t.zarr", values


def test_the_html_tells_plan_bytes_and_memory(stored):
    path, _ = stored
    lazy = (craton.open_dataset(path).t + 1).mean("time").data
    text = lazy._repr_html_()
    assert "6 × 8" in text
    assert "float32" in text
    assert "4 chunks, at most 7.7 kB decoded" in text
    assert "operations" in text
    # xarray's own HTML shows it too.
    assert "not computed" in craton.open_dataset(path)._repr_html_()


def test_the_html_of_what_cannot_be_done_says_so(tmp_path):
    zarr = pytest.importorskip("zarr")
    group = zarr.create_group(tmp_path / "fine.zarr")
    group.create_array("t", shape=(1 << 40,), chunks=(1,), dtype="f4", dimension_names=("x",))
    text = craton.open_dataset(tmp_path / "fine.zarr").t.data._repr_html_()
    assert "cannot be carried out" in text
    assert "too much for one plan" in text


def test_progress_in_words():
    line = describe(1, 4, 1_200_000_000, 0, 96_100_000, 20.0)
    assert line == "25 %, 1.2 GB read, 96.1 MB in memory at most, 01:00 left"
    assert describe(0, 0, 0, 5, 0, 1.0) == "0 %, 0 B read, 5 B written, 0 B in memory at most"


def test_progress_is_drawn_on_a_terminal_only(capsys):
    progress = Progress()
    progress.show(1, 2, 3, 0, 5, 6.0)
    progress.close()
    assert capsys.readouterr().err == ""


LONG = """
import _thread, signal, sys, threading, craton, numpy
signal.signal(signal.SIGINT, signal.default_int_handler)
lazy = numpy.sin(numpy.exp(craton.open_dataset(sys.argv[1]).t) + 0.5).std()
threading.Timer(2.5, _thread.interrupt_main).start()
try:
    lazy.compute()
except KeyboardInterrupt:
    pass
"""


def test_a_terminal_shows_a_line_that_is_removed_again(tmp_path):
    pty = pytest.importorskip("pty")
    zarr = pytest.importorskip("zarr")
    group = zarr.create_group(tmp_path / "large.zarr")
    group.create_array("t", shape=(1_000_000, 100_000), chunks=(1000, 1000), dtype="f4", dimension_names=("y", "x"))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", LONG, tmp_path / "large.zarr"]
    subprocess.run(command, stderr=theirs, check=True, timeout=60)
    os.close(theirs)
    seen = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "in memory at most" in seen
    assert seen.endswith("\r\x1b[2K")


def test_work_beside_a_running_event_loop(stored):
    path, values = stored

    async def work():
        beats = 0

        async def beat():
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(beat())
        inside = craton.open_dataset(path).t.sum().compute()
        elsewhere = await asyncio.to_thread(lambda: craton.open_dataset(path).t.mean().compute())
        task.cancel()
        return float(inside), float(elsewhere), beats

    total, mean, beats = asyncio.run(work())
    assert total == values.sum(dtype="f8")
    assert mean == pytest.approx(values.mean(dtype="f8"))
    assert beats > 0


FORK = """
import os, sys, craton
lazy = craton.open_dataset(sys.argv[1]).t.sum()
before = float(lazy.compute())
child = os.fork()
if child == 0:
    os._exit(0 if float(lazy.compute()) == before else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
assert float(lazy.compute()) == before
print("both")
"""


def test_parent_and_child_compute_after_a_fork(stored):
    path, _ = stored
    done = subprocess.run([sys.executable, "-c", FORK, path], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "both", done.stderr
