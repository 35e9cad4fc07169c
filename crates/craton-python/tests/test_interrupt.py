"""Ctrl-C: the work stops, and Python goes on."""

import subprocess
import sys

import pytest

PROGRAM = """
import _thread, signal, sys, threading, time, craton, numpy
# Python has no handler of its own where the tests were started with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}
threading.Timer(1, _thread.interrupt_main).start()
start = time.monotonic()
try:
    {work}
    print("finished")
except KeyboardInterrupt:
    print("stopped" if time.monotonic() < start + 10 else "late")
"""

WAYS = {
    "an expression": ("", "craton.eval('np.sin(np.exp(ds.t) + 0.5).std()', sys.argv[1])"),
    "a lazy array": ("lazy = numpy.sin(numpy.exp(craton.open_dataset(sys.argv[1]).t) + 0.5).std()", "lazy.compute()"),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_interrupt_stops_the_work(tmp_path, way):
    zarr = pytest.importorskip("zarr")
    group = zarr.create_group(tmp_path / "large.zarr")
    # Nothing is stored, so the work is all computing, and would take minutes.
    group.create_array("t", shape=(1_000_000, 100_000), chunks=(1000, 1000), dtype="f4", dimension_names=("y", "x"))
    before, work = WAYS[way]
    command = [sys.executable, "-c", PROGRAM.format(before=before, work=work), tmp_path / "large.zarr"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "stopped"
