"""The hand-written reductions of readers that only read: numpy, one thread a core, float64 accumulators.

Takes `read(start, stop)`, which gives the float32 steps of one row of chunks, and the bounds of those rows. Skips no
missing values: whoever writes such a loop knows the data, and saves the test.
"""

import concurrent.futures
import datetime
import os
import threading

import numpy as np

CORES = len(os.sched_getaffinity(0))


def bounds(steps: int, length: int) -> list[tuple[int, int]]:
    return [(start, min(start + length, steps)) for start in range(0, steps, length)]


def months(time_values) -> np.ndarray:
    """Month numbers from 0 of days since 2001-01-01."""
    first = datetime.date(2001, 1, 1)
    return np.array([(first + datetime.timedelta(days=int(day))).month - 1 for day in time_values])


def for_each(rows, work) -> list:
    """`work(start, stop)` on every row by all cores; no more than one row a thread is in memory."""
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(lambda row: work(*row), rows))


class PerThread:
    """One accumulator a thread, so that no lock is held while adding."""

    def __init__(self, make):
        self.make, self.local, self.all, self.lock = make, threading.local(), [], threading.Lock()

    def get(self):
        if not hasattr(self.local, "value"):
            self.local.value = self.make()
            with self.lock:
                self.all.append(self.local.value)
        return self.local.value


def mean(read, rows):
    sums = PerThread(lambda: np.zeros((361, 720)))

    def work(start, stop):
        total = sums.get()
        for step in read(start, stop):
            np.add(total, step, out=total)

    for_each(rows, work)
    return sum(sums.all) / rows[-1][1]


def area(read, rows, lat):
    weights = np.cos(np.deg2rad(lat))

    def work(start, stop):
        return read(start, stop).sum(axis=2, dtype=np.float64) @ weights

    return np.concatenate(for_each(rows, work)) / (720 * weights.sum())


def climatology(read, rows, month):
    sums = PerThread(lambda: np.zeros((12, 361, 720)))

    def work(start, stop):
        total = sums.get()
        for number, step in zip(month[start:stop], read(start, stop), strict=True):
            np.add(total[number], step, out=total[number])

    for_each(rows, work)
    return sum(sums.all) / np.bincount(month, minlength=12)[:, None, None]


def anomaly_std(read, rows, month):
    """One pass: sums and squares about a first guess, from which the months' own means drop out afterwards."""
    guess = read(0, 1)[0]
    sums = PerThread(lambda: np.zeros((12, 361, 720)))
    squares = PerThread(lambda: np.zeros((361, 720)))

    def work(start, stop):
        total, square = sums.get(), squares.get()
        near = np.empty((361, 720))
        for number, step in zip(month[start:stop], read(start, stop), strict=True):
            np.subtract(step, guess, out=near)
            total[number] += near
            np.multiply(near, near, out=near)
            square += near

    for_each(rows, work)
    counts = np.bincount(month, minlength=12)[:, None, None]
    explained = (sum(sums.all) ** 2 / counts).sum(axis=0)
    return np.sqrt((sum(squares.all) - explained) / rows[-1][1])


def anomaly_write(read, rows, month, write):
    """Two passes: the months' means, then each step less its own; `write(start, stop, anomaly)` stores a row."""
    means = climatology(read, rows, month)
    narrow = means.astype(np.float32)

    def work(start, stop):
        block = read(start, stop)
        if not block.flags.writeable:
            block = block.copy()
        for number, step in zip(month[start:stop], block, strict=True):
            step -= narrow[number]
        write(start, stop, block)

    for_each(rows, work)
    return means
