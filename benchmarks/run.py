"""Measure Craton, its peers and the floor in turn, and write the table of ratios.

    python3 run.py --setup            make the peers' environment in the user's cache folder, build the floor
    python3 run.py                    all workloads, 5 years, three rounds, into RESULTS.md
    python3 run.py --quick            one year, printed only
    python3 run.py --only mean --peers craton,xarray_dask

Needs no package itself, so that its own memory stays below that of what it measures.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile

import machine
import report
from measure import measure
from peers import cdo, craton, craton_python, floor, icechunk_crate, nco, zarrs_crate
from latency_server import Served
from workloads import COMMAND_PEERS, LATENCY, MEMORY_ROWS, PYTHON_PEERS, WORKLOADS

HERE = pathlib.Path(__file__).parent.resolve()
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "craton-bench"
PYTHON = CACHE / "venv" / "bin" / "python"
COMMANDS = {"floor": floor, "craton": craton, "craton_python": craton_python, "cdo": cdo, "nco": nco, "zarrs_crate": zarrs_crate, "icechunk_crate": icechunk_crate}
STEPS, QUICK_STEPS = 1826, 366


@dataclasses.dataclass
class Side:
    """One row of a table: who, with which options."""

    peer: str
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " ".join([self.peer, *self.options])


def setup() -> None:
    """The peers' environment, locked, and the floor's program."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", PYTHON.parent.parent], check=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
    for program in ("floor", "peers/zarrs", "peers/icechunk"):
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=HERE / program, check=True)
    print(f"peers' Python: {PYTHON}")


def python_facts(peer: str) -> dict:
    """What a Python peer says of itself: formats, workloads, version."""
    code = f"import json; from peers import {peer} as p; print(json.dumps([sorted(p.FORMATS), sorted(p.WORKLOADS), p.VERSION]))"
    done = subprocess.run([PYTHON, "-W", "ignore", "-c", code], cwd=HERE, capture_output=True, text=True)
    if done.returncode:
        return {"formats": [], "workloads": [], "version": "absent: " + last_line(done.stderr)}
    formats, workloads, version = json.loads(done.stdout.splitlines()[-1])
    return {"formats": formats, "workloads": workloads, "version": version}


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Paths of this machine are of no use to a reader.
    words = [word for word in (lines[-1] if lines else "no message").split() if "/" not in word]
    return " ".join(words)[:160]


def version_of(module) -> str:
    if not module.is_present():
        return "absent"
    if module.VERSION_COMMAND is None:
        return "present"
    done = subprocess.run(module.VERSION_COMMAND, capture_output=True, text=True)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "version" in line.lower() or "craton" in line]
    words = (lines or ["unknown"])[0].split()
    return next((word.strip("()") for word in words if word[:1].isdigit()), words[-1])


def command_of(side: Side, workload, form: str, store: str, out: str, facts) -> list[str] | None:
    """One process for one measurement, or nothing where the side cannot do it."""
    if side.peer in COMMANDS:
        module = COMMANDS[side.peer]
        if not module.is_present():
            return None
        extra = {"options": side.options} if side.peer == "craton" else {}
        commands = module.commands(workload.name, form, store, out, **extra)
        if not commands:
            return None
        if len(commands) == 1:
            return commands[0]
        return ["sh", "-c", " && ".join(shlex.join(command) for command in commands)]
    fact = facts[side.peer]
    families = ("many-variables", "groups-200")
    family = next((name for name in families if form.startswith(name)), form.removesuffix("-s3"))
    can = workload.name in fact["workloads"] and family in fact["formats"]
    if not can and not (workload.name == "start" and fact["formats"]):
        return None
    return [str(PYTHON), "-W", "ignore", "-m", "peers.harness", side.peer, workload.name, store, out]


def clean(out: str) -> None:
    for path in pathlib.Path(out).parent.glob(pathlib.Path(out).name + "*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def warm(store: str) -> None:
    """Reads every file once, so that all sides start from the page cache."""
    for path in pathlib.Path(store).rglob("*"):
        if path.is_file():
            with open(path, "rb", buffering=0) as file:
                while file.read(1 << 22):
                    pass


def error_of(workload, out: str, folder: pathlib.Path) -> str:
    command = [PYTHON, "-W", "ignore", HERE / "compare.py", out, folder / "truth", workload.truth]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else "no answer: " + last_line(done.stderr)


@contextlib.contextmanager
def stored(workload, form: str, folder: pathlib.Path):
    """Where a format lies: in its folder, or behind a server that answers late."""
    if not form.endswith("-s3"):
        yield str(folder / form)
        return
    with Served(folder, LATENCY[workload.name]) as served:
        os.environ["CRATON_BENCH_ENDPOINT"] = served.endpoint
        yield f"{served.url}/{form.removesuffix('-s3')}"


def one(side: Side, workload, form: str, folder: pathlib.Path, scratch: str, facts, is_first: bool) -> dict | None:
    """One measurement, its answer checked the first time."""
    out = f"{scratch}/answer"
    with stored(workload, form, folder) as store:
        command = command_of(side, workload, form, store, out, facts)
        if command is None:
            return None
        clean(out)
        result = measure(command, cwd=HERE)
    if result.get("error") is not None:
        result["error"] = last_line(result["error"])
    elif is_first and workload.truth and (side.peer != "floor" or workload.name in floor.HAS_ANSWER):
        result["difference"] = error_of(workload, out, folder)
    clean(out)
    return result


def sides(workload, chosen: list[str]) -> list[Side]:
    rows = [Side(peer) for peer in ["floor", "craton", "craton_python", *PYTHON_PEERS, *COMMAND_PEERS] if peer in chosen]
    if "craton" in chosen:
        rows += [Side("craton", ("--memory", size)) for size in MEMORY_ROWS.get(workload.name, ())]
    return rows


def run_workload(workload, form: str, arguments, folder: pathlib.Path, scratch: str, facts) -> dict:
    """All sides, one after another, as many rounds as asked: a slow minute of the machine hits all of them."""
    if (folder / form.removesuffix("-s3")).exists():
        warm(str(folder / form.removesuffix("-s3")))
    load_before = os.getloadavg()[0]
    rounds: dict[str, list[dict]] = {}
    for number in range(arguments.rounds):
        for side in sides(workload, arguments.peers):
            earlier = rounds.get(side.name, [])
            if number > 0 and (not earlier or "error" in earlier[-1]):
                continue
            result = one(side, workload, form, folder, scratch, facts, number == 0)
            if result is not None:
                rounds.setdefault(side.name, []).append(result)
                print(f"{workload.name} {form} round {number + 1} {side.name}: {describe(result)}", flush=True)
    return {
        "workload": workload.name,
        "form": form,
        "load": [load_before, os.getloadavg()[0]],
        "rounds": arguments.rounds,
        "sides": {name: summary(results) for name, results in rounds.items()},
    }


def describe(result: dict) -> str:
    if "error" in result:
        return f"fails: {result['error']}"
    return f"{result['seconds']:.2f} s of {result['wall']:.2f} s, CPU {result['cpu']:.2f} s, {result['peak_mib']:.0f} MiB"


def summary(results: list[dict]) -> dict:
    """Medians, and the spread of the seconds."""
    if "error" in results[-1]:
        return {"error": results[-1]["error"]}
    row = {key: statistics.median(r[key] for r in results) for key in ("seconds", "wall", "cpu", "own_cpu", "import", "peak_mib")}
    times = [r["seconds"] for r in results]
    row["spread"] = (max(times) - min(times)) / row["seconds"] if row["seconds"] else 0.0
    row["difference"] = results[0].get("difference")
    return row


def parse() -> argparse.Namespace:
    known = ["floor", "craton", "craton_python", *PYTHON_PEERS, *COMMAND_PEERS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setup", action="store_true", help="make the environment and build the floor, then stop")
    parser.add_argument("--quick", action="store_true", help="one year instead of five; printed, not written")
    parser.add_argument("--steps", type=int, help="days of data")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side")
    parser.add_argument("--only", help="workloads, comma separated; `mean/netcdf` names one format")
    parser.add_argument("--peers", default=",".join(known), help="sides, comma separated: " + ", ".join(known))
    parser.add_argument("--output", type=pathlib.Path, help="the table's file; RESULTS.md beside this one by default")
    arguments = parser.parse_args()
    arguments.peers = arguments.peers.split(",")
    if unknown := set(arguments.peers) - set(known):
        parser.error(f"unknown peers {sorted(unknown)}; there are: {', '.join(known)}")
    arguments.steps = arguments.steps or (QUICK_STEPS if arguments.quick else STEPS)
    if arguments.output is None and not arguments.quick:
        arguments.output = HERE / "RESULTS.md"
    return arguments


def chosen_workloads(only: str | None) -> list[tuple]:
    pairs = [(workload, form) for workload in WORKLOADS for form in workload.formats]
    if only is None:
        return pairs
    names = only.split(",")
    found = [(w, form) for w, form in pairs if w.name in names or f"{w.name}/{form}" in names]
    if not found:
        sys.exit(f"no workload is named `{only}`; there are: {', '.join(f'{w.name}/{form}' for w, form in pairs)}")
    return found


def data_of(pairs) -> list[str]:
    """The formats that these need, and the answers that they are compared with."""
    forms = {form.removesuffix("-s3") for _, form in pairs} - {"none"}
    if "icechunk" in forms:
        forms.add("zarr-v3-zstd")
    answers = ["truth"] if any(workload.truth for workload, _ in pairs) else []
    # A repository is made from the store, which so comes first.
    return [*sorted(forms, reverse=True), *answers]


def main() -> None:
    arguments = parse()
    if arguments.setup:
        setup()
        return
    if not PYTHON.exists():
        sys.exit("error: the peers' environment is not there\nhint: run with `--setup` first")
    pairs = chosen_workloads(arguments.only)
    root = pathlib.Path(os.environ.get("CRATON_BENCH_DATA", HERE / "data"))
    folder = root / f"{arguments.steps}-steps"
    make = [PYTHON, "-W", "ignore", HERE / "make_data.py", "--steps", str(arguments.steps), "--formats", ",".join(data_of(pairs))]
    subprocess.run(make, check=True, env={**os.environ, "CRATON_BENCH_DATA": str(root)})
    facts = {peer: python_facts(peer) for peer in PYTHON_PEERS if peer in arguments.peers}
    # Earlier workloads are kept, so that `--only` renews its own tables alone.
    kept = folder / "measurements.json"
    tables = json.loads(kept.read_text())["tables"] if kept.exists() else {}
    for workload, form in pairs:
        with tempfile.TemporaryDirectory(dir=root) as scratch:
            tables[f"{workload.name}/{form}"] = run_workload(workload, form, arguments, folder, scratch, facts)
        versions = {peer: fact["version"] for peer, fact in facts.items()}
        versions |= {name: version_of(module) for name, module in COMMANDS.items() if name in arguments.peers}
        results = {"machine": machine.facts(), "versions": versions, "steps": arguments.steps, "tables": tables}
        kept.write_text(json.dumps(results, indent=1))
        text = report.render(results, WORKLOADS)
        if arguments.output:
            arguments.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
