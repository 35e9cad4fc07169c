"""Craton's commands: the table to change when its command line does."""

import glob
import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = os.environ.get("CRATON", str(TARGET / "release" / "craton"))
VERSION_COMMAND = [PROGRAM, "--version"]

ANOMALY = 'ds.t2m.groupby("time.month") - ds.t2m.groupby("time.month").mean()'
EXPRESSIONS = {
    "mean": 'ds.t2m.mean("time")',
    "area": 'ds.t2m.weighted(np.cos(np.deg2rad(ds.lat))).mean(("lat", "lon"))',
    "anomaly-std": f'({ANOMALY}).std("time")',
    "anomaly-write": 'climatology = ds.t2m.groupby("time.month").mean()\n'
    'xr.Dataset({"climatology": climatology, "anomaly": (ds.t2m.groupby("time.month") - climatology).drop_vars("month")})',
    "rolling": "ds.t2m.rolling(time=30).mean()",
    "quantile": 'ds.t2m.quantile(0.9, "time")',
    "bilinear": 'ds.t2m.interp(lat=np.linspace(89.75, -89.75, 181), lon=np.arange(360.0)).astype("float32")',
    "rechunk": "ds.t2m",
    "remote-first": "ds.t2m.isel(time=0, lat=100, lon=200)",
    "point": "ds.t2m.isel(lat=100, lon=200)",
}
# How the output is laid out, where a workload is about that.
LAYOUTS = {"rechunk": ["--chunks", "time=-1,lat=19,lon=40"]}


def is_present() -> bool:
    return shutil.which(PROGRAM) is not None


def inputs(form: str, store: str) -> list[str]:
    """A store, or the files of a folder."""
    return sorted(glob.glob(f"{store}/*.nc")) if form.startswith(("netcdf", "large-map")) else [store]


def commands(workload: str, form: str, store: str, out: str, options=()) -> list[list[str]] | None:
    """The command of a workload; `options` go to `eval`."""
    if workload == "start":
        return [[PROGRAM, "--version"]]
    if store.startswith("s3://"):
        options = [*options, "--store", f"endpoint={os.environ['CRATON_BENCH_ENDPOINT']}", "--store", "anon=true"]
    if workload in ("info", "remote-info"):
        return [[PROGRAM, "info", store, *options]]
    if workload == "plot":
        return [[PROGRAM, "plot", "ds.t2m", *inputs(form, store), "-o", f"{out}.png"]]
    if workload == "open":
        return [[PROGRAM, "eval", "ds", *inputs(form, store)]]
    if workload == "commit":
        columns = {"million-chunks": 1, "native-chunks": 256}[form]
        layout = ["--chunks", f"y=1,x={columns}", "--codec", "none"]
        return [[PROGRAM, "copy", store, f"icechunk+{out}", *layout, "-m", "many chunks", *options]]
    if workload not in EXPRESSIONS:
        return None
    return [[PROGRAM, "eval", EXPRESSIONS[workload], *inputs(form, store), "-o", f"{out}.zarr", *LAYOUTS.get(workload, []), *options]]
