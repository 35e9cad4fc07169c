"""Runs one workload of one Python peer in this process: `python -m peers.harness PEER WORKLOAD STORE OUT`.

Gives a line of JSON on the last line of stdout: the seconds that importing took, the workload's own, and the
largest resident memory. The answer is saved to `OUT.npy` after the clock has stopped.
"""

import sys
import time

started = time.perf_counter()


def peak_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def main() -> None:
    import importlib
    import json

    peer, workload, store, out = sys.argv[1:]
    module = importlib.import_module(f"peers.{peer}")
    name = workload.replace("-", "_")
    # What must be there before the clock starts, such as the values to be written.
    prepare = getattr(module, f"prepare_{name}", None)
    prepared = [] if prepare is None else [prepare(store)]
    imported, cpu_imported = time.perf_counter(), time.process_time()
    answer = None
    if workload != "start":
        answer = getattr(module, name)(store, out, *prepared)
    done, cpu_done = time.perf_counter(), time.process_time()
    report = {
        "import_seconds": imported - started,
        "seconds": done - imported,
        "own_cpu_seconds": cpu_done - cpu_imported,
        "peak_kib": peak_kib(),
        "version": module.VERSION,
    }
    if answer is not None:
        import numpy

        # Of a whole array the place that is compared is enough.
        numpy.save(f"{out}.npy", answer[:, 100:101, 200:201] if workload == "read" else answer)
    print(json.dumps(report))


# The workers of a peer that starts processes import this module too.
if __name__ == "__main__":
    main()
