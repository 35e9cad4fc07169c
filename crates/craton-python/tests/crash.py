"""Kills Craton at random moments of its writes, and looks at what is there then.

    python crash.py --moments 200 --place folder
    python crash.py --moments 200 --place s3 --committers 3 --seed 7

Half of the moments are drawn over the time that a write takes undisturbed; the other half over what it does: its
changes of files, with writes torn in the middle, or its requests, with and without the server acting on them. Then
readers that are not Craton must see the old state or the new one, all of the history must be readable, the next write
must work, and garbage collection must leave as many objects as it leaves where nobody was killed. Other processes may
commit meanwhile to another branch: nothing that they were told is committed may be lost.

`CRATON` names the program, else the one on the path is taken. Ends with 1 at the first violation.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import craton
import crash_works as works
import icechunk
import numpy as np
import program
import xarray as xr
from crash_works import WORKS, Violation, Work
from file_events import FileEvents
from s3_server import S3Server

# Nothing of this takes nearly as long.
LONGEST = 60


def _program() -> str:
    folders = os.pathsep.join([program.SCRIPTS, os.environ["PATH"]])
    found = os.environ.get("CRATON") or shutil.which("craton", path=folders)
    if found is None:
        raise SystemExit("there is no program `craton`")
    return found


class Place:
    """Where outputs lie: one of each kind, put back as it was before each moment."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.server = S3Server() if name == "s3" else None
        self.options = self.server.command_options if self.server else []
        self.here = folder / "here"
        self.kept = folder / "kept"
        self.known = works.states()
        self.events = FileEvents(folder) if name == "folder" and FileEvents.can_be_built() else None
        self.paths = works.inputs(folder)
        self.here.mkdir()
        if not self.server:
            works.prepare_store(self.here / "out.zarr", self.paths)
            works.prepare_file(self.here / "out.nc", self.paths)
        self.ids = works.prepare_repository(self.repository, self.paths, self.options)
        shutil.copytree(self.here, self.kept)
        self.stored = self.server.copy_of() if self.server else None

    @property
    def repository(self) -> str:
        return "s3://bucket/deep/results" if self.server else str(self.here / "results")

    def target(self, work: Work) -> str:
        names = {"store": "out.zarr", "file": "out.nc"}
        return str(self.here / names[work.kind]) if work.kind in names else self.repository

    def put_back(self, work: Work) -> None:
        if self.server:
            self.server.put_back(({}, {}, {}) if work.old is None else self.stored)
            return
        shutil.rmtree(self.here)
        self.here.mkdir()
        names = {"store": "out.zarr", "file": "out.nc", "repository": "results"}
        if work.old is not None:
            kept, name = self.kept / names[work.kind], names[work.kind]
            (shutil.copytree if kept.is_dir() else shutil.copy2)(kept, self.here / name)

    def opened(self) -> icechunk.Repository:
        """The repository, by icechunk."""
        if not self.server:
            return icechunk.Repository.open(icechunk.local_filesystem_storage(self.repository))
        return icechunk.Repository.open(bucket_storage(self.server, "deep/results"))

    def objects(self) -> dict[str, int]:
        """How many objects of each kind the repository has; old lists of versions, which are kept, aside."""
        if self.server:
            names = [key.removeprefix("deep/results/") for key in self.server.copy_of()[0]]
        else:
            root = Path(self.repository)
            names = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
        kinds = collections.Counter(name.split("/")[0] for name in names if not name.startswith("overwritten/"))
        kinds.pop(".craton.lock", None)
        return dict(kinds)

    def close(self) -> None:
        if self.server:
            self.server.close()


def bucket_storage(server: S3Server, prefix: str) -> icechunk.Storage:
    """How icechunk reaches what lies in the bucket."""
    return icechunk.s3_storage(
        bucket="bucket",
        prefix=prefix,
        endpoint_url=server.options["endpoint_url"],
        access_key_id="k",
        secret_access_key="s",
        region="us-east-1",
        allow_http=True,
        force_path_style=True,
    )


class Crash:
    """Moments at one place."""

    def __init__(self, place: Place, seed: int, committers: int) -> None:
        self.place, self.random, self.committers = place, random.Random(seed), committers
        self.program = _program()
        # How long each work takes, how many events it has, and how many objects are left after it or without it.
        self.seconds: dict[str, float] = {}
        self.counted: dict[str, int] = {}
        self.left: dict[tuple[str, str], dict[str, int]] = {}
        # For each work, what was found how often.
        self.found: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)

    def works(self) -> list[Work]:
        """Those that this place has."""
        return [work for work in WORKS if work.kind == "repository" or not self.place.server]

    def command(self, work: Work) -> list[str]:
        arguments = work.arguments(self.place.target(work), self.place.paths, self.place.ids)
        if work.name == "gc" and self.committers:
            # What is written right now must stay, and what others have in their history too.
            arguments = ["gc", self.place.repository, "--yes"]
        return [self.program, *arguments, *(self.place.options if work.kind == "repository" else [])]

    def run(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        """A command that must work."""
        answer = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, env=environment, check=False)
        if answer.returncode != 0:
            raise Violation(f"{' '.join(command[1:4])} … fails: {answer.stdout}{answer.stderr}")

    def measure(self, work: Work) -> None:
        """Does it undisturbed, and not at all: how long it takes, and what is left in the end."""
        times = []
        for _ in range(2):
            self.place.put_back(work)
            before = len(self.place.server.log) if self.place.server else 0
            begun = time.perf_counter()
            self.run(self.command(work), self.place.events.environment() if self.place.events else None)
            times.append(time.perf_counter() - begun)
        self.seconds[work.name] = min(times)
        if self.place.events:
            self.counted[work.name] = self.place.events.counted()[0]
        elif self.place.server:
            self.counted[work.name] = len(self.place.server.log) - before
        if work.kind != "repository":
            return
        for outcome in ("new", "old"):
            if outcome == "old":
                self.place.put_back(work)
            self.check_repository(work)
            self.left[work.name, outcome] = self.place.objects()

    def kill(self, work: Work, at: int | None = None) -> str:
        """Runs it and kills it at some moment, or at this event; says at which."""
        count = self.counted.get(work.name, 0)
        command = self.command(work)
        if not count or (at is None and self.random.random() < 0.5):
            after = self.random.uniform(0, 1.05 * self.seconds[work.name])
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(after)
            process.send_signal(signal.SIGKILL)
            process.wait()
            return f"after {1000 * after:.1f} ms of {1000 * self.seconds[work.name]:.0f}"
        at = at or self.random.randint(1, count)
        if self.place.events:
            environment = self.place.events.environment(stop_at=at)
            subprocess.run(command, capture_output=True, timeout=LONGEST, env=environment, check=False)
            return f"at event {at} of {count}"
        fault = self.random.choice(["reset", "lost"])
        self.kill_at_request(command, at, fault)
        return f"at request {at} of {count}, {'ignored' if fault == 'reset' else 'done'}"

    def kill_at_request(self, command: list[str], at: int, fault: str) -> None:
        requests, running = [], threading.Event()

        def meet(method: str, key: str) -> str | None:
            running.wait(LONGEST)
            requests.append((method, key))
            if len(requests) != at:
                return None
            process.send_signal(signal.SIGKILL)
            return fault

        self.place.server.fault = meet
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.set()
        process.wait(LONGEST)
        # Requests that had arrived are served to their end, as they are by a service that is far away.
        time.sleep(0.05)
        self.place.server.fault = lambda _method, _key: None

    def moment(self, work: Work, event: int | None = None) -> None:
        """One kill, and all that is looked at afterwards."""
        self.place.put_back(work)
        others = Committers(self) if self.committers and work.kind == "repository" and work.old else None
        at = "before anything"
        try:
            at = self.kill(work, event)
            if others:
                others.stop()
            found = self.look(work)
        except (Violation, subprocess.TimeoutExpired) as cause:
            raise Violation(f"{self.place.name}, {work.name}, killed {at}: {cause}") from None
        except Exception as cause:
            raise Violation(f"{self.place.name}, {work.name}, killed {at}: {type(cause).__name__}: {cause}") from cause
        self.found[work.name][found] += 1

    def look(self, work: Work) -> str:
        if work.kind == "repository":
            return self.look_at_repository(work)
        path = Path(self.place.target(work))
        if not path.exists():
            if work.old is not None:
                raise Violation(f"nothing is at `{path.name}` any more")
            seen = None
        elif work.kind == "file":
            seen = works.name_of(works.open_file(path), self.place.known)
            self.same(seen, works.name_of(craton.open_dataset(path).load(), self.place.known))
        elif work.name.startswith("region"):
            seen = works.check_region_of_store(path, self.place.known)
        else:
            check = works.check_append_to_store if work.name.startswith("append") else _state_of_store
            seen = check(path, self.place.known)
            self.same(seen, works.name_of(craton.open_dataset(path).load(), self.place.known))
        if seen not in (work.old, work.new, "some chunks"):
            raise Violation(f"{seen} is there")
        self.again(work, seen)
        return _outcome(work, seen)

    def again(self, work: Work, seen: str | None) -> None:
        """The next write works, and leaves nothing beside what it writes."""
        path = Path(self.place.target(work))
        command = self.command(work)
        if seen == work.new and not work.name.startswith("region"):
            second = next(one for one in WORKS if one.kind == work.kind and one.name.startswith("overwrite"))
            work, command = second, self.command(second)
        self.run(command)
        opened = works.open_file(path) if work.kind == "file" else works.open_store(path)
        self.same(work.new, works.name_of(opened, self.place.known))
        if work.kind == "store":
            self.same(work.new, works.name_of(works.open_store(path, is_consolidated=False), self.place.known))
        left = sorted(one.name for one in path.parent.iterdir() if one != path)
        if left:
            raise Violation(f"the next write leaves {left}")

    def look_at_repository(self, work: Work) -> str:
        seen = None
        if self.place.objects().get("repo"):
            repository = self.place.opened()
            seen = works.name_of(works.open_snapshot(repository, branch="main"), self.place.known)
            url = f"icechunk+{self.place.repository}"
            options = self.place.server.options if self.place.server else {}
            if seen != "empty":
                read = craton.open_dataset(url, storage_options=options).load()
                self.same(seen, works.name_of(read, self.place.known))
        if seen not in (work.old, work.new) and not (work.old is None and seen == "empty"):
            raise Violation(f"{seen} is there")
        names = "" if seen is None else " ".join([*repository.list_branches(), *repository.list_tags()])
        self.check_repository(work)
        left = self.place.objects()
        allowed = [self.left[work.name, outcome] for outcome in ("old", "new")]
        if left not in allowed and not self.committers:
            raise Violation(f"{left} are left after collecting garbage, where it is one of {allowed} undisturbed")
        if work.name in ("branch", "tag"):
            return "new" if "new" in names else "old"
        if work.name == "gc":
            return "new" if left == allowed[1] else "old"
        return _outcome(work, seen)

    def check_repository(self, work: Work) -> None:
        """The next commit works, and so does garbage collection; then all of the history is what it says."""
        target, to = self.place.repository, f"icechunk+{self.place.repository}"
        commit = [self.program, "eval", "ds", str(self.place.paths["second"]), "-o", to, "-m", "second", "--chunks"]
        self.run([*commit, "time=4,lat=20,lon=15", *self.place.options])
        branch = works.open_snapshot(self.place.opened(), branch="main")
        self.same("second", works.name_of(branch, self.place.known))
        collect = [self.program, "gc", target, "--written-before", "0s", "--json", *self.place.options]
        self.run([*collect, "--yes"])
        told = json.loads(subprocess.run(collect, capture_output=True, text=True, timeout=LONGEST, check=True).stdout)
        if any(told[kind] for kind in ("snapshots", "manifests", "chunks", "transaction_logs")):
            raise Violation(f"garbage is left after collecting it: {told}")
        self.check_history()
        self.run([self.program, "verify", to, *self.place.options])

    def check_history(self) -> None:
        repository = self.place.opened()
        for one in repository.ancestry(branch="main"):
            state = works.name_of(works.open_snapshot(repository, snapshot_id=one.id), self.place.known)
            self.same("empty" if one.parent_id is None else one.message, state)

    def same(self, wanted: str | None, seen: str | None) -> None:
        if wanted != seen:
            raise Violation(f"{seen} is seen where it should be {wanted}")

    def all(self, moments: int) -> None:
        """So many moments, of all works in turn."""
        here = self.works()
        for number in range(moments):
            work = here[number % len(here)]
            if work.name not in self.seconds:
                self.measure(work)
            self.moment(work)

    def table(self) -> str:
        """What was done and found."""
        lines = ["| write | moments | old | new | in between | takes | events |", "|---|---|---|---|---|---|---|"]
        for name, found in self.found.items():
            counts = " | ".join(str(found[outcome]) for outcome in ("old", "new", "between"))
            seconds, events = 1000 * self.seconds[name], self.counted.get(name, "–")
            lines.append(f"| {name} | {found.total()} | {counts} | {seconds:.0f} ms | {events} |")
        return "\n".join(lines)


def _state_of_store(path: Path, known: dict[str, xr.Dataset]) -> str:
    seen = works.name_of(works.open_store(path), known)
    single = works.name_of(works.open_store(path, is_consolidated=False), known)
    if seen != single:
        raise Violation(f"{seen} by consolidated metadata, {single} by those of the arrays")
    return seen


def _outcome(work: Work, seen: str | None) -> str:
    if seen == work.new:
        return "new"
    return "old" if seen == work.old else "between"


class Committers:
    """Processes that commit one after the other, each to its row of an array on another branch."""

    def __init__(self, crash: Crash) -> None:
        self.crash, place = crash, crash.place
        self.is_over = threading.Event()
        rows = place.folder / "rows.zarr"
        if not rows.exists():
            rows_of = xr.Dataset({"rows": (("row", "x"), np.zeros((crash.committers, 50)))})
            rows_of.to_zarr(rows, zarr_format=3, consolidated=False)
        crash.run([crash.program, "branch", place.repository, "rows", *place.options])
        to = f"icechunk+{place.repository}@rows"
        begin = ["eval", "ds", str(rows), "-o", to, "-m", "begin", "--chunks", "row=1", *place.options]
        crash.run([crash.program, *begin])
        self.committed = [0] * crash.committers
        self.failed: list[str] = []
        self.threads = [threading.Thread(target=self.commit, args=(to, rows, row)) for row in range(crash.committers)]
        for thread in self.threads:
            thread.start()

    def commit(self, to: str, rows: Path, row: int) -> None:
        while not self.is_over.is_set() or not self.committed[row]:
            value = self.committed[row] + 1
            expression = f"ds.isel(row=slice({row}, {row + 1})) + {value}"
            command = [self.crash.program, "eval", expression, str(rows), "-o", to, "--region", f"row={row}:{row + 1}"]
            command += ["-m", f"{row}: {value}", *self.crash.place.options]
            answer = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
            if answer.returncode != 0:
                self.failed.append(answer.stderr)
                return
            self.committed[row] = value

    def stop(self) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        if self.failed:
            raise Violation(f"a commit of another process fails: {self.failed[0]}")
        repository = self.crash.place.opened()
        rows = xr.open_zarr(repository.readonly_session("rows").store, consolidated=False).rows.values
        messages = [one.message for one in repository.ancestry(branch="rows")]
        for row, value in enumerate(self.committed):
            if not (rows[row] == value).all():
                raise Violation(f"row {row} is {rows[row, 0]}, and {value} was committed")
            if [one for one in messages if one.startswith(f"{row}: ")] != [f"{row}: {v}" for v in range(value, 0, -1)]:
                raise Violation(f"the history of row {row} lacks a commit")


def crash_at(place_name: str, folder: Path, moments: int, seed: int, committers: int = 0, only: str = "") -> Crash:
    """So many moments at a place; what was found there."""
    warnings.simplefilter("ignore")
    icechunk.set_logs_filter("error")
    place = Place(folder, place_name)
    try:
        crash = Crash(place, seed, committers)
        if only:
            crash.works = lambda: [work for work in WORKS if work.name in only.split(",")]
        crash.all(moments)
        return crash
    finally:
        place.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--place", choices=["folder", "s3"], default="folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--committers", type=int, default=0, help="processes that commit meanwhile")
    parser.add_argument("--only", default="", help="names of writes, with commas between them")
    options = parser.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = crash_at(
                options.place, Path(folder), options.moments, options.seed, options.committers, options.only
            )
        except Violation as violation:
            print(f"violation: {violation}", file=sys.stderr)
            return 1
    print(found.table())
    print(f"\n{options.moments} moments, seed {options.seed}, {time.perf_counter() - begun:.0f} s: no violation")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
