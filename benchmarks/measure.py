"""One command as one process: wall time, CPU time and peak memory, seen from outside.

What a Python peer's harness or the floor reports of itself on its last line of output takes precedence.
"""

import json
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time

TIMEOUT = 900


def peak_kib_of(process_id: int) -> int:
    """The kernel's high-water mark of a live process and its children, 0 when it is gone."""
    try:
        with open(f"/proc/{process_id}/status") as status:
            own = next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0)
        with open(f"/proc/{process_id}/task/{process_id}/children") as children:
            return max([own, *(peak_kib_of(int(child)) for child in children.read().split())])
    except (OSError, ValueError):
        return 0


class Watch(threading.Thread):
    """Looks at the high-water mark a hundred times a second: it only rises, so little is missed."""

    def __init__(self, process_id: int):
        super().__init__(daemon=True)
        self.process_id, self.peak_kib, self.is_over = process_id, 0, threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(0.01):
            self.peak_kib = max(self.peak_kib, peak_kib_of(self.process_id))


def last_json(text: str) -> dict:
    try:
        found = json.loads(text.splitlines()[-1])
        return found if isinstance(found, dict) else {}
    except (IndexError, ValueError):
        return {}


def measure(command: list[str], cwd) -> dict:
    """`seconds` without imports, `wall` whole, `cpu` user and system, `own_cpu` without imports, `import`, `peak_mib`; or `error`."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=errors, start_new_session=True)
        watch = Watch(process.pid)
        watch.start()
        # The whole group: a chain of commands runs under a shell.
        killer = threading.Timer(TIMEOUT, os.killpg, (process.pid, signal.SIGKILL))
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        killer.cancel()
        watch.is_over.set()
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        output.seek(0)
        if process.returncode != 0:
            return {"error": errors.read() or f"exit code {process.returncode}"}
        said = last_json(output.read())
    # A child starts with its parent's mark, so the exact number counts only where it is above ours.
    own_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen_kib = usage.ru_maxrss if usage.ru_maxrss > own_kib else watch.peak_kib
    imports = said.get("import_seconds", 0.0)
    cpu = usage.ru_utime + usage.ru_stime
    return {
        "seconds": said.get("seconds", wall) if imports else wall,
        "wall": wall,
        "cpu": cpu,
        "own_cpu": said.get("own_cpu_seconds", cpu),
        "import": imports,
        "peak_mib": said.get("peak_kib", seen_kib) / 1024,
    }
