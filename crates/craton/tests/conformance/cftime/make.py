"""Writes the fixtures of CF time: what cftime and xarray answer.

Run with Python 3.12, cftime 1.6.6, numpy 2.5, pandas 3.1 and xarray 2026.9.0: python make.py
"""

import json
import random
import warnings
from pathlib import Path

import cftime
import numpy as np
from xarray.coding.times import decode_cf_datetime, decode_cf_timedelta, encode_cf_datetime

warnings.simplefilter("ignore")
HERE = Path(__file__).parent
CALENDARS = ["standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day"]
# The constructor would switch to a variant that has a year zero, which units never mean.
WITHOUT_YEAR_ZERO = ["standard", "julian"]
MICROSECONDS = {
    "microseconds": 1,
    "milliseconds": 10**3,
    "seconds": 10**6,
    "minutes": 60 * 10**6,
    "hours": 3600 * 10**6,
    "days": 86400 * 10**6,
}


def write(name, value):
    with open(HERE / name, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in value) + "\n]\n")


def numbers(array):
    """Integers as they are, doubles as the text that reads back exactly."""
    return [repr(value) if isinstance(value, float) else value for value in array.tolist()]


def some_dates(calendar, rng):
    """(year, month, day) that exist, around the edges and at random."""
    tries = [(1582, 10, day) for day in (1, 4, 15, 16, 31)]
    for year in (1, 4, 100, 400, 1500, 1582, 1600, 1700, 1899, 1900, 1969, 1970, 1999, 2000, 2001, 2004, 2100, 9999):
        tries += [(year, 1, 1), (year, 2, 28), (year, 2, 29), (year, 2, 30), (year, 3, 1), (year, 12, 30), (year, 12, 31)]
    tries += [(-1, 12, 31), (-4, 2, 29), (-4712, 1, 1), (-5, 2, 29), (-101, 3, 1), (0, 1, 1), (0, 2, 29)]
    tries += [(rng.randint(1, 9999), rng.randint(1, 12), rng.randint(1, 31)) for _ in range(150)]
    tries += [(rng.randint(-5000, -1), rng.randint(1, 12), rng.randint(1, 28)) for _ in range(20)]
    for parts in tries:
        if parts[0] == 0 and calendar in WITHOUT_YEAR_ZERO:
            continue
        try:
            cftime.datetime(*parts, calendar=calendar)
        except ValueError:
            continue
        yield parts


def dates():
    """calendar, [y, m, d, h, m, s, us], microseconds since 1970-01-01, dayofyear, dayofweek, days in month."""
    rng = random.Random(1)
    for calendar in CALENDARS:
        for year, month, day in some_dates(calendar, rng):
            time = rng.choice([(0, 0, 0, 0), (rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59), rng.randint(0, 999999))])
            date = cftime.datetime(year, month, day, *time, calendar=calendar)
            count = cftime.date2num(date, "microseconds since 1970-01-01", calendar)
            yield [calendar, [year, month, day, *time], int(count), date.dayofyr, date.dayofwk, date.daysinmonth]


def invalid():
    """calendar, year, month, day that cftime refuses or accepts."""
    rng = random.Random(2)
    for calendar in CALENDARS:
        for _ in range(60):
            parts = (rng.choice([0, -1, 4, 1582, 1900, 1999, 2000]), rng.randint(0, 13), rng.randint(27, 32))
            if rng.random() < 0.3:
                parts = (1582, 10, rng.randint(1, 20))
            if parts[0] == 0 and calendar in WITHOUT_YEAR_ZERO:
                continue
            try:
                cftime.datetime(*parts, calendar=calendar)
                yield [calendar, *parts, True]
            except ValueError:
                yield [calendar, *parts, False]


def answer(values, units, calendar, resolution):
    try:
        result = decode_cf_datetime(values.copy(), units, calendar, time_unit=resolution)
    except Exception:
        return None
    if result.dtype == object:
        counts = cftime.date2num(result, "microseconds since 1970-01-01", calendar)
        return ["cftime", [int(count) for count in counts]]
    return [np.datetime_data(result.dtype)[0], [int(count) for count in result.astype(np.int64)]]


def decoded():
    """values, units, calendar, resolution, [unit or cftime, counts] or null for an error."""
    rng = random.Random(3)
    references = ["2000-01-01", "1970-01-01 00:00:00", "1850-1-1", "1-1-1", "0001-01-01", "1582-10-15", "1582-10-04",
                  "1900-01-01T12:30:00Z", "2000-01-01 06:00:00 +02:00", "1992-10-08 15:15:42.5", "1678-01-01", "2262-01-01",
                  "2000-01-01 00:00:00.123456", "0000-01-01", "9999-12-31", "-0005-01-01", "12345-1-1", "2001-02-29"]
    units = list(MICROSECONDS) + ["day", "Hours", "hr", "secs", "d", "msec", "months", "common_years"]
    scale = {"hr": "hours", "secs": "seconds", "d": "days", "day": "days", "Hours": "hours", "msec": "milliseconds"}
    for _ in range(2500):
        calendar = rng.choice(CALENDARS + ["gregorian", "365_day", "standard", "standard", "proleptic_gregorian"])
        unit, reference = rng.choice(units), rng.choice(references)
        resolution = rng.choice(["ns", "ns", "ns", "us", "ms", "s"])
        length = MICROSECONDS[scale.get(unit, unit)] if unit not in ("months", "common_years") else 30 * 86400 * 10**6
        span = rng.choice([10**8, 10**11, 10**14, 10**15, 5 * 10**15, 10**16]) / length
        raw = [rng.uniform(-0.2, 1) * span for _ in range(rng.choice([1, 2, 4]))]
        kind = rng.choice(["int", "float", "quarter", "third"])
        if kind == "int":
            values = np.array([int(value) for value in raw])
        elif kind == "quarter":
            values = np.array([int(value) / 4 for value in raw])
        elif kind == "third":
            values = np.array([int(value) / 3 for value in raw])
        else:
            values = np.array(raw)
        full = f"{unit} since {reference}"
        yield [numbers(values), full, calendar, resolution, answer(values, full, calendar, resolution)]


def durations():
    """values, unit, resolution, [unit, counts] or null for an error."""
    rng = random.Random(4)
    for _ in range(400):
        unit = rng.choice([*MICROSECONDS, "nanoseconds"])
        values = [rng.choice([rng.randint(-1000, 10**6), rng.randint(-9, 99) / 8, rng.uniform(0, 3), rng.randint(0, 10**9)]) for _ in range(2)]
        if rng.random() < 0.2:
            values[0] = float("nan")
        array, resolution = np.array(values), rng.choice(["ns", "s", "ms", "us"])
        try:
            result = decode_cf_timedelta(array.copy(), unit, resolution)
            out = [np.datetime_data(result.dtype)[0], [int(count) for count in result.astype(np.int64)]]
        except Exception:
            out = None
        yield [numbers(array), unit, resolution, out]


def encoded():
    """counts, resolution, units, [int or float, numbers]."""
    rng = random.Random(5)
    for _ in range(400):
        resolution = rng.choice(["s", "ms", "us", "ns"])
        step = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[resolution]
        grain = rng.choice([1, 60, 3600, 86400, 1 / step])
        counts = [int(rng.randint(-10**4, 10**4) * grain * step) for _ in range(3)]
        # xarray 2026.9 divides by zero where the unit is finer than the resolution of the times.
        coarser = [unit for unit, length in MICROSECONDS.items() if length * step >= 10**6]
        units = f"{rng.choice(coarser)} since {rng.choice(['1970-01-01', '2000-01-01', '1900-01-01 12:00:00', '1850-01-01'])}"
        stored, written, _ = encode_cf_datetime(np.array(counts).astype(f"M8[{resolution}]"), units, "standard")
        assert written.split()[0] == units.split()[0], (written, units)
        yield [counts, resolution, units, [stored.dtype.kind, numbers(stored)]]


write("dates.json", dates())
write("valid.json", invalid())
write("decoded.json", decoded())
write("durations.json", durations())
write("encoded.json", encoded())
