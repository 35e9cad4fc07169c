"""What `crash.py` interrupts: writes on known states, and how readers that are not Craton tell which state is there."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import icechunk
import numpy as np
import xarray as xr
import zarr
from program import craton as program

# Chunks of the arrays: the last ones in time are half full, so that what is appended changes chunks that are there.
CHUNKS = {"time": 4, "lat": 20, "lon": 15}
REGION = {"time": slice(2, 7), "lat": slice(5, 15)}


def _dataset(version: int, times: int = 10, first: int = 0) -> xr.Dataset:
    """All values, labels included, tell the version. They hardly compress, so chunks are objects of their own."""
    numbers = np.random.default_rng(version)
    shape = (times, 20, 30)
    start = np.datetime64(f"{2000 + version // 10}-01-01", "ns") + first * np.timedelta64(1, "h")
    return xr.Dataset(
        {
            "t2m": (("time", "lat", "lon"), 1000 * version + numbers.random(shape)),
            "tp": (("time", "lat", "lon"), 1000 * version + numbers.random(shape)),
            "count": (("time",), 100 * version + np.arange(times)),
        },
        {
            "time": start + np.arange(times) * np.timedelta64(1, "h"),
            "lat": np.arange(20.0) + 100 * (version // 10),
            "lon": np.arange(30.0) + 100 * (version // 10),
        },
        {"version": version // 10},
    )


def states() -> dict[str, xr.Dataset]:
    """What a store may hold, by name; nothing more is ever right."""
    first, more, other = _dataset(10), _dataset(11, 6, 10), _dataset(12)
    changed = first.copy(deep=True)
    for name in ("t2m", "tp"):
        changed[name][REGION] = other[name][REGION]
    longer = xr.concat([first, more], "time", data_vars="minimal", coords="minimal", compat="equals")
    return {"first": first, "second": _dataset(20), "longer": longer, "changed": changed, "empty": xr.Dataset()}


def inputs(folder: Path) -> dict[str, Path]:
    """Stores that the writes read, by name."""
    known = states()
    parts = {"first": known["first"], "second": known["second"], "more": _dataset(11, 6, 10)}
    parts["part"] = known["changed"][["t2m", "tp"]].isel(REGION)
    paths = {name: folder / f"{name}.zarr" for name in parts}
    for name, part in parts.items():
        program("eval", "ds", _plain(part, folder / f"{name}-plain.zarr"), "-o", paths[name], "--overwrite")
    return paths


def _plain(dataset: xr.Dataset, path: Path) -> Path:
    dataset.to_zarr(path, zarr_format=3, consolidated=False)
    return path


class Violation(AssertionError):
    """A reader saw what must never be."""


def name_of(dataset: xr.Dataset, known: dict[str, xr.Dataset]) -> str:
    """Which of the known states it is, to the last bit."""
    for name, state in known.items():
        has_all = set(dataset.variables) == set(state.variables) and dict(dataset.sizes) == dict(state.sizes)
        if has_all and dataset.equals(state) and dataset.attrs.get("version") == state.attrs.get("version"):
            return name
    versions = {name: sorted(set((array.values.ravel() // 1000).tolist())) for name, array in dataset.items()}
    raise Violation(f"no version that ever was: sizes {dict(dataset.sizes)}, values of {versions}")


def open_store(path: Path, is_consolidated: bool = True) -> xr.Dataset:
    return xr.open_zarr(path, consolidated=is_consolidated).load()


def open_file(path: Path) -> xr.Dataset:
    return xr.load_dataset(path, engine="netcdf4")


def open_snapshot(repository: icechunk.Repository, **version: str) -> xr.Dataset:
    """A branch or snapshot as icechunk, zarr and xarray read it."""
    store = repository.readonly_session(**version).store
    try:
        zarr.open_group(store, mode="r")
    except (FileNotFoundError, zarr.errors.GroupNotFoundError):
        return xr.Dataset()
    return xr.open_zarr(store, consolidated=False).load()


@dataclasses.dataclass(frozen=True)
class Work:
    """A command that is killed, on a place where `old` is; afterwards it is `old` or `new`."""

    name: str
    # "store", "file" or "repository".
    kind: str
    old: str | None
    new: str
    arguments: Callable[[str, dict[str, Path], dict[str, str]], list[str]]


def _eval(source: str, *options: str, output: str = "{}") -> Callable:
    def arguments(target: str, paths: dict[str, Path], _ids: dict[str, str]) -> list[str]:
        return ["eval", "ds", str(paths[source]), "-o", output.format(target), *options]

    return arguments


_REGION = ",".join(f"{name}={part.start}:{part.stop}" for name, part in REGION.items())
_CHUNKS = ["--chunks", ",".join(f"{name}={length}" for name, length in CHUNKS.items())]
_TO = "icechunk+{}"

WORKS = [
    Work("create a store", "store", None, "second", _eval("second", *_CHUNKS)),
    Work("overwrite a store", "store", "first", "second", _eval("second", "--overwrite", *_CHUNKS)),
    Work("append to a store", "store", "first", "longer", _eval("more", "--append-dim", "time")),
    Work("region of a store", "store", "first", "changed", _eval("part", "--region", _REGION)),
    Work("create a file", "file", None, "second", _eval("second")),
    Work("overwrite a file", "file", "first", "second", _eval("second", "--overwrite")),
    Work("make a repository", "repository", None, "second", _eval("second", "-m", "second", *_CHUNKS, output=_TO)),
    Work("commit", "repository", "first", "second", _eval("second", "-m", "second", *_CHUNKS, output=_TO)),
    Work("append", "repository", "first", "longer", _eval("more", "-m", "longer", "--append-dim", "time", output=_TO)),
    Work("region", "repository", "first", "changed", _eval("part", "-m", "changed", "--region", _REGION, output=_TO)),
    Work(
        "amend",
        "repository",
        "first",
        "changed",
        _eval("part", "-m", "changed", "--region", _REGION, "--amend", output=_TO),
    ),
    Work(
        "gc",
        "repository",
        "first",
        "first",
        lambda target, _paths, _ids: ["gc", target, "--expire-before", "0s", "--written-before", "0s", "--yes"],
    ),
    Work(
        "reset",
        "repository",
        "first",
        "second",
        lambda target, _paths, ids: ["reset", target, "main", ids["second"], "--yes"],
    ),
    Work("branch", "repository", "first", "first", lambda target, _paths, _ids: ["branch", target, "new"]),
    Work("tag", "repository", "first", "first", lambda target, _paths, _ids: ["tag", target, "new"]),
    Work(
        "copy in",
        "repository",
        "first",
        "second",
        lambda target, paths, _ids: ["copy", str(paths["second"]), f"icechunk+{target}", "-m", "second", *_CHUNKS],
    ),
]


def prepare_store(path: Path, paths: dict[str, Path]) -> None:
    program("eval", "ds", paths["first"], "-o", path, *_CHUNKS)


def prepare_file(path: Path, paths: dict[str, Path]) -> None:
    program("eval", "ds", paths["first"], "-o", path)


def prepare_repository(target: str, paths: dict[str, Path], options: list[str]) -> dict[str, str]:
    """A history of two states, and a branch that was given up: garbage. Gives the snapshots' ids by what they hold."""
    to = f"icechunk+{target}"
    program("eval", "ds", paths["second"], "-o", to, "-m", "second", *_CHUNKS, *options)
    program("branch", target, "side", *options)
    program("eval", "ds", paths["first"], "-o", f"{to}@side", "-m", "first", *_CHUNKS, *options)
    program("branch", target, "--delete", "side", *options)
    program("eval", "ds", paths["first"], "-o", to, "-m", "first", *_CHUNKS, *options)
    told = json.loads(program("log", target, "--json", *options))
    return {one["message"]: one["id"] for one in told}


def check_region_of_store(path: Path, known: dict[str, xr.Dataset]) -> str:
    """A store that was killed in the middle of a region: each chunk is old or new, and nothing else changed.

    Files of a folder cannot be replaced together, and `docs/zarr.md` says so.
    """
    old, new = known["first"], known["changed"]
    # The metadata of the root note the change, after all chunks.
    seen = open_store(path)
    sides = set()
    for name in old.variables:
        pieces = [(slice(None),)]
        if old[name].ndim == 3:
            steps = [range(0, length, step) for length, step in zip(old[name].shape, CHUNKS.values(), strict=True)]
            corners = itertools.product(*steps)
            pieces = [(slice(a, a + 4), slice(b, b + 20), slice(c, c + 15)) for a, b, c in corners]
        for piece in pieces:
            values = seen[name].values[piece]
            is_old, is_new = (np.array_equal(values, side[name].values[piece]) for side in (old, new))
            if not (is_old or is_new):
                raise Violation(f"a torn chunk of `{name}` at {piece}")
            if is_old != is_new:
                sides.add("first" if is_old else "changed")
    return sides.pop() if len(sides) == 1 else "some chunks"


def check_append_to_store(path: Path, known: dict[str, xr.Dataset]) -> str:
    """A store that was killed in the middle of an append: by its consolidated metadata it is old or new.

    Metadata of single arrays come before them, one by one, so readers that look only there may find some longer than
    others.
    """
    seen = name_of(open_store(path), known)
    group = zarr.open_group(path, mode="r", use_consolidated=False)
    for name, array in group.arrays():
        allowed = [known[state][name] for state in ("first", "longer")]
        values = array[:]
        if np.issubdtype(allowed[0].dtype, np.datetime64):
            continue
        if not any(values.shape == one.shape and np.array_equal(values, one.values) for one in allowed):
            raise Violation(f"`{name}` is neither as it was nor longer")
    return seen
